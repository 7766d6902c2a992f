"""The meaning of an Expr in jax.numpy; comments say where XLA by itself differs."""

import math
from collections.abc import Callable, Sequence
from typing import Any, Final

import jax
import jax.numpy as jnp
from jax import lax

from hotplug.backend import Expr, OpKey, dtypes, schedule

Function = Callable[..., jax.Array]
Shape = tuple[int, ...]


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


def _in_double(function: Function) -> Function:
    """A function computed in float64: its zeros need the digits."""
    return lambda x: function(x.astype(jnp.float64)).astype(x.dtype)


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
    **{name: getattr(lax, name) for name in "neg tan asin acos atan erf rsqrt atan2".split()},
    **{name: getattr(lax, name) for name in "eq ne lt le gt ge add sub asinh acosh".split()},
    "and": jnp.bitwise_and, "or": jnp.bitwise_or, "xor": jnp.bitwise_xor, "shl": lax.shift_left, "shr": jnp.right_shift,
    "mulhi": lambda a, b: (a.astype(jnp.uint64) * b.astype(jnp.uint64) >> 32).astype(jnp.uint32),
    "mul": lambda a, b: _rounded(a * b), "pow": _power, "fmod": _integer_or(lax.rem, lax.rem),
    "exp2": lambda x: lax.pow(jnp.full_like(x, 2), x),  # jnp.exp2 loses digits of large arguments
    "div": lambda a, b: a / jnp.where(a == a, b, a),  # noqa: PLR0124 - XLA would multiply by 1 / b where b is one number
    "lgamma": _in_double(lax.lgamma), "erfc": _in_double(lax.erfc), "exp": lambda x: _rounded(lax.exp(x)),
    "digamma": _in_double(lambda x: jnp.where(x == 0, -jnp.copysign(jnp.inf, x), lax.digamma(x))),
    "sinh": _sinh, "cosh": _cosh, "log1p": _log1p, "atanh": _atanh, "sigmoid": lax.logistic,
    "round": lambda x: lax.round(x, lax.RoundingMethod.TO_NEAREST_EVEN),
    "sign": lambda x: (x > 0).astype(x.dtype) - (x < 0).astype(x.dtype),  # 0 for NaN
    "floordiv": _integer_or(jnp.floor_divide, jnp.floor_divide),
    "remainder": _integer_or(jnp.remainder, jnp.remainder),
}  # fmt: skip


def _to_odd(x: jax.Array) -> jax.Array:
    """float64 as float32 towards zero, an odd one if inexact: what rounds that to a half type rounds ``x`` once."""
    near = x.astype(jnp.float32)
    bits = lax.bitcast_convert_type(near, jnp.int32)
    odd = (bits - (abs(near.astype(jnp.float64)) > abs(x))) | (near.astype(jnp.float64) != x)
    return lax.bitcast_convert_type(odd, jnp.float32)


def cast(x: jax.Array, source: dtypes.dtype, target: dtypes.dtype) -> jax.Array:
    """Conversion by the contract's table; XLA by itself saturates."""
    if target.kind == "b":
        return x != 0
    if source is dtypes.float64 and target.kind == "f" and target.itemsize == 2:
        x = _to_odd(x)
    if source.kind != "f" or target.kind not in "ui":
        return _rounded(x.astype(target.numpy))  # XLA takes a product with a bool for a selection: 0 * inf would be 0
    x = x.astype(jnp.float64)  # the bounds are beyond the half types
    whole = jnp.where((x >= -(2.0**63)) & (x < 2.0**63), x.astype(jnp.int64), -(2**63)).astype(target.numpy)
    if target is dtypes.uint64:
        whole = jnp.where((x >= 2.0**63) & (x < 2.0**64), x.astype(jnp.uint64), whole)
    return whole


def evaluate(key: OpKey, inputs: Sequence[jax.Array], scalars: Sequence[Any], shape: Shape) -> list[jax.Array]:
    """What each Expr of the key's program gives over ``shape``."""
    values: dict[Expr, jax.Array] = {}
    for node in schedule(key.program):
        args = [values[arg] for arg in node.args]
        if node.op == "input":
            values[node] = inputs[node.value]
        elif node.op == "scalar":
            values[node] = jnp.asarray(scalars[node.value]).astype(node.dtype.numpy)
        elif node.op == "constant":
            values[node] = jnp.full((), node.value, node.dtype.numpy)
        elif node.op == "index":
            values[node] = lax.iota(jnp.int64, math.prod(shape)).reshape(shape)
        elif node.op == "cast":
            values[node] = cast(args[0], node.args[0].dtype, node.dtype)
        else:
            values[node] = FUNCTIONS[node.op](*jnp.broadcast_arrays(*args))
    return [jnp.broadcast_to(values[root], shape) for root in key.program]
