"""Random tensors.  Integers, uniforms and masks are the same bits on every device, normals the same within ulps.

A renderer must not contract ``a * b + c`` in these kernels (they contain ``mulhi``): it would round once where NumPy
rounds twice.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from hotplug import dispatch, host
from hotplug.array import Array
from hotplug.autograd.views import assign, prepare_write
from hotplug.declare import function
from hotplug.declare.dims import sizes
from hotplug.dtypes import bool_, dtype as DType, finfo, float32, float64, get_default_dtype, iinfo, int64, uint64
from hotplug.errors import ArgumentError, ArgumentTypeError, DTypeError, ShapeError
from hotplug.expr.node import Expr, binary, cast, input_, scalar, unary
from hotplug.layout import layout_of
from hotplug.ops import arithmetic, comparison, creation, joining, reduction, scan, scattering, views
from hotplug.ops.creation import finish, like_array, new_array
from hotplug.random import SCALARS, Generator, chosen, philox
from hotplug.runtime import resolve_runtime
from hotplug.tensor import Tensor, wrap

Word = Expr

_HALF_BITS: Final = {"float16": 11, "bfloat16": 8}


def _fraction(kind: DType, first: Word, second: Word, offset: float = 0.0) -> Expr:
    """A number in [0, 1) from the bits that the dtype can hold; with ``offset`` 1 in (0, 1]."""
    if kind is float64:
        high, low = (cast(binary("shr", word, shift), float64) for word, shift in ((first, 5), (second, 6)))
        return (high * 2.0**26 + low + offset) * 2.0**-53
    bits = _HALF_BITS.get(kind.name, 24)
    return (cast(binary("shr", first, 32 - bits), float32) + offset) * 2.0**-bits


@functools.cache
def _uniform_program(kind: DType) -> dispatch.Program:
    a, b, *_ = philox()
    low, span = scalar(SCALARS, kind.compute), scalar(SCALARS + 1, kind.compute)
    return (cast(low + span * _fraction(kind, a, b), kind),)


@functools.cache
def _normal_program(kind: DType) -> dispatch.Program:
    """Box and Muller's transform (1958), the cosine branch."""
    a, b, c, d = philox()
    wide = kind.compute
    pairs = ((a, b), (c, d)) if wide is float64 else ((a, a), (b, b))
    radius = unary("sqrt", unary("log", _fraction(wide, *pairs[0], 1.0)) * -2.0)
    turn = unary("cos", _fraction(wide, *pairs[1]) * (2.0 * math.pi))
    mean, std = scalar(SCALARS, wide), scalar(SCALARS + 1, wide)
    return (cast(mean + std * (radius * turn), kind),)


@functools.cache
def _integer_program(kind: DType) -> dispatch.Program:
    """A 64-bit draw modulo the range: the bias is below the range times 2**-64."""
    a, b, *_ = philox()
    wide = binary("or", cast(a, uint64), binary("shl", cast(b, uint64), 32))
    drawn = binary("remainder", wide, scalar(SCALARS + 1, uint64))
    return (cast(cast(drawn, int64) + scalar(SCALARS, int64), kind),)


@functools.cache
def _exponential_program(kind: DType) -> dispatch.Program:
    a, b, *_ = philox()
    wide = kind.compute
    return (cast(-unary("log", _fraction(wide, a, b, 1.0)) / scalar(SCALARS, wide), kind),)


@functools.cache
def _cauchy_program(kind: DType) -> dispatch.Program:
    """The tangent of a uniform angle."""
    a, b, *_ = philox()
    wide = kind.compute
    turn = unary("tan", (_fraction(wide, a, b) - 0.5) * math.pi)
    return (cast(scalar(SCALARS, wide) + scalar(SCALARS + 1, wide) * turn, kind),)


@functools.cache
def _log_normal_program(kind: DType) -> dispatch.Program:
    (normal,) = _normal_program(kind.compute)
    return (cast(unary("exp", normal), kind),)


@functools.cache
def _geometric_program(kind: DType) -> dispatch.Program:
    """The trial that is the first to succeed, counted from 1; the scalar is the logarithm of failing."""
    a, b, *_ = philox()
    wide = kind.compute if kind.kind == "f" else float32
    trial = unary("ceil", unary("log", _fraction(wide, a, b, 1.0)) / scalar(SCALARS, wide))
    return (cast(binary("maximum", trial, 1.0), kind),)


@functools.cache
def _bernoulli_program(kind: DType, out: DType) -> dispatch.Program:
    """Whether a uniform is below the probability, which is an input of dtype ``kind``."""
    a, b, *_ = philox()
    wide = kind.compute
    return (cast(_fraction(wide, a, b) < cast(input_(0, kind), wide), out),)


@functools.cache
def _chance_program(out: DType) -> dispatch.Program:
    """Whether a float32 uniform is below a probability that is the same for all elements."""
    a, b, *_ = philox()
    return (cast(_fraction(float32, a, b) < scalar(SCALARS, float32), out),)


def _fill(array: Array, program: dispatch.Program, generator: Generator | None, *numbers: Any) -> None:
    dispatch.map_(program, [array], [], (*chosen(generator).draw(), *numbers))


class RandomArgumentError(ArgumentError, RuntimeError):
    """A parameter of a distribution is out of range."""


def _floating(op: str, kind: DType) -> DType:
    if kind.kind != "f":
        raise DTypeError(f"{op} expected a floating dtype, got {kind.name}")
    return kind


def _new(
    op: str, size: Sequence[Any], dtype: DType | None, device: Any, program: Callable[[DType], dispatch.Program],
    generator: Generator | None, numbers: tuple[float, float],
) -> Array:  # fmt: skip
    """A new array of random numbers."""
    array = new_array(resolve_runtime(device), dtype or get_default_dtype(), sizes(tuple(size)))
    return _drawn(op, array, program, generator, numbers)


def _drawn(
    op: str, array: Array, program: Callable[[DType], dispatch.Program], generator: Generator | None,
    numbers: tuple[float, float],
) -> Array:  # fmt: skip
    """Fill an array, the same numbers at the same indices whatever its strides; a complex one is drawn as its parts."""
    part, kind = array, array.dtype
    if kind.kind == "c":
        strides = (*(2 * stride for stride in array.strides), 1)
        part = Array(array.storage, layout_of(kind.real, (*array.shape, 2), strides), 2 * array.offset)
    _fill(part, program(_floating(op, kind.real)), generator, *numbers)
    return array


def _deviation(kind: DType) -> float:
    """Of the parts of a normal number of deviation 1."""
    return math.sqrt(0.5) if kind.kind == "c" else 1.0


@function(method=False)
def rand(*size: Any, generator: Generator | None = None, dtype: DType | None = None, device: Any = None,
         requires_grad: bool = False) -> Tensor:  # fmt: skip
    """Uniform numbers in [0, 1): multiples of ``2**-24`` for float32, of ``2**-53``, ``2**-11`` and ``2**-8`` for
    float64, float16 and bfloat16.  Both parts of complex ones.
    """
    array = _new("rand", size, dtype, device, _uniform_program, generator, (0.0, 1.0))
    return finish(array, requires_grad)


@function(method=False)
def randn(*size: Any, generator: Generator | None = None, dtype: DType | None = None, device: Any = None,
          requires_grad: bool = False) -> Tensor:  # fmt: skip
    """Normal numbers of mean 0 and deviation 1; complex ones have half the variance in each part."""
    deviation = _deviation(dtype or get_default_dtype())
    array = _new("randn", size, dtype, device, _normal_program, generator, (0.0, deviation))
    return finish(array, requires_grad)


def _range(op: str, low: int, high: int, kind: DType) -> tuple[int, int]:
    """The lowest integer and the number of integers.

    Raises:
        RandomArgumentError: there are none, or the dtype can't hold them.
    """
    if high <= low:
        raise RandomArgumentError(f"{op} expects 'from' to be less than 'to', but got from={low} >= to={high}")
    if kind.kind in "ui" and not iinfo(kind).min <= low <= high - 1 <= iinfo(kind).max:
        raise RandomArgumentError(f"{op}: integers from {low} to {high - 1} are out of bounds for {kind.name}")
    return int(low), int(high) - int(low)


@function(method=False)
def randint(*args: Any, low: int = 0, high: int | None = None, size: Sequence[int] | None = None,
            generator: Generator | None = None, dtype: DType | None = None, device: Any = None,
            requires_grad: bool = False) -> Tensor:  # fmt: skip
    """Integers from ``low`` (0 by default) to ``high - 1``: ``randint(high, size)`` or ``randint(low, high, size)``."""
    given = list(args)
    if size is None and given:
        size = given.pop()
    if given:
        high = given.pop()
    if given:
        low = given.pop()
    if high is None or size is None:
        raise ArgumentTypeError("randint: expected randint(high, size) or randint(low, high, size)")
    array = new_array(resolve_runtime(device), dtype or int64, sizes((size,)))
    _fill(array, _integer_program(array.dtype), generator, *_range("randint", low, high, array.dtype))
    return finish(array, requires_grad)


@function(method=False)
def randperm(n: int, *, generator: Generator | None = None, dtype: DType | None = None, device: Any = None) -> Tensor:
    """0 to ``n - 1`` in random order.  Made on the host, by sorting 64-bit keys, and written to the device."""
    from hotplug.random import philox_on_host

    if n < 0:
        raise RandomArgumentError(f"randperm: n must be non-negative, got {n}")
    words = philox_on_host(n, *chosen(generator).advance()).astype(np.uint64)
    order = np.argsort(words[0] | words[1] << np.uint64(32), kind="stable")
    kind = dtype or int64
    return wrap(host.from_host(resolve_runtime(device), host.cast_on_host(order, kind), kind))


@function(method=False)
def rand_like(input: Tensor, *, dtype: DType | None = None, device: Any = None, requires_grad: bool = False,
              generator: Generator | None = None, **layout: Any) -> Tensor:  # fmt: skip
    """:func:`rand` of the input's shape, dtype, device and order in memory, or in that of ``memory_format``."""
    array = like_array("rand_like", input, dtype, device, layout)
    return finish(_drawn("rand_like", array, _uniform_program, generator, (0.0, 1.0)), requires_grad)


@function(method=False)
def randn_like(input: Tensor, *, dtype: DType | None = None, device: Any = None, requires_grad: bool = False,
               generator: Generator | None = None, **layout: Any) -> Tensor:  # fmt: skip
    """:func:`randn` of the input's shape, dtype, device and order in memory, or in that of ``memory_format``."""
    array = like_array("randn_like", input, dtype, device, layout)
    return finish(
        _drawn("randn_like", array, _normal_program, generator, (0.0, _deviation(array.dtype))), requires_grad
    )


@function(method=False)
def randint_like(input: Tensor, *args: int, dtype: DType | None = None, device: Any = None,
                 requires_grad: bool = False) -> Tensor:  # fmt: skip
    """:func:`randint` of the input's shape, dtype and device."""
    return randint(*args, tuple(input.shape), dtype=dtype or input.dtype, device=device or input.device,
                   requires_grad=requires_grad)  # fmt: skip


@function()
def bernoulli(input: Tensor, p: float | None = None, *, generator: Generator | None = None) -> Tensor:
    """1 with the probability that the input (or ``p``) says, else 0, in the input's dtype; no gradient."""
    out = input._array.storage.runtime.empty(layout_of(input.dtype, tuple(input.shape)))
    if p is None:
        program = _bernoulli_program(_floating("bernoulli", input.dtype), out.dtype)
        dispatch.map_(program, [out], [input._array], chosen(generator).draw())
    else:
        _fill(out, _chance_program(out.dtype), generator, _probability("bernoulli", p))
    return wrap(out)


@function()
def bernoulli_(input: Tensor, p: Any = 0.5, *, generator: Generator | None = None) -> Tensor:
    """Overwrite with 1 with probability ``p``, a number or a tensor that broadcasts, else 0."""
    if not isinstance(p, Tensor):
        return _overwrite("bernoulli_", input, _chance_program(input.dtype), generator, _probability("bernoulli_", p))
    chance = views.expand(p.detach(), tuple(input.shape))
    out = input._array.storage.runtime.empty(layout_of(input.dtype, tuple(input.shape)))
    program = _bernoulli_program(_floating("bernoulli_", p.dtype), out.dtype)
    dispatch.map_(program, [out], [chance._array], chosen(generator).draw())
    return assign("bernoulli_", input, wrap(out))


def _probability(op: str, p: float) -> float:
    if not 0.0 <= p <= 1.0:
        raise RandomArgumentError(f"{op} expects p to be in [0, 1], but got p={p}")
    return float(p)


def random_mask(like: Tensor, shape: Sequence[int], keep: float) -> Tensor:
    """bool, true with probability ``keep``, on the device of ``like``: what dropout multiplies by."""
    return mask_of_stream(like, shape, keep, next_stream())


def next_stream() -> tuple[int, int, int, int]:
    """The scalars of the next random call, for a mask that is made again for backward instead of being kept."""
    return chosen(None).draw()


def mask_of_stream(like: Tensor, shape: Sequence[int], keep: float, stream: Sequence[int]) -> Tensor:
    """:func:`random_mask` of a call that :func:`next_stream` has counted: the same at every call."""
    out = like._array.storage.runtime.empty(layout_of(bool_, tuple(shape)))
    dispatch.map_(_chance_program(bool_), [out], [], (*stream, keep))
    return wrap(out)


def _overwrite(op: str, input: Tensor, program: dispatch.Program, generator: Generator | None, *numbers: Any) -> Tensor:
    """Fill a tensor; its old history ends."""
    if not prepare_write(op, input, []):
        _fill(input._array, program, generator, *numbers)
        input._array.storage.version += 1
        return input
    fresh = input._array.storage.runtime.empty(layout_of(input.dtype, tuple(input.shape)))
    _fill(fresh, program, generator, *numbers)
    return assign(op, input, wrap(fresh))


@function()
def uniform_(input: Tensor, from_: float = 0.0, to: float = 1.0, *, generator: Generator | None = None) -> Tensor:
    """Overwrite with uniform numbers in ``[from, to)``."""
    if to < from_:
        raise RandomArgumentError(f"uniform_ expects a [from, to) range, but found from={from_} > to={to}")
    program = _uniform_program(_floating("uniform_", input.dtype))
    return _overwrite("uniform_", input, program, generator, float(from_), float(to) - float(from_))


@function()
def normal_(input: Tensor, mean: float = 0.0, std: float = 1.0, *, generator: Generator | None = None) -> Tensor:
    """Overwrite with normal numbers."""
    if std < 0:
        raise RandomArgumentError(f"normal_ expects std >= 0.0, but found std {std}")
    program = _normal_program(_floating("normal_", input.dtype))
    return _overwrite("normal_", input, program, generator, float(mean), float(std))


@function()
def exponential_(input: Tensor, lambd: float = 1.0, *, generator: Generator | None = None) -> Tensor:
    """Overwrite with exponentially distributed numbers of rate ``lambd``."""
    if lambd <= 0:
        raise RandomArgumentError(f"exponential_ expects lambd > 0.0, but found lambd = {lambd}")
    program = _exponential_program(_floating("exponential_", input.dtype))
    return _overwrite("exponential_", input, program, generator, float(lambd))


@function()
def cauchy_(input: Tensor, median: float = 0.0, sigma: float = 1.0, *, generator: Generator | None = None) -> Tensor:
    """Overwrite with numbers by Cauchy's law."""
    if sigma <= 0:
        raise RandomArgumentError(f"cauchy_ expects sigma > 0.0, but found sigma={sigma}")
    program = _cauchy_program(_floating("cauchy_", input.dtype))
    return _overwrite("cauchy_", input, program, generator, float(median), float(sigma))


@function()
def log_normal_(input: Tensor, mean: float = 1.0, std: float = 2.0, *, generator: Generator | None = None) -> Tensor:
    """Overwrite with exponentials of normal numbers of this mean and deviation."""
    if std <= 0:
        raise RandomArgumentError(f"log_normal_ expects std > 0.0, but found std={std}")
    program = _log_normal_program(_floating("log_normal_", input.dtype))
    return _overwrite("log_normal_", input, program, generator, float(mean), float(std))


@function()
def geometric_(input: Tensor, p: float, *, generator: Generator | None = None) -> Tensor:
    """Overwrite with the number of trials up to the first success, each of probability ``p``: 1, 2, ..."""
    if not 0.0 < p < 1.0:
        raise RandomArgumentError(f"geometric_ expects p to be in (0, 1), but got p={p}")
    if input.dtype.kind in "bc":
        raise DTypeError(f"geometric_ expected integers or floating numbers, got {input.dtype.name}")
    return _overwrite("geometric_", input, _geometric_program(input.dtype), generator, math.log1p(-p))


@function()
def random_(input: Tensor, from_: int = 0, to: int | None = None, *, generator: Generator | None = None) -> Tensor:
    """Overwrite with integers from ``from`` to ``to - 1``; by default all that the dtype holds exactly."""
    low, span = _range("random_", from_, _beyond(input.dtype) if to is None else to, input.dtype)
    return _overwrite("random_", input, _integer_program(input.dtype), generator, low, span)


def _beyond(kind: DType) -> int:
    """One more than the largest integer that a dtype holds along with all below it."""
    digits = {"bool": 1, "float16": 11, "bfloat16": 8, "float32": 24, "float64": 53}
    if kind.name in digits:
        return (1 << digits[kind.name]) + (kind.kind == "f")
    return min(iinfo(kind).max, 2**63 - 2) + 1


@function(method=False)
def normal(mean: Any, std: Any = 1.0, size: Sequence[int] | None = None, *, generator: Generator | None = None,
           dtype: DType | None = None, device: Any = None) -> Tensor:  # fmt: skip
    """Normal numbers with a mean and a deviation for each element, or one for all and a ``size``."""
    if size is not None:
        drawn = randn(size, generator=generator, dtype=dtype, device=device)
        shifted: Tensor = drawn * std + mean
        return shifted
    both = [each for each in (mean, std) if isinstance(each, Tensor)]
    if not both:
        raise ArgumentTypeError("normal: expected a tensor for mean or std, or a size")
    shape = views.broadcast_tensors(*both)[0].shape
    if len(both) == 2 and both[0].numel() != both[1].numel():
        raise ShapeError(f"normal: mean {list(both[0].shape)} and std {list(both[1].shape)} must have as many elements")
    drawn = randn(tuple(shape), generator=generator, dtype=both[0].dtype, device=both[0].device)
    result: Tensor = drawn * std + mean
    return result.detach()


@function()
def multinomial(input: Tensor, num_samples: int, replacement: bool = False, *,
                generator: Generator | None = None) -> Tensor:  # fmt: skip
    """Positions drawn by weight from the last axis.  ``(m)`` or ``(n, m)`` -> ``(num_samples)`` or ``(n, num_samples)``.

    The weights are not negative and not all zero, which isn't checked: it would read them from the device.
    """
    weights = input.detach()
    if weights.ndim not in (1, 2):
        raise ShapeError(f"multinomial: prob_dist must be 1 or 2 dim, got shape {list(input.shape)}")
    if num_samples <= 0:
        raise RandomArgumentError(f"multinomial: cannot sample n_sample <= 0 samples, got {num_samples}")
    if not replacement and num_samples > weights.shape[-1]:
        raise RandomArgumentError(
            f"multinomial: cannot sample {num_samples} of {weights.shape[-1]} categories without replacement"
        )
    kind = _floating("multinomial", weights.dtype)
    if replacement:
        return _with_replacement(weights, num_samples, generator)
    # The largest of weight / exponential is a draw by weight; the next largest one of the rest (Efraimidis, Spirakis).
    rate = exponential_(creation.empty_like(weights), generator=generator)
    keys: Tensor = weights / arithmetic.clamp(rate, min=finfo(kind).tiny)
    picks = []
    for _ in range(num_samples):
        found = reduction.argmax(keys, -1, True)
        picks.append(found)
        keys = scattering.scatter(keys, -1, found, -1.0)
    return joining.cat(picks, -1)


def _with_replacement(weights: Tensor, num_samples: int, generator: Generator | None) -> Tensor:
    """How many running sums lie at or below a uniform share of the total: the first above it is the draw."""
    summed = scan.cumsum(weights, -1)
    total = views.narrow(summed, -1, weights.shape[-1] - 1, 1)
    shape = (*weights.shape[:-1], num_samples)
    drawn = rand(shape, generator=generator, dtype=weights.dtype, device=weights.device)
    # Rounding may bring a share up to the total: then it is the last category of a weight above 0 that is drawn.
    goal, steps = views.unsqueeze(drawn * total, -1), views.unsqueeze(summed, -2)
    below = comparison.logical_and(comparison.le(steps, goal), comparison.lt(steps, views.unsqueeze(total, -2)))
    return reduction.sum(below, -1)
