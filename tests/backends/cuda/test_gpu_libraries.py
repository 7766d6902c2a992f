"""The GPU check's section on libraries, with models of the libraries: it finds what is wrong, and nothing else."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cuda_library import installed, vector

from hotplug.backends.cuda import libraries
from hotplug.runtime import Runtime

pytest.importorskip("scipy", reason="the models compute with SciPy's LAPACK")
from cuda_solver import ModelOfBlas, ModelOfSolver

ROOT = Path(__file__).parents[3]
DEVICE = "cuda-emulated:0"


@pytest.fixture(scope="module")
def script() -> Any:
    path = ROOT / "benchmarks" / "gpu_libraries.py"
    spec = importlib.util.spec_from_file_location("gpu_libraries", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["gpu_libraries"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def few(script: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The checks of linear algebra in double, once each, of small matrices."""

    def checks(device: str, size: int) -> Iterator[Any]:
        for each in script._linear_algebra(device, size):
            if (
                each.name.endswith((", float64", ", complex128"))
                and "large" not in each.name
                and "batch" not in each.name
            ):
                yield each

    monkeypatch.setattr(script, "checks", checks)
    monkeypatch.setattr(script, "ROUNDS", 1)
    return script


def test_paths_that_agree(few: Any, emulated: Runtime) -> None:
    solver = ModelOfSolver()
    with installed(emulated, cusolver=solver, cublas=ModelOfBlas()):
        lines = list(few.section(DEVICE, 5))
    assert lines[-2] == "exit status 0, 0 paths failed"
    assert not [line for line in lines if "FAILED" in line or "not installed" in line]
    assert len([line for line in lines if line.startswith("| ") and "cusolver" in line]) == 2 * 16
    assert {"cusolverDnDgeqrf", "cusolverDnZheevd", "cusolverDnXgeev"} <= set(solver.calls)


def test_paths_that_differ_or_raise(few: Any, emulated: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    right = ModelOfSolver.geqrf

    def wrong(self: ModelOfSolver, kind: Any, m: int, n: int, a: int, *rest: int) -> None:
        right(self, kind, m, n, a, *rest)
        vector(a, np.float64, 1)[:] += 1e-3

    monkeypatch.setattr(ModelOfSolver, "geqrf", wrong)
    monkeypatch.setattr(ModelOfSolver, "cusolverDnXgeev", lambda self, *_: 7)
    with installed(emulated, cusolver=ModelOfSolver(), cublas=ModelOfBlas()):
        lines = list(few.section(DEVICE, 5))
    failed = [line for line in lines if "FAILED" in line]
    assert {line.split(",")[0].split()[1] for line in failed} == {"qr", "eig"}
    assert any("DeviceError" in line and "status 7" in line for line in failed)
    assert lines[-2].startswith("exit status 1, ")


def test_libraries_that_are_not_there(few: Any, emulated: Runtime) -> None:
    assert list(few.section(DEVICE, 5)) == ["## Libraries", "", *(f"- {name}: none" for name in libraries.NAMES), ""]
    with installed(emulated, cublas=ModelOfBlas()):
        lines = [line for line in few.section(DEVICE, 5) if "| cusolver |" in line]
    assert lines
    assert all("| not installed |" in line for line in lines)


def test_every_check_can_be_made(script: Any) -> None:
    names = [each.name for each in script.checks("cpu", 12)]
    assert len(names) == len(set(names)) > 150


def test_how_far_results_are_apart(script: Any) -> None:
    import hotplug as hp

    ones = hp.ones(3)
    assert script.apart(ones, ones) == 0
    assert script.apart(ones * (1 + 2.0**-22), ones) == pytest.approx(2, rel=0.01)
    assert script.apart(ones * float("nan"), ones) == float("inf")
    assert script.apart(ones.long(), ones.long() + 1) == float("inf")
