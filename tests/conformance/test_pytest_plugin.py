"""The suite under pytest, as in a plugin's own CI: every level, in worker processes too."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


def suite(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the suite in a folder of its own, without this repository's settings."""
    command = [sys.executable, "-m", "pytest", "-p", "hotplug.conformance.pytest_plugin", "-p", "no:cacheprovider"]
    command += ["--pyargs", "hotplug.conformance", "-q", "--rootdir", str(folder), *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=250)


def test_level_4_in_workers(tmp_path: Path) -> None:
    pytest.importorskip("xdist", reason="the workers are those of pytest-xdist")
    ended = suite(tmp_path, "--device", "numpy", "--device", "minimal", "--conformance-op", "devices", "-n", "2")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "8 passed" in ended.stdout


def test_all_levels_are_collected(tmp_path: Path) -> None:
    ended = suite(tmp_path, "--device", "numpy", "--collect-only")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    for level in range(5):
        assert f"[numpy-level{level}-" in ended.stdout


def test_ctrl_c_reaches_the_case_and_not_the_session(tmp_path: Path) -> None:
    ended = suite(tmp_path, "--device", "numpy", "--conformance-op", "faults", "-k", "interrupt")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "5 passed" in ended.stdout
    assert "KeyboardInterrupt" not in ended.stdout
