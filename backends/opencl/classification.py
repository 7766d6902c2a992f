"""cross_entropy of rows against class numbers, forward and backward."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from hotplug.backend import Kernel, OpKey
from hotplug.backend.render import OPENCL, Source
from hotplug.backends.opencl import fault
from hotplug.backends.opencl.composite import Override, Plan, Sheet
from hotplug.backends.opencl.device import Device
from hotplug.backends.opencl.frame import Layouts
from hotplug.backends.opencl.groups import MOST
from hotplug.backends.opencl.rows import WORDS, Load, Pass, Work, kernels_of, row_kernels, row_plan
from hotplug.backends.opencl.softmax import top_and_total
from hotplug.dtypes import finfo, int64

_CODE: Final = fault.OPERATIONS.index("cross_entropy")


def _usable(key: OpKey) -> bool:
    floats = [each for each in key.dtypes if each is not int64]
    plain = all(each is floats[0] for each in floats) and floats[0].kind == "f" and floats[0].itemsize >= 4
    return plain and key.rank <= MOST


def _planned(device: Device, layouts: Layouts, operand: int, ignored: Any) -> Plan:
    found = row_plan(device, layouts[operand], (1,))
    return found._replace(numbers={**found.numbers, "ignored": ignored})


def _forward(device: Device, key: OpKey) -> Kernel | None:
    if not _usable(key) or any(each != "contiguous" for each in key.layouts):
        return None
    source, kind = Source(OPENCL), key.dtypes[0]
    name, most = source.type(kind), source.literal(finfo(kind).max, kind)
    # What an infinite largest element leaves is infinite or NaN with any finite shift.
    top, total = top_and_total(f"clamp(top, -{most}, {most})")
    last = [
        f"const {name} logged = log(total);",
        "totals[row] = logged + shift;",
        f"{name} loss = 0;",
        "if (goal != HP(ignored)) {",
        f"    if (goal < 0 || goal >= HP(length)) hp_fail(fault, {_CODE}, goal, HP(length));",
        # The largest is not put back before the target's is taken away: large inputs would cost the loss its digits.
        "    else loss = logged - (input[row_at + (hp_index)goal * HP(run_at)] - shift);",
        "}",
        "out[row] = loss;",
    ]
    first = ["const long goal = live ? target[row] : 0;"]
    work = Work({"x": Load("input")}, [top, total], first=first, last=last, ends=("total", "shift"))
    pointers = {"out": name, "totals": name, "input": f"const {name}", "target": "const long"}
    sheet = Sheet(pointers, WORDS, longs=("ignored",), wide=key.index64, checks=True)
    text = row_kernels(device, source, sheet, kind, work)

    def plan(layouts: Layouts, scalars: Sequence[Any]) -> Plan:
        return _planned(device, layouts, 2, scalars[0])

    return Override(device, key.name, source, sheet, text, plan, kernels_of(device))


def _backward(device: Device, key: OpKey) -> Kernel | None:
    """The rows' gradients may all be one number, as they are behind a mean."""
    grad, others = key.layouts[1], (key.layouts[0], *key.layouts[2:])
    if not _usable(key) or grad == "strided" or any(each != "contiguous" for each in others):
        return None
    source, kind = Source(OPENCL), key.dtypes[0]
    name = source.type(kind)
    first = [
        "const long chosen = live ? target[row] : HP(ignored);",
        "const long goal = chosen == HP(ignored) || chosen < 0 || chosen >= HP(length) ? -1 : chosen;",
    ]
    given = {"scale": f"goal >= 0 ? grad[row * HP(step)] : ({name})0", "whole": "totals[row]"}
    write = Pass(stores={"out": "EXP(x - whole) * scale"})
    work = Work({"x": Load("input")}, [write], given, first, hit={"out": "-scale"})
    pointers = {"out": name, "grad": f"const {name}", "input": f"const {name}", "target": "const long",
                "totals": f"const {name}"}  # fmt: skip
    sheet = Sheet(pointers, (*WORDS, "step"), longs=("ignored",), wide=key.index64)
    text = row_kernels(device, source, sheet, kind, work)

    def plan(layouts: Layouts, scalars: Sequence[Any]) -> Plan:
        found = _planned(device, layouts, 0, scalars[0])
        return found._replace(numbers={**found.numbers, "step": int(layouts[1].is_contiguous)})

    return Override(device, key.name, source, sheet, text, plan, kernels_of(device))


OVERRIDES: Final[dict[str, Callable[[Device, OpKey], Kernel | None]]] = {
    "cross_entropy_rows": _forward,
    "cross_entropy_rows_backward": _backward,
}
