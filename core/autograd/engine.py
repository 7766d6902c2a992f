"""The engine: walks the tape backwards, newest node first, without recursion."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, final

from hotplug.autograd.graph import Edge, Meta, Node
from hotplug.autograd.mode import MODE, WATCH
from hotplug.errors import AutogradError, DeviceMismatchError, ShapeError

if TYPE_CHECKING:
    from hotplug.tensor import Tensor

Slot = tuple["Node | Meta", int]


def run(
    roots: Sequence[Edge], grads: Sequence[Tensor], retain_graph: bool, create_graph: bool,
    targets: Sequence[Edge] | None = None,
) -> list[Tensor | None]:  # fmt: skip
    """Propagate ``grads`` from ``roots``.

    Without targets, gradients accumulate in the leaves; with them, those of the targets are returned and no leaf
    changes.  A node is younger than all it depends on, so the order by sequence number is a topological one.
    """
    before, outer = MODE.grad, MODE.walk
    MODE.grad = create_graph
    MODE.walk = walk = Walk(retain_graph, create_graph, targets)
    try:
        return walk.walk(roots, grads)
    finally:
        MODE.grad, MODE.walk = before, outer


@final
class Walk:
    """One traversal: the gradients that wait for their node, and the heap of nodes that are ready."""

    def __init__(self, retain_graph: bool, create_graph: bool, targets: Sequence[Edge] | None) -> None:
        self.retain_graph = retain_graph
        self.create_graph = create_graph
        self.targets = targets
        self.captured: dict[Slot, Tensor] = {}
        self.waiting: dict[Node, list[Tensor | None]] = {}
        self.leaves: dict[Meta, tuple[Tensor, bool]] = {}
        self.heap: list[tuple[int, Node]] = []
        self.roots: Sequence[Edge] = ()
        self.useful: set[Node] | None = None

    def walk(self, roots: Sequence[Edge], grads: Sequence[Tensor]) -> list[Tensor | None]:
        self.roots = roots
        useful = self.useful = None if self.targets is None else _useful(roots, self.targets)
        for edge, grad in zip(roots, grads, strict=True):
            self._deliver(edge, grad, False)
        wanted = set(self.targets or ())
        while self.heap:
            _, node = heapq.heappop(self.heap)
            incoming = _hooked(node, self.waiting.pop(node))
            for index, arrived in enumerate(incoming):
                if (node, index) in wanted and arrived is not None:
                    self.captured[node, index] = arrived
            if useful is None or node in useful:
                self._step(node, incoming)
        return self._finish()

    def _step(self, node: Node, incoming: list[Tensor | None]) -> None:
        if not any(edge is not None for edge in node.edges):
            return
        if WATCH.anomaly:
            from hotplug.autograd.anomaly import apply

            outgoing = apply(node, incoming)
        else:
            outgoing = node.apply(incoming)
        if node.post_hooks:
            for hook in list(node.post_hooks.values()):
                replaced = hook(outgoing, incoming)
                outgoing = outgoing if replaced is None else replaced
        used = node.saved_storages() | {id(g._array.storage) for g in incoming if g is not None}
        for edge, grad in zip(node.edges, outgoing, strict=True):
            if edge is not None and grad is not None:
                storage = id(grad._array.storage)
                self._deliver(edge, grad, storage not in used)
                used.add(storage)
        if not self.retain_graph:
            node.release()

    def _deliver(self, edge: Edge, grad: Tensor, fresh: bool) -> None:
        """Add a gradient to what waits at an edge.  ``fresh``: its memory is shared with nothing."""
        target, index = edge
        if isinstance(target, Meta):
            known = self.leaves.get(target)
            self.leaves[target] = (grad, fresh) if known is None else (known[0] + grad, True)
            return
        slots = self.waiting.get(target)
        if slots is None:
            slots = self.waiting[target] = [None] * target.outputs
            heapq.heappush(self.heap, (-target.sequence, target))
        present = slots[index]
        slots[index] = grad if present is None else present + grad

    def _finish(self) -> list[Tensor | None]:
        for meta, (grad, fresh) in self.leaves.items():
            final = grad
            for hook in list((meta.hooks or {}).values()):
                replaced = hook(final)
                final = final if replaced is None else replaced
            if self.targets is None:
                _accumulate(meta, final, fresh, self.create_graph)
                for called in list((meta.after or {}).values()):
                    called()
            else:
                self.captured[meta, 0] = final
        return [self.captured.get(target) for target in self.targets or ()]


def _hooked(node: Node, grads: list[Tensor | None]) -> list[Tensor | None]:
    if node.hooks:
        for index, hooks in node.hooks.items():
            for hook in list(hooks.values()):
                grad = grads[index]
                if grad is not None:
                    replaced = hook(grad)
                    grads[index] = grad if replaced is None else replaced
    if node.pre_hooks:
        for hook in list(node.pre_hooks.values()):
            given = hook(grads)
            grads = grads if given is None else list(given)
    return grads


def _accumulate(meta: Meta, grad: Tensor, fresh: bool, create_graph: bool) -> None:
    if meta.grad is None:
        meta.grad = grad if fresh or create_graph else grad.clone()
    elif create_graph:
        meta.grad = meta.grad + grad
    else:
        meta.grad.add_(grad)


def _useful(roots: Sequence[Edge], targets: Sequence[Edge]) -> set[Node]:
    """The nodes on a path from a root to a target: all others need not run."""
    ends = {target for target, _ in targets}
    useful: set[Node] = set()
    nodes = [each for each in reachable(roots) if isinstance(each, Node)]
    for node in sorted(nodes, key=lambda each: each.sequence):
        if any(edge is not None and (edge[0] in useful or edge[0] in ends) for edge in node.edges):
            useful.add(node)
    return useful


def reachable(roots: Iterable[Edge], through: set[Node] | None = None) -> dict[Node | Meta, None]:
    """All nodes and leaves that a gradient from the roots could come to, where only the nodes ``through`` run."""
    seen: dict[Node | Meta, None] = {}
    stack = [target for target, _ in roots]
    while stack:
        target = stack.pop()
        if target not in seen:
            seen[target] = None
            if isinstance(target, Node) and (through is None or target in through):
                stack.extend(edge[0] for edge in target.edges if edge is not None)
    return seen


def seed(output: Tensor, grad: Tensor | None, op: str) -> Tensor:
    """The gradient to start from: the given one, checked, or one for a single element.

    Raises:
        AutogradError: the output has several elements and no gradient was given.
        ShapeError: the gradient has another shape.
        DeviceMismatchError: the gradient is on another device.
    """
    from hotplug import ops

    if grad is None:
        if output.numel() != 1:
            raise AutogradError(
                f"{op}: grad can be implicitly created only for scalar outputs, got shape {list(output.shape)}; "
                f"pass gradient=, or reduce the output with .sum() first"
            )
        return ops.ones_like(output)
    if grad.shape != output.shape:
        raise ShapeError(f"{op}: expected a gradient of shape {list(output.shape)}, got {list(grad.shape)}")
    if grad._array.storage.runtime is not output._array.storage.runtime:
        raise DeviceMismatchError(
            f"{op}: expected a gradient on '{output.device}', got one on '{grad.device}'; move it with .to()"
        )
    return grad
