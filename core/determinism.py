"""Equal inputs, equal bits: the switch that refuses what a device computes in an order that may change from run to run.

The devices that come with Hotplug compute everything in a fixed order, so for them the switch changes nothing.  A device
whose Capabilities say that its scatter is not deterministic adds elements with equal index in whatever order they come.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Final

from hotplug.autograd.mode import WATCH
from hotplug.errors import ArgumentError, HotplugError

if TYPE_CHECKING:
    from hotplug.runtime import Runtime

_DEBUG_MODES: Final = {"default": 0, "warn": 1, "error": 2}


class NotDeterministicError(HotplugError, RuntimeError):
    """An op that may give other bits from the same input, while deterministic algorithms were asked for."""


class NotDeterministicWarning(UserWarning):
    """The same, where only a warning was asked for."""


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Refuse, in the whole process, ops that may give other bits from the same input; or only warn of them.

    Random numbers are a matter of the seed, see :func:`hotplug.manual_seed`.
    """
    WATCH.deterministic = (1 if warn_only else 2) if mode else 0


def are_deterministic_algorithms_enabled() -> bool:
    """Whether :func:`use_deterministic_algorithms` is on."""
    return WATCH.deterministic > 0


def is_deterministic_algorithms_warn_only_enabled() -> bool:
    """Whether it only warns."""
    return WATCH.deterministic == 1


def set_deterministic_debug_mode(debug_mode: int | str) -> None:
    """The same switch: ``"default"`` or 0, ``"warn"`` or 1, ``"error"`` or 2.

    Raises:
        ArgumentError: another value.
    """
    number = _DEBUG_MODES.get(debug_mode) if isinstance(debug_mode, str) else debug_mode
    if number not in _DEBUG_MODES.values():
        raise ArgumentError(
            f"set_deterministic_debug_mode: expected one of 'default', 'warn', 'error' or 0, 1, 2, got {debug_mode!r}"
        )
    WATCH.deterministic = number


def get_deterministic_debug_mode() -> int:
    """0, 1 or 2; see :func:`set_deterministic_debug_mode`."""
    return WATCH.deterministic


def check_scatter(runtime: Runtime, mode: str) -> None:
    """Called, while the switch is on, before elements are added or multiplied into places that may coincide.

    Raises:
        NotDeterministicError: the device's order may change, and more than a warning was asked for.
    """
    text = (
        f"scatter with mode {mode!r} (scatter_add, index_add, index_put with accumulate, gradients of indexing and "
        f"embedding) does not have a deterministic implementation on '{runtime.name}', but "
        f"use_deterministic_algorithms(True) is set; do it on another device, or set warn_only=True"
    )
    if WATCH.deterministic == 2:
        raise NotDeterministicError(text)
    warnings.warn(text, NotDeterministicWarning, stacklevel=2)
