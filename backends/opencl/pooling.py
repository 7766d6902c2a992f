"""max_pool and avg_pool over one to three axes, and their gradients.

A work-item has one window, or one place of the input; on processors a line of them.  Fewer than three axes are three, the
first ones of size 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from hotplug.backend import Kernel, OpKey
from hotplug.backend.render import OPENCL, Source
from hotplug.backends.opencl.composite import Override, Plan, Sheet, items
from hotplug.backends.opencl.convolution_plan import Three, three
from hotplug.backends.opencl.device import Device
from hotplug.backends.opencl.frame import Layouts
from hotplug.dtypes import dtype
from hotplug.layout import Shape

_WORDS: Final = (
    *"count span delta_step divisor".split(),
    *(f"{name}[3]" for name in "size windows shape stride padding dilation".split()),
)
_CONTRACT: Final = "#pragma OPENCL FP_CONTRACT OFF\n"


class _Form(NamedTuple):
    """What the kernels have in common."""

    source: Source
    kind: dtype

    @property
    def name(self) -> str:
        return self.source.type(self.kind.compute)

    @staticmethod
    def each(sizes: str, prefix: str) -> list[str]:
        """Statements that begin a loop over a work-item's places: ``plane`` and three coordinates."""
        last = f"HP({sizes})[2]"
        return [
            "const int item = (int)get_global_id(0);",
            "if (item >= HP(count)) return;",
            f"int rest = item * HP(span) / {last};",
            f"const int {prefix}1 = rest % HP({sizes})[1]; rest /= HP({sizes})[1];",
            f"const int {prefix}0 = rest % HP({sizes})[0], plane = rest / HP({sizes})[0];",
            (
                f"const int begin = HP(span) == 1 ? item % {last} : 0, line = ((plane * HP({sizes})[0]) + {prefix}0) * "
                f"HP({sizes})[1] + {prefix}1;"
            ),
        ]

    @staticmethod
    def taps(axis: int) -> list[str]:
        """Statements that define which taps of window ``w<axis>`` lie in the input: ``low`` to ``high`` from ``y`` on."""
        size, step = f"HP(size)[{axis}]", f"HP(dilation)[{axis}]"
        return [
            f"const int y{axis} = w{axis} * HP(stride)[{axis}] - HP(padding)[{axis}];",
            f"const int low{axis} = y{axis} < 0 ? ({step} - 1 - y{axis}) / {step} : 0;",
            (
                f"const int high{axis} = y{axis} + (HP(shape)[{axis}] - 1) * {step} < {size} ? HP(shape)[{axis}] : "
                f"({size} - 1 - y{axis} + {step}) / {step};"
            ),
        ]

    def windows(self, start: Sequence[str], visit: Sequence[str], end: Sequence[str]) -> list[str]:
        """Statements that go over the windows of a work-item, and over the elements ``found`` at ``here`` of each."""
        return [
            *self.each("windows", "w"), *self.taps(0), *self.taps(1),
            "input += plane * HP(size)[0] * HP(size)[1] * HP(size)[2];",
            "for (int w2 = begin; w2 < begin + HP(span); ++w2) {",
            *self.taps(2),
            *start,
            "for (int t0 = low0; t0 < high0; ++t0) for (int t1 = low1; t1 < high1; ++t1) {",
            ("    int here = ((y0 + t0 * HP(dilation)[0]) * HP(size)[1] + y1 + t1 * HP(dilation)[1]) * HP(size)[2] + y2 + "
            "low2 * HP(dilation)[2];"),
            "    for (int t2 = low2; t2 < high2; ++t2, here += HP(dilation)[2]) {",
            f"        const {self.name} found = {self.source.load(self.kind, 'input[here]')};",
            *visit,
            "    }",
            "}",
            *end,
            "}",
        ]  # fmt: skip


def _max(form: _Form) -> list[str]:
    """Of equal elements the first wins, of NaN the last."""
    wins = "found > best || found != found" if form.kind.kind == "f" else "found > best"
    at = "line * HP(windows)[2] + w2"
    return form.windows(
        [f"{form.name} best = 0;", "int winner = -1;"],
        [f"if (winner < 0 || {wins}) {{ best = found; winner = here; }}"],
        [form.source.store(form.kind, f"out[{at}]", "best", form.kind.compute), f"place[{at}] = winner;"],
    )


def _share(axis: int, include: bool) -> list[str]:
    """Statements that multiply ``divisor`` by the elements of window ``w<axis>`` along an axis."""
    first, size = f"w{axis} * HP(stride)[{axis}] - HP(padding)[{axis}]", f"HP(size)[{axis}]"
    if include:
        return [f"divisor *= min(HP(shape)[{axis}], {size} + HP(padding)[{axis}] - ({first}));"]
    return [f"divisor *= min({first} + HP(shape)[{axis}], {size}) - max({first}, 0);"]


def _divisor(include: bool) -> list[str]:
    """Statements that define ``divisor`` for window ``w*``: how many elements it has, or what was asked for."""
    counted = [line for axis in range(3) for line in _share(axis, include)]
    return ["int divisor = HP(divisor);", "if (divisor == 0) {", "divisor = 1;", *counted, "}"]


def _average(form: _Form, include: bool) -> list[str]:
    mean = f"(total / ({form.name})divisor)"
    store = form.source.store(form.kind, "out[line * HP(windows)[2] + w2]", mean, form.kind.compute)
    return form.windows([f"{form.name} total = 0;"], ["total += found;"], [*_divisor(include), store])


def _average_backward(form: _Form, include: bool) -> list[str]:
    """Each place gathers its share of the windows that it lies in."""
    ranges = [
        [
            f"const int reach{a} = x{a} + HP(padding)[{a}], past{a} = reach{a} - HP(shape)[{a}];",
            f"const int from{a} = past{a} < 0 ? 0 : past{a} / HP(stride)[{a}] + 1;",
            f"const int to{a} = min(HP(windows)[{a}] - 1, reach{a} / HP(stride)[{a}]);",
        ]
        for a in range(3)
    ]
    at = "((plane * HP(windows)[0] + w0) * HP(windows)[1] + w1) * HP(windows)[2] + w2"
    return [
        *form.each("size", "x"), *ranges[0], *ranges[1],
        "for (int x2 = begin; x2 < begin + HP(span); ++x2) {",
        *ranges[2],
        f"{form.name} total = 0;",
        "for (int w0 = from0; w0 <= to0; ++w0) for (int w1 = from1; w1 <= to1; ++w1) for (int w2 = from2; w2 <= to2; ++w2) {",
        *_divisor(include),
        f"total += {form.source.load(form.kind, f'delta[({at}) * HP(delta_step)]')} / ({form.name})divisor;",
        "}",
        form.source.store(form.kind, "out[line * HP(size)[2] + x2]", "total", form.kind.compute),
        "}",
    ]  # fmt: skip


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
    form = _Form(Source(OPENCL), key.dtypes[0])
    stored = form.source.stored(form.kind)
    sheet = Sheet({"out": stored, "place": "long", "input": f"const {stored}"}, _WORDS)

    def plan(layouts: Layouts, scalars: Sequence[Any]) -> Plan:
        out, _, given = (each.shape for each in layouts)
        return _plan(device, given, out, out, scalars[:4], 0, 1)

    text = _CONTRACT + sheet.kernel("hp_pool", _max(form))
    return Override(device, key.name, form.source, sheet, text, plan, ("hp_pool",))


def _is_included(key: OpKey) -> bool:
    return ("include", True) in key.attributes


def avg_pool(device: Device, key: OpKey) -> Kernel | None:
    """The mean of each window."""
    if not _usable(key, "f", -1):
        return None
    form = _Form(Source(OPENCL), key.dtypes[0])
    stored = form.source.stored(form.kind)
    sheet = Sheet({"out": stored, "input": f"const {stored}"}, _WORDS)

    def plan(layouts: Layouts, scalars: Sequence[Any]) -> Plan:
        out, given = (each.shape for each in layouts)
        return _plan(device, given, out, out, (*scalars[:3], (1,) * (len(out) - 2)), scalars[3], 1)

    text = _CONTRACT + sheet.kernel("hp_pool", _average(form, _is_included(key)))
    return Override(device, key.name, form.source, sheet, text, plan, ("hp_pool",))


def avg_pool_backward(device: Device, key: OpKey) -> Kernel | None:
    """The gradient of ``avg_pool``."""
    if not _usable(key, "f", 1):
        return None
    form = _Form(Source(OPENCL), key.dtypes[0])
    stored = form.source.stored(form.kind)
    sheet = Sheet({"out": stored, "delta": f"const {stored}"}, _WORDS)

    def plan(layouts: Layouts, scalars: Sequence[Any]) -> Plan:
        out, delta = layouts
        numbers = (*scalars[1:4], (1,) * (len(out.shape) - 2))
        return _plan(device, out.shape, delta.shape, out.shape, numbers, scalars[4], int(delta.is_contiguous))

    text = _CONTRACT + sheet.kernel("hp_pool", _average_backward(form, _is_included(key)))
    return Override(device, key.name, form.source, sheet, text, plan, ("hp_pool",))


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

    text = "".join(sheet.kernel(name, body) for name, body in bodies.items())
    return Override(device, key.name, source, sheet, text, plan, tuple(bodies))


OVERRIDES: Final[dict[str, Callable[[Device, OpKey], Kernel | None]]] = {
    "max_pool": max_pool,
    "max_pool_backward": max_pool_backward,
    "avg_pool": avg_pool,
    "avg_pool_backward": avg_pool_backward,
}
