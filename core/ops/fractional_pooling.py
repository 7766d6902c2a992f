"""Maxima of windows whose distances are drawn (Graham, 2014)."""

from __future__ import annotations

import math
from typing import Any

from hotplug.declare import function
from hotplug.dtypes import int64
from hotplug.errors import ArgumentError, RankError, ShapeError
from hotplug.layout import Shape
from hotplug.ops import creation, joining, reduction, views
from hotplug.ops.gathering import gather_along
from hotplug.ops.random import rand
from hotplug.ops.windows import tuple_of
from hotplug.tensor import Tensor

_F = "nn.functional"


class FractionalSizeError(ShapeError, ValueError):
    """Windows that don't fit the input."""


def _wanted(op: str, size: Shape, output_size: Any, output_ratio: Any) -> Shape:
    if output_size is not None:
        return tuple_of(op, "output_size", output_size, len(size))
    if output_ratio is None:
        raise ArgumentError(f"{op}: requires specifying either an output_size or an output_ratio")
    ratios = (output_ratio,) * len(size) if isinstance(output_ratio, (int, float)) else tuple(output_ratio)
    if len(ratios) != len(size):
        raise ArgumentError(
            f"{op}: requires output_ratio to be a single number or {len(size)} numbers, got {output_ratio}"
        )
    return tuple(int(length * ratio) for length, ratio in zip(size, ratios, strict=True))


def _starts(sample: Tensor, size: int, kernel: int, out: int) -> Tensor:
    """Where each window begins, ``(N, C, out)``: steps of ``(size - kernel) / (out - 1)`` on the average, from a drawn
    start; the last window ends with the axis.
    """
    lead = tuple(sample.shape)
    last = creation.full((*lead, 1), size - kernel, dtype=int64, device=sample.device)
    if out == 1:
        return last
    step = (size - kernel) / (out - 1)
    drawn = views.unsqueeze(sample, -1)
    number = creation.iota(sample, (out - 1,)).to(sample.dtype)
    begin = ((number + drawn) * step).to(int64) - (drawn * step).to(int64)
    return joining.cat((begin, last), len(lead))


def _places(samples: Tensor, size: Shape, kernel: Shape, out: Shape) -> Tensor:
    """The flat positions that every window sees, ``(N, C, number of windows, elements of a window)``."""
    rank, total = len(size), None
    for axis in range(rank):
        own = 1 - axis if rank == 2 else axis  # in PyTorch the first number of a plane is the width's
        starts = _starts(views.select(samples, 2, own), size[axis], kernel[axis], out[axis])
        shape = [*samples.shape[:2], *(1,) * (2 * rank)]
        shape[2 + axis] = out[axis]
        inside = [1] * (2 * rank)
        inside[rank + axis] = kernel[axis]
        position = views.reshape(starts, tuple(shape)) + views.reshape(
            creation.iota(samples, (kernel[axis],)), tuple(inside)
        )
        position = position * math.prod(size[axis + 1 :])
        total = position if total is None else total + position
    assert total is not None
    full = views.expand(total, (*samples.shape[:2], *out, *kernel))
    return views.reshape(full, (*samples.shape[:2], math.prod(out), math.prod(kernel)))


def _fractional(
    rank: int, input: Tensor, kernel_size: Any, output_size: Any, output_ratio: Any, samples: Tensor | None
) -> tuple[Tensor, Tensor]:
    op = f"fractional_max_pool{rank}d"
    if input.ndim not in (rank + 1, rank + 2):
        raise RankError(f"{op}: expected {rank + 1}D or {rank + 2}D input, got shape {list(input.shape)}")
    batch = views.unsqueeze(input, 0) if input.ndim == rank + 1 else input
    size, lead = tuple(batch.shape[2:]), tuple(batch.shape[:2])
    kernel, out = tuple_of(op, "kernel_size", kernel_size, rank), _wanted(op, size, output_size, output_ratio)
    if min(out) < 1 or any(k < 1 or o + k - 1 > s for k, o, s in zip(kernel, out, size, strict=True)):
        raise FractionalSizeError(
            f"{op}: pool {list(kernel)} too large relative to input {list(size)} for an output of {list(out)}"
        )
    if samples is None:
        samples = rand((*lead, rank), dtype=batch.dtype, device=batch.device)
    if tuple(samples.shape) != (*lead, rank):
        raise ShapeError(f"{op}: expected _random_samples of shape {[*lead, rank]}, got {list(samples.shape)}")
    places = _places(samples.detach(), size, kernel, out)
    flat, count = views.reshape(batch, (*lead, math.prod(size))), places.shape[2]
    everywhere = views.reshape(places, (*lead, count * places.shape[3]))
    seen = views.reshape(gather_along(flat.detach(), 2, everywhere, tuple(everywhere.shape)), tuple(places.shape))
    best = reduction.argmax(seen, 3, True)
    winners = views.reshape(gather_along(places, 3, best, tuple(best.shape)), (*lead, count))
    values = gather_along(flat, 2, winners, tuple(winners.shape))
    shape = (*input.shape[:-rank], *out)
    return views.reshape(values, shape), views.reshape(winners, shape)


@function(method=False, namespace=_F)
def fractional_max_pool2d(
    input: Tensor, kernel_size: Any, output_size: Any = None, output_ratio: Any = None, return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> Any:  # fmt: skip
    """Largest elements of windows whose distances vary at random (Graham, 2014).  input ``(N, C, H, W)`` or ``(C, H, W)`` ->
    ``(N, C, *output_size)``.

    Args:
        output_ratio: of output and input sizes, in place of ``output_size``.
        return_indices: also the positions in the flattened plane.
        _random_samples: ``(N, C, 2)`` in ``[0, 1)``, drawn if not given.
    """
    found = _fractional(2, input, kernel_size, output_size, output_ratio, _random_samples)
    return found if return_indices else found[0]


@function(method=False, namespace=_F)
def fractional_max_pool3d(
    input: Tensor, kernel_size: Any, output_size: Any = None, output_ratio: Any = None, return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> Any:  # fmt: skip
    """As :func:`fractional_max_pool2d`, for ``(N, C, D, H, W)`` or ``(C, D, H, W)``; samples ``(N, C, 3)``."""
    found = _fractional(3, input, kernel_size, output_size, output_ratio, _random_samples)
    return found if return_indices else found[0]
