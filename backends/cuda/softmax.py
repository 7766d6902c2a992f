"""softmax and log_softmax along any axis, forward and backward."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Final

from hotplug.backend import Kernel, OpKey
from hotplug.backend.render import Source
from hotplug.backends.cuda.composite import Override, Plan, Sheet
from hotplug.backends.cuda.device import Device
from hotplug.backends.cuda.dialect import CUDA
from hotplug.backends.cuda.rows import WORDS, Pass, joins, lanes_of, row_kernels, row_step
from hotplug.backends.opencl.frame import Layouts
from hotplug.dtypes import dtype

AXIS: Final = (*WORDS, "inner")
SETUP: Final = (
    "const hp_i64 inner = HP(inner), base = (row / inner) * HP(length) * inner + row % inner;",
    "(void)base;",
)  # fmt: skip
"""The first element of a row along an axis whose elements are ``inner`` apart."""
PLACE: Final = ("const hp_i64 at = base + place * inner;", "(void)at;")


def along_axis(layouts: Layouts, operand: int, dim: int) -> Plan:
    """The plan of a row kernel along an axis of a contiguous operand."""
    shape = layouts[operand].shape
    length, inner = shape[dim], math.prod(shape[dim + 1 :])
    rows = layouts[operand].numel // length
    lanes = lanes_of(rows, length, inner > 1)
    numbers = {"rows": rows, "length": length, "lanes": lanes, "inner": inner}
    return Plan(numbers, [row_step(rows, length, lanes)])


def top_and_sum(source: Source, kind: dtype) -> list[Pass]:
    """Passes that find the largest element ``top`` and the sum ``total`` of ``exp(x - shift)``."""
    name, exp = source.type(kind), CUDA.math("exp", kind)
    return [
        Pass([f"top = {source.apply('maximum', kind, 'top', 'x')};"], ["top = hp_top(top, lanes, shared);"],
             [f"{name} top = {source.literal(-math.inf, kind)};"]),
        Pass([f"total += {exp}(x - shift);"], ["total = hp_sum(total, lanes, shared);"], [f"{name} total = 0;"]),
    ]  # fmt: skip


def _forward(source: Source, kind: dtype, log: bool) -> tuple[dict[str, str], list[Pass]]:
    top, total = top_and_sum(source, kind)
    exp = CUDA.math("exp", kind)
    value = "(x - shift) - logged" if log else f"{exp}(x - shift) / total"
    name = source.type(kind)
    before = [f"const {name} logged = {CUDA.math('log', kind)}(total);"] if log else []
    store = source.store(kind, "HP(out)[at]", value)
    total = total._replace(before=[f"const {name} shift = top;", *total.before])
    return {"x": source.load(kind, "HP(input)[at]")}, [top, total, Pass([store], before=before)]


def _backward(source: Source, kind: dtype, log: bool) -> tuple[dict[str, str], list[Pass]]:
    loads = {"d": source.load(kind, "HP(grad)[at]"), "y": source.load(kind, "HP(result)[at]")}
    term = "d" if log else "y * d"
    value = f"d - {CUDA.math('exp', kind)}(y) * total" if log else "y * (d - total)"
    first = Pass([f"total += {term};"], ["total = hp_sum(total, lanes, shared);"], [f"{source.type(kind)} total = 0;"])
    return loads, [first, Pass([source.store(kind, "HP(out)[at]", value)])]


def _kernel(device: Device, key: OpKey, backward: bool, log: bool) -> Kernel | None:
    kind = key.dtypes[0]
    if kind.kind != "f" or kind.itemsize < 4 or any(each != "contiguous" for each in key.layouts):
        return None
    source = Source(CUDA)
    stored = source.stored(kind)
    names = ("grad", "result") if backward else ("input",)
    sheet = Sheet({"out": stored, **dict.fromkeys(names, f"const {stored}")}, AXIS)
    loads, passes = (_backward if backward else _forward)(source, kind, log)
    text = joins(source, kind, top=not backward) + row_kernels(source, kind, SETUP, PLACE, loads, passes)

    def plan(layouts: Layouts, scalars: Sequence[Any]) -> Plan:
        return along_axis(layouts, 0, scalars[0])

    return Override(device, key.name, source, sheet, text, plan, ("hp_held", "hp_long"))


OVERRIDES: Final[dict[str, Callable[[Device, OpKey], Kernel | None]]] = {
    "softmax": lambda device, key: _kernel(device, key, backward=False, log=False),
    "softmax_backward": lambda device, key: _kernel(device, key, backward=True, log=False),
    "log_softmax": lambda device, key: _kernel(device, key, backward=False, log=True),
    "log_softmax_backward": lambda device, key: _kernel(device, key, backward=True, log=True),
}
