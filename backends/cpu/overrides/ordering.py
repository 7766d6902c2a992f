"""Sorting and searching by NumPy, for whole composites; equal to the last bit and position to their decompositions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, Literal

import numpy as np

from hotplug.backend import Array, Kernel, OpKey
from hotplug.backends.cpu.tiers import first_input, tiered
from hotplug.backends.numpy.memory import NDArray, ndarray
from hotplug.backends.numpy.quiet import quiet

_LEAST: Final = 512
"""Elements from which the compiled kernel is faster."""


def _comparable(x: NDArray) -> NDArray:
    """bfloat16 as float32, which NumPy can sort."""
    return x.astype(np.float32) if x.dtype.kind == "V" else x


def _order(x: NDArray, descending: bool) -> NDArray:
    """Positions in stable order along the last axis; NaN is the largest."""
    if not descending:
        return np.argsort(x, axis=-1, kind="stable")
    turned = np.argsort(x[..., ::-1], axis=-1, kind="stable")  # turned round twice, equal elements keep their order
    order: NDArray = (x.shape[-1] - 1 - turned)[..., ::-1]
    return order


def sort(key: OpKey) -> Kernel:
    """Values and positions; as many as there is room for."""
    descending = bool(dict(key.attributes)["largest" if key.name == "topk" else "descending"])

    def kernel(outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any]) -> None:
        values, indices, x = (np.moveaxis(ndarray(each), scalars[-1], -1) for each in (*outs, *inputs))
        order = _order(_comparable(x), descending)[..., : values.shape[-1]]
        indices[...] = order
        values[...] = np.take_along_axis(x, order, -1)

    def large() -> Kernel | None:
        from hotplug.backends.cpu.overrides import ordering_large

        return ordering_large.kernel(key.dtypes[0], descending)

    return tiered(key.name, quiet(kernel), large, _LEAST, first_input)


def search(key: OpKey) -> Kernel | None:
    """One sequence for all values."""
    if key.rank != 1:
        return None
    side: Literal["left", "right"] = "right" if dict(key.attributes)["right"] else "left"

    def kernel(outs: Sequence[Array], inputs: Sequence[Array], _: Sequence[Any]) -> None:
        sequence, values = (_comparable(ndarray(each)) for each in inputs)
        ndarray(outs[0])[...] = np.searchsorted(sequence, values, side)

    return quiet(kernel)


OVERRIDES: Final[dict[str, Callable[[OpKey], Kernel | None]]] = {
    "search": search,
    "sort": sort,
    "topk": sort,
}
