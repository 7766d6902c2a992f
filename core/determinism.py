"""Equal inputs, equal bits: the switch that refuses what a device computes in an order that may change from run to run.

The devices that come with Hotplug compute everything in a fixed order, so for them the switch changes nothing.  A device
whose Capabilities say that its scatter is not deterministic adds elements with equal index in whatever order they come.
"""

from __future__ import annotations

import sys
import warnings
from types import CodeType
from typing import TYPE_CHECKING, Final

from hotplug.autograd.mode import WATCH
from hotplug.errors import ArgumentError, ArgumentTypeError, HotplugError

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

    Raises:
        ArgumentTypeError: an argument is not a bool.
    """
    for name, value in (("mode", mode), ("warn_only", warn_only)):
        if not isinstance(value, bool):
            raise ArgumentTypeError(
                f"use_deterministic_algorithms: argument '{name}' must be a bool, not {type(value).__name__}"
            )
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
        ArgumentTypeError: neither an int nor a str.
        ArgumentError: another value.
    """
    if not isinstance(debug_mode, (int, str)):
        raise ArgumentTypeError(
            f"set_deterministic_debug_mode: expected an int or a str, got {type(debug_mode).__name__}"
        )
    number = _DEBUG_MODES.get(debug_mode) if isinstance(debug_mode, str) else int(debug_mode)
    if number is None or number not in _DEBUG_MODES.values():
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
        f"{_caller()} (a scatter with mode {mode!r}) does not have a deterministic implementation on '{runtime.name}', but "
        f"use_deterministic_algorithms(True) is set; do it on another device, or set warn_only=True"
    )
    if WATCH.deterministic == 2:
        raise NotDeterministicError(text)
    warnings.warn(text, NotDeterministicWarning, stacklevel=2)


def _caller() -> str:
    """The public op that the scatter is part of, or the node of the backward pass.

    Read off the stack, as the families know no names of ops, and this runs only where it raises or warns.
    """
    from hotplug.autograd.graph import Node
    from hotplug.declare.table import OPS

    codes = ((getattr(entry.body, "__code__", None), name) for name, entry in OPS.items())
    public: dict[CodeType, str] = {code: name for code, name in codes if isinstance(code, CodeType)}
    found = "scatter"
    frame = sys._getframe(1).f_back
    while frame is not None:
        owner = frame.f_locals.get("self") if frame.f_code.co_name == "apply" else None
        if isinstance(owner, Node):
            return owner.name()
        found = public.get(frame.f_code, found)
        frame = frame.f_back
    return found
