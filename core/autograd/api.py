"""Reverse-mode differentiation: :func:`backward` and :func:`grad`."""

from __future__ import annotations

from collections.abc import Sequence

from hotplug.autograd import engine
from hotplug.autograd.graph import Edge, history
from hotplug.errors import ArgumentError, AutogradError
from hotplug.tensor import Tensor

Tensors = Tensor | Sequence[Tensor]


def _many(tensors: Tensors) -> list[Tensor]:
    return [tensors] if isinstance(tensors, Tensor) else list(tensors)


def _roots(
    op: str, outputs: Tensors, grads: Tensor | Sequence[Tensor | None] | None
) -> tuple[list[Edge], list[Tensor]]:
    tensors = _many(outputs)
    given = [None] * len(tensors) if grads is None else [grads] if isinstance(grads, Tensor) else list(grads)
    if len(given) != len(tensors):
        raise ArgumentError(f"{op}: got {len(tensors)} tensors and {len(given)} gradients")
    edges, seeds = [], []
    for tensor, grad_ in zip(tensors, given, strict=True):
        edge = history(tensor)
        if edge is None:
            raise AutogradError(f"{op}: element of tensors does not require grad and does not have a grad_fn")
        edges.append(edge)
        seeds.append(engine.seed(tensor, grad_, op))
    return edges, seeds


def backward(
    tensors: Tensors, grad_tensors: Tensor | Sequence[Tensor | None] | None = None, retain_graph: bool | None = None,
    create_graph: bool = False, inputs: Tensors | None = None,
) -> None:  # fmt: skip
    """Add the gradients of ``tensors`` with respect to the leaves (or only ``inputs``) to their ``.grad``.

    Raises:
        AutogradError: nothing requires a gradient, a gradient is needed for a non-scalar, or the graph was freed.
    """
    edges, seeds = _roots("backward", tensors, grad_tensors)
    keep = create_graph if retain_graph is None else retain_graph
    if inputs is None:
        engine.run(edges, seeds, keep, create_graph)
        return
    leaves = _many(inputs)
    if not leaves:
        raise ArgumentError("backward: inputs must not be empty")
    found = engine.run(edges, seeds, keep, create_graph, _targets("backward", leaves))
    for leaf, grad_ in zip(leaves, found, strict=True):
        if grad_ is not None:
            leaf.grad = grad_ if leaf.grad is None else leaf.grad + grad_


def _targets(op: str, inputs: Sequence[Tensor]) -> list[Edge]:
    edges = []
    for tensor in inputs:
        edge = history(tensor)
        if edge is None:
            raise AutogradError(f"{op}: one of the differentiated Tensors does not require grad")
        edges.append(edge)
    return edges


def grad(
    outputs: Tensors, inputs: Tensors, grad_outputs: Tensor | Sequence[Tensor | None] | None = None,
    retain_graph: bool | None = None, create_graph: bool = False, allow_unused: bool | None = None,
    materialize_grads: bool = False,
) -> tuple[Tensor, ...]:  # fmt: skip
    """The gradients of ``outputs`` with respect to ``inputs``; no ``.grad`` changes.

    Raises:
        AutogradError: an input had no part in the outputs, unless ``allow_unused``.
    """
    edges, seeds = _roots("grad", outputs, grad_outputs)
    wanted = _many(inputs)
    keep = create_graph if retain_graph is None else retain_graph
    found = engine.run(edges, seeds, keep, create_graph, _targets("grad", wanted))
    result = []
    for tensor, each in zip(wanted, found, strict=True):
        if each is None and materialize_grads:
            from hotplug import ops

            each = ops.zeros_like(tensor)
        if each is None and not allow_unused:
            raise AutogradError(
                "grad: one of the differentiated Tensors appears to not have been used in the graph; "
                "set allow_unused=True if this is intended"
            )
        result.append(each)
    return tuple(result)  # type: ignore[arg-type]
