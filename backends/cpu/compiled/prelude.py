"""What kernel text is written with: the names that every kernel module imports.

``Real`` is the type that is computed with, ``load`` and ``store`` read and write elements in memory (with a scope, see
``memory``): ``load(address, index)`` is of scope 0.  A module is written for float32; ``names_for`` tells what the
names mean for another dtype, half types being stored in two bytes and computed with in float32.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final, TypeVar, cast

import numba
import numpy as np
from numba import types

from hotplug.backends.cpu.compiled import memory
from hotplug.backends.cpu.compiled.memory import (
    absolute,
    copysign,
    float32_of_bits,
    float64_of_bits,
    int32_bits,
    int64_bits,
    maximum,
    minimum,
    prefetch,
    square_root,
)

F = TypeVar("F", bound=Callable[..., Any])
_BARE: Final[dict[str, Any]] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
"""Only tasks call these functions: what would let Python call them costs a fifth of the time to compile."""


def inline(function: F) -> F:
    """For functions that tasks call: products and sums may be contracted to fused multiply-adds."""
    return cast(
        F, numba.njit(nogil=True, error_model="numpy", fastmath={"contract"}, forceinline=True, **_BARE)(function)
    )


def exact(function: F) -> F:
    """The same with every product rounded."""
    return cast(F, numba.njit(nogil=True, error_model="numpy", forceinline=True, **_BARE)(function))


def anyhow(function: F) -> F:
    """The same with sums in any order: a running sum becomes several, one in each lane of a vector."""
    options = {"reassoc", "contract", "nsz"}
    return cast(F, numba.njit(nogil=True, error_model="numpy", fastmath=options, forceinline=True, **_BARE)(function))


float32: Final[Any] = types.float32
float64: Final[Any] = types.float64
int32: Final[Any] = types.int32
int64: Final[Any] = types.int64
uint32: Final[Any] = types.uint32
uint64: Final[Any] = types.uint64
intp: Final[Any] = types.intp

FUNCTIONS: Final = ("exp", "log", "tanh", "erf", "sigmoid")
exp: Any = np.exp
"""In kernels: e to the power x, vectorised where ``Real`` is float32; so are the next four."""
log: Any = np.log
tanh: Any = np.tanh
erf: Any = math.erf
sigmoid: Any = None

Real: Any = types.float32
"""The type that is computed with."""
Wide: Any = types.float64
"""The type in which long sums are kept."""
load: Any = memory.load("float32", 0)
store: Any = memory.store("float32", 0)
load1: Any = memory.load("float32", 1)
load2: Any = memory.load("float32", 2)
load3: Any = memory.load("float32", 3)
load4: Any = memory.load("float32", 4)
store1: Any = memory.store("float32", 1)
store2: Any = memory.store("float32", 2)
word: Final[Any] = memory.load("int64", 20)
"""``word(arguments, i)``: the i-th word of a task's table, an integer or an address."""
number: Final[Any] = memory.load("float64", 20)
"""``number(arguments, i)``: the same word as the float64 whose bits it has."""
load_index: Final[Any] = memory.load("int64", 19)
"""An element of an index array."""
load_real: Final[Any] = memory.load("float32", 18)
"""An element of scratch memory of ``Real``."""
store_real: Final[Any] = memory.store("float32", 18)
load_real2: Final[Any] = memory.load("float32", 17)
"""The same, of memory apart from that of ``load_real``; so is ``load_real3``."""
store_real2: Final[Any] = memory.store("float32", 17)
load_real3: Final[Any] = memory.load("float32", 16)
store_real3: Final[Any] = memory.store("float32", 16)


@anyhow
def add(left: Any, right: Any) -> Any:
    """A sum whose order is free: a running sum of it becomes several, one in each lane."""
    return left + right


@anyhow
def multiply(left: Any, right: Any) -> Any:
    """A product whose order is free."""
    return left * right


@anyhow
def multiply_add(left: Any, right: Any, total: Any) -> Any:
    """``left * right + total``, in any order of summation."""
    return left * right + total


def _of_float32() -> dict[str, Any]:
    from hotplug.backends.cpu.compiled import functions  # which needs this module's ``inline``

    return {name: getattr(functions, name) for name in FUNCTIONS}


def _of_float64() -> dict[str, Any]:
    """The C library's, one element at a time."""

    def erf(x: Any) -> Any:
        return math.erf(x)

    def sigmoid(x: Any) -> Any:
        return 1.0 / (1.0 + np.exp(-x))

    return {"erf": inline(erf), "sigmoid": inline(sigmoid), "exp": np.exp, "log": np.log, "tanh": np.tanh}


Total: Any = types.float64
"""The type of running totals."""
load_total: Any = memory.load("float64", 17)
store_total: Any = memory.store("float64", 17)
_store_mark: Final[Any] = memory.store("int64", 16)


@inline
def mark(address: Any, value: Any) -> None:
    """Note that something happened, and with which number: two words at an address."""
    _store_mark(address, 0, 1)
    _store_mark(address, 1, value)


@inline
def is_nan(x: Any) -> Any:
    """Whether x is not a number; integers always are."""
    return x != x  # noqa: PLR0124


ITEM: int = 4
"""Bytes of an element."""


def names_for(kind: str) -> dict[str, Any]:
    """What a kernel module's names stand for when it is compiled for a dtype."""
    names: dict[str, Any] = {
        "Real": memory.value_type(kind), "load": memory.load(kind, 0), "store": memory.store(kind, 0),
        "ITEM": {"float64": 8, "float32": 4}.get(kind, 2),
    }  # fmt: skip
    scratch = "float64" if kind == "float64" else "float32"
    for name, scope in (("real", 18), ("real2", 17), ("real3", 16)):
        names |= {f"load_{name}": memory.load(scratch, scope), f"store_{name}": memory.store(scratch, scope)}
    names |= _of_float64() if kind == "float64" else _of_float32()
    names |= {f"load{scope}": memory.load(kind, scope) for scope in range(1, 5)}
    return names | {f"store{scope}": memory.store(kind, scope) for scope in range(1, 3)}


__all__ = [
    "ITEM",
    "Real",
    "Total",
    "Wide",
    "absolute",
    "add",
    "anyhow",
    "copysign",
    "erf",
    "exact",
    "exp",
    "float32",
    "float32_of_bits",
    "float64",
    "float64_of_bits",
    "inline",
    "int32",
    "int32_bits",
    "int64",
    "int64_bits",
    "intp",
    "load",
    "load1",
    "load2",
    "load3",
    "load4",
    "load_index",
    "load_real",
    "load_real2",
    "load_real3",
    "load_total",
    "log",
    "mark",
    "maximum",
    "minimum",
    "multiply",
    "multiply_add",
    "np",
    "number",
    "prefetch",
    "sigmoid",
    "square_root",
    "store",
    "store1",
    "store2",
    "store_real",
    "store_real2",
    "store_real3",
    "store_total",
    "tanh",
    "uint32",
    "uint64",
    "word",
]  # fmt: skip
