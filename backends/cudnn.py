"""PyTorch's switches for cuDNN: accepted and without effect.  Hotplug's backends choose their kernels by key and size."""

from __future__ import annotations

enabled = False
benchmark = False
benchmark_limit = 10
deterministic = False
allow_tf32 = False


def is_available() -> bool:
    """Never: Hotplug does not use it."""
    return False


def version() -> int | None:
    """None: Hotplug does not use it."""
    return None
