"""Learning-rate schedules against PyTorch's."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable
from typing import Any

import pytest

import hotplug as hp
from hotplug.optim import lr_scheduler, swa_utils

EPOCHS = 25

CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "step": ("StepLR", {"step_size": 3, "gamma": 0.5}),
    "milestones": ("MultiStepLR", {"milestones": [2, 5, 5, 11], "gamma": 0.3}),
    "exponential": ("ExponentialLR", {"gamma": 0.9}),
    "cosine": ("CosineAnnealingLR", {"T_max": 7, "eta_min": 0.01}),
    "restarts": ("CosineAnnealingWarmRestarts", {"T_0": 3, "T_mult": 2, "eta_min": 0.01}),
    "lambda": ("LambdaLR", {"lr_lambda": lambda epoch: 0.95**epoch}),
    "lambdas": ("LambdaLR", {"lr_lambda": [lambda epoch: 0.95**epoch, lambda epoch: 1 / (1 + epoch)]}),
    "linear": ("LinearLR", {"start_factor": 0.25, "end_factor": 0.75, "total_iters": 6}),
    "constant": ("ConstantLR", {"factor": 0.25, "total_iters": 4}),
    "multiplicative": ("MultiplicativeLR", {"lr_lambda": lambda epoch: 0.9 if epoch % 2 else 1.02}),
    "cyclic": ("CyclicLR", {"base_lr": 0.01, "max_lr": 0.4, "step_size_up": 3, "step_size_down": 5}),
    "cyclic, halved": ("CyclicLR", {"base_lr": [0.01, 0.02], "max_lr": [0.4, 0.2], "step_size_up": 4,
                                    "mode": "triangular2"}),
    "cyclic, fading": ("CyclicLR", {"base_lr": 0.01, "max_lr": 0.4, "step_size_up": 4, "mode": "exp_range",
                                    "gamma": 0.95, "cycle_momentum": False}),
    "cyclic, own": ("CyclicLR", {"base_lr": 0.01, "max_lr": 0.4, "step_size_up": 4, "scale_fn": lambda x: 1 / x}),
    "polynomial": ("PolynomialLR", {"total_iters": 9, "power": 2.0}),
    "one cycle": ("OneCycleLR", {"max_lr": 0.4, "total_steps": 30}),
    "one cycle, three": ("OneCycleLR", {"max_lr": [0.4, 0.2], "epochs": 5, "steps_per_epoch": 6, "three_phase": True,
                                        "anneal_strategy": "linear"}),
}  # fmt: skip


def optimizer_of(library: Any, name: str = "SGD") -> Any:
    params = [
        {"params": [library.ones(2, requires_grad=True)]},
        {"params": [library.ones(3, requires_grad=True)], "lr": 0.3},
    ]
    return getattr(library.optim, name)(params, lr=0.1, **({"momentum": 0.9} if name == "SGD" else {}))


def rates(library: Any, make: Callable[[Any], Any], optimizer: Any, epochs: int = EPOCHS) -> list[Any]:
    scheduler = make(optimizer)
    found = []
    for _ in range(epochs):
        optimizer.step()
        found.append([(float(g["lr"]), g.get("momentum", g.get("betas"))) for g in optimizer.param_groups])
        scheduler.step()
        assert scheduler.get_last_lr() == [g["lr"] for g in optimizer.param_groups]
    return found


def assert_equal(ours: list[Any], theirs: list[Any]) -> None:
    for mine, his in zip(ours, theirs, strict=True):
        for (lr, momentum), (lr_, momentum_) in zip(mine, his, strict=True):
            assert lr == pytest.approx(lr_, rel=1e-9, abs=1e-12)
            assert momentum == pytest.approx(momentum_, rel=1e-9)


@pytest.mark.parity
@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
@pytest.mark.parametrize("kind", ["SGD", "Adam"])
def test_rates_are_pytorch_s(torch: Any, case: tuple[str, dict[str, Any]], kind: str) -> None:
    name, options = case
    ours = rates(hp, lambda o: getattr(lr_scheduler, name)(o, **options), optimizer_of(hp, kind))
    theirs = rates(torch, lambda o: getattr(torch.optim.lr_scheduler, name)(o, **options), optimizer_of(torch, kind))
    assert_equal(ours, theirs)


@pytest.mark.parity
def test_sequential(torch: Any) -> None:
    def make(module: Any) -> Callable[[Any], Any]:
        return lambda o: module.SequentialLR(
            o,
            [module.LinearLR(o, 0.1, total_iters=4), module.ExponentialLR(o, 0.8), module.StepLR(o, 2)],
            milestones=[4, 10],
        )

    ours = rates(hp, make(lr_scheduler), optimizer_of(hp))
    theirs = rates(torch, make(torch.optim.lr_scheduler), optimizer_of(torch))
    assert_equal(ours, theirs)


@pytest.mark.parity
def test_chained(torch: Any) -> None:
    found = []
    for library, module in ((hp, lr_scheduler), (torch, torch.optim.lr_scheduler)):
        optimizer = optimizer_of(library)
        both = module.ExponentialLR(optimizer, 0.9), module.StepLR(optimizer, 3)
        rows = []
        for _ in range(8):
            optimizer.step()
            rows.append([(g["lr"], g["momentum"]) for g in optimizer.param_groups])
            for each in both:
                each.step()
        found.append(rows)
    assert_equal(*found)


@pytest.mark.parity
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"mode": "max", "patience": 1, "cooldown": 2},
        {"threshold_mode": "abs", "threshold": 0.5, "patience": 0, "min_lr": 0.02},
    ],
)
def test_plateau(torch: Any, options: dict[str, Any]) -> None:
    metrics = [
        3.0,
        2.0,
        2.0,
        1.9,
        2.5,
        2.6,
        1.0,
        1.0,
        1.0,
        1.0,
        0.9,
        5.0,
        6.0,
        7.0,
        7.0,
        7.0,
        7.0,
        7.0,
        7.0,
        7.0,
        7.0,
        7.0,
        7.0,
    ]
    found = []
    for library, module in ((hp, lr_scheduler), (torch, torch.optim.lr_scheduler)):
        optimizer = optimizer_of(library)
        scheduler = module.ReduceLROnPlateau(optimizer, factor=0.5, **options)
        rows = []
        for metric in metrics:
            scheduler.step(library.tensor(metric))
            rows.append([(g["lr"], g["momentum"]) for g in optimizer.param_groups])
        found.append(rows)
    assert_equal(*found)


@pytest.mark.parity
def test_chained_as_one_schedule(torch: Any) -> None:
    found = []
    for library, module in ((hp, lr_scheduler), (torch, torch.optim.lr_scheduler)):

        def chain(optimizer: Any, module: Any = module) -> Any:
            parts = [module.ConstantLR(optimizer, 0.1, 4), module.ExponentialLR(optimizer, 0.9)]
            return module.ChainedScheduler(parts, optimizer)

        found.append(rates(library, chain, optimizer_of(library)))
    assert_equal(*found)


@pytest.mark.parity
@pytest.mark.parametrize("options", [{}, {"anneal_epochs": 4, "anneal_strategy": "linear"}, {"anneal_epochs": 0}])
def test_swa_rates(torch: Any, options: dict[str, Any]) -> None:
    ours = rates(hp, lambda o: swa_utils.SWALR(o, 0.02, **options), optimizer_of(hp))
    theirs = rates(torch, lambda o: torch.optim.swa_utils.SWALR(o, 0.02, **options), optimizer_of(torch))
    assert_equal(ours, theirs)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_loaded_state_goes_on_where_the_saved_one_was(case: tuple[str, dict[str, Any]]) -> None:
    name, options = case
    whole = rates(hp, lambda o: getattr(lr_scheduler, name)(o, **options), optimizer_of(hp))
    optimizer = optimizer_of(hp)
    scheduler = getattr(lr_scheduler, name)(optimizer, **options)
    for _ in range(5):
        optimizer.step()
        scheduler.step()
    other = optimizer_of(hp)
    resumed = getattr(lr_scheduler, name)(other, **options)
    other.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    resumed.load_state_dict(copy.deepcopy(scheduler.state_dict()))
    found = []
    for _ in range(EPOCHS - 5):
        other.step()
        found.append([(float(g["lr"]), g.get("momentum", g.get("betas"))) for g in other.param_groups])
        resumed.step()
    assert_equal(found, whole[5:])


def test_a_step_before_the_optimizer_s_is_warned_of() -> None:
    scheduler = lr_scheduler.StepLR(optimizer_of(hp), 2)
    with pytest.warns(UserWarning, match="before optimizer.step"):
        scheduler.step()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scheduler.step()


def test_bad_options() -> None:
    optimizer = optimizer_of(hp)
    with pytest.raises(TypeError, match="expected an Optimizer, got int"):
        lr_scheduler.StepLR(3, 2)  # type: ignore[arg-type]
    with pytest.raises(KeyError, match="initial_lr"):
        lr_scheduler.StepLR(optimizer, 2, last_epoch=3)
    with pytest.raises(ValueError, match="expected 2 lr_lambdas"):
        lr_scheduler.LambdaLR(optimizer, [lambda _: 1.0])
    with pytest.raises(ValueError, match="pass total_steps"):
        lr_scheduler.OneCycleLR(optimizer, 0.1)
    with pytest.raises(ValueError, match="factor should be < 1.0"):
        lr_scheduler.ReduceLROnPlateau(optimizer, factor=1.5)
    with pytest.raises(ValueError, match="one milestone less"):
        lr_scheduler.SequentialLR(optimizer, [lr_scheduler.StepLR(optimizer, 2)], [1])
