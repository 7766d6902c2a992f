"""The block in which listed functions take lower precision; the lists are in :mod:`hotplug.declare.autocasting`."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Final, ParamSpec, TypeVar, final

from hotplug.autograd.mode import MODE, WATCH
from hotplug.dtypes import bfloat16, dtype as DType, float16
from hotplug.errors import ArgumentError, DTypeError

P = ParamSpec("P")
R = TypeVar("R")

_HALF: Final = (float16, bfloat16)


@final
class autocast:  # noqa: N801 - PyTorch's name
    """Inside, products and convolutions compute in a half type, and losses and decompositions in float32.

    Run the forward pass in it, the backward pass outside.  The parameters stay float32, as do their gradients.  It is a
    context manager and a decorator, and holds for the current thread, on whichever device.

    Args:
        device_type: PyTorch's argument; it chooses the default of ``dtype``.
        dtype: bfloat16 (the default, except for ``"cuda"``) or float16.
        enabled: ``False`` switches an outer autocast off.
        cache_enabled: accepted; a weight is cast anew at each use.

    Raises:
        DTypeError: ``dtype`` is no half type.
    """

    def __init__(
        self,
        device_type: str = "cuda",
        dtype: DType | None = None,
        enabled: bool = True,
        cache_enabled: bool | None = None,
    ) -> None:
        if not isinstance(device_type, str):
            raise ArgumentError(f"autocast: expected device_type of type str, got {type(device_type).__name__}")
        self.device = device_type
        self.dtype = dtype or _default(device_type)
        if self.dtype not in _HALF:
            raise DTypeError(f"autocast: expected float16 or bfloat16, got {self.dtype.name}")
        self.enabled = enabled
        self._before: list[DType | None] = []

    def __enter__(self) -> autocast:
        self._before.append(MODE.autocast)
        MODE.autocast = self.dtype if self.enabled else None
        WATCH.autocast += 1
        return self

    def __exit__(self, *_: object) -> None:
        WATCH.autocast -= 1
        MODE.autocast = self._before.pop()

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        def run(*args: P.args, **kwargs: P.kwargs) -> R:
            with autocast(self.device, self.dtype, self.enabled):
                return function(*args, **kwargs)

        return run


def is_autocast_enabled(device_type: str | None = None) -> bool:
    """Whether autocast is on in the current thread."""
    return MODE.autocast is not None


def get_autocast_dtype(device_type: str) -> DType:
    """The half type of the current autocast, or that which one would have."""
    inside: DType | None = MODE.autocast
    return inside or _default(device_type)


def _default(device_type: str) -> DType:
    return float16 if device_type.partition(":")[0] == "cuda" else bfloat16


def is_autocast_available(device_type: Any) -> bool:
    """Always: it is above the devices."""
    return True
