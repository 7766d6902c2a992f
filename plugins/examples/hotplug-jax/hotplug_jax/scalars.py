"""The meaning of an Expr in jax.numpy; comments say where XLA by itself differs."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Final

import jax
import jax.numpy as jnp
from jax import lax

from hotplug.backend import Expr, dtypes, schedule

Function = Callable[..., jax.Array]


def _integer_or(whole: Function, floating: Function) -> Function:
    """One function for integers, whose divisor 0 gives 0, another for floating dtypes."""

    def function(a: jax.Array, b: jax.Array) -> jax.Array:
        if jnp.issubdtype(a.dtype, jnp.floating):
            return floating(a, b)
        return jnp.where(b == 0, 0, whole(a, jnp.where(b == 0, 1, b))).astype(a.dtype)

    return function


def _power(base: jax.Array, exponent: jax.Array) -> jax.Array:
    """Integers modulo 2**bits by repeated squaring; a negative exponent leaves only the bases 1 and -1."""
    if jnp.issubdtype(base.dtype, jnp.floating):
        return lax.pow(base, exponent)
    left, square, result = exponent, base, jnp.ones_like(base)
    for _ in range(base.dtype.itemsize * 8):
        result = jnp.where(left & 1 == 1, result * square, result)
        left, square = lax.shift_right_logical(left, jnp.ones_like(left)), square * square
    unit = jnp.where(base == 1, 1, jnp.where(base + 1 == 0, jnp.where(exponent & 1 == 1, base, 1), 0))
    return jnp.where(exponent < 0, unit, result).astype(base.dtype)


def _rounded(x: jax.Array) -> jax.Array:
    """A floating value as it is.  XLA would contract a product and a sum into one rounding, which changes random
    numbers, and cancel constants; an optimization barrier does not hold it back, but it can't see past this selection.
    """
    return jnp.where(jnp.isnan(x), jnp.nan, x) if jnp.issubdtype(x.dtype, jnp.floating) else x


def _log1p(x: jax.Array) -> jax.Array:
    """Kahan's: the error of ``1 + x`` divides out.  XLA's own is 100 ulp off in float64."""
    u = _rounded(1 + x)
    return jnp.where((u == 1) | (u == jnp.inf), x, lax.log(u) * (x / (u - 1)))


def _cosh(x: jax.Array) -> jax.Array:
    half = lax.exp(abs(x) * 0.5)  # its square would overflow before the result does
    return half * (half * 0.5) + 0.5 / (half * half)


def _sinh(x: jax.Array) -> jax.Array:
    half, small = lax.exp(abs(x) * 0.5), lax.expm1(jnp.minimum(abs(x), 1))
    near = (small + small / (small + 1)) * 0.5
    return jnp.copysign(jnp.where(abs(x) < 1, near, half * (half * 0.5) - 0.5 / (half * half)), x)


def _atanh(x: jax.Array) -> jax.Array:
    return jnp.copysign(0.5 * _log1p(2 * abs(x) / (1 - abs(x))), x)


FUNCTIONS: Final[dict[str, Function]] = {
    **{name: getattr(jnp, name) for name in (
        "abs expm1 log log2 log10 sqrt sin cos tanh floor ceil trunc hypot copysign nextafter "
        "minimum maximum fmin fmax where invert"
    ).split()},
    **{name: getattr(lax, name) for name in "exp neg tan asin acos atan erf erfc rsqrt atan2".split()},
    **{name: getattr(lax, name) for name in "eq ne lt le gt ge add sub div asinh acosh".split()},
    "and": jnp.bitwise_and, "or": jnp.bitwise_or, "xor": jnp.bitwise_xor, "shl": lax.shift_left, "shr": jnp.right_shift,
    "mulhi": lambda a, b: (a.astype(jnp.uint64) * b.astype(jnp.uint64) >> 32).astype(jnp.uint32),
    "mul": lambda a, b: _rounded(a * b), "pow": _power, "fmod": _integer_or(lax.rem, lax.rem),
    "exp2": lambda x: lax.pow(jnp.full_like(x, 2), x),  # jnp.exp2 loses digits of large arguments
    "lgamma": lambda x: lax.lgamma(x.astype(jnp.float64)).astype(x.dtype),  # its zeros need the digits
    "sinh": _sinh, "cosh": _cosh, "log1p": _log1p, "atanh": _atanh, "sigmoid": lax.logistic,
    "round": lambda x: lax.round(x, lax.RoundingMethod.TO_NEAREST_EVEN),
    "digamma": lambda x: jnp.where(x == 0, -jnp.copysign(jnp.inf, x), lax.digamma(x)).astype(x.dtype),
    "sign": lambda x: (x > 0).astype(x.dtype) - (x < 0).astype(x.dtype),  # 0 for NaN
    "floordiv": _integer_or(jnp.floor_divide, jnp.floor_divide),
    "remainder": _integer_or(jnp.remainder, jnp.remainder),
}  # fmt: skip


def cast(x: jax.Array, source: dtypes.dtype, target: dtypes.dtype) -> jax.Array:
    """Conversion by the contract's table; XLA by itself saturates."""
    if target.kind == "b":
        return x != 0
    if source.kind != "f" or target.kind not in "ui":
        return _rounded(x.astype(target.numpy))  # XLA takes a product with a bool for a selection: 0 * inf would be 0
    fits = (x >= -(2.0**63)) & (x < 2.0**63)
    whole = jnp.where(fits, x.astype(jnp.int64), jnp.iinfo(jnp.int64).min).astype(target.numpy)
    if target is dtypes.uint64:
        whole = jnp.where((x >= 2.0**63) & (x < 2.0**64), x.astype(jnp.uint64), whole)
    return whole


def evaluate(
    program: Sequence[Expr], inputs: Sequence[jax.Array], scalars: Sequence[Any], shape: Sequence[int]
) -> list[jax.Array]:
    """The values of the roots over ``shape``."""
    values: dict[Expr, jax.Array] = {}
    for node in schedule(program):
        args = [values[arg] for arg in node.args]
        if node.op == "input":
            values[node] = inputs[node.value]
        elif node.op == "scalar":
            values[node] = jnp.asarray(scalars[node.value]).astype(node.dtype.numpy)
        elif node.op == "constant":
            values[node] = jnp.full((), node.value, node.dtype.numpy)
        elif node.op == "index":
            values[node] = lax.iota(jnp.int64, math.prod(shape)).reshape(tuple(shape))
        elif node.op == "cast":
            values[node] = cast(args[0], node.args[0].dtype, node.dtype)
        else:
            values[node] = FUNCTIONS[node.op](*jnp.broadcast_arrays(*args))
    return [jnp.broadcast_to(values[root], tuple(shape)) for root in program]
