"""Forward mode: tensors that carry a tangent, under the names of ``torch.autograd.forward_ad``.

The tape is what carries it: within a level, a dual tensor's ops are recorded, and :func:`unpack_dual` derives the tangent
from the record (see :mod:`hotplug.autograd.linear`), for about the cost of two backward passes.  Inside ``no_grad``
nothing is recorded, so there tangents are lost.

>>> import hotplug as hp
>>> from hotplug.autograd import forward_ad
>>> with forward_ad.dual_level():
...     x = forward_ad.make_dual(hp.tensor([1.0, 2.0]), hp.tensor([1.0, 0.5]))
...     forward_ad.unpack_dual(x * x).tangent
tensor([2., 2.])
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, NamedTuple, final

from hotplug.autograd.engine import reachable
from hotplug.autograd.graph import history
from hotplug.autograd.linear import LinearMap, depends, stand_in
from hotplug.autograd.mode import MODE
from hotplug.errors import AutogradError, DTypeError, ShapeError
from hotplug.tensor import Tensor

__all__ = ["UnpackedDualTensor", "dual_level", "enter_dual_level", "exit_dual_level", "make_dual", "unpack_dual"]


class UnpackedDualTensor(NamedTuple):
    """A tensor's value and its tangent; no tangent where it depends on no dual tensor."""

    primal: Tensor
    tangent: Tensor | None


Pair = tuple[Tensor, Tensor]


@final
class _Levels(threading.local):
    """The dual tensors of the levels that the current thread is in, with their tangents."""

    def __init__(self) -> None:
        self.stack: list[list[Pair]] = []


_LEVELS: Final = _Levels()


def enter_dual_level() -> int:
    """Enter a level, of which there is one at a time; returns its number, 0."""
    if _LEVELS.stack:
        raise AutogradError(
            "enter_dual_level: nested forward mode AD is not supported at the moment; use hotplug.func.jvp"
        )
    _LEVELS.stack.append([])
    return 0


def exit_dual_level(*, level: int | None = None) -> None:
    """Leave the level: dual tensors become ordinary ones."""
    if not _LEVELS.stack or level not in (None, 0):
        raise AutogradError("exit_dual_level: trying to exit a forward AD level that was not entered")
    _LEVELS.stack.pop()


@contextmanager
def dual_level() -> Iterator[int]:
    """A block in which dual tensors carry tangents."""
    level = enter_dual_level()
    try:
        yield level
    finally:
        exit_dual_level(level=level)


def _current(op: str) -> list[Pair]:
    if not _LEVELS.stack:
        raise AutogradError(
            f"{op}: trying to use a dual tensor but no level exists; make sure to enter_dual_level() first"
        )
    return _LEVELS.stack[-1]


def make_dual(tensor: Tensor, tangent: Tensor, *, level: int | None = None) -> Tensor:
    """A tensor of the same values that carries a tangent of the same shape and dtype.

    Raises:
        AutogradError: outside of a level.
        ShapeError, DTypeError: the two do not fit, or are not floating or complex.
    """
    pairs = _current("make_dual")
    if tensor.dtype.kind not in "fc" or tangent.dtype is not tensor.dtype:
        raise DTypeError(
            f"make_dual: expected tensor and tangent of one floating or complex dtype, got {tensor.dtype.name} and "
            f"{tangent.dtype.name}"
        )
    if tuple(tensor.shape) != tuple(tangent.shape):
        raise ShapeError(f"make_dual: expected a tangent of shape {list(tensor.shape)}, got {list(tangent.shape)}")
    dual = stand_in(tensor, MODE.grad)
    pairs.append((dual, tangent))
    return dual


def unpack_dual(tensor: Tensor, *, level: int | None = None) -> UnpackedDualTensor:
    """The value and the tangent of a tensor that was computed from dual ones."""
    if not _LEVELS.stack:
        return UnpackedDualTensor(tensor, None)
    edge = history(tensor)
    if edge is None:
        return UnpackedDualTensor(tensor, None)
    reached = reachable([edge])
    pairs = [(dual, tangent) for dual, tangent in _LEVELS.stack[-1] if _target(dual) in reached]
    if not pairs:
        return UnpackedDualTensor(tensor, None)
    duals, tangents = zip(*pairs, strict=True)
    keep = depends([tensor], duals)
    (found,) = LinearMap([tensor], duals, keep).push(tangents)
    return UnpackedDualTensor(tensor if keep else tensor.detach(), found)


def _target(dual: Tensor) -> object:
    edge = history(dual)
    assert edge is not None
    return edge[0]
