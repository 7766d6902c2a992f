"""The smallest device of Hotplug, for people to read: memory is an array of bytes, every kernel a loop over numbers."""

from __future__ import annotations

import functools
import itertools
import math
import operator
from array import array as Memory
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final, final

from hotplug.backend import Array, Backend, Capabilities, DeviceInfo, Kernel, Layout, OpKey, errors
from hotplug.backend.meaning import FORMATS, FUNCTIONS, evaluator, pack, quiet
from hotplug.plugins import BackendSpec, hookimpl

Arrays = Sequence[Array]
Program = Callable[[Sequence[Any], Sequence[Any], int], list[Any]]


def positions(array: Array) -> list[int]:
    """Where each element lies in the buffer, counted in elements, in C order."""
    found = [array.offset]
    for size, stride in zip(array.shape, array.strides, strict=True):
        found = [start + step * stride for start in found for step in range(size)]
    return found


def load(array: Array, places: Iterable[int] | None = None) -> list[Any]:
    """The elements at these places of the buffer; all of the array by default."""
    one, size = FORMATS[array.dtype], array.dtype.itemsize
    return [one.unpack_from(array.storage.buffer, place * size)[0] for place in places or positions(array)]


def store(array: Array, values: Iterable[Any], places: Iterable[int] | None = None) -> None:
    """Write elements to these places of the buffer; to all of the array by default."""
    memory, size = memoryview(array.storage.buffer), array.dtype.itemsize
    for place, value in zip(places or positions(array), values, strict=True):
        memory[place * size : (place + 1) * size] = pack(value, array.dtype)


def map_(key: OpKey, program: Program, outs: Arrays, inputs: Arrays, scalars: Sequence[Any]) -> None:
    """All inputs are read before the first output is written, since an output may be an input."""
    elements = zip(*map(load, inputs), strict=True) if inputs else itertools.repeat((), outs[0].numel)
    results = [program(each, scalars, index) for index, each in enumerate(elements)]
    for out, values in zip(outs, zip(*results, strict=True), strict=True):
        store(out, values)


def rows(values: Sequence[Any], array: Array, axes: int) -> Iterator[Sequence[Any]]:
    """The values of an array's elements, those along the trailing axes together."""
    count = math.prod(array.shape[len(array.shape) - axes :])
    return (values[start : start + count] for start in range(0, len(values), count))


def total(row: Sequence[Any]) -> Any:
    """An exact sum: floats are added without intermediate rounding."""
    return quiet(math.fsum)(row) if isinstance(row[0], float) else sum(row)


FOLDS: Final[dict[str, Callable[[Sequence[Any]], Any]]] = {
    "sum": total, "prod": math.prod, "any": any, "all": all,
    "max": functools.partial(functools.reduce, FUNCTIONS["maximum"]),
    "min": functools.partial(functools.reduce, FUNCTIONS["minimum"]),
}  # fmt: skip
STEPS: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "sum": operator.add, "prod": operator.mul, "max": FUNCTIONS["maximum"], "min": FUNCTIONS["minimum"],
}  # fmt: skip
WRITES: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "set": lambda old, new: new,
    "add": operator.add,
    "mul": operator.mul,
    **STEPS,
}


def reduce(key: OpKey, program: Program, outs: Arrays, inputs: Arrays, scalars: Sequence[Any]) -> None:
    """The fold of each row, of what the program gives."""
    values = [program(each, scalars, 0)[0] for each in zip(*map(load, inputs), strict=True)]
    store(outs[0], map(FOLDS[key.mode], rows(values, inputs[0], key.axis)))


def argreduce(key: OpKey, _: Program, outs: Arrays, inputs: Arrays, __: Sequence[Any]) -> None:
    """The position of the first NaN, else of the first extremum."""
    fold = FOLDS[key.mode.removeprefix("arg")]
    found = [(row, fold(row)) for row in rows(load(inputs[0]), inputs[0], 1)]
    store(outs[0], [next(i for i, x in enumerate(row) if x == best or math.isnan(x)) for row, best in found])


def scan(key: OpKey, _: Program, outs: Arrays, inputs: Arrays, __: Sequence[Any]) -> None:
    """Running values."""
    runs = (itertools.accumulate(row, STEPS[key.mode]) for row in rows(load(inputs[0]), inputs[0], 1))
    store(outs[0], itertools.chain.from_iterable(runs))


def along(op: str, array: Array, axis: int, index: Array) -> list[int]:
    """The places of the elements at the index's positions, with that of ``axis`` replaced by the index."""
    flat = tuple(0 if at == axis else stride for at, stride in enumerate(array.strides))
    starts = positions(Array(array.storage, Layout(array.dtype, index.shape, flat), array.offset))
    steps = load(index)
    for step in steps:
        if not 0 <= step < array.shape[axis]:
            size = array.shape[axis]
            raise errors.IndexRangeError(f"{op}: index {step} is out of bounds for an axis of size {size}")
    return [start + step * array.strides[axis] for start, step in zip(starts, steps, strict=True)]


def gather(key: OpKey, _: Program, outs: Arrays, inputs: Arrays, __: Sequence[Any]) -> None:
    """Elements picked by an index."""
    store(outs[0], load(inputs[0], along("gather", inputs[0], key.axis, inputs[1])))


def scatter(key: OpKey, _: Program, outs: Arrays, inputs: Arrays, __: Sequence[Any]) -> None:
    """Elements combined one by one into a pre-filled output."""
    places = along("scatter", outs[0], key.axis, inputs[0])
    for place, value in zip(places, load(inputs[1]), strict=True):
        store(outs[0], [WRITES[key.mode](load(outs[0], [place])[0], value)], [place])


def matmul(key: OpKey, _: Program, outs: Arrays, inputs: Arrays, __: Sequence[Any]) -> None:
    """One batch axis, then rows times columns."""
    left, right = (list(rows(load(each), each, 2)) for each in inputs)
    k, n = inputs[1].shape[1:]
    store(outs[0], [
        total(list(map(operator.mul, a[start : start + k], b[column::n])))
        for a, b in zip(left, right, strict=True) for start in range(0, len(a), k) for column in range(n)
    ])  # fmt: skip


FAMILIES: Final[dict[str, Callable[..., None]]] = {
    "map": map_, "reduce": reduce, "argreduce": argreduce, "scan": scan, "gather": gather, "scatter": scatter,
    "matmul": matmul,
}  # fmt: skip


@final
class MinimalBackend(Backend):
    """One device, all of the contract that has no default."""

    name = "minimal"

    def devices(self) -> Sequence[DeviceInfo]:
        return [DeviceInfo(0, "Python", 0)]

    def capabilities(self, index: int) -> Capabilities:
        return Capabilities(storage=frozenset(FORMATS), arithmetic=frozenset(FORMATS))

    def allocate(self, index: int, nbytes: int) -> Memory[int]:
        return Memory("B", bytes(nbytes))

    def free(self, buffer: Memory[int]) -> None:
        """Python frees it."""

    def write(self, buffer: Memory[int], offset: int, data: memoryview) -> None:
        memoryview(buffer)[offset : offset + data.nbytes] = data

    def read(self, buffer: Memory[int], offset: int, nbytes: int) -> bytes:
        return bytes(memoryview(buffer)[offset : offset + nbytes])

    def copy(
        self, destination: Memory[int], destination_offset: int, source: Memory[int], source_offset: int, nbytes: int
    ) -> None:
        self.write(destination, destination_offset, memoryview(self.read(source, source_offset, nbytes)))

    def synchronize(self, index: int) -> None:
        """Nothing is ever queued."""

    def resolve(self, index: int, key: OpKey) -> Kernel | None:
        if key.name not in FAMILIES:
            return None  # a composite: the core decomposes it
        return functools.partial(FAMILIES[key.name], key, evaluator(key.program))


@hookimpl
def hotplug_backends() -> list[BackendSpec]:
    """What the entry point announces."""
    return [BackendSpec("minimal", MinimalBackend)]
