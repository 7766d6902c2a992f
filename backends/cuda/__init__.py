"""The device ``cuda``: NVIDIA GPUs through CuPy, and ``cuda-emulated``, the same kernels run by the processor."""
