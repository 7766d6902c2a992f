"""Level 1, ``map``: where operands lie, how many there are, which of them are one, scalars, constants, the index."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np

from hotplug.conformance import model
from hotplug.conformance.calls import LAYOUTS, NDArray, shown
from hotplug.conformance.case import Bench, Case, CaseFailedError, Options
from hotplug.conformance.draw import Draw
from hotplug.conformance.levels.kernels_scalar import REAL
from hotplug.conformance.tolerance import EXACT, KERNEL
from hotplug.conformance.trial import Given, Wanted, any_values, expect, launch, supported, values
from hotplug.dtypes import bool_, dtype, float16, float32, float64, int32, int64, uint8, uint32
from hotplug.expr.node import Expr, binary, cast, constant, index, input_, scalar, unary, where
from hotplug.layout import Shape

SHAPES: Final[dict[str, Shape]] = {
    "rank0": (), "rank1": (37,), "rank2": (6, 7), "rank3": (3, 5, 4), "rank4": (2, 3, 4, 5),
    "rank8": (1, 1, 2, 2, 3, 2, 2, 3),
}  # fmt: skip
SIZES: Final = (
    1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 129, 255, 256, 257, 511, 513, 1023, 1025, 4095,
    4097, 16383, 65537, 100_003, 262_145,
)  # fmt: skip
"""Lengths around the edges of vectors, work-groups and chunks of threads."""
_FEW: Final = frozenset((1, 2, 3, 7, 17, 33, 64, 65, 255, 257, 1025, 4097, 65537))


def launch_and_compare(
    bench: Bench, program: tuple[Expr, ...], shape: Shape, inputs: list[Given], scalars: Any = (), layout: str =
    "contiguous", allowed: Any = KERNEL, signs: bool = False, **more: Any,
) -> float:  # fmt: skip
    """One map, its outputs in a layout."""
    outs = [Wanted(root.dtype, shape, layout) for root in program]
    found = launch(bench, "map", outs, inputs, scalars, program=program, **more)
    goals = model.evaluate(program, [shown(*each) for each in inputs], scalars, shape)
    return max(
        expect(bench, each, goal, root.dtype, allowed, f"output {position}", signs=signs)
        for position, (each, goal, root) in enumerate(zip(found, goals, program, strict=True))
    )


def layouts(shape: Shape, wide_index: bool, bench: Bench) -> float:
    """A map of three inputs and two outputs, all in layouts of their own, in turns."""
    supported(bench, float32, int32)
    if wide_index and not bench.runtime.capabilities.index64:
        return 0.0
    x, y, z = (values(bench, f"layout{at}", kind, shape) for at, kind in enumerate((float32, int32, float32)))
    total = input_(0, float32) * scalar(0, float32) + cast(input_(1, int32), float32)
    program = (binary("maximum", total, input_(2, float32)), index())
    inputs = (*LAYOUTS, "broadcast", "single")
    worst = 0.0
    for turn, layout in enumerate(LAYOUTS if bench.options.full or len(shape) == 3 else LAYOUTS[::2]):
        given = [Given(each, inputs[(turn + shift) % len(inputs)]) for each, shift in ((x, 0), (y, 3), (z, 5))]
        worst = max(worst, launch_and_compare(bench, program, shape, given, [0.5], layout, index64=wide_index))
    return worst


def copies(kind: dtype, bench: Bench) -> float:
    """Elements are moved bit for bit, from every layout and to every layout; also where a dtype can only be held."""
    supported(bench, kind, held=True)
    array = any_values(bench, "copy", kind, (5, 6))
    if kind.kind == "f":
        array.reshape(-1)[:4] = np.array([np.nan, -0.0, np.inf, -np.inf]).astype(kind.numpy)
    chosen = (*LAYOUTS, "broadcast", "single") if bench.options.full or kind is float32 else ("contiguous", "mixed")
    for turn, layout in enumerate(chosen):
        out = Wanted(kind, array.shape, LAYOUTS[(turn + 2) % len(LAYOUTS)])
        (found,) = launch(bench, "map", [out], [Given(array, layout)], program=(input_(0, kind),))
        expect(bench, found, shown(array, layout), kind, EXACT, f"copy from {layout}", signs=True)
    return 0.0


def sizes(full: bool, bench: Bench) -> float:
    """One kernel on arrays of many lengths, none of which it may treat as another."""
    supported(bench, float32)
    program = (input_(0, float32) * 2.0 + input_(1, float32), index())
    worst = 0.0
    for size in SIZES if full else sorted(_FEW):
        x, y = (values(bench, f"size{at}", float32, (size,)) for at in range(2))
        try:
            worst = max(worst, launch_and_compare(bench, program, (size,), [Given(x), Given(y)]))
        except CaseFailedError as error:
            raise CaseFailedError(f"map of {size} elements: {error}") from error
    return worst


def in_place(bench: Bench) -> float:
    """Outputs that are exactly inputs, also one another's: all of an element is read before any of it is written."""
    supported(bench, float32)
    x, y = (values(bench, f"alias{at}", float32, (4, 9)) for at in range(2))
    a, b = input_(0, float32), input_(1, float32)
    program = (b * 2.0, a + b)
    for layout in LAYOUTS if bench.options.full else ("contiguous", "mixed"):
        given = [Given(x, layout), Given(y, layout)]
        found = launch(bench, "map", given, given, program=program, alias=(0, 1))
        for each, goal in zip(found, model.evaluate(program, [x, y], (), x.shape), strict=True):
            expect(bench, each, goal, float32, EXACT, f"in place, {layout}")
    (second,) = launch(bench, "map", [Given(x)], [Given(y), Given(x)], program=(a - b,), alias=(1,))
    return expect(bench, second, y.astype(np.float64) - x, float32, EXACT, "in place of the second input")


def numbers(bench: Bench) -> float:
    """Runtime scalars of every kind, converted to the dtype that the program names; one kernel for all of them."""
    supported(bench, float32, int64, bool_)
    x = values(bench, "scalars", float32, (5,))
    program = (input_(0, float32) * scalar(2, float32), index() + scalar(0, int64), where(scalar(1, bool_), index(), 7))
    for at, number in enumerate((0.0, -0.0, 1.5, math.inf, -math.inf, math.nan, 1e300, 1e-300, 3, 2**40)):
        for whole in (at, -1, 2**62, -(2**63))[at % 2 :: 2]:
            launch_and_compare(bench, program, (5,), [Given(x)], [whole, whole < 0, number])
    two = (input_(0, float32) * scalar(0, float32) + scalar(1, float32),)
    launch_and_compare(bench, two, (5,), [Given(x)], [2.0, 7.5])
    if float64 in bench.runtime.capabilities.arithmetic:
        wide = (cast(index(), float64) * scalar(0, float64), index() * scalar(1, int64))
        launch_and_compare(bench, wide, (5,), [Given(x)], [0.1, 2**40 + 1])
    before = bench.runtime.counts["resolve"]
    launch_and_compare(bench, program, (5,), [Given(x)], [9, True, 0.1])
    if bench.runtime.counts["resolve"] != before:
        raise CaseFailedError("map: another number was another key")
    return 0.0


def constants(bench: Bench) -> float:
    """Programs without inputs: fills with literals that are hard to write down, and the element's index."""
    supported(bench, float32, int64, uint8, bool_)
    literals: list[tuple[Any, dtype]] = [
        (each, float32) for each in (0.1, 0.12345679, 16777213.0, -0.0, math.inf, -math.inf, math.nan, 3.4e38)
    ]
    literals += [(each, int64) for each in (2**63 - 1, -(2**63), -1)] + [(255, uint8), (True, bool_), (False, bool_)]
    if float64 in bench.runtime.capabilities.arithmetic:
        literals += [(0.1, float64), (math.pi, float64), (5e-300, float64)]
    program = tuple(constant(value, kind) for value, kind in literals)
    for layout in ("contiguous", "mixed"):
        launch_and_compare(bench, program, (3, 5), [], layout=layout, allowed=EXACT, signs=True)
    count = index()
    iota = (count, cast(count, float32), where(count < 4, count, -count), cast(count % 3, uint8))
    return max(launch_and_compare(bench, iota, shape, [], layout="mixed") for shape in ((3, 5), (2, 3, 4), (70,)))


def many_operands(bench: Bench) -> float:
    """Twenty inputs in a layout that needs many numbers, and a long chain of functions."""
    supported(bench, float32)
    shape = SHAPES["rank8"]
    arrays = [values(bench, f"many{at}", float32, shape) for at in range(20)]
    total: Expr = input_(0, float32)
    for position in range(1, len(arrays)):
        total = binary("maximum", total, input_(position, float32) * constant(0.5, float32))
    given = [Given(each, LAYOUTS[at % len(LAYOUTS)]) for at, each in enumerate(arrays)]
    worst = launch_and_compare(bench, (total,), shape, given)
    chain: Expr = input_(0, float32)
    for step in range(60):
        chain = where(chain < float(step), -chain, unary("abs", chain) - 1.0)
    return max(worst, launch_and_compare(bench, (chain,), shape, given[:1], allowed=EXACT))


def uncontracted(kind: dtype, bench: Bench) -> float:
    """Every node is rounded to its dtype: a product and a sum are not one operation, nor are constants cancelled."""
    supported(bench, kind)
    a, b, c = (values(bench, f"contract{at}", kind, (4099,)) for at in range(3))
    x, y, z = (input_(at, kind) for at in range(3))
    program = (x * y + z, x * y - z, (x + 1.0) - x, x * y - cast(cast(x * y, float32), kind))
    found = launch(bench, "map", [Wanted(kind, a.shape)] * 4, [Given(each) for each in (a, b, c)], program=program)
    one = kind.numpy.type(1)
    goals = [a * b + c, a * b - c, (a + one) - a, a * b - (a * b).astype(np.float32).astype(kind.numpy)]
    for each, goal, name in zip(found, goals, ("x*y+z", "x*y-z", "(x+1)-x", "x*y-x*y"), strict=True):
        expect(bench, each, goal, kind, EXACT, name)
    return 0.0


def algebra(kind: dtype, bench: Bench) -> float:
    """What holds for numbers but not for NaN, infinities and zeros is not assumed."""
    supported(bench, kind)
    x, special = input_(0, kind), np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.5, 3e38], kind.numpy)
    program = (
        x - x, x * 0.0, x / x, binary("ne", x, x), binary("eq", x, x), (x + 1.5) - 1.5,
        where(binary("eq", x, x), constant(1.0, kind), x), binary("lt", x, constant(math.inf, kind)),
        unary("neg", unary("neg", x)),
    )  # fmt: skip
    return launch_and_compare(bench, program, special.shape, [Given(special)], allowed=EXACT)


def far_index(bench: Bench) -> float:
    """The index of elements that float32 can't count."""
    supported(bench, int64, uint8)
    count = (1 << 24) + 9
    outs = [Wanted(uint8, (count,))]
    (found,) = launch(bench, "map", outs, [], program=(cast(index() % 251, uint8),))
    return expect(bench, found, np.arange(count) % 251, uint8, EXACT, "index modulo 251")


def philox(bench: Bench) -> float:
    """The random generator's rounds of 32-bit products, bit for bit."""
    supported(bench, uint32)
    key, state = 0x9E3779B9, [input_(at, uint32) for at in range(4)]
    for turn in range(10):
        a, b = (constant(factor, uint32) for factor in (0xD2511F53, 0xCD9E8D57))
        high, low = (binary("mulhi", state[0], a), binary("mulhi", state[2], b)), (state[0] * a, state[2] * b)
        keys = [constant(key * (turn + 1), uint32), constant(0xBB67AE85 * (turn + 1), uint32)]
        state = [high[1] ^ state[1] ^ keys[0], low[1], high[0] ^ state[3] ^ keys[1], low[0]]
    words = [(Draw(f"philox{at}", "f", bench.options.seed).uniform(300) * 2.0**32).astype(np.uint32) for at in range(4)]
    return launch_and_compare(bench, tuple(state), (300,), [Given(each) for each in words], allowed=EXACT)


def mixed_dtypes(bench: Bench) -> float:
    """Operands of all dtypes that the device has in one kernel, each converted by the table."""
    kinds = [each for each in REAL if each in bench.runtime.capabilities.arithmetic]
    arrays: list[NDArray] = [values(bench, f"mixed{each.name}", each, (3, 7), 0, 3) for each in kinds]
    parts = [cast(cast(input_(at, each), float32), float16 if float16 in kinds else float32) for at, each in
             enumerate(kinds)]  # fmt: skip
    return launch_and_compare(bench, tuple(parts), (3, 7), [Given(each) for each in arrays], allowed=EXACT)


def cases(options: Options) -> Iterator[Case]:
    """All cases of map that are not about one function."""
    for name, shape in SHAPES.items():
        yield Case(1, "map", "float32", f"layouts-{name}", functools.partial(layouts, shape, False))
    yield Case(1, "map", "float32", "layouts-index64", functools.partial(layouts, SHAPES["rank3"], True))
    for kind in REAL:
        yield Case(1, "map", kind.name, "copies", functools.partial(copies, kind))
    yield Case(1, "map", "float32", "sizes", functools.partial(sizes, options.full))
    for kind in (float32, float64):
        yield Case(1, "map", kind.name, "uncontracted", functools.partial(uncontracted, kind))
        yield Case(1, "map", kind.name, "algebra", functools.partial(algebra, kind))
    if options.full:
        yield Case(1, "map", "", "far_index", far_index)
    more: tuple[Callable[[Bench], float], ...] = (in_place, numbers, constants, many_operands, philox, mixed_dtypes)
    for part in more:
        yield Case(1, "map", "", part.__name__, part)
