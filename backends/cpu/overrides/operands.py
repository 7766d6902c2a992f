"""What the overrides of rows and columns share: operands as rows with an address, and how work is cut."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from hotplug.backend import Array
from hotplug.backends.cpu.memory import address
from hotplug.backends.numpy.memory import NDArray, ndarray

KINDS: Final = ("float32", "float64", "float16", "bfloat16")
"""Dtypes of the kernels of this folder; half types are computed in float32."""
_WORK: Final = 16384
"""Elements that one call of a task is given at least: fewer and the pool's overhead shows."""


def place(block: NDArray) -> int:
    """The address of an ndarray that isn't an Array's."""
    return int(block.__array_interface__["data"][0])


def dense(array: Array) -> tuple[int, Any]:
    """The address of the elements in C order, and what keeps them alive: a copy where the Array is in another order."""
    if array.layout.is_contiguous:
        return address(array), None
    copied = np.ascontiguousarray(ndarray(array))
    return place(copied), copied


def rows_of(array: Array, columns: int) -> tuple[int, int, Any]:
    """Address and stride of rows of ``columns`` elements, and what keeps them alive.

    An Array that is one number everywhere, as the gradient of a sum is, becomes one row with stride 0.
    """
    if array.layout.is_contiguous:
        return address(array), columns, None
    if not any(array.layout.strides):
        row = np.full(columns, ndarray(array)[(0,) * len(array.layout.shape)], array.dtype.numpy)
        return place(row), 0, row
    copied = np.ascontiguousarray(ndarray(array))
    return place(copied), columns, copied


def around(shape: Sequence[int], dim: int) -> tuple[int, int, int]:
    """How many elements there are before an axis, along it and behind it."""
    return math.prod(shape[:dim]), shape[dim], math.prod(shape[dim + 1 :])


def grain(columns: int) -> int:
    """How many rows one call of a task is given."""
    return max(1, _WORK // max(1, columns))


def real(kind: str) -> Any:
    """The NumPy dtype that is computed in."""
    return np.float64 if kind == "float64" else np.float32


def widened(x: NDArray) -> NDArray:
    """float32 for the half types."""
    return x.astype(np.float32) if x.dtype.itemsize == 2 else x
