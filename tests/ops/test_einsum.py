"""einsum in all its notations, against NumPy and PyTorch."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from oracle import agree, agree_on, close, same_error

import hotplug as hp
from hotplug.autograd import gradcheck, gradgradcheck
from hotplug.ops.einsum_notation import read_equation
from hotplug.ops.einsums import contract

PROGRAMS: dict[str, tuple[Any, ...]] = {
    "ij,jk->ik": ((3, 4), (4, 2)),
    "ij,jk": ((3, 4), (4, 2)),
    "bij,bjk->bik": ((2, 3, 4), (2, 4, 5)),
    "ij,kj->ik": ((3, 4), (2, 4)),
    "ij->ji": ((3, 4),),
    "ji": ((3, 4),),
    "ii->i": ((3, 3),),
    "ii": ((3, 3),),
    "iij->j": ((3, 3, 2),),
    "iji,j->i": ((3, 2, 3), (2,)),
    "ij->": ((3, 4),),
    "ij->j": ((3, 4),),
    "i,j->ij": ((3,), (4,)),
    "i,i": ((3,), (3,)),
    "ij,ij->ij": ((3, 4), (3, 4)),
    "ij,i->ij": ((3, 4), (3,)),
    "bi,bi->b": ((3, 4), (3, 4)),
    "ij,kl->": ((2, 3), (2, 2)),
    "...ij,...jk->...ik": ((2, 1, 3, 4), (5, 4, 2)),
    "...i,i->...": ((2, 3, 4), (4,)),
    "i...->...i": ((2, 3, 4),),
    "...ii->...i": ((2, 3, 3),),
    "i...,i...->...": ((2, 3), (2, 1)),
    "b...,...c->...": ((2, 3), (3, 4)),
    "a b , b c -> a c": ((2, 3), (3, 4)),
    "bn,anm,bm->ba": ((2, 3), (4, 3, 5), (2, 5)),
    "ab,bc,cd,de->ae": ((2, 3), (3, 4), (4, 2), (2, 3)),
    "ijk,jil->kl": ((2, 3, 4), (3, 2, 5)),
    "ij,jk->ki": ((1, 4), (4, 2)),
    "ij,jk->ik and sizes of 1": ((3, 1), (4, 2)),
    "Ab,bC": ((2, 3), (3, 4)),
    "i,->i": ((3,), ()),
    ",": ((), ()),
}


@pytest.mark.parity
@pytest.mark.parametrize("name", PROGRAMS)
def test_equations(torch: ModuleType, name: str) -> None:
    equation = name.partition(" and ")[0]
    agree(torch, lambda t, F, *operands: t.einsum(equation, *operands), *PROGRAMS[name])


SUBLISTS: dict[str, tuple[Any, ...]] = {
    "product": (lambda t, F, a, b: t.einsum(a, [0, 1], b, [1, 2], [0, 2]), (2, 3), (3, 4)),
    "implicit": (lambda t, F, a, b: t.einsum(a, [7, 1], b, [1, 2]), (2, 3), (3, 4)),
    "ellipsis": (lambda t, F, a, b: t.einsum(a, [..., 0, 1], b, [..., 1], [..., 0]), (5, 2, 3), (5, 3)),
    "a list of operands": (lambda t, F, a, b: t.einsum("ij,jk", [a, b]), (2, 3), (3, 4)),
    "diagonal": (lambda t, F, a: t.einsum(a, [0, 0]), (3, 3)),
}


@pytest.mark.parity
@pytest.mark.parametrize("name", SUBLISTS)
def test_sublists(torch: ModuleType, name: str) -> None:
    program, *shapes = SUBLISTS[name]
    agree(torch, program, *shapes)


@st.composite
def contractions(draw: st.DrawFn) -> tuple[str, list[tuple[int, ...]]]:
    """An equation of one to four operands, and shapes that fit it."""
    sizes = {letter: draw(st.integers(1, 3)) for letter in "abcde"}
    inputs = draw(st.lists(st.text("abcde", max_size=4), min_size=1, max_size=4))
    present = sorted({letter for each in inputs for letter in each})
    output = draw(st.permutations(present)) if present else []
    kept = "".join(output[: draw(st.integers(0, len(present)))])
    arrow = draw(st.booleans())
    equation = ",".join(inputs) + (f"->{kept}" if arrow else "")
    shapes = [
        tuple(1 if draw(st.integers(0, 5)) == 0 and each.count(x) == 1 else sizes[x] for x in each) for each in inputs
    ]
    return equation, shapes


@settings(max_examples=150, deadline=None)
@given(contractions(), st.booleans())
@pytest.mark.parity
def test_any_equation_is_pytorchs(torch: ModuleType, case: tuple[str, list[tuple[int, ...]]], complex_: bool) -> None:
    equation, shapes = case
    random = np.random.default_rng(0)
    arrays = [np.asarray(random.normal(size=shape)) for shape in shapes]
    if complex_:
        arrays = [each + 1j * random.normal(size=each.shape) for each in arrays]
    found = []
    for library in (hp, torch):
        given_ = [library.tensor(each, requires_grad=True) for each in arrays]
        value = library.einsum(equation, *given_)
        total = (value * value.conj()).real.sum() if complex_ else (value * value).sum()
        found.append([value, *library.autograd.grad(total, given_)])
    for place, (ours, theirs) in enumerate(zip(*found, strict=True)):
        close(ours, theirs, f"{equation} of {shapes}, {place}", 1e-9, 1e-9)


SECOND = {
    "ij,jk,kl->il": [(2, 3), (3, 2), (2, 2)],
    "iij,j...->i...": [(2, 2, 3), (3, 2)],
    "i,j,k->kji": [(2,), (3,), (2,)],
}


@pytest.mark.parametrize("equation", SECOND)
def test_gradients_of_complex_products_to_second_order(equation: str) -> None:
    random = np.random.default_rng(0)
    parts = [hp.tensor(random.normal(size=(*shape, 2)), requires_grad=True) for shape in SECOND[equation]]

    def program(*parts: Any) -> Any:
        return hp.view_as_real(hp.einsum(equation, *[hp.view_as_complex(each) for each in parts]))

    assert gradcheck(program, parts)
    assert gradgradcheck(program, parts)


def test_the_cheap_order_is_taken() -> None:
    """(60, 60) times (60, 60) times (60): from the left it would take a product of matrices."""
    a, b, c = hp.ones(60, 60), hp.ones(60, 60), hp.ones(60)
    seen = []

    def watched(left: Any, right: Any) -> Any:
        seen.append((tuple(left.shape), tuple(right.shape)))
        return left @ right

    patch = pytest.MonkeyPatch()
    patch.setattr("hotplug.ops.einsums.product", watched)
    try:
        found = contract([a, b, c], read_equation("ij,jk,k->i", [2, 2, 1]))
    finally:
        patch.undo()
    assert found.tolist() == [3600.0] * 60
    assert all(min(*left, *right) == 1 for left, right in seen)


@pytest.mark.parity
def test_integers_and_views(torch: ModuleType) -> None:
    agree_on(
        torch, lambda t, F, a: [t.einsum("ij,kj->ik", a, a), t.einsum("ij->", a), t.einsum("ii->i", a)],
        [np.arange(9).reshape(3, 3)], order=0,
    )  # fmt: skip
    x = hp.zeros(2, 3)
    hp.einsum("ij->ji", x).fill_(1.0)
    assert x.sum().item() == 6.0


BAD: dict[str, Any] = {
    "no operand": lambda t, F: t.einsum("i->i"),
    "too few": lambda t, F: t.einsum("i,i->i", t.zeros(3)),
    "too many": lambda t, F: t.einsum("i->i", t.zeros(3), t.zeros(3)),
    "rank": lambda t, F: t.einsum("i->i", t.zeros(3, 3)),
    "rank with ellipsis": lambda t, F: t.einsum("ij...->i", t.zeros(3)),
    "character": lambda t, F: t.einsum("i1->i", t.zeros(3, 3)),
    "one dot": lambda t, F: t.einsum("i.->i", t.zeros(3, 3)),
    "two ellipses": lambda t, F: t.einsum("...i...->i", t.zeros(3, 3)),
    "two ellipses in the output": lambda t, F: t.einsum("...i->......", t.zeros(3, 3)),
    "repeated sizes": lambda t, F: t.einsum("ii->i", t.zeros(3, 2)),
    "sizes": lambda t, F: t.einsum("i,i->i", t.zeros(3), t.zeros(2)),
    "output repeats": lambda t, F: t.einsum("i->ii", t.zeros(3)),
    "output unknown": lambda t, F: t.einsum("i->j", t.zeros(3)),
    "dtypes": lambda t, F: t.einsum("ij,jk", t.zeros(3, 3), t.zeros(3, 3, dtype=t.float64)),
}


@pytest.mark.parity
@pytest.mark.parametrize("name", BAD)
def test_errors(torch: ModuleType, name: str) -> None:
    same_error(torch, BAD[name])
