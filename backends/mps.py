"""PyTorch's questions about its backend for Apple's GPUs, which Hotplug reaches through the device ``opencl``."""

from __future__ import annotations


def is_available() -> bool:
    """Never: use ``opencl``."""
    return False


def is_built() -> bool:
    """Never: use ``opencl``."""
    return False
