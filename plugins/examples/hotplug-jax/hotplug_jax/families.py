"""The seven kernel families as pure functions: ``family(key, inputs, scalars, shape of the outputs) -> outputs``."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import jax
import jax.numpy as jnp
from jax import lax

from hotplug.backend import OpKey
from hotplug_jax.scalars import Shape, evaluate

Arrays = Sequence[jax.Array]
Numbers = Sequence[Any]


def _wide(x: jax.Array) -> Any:
    """What sums and products are kept in: float64 for floating dtypes, so that 10**7 ones are counted exactly."""
    return jnp.float64 if jnp.issubdtype(x.dtype, jnp.floating) else x.dtype


def _number(x: jax.Array) -> jax.Array:
    """A bool as a number: XLA has no running maximum of bools."""
    return x.astype(jnp.uint8) if x.dtype == bool else x


REDUCTIONS: Final[dict[str, Callable[[jax.Array, Shape], jax.Array]]] = {
    "sum": lambda x, axes: jnp.sum(x, axes, dtype=_wide(x)), "prod": lambda x, axes: jnp.prod(x, axes, dtype=_wide(x)),
    "max": jnp.max, "min": jnp.min, "any": jnp.any, "all": jnp.all,  # of a number and NaN, max and min give NaN
}  # fmt: skip
SCANS: Final[dict[str, Callable[[jax.Array], jax.Array]]] = {
    "sum": lambda x: jnp.cumsum(x, -1, dtype=_wide(x)), "prod": lambda x: jnp.cumprod(x, -1, dtype=_wide(x)),
    "max": lambda x: lax.cummax(_number(x), x.ndim - 1), "min": lambda x: lax.cummin(_number(x), x.ndim - 1),
}  # fmt: skip


def _reduce(key: OpKey, inputs: Arrays, scalars: Numbers, shape: Shape) -> Arrays:
    full = inputs[0].shape
    (value,) = evaluate(key, inputs, scalars, full)
    return [REDUCTIONS[key.mode](value, tuple(range(len(full) - key.axis, len(full))))]


def _argreduce(key: OpKey, inputs: Arrays, scalars: Numbers, shape: Shape) -> Arrays:
    return [getattr(jnp, key.mode)(inputs[0], axis=-1)]


def _scan(key: OpKey, inputs: Arrays, scalars: Numbers, shape: Shape) -> Arrays:
    return [SCANS[key.mode](inputs[0])]


def _checked(index: jax.Array, size: int) -> tuple[jax.Array, jax.Array]:
    """Positions with those out of range moved to ``size``, and the fault: how many there were, and one of them.

    The device can't raise.  The fault is one more output, which the next host read looks at.
    """
    index = index.astype(jnp.int64)
    bad = (index < 0) | (index >= size)
    worst = jnp.where(bad, index, 0)
    one = jnp.where(worst.min() < 0, worst.min(), worst.max())
    return jnp.where(bad, size, index), jnp.stack([jnp.sum(bad, dtype=jnp.int64), one])


def _gather(key: OpKey, inputs: Arrays, scalars: Numbers, shape: Shape) -> Arrays:
    index, fault = _checked(inputs[1], inputs[0].shape[key.axis])
    return [jnp.take_along_axis(inputs[0], index, key.axis, mode="clip"), fault]


def _scatter(key: OpKey, inputs: Arrays, scalars: Numbers, shape: Shape) -> Arrays:
    target, index, source = inputs
    index, fault = _checked(index, target.shape[key.axis])
    places = [lax.broadcasted_iota(jnp.int64, index.shape, axis) for axis in range(index.ndim)]
    places[key.axis] = index
    kind = _wide(target) if key.mode in ("add", "mul") else target.dtype
    update = getattr(target.astype(kind).at[tuple(places)], {"mul": "multiply"}.get(key.mode, key.mode))
    return [update(source.astype(kind), mode="drop"), fault]


def _matmul(key: OpKey, inputs: Arrays, scalars: Numbers, shape: Shape) -> Arrays:
    kind = key.dtypes[0].compute.numpy
    left, right = (each.astype(kind) for each in inputs)
    dims, precise = (((2,), (1,)), ((0,), (0,))), lax.Precision.HIGHEST  # TPUs would round operands to bfloat16
    return [lax.dot_general(left, right, dims, precision=precise, preferred_element_type=kind)]


_FAMILIES: Final[dict[str, Callable[..., Arrays]]] = {
    "map": evaluate, "reduce": _reduce, "argreduce": _argreduce, "scan": _scan, "gather": _gather, "scatter": _scatter,
    "matmul": _matmul,
}  # fmt: skip


def pure(key: OpKey) -> Callable[..., Arrays] | None:
    """The pure function of a family; ``None`` for composites.  The first output is converted to the key's dtype."""
    family = _FAMILIES.get(key.name)
    if family is None:
        return None

    def run(inputs: Arrays, scalars: Numbers, shape: Shape) -> Arrays:
        first, *more = family(key, inputs, scalars, shape)
        return [first.astype(key.dtypes[0].numpy), *more]

    return run
