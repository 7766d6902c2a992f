"""Hooks on what the tape saves: pack it when it is saved, unpack it when a backward reads it."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple, final

from hotplug.array import Array
from hotplug.autograd.graph import Edge, Meta, Node, history
from hotplug.autograd.mode import MODE, WATCH
from hotplug.errors import ArgumentTypeError, AutogradError

if TYPE_CHECKING:
    from hotplug.tensor import Tensor

Pack = Callable[["Tensor"], Any]
Unpack = Callable[[Any], "Tensor"]


class Hooks(NamedTuple):
    """What an entry of the thread's stack holds: two functions, or why there must be none."""

    pack: Pack | None
    unpack: Unpack | None
    forbidden: str = ""


@final
class Packed:
    """What ``pack`` made of a saved tensor, and where that tensor is on the tape."""

    __slots__ = ("_edge", "_unpack", "_value", "storage")

    def __init__(self, tensor: Tensor | None, array: Array) -> None:
        from hotplug.tensor import wrap

        hooks = MODE.saving[-1]
        self._edge: Edge | None = None if tensor is None else history(tensor)
        self._unpack: Unpack | None = hooks.unpack
        self.storage = id(array.storage)
        """Identity of the memory that the saved tensor has, or had when it was last unpacked."""
        version = array.storage.version
        self._value = _quietly(hooks.pack, wrap(array)) if hooks.pack is not None else array
        if array.storage.version != version:
            raise AutogradError("a saved tensor pack hook is modifying its input in place; clone() it in the hook")

    def unpack(self, node: Node, index: int) -> Tensor:
        """The saved tensor, on the tape as it was; ``index`` is that of the output that it is, or -1.

        Raises:
            ArgumentTypeError: the hook returned no tensor.
        """
        from hotplug.tensor import Tensor, wrap

        found = wrap(self._value) if self._unpack is None else _quietly(self._unpack, self._value)
        if not isinstance(found, Tensor):
            raise ArgumentTypeError(
                f"output of saved tensor unpack_hook expected to be a Tensor, got {type(found).__name__}"
            )
        result = wrap(found._array)
        self.storage = id(found._array.storage)
        if index >= 0:
            result._meta = Meta(True, node, index) if MODE.grad else None
        elif self._edge is not None:
            target, place = self._edge
            result._meta = target if isinstance(target, Meta) else Meta(True, target, place)
        return result


def _quietly(function: Callable[..., Any], value: Any) -> Any:
    """Call a hook; what it computes is neither recorded nor packed itself."""
    before, stack = MODE.grad, MODE.saving
    MODE.grad, MODE.saving = False, ()
    try:
        return function(value)
    finally:
        MODE.grad, MODE.saving = before, stack


class saved_tensors_hooks:  # noqa: N801 - PyTorch's name
    """Inside the block, ``pack_hook(tensor)`` is kept instead of each tensor that is saved for backward; a backward
    reads ``unpack_hook`` of that, which must give a tensor of the same values.  Of nested blocks the innermost counts.

    Raises:
        AutogradError: on entry, inside :class:`disable_saved_tensors_hooks`.
    """

    def __init__(self, pack_hook: Pack, unpack_hook: Unpack) -> None:
        self._hooks = Hooks(pack_hook, unpack_hook)

    def __enter__(self) -> Any:
        if MODE.saving and MODE.saving[-1].forbidden:
            raise AutogradError(MODE.saving[-1].forbidden)
        _push(self._hooks)
        return self

    def __exit__(self, *_: object) -> None:
        _pop()


class save_on_cpu(saved_tensors_hooks):  # noqa: N801 - PyTorch's name
    """Inside the block, what is saved for backward waits in host memory, and is copied back when a backward reads it.

    ``pin_memory``: in page-locked memory where the device offers it, so that the program does not wait for the copies.
    """

    def __init__(self, pin_memory: bool = False, device_type: str = "cuda") -> None:
        del device_type
        # The device's queue keeps the order of the two copies, and nobody else reads what lies on the host between them.
        super().__init__(
            lambda tensor: (tensor.device, tensor.to("cpu", non_blocking=pin_memory)),
            lambda packed: packed[1].to(packed[0], non_blocking=pin_memory),
        )


@final
class disable_saved_tensors_hooks:  # noqa: N801 - PyTorch's name
    """Inside the block, entering hooks on saved tensors raises with ``error_message``."""

    def __init__(self, error_message: str) -> None:
        self._hooks = Hooks(None, None, error_message or "saved tensors hooks are disabled here")

    def __enter__(self) -> None:
        if MODE.saving and not MODE.saving[-1].forbidden:
            raise AutogradError(self._hooks.forbidden)
        _push(self._hooks)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        _pop()


def _push(hooks: Hooks) -> None:
    MODE.saving = (*MODE.saving, hooks)
    WATCH.saving += 1


def _pop() -> None:
    MODE.saving = MODE.saving[:-1]
    WATCH.saving -= 1
