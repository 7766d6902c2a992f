"""Cross entropy with class numbers, one loss a row, and its backward."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from hotplug.backend import Array, Kernel, OpKey
from hotplug.backends.cpu.memory import address
from hotplug.backends.cpu.overrides.operands import KINDS, around, dense, grain, place, widened
from hotplug.backends.cpu.tiers import first_input, tiered
from hotplug.backends.numpy.families import check_range
from hotplug.backends.numpy.memory import NDArray, ndarray
from hotplug.backends.numpy.quiet import quiet

_LEAST: Final = 4096
_CACHED: Final = 65536
"""Elements of a block that is passed over twice: they stay in the second-level cache."""


def _checked(target: NDArray, classes: int, ignored: int) -> tuple[NDArray, NDArray]:
    """Which targets count, and the targets with 0 in place of the others, with an axis for the class.

    Raises:
        IndexRangeError: one is no class.
    """
    kept = target != ignored
    safe = np.where(kept, target, 0)
    check_range("cross_entropy", safe, classes)
    return kept, np.expand_dims(safe, 1)


def _forward_small(outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any]) -> None:
    x = widened(ndarray(inputs[0]))
    kept, safe = _checked(ndarray(inputs[1]), x.shape[1], scalars[0])
    top = x.max(1, keepdims=True)
    top = np.where(np.isinf(top), 0, top)
    total = np.log(np.exp(x - top).sum(1, keepdims=True))
    loss = total - (np.take_along_axis(x, safe, 1) - top)  # large inputs would cost it digits otherwise
    ndarray(outs[0])[...] = np.where(kept, loss[:, 0], 0)
    ndarray(outs[1])[...] = (total + top)[:, 0]


def _backward_small(outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any]) -> None:
    grad, x, total = (widened(ndarray(inputs[i])) for i in (0, 1, 3))
    kept, safe = _checked(ndarray(inputs[2]), x.shape[1], scalars[0])
    scale = np.expand_dims(np.where(kept, grad, 0), 1).astype(x.dtype)
    found = np.exp(x - np.expand_dims(total, 1)) * scale
    np.put_along_axis(found, safe, np.take_along_axis(found, safe, 1) - scale, 1)
    ndarray(outs[0])[...] = found


def _forward_large(kind: str) -> Kernel:
    from hotplug.backends.cpu.compiled.build import task
    from hotplug.backends.cpu.compiled.pool import maximum_threads, run

    def kernel(outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any]) -> None:
        (source, _keep), (target, _keep_too) = dense(inputs[0]), dense(inputs[1])
        outer, classes, inner = around(inputs[0].layout.shape, 1)
        _checked(ndarray(inputs[1]), classes, scalars[0])
        words = (address(outs[0]), address(outs[1]), source, target, classes, inner, scalars[0])
        if inner == 1:
            run(task("cross_entropy", "rows", kind), words, outer, grain(classes))
            return
        block = min(512, max(128, _CACHED // classes), inner)
        scratch = np.empty(maximum_threads() * 2 * block, np.float64)
        blocks = -(-inner // block)
        code = task("cross_entropy", "across", kind)
        run(code, (*words, block, place(scratch)), outer * blocks, grain(classes * block))

    return kernel


def _backward_large(kind: str) -> Kernel:
    from hotplug.backends.cpu.compiled.build import task
    from hotplug.backends.cpu.compiled.pool import run

    def kernel(outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any]) -> None:
        operands = [dense(each) for each in inputs]
        outer, classes, inner = around(inputs[1].layout.shape, 1)
        _checked(ndarray(inputs[2]), classes, scalars[0])
        words = (address(outs[0]), *(each for each, _ in operands), classes, inner, scalars[0])
        if inner == 1:
            run(task("cross_entropy", "rows_backward", kind), words, outer, grain(classes))
        else:
            run(task("cross_entropy", "across_backward", kind), words, outer * classes, grain(inner))

    return kernel


def _resolve(key: OpKey) -> Kernel | None:
    kind, backward = key.dtypes[0].name, key.name.endswith("backward")
    if kind not in KINDS or any(each.kind == "f" and each is not key.dtypes[0] for each in key.dtypes):
        return None
    if backward:
        chosen = tiered(key.name, quiet(_backward_small), lambda: _backward_large(kind), _LEAST)
    else:
        chosen = tiered(key.name, quiet(_forward_small), lambda: _forward_large(kind), _LEAST, first_input)

    def kernel(outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any]) -> None:
        if outs[0].layout.numel:
            chosen(outs, inputs, scalars)

    return kernel


OVERRIDES: Final[dict[str, Callable[[OpKey], Kernel | None]]] = dict.fromkeys(
    ("cross_entropy_rows", "cross_entropy_rows_backward"), _resolve
)
