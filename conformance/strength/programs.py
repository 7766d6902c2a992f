"""What a careless compiler makes of a whole program: algebra that floats don't obey, wrong literals, numbers, indices."""

from __future__ import annotations

import math
from collections.abc import Iterator

from hotplug.backend import Expr, OpKey
from hotplug.conformance.strength.mutant import Operator
from hotplug.conformance.strength.rewriting import Change, Misrendered, anywhere
from hotplug.dtypes import bool_, float16, float32, float64, int8, int32, int64
from hotplug.expr.node import binary, cast, constant, make, scalar, where

_ALGEBRA = "unsafe algebra"


def _floating(node: Expr) -> bool:
    return node.dtype.kind == "f"


def _contracted(node: Expr) -> Expr | None:
    """A product and a sum of float32 are one operation, rounded once."""
    if node.op not in ("add", "sub") or node.dtype is not float32:
        return None
    if not any(arg.op == "mul" for arg in node.args):
        return None
    wide = [_wide_product(arg) if arg.op == "mul" else cast(arg, float64) for arg in node.args]
    return cast(binary(node.op, *wide), float32)


def _wide_product(node: Expr) -> Expr:
    return binary("mul", *(cast(arg, float64) for arg in node.args))


def _cancelled(node: Expr) -> Expr | None:
    """``(a + b) - a`` is ``b``."""
    if node.op != "sub" or not _floating(node) or node.args[0].op != "add":
        return None
    first, second = node.args[0].args
    return second if node.args[1] is first else first if node.args[1] is second else None


def _same_is_zero(node: Expr) -> Expr | None:
    """``x - x`` is 0, of NaN and infinities too."""
    same = node.op == "sub" and _floating(node) and node.args[0] is node.args[1]
    return constant(0.0, node.dtype) if same else None


def _nothing_is_nan(node: Expr) -> Expr | None:
    """Numbers are finite: ``x != x`` is false."""
    same = node.op in ("ne", "eq") and len(node.args) == 2 and node.args[0] is node.args[1]
    return constant(node.op == "eq", bool_) if same and node.args[0].dtype.kind == "f" else None


def _no_infinity(node: Expr) -> Expr | None:
    """A comparison with infinity is false."""
    infinite = node.op in ("eq", "ge", "le", "gt", "lt", "ne") and any(
        arg.op == "constant" and isinstance(arg.value, float) and math.isinf(arg.value) for arg in node.args
    )
    return constant(node.op in ("ne", "lt"), bool_) if infinite else None


def _selected_by_product(node: Expr) -> Expr | None:
    """``where(c, a, b)`` is ``c * a + (1 - c) * b``: NaN in what is not selected gets through."""
    if node.op != "where" or not _floating(node):
        return None
    one = cast(node.args[0], node.dtype)
    return node.args[1] * one + node.args[2] * (constant(1.0, node.dtype) - one)


def _zero_product(node: Expr) -> Expr | None:
    """``x * 0`` is 0."""
    zero = node.op == "mul" and _floating(node) and any(arg.op == "constant" and arg.value == 0 for arg in node.args)
    return constant(0.0, node.dtype) if zero else None


def _halves_between(node: Expr) -> Expr | None:
    """Sums and products of half types are rounded one by one, although the program computes them in float32."""
    return cast(cast(node, float16), float32) if node.op in ("add", "mul", "sub") and node.dtype is float32 else None


def _flushed(node: Expr) -> Expr | None:
    """Denormal results of sums, products and quotients of float32 are 0."""
    if node.op not in ("add", "mul", "sub", "div", "exp") or node.dtype is not float32:
        return None
    small = binary("lt", make("abs", (node,), float32), constant(2.0**-126, float32))
    return where(small, constant(0.0, float32), node)


def _literal(kind: str, change: object) -> Change:
    def changed(node: Expr) -> Expr | None:
        if node.op != "constant" or node.dtype.kind not in kind or isinstance(node.value, bool):
            return None
        value = change(node.value)  # type: ignore[operator]
        return constant(value, node.dtype)

    return changed


def _rounded(value: float) -> float:
    import numpy as np

    with np.errstate(all="ignore"):
        return float(np.float32(value))


def _printed(value: float) -> float:
    """A literal with seven digits, as C's printf writes it."""
    return float(f"{value:.6g}")


def _index(change: object) -> Change:
    return lambda node: change(node) if node.op == "index" else None  # type: ignore[operator]


def _numbers(key: OpKey) -> Change:
    """The last runtime scalar is read for all of its dtype."""
    from hotplug.expr.node import leaves

    last = {node.dtype: node.value for node in leaves(key.program, "scalar")}
    return lambda node: scalar(last[node.dtype], node.dtype) if node.op == "scalar" else None


def _second_input(node: Expr) -> Expr | None:
    """The third input is read as the first where dtypes allow; see _inputs."""
    return None if node.op != "input" or node.value != 2 or node.dtype is not float32 else make("input", (), float32, 0)


def _dropped_cast(node: Expr) -> Expr | None:
    """A conversion to a narrower integer and back is left out."""
    inner = node.args[0] if node.op == "cast" else node
    narrowing = node.op == "cast" and inner.op == "cast" and inner.args[0].dtype is node.dtype
    lossy = narrowing and inner.dtype.itemsize < node.dtype.itemsize
    return inner.args[0] if lossy else None


def operators() -> Iterator[Operator]:
    """All of this module."""
    for name, change in (
        ("contracted", _contracted), ("cancelled", _cancelled), ("same-is-zero", _same_is_zero),
        ("nothing-is-nan", _nothing_is_nan), ("no-infinity", _no_infinity), ("selected-by-product", _selected_by_product),
        ("zero-product", _zero_product),
    ):  # fmt: skip
        yield anywhere(f"{name}/program", _ALGEBRA, change, (change.__doc__ or "").strip())
    yield anywhere("halves-between/program", "wrong rounding", _halves_between, (_halves_between.__doc__ or "").strip())
    yield anywhere("flushed/program", "lost special value", _flushed, (_flushed.__doc__ or "").strip())
    yield anywhere("dropped-cast/program", "wrong promotion", _dropped_cast, (_dropped_cast.__doc__ or "").strip())
    yield anywhere("input-mistaken/program", "swapped operands", _second_input, "the third input is read as the first")
    yield from _literals()
    yield from _indices()


def _literals() -> Iterator[Operator]:
    kind = "wrong constant"
    yield anywhere("float64-literals-rounded/program", kind, _literal("f", _rounded), "literals pass through float32")
    yield anywhere("seven-digits/program", kind, _literal("f", _printed), "literals are written with six digits")
    yield anywhere("literal-zero-unsigned/program", kind, _literal("f", lambda v: v + 0.0), "-0 is written as 0")
    yield anywhere("literal-infinity-finite/program", kind, _literal("f", lambda v: math.copysign(3.4e38, v)
                   if math.isinf(v) else v), "infinity is written as the largest number")  # fmt: skip
    yield anywhere("literal-of-32-bits/program", kind, _literal("iu", lambda v: v if abs(v) < 2**31 else v & 0x7FFFFFFF),
                   "integers are written with 31 bits")  # fmt: skip
    yield anywhere("literal-by-float64/program", kind, _literal("iu", lambda v: int(float(v))),
                   "integers are written by way of float64")  # fmt: skip
    yield anywhere("negative-literals-positive/program", kind, _literal("fi", abs), "the minus sign is lost")
    yield Operator("last-number-for-all/program", "swapped operands", "source",
                   "the last runtime scalar of a dtype is read for all of them", ("map",), ("all",),
                   lambda _: Misrendered(_numbers, by_key=True))  # fmt: skip


def _indices() -> Iterator[Operator]:
    kind = "off-by-one tail"
    yield anywhere("index-from-one/program", kind, _index(lambda n: n + 1), "the element's index starts at 1")
    yield anywhere("index-of-eight-bits/program", "wrong promotion", _index(lambda n: cast(cast(n, int8), int64)),
                   "the index is kept in 8 bits")  # fmt: skip
    yield anywhere("index-by-float16/program", "wrong promotion", _index(lambda n: cast(cast(n, float16), int64)),
                   "the index passes through float16")  # fmt: skip
    yield anywhere("index-by-float32/program", "wrong promotion", _index(lambda n: cast(cast(cast(n, float32), int32), int64)),
                   "the index passes through float32")  # fmt: skip
    yield anywhere("index-of-its-vector/program", kind, _index(lambda n: n - n % 4), "the index is that of its vector")
