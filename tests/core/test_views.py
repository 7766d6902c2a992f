"""Views share memory: chains of them against PyTorch's, writes seen by every alias, no copy behind one's back."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import hotplug as hp

SHAPE = (3, 4, 2, 6)


def step(draw: Any, shape: tuple[int, ...]) -> Any:
    """A view op and its arguments for a tensor of this shape, as a function of the tensor."""
    rank = len(shape)
    dim = draw(st.integers(0, max(rank - 1, 0)))
    size = shape[dim] if rank else 0
    choices: dict[str, Any] = {"unsqueeze": lambda x: x.unsqueeze(dim), "squeeze": lambda x: x.squeeze()}
    order = draw(st.permutations(range(rank)))
    choices["permute"] = lambda x: x.permute(*order) if rank else x.view(())
    if rank:
        start = draw(st.integers(0, size))
        length = draw(st.integers(0, size - start))
        choices["narrow"] = lambda x: x.narrow(dim, start, length)
        choices["transpose"] = lambda x: x.transpose(0, dim)
        choices["movedim"] = lambda x: x.movedim(dim, 0)
        choices["unflatten"] = lambda x: x.unflatten(dim, (size, 1))
        index = (slice(None),) * dim + (slice(start, None, draw(st.integers(1, 3))),)
        choices["slice"] = lambda x: x[index]
        choices["expand"] = lambda x: x.unsqueeze(0).expand(2, *shape)
        window = draw(st.integers(1, max(size, 1)))
        if size:
            choices["select"] = lambda x: x.select(dim, start % size)
            choices["unfold"] = lambda x: x.unfold(dim, window, 1 + start % 2)
            choices["chunk"] = lambda x: x.chunk(2, dim)[0]
            choices["split"] = lambda x: x.split(window, dim)[-1]
            choices["unbind"] = lambda x: x.unbind(dim)[-1]
    if rank > 1:
        other = (dim + 1) % rank
        shift = draw(st.integers(-2, 2))
        choices["diagonal"] = lambda x: x.diagonal(shift, dim, other)
        choices["swapaxes"] = lambda x: x.swapaxes(dim, other)
    return choices[draw(st.sampled_from(sorted(choices)))]


@pytest.mark.parity
@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_chain_of_views_is_pytorchs(torch: ModuleType, data: st.DataObject) -> None:
    base = hp.arange(144, dtype=hp.int64).reshape(SHAPE)
    expected_base = torch.arange(144).reshape(SHAPE)
    view, expected = base, expected_base
    for _ in range(data.draw(st.integers(1, 5))):
        if expected.dim() > 6:
            break
        take = step(data.draw, tuple(expected.shape))
        view, expected = take(view), take(expected)
    assert tuple(view.shape) == tuple(expected.shape)
    moving = [axis for axis, size in enumerate(expected.shape) if size > 1]  # the others may have any stride
    if expected.numel():
        assert [view.stride(axis) for axis in moving] == [expected.stride(axis) for axis in moving]
    assert not expected.numel() or view.storage_offset() == expected.storage_offset()
    assert view.is_contiguous() == expected.is_contiguous()
    np.testing.assert_array_equal(view.numpy(), expected.numpy())
    once = len(np.unique(expected.numpy())) == expected.numel()  # overlapping windows: PyTorch writes some twice
    if expected.numel() and once:
        view.mul_(-1)
        expected.mul_(-1)
        np.testing.assert_array_equal(base.numpy(), expected_base.numpy())


@pytest.mark.parametrize("device", ["numpy", "cpu"])
def test_no_view_allocates(device: str) -> None:
    x = hp.zeros(4, 6, device=device)
    before = hp.memory_allocated(device)
    views = [
        x.t(), x[1:, ::2], x.view(2, 12), x.flatten(), x.expand(3, 4, 6), x.unfold(1, 3, 1), x.diagonal(),
        x.as_strided((2, 2), (1, 2), 3), x[None, ..., 0], x.flip, x.view(hp.int32), *x.split(2), *x.chunk(3, 1), *x.unbind(),
    ]  # fmt: skip
    assert hp.memory_allocated(device) == before
    x.fill_(7)
    assert all(
        view.float().min().item() == 7 for view in views if isinstance(view, hp.Tensor) and view.dtype is hp.float32
    )


def test_slices_with_negative_steps_are_views() -> None:
    """PyTorch has none: Hotplug takes NumPy's meaning, without a copy."""
    values = np.arange(24).reshape(4, 6)
    x = hp.tensor(values)
    view = x[::-1, 4:0:-2]
    np.testing.assert_array_equal(view.numpy(), values[::-1, 4:0:-2])
    assert view.stride() == (-6, -2)
    view[0, 0] = -1
    assert x[3, 4].item() == -1
    np.testing.assert_array_equal((view + view).numpy(), 2 * x.numpy()[::-1, 4:0:-2])


@pytest.mark.parametrize(
    ("dtype", "to", "shape"),
    [
        (hp.float32, hp.int32, (2, 6)),
        (hp.float32, hp.uint8, (2, 24)),
        (hp.uint8, hp.int16, (2, 3)),
        (hp.complex64, hp.float32, (2, 12)),
        (hp.bfloat16, hp.int16, (2, 6)),
    ],
    ids=str,
)
def test_view_as_another_dtype(torch: ModuleType, dtype: hp.dtype, to: hp.dtype, shape: tuple[int, ...]) -> None:
    x = hp.arange(12, dtype=hp.int64).reshape(2, 6).to(dtype)
    view = x.view(to)
    assert tuple(view.shape) == shape
    theirs = torch.arange(12).reshape(2, 6).to(getattr(torch, dtype.name)).view(getattr(torch, to.name))
    assert view.tolist() == theirs.tolist()
    view.zero_()
    assert x.abs().sum().item() == 0


@pytest.mark.parametrize(
    "bad",
    [
        lambda x: x.view(5),
        lambda x: x.t().view(12),
        lambda x: x.expand(3, 6),
        lambda x: x.select(0, 2),
        lambda x: x.narrow(1, 4, 3),
        lambda x: x.permute(0, 0),
        lambda x: x.as_strided((5, 5), (6, 1)),
        lambda x: x.unfold(0, 3, 1),
        lambda x: x.transpose(0, 2),
        lambda x: x.squeeze(3),
        lambda x: x[:, :, 0],
        lambda x: x[2],
        lambda x: x.diagonal(0, 1, 1),
        lambda x: x[:, 1:].view(hp.int16 if hasattr(x, "_array") else __import__("torch").int16),
    ],
)
def test_views_that_cannot_be(torch: ModuleType, bad: Any) -> None:
    with pytest.raises(Exception) as theirs:  # noqa: PT011 - whatever it is, ours must match
        bad(torch.zeros(2, 6, dtype=torch.int8))
    x = hp.zeros(2, 6, dtype=hp.int8)
    with pytest.raises(theirs.type) as ours:
        bad(x)
    assert isinstance(ours.value, hp.errors.HotplugError)
    assert tuple(x.shape) == (2, 6)


@pytest.mark.parametrize("shape", [(4,), (2, 4), (2, 3, 4)])
def test_what_an_op_returns_may_be_written_to(shape: tuple[int, ...]) -> None:
    """Whatever the op is made of inside: its result is nobody's view."""
    layer = hp.nn.Linear(4, 3)
    y = layer(hp.ones(shape))
    y.relu_()
    y.sum().backward()
    assert layer.weight.grad is not None
    scores = hp.softmax(hp.ones(2, 3), 1)
    scores[0] = layer.bias
    scores.sum().backward()
    assert layer.bias.grad is not None
