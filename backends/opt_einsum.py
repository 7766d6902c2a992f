"""PyTorch's switches for opt_einsum: accepted; einsum contracts in the order of its own."""

from __future__ import annotations

enabled = False
strategy: str | None = None


def is_available() -> bool:
    """Never: Hotplug does not use it."""
    return False
