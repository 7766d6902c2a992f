"""A computer without OpenCL, or with half of it: the error says what is missing, and all other devices work on."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from devices import needed

WORKS_ON = """
import hotplug as hp
from hotplug.plugins import registry
rows = {row.device: row.problem for row in registry.report()}
for device in ("cpu", "numpy", "minimal"):
    if device in rows:
        assert not rows[device], rows
        assert (hp.ones(2, device=device) + 1).tolist() == [2, 2]
assert not [name for name in rows if name.startswith("opencl:")], rows
for attempt in range(2):
    try:
        hp.ones(2, device="opencl")
    except hp.errors.DeviceError as error:
        assert rows["opencl"] in str(error), (rows["opencl"], str(error))
        message = str(error)
    else:
        raise AssertionError("there is no OpenCL")
x = hp.ones(2, requires_grad=True)
(x * 3).sum().backward()
assert x.grad.tolist() == [3, 3]
print(message)
"""
"""Prints the message of the device; fails where anything else does not work."""


def message_of(program: str, **environment: str) -> str:
    """What a new process says of the device ``opencl``."""
    ended = subprocess.run(
        [sys.executable, "-c", program + WORKS_ON], capture_output=True, text=True, check=False,
        env=os.environ | environment,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.strip()


def installed(folder: Path, text: str) -> str:
    """A PYTHONPATH on which ``pyopencl`` is this module."""
    (folder / "pyopencl.py").write_text(text)
    return str(folder)


def test_without_pyopencl() -> None:
    found = message_of("import sys; sys.modules['pyopencl'] = None")
    assert found.startswith("device 'opencl' is unavailable: ModuleNotFoundError: ")
    assert 'pip install "hotplug[opencl]"' in found


def test_without_a_loader(tmp_path: Path) -> None:
    text = "raise ImportError('libOpenCL.so.1: cannot open shared object file: No such file or directory')\n"
    found = message_of("", PYTHONPATH=installed(tmp_path, text))
    assert found.startswith(
        "device 'opencl' is unavailable: ImportError: libOpenCL.so.1: cannot open shared object file"
    )
    assert "the OpenCL driver of your hardware" in found
    assert 'pip install "hotplug[opencl-cpu]"' in found


def test_without_a_platform(tmp_path: Path) -> None:
    """The loader looks at one driver's file only, which is not there."""
    needed("opencl:0")
    nowhere = str(tmp_path / "none.icd")
    found = message_of("", OCL_ICD_VENDORS=nowhere)
    assert found.startswith("device 'opencl' is unavailable: ")
    assert "the OpenCL loader found no driver" in found
    assert f"OCL_ICD_VENDORS says, in {nowhere!r}" in found
    assert 'pip install "hotplug[opencl-cpu]"' in found


PLATFORMS = """
import pyopencl as cl
class Platform:
    name = "Half a driver"
    version = "1"
    def get_devices(self):
        {}
cl.get_platforms = lambda: [Platform()]
"""


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("return []", "no usable OpenCL device: no platform has a device"),
        ("raise cl.LogicError('clGetDeviceIDs', -1)", "platform 'Half a driver' failed to list its devices"),
    ],
)
def test_platforms_without_a_device(answer: str, reason: str) -> None:
    needed("opencl:0")
    found = message_of(PLATFORMS.format(answer))
    assert reason in found, found
