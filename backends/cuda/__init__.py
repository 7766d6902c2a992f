"""The device ``cuda``: NVIDIA GPUs through CuPy, and ``cuda-emulated``, the same kernels run by the processor."""

from __future__ import annotations

from typing import Any


def __getattr__(name: str) -> Any:
    """PyTorch's switches, ``hotplug.backends.cuda.matmul`` and the others."""
    from hotplug.backends import cuda_switches

    if name.startswith("_") or not hasattr(cuda_switches, name):
        raise AttributeError(f"module 'hotplug.backends.cuda' has no attribute {name!r}")
    return getattr(cuda_switches, name)
