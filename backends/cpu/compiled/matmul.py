"""Compiled matrix products: BLAS on tiles, each by one thread of the pool."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from hotplug.backend import Array, Kernel, OpKey
from hotplug.backends.cpu.compiled.blas import gemm, gemm_address
from hotplug.backends.cpu.compiled.build import task
from hotplug.backends.cpu.compiled.pool import run
from hotplug.backends.cpu.memory import address
from hotplug.backends.numpy.memory import NDArray, ndarray
from hotplug.caches import Bounded
from hotplug.layout import Layout

_TILE_WORK: Final = 1 << 22
"""Multiplications of a tile at least: enough to make up for packing its operands."""
_LARGE_TILE: Final = 1 << 26
"""And at most."""
_MOST_TILES: Final = 64
_GRAIN: Final = 32768
ACTIVATIONS: Final = {"": 0, "relu": 1, "gelu": 2, "gelu_tanh": 3, "silu": 4, "tanh": 5, "sigmoid": 6}


class Lying(NamedTuple):
    """How a batch of matrices lies, as BLAS takes it: rows dense, or columns."""

    leading: int
    """The distance of rows, or of columns where these are dense."""
    batch: int
    turned: bool
    """Columns are dense."""


def lying(shape: Sequence[int], strides: Sequence[int]) -> Lying | None:
    """How (batch, rows, columns) lie; ``None`` where neither rows nor columns are dense: then they are copied."""
    batch, down, along = strides
    rows, columns = shape[1:]
    down = max(columns, 1) if rows == 1 else down
    along = 1 if columns == 1 else along
    if along == 1 and down >= columns:
        return Lying(down, batch, False)
    along = rows if columns == 1 else along
    return Lying(along, batch, True) if down == 1 and along >= rows else None


def _tiles(m: int, n: int, k: int, batch: int) -> tuple[int, int]:
    """Height and width of the tiles: by the sizes only, so that the number of threads changes no result."""
    height, width = m, n
    most = min(max(m * n * k * batch // 4, _TILE_WORK), _LARGE_TILE)
    while height * width * k > most and batch * -(-m // height) * -(-n // width) < _MOST_TILES:
        if height >= width and height > 32:
            height = -(-height // 32) * 16
        elif width > 64:
            width = -(-width // 64) * 32
        else:
            break
    return height, width


class Plan(NamedTuple):
    """A product of given sizes and strides, ready to run."""

    code: int
    gemm: int
    numbers: tuple[int, ...]
    items: int
    grain: int

    def run(self, left: int, right: int, out: int, bias: int = 0, before: int = 0) -> None:
        """Run on operands at these addresses; 0 where there is none."""
        run(self.code, (self.gemm, left, right, out, *self.numbers, bias, before), self.items, self.grain)


def plan_of(
    kind: str, sizes: tuple[int, int, int, int], left: Lying, right: Lying, rows: int, batch: int, activation: str = ""
) -> Plan:
    """The plan of ``activation(left @ right + bias)``; ``sizes`` are batch, M, N, K; then the strides of the output."""
    count, m, n, k = sizes
    height, width = _tiles(m, n, k, count)
    down, across = -(-m // height), -(-n // width)
    code = task("matmul", "product", kind, gemm=gemm(kind), ACTIVATION=ACTIVATIONS[activation])
    numbers = (
        m, n, k, left.leading, right.leading, rows, left.batch, right.batch, batch, int(left.turned), int(right.turned),
        height, width, down, across,
    )  # fmt: skip
    items = count * down * across
    return Plan(code, gemm_address(kind), numbers, items, max(1, items // _MOST_TILES))


def multiply(left: NDArray, right: NDArray, out: NDArray) -> None:
    """``out = left @ right`` of 3-d float32 or float64 ndarrays of any strides; ``out``'s rows are dense."""
    item = out.itemsize
    batch, m, n = out.shape
    operands = []
    for each in (left, right):
        found = lying(each.shape, [stride // item for stride in each.strides])
        dense = each if found else np.ascontiguousarray(each)
        operands.append((dense, found or Lying(each.shape[2], each.shape[1] * each.shape[2], False)))
    (a, of_left), (b, of_right) = operands
    rows = out.strides[1] // item if m > 1 else n
    plan = plan_of(out.dtype.name, (batch, m, n, left.shape[2]), of_left, of_right, rows, out.strides[0] // item)
    plan.run(a.ctypes.data, b.ctypes.data, out.ctypes.data)


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
    plans: Bounded[tuple[Layout, ...], Plan | None] = Bounded()

    def call(outs: Sequence[Array], inputs: Sequence[Array], _: Sequence[Any]) -> None:
        layouts = (outs[0].layout, inputs[0].layout, inputs[1].layout)
        if layouts not in plans:
            plans[layouts] = None if half else _direct(kind, *layouts)
        plan = plans[layouts]
        if plan is not None:
            plan.run(address(inputs[0]), address(inputs[1]), address(outs[0]))
            return
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


def _direct(kind: str, out: Layout, left: Layout, right: Layout) -> Plan | None:
    """The plan where no operand has to be copied."""
    of_left, of_right = lying(left.shape, left.strides), lying(right.shape, right.strides)
    batch, m, n = out.shape
    if of_left is None or of_right is None or (n > 1 and out.strides[2] != 1):
        return None
    rows = out.strides[1] if m > 1 else n
    return plan_of(kind, (batch, m, n, left.shape[2]), of_left, of_right, rows, out.strides[0])
