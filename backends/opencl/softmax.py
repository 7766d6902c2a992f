"""softmax and log_softmax along any axis, forward and backward."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from hotplug.backend import Kernel, OpKey
from hotplug.backend.render import OPENCL, Source
from hotplug.backends.opencl.composite import Override, Plan, Sheet
from hotplug.backends.opencl.device import Device
from hotplug.backends.opencl.frame import Layouts
from hotplug.backends.opencl.groups import MOST
from hotplug.backends.opencl.rows import WORDS, Load, Pass, Work, kernels_of, row_kernels, row_plan


def top_and_total(shift: str = "top") -> tuple[Pass, Pass]:
    """Passes that find the largest element ``top`` and the sum ``total`` of ``exp(x - shift)``."""
    return Pass(tops={"top": "x"}), Pass(
        lets={"shift": shift}, terms={"power": "EXP(x - shift)"}, sums={"total": "power"}
    )


def _forward(logarithm: bool) -> Work:
    top, total = top_and_total()
    if logarithm:
        write = Pass(lets={"logged": "log(total)"}, stores={"out": "(x - shift) - logged"})
    else:  # the powers wait in the output: reading them again is cheaper than an exponential
        total = total._replace(stores={"out": "power"})
        write = Pass(lets={"share": "1 / total"}, stores={"out": "known * share"})
    return Work({"x": Load("input"), "known": Load("out")}, [top, total, write])


def _backward(logarithm: bool) -> Work:
    term, value = ("d", "d - EXP(y) * total") if logarithm else ("y * d", "y * (d - total)")
    return Work({"d": Load("grad"), "y": Load("result")}, [Pass(sums={"total": term}), Pass(stores={"out": value})])


def _kernel(device: Device, key: OpKey, backward: bool, logarithm: bool) -> Kernel | None:
    kind = key.dtypes[0]
    plain = kind.kind == "f" and kind.itemsize >= 4 and all(each is kind for each in key.dtypes)
    if not plain or key.rank > MOST or any(each != "contiguous" for each in key.layouts):
        return None
    source = Source(OPENCL)
    name = source.type(kind)
    given = ("grad", "result") if backward else ("input",)
    sheet = Sheet({"out": name, **dict.fromkeys(given, f"const {name}")}, WORDS, wide=key.index64)
    work = (_backward if backward else _forward)(logarithm)
    text = row_kernels(device, source, sheet, kind, work)

    def plan(layouts: Layouts, scalars: Sequence[Any]) -> Plan:
        return row_plan(device, layouts[0], (scalars[0],))

    return Override(device, key.name, source, sheet, text, plan, kernels_of(device))


OVERRIDES: Final[dict[str, Callable[[Device, OpKey], Kernel | None]]] = {
    "softmax": lambda device, key: _kernel(device, key, backward=False, logarithm=False),
    "softmax_backward": lambda device, key: _kernel(device, key, backward=True, logarithm=False),
    "log_softmax": lambda device, key: _kernel(device, key, backward=False, logarithm=True),
    "log_softmax_backward": lambda device, key: _kernel(device, key, backward=True, logarithm=True),
}
