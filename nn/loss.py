"""Losses as modules.

``reduction`` is ``"mean"``, ``"sum"`` or ``"none"`` everywhere.  PyTorch's ``size_average`` and ``reduce``,
deprecated since 2018, are not taken.
"""

from __future__ import annotations

from hotplug.errors import ArgumentError
from hotplug.nn import functional as F
from hotplug.nn.module import Module
from hotplug.tensor import Tensor


class _Loss(Module):
    """What all losses share."""

    def __init__(self, reduction: str = "mean") -> None:
        super().__init__()
        if reduction not in ("mean", "sum", "none"):
            raise ArgumentError(f"{type(self).__name__}: reduction must be 'mean', 'sum' or 'none', got {reduction!r}")
        self.reduction = reduction


class _WeightedLoss(_Loss):
    """A loss with a weight for every class, which is a buffer."""

    weight: Tensor | None

    def __init__(self, weight: Tensor | None = None, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.register_buffer("weight", weight)


class CrossEntropyLoss(_WeightedLoss):
    """``-log(softmax(input))`` of the target class, as :func:`~hotplug.nn.functional.cross_entropy`.

    Shapes: input ``(C)`` or ``(N, C, *)``; target class numbers ``()`` or ``(N, *)``, or probabilities of the input's
    shape -> ``()``, or the target's shape without reduction.

    Args:
        weight: of every class, ``(C)``.
        ignore_index: targets of this class don't count.
        label_smoothing: how much of the target is spread evenly over all classes.
    """

    def __init__(
        self, weight: Tensor | None = None, *, ignore_index: int = -100, reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:  # fmt: skip
        super().__init__(weight, reduction)
        self.ignore_index = ignore_index
        self.label_smoothing = label_smoothing

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.cross_entropy(
            input, target, weight=self.weight, ignore_index=self.ignore_index, reduction=self.reduction,
            label_smoothing=self.label_smoothing,
        )  # fmt: skip


class NLLLoss(_WeightedLoss):
    """``-input`` of the target class; the input holds log-probabilities.  Shapes as :class:`CrossEntropyLoss`."""

    def __init__(self, weight: Tensor | None = None, *, ignore_index: int = -100, reduction: str = "mean") -> None:
        super().__init__(weight, reduction)
        self.ignore_index = ignore_index

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.nll_loss(input, target, weight=self.weight, ignore_index=self.ignore_index, reduction=self.reduction)


class MSELoss(_Loss):
    """``(input - target) ** 2``.  Both ``(*)`` -> ``()``, or ``(*)`` without reduction."""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.mse_loss(input, target, reduction=self.reduction)


class L1Loss(_Loss):
    """``|input - target|``.  Both ``(*)`` -> ``()``, or ``(*)`` without reduction."""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.l1_loss(input, target, reduction=self.reduction)


class SmoothL1Loss(_Loss):
    """With ``d = |input - target|``: ``d ** 2 / (2 * beta)`` below ``beta``, else ``d - beta / 2``."""

    def __init__(self, reduction: str = "mean", beta: float = 1.0) -> None:
        super().__init__(reduction)
        self.beta = beta

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.smooth_l1_loss(input, target, reduction=self.reduction, beta=self.beta)


class HuberLoss(_Loss):
    """With ``d = |input - target|``: ``d ** 2 / 2`` below ``delta``, else ``delta * (d - delta / 2)``."""

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        super().__init__(reduction)
        self.delta = delta

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.huber_loss(input, target, reduction=self.reduction, delta=self.delta)


class BCELoss(_WeightedLoss):
    """``-(target * log(input) + (1 - target) * log(1 - input))`` of probabilities; logarithms are at least -100.

    Both ``(*)`` -> ``()``, or ``(*)`` without reduction; ``weight`` is broadcast to ``(*)``.
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.binary_cross_entropy(input, target, weight=self.weight, reduction=self.reduction)


class BCEWithLogitsLoss(_WeightedLoss):
    """:class:`BCELoss` of ``sigmoid(input)``, computed without overflow.

    Args:
        weight: of every element, broadcast.
        pos_weight: of the positive part of the target, broadcast.
    """

    pos_weight: Tensor | None

    def __init__(
        self, weight: Tensor | None = None, *, reduction: str = "mean", pos_weight: Tensor | None = None
    ) -> None:
        super().__init__(weight, reduction)
        self.register_buffer("pos_weight", pos_weight)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.binary_cross_entropy_with_logits(
            input, target, weight=self.weight, reduction=self.reduction, pos_weight=self.pos_weight
        )


class KLDivLoss(Module):
    """``target * (log(target) - input)``: the input holds logarithms, and the target too if ``log_target``.

    Both ``(*)`` -> ``()``, or ``(*)`` without reduction; ``"batchmean"`` divides the sum by the size of the first axis.
    """

    def __init__(self, reduction: str = "mean", log_target: bool = False) -> None:
        super().__init__()
        if reduction not in ("mean", "sum", "none", "batchmean"):
            raise ArgumentError(f"KLDivLoss: reduction must be 'mean', 'sum', 'batchmean' or 'none', got {reduction!r}")
        self.reduction = reduction
        self.log_target = log_target

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.kl_div(input, target, reduction=self.reduction, log_target=self.log_target)


class CosineEmbeddingLoss(_Loss):
    """``1 - cos`` of the angle between rows where the target is 1, and ``max(0, cos - margin)`` where it is -1.

    Shapes: inputs ``(N, D)`` or ``(D)``, target ``(N)`` or ``()`` -> ``()``, or as the target without reduction.
    """

    def __init__(self, margin: float = 0.0, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.margin = margin

    def forward(self, input1: Tensor, input2: Tensor, target: Tensor) -> Tensor:
        return F.cosine_embedding_loss(input1, input2, target, margin=self.margin, reduction=self.reduction)
