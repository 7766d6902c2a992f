"""Rows on a processor: one work-item has a whole row, or several that lie side by side, and reads vectors."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from hotplug.backend.render import Source
from hotplug.backends.opencl.rows import (
    BLOCK,
    Pass,
    Work,
    exp_of,
    lanes_in_vector,
    located,
    lowest,
    substituted,
)
from hotplug.dtypes import dtype


def used(names: Iterable[str], texts: Iterable[str]) -> list[str]:
    """Those of the names that occur in the texts."""
    words = {word for text in texts for word in re.findall(r"\w+", text)}
    return [name for name in names if name in words]


def expressions(each: Pass) -> list[str]:
    """All that is computed of an element."""
    return [*each.terms.values(), *each.sums.values(), *each.tops.values(), *each.stores.values()]


def along(source: Source, kind: dtype, work: Work) -> list[str]:
    """The body of ``hp_along``."""
    name, count = source.type(kind), lanes_in_vector(kind)
    lines = [
        "const hp_index row = (hp_index)get_global_id(0);",
        "if (row >= HP(rows)) return;",
        "const bool live = true;",
        "(void)live;",
        "hp_index row_at = 0, row_of = 0;",
        f"{{ hp_index at = 0, of = 0; {located('row', 'row')} row_at = at; row_of = of; }}",
        "const hp_index overs = HP(length) / HP(run), run = HP(run);",
        *work.first,
        *[f"const {name} {value} = {text};" for value, text in work.given.items()],
    ]
    for each in work.passes:
        lines += [
            f"const {name} {value} = {exp_of(source, kind, text, True, False)};" for value, text in each.lets.items()
        ]
        lines += _run(source, kind, work, each, f"{name}{count}", count)
    lines += [
        f"if (goal >= 0) {pointer}[row_at + (hp_index)goal * HP(run_at)] += {text};"
        for pointer, text in work.hit.items()
    ]
    return [*lines, *(exp_of(source, kind, text, True, False) for text in work.last)]


def _run(source: Source, kind: dtype, work: Work, each: Pass, vector: str, count: int) -> list[str]:
    """Statements of a pass: vectors in blocks, then the elements that are left over, for each run of the row."""
    name, joined = source.type(kind), [*each.sums, *each.tops]
    start = dict.fromkeys(each.sums, "0") | dict.fromkeys(each.tops, lowest(source, kind))
    step = BLOCK * count
    return [
        *[f"{name} {one} = {start[one]};" for one in joined],
        "for (hp_index over = 0; over < overs; ++over) {",
        "hp_index at = row_at, of = row_of, place = 0;",
        located("in", "over"),
        *[f"{vector} {one}_v = ({vector})({start[one]}); {name} {one}_s = {start[one]};" for one in joined],
        f"while (run - place >= {count}) {{",
        f"const hp_index stop = run - place > {step} ? place + {step} : run;",
        *[f"{vector} {one}_b = ({vector})(0);" for one in each.sums],
        f"for (; place + {count} <= stop; place += {count}) {{",
        *_element(source, kind, work, each, wide=True, into=("_b", "_v")),
        "}",
        *[f"{one}_v += {one}_b;" for one in each.sums],
        "}",
        "for (; place < run; ++place) {",
        *_element(source, kind, work, each, wide=False, into=("_s", "_s")),
        "}",
        *[f"{one} += hp_sum_of({one}_v) + {one}_s;" for one in each.sums],
        *[f"{one}_s = max({one}_s, hp_top_of({one}_v)); {one} = max({one}, {one}_s);" for one in each.tops],
        "}",
    ]


def _element(source: Source, kind: dtype, work: Work, each: Pass, wide: bool, into: tuple[str, str]) -> list[str]:
    """Statements for the elements from ``place`` on: a vector of them, or one."""
    count = lanes_in_vector(kind)
    name = source.type(kind) + (str(count) if wide else "")
    lines = []
    for value in used(work.loads, expressions(each)):
        pointer, shared = work.loads[value]
        place = f"{pointer} + of + place * HP(run_of)" if shared else f"{pointer} + at + place"
        text = f"*({place})"
        if wide:
            text = f"hp_some({place}, HP(run_of))" if shared else f"hp_read_{name}({place})"
        lines.append(f"const {name} {value} = {text};")
    lines += [f"const {name} {value} = {exp_of(source, kind, text, True, wide)};" for value, text in each.terms.items()]
    lines += _taken(source, kind, each, wide, lambda text: text, lambda one: one + into[0], lambda one: one + into[1])
    for pointer, text in each.stores.items():
        text, place = exp_of(source, kind, text, True, wide), f"{pointer} + at + place"
        lines.append(f"hp_write_{name}({text}, {place});" if wide else f"*({place}) = {text};")
    return lines


def _taken(
    source: Source, kind: dtype, each: Pass, wide: bool, own: Callable[[str], str], total: Callable[[str], str],
    top: Callable[[str], str],
) -> list[str]:  # fmt: skip
    """Statements that take an element into sums and largest elements."""
    lines = [f"{total(one)} += {exp_of(source, kind, own(text), True, wide)};" for one, text in each.sums.items()]
    for one, text in each.tops.items():
        lines.append(f"{top(one)} = {own(text)} > {top(one)} ? {own(text)} : {top(one)};")
    return lines


# --- neighbouring rows -----------------------------------------------------------------------------------------------


def across(source: Source, kind: dtype, work: Work, most: int) -> list[str]:
    """The body of ``hp_across``: ``most`` vectors of rows, or what is left over one vector and one row at a time."""
    count = lanes_in_vector(kind)
    chunk = most * count
    start = ["const hp_index row0 = line * HP(side) + column, row_at0 = line_at + column;"]
    start += ["const hp_index row_of0 = line_of + column * HP(side_of);"]
    return [
        f"const hp_index chunks = (HP(side) - 1) / {chunk} + 1, line = (hp_index)get_global_id(0) / chunks;",
        "if (line >= HP(rows) / HP(side)) return;",
        f"hp_index column = ((hp_index)get_global_id(0) - line * chunks) * {chunk};",
        "hp_index line_at = 0, line_of = 0;",
        f"{{ hp_index at = 0, of = 0; {located('row', 'line')} line_at = at; line_of = of; }}",
        "const hp_index overs = HP(length) / HP(run), run = HP(run);",
        f"if (HP(side) - column >= {chunk}) {{",
        *start,
        *_rows(source, kind, work, most, wide=True),
        "} else {",
        f"for (; HP(side) - column >= {count}; column += {count}) {{",
        *start,
        *_rows(source, kind, work, 1, wide=True),
        "}",
        "for (; column < HP(side); ++column) {",
        *start,
        *_rows(source, kind, work, 1, wide=False),
        "}",
        "}",
    ]


def _rows(source: Source, kind: dtype, work: Work, units: int, wide: bool) -> list[str]:
    """Statements for so many vectors of rows, or for one row."""
    name = source.type(kind) + (str(lanes_in_vector(kind)) if wide else "")
    values = [*work.given, *work.loads]
    for each in work.passes:
        values += [*each.lets, *each.terms, *each.sums, *each.tops]
    own = [{value: f"{value}_{unit}" for value in values} for unit in range(units)]
    lines = _given(source, kind, work, units, wide)
    for each in work.passes:
        for names in own:
            lines += [
                f"const {name} {names[value]} = {exp_of(source, kind, substituted(text, names), True, wide)};"
                for value, text in each.lets.items()
            ]
        lines += _down(source, kind, work, each, own, name, wide)
    return lines + _last(source, kind, work, own, wide)


def _given(source: Source, kind: dtype, work: Work, units: int, wide: bool) -> list[str]:
    """Statements that define what is given of each row."""
    if not work.given:
        return []
    name, count = source.type(kind), lanes_in_vector(kind) if wide else 1
    lines = []
    for unit in range(units):
        lines += [f"{name} {value}_t{unit}[{count}];" for value in work.given]
        lines += [*_each_row(unit, count), *work.first]
        lines += [f"{value}_t{unit}[lane] = {text};" for value, text in work.given.items()]
        lines.append("}")
        for value in work.given:
            read = f"vload{count}(0, {value}_t{unit})" if wide else f"{value}_t{unit}[0]"
            lines.append(f"const {name}{count if wide else ''} {value}_{unit} = {read};")
    return lines


def _each_row(unit: int, count: int) -> list[str]:
    """The head of a loop over the rows of a vector."""
    return [
        f"for (int lane = 0; lane < {count}; ++lane) {{",
        f"const hp_index row = row0 + {unit * count} + lane, row_at = row_at0 + {unit * count} + lane;",
        f"const hp_index row_of = row_of0 + ({unit * count} + lane) * HP(side_of);",
        "const bool live = true;",
        "(void)row; (void)row_at; (void)row_of; (void)live;",
    ]


def _down(
    source: Source, kind: dtype, work: Work, each: Pass, own: Sequence[dict[str, str]], name: str, wide: bool
) -> list[str]:
    """Statements of a pass."""
    lines = []
    for names in own:
        lines += [f"{name} {names[one]} = ({name})(0);" for one in each.sums]
        lines += [f"{name} {names[one]} = ({name})({lowest(source, kind)});" for one in each.tops]
    lines += ["for (hp_index over = 0; over < overs; ++over) {", "hp_index at = row_at0, of = row_of0, place = 0;"]
    lines += [located("in", "over"), "while (place < run) {"]
    lines += [f"const hp_index stop = run - place > {BLOCK} ? place + {BLOCK} : run;"]
    lines += [f"{name} {names[one]}_b = ({name})(0);" for names in own for one in each.sums]
    lines += ["for (; place < stop; ++place, at += HP(run_at), of += HP(run_of)) {"]
    for unit, names in enumerate(own):
        lines += _neighbours(source, kind, work, each, unit, names, wide)
    lines += ["}", *[f"{names[one]} += {names[one]}_b;" for names in own for one in each.sums], "}", "}"]
    return lines


def _neighbours(
    source: Source, kind: dtype, work: Work, each: Pass, unit: int, names: dict[str, str], wide: bool
) -> list[str]:
    """Statements for one element of each row of a vector."""
    count = lanes_in_vector(kind) if wide else 1
    name = source.type(kind) + (str(count) if wide else "")
    lines = []
    for value in used(work.loads, expressions(each)):
        pointer, shared = work.loads[value]
        place = f"{pointer} + of + {unit * count} * HP(side_of)" if shared else f"{pointer} + at + {unit * count}"
        text = f"*({place})"
        if wide:
            text = f"hp_some({place}, HP(side_of))" if shared else f"hp_read_{name}({place})"
        lines.append(f"const {name} {names[value]} = {text};")
    lines += [
        f"const {name} {names[value]} = {exp_of(source, kind, substituted(text, names), True, wide)};"
        for value, text in each.terms.items()
    ]
    lines += _taken(
        source, kind, each, wide, lambda text: substituted(text, names), lambda one: f"{names[one]}_b",
        lambda one: names[one],
    )  # fmt: skip
    for pointer, text in each.stores.items():
        text = exp_of(source, kind, substituted(text, names), True, wide)
        place = f"{pointer} + at + {unit * count}"
        lines.append(f"hp_write_{name}({text}, {place});" if wide else f"*({place}) = {text};")
    return lines


def _last(source: Source, kind: dtype, work: Work, own: Sequence[dict[str, str]], wide: bool) -> list[str]:
    """Statements that end each row."""
    if not work.last and not work.hit:
        return []
    name, count = source.type(kind), lanes_in_vector(kind) if wide else 1
    read = used([*work.ends, *work.given], [*work.last, *work.hit.values()])
    lines = []
    for unit, names in enumerate(own):
        lines.append("{")
        for value in read:
            fill = f"vstore{count}({names[value]}, 0, {value}_e);" if wide else f"{value}_e[0] = {names[value]};"
            lines.append(f"{name} {value}_e[{count}]; {fill}")
        lines += [*_each_row(unit, count), *work.first, *[f"const {name} {value} = {value}_e[lane];" for value in read]]
        lines += [
            f"if (goal >= 0) {pointer}[row_at + (hp_index)goal * HP(run_at)] += {text};"
            for pointer, text in work.hit.items()
        ]
        lines += [*(exp_of(source, kind, text, True, False) for text in work.last), "}", "}"]
    return lines
