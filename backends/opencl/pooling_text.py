"""The texts of pooling's kernels, all of three axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from hotplug.backend.render import Source
from hotplug.dtypes import dtype

_SUMS: Final = 8


class Form(NamedTuple):
    """What the kernels have in common."""

    source: Source
    kind: dtype

    @property
    def name(self) -> str:
        return self.source.type(self.kind.compute)

    @property
    def is_plain(self) -> bool:
        """Whether elements are computed with as they are stored."""
        return self.source.stored(self.kind) == self.name

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


def largest(form: Form) -> list[str]:
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


def average(form: Form, include: bool) -> list[str]:
    """Long lines of a window are added in several sums, which are more exact and faster than one."""
    mean = f"(total / ({form.name})divisor)"
    element = form.source.load(form.kind, "input[here + l]")
    return [
        *form.each("windows", "w"), *form.taps(0), *form.taps(1),
        "input += plane * HP(size)[0] * HP(size)[1] * HP(size)[2];",
        "for (int w2 = begin; w2 < begin + HP(span); ++w2) {",
        *form.taps(2),
        f"{form.name} total = 0, sums[{_SUMS}];",
        f"for (int l = 0; l < {_SUMS}; ++l) sums[l] = 0;",
        "for (int t0 = low0; t0 < high0; ++t0) for (int t1 = low1; t1 < high1; ++t1) {",
        "    int here = ((y0 + t0) * HP(size)[1] + y1 + t1) * HP(size)[2] + y2 + low2, left = high2 - low2;",
        f"    for (; left >= {_SUMS}; left -= {_SUMS}, here += {_SUMS})",
        f"        for (int l = 0; l < {_SUMS}; ++l) sums[l] += {element};",
        f"    for (int l = 0; l < left; ++l) total += {element};",
        "}",
        f"for (int l = 0; l < {_SUMS}; ++l) total += sums[l];",
        *_divisor(include),
        form.source.store(form.kind, "out[line * HP(windows)[2] + w2]", mean, form.kind.compute),
        "}",
    ]  # fmt: skip


def _over(axis: int) -> list[str]:
    """Statements that define the windows ``from<axis>`` to ``to<axis>`` that the place ``x<axis>`` lies in."""
    return [
        f"const int reach{axis} = x{axis} + HP(padding)[{axis}], past{axis} = reach{axis} - HP(shape)[{axis}];",
        f"const int from{axis} = past{axis} < 0 ? 0 : past{axis} / HP(stride)[{axis}] + 1;",
        f"const int to{axis} = min(HP(windows)[{axis}] - 1, reach{axis} / HP(stride)[{axis}]);",
    ]


def average_backward(form: Form, include: bool) -> list[str]:
    """Each place gathers its share of the windows that it lies in."""
    at = "((plane * HP(windows)[0] + w0) * HP(windows)[1] + w1) * HP(windows)[2] + w2"
    return [
        *form.each("size", "x"), *_over(0), *_over(1),
        "for (int x2 = begin; x2 < begin + HP(span); ++x2) {",
        *_over(2),
        f"{form.name} total = 0;",
        "for (int w0 = from0; w0 <= to0; ++w0) for (int w1 = from1; w1 <= to1; ++w1) for (int w2 = from2; w2 <= to2; ++w2) {",
        *_divisor(include),
        f"total += {form.source.load(form.kind, f'delta[({at}) * HP(delta_step)]')} / ({form.name})divisor;",
        "}",
        form.source.store(form.kind, "out[line * HP(size)[2] + x2]", "total", form.kind.compute),
        "}",
    ]  # fmt: skip


def _reach() -> list[str]:
    """Statements that define for which windows ``low`` to ``high`` tap ``t2`` lies in the input, ``shift`` from it."""
    step = "HP(stride)[2]"
    return [
        "const int shift = t2 - HP(padding)[2], step = HP(stride)[2];",
        f"const int low = shift < 0 ? ({step} - 1 - shift) / {step} : 0;",
        f"const int high = shift < HP(size)[2] ? min(HP(windows)[2], (HP(size)[2] - 1 - shift) / {step} + 1) : 0;",
    ]


def average_lines(form: Form, include: bool) -> list[str]:
    """A line of means, tap by tap: neighbouring windows are a vector.  Sums are kept in the output."""
    return [
        *form.each("windows", "w"), *form.taps(0), *form.taps(1),
        "input += plane * HP(size)[0] * HP(size)[1] * HP(size)[2];",
        "out += line * HP(windows)[2];",
        "for (int w2 = begin; w2 < HP(windows)[2]; ++w2) out[w2] = 0;",
        "for (int t0 = low0; t0 < high0; ++t0) for (int t1 = low1; t1 < high1; ++t1)",
        "    for (int t2 = 0; t2 < HP(shape)[2]; ++t2) {",
        *_reach(),
        f"__global const {form.name} *from = input + ((y0 + t0) * HP(size)[1] + y1 + t1) * HP(size)[2] + shift;",
        "if (step == 1) for (int w2 = low; w2 < high; ++w2) out[w2] += from[w2];",
        "else for (int w2 = low; w2 < high; ++w2) out[w2] += from[w2 * step];",
        "    }",
        "for (int w2 = begin; w2 < HP(windows)[2]; ++w2) {",
        *_divisor(include),
        f"out[w2] = out[w2] / ({form.name})divisor;",
        "}",
    ]  # fmt: skip


def average_lines_backward(form: Form, include: bool) -> list[str]:
    """A line of gradients, tap by tap, as :func:`average_lines`."""
    each = [*_divisor(include), f"out[w2 * step + shift] += from[w2 * HP(delta_step)] / ({form.name})divisor;"]
    dense = [*_divisor(include), f"out[w2 + shift] += from[w2] / ({form.name})divisor;"]
    return [
        *form.each("size", "x"), *_over(0), *_over(1),
        "out += line * HP(size)[2];",
        "for (int x2 = begin; x2 < HP(size)[2]; ++x2) out[x2] = 0;",
        "for (int w0 = from0; w0 <= to0; ++w0) for (int w1 = from1; w1 <= to1; ++w1)",
        "    for (int t2 = 0; t2 < HP(shape)[2]; ++t2) {",
        *_reach(),
        (f"__global const {form.name} *from = delta + ((plane * HP(windows)[0] + w0) * HP(windows)[1] + w1) * "
        "HP(windows)[2] * HP(delta_step);"),
        "if (step == 1 && HP(delta_step) == 1) {",
        "for (int w2 = low; w2 < high; ++w2) {", *dense, "}",
        "} else {",
        "for (int w2 = low; w2 < high; ++w2) {", *each, "}",
        "}",
        "    }",
    ]  # fmt: skip


def average_windows_backward(form: Form, include: bool) -> list[str]:
    """A line of gradients, window by window: its share is the same for many neighbours."""
    return [
        *form.each("size", "x"), *_over(0), *_over(1),
        "out += line * HP(size)[2];",
        "for (int x2 = begin; x2 < HP(size)[2]; ++x2) out[x2] = 0;",
        "for (int w0 = from0; w0 <= to0; ++w0) for (int w1 = from1; w1 <= to1; ++w1)",
        "    for (int w2 = 0; w2 < HP(windows)[2]; ++w2) {",
        *form.taps(2), *_divisor(include),
        "const int at = ((plane * HP(windows)[0] + w0) * HP(windows)[1] + w1) * HP(windows)[2] + w2;",
        f"const {form.name} share = delta[at * HP(delta_step)] / ({form.name})divisor;",
        "for (int x2 = y2 + low2; x2 < y2 + high2; ++x2) out[x2] += share;",
        "    }",
    ]  # fmt: skip
