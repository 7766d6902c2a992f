"""Writes in place, and what they do to history: the written tensor's, its base's, and its other views'."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, final

from hotplug import dispatch
from hotplug.array import Array
from hotplug.autograd.graph import Edge, Meta, Node, View, history
from hotplug.autograd.mode import MODE
from hotplug.dtypes import can_cast
from hotplug.errors import AutogradError, DTypeError, HotplugError, ShapeError
from hotplug.layout import Shape, Strides, layout_of

if TYPE_CHECKING:
    from hotplug.declare.typed import Typed
    from hotplug.tensor import Tensor


def mark_view(result: Tensor, source: Tensor) -> None:
    """Record that ``result`` shares the memory of ``source``, so that in-place writes reach both histories."""
    if MODE.inference:
        return
    known = source._meta
    base, generation = source, known.generation if known else 0
    if known is not None and known.view is not None:
        base = known.view.base
        generation = base._meta.generation if base._meta is not None else 0
    if result._meta is None:
        result._meta = Meta()
    result._meta.view = View(base, generation, MODE.grad)


def read_view(base: Tensor, array: Array) -> Tensor:
    """``array``, a view into the memory of ``base``, as a differentiable op on ``base``."""
    from hotplug import ops

    before, MODE.grad = MODE.grad, True
    try:
        return ops.as_strided(base, array.shape, array.strides, array.offset)
    finally:
        MODE.grad = before


def prepare_write(name: str, target: Tensor, tensors: Sequence[Tensor]) -> bool:
    """Check that ``target`` may be written in place; says whether the write is to be recorded.

    Raises:
        AutogradError: it is a leaf that requires a gradient, or a view of one.
        ShapeError: several of its elements share memory.
    """
    layout = target._array.layout
    if any(size > 1 and stride == 0 for size, stride in zip(layout.shape, layout.strides, strict=True)):
        raise ShapeError(
            f"{name}: unsupported operation: more than one element of the written-to tensor refers to a single memory "
            f"location; clone() the tensor before writing to it"
        )
    meta = target._meta
    if meta is not None and meta.inference and not MODE.inference:
        raise AutogradError(f"{name}: inplace update to an inference tensor outside inference_mode; clone() it first")
    if not MODE.grad:
        return False
    own = history(target)
    if own is not None and isinstance(own[0], Meta):
        raise AutogradError(
            f"{name}: a leaf Variable that requires grad is being used in an in-place operation; "
            f"write inside no_grad(), or to a clone"
        )
    if meta is not None and meta.view is not None and meta.view.base._meta is not None:
        edge = history(meta.view.base)
        if edge is not None and isinstance(edge[0], Meta):
            raise AutogradError(
                f"{name}: a view of a leaf Variable that requires grad is being used in an in-place operation; "
                f"write inside no_grad(), or to a clone"
            )
    return own is not None or any(history(each) is not None for each in tensors)


def snapshot(target: Tensor, typed: Typed, tensors: Sequence[Tensor]) -> Tensor:
    """The tensor as it is before a write: its place on the tape, and its values where the derivative reads them."""
    from hotplug.tensor import wrap

    edge = history(target)
    need = tuple((each is target and edge is not None) or history(each) is not None for each in tensors)
    need = tuple(n and dtype.kind in "fc" for n, dtype in zip(need, typed.inputs, strict=True))
    reads = {source[1] for source in typed.derived(need, (True,)).sources if source[0] == "input"}
    keep = any(tensors[position] is target for position in reads)
    before = wrap(dispatch.clone(target._array) if keep else target._array)
    if edge is not None:
        assert isinstance(edge[0], Node)
        before._meta = Meta(True, edge[0], edge[1])
    return before


def wrote(target: Tensor, typed: Typed, tensors: Sequence[Tensor], scalars: Sequence[Any]) -> None:
    """Record an elementwise op that has written its result into ``target``."""
    from hotplug.declare.typed import TypedNode

    edges = [history(each) for each in tensors]
    tape = typed.tape(edges, [each._array.layout for each in tensors], target._array.layout)
    node = TypedNode(tape, edges, tensors, scalars, [target])
    rebase(target, (node, 0))


_PROMOTING: Final = frozenset({"div_", "clamp_min_", "clamp_max_"})
"""In-place ops whose result may be of a higher category than what it goes into."""


def assign(name: str, target: Tensor, value: Tensor) -> Tensor:
    """Overwrite ``target`` with ``value`` (broadcast, converted): the general in-place op.

    Raises:
        ShapeError: the value does not broadcast to the target.
        DTypeError: it is the result of arithmetic, and of a higher category than the target.
    """
    from hotplug import ops

    if name in _PROMOTING and not can_cast(value.dtype, target.dtype):
        raise DTypeError(f"{name}: result type {value.dtype.name} can't be cast to {target.dtype.name}")
    if value.device != target.device:
        value = value.to(target.device)
    if value.shape != target.shape:
        value = _expanded(name, value, target)
    record = prepare_write(name, target, [value])
    if record and value.dtype is not target.dtype:
        value = value.to(target.dtype)
    old = history(target) if record else None
    source = history(value) if record else None
    if value._array is not target._array:
        dispatch.copy(value._array, target._array)
    target._array.storage.version += 1
    if record:
        rebase(target, (Overwrite([old, source]), 0))
    del ops
    return target


def _expanded(name: str, value: Tensor, target: Tensor) -> Tensor:
    from hotplug import ops

    try:
        while value.ndim > target.ndim and value.shape[0] == 1:
            value = ops.squeeze(value, 0)
        return ops.expand(value, target.shape)
    except HotplugError:
        raise ShapeError(
            f"{name}: a value of shape {list(value.shape)} does not broadcast to {list(target.shape)}"
        ) from None


def rebase(target: Tensor, edge: Edge) -> None:
    """Give a written tensor its new history; for a view, the base's changes, and all views follow."""
    meta = target._meta
    if meta is None:
        meta = target._meta = Meta()
    if meta.view is None or not meta.view.tracked:
        if meta.view is not None:
            raise AutogradError(
                "a view created in no_grad mode is being modified inplace with grad mode enabled; make the view with "
                "grad mode on, or write inside no_grad()"
            )
        meta.requires_grad, meta.node, meta.index = True, edge[0], edge[1]  # type: ignore[assignment]
        meta.generation += 1
        return
    base = meta.view.base
    node = WriteView([history(base), edge], base._array, target._array)
    if base._meta is None:
        base._meta = Meta()
    own = base._meta
    own.requires_grad, own.node, own.index = True, node, 0
    own.generation += 1


def resize_for(name: str, out: Tensor, shape: Shape) -> None:
    """Make ``out=`` fit: an empty tensor is given memory, any other must have the shape already.

    Raises:
        ShapeError: it has elements and another shape.
    """
    if tuple(out.shape) == shape:
        return
    if out.numel():
        raise ShapeError(
            f"{name}: out= has shape {list(out.shape)}, the result {list(shape)}; pass a tensor of that shape, or an "
            f"empty one, which is resized"
        )
    out._array = out._array.storage.runtime.empty(layout_of(out.dtype, shape))


@final
class Overwrite(Node):
    """A copy over all of a tensor: the old value gets no gradient, the new one all of it."""

    def name(self) -> str:
        return "CopyBackward"

    def apply(self, grads: list[Tensor | None]) -> Sequence[Tensor | None]:
        from hotplug import ops

        grad = grads[0]
        assert grad is not None
        return [ops.zeros_like(grad) if self.edges[0] is not None else None, grad]

    def release(self) -> None:
        """Nothing is saved."""


@final
class WriteView(Node):
    """A write through a view of a base: where the view lies, the base's gradient is the written value's."""

    def __init__(self, edges: Sequence[Edge | None], base: Array, view: Array) -> None:
        super().__init__(edges)
        self._base = base.layout
        self._view = view.layout
        self._offset = view.offset - base.offset

    def name(self) -> str:
        return "CopySlices"

    def apply(self, grads: list[Tensor | None]) -> Sequence[Tensor | None]:
        from hotplug import ops

        grad = grads[0]
        assert grad is not None
        shape, strides = self._view.shape, self._view.strides
        laid = in_geometry(grad, self._base.strides)
        inside = ops.as_strided(laid, shape, strides, laid._array.offset + self._offset).clone()
        if self.edges[0] is None:
            return [None, inside]
        ops.as_strided(laid, shape, strides, laid._array.offset + self._offset).zero_()
        return [laid, inside]

    def release(self) -> None:
        """Nothing is saved."""


def in_geometry(grad: Tensor, strides: Strides) -> Tensor:
    """A copy of ``grad`` in memory laid out by ``strides``, so that views of the base are views of it."""
    from hotplug import ops

    layout = layout_of(grad.dtype, tuple(grad.shape), strides)
    if layout.is_contiguous:
        return ops.clone(grad)
    low, high = layout.extent()
    memory = ops.zeros((high - low + 1,), dtype=grad.dtype, device=grad.device)
    laid = ops.as_strided(memory, grad.shape, strides, -low)
    laid.copy_(grad)
    return laid
