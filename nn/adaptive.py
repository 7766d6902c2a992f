"""A softmax over many classes that computes rare ones only where they are needed."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

from hotplug import ops
from hotplug.dtypes import dtype as DType
from hotplug.errors import ArgumentError, ShapeError
from hotplug.nn import functional as F
from hotplug.nn.container import ModuleList, Sequential
from hotplug.nn.linear import Linear
from hotplug.nn.module import Module
from hotplug.tensor import Tensor


class _ASMoutput(NamedTuple):
    """The log-probability of every target, and minus their mean."""

    output: Tensor
    loss: Tensor


class TargetRangeError(ArgumentError, RuntimeError):
    """A target that is no class."""


class AdaptiveLogSoftmaxWithLoss(Module):
    """Frequent classes beside clusters of rarer ones, each cluster with a softmax of its own (Grave et al., 2017).

    Shapes: input ``(N, in_features)`` or ``(in_features)``, target ``(N)`` or ``()`` -> the targets' log-probabilities,
    of the target's shape, and minus their mean, ``()``.

    Args:
        cutoffs: where the clusters begin; classes before the first are in the head.  Classes come by falling frequency.
        div_value: cluster ``i`` sees ``in_features / div_value ** (i + 1)`` features.

    Raises:
        ArgumentError: the cutoffs don't increase from 1 to ``n_classes - 1`` at most.
    """

    def __init__(
        self, in_features: int, n_classes: int, cutoffs: Sequence[int], div_value: float = 4.0, head_bias: bool = False,
        device: Any = None, dtype: DType | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        given = list(cutoffs)
        bounds = [0, *given, n_classes]
        if not given or any(int(a) != a or a >= b for a, b in itertools.pairwise(bounds)):
            raise ArgumentError(
                f"AdaptiveLogSoftmaxWithLoss: cutoffs should be a sequence of unique, positive integers sorted in an "
                f"increasing order, where each value is between 1 and n_classes-1 ({n_classes - 1}), got {given}"
            )
        self.in_features, self.n_classes, self.cutoffs = in_features, n_classes, [*given, n_classes]
        self.div_value = div_value
        self.head_bias = head_bias
        self.shortlist_size = given[0]
        self.n_clusters = len(given)
        self.head_size = self.shortlist_size + self.n_clusters
        self.head = Linear(in_features, self.head_size, bias=head_bias, device=device, dtype=dtype)
        self.tail = ModuleList()
        for number, (start, end) in enumerate(itertools.pairwise(self.cutoffs)):
            width = int(in_features // div_value ** (number + 1))
            inner = Linear(in_features, width, bias=False, device=device, dtype=dtype)
            self.tail.append(Sequential(inner, Linear(width, end - start, bias=False, device=device, dtype=dtype)))

    def reset_parameters(self) -> None:
        """Draw new values."""
        self.head.reset_parameters()
        for inner, outer in self.tail:
            inner.reset_parameters()
            outer.reset_parameters()

    def forward(self, input_: Tensor, target_: Tensor) -> _ASMoutput:
        if target_.ndim > 1 or input_.ndim != target_.ndim + 1 or input_.shape[:-1] != target_.shape:
            raise ShapeError(
                f"AdaptiveLogSoftmaxWithLoss: input and target should be (N, {self.in_features}) and (N), or "
                f"({self.in_features}) and (), got {list(input_.shape)} and {list(target_.shape)}"
            )
        input = input_.reshape(-1, self.in_features)
        target = target_.reshape(-1)
        self._check_range(target)
        head = F.log_softmax(self.head(input), 1)
        place, total = target, None
        for number, (start, end) in enumerate(itertools.pairwise(self.cutoffs)):
            inside = (target >= start) & (target < end)
            rows = inside.nonzero().squeeze(1)
            if not rows.numel():
                continue
            place = ops.where(inside, self.shortlist_size + number, place)
            own = F.log_softmax(self.tail[number](ops.index_select(input, 0, rows)), 1)
            chosen = ops.gather(own, 1, (ops.index_select(target, 0, rows) - start).unsqueeze(1)).squeeze(1)
            base = ops.zeros(target.shape, dtype=own.dtype, device=own.device) if total is None else total
            total = ops.index_add(base, 0, rows, chosen)
        output = ops.gather(head, 1, place.unsqueeze(1)).squeeze(1)
        output = output if total is None else output + total
        return _ASMoutput(output.reshape(target_.shape), (-output).mean())

    def _check_range(self, target: Tensor) -> None:
        if target.numel():
            low, high = target.min().item(), target.max().item()
            if low < 0 or high >= self.n_classes:
                raise TargetRangeError(
                    f"AdaptiveLogSoftmaxWithLoss: target values should be in [0, {self.n_classes - 1}], but values in "
                    f"range [{low}, {high}] were found"
                )

    def log_prob(self, input: Tensor) -> Tensor:
        """Log-probabilities of all classes.  ``(N, in_features)`` -> ``(N, n_classes)``."""
        head = F.log_softmax(self.head(input), 1)
        parts = [head.narrow(1, 0, self.shortlist_size)]
        for number, cluster in enumerate(self.tail):
            parts.append(F.log_softmax(cluster(input), 1) + head.narrow(1, self.shortlist_size + number, 1))
        return ops.cat(parts, 1)

    def predict(self, input: Tensor) -> Tensor:
        """The most likely class.  ``(N, in_features)`` -> ``(N)``."""
        return self.log_prob(input).argmax(1)
