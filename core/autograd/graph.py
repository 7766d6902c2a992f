"""The tape: Meta (a tensor's place on it), Node (a recorded op) and Saved (a value kept for backward)."""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, final

from hotplug.array import Array
from hotplug.autograd.mode import MODE, WATCH
from hotplug.errors import AutogradError

__all__ = [
    "Node", "disable_saved_tensors_hooks", "register_multi_grad_hook", "save_on_cpu", "saved_tensors_hooks",
]  # fmt: skip

if TYPE_CHECKING:
    from hotplug.autograd.hooks import register_multi_grad_hook
    from hotplug.autograd.saving import disable_saved_tensors_hooks, save_on_cpu, saved_tensors_hooks
    from hotplug.tensor import Tensor

Hook = Callable[["Tensor"], "Tensor | None"]
next_sequence: Final = itertools.count().__next__


@final
class Meta:
    """A tensor's autograd state.  A leaf *is* its Meta: gradients accumulate here.

    Attributes:
        requires_grad: whether a gradient flows to this tensor.  For a view, ask :func:`history` first.
        node, index: the op that made the tensor and which of its outputs it is; ``None`` for a leaf.
        grad: a leaf's accumulated gradient.
        hooks: a leaf's hooks, by handle.
        after: what is called once a gradient has been added, by handle.
        view: set for a view of another tensor, through which an in-place write must be seen.
        generation: how often an in-place op has given this tensor a new history; its views compare it.
        inference: made in inference mode.
        retired: stood in for an argument of a function whose derivative is known by now (:mod:`hotplug.func`).
    """

    # Class attributes are the defaults: a Meta is made for every recorded op, and most have only a node.
    requires_grad = True
    node: Node | None = None
    index = 0
    grad: Tensor | None = None
    hooks: dict[int, Callable[..., Any]] | None = None
    after: dict[int, Callable[[], Any]] | None = None
    view: View | None = None
    generation = 0
    inference = False
    retains = False
    retired = False

    def __init__(self, requires_grad: bool = False, node: Node | None = None, index: int = 0) -> None:
        if not requires_grad:
            self.requires_grad = False
        if node is not None:
            self.node = node
        if index:
            self.index = index

    next_functions: tuple[()] = ()
    """Nothing lies behind a leaf."""

    def name(self) -> str:
        """What PyTorch calls the node at which a leaf's gradient ends."""
        return "AccumulateGrad"


@final
class View:
    """What a view knows of its base, the tensor that is no view itself."""

    __slots__ = ("base", "generation", "tracked")

    def __init__(self, base: Tensor, generation: int, tracked: bool) -> None:
        self.base: Final = base
        self.generation = generation
        self.tracked: Final = tracked
        """False for a view made under ``no_grad``: its history is not its base's."""


Edge = tuple["Node | Meta", int]
"""Where a gradient goes: a node's output, or a leaf."""


class Node(ABC):
    """A recorded op: knows where the gradients of its inputs go and how to compute them."""

    outputs = 1
    hooks: dict[int, dict[int, Hook]] | None = None
    """Tensor hooks by output; they may replace the gradient."""
    pre_hooks: dict[int, Callable[..., Any]] | None = None
    """Called with the gradients of all outputs, which they may replace."""
    post_hooks: dict[int, Callable[..., Any]] | None = None
    """Called with the gradients of all inputs and outputs; they may replace the former."""

    def __init__(self, edges: Sequence[Edge | None], outputs: int = 1) -> None:
        self.edges: Sequence[Edge | None] = edges
        self.sequence = next_sequence()
        if outputs != 1:
            self.outputs = outputs
        if WATCH.anomaly:
            note_origin(self)

    @abstractmethod
    def name(self) -> str:
        """As PyTorch prints it, e.g. ``AddBackward``."""

    @abstractmethod
    def apply(self, grads: list[Tensor | None]) -> Sequence[Tensor | None]:
        """Gradients of the inputs, one for each edge, given those of the outputs."""

    @abstractmethod
    def release(self) -> None:
        """Drop what was saved; a later :meth:`apply` raises."""

    @property
    def next_functions(self) -> tuple[tuple[Any, int], ...]:
        """The nodes (or leaves) that the gradients of the inputs go to, as in PyTorch."""
        return tuple((None, 0) if edge is None else edge for edge in self.edges)

    @property
    def metadata(self) -> dict[str, Any]:
        """A dictionary for anybody's notes on this node; anomaly mode keeps its own here."""
        found: dict[str, Any] = self.__dict__.setdefault("_metadata", {})
        return found

    def register_hook(self, fn: Callable[..., Any]) -> Any:
        """Call ``fn(grad_inputs, grad_outputs)`` after the node ran; what it returns replaces ``grad_inputs``."""
        from hotplug.autograd.hooks import RemovableHandle

        if self.post_hooks is None:
            self.post_hooks = {}
        return RemovableHandle(self.post_hooks, lambda inputs, outputs: fn(tuple(inputs), tuple(outputs)))

    def register_prehook(self, fn: Callable[..., Any]) -> Any:
        """Call ``fn(grad_outputs)`` before the node runs; what it returns replaces them."""
        from hotplug.autograd.hooks import RemovableHandle

        if self.pre_hooks is None:
            self.pre_hooks = {}
        return RemovableHandle(self.pre_hooks, lambda outputs: fn(tuple(outputs)))

    def saved_storages(self) -> set[int]:
        """Identities of the storages kept for backward; a gradient that shares one is not fresh memory."""
        return set()

    def __repr__(self) -> str:
        return f"<{self.name()}>"


@final
class Saved:
    """A tensor kept for backward, which checks at its use that nobody changed it in place meanwhile.

    Under hooks on saved tensors it keeps only what their ``pack`` returned, and ``array`` is ``None``.
    """

    __slots__ = ("array", "index", "op", "packed", "tensor", "version")

    def __init__(self, tensor: Tensor | None, array: Array, op: str, index: int = -1) -> None:
        if tensor is not None and tensor._meta is not None and tensor._meta.inference:
            raise AutogradError(
                f"{op}: inference tensors cannot be saved for backward; clone() it outside inference_mode"
            )
        self.tensor = tensor
        """An input is kept as itself; an output (``index`` >= 0) only as its array, since it refers to the node."""
        self.array: Array | None = array
        self.version = array.storage.version
        self.op = op
        self.index = index
        if WATCH.saving and MODE.saving:
            from hotplug.autograd.saving import Packed

            self.packed = Packed(tensor, array)
            self.tensor = self.array = None

    def get(self, node: Node) -> Tensor:
        """The tensor, on the tape as it was.

        Raises:
            AutogradError: it was changed in place after it had been saved.
        """
        from hotplug.tensor import wrap

        if self.array is None:
            return self.packed.unpack(node, self.index)
        if self.array.storage.version != self.version:
            raise AutogradError(
                f"one of the variables needed for gradient computation has been modified by an inplace operation: "
                f"{self.array.dtype.name} tensor {list(self.array.shape)}, saved by {self.op}, is at version "
                f"{self.array.storage.version}; expected version {self.version}. Use the out-of-place form of the op "
                f"that changed it, or clone the tensor before"
            )
        tensor = self.tensor
        if tensor is not None and tensor._array is self.array:
            return tensor
        result = wrap(self.array)
        if tensor is not None:
            result._meta = tensor._meta
        elif MODE.grad and self.array.layout.dtype.kind in "fc":
            result._meta = Meta(True, node, self.index)
        return result

    def storage(self) -> int:
        """The identity of the storage that is kept."""
        return id(self.array.storage) if self.array is not None else self.packed.storage


def note_origin(node: Node) -> None:
    """In anomaly mode: keep where in the program the node was recorded."""
    from hotplug.autograd.anomaly import note

    note(node)


def released(op: str) -> AutogradError:
    """The error for a second backward through a graph whose saved values are gone."""
    return AutogradError(
        f"Trying to backward through the graph a second time: the values that {op} saved were freed by the first "
        f"backward; pass retain_graph=True to the first one"
    )


def history(tensor: Tensor) -> Edge | None:
    """The edge to a tensor's gradient, or ``None`` where it needs none.  Renews the history of a view first."""
    meta = tensor._meta
    if meta is None:
        return None
    if meta.view is not None:
        _renew(tensor, meta, meta.view)
    if not meta.requires_grad:
        return None
    return (meta, 0) if meta.node is None else (meta.node, meta.index)


def _renew(tensor: Tensor, meta: Meta, view: View) -> None:
    """Give a view the history of its base, where an in-place op changed that since the view was made."""
    base = view.base._meta
    if base is None or base.generation == view.generation or not view.tracked:
        return
    from hotplug.autograd.views import read_view

    fresh = read_view(view.base, tensor._array)
    assert fresh._meta is not None
    meta.requires_grad, meta.node, meta.index = fresh._meta.requires_grad, fresh._meta.node, fresh._meta.index
    view.generation = base.generation


def needs_grad(tensors: Sequence[Tensor]) -> bool:
    """Whether an op on these tensors is to be recorded now."""
    return MODE.grad and any(history(tensor) is not None for tensor in tensors if tensor._meta is not None)


def mark_inference(results: Sequence[Tensor]) -> None:
    """Mark tensors made in inference mode, which no later graph may save."""
    for result in results:
        if result._meta is None:
            result._meta = Meta()
        result._meta.inference = True


_HOME: Final = {
    "disable_saved_tensors_hooks": "saving", "save_on_cpu": "saving", "saved_tensors_hooks": "saving",
    "register_multi_grad_hook": "hooks",
}  # fmt: skip
"""Names that PyTorch has here and that lie above the tape: loaded on first use, by their module."""


def __getattr__(name: str) -> Any:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module 'hotplug.autograd.graph' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"hotplug.autograd.{home}"), name)
