"""Activation checkpointing: what a part of a program saves for backward is computed again instead of kept.

Inside :func:`checkpoint` the tape keeps, instead of each saved tensor, only its number.  The first number that a backward
asks for makes the function run once more, recorded only to catch what it saves; that stays until its node is done.
The inputs themselves are saved through the hooks of the block around, so checkpoints nest.
"""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Final, NamedTuple, final

from hotplug.autograd.graph import Node, Saved
from hotplug.autograd.mode import MODE, enable_grad
from hotplug.autograd.saving import saved_tensors_hooks
from hotplug.errors import ArgumentError, AutogradError
from hotplug.random import default_generator, fork_rng
from hotplug.tensor import Tensor, wrap

Contexts = Callable[[], tuple[AbstractContextManager[Any], AbstractContextManager[Any]]]


class CheckpointError(AutogradError):
    """The function saved other tensors when it was computed again."""


class _Caught(Exception):  # noqa: N818 - ends a computation, nothing is wrong
    """All that the first run saved has been caught: the rest of the second run is not needed."""


class _Facts(NamedTuple):
    """What must be the same of a tensor that is computed again."""

    shape: tuple[int, ...]
    dtype: Any
    device: Any


def _facts(tensor: Tensor) -> _Facts:
    return _Facts(tuple(tensor.shape), tensor.dtype, tensor.device)


@final
class _Place(Node):
    """Stands for the function where a :class:`Saved` asks for a node; no gradient comes here."""

    def name(self) -> str:
        return "Checkpoint"

    def apply(self, grads: list[Tensor | None]) -> Sequence[Tensor | None]:
        return []

    def release(self) -> None:
        """Nothing is saved."""


@final
class _Slot:
    """What the tape keeps instead of a saved tensor; when its node lets go of it, so does the frame."""

    __slots__ = ("__weakref__", "frame", "number")

    def __init__(self, frame: _Frame, number: int) -> None:
        self.frame: Final = frame
        self.number: Final = number

    def __del__(self) -> None:
        self.frame.forget(self.number)


@final
class _Frame:
    """One call of a checkpointed function: how to repeat it, and what the repetition has saved."""

    def __init__(
        self, function: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any], preserve_rng_state: bool,
        check: bool, again: AbstractContextManager[Any],
    ) -> None:  # fmt: skip
        self._function = function
        self._args = [_keep(arg) for arg in args]
        self._kwargs = {name: _keep(arg) for name, arg in kwargs.items()}
        self._random = default_generator.clone_state() if preserve_rng_state else None
        self._again = again
        self._check = check
        self._saved: list[_Facts] = []
        self._found: weakref.WeakKeyDictionary[Any, dict[int, Tensor]] = weakref.WeakKeyDictionary()
        """By backward: what was computed again and is still needed."""

    def pack(self, tensor: Tensor) -> _Slot:
        """Keep a number for a tensor."""
        self._saved.append(_facts(tensor))
        return _Slot(self, len(self._saved) - 1)

    def unpack(self, slot: _Slot) -> Tensor:
        """The tensor of a number; computes the function again in a backward that hasn't done so."""
        known = self._found.get(MODE.walk) if MODE.walk is not None else None
        if known is None or slot.number not in known:
            known = self._repeat()
            if MODE.walk is not None:
                self._found[MODE.walk] = known
        return known[slot.number]

    def forget(self, number: int) -> None:
        """Nobody will ask for a number any more."""
        for known in list(self._found.values()):
            known.pop(number, None)

    def _repeat(self) -> dict[int, Tensor]:
        """Run the function as it ran first, up to the last tensor that it saved then."""
        known: dict[int, Tensor] = {}

        def catch(tensor: Tensor) -> int:
            number = len(known)
            if self._check and number < len(self._saved) and _facts(tensor) != self._saved[number]:
                raise CheckpointError(
                    f"checkpoint: recomputed values for the following tensor have different metadata than during the "
                    f"forward pass: tensor {number} was {self._saved[number]}, is now {_facts(tensor)}; the function "
                    f"must do the same each time"
                )
            known[number] = tensor
            if number + 1 == len(self._saved):
                raise _Caught
            return number

        place = _Place([])
        args = [_give(arg, place) for arg in self._args]
        kwargs = {name: _give(arg, place) for name, arg in self._kwargs.items()}
        with contextlib.ExitStack() as stack:
            stack.enter_context(fork_rng(enabled=self._random is not None))
            if self._random is not None:
                default_generator.set_state(self._random.get_state())
            stack.enter_context(enable_grad())
            stack.enter_context(saved_tensors_hooks(catch, known.__getitem__))
            stack.enter_context(self._again)
            stack.enter_context(contextlib.suppress(_Caught))
            self._function(*args, **kwargs)
        if len(known) != len(self._saved):
            raise CheckpointError(
                f"checkpoint: {len(self._saved)} tensors were saved during the forward pass and {len(known)} when it was "
                f"computed again; the function must do the same each time"
            )
        return known


class _Kept(NamedTuple):
    """A tensor among the arguments: saved as the tape saves one, with whether it takes a gradient."""

    saved: Saved
    requires_grad: bool


def _keep(arg: Any) -> Any:
    return _Kept(Saved(arg, arg._array, "checkpoint"), arg.requires_grad) if isinstance(arg, Tensor) else arg


def _give(arg: Any, place: Node) -> Any:
    """An argument for the second run: a leaf of its own, so that the repetition ends there."""
    if not isinstance(arg, _Kept):
        return arg
    tensor = wrap(arg.saved.get(place)._array)
    return tensor.requires_grad_() if arg.requires_grad else tensor


def noop_context_fn() -> tuple[AbstractContextManager[Any], AbstractContextManager[Any]]:
    """The default of ``context_fn``: two contexts that do nothing."""
    return contextlib.nullcontext(), contextlib.nullcontext()


def checkpoint(
    function: Callable[..., Any], *args: Any, use_reentrant: bool | None = False, preserve_rng_state: bool = True,
    context_fn: Contexts = noop_context_fn, determinism_check: str = "default", **kwargs: Any,
) -> Any:  # fmt: skip
    """``function(*args, **kwargs)``, whose intermediate values are computed again in backward instead of kept.

    Args:
        function: must do the same when it is called again.
        args, kwargs: its arguments; tensors inside of lists or dictionaries are kept as they are.
        use_reentrant: only the form that PyTorch calls non-reentrant is there.
        preserve_rng_state: whether random numbers are the same the second time.
        context_fn: gives two contexts, to be entered around the first and the second run.
        determinism_check: ``"default"`` compares shape, dtype and device of what is computed again; ``"none"``
            does not.

    Raises:
        ArgumentError: ``use_reentrant`` is true, or another determinism check.
        CheckpointError: in backward, where the function saved other tensors than the first time.
    """
    if use_reentrant:
        raise ArgumentError(
            "checkpoint: use_reentrant=True is not supported; use_reentrant=False can do all that it can"
        )
    if determinism_check not in ("default", "none"):
        raise ArgumentError(f"checkpoint: determinism_check must be 'default' or 'none', got {determinism_check!r}")
    first, again = context_fn()
    if not MODE.grad:
        with first:
            return function(*args, **kwargs)
    frame = _Frame(function, args, kwargs, preserve_rng_state, determinism_check == "default", again)
    with saved_tensors_hooks(frame.pack, frame.unpack), first:
        return function(*args, **kwargs)


def checkpoint_sequential(
    functions: Any, segments: int, input: Any, use_reentrant: bool | None = False, *, preserve_rng_state: bool = True
) -> Any:
    """Run functions one after the other, in ``segments`` parts of which each but the last is checkpointed.

    Args:
        functions: a Sequential, or a list of callables.
        segments: how many parts, at most the number of functions.
        input: what the first function takes.
    """
    steps = list(functions.children()) if hasattr(functions, "children") else list(functions)
    if not 1 <= segments <= len(steps):
        raise ArgumentError(f"checkpoint_sequential: segments must be from 1 to {len(steps)}, got {segments}")
    size = len(steps) // segments

    def run(part: Sequence[Callable[[Any], Any]]) -> Callable[[Any], Any]:
        def all_of_them(value: Any) -> Any:
            for step in part:
                value = step(value)
            return value

        return all_of_them

    for start in range(0, size * (segments - 1), size):
        part = run(steps[start : start + size])
        input = checkpoint(part, input, use_reentrant=use_reentrant, preserve_rng_state=preserve_rng_state)
    return run(steps[size * (segments - 1) :])(input)
