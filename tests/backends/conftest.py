"""What the tests of the backends share: the OpenCL device, or the reason why there is none."""

from __future__ import annotations

import os

import pytest

from hotplug.errors import HotplugError
from hotplug.runtime import Runtime, runtime_of


@pytest.fixture(scope="session")
def opencl() -> Runtime:
    """The device ``opencl:0``.  Without one a test is skipped; where ``HOTPLUG_REQUIRE_OPENCL=1``, it fails."""
    try:
        return runtime_of("opencl", 0)
    except HotplugError as error:
        if os.environ.get("HOTPLUG_REQUIRE_OPENCL") == "1":
            raise
        pytest.skip(f"no OpenCL device: {error}")


@pytest.fixture(scope="session")
def reference() -> Runtime:
    """The device ``numpy``."""
    return runtime_of("numpy", 0)
