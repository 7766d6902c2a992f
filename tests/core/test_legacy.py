"""PyTorch's old names: typed constructors, types by name, sizes in place."""

from __future__ import annotations

from typing import Any

import pytest

import hotplug as hp
from hotplug.errors import ArgumentError, ArgumentTypeError, AutogradError, ShapeError

WORDS = ["Float", "Double", "Half", "BFloat16", "Byte", "Char", "Short", "Int", "Long", "Bool"]


@pytest.mark.parity
@pytest.mark.parametrize("word", WORDS)
def test_typed_constructors(torch: Any, word: str) -> None:
    ours, theirs = (getattr(library, f"{word}Tensor") for library in (hp, torch))
    assert str(ours([1, 0]).dtype).rpartition(".")[2] == str(theirs([1, 0]).dtype).rpartition(".")[2]
    assert ours([1, 0]).tolist() == theirs([1, 0]).tolist()
    assert tuple(ours(2, 3).shape) == (2, 3)
    assert tuple(ours().shape) == (0,)
    assert ours([1]).type() == theirs([1]).type() == hp.typename(ours([1]))
    assert isinstance(ours([1]), ours)
    assert not isinstance(hp.ones(1, dtype=hp.complex64), ours)
    for kind in (ours, f"torch.{word}Tensor", ours.dtype):
        assert hp.tensor([2.0]).type(kind).dtype is ours.dtype
    assert repr(ours) == repr(theirs)


def test_type_refuses() -> None:
    with pytest.raises(ArgumentError, match=r"torch\.FloatTensor"):
        hp.ones(1).type("torch.FlatTensor")
    with pytest.raises(ArgumentTypeError, match="list"):
        hp.ones(1).type([1])
    assert hp.ones(1, device="numpy").type() == "torch.FloatTensor"
    assert hp.typename([]) == "list"


def test_default_tensor_type() -> None:
    try:
        for given in (hp.DoubleTensor, "torch.DoubleTensor"):
            hp.set_default_dtype(hp.float32)
            hp.set_default_tensor_type(given)
            assert hp.ones(1).dtype is hp.float64
        with pytest.raises(ArgumentTypeError, match="floating type"):
            hp.set_default_tensor_type("torch.NoTensor")
    finally:
        hp.set_default_tensor_type(hp.Tensor)
    assert hp.ones(1).dtype is hp.float32


def test_resize_in_place() -> None:
    x = hp.arange(6.0)
    memory = x._array.storage
    assert x.resize_(2, 2).tolist() == [[0, 1], [2, 3]]
    assert x.resize_(3, 2).tolist() == [[0, 1], [2, 3], [4, 5]]
    assert x._array.storage is memory
    x.resize_(400)
    assert x[:6].tolist() == [0, 1, 2, 3, 4, 5]
    assert x.resize_as_(hp.ones(1, 2)).tolist() == [[0, 1]]
    with pytest.raises(AutogradError, match="resize"):
        hp.ones(2, requires_grad=True).resize_(1)
    with pytest.raises(ShapeError, match="negative"):
        x.resize_(-1)


@pytest.mark.parity
def test_small_functions(torch: Any) -> None:
    for library in (hp, torch):
        assert tuple(library.broadcast_shapes((2, 1), (3,), 1)) == (2, 3)
        x = library.arange(1.0, 5).reshape(2, 2)
        assert library.diagflat(x).sum(0).tolist() == [1, 2, 3, 4]
        assert [each.tolist() for each in library.unravel_index(library.tensor([5, 11]), (3, 4))] == [[1, 2], [1, 3]]
        assert library.renorm(x, 1, 0, 3.5).sum(1).tolist() == pytest.approx([3, 3.5])
    with pytest.raises(ShapeError):
        hp.broadcast_shapes((2,), (3,))
