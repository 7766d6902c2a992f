"""The seven kernel families in plain NumPy: the living specification of the contract."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from hotplug.backend import Array, Kernel, OpKey
from hotplug.backends.numpy.evaluate import convert, evaluate
from hotplug.backends.numpy.memory import NDArray, ndarray
from hotplug.backends.numpy.quiet import quiet
from hotplug.errors import IndexRangeError

Body = Callable[[Sequence[NDArray], Sequence[NDArray], Sequence[Any]], None]


def _on_ndarrays(body: Body) -> Kernel:
    """A kernel from a function of ndarrays."""

    def kernel(outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any]) -> None:
        body([ndarray(each) for each in outs], [ndarray(each) for each in inputs], scalars)

    return quiet(kernel)


def map_(key: OpKey) -> Body:
    """All roots are computed before the first is written, since an output may be an input."""

    def body(outs: Sequence[NDArray], inputs: Sequence[NDArray], scalars: Sequence[Any]) -> None:
        values = evaluate(key.program, inputs, scalars, outs[0].shape)
        for out, value in zip(outs, values, strict=True):
            out[...] = value

    return body


def accumulator(x: NDArray) -> Any:
    """Where a sum or product of ``x`` is kept: float64 for all floating dtypes, else the dtype itself."""
    return np.float64 if x.dtype.kind in "fV" else x.dtype


REDUCTIONS: Final[dict[str, Any]] = {
    "sum": np.add, "prod": np.multiply, "max": np.maximum, "min": np.minimum,
    "any": np.logical_or, "all": np.logical_and,
}  # fmt: skip


def reduce(key: OpKey) -> Body:
    """Over the trailing axes, of the program's value."""
    function = REDUCTIONS[key.mode].reduce

    def body(outs: Sequence[NDArray], inputs: Sequence[NDArray], scalars: Sequence[Any]) -> None:
        shape = inputs[0].shape
        value = np.broadcast_to(evaluate(key.program, inputs, scalars, shape)[0], shape)
        axes = tuple(range(len(shape) - key.axis, len(shape)))
        kind = accumulator(value) if key.mode in ("sum", "prod") else None
        outs[0][...] = function(value, axis=axes, dtype=kind)

    return body


def argreduce(key: OpKey) -> Body:
    """Position of the first extremum along the last axis; NaN counts as the extremum."""
    function = {"argmax": np.argmax, "argmin": np.argmin}[key.mode]

    def body(outs: Sequence[NDArray], inputs: Sequence[NDArray], _: Sequence[Any]) -> None:
        outs[0][...] = function(_comparable(inputs[0]), axis=-1)

    return body


def _comparable(x: NDArray) -> NDArray:
    """bfloat16 as float32, which NumPy can search."""
    return x.astype(np.float32) if x.dtype.kind == "V" else x


def scan(key: OpKey) -> Body:
    """Running values along the last axis."""
    function = REDUCTIONS[key.mode].accumulate

    def body(outs: Sequence[NDArray], inputs: Sequence[NDArray], _: Sequence[Any]) -> None:
        kind = accumulator(inputs[0]) if key.mode in ("sum", "prod") else None
        outs[0][...] = function(inputs[0], axis=-1, dtype=kind)

    return body


def check_range(op: str, index: NDArray, size: int) -> None:
    """All positions must lie in ``[0, size)``.

    Raises:
        IndexRangeError: one does not.
    """
    low, high = index.min(), index.max()
    if low < 0 or high >= size:
        bad = low if low < 0 else high
        raise IndexRangeError(f"{op}: index {bad} is out of bounds for an axis of size {size}")


def _places(index: NDArray, axis: int) -> tuple[NDArray, ...]:
    """Coordinates of every element, with that of ``axis`` replaced by the index."""
    grid = list(np.ogrid[tuple(slice(size) for size in index.shape)])
    grid[axis] = index
    return tuple(grid)


def gather(key: OpKey) -> Body:
    """``out[p] = input[p with p[axis] replaced by index[p]]``."""

    def body(outs: Sequence[NDArray], inputs: Sequence[NDArray], _: Sequence[Any]) -> None:
        source, index = inputs
        check_range("gather", index, source.shape[key.axis])
        outs[0][...] = source[_places(index, key.axis)]

    return body


SCATTERS: Final[dict[str, Any]] = {"add": np.add, "mul": np.multiply, "min": np.minimum, "max": np.maximum}


def scatter(key: OpKey) -> Body:
    """``out[p with p[axis] replaced by index[p]] = mode(that, source[p])``, in C order."""

    def body(outs: Sequence[NDArray], inputs: Sequence[NDArray], _: Sequence[Any]) -> None:
        (out,), (index, source) = outs, inputs
        check_range("scatter", index, out.shape[key.axis])
        places = _places(index, key.axis)
        if key.mode == "set":
            out[places] = source
        elif key.mode == "add" and out.dtype.kind in "fV":
            wide = out.astype(np.float64)
            np.add.at(wide, places, source.astype(np.float64))
            out[...] = wide
        else:
            SCATTERS[key.mode].at(out, places, source)

    return body


def matmul(key: OpKey) -> Body:
    """Batched product; floating dtypes accumulate in float64."""

    def body(outs: Sequence[NDArray], inputs: Sequence[NDArray], _: Sequence[Any]) -> None:
        kind = accumulator(inputs[0])
        product = np.matmul(inputs[0].astype(kind), inputs[1].astype(kind))
        outs[0][...] = convert(product, outs[0].dtype)

    return body


FAMILIES: Final[dict[str, Callable[[OpKey], Body]]] = {
    "map": map_, "reduce": reduce, "argreduce": argreduce, "scan": scan, "gather": gather, "scatter": scatter,
    "matmul": matmul,
}  # fmt: skip


def family(key: OpKey) -> Kernel:
    """The reference kernel of a required family."""
    return _on_ndarrays(FAMILIES[key.name](key))


def kernel(key: OpKey) -> Kernel | None:
    """The reference kernel of a required family, or of a composite that NumPy has in its libraries; else ``None``."""
    if key.name in FAMILIES:
        return family(key)
    from hotplug.backends.numpy import fft, linalg

    body = linalg.body_of(key) or fft.body_of(key)
    return None if body is None else _on_ndarrays(body)
