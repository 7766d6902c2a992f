"""Sorting and searching by NumPy, for whole composites; equal to the last bit and position to their decompositions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, Literal

import numpy as np

from hotplug.backend import Array, Kernel, OpKey
from hotplug.backends.numpy.memory import NDArray, ndarray
from hotplug.backends.numpy.quiet import quiet


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
    """Values and positions."""
    descending = bool(dict(key.attributes)["descending"])

    def kernel(outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any]) -> None:
        values, indices, x = (np.moveaxis(ndarray(each), scalars[0], -1) for each in (*outs, *inputs))
        order = _order(_comparable(x), descending)
        indices[...] = order
        values[...] = np.take_along_axis(x, order, -1)

    return quiet(kernel)


def search(key: OpKey) -> Kernel | None:
    """One sequence for all values."""
    if key.rank != 1:
        return None
    side: Literal["left", "right"] = "right" if dict(key.attributes)["right"] else "left"

    def kernel(outs: Sequence[Array], inputs: Sequence[Array], _: Sequence[Any]) -> None:
        sequence, values = (_comparable(ndarray(each)) for each in inputs)
        ndarray(outs[0])[...] = np.searchsorted(sequence, values, side)

    return quiet(kernel)


OVERRIDES: Final[dict[str, Callable[[OpKey], Kernel | None]]] = {"search": search, "sort": sort}
