"""The hooks that a plugin implements, and the records that it returns from them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import pluggy

from hotplug.backend import Backend
from hotplug.errors import ArgumentError

PROJECT: Final = "hotplug"
"""pluggy's project name, and the name of the entry-point group."""

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)

_NAME: Final = re.compile(r"[a-z][a-z0-9_-]*")


def _check_name(what: str, name: str) -> None:
    if not (isinstance(name, str) and _NAME.fullmatch(name)):
        raise ArgumentError(
            f"{what}: the name must be a lower-case word of letters, digits, '_' and '-' (it becomes part of a device "
            f"string such as 'vendor:0'), got {name!r}"
        )


@dataclass(frozen=True, slots=True)
class BackendSpec:
    """Announces a backend without importing it."""

    name: str
    """The device string without an index, e.g. ``"opencl"``."""
    factory: Callable[[], Backend]
    """Makes the backend, once, on the first use of the device.  Heavy imports happen inside."""
    hint: str = ""
    """What to install or do where the factory fails, e.g. ``pip install 'hotplug[opencl]'``."""

    def __post_init__(self) -> None:
        _check_name("BackendSpec", self.name)


@dataclass(frozen=True, slots=True)
class DecoratorSpec:
    """Announces a decorator: a backend that wraps another one."""

    name: str
    """The prefix in a device string: ``"profile"`` in ``"profile+cpu"``."""
    wrap: Callable[[Backend], Backend]
    """Returns a new backend around the given one.  The registry sets the new one's name."""

    def __post_init__(self) -> None:
        _check_name("DecoratorSpec", self.name)


# The bodies below never run: pluggy takes only the names and the arguments from them.


@hookspec
def hotplug_backends() -> list[BackendSpec]:
    """The backends that this plugin brings."""
    return []


@hookspec
def hotplug_decorators() -> list[DecoratorSpec]:
    """The decorators that this plugin brings."""
    return []
