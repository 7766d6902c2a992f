"""PyTorch's questions about oneDNN, which Hotplug does not use."""

from __future__ import annotations

enabled = False


def is_available() -> bool:
    """Never: Hotplug does not use it."""
    return False
