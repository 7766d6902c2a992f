"""Profiles: a device that can do less says so, and refuses the text of a kernel that uses more."""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import Any

import pytest
from devices import needed
from opencl_drivers import output

from hotplug.backends.opencl import hardware, profile
from hotplug.backends.opencl.device import Device, Groups
from hotplug.errors import CapabilityError, DeviceError
from hotplug.runtime import Runtime

APPLE = profile.PROFILES["apple"]

REFUSED = {
    "kernel void f(global double *a) {}": "double precision",
    "#pragma OPENCL EXTENSION cl_khr_fp64 : enable": "double precision",
    "kernel void f(global double2 *a) {}": "double precision",
    "kernel void f(global float *a) { a[0] = a[0] * 2.5; }": "a constant in double precision",
    "kernel void f(global float *a) { a[0] = a[0] * 1e-3; }": "a constant in double precision",
    "#pragma OPENCL EXTENSION cl_khr_fp16 : enable": "half precision in arithmetic",
    "kernel void f(global long *a) { atom_add(a, 1L); }": "64-bit atomics",
    "#pragma OPENCL EXTENSION cl_khr_int64_base_atomics : enable": "64-bit atomics",
    "kernel void f(global int *a) { atomic_fetch_add(a, 1); }": "OpenCL 2",
    "kernel void f(global int *a) { a[0] = work_group_reduce_add(a[1]); }": "OpenCL 2",
    "kernel void f(global int *a) { a[0] = sub_group_reduce_add(a[1]); }": "subgroups",
    "__attribute__((reqd_work_group_size(64, 8, 1))) kernel void f() {}": "work-groups of 64 x 8 x 1",
}

TAKEN = """
// a double, and 2.5 in a comment
/* double */
__attribute__((reqd_work_group_size(16, 16, 1)))
kernel void f(global const half *h, volatile global int *a, global float *x, long n) {
    x[0] = vload_half(0, h) * 2.5f + 1e-3f + .5f + 0x1.8p3f + 1.0e+2F;
    atomic_add(a, 1); atomic_cmpxchg(a, 0, 1);
    int doubled = 1; float v2 = x[1]; n += 10L + (1 << 3);
}
"""


@pytest.fixture
def apple(opencl: Runtime) -> Device:
    """The hardware of ``opencl:0`` once more, under the profile."""
    found: Any = opencl.backend
    return Device(0, profile.Restricted(profile.real(found.device(0).handle), APPLE))


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_refused(apple: Device, text: str) -> None:
    with pytest.raises(CapabilityError, match=r"silly(:| on) .*") as caught:
        apple.built("silly", text)
    assert REFUSED[text] in str(caught.value) or "has no float64" in str(caught.value)


def test_what_is_taken(apple: Device) -> None:
    assert apple.built("fine", TAKEN) is apple.built("fine", TAKEN)


def test_local_memory_is_counted(apple: Device) -> None:
    text = "kernel void f(global float *a) {{ local float l[{}]; l[get_local_id(0)] = a[0]; barrier(1); a[1] = l[0]; }}"
    apple.built("enough", text.format(8192))
    with pytest.raises(CapabilityError, match="under the profile 'apple': a kernel uses 32772 bytes of local memory"):
        apple.built("too much", text.format(8193))


def test_work_groups_are_limited(apple: Device, opencl: Runtime) -> None:
    apple.check_group("fine", 256)
    with pytest.raises(CapabilityError, match="in work-groups of 257, of at most 256"):
        apple.check_group("silly", 257)
    assert max(*Groups(*apple.light)[:2], *apple.heavy[:2], *apple.tiles[:2]) <= 256


def test_what_a_device_says_of_itself(apple: Device) -> None:
    handle = apple.handle
    assert (handle.max_work_group_size, handle.local_mem_size) == (256, 32768)
    assert handle.name == profile.real(handle).name
    assert not any(each.startswith(("cl_khr_fp", "cl_khr_int64")) for each in handle.extensions.split())
    assert not apple.has_double
    assert not apple.is_processor
    found = {each.name for each in apple.capabilities.storage - apple.capabilities.arithmetic}
    assert found == {"float64", "complex128"}
    assert hardware.describe(0, handle).details["profile"] == "apple"


def test_the_profile_gpu_withholds_nothing(opencl: Runtime) -> None:
    found: Any = opencl.backend
    real = profile.real(found.device(0).handle)
    device = Device(0, profile.Restricted(real, profile.PROFILES["gpu"]))
    assert not device.is_processor
    assert device.work_group == real.max_work_group_size
    device.built("fine", "kernel void f(global float *a) { a[0] *= 2.5; }")


def test_named_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    handle = SimpleNamespace(max_work_group_size=1024, max_work_item_sizes=[1024], local_mem_size=1 << 20,
                             extensions="cl_khr_fp64 other", version="OpenCL 3.0 x")  # fmt: skip
    monkeypatch.setenv(profile.VARIABLE, "")
    assert profile.applied(handle) is handle
    monkeypatch.setenv(profile.VARIABLE, "Apple")
    assert profile.of(profile.applied(handle)) is APPLE
    monkeypatch.setenv(profile.VARIABLE, "pear")
    with pytest.raises(
        DeviceError, match="HOTPLUG_OPENCL_PROFILE=pear: there is no such profile; expected apple or gpu"
    ):
        profile.applied(handle)


PROGRAM = """
import hotplug as hp
x = hp.rand(8, 8, device="opencl", dtype=hp.float16)
assert (x @ x).softmax(1).sum().dtype is hp.float16
wide = hp.tensor([1.5, 2.5], dtype=hp.float64).to("opencl")
print(wide.tolist())
try:
    wide + wide
except hp.errors.CapabilityError as error:
    print(error)
"""


RUNNING = """
import numpy as np
import hotplug as hp
tenths = np.full(70001, 0.1, np.float32)
exact = np.cumsum(tenths.astype(np.float64))
x = hp.tensor(tenths, device="opencl")
assert (abs(x.cumsum(0).numpy(force=True) - exact) <= 2e-7 * exact).all()
assert abs(x.sum().item() - exact[-1]) <= 5e-7 * exact[-1]
special = hp.tensor([1.0, float("inf"), 2.0, -float("inf"), 3.0], device="opencl").cumsum(0)
print(special.tolist())
"""


def test_sums_are_accurate_without_double_precision() -> None:
    needed("opencl:0")
    assert output(RUNNING, os.environ | {profile.VARIABLE: "apple"}) == "[1.0, inf, inf, nan, nan]"


def test_float64_is_held_and_not_computed() -> None:
    needed("opencl:0")
    first, second = output(PROGRAM, os.environ | {profile.VARIABLE: "apple"}).splitlines()
    assert first == "[1.5, 2.5]"
    assert second.startswith("map on opencl:0: the device does not support float64; convert with .to() to one of ")
