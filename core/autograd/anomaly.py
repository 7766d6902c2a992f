"""Anomaly mode: every node remembers where it was recorded, and a NaN in a backward is an error that names the node."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, final

from hotplug.autograd.graph import Node
from hotplug.autograd.mode import WATCH
from hotplug.errors import AutogradError

if TYPE_CHECKING:
    from hotplug.tensor import Tensor

_TRACEBACK: Final = "traceback_"
_PARENT: Final = "parent_"


@final
class _Running(threading.local):
    """The node whose backward runs in this thread: the parent of what is recorded meanwhile."""

    node: Node | None = None


_RUNNING: Final = _Running()


def note(node: Node) -> None:
    """Keep the present stack with a new node, and the node during whose backward it is recorded."""
    frames = [frame for frame in traceback.extract_stack() if frame.name not in ("note", "note_origin")]
    node.metadata[_TRACEBACK] = traceback.format_list(frames)
    if _RUNNING.node is not None:
        node.metadata[_PARENT] = _RUNNING.node


def apply(node: Node, grads: list[Tensor | None]) -> Sequence[Tensor | None]:
    """Run a node; an error, and a NaN where that is looked for, carries the traceback of the forward call.

    The look is a host read, one for each gradient.

    Raises:
        AutogradError: a gradient is NaN.
    """
    outer, _RUNNING.node = _RUNNING.node, node
    try:
        outgoing = node.apply(grads)
        if WATCH.check_nan:
            _check(node, outgoing)
    except Exception as error:
        error.add_note(_origin(node))
        raise
    finally:
        _RUNNING.node = outer
    return outgoing


def _check(node: Node, outgoing: Sequence[Tensor | None]) -> None:
    for index, (edge, grad) in enumerate(zip(node.edges, outgoing, strict=False)):
        if edge is not None and grad is not None and (grad.detach() != grad.detach()).any().item():
            raise AutogradError(f"Function '{node.name()}' returned nan values in its {index}th output.")


def _origin(node: Node) -> str:
    """The tracebacks of a node and of those that led to it."""
    lines = []
    current: Node | None = node
    while current is not None:
        frames = current.metadata.get(_TRACEBACK)
        induced = "" if current is node else "induced the previous calculation, which itself "
        if frames is None:
            lines.append(f"No forward pass information available for {current.name()}: enable anomaly mode before it.")
        else:
            lines.append(f"Traceback of the forward call of {current.name()} that {induced}caused the error:\n")
            lines.extend(frames)
        current = current.metadata.get(_PARENT)
    return "".join(lines)


class set_detect_anomaly:  # noqa: N801 - PyTorch's name
    """Turn anomaly mode on or off for all threads: at once, and in a ``with`` block until its end."""

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        self._before = (WATCH.anomaly, WATCH.check_nan)
        WATCH.anomaly, WATCH.check_nan = mode, check_nan

    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        WATCH.anomaly, WATCH.check_nan = self._before


class detect_anomaly:  # noqa: N801 - PyTorch's name
    """Inside the block, errors of a backward tell where the forward call was, and with ``check_nan`` a gradient that is
    NaN is an error.  For debugging: every op keeps its stack, and every gradient is read by the host.
    """

    def __init__(self, check_nan: bool = True) -> None:
        self._check_nan = check_nan
        self._before: list[tuple[bool, bool]] = []

    def __enter__(self) -> None:
        self._before.append((WATCH.anomaly, WATCH.check_nan))
        WATCH.anomaly, WATCH.check_nan = True, self._check_nan

    def __exit__(self, *_: object) -> None:
        WATCH.anomaly, WATCH.check_nan = self._before.pop()


def is_anomaly_enabled() -> bool:
    """Whether anomaly mode is on."""
    return WATCH.anomaly


def is_anomaly_check_nan_enabled() -> bool:
    """Whether anomaly mode, where it is on, looks for NaN."""
    return WATCH.check_nan
