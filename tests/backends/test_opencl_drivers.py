"""Three OpenCL implementations: what PoCL passes in full, Intel's runtime and Oclgrind pass at a sample."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest
from devices import needed
from opencl_drivers import driver, output

FULL: Final = os.environ.get("HOTPLUG_FULL_CONFORMANCE") == "1"
CHECKS: Final = {
    "oclgrind, families": "oclgrind --level 1",
    "oclgrind, ops": "oclgrind --level 3 --kernels 1000 --sample 24",
    "oclgrind, as a GPU": "oclgrind --level 2 --kernels 40 --sample 1000 --profile gpu",
    "intel": "intel --level 3 --kernels 6 --sample 64",
    "apple's profile": "pocl --level 3 --kernels 6 --sample 64 --profile apple",
}
"""Samples that take a minute and a half at most; the full form leaves the sampling out."""


@pytest.mark.timeout(3600 if FULL else 900)
@pytest.mark.parametrize("check", CHECKS)
def test_conforms(check: str, tmp_path: Path) -> None:
    arguments = CHECKS[check].split()
    driver(arguments[0], tmp_path)
    if FULL:
        sampling = {at for at, word in enumerate(arguments) if word in ("--kernels", "--sample")}
        arguments = [word for at, word in enumerate(arguments) if at not in sampling and at - 1 not in sampling]
    command = [sys.executable, "-m", "hotplug.backends.opencl.check", *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr[-2000:]
    assert " 0 wrong; " in ended.stdout


PLANTED = """
import sys
import pyopencl as cl
from hotplug.backends.opencl import backend, checking

TEXT = '''
kernel void behind(global uchar *p, ulong n, global uchar *none) { if (p[n] == 77) none[0] = 1; }
kernel void race(global uchar *p, ulong n, global uchar *none) { p[0] = get_global_id(0); }
kernel void harmless(global uchar *p, ulong n, global uchar *none) { if (p[n - 1] == 77) none[n - 1] = 77; }
'''
right = backend.FAMILIES["gather"]

def wrong(device, key):
    kernel, more = right(device, key), cl.Kernel(device.built("planted", TEXT), WHICH)
    def call(outs, inputs, scalars):
        spare = device.allocate(outs[0].storage.nbytes)
        target = spare if WHICH == "race" else outs[0].storage.buffer
        more(device.queue, (2,), (1,), target.memory, cl.cltypes.ulong(outs[0].storage.nbytes), spare.memory)
        kernel(outs, inputs, scalars)
    return call

backend.FAMILIES["gather"] = wrong
sys.argv = ["check", "oclgrind", "--level", "1", "--op", "gather", "--kernels", "12"]
status = checking.main()
print("status", status)
"""
"""Adds a kernel to ``gather``; all results stay right."""


@pytest.mark.parametrize(
    ("which", "report"), [("behind", "Invalid read of size 1"), ("race", "data race"), ("harmless", "")]
)
def test_the_simulator_reports_what_results_do_not_show(which: str, report: str, tmp_path: Path) -> None:
    printed = output(f"WHICH = {which!r}\n{PLANTED}", driver("oclgrind", tmp_path))
    assert printed.endswith(f"status {int(bool(report))}"), printed
    assert ("FAILED level1-gather" in printed) == bool(report)
    assert report in printed


LAYER = """
import sys
import hotplug as hp
order = sys.argv[1:] or ORDER
for name in order:
    if name == "cpu":
        x = hp.rand(300, 300)
        (x.exp() @ x).sum().item()
    else:
        assert hp.ones(3, device=name).sum().item() == 3
import numba
print(numba.threading_layer())
"""


def test_the_layer_of_threads_does_not_depend_on_which_driver_comes_first(tmp_path: Path) -> None:
    """Intel's runtime brings a thread pool that Numba would take instead of its own."""
    environment = driver("intel", tmp_path)
    orders = (["cpu"], ["opencl:intel", "cpu"], ["cpu", "opencl:intel", "cpu"])
    found = {output(f"ORDER = {order}\n{LAYER}", environment | {"HOTPLUG_CPU_TIER": "compiled"}) for order in orders}
    assert len(found) == 1, found


def test_others_do_not_displace_pocl() -> None:
    runtime = needed("opencl:0")
    if os.environ.get("OCL_ICD_VENDORS") is None:
        assert runtime.backend.devices()[0].details["type"] != "simulator"


def test_names_select_drivers(tmp_path: Path) -> None:
    environment = driver("intel", tmp_path)
    folder = str(tmp_path)  # all that the loader finds, and Intel's driver in this folder
    program = """
import hotplug as hp
names = [str(each) for each in hp.devices() if each.type == "opencl"]
found = {words: str(hp.device(f"opencl:{words}")) for words in ("intel", "portable", "simulator")}
assert len(set(found.values())) == 3 and set(found.values()) <= set(names), (found, names)
assert found["simulator"] == names[-1]
try:
    hp.ones(1, device="opencl:cpu")
except hp.errors.DeviceError as error:
    print(error)
"""
    driver("oclgrind", tmp_path)
    driver("pocl", tmp_path)
    printed = output(program, environment | {"OCL_ICD_VENDORS": folder})
    assert printed.startswith("device 'opencl:cpu': 2 devices fit; there are opencl:0 (")
    assert printed.count("opencl:") == 4
    assert printed.endswith("name one by its index")
