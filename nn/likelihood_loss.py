"""Negative log likelihoods of other distributions, and of alignments, as modules."""

from __future__ import annotations

from typing import Any

from hotplug.nn import functional as F
from hotplug.nn.loss import NLLLoss, _Loss
from hotplug.tensor import Tensor


class GaussianNLLLoss(_Loss):
    """``(log(var) + (input - target)**2 / var) / 2``, with ``var`` at least ``eps``; plus ``log(2 pi) / 2`` if ``full``.

    Shapes: means ``(*)``, target ``(*)``, variances ``(*)``, without the last axis or with 1 there, or a number -> ``()``,
    or ``(*)`` without reduction.
    """

    def __init__(self, *, full: bool = False, eps: float = 1e-6, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.full = full
        self.eps = eps

    def forward(self, input: Tensor, target: Tensor, var: Tensor | float) -> Tensor:
        return F.gaussian_nll_loss(input, target, var, full=self.full, eps=self.eps, reduction=self.reduction)


class PoissonNLLLoss(_Loss):
    """``exp(input) - target * input`` for the logarithm of the mean, or ``input - target * log(input + eps)`` for the mean.

    Both ``(*)`` -> ``()``, or ``(*)`` without reduction; ``full``: with Stirling's approximation of ``log(target!)``.
    """

    def __init__(
        self, log_input: bool = True, full: bool = False, *, eps: float = 1e-8, reduction: str = "mean"
    ) -> None:  # fmt: skip
        super().__init__(reduction)
        self.log_input = log_input
        self.full = full
        self.eps = eps

    def forward(self, log_input: Tensor, target: Tensor) -> Tensor:
        return F.poisson_nll_loss(
            log_input, target, log_input=self.log_input, full=self.full, eps=self.eps, reduction=self.reduction
        )


class CTCLoss(_Loss):
    """Connectionist temporal classification (Graves et al., 2006), as :func:`~hotplug.nn.functional.ctc_loss`.

    Shapes: log-probabilities ``(T, N, C)`` or ``(T, C)``; labels ``(N, S)`` or all together ``(sum(target_lengths))``;
    lengths ``(N)`` -> ``()``, or ``(N)`` without reduction.

    Args:
        blank: the class that stands for no label.
        zero_infinity: count labels that are too long for their sequence as 0.
    """

    def __init__(self, blank: int = 0, reduction: str = "mean", zero_infinity: bool = False) -> None:
        super().__init__(reduction)
        self.blank = blank
        self.zero_infinity = zero_infinity

    def forward(self, log_probs: Tensor, targets: Tensor, input_lengths: Any, target_lengths: Any) -> Tensor:
        return F.ctc_loss(
            log_probs, targets, input_lengths, target_lengths, self.blank, self.reduction, self.zero_infinity
        )


class NLLLoss2d(NLLLoss):
    """The old name of :class:`NLLLoss` for ``(N, C, H, W)``."""
