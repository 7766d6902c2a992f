"""Text of kernels that read a row, join what they found over it, and write a row: softmax, norms, cross-entropy.

A row is the work of one thread, a warp or a block.  Where it is short enough, its elements stay in registers between the
passes; else every pass reads them again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from hotplug.backend.render import Source
from hotplug.backends.cuda.composite import Step
from hotplug.backends.cuda.header import THREADS, WARP
from hotplug.backends.cuda.text import kernel
from hotplug.dtypes import dtype

HELD: Final = 16
"""Elements of a thread that stay in registers."""
WORDS: Final = ("rows", "length", "lanes")
"""Integers that a sheet needs for these kernels."""


class Pass(NamedTuple):
    """One way along the row."""

    each: Sequence[str]
    """Statements for an element: its loaded values by name, and its number ``place``."""
    after: Sequence[str] = ()
    """Statements that join the threads' results; all threads run them."""
    before: Sequence[str] = ()


def joins(source: Source, kind: dtype, top: bool = False) -> str:
    """Definitions of ``hp_sum``, and of ``hp_top`` if asked for, over all threads of a row."""
    name = source.type(kind)
    text = ""
    for function, op in (("hp_sum", "add"), *((("hp_top", "maximum"),) if top else ())):
        text += f"""
HP_INLINE {name} {function}({name} value, int lanes, {name} *shared) {{
    if (lanes == 1) return value;
    for (int d = {WARP // 2}; d > 0; d >>= 1) {{
        const {name} other = hp_swap(value, d);
        value = {source.apply(op, kind, "value", "other")};
    }}
    if (lanes > {WARP}) {{
        __syncthreads();
        if (threadIdx.x % {WARP} == 0) shared[threadIdx.x / {WARP}] = value;
        __syncthreads();
        value = shared[0];
        for (int k = 1; k < {THREADS // WARP}; ++k) value = {source.apply(op, kind, "value", "shared[k]")};
    }}
    return value;
}}
"""
    return text


def row_kernels(
    source: Source, kind: dtype, setup: Sequence[str], place: Sequence[str], loads: Mapping[str, str],
    passes: Sequence[Pass], finish: Sequence[str] = (),
) -> str:  # fmt: skip
    """The kernels ``hp_held`` and ``hp_long``.

    Args:
        source: of the text.
        kind: the dtype that is computed in.
        setup: statements that define what is needed of ``row``, which may be beyond the last; for ``live`` rows only
            may memory be touched.
        place: statements that define where the element ``place`` lies.
        loads: values of an element by name, as expressions.
        passes: in order.
        finish: statements that the first thread of the row runs.
    """
    return kernel("hp_held", _body(source, kind, setup, place, loads, passes, finish, held=True)) + kernel(
        "hp_long", _body(source, kind, setup, place, loads, passes, finish, held=False)
    )


def _body(
    source: Source, kind: dtype, setup: Sequence[str], place: Sequence[str], loads: Mapping[str, str],
    passes: Sequence[Pass], finish: Sequence[str], held: bool,
) -> list[str]:  # fmt: skip
    name = source.type(kind)
    shared = [f"__shared__ {name} shared[{THREADS // WARP}];"] if any(each.after for each in passes) else []
    lines = [
        *shared,
        "const int lanes = (int)HP(lanes), lane = threadIdx.x & (lanes - 1);",
        f"const hp_i64 row = (hp_i64)blockIdx.x * ({THREADS} / lanes) + threadIdx.x / lanes;",
        "const bool live = row < HP(rows);",
        "const int length = live ? (int)HP(length) : 0;",
        *setup,
    ]
    if held:
        lines += [f"{name} {value}_[{HELD}];" for value in loads]
    for number, each in enumerate(passes):
        lines += each.before
        if held:
            lines += ["#pragma unroll", f"for (int k = 0; k < {HELD}; ++k) {{", "const int place = lane + k * lanes;"]
            lines += ["if (place < length) {"]
        else:
            lines += ["for (int place = lane; place < length; place += lanes) {"]
        lines += place
        for value, load in loads.items():
            if held and number == 0:
                lines.append(f"{value}_[k] = {load};")
            lines.append(f"const {name} {value} = {f'{value}_[k]' if held else load};")
            lines.append(f"(void){value};")
        lines += [*each.each, "}", *(["}"] if held else []), *each.after]
    if finish:
        lines += ["if (live && lane == 0) {", *finish, "}"]
    return lines


def lanes_of(rows: int, length: int, strided: bool) -> int:
    """Threads of a row; one where neighbouring rows lie next to each other in memory."""
    if strided or length <= 4:
        return 1
    return WARP if length <= WARP * HELD else THREADS


def row_step(rows: int, length: int, lanes: int) -> Step:
    """The launch for so many rows."""
    return Step("hp_held" if length <= HELD * lanes else "hp_long", -(-rows * lanes // THREADS))
