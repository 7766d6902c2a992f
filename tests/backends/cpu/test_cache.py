"""Compiled kernels on disk, the pool, and what happens where a kernel can't be compiled."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from compiled_tier import forced

import hotplug as hp
from hotplug.cli import main

pytest.importorskip("numba", reason="the extra cpu is not installed")

from hotplug.backends.cpu.compiled import build, cache

PROGRAM = """
import hotplug as hp
x = hp.arange(200_000, dtype=hp.float32)
print(float(((x * 1e-6).exp().sin() * 0 + x * 2).sum()))
"""
ANSWER = str(float(np.float32(np.arange(200_000, dtype=np.float64).sum() * 2)))


def run(program: str, folder: Path) -> str:
    """The output of a program in a process of its own, with its kernels in a folder; warnings are errors."""
    environment = {**os.environ, "HOTPLUG_CACHE_DIR": str(folder), "PYTHONWARNINGS": "error"}
    environment.pop("HOTPLUG_CPU_TIER", None)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=environment, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kernels")
    assert run(PROGRAM, folder) == ANSWER
    return folder


def test_a_second_process_compiles_nothing(filled: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in filled.rglob("*.nbc")}
    assert before
    assert run(PROGRAM, filled) == ANSWER
    assert {path: path.stat().st_mtime_ns for path in filled.rglob("*.nbc")} == before


@pytest.mark.parametrize("ending", [".nbi", ".nbc"])
def test_a_damaged_cache_is_survived(filled: Path, ending: str, tmp_path: Path) -> None:
    for path in filled.rglob("*"):
        if path.is_file():
            copy = tmp_path / path.relative_to(filled)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(b"damaged" if path.suffix == ending else path.read_bytes())
    assert run(PROGRAM, tmp_path) == ANSWER


def test_a_folder_that_cannot_be_written_is_survived(tmp_path: Path) -> None:
    blocked = tmp_path / "a file, no folder"
    blocked.write_text("")
    blocked.chmod(stat.S_IRUSR)
    assert run(PROGRAM, blocked) == ANSWER


def test_the_oldest_half_goes_above_the_limit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOTPLUG_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(cache, "LIMIT", 1000)
    (tmp_path / "cpu").mkdir()
    for age in range(12):
        path = tmp_path / "cpu" / f"{age}.nbc"
        path.write_bytes(bytes(100))
        os.utime(path, (1000 - age, 1000 - age))
    cache._trim()
    left = sorted(int(path.stem) for path in (tmp_path / "cpu").iterdir())
    assert left == [0, 1, 2, 3, 4], "the youngest stay"


def test_the_command_shows_and_clears(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: Any) -> None:
    monkeypatch.setenv("HOTPLUG_CACHE_DIR", str(tmp_path))
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu" / "kernel.nbc").write_bytes(bytes(2**20))
    assert main(["cache"]) == 0
    assert "1.0 MiB of at most" in capsys.readouterr().out
    assert main(["cache", "clear"]) == 0
    assert "freed 1.0 MiB" in capsys.readouterr().out
    assert not (tmp_path / "cpu").exists()
    cache.folder.cache_clear()


def test_a_kernel_that_does_not_compile_is_numpys_with_one_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any, **__: Any) -> int:
        raise build.CompilationError("no such processor")

    x = hp.arange(100_000, dtype=hp.float32)
    with forced("compiled"):
        monkeypatch.setattr("hotplug.backends.cpu.compiled.map.task_of_text", fails)
        with pytest.warns(RuntimeWarning, match="map: its compiled kernel for cpu could not be made"):
            found = x * 5 + 0.25
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            again = x * 5 + 0.25
    goal = np.arange(100_000, dtype=np.float32) * 5 + np.float32(0.25)
    assert np.array_equal(found.numpy(), goal)
    assert np.array_equal(again.numpy(), goal)


def test_several_python_threads_share_the_pool() -> None:
    x = hp.arange(300_000, dtype=hp.float32)
    goal, wrong = (x * 2 + 1).numpy().copy(), []

    def work() -> None:
        for _ in range(20):
            if not np.array_equal((x * 2 + 1).numpy(), goal):
                wrong.append(threading.get_ident())  # noqa: PERF401  (at once, so that what follows sees it)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert not wrong


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_child_uses_the_pool(tmp_path: Path) -> None:
    program = """
import os, warnings
warnings.simplefilter("ignore")  # Python's own, of forking with threads
import hotplug as hp
x = hp.arange(300_000, dtype=hp.float32)
y = (x * 2 + 1).sum().item()
child = os.fork()
if child == 0:
    os._exit(0 if (x * 2 + 1).sum().item() == y else 3)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), (x * 2 + 1).sum().item() == y)
"""
    assert run(program, tmp_path) == "0 True"


def test_numba_is_imported_by_large_calls_only(filled: Path) -> None:
    program = """
import sys
import hotplug as hp
x = hp.randn(32, 64)
(hp.nn.Linear(64, 10)(x).softmax(-1).sum() * 2).item()
print("numba" in sys.modules)
"""
    assert run(program, filled) == "False"
