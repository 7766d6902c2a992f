"""OpenCL drivers that a computer may lack: a test that needs one is skipped without it, or fails where it must be there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hotplug.backends.opencl.check import environment
from hotplug.errors import HotplugError


def driver(name: str, folder: Path, profile: str = "") -> dict[str, str]:
    """The environment for a process that uses a driver.  Without the driver the calling test is skipped; where
    ``HOTPLUG_REQUIRE_OPENCL_DRIVERS`` is 1, it fails.
    """
    try:
        return os.environ | environment(name, folder, profile)
    except HotplugError as error:
        if os.environ.get("HOTPLUG_REQUIRE_OPENCL_DRIVERS") == "1":
            raise
        pytest.skip(f"needs the OpenCL driver {name}: {error}")


def output(program: str, environment: dict[str, str]) -> str:
    """What a new process prints that runs a program; it must end well."""
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, env=environment
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout.strip()
