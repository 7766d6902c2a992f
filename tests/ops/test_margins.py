"""Losses with margins, likelihoods, CTC, and activations that draw numbers."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest
from oracle import agree, same_error

import hotplug as hp
from hotplug.autograd import gradcheck, gradgradcheck
from hotplug.nn import functional as F

REDUCTIONS = ["mean", "sum", "none"]


def sign(x: Any) -> Any:
    return x.detach().sign()


@pytest.mark.parity
@pytest.mark.parametrize("how", REDUCTIONS)
def test_elementwise_losses(torch: ModuleType, how: str) -> None:
    pair = (4, 3), (4, 3)
    agree(torch, lambda t, F, x, y: F.hinge_embedding_loss(x, sign(y), reduction=how), *pair)
    agree(torch, lambda t, F, x, y: F.hinge_embedding_loss(x, sign(y) * 2, 0.5, reduction=how), *pair)
    agree(torch, lambda t, F, x, y: F.soft_margin_loss(x, sign(y), reduction=how), *pair)
    agree(torch, lambda t, F, x, y, z: F.margin_ranking_loss(x, y, sign(z), 0.3, reduction=how), (4,), (4,), (4,))
    agree(torch, lambda t, F, x, y: F.poisson_nll_loss(x, y.detach().abs() * 3, full=True, reduction=how), *pair)
    agree(
        torch, lambda t, F, x, y: F.poisson_nll_loss(x.abs() + 0.1, y.detach().abs(), log_input=False, reduction=how),
        *pair,
    )  # fmt: skip


@pytest.mark.parity
@pytest.mark.parametrize("how", REDUCTIONS)
def test_gaussians(torch: ModuleType, how: str) -> None:
    def program(_: Any, F: Any, x: Any, y: Any, v: Any) -> Any:
        return F.gaussian_nll_loss(x, y, v.abs() + 0.1, full=True, reduction=how)

    for last in ((4, 3), (4, 1), (4,)):
        agree(torch, program, (4, 3), (4, 3), last)
    agree(
        torch, lambda t, F, x, y, v: F.gaussian_nll_loss(x, y, v.abs() * 0.01, eps=0.01, reduction=how),
        (4, 3), (4, 3), (4, 3), order=1,
    )  # fmt: skip
    agree(torch, lambda t, F, x, y: F.gaussian_nll_loss(x, y, 0.5, reduction=how), (4, 3), (4, 3))


@pytest.mark.parity
@pytest.mark.parametrize("how", REDUCTIONS)
def test_class_margins(torch: ModuleType, how: str) -> None:
    for power in (1, 2):
        agree(
            torch, lambda t, F, x, w, p=power: F.multi_margin_loss(
                x, t.tensor([0, 2, 1, 2]), p, 0.7, w.detach(), reduction=how
            ), (4, 3), (3,), order=1,
        )  # fmt: skip
    agree(torch, lambda t, F, x: F.multi_margin_loss(x, t.tensor(1), reduction=how), (3,), order=1)
    several = [[0, 2, -1, 1], [-1, 0, 0, 0], [3, 1, 2, 0]]
    agree(torch, lambda t, F, x: F.multilabel_margin_loss(x, t.tensor(several), reduction=how), (3, 4), order=1)
    agree(torch, lambda t, F, x: F.multilabel_margin_loss(x, t.tensor(several[0]), reduction=how), (4,), order=1)
    agree(
        torch, lambda t, F, x, y, w: F.multilabel_soft_margin_loss(x, (sign(y) + 1) / 2, w.detach(), reduction=how),
        (3, 4), (3, 4), (4,),
    )  # fmt: skip


@pytest.mark.parity
@pytest.mark.parametrize("how", REDUCTIONS)
@pytest.mark.parametrize("swap", [False, True])
def test_triplets(torch: ModuleType, how: str, swap: bool) -> None:
    three = (5, 4), (5, 4), (5, 4)
    agree(torch, lambda t, F, *v: F.triplet_margin_loss(*v, swap=swap, reduction=how), *three, order=1)

    def program(t: Any, F: Any, *v: Any) -> Any:
        def far(a: Any, b: Any) -> Any:
            return (a - b).abs().sum(-1)

        return F.triplet_margin_with_distance_loss(*v, distance_function=far, margin=0.5, swap=swap, reduction=how)

    agree(torch, program, *three, order=1)


LABELS = [[1, 2, 2], [3, 3, 1], [4, 0, 0], [2, 2, 2]]


@pytest.mark.parity
@pytest.mark.parametrize("how", REDUCTIONS)
@pytest.mark.parametrize("lengths", [(3, 3, 1, 0), (2, 3, 1, 2)])
def test_alignments(torch: ModuleType, how: str, lengths: tuple[int, ...]) -> None:
    def scores(F: Any, x: Any) -> Any:
        return F.log_softmax(x, -1)

    times = (7, 7, 5, 6)
    shape = (7, 4, 5)
    joined = [label for row, length in zip(LABELS, lengths, strict=True) for label in row[:length]]
    for labels in (LABELS, joined):
        agree(
            torch, lambda t, F, x, y=labels: F.ctc_loss(scores(F, x), t.tensor(y), times, lengths, reduction=how),
            shape, order=1,
        )  # fmt: skip
        agree(
            torch, lambda t, F, x, y=labels: F.ctc_loss(
                scores(F, x), t.tensor(y), t.tensor(times), t.tensor(lengths), reduction=how
            ), shape, order=1,
        )  # fmt: skip
    short = [[1, 1, 1]]
    agree(
        torch, lambda t, F, x: F.ctc_loss(scores(F, x), t.tensor(short), (4,), (3,), reduction=how, zero_infinity=True),
        (4, 1, 5), order=1,
    )  # fmt: skip
    agree(
        torch, lambda t, F, x: F.ctc_loss(
            scores(F, x), t.tensor([1, 2]), t.tensor(7), t.tensor(2), blank=4, reduction=how
        ), (7, 5), order=1,
    )  # fmt: skip


def test_gradients_are_numerical_ones() -> None:
    x = hp.tensor(np.random.default_rng(0).normal(size=(4, 2, 3)), requires_grad=True, device="numpy")
    labels = hp.tensor([[1, 2], [2, 0]], device="numpy")
    assert gradcheck(lambda x: F.ctc_loss(F.log_softmax(x, 2), labels, (4, 3), (2, 1)), (x,))
    assert gradgradcheck(lambda x: F.ctc_loss(F.log_softmax(x, 2), labels, (4, 3), (2, 1)), (x,))


def test_alpha_dropout_keeps_mean_and_variance() -> None:
    hp.manual_seed(0)
    x = hp.randn(40000, requires_grad=True)
    found = F.alpha_dropout(x, 0.3, True)
    assert abs(found.mean().item()) < 0.03
    assert abs(found.std().item() - 1) < 0.03
    found.sum().backward()
    assert x.grad is not None
    dropped = x.grad == 0
    assert 0.28 < dropped.float().mean().item() < 0.32
    assert len(found.detach()[dropped].unique()) == 1
    assert F.alpha_dropout(x, 0.3) is x
    channels = F.feature_alpha_dropout(hp.ones(100, 4, 3), 0.5, True)
    assert (channels == channels[:, :, :1]).all()
    assert F.alpha_dropout(hp.ones(3), 1.0, True).tolist() == [0, 0, 0]


@pytest.mark.parity
def test_random_slopes(torch: ModuleType) -> None:
    agree(torch, lambda t, F, x: F.rrelu(x, 0.1, 0.5), (4, 5))
    x = hp.full((1000,), -2.0, requires_grad=True)
    found = F.rrelu(x, 0.1, 0.5, training=True)
    assert -1.0 < found.min().item() < -0.9
    assert -0.3 < found.max().item() < -0.2
    found.sum().backward()
    np.testing.assert_allclose(hp.nn.functional.relu(x.grad * -2 - found).detach().numpy(), 0, atol=1e-6)  # type: ignore[operator]
    y = -hp.ones(4)
    assert F.rrelu(y, inplace=True) is y


def test_gumbel_softmax() -> None:
    hp.manual_seed(0)
    logits = hp.tensor([[0.0, 1.0, 2.0]]).expand(4000, 3).clone().requires_grad_()
    hard = F.gumbel_softmax(logits, hard=True)
    assert hard.sum(1).tolist() == [1.0] * 4000
    np.testing.assert_allclose(
        hard.mean(0).detach().numpy(), F.softmax(logits[0], 0).detach().numpy(), atol=0.03
    )  # fmt: skip
    hard[:, 0].sum().backward()
    assert logits.grad is not None
    assert (logits.grad != 0).any()
    soft = F.gumbel_softmax(logits.detach(), 0.5, dim=0)
    np.testing.assert_allclose(soft.sum(0).numpy(), 1, rtol=1e-5)


BAD = {
    "power": lambda t, F: F.multi_margin_loss(t.zeros(2, 3), t.tensor([0, 1]), p=3),
    "margin": lambda t, F: F.triplet_margin_loss(t.zeros(3), t.zeros(3), t.zeros(3), margin=-1.0),
    "ranks": lambda t, F: F.margin_ranking_loss(t.zeros(3), t.zeros(3), t.zeros(3, 1)),
    "variance": lambda t, F: F.gaussian_nll_loss(t.zeros(4, 3), t.zeros(4, 3), t.zeros(4, 2)),
    "negative variance": lambda t, F: F.gaussian_nll_loss(t.zeros(4, 3), t.zeros(4, 3), -1.0),
    "reduction": lambda t, F: F.soft_margin_loss(t.zeros(3), t.zeros(3), reduction="average"),
    "blank": lambda t, F: F.ctc_loss(t.zeros(4, 1, 3), t.tensor([[1]]), (4,), (1,), blank=3),
    "lengths": lambda t, F: F.ctc_loss(t.zeros(4, 1, 3), t.tensor([[1]]), (5,), (1,)),
    "counts": lambda t, F: F.ctc_loss(t.zeros(4, 1, 3), t.tensor([[1]]), (4, 4), (1,)),
    "slopes": lambda t, F: F.rrelu(t.zeros(3), 0.5, 0.1),
    "share": lambda t, F: F.alpha_dropout(t.zeros(3), 1.5, True),
}


@pytest.mark.parity
@pytest.mark.parametrize("name", BAD)
def test_bad_input(torch: ModuleType, name: str) -> None:
    same_error(torch, BAD[name])
