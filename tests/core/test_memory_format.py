"""Memory formats against PyTorch: the strides of what is made, the values of what is computed, the kinds of errors."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import hotplug as hp
from hotplug import nn

SHAPES = [
    (2, 3, 4, 5),
    (1, 3, 4, 5),
    (2, 1, 4, 5),
    (2, 3, 1, 1),
    (1, 1, 1, 1),
    (2, 3, 1, 5),
    (2, 0, 4, 5),
    (0, 3, 4, 5),
    (2, 3, 4, 0),
]
FORMATS = ["contiguous_format", "channels_last"]


def both(shape: tuple[int, ...], format: str = "contiguous_format", dtype: str = "float32") -> tuple[Any, Any]:
    """The same values in both libraries, in one memory format."""
    values = np.arange(np.prod(shape), dtype=dtype).reshape(shape) / 7
    ours, theirs = hp.tensor(values), torch.tensor(values)
    return (
        ours.contiguous(memory_format=getattr(hp, format)),
        theirs.contiguous(memory_format=getattr(torch, format)),
    )


def same(ours: Any, theirs: Any) -> None:
    """Equal shapes, strides and values."""
    assert tuple(ours.shape) == tuple(theirs.shape)
    if ours.numel():  # PyTorch's strides of nothing differ from one conversion to another
        assert ours.stride() == theirs.stride()
    np.testing.assert_array_equal(ours.detach().numpy(), theirs.detach().numpy())


@pytest.mark.parametrize("shape", SHAPES)
def test_conversions_between_formats(shape: tuple[int, ...]) -> None:
    for start in FORMATS:
        ours, theirs = both(shape, start)
        same(ours, theirs)
        same(ours.clone(), theirs.clone())
        same(ours.double(), theirs.double())
        for goal in FORMATS:
            to, their_to = getattr(hp, goal), getattr(torch, goal)
            assert ours.is_contiguous(memory_format=to) == theirs.is_contiguous(memory_format=their_to)
            same(ours.contiguous(memory_format=to), theirs.contiguous(memory_format=their_to))
            same(ours.to(memory_format=to), theirs.to(memory_format=their_to))
            same(ours.to(hp.float64, memory_format=to), theirs.to(torch.float64, memory_format=their_to))
            same(ours.clone(memory_format=to), theirs.clone(memory_format=their_to))
            same(ours.half(memory_format=to), theirs.half(memory_format=their_to))


@pytest.mark.parametrize("name", ["empty_like", "zeros_like", "ones_like", "rand_like", "randn_like", "full_like"])
@pytest.mark.parametrize("start", FORMATS)
def test_like(name: str, start: str) -> None:
    ours, theirs = both((2, 3, 4, 5), start)
    more = (2.5,) if name == "full_like" else ()
    make, their_make = getattr(hp, name), getattr(torch, name)
    assert make(ours, *more).stride() == their_make(theirs, *more).stride()
    for goal in (*FORMATS, "preserve_format"):
        made = make(ours, *more, memory_format=getattr(hp, goal))
        assert made.stride() == their_make(theirs, *more, memory_format=getattr(torch, goal)).stride()
    if name in ("zeros_like", "ones_like", "full_like"):
        same(make(ours, *more), their_make(theirs, *more))


@pytest.mark.parametrize("dtype", [hp.float32, hp.complex64])
def test_random_numbers_do_not_depend_on_the_format(dtype: Any) -> None:
    like = hp.empty(2, 3, 4, 5, dtype=dtype)
    for draw in (hp.rand_like, hp.randn_like):
        hp.manual_seed(3)
        first = draw(like)
        hp.manual_seed(3)
        second = draw(like, memory_format=hp.channels_last)
        assert second.is_contiguous(memory_format=hp.channels_last)
        np.testing.assert_array_equal(first.numpy(), second.numpy())


def test_empty_and_three_spatial_axes() -> None:
    assert hp.empty(2, 3, 4, 5, memory_format=hp.channels_last).stride() == (60, 1, 15, 3)
    assert hp.empty((2, 3, 4, 5), memory_format=hp.contiguous_format).stride() == (60, 20, 5, 1)
    made = hp.empty(2, 3, 4, 5, 6, memory_format=hp.channels_last_3d)
    assert made.stride() == torch.empty(2, 3, 4, 5, 6, memory_format=torch.channels_last_3d).stride()
    assert made.is_contiguous(memory_format=hp.channels_last_3d)
    assert not made.is_contiguous()
    assert not made.is_contiguous(memory_format=hp.channels_last)


VIEWS: list[Callable[[Any], Any]] = [
    lambda x: x.permute(3, 1, 0, 2), lambda x: x[:, :, ::2], lambda x: x[..., ::2].permute(1, 3, 2, 0),
    lambda x: x.transpose(1, 2),
    lambda x: x[:1].expand(4, 3, 4, 5), lambda x: x[:, :1].permute(0, 2, 3, 1), lambda x: x[:, 1], lambda x: x[0, 0, 0],
    lambda x: x[:, :, :1].transpose(0, 3),
]  # fmt: skip


@pytest.mark.parametrize("start", FORMATS)
@pytest.mark.parametrize("view", VIEWS)
def test_copies_of_views_keep_the_order_of_axes(start: str, view: Callable[[Any], Any]) -> None:
    ours, theirs = (view(each) for each in both((2, 3, 4, 5), start))
    same(ours, theirs)
    same(ours.clone(), theirs.clone())
    same(ours.double(), theirs.double())
    same(hp.zeros_like(ours), torch.zeros_like(theirs))
    same(ours.contiguous(), theirs.contiguous())
    assert ours.dim_order() == theirs.dim_order()


@pytest.mark.parametrize("shape", [each for each in SHAPES if 0 not in each])
def test_dim_order(shape: tuple[int, ...]) -> None:
    for start in FORMATS:
        ours, theirs = both(shape, start)
        assert ours.dim_order() == theirs.dim_order()
        for check, their_check in ((True, True), ([hp.channels_last], [torch.channels_last])):
            outcome = answer(lambda ours=ours, check=check: ours.dim_order(ambiguity_check=check))
            assert outcome == answer(lambda theirs=theirs, check=their_check: theirs.dim_order(ambiguity_check=check))


def answer(call: Callable[[], Any]) -> Any:
    """What a call returns, or the built-in kind of its error."""
    try:
        return call()
    except (RuntimeError, TypeError) as error:
        return next(kind for kind in (RuntimeError, TypeError) if isinstance(error, kind))


ERRORS: list[Callable[[Any, Any], Any]] = [
    lambda lib, x: x.contiguous(memory_format=lib.channels_last),
    lambda lib, x: x.to(memory_format=lib.channels_last),
    lambda lib, x: x.double(memory_format=lib.channels_last),
    lambda lib, x: x.clone(memory_format=lib.channels_last_3d),
    lambda lib, x: lib.empty(2, 3, memory_format=lib.channels_last),
    lambda lib, x: lib.empty(2, 3, memory_format=lib.preserve_format),
    lambda lib, x: x.t().contiguous(memory_format=lib.preserve_format),
    lambda lib, x: lib.empty_like(x, memory_format=lib.channels_last),
    lambda lib, x: lib.full_like(x, 1, memory_format=lib.channels_last),
    lambda lib, x: x.contiguous(memory_format=3),
    lambda lib, x: x.clone(memory_format="channels_last"),
    lambda lib, x: x.is_contiguous(memory_format=1),
    lambda lib, x: lib.empty_like(x, memory_format=1),
    lambda lib, x: lib.memory_format(1),
    lambda lib, x: x.dim_order(ambiguity_check=3),
    lambda lib, x: lib.nn.Conv2d(2, 3, 3).to(memory_format=lib.channels_last_3d),
]


@pytest.mark.parametrize("call", ERRORS)
def test_errors_are_of_the_kind_of_pytorch(call: Callable[[Any, Any], Any]) -> None:
    ours, theirs = answer(lambda: call(hp, hp.ones(2, 3))), answer(lambda: call(torch, torch.ones(2, 3)))
    assert theirs in (RuntimeError, TypeError)
    assert ours is theirs


def test_answers_that_are_no_errors() -> None:
    x = hp.ones(2, 3)
    assert not x.is_contiguous(memory_format=hp.channels_last)
    assert x.is_contiguous(memory_format=hp.preserve_format) == torch.ones(2, 3).is_contiguous(
        memory_format=torch.preserve_format
    )
    assert x.contiguous(memory_format=hp.preserve_format) is x
    y = hp.empty(2, 3, 4, 5, memory_format=hp.channels_last)
    assert y.to(memory_format=hp.channels_last) is y
    assert y.to(memory_format=hp.preserve_format) is y
    assert y.to(copy=True).stride() == y.stride()


def test_the_constants() -> None:
    for name in ("contiguous_format", "preserve_format", "channels_last", "channels_last_3d"):
        format = getattr(hp, name)
        assert repr(format) == f"hotplug.{name}"
        assert repr(getattr(torch, name)) == f"torch.{name}"
        assert isinstance(format, hp.memory_format)
        assert pickle.loads(pickle.dumps(format)) is format


def test_a_move_keeps_the_order() -> None:
    x, _ = both((2, 3, 4, 5), "channels_last")
    there = x.to("numpy")
    assert there.stride() == x.stride()
    assert there.to("cpu", memory_format=hp.contiguous_format).stride() == (60, 20, 5, 1)
    np.testing.assert_array_equal(there.numpy(), x.numpy())


def test_modules() -> None:
    ours = nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3)).to(memory_format=hp.channels_last)
    theirs = torch.nn.Sequential(torch.nn.Conv2d(2, 3, 3), torch.nn.BatchNorm2d(3)).to(
        memory_format=torch.channels_last
    )  # type: ignore[call-overload]
    assert [each.stride() for each in ours.parameters()] == [each.stride() for each in theirs.parameters()]
    assert all(each.is_leaf and each.requires_grad for each in ours.parameters())


LAYERS: list[Callable[[Any, Any], Any]] = [
    lambda lib, x: lib.nn.functional.conv2d(x, lib.ones(4, 3, 2, 2), padding=1),
    lambda lib, x: lib.nn.functional.batch_norm(x, None, None, training=True),
    lambda lib, x: lib.nn.functional.max_pool2d(x, 2),
    lambda lib, x: lib.nn.functional.avg_pool2d(x, 2),
    lambda lib, x: (x * x + lib.exp(x / 20)).mean((2, 3)),
    lambda lib, x: x.clone(memory_format=lib.contiguous_format).double(memory_format=lib.channels_last) * 2,
]


@pytest.mark.parametrize("layer", LAYERS)
def test_values_and_gradients_do_not_depend_on_the_format(layer: Callable[[Any, Any], Any]) -> None:
    outs, grads = [], []
    for format in FORMATS:
        x, theirs = (each.requires_grad_() for each in both((2, 3, 4, 5), format))
        out, expected = layer(hp, x), layer(torch, theirs)
        weight = np.linspace(-1, 1, out.numel()).reshape(tuple(out.shape))
        (out * hp.tensor(weight, dtype=out.dtype)).sum().backward()
        (expected * torch.tensor(weight, dtype=expected.dtype)).sum().backward()
        for ours, other in ((out.detach(), expected.detach()), (x.grad, theirs.grad)):
            hp.testing.assert_close(ours, hp.tensor(other.numpy()))
        outs.append(out.detach())
        grads.append(x.grad)
    hp.testing.assert_close(outs[0], outs[1])
    hp.testing.assert_close(grads[0], grads[1])


def test_results_of_ops_are_in_c_order() -> None:
    """The documented choice, unlike PyTorch's: docs/adr/0008-memory-formats.md."""
    x, _ = both((2, 3, 4, 5), "channels_last")
    for made in (x + x, x.exp(), x * 2):
        assert made.is_contiguous()
