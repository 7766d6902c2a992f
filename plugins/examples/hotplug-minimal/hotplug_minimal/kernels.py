"""The seven kernel families as loops over Python numbers.

Each takes its key and the key's program, made callable; then what the contract passes to a kernel.
"""

import functools
import itertools
import math
import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

from hotplug.backend import Array, Layout, OpKey, errors
from hotplug.backend.meaning import FUNCTIONS, Program, pack, quiet, unpack

Arrays = Sequence[Array]
Numbers = Sequence[Any]


def positions(array: Array) -> Iterator[int]:
    """Where each element lies in the buffer, counted in elements, in C order."""
    for at in itertools.product(*map(range, array.shape)):
        yield array.offset + sum(map(operator.mul, at, array.strides))


def load(array: Array, places: Iterable[int] | None = None) -> list[Any]:
    """The elements at these places of the buffer; all of the array by default."""
    memory, kind = array.storage.buffer, array.dtype
    return [unpack(memory, place * kind.itemsize, kind) for place in places or positions(array)]


def store(array: Array, values: Iterable[Any], places: Iterable[int] | None = None) -> None:
    """Write elements to these places of the buffer; to all of the array by default."""
    memory, size = memoryview(array.storage.buffer), array.dtype.itemsize
    for place, value in zip(places or positions(array), values, strict=True):
        memory[place * size : (place + 1) * size] = pack(value, array.dtype)


def apply(program: Program, inputs: Arrays, scalars: Numbers, count: int) -> list[list[Any]]:
    """What the program gives for each of ``count`` elements: one number an output."""
    elements = zip(*map(load, inputs), strict=True) if inputs else itertools.repeat((), count)
    return [program(each, scalars, index) for index, each in enumerate(elements)]


def map_(key: OpKey, program: Program, outs: Arrays, inputs: Arrays, scalars: Numbers) -> None:
    """All inputs are read before the first output is written, since an output may be an input."""
    results = apply(program, inputs, scalars, outs[0].numel)
    for out, values in zip(outs, zip(*results, strict=True), strict=True):
        store(out, values)


def total(row: Numbers) -> Any:
    """An exact sum: floats are added without intermediate rounding."""
    return quiet(math.fsum)(row) if isinstance(row[0], float) else sum(row)


COMBINE: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "sum": operator.add, "add": operator.add, "prod": operator.mul, "mul": operator.mul, "set": lambda old, new: new,
    "max": FUNCTIONS["maximum"], "min": FUNCTIONS["minimum"],  # of a number and NaN, these give NaN
}  # fmt: skip
FOLD: Final[dict[str, Callable[[Numbers], Any]]] = {
    "sum": total, "prod": math.prod, "any": any, "all": all,
    "max": functools.partial(functools.reduce, COMBINE["max"]),
    "min": functools.partial(functools.reduce, COMBINE["min"]),
}  # fmt: skip


def rows(array: Array, values: Numbers, axes: int = 1) -> Iterator[Numbers]:
    """The values of an array's elements, those along the trailing axes together."""
    count = math.prod(array.shape[len(array.shape) - axes :])
    return (values[start : start + count] for start in range(0, len(values), count))


def reduce(key: OpKey, program: Program, outs: Arrays, inputs: Arrays, scalars: Numbers) -> None:
    """One number for each row of what the program gives."""
    values = [value for (value,) in apply(program, inputs, scalars, inputs[0].numel)]
    store(outs[0], map(FOLD[key.mode], rows(inputs[0], values, key.axis)))


def argreduce(key: OpKey, program: Program, outs: Arrays, inputs: Arrays, scalars: Numbers) -> None:
    """The position of the first NaN, else of the first extremum."""
    fold = FOLD[key.mode.removeprefix("arg")]
    found = [(row, fold(row)) for row in rows(inputs[0], load(inputs[0]))]
    store(outs[0], [next(at for at, x in enumerate(row) if x == best or math.isnan(x)) for row, best in found])


def scan(key: OpKey, program: Program, outs: Arrays, inputs: Arrays, scalars: Numbers) -> None:
    """Running values along each row."""
    running = (itertools.accumulate(row, COMBINE[key.mode]) for row in rows(inputs[0], load(inputs[0])))
    store(outs[0], itertools.chain.from_iterable(running))


def places_at(index: Array, array: Array, key: OpKey) -> list[int]:
    """Where the elements lie that a gather reads or a scatter writes: along ``key.axis``, at the index."""
    size, stride = array.shape[key.axis], array.strides[key.axis]
    others = tuple(0 if axis == key.axis else each for axis, each in enumerate(array.strides))
    starts = positions(Array(array.storage, Layout(array.dtype, index.shape, others), array.offset))
    steps = load(index)
    for step in steps:
        if not 0 <= step < size:
            raise errors.IndexRangeError(f"{key.name}: index {step} is out of bounds for an axis of size {size}")
    return [start + step * stride for start, step in zip(starts, steps, strict=True)]


def gather(key: OpKey, program: Program, outs: Arrays, inputs: Arrays, scalars: Numbers) -> None:
    """Elements picked by an index."""
    array, index = inputs
    store(outs[0], load(array, places_at(index, array, key)))


def scatter(key: OpKey, program: Program, outs: Arrays, inputs: Arrays, scalars: Numbers) -> None:
    """Elements combined one by one into a pre-filled output; an index may name one place several times."""
    (out,), (index, source) = outs, inputs
    for place, new in zip(places_at(index, out, key), load(source), strict=True):
        (old,) = load(out, [place])
        store(out, [COMBINE[key.mode](old, new)], [place])


def matmul(key: OpKey, program: Program, outs: Arrays, inputs: Arrays, scalars: Numbers) -> None:
    """Rows times columns, for each matrix of the batch."""
    lefts, rights = (rows(each, load(each), axes=2) for each in inputs)
    k, n = inputs[1].shape[1:]
    store(outs[0], (
        total([*map(operator.mul, left[row : row + k], right[column::n])])
        for left, right in zip(lefts, rights, strict=True) for row in range(0, len(left), k) for column in range(n)
    ))  # fmt: skip


FAMILIES: Final[dict[str, Callable[..., None]]] = {
    "map": map_, "reduce": reduce, "argreduce": argreduce, "scan": scan, "gather": gather, "scatter": scatter,
    "matmul": matmul,
}  # fmt: skip
