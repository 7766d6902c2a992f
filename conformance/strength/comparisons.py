"""Wrong comparisons, missing NaN, swapped operands and wrong conversions, as renderers may spell them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from hotplug.conformance.strength.mutant import Operator
from hotplug.conformance.strength.rewriting import EVERY, FLOATS, INTEGERS, NUMBERS, UNSIGNED, Change, rendered
from hotplug.dtypes import bool_, by_name, dtype, float16, float32, float64, int8, int32, int64, uint8
from hotplug.expr.node import Expr, binary, cast, constant, make, unary, where


def becomes(op: str) -> Change:
    """Another function of the same operands."""
    return lambda node: make(op, node.args, node.dtype)


def swapped(node: Expr) -> Expr:
    """The first two operands exchanged."""
    return make(node.op, (node.args[1], node.args[0], *node.args[2:]), node.dtype)


def _not(node: Expr) -> Expr:
    return make("invert", (node,), bool_)


def _negated(op: str) -> Change:
    """The opposite comparison, negated: true where an operand is NaN."""
    return lambda node: _not(binary(op, *node.args))


def _choice(op: str, keep_first: bool) -> Change:
    """A choice by comparison alone, which forgets NaN in one of the operands."""

    def change(node: Expr) -> Expr:
        a, b = node.args
        return where(binary(op, a, b), a, b) if keep_first else where(binary(op, b, a), b, a)

    return change


def _is_nan(x: Expr) -> Expr:
    return binary("ne", x, x)


def _signed_twin(kind: dtype) -> dtype:
    return by_name(kind.name.removeprefix("u"))


def _as_signed(node: Expr) -> Expr:
    twin = _signed_twin(node.args[0].dtype)
    args = tuple(cast(arg, twin) for arg in node.args)
    return cast(make(node.op, args, bool_ if node.dtype is bool_ else twin), node.dtype)


SWAPPED: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("sub", NUMBERS), ("div", FLOATS), ("pow", (*FLOATS, "int32", "int64")), ("atan2", FLOATS),
    ("floordiv", (*FLOATS, "int32", "uint8")), ("remainder", (*FLOATS, "int32", "uint8")), ("fmod", (*FLOATS, "int32")),
    ("copysign", FLOATS), ("nextafter", FLOATS), ("shl", INTEGERS), ("shr", INTEGERS), ("lt", EVERY), ("le", EVERY),
    ("gt", ("float32", "int64", "uint8")), ("ge", ("float32", "int64", "uint8")),
)  # fmt: skip


def _swapping() -> Iterator[Operator]:
    for op, kinds in SWAPPED:
        yield rendered("operands-swapped", "swapped operands", op, swapped, kinds)
    yield rendered("branches-swapped", "swapped operands", "where",
                   lambda node: where(node.args[0], node.args[2], node.args[1]), ("bool",))  # fmt: skip


def _missing_nan() -> Iterator[Operator]:
    for op, other, test in (("maximum", "fmax", "gt"), ("minimum", "fmin", "lt")):
        yield rendered(f"as-{other}", "missing NaN", op, becomes(other))
        yield rendered(f"as-{op}", "missing NaN", other, becomes(op))
        yield rendered("forgets-a-first-nan", "missing NaN", op, _choice(test, True))
        yield rendered("forgets-a-second-nan", "missing NaN", op, _choice(test, False))
        yield rendered("keeps-a-second-nan", "missing NaN", other, _choice(test, True))
    yield rendered("nan-for-nan", "missing NaN", "sign", lambda n: where(_is_nan(n.args[0]), n.args[0], n))
    for op, opposite in (("le", "gt"), ("ge", "lt"), ("lt", "ge"), ("gt", "le")):
        yield rendered(f"as-not-{opposite}", "missing NaN", op, _negated(opposite))
    yield rendered("as-neither-less-nor-greater", "missing NaN", "eq",
                   lambda n: _not(binary("or", binary("lt", *n.args), binary("gt", *n.args))))  # fmt: skip
    yield rendered("as-less-or-greater", "missing NaN", "ne",
                   lambda n: binary("or", binary("lt", *n.args), binary("gt", *n.args)))  # fmt: skip
    yield rendered("bits-compared", "wrong comparison", "eq", lambda n: binary("and", n, binary(
        "eq", *(binary("copysign", constant(1.0, arg.dtype), arg) for arg in n.args))))  # fmt: skip


def _comparing() -> Iterator[Operator]:
    for op, other in (("lt", "le"), ("le", "lt"), ("gt", "ge"), ("ge", "gt"), ("eq", "ne"), ("ne", "eq")):
        yield rendered(
            f"as-{other}", "wrong comparison", op, becomes(other), ("bool", "float32", "float64", "int32", "uint8")
        )
    for op in ("lt", "gt", "minimum", "maximum", "floordiv", "remainder"):
        yield rendered("with-a-sign", "wrong comparison", op, _as_signed, UNSIGNED)
    for op, other in (("maximum", "minimum"), ("minimum", "maximum"), ("fmax", "fmin")):
        yield rendered(f"as-{other}", "swapped operands", op, becomes(other), ("int32", "float32", "uint64"))
    for op, other in (("and", "or"), ("or", "and"), ("xor", "or")):
        yield rendered(f"as-{other}", "wrong comparison", op, becomes(other), ("bool", "uint8", "int64"))


# --- conversions -----------------------------------------------------------------------------------------------------------


def _from(kinds: str, change: Callable[[Expr, Expr], Expr]) -> Change:
    """A change of casts from dtypes of some kinds only."""

    def changed(node: Expr) -> Expr | None:
        (operand,) = node.args
        return change(node, operand) if operand.dtype.kind in kinds and operand.dtype is not node.dtype else None

    return changed


def _by_way_of(middle: dtype) -> Callable[[Expr, Expr], Expr]:
    return lambda node, operand: make("cast", (make("cast", (operand,), middle),), node.dtype)


def _again(node: Expr, operand: Expr) -> Expr:
    """The same conversion of another operand."""
    return make("cast", (operand,), node.dtype)


def _limits(kind: dtype) -> tuple[int, int]:
    bits = 8 * kind.itemsize
    return (-(1 << bits - 1), (1 << bits - 1) - 1) if kind.kind == "i" else (0, (1 << bits) - 1)


def _saturated(node: Expr, operand: Expr) -> Expr:
    low, high = (constant(float(each), operand.dtype) for each in _limits(node.dtype))
    bounds = [constant(each, node.dtype) for each in _limits(node.dtype)]
    return where(binary("ge", operand, high), bounds[1], where(binary("le", operand, low), bounds[0], node))


def _nan_to_zero(node: Expr, operand: Expr) -> Expr:
    return where(_is_nan(operand), constant(0, node.dtype), node)


def _clamped(node: Expr, operand: Expr) -> Expr:
    """Integers that don't fit are clamped; only for narrower goals."""
    if node.dtype.itemsize >= operand.dtype.itemsize:
        return node
    low, high = (constant(each, operand.dtype) for each in _limits(node.dtype))
    floor = operand if operand.dtype.kind == "u" else binary("maximum", operand, low)
    return _again(node, binary("minimum", floor, high))


def _converting() -> Iterator[Operator]:
    kind = "wrong promotion"
    yield rendered("rounded-to-nearest", "wrong rounding", "cast", _from("f", lambda n, x: _again(n, unary("round", x))),
                   ("int32", "uint8", "int64"))  # fmt: skip
    yield rendered("rounded-down", "wrong rounding", "cast", _from("f", lambda n, x: _again(n, unary("floor", x))),
                   ("int32", "int8", "int64"))  # fmt: skip
    yield rendered("saturated", kind, "cast", _from("f", _saturated), ("int8", "int16", "int32", "uint8", "uint32"))
    yield rendered("nan-as-zero", "missing NaN", "cast", _from("f", _nan_to_zero), ("int64", "uint64"))
    yield rendered("negative-as-zero", kind, "cast", _from("f", lambda n, x: where(
        binary("lt", x, constant(0.0, x.dtype)), constant(0, n.dtype), n)), UNSIGNED)  # fmt: skip
    yield rendered(
        "integers-clamped", kind, "cast", _from("ui", _clamped), ("int8", "uint8", "int16", "int32", "uint32")
    )
    yield rendered("by-way-of-float32", kind, "cast", _from("uif", _by_way_of(float32)), ("float64", "int64"))
    yield rendered(
        "by-way-of-float64", "wrong rounding", "cast", _from("ui", _by_way_of(float64)), ("float32", "int64")
    )
    yield rendered("rounded-twice", "wrong rounding", "cast", lambda n: _by_way_of(float32)(n, n.args[0])
                   if n.args[0].dtype is float64 else None, ("float16",))  # fmt: skip
    yield rendered("by-way-of-int8", kind, "cast", _from("u", _by_way_of(int8)), ("int32", "int64", "float32"))
    yield rendered("by-way-of-int64", kind, "cast", _from("uf", _by_way_of(int64)), ("uint64", "float32", "float64"))
    yield rendered("truth-by-the-lowest-byte", kind, "cast", _from("ui", _by_way_of(uint8)), ("bool",))
    yield rendered("truth-by-the-whole-part", kind, "cast", _from("f", _by_way_of(int64)), ("bool",))
    yield rendered("truth-by-half", kind, "cast", _from("f", _by_way_of(float16)), ("bool",))
    yield rendered("nan-is-false", "missing NaN", "cast", _from("f", lambda n, x: where(
        _is_nan(x), constant(False, bool_), n)), ("bool",))  # fmt: skip
    yield rendered("truth-by-sign", "wrong comparison", "cast", _from("if", lambda n, x: binary("gt", x, constant(0, x.dtype))),
                   ("bool",))  # fmt: skip
    yield rendered("by-way-of-int32", kind, "cast", _from("uif", _by_way_of(int32)), ("int64", "uint64", "float64"))


def operators() -> Iterator[Operator]:
    """All of this module."""
    for group in (_swapping, _missing_nan, _comparing, _converting):
        yield from group()
