"""PyTorch's switches for its CUDA backend.  ``matmul.allow_tf32`` and ``cufft_plan_cache`` are obeyed by the device ``cuda``;
the others are accepted and without effect: kernels are chosen by key and size.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, Final, final

matmul: Final = SimpleNamespace(
    allow_tf32=False, allow_fp16_reduced_precision_reduction=True, allow_bf16_reduced_precision_reduction=True,
    fp32_precision="none",
)  # fmt: skip
"""What PyTorch allows of products: but for ``allow_tf32``, they are computed as precisely as ever."""


@final
class PlanCache:
    """PyTorch's ``cufft_plan_cache``: the plans that the device ``cuda`` keeps for Fourier transforms."""

    max_size = 64
    """How many are kept for a device."""

    @property
    def size(self) -> int:
        """How many there are, on all devices."""
        from hotplug.backends.cuda import fourier

        return fourier.kept()

    def clear(self) -> None:
        """Drop all of them."""
        from hotplug.backends.cuda import fourier

        fourier.clear()

    def __getitem__(self, device: Any) -> PlanCache:
        """The same for every device."""
        del device
        return self


cufft_plan_cache: Final = PlanCache()

_ENABLED: Final = {"flash": True, "mem_efficient": True, "math": True, "cudnn": True}


def is_built() -> bool:
    """Whether ``hotplug.cuda`` finds a device: nothing has to be built."""
    from hotplug import cuda

    return cuda.is_available()


def _switch(kind: str) -> tuple[Any, Any]:
    def enable(enabled: bool) -> None:
        _ENABLED[kind] = bool(enabled)

    def is_enabled() -> bool:
        return _ENABLED[kind]

    enable.__doc__ = f"Accepted: whether {kind} attention may be used."
    is_enabled.__doc__ = f"What was said of {kind} attention."
    return enable, is_enabled


enable_flash_sdp, flash_sdp_enabled = _switch("flash")
enable_mem_efficient_sdp, mem_efficient_sdp_enabled = _switch("mem_efficient")
enable_math_sdp, math_sdp_enabled = _switch("math")
enable_cudnn_sdp, cudnn_sdp_enabled = _switch("cudnn")


@contextlib.contextmanager
def sdp_kernel(
    enable_flash: bool = True, enable_math: bool = True, enable_mem_efficient: bool = True, enable_cudnn: bool = True
) -> Iterator[None]:
    """The switches for a block."""
    before = dict(_ENABLED)
    _ENABLED.update(flash=enable_flash, math=enable_math, mem_efficient=enable_mem_efficient, cudnn=enable_cudnn)
    try:
        yield
    finally:
        _ENABLED.update(before)


def preferred_linalg_library(backend: str | None = None) -> str:
    """Accepted: decompositions are composites, or a backend's own."""
    return backend or "default"
