"""Joining, reordering, repeating, padding; triangles and diagonals."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from oracle import agree, agree_on, same_error

import hotplug as hp
from hotplug.autograd import gradgradcheck

PROGRAMS: dict[str, tuple[Any, ...]] = {
    "cat": (lambda t, F, a, b: t.cat([a, b], 1), (2, 3), (2, 4)),
    "cat with a vector of none": (lambda t, F, a: t.cat([t.zeros(0, dtype=t.float64), a]), (2, 4)),
    "stack": (lambda t, F, a, b: t.stack([a, b], -1), (2, 3), (2, 3)),
    "stack 0-d": (lambda t, F, a, b: t.stack((a, b)), (), ()),
    "hstack": (lambda t, F, a, b: t.hstack([a, b]), (), (3,)),
    "hstack matrices": (lambda t, F, a, b: t.hstack([a, b]), (2, 1), (2, 3)),
    "vstack": (lambda t, F, a, b: t.vstack([a, b]), (3,), (2, 3)),
    "dstack": (lambda t, F, a, b: t.dstack([a, b]), (3,), (3,)),
    "column_stack": (lambda t, F, a, b: t.column_stack([a, b]), (3,), (3, 2)),
    "flip": (lambda t, F, a: a.flip(0, 2), (2, 3, 4)),
    "flip nothing": (lambda t, F, a: t.flip(a, []), (2, 3)),
    "fliplr": (lambda t, F, a: a.fliplr(), (2, 3, 4)),
    "flipud": (lambda t, F, a: a.flipud(), (2, 3)),
    "rot90": (lambda t, F, a: [a.rot90(k, (0, 2)) for k in range(-1, 4)], (2, 3, 4)),
    "roll": (lambda t, F, a: a.roll((1, -2), (0, 2)), (2, 3, 4)),
    "roll in C order": (lambda t, F, a: a.roll(5), (2, 3, 4)),
    "roll one dim twice": (lambda t, F, a: a.roll((1, 1), (0, 0)), (3, 2)),
    "repeat": (lambda t, F, a: a.repeat(2, 1, 3), (3, 4)),
    "repeat by 0": (lambda t, F, a: a.detach().repeat(0, 2), (3, 4)),
    "tile": (lambda t, F, a: (a.tile(2), a.tile((2, 1, 2))), (3, 4)),
    "repeat_interleave": (lambda t, F, a: (a.repeat_interleave(2, 1), a.repeat_interleave(2)), (3, 4)),
    "repeat_interleave by a vector": (lambda t, F, a: a.repeat_interleave(t.tensor([0, 2, 1]), 0), (3, 4)),
    "repeat_interleave, size given": (
        lambda t, F, a: a.repeat_interleave(t.tensor([2, 0, 0]), 0, output_size=2), (3, 4)
    ),
    "repeat_interleave, one number": (lambda t, F, a: a.repeat_interleave(t.tensor([2]), 1), (3, 4)),
    "meshgrid": (lambda t, F, a, b: t.meshgrid(a, b, indexing="ij"), (3,), (4,)),
    "meshgrid xy": (lambda t, F, a, b, c: t.meshgrid(a, b, c, indexing="xy"), (3,), (4,), ()),
    "tril": (lambda t, F, a: [a.tril(k) for k in (-5, -1, 0, 2)], (2, 3, 4)),
    "triu": (lambda t, F, a: [a.mT.triu(k) for k in (-5, -1, 0, 2)], (2, 3, 4)),
    "tril_": (lambda t, F, a: (a * 1).tril_(), (3, 3)),
    "diag of a vector": (lambda t, F, a: [t.diag(a, k) for k in (-1, 0, 2)], (3,)),
    "diag of a matrix": (lambda t, F, a: [t.diag(a, k) for k in (-1, 0, 2)], (3, 4)),
    "diag_embed": (lambda t, F, a: (t.diag_embed(a, -1, 0, 2), t.diag_embed(a, 1, 2, 0)), (2, 3)),
    "pad": (lambda t, F, a: F.pad(a, (1, 2, 0, 1), value=3.0), (3, 4)),
    "pad with zeros": (lambda t, F, a: F.pad(a, (1, 2)), (3, 4)),
    "pad by less than nothing": (lambda t, F, a: F.pad(a, (-1, 2, -1, -1)), (3, 4)),
}  # fmt: skip


@pytest.mark.parity
@pytest.mark.parametrize("name", PROGRAMS)
def test_values_and_gradients(torch: ModuleType, name: str) -> None:
    program, *shapes = PROGRAMS[name]
    agree(torch, program, *shapes)


@pytest.mark.parity
@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular"])
@pytest.mark.parametrize("pad", [(1, 2), (2, 0, 1, 1), (-1, 2, 1, -1), (2, 2)])
def test_padding_with_the_tensors_own_elements(torch: ModuleType, mode: str, pad: tuple[int, ...]) -> None:
    agree(torch, lambda t, F, a: F.pad(a, pad, mode=mode), (2, 3, 4))


@pytest.mark.parity
def test_padding_three_axes(torch: ModuleType) -> None:
    for mode in ("reflect", "replicate", "circular"):
        agree(torch, lambda t, F, a, mode=mode: F.pad(a, (1, 1, 0, 1, 1, 0), mode=mode), (1, 2, 3, 3, 3), order=1)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.integers(0, 4), min_size=1, max_size=5), st.integers(0, 2), st.booleans())
def test_cat_undoes_split(lengths: list[int], dim: int, turned: bool) -> None:
    shape = [3, 4, 5]
    shape[dim] = sum(lengths)
    whole = hp.arange(int(np.prod(shape))).reshape(shape)
    whole = whole.transpose(0, 2).contiguous().transpose(0, 2) if turned else whole
    parts = whole.split(lengths, dim)
    np.testing.assert_array_equal(hp.cat(parts, dim).numpy(), whole.numpy())


@settings(max_examples=80, deadline=None)
@given(st.integers(-7, 7), st.integers(-7, 7), st.integers(0, 2))
def test_roll_and_flip_are_numpys(first: int, second: int, dim: int) -> None:
    values = np.arange(24).reshape(2, 3, 4)
    x = hp.tensor(values)
    np.testing.assert_array_equal(x.roll((first, second), (dim, 1)).numpy(), np.roll(values, (first, second), (dim, 1)))
    np.testing.assert_array_equal(x.mT.flip(dim).numpy(), np.flip(values.swapaxes(1, 2), dim))


@pytest.mark.parity
def test_dtypes(torch: ModuleType) -> None:
    def program(t: Any, F: Any, whole: Any, part: Any) -> Any:
        return [
            t.cat([whole, part]), t.cat([whole, whole.bool()]), t.cat([part, part.double()]),
            t.stack([whole, part.half()]), F.pad(whole, (1, 1), value=1.5), F.pad(whole.bool(), (1, 1), value=1),
            t.ones(2, 2, dtype=t.bool).tril(), t.cat([t.zeros(0, dtype=t.float64), part]), F.one_hot(whole % 3),
            F.one_hot(whole.reshape(3, 1), 5), t.repeat_interleave(whole), t.cat([whole], 0),
        ]  # fmt: skip

    agree_on(torch, program, [np.array([1, 2, 3]), np.array([1.0, 2.0, 3.0], np.float32)], order=0)


BAD = {
    "cat nothing": lambda t, F: t.cat([]),
    "cat a tensor": lambda t, F: t.cat(t.zeros(2)),
    "cat a number": lambda t, F: t.cat([t.zeros(2), 1]),
    "cat 0-d": lambda t, F: t.cat([t.tensor(1.0), t.tensor(2.0)]),
    "cat sizes": lambda t, F: t.cat([t.zeros(2, 3), t.zeros(2, 2)]),
    "cat ranks": lambda t, F: t.cat([t.zeros(2, 3), t.zeros(2)]),
    "cat dim": lambda t, F: t.cat([t.zeros(2, 3)], 2),
    "stack nothing": lambda t, F: t.stack([]),
    "stack shapes": lambda t, F: t.stack([t.zeros(2), t.zeros(3)]),
    "flip twice": lambda t, F: t.zeros(2, 2).flip(0, 0),
    "flip dim": lambda t, F: t.zeros(2, 2).flip(2),
    "fliplr": lambda t, F: t.zeros(3).fliplr(),
    "flipud": lambda t, F: t.tensor(3.0).flipud(),
    "roll": lambda t, F: t.zeros(2, 2).roll((1, 2)),
    "roll dims": lambda t, F: t.zeros(2, 2).roll(1, (0, 1)),
    "repeat too few": lambda t, F: t.zeros(2, 2).repeat(2),
    "repeat negative": lambda t, F: t.zeros(2).repeat(-1),
    "repeat_interleave negative": lambda t, F: t.zeros(2).repeat_interleave(-1),
    "repeat_interleave size": lambda t, F: t.zeros(2).repeat_interleave(t.tensor([1, 2, 3]), 0),
    "repeat_interleave float": lambda t, F: t.zeros(2).repeat_interleave(t.tensor([1.0, 2.0]), 0),
    "rot90": lambda t, F: t.zeros(2, 2).rot90(1, (0, 0)),
    "meshgrid": lambda t, F: t.meshgrid(t.zeros(2), indexing="ab"),
    "meshgrid matrix": lambda t, F: t.meshgrid(t.zeros(2, 2), indexing="ij"),
    "tril": lambda t, F: t.zeros(3).tril(),
    "diag": lambda t, F: t.diag(t.zeros(2, 2, 2)),
    "diag_embed": lambda t, F: t.diag_embed(t.zeros(2), 0, 1, 1),
    "one_hot too small": lambda t, F: F.one_hot(t.tensor([0, 2]), 2),
    "one_hot negative": lambda t, F: F.one_hot(t.tensor([0, -2]), 3),
    "one_hot float": lambda t, F: F.one_hot(t.tensor([0.0])),
    "one_hot of nothing": lambda t, F: F.one_hot(t.zeros(0, dtype=t.int64)),
    "pad odd": lambda t, F: F.pad(t.zeros(2, 3), (1, 2, 3)),
    "pad too long": lambda t, F: F.pad(t.zeros(3), (1, 1, 1, 1)),
    "pad mode": lambda t, F: F.pad(t.zeros(2, 3), (1, 1), "mirror"),
    "pad cuts too much": lambda t, F: F.pad(t.zeros(2, 3), (-1, -3)),
    "pad reflects too much": lambda t, F: F.pad(t.zeros(2, 3), (3, 0), "reflect"),
    "pad goes around twice": lambda t, F: F.pad(t.zeros(2, 3), (4, 0), "circular"),
    "pad reflects a vector": lambda t, F: F.pad(t.zeros(3), (1, 1), "reflect"),
    "pad replicates nothing": lambda t, F: F.pad(t.zeros(1, 0, 3), (1, 1), "replicate"),
    "pad value with a mode": lambda t, F: F.pad(t.zeros(2, 3), (1, 1), "reflect", 2.0),
}


@pytest.mark.parity
@pytest.mark.parametrize("name", BAD)
def test_bad_input(torch: ModuleType, name: str) -> None:
    same_error(torch, BAD[name])


def test_one_of_each_is_a_copy() -> None:
    x = hp.zeros(2, 2)
    for copy in (hp.cat([x]), x.repeat(1, 1), x.flip(0), x.roll(0), x.roll(2, 0), hp.diag(x), x.tril(), x.tile(1)):
        copy.fill_(1.0)
    assert x.sum().item() == 0


def test_second_order() -> None:
    x = hp.tensor(np.random.default_rng(0).normal(size=(3, 3)), requires_grad=True)
    assert gradgradcheck(lambda x: hp.cat([x.tril(), x.roll(1, 0) * x.flip(1)], 1) ** 2, x)
