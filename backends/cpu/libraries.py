"""LAPACK and FFT for whole composites: the reference's kernels, with the library's threads held to one.

Threads of the library would wait for the pool's by spinning: a QR decomposition of 800 columns took twenty times as long.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, Final

from hotplug.backend import Array, Kernel, OpKey
from hotplug.backends.cpu.compiled.extra import installed
from hotplug.backends.numpy import families

_LEAST: Final = 4096
"""Elements up to which the library uses one thread anyhow."""


@cache
def _controller() -> Any:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def kernel(key: OpKey) -> Kernel | None:
    """The reference's kernel for a family or composite that no module of this backend has."""
    found = families.kernel(key)
    if found is None or key.name in families.FAMILIES or not installed():
        return found
    library = found

    def alone(outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any]) -> None:
        if inputs[0].layout.numel < _LEAST:
            library(outs, inputs, scalars)
            return
        with _controller().limit(limits=1, user_api="blas"):
            library(outs, inputs, scalars)

    return alone
