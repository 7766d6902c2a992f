"""softmax and the losses."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest
from oracle import agree, agree_on, close, same_error

import hotplug as hp
from hotplug.autograd import gradcheck, gradgradcheck
from hotplug.nn import functional as F

REDUCTIONS = ("mean", "sum", "none")
TARGET = [0, 3, -100]
WEIGHT = [0.5, 1.0, 2.0, 0.1]


@pytest.mark.parity
def test_softmax(torch: ModuleType) -> None:
    agree(torch, lambda t, F, x: (x.softmax(1), t.softmax(x, 0), F.softmin(x, -1)), (3, 4))
    agree(torch, lambda t, F, x: (x.log_softmax(1), F.log_softmax(x, 0)), (3, 4))
    agree(torch, lambda t, F, x: (t.softmax(x, 0), F.log_softmax(x, -1)), ())
    agree(torch, lambda t, F, x: F.glu(x, 0), (4, 3))
    agree(torch, lambda t, F, x: x.detach().softmax(1, dtype=t.float32), (3, 4))
    agree(torch, lambda t, F, x: x.softmax(1), (3, 0))


@pytest.mark.parity
def test_softmax_of_extremes(torch: ModuleType) -> None:
    values = np.array([[1e4, 0.0, -1e4], [-np.inf, 0.0, 1.0], [np.inf, 0.0, 1.0], [np.nan, 0.0, 1.0], [-np.inf] * 3])
    agree_on(torch, lambda t, F, x: (x.softmax(1), x.log_softmax(1)), [values], order=0)


@pytest.mark.parity
@pytest.mark.parametrize("name", ["float16", "bfloat16"])
def test_half_types_are_rounded_once(torch: ModuleType, name: str) -> None:
    values = np.random.default_rng(0).normal(size=(4, 100)).astype(np.float32)
    found = []
    for t, functional in ((hp, F), (torch, torch.nn.functional)):
        x = t.tensor(values).to(getattr(t, name))
        target = t.tensor([1, 2, 3, 4])
        found.append([x.softmax(1).float(), x.log_softmax(1).float(), functional.cross_entropy(x, target).float()])
    for ours, theirs in zip(*found, strict=True):
        close(ours, theirs, name, rtol=8e-3, atol=1e-3)


def options(t: Any, given: dict[str, Any]) -> dict[str, Any]:
    return {
        name: t.tensor(value, dtype=t.float64) if isinstance(value, list) else value for name, value in given.items()
    }


@pytest.mark.parity
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize(
    "given", [{}, {"label_smoothing": 0.2}, {"weight": WEIGHT}, {"weight": WEIGHT, "label_smoothing": 0.2}], ids=str
)
def test_cross_entropy(torch: ModuleType, reduction: str, given: dict[str, Any]) -> None:
    def of(target: Any) -> Any:
        return lambda t, F, x: F.cross_entropy(x, t.tensor(target), reduction=reduction, **options(t, given))

    agree(torch, of(TARGET), (3, 4))
    agree(torch, of(2), (4,))
    agree(torch, of([[0, 1], [3, -100], [2, 2]]), (3, 4, 2))

    def of_probabilities(t: Any, F: Any, x: Any, goal: Any) -> Any:
        return F.cross_entropy(x, goal.softmax(0 if goal.ndim == 1 else 1), reduction=reduction, **options(t, given))

    agree(torch, of_probabilities, (3, 4), (3, 4))
    agree(torch, of_probabilities, (4,), (4,), order=1)
    agree(torch, of_probabilities, (3, 4, 2), (3, 4, 2), order=1)


@pytest.mark.parity
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_nll_loss(torch: ModuleType, reduction: str) -> None:
    def program(t: Any, F: Any, x: Any) -> Any:
        target = t.tensor(TARGET)
        weight = t.tensor(WEIGHT, dtype=t.float64)
        return F.nll_loss(x, target, reduction=reduction), F.nll_loss(x, target, weight, reduction=reduction)

    agree(torch, program, (3, 4))
    agree(torch, lambda t, F, x: F.nll_loss(x, t.tensor([0, 1, 2]), ignore_index=1, reduction=reduction), (3, 4))


@pytest.mark.parity
def test_cross_entropy_when_nothing_counts(torch: ModuleType) -> None:
    agree(torch, lambda t, F, x: F.cross_entropy(x, t.tensor([-100, -100])), (2, 3), order=0)
    agree(torch, lambda t, F, x: F.cross_entropy(x, t.tensor([-100, -100]), reduction="sum"), (2, 3), order=1)


@pytest.mark.parity
def test_cross_entropy_of_extremes(torch: ModuleType) -> None:
    values = np.array([[1e4, 0.0, -1e4], [-np.inf, 0.0, 1.0]])
    agree_on(torch, lambda t, F, x: F.cross_entropy(x, t.tensor([2, 1]), reduction="none"), [values], order=0)


BETWEEN: dict[str, Any] = {
    "mse": lambda t, F, x, y, **r: F.mse_loss(x, y, **r),
    "mse, weighted": lambda t, F, x, y, **r: F.mse_loss(x, y, weight=(x * 0 + 2.0).detach(), **r),
    "l1": lambda t, F, x, y, **r: F.l1_loss(x, y, **r),
    "l1, weighted": lambda t, F, x, y, **r: F.l1_loss(x, y, weight=(x * x).detach(), **r),
    "smooth_l1": lambda t, F, x, y, **r: F.smooth_l1_loss(x, y, beta=0.5, **r),
    "smooth_l1, beta 0": lambda t, F, x, y, **r: F.smooth_l1_loss(x, y, beta=0.0, **r),
    "huber": lambda t, F, x, y, **r: F.huber_loss(x, y, delta=0.5, **r),
    "huber, weighted": lambda t, F, x, y, **r: F.huber_loss(x, y, weight=(x * x).detach(), **r),
    "bce": lambda t, F, x, y, **r: F.binary_cross_entropy(x.sigmoid(), y.sigmoid(), **r),
    "bce, weighted": lambda t, F, x, y, **r: F.binary_cross_entropy(x.sigmoid(), y.sigmoid(), y.detach()[0], **r),
    "bce_with_logits": lambda t, F, x, y, **r: F.binary_cross_entropy_with_logits(x, y.sigmoid(), **r),
    "bce_with_logits, weighted": lambda t, F, x, y, **r: F.binary_cross_entropy_with_logits(
        x, y.sigmoid(), weight=y.detach().exp(), pos_weight=x.detach()[0].exp(), **r
    ),
    "kl_div": lambda t, F, x, y, **r: F.kl_div(x, y.softmax(1), **r),
    "kl_div of logarithms": lambda t, F, x, y, **r: F.kl_div(x, y.log_softmax(1), log_target=True, **r),
}


@pytest.mark.parity
@pytest.mark.filterwarnings("ignore:reduction. 'mean' divides:UserWarning")
@pytest.mark.parametrize("name", BETWEEN)
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_losses_between_tensors(torch: ModuleType, name: str, reduction: str) -> None:
    agree(torch, lambda t, F, x, y: BETWEEN[name](t, F, x, y, reduction=reduction), (3, 4), (3, 4))


@pytest.mark.parity
def test_more_losses(torch: ModuleType) -> None:
    agree(torch, lambda t, F, x, y: F.kl_div(x, y.softmax(1), reduction="batchmean"), (3, 4), (3, 4))
    agree(torch, lambda t, F, x, y: F.cosine_embedding_loss(x, y, t.tensor([1, -1, 1]), margin=0.1), (3, 4), (3, 4))


@pytest.mark.parity
def test_probabilities_of_0_and_1(torch: ModuleType) -> None:
    """PyTorch bounds the logarithms at -100 and the quotient of the gradient at 1e12."""
    x, y = np.array([0.0, 1.0, 0.0, 1.0, 0.5]), np.array([0.0, 1.0, 1.0, 0.0, 0.0])
    agree_on(torch, lambda t, F, x: F.binary_cross_entropy(x, t.tensor(y), reduction="none"), [x], order=0)
    found = []
    for t, functional in ((hp, F), (torch, torch.nn.functional)):
        p = t.tensor(x, requires_grad=True)
        functional.binary_cross_entropy(p, t.tensor(y), reduction="sum").backward()
        found.append(p.grad)
    close(found[0], found[1], "gradient", rtol=1e-7)
    agree_on(torch, lambda t, F, x: F.kl_div(x, t.tensor(y), reduction="none"), [x], order=1)


@pytest.mark.parity
def test_logits_do_not_overflow(torch: ModuleType) -> None:
    x, y = np.array([1e3, -1e3, 0.0, 1e3], np.float32), np.array([1.0, 0.0, 1.0, 0.0], np.float32)

    def program(t: Any, F: Any, x: Any) -> Any:
        return F.binary_cross_entropy_with_logits(x, t.tensor(y), reduction="none")

    agree_on(torch, program, [x], order=1)


def test_deprecated_flags_mean_what_they_meant() -> None:
    x, y = hp.ones(2, 2), hp.zeros(2, 2)
    assert F.mse_loss(x, y, size_average=False).item() == 4.0
    assert F.mse_loss(x, y, reduce=False).shape == (2, 2)
    assert F.mse_loss(x, y, True).item() == 1.0


def test_gradients_are_numerical_ones() -> None:
    x = hp.tensor(np.random.default_rng(0).normal(size=(3, 4)), requires_grad=True)
    target = hp.tensor(TARGET)
    assert gradcheck(lambda x: F.cross_entropy(x, target), x)
    assert gradgradcheck(lambda x: F.cross_entropy(x, target), x)
    assert gradgradcheck(lambda x: F.cross_entropy(x, target, label_smoothing=0.1), x)


BAD = {
    "target out of range": lambda t, F: F.cross_entropy(t.zeros(2, 3), t.tensor([0, 3])),
    "target negative": lambda t, F: F.cross_entropy(t.zeros(2, 3), t.tensor([0, -1])),
    "target of another length": lambda t, F: F.cross_entropy(t.zeros(2, 3), t.tensor([0, 1, 2])),
    "target with a class axis": lambda t, F: F.cross_entropy(t.zeros(2, 3), t.zeros(2, 2, dtype=t.int64)),
    "target int32": lambda t, F: F.cross_entropy(t.zeros(2, 3), t.tensor([0, 1], dtype=t.int32)),
    "probabilities of integers": lambda t, F: F.cross_entropy(t.zeros(2, 3), t.zeros(2, 3, dtype=t.int64)),
    "weight": lambda t, F: F.cross_entropy(t.zeros(2, 3), t.tensor([0, 1]), weight=t.ones(2)),
    "smoothing": lambda t, F: F.cross_entropy(t.zeros(2, 3), t.tensor([0, 1]), label_smoothing=2.0),
    "reduction": lambda t, F: F.cross_entropy(t.zeros(2, 3), t.tensor([0, 1]), reduction="most"),
    "integers": lambda t, F: F.cross_entropy(t.zeros(2, 3, dtype=t.int64), t.tensor([0, 1])),
    "nll target": lambda t, F: F.nll_loss(t.zeros(2, 3), t.tensor([0, 3])),
    "softmax of integers": lambda t, F: t.softmax(t.zeros(3, dtype=t.int64), 0),
    "softmax dim": lambda t, F: t.softmax(t.zeros(3), 1),
    "glu": lambda t, F: F.glu(t.zeros(3)),
    "mse shapes": lambda t, F: F.mse_loss(t.zeros(2), t.zeros(3)),
    "mse weight": lambda t, F: F.mse_loss(t.zeros(2), t.zeros(2), weight=t.zeros(3)),
    "huber delta": lambda t, F: F.huber_loss(t.zeros(2), t.zeros(2), delta=0.0),
    "smooth_l1 beta": lambda t, F: F.smooth_l1_loss(t.zeros(2), t.zeros(2), beta=-1.0),
    "bce shapes": lambda t, F: F.binary_cross_entropy(t.zeros(2), t.zeros(1)),
    "logits shapes": lambda t, F: F.binary_cross_entropy_with_logits(t.zeros(2), t.zeros(1)),
}


@pytest.mark.parity
@pytest.mark.filterwarnings("ignore:Using a target size:UserWarning")
@pytest.mark.parametrize("name", BAD)
def test_bad_input(torch: ModuleType, name: str) -> None:
    same_error(torch, BAD[name])
