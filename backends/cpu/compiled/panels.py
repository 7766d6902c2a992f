"""Register-blocked inner loops, as intrinsics on vectors as wide as the processor's.

All of them keep a block of sums in registers over a long loop.  Operands are addresses, and a table of byte offsets tells
where each step of the loop reads, so that one loop serves any stride, dilation and padding:

- ``panel``: a few places by vectors of channels; each step multiplies one number of every place by a row of weights.
- ``band``: a few channels by vectors of neighbouring places; each step multiplies the vectors by a number a channel.
- ``dots``: sums of products along two rows, for several offsets of one against the other.
- ``move``: a row copied.
- ``turn``: a square of vectors transposed, which changes one order of memory into the other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Final, NamedTuple

from llvmlite import ir
from numba import config, types
from numba.core import codegen as numba_codegen
from numba.extending import intrinsic

from hotplug.backends.cpu.compiled.memory import INT64

_REAL: Final = {"float32": ir.FloatType(), "float64": ir.DoubleType()}
_SUFFIX: Final = {"float32": "f32", "float64": "f64"}
_INT32: Final = ir.IntType(32)


class Machine(NamedTuple):
    """What decides the shape of a block: bytes of a vector, and how many vectors there are registers for."""

    width: int
    registers: int


@cache
def machine() -> Machine:
    """The vectors of the processor that Numba compiles for."""
    told = config.CPU_FEATURES  # NUMBA_CPU_FEATURES: another processor than this one
    features = f",{numba_codegen.get_host_cpu_features() if told is None else told},"
    if ",+avx512f," in features:
        return Machine(64, 32)
    if ",+avx," in features:
        return Machine(32, 16)
    return Machine(16, 16 if ",+sse2," in features else 32)


def lanes(real: str) -> int:
    """Numbers in a vector."""
    return machine().width // (8 if real == "float64" else 4)


class _Writer:
    """The instructions of one intrinsic: addresses are integers, offsets are bytes."""

    def __init__(self, builder: Any, real: str, count: int) -> None:
        self.builder: Final = builder
        self.real: Final = _REAL[real]
        self.item: Final = 8 if real == "float64" else 4
        self.count: Final = count
        self.vector: Final = ir.VectorType(self.real, count)
        self._fused: Final = f"llvm.fmuladd.v{count}{_SUFFIX[real]}"

    def number(self, value: int) -> Any:
        return ir.Constant(INT64, value)

    def at(self, address: Any, kind: Any) -> Any:
        return self.builder.inttoptr(address, kind.as_pointer())

    def plus(self, address: Any, offset: Any) -> Any:
        return self.builder.add(address, self.number(offset) if isinstance(offset, int) else offset)

    def load(self, address: Any, kind: Any) -> Any:
        found = self.builder.load(self.at(address, kind), typ=kind)
        found.align = self.item if kind is self.vector else (8 if kind is INT64 else self.item)
        return found

    def store(self, value: Any, address: Any) -> None:
        self.builder.store(value, self.at(address, value.type)).align = self.item

    def splat(self, value: Any) -> Any:
        undefined = ir.Constant(self.vector, ir.Undefined)
        first = self.builder.insert_element(undefined, value, ir.Constant(_INT32, 0))
        return self.builder.shuffle_vector(
            first, undefined, ir.Constant(ir.VectorType(_INT32, self.count), [0] * self.count)
        )

    def shuffle(self, left: Any, right: Any, lanes_: Sequence[int]) -> Any:
        return self.builder.shuffle_vector(left, right, ir.Constant(ir.VectorType(_INT32, self.count), list(lanes_)))

    def fused(self, left: Any, right: Any, total: Any) -> Any:
        module = self.builder.module
        shape = ir.FunctionType(self.vector, [self.vector] * 3)
        function = module.globals.get(self._fused) or ir.Function(module, shape, self._fused)
        return self.builder.call(function, [left, right, total])

    def loop(self, count: Any, begin: Sequence[Any], step: Callable[[Any, list[Any]], list[Any]]) -> list[Any]:
        """``count`` times (at least once) ``step(counter, values) -> values``; returns the last values."""
        builder = self.builder
        entry, body, done = builder.block, builder.append_basic_block("body"), builder.append_basic_block("done")
        builder.branch(body)
        builder.position_at_end(body)
        counter = builder.phi(INT64)
        values = [builder.phi(each.type) for each in begin]
        result = step(counter, list(values))
        after = builder.add(counter, self.number(1))
        counter.add_incoming(self.number(0), entry)
        counter.add_incoming(after, body)
        for phi, first, next_ in zip(values, begin, result, strict=True):
            phi.add_incoming(first, entry)
            phi.add_incoming(next_, body)
        builder.cbranch(builder.icmp_signed("<", after, count), body, done)
        builder.position_at_end(done)
        return result


def _intrinsic(arity: int, real: str, count: int, write: Callable[..., None]) -> Any:
    """A function of ``arity`` integers that returns nothing."""

    def typing(_: Any, *given: Any) -> Any:
        def generate(context: Any, builder: Any, __: Any, arguments: Any) -> Any:
            write(_Writer(builder, real, count), *arguments)
            return context.get_dummy_value()

        return types.void(*(types.intp,) * arity), generate

    names = ", ".join(f"a{i}" for i in range(arity))
    space: dict[str, Any] = {"typing": typing}
    exec(f"def function(context, {names}):\n    return typing(context, {names})", space)  # intrinsics count parameters
    return intrinsic(space["function"])


@cache
def panel(real: str, places: int, vectors: int) -> Any:
    """``panel(weights, places, offsets, out, count, begin, step, row)``: ``places`` rows of ``vectors`` vectors of sums.

    ``out[r] = begin[r] + sum over k of weights[k] * number at (places[r] + offsets[k])``, where rows of ``out`` are
    ``row`` bytes apart and those of ``begin`` ``step`` bytes: 0 for the same (a bias) for all places.
    """
    count = lanes(real)

    def write(
        w: _Writer, weights: Any, table: Any, offsets: Any, out: Any, steps: Any, begin: Any, step: Any, row: Any
    ) -> None:
        size = count * w.item
        where = [w.load(w.plus(table, 8 * r), INT64) for r in range(places)]
        sums = []
        for r in range(places):
            base = w.plus(begin, w.builder.mul(step, w.number(r)))
            sums += [w.load(w.plus(base, size * j), w.vector) for j in range(vectors)]

        def body(k: Any, values: list[Any]) -> list[Any]:
            offset = w.load(w.plus(offsets, w.builder.shl(k, w.number(3))), INT64)
            line = w.plus(weights, w.builder.mul(k, w.number(size * vectors)))
            rows = [w.load(w.plus(line, size * j), w.vector) for j in range(vectors)]
            result = []
            for r in range(places):
                pixel = w.splat(w.load(w.plus(where[r], offset), w.real))
                result += [w.fused(pixel, rows[j], values[r * vectors + j]) for j in range(vectors)]
            return result

        sums = w.loop(steps, sums, body)
        for r in range(places):
            base = w.plus(out, w.builder.mul(row, w.number(r)))
            for j in range(vectors):
                w.store(sums[r * vectors + j], w.plus(base, size * j))

    return _intrinsic(8, real, count, write)


@cache
def band(real: str, channels: int, vectors: int) -> Any:
    """``band(weights, image, offsets, out, count, begin, row)``: ``channels`` rows of ``vectors`` vectors of places.

    ``out[r] = begin[r] + sum over k of weights[k, r] * vectors at (image + offsets[k])``, rows being ``row`` bytes apart.
    """
    count = lanes(real)

    def write(w: _Writer, weights: Any, image: Any, offsets: Any, out: Any, steps: Any, begin: Any, row: Any) -> None:
        size = count * w.item
        starts = [w.splat(w.load(w.plus(begin, w.item * r), w.real)) for r in range(channels)]
        sums = [start for start in starts for _ in range(vectors)]

        def body(k: Any, values: list[Any]) -> list[Any]:
            base = w.plus(image, w.load(w.plus(offsets, w.builder.shl(k, w.number(3))), INT64))
            line = w.plus(weights, w.builder.mul(k, w.number(w.item * channels)))
            pixels = [w.load(w.plus(base, size * j), w.vector) for j in range(vectors)]
            result = []
            for r in range(channels):
                weight = w.splat(w.load(w.plus(line, w.item * r), w.real))
                result += [w.fused(weight, pixels[j], values[r * vectors + j]) for j in range(vectors)]
            return result

        sums = w.loop(steps, sums, body)
        for r in range(channels):
            base = w.plus(out, w.builder.mul(row, w.number(r)))
            for j in range(vectors):
                w.store(sums[r * vectors + j], w.plus(base, size * j))

    return _intrinsic(7, real, count, write)


@cache
def dots(real: str, many: int) -> Any:
    """``dots(left, right, offsets, out, count)``: ``out[i] += sum of left * (right + offsets[i])`` over vectors.

    ``out`` has a vector for each of the ``many`` offsets: lanes are added up by whoever reads them.
    """
    count = lanes(real)

    def write(w: _Writer, left: Any, right: Any, offsets: Any, out: Any, steps: Any) -> None:
        size = count * w.item
        bases = [w.plus(right, w.load(w.plus(offsets, 8 * i), INT64)) for i in range(many)]
        begin = [w.load(w.plus(out, size * i), w.vector) for i in range(many)]

        def body(k: Any, values: list[Any]) -> list[Any]:
            at = w.builder.mul(k, w.number(size))
            factor = w.load(w.plus(left, at), w.vector)
            return [w.fused(factor, w.load(w.plus(bases[i], at), w.vector), values[i]) for i in range(many)]

        for i, total in enumerate(w.loop(steps, begin, body)):
            w.store(total, w.plus(out, size * i))

    return _intrinsic(5, real, count, write)


@cache
def turn(real: str) -> Any:
    """``turn(source, step, target, row)``: as many vectors as one has lanes, ``step`` bytes apart, transposed."""
    count = lanes(real)

    def write(w: _Writer, source: Any, step: Any, target: Any, row: Any) -> None:
        values = [w.load(w.plus(source, w.builder.mul(step, w.number(i))), w.vector) for i in range(count)]
        span = 1
        while span < count:  # exchange the off-diagonal blocks of ever larger squares
            low = [i if not i & span else i + count - span for i in range(count)]
            high = [i + span if not i & span else i + count for i in range(count)]
            for i in range(count):
                if not i & span:
                    first, second = values[i], values[i + span]
                    values[i], values[i + span] = w.shuffle(first, second, low), w.shuffle(first, second, high)
            span *= 2
        for i, value in enumerate(values):
            w.store(value, w.plus(target, w.builder.mul(row, w.number(i))))

    return _intrinsic(4, real, count, write)


@cache
def move(real: str) -> Any:
    """``move(source, target, count)``: copy a row of numbers, by vectors of which the last overlaps the one before it."""
    lanes_ = lanes(real)

    def copy(w: _Writer, source: Any, target: Any, at: Any, many: int) -> None:
        kind = ir.VectorType(w.real, many) if many > 1 else w.real
        offset = w.builder.mul(at, w.number(w.item))
        found = w.builder.load(w.at(w.plus(source, offset), kind), typ=kind)
        found.align = w.item
        w.store(found, w.plus(target, offset))

    def narrower(w: _Writer, source: Any, target: Any, count: Any, many: int) -> None:
        builder = w.builder
        with builder.if_else(builder.icmp_signed(">=", count, w.number(many))) as (enough, fewer):
            with enough:
                copy(w, source, target, w.number(0), many)
                copy(w, source, target, builder.sub(count, w.number(many)), many)
            with fewer:
                if many > 1:
                    narrower(w, source, target, count, many // 2)

    def write(w: _Writer, source: Any, target: Any, count: Any) -> None:
        builder = w.builder
        with builder.if_else(builder.icmp_signed(">=", count, w.number(lanes_))) as (enough, fewer):
            with enough:

                def step(k: Any, _: list[Any]) -> list[Any]:
                    copy(w, source, target, builder.mul(k, w.number(lanes_)), lanes_)
                    return []

                w.loop(builder.sdiv(count, w.number(lanes_)), [], step)
                copy(w, source, target, builder.sub(count, w.number(lanes_)), lanes_)
            with fewer:
                narrower(w, source, target, count, lanes_ // 2)

    return _intrinsic(3, real, lanes_, write)


@intrinsic  # type: ignore[untyped-decorator]
def call(_: Any, address: Any, table: Any, box: Any, block: Any, thread: Any) -> Any:
    """Call a stage at an address."""

    def generate(context: Any, builder: Any, __: Any, values: Any) -> Any:
        shape = ir.FunctionType(ir.VoidType(), [INT64] * 4)
        builder.call(builder.inttoptr(values[0], shape.as_pointer()), values[1:])
        return context.get_dummy_value()

    return types.void(*(types.intp,) * 5), generate


def block(vectors: int) -> int:
    """Places of a panel of so many vectors of channels: the sums, one row of weights and a number fit the registers."""
    if machine().registers == 32:
        return {1: 10, 2: 10, 3: 8, 4: 6}[vectors]
    return {1: 8, 2: 5, 3: 3, 4: 2}[vectors]
