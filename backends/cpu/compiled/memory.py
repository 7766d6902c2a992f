"""Loads and stores by address, as intrinsics: no bounds, no negative indices, and a word on who may overlap.

A kernel gets the addresses of its operands as integers.  Every operand has a scope; accesses of different scopes are
promised not to overlap, which is what lets a loop over several arrays become vector instructions.  The core promises
it in turn: operands are apart, or exactly the same, and then they share a scope.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

SCOPES: Final = 24
"""Operands that can be told apart; further ones share the last scope."""

INT64: Final = ir.IntType(64)
_HALF: Final = {"float16": ir.HalfType(), "bfloat16": ir.IntType(16)}
_STORED: Final = {
    "float32": ir.FloatType(), "float64": ir.DoubleType(), "bool": ir.IntType(8), **_HALF,
    **{f"{sign}int{bits}": ir.IntType(bits) for sign in ("", "u") for bits in (8, 16, 32, 64)},
}  # fmt: skip


def value_type(kind: str) -> Any:
    """Numba's type of a loaded element: half types are float32, bool is boolean."""
    if kind in _HALF:
        return types.float32
    return types.boolean if kind == "bool" else getattr(types, kind)


def _mark(builder: Any, access: Any, scope: int) -> None:
    """Say which scope an access is in, and that it is apart from all others."""
    module = builder.module
    domain = module.add_metadata(["hotplug operands"])
    scopes = [module.add_metadata([f"operand {number}", domain]) for number in range(SCOPES)]
    own = min(scope, SCOPES - 1)
    access.set_metadata("alias.scope", module.add_metadata([scopes[own]]))
    others = [each for number, each in enumerate(scopes) if number != own]
    access.set_metadata("noalias", module.add_metadata(others))


def _place(builder: Any, base: Any, index: Any, stored: Any) -> Any:
    pointer = builder.inttoptr(base, stored.as_pointer())
    return builder.gep(pointer, [index], source_etype=stored)


def _from_bfloat16(builder: Any, bits: Any) -> Any:
    wide = builder.shl(builder.zext(bits, ir.IntType(32)), ir.Constant(ir.IntType(32), 16))
    return builder.bitcast(wide, ir.FloatType())


def _to_bfloat16(builder: Any, value: Any) -> Any:
    """Round to nearest, ties to even; a NaN keeps its upper bits and becomes quiet."""
    word = ir.IntType(32)

    def number(n: int) -> Any:
        return ir.Constant(word, n)

    bits = builder.bitcast(value, word)
    upper = builder.lshr(bits, number(16))
    odd = builder.and_(upper, number(1))
    rounded = builder.lshr(builder.add(bits, builder.add(odd, number(0x7FFF))), number(16))
    is_nan = builder.fcmp_unordered("uno", value, value)
    chosen = builder.select(is_nan, builder.or_(upper, number(0x40)), rounded)
    return builder.trunc(chosen, ir.IntType(16))


def decode(builder: Any, kind: str, raw: Any) -> Any:
    """The value of a stored element."""
    if kind == "float16":
        return builder.fpext(raw, ir.FloatType())
    if kind == "bfloat16":
        return _from_bfloat16(builder, raw)
    return builder.icmp_unsigned("!=", raw, ir.Constant(raw.type, 0)) if kind == "bool" else raw


def encode(builder: Any, kind: str, value: Any) -> Any:
    """What is stored for a value."""
    if kind == "float16":
        return builder.fptrunc(value, ir.HalfType())
    if kind == "bfloat16":
        return _to_bfloat16(builder, value)
    return builder.zext(value, ir.IntType(8)) if kind == "bool" else value


@cache
def load(kind: str, scope: int) -> Any:
    """The function ``load(base address, index) -> value`` for elements of a dtype, in a scope."""
    stored, result = _STORED[kind], value_type(kind)

    @intrinsic  # type: ignore[untyped-decorator]
    def load_(_: Any, base: Any, index: Any) -> Any:
        def codegen(__: Any, builder: Any, ___: Any, arguments: Any) -> Any:
            raw = builder.load(_place(builder, arguments[0], arguments[1], stored), typ=stored)
            _mark(builder, raw, scope)
            return decode(builder, kind, raw)

        return result(types.intp, types.intp), codegen

    return load_


@cache
def store(kind: str, scope: int) -> Any:
    """The function ``store(base address, index, value)`` for elements of a dtype, in a scope."""
    stored, taken = _STORED[kind], value_type(kind)

    @intrinsic  # type: ignore[untyped-decorator]
    def store_(_: Any, base: Any, index: Any, value: Any) -> Any:
        def codegen(context: Any, builder: Any, ___: Any, arguments: Any) -> Any:
            encoded = encode(builder, kind, arguments[2])
            written = builder.store(encoded, _place(builder, arguments[0], arguments[1], stored))
            _mark(builder, written, scope)
            return context.get_dummy_value()

        return types.void(types.intp, types.intp, taken), codegen

    return store_


@cache
def rounding(kind: str) -> Any:
    """The function that rounds a float32 to a half type and back."""

    @intrinsic  # type: ignore[untyped-decorator]
    def round_(_: Any, value: Any) -> Any:
        def codegen(__: Any, builder: Any, ___: Any, arguments: Any) -> Any:
            return decode(builder, kind, encode(builder, kind, arguments[0]))

        return types.float32(types.float32), codegen

    return round_


def _bits(target: Any, source: Any, llvm: Any) -> Any:
    @intrinsic  # type: ignore[untyped-decorator]
    def reinterpret(_: Any, value: Any) -> Any:
        def codegen(__: Any, builder: Any, ___: Any, arguments: Any) -> Any:
            return builder.bitcast(arguments[0], llvm)

        return target(source), codegen

    return reinterpret


int32_bits: Final = _bits(types.int32, types.float32, ir.IntType(32))
"""A float32 as the integer of the same bits."""
float32_of_bits: Final = _bits(types.float32, types.int32, ir.FloatType())
"""An int32 as the float32 of the same bits."""
int64_bits: Final = _bits(types.int64, types.float64, ir.IntType(64))
float64_of_bits: Final = _bits(types.float64, types.int64, ir.DoubleType())


def _unary(name: str) -> Any:
    """One of LLVM's functions of a float32 or float64, which become single instructions."""

    @intrinsic  # type: ignore[untyped-decorator]
    def function(_: Any, value: Any) -> Any:
        def codegen(__: Any, builder: Any, ___: Any, arguments: Any) -> Any:
            kind = arguments[0].type
            declared = builder.module.declare_intrinsic(name, [kind])
            return builder.call(declared, arguments)

        return value(value), codegen

    return function


def _binary(name: str) -> Any:
    @intrinsic  # type: ignore[untyped-decorator]
    def function(_: Any, left: Any, right: Any) -> Any:
        def codegen(__: Any, builder: Any, ___: Any, arguments: Any) -> Any:
            kind = arguments[0].type
            declared = builder.module.declare_intrinsic(name, [kind], ir.FunctionType(kind, [kind, kind]))
            return builder.call(declared, arguments)

        return left(left, left), codegen

    return function


floor: Final = _unary("llvm.floor")
ceil: Final = _unary("llvm.ceil")
trunc: Final = _unary("llvm.trunc")
round_even: Final = _unary("llvm.rint")
absolute: Final = _unary("llvm.fabs")
square_root: Final = _unary("llvm.sqrt")
copysign: Final = _binary("llvm.copysign")
maximum: Final = _binary("llvm.maximum")
"""The larger; NaN where either is."""
minimum: Final = _binary("llvm.minimum")


def _chosen(name: str) -> Any:
    """The larger or smaller of two numbers none of which is NaN, as one instruction, in any order over a vector."""

    @intrinsic  # type: ignore[untyped-decorator]
    def function(_: Any, left: Any, right: Any) -> Any:
        def codegen(__: Any, builder: Any, ___: Any, arguments: Any) -> Any:
            kind = arguments[0].type
            declared = builder.module.declare_intrinsic(name, [kind], ir.FunctionType(kind, [kind, kind]))
            return builder.call(declared, arguments, fastmath=("nnan", "nsz"))

        return left(left, left), codegen

    return function


larger: Final = _chosen("llvm.maxnum")
smaller: Final = _chosen("llvm.minnum")


@intrinsic  # type: ignore[untyped-decorator]
def prefetch(_: Any, address: Any) -> Any:
    """Ask for the cache line at an address before it is needed."""

    def codegen(context: Any, builder: Any, __: Any, arguments: Any) -> Any:
        byte = ir.IntType(8).as_pointer()
        word = ir.IntType(32)
        shape = ir.FunctionType(ir.VoidType(), [byte, word, word, word])
        name = "llvm.prefetch.p0"
        declared = builder.module.globals.get(name) or ir.Function(builder.module, shape, name)
        numbers = [ir.Constant(word, n) for n in (0, 3, 1)]
        builder.call(declared, [builder.inttoptr(arguments[0], byte), *numbers])
        return context.get_dummy_value()

    return types.void(types.intp), codegen


@intrinsic  # type: ignore[untyped-decorator]
def stack_4096(_: Any) -> Any:
    """The address of 4096 bytes of the calling task's stack, on a cache line of their own; another place at each call."""

    def codegen(__: Any, builder: Any, ___: Any, ____: Any) -> Any:
        with builder.goto_entry_block():
            block = builder.alloca(ir.ArrayType(ir.IntType(8), 4096))
        block.align = 64
        return builder.ptrtoint(block, INT64)

    return types.intp(), codegen
