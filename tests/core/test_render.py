"""The renderer for C-like languages: every op has a spelling, one statement a node, literals are exact.

What the text computes is tested where there is a device: tests/backends/test_opencl_expr.py.
"""

from __future__ import annotations

import math
import re
from typing import final

import pytest

from hotplug.backend import Expr, dtypes
from hotplug.backend.render import OPENCL, Dialect, Source
from hotplug.dtypes import dtype, float16, float32, float64, int8, int32, int64, uint32, uint64
from hotplug.errors import PluginError
from hotplug.expr.node import (
    ARITHMETIC,
    BITWISE,
    COMPARISON,
    FLOATING,
    binary,
    cast,
    constant,
    index,
    input_,
    make,
    scalar,
    unary,
    where,
)

REAL = [each for each in dtypes.ALL if each.kind != "c"]
TWO = set("div pow atan2 hypot copysign nextafter shl shr mulhi and or xor".split()) | COMPARISON | (
    ARITHMETIC - {"neg", "abs", "sign"}
)  # fmt: skip


def operation(op: str, kind: dtype) -> Expr:
    """One node of an op on inputs of a dtype."""
    args = (input_(0, kind), input_(1, kind)) if op in TWO else (input_(0, kind),)
    return make(op, args, dtypes.bool_ if op in COMPARISON else kind)


def defined(op: str, kind: dtype) -> bool:
    """Whether the op of Exprs is defined for the dtype."""
    if kind.kind == "f":
        return op not in BITWISE
    if kind.kind == "b":
        return op in COMPARISON or op in ("and", "or", "xor", "invert")
    if op == "mulhi":
        return kind is uint32
    return op in ARITHMETIC | COMPARISON | BITWISE | {"pow"}


CASES = [
    (op, kind) for op in sorted(FLOATING | ARITHMETIC | COMPARISON | BITWISE) for kind in REAL if defined(op, kind)
]


@pytest.mark.parametrize(("op", "kind"), CASES, ids=[f"{op}-{kind.name}" for op, kind in CASES])
def test_every_op_of_every_dtype_renders(op: str, kind: dtype) -> None:
    source = Source(OPENCL)
    body = source.render([operation(op, kind)], ["x", "y"])
    text = source.text(body.text)
    assert len(body.statements) == 1
    assert re.match(r"const \w+ t0 = .*;$", body.statements[0])
    assert "@" not in text, "a word of the template language is left"
    assert not re.search(r"\{\d\}", text), "an operand is left"
    for called in set(re.findall(r"\bhp_\w+(?=\()", text)):
        assert re.search(rf"static inline \w+ {called}\(", text), f"{called} is not defined"


@pytest.mark.parametrize("source_kind", REAL, ids=lambda kind: kind.name)
def test_every_cast_renders(source_kind: dtype) -> None:
    for target in REAL:
        source = Source(OPENCL)
        text = source.text(source.render([cast(input_(0, source_kind), target)], ["x"]).text)
        assert "@" not in text


def test_a_shared_node_is_one_statement() -> None:
    x = input_(0, float32)
    square = x * x
    body = Source(OPENCL).render([square + square, square], ["x"])
    assert body.statements == ("const float t0 = x * x;", "const float t1 = t0 + t0;")
    assert body.values == ("t1", "t0")


def test_leaves_are_the_given_names() -> None:
    program = [where(cast(scalar(3, dtypes.bool_), dtypes.bool_), index(), cast(input_(1, int32), int64))]
    body = Source(OPENCL).render(program, {1: "b"}, {3: "flag"}, "i")
    assert body.statements == ("const long t0 = (long)b;", "const long t1 = flag ? (long)i : t0;")


@pytest.mark.parametrize(
    ("value", "kind", "expected"),
    [
        (0.1, float32, "0x1.99999a0000000p-4f"),
        (0.1, float64, "0x1.999999999999ap-4"),
        (0.1, float16, "0x1.9980000000000p-4f"),
        (-2.0, float32, "(-0x1.0000000000000p+1f)"),
        (-0.0, float64, "(-0x0.0p+0)"),
        (math.inf, float32, "(float)INFINITY"),
        (-math.inf, float64, "(double)(-INFINITY)"),
        (math.nan, float32, "(float)NAN"),
        (True, dtypes.bool_, "true"),
        (-128, int8, "(char)(-127 - 1)"),
        (-(1 << 63), int64, "(long)(-9223372036854775807L - 1)"),
        (-5, int64, "(long)(-5L)"),
        ((1 << 64) - 1, uint64, "(ulong)18446744073709551615UL"),
        ((1 << 32) - 1, uint32, "(uint)4294967295u"),
    ],
)
def test_literals_are_exact(value: object, kind: dtype, expected: str) -> None:
    assert Source(OPENCL).literal(value, kind) == expected


def test_contraction_is_off_and_double_is_asked_for_only_where_needed() -> None:
    narrow, wide = Source(OPENCL), Source(OPENCL)
    narrow.render([unary("exp", input_(0, float32))], ["x"])
    wide.render([cast(unary("exp", cast(input_(0, float32), float64)), float32)], ["x"])
    assert "#pragma OPENCL FP_CONTRACT OFF" in narrow.text()
    assert "cl_khr_fp64" not in narrow.text()
    assert "cl_khr_fp64" in wide.text()


def test_half_values_are_rounded_where_another_node_reads_them_and_by_the_store() -> None:
    x = input_(0, float16)
    source = Source(OPENCL)
    body = source.render([x * x + x], ["x"])
    assert body.statements == ("const float t0 = hp_rounded_float16(x * x);", "const float t1 = t0 + x;")
    assert source.store(float16, "p[i]", body.values[0]) == "p[i] = hp_to_half_float16(t1);"
    assert source.load(float16, "p[i]") == "hp_from_half_float16(p[i])"
    assert source.stored(float16) == "ushort"


def test_a_double_becomes_a_half_by_one_rounding() -> None:
    source = Source(OPENCL)
    assert source.store(float16, "*p", "x", float64) == "*p = hp_to_half_float16(hp_to_odd_float64(x));"


def test_bool_is_a_byte_in_memory() -> None:
    source = Source(OPENCL)
    assert source.stored(dtypes.bool_) == "uchar"
    assert source.load(dtypes.bool_, "p[0]") == "(p[0] != 0)"
    assert source.convert("x", float32, dtypes.bool_) == "(x != 0)"


@pytest.mark.parametrize("op", ["real", "angle"])
def test_complex_ops_are_refused(op: str) -> None:
    with pytest.raises(PluginError, match=f"{op} of complex64 has no spelling"):
        Source(OPENCL).render([unary(op, input_(0, dtypes.complex64))], ["x"])


@final
class Cuda(Dialect):
    """A second language: other type names, other function names, another qualifier."""

    qualifier = "__device__ inline"
    long_suffix = "LL"

    def type(self, kind: dtype) -> str:
        names = {"int64": "long long", "uint64": "unsigned long long", "uint32": "unsigned", "float64": "double"}
        return names.get(kind.name, kind.name.replace("32", ""))

    def math(self, name: str, kind: dtype) -> str:
        return f"{name}f" if kind is float32 else name

    def as_bits(self, kind: dtype) -> str:
        return "__float_as_uint" if kind is float32 else "__double_as_longlong"

    def from_bits(self, kind: dtype) -> str:
        return "__uint_as_float" if kind is float32 else "__longlong_as_double"

    def preamble(self, kinds: frozenset[dtype]) -> str:
        return "// by another compiler"


def test_another_dialect_renders_the_same_program() -> None:
    x, y = input_(0, float32), input_(1, int64)
    source = Source(Cuda())
    body = source.render([unary("exp", x), binary("floordiv", y, constant(3, int64))], ["x", "y"])
    text = source.text(body.text)
    assert body.statements == (
        "const float t0 = expf(x);",
        "const long long t1 = hp_floor_quotient_int64(y, (long long)3LL);",
    )
    assert "__device__ inline long long hp_floor_quotient_int64(long long a, long long b)" in text
    assert text.startswith("// by another compiler")
