"""Compiled matrix products: BLAS on tiles, each by one thread of the pool."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from hotplug.backend import Array, Kernel, OpKey
from hotplug.backends.cpu.compiled.blas import gemm, gemm_address
from hotplug.backends.cpu.compiled.build import task
from hotplug.backends.cpu.compiled.pool import run
from hotplug.backends.numpy.memory import NDArray, ndarray

_TILE_WORK: Final = 1 << 22
"""Multiplications of a tile: enough to make up for packing its operands."""
_MOST_TILES: Final = 64
_GRAIN: Final = 32768
ACTIVATIONS: Final = {"": 0, "relu": 1, "gelu": 2, "gelu_tanh": 3, "silu": 4, "tanh": 5, "sigmoid": 6}


class Matrix(NamedTuple):
    """A batch of matrices as BLAS takes them: rows dense, or columns."""

    address: int
    leading: int
    batch: int
    turned: bool
    """Columns are dense."""
    owner: NDArray
    """What holds the memory."""


def as_matrix(x: NDArray) -> Matrix:
    """A 3-d ndarray as it lies where that will do, else copied."""
    item = x.dtype.itemsize
    batch, down, along = (stride // item for stride in x.strides)
    rows, columns = x.shape[1:]
    down = columns if rows == 1 else down
    along = 1 if columns == 1 else along
    if along == 1 and down >= columns:
        return Matrix(x.ctypes.data, down, batch, False, x)
    along = rows if columns == 1 else along
    if down == 1 and along >= rows:
        return Matrix(x.ctypes.data, along, batch, True, x)
    return as_matrix(np.ascontiguousarray(x))


def _tiles(m: int, n: int, k: int, batch: int) -> tuple[int, int]:
    """Height and width of the tiles: by the sizes only, so that the number of threads changes no result."""
    height, width = m, n
    while height * width * k > 2 * _TILE_WORK and batch * -(-m // height) * -(-n // width) < _MOST_TILES:
        if height >= width and height > 32:
            height = -(-height // 32) * 16
        elif width > 64:
            width = -(-width // 64) * 32
        else:
            break
    return height, width


def multiply(
    left: NDArray, right: NDArray, out: NDArray, bias: NDArray | None = None, activation: str = "",
    before: NDArray | None = None,
) -> None:  # fmt: skip
    """``out = activation(left @ right + bias)`` of 3-d float32 or float64 ndarrays; ``out``'s rows are dense.

    ``before``, of ``out``'s layout, gets what the activation is given.
    """
    kind = left.dtype.name
    a, b = as_matrix(left), as_matrix(right)
    batch, m, n = out.shape
    k = left.shape[2]
    item = out.dtype.itemsize
    height, width = _tiles(m, n, k, batch)
    down, across = -(-m // height), -(-n // width)
    code = task("matmul", "product", kind, gemm=gemm(kind), ACTIVATION=ACTIVATIONS[activation])
    run(
        code,
        (
            gemm_address(kind), a.address, b.address, out.ctypes.data, m, n, k, a.leading, b.leading,
            out.strides[1] // item if m > 1 else n, a.batch, b.batch, out.strides[0] // item, a.turned, b.turned,
            height, width, down, across, 0 if bias is None else bias.ctypes.data,
            0 if before is None else before.ctypes.data,
        ),
        batch * down * across,
        max(1, batch * down * across // _MOST_TILES),
    )  # fmt: skip


def converted(x: NDArray, kind: str) -> NDArray:
    """A half-typed ndarray as a dense float32 one."""
    dense = np.ascontiguousarray(x)
    made = np.empty(x.shape, np.float32)
    run(task("convert", "widen", kind), (made.ctypes.data, dense.ctypes.data), dense.size, _GRAIN)
    return made


def rounded_into(out: NDArray, made: NDArray, kind: str) -> None:
    """float32 into a half-typed ndarray of any strides."""
    target = out if out.flags.c_contiguous else np.empty(out.shape, out.dtype)
    run(task("convert", "narrow", kind), (target.ctypes.data, made.ctypes.data), made.size, _GRAIN)
    if target is not out:
        out[...] = target


def kernel(key: OpKey) -> Kernel | None:
    """The compiled kernel of the family ``matmul``, or ``None`` for integers."""
    kind = key.dtypes[0].name
    if key.dtypes[0].kind != "f":
        return None
    half = key.dtypes[0].itemsize == 2

    def call(outs: Sequence[Array], inputs: Sequence[Array], _: Sequence[Any]) -> None:
        left, right, out = ndarray(inputs[0]), ndarray(inputs[1]), ndarray(outs[0])
        if half:
            left, right = converted(left, kind), converted(right, kind)
        if half or out.strides[2] != out.itemsize:
            made = np.empty(out.shape, np.float32 if half else out.dtype)
            multiply(left, right, made)
            rounded_into(out, made, kind) if half else np.copyto(out, made)
        else:
            multiply(left, right, out)

    return call
