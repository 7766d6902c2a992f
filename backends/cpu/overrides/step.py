"""Steps of optimizers over lists of parameters, from the steps' programs; and the norm of a list."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from hotplug.backend import Array, Kernel, OpKey
from hotplug.backends.cpu.kernels import MAKERS
from hotplug.backends.cpu.overrides.operands import KINDS, dense, place, widened
from hotplug.backends.cpu.tiers import tiered
from hotplug.backends.numpy.memory import ndarray
from hotplug.backends.numpy.quiet import quiet
from hotplug.layout import layout_of

_LEAST: Final = 8192
_CHUNK: Final = 16384
"""Elements of a list's tensor that one work item adds up."""
_STEPS: Final = (
    "adadelta adagrad adam adam_amsgrad adamax asgd nadam radam rmsprop rmsprop_centered rmsprop_centered_momentum "
    "rmsprop_momentum rprop sgd sgd_momentum sparse_adam"
)


def _total(_: Sequence[Array], inputs: Sequence[Array]) -> int:
    return sum(each.layout.numel for each in inputs)


def _one_by_one(key: OpKey) -> Kernel:
    """The step of every parameter as a map of its own."""
    outputs = len(key.program)
    width = len(key.dtypes) - outputs
    step = MAKERS["map"](key._replace(name="map", rank=1, alias=tuple(range(outputs)), attributes=()))

    def kernel(outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any]) -> None:
        lists = len(outs) // outputs
        numbers = len(scalars) // lists
        for i in range(lists):
            operands = [_flat(each) for each in inputs[i * width : (i + 1) * width]]
            if operands[0].layout.numel:
                step(operands[:outputs], operands, scalars[i * numbers : (i + 1) * numbers])

    return kernel


def _flat(array: Array) -> Array:
    if len(array.layout.shape) == 1:
        return array
    return Array(array.storage, layout_of(array.layout.dtype, (array.layout.numel,)), array.offset)


def _step(key: OpKey) -> Kernel | None:
    if any(each != "contiguous" for each in key.layouts):
        return None

    def large() -> Kernel | None:
        from hotplug.backends.cpu.compiled import lists

        return lists.kernel(key)

    return tiered(key.name, _one_by_one(key), large, _LEAST, _total)


# --- the norm of a list ----------------------------------------------------------------------------------------------


def _norm_small(outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any]) -> None:
    order = scalars[0]
    norms = [_norm(np.abs(widened(ndarray(each)).astype(np.float64)).reshape(-1), order) for each in inputs]
    ndarray(outs[0])[...] = _norm(np.array(norms), order)


def _norm(x: Any, order: float) -> Any:
    if order == 0:
        return np.float64((x != 0).sum())
    if math.isinf(order):
        return (x.max() if order > 0 else x.min()) if x.size else np.float64(0)
    return (x**order).sum() ** (1 / order) if order != 2 else np.sqrt((x * x).sum())


def _norm_large(kind: str) -> Kernel:
    from hotplug.backends.cpu.compiled.build import task
    from hotplug.backends.cpu.compiled.pool import run

    code = task("norm_of_list", "squares", kind)

    def kernel(outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any]) -> None:
        if scalars[0] != 2:
            quiet(_norm_small)(outs, inputs, scalars)
            return
        operands = [dense(each) for each in inputs]
        counts = np.array([each.layout.numel for each in inputs], np.int64)
        pieces = -(-counts // _CHUNK)
        first = np.arange(pieces.sum()) - np.repeat(np.cumsum(pieces) - pieces, pieces)
        begins = np.array([each for each, _ in operands], np.int64)
        columns = [np.repeat(begins, pieces), first * _CHUNK, np.repeat(counts, pieces)]
        chunks = np.ascontiguousarray(np.stack(columns, 1), np.int64)
        sums = np.empty(len(chunks), np.float64)
        run(code, (place(chunks), place(sums), _CHUNK), len(chunks), 1)
        ndarray(outs[0])[...] = math.sqrt(sums.sum())

    return kernel


def _norm_of_list(key: OpKey) -> Kernel | None:
    kind = key.dtypes[0].name
    if kind not in KINDS or any(each is not key.dtypes[0] for each in key.dtypes):
        return None
    return tiered(key.name, quiet(_norm_small), lambda: _norm_large(kind), _LEAST, _total)


OVERRIDES: Final[dict[str, Callable[[OpKey], Kernel | None]]] = {
    **{f"{name}_step_of_list": _step for name in _STEPS.split()},
    "norm_of_list": _norm_of_list,
}
