"""Linear layers with bias and activation in one kernel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from hotplug.backend import Array, Kernel, OpKey
from hotplug.backends.cpu import special
from hotplug.backends.cpu.memory import address
from hotplug.backends.cpu.tiers import tiered
from hotplug.backends.numpy.memory import NDArray, ndarray
from hotplug.backends.numpy.quiet import quiet
from hotplug.caches import Bounded

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


def _large(kind: str, activation: str) -> Kernel:
    from hotplug.backends.cpu.compiled.matmul import Lying, Plan, plan_of

    plans: Bounded[tuple[int, int, int], Plan] = Bounded()

    def kernel(outs: Sequence[Array], inputs: Sequence[Array], _: Sequence[Any]) -> None:
        operands = [each if each.layout.is_contiguous else None for each in inputs]
        dense = [
            None if each else np.ascontiguousarray(ndarray(given)) for each, given in zip(operands, inputs, strict=True)
        ]
        places = [
            address(each) if each is not None else copy.ctypes.data  # type: ignore[union-attr]
            for each, copy in zip(operands, dense, strict=True)
        ]
        n, k = inputs[1].layout.shape
        m = outs[0].layout.numel // n
        plan = plans.get((m, n, k))
        if plan is None:
            plan = plans[m, n, k] = plan_of(kind, (1, m, n, k), Lying(k, 0, False), Lying(k, 0, True), n, 0, activation)
        before = address(outs[1]) if len(outs) > 1 and outs[1].layout.numel else 0
        plan.run(places[0], places[1], address(outs[0]), places[2] if len(places) > 2 else 0, before)

    return kernel


def _forward(key: OpKey) -> Kernel | None:
    kind = key.dtypes[0].name
    if kind not in ("float32", "float64"):
        return None
    activation = str(dict(key.attributes).get("activation", ""))
    return tiered(key.name, _small(activation), lambda: _large(kind, activation), _LEAST, _work)


OVERRIDES: Final[dict[str, Callable[[OpKey], Kernel | None]]] = {
    "linear": _forward,
    "linear_act": _forward,
}
