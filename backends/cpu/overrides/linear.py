"""Linear layers with bias and activation in one kernel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from hotplug.backend import Array, Kernel, OpKey
from hotplug.backends.cpu import special
from hotplug.backends.cpu.tiers import tiered
from hotplug.backends.numpy.memory import NDArray, ndarray
from hotplug.backends.numpy.quiet import quiet

_LEAST: Final = 64**3
"""Multiplications up to which BLAS uses one thread of its own anyhow."""


def _gelu_tanh(x: NDArray) -> NDArray:
    return np.asarray(0.5 * x * (1 + np.tanh(0.7978845608028654 * (x + 0.044715 * x * x * x))), x.dtype)


_ACTIVATIONS: Final[dict[str, Callable[[NDArray], NDArray]]] = {
    "relu": lambda x: np.maximum(x, 0),
    "gelu": lambda x: np.asarray(0.5 * x * (1 + special.erf(x * np.float32(0.7071067811865476))), x.dtype),
    "gelu_tanh": _gelu_tanh,
    "silu": lambda x: x * special.sigmoid(x),
    "tanh": np.tanh,
    "sigmoid": special.sigmoid,
}


def _work(outs: Sequence[Array], inputs: Sequence[Array]) -> int:
    return outs[0].layout.numel * inputs[0].layout.shape[-1]


def _small(activation: str) -> Kernel:
    def kernel(outs: Sequence[Array], inputs: Sequence[Array], _: Sequence[Any]) -> None:
        x, weight, out = ndarray(inputs[0]), ndarray(inputs[1]), ndarray(outs[0])
        rows = x.reshape(-1, x.shape[-1])
        flat = out.reshape(-1, out.shape[-1])  # outputs are dense: this is no copy
        np.dot(rows, weight.T, out=flat)
        if len(inputs) > 2:
            flat += ndarray(inputs[2])
        if len(outs) > 1 and outs[1].layout.numel:
            ndarray(outs[1])[...] = out
        if activation:
            out[...] = _ACTIVATIONS[activation](out)

    return quiet(kernel)


def _large(activation: str) -> Kernel:
    from hotplug.backends.cpu.compiled.matmul import multiply

    def kernel(outs: Sequence[Array], inputs: Sequence[Array], _: Sequence[Any]) -> None:
        x, weight, out = ndarray(inputs[0]), ndarray(inputs[1]), ndarray(outs[0])
        columns = out.shape[-1]
        bias = np.ascontiguousarray(ndarray(inputs[2])) if len(inputs) > 2 else None
        before = ndarray(outs[1]).reshape(1, -1, columns) if len(outs) > 1 and outs[1].layout.numel else None
        rows = x.reshape(1, -1, x.shape[-1])
        multiply(rows, weight.T[None], out.reshape(1, -1, columns), bias, activation, before)

    return kernel


def _forward(key: OpKey) -> Kernel | None:
    if key.dtypes[0].name not in ("float32", "float64"):
        return None
    activation = str(dict(key.attributes).get("activation", ""))
    return tiered(key.name, _small(activation), lambda: _large(activation), _LEAST, _work)


OVERRIDES: Final[dict[str, Callable[[OpKey], Kernel | None]]] = {
    "linear": _forward,
    "linear_act": _forward,
}
