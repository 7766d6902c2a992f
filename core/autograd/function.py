"""``Function``: an op with a forward and a backward written by the user."""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, final

from hotplug.autograd.graph import Edge, Meta, Node, Saved, history, released
from hotplug.autograd.mode import MODE, no_grad
from hotplug.errors import AutogradError
from hotplug.tensor import Tensor, wrap


class FunctionContext:
    """What ``forward`` leaves for ``backward``; attributes may be set freely.

    Attributes:
        needs_input_grad: for each argument of ``apply``, whether its gradient is needed.
    """

    def __init__(self) -> None:
        self.needs_input_grad: tuple[bool, ...] = ()
        self._to_save: tuple[Tensor | None, ...] = ()
        self._dirty: tuple[Tensor, ...] = ()
        self._plain: set[int] = set()
        self._materialize = True
        self._node: weakref.ref[FunctionNode] | None = None

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        """Keep tensors (inputs, outputs or others) for :attr:`saved_tensors`."""
        self._to_save = tensors

    def mark_dirty(self, *tensors: Tensor) -> None:
        """Say which inputs ``forward`` changed in place (and returns)."""
        self._dirty = tensors

    def mark_non_differentiable(self, *tensors: Tensor) -> None:
        """Say which outputs have no gradient."""
        self._plain = {id(tensor) for tensor in tensors}

    def set_materialize_grads(self, value: bool) -> None:
        """Whether an output that got no gradient is given zeros (default) or ``None``."""
        self._materialize = value

    @property
    def saved_tensors(self) -> tuple[Tensor | None, ...]:
        """The tensors of :meth:`save_for_backward`.

        Raises:
            AutogradError: they were freed, or changed in place since.
        """
        node = None if self._node is None else self._node()
        return self._to_save if node is None else node.unpack()


class Function:
    """Base of ops with a hand-written backward.

    Override the static methods ``forward(ctx, *args)`` and ``backward(ctx, *grads)``, and call ``apply``.
    ``backward`` returns one gradient (or ``None``) for every argument of ``forward``.
    """

    node_name: ClassVar[str | None] = None

    @staticmethod
    def forward(ctx: Any, *args: Any, **kwargs: Any) -> Any:
        """Compute the outputs; recorded by nobody."""
        raise AutogradError("a Function must override the static method forward(ctx, *args)")

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        """Gradients of the arguments, from those of the outputs."""
        raise AutogradError("a Function must override the static method backward(ctx, *grad_outputs)")

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Run ``forward`` and record it."""
        context = FunctionContext()
        edges = [history(arg) if isinstance(arg, Tensor) else None for arg in args]
        recorded = MODE.grad and any(edge is not None for edge in edges)
        context.needs_input_grad = tuple(recorded and edge is not None for edge in edges)
        before, MODE.grad = MODE.grad, False
        try:
            if "setup_context" in cls.__dict__:
                outcome = cls.forward(*args, **kwargs)
                cls.setup_context(context, args, outcome)  # type: ignore[attr-defined]
            else:
                outcome = cls.forward(context, *args, **kwargs)
        finally:
            MODE.grad = before
        if not recorded:
            return outcome
        results = [outcome] if isinstance(outcome, Tensor) else list(outcome)
        node = FunctionNode(cls, context, edges, len(results))
        taped = [_on_tape(result, index, node, context, args) for index, result in enumerate(results)]
        node.save(context._to_save, results, taped)
        return taped[0] if isinstance(outcome, Tensor) else tuple(taped)


def _on_tape(result: Any, index: int, node: FunctionNode, context: FunctionContext, args: Sequence[Any]) -> Any:
    if not isinstance(result, Tensor) or id(result) in context._plain or result.dtype.kind not in "fc":
        return result
    if any(result is each for each in context._dirty):
        from hotplug.autograd.views import rebase

        result._array.storage.version += 1
        rebase(result, (node, index))
        return result
    if any(result is arg for arg in args):
        result = wrap(result._array)
    result._meta = Meta(True, node, index)
    return result


@final
class OnceNode(Node):
    """Where the gradient of a gradient would go that :func:`once_differentiable` says has none."""

    def name(self) -> str:
        return "OnceDifferentiableError"

    def apply(self, grads: list[Tensor | None]) -> Sequence[Tensor | None]:
        raise AutogradError("trying to differentiate twice a function that was marked with @once_differentiable")

    def release(self) -> None:
        """Nothing is saved."""


def once_differentiable(fn: Callable[..., Any]) -> Callable[..., Any]:
    """For a ``backward`` that is not differentiable itself: it records nothing, and a gradient of its result raises."""

    @functools.wraps(fn)
    def run(ctx: Any, *grads: Any) -> Any:
        edges = [history(grad) if isinstance(grad, Tensor) else None for grad in grads]
        recorded = MODE.grad and any(edge is not None for edge in edges)
        with no_grad():
            outcome = fn(ctx, *grads)
        if not recorded:
            return outcome
        results = list(outcome) if isinstance(outcome, (tuple, list)) else [outcome]
        node = OnceNode(edges, len(results))
        taped = [each.detach() if isinstance(each, Tensor) else each for each in results]
        for index, each in enumerate(taped):
            if isinstance(each, Tensor):
                each._meta = Meta(True, node, index)
        return tuple(taped) if isinstance(outcome, (tuple, list)) else taped[0]

    return run


@final
class FunctionNode(Node):
    """The record of a :class:`Function`."""

    def __init__(
        self, function: type[Function], context: FunctionContext, edges: Sequence[Edge | None], outputs: int
    ) -> None:
        super().__init__(edges, outputs)
        self._function = function
        self._context = context
        self._saved: list[Saved | None] | None = None
        self._layouts: list[Any] = []

    def save(self, tensors: Sequence[Tensor | None], results: Sequence[Any], taped: Sequence[Any]) -> None:
        """Keep what ``forward`` asked to keep; outputs by their arrays only."""
        places = {id(result): index for index, result in enumerate(results)}
        places.update({id(result): index for index, result in enumerate(taped)})
        name = self._function.__name__
        self._layouts = [result._array if isinstance(result, Tensor) else None for result in taped]
        self._saved = [
            None if each is None
            else Saved(None, each._array, name, places[id(each)]) if id(each) in places
            else Saved(each, each._array, name)
            for each in tensors
        ]  # fmt: skip
        self._layouts = [None if each is None else (each.layout, each.storage.runtime) for each in self._layouts]
        self._context._to_save = ()
        self._context._node = weakref.ref(self)  # the node owns the context: no cycle

    def unpack(self) -> tuple[Tensor | None, ...]:
        """The saved tensors, checked."""
        if self._saved is None:
            raise released(self._function.__name__)
        return tuple(None if each is None else each.get(self) for each in self._saved)

    def name(self) -> str:
        return f"{self._function.__name__}Backward"

    def saved_storages(self) -> set[int]:
        return {each.storage() for each in self._saved or () if each is not None}

    def release(self) -> None:
        if self._saved:
            self._saved = None

    def apply(self, grads: list[Tensor | None]) -> Sequence[Tensor | None]:
        given = self._function.backward(self._context, *self._filled(grads))
        result = list(given) if isinstance(given, (tuple, list)) else [given]
        count = len(self.edges)
        if len(result) > count and all(each is None for each in result[count:]):
            result = result[:count]
        if len(result) != count:
            raise AutogradError(
                f"function {self.name()} returned an incorrect number of gradients (expected {count}, got {len(result)})"
            )
        return result

    def _filled(self, grads: Sequence[Tensor | None]) -> list[Tensor | None]:
        if not self._context._materialize:
            return list(grads)
        filled = []
        for grad, known in zip(grads, self._layouts, strict=True):
            if grad is None and known is not None:
                from hotplug import dispatch

                zero = known[1].empty(known[0].__class__(known[0].dtype, known[0].shape, known[0].strides))
                dispatch.fill_literal(zero, 0)
                grad = wrap(zero)
            filled.append(grad)
        return filled
