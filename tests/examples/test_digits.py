"""The main job: real digits, on devices chosen by a string."""

from __future__ import annotations

import functools
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from devices import ALL, needed
from layout import ROOT

import hotplug as hp

pytest.importorskip("sklearn", reason="the example needs scikit-learn")

SEEDS = (0, 1, 2)
OTHERS = [device for device in ALL if device != "cpu"]


def load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module  # NamedTuple looks its module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def digits() -> ModuleType:
    return load(ROOT / "examples" / "digits.py")


@pytest.fixture(scope="module")
def on_cpu(digits: ModuleType) -> Callable[[int], Any]:
    """What training on ``cpu`` with a seed gives, trained once."""
    return functools.cache(lambda seed: digits.train("cpu", seed))


def host(tensor: hp.Tensor) -> np.ndarray[Any, Any]:
    return tensor.detach().cpu().numpy()


def test_mean_accuracy(on_cpu: Callable[[int], Any]) -> None:
    accuracies = [on_cpu(seed).accuracy for seed in SEEDS]
    assert sum(accuracies) / len(accuracies) >= 0.98, accuracies


@pytest.mark.parametrize("other", OTHERS)
def test_the_same_seed_gives_the_same_start_and_batches(digits: ModuleType, other: str) -> None:
    needed(other)
    starts, batches = [], []
    for device in ("cpu", other):
        hp.manual_seed(7)
        starts.append([host(value) for value in digits.Network().to(device).state_dict().values()])
        train, test = digits.digits(device)
        loader = hp.data.DataLoader(train, batch_size=digits.BATCH, shuffle=True)
        batches.append([host(part) for batch in (*loader, *loader) for part in batch])
        assert len(train) == 1438
        assert len(test) == 359
        with hp.device(device):
            hp.manual_seed(7)
            direct = [host(value) for value in digits.Network().state_dict().values()]
        assert all(np.array_equal(one, two) for one, two in zip(starts[-1], direct, strict=True))
    for one, two in (starts, batches):
        assert all(a.tobytes() == b.tobytes() for a, b in zip(one, two, strict=True))


@pytest.mark.parametrize("device", [device for device in OTHERS if device != "minimal"])
def test_devices_agree(digits: ModuleType, on_cpu: Callable[[int], Any], device: str) -> None:
    needed(device)
    ours, other = on_cpu(0), digits.train(device, 0)
    np.testing.assert_allclose(ours.losses[:10], other.losses[:10], rtol=1e-5 if device == "numpy" else 1e-4)
    assert abs(ours.accuracy - other.accuracy) <= 0.01


def test_two_steps_of_loops_over_numbers(digits: ModuleType) -> None:
    """``minimal`` would take half an hour for all of it; two images take two seconds."""
    needed("minimal")
    losses: dict[str, list[float]] = {}
    for device in ("numpy", "minimal"):
        hp.manual_seed(0)
        model = digits.Network().to(device)
        optimizer = hp.optim.AdamW(model.parameters(), lr=digits.LEARNING_RATE)
        images, labels = next(iter(hp.data.DataLoader(digits.digits(device)[0], batch_size=2)))
        losses[device] = []
        for _ in range(2):
            optimizer.zero_grad()
            loss = hp.nn.functional.cross_entropy(model(images), labels)
            loss.backward()
            optimizer.step()
            losses[device].append(loss.item())
    assert losses["minimal"][1] != losses["minimal"][0]
    np.testing.assert_allclose(losses["minimal"], losses["numpy"], rtol=1e-4)


def test_a_run_repeats_itself(digits: ModuleType) -> None:
    one, two = (digits.train("cpu", 3, epochs=1) for _ in range(2))
    assert one.losses == two.losses


def test_the_command(digits: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "digits.safetensors"
    digits.main(["--device", "numpy", "--epochs", "1", "--seeds", "0", "1", "--weights", str(path)])
    printed = capsys.readouterr().out
    assert printed.count("test accuracy") == 3
    assert "predict the same" in printed
    assert hp.serialization.safetensors.load_file(path)["scores.weight"].shape == (10, 128)


def test_weights_that_do_not_fit_are_refused(digits: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "digits.safetensors"
    model = digits.Network()
    state = model.state_dict()
    state["scores.weight"] = hp.ones(10, 3)
    hp.serialization.safetensors.save_file(state, path)
    before = host(model.scores.bias).copy()
    with pytest.raises(RuntimeError, match="size mismatch for scores.weight"):
        model.load_state_dict(hp.serialization.safetensors.load_file(path))
    assert np.array_equal(host(model.scores.bias), before)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(hp.errors.FileFormatError, match="truncated"):
        hp.serialization.safetensors.load_file(path)
