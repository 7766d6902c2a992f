"""softmax and log_softmax along any axis, and their backwards."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from hotplug.backend import Array, Kernel, OpKey
from hotplug.backends.cpu.memory import address
from hotplug.backends.cpu.overrides.operands import KINDS, around, dense, grain, place, rows_of, widened
from hotplug.backends.cpu.tiers import tiered
from hotplug.backends.numpy.memory import NDArray, ndarray
from hotplug.backends.numpy.quiet import quiet

_LEAST: Final = 4096
"""Elements from which the compiled kernel is faster (measured: a call of it costs 5 us more than one of NumPy's)."""
_CACHED: Final = 65536
"""Elements of a block that is passed over twice: they stay in the second-level cache."""


def _forward_small(logarithm: bool) -> Kernel:
    def kernel(outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any]) -> None:
        dim = scalars[0]
        x = widened(ndarray(inputs[0]))
        if not x.size:
            return
        shifted = x - x.max(dim, keepdims=True)
        power = np.exp(shifted)
        total = power.sum(dim, keepdims=True)
        ndarray(outs[0])[...] = shifted - np.log(total) if logarithm else power / total

    return quiet(kernel)


def _backward_small(logarithm: bool) -> Kernel:
    def kernel(outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any]) -> None:
        grad, out = (widened(ndarray(each)) for each in inputs)
        if logarithm:
            found: NDArray = grad - np.exp(out) * grad.sum(scalars[0], keepdims=True)
        else:
            found = out * (grad - (grad * out).sum(scalars[0], keepdims=True))
        ndarray(outs[0])[...] = found

    return quiet(kernel)


def _along(name: str, kind: str) -> Kernel:
    """Along the last axis."""
    from hotplug.backends.cpu.compiled.build import task
    from hotplug.backends.cpu.compiled.pool import run

    narrow = name == "softmax" and kind not in ("float32", "float64")
    code = task("softmax", f"{name}_narrow" if narrow else name, kind)

    def kernel(outs: Sequence[Array], inputs: Sequence[Array], _: Sequence[Any]) -> None:
        columns = outs[0].layout.shape[-1]
        words, kept = [address(outs[0])], []
        for each in inputs:
            begin, stride, keep = rows_of(each, columns)
            words += (begin, stride)
            kept.append(keep)
        run(code, (*words, columns), outs[0].layout.numel // columns, grain(columns))

    return kernel


def _across(name: str, kind: str) -> Kernel:
    """Along another axis: neighbours side by side."""
    from hotplug.backends.cpu.compiled.build import task
    from hotplug.backends.cpu.compiled.pool import maximum_threads, run

    code = task("softmax", f"{name}_across", kind)

    def kernel(outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any]) -> None:
        outer, length, inner = around(outs[0].layout.shape, scalars[0])
        block = min(512, max(128, _CACHED // length), inner)
        scratch = np.empty(maximum_threads() * 3 * block, np.float64)
        operands = [dense(each) for each in inputs]
        words = (address(outs[0]), *(each for each, _ in operands), length, inner, block, place(scratch))
        run(code, words, outer * -(-inner // block), grain(length * block))

    return kernel


def _resolve(key: OpKey) -> Kernel | None:
    kind = key.dtypes[0].name
    if kind not in KINDS or any(each is not key.dtypes[0] for each in key.dtypes):
        return None
    backward, logarithm = key.name.endswith("backward"), key.name.startswith("log")
    small = (_backward_small if backward else _forward_small)(logarithm)
    along = tiered(key.name, small, lambda: _along(key.name, kind), _LEAST)
    across = tiered(key.name, small, lambda: _across(key.name, kind), _LEAST)

    def kernel(outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any]) -> None:
        if outs[0].layout.numel:
            (along if scalars[0] == len(outs[0].layout.shape) - 1 else across)(outs, inputs, scalars)

    return kernel


OVERRIDES: Final[dict[str, Callable[[OpKey], Kernel | None]]] = dict.fromkeys(
    ("softmax", "log_softmax", "softmax_backward", "log_softmax_backward"), _resolve
)
