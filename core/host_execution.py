"""Host execution: the few ops that a device has neither a kernel nor a decomposition for, run on the device ``cpu``.

It is counted in ``Runtime.counts["host"]`` and governed by a policy: ``"error"`` forbids it, ``"warn"`` (the default) says
so once for each op, ``"allow"`` keeps quiet.  The environment variable ``HOTPLUG_HOST`` sets the policy at the start.
"""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from hotplug.errors import ArgumentError, CapabilityError, HostExecutionWarning
from hotplug.runtime import Runtime, runtime_of
from hotplug.tensor import Tensor

POLICIES: Final = ("error", "warn", "allow")
HOST: Final = "cpu"


class HostExecutionError(CapabilityError):
    """The device cannot run the op, and the policy forbids running it on the host."""


def _checked(policy: str) -> str:
    if policy not in POLICIES:
        raise ArgumentError(f"host policy: expected one of {', '.join(POLICIES)}, got {policy!r}")
    return policy


class _State(threading.local):
    """The policy of a thread, where it has set one."""

    policy: str | None = None


_state: Final = _State()
_default: list[str] = []
_warned: Final[set[str]] = set()


def get_host_policy() -> str:
    """What happens when an op would run on the host: ``"error"``, ``"warn"`` or ``"allow"``."""
    if _state.policy is not None:
        return _state.policy
    if not _default:
        _default.append(_checked(os.environ.get("HOTPLUG_HOST", "warn")))
    return _default[0]


def set_host_policy(policy: str) -> None:
    """Set the policy of all threads that are not in a :func:`host_policy` block.

    Raises:
        ArgumentError: it is not ``"error"``, ``"warn"`` or ``"allow"``.
    """
    _default[:] = [_checked(policy)]


@contextmanager
def host_policy(policy: str) -> Iterator[None]:
    """The policy of this thread within a block.

    >>> import hotplug as hp
    >>> with hp.host_policy("error"):
    ...     hp.get_host_policy()
    'error'
    """
    before, _state.policy = _state.policy, _checked(policy)
    try:
        yield
    finally:
        _state.policy = before


def _announce(op: str, runtime: Runtime) -> None:
    policy = get_host_policy()
    if policy == "error":
        raise HostExecutionError(
            f"{op} on {runtime.name}: the device has no kernel for it, and the host policy is 'error'; move the tensor "
            f"with .cpu(), or allow host execution with hotplug.set_host_policy('allow')"
        )
    if policy == "warn" and op not in _warned:
        _warned.add(op)
        message = (
            f"{op} on {runtime.name} runs on the host: the device has no kernel for it; the tensors are copied there and "
            f"back at every call. hotplug.set_host_policy('allow') silences this, 'error' forbids it"
        )
        warnings.warn(message, HostExecutionWarning, stacklevel=2)


def on_host(op: str, function: Callable[..., Any], tensor: Tensor, *args: Any) -> Any:
    """A composite's decomposition that moves its tensor to the host, runs the composite there, and moves the results back.

    Raises:
        HostExecutionError: the policy forbids it, or the host itself has no kernel.
    """
    runtime = tensor._array.storage.runtime
    if runtime is runtime_of(HOST):
        raise HostExecutionError(f"{op}: the host has no kernel for {tensor.dtype.name}; convert with .to(dtype)")
    _announce(op, runtime)
    runtime.counts["host"] += 1
    results = function(tensor.to(HOST), *args)
    moved = [each.to(tensor.device) for each in (results if isinstance(results, tuple) else (results,))]
    return tuple(moved) if isinstance(results, tuple) else moved[0]
