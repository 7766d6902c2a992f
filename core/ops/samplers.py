"""Samplers by rejection and inversion: gamma, Poisson, binomial, von Mises.

Each is one kernel: a fixed number of rounds is computed for every element, from Philox blocks of its own, and the first
accepted one is taken.  What is left when no round accepts has a probability below 1e-6, and then the centre is returned.
"""

from __future__ import annotations

import functools
import math
from typing import Any, Final

from hotplug import dispatch
from hotplug.declare import function
from hotplug.declare.primitive import composite
from hotplug.dtypes import dtype as DType, finfo, float32, float64
from hotplug.errors import DTypeError
from hotplug.expr import scalar as s
from hotplug.expr.incomplete_gamma import excess
from hotplug.expr.node import Expr, binary, cast, input_
from hotplug.layout import layout_of
from hotplug.ops import views
from hotplug.ops.incomplete_gammas import gamma_sample_slope
from hotplug.random import Generator, chosen, philox
from hotplug.tensor import Tensor, wrap

_GAMMA_ROUNDS: Final = 6
"""Marsaglia and Tsang accept at least 95 of 100."""
_COUNT_ROUNDS: Final = 12
"""Transformed rejection accepts at least 80 of 100, the wrapped Cauchy envelope of von Mises's 66."""
_SEARCHED: Final = 10.0
"""Means below it are searched from 0 upwards, in :data:`_STEPS` steps."""
_STEPS: Final = 42


def _open(kind: DType, *words: Expr) -> Expr:
    """A uniform number in (0, 1), of 24 bits for float32 and of 32 or 53 for float64, half a step off the ends."""
    if kind is float32:
        return (cast(binary("shr", words[0], 9), float32) + 0.5) * 2.0**-23
    if len(words) == 1:
        return (cast(words[0], float64) + 0.5) * 2.0**-32
    high, low = (cast(binary("shr", word, shift), float64) for word, shift in zip(words, (6, 6), strict=True))
    return (high * 2.0**26 + low + 0.5) * 2.0**-52


def _normal(kind: DType, words: tuple[Expr, ...]) -> Expr:
    """Box and Muller's transform of the first three words."""
    pair = words[:2] if kind is float64 else words[:1]
    angle = _open(kind, words[2]) * (2.0 * math.pi)
    normal: Expr = s.sqrt(s.log(_open(kind, *pair)) * -2.0) * s.cos(angle)
    return normal


@functools.cache
def _gamma_program(kind: DType) -> dispatch.Program:
    """Marsaglia and Tsang, "A simple method for generating gamma variables" (2000); below shape 1 by their boost."""
    wide = kind.compute
    shape = cast(input_(0, kind), wide)
    small = s.lt(shape, 1.0)
    d = s.where(small, shape + 1.0, shape) - 1.0 / 3.0
    c = s.rsqrt(d * 9.0)
    value = d
    for lane in reversed(range(_GAMMA_ROUNDS)):
        words = philox(lane)
        x = _normal(wide, words)
        root = c * x + 1.0
        cube = root * root * root
        log = s.log(s.maximum(cube, finfo(wide).tiny))
        bound = x * x * 0.5 + d * (s.sub(1.0, cube) + log)
        accepted = s.gt(root, 0.0) & s.lt(s.log(_open(wide, words[3])), bound)
        value = s.where(accepted, d * cube, value)
    first, second, *_ = philox(_GAMMA_ROUNDS)
    power = s.exp(s.log(_open(wide, *(first, second)[: 2 if wide is float64 else 1])) / shape)
    value = s.maximum(s.where(small, value * power, value), finfo(kind).tiny)
    return (cast(s.where(s.ge(shape, 0.0), value, s.to(math.nan, wide)), kind),)


def _search(start: Expr, uniform: Expr, ratio: Any) -> Expr:
    """How many running sums of the probabilities lie below ``uniform``; ``ratio(k)`` leads from one to the next."""
    probability, total = start, start
    count = s.to(0.0, start.dtype)
    for k in range(1, _STEPS):
        count = count + cast(s.gt(uniform, total), start.dtype)
        probability = probability * ratio(k)
        total = total + probability
    return count


def _stirling(k: Expr) -> Expr:
    """The logarithm of ``k!`` less Stirling's leading terms at ``k + 1``, as Hörmann writes it."""
    inverse = s.div(1.0, k + 1.0)
    square = inverse * inverse
    rest: Expr = (1 / 12 - (1 / 360 - square * (1 / 1260)) * square) * inverse
    return rest


def _log_poisson(k: Expr, rate: Expr) -> Expr:
    """The logarithm of the probability of ``k`` without the cancellation that large rates bring."""
    safe = s.maximum(k, 1.0)
    small = s.lt(k, 20.0)
    low = s.minimum(safe, 20.0)
    factorial = s.lgamma(s.where(small, s.maximum(k, 0.0), low) + 1.0)
    by_hand = k * s.log(rate) - rate - factorial
    inverse = s.div(1.0, safe)
    tail = (1 / 12 - inverse * inverse * (1 / 360)) * inverse
    by_excess = -safe * excess((rate - safe) * inverse) - s.log(safe * (2.0 * math.pi)) * 0.5 - tail
    log: Expr = s.where(small, by_hand, by_excess)
    return log


@functools.cache
def _poisson_program(kind: DType) -> dispatch.Program:
    """Below 10 by inversion; above by Hörmann, "The transformed rejection method for generating Poisson random
    variables" (1993), algorithm PTRS.
    """
    wide = kind.compute
    rate = cast(input_(0, kind), wide)
    few = s.minimum(s.maximum(rate, 0.0), _SEARCHED)
    words = philox(_COUNT_ROUNDS)
    searched = _search(s.exp(-few), _open(wide, *words[: 2 if wide is float64 else 1]), lambda k: few * (1.0 / k))
    many = s.maximum(rate, _SEARCHED)
    b = s.sqrt(many) * 2.53 + 0.931
    a = b * 0.02483 - 0.059
    inverse_alpha = s.div(1.1328, b - 3.4) + 1.1239
    bound = s.sub(0.9277, s.div(3.6224, b - 2.0))
    value = s.floor(many)
    for lane in reversed(range(_COUNT_ROUNDS)):
        first, second, third, fourth = philox(lane)
        pairs = ((first, second), (third, fourth)) if wide is float64 else ((first,), (third,))
        u, v = _open(wide, *pairs[0]) - 0.5, _open(wide, *pairs[1])
        us = s.sub(0.5, s.abs(u))
        k = s.floor((a * 2.0 / us + b) * u + many + 0.43)
        left = s.log(v * inverse_alpha / (a / (us * us) + b))
        kept = s.ge(k, 0.0) & s.le(left, _log_poisson(k, many))
        value = s.where((s.ge(us, 0.07) & s.le(v, bound)) | kept, k, value)
    found = s.where(s.lt(rate, _SEARCHED), searched, value)
    return (cast(s.where(s.ge(rate, 0.0), found, s.to(math.nan, wide)), kind),)


@functools.cache
def _binomial_program(kind: DType) -> dispatch.Program:
    """Below a mean of 10 by inversion; above by Hörmann, "The generation of binomial random variates" (1993), BTRS."""
    wide = kind.compute
    n, chance = cast(input_(0, kind), wide), cast(input_(1, kind), wide)
    mirrored = s.gt(chance, 0.5)
    p = s.where(mirrored, s.sub(1.0, chance), chance)
    mean = n * p
    odds = p / s.sub(1.0, p)
    words = philox(_COUNT_ROUNDS)
    searched = _search(
        s.exp(n * s.log1p(-p)), _open(wide, *words[: 2 if wide is float64 else 1]),
        lambda k: s.maximum(n - (k - 1.0), 0.0) * odds * (1.0 / k),
    )  # fmt: skip
    value = _rejected_binomial(wide, n, p, odds)
    found = s.minimum(s.where(s.lt(mean, _SEARCHED), searched, value), n)
    found = s.where(mirrored, n - found, found)
    valid = s.ge(n, 0.0) & s.ge(chance, 0.0) & s.le(chance, 1.0)
    return (cast(s.where(valid, found, s.to(math.nan, wide)), kind),)


def _rejected_binomial(wide: DType, n: Expr, p: Expr, odds: Expr) -> Expr:
    deviation = s.sqrt(s.maximum(n * p * s.sub(1.0, p), 1.0))
    b = deviation * 2.53 + 1.15
    a = b * 0.0248 + p * 0.01 - 0.0873
    alpha = (s.div(5.1, b) + 2.83) * deviation
    bound = s.sub(0.92, s.div(4.2, b))
    m = s.floor((n + 1.0) * p)
    top = (m + 0.5) * s.log((m + 1.0) / (odds * (n - m + 1.0))) + _stirling(m) + _stirling(n - m)
    value: Expr = m
    for lane in reversed(range(_COUNT_ROUNDS)):
        first, second, third, fourth = philox(lane)
        pairs = ((first, second), (third, fourth)) if wide is float64 else ((first,), (third,))
        u, v = _open(wide, *pairs[0]) - 0.5, _open(wide, *pairs[1])
        us = s.sub(0.5, s.abs(u))
        k = s.floor((a * 2.0 / us + b) * u + n * p + 0.5)
        inside = s.ge(k, 0.0) & s.le(k, n)
        at = s.minimum(s.maximum(k, 0.0), n)
        rest = n - at
        upper = top + (n + 1.0) * s.log((n - m + 1.0) / (rest + 1.0)) - _stirling(at) - _stirling(rest)
        upper = upper + (at + 0.5) * s.log(odds * (rest + 1.0) / (at + 1.0))
        slow = inside & s.le(s.log(v * alpha / (a / (us * us) + b)), upper)
        value = s.where((s.ge(us, 0.07) & s.le(v, bound)) | slow, k, value)
    return value


@functools.cache
def _von_mises_program(kind: DType) -> dispatch.Program:
    """Best and Fisher, "Efficient simulation of the von Mises distribution" (1979), in half angles, so that neither a
    large nor a small concentration cancels.
    """
    wide = kind.compute
    kappa = s.maximum(cast(input_(0, kind), wide), 1e-10)
    h = s.sqrt(kappa * kappa * 4.0 + 1.0)
    tau = h + 1.0
    root = s.sqrt(tau * 2.0)
    rho = tau * kappa * 2.0 / (tau * (tau + root))
    far = (root - 1.0 - s.div(1.0, kappa * 2.0 + h)) / (kappa * 2.0)
    missing = s.where(s.lt(rho, 0.5), s.sub(1.0, rho), far)  # 1 - rho, each way where nothing cancels
    below = missing * missing / (rho * 2.0)  # r - 1, where r = (1 + rho**2) / (2 rho)
    value = s.to(0.0, wide)
    for lane in reversed(range(_COUNT_ROUNDS)):
        first, second, third, fourth = philox(lane)
        half = _open(wide, *((first, second) if wide is float64 else (first,))) * (math.pi / 2)
        sine, cosine = s.sin(half), s.cos(half)
        apart = below * sine * sine * 2.0 / (below + cosine * cosine * 2.0)  # 1 - f, where f is the cosine proposed
        c, u = kappa * (below + apart), _open(wide, third)
        accepted = s.gt(c * s.sub(2.0, c), u) | s.ge(s.log(c / u) + 1.0, c)
        turn = s.atan2(s.sqrt(below) * sine, s.sqrt(below + 2.0) * cosine) * 2.0
        value = s.where(accepted, s.where(s.lt(_open(wide, fourth), 0.5), -turn, turn), value)
    return (cast(value, kind),)


def _checked(op: str, input: Tensor) -> DType:
    if input.dtype.kind != "f":
        raise DTypeError(f"{op} expected a floating tensor, got {input.dtype.name}")
    return input.dtype


def _draw(program: dispatch.Program, generator: Generator | None, *inputs: Tensor) -> Tensor:
    first = inputs[0]
    out = first._array.storage.runtime.empty(layout_of(first.dtype, tuple(first.shape)))
    dispatch.map_(program, [out], [each.detach()._array for each in inputs], chosen(generator).draw())
    return wrap(out)


@composite()
def standard_gamma(concentration: Tensor, generator: Any = None) -> Tensor:
    """Gamma variables of the shapes ``(*S)`` and scale 1 -> ``(*S)``."""
    return _draw(_gamma_program(_checked("_standard_gamma", concentration)), generator, concentration)


@standard_gamma.gradient("concentration")
def _(grad: Tensor, concentration: Tensor, out: Tensor) -> Tensor:
    """Implicit: the sample moves so that its probability stays.  Where it underflowed there is none."""
    moved: Tensor = grad * gamma_sample_slope(concentration, out)
    return moved


@function(method=False, name="_standard_gamma")
def gamma_of_scale_one(input: Tensor, generator: Generator | None = None) -> Tensor:
    """Gamma variables with the shapes of the input and scale 1, at least the dtype's least normal number.

    Its gradient is the implicit one (relative error 1e-14 in float64, 1e-5 in float32).  NaN of a negative shape.
    """
    return standard_gamma(input, generator)


@function(method=False)
def poisson(input: Tensor, generator: Generator | None = None) -> Tensor:
    """Poisson variables with the rates of the input, in its dtype; the gradient is 0.

    Of a negative rate it is NaN, where PyTorch reads all rates and raises.
    """
    return _draw(_poisson_program(_checked("poisson", input)), generator, input)


@function(method=False)
def binomial(count: Tensor, prob: Tensor, generator: Generator | None = None) -> Tensor:
    """How many of ``count`` trials succeed that each do with ``prob``.  Both ``(*S)`` of one dtype, or broadcast.

    NaN where ``count`` is negative or ``prob`` is no probability.
    """
    if _checked("binomial", count) is not _checked("binomial", prob):
        raise DTypeError(f"binomial expected tensors of one dtype, got {count.dtype.name} and {prob.dtype.name}")
    trials, chances = views.broadcast_tensors(count, prob)
    return _draw(_binomial_program(count.dtype), generator, trials, chances)


@function(method=False, namespace="ops")
def von_mises_angle(concentration: Tensor, generator: Generator | None = None) -> Tensor:
    """Angles in [-pi, pi] around 0 by von Mises's law.  ``(*S)`` -> ``(*S)``."""
    return _draw(_von_mises_program(_checked("von_mises_angle", concentration)), generator, concentration)
