"""What the tests of the backends share: the devices."""

from __future__ import annotations

import pytest
from devices import needed

from hotplug.runtime import Runtime, runtime_of


@pytest.fixture(scope="session")
def opencl() -> Runtime:
    """The device ``opencl:0``, where there is one."""
    return needed("opencl:0")


@pytest.fixture(scope="session")
def reference() -> Runtime:
    """The device ``numpy``."""
    return runtime_of("numpy", 0)
