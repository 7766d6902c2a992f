"""The main job: real digits, on devices chosen by a string."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from layout import ROOT

import hotplug as hp

pytest.importorskip("sklearn", reason="the example needs scikit-learn")

SEEDS = (0, 1, 2)


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
def on_cpu(digits: ModuleType) -> dict[int, Any]:
    return {seed: digits.train("cpu", seed) for seed in SEEDS}


def host(tensor: hp.Tensor) -> np.ndarray[Any, Any]:
    return tensor.detach().cpu().numpy()


def test_mean_accuracy(on_cpu: dict[int, Any]) -> None:
    accuracies = [run.accuracy for run in on_cpu.values()]
    assert sum(accuracies) / len(accuracies) >= 0.98, accuracies


def test_the_same_seed_gives_the_same_start_and_batches(digits: ModuleType) -> None:
    starts, batches = [], []
    for device in ("cpu", "numpy"):
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


def test_devices_agree(digits: ModuleType, on_cpu: dict[int, Any]) -> None:
    other = digits.train("numpy", 0)
    np.testing.assert_allclose(on_cpu[0].losses[:10], other.losses[:10], rtol=1e-5)
    assert abs(on_cpu[0].accuracy - other.accuracy) <= 0.01


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
