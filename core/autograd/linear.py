"""The derivative of a recorded piece of program as a linear map: applied from the right, and from the left.

Reverse mode gives ``v -> J^H v``.  That map is linear in ``v``, and recorded; its own reverse mode gives ``t -> J t``,
the forward derivative, for any op that has a second derivative, without a rule of its own (Townsend, "A new trick for
calculating Jacobian vector products", 2017).
"""

from __future__ import annotations

from collections.abc import Sequence

from hotplug.autograd.api import grad
from hotplug.autograd.engine import reachable
from hotplug.autograd.graph import Meta, history
from hotplug.autograd.mode import MODE, enable_grad
from hotplug.tensor import Tensor


def stand_in(tensor: Tensor, taped: bool) -> Tensor:
    """The same values, with a place of their own on the tape; ``taped``: still connected to the tensor's history."""
    if taped and history(tensor) is not None:
        return tensor.view_as(tensor)
    return tensor.detach().requires_grad_()


def depends(outputs: Sequence[Tensor], inside: Sequence[Tensor]) -> bool:
    """Whether outputs depend on leaves that need gradients, other than those stand-ins that are leaves themselves."""
    own = {id(each._meta) for each in inside}
    edges = [edge for edge in map(history, outputs) if edge is not None]
    return any(isinstance(each, Meta) and not each.retired and id(each) not in own for each in reachable(edges))


def retire(inside: Sequence[Tensor]) -> None:
    """Say that stand-ins are done with: a derivative that goes on above them does not depend on them."""
    for each in inside:
        if each._meta is not None and each._meta.node is None:
            each._meta.retired = True


class LinearMap:
    """The derivative at a point, of outputs with respect to inputs, as long as their graph lives.

    Args:
        outputs: what was computed; those that need no gradient have derivative zero.
        inputs: stand-ins from which they were computed.
        keep: whether what the map gives shall be differentiable itself.
    """

    def __init__(self, outputs: Sequence[Tensor], inputs: Sequence[Tensor], keep: bool) -> None:
        self.outputs = list(outputs)
        self.inputs = list(inputs)
        self.keep = keep
        self._live = [place for place, each in enumerate(self.outputs) if history(each) is not None]
        self._seeds: list[Tensor] | None = None
        self._pulled: tuple[Tensor | None, ...] = ()

    def pull(self, cotangents: Sequence[Tensor | None]) -> list[Tensor | None]:
        """``J^H v``: a gradient for each input, ``None`` where nothing depends on it."""
        pairs = [(self.outputs[place], cotangents[place]) for place in self._live if cotangents[place] is not None]
        if not pairs:
            return [None] * len(self.inputs)
        outputs, given = zip(*pairs, strict=True)
        return list(grad(outputs, self.inputs, given, retain_graph=True, create_graph=self.keep, allow_unused=True))

    def push(self, tangents: Sequence[Tensor]) -> list[Tensor | None]:
        """``J t``: a tangent for each output, ``None`` where it depends on no input."""
        found: list[Tensor | None] = [None] * len(self.outputs)
        seeds, pulled = self._transposed()
        pairs = [
            (each, tangent)
            for each, tangent in zip(pulled, tangents, strict=True)
            if each is not None and history(each) is not None
        ]
        if pairs:
            columns, given = zip(*pairs, strict=True)
            keep = self.keep or (MODE.grad and any(history(each) is not None for each in given))
            pushed = grad(columns, seeds, given, retain_graph=True, create_graph=keep, allow_unused=True)
            for place, each in zip(self._live, pushed, strict=True):
                found[place] = each
        return found

    def _transposed(self) -> tuple[list[Tensor], tuple[Tensor | None, ...]]:
        """Cotangents of zero, and the recorded map of them; made once."""
        if self._seeds is None:
            from hotplug import ops

            with enable_grad():
                self._seeds = [ops.zeros_like(self.outputs[place]).requires_grad_() for place in self._live]
                retire(self._seeds)
                if self._seeds:
                    live = [self.outputs[place] for place in self._live]
                    self._pulled = grad(live, self.inputs, self._seeds, create_graph=True, allow_unused=True)
                else:
                    self._pulled = (None,) * len(self.inputs)
        return self._seeds, self._pulled
