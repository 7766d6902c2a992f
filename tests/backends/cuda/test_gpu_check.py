"""``scripts/gpu_check`` runs from end to end: on the emulated device, at tiny sizes."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hotplug.runtime import Runtime

ROOT = Path(__file__).resolve().parents[3]
WORK = (
    "copy", "a * 2", "a + b", "matmul 16, float32", "matmul 16, bfloat16", "softmax", "layer_norm", "attention", "GPT-2 124M",
)  # fmt: skip
"""What the goals of speed are about."""


@pytest.fixture(scope="module")
def check() -> Any:
    """The script's module."""
    spec = importlib.util.spec_from_file_location("gpu_check", ROOT / "benchmarks" / "gpu.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["gpu_check"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_whole_check(emulated: Runtime, tmp_path: Path) -> None:
    pytest.importorskip("sklearn", reason="the digits are scikit-learn's")
    place = tmp_path / "report.md"
    command = [sys.executable, "benchmarks/gpu.py", "--device", "cuda-emulated:0", "--small", "--out", str(place)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, timeout=300)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    report = place.read_text()
    assert report == ended.stdout
    for title in ("# cuda-emulated:0", "## Conformance", "## Training on digits", "## Speed"):
        assert re.search(f"^{title}", report, re.MULTILINE)
    for name in WORK:
        assert re.search(rf"^\| {re.escape(name)}.* \| [\d.]+ \|", report, re.MULTILINE), name
    assert report.count("exit status 0,") == 2
    assert re.search(r"^Launch of `a \+ b` on 4 elements: [\d.]+ us", report, re.MULTILINE)
    assert re.search(r"^To the device [\d.]+ GB/s, from page-locked memory", report, re.MULTILINE)


def test_a_part_that_fails_does_not_stop_the_others(
    check: Any, emulated: Runtime, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(make: Any, size: Any) -> Iterator[Any]:
        raise RuntimeError("no such kernel")

    monkeypatch.setattr(check, "products", broken)
    monkeypatch.setattr(check, "rows_and_attention", lambda make, size: iter(()))
    monkeypatch.setattr(check, "steps", lambda make, size: iter(()))
    monkeypatch.setattr(check, "command", lambda title, *_: iter([f"## {title}", "exit status 0, 0 s"]))
    arguments = ["gpu.py", "--device", "cuda-emulated:0", "--small", "--out", str(tmp_path / "report.md")]
    monkeypatch.setattr(sys, "argv", arguments)
    assert check.main() == 1
    report = capsys.readouterr().out
    assert "| failed: broken: RuntimeError: no such kernel |" in report
    assert "| copy, 0 MiB |" in report
    assert "Launch of `a + b`" in report


def test_a_command_that_takes_too_long_is_ended(check: Any) -> None:
    lines = list(check.command("Slow", 0.5, "-c", "print('begun', flush=True); import time; time.sleep(60)"))
    assert lines[2].startswith("exit status none, ended after 0.5 s")
    assert "begun" in lines
