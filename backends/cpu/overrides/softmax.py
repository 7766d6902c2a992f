"""softmax and log_softmax."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from hotplug.backend import Array, Kernel, OpKey
from hotplug.backends.cpu.memory import address
from hotplug.backends.cpu.tiers import tiered
from hotplug.backends.numpy.memory import ndarray
from hotplug.backends.numpy.quiet import quiet

_LEAST: Final = 4096
"""Elements from which the compiled kernel is faster (measured: a call of it costs 5 us more than one of NumPy's)."""
_KINDS: Final = ("float32", "float64", "float16", "bfloat16")


def _small(logarithm: bool) -> Kernel:
    def kernel(outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any]) -> None:
        dim = scalars[0]
        x = ndarray(inputs[0])
        if x.dtype.itemsize == 2:
            x = x.astype(np.float32)
        shifted = x - x.max(dim, keepdims=True)
        power = np.exp(shifted)
        total = power.sum(dim, keepdims=True)
        ndarray(outs[0])[...] = shifted - np.log(total) if logarithm else power / total

    return quiet(kernel)


def _large(name: str, kind: str) -> Kernel:
    from hotplug.backends.cpu.compiled.build import task
    from hotplug.backends.cpu.compiled.pool import run

    code = task("softmax", name, kind)

    def kernel(outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any]) -> None:
        columns = inputs[0].layout.shape[-1]
        rows = inputs[0].layout.numel // columns
        run(code, (address(outs[0]), address(inputs[0]), columns), rows, max(1, 16384 // columns))

    return kernel


def _forward(key: OpKey) -> Kernel | None:
    kind = key.dtypes[0].name
    if kind not in _KINDS or key.layouts[1] != "contiguous":
        return None
    logarithm = key.name.startswith("log")
    small = _small(logarithm)
    # The dim is a number, which no key has: other dims than the last are NumPy's until a kernel walks columns.
    large = tiered(key.name, small, lambda: _large("log_softmax" if logarithm else "softmax", kind), _LEAST)

    def kernel(outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any]) -> None:
        (large if scalars[0] == len(inputs[0].layout.shape) - 1 else small)(outs, inputs, scalars)

    return kernel


OVERRIDES: Final[dict[str, Callable[[OpKey], Kernel | None]]] = {
    "softmax": _forward,
    "log_softmax": _forward,
}
