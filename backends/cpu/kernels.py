"""The families of the NumPy tier: the reference's, and what is faster than it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from hotplug.backend import Array, Kernel, OpKey
from hotplug.backends.cpu import render
from hotplug.backends.cpu.tiers import Sizes, first_input, outputs, tiered
from hotplug.backends.numpy import families
from hotplug.backends.numpy.evaluate import convert
from hotplug.backends.numpy.memory import NDArray, ndarray
from hotplug.backends.numpy.quiet import quiet
from hotplug.expr.node import schedule

_LEAST: Final = 131072
"""Elements of a map of one addition from which the compiled tier is faster; the more a program does, the fewer."""


def map_(key: OpKey) -> Kernel:
    """NumPy's kernel for small calls, a compiled loop for large ones."""
    return tiered(
        "map", _by_numpy(key), lambda: _compiled_map(key), max(4096, _LEAST // (1 + len(schedule(key.program))))
    )


def _compiled_map(key: OpKey) -> Kernel | None:
    from hotplug.backends.cpu.compiled.map import kernel

    return kernel(key)


def _by_numpy(key: OpKey) -> Kernel:
    """One function of ufuncs; in pieces where all operands are dense and large and there is more than one step."""
    whole = render.whole(key)
    steps = len([node for node in schedule(key.program) if node.args])
    dense = all(each in ("contiguous", "broadcast") for each in key.layouts) and key.rank == 1
    if dense and steps > 1:
        return quiet(_in_pieces(key, whole))
    return quiet(whole) if render.warns(key.program) else whole


def _in_pieces(key: OpKey, whole: Callable[..., None]) -> Callable[..., None]:
    made: list[Callable[..., None]] = []

    def kernel(outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any]) -> None:
        count = outs[0].layout.numel
        if count <= 2 * render.PIECE:
            whole(outs, inputs, scalars)
            return
        if not made:
            made.append(render.piece(key))
        operands = [ndarray(each) for each in (*outs, *inputs)]
        for start in range(0, count, render.PIECE):
            made[0](*[each[start : start + render.PIECE] for each in operands], scalars, start)

    return kernel


def reduce(key: OpKey) -> Kernel:
    """NumPy's kernel for small calls, a compiled loop for large ones."""
    least = max(4096, _LEAST // 4 // (1 + len(schedule(key.program))))
    return tiered("reduce", _reduce_by_numpy(key), lambda: _compiled_reduce(key), least, first_input)


def _compiled_reduce(key: OpKey) -> Kernel | None:
    from hotplug.backends.cpu.compiled.reduce import kernel

    return kernel(key)


def _reduce_by_numpy(key: OpKey) -> Kernel:
    """Sums of a dense last axis are pairwise in NumPy; all others accumulate in float64."""
    function = families.REDUCTIONS[key.mode].reduce
    axes = tuple(range(-key.axis, 0))
    plain = len(key.program) == 1 and key.program[0].op == "input"
    pairwise = plain and key.layouts[1] == "contiguous" and key.dtypes[1].name in ("float32", "float64")
    evaluated = None if plain else render.value(key)

    def kernel(outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any]) -> None:
        value = ndarray(inputs[0]) if evaluated is None else evaluated(inputs, scalars)
        if value.shape != inputs[0].layout.shape:
            value = np.broadcast_to(value, inputs[0].layout.shape)
        out = ndarray(outs[0])
        if key.mode not in ("sum", "prod"):
            out[...] = function(value, axis=axes)
        elif pairwise:
            function(value, axis=axes, out=out)
        else:
            out[...] = function(value, axis=axes, dtype=families.accumulator(value))

    return quiet(kernel)


def argreduce(key: OpKey) -> Kernel:
    """NumPy's search, and a compiled one for large calls down columns."""
    searched = families.family(key)
    return tiered("argreduce", searched, lambda: _compiled_search(key, searched), _LEAST // 4, first_input)


def _compiled_search(key: OpKey, small: Kernel) -> Kernel | None:
    from hotplug.backends.cpu.compiled.argreduce import kernel

    return kernel(key, small)


_LEAST_PRODUCT: Final = 64**3
"""Multiplications up to which BLAS uses one thread of its own anyhow."""


def matmul(key: OpKey) -> Kernel:
    """NumPy's product for small matrices, tiles on the pool for large ones."""
    return tiered("matmul", _product_by_numpy(key), lambda: _compiled_product(key), _LEAST_PRODUCT, _multiplications)


def _multiplications(outs: Sequence[Array], inputs: Sequence[Array]) -> int:
    return outs[0].layout.numel * inputs[0].layout.shape[2]


def _compiled_product(key: OpKey) -> Kernel | None:
    from hotplug.backends.cpu.compiled.matmul import kernel

    return kernel(key)


def _product_by_numpy(key: OpKey) -> Kernel:
    """BLAS for float32 and float64; the half types by way of float32; integers in NumPy's own loops."""
    half = key.dtypes[0].kind == "f" and key.dtypes[0].itemsize == 2

    def kernel(outs: Sequence[Array], inputs: Sequence[Array], _: Sequence[Any]) -> None:
        left, right, out = ndarray(inputs[0]), ndarray(inputs[1]), ndarray(outs[0])
        if half:
            out[...] = np.matmul(left.astype(np.float32), right.astype(np.float32))
        elif left.shape[0] == 1:
            np.dot(left[0], right[0], out=out[0]) if out.flags.c_contiguous else np.matmul(left, right, out=out)
        else:
            np.matmul(left, right, out=out)

    return quiet(kernel)


def _one_axis(index: Array, axis: int) -> NDArray | None:
    """The index along its axis, where it is the same along all others."""
    strides = index.layout.strides
    if any(stride and at != axis for at, stride in enumerate(strides)):
        return None
    return ndarray(index)[tuple(slice(None) if at == axis else 0 for at in range(len(strides)))]


_LEAST_MOVED: Final = 16384


def _by_index(name: str, by_numpy: Callable[[OpKey], Kernel], size: Sizes) -> Callable[[OpKey], Kernel]:
    """The family's kernel: NumPy's for small calls, ``compiled.indexing``'s for large ones."""

    def make(key: OpKey) -> Kernel:
        small = by_numpy(key)

        def compiled() -> Kernel | None:
            from hotplug.backends.cpu.compiled import indexing

            made: Kernel | None = getattr(indexing, name)(key, small)
            return made

        return tiered(name, small, compiled, _LEAST_MOVED, size)

    return make


def _gather_by_numpy(key: OpKey) -> Kernel:
    """Whole rows at once where the index is the same along all other axes."""
    general = families.gather(key)

    def kernel(outs: Sequence[Array], inputs: Sequence[Array], _: Sequence[Any]) -> None:
        row = _one_axis(inputs[1], key.axis)
        source = ndarray(inputs[0])
        if row is None:
            general([ndarray(outs[0])], [source, ndarray(inputs[1])], ())
            return
        families.check_range("gather", row, source.shape[key.axis])
        np.take(source, row, key.axis, out=ndarray(outs[0]), mode="clip")  # checked; "raise" would buffer the output

    return kernel


def _scatter_by_numpy(key: OpKey) -> Kernel:
    """Sums of rows with equal index by sorting, where the index is the same along all other axes."""
    general = families.scatter(key)

    def kernel(outs: Sequence[Array], inputs: Sequence[Array], _: Sequence[Any]) -> None:
        row = _one_axis(inputs[0], key.axis) if key.mode == "add" else None
        out, source = ndarray(outs[0]), ndarray(inputs[1])
        if row is None or row.size < 2:
            general([out], [ndarray(inputs[0]), source], ())
            return
        families.check_range("scatter", row, out.shape[key.axis])
        order = np.argsort(row, kind="stable")
        found, starts = np.unique(row[order], return_index=True)
        rows = np.moveaxis(source, key.axis, 0)[order]
        target = np.moveaxis(out, key.axis, 0)
        total = np.add.reduceat(rows, starts, axis=0, dtype=families.accumulator(out))
        target[found] = convert(target[found] + total, out.dtype)

    return quiet(kernel)


MAKERS: Final[dict[str, Callable[[OpKey], Kernel]]] = {
    "map": map_, "reduce": reduce, "argreduce": argreduce, "matmul": matmul,
    "gather": _by_index("gather", _gather_by_numpy, outputs), "scatter": _by_index("scatter", _scatter_by_numpy, first_input),
    "scan": _by_index("scan", families.family, outputs),
}  # fmt: skip
