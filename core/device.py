"""Devices by name: the class :class:`device`, the default device, and the list of what there is.

Nothing here imports a plugin before a name needs to be looked up: the built-in names are taken on trust until the
first tensor is made there.
"""

from __future__ import annotations

import operator
import os
import re
import threading
from typing import Any, Final, NoReturn, final

from hotplug.errors import ArgumentTypeError, DeviceError

__all__ = ["device", "devices", "get_default_device", "resolve_device", "set_default_device"]

BUILT_IN: Final = frozenset({"cpu", "numpy", "opencl", "cuda"})
"""Names that are valid without asking the registry; whether such a device is there is checked on first use."""

_SYNTAX: Final = re.compile(
    r"(?P<type>[A-Za-z_][A-Za-z0-9_+-]*)(:((?P<index>0|[1-9][0-9]*)|(?P<words>(?=.*[^\W\d])\w(.*\S)?)))?"
)


@final
class device:  # noqa: N801 - PyTorch's name
    """A device, as in PyTorch: ``device("cuda:1")``, ``device("cuda", 1)``, or, with the default device's type,
    ``device(1)``.

    Equal devices are one object.  ``device("cuda")`` and ``device("cuda:0")`` differ, as in PyTorch, but have the
    same ``canonical`` form.  In a ``with`` block it is the default device of the current thread.

    >>> device("opencl", 1)
    device(type='opencl', index=1)
    >>> str(device("opencl:1")), device("cpu").index
    ('opencl:1', None)

    Raises:
        DeviceError: the string is malformed, or names no kind of device that is installed or known; or no hardware,
            or several pieces of it, fit the words in place of the index.
    """

    __slots__ = ("canonical", "index", "type")

    type: str
    """The name of the backend, with the decorators before it: ``"profile+cpu"``."""
    index: int | None
    """Which of the backend's devices; ``None`` where it was not said, which means the first."""
    canonical: tuple[str, int]
    """Type and index, the index 0 where it was not said: what names the hardware."""

    def __new__(cls, type: str | device | int, index: int | None = None) -> device:
        if isinstance(type, device) and index is None:
            return type
        name, number = _parse(type, index)
        if name in _REDIRECTED:
            return _redirected(name, number)
        found = _INTERNED.get((name, number))
        if found is None:
            if name not in BUILT_IN:
                from hotplug.plugins import registry

                registry.validate(name)
            found = object.__new__(cls)
            for slot, value in (("type", name), ("index", number), ("canonical", (name, number or 0))):
                object.__setattr__(found, slot, value)
            found = _INTERNED.setdefault((name, number), found)
        return found

    @staticmethod
    def of_runtime(name: str, index: int, numbered: bool = True) -> device:
        """The device as a tensor on it shows it: ``cpu`` without an index, as in PyTorch, numbered ones with theirs."""
        number = shown_index(index, numbered)
        return _INTERNED.get((name, number)) or device(name, number)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"attribute {name!r} of a device is not writable; make another device")

    def __repr__(self) -> str:
        index = "" if self.index is None else f", index={self.index}"
        return f"device(type={self.type!r}{index})"

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __reduce__(self) -> tuple[Any, ...]:
        return device, (self.type,) if self.index is None else (self.type, self.index)

    def __enter__(self) -> device:
        _blocks.stack.append(self)
        return self

    def __exit__(self, *_: object) -> None:
        _blocks.stack.pop()


_INTERNED: Final[dict[tuple[str, int | None], device]] = {}


_REDIRECTED: Final[dict[str, device]] = {}


def redirect(name: str, target: device | None) -> None:
    """Let the name of a kind of device stand for another device in this process; ``None`` ends it.

    For programs that say ``"cuda"`` and are to run elsewhere.
    """
    if target is None:
        _REDIRECTED.pop(name, None)
    else:
        _REDIRECTED[name] = target


def _redirected(name: str, number: int | None) -> device:
    if number:
        raise DeviceError(
            f"device '{name}:{number}' does not exist: {name!r} stands for {_REDIRECTED[name]}; use {name!r}"
        )
    return _REDIRECTED[name]


@final
class _Blocks(threading.local):
    """The ``with device(...)`` blocks that the current thread is in."""

    def __init__(self) -> None:
        self.stack: list[device] = []


_blocks: Final = _Blocks()
_default: device | None = None


def _parse(type: object, index: object) -> tuple[str, int | None]:
    if isinstance(type, int) and not isinstance(type, bool) and index is None:
        return get_default_device().type, _index(type)
    if not isinstance(type, str):
        raise ArgumentTypeError(f"device expected a string, a device or an index, got {type!r}")
    matched = _SYNTAX.fullmatch(type)
    if matched is None:
        raise DeviceError(f"device string {type!r} is invalid; write a type, or a type and an index: 'cuda', 'cuda:1'")
    if index is None:
        digits, words = matched["index"], matched["words"]
        if words is not None:
            from hotplug.plugins import registry

            return matched["type"], registry.select(matched["type"], words)
        return matched["type"], None if digits is None else int(digits)
    if matched["index"] is not None or matched["words"] is not None:
        raise DeviceError(f"device string {type!r} has an index, and the index {index!r} was passed as well; drop one")
    return matched["type"], _index(index)


def _index(index: object) -> int:
    if isinstance(index, bool) or not hasattr(index, "__index__"):
        raise ArgumentTypeError(f"device index must be an integer, got {index!r}")
    number = operator.index(index)
    if number < 0:
        raise DeviceError(f"device index must not be negative, got {number}")
    return number


def shown_index(index: int, numbered: bool) -> int | None:
    """The index that a device's name shows: none for the one device of a backend that does not number them."""
    return index if numbered or index else None


def get_default_device() -> device:
    """The device on which new tensors are made where none is given.

    It is that of the innermost ``with hotplug.device(...)`` block of the current thread, else what
    :func:`set_default_device` set, else the environment variable ``HOTPLUG_DEVICE``, else ``cpu``.
    """
    stack = _blocks.stack
    if stack:
        return stack[-1]
    return _default if _default is not None else _from_environment()


def set_default_device(device: str | device | int | None) -> None:
    """Set the device on which new tensors are made, in all threads; ``None`` goes back to the start's default."""
    global _default  # noqa: PLW0603 - one process-wide default, as in PyTorch
    _default = None if device is None else resolve_device(device)


def _from_environment() -> device:
    global _default  # noqa: PLW0603 - the environment is read once
    named = os.environ.get("HOTPLUG_DEVICE") or "cpu"
    try:
        _default = device(named)
    except DeviceError as error:
        raise DeviceError(f"environment variable HOTPLUG_DEVICE: {error}") from error
    return _default


def resolve_device(spec: str | device | int | None) -> device:
    """The device that an argument ``device=`` names; ``None`` is the default one.

    Raises:
        DeviceError: no such kind of device is installed or known.
    """
    if spec is None:
        return get_default_device()
    return device(spec)


def devices() -> list[device]:
    """The devices that are there, in the order of ``hotplug devices``, which also tells why others are not."""
    from hotplug.plugins import registry

    return [device(row.device) for row in registry.report() if row.available]
