"""Hand-written kernels, built for a processor and, on the same device, as for a GPU."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from hotplug.backend import Array, Kernel, OpKey
from hotplug.conformance.calls import NDArray, download, empty, key_for, upload
from hotplug.dispatch import layout_class
from hotplug.dtypes import dtype
from hotplug.runtime import Runtime

Maker = Callable[[Any, OpKey], Kernel | None]


class Built:
    """A device, and the kernels that were made for it."""

    def __init__(self, runtime: Runtime, device: Any) -> None:
        self.runtime = runtime
        self.device = device
        self._kernels: dict[Any, Kernel] = {}

    def run(
        self, make: Maker, name: str, outs: Sequence[tuple[dtype, tuple[int, ...]]], inputs: Sequence[NDArray | Array],
        scalars: Sequence[Any] = (), attributes: tuple[tuple[str, object], ...] = (), rank: int = 0,
    ) -> list[NDArray]:  # fmt: skip
        """The outputs of a kernel, which are filled with rubbish before."""
        given = [each if isinstance(each, Array) else upload(self.runtime, each) for each in inputs]
        results = [empty(self.runtime, kind, shape) for kind, shape in outs]
        arrays = (*results, *given)
        key = OpKey(
            name, dtypes=tuple(each.dtype for each in arrays), rank=rank or len(given[0].shape),
            layouts=tuple(layout_class(each.layout) for each in arrays), attributes=attributes,
        )  # fmt: skip
        kernel = self._kernels.get((make, key))
        if kernel is None:
            made = make(self.device, key)
            assert made is not None, f"{name} has no kernel of its own for {key}"
            kernel = self._kernels[make, key] = made
        kernel(results, given, scalars)
        return [download(each) for each in results]

    def family(
        self, make: Maker, name: str, outs: Sequence[Array], inputs: Sequence[Array], **more: Any
    ) -> list[NDArray]:
        """The same for a kernel of a family; ``more`` is of the key."""
        key = key_for(name, outs, inputs, **more)
        kernel = self._kernels.get((make, key))
        if kernel is None:
            made = make(self.device, key)
            assert made is not None, f"{name} has no kernel for {key}"
            kernel = self._kernels[make, key] = made
        kernel(outs, inputs, ())
        return [download(each) for each in outs]


@pytest.fixture(scope="session", params=["processor", "gpu"])
def built(opencl: Runtime, request: pytest.FixtureRequest) -> Built:
    """Kernels as for a processor, whatever the device is, and as for a GPU."""
    twin = copy.copy(opencl.backend.device(0))  # type: ignore[attr-defined]
    twin.is_processor = request.param == "processor"
    return Built(opencl, twin)


def values(kind: dtype, shape: tuple[int, ...], seed: int) -> NDArray:
    """Ordinary values, as a dtype has them."""
    return np.random.default_rng(seed).standard_normal(shape).astype(kind.numpy)
