"""Losses with margins and likelihoods, as modules, against PyTorch's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from twins import F32, host, values

import hotplug as hp
from hotplug import nn

SIGNS = np.sign(values(5, (3, 4)))
CLASSES = np.random.default_rng(1).integers(0, 4, 3)
SEVERAL = np.array([[0, 2, -1, 1], [3, -1, 0, 0], [1, 2, 3, 0]])
CHOICES = np.asarray(values(6, (3, 4)) > 0, np.float32)
COUNTS = np.random.default_rng(2).integers(0, 5, (3, 4)).astype(np.float32)

LOSSES: list[tuple[str, dict[str, Any], int, list[Any]]] = [
    ("GaussianNLLLoss", {}, 2, [np.abs(values(7, (3, 4)))]),
    ("GaussianNLLLoss", {"full": True, "eps": 0.5, "reduction": "none"}, 2, [np.abs(values(7, (3, 1)))]),
    ("PoissonNLLLoss", {}, 1, [COUNTS]),
    ("PoissonNLLLoss", {"full": True, "reduction": "sum"}, 1, [COUNTS]),
    ("HingeEmbeddingLoss", {"margin": 0.6}, 1, [SIGNS]),
    ("MarginRankingLoss", {"margin": 0.3, "reduction": "sum"}, 2, [SIGNS]),
    ("MultiLabelMarginLoss", {}, 1, [SEVERAL]),
    ("MultiLabelSoftMarginLoss", {"weight": True}, 1, [CHOICES]),
    ("MultiLabelSoftMarginLoss", {"reduction": "none"}, 1, [CHOICES]),
    ("MultiMarginLoss", {}, 1, [CLASSES]),
    ("MultiMarginLoss", {"p": 2, "margin": 0.5, "weight": True, "reduction": "none"}, 1, [CLASSES]),
    ("SoftMarginLoss", {}, 1, [SIGNS]),
    ("TripletMarginLoss", {}, 3, []),
    ("TripletMarginLoss", {"p": 1.0, "swap": True, "margin": 3.0, "reduction": "none"}, 3, []),
    ("TripletMarginWithDistanceLoss", {"swap": True, "margin": 2.0}, 3, []),
    ("TripletMarginWithDistanceLoss", {"distance_function": lambda a, b: (a - b).abs().sum(1)}, 3, []),
]  # fmt: skip


def loss(library: Any, name: str, options: dict[str, Any], count: int, others: list[Any]) -> list[Any]:
    weight = library.tensor(np.abs(values(3, (4,))))
    options = {key: weight if key == "weight" else value for key, value in options.items()}
    given = [library.tensor(values(number, (3, 4))).requires_grad_() for number in range(count)]
    module = getattr(library.nn, name)(**options)
    out = module(*given, *(library.tensor(each) for each in others))
    out.sum().backward()
    return [host(out), *(host(each.grad) for each in given), *map(host, module.state_dict().values())]


@pytest.mark.parity
@pytest.mark.parametrize(
    "case", LOSSES, ids=lambda case: case[0] + str({k: getattr(v, "__name__", v) for k, v in case[1].items()})
)
def test_a_loss_is_pytorch_s(torch: Any, case: tuple[str, dict[str, Any], int, list[Any]]) -> None:
    for mine, his in zip(loss(hp, *case), loss(torch, *case), strict=True):
        np.testing.assert_allclose(mine, his, **F32)
        assert mine.shape == his.shape


@pytest.mark.parity
def test_poisson_of_the_mean_itself(torch: Any) -> None:
    found = [
        host(library.nn.PoissonNLLLoss(log_input=False)(library.tensor(COUNTS + 1), library.tensor(COUNTS)))
        for library in (hp, torch)
    ]
    np.testing.assert_allclose(*found, **F32)


@pytest.mark.parity
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_alignments(torch: Any, reduction: str) -> None:
    found = []
    for library in (hp, torch):
        x = library.tensor(values(0, (6, 2, 4))).requires_grad_()
        module = library.nn.CTCLoss(blank=1, reduction=reduction, zero_infinity=True)
        targets, sizes = library.tensor([[0, 2, 3], [2, 2, 0]]), library.tensor([3, 2])
        out = module(x.log_softmax(2), targets, library.tensor([6, 5]), sizes)
        out.sum().backward()
        found.append((host(out), host(x.grad)))
    for mine, his in zip(*found, strict=True):
        np.testing.assert_allclose(mine, his, **F32)


@pytest.mark.parity
def test_the_old_name(torch: Any) -> None:
    found = []
    for library in (hp, torch):
        x = library.tensor(values(0, (2, 4, 3, 2)))
        target = library.tensor(np.random.default_rng(0).integers(0, 4, (2, 3, 2)))
        module = hp.nn.NLLLoss2d() if library is hp else torch.nn.NLLLoss()  # PyTorch's warns
        found.append(host(module(x.log_softmax(1), target)))
    np.testing.assert_allclose(*found, **F32)


BAD: list[tuple[Any, str]] = [
    (lambda: nn.MultiMarginLoss(p=3), "only p == 1 and p == 2 supported"),
    (lambda: nn.MultiMarginLoss(weight=hp.ones(2, 2)), "weight must be 1D"),
    (lambda: nn.TripletMarginLoss(margin=-1.0), "margin to be greater than 0"),
    (lambda: nn.TripletMarginWithDistanceLoss(margin=0.0), "margin to be greater than 0"),
    (lambda: nn.CTCLoss(reduction="all"), "'mean', 'sum' or 'none', got 'all'"),
]


@pytest.mark.parametrize(("make", "message"), BAD)
def test_bad_input(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
