"""Rows on a GPU: the work-items of a group share a row, or several, and join what they found in local memory."""

from __future__ import annotations

from hotplug.backend.render import Source
from hotplug.backends.opencl.rows import BLOCK, Pass, Work, located, lowest
from hotplug.backends.opencl.rows_of_items import expressions, used
from hotplug.dtypes import dtype


def rows_of_group(source: Source, kind: dtype, work: Work, local: int) -> list[str]:
    """The body of ``hp_group``.  Every work-item meets every barrier: rows behind the last have no elements."""
    name = source.type(kind)
    lines = [
        f"__local {name} shared[{local}];",
        "const int lanes = (int)HP(lanes), item = (int)get_local_id(0), lane = item & (lanes - 1);",
        f"const hp_index row = (hp_index)get_group_id(0) * ({local} / lanes) + item / lanes;",
        "const bool live = row < HP(rows);",
        "const hp_index length = live ? HP(length) : 0;",
        "hp_index row_at = 0, row_of = 0;",
        f"if (live) {{ hp_index at = 0, of = 0; {located('row', 'row')} row_at = at; row_of = of; }}",
        *work.first,
        *[f"const {name} {value} = live ? {text} : ({name})0;" for value, text in work.given.items()],
    ]
    for each in work.passes:
        lines += [f"const {name} {value} = {_exp(text)};" for value, text in each.lets.items()]
        lines += _pass(source, kind, work, each)
    if work.last:
        lines += ["if (live && lane == 0) {", *map(_exp, work.last), "}"]
    return lines


def _exp(text: str) -> str:
    return text.replace("EXP(", "exp(")


def _pass(source: Source, kind: dtype, work: Work, each: Pass) -> list[str]:
    name = source.type(kind)
    lines = [f"{name} {one} = 0;" for one in each.sums]
    lines += [f"{name} {one} = {lowest(source, kind)};" for one in each.tops]
    lines += ["for (hp_index place = lane; place < length;) {"]
    lines += [f"{name} {one}_b = 0;" for one in each.sums]
    lines += [f"for (int k = 0; k < {BLOCK} && place < length; ++k, place += lanes) {{"]
    lines += ["hp_index at = row_at, of = row_of;", located("in", "place"), "(void)at; (void)of;"]
    for value in used(work.loads, expressions(each)):
        pointer, shared = work.loads[value]
        lines.append(f"const {name} {value} = {pointer}[{'of' if shared else 'at'}];")
    lines += [f"const {name} {value} = {_exp(text)};" for value, text in each.terms.items()]
    lines += [f"{one}_b += {_exp(text)};" for one, text in each.sums.items()]
    lines += [f"{{ const {name} other = {text}; {one} = other > {one} ? other : {one}; }}"
              for one, text in each.tops.items()]  # fmt: skip
    for pointer, text in each.stores.items():
        hit = f" + (place == goal ? {work.hit[pointer]} : ({name})0)" if pointer in work.hit else ""
        lines.append(f"{pointer}[at] = {_exp(text)}{hit};")
    lines += ["}", *[f"{one} += {one}_b;" for one in each.sums], "}"]
    for one, join in (*((one, "left + right") for one in each.sums), *((one, "max(left, right)") for one in each.tops)):
        lines += _joined(name, one, join)
    return lines


def _joined(name: str, value: str, join: str) -> list[str]:
    """Statements that give every work-item of a row the join of all their values."""
    return [
        f"shared[item] = {value};",
        "for (int half_ = lanes / 2; half_ > 0; half_ >>= 1) {",
        "    barrier(CLK_LOCAL_MEM_FENCE);",
        "    if (lane < half_) {",
        f"        const {name} left = shared[item], right = shared[item + half_];",
        f"        shared[item] = {join};",
        "    }",
        "}",
        "barrier(CLK_LOCAL_MEM_FENCE);",
        f"{value} = shared[item - lane];",
        "barrier(CLK_LOCAL_MEM_FENCE);",
    ]
