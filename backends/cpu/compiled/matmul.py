"""Compiled matrix products, in tiles that are each one thread's work: our own blocks, or BLAS."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from functools import cache
from typing import Any, Final, NamedTuple

import numpy as np

from hotplug.backend import Array, Kernel, OpKey
from hotplug.backends.cpu.compiled.blas import gemm, gemm_address
from hotplug.backends.cpu.compiled.build import task
from hotplug.backends.cpu.compiled.panels import turn
from hotplug.backends.cpu.compiled.pool import maximum_threads, run, workspace
from hotplug.backends.cpu.compiled.tiles import LANES, PANEL, WIDTH, tile
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

# Our own blocks, in numbers and multiplications:
_NARROW: Final = 48
_FLAT: Final = 16
_SMALL: Final = 1 << 18
_LARGE_RIGHT: Final = 1 << 20
_TALL: Final = 240
_WIDE: Final = 512
_DEPTH: Final = 256
"""Of a tile: packed, its operands fit the second cache."""
_PAD: Final = 16
_GROUP: Final = 4
_MANY: Final = 4
_LEAST_WORK: Final = 1 << 20
_SHARED: Final = 4 << 20
"""Bytes of right that are packed for all tiles at a time."""
_MOST_SHARED: Final = 8 << 20
"""Of the least that can be packed at a time; beyond, memory would matter more than time."""
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
    table: array[int]
    """All words of the task's table but the addresses of a call."""
    items: int
    grain: int
    scratch: int = 0
    """Bytes that a product which packs its operands itself needs for all threads; else 0."""
    packing: int = 0
    """The task that packs right for all tiles, where each tile would else do it again."""
    panels: int = 0
    """Bytes of what that leaves."""
    rounds: tuple[tuple[int, int, int], ...] = ()
    """From and to which of the products of a sum it packs at a time, and its work items."""

    def run(self, left: int, right: int, out: int, bias: int = 0, before: int = 0) -> None:
        """Run on operands at these addresses; 0 where there is none."""
        table = self.table[:]
        table[1], table[2], table[3], table[19], table[20] = left, right, out, bias, before
        if self.scratch:
            table[0] = workspace(self.scratch + self.panels)
        if self.packing:
            table[23] = table[0] + self.scratch
        for begin, end, groups in self.rounds:
            table[24], table[25] = begin, end
            run(self.packing, table, groups, 1)
            run(self.code, table, self.items, self.grain)
        if not self.rounds:
            run(self.code, table, self.items, self.grain)


def plan_of(
    kind: str, sizes: tuple[int, int, int, int], left: Lying, right: Lying, rows: int, batch: int, activation: str = ""
) -> Plan:
    """The plan of ``activation(left @ right + bias)``; ``sizes`` are batch, M, N, K; then the strides of the output."""
    if kind == "float32" and _pays(sizes, right):
        return _blocked(sizes, left, right, rows, batch, activation)
    count, m, n, k = sizes
    height, width = _tiles(m, n, k, count)
    down, across = -(-m // height), -(-n // width)
    code = task("matmul", "product", kind, gemm=gemm(kind), ACTIVATION=ACTIVATIONS[activation])
    numbers = (
        m, n, k, left.leading, right.leading, rows, left.batch, right.batch, batch, int(left.turned), int(right.turned),
        height, width, down, across,
    )  # fmt: skip
    items = count * down * across
    table = array("q", (gemm_address(kind), 0, 0, 0, *numbers, 0, 0))
    return Plan(code, table, items, max(1, items // _MOST_TILES))


def _pays(sizes: tuple[int, int, int, int], right: Lying) -> bool:
    """Whether our own blocks are faster than BLAS, as measured: not for a few columns, nor a few rows of small sizes."""
    _, m, n, k = sizes
    if k == 0 or n < _NARROW or m * n * k <= _SMALL:
        return False
    return m >= _FLAT or right.turned or n * k >= _LARGE_RIGHT


def _blocked(
    sizes: tuple[int, int, int, int], left: Lying, right: Lying, rows: int, batch: int, activation: str
) -> Plan:  # fmt: skip
    count, m, n, k = sizes
    depth = -(-k // -(-k // _DEPTH))
    height, width = _pieces(m, n, m * n * k, count)
    down, across = -(-m // height), -(-n // width)
    steps = [(1, each.leading) if each.turned else (each.leading, 1) for each in (left, right)]
    numbers = (
        m, n, k, steps[0][0], steps[1][0], rows, left.batch, right.batch, batch, steps[0][1], steps[1][1], height, width,
        down, across,
    )  # fmt: skip
    items = count * down * across
    piece = -(-n // WIDTH) * (depth * WIDTH + _PAD) * 4
    shared = count == 1 and down > 1 and piece <= _MOST_SHARED
    own = (height * depth + _PAD + (0 if shared else -(-width // WIDTH) * (depth * WIDTH + _PAD))) * 4
    own = -(-own // 64) * 64
    rounds = _rounds(k, n, depth, max(1, _SHARED // piece)) if shared else ()
    table = array("q", (0, 0, 0, 0, *numbers, 0, 0, depth, own, 0, 0, k))
    return Plan(
        _task("blocked", ACTIVATIONS[activation]), table, items, max(1, items // _MOST_TILES), own * maximum_threads(),
        _task("packed", 0) if shared else 0, piece * -(-(rounds[0][1]) // depth) if shared else 0, rounds,
    )  # fmt: skip


def _rounds(k: int, n: int, depth: int, pieces: int) -> tuple[tuple[int, int, int], ...]:
    """So many pieces of right at a time, each with the work items of packing it."""
    step = depth * pieces
    ends = [(begin, min(begin + step, k)) for begin in range(0, k, step)]
    return tuple((begin, end, -(-(end - begin) // depth) * -(-n // (_GROUP * WIDTH))) for begin, end in ends)


@cache
def _task(entry: str, activation: int) -> int:
    return task(
        "matmul", entry, "float32", ACTIVATION=activation, HEIGHT=PANEL, WIDTH=WIDTH, LANES=LANES, PAD=_PAD,
        GROUP=_GROUP, tile_first=tile(PANEL, False), tile_more=tile(PANEL, True), turn=turn("float32"),
    )  # fmt: skip


def _pieces(m: int, n: int, work: int, batch: int) -> tuple[int, int]:
    """Height and width of the tiles of our own blocks, whole panels: by the sizes only."""
    down, across = -(-m // _TALL), -(-n // _WIDE)
    wanted = max(1, min(_MANY, work * batch // _LEAST_WORK))
    while batch * down * across < wanted:
        if m // down >= 2 * PANEL and (m // down > 2 * PANEL * 2 or m // down * 4 >= n // across):
            down *= 2
        elif n // across >= 2 * WIDTH:
            across *= 2
        else:
            break
    return -(-m // (down * PANEL)) * PANEL, -(-n // (across * WIDTH)) * WIDTH


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
