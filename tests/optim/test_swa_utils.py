"""Averages of weights against PyTorch's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import hotplug as hp
from hotplug.errors import ArgumentError
from hotplug.optim import swa_utils


def model_of(library: Any) -> Any:
    layers = [library.nn.Linear(3, 4), library.nn.BatchNorm1d(4), library.nn.Linear(4, 2)]
    draw = np.random.default_rng(0)
    with library.no_grad():
        for layer in layers:
            for param in layer.parameters():
                param.copy_(library.tensor(draw.normal(size=tuple(param.shape)).astype(np.float32)))
    return library.nn.Sequential(*layers)


def train(library: Any, options: dict[str, Any]) -> Any:
    utils = library.optim.swa_utils
    functions = {key: value for key, value in options.items() if key != "use_buffers"}
    made = {key: getattr(utils, name)(*args) for key, (name, *args) in functions.items()}
    model = model_of(library)
    averaged = utils.AveragedModel(model, **made, use_buffers=options.get("use_buffers", False))
    draw = np.random.default_rng(1)
    data = [library.tensor(draw.normal(size=(8, 3)).astype(np.float32)) for _ in range(5)]
    optimizer = library.optim.SGD(model.parameters(), lr=0.1)
    for batch in data:
        optimizer.zero_grad()
        model(batch).pow(2).mean().backward()
        optimizer.step()
        averaged.update_parameters(model)
    if not options.get("use_buffers"):
        utils.update_bn(data, averaged)
    averaged.eval()
    return averaged, averaged(data[0])


@pytest.mark.parity
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"multi_avg_fn": ("get_ema_multi_avg_fn", 0.9)},
        {"avg_fn": ("get_ema_avg_fn", 0.8)},
        {"avg_fn": ("get_swa_avg_fn",)},
        {"multi_avg_fn": ("get_swa_multi_avg_fn",)},
        {"multi_avg_fn": ("get_ema_multi_avg_fn", 0.5), "use_buffers": True},
    ],
    ids=str,
)
def test_averages(torch: Any, options: dict[str, Any]) -> None:
    (ours, output), (theirs, expected) = (train(library, options) for library in (hp, torch))
    assert list(ours.state_dict()) == list(theirs.state_dict())
    for key, value in theirs.state_dict().items():
        np.testing.assert_allclose(ours.state_dict()[key].numpy(), value.numpy(), rtol=2e-4, atol=2e-5, err_msg=key)
    np.testing.assert_allclose(output.detach().numpy(), expected.detach().numpy(), rtol=1e-3, atol=1e-3)


def test_the_average_is_apart_from_the_model() -> None:
    model = hp.nn.Linear(2, 2)
    averaged = swa_utils.AveragedModel(model)
    averaged.update_parameters(model)
    before = averaged.module.weight.clone()
    with hp.no_grad():
        model.weight.zero_()
    assert averaged.module.weight.tolist() == before.tolist()
    assert int(averaged.n_averaged) == 1


def test_counts_stay_whole() -> None:
    model = hp.nn.BatchNorm1d(2)
    averaged = swa_utils.AveragedModel(model, use_buffers=True)
    for _ in range(3):
        model(hp.rand(4, 2))
        averaged.update_parameters(model)
    assert averaged.module.num_batches_tracked.dtype == hp.int64
    assert int(averaged.module.num_batches_tracked) == 3


def test_bad_options() -> None:
    with pytest.raises(ArgumentError, match="decay"):
        swa_utils.get_ema_avg_fn(1.5)
    with pytest.raises(ArgumentError, match="only one"):
        swa_utils.AveragedModel(
            hp.nn.Linear(1, 1), avg_fn=swa_utils.get_swa_avg_fn(), multi_avg_fn=swa_utils.get_swa_multi_avg_fn()
        )
    with pytest.raises(ArgumentError, match="anneal_strategy"):
        swa_utils.SWALR(hp.optim.SGD([hp.ones(1)]), 0.1, anneal_strategy="none")
