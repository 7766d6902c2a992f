"""``custom_fwd`` and ``custom_bwd``: how a user's ``autograd.Function`` meets autocast."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

from hotplug.amp.autocast import autocast, get_autocast_dtype, is_autocast_enabled
from hotplug.dtypes import dtype as DType, float64
from hotplug.tensor import Tensor


def _converted(value: Any, device_type: str, dtype: DType) -> Any:
    if isinstance(value, Tensor):
        eligible = value.is_floating_point() and value.device.type == device_type and value.dtype is not float64
        return value.to(dtype) if eligible else value
    if isinstance(value, (str, bytes)):
        return value
    if isinstance(value, Mapping):
        return {key: _converted(each, device_type, dtype) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_converted(each, device_type, dtype) for each in value)
    return value


def custom_fwd(
    fwd: Callable[..., Any] | None = None, *, device_type: str, cast_inputs: DType | None = None
) -> Callable[..., Any]:
    """Decorates ``forward``: with ``cast_inputs`` it runs without autocast on inputs of that dtype, where autocast is on.

    Without, it runs as it is, and :func:`custom_bwd` makes ``backward`` run as it did.
    """
    if fwd is None:
        return functools.partial(custom_fwd, device_type=device_type, cast_inputs=cast_inputs)

    @functools.wraps(fwd)
    def decorated(ctx: Any, *args: Any, **kwargs: Any) -> Any:
        enabled = is_autocast_enabled(device_type)
        ctx._dtype = get_autocast_dtype(device_type)
        ctx._fwd_used_autocast = enabled and cast_inputs is None
        if cast_inputs is None or not enabled:
            return fwd(ctx, *args, **kwargs)
        with autocast(device_type, enabled=False):
            return fwd(ctx, *_converted(args, device_type, cast_inputs), **_converted(kwargs, device_type, cast_inputs))

    return decorated


def custom_bwd(bwd: Callable[..., Any] | None = None, *, device_type: str) -> Callable[..., Any]:
    """Decorates ``backward``: autocast is on in it where it was in ``forward``."""
    if bwd is None:
        return functools.partial(custom_bwd, device_type=device_type)

    @functools.wraps(bwd)
    def decorated(ctx: Any, *grads: Any) -> Any:
        with autocast(device_type, enabled=ctx._fwd_used_autocast, dtype=ctx._dtype):
            return bwd(ctx, *grads)

    return decorated
