"""PyTorch's process-wide switches that Hotplug accepts: they are checked and remembered."""

from __future__ import annotations

import os
from typing import Any, Final

from hotplug.errors import ArgumentError
from hotplug.threads import THREADS, allowed

_PRECISIONS: Final = ("highest", "high", "medium")
_STATE: Final[dict[str, Any]] = {
    "precision": "highest", "interop": os.cpu_count() or 1, "warn": False,
}  # fmt: skip


def set_float32_matmul_precision(precision: str) -> None:
    """How the device ``cuda`` computes products of float32 matrices: below ``highest`` it may round their elements to
    TF32.  Other devices compute them in float32, whatever is said here.

    Raises:
        ArgumentError: it is none of ``highest``, ``high``, ``medium``.
    """
    if precision not in _PRECISIONS:
        raise ArgumentError(f"set_float32_matmul_precision: expected one of {_PRECISIONS}, got {precision!r}")
    _STATE["precision"] = precision


def get_float32_matmul_precision() -> str:
    """What was set."""
    return str(_STATE["precision"])


def _positive(op: str, number: Any) -> int:
    if isinstance(number, bool) or not isinstance(number, int):
        raise ArgumentError(f"{op} expects an int, but got {type(number).__name__}")
    if number <= 0:
        raise ArgumentError(f"{op} expects a positive integer, got {number}")
    return number


def set_num_threads(number: int) -> None:
    """Let the kernels of ``cpu`` use this many threads from now on, in all Python threads; results stay the same bits.

    More than the pool has, which is as many as there are processors, changes nothing.

    Raises:
        ArgumentError: it is no positive integer.
    """
    THREADS.count = _positive("set_num_threads", number)


def get_num_threads() -> int:
    """Threads that kernels of ``cpu`` may use; at first the number of processors that this process may run on."""
    return allowed()


def set_num_interop_threads(number: int) -> None:
    """Accepted: ops run one after the other."""
    _STATE["interop"] = _positive("set_num_interop_threads", number)


def get_num_interop_threads() -> int:
    """What was set; at first the number of processors."""
    return int(_STATE["interop"])


def set_flush_denormal(mode: bool) -> bool:
    """False: the processor's mode for denormal numbers is left alone."""
    del mode
    return False


def set_warn_always(b: bool) -> None:
    """Accepted: warnings follow Python's filters."""
    _STATE["warn"] = bool(b)


def is_warn_always_enabled() -> bool:
    """What was set."""
    return bool(_STATE["warn"])


def _assert(condition: Any, message: str) -> None:
    """``assert`` as a function."""
    if not condition:
        raise AssertionError(message)


def is_anomaly_enabled() -> bool:
    """Whether :func:`hotplug.autograd.set_detect_anomaly` is on."""
    from hotplug import autograd

    return bool(autograd.is_anomaly_enabled())


def is_storage(obj: Any) -> bool:
    """Whether an object is the memory of tensors, as :meth:`hotplug.Tensor.untyped_storage` gives it."""
    from hotplug.storage import UntypedStorage

    return isinstance(obj, UntypedStorage)
