"""What the tests of the CUDA backend share: the emulated device, and NVRTC; both may be missing, except in CI."""

from __future__ import annotations

import os
from typing import Any

import pytest
from devices import needed

from hotplug.runtime import Runtime

REQUIRED = os.environ.get("HOTPLUG_REQUIRE_CUDA_EMULATOR") == "1"


@pytest.fixture(scope="session")
def emulated(tmp_path_factory: pytest.TempPathFactory) -> Runtime:
    """The device ``cuda-emulated:0``, where there is a C++ compiler."""
    if REQUIRED:
        from hotplug.runtime import resolve_runtime

        return resolve_runtime("cuda-emulated:0")
    return needed("cuda-emulated:0")


@pytest.fixture(scope="session")
def nvrtc() -> Any:
    """CuPy's binding of NVRTC, where it is installed with its library."""
    try:
        from cupy.cuda import nvrtc

        nvrtc.getVersion()
    except Exception as error:  # whatever an incomplete installation raises
        if REQUIRED:
            raise
        pytest.skip(f"needs cupy and nvidia-cuda-nvrtc: {error}")
    return nvrtc
