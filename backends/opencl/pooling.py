"""max_pool and avg_pool over one to three axes, and their gradients.

A work-item has one window, or one place of the input; on processors a line of them.  Fewer than three axes are three, the
first ones of size 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Final

from hotplug.backend import Kernel, OpKey
from hotplug.backend.render import OPENCL, Source
from hotplug.backends.opencl import pooling_text as text
from hotplug.backends.opencl.composite import Override, Plan, Sheet, items
from hotplug.backends.opencl.convolution_plan import Three, three
from hotplug.backends.opencl.device import Device
from hotplug.backends.opencl.frame import Layouts
from hotplug.layout import Shape

_WORDS: Final = (
    *"count span delta_step divisor".split(),
    *(f"{name}[3]" for name in "size windows shape stride padding dilation".split()),
)
_LONG: Final = 16
"""From so many taps of a line on, going over windows is better than going over taps."""
_CONTRACT: Final = "#pragma OPENCL FP_CONTRACT OFF\n"


def _plan(
    device: Device, size: Shape, windows: Shape, over: Shape, numbers: Sequence[Any], divisor: int, step: int
) -> Plan:
    """The launch; ``over`` is the shape whose places are gone over, the numbers kernel, stride, padding and dilation."""
    kernel, stride, padding, dilation = (tuple(each) for each in numbers)
    count, last = math.prod(over), over[-1]
    span = last if device.is_processor else 1
    found: dict[str, int | Three] = {
        "count": count // span, "span": span, "delta_step": step, "divisor": divisor, "size": three(size[2:], 1),
        "windows": three(windows[2:], 1), "shape": three(kernel, 1), "stride": three(stride, 1),
        "padding": three(padding, 0), "dilation": three(dilation, 1),
    }  # fmt: skip
    return Plan(found, [items("hp_pool", count // span, device.heavy if device.is_processor else device.light)])


def _usable(key: OpKey, kinds: str, dense: int) -> bool:
    """Whether the operands are contiguous, but for the ones from ``dense`` on, which may be one number."""
    plain = key.dtypes[0].kind in kinds and 3 <= key.rank <= 5 and not key.index64
    return plain and all(
        each == "contiguous" or (each == "broadcast" and place == dense) for place, each in enumerate(key.layouts)
    )


def max_pool(device: Device, key: OpKey) -> Kernel | None:
    """The largest element of each window and its place."""
    if not _usable(key, "fiu", -1):
        return None
    form = text.Form(Source(OPENCL), key.dtypes[0])
    stored = form.source.stored(form.kind)
    sheet = Sheet({"out": stored, "place": "long", "input": f"const {stored}"}, _WORDS)

    def plan(layouts: Layouts, scalars: Sequence[Any]) -> Plan:
        out, _, given = (each.shape for each in layouts)
        return _plan(device, given, out, out, scalars[:4], 0, 1)

    program = _CONTRACT + sheet.kernel("hp_pool", text.largest(form))
    return Override(device, key.name, form.source, sheet, program, plan, ("hp_pool",))


def _is_included(key: OpKey) -> bool:
    return ("include", True) in key.attributes


def _either(
    device: Device, key: OpKey, form: text.Form, sheet: Sheet, plan: Callable[[Layouts, Sequence[Any]], Plan],
    by_window: Callable[[text.Form, bool], list[str]], by_tap: Callable[[text.Form, bool], list[str]],
) -> Override:  # fmt: skip
    """Two kernels of an average: by window, and on processors, where windows are short, by tap."""
    bodies = {"hp_pool": by_window(form, _is_included(key))}
    if device.is_processor and form.is_plain:
        bodies["hp_lines"] = by_tap(form, _is_included(key))

    def chosen(layouts: Layouts, scalars: Sequence[Any]) -> Plan:
        found = plan(layouts, scalars)
        name = "hp_lines" if "hp_lines" in bodies and found.numbers["shape"][2] < _LONG else "hp_pool"
        return found._replace(steps=[step._replace(kernel=name) for step in found.steps])

    program = _CONTRACT + "".join(sheet.kernel(name, body) for name, body in bodies.items())
    return Override(device, key.name, form.source, sheet, program, chosen, tuple(bodies))


def avg_pool(device: Device, key: OpKey) -> Kernel | None:
    """The mean of each window."""
    if not _usable(key, "f", -1):
        return None
    form = text.Form(Source(OPENCL), key.dtypes[0])
    stored = form.source.stored(form.kind)
    sheet = Sheet({"out": stored, "input": f"const {stored}"}, _WORDS)

    def plan(layouts: Layouts, scalars: Sequence[Any]) -> Plan:
        out, given = (each.shape for each in layouts)
        return _plan(device, given, out, out, (*scalars[:3], (1,) * (len(out) - 2)), scalars[3], 1)

    return _either(device, key, form, sheet, plan, text.average, text.average_lines)


def avg_pool_backward(device: Device, key: OpKey) -> Kernel | None:
    """The gradient of ``avg_pool``."""
    if not _usable(key, "f", 1):
        return None
    form = text.Form(Source(OPENCL), key.dtypes[0])
    stored = form.source.stored(form.kind)
    sheet = Sheet({"out": stored, "delta": f"const {stored}"}, _WORDS)

    def plan(layouts: Layouts, scalars: Sequence[Any]) -> Plan:
        out, delta = layouts
        numbers = (*scalars[1:4], (1,) * (len(out.shape) - 2))
        return _plan(device, out.shape, delta.shape, out.shape, numbers, scalars[4], int(delta.is_contiguous))

    by_window = text.average_windows_backward if device.is_processor and form.is_plain else text.average_backward
    return _either(device, key, form, sheet, plan, by_window, text.average_lines_backward)


_BACKWARD_WORDS: Final = ("planes", "plane", "count", "delta_step")


def max_pool_backward(device: Device, key: OpKey) -> Kernel | None:
    """A work-item goes over the windows of a plane in order; where no two overlap and cores are many, over one window."""
    kind, apart = key.dtypes[0], ("apart", True) in key.attributes
    source = Source(OPENCL)
    if not _usable(key, "f", 1) or (source.stored(kind) != source.type(kind.compute) and not apart):
        return None  # sums of half types are rounded once, by the decomposition
    stored = source.stored(kind)
    sheet = Sheet({"out": stored, "delta": f"const {stored}", "place": "const long"}, _BACKWARD_WORDS)
    zero = [
        "const int i = (int)get_global_id(0);", "if (i < HP(planes) * HP(plane)) out[i] = 0;",
    ]  # fmt: skip
    single = [
        "const int i = (int)get_global_id(0);",
        "if (i >= HP(planes) * HP(count)) return;",
        "out[i / HP(count) * HP(plane) + (int)place[i]] = delta[i * HP(delta_step)];",
    ]
    whole = [
        "const int item = (int)get_global_id(0);",
        "if (item >= HP(planes)) return;",
        "out += item * HP(plane);",
        "for (int i = 0; i < HP(plane); ++i) out[i] = 0;",
        "for (int i = item * HP(count); i < (item + 1) * HP(count); ++i)",
        f"    out[(int)place[i]] {'=' if apart else '+='} delta[i * HP(delta_step)];",
    ]
    bodies = {"hp_zero": zero, "hp_single": single} if apart and not device.is_processor else {"hp_whole": whole}

    def plan(layouts: Layouts, scalars: Sequence[Any]) -> Plan:
        out, delta = layouts[:2]
        planes, count = math.prod(out.shape[:2]), math.prod(delta.shape[2:])
        numbers = {"planes": planes, "plane": math.prod(out.shape[2:]), "count": count,
                   "delta_step": int(delta.is_contiguous)}  # fmt: skip
        if "hp_whole" in bodies:
            return Plan(numbers, [items("hp_whole", planes, device.heavy)])
        return Plan(
            numbers, [items("hp_zero", out.numel, device.light), items("hp_single", planes * count, device.light)]
        )

    program = "".join(sheet.kernel(name, body) for name, body in bodies.items())
    return Override(device, key.name, source, sheet, program, plan, tuple(bodies))


OVERRIDES: Final[dict[str, Callable[[Device, OpKey], Kernel | None]]] = {
    "max_pool": max_pool,
    "max_pool_backward": max_pool_backward,
    "avg_pool": avg_pool,
    "avg_pool_backward": avg_pool_backward,
}
