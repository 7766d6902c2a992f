"""The benchmark behind docs/adr/0001-contract-version-1.md runs, and its counters count."""

from __future__ import annotations

import importlib.util
from types import ModuleType

import pytest
from devices import needed
from layout import ROOT

from hotplug.runtime import runtime_of


@pytest.fixture(scope="module")
def benchmark() -> ModuleType:
    path = ROOT / "benchmarks" / "launch_overhead.py"
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("device", ["cpu", "opencl:0"])
def test_no_op_of_the_list_leaves_the_device(benchmark: ModuleType, device: str) -> None:
    runtime = needed(device)
    counted = benchmark.copies(device, runtime)
    assert counted == dict.fromkeys(benchmark.COUNTED, 0)


def test_the_tables(benchmark: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    benchmark.main(["numpy", "--seconds", "0.001"])
    first, second = capsys.readouterr().out.strip().split("\n\n")
    _, _, (device, call, gradient, bare, ratio) = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in first.splitlines()
    ]
    assert device == "numpy"
    assert float(ratio) == pytest.approx(float(call) / float(bare), rel=0.5)
    assert 0 < float(bare) < float(call) < float(gradient) * 2
    assert runtime_of("numpy").counts["resolve"] > 0
    assert len(second.splitlines()) == 3
