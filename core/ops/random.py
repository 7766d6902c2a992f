"""Random tensors.  Integers, uniforms and masks are the same bits on every device, normals the same within ulps.

A renderer must not contract ``a * b + c`` in these kernels (they contain ``mulhi``): it would round once where NumPy
rounds twice.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from hotplug import dispatch, host
from hotplug.array import Array
from hotplug.autograd.views import assign
from hotplug.declare import function
from hotplug.declare.dims import sizes
from hotplug.dtypes import bool_, dtype as DType, float32, float64, get_default_dtype, iinfo, int64, uint64
from hotplug.errors import ArgumentError, DTypeError, ShapeError
from hotplug.expr.node import Expr, binary, cast, input_, scalar, unary
from hotplug.layout import layout_of
from hotplug.ops.creation import finish, new_array
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
def _bernoulli_program(kind: DType, out: DType) -> dispatch.Program:
    """Whether a uniform is below the probability, which is an input (a runtime scalar for ``kind`` float64 of none)."""
    a, b, *_ = philox()
    wide = kind.compute
    return (cast(_fraction(wide, a, b) < cast(input_(0, kind), wide), out),)


def _fill(array: Array, program: dispatch.Program, generator: Generator | None, *numbers: Any) -> None:
    dispatch.map_(program, [array], [], (*chosen(generator).draw(), *numbers))


def _floating(op: str, kind: DType) -> DType:
    if kind.kind != "f":
        raise DTypeError(f"{op} expected a floating dtype, got {kind.name}")
    return kind


@function(method=False)
def rand(*size: Any, generator: Generator | None = None, dtype: DType | None = None, device: Any = None,
         requires_grad: bool = False) -> Tensor:  # fmt: skip
    """Uniform numbers in [0, 1)."""
    array = new_array(resolve_runtime(device), _floating("rand", dtype or get_default_dtype()), sizes(size))
    _fill(array, _uniform_program(array.dtype), generator, 0.0, 1.0)
    return finish(array, requires_grad)


@function(method=False)
def randn(*size: Any, generator: Generator | None = None, dtype: DType | None = None, device: Any = None,
          requires_grad: bool = False) -> Tensor:  # fmt: skip
    """Normal numbers of mean 0 and deviation 1."""
    array = new_array(resolve_runtime(device), _floating("randn", dtype or get_default_dtype()), sizes(size))
    _fill(array, _normal_program(array.dtype), generator, 0.0, 1.0)
    return finish(array, requires_grad)


def _range(op: str, low: int, high: int) -> tuple[int, int]:
    if high <= low:
        raise ArgumentError(f"{op}: expected low < high, got low = {low} and high = {high}")
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
        raise ArgumentError("randint: expected randint(high, size) or randint(low, high, size)")
    array = new_array(resolve_runtime(device), dtype or int64, sizes((size,)))
    _fill(array, _integer_program(array.dtype), generator, *_range("randint", low, high))
    return finish(array, requires_grad)


@function(method=False)
def randperm(n: int, *, generator: Generator | None = None, dtype: DType | None = None, device: Any = None) -> Tensor:
    """0 to ``n - 1`` in random order.  Made on the host, by sorting 64-bit keys, and written to the device."""
    from hotplug.random import philox_on_host

    if n < 0:
        raise ArgumentError(f"randperm: n must be non-negative, got {n}")
    words = philox_on_host(n, *chosen(generator).advance()).astype(np.uint64)
    order = np.argsort(words[0] | words[1] << np.uint64(32), kind="stable")
    kind = dtype or int64
    return wrap(host.from_host(resolve_runtime(device), host.cast_on_host(order, kind), kind))


@function(method=False)
def rand_like(input: Tensor, *, dtype: DType | None = None, device: Any = None, requires_grad: bool = False,
              generator: Generator | None = None) -> Tensor:  # fmt: skip
    """:func:`rand` of the input's shape, dtype and device."""
    return rand(tuple(input.shape), dtype=dtype or input.dtype, device=device or input.device,
                requires_grad=requires_grad, generator=generator)  # fmt: skip


@function(method=False)
def randn_like(input: Tensor, *, dtype: DType | None = None, device: Any = None, requires_grad: bool = False,
               generator: Generator | None = None) -> Tensor:  # fmt: skip
    """:func:`randn` of the input's shape, dtype and device."""
    return randn(tuple(input.shape), dtype=dtype or input.dtype, device=device or input.device,
                 requires_grad=requires_grad, generator=generator)  # fmt: skip


@function(method=False)
def randint_like(input: Tensor, *args: int, dtype: DType | None = None, device: Any = None,
                 requires_grad: bool = False) -> Tensor:  # fmt: skip
    """:func:`randint` of the input's shape, dtype and device."""
    return randint(*args, tuple(input.shape), dtype=dtype or input.dtype, device=device or input.device,
                   requires_grad=requires_grad)  # fmt: skip


@function(inplace=True)
def bernoulli(input: Tensor, p: Any = None, *, generator: Generator | None = None) -> Tensor:
    """1 with the probability that the input (or ``p``) says, else 0, in the input's dtype; no gradient."""
    from hotplug import ops

    chance = input.detach() if p is None else ops.as_tensor(p, device=input.device)
    if chance.dtype.kind != "f":
        raise DTypeError(f"bernoulli expected floating probabilities, got {chance.dtype.name}")
    out = input._array.storage.runtime.empty(layout_of(input.dtype, tuple(input.shape)))
    program = _bernoulli_program(chance.dtype, out.dtype)
    dispatch.map_(program, [out], [ops.expand(chance, tuple(input.shape))._array], chosen(generator).draw())
    return wrap(out)


def random_mask(like: Tensor, shape: Sequence[int], keep: float) -> Tensor:
    """bool, true with probability ``keep``, on the device of ``like``: what dropout multiplies by."""
    runtime = like._array.storage.runtime
    out = runtime.empty(layout_of(bool_, tuple(shape)))
    chance = runtime.empty(layout_of(float32, ()))
    dispatch.fill(chance, keep)
    dispatch.map_(_bernoulli_program(float32, bool_), [out], [chance], chosen(None).draw())
    return wrap(out)


def _overwrite(op: str, input: Tensor, program: dispatch.Program, generator: Generator | None, *numbers: Any) -> Tensor:
    """Fill a tensor; its old history ends."""
    if input._meta is None:
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
        raise ArgumentError(f"uniform_: expected from <= to, got from = {from_} and to = {to}")
    program = _uniform_program(_floating("uniform_", input.dtype))
    return _overwrite("uniform_", input, program, generator, float(from_), float(to) - float(from_))


@function()
def normal_(input: Tensor, mean: float = 0.0, std: float = 1.0, *, generator: Generator | None = None) -> Tensor:
    """Overwrite with normal numbers."""
    if std < 0:
        raise ArgumentError(f"normal_ expects std >= 0.0, but found std {std}")
    program = _normal_program(_floating("normal_", input.dtype))
    return _overwrite("normal_", input, program, generator, float(mean), float(std))


@function()
def exponential_(input: Tensor, lambd: float = 1.0, *, generator: Generator | None = None) -> Tensor:
    """Overwrite with exponentially distributed numbers of rate ``lambd``."""
    if lambd <= 0:
        raise ArgumentError(f"exponential_ expects lambd > 0.0, but found lambd = {lambd}")
    program = _exponential_program(_floating("exponential_", input.dtype))
    return _overwrite("exponential_", input, program, generator, float(lambd))


@function()
def random_(input: Tensor, from_: int = 0, to: int | None = None, *, generator: Generator | None = None) -> Tensor:
    """Overwrite with integers from ``from`` to ``to - 1``; by default all that the dtype holds exactly."""
    if to is None:
        digits = {"float16": 11, "bfloat16": 8, "float32": 24, "float64": 53}
        name = input.dtype.name
        to = (
            2 ** digits[name] + 1
            if name in digits
            else 2
            if name == "bool"
            else min(iinfo(input.dtype).max, 2**63 - 2) + 1
        )
    low, span = _range("random_", from_, to)
    return _overwrite("random_", input, _integer_program(input.dtype), generator, low, span)


@function(method=False)
def normal(mean: Any, std: Any = 1.0, size: Sequence[int] | None = None, *, generator: Generator | None = None,
           dtype: DType | None = None, device: Any = None) -> Tensor:  # fmt: skip
    """Normal numbers with a mean and a deviation for each element, or one for all and a ``size``."""
    from hotplug import ops

    if size is not None:
        drawn = randn(size, generator=generator, dtype=dtype, device=device)
        shifted: Tensor = drawn * std + mean
        return shifted
    both = [each for each in (mean, std) if isinstance(each, Tensor)]
    if not both:
        raise ArgumentError("normal: expected a tensor for mean or std, or a size")
    shape = ops.broadcast_tensors(*both)[0].shape
    if len(both) == 2 and both[0].numel() != both[1].numel():
        raise ShapeError(f"normal: mean {list(both[0].shape)} and std {list(both[1].shape)} must have as many elements")
    drawn = randn(tuple(shape), generator=generator, dtype=both[0].dtype, device=both[0].device)
    result: Tensor = drawn * std + mean
    return result.detach()


@function()
def multinomial(input: Tensor, num_samples: int, replacement: bool = False, *,
                generator: Generator | None = None) -> Tensor:  # fmt: skip
    """Indices drawn by weight from the last dimension.  ``(m)`` or ``(n, m)`` -> ``(num_samples)`` or ``(n, num_samples)``."""
    from hotplug import ops

    weights = input.detach()
    if weights.ndim not in (1, 2) or weights.dtype.kind != "f":
        raise ShapeError(f"multinomial: expected floating weights of 1 or 2 dimensions, got {list(input.shape)}")
    if num_samples <= 0 or (not replacement and num_samples > weights.shape[-1]):
        raise ArgumentError(f"multinomial: cannot draw {num_samples} of {weights.shape[-1]} without replacement")
    if replacement:
        summed = ops.cumsum(weights, -1)
        drawn = rand(
            (*weights.shape[:-1], num_samples), generator=generator, dtype=weights.dtype, device=weights.device
        )
        goal = drawn * ops.narrow(summed, -1, weights.shape[-1] - 1, 1)
        below = ops.le(ops.unsqueeze(summed, -2), ops.unsqueeze(goal, -1))
        return ops.sum(below, -1)
    # The largest of weight / exponential is a draw by weight; the next largest one of the rest (Efraimidis, Spirakis).
    rate = exponential_(ops.empty_like(weights), generator=generator)
    keys = ops.contiguous(weights / rate)
    picks = []
    for _ in range(num_samples):
        found = ops.argmax(keys, -1, True)
        picks.append(found)
        keys = ops.scatter(keys, -1, found, -1.0)
    return ops.cat(picks, -1)
