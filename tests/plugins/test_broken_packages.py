"""Packages that break in every way, installed side by side: one process in which everything else works on."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from fake_backend import install, plugin_source
from layout import ROOT

BACKEND = """
from hotplug.backend import Array
from fake_backend import FakeBackend as Whole

def fail(*_):
    raise RuntimeError({trouble!r})

def FakeBackend(name):
    made = Whole(name)
    made.{method} = {function}
    return made
"""
BROKEN = {
    "importing": ("raise OSError('no licence')", "plugin 'importing' of hotplug-importing 0.3 failed to load"),
    "listing": (
        "devices = fail",
        "device 'listing' is unavailable: RuntimeError: trouble of listing; install the driver",
    ),
    "describing": ("capabilities = fail", "capabilities of backend 'describing' raised RuntimeError"),
    "resolving": ("resolve = fail", "resolve of backend 'resolving' raised RuntimeError('trouble of resolving')"),
    "running": ("resolve = lambda *_: fail", "a kernel of backend 'running' raised RuntimeError('trouble of running')"),
    "returning": (
        "resolve = lambda *_: lambda outs, inputs, scalars: [0.0]",
        "a kernel of backend 'returning' returned a list; a kernel writes into its outs, in their dtypes",
    ),
    "allocating": (
        "allocate = fail",
        "allocate of backend 'allocating:0' raised RuntimeError('trouble of allocating')",
    ),
}
"""What is wrong with the package named so, and what is said when its device is used."""

PROGRAM = """
import sys
import hotplug as hp
for name in sys.argv[1:]:
    try:
        hp.ones(2, device=name)
    except hp.errors.HotplugError as error:
        print(name, "|", " ".join(str(error).split()))
    x = hp.ones(2, device="cpu", requires_grad=True)
    (x * 2).sum().backward()
    assert x.grad.tolist() == [2, 2]
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The packages on the path of new processes."""
    site = tmp_path_factory.mktemp("site")
    for name, (fault, _) in BROKEN.items():
        source = fault
        if name != "importing":
            method, _, function = fault.partition(" = ")
            plain = plugin_source(name).replace("from fake_backend import FakeBackend\n", "")
            source = BACKEND.format(trouble=f"trouble of {name}", method=method, function=function) + plain
        install(site, f"hotplug-{name}", f"vendor_{name}", source, entry=name)
    return os.environ | {"PYTHONPATH": os.pathsep.join((str(site), str(ROOT / "tests")))}


def output(environment: dict[str, str], folder: Path, *command: str) -> str:
    """What a command that must succeed prints."""
    ended = subprocess.run(
        [sys.executable, *command], capture_output=True, text=True, check=False, env=environment, cwd=folder
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_each_is_named_when_it_is_used(environment: dict[str, str], tmp_path: Path) -> None:
    printed = output(environment, tmp_path, "-c", PROGRAM, *BROKEN)
    lines = dict(line.split(" | ", 1) for line in printed.splitlines())
    assert lines.keys() == BROKEN.keys()
    for name, (_, message) in BROKEN.items():
        assert message in lines[name], lines[name]


def test_the_list_of_devices_shows_them_and_the_others(environment: dict[str, str], tmp_path: Path) -> None:
    printed = output(environment, tmp_path, "-m", "hotplug.cli", "devices")
    there, _, missing = printed.partition("Unavailable:")
    assert {"cpu", "numpy"} <= {line.partition(" ")[0] for line in there.splitlines()}
    for name in ("importing", "listing", "describing"):
        assert f"  {name} (hotplug-{name} 0.3): " in missing
    assert "OSError('no licence')" in missing
    assert "install the driver of listing" in missing
