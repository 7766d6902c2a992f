"""Which op of the program, and which line of it, a kernel call comes from: read off the Python stack.

The core hands names down to nobody, so that ops cost nothing while no decorator is there.
"""

from __future__ import annotations

import sys
from types import CodeType, FrameType
from typing import Final, NamedTuple

from hotplug.autograd.graph import Node
from hotplug.backend import OpKey

_OUR_OWN: Final = "hotplug."
_SCRIPTS: Final = ("hotplug.conformance", "hotplug.data", "hotplug.nn", "hotplug.optim")
"""Parts of the package that call ops as a program does."""
_INSIDE: Final = "hotplug.optim._step"
"""The optimizers' own launcher."""

_BETWEEN: Final = "contextlib"
"""Stands between a block of ours and what it calls."""


class Origin(NamedTuple):
    """Where a kernel call comes from."""

    op: str
    """The public op, or the name of the backward node."""
    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.op} ({self.file}:{self.line})"


def origin() -> Origin:
    """The op that is running, and the line of the program that called it."""
    frame: FrameType | None = sys._getframe(1)
    name, node = "", ""
    while frame is not None and _is_ours(frame):
        name = _name(frame) or name
        if not node and isinstance(frame.f_locals.get("node"), Node):
            found = frame.f_locals["node"].name
            node = found() if callable(found) else str(found)
        frame = frame.f_back
    while frame is not None and frame.f_globals.get("__name__", "").startswith((_OUR_OWN, _BETWEEN)):
        frame = frame.f_back
    if frame is None:
        return Origin(node or name or "?", "?", 0)
    return Origin(node or name or "?", frame.f_code.co_filename, frame.f_lineno)


def _is_ours(frame: FrameType) -> bool:
    module = frame.f_globals.get("__name__", "")
    if module.startswith(_INSIDE) or module == _BETWEEN:
        return True
    return (module == "hotplug" or module.startswith(_OUR_OWN)) and not module.startswith(_SCRIPTS)


def _name(frame: FrameType) -> str:
    """The op that a frame of the package stands for, or nothing."""
    code: CodeType = frame.f_code
    owner = frame.f_locals.get("self")
    declared = getattr(owner, "name", None)
    if type(owner).__module__.startswith(("hotplug.declare", _INSIDE)) and isinstance(declared, str):
        return f"{declared}_" if code.co_name == "inplace" else declared
    if frame.f_globals.get("__name__") == _INSIDE and isinstance(frame.f_locals.get("key"), OpKey):
        return str(frame.f_locals["key"].name).removesuffix("_of_list")  # the updates of all parameters at once
    if frame.f_globals.get("__name__") in ("hotplug._methods", "hotplug.tensor"):
        return code.co_name
    return code.co_name if frame.f_globals.get("__name__", "").startswith("hotplug.ops.") else ""
