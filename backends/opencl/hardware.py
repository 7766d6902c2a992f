"""Finding the OpenCL devices of this computer, and what each can do."""

from __future__ import annotations

import os
from typing import Any, Final

import pyopencl as cl

from hotplug.backend import Capabilities, DeviceInfo, dtypes
from hotplug.backends.opencl import profile
from hotplug.errors import DeviceError

ATOMIC: Final = os.environ.get("HOTPLUG_OPENCL_SCATTER", "") == "atomic"
"""Whether a sum by scatter may depend on the order in which work-items come."""
_NEEDS_DOUBLE: Final = frozenset({dtypes.float64, dtypes.complex128})
_KINDS: Final = (
    (cl.device_type.GPU, "GPU"),
    (cl.device_type.ACCELERATOR, "accelerator"),
    (cl.device_type.CPU, "CPU"),
)
"""In the order of preference: the first device should be the fastest."""


def find() -> list[Any]:
    """Every usable device of every platform: GPUs first, then by the platforms' names, then in the driver's order.

    Raises:
        DeviceError: there is none; the message says why.
    """
    try:
        platforms = cl.get_platforms()
    except (cl.Error, RuntimeError) as error:
        raise DeviceError(f"the OpenCL loader found no driver ({_first_line(error)}){_vendors()}") from error
    problems: list[str] = []
    found = [entry for platform in platforms for entry in _of_platform(platform, problems)]
    if not found:
        reasons = "; ".join(problems) or "no platform has a device"
        raise DeviceError(f"no usable OpenCL device: {reasons}{_vendors()}")
    return [profile.applied(device) for _, device in sorted(found, key=lambda entry: entry[0])]


def _of_platform(platform: Any, problems: list[str]) -> list[tuple[tuple[Any, ...], Any]]:
    """The devices of one platform with a key to sort them; what is wrong with the others is added to ``problems``."""
    name = "a platform"
    result = []
    try:
        name = platform.name.strip()
        for position, device in enumerate(platform.get_devices()):
            lacking = _lacking(device)
            if lacking:
                problems.append(f"{device.name.strip()} of {name!r} {lacking}")
                continue
            result.append(((_rank(device), name, platform.version, position), device))
    except cl.Error as error:  # one broken driver must not hide the others
        problems.append(f"platform {name!r} failed to list its devices ({_first_line(error)})")
    return result


def _lacking(device: Any) -> str:
    """What a device lacks that every kernel needs; empty if nothing."""
    if not device.available or not device.compiler_available:
        return "is not available, or has no compiler"
    if "EMBEDDED" in device.profile and "cles_khr_int64" not in device.extensions:
        return "has no 64-bit integers (embedded profile)"
    return ""


def _rank(device: Any) -> int:
    if is_simulator(device):
        return len(_KINDS) + 1
    return next((rank for rank, (kind, _) in enumerate(_KINDS) if device.type & kind), len(_KINDS))


def is_simulator(device: Any) -> bool:
    """Whether a program interprets the kernels, to find faults in them; it has every type there is, and is very slow."""
    return "simulator" in device.name.lower()


def is_processor(device: Any) -> bool:
    """Whether kernels are chosen for work-items that run one after the other on the cores of a processor."""
    return bool(device.type & cl.device_type.CPU) and profile.of(device) is None


def _vendors() -> str:
    """A note on the variable that makes the loader look elsewhere, where it is set."""
    folder = os.environ.get("OCL_ICD_VENDORS")
    return f"; it looked where OCL_ICD_VENDORS says, in {folder!r}" if folder else ""


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)


def describe(index: int, device: Any) -> DeviceInfo:
    """What a person wants to know of a device."""
    kind = "simulator" if is_simulator(device) else next((name for mask, name in _KINDS if device.type & mask), "other")
    details = {
        "type": kind,
        "platform": device.platform.name.strip(),
        "driver": device.driver_version.strip(),
        "version": device.version.strip(),
        "compute units": str(device.max_compute_units),
    }
    restriction = profile.of(device)
    if restriction is not None:
        details["profile"] = restriction.name
    return DeviceInfo(index, device.name.strip(), int(device.global_mem_size), details)


def has_double(device: Any) -> bool:
    """Whether kernels can compute in double precision."""
    return "cl_khr_fp64" in device.extensions.split() or bool(device.double_fp_config)


def capabilities(device: Any) -> Capabilities:
    """What a device can do.  Every dtype can be held; the half types are computed as float32 by our own kernels."""
    missing: frozenset[Any] = frozenset() if has_double(device) else _NEEDS_DOUBLE
    return Capabilities(
        arithmetic=frozenset(dtypes.ALL) - missing,
        index64=device.address_bits == 64,
        asynchronous=True,
        float_atomics=False,  # OpenCL 1.2 has none; scatter needs none
        deterministic_scatter=not ATOMIC,
        denormals=bool(device.single_fp_config & cl.device_fp_config.DENORM),
    )
