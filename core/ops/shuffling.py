"""Elements moved between channels and space."""

from __future__ import annotations

from hotplug.declare import function
from hotplug.errors import ArgumentError, ShapeError
from hotplug.ops import views
from hotplug.tensor import Tensor


class ShuffleError(ArgumentError, RuntimeError):
    """A factor that isn't positive."""


def _factor(op: str, value: int) -> int:
    if value <= 0:
        raise ShuffleError(f"{op}: expects a positive factor, got {value}")
    return value


@function(method=False)
def pixel_shuffle(input: Tensor, upscale_factor: int) -> Tensor:
    """Channels as finer pixels (Shi et al., 2016).  input ``(*, C * r * r, H, W)`` -> ``(*, C, H * r, W * r)``."""
    r = _factor("pixel_shuffle", upscale_factor)
    if input.ndim < 3 or input.shape[-3] % (r * r):
        raise ShapeError(
            f"pixel_shuffle: expected input (*, C, H, W) with C divisible by the square of upscale_factor {r}, got "
            f"{list(input.shape)}"
        )
    *lead, channels, height, width = input.shape
    apart = views.reshape(input, (-1, channels // (r * r), r, r, height, width))
    turned = views.permute(apart, (0, 1, 4, 2, 5, 3))
    return views.reshape(turned, (*lead, channels // (r * r), height * r, width * r))


@function(method=False)
def pixel_unshuffle(input: Tensor, downscale_factor: int) -> Tensor:
    """Pixels as channels of coarser ones: the reverse of :func:`pixel_shuffle`.  input ``(*, C, H * r, W * r)`` ->
    ``(*, C * r * r, H, W)``.
    """
    r = _factor("pixel_unshuffle", downscale_factor)
    if input.ndim < 3 or input.shape[-1] % r or input.shape[-2] % r:
        raise ShapeError(
            f"pixel_unshuffle: expected input (*, C, H, W) with H and W divisible by downscale_factor {r}, got "
            f"{list(input.shape)}"
        )
    *lead, channels, height, width = input.shape
    apart = views.reshape(input, (-1, channels, height // r, r, width // r, r))
    turned = views.permute(apart, (0, 1, 3, 5, 2, 4))
    return views.reshape(turned, (*lead, channels * r * r, height // r, width // r))


@function(method=False, aliases=("native_channel_shuffle",))
def channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """The channels of all groups in turn (Zhang et al., 2018).  input ``(N, C, *S)`` -> the same."""
    if input.ndim < 3 or (_factor("channel_shuffle", groups) and input.shape[1] % groups):
        raise ShapeError(
            f"channel_shuffle: expected input (N, C, *) of 3 dimensions or more with C divisible by groups {groups}, got "
            f"{list(input.shape)}"
        )
    count, channels, *rest = input.shape
    apart = views.reshape(input, (count, groups, channels // groups, *rest))
    return views.reshape(views.transpose(apart, 1, 2), (count, channels, *rest))
