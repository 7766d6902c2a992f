"""cross_entropy of rows against class numbers, forward and backward."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from hotplug.backend import Kernel, OpKey
from hotplug.backend.render import Source
from hotplug.backends.cuda import fault
from hotplug.backends.cuda.composite import Override, Plan, Sheet
from hotplug.backends.cuda.device import Device
from hotplug.backends.cuda.dialect import CUDA
from hotplug.backends.cuda.rows import Pass, joins, row_kernels
from hotplug.backends.cuda.softmax import AXIS, PLACE, SETUP, along_axis, top_and_sum
from hotplug.backends.opencl.frame import Layouts
from hotplug.dtypes import int64

_CODE: Final = fault.OPERATIONS.index("cross_entropy")
_KERNELS: Final = ("hp_held", "hp_long")


def _usable(key: OpKey) -> bool:
    floats = [each for each in key.dtypes if each is not int64]
    return all(each is floats[0] for each in floats) and floats[0].kind == "f" and floats[0].itemsize >= 4


def _planned(layouts: Layouts, scalars: Sequence[Any], operand: int) -> Plan:
    found = along_axis(layouts, operand, 1)
    return found._replace(numbers={**found.numbers, "ignored": scalars[0]})


def _forward(device: Device, key: OpKey) -> Kernel | None:
    if not _usable(key) or any(each != "contiguous" for each in key.layouts):
        return None
    source, kind = Source(CUDA), key.dtypes[0]
    name, log = source.type(kind), CUDA.math("log", kind)
    top, total = top_and_sum(source, kind)
    infinite = f"{CUDA.math('fabs', kind)}(top) == INFINITY"
    total = total._replace(before=[f"const {name} shift = {infinite} ? ({name})0 : top;", *total.before])
    finish = [
        f"const {name} whole = shift + {log}(total);",
        "HP(kept)[row] = whole;",
        "const hp_i64 goal = HP(target)[row];",
        f"{name} loss = 0;",
        "if (goal != HP(ignored)) {",
        f"    if (goal < 0 || goal >= HP(length)) hp_fail(HP(fault), {_CODE}, goal, HP(length));",
        "    else loss = whole - HP(input)[base + goal * inner];",
        "}",
        "HP(out)[row] = loss;",
    ]
    pointers = {"out": name, "kept": name, "input": f"const {name}", "target": "const hp_i64", "fault": "hp_fault_t"}
    sheet = Sheet(pointers, (*AXIS, "ignored"))
    text = joins(source, kind, top=True)
    text += row_kernels(source, kind, SETUP, PLACE, {"x": "HP(input)[at]"}, [top, total], finish)

    def plan(layouts: Layouts, scalars: Sequence[Any]) -> Plan:
        return _planned(layouts, scalars, 2)

    return Override(device, key.name, source, sheet, text, plan, _KERNELS, checks=True)


def _backward(device: Device, key: OpKey) -> Kernel | None:
    """The rows' gradients may all be one number, as they are behind a mean."""
    grad, others = key.layouts[1], (key.layouts[0], *key.layouts[2:])
    if not _usable(key) or grad == "strided" or any(each != "contiguous" for each in others):
        return None
    source, kind = Source(CUDA), key.dtypes[0]
    name = source.type(kind)
    setup = [
        *SETUP,
        "const hp_i64 goal = live ? HP(target)[row] : 0;",
        f"const {name} scale = live && goal != HP(ignored) ? HP(grad)[row * HP(step)] : ({name})0;",
        f"const {name} whole = live ? HP(total)[row] : ({name})0;",
    ]
    value = f"{CUDA.math('exp', kind)}(x - whole) * scale - (place == goal ? scale : ({name})0)"
    pointers = {"out": name, "grad": f"const {name}", "input": f"const {name}", "target": "const hp_i64",
                "total": f"const {name}"}  # fmt: skip
    sheet = Sheet(pointers, (*AXIS, "ignored", "step"))
    text = row_kernels(source, kind, setup, PLACE, {"x": "HP(input)[at]"}, [Pass([f"HP(out)[at] = {value};"])])

    def plan(layouts: Layouts, scalars: Sequence[Any]) -> Plan:
        found = _planned(layouts, scalars, 0)
        return found._replace(numbers={**found.numbers, "step": int(layouts[1].is_contiguous)})

    return Override(device, key.name, source, sheet, text, plan, _KERNELS)


OVERRIDES: Final[dict[str, Callable[[Device, OpKey], Kernel | None]]] = {
    "cross_entropy_rows": _forward,
    "cross_entropy_rows_backward": _backward,
}
