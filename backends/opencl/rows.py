"""Text of kernels that read a row, join what they found over it, and write a row: softmax, norms, cross-entropy.

A row is what one sum is taken of, along any axes of a contiguous operand.  What happens to it is told once, as a
:class:`Work`; of that there are three kernels.  ``hp_along`` and ``hp_across`` are for processors: no work-item waits for
another.  In the first a work-item has a row whose elements lie side by side, and reads them as vectors; in the second
it has neighbouring rows whose elements do.  ``hp_group`` is for GPUs: the work-items of a group share one row or several.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from hotplug.backend import Layout
from hotplug.backend.render import Source
from hotplug.backends.opencl.composite import Plan, Sheet, Step, items
from hotplug.backends.opencl.device import Device
from hotplug.backends.opencl.groups import group, group_words
from hotplug.dtypes import dtype, float32
from hotplug.layout import Shape, broadcast_strides, contiguous_strides

BLOCK: Final = 128
"""Additions to one running sum; then it is added to the next one, so that rounding errors stay small."""
SIDE_BY_SIDE: Final = 8
"""Vectors of neighbouring rows that a work-item has at once: whole cache lines."""
_GROUP: Final = 256


class Load(NamedTuple):
    """How an element's value, or a row's, is read."""

    pointer: str
    shared: bool = False
    """Whether it is read by the second operand's strides, which may be 0, instead of the row operand's."""


class Pass(NamedTuple):
    """One way along the row.  All expressions are written for scalars, and serve vectors as well; ``EXP(x)`` is exp."""

    sums: Mapping[str, str] = {}
    """What is added up over the row, by the name of the sum."""
    tops: Mapping[str, str] = {}
    """The same for the largest element; a NaN is passed over."""
    lets: Mapping[str, str] = {}
    """Values of the row, defined before the pass."""
    terms: Mapping[str, str] = {}
    """Values of the element, which the expressions above and below read."""
    stores: Mapping[str, str] = {}
    """By pointer, what is written at the element."""


class Work(NamedTuple):
    """What happens to a row."""

    loads: Mapping[str, Load]
    """Values of an element."""
    passes: Sequence[Pass]
    given: Mapping[str, str] = {}
    """Values of a row at its start, as expressions of ``row``, ``row_at`` and ``row_of``, evaluated row by row."""
    first: Sequence[str] = ()
    """Statements for each row before those; what they declare is known to ``given`` and ``last``."""
    last: Sequence[str] = ()
    """Statements for each row at its end."""
    ends: Sequence[str] = ()
    """Values of the row that ``last`` reads."""
    hit: Mapping[str, str] = {}
    """By pointer, what is added to the element ``goal`` of each row, which ``first`` declares (-1: to none)."""


# --- the plan --------------------------------------------------------------------------------------------------------


WORDS: Final = (
    "rows", "length", "lanes", "side", "side_of", "run", "run_at", "run_of", *group_words("row"), *group_words("in"),
)  # fmt: skip
"""Integers that a sheet needs for these kernels."""


def lanes_of(device: Device, length: int, strided: bool) -> int:
    """Work-items of a row; one where neighbouring rows lie next to each other in memory."""
    if strided or length <= 4:
        return 1
    return 32 if length <= 512 else local_size(device)


def local_size(device: Device) -> int:
    """Work-items of a group: a power of two."""
    most: int = min(_GROUP, device.light.of_many)
    return 1 << (most.bit_length() - 1)


def row_plan(device: Device, operand: Layout, dims: Shape, other: Layout | None = None) -> Plan:
    """The plan of rows over ``dims`` of a contiguous operand, beside another that broadcasts to it."""
    shape = operand.shape
    kept = [axis for axis in range(len(shape)) if axis not in dims]
    steps = contiguous_strides(shape)
    own = (0,) * len(shape) if other is None else broadcast_strides(other.shape, other.strides, shape)
    rows, inner = group(shape, kept, steps, own), group(shape, sorted(dims), steps, own)
    strided = bool(rows.first) and rows.first[0] == 1 and rows.sizes[0] > 1
    run, run_at, run_of, outer = inner.parted()
    side, _, side_of, lines = rows.parted() if strided else (1, 1, 0, rows)
    numbers: dict[str, Any] = {
        "rows": rows.numel, "length": inner.numel, "run": run, "run_at": run_at, "run_of": run_of,
        "side": side, "side_of": side_of, "lanes": lanes_of(device, inner.numel, strided),
    }  # fmt: skip
    if device.is_processor:
        numbers |= {**lines.words("row"), **outer.words("in")}
        if not strided:
            return Plan(numbers, [items("hp_along", rows.numel, device.heavy)])
        return Plan(
            numbers,
            [
                items(
                    "hp_across", lines.numel * -(-side // (SIDE_BY_SIDE * lanes_in_vector(operand.dtype))), device.heavy
                )
            ],
        )
    numbers |= {**rows.words("row"), **inner.words("in")}
    local = local_size(device)
    return Plan(numbers, [Step("hp_group", -(-rows.numel * numbers["lanes"] // local), local)])


def kernels_of(device: Device) -> tuple[str, ...]:
    """Names of the kernels that :func:`row_kernels` makes for a device."""
    return ("hp_along", "hp_across") if device.is_processor else ("hp_group",)


# --- pieces of text --------------------------------------------------------------------------------------------------

LOCATE: Final = """
// Adds to two positions what a number in C order over some axes, the last of which is in front, amounts to.
static inline void hp_locate(hp_index flat, int axes, HP_SPACE const hp_index *sizes, HP_SPACE const hp_index *first,
                             HP_SPACE const hp_index *second, hp_index *at, hp_index *of) {
    if (axes == 1) {
        *at += flat * first[0];
        *of += flat * second[0];
        return;
    }
    for (int axis = 0; axis < axes; ++axis) {
        const hp_index rest = axis + 1 < axes ? flat / sizes[axis] : 0, here = flat - rest * sizes[axis];
        *at += here * first[axis];
        *of += here * second[axis];
        flat = rest;
    }
}
"""

_EXP: Final = """
// exp by a polynomial around the nearest power of two; the power is applied in two parts, for tiny results.
static inline T hp_exp_N(T x) {
    x = x > 89.0f ? (T)(89.0f) : x;
    x = x < -104.0f ? (T)(-104.0f) : x;
    const T shifted = x * 0x1.715476p+0f + 12582912.0f, whole = shifted - 12582912.0f;
    T r = whole * -0x1.62e400p-1f + x;
    r = whole * -0x1.7f7d1cp-20f + r;
    T p = r * 0x1.6850e4p-10f + 0x1.123bccp-7f;
    p = r * p + 0x1.555b98p-5f;
    p = r * p + 0x1.55548ep-3f;
    p = r * p + 0x1.fffff8p-2f;
    p = r * p + 1.0f;
    p = r * p + 1.0f;
    const I power = as_I(shifted) - 0x4b400000, part = power >> 1;
    return p * as_T((part + 127) << 23) * as_T((power - part + 127) << 23);
}
"""

_VECTOR: Final = """
// Vectors anywhere: a driver may make a call of each vload, and lose all registers by it.
typedef struct __attribute__((packed)) { V v; } hp_packed_V;
#define hp_read_V(p) (((__global const hp_packed_V *)(p))->v)
#define hp_write_V(value, p) (((__global hp_packed_V *)(p))->v = (value))
static inline V hp_some(__global const S *p, hp_index step) { return step ? hp_read_V(p) : (V)(*p); }
static inline S hp_sum_of(V v) { HALVES; return (b.x + b.z) + (b.y + b.w); }
static inline S hp_top_of(V v) {
    S top = v.s0;
    const S *p = (const S *)&v;
    for (int k = 1; k < N; ++k) top = p[k] > top ? p[k] : top;
    return top;
}
"""


def lanes_in_vector(kind: dtype) -> int:
    """Elements of a vector of 32 bytes: wider ones are known to break drivers."""
    return 32 // kind.itemsize


def helpers(source: Source, kind: dtype, vectors: bool) -> str:
    """Functions that the kernels call."""
    name, count = source.type(kind), lanes_in_vector(kind)
    text = "#pragma OPENCL FP_CONTRACT ON\n" + LOCATE
    if not vectors:
        return text
    halves = f"const {name}4 b = v.lo + v.hi" if count == 8 else f"const {name}4 b = v"
    part = re.sub(r"(?<=_)V\b|\bV\b", f"{name}{count}", _VECTOR.replace("HALVES", halves)).replace(
        "k < N", f"k < {count}"
    )
    text += re.sub(r"\bS\b", name, part)
    if kind is float32:
        for suffix in ("", str(count)):
            own = {"T": f"float{suffix}", "I": f"int{suffix}", "as_T": f"as_float{suffix}", "as_I": f"as_int{suffix}"}
            text += substituted(_EXP, {**own, "hp_exp_N": f"hp_exp_{suffix or 1}"})
    return text


def exp_of(source: Source, kind: dtype, text: str, vectors: bool, wide: bool) -> str:
    """``EXP(`` spelled for scalars or vectors."""
    own = vectors and kind is float32
    return text.replace("EXP(", f"hp_exp_{lanes_in_vector(kind) if wide else 1}(" if own else "exp(")


def located(name: str, flat: str) -> str:
    """The statement that adds to ``at`` and ``of`` what a number over a group's axes amounts to."""
    fields = ", ".join(f"HP({name}_{part})" for part in ("size", "first", "second"))
    return f"hp_locate({flat}, (int)HP({name}_axes), {fields}, &at, &of);"


def lowest(source: Source, kind: dtype) -> str:
    """What no element is below."""
    return source.literal(-math.inf, kind)


# --- the kernels -----------------------------------------------------------------------------------------------------


def row_kernels(device: Device, source: Source, sheet: Sheet, kind: dtype, work: Work) -> str:
    """The kernels of a device's kind, and what they call; the sheet has :data:`WORDS`."""
    text = helpers(source, kind, device.is_processor)
    if device.is_processor:
        from hotplug.backends.opencl.rows_of_items import across, along

        return (
            text
            + sheet.kernel("hp_along", along(source, kind, work))
            + sheet.kernel("hp_across", across(source, kind, work, SIDE_BY_SIDE))
        )
    from hotplug.backends.opencl.rows_of_groups import rows_of_group

    local = local_size(device)
    return text + sheet.kernel("hp_group", rows_of_group(source, kind, work, local), local)


def substituted(text: str, names: Mapping[str, str]) -> str:
    """A text with some words replaced by others."""
    if not names:
        return text
    return re.sub(rf"\b({'|'.join(map(re.escape, names))})\b", lambda found: names[found[0]], text)
