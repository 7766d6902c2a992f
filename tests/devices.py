"""Devices that a computer may lack: a test that needs one is skipped without it, or fails where it must be there."""

from __future__ import annotations

import os
from typing import Final

import pytest

from hotplug.errors import HotplugError
from hotplug.runtime import Runtime, resolve_runtime

ALL: Final = ("cpu", "numpy", "minimal", "opencl:0", "jax:0")
"""Every device that Hotplug and its example plugins bring to a computer without a GPU."""


def needed(device: str) -> Runtime:
    """The Runtime of a device.  Without it the calling test is skipped; where the variable ``HOTPLUG_REQUIRE_OPENCL``,
    ``HOTPLUG_REQUIRE_JAX`` or ``HOTPLUG_REQUIRE_MINIMAL`` is 1, it fails.
    """
    try:
        return resolve_runtime(device)
    except HotplugError as error:
        name = device.partition(":")[0]
        if os.environ.get(f"HOTPLUG_REQUIRE_{name.upper()}") == "1" or name in ("cpu", "numpy"):
            raise
        pytest.skip(f"needs the device {device}: {error}")
