"""Writing at places: put, index_reduce, views that write; writes into memory that several elements share."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest
from oracle import agree, agree_on, same_error

import hotplug as hp
from hotplug.autograd import gradcheck

ROWS = [0, 2, 2]

PROGRAMS: dict[str, tuple[Any, ...]] = {
    "put": (lambda t, F, a, b: t.put(a, t.tensor([[0, -1], [5, 6]]), b), (3, 4), (2, 2)),
    "put accumulate": (lambda t, F, a, b: a.put(t.tensor([0, 5, 5]), b, accumulate=True), (3, 4), (3,)),
    "put_": (lambda t, F, a, b: (a * 1).put_(t.tensor([3, 1]), b), (3, 4), (1, 2)),
    "put nothing": (lambda t, F, a, b: a.put(t.tensor([], dtype=t.int64), b), (3, 4), (0,)),
    "put of 0-d": (lambda t, F, a, b: a.put(t.tensor([0]), b), (), (1,)),
    "select_scatter": (lambda t, F, a, b: t.select_scatter(a, b, 1, -1), (3, 4), (3,)),
    "slice_scatter": (lambda t, F, a, b: t.slice_scatter(a, b, 1, 1, 4, 2), (3, 5), (3, 2)),
    "slice_scatter ends": (lambda t, F, a, b: a.slice_scatter(b, start=-2), (3, 5), (2, 5)),
    "diagonal_scatter": (lambda t, F, a, b: t.diagonal_scatter(a, b, 1), (3, 4), (3,)),
    "index_put accumulate": (
        lambda t, F, a, b: a.index_put((t.tensor([0, 0, 1]), t.tensor([1, 1, 2])), b, accumulate=True), (3, 4), (3,),
    ),
    "index_put, mask": (lambda t, F, a, b: a.index_put((t.tensor([True, False, True]),), b), (3, 4), (4,)),
    "index_put, one index": (lambda t, F, a, b: a.index_put((t.tensor([2, 0]),), b), (3, 4), (2, 4)),
    "where of indices": (lambda t, F, a: a[t.nonzero(a > 0, as_tuple=True)], (3, 4)),
    "take_along_dim of an argsort": (lambda t, F, a: t.take_along_dim(a, t.argsort(a, 1), 1), (3, 4)),
}  # fmt: skip


@pytest.mark.parity
@pytest.mark.parametrize("name", PROGRAMS)
def test_values_and_gradients(torch: ModuleType, name: str) -> None:
    program, *shapes = PROGRAMS[name]
    agree(torch, program, *shapes)


@pytest.mark.parity
@pytest.mark.filterwarnings("ignore:index_reduce")
@pytest.mark.parametrize("reduce", ["prod", "mean", "amax", "amin"])
@pytest.mark.parametrize("include_self", [True, False])
def test_index_reduce(torch: ModuleType, reduce: str, include_self: bool) -> None:
    def program(t: Any, _: Any, a: Any, b: Any) -> Any:
        return a.index_reduce(0, t.tensor(ROWS), b, reduce, include_self=include_self)

    def inplace(t: Any, _: Any, a: Any, b: Any) -> Any:
        return (a * 1).index_reduce_(1, t.tensor([1, 0]), b, reduce, include_self=include_self)

    agree(torch, program, (3, 4), (3, 4), order=1)
    agree(torch, inplace, (3, 4), (3, 2), order=1)


@pytest.mark.parity
@pytest.mark.filterwarnings("ignore:index_reduce")
def test_index_reduce_of_integers(torch: ModuleType) -> None:
    def program(t: Any, _: Any, a: Any) -> Any:
        return [a.index_reduce(0, t.tensor([1, 1]), a[:2] - 3, reduce) for reduce in ("prod", "mean", "amax", "amin")]

    agree_on(torch, program, [np.arange(12).reshape(3, 4)], order=0)


SHARED: dict[str, Any] = {
    "add_": lambda x: x.add_(1),
    "mul_": lambda x: x.mul_(2.0),
    "exp_": lambda x: x.exp_(),
    "copy_": lambda x: x.copy_(x.clone()),
    "setitem": lambda x: x.__setitem__(0, 1.0),
    "clamp_": lambda x: x.clamp_(0, 1),
    "cumsum_": lambda x: x.cumsum_(1),
}


@pytest.mark.parity
@pytest.mark.parametrize("name", SHARED)
def test_writes_into_shared_memory(torch: ModuleType, name: str) -> None:
    same_error(torch, lambda t, F: SHARED[name](t.zeros(3, 1).expand(3, 4)))


@pytest.mark.parity
def test_filling_shared_memory(torch: ModuleType) -> None:
    """One value for all elements is no conflict."""

    def program(t: Any, _: Any, a: Any) -> Any:
        x, y = a * 1, a * 1
        return [x.expand(3, 4).fill_(2.0), x, y.expand(3, 4).zero_(), y]

    agree_on(torch, program, [np.array([[1.0], [2.0], [3.0]])], order=0)


@pytest.mark.parametrize(
    "name", ["scatter_", "scatter_add_", "index_add_", "index_put_", "put_", "index_fill_", "index_copy_"]
)
def test_indexed_writes_into_shared_memory(name: str) -> None:
    x, index = hp.zeros(3, 1).expand(3, 4), hp.tensor([0, 1])
    calls: dict[str, Any] = {
        "scatter_": lambda: x.scatter_(0, hp.zeros(1, 4, dtype=hp.int64), 1.0),
        "scatter_add_": lambda: x.scatter_add_(0, hp.zeros(1, 4, dtype=hp.int64), hp.ones(1, 4)),
        "index_add_": lambda: x.index_add_(0, index, hp.ones(2, 4)),
        "index_put_": lambda: x.index_put_((index,), hp.ones(2, 4)),
        "put_": lambda: x.put_(index, hp.ones(2)),
        "index_fill_": lambda: x.index_fill_(0, index, 1.0),
        "index_copy_": lambda: x.index_copy_(0, index, hp.ones(2, 4)),
    }
    with pytest.raises(RuntimeError, match="single memory location"):
        calls[name]()


BAD: dict[str, Any] = {
    "put dtype of the index": lambda t, F: t.zeros(3).put(t.zeros(1), t.zeros(1)),
    "put dtypes": lambda t, F: t.zeros(3).put(t.tensor([0]), t.zeros(1, dtype=t.float64)),
    "put sizes": lambda t, F: t.zeros(3).put(t.tensor([0]), t.zeros(2)),
    "put range": lambda t, F: t.zeros(3).put(t.tensor([3]), t.zeros(1)),
    "index_reduce mode": lambda t, F: t.zeros(3).index_reduce(0, t.tensor([0]), t.zeros(1), "sum"),
    "index_reduce sizes": lambda t, F: t.zeros(3).index_reduce(0, t.tensor([0]), t.zeros(2), "amax"),
    "select_scatter": lambda t, F: t.select_scatter(t.zeros(3, 4), t.zeros(4), 1, 0),
    "slice_scatter": lambda t, F: t.slice_scatter(t.zeros(3, 4), t.zeros(3, 4), 1, 1),
    "diagonal_scatter": lambda t, F: t.diagonal_scatter(t.zeros(3, 4), t.zeros(4)),
}


@pytest.mark.parity
@pytest.mark.parametrize("name", BAD)
def test_errors(torch: ModuleType, name: str) -> None:
    same_error(torch, BAD[name])


@pytest.mark.parity
def test_strided_and_diagonal_writes(torch: ModuleType) -> None:
    def scattered(t: Any, _: Any, a: Any, b: Any) -> Any:
        return [t.as_strided_scatter(a, b, (2, 2), (1, 4), 1), a.as_strided_scatter(b[0], (2,), (5,))]

    # PyTorch's gradient is that of the elements that were overwritten.
    agree_on(torch, scattered, [np.arange(12.0).reshape(3, 4), np.ones((2, 2))], order=0)
    given = [hp.tensor(np.arange(12.0).reshape(3, 4), requires_grad=True), hp.ones(2, 2, dtype=hp.float64)]
    assert gradcheck(lambda a, b: scattered(hp, None, a, b), [given[0], given[1].requires_grad_()])

    def filled(t: Any, _: Any, a: Any) -> Any:
        return [
            t.zeros(3, 5).fill_diagonal_(2), t.zeros(7, 3).fill_diagonal_(2), t.zeros(8, 3).fill_diagonal_(2, wrap=True),
            t.zeros(9, 2).fill_diagonal_(2, wrap=True), t.zeros(3, 3, 3).fill_diagonal_(1.5), (a * 1).fill_diagonal_(4),
            t.zeros(3, 5, dtype=t.int64).T.fill_diagonal_(2), t.zeros(0, 3).fill_diagonal_(1),
            t.zeros(4, 1).fill_diagonal_(1, wrap=True),
        ]  # fmt: skip

    agree_on(torch, filled, [np.arange(12.0).reshape(3, 4)])


@pytest.mark.parametrize(
    "program",
    [
        lambda t, F: t.zeros(3).fill_diagonal_(1),
        lambda t, F: t.zeros(3, 3, 2).fill_diagonal_(1),
        lambda t, F: t.as_strided_scatter(t.zeros(3), t.ones(3), (2,), (1,)),
        lambda t, F: t.as_strided_scatter(t.zeros(3), t.ones(4), (4,), (1,)),
    ],
)
@pytest.mark.parity
def test_errors_of_strided_writes(torch: ModuleType, program: Any) -> None:
    same_error(torch, program)
