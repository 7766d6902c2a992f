"""``nn.functional.interpolate``: planes of another size, an axis after the other.

Along an axis, every element of the result is a weighted sum of a few of the input, its taps.  Their positions and
weights are computed on the device from the element's index; the formulas are PyTorch's, so is where a position falls.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from hotplug import dispatch
from hotplug.array import Array
from hotplug.declare import composite, function, primitive
from hotplug.dtypes import dtype as DType, float32, float64, int64
from hotplug.errors import ArgumentError, ShapeError
from hotplug.expr import scalar as s
from hotplug.expr.node import Expr, binary, cast, index, scalar, unary
from hotplug.layout import Shape, layout_of
from hotplug.ops import arithmetic, creation, reduction, views
from hotplug.ops.gathering import along, scatter_zeros, select_rows
from hotplug.ops.pooling import adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d
from hotplug.ops.softmaxes import widened
from hotplug.tensor import Tensor

_TAPS: Final = {"nearest": 1, "nearest-exact": 1, "linear": 2, "cubic": 4}
_HALF_WIDTH: Final = {"linear": 1.0, "cubic": 2.0}


class _Axis(NamedTuple):
    """How one axis is resampled; numbers, so that no size ever makes a new kernel."""

    size: int
    out: int
    scale: float
    taps: int
    support: float


# --- positions and weights -------------------------------------------------------------------------------------------


def _place(kind: DType) -> tuple[Expr, Expr, Expr, Expr]:
    """Which tap, which element of the result, the input's size and the scale; scalars: out, size, scale."""
    out, size, scale = scalar(0, int64), scalar(1, int64), scalar(2, kind)
    return binary("floordiv", index(), out), binary("remainder", index(), out), size, scale


def _middle(at: Expr, scale: Expr, align: bool, kind: DType) -> Expr:
    """Where an element of the result lies in the input; its middle, or with ``align`` the corner."""
    return cast(at, kind) * scale if align else (cast(at, kind) + 0.5) * scale - 0.5


def _bounded(at: Expr, size: Expr) -> Expr:
    return binary("minimum", binary("maximum", at, 0), size - 1)


def _hat(distance: Expr) -> Any:
    """The triangle of linear interpolation."""
    return s.where(s.lt(distance, 1.0), 1.0 - distance, 0.0)


def _spline(distance: Expr, sharpness: float) -> Any:
    """Keys' cubic convolution (1981)."""
    x, a = distance, sharpness
    near = ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0
    far = ((x - 5.0) * x + 8.0) * x * a - 4.0 * a
    return s.where(s.lt(x, 1.0), near, s.where(s.lt(x, 2.0), far, 0.0))


@functools.cache
def _programs(mode: str, align: bool, smooth: bool, kind: DType) -> tuple[Expr, Expr]:
    """Position and weight of a tap."""
    tap, at, size, scale = _place(kind)
    if smooth:
        return _smooth_programs(mode, tap, at, size, scale, kind)
    if mode == "nearest":
        return _bounded(cast(unary("floor", cast(at, kind) * scale), int64), size), cast(tap, kind) + 1.0
    if mode == "nearest-exact":
        return _bounded(cast(unary("floor", (cast(at, kind) + 0.5) * scale), int64), size), cast(tap, kind) + 1.0
    middle = _middle(at, scale, align, kind)
    if mode == "cubic":
        low = unary("floor", middle)
        position = cast(low, int64) + tap - 1
        return _bounded(position, size), _spline(s.abs(middle - low - cast(tap - 1, kind)), -0.75)
    middle = binary("maximum", middle, 0.0)
    low_index = _bounded(cast(unary("floor", middle), int64), size)
    part = binary("minimum", middle - cast(low_index, kind), 1.0)
    return _bounded(low_index + tap, size), s.where(s.eq(tap, 0), 1.0 - part, part)


def _smooth_programs(mode: str, tap: Expr, at: Expr, size: Expr, scale: Expr, kind: DType) -> tuple[Expr, Expr]:
    """With antialias the window is as wide as the step between elements of the result; scalars 3 and 4: half its width,
    and the filter's step.
    """
    support, step = scalar(3, kind), scalar(4, kind)
    middle = (cast(at, kind) + 0.5) * scale
    first = binary("maximum", cast(middle - support + 0.5, int64), 0)
    last = binary("minimum", cast(middle + support + 0.5, int64), size)
    distance = s.abs((cast(first + tap, kind) - middle + 0.5) * step)
    weight = _spline(distance, -0.5) if mode == "cubic" else _hat(distance)
    return _bounded(first + tap, size), s.where(s.lt(first + tap, last), weight, 0.0)


def _scalars(axis: Sequence[Any], smooth: bool) -> tuple[Any, ...]:
    size, out, scale, _, support = axis
    return (out, size, scale, support, 1.0 / scale if scale >= 1.0 else 1.0) if smooth else (out, size, scale)


def _filled(like: Array, kind: DType, program: Expr, axis: Sequence[Any], smooth: bool) -> Array:
    out = like.storage.runtime.empty(layout_of(kind, (axis[3] * axis[1],)))
    dispatch.map_((program,), [out], [], _scalars(axis, smooth))
    return out


@primitive
def tap_positions(like: Array, axis: Sequence[Any], mode: str, align: bool, smooth: bool) -> Array:
    """``(taps * out)`` of int64: where in its axis each element of the result reads, tap by tap."""
    kind = float64 if like.dtype is float64 else float32
    return _filled(like, int64, _programs(mode, align, smooth, kind)[0], axis, smooth)


@primitive
def tap_weights(like: Array, axis: Sequence[Any], mode: str, align: bool, smooth: bool) -> Array:
    """``(taps * out)``: what each element that is read is multiplied by."""
    kind = float64 if like.dtype is float64 else float32
    return _filled(like, kind, _programs(mode, align, smooth, kind)[1], axis, smooth)


def _taps(
    like: Tensor, axis: _Axis, mode: str, align: bool, smooth: bool, rank: int, dim: int
) -> list[tuple[Tensor, Tensor]]:
    """Positions, and weights that broadcast along ``dim``, of every tap."""
    like = like.detach()
    positions = tap_positions(like, tuple(axis), mode, align, smooth)
    weights = views.reshape(tap_weights(like, tuple(axis), mode, align, smooth), (axis.taps, axis.out))
    if smooth:
        weights = weights / reduction.sum(weights, 0, True)
    shape = (axis.out, *(1,) * (rank - dim - 1))
    return [
        (views.narrow(positions, 0, tap * axis.out, axis.out), views.reshape(views.select(weights, 0, tap), shape))
        for tap in range(axis.taps)
    ]


# --- the composites --------------------------------------------------------------------------------------------------


def _axes(sizes: Sequence[int], out: Shape, scales: Sequence[float], mode: str, smooth: bool) -> list[_Axis]:
    found = []
    for size, wanted, scale in zip(sizes, out, scales, strict=True):
        support, taps = 0.0, _TAPS[mode]
        if smooth:
            support = _HALF_WIDTH[mode] * max(scale, 1.0)
            taps = min(math.ceil(support) * 2 + 1, size)
        found.append(_Axis(size, wanted, float(scale), taps, support))
    return found


@composite(outputs=lambda input, out, *_: [((*input.shape[:2], *out), input.dtype)])
def resample(input: Tensor, out: Shape, scales: tuple[float, ...], mode: str, align: bool, smooth: bool) -> Tensor:
    """``(N, C, *S)`` -> ``(N, C, *out)``; ``scales``: elements of the input for each of the result, along each axis.

    ``mode``: ``nearest``, ``nearest-exact``, ``linear`` or ``cubic``.  ``align``: the corners lie on each other.
    ``smooth``: antialias.
    """
    for dim, axis in enumerate(_axes(input.shape[2:], out, scales, mode, smooth), 2):
        total: Tensor | None = None
        for places, weight in _taps(input, axis, mode, align, smooth, input.ndim, dim):
            rows = select_rows(input, dim, places)
            if axis.taps == 1 and mode.startswith("nearest"):
                total = rows
            else:
                total = rows * weight if total is None else arithmetic.addcmul(total, rows, weight)
        assert total is not None
        input = total
    return input


@resample.gradient("input")
def _(
    grad: Tensor, input_shape: Shape, scales: tuple[float, ...], mode: str, align: bool, smooth: bool
) -> Tensor:  # fmt: skip
    return resample_backward(grad, input_shape, scales, mode, align, smooth)


@composite(outputs=lambda delta, shape, *_: [(shape, delta.dtype)])
def resample_backward(
    delta: Tensor, shape: Shape, scales: tuple[float, ...], mode: str, align: bool, smooth: bool
) -> Tensor:
    """The transpose of :func:`resample`: every element gives what it was made of back to an input of ``shape``."""
    axes = _axes(shape[2:], tuple(delta.shape[2:]), scales, mode, smooth)
    for dim, axis in reversed(list(enumerate(axes, 2))):
        size = (*delta.shape[:dim], axis.size, *delta.shape[dim + 1 :])
        total: Tensor | None = None
        for places, weight in _taps(delta, axis, mode, align, smooth, delta.ndim, dim):
            part = scatter_zeros(delta * weight, dim, along(places, dim, delta.ndim), tuple(delta.shape), size)
            total = part if total is None else total + part
        assert total is not None
        delta = total
    return delta


@resample_backward.gradient("delta")
def _(
    grad: Tensor, delta_shape: Shape, scales: tuple[float, ...], mode: str, align: bool, smooth: bool
) -> Tensor:  # fmt: skip
    return resample(grad, delta_shape[2:], scales, mode, align, smooth)


# --- public functions ------------------------------------------------------------------------------------------------

_MODES: Final = {
    "nearest": ("nearest", (1, 2, 3)), "nearest-exact": ("nearest-exact", (1, 2, 3)), "area": ("area", (1, 2, 3)),
    "linear": ("linear", (1,)), "bilinear": ("linear", (2,)), "trilinear": ("linear", (3,)), "bicubic": ("cubic", (2,)),
}  # fmt: skip


class ResamplingError(ArgumentError, NotImplementedError):
    """A mode that doesn't exist, or not for this rank."""


def _check(input: Tensor, mode: str, align_corners: bool | None, antialias: bool) -> None:
    op, rank = "interpolate", input.ndim - 2
    if mode not in _MODES:
        raise ResamplingError(f"{op}: mode must be one of {', '.join(_MODES)}, got {mode!r}")
    if mode in ("nearest", "area", "nearest-exact") and align_corners is not None:
        raise ArgumentError(f"{op}: align_corners can only be set with linear, bilinear, bicubic or trilinear")
    if rank not in _MODES[mode][1]:
        raise ResamplingError(
            f"{op}: mode {mode!r} takes inputs (N, C, *S) with {' or '.join(map(str, _MODES[mode][1]))} axes *S, got "
            f"shape {list(input.shape)}"
        )
    if antialias and mode not in ("bilinear", "bicubic"):
        raise ArgumentError(f"{op}: antialias is for bilinear and bicubic only, got {mode!r}")


def _sizes(
    input: Tensor, size: Any, scale_factor: Any, recompute: bool | None
) -> tuple[Shape, tuple[float | None, ...]]:
    """The result's sizes, and the factors where they are to be used as given."""
    op, rank = "interpolate", input.ndim - 2
    if (size is None) == (scale_factor is None):
        raise ArgumentError(f"{op}: give one of size and scale_factor, got size={size} and scale_factor={scale_factor}")
    given = size if scale_factor is None else scale_factor
    if isinstance(given, (int, float)):
        given = (given,) * rank
    if len(given) != rank:
        raise ArgumentError(f"{op}: expected {rank} sizes or factors for input {list(input.shape)}, got {given}")
    if scale_factor is None:
        if recompute:
            raise ArgumentError(f"{op}: recompute_scale_factor is not meaningful with an explicit size")
        return tuple(int(each) for each in given), (None,) * rank
    factors = tuple(float(each) for each in given)
    out = tuple(math.floor(s * f) for s, f in zip(input.shape[2:], factors, strict=True))
    return out, (None,) * rank if recompute else factors


def _step(size: int, out: int, factor: float | None, align: bool) -> float:
    """How many elements of the input there are for one of the result."""
    if align:
        return (size - 1) / (out - 1) if out > 1 else 0.0
    return 1.0 / factor if factor else size / out


@function(method=False, namespace="nn.functional")
def interpolate(input: Tensor, size: Any = None, scale_factor: Any = None, mode: str = "nearest",
                align_corners: bool | None = None, recompute_scale_factor: bool | None = None,
                antialias: bool = False) -> Tensor:  # fmt: skip
    """Planes of another size.  input ``(N, C, *S)`` -> ``(N, C, *size)``.

    Args:
        size, scale_factor: one of them, a number or one for each axis.
        mode: ``nearest``, ``nearest-exact``, ``area`` (means of bins), or weighted sums of two elements an axis
            (``linear``, ``bilinear``, ``trilinear``, by rank) or of four (``bicubic``).
        align_corners: the corner elements keep their places, instead of the corners of the plane.
        recompute_scale_factor: use the ratio of the sizes, not the factor given.
        antialias: sum over all elements that one of the result covers.
    """
    _check(input, mode, align_corners, antialias)
    out, factors = _sizes(input, size, scale_factor, recompute_scale_factor)
    if min(out) <= 0 or 0 in input.shape[1:]:
        raise ShapeError(
            f"interpolate: input and output sizes should be greater than 0, got {list(input.shape)} and {out}"
        )
    if mode == "area":
        return (adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d)[input.ndim - 3](input, out)
    name, align = _MODES[mode][0], bool(align_corners)
    if not input.shape[0]:
        return reduction.tied(creation.empty((0, input.shape[1], *out), dtype=input.dtype, device=input.device), input)
    steps = tuple(_step(s, o, f, align) for s, o, f in zip(input.shape[2:], out, factors, strict=True))
    if name.startswith("nearest"):
        return resample(input, out, steps, name, False, False)
    return resample(widened(input), out, steps, name, align, antialias).to(input.dtype)


@function(method=False, namespace="nn.functional")
def upsample(
    input: Tensor, size: Any = None, scale_factor: Any = None, mode: str = "nearest", align_corners: bool | None = None
) -> Tensor:
    """The old name of :func:`interpolate`."""
    return interpolate(input, size, scale_factor, mode, align_corners)


@function(method=False, namespace="nn.functional")
def upsample_nearest(input: Tensor, size: Any = None, scale_factor: Any = None) -> Tensor:
    """The old name of :func:`interpolate` with ``mode="nearest"``."""
    return interpolate(input, size, scale_factor, "nearest")


@function(method=False, namespace="nn.functional")
def upsample_bilinear(input: Tensor, size: Any = None, scale_factor: Any = None) -> Tensor:
    """The old name of :func:`interpolate` with ``mode="bilinear"`` and aligned corners."""
    return interpolate(input, size, scale_factor, "bilinear", True)
