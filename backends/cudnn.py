"""PyTorch's switches for cuDNN, which the device ``cuda`` uses for convolution where NVIDIA's frontend is installed.

``enabled`` and ``allow_tf32`` are obeyed.  The others are accepted and without effect: engines are always chosen by cuDNN's
heuristics, and only among those that give the same bits each time.
"""

from __future__ import annotations

enabled = True
"""Whether cuDNN may be used; otherwise convolutions are computed by kernels of our own."""
benchmark = False
benchmark_limit = 10
deterministic = False
allow_tf32 = False
"""Whether float32 convolutions may round their operands to ten bits of fraction."""


def is_available() -> bool:
    """Whether cuDNN and its frontend are installed and not switched off."""
    return version() is not None


def version() -> int | None:
    """The version of cuDNN, as one number; ``None`` without it."""
    from hotplug.backends.cuda import libraries

    found = libraries.load("cudnn") if libraries.allowed("cudnn") else None
    return None if found is None else int(found.backend_version())
