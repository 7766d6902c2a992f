"""``grid_sample`` and ``affine_grid``: a plane read at places that are themselves tensors."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from hotplug.autograd.pullback import pullback
from hotplug.declare import composite, elementwise, function
from hotplug.declare.rules import strictly_floating
from hotplug.dtypes import dtype as DType, int64
from hotplug.errors import ArgumentError, DTypeError, RankError, ShapeError
from hotplug.expr import scalar as s
from hotplug.layout import Shape
from hotplug.ops import creation, joining, products, views
from hotplug.ops.gathering import gather_along
from hotplug.ops.reduction import tied
from hotplug.ops.softmaxes import widened
from hotplug.tensor import Tensor

_INTERNAL = "ops"
_F = "nn.functional"


# --- one launch each -------------------------------------------------------------------------------------------------


def _limited(at: Any, last: Any) -> Any:
    """Within the plane; at its border and outside the gradient is 0, as in PyTorch."""
    return s.where(s.le(at, 0.0), 0.0, s.where(s.ge(at, last), last, at))


def _mirrored(at: Any, low: Any, span: Any) -> Any:
    """Reflected at ``low`` and ``low + span`` until it lies between them."""
    distance = s.abs(at - low)
    turns = s.floor(distance / s.where(s.gt(span, 0.0), span, 1.0))
    odd = turns - s.floor(turns * 0.5) * 2.0
    rest = distance - turns * span
    return s.where(s.gt(span, 0.0), s.where(s.gt(odd, 0.5), span - rest, rest) + low, 0.0)


def _inside(at: Any, size: Any, padding: str, align: bool) -> Any:
    """What ``padding_mode`` makes of a place, in elements."""
    if padding == "zeros":
        return at
    last = size - 1.0
    if padding == "reflection":
        at = _mirrored(at, 0.0, last) if align else _mirrored(at, -0.5, size)
    return _limited(at, last)


@elementwise(dtype=strictly_floating, namespace=_INTERNAL, method=False, inplace=False, sample=(-0.9, 0.9))
def plane_place(input: Any, size: Any, padding: str = "zeros", align: bool = False) -> Any:
    """Coordinates from -1 to 1 as places in an axis of ``size`` elements; NaN counts as -1, as in PyTorch."""
    size = s.to(size, input.dtype)
    input = s.where(s.isnan(input), -1.0, input)
    place = (input + 1.0) * 0.5 * (size - 1.0) if align else ((input + 1.0) * size - 1.0) * 0.5
    return _inside(place, size, padding, align)


def _number(place: Any, size: Any) -> Any:
    """A whole place as an index, 0 where it is outside; infinities and NaN are outside."""
    return s.where(_within(place, size), place, 0.0)


def _within(place: Any, size: Any) -> Any:
    return s.ge(place, 0.0) & s.lt(place, size)


@elementwise(dtype=strictly_floating, namespace=_INTERNAL, method=False, inplace=False, sample=(-3, 5))
def tap_index(input: Any, size: Any, tap: Any, padding: str = "zeros", align: bool = False) -> Any:
    """The index of the tap, int64: ``tap`` elements behind the place rounded down, 0 where that is outside."""
    at = _inside(s.floor(input) + tap, s.to(size, input.dtype), padding, align)
    return s.to(_number(at, size), int64)


@elementwise(dtype=strictly_floating, namespace=_INTERNAL, method=False, inplace=False, sample=(-3, 5))
def nearest_index(input: Any, size: Any) -> Any:
    """The index of the nearest element, int64, 0 where that is outside; a half goes to the even one."""
    return s.to(_number(s.round(input), size), int64)


@elementwise(dtype=strictly_floating, namespace=_INTERNAL, method=False, inplace=False, sample=(-3, 5))
def nearest_weight(input: Any, size: Any) -> Any:
    """1 where the nearest element is inside, else 0."""
    return s.where(_within(s.round(input), size), 1.0, input * 0.0 * 0.0)


@elementwise(dtype=strictly_floating, namespace=_INTERNAL, method=False, inplace=False, sample=(-3, 5))
def linear_weight(input: Any, size: Any, tap: Any, padding: str = "zeros") -> Any:
    """What the tap, 0 or 1, counts in linear interpolation; 0 outside of the axis."""
    low = s.floor(input)
    part = input - low
    return s.where(_within(low + tap, size), s.where(s.gt(tap, 0.5), part, 1.0 - part), 0.0)


@elementwise(dtype=strictly_floating, namespace=_INTERNAL, method=False, inplace=False, sample=(-3, 5))
def cubic_weight(input: Any, size: Any, tap: Any, padding: str = "zeros") -> Any:
    """What the tap, -1 to 2, counts in Keys' cubic convolution (1981); 0 outside of the axis if that is padded so."""
    low, a = s.floor(input), -0.75
    x = s.abs(input - low - tap)
    near = ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0
    far = ((x - 5.0) * x + 8.0) * x * a - 4.0 * a
    weight = s.where(s.le(x, 1.0), near, far)
    return s.where(_within(low + tap, size), weight, 0.0) if padding == "zeros" else weight


# --- the composites --------------------------------------------------------------------------------------------------


class _Tap(NamedTuple):
    """Which element of an axis is read, and what it counts."""

    at: Tensor
    weight: Tensor


def _taps(at: Tensor, size: int, mode: str, padding: str, align: bool) -> list[_Tap]:
    """What is read along one axis, of ``size`` elements, for coordinates ``(N, P)``."""
    if mode == "bicubic":
        place = plane_place(at, size, "zeros", align)
        return [
            _Tap(tap_index(place.detach(), size, tap, padding, align), cubic_weight(place, size, tap, padding))
            for tap in (-1.0, 0.0, 1.0, 2.0)
        ]
    place = plane_place(at, size, padding, align)
    if mode == "nearest":
        return [_Tap(nearest_index(place.detach(), size), nearest_weight(place.detach(), size))]
    return [_Tap(tap_index(place.detach(), size, tap), linear_weight(place, size, tap)) for tap in (0.0, 1.0)]


def _sample(input: Tensor, grid: Tensor, mode: str, padding: str, align: bool) -> Tensor:
    """The sum over all combinations of the axes' taps."""
    size, (count, *out, rank) = tuple(input.shape[2:]), grid.shape
    places = views.reshape(grid, (count, -1, rank))
    axes = [_taps(views.select(places, 2, rank - 1 - axis), size[axis], mode, padding, align) for axis in range(rank)]
    planes = views.reshape(input, (*input.shape[:2], -1))
    shape = (*planes.shape[:2], places.shape[1])
    total: Tensor | None = None
    for chosen in itertools.product(*axes):
        index, weight = chosen[0]
        for axis, tap in enumerate(chosen[1:], 1):
            index, weight = index * size[axis] + tap.at, weight * tap.weight
        part = gather_along(planes, 2, views.unsqueeze(index, 1), shape) * views.unsqueeze(weight, 1)
        total = part if total is None else total + part
    assert total is not None
    return views.reshape(total, (*input.shape[:2], *out))


def _outputs(input: Tensor, grid: Tensor, mode: str, padding: str, align: bool) -> list[tuple[Shape, DType]]:
    return [((*input.shape[:2], *grid.shape[1:-1]), input.dtype)]


@composite(outputs=_outputs)
def sample_planes(input: Tensor, grid: Tensor, mode: str, padding: str, align: bool) -> Tensor:
    """The planes ``(N, C, *S)`` at the places ``(N, *P, len(S))``, whose last axis names the last of ``S`` first."""
    return _sample(input, grid, mode, padding, align)


@sample_planes.gradient("input", "grid")
def _(
    grad: Tensor, input: Tensor, grid: Tensor, mode: str, padding: str, align: bool, need: set[str]
) -> tuple[Tensor | None, ...]:
    found = sample_planes_backward(grad, input, grid, mode, padding, align, "input" in need, "grid" in need)
    given = iter(found)
    return tuple(next(given) if name in need else None for name in ("input", "grid"))


@composite(
    outputs=lambda delta, input, grid, mode, padding, align, through, along: [
        (tuple(each.shape), each.dtype) for each, wanted in ((input, through), (grid, along)) if wanted
    ]
)
def sample_planes_backward(
    delta: Tensor, input: Tensor, grid: Tensor, mode: str, padding: str, align: bool, through: bool, along: bool
) -> tuple[Tensor, ...]:
    """The gradients for the planes, if ``through``, and for the places, if ``along``."""
    wanted = [place for place, each in enumerate((through, along)) if each]
    found: tuple[Tensor, ...] = pullback(_sample, (input, grid, mode, padding, align), wanted, [delta])
    return found


# --- public functions ------------------------------------------------------------------------------------------------

_MODES: Final = ("bilinear", "nearest", "bicubic")
_PADDINGS: Final = ("zeros", "border", "reflection")


class GridError(RankError):
    """A plane and places that don't fit."""


def _check(input: Tensor, grid: Tensor, mode: str, padding_mode: str) -> None:
    op = "grid_sample"
    if mode not in _MODES:
        raise ArgumentError(f"{op}: expected mode to be one of {', '.join(_MODES)}, got {mode!r}")
    if padding_mode not in _PADDINGS:
        raise ArgumentError(f"{op}: expected padding_mode to be one of {', '.join(_PADDINGS)}, got {padding_mode!r}")
    rank = input.ndim - 2
    fits = rank in (2, 3) and grid.ndim == rank + 2 and grid.shape[0] == input.shape[0] and grid.shape[-1] == rank
    if not fits or (mode == "bicubic" and rank != 2) or 0 in input.shape[2:]:
        raise GridError(
            f"{op}: expected input (N, C, H, W) and grid (N, H', W', 2), or one axis more (not for bicubic), none of the "
            f"plane's empty; got {list(input.shape)} and {list(grid.shape)}"
        )
    if input.dtype.kind != "f" or grid.dtype is not input.dtype:
        raise DTypeError(
            f"{op}: expected input and grid to have the same floating dtype, got {input.dtype.name} and {grid.dtype.name}"
        )


@function(method=False, namespace=_F)
def grid_sample(input: Tensor, grid: Tensor, mode: str = "bilinear", padding_mode: str = "zeros",
                align_corners: bool | None = None) -> Tensor:  # fmt: skip
    """The input's planes read at given places.

    Args:
        input: ``(N, C, H, W)`` or ``(N, C, D, H, W)``.
        grid: ``(N, H', W', 2)`` or ``(N, D', H', W', 3)``: for each element of the result its place, the coordinate of
            the last axis first, from -1 to 1 within the plane -> ``(N, C, H', W')`` or ``(N, C, D', H', W')``.
        mode: ``bilinear`` (also over three axes), ``nearest``, or ``bicubic`` (two axes).
        padding_mode: outside of the plane there are ``zeros``, its ``border``, or its ``reflection``.
        align_corners: -1 and 1 are the middles of the corner elements, instead of the corners of the plane.
    """
    _check(input, grid, mode, padding_mode)
    if not input.numel() or not grid.numel():
        return tied(
            creation.zeros((*input.shape[:2], *grid.shape[1:-1]), dtype=input.dtype, device=input.device), input
        )
    return sample_planes(widened(input), widened(grid), mode, padding_mode, bool(align_corners)).to(input.dtype)


def _steps(like: Tensor, size: int, align: bool) -> Tensor:
    """The coordinates of the middles of an axis' elements."""
    if size == 1:
        return creation.zeros((1,), dtype=like.dtype, device=like.device)
    steps = creation.iota(like.detach(), (size,)).to(like.dtype)
    return steps * (2.0 / (size - 1)) - 1.0 if align else (steps * 2.0 + 1.0) / size - 1.0


@function(method=False, namespace=_F)
def affine_grid(theta: Tensor, size: Sequence[int], align_corners: bool | None = None) -> Tensor:
    """Places for :func:`grid_sample` that an affine map makes of the plane's own.

    theta ``(N, 2, 3)`` for ``size`` ``(N, C, H, W)`` -> ``(N, H, W, 2)``, or ``(N, 3, 4)`` for ``(N, C, D, H, W)`` ->
    ``(N, D, H, W, 3)``.
    """
    rank = len(size) - 2
    if rank not in (2, 3) or tuple(theta.shape) != (size[0], rank, rank + 1):
        raise AffineSizeError(
            f"affine_grid: expected theta (N, 2, 3) for a size (N, C, H, W) or (N, 3, 4) for (N, C, D, H, W), got "
            f"{list(theta.shape)} for {list(size)}"
        )
    if theta.dtype.kind != "f":
        raise DTypeError(f"affine_grid: expected theta to have floating point type, but got {theta.dtype.name}")
    if min(size) <= 0:
        raise AffineSizeError(f"affine_grid: expected non-zero, positive output size, got {list(size)}")
    wide = widened(theta)
    plane = tuple(size[2:])
    columns = [
        views.expand(views.reshape(_steps(wide, n, bool(align_corners)), (n, *(1,) * (rank - axis - 1))), plane)
        for axis, n in enumerate(plane)
    ]
    ones = creation.ones(plane, dtype=wide.dtype, device=wide.device)
    base = views.reshape(joining.stack((*reversed(columns), ones), -1), (1, math.prod(plane), rank + 1))
    found = products.matmul(base, views.transpose(wide, 1, 2))
    return views.reshape(found, (size[0], *plane, rank)).to(theta.dtype)


class AffineSizeError(ShapeError, ValueError):
    """A size without elements, or one that the map doesn't fit; PyTorch raises ValueError."""
