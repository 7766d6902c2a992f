"""For a backend that is being written: kernels of the seven families that borrow the reference, on the host.

``reference`` stands where a kernel is still missing.  It moves operands and results by the backend's own ``read`` and
``write``, so that it works with any kind of memory, and slowly.  A finished backend has none of it left.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hotplug.backend import Array, Backend, Kernel, OpKey

__all__ = ["reference"]

NDArray = np.ndarray[Any, Any]


def reference(backend: Backend, index: int, key: OpKey) -> Kernel:
    """The reference's kernel for the key of a required family, on the memory of another backend.

    It raises :class:`hotplug.errors.IndexRangeError` at once where an index is out of range, so a backend that uses it
    must not call itself asynchronous for gather and scatter alone.
    """
    from hotplug.backends.numpy.families import FAMILIES

    body = FAMILIES[key.name](key)

    def kernel(outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any], /) -> None:
        targets = [_fetch(backend, each) for each in outs]
        sources = [_fetch(backend, each)[1] for each in inputs]
        with np.errstate(all="ignore"):
            body([values for _, values in targets], sources, scalars)
        for array, (data, _) in zip(outs, targets, strict=True):
            backend.write(array.storage.buffer, array.byte_range()[0], memoryview(data))

    return kernel


def _fetch(backend: Backend, array: Array) -> tuple[bytearray, NDArray]:
    """The bytes from the first to the last element of an Array, and the elements among them.

    Of an output too: what lies between its elements is written back as it was.
    """
    low, high = array.byte_range()
    data = bytearray(backend.read(array.storage.buffer, low, high - low))
    layout = array.layout
    start = array.offset * layout.dtype.itemsize - low
    return data, np.ndarray(layout.shape, layout.dtype.numpy, data, start, layout.byte_strides)
