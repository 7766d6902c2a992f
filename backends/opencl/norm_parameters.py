"""The gradients of a normalisation's weight and bias: pieces of the sums, then the sums of the pieces."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from hotplug.backend import Layout
from hotplug.backend.render import Source
from hotplug.backends.opencl.composite import Plan, Sheet, Step, items
from hotplug.backends.opencl.device import Device
from hotplug.backends.opencl.groups import group, group_words
from hotplug.backends.opencl.rows import (
    BLOCK,
    SIDE_BY_SIDE,
    lanes_in_vector,
    local_size,
    located,
)
from hotplug.dtypes import dtype
from hotplug.layout import broadcast_strides, contiguous_strides

PARAMETER_WORDS: Final = (
    *group_words("place"), *group_words("term"), "places", "terms", "pieces", "wide", "columns", "step",
)  # fmt: skip
"""Integers that a sheet needs for these kernels."""
UNUSED: Final[dict[str, Any]] = {word.partition("[")[0]: () if "[" in word else 0 for word in PARAMETER_WORDS}
"""Their values where the kernels don't run."""
_SHORTEST: Final = 64
"""Terms of a piece, at least."""
_MOST_PIECES: Final = 64
_WIDE: Final = 32


def parameter_plan(device: Device, weight: Layout, input: Layout, mean: Layout, count: int) -> Plan:
    """The launches for ``count`` sums of every place of the weight, each over the terms that share the place."""
    shape = input.shape
    own = broadcast_strides(weight.shape, contiguous_strides(weight.shape), shape)
    steps, means = contiguous_strides(shape), broadcast_strides(mean.shape, contiguous_strides(mean.shape), shape)
    inner = [axis for axis in range(len(shape)) if own[axis] and shape[axis] > 1]
    places = group(shape, inner, steps, means)
    terms = group(shape, [axis for axis in range(len(shape)) if axis not in inner], steps, means)
    down = bool(places.first) and places.first[0] == 1  # the weight's places lie side by side, else the terms do
    numbers: dict[str, Any] = {"places": places.numel, "terms": terms.numel, "wide": _WIDE if down else 1}
    if not device.is_processor:
        blocks = -(-places.numel // numbers["wide"])
        pieces = max(1, min(-(-4 * device.units // blocks), terms.numel // 1024, _MOST_PIECES))
        numbers |= {**places.words("place"), **terms.words("term"), "columns": 1, "step": 0}
        launches = [Step("hp_parameters", blocks, local_size(device), pieces)]
    else:
        columns, _, step, lines = places.parted() if down else terms.parted()
        rest = terms if down else lines
        numbers |= {
            **(lines if down else places).words("place"),
            **rest.words("term"),
            "columns": columns,
            "step": step,
        }
        blocks = places.numel
        if down:
            blocks = lines.numel * -(-columns // (SIDE_BY_SIDE * lanes_in_vector(input.dtype)))
        # One piece after the other goes through all places: its rows stay in the cache from one chunk to the next.
        pieces = max(1, min(rest.numel // _SHORTEST, _MOST_PIECES // 2))
        launches = [items("hp_parameters", blocks * pieces, device.heavy)]
    numbers["pieces"] = pieces
    launches.append(items("hp_joined", places.numel, device.light))
    return Plan(numbers, launches, count * pieces * places.numel * input.dtype.itemsize)


def parameter_kernels(
    device: Device, source: Source, sheet: Sheet, kind: dtype, centred: bool, outs: Sequence[str]
) -> str:
    """``hp_parameters`` and ``hp_joined``; ``outs`` are the pointers to the gradients of weight and bias, the latter
    if there is one.
    """
    name = source.type(kind)
    if device.is_processor:
        text = sheet.kernel("hp_parameters", _of_items(name, kind, centred, len(outs)))
    else:
        local = local_size(device)
        text = sheet.kernel("hp_parameters", _of_groups(name, centred, len(outs), local), local)
    joined = ["const hp_index place = (hp_index)get_global_id(0);", "if (place >= HP(places)) return;"]
    for number, out in enumerate(outs):
        joined += [f"{name} total{number} = 0;", "for (hp_index k = 0; k < HP(pieces); ++k)",
                   f"    total{number} += scratch[({number} * HP(pieces) + k) * HP(places) + place];",
                   f"{out}[place] = total{number};"]  # fmt: skip
    return text + sheet.kernel("hp_joined", joined)


# --- on a processor --------------------------------------------------------------------------------------------------


def _of_items(name: str, kind: dtype, centred: bool, count: int) -> list[str]:
    lanes = lanes_in_vector(kind)
    chunk = SIDE_BY_SIDE * lanes
    part = [
        "const hp_index size = (count - 1) / HP(pieces) + 1, begin = min(piece * size, count);",
        "const hp_index end = min(begin + size, count);",
    ]
    return [
        "const hp_index item = (hp_index)get_global_id(0);",
        "if (HP(wide) > 1) {",
        f"const hp_index chunks = (HP(columns) - 1) / {chunk} + 1, blocks = HP(places) / HP(columns) * chunks;",
        "const hp_index piece = item / blocks, line = (item - piece * blocks) / chunks;",
        f"hp_index column = (item - piece * blocks - line * chunks) * {chunk};",
        "if (piece >= HP(pieces)) return;",
        "const hp_index count = HP(terms);",
        *part,
        "hp_index line_at = 0, line_of = 0;",
        f"{{ hp_index at = 0, of = 0; {located('place', 'line')} line_at = at; line_of = of; }}",
        f"const hp_index last = min(column + {chunk}, HP(columns));",
        # Vectors are for rows of one mean each, which nearly all are.
        f"if (HP(step) == 0 && last - column == {chunk}) {{",
        *_columns(name, lanes, SIDE_BY_SIDE, centred, count),
        "} else {",
        f"for (; HP(step) == 0 && last - column >= {lanes}; column += {lanes}) {{",
        *_columns(name, lanes, 1, centred, count),
        "}",
        "for (; column < last; ++column) {",
        *_columns(name, 1, 1, centred, count),
        "}",
        "}",
        "} else {",
        "const hp_index piece = item / HP(places), place = item - piece * HP(places);",
        "if (piece >= HP(pieces)) return;",
        "const hp_index count = HP(terms) / HP(columns);",
        *part,
        *_runs(name, lanes, centred, count),
        "}",
    ]


def _read(name: str, lanes: int, place: str) -> str:
    return f"hp_read_{name}{lanes}({place})" if lanes > 1 else f"*({place})"


def _term(name: str, lanes: int, centred: bool) -> list[str]:
    """Statements that define ``g`` and ``h``, the incoming gradient and the standardised input, of ``k`` and on."""
    vector = f"{name}{lanes}" if lanes > 1 else name
    lines = [f"const {vector} {value} = {_read(name, lanes, f'{pointer} + at + k')};"
             for value, pointer in (("g", "delta"), ("x", "input"))]  # fmt: skip
    for value, pointer in (("s", "scales"), *((("m", "means"),) if centred else ())):
        place = f"{pointer} + of + k * HP(step)"
        lines.append(f"const {vector} {value} = {f'hp_some({place}, HP(step))' if lanes > 1 else f'*({place})'};")
    return [*lines, f"const {vector} h = {'(x - m)' if centred else 'x'} * s;"]


def _columns(name: str, lanes: int, units: int, centred: bool, count: int) -> list[str]:
    """Statements for some neighbouring places."""
    vector = f"{name}{lanes}" if lanes > 1 else name
    sums = ["slope", "offset"][:count]
    lines = [f"{vector} {each}{unit} = ({vector})(0);" for unit in range(units) for each in sums]
    lines += ["for (hp_index term = begin; term < end;) {"]
    lines += [f"{vector} {each}{unit}_b = ({vector})(0);" for unit in range(units) for each in sums]
    lines += [f"const hp_index stop = end - term > {BLOCK} ? term + {BLOCK} : end;", "for (; term < stop; ++term) {"]
    lines += ["hp_index at = line_at + column, of = line_of + column * HP(step);", located("term", "term")]
    statistics = [("s", "scales"), *([("m", "means")] if centred else [])]
    lines += [f"const {vector} {each} = ({vector})({pointer}[of]);" for each, pointer in statistics]
    for unit in range(units):
        lines += [f"const {vector} g{unit} = {_read(name, lanes, f'delta + at + {unit * lanes}')};"]
        lines += [f"const {vector} x{unit} = {_read(name, lanes, f'input + at + {unit * lanes}')};"]
        lines += [f"const {vector} h{unit} = {f'(x{unit} - m)' if centred else f'x{unit}'} * s;"]
        lines.append(f"slope{unit}_b += g{unit} * h{unit};")
        lines += [f"offset{unit}_b += g{unit};"] if count > 1 else []
    lines += ["}", *[f"{each}{unit} += {each}{unit}_b;" for unit in range(units) for each in sums], "}"]
    for number, each in enumerate(sums):
        place = f"scratch + ({number} * HP(pieces) + piece) * HP(places) + line * HP(columns) + column"
        for unit in range(units):
            target = f"{place} + {unit * lanes}"
            lines.append(f"hp_write_{vector}({each}{unit}, {target});" if lanes > 1 else f"*({target}) = {each}{unit};")
    return lines


def _runs(name: str, lanes: int, centred: bool, count: int) -> list[str]:
    """Statements for one place, whose terms lie side by side in runs."""
    vector, sums = f"{name}{lanes}", ["slope", "offset"][:count]
    lines = [f"{name} {each} = 0;" for each in sums]
    lines += ["hp_index place_at = 0, place_of = 0;"]
    lines += [f"{{ hp_index at = 0, of = 0; {located('place', 'place')} place_at = at; place_of = of; }}"]
    lines += ["for (hp_index term = begin; term < end; ++term) {", "hp_index at = place_at, of = place_of, k = 0;"]
    lines += [located("term", "term")]
    lines += [f"{vector} {each}_v = ({vector})(0); {name} {each}_s = 0;" for each in sums]
    lines += [f"while (HP(columns) - k >= {lanes}) {{", f"{vector} {sums[0]}_b = ({vector})(0);"]
    lines += [f"{vector} {each}_b = ({vector})(0);" for each in sums[1:]]
    lines += [f"const hp_index stop = HP(columns) - k > {BLOCK * lanes} ? k + {BLOCK * lanes} : HP(columns);"]
    lines += [f"for (; k + {lanes} <= stop; k += {lanes}) {{", *_term(name, lanes, centred)]
    lines += ["slope_b += g * h;", *(["offset_b += g;"] if count > 1 else []), "}"]
    lines += [f"{each}_v += {each}_b;" for each in sums]
    lines += ["}", "for (; k < HP(columns); ++k) {", *_term(name, 1, centred)]
    lines += ["slope_s += g * h;", *(["offset_s += g;"] if count > 1 else []), "}"]
    lines += [f"{each} += hp_sum_of({each}_v) + {each}_s;" for each in sums]
    lines += ["}"]
    for number, each in enumerate(sums):
        lines.append(f"scratch[({number} * HP(pieces) + piece) * HP(places) + place] = {each};")
    return lines


# --- on a GPU --------------------------------------------------------------------------------------------------------


def _of_groups(name: str, centred: bool, count: int, local: int) -> list[str]:
    """Lanes stand in neighbouring places of the weight, or all of them go along what is summed."""
    sums = ["slope", "offset"][:count]
    hat = "(input[at] - means[of])" if centred else "input[at]"
    lines = [
        f"__local {name} shared[{count}][{local}];",
        f"const int wide = (int)HP(wide), deep = {local} / wide, id = (int)get_local_id(0);",
        "const int column = id % wide, lane = id / wide;",
        "const hp_index place = (hp_index)get_group_id(0) * wide + column, piece = (hp_index)get_group_id(1);",
        *[f"{name} {each} = 0;" for each in sums],
        "if (place < HP(places)) {",
        "hp_index start_at = 0, start_of = 0;",
        f"{{ hp_index at = 0, of = 0; {located('place', 'place')} start_at = at; start_of = of; }}",
        "const hp_index size = (HP(terms) - 1) / HP(pieces) + 1, begin = min(piece * size, HP(terms));",
        "const hp_index end = min(begin + size, HP(terms));",
        "for (hp_index term = begin + lane; term < end;) {",
        *[f"{name} {each}_b = 0;" for each in sums],
        f"for (int k = 0; k < {BLOCK} && term < end; ++k, term += deep) {{",
        "hp_index at = start_at, of = start_of;",
        located("term", "term"),
        f"const {name} g = delta[at];",
        f"slope_b += g * ({hat} * scales[of]);",
        *(["offset_b += g;"] if count > 1 else []),
        "}",
        *[f"{each} += {each}_b;" for each in sums],
        "}",
        "}",
        *[f"shared[{number}][id] = {each};" for number, each in enumerate(sums)],
        "for (int half_ = deep / 2; half_ > 0; half_ >>= 1) {",
        "    barrier(CLK_LOCAL_MEM_FENCE);",
        "    if (lane < half_) {",
        *[f"        shared[{number}][id] += shared[{number}][id + half_ * wide];" for number in range(count)],
        "    }",
        "}",
        "if (lane == 0 && place < HP(places)) {",
    ]
    lines += [f"    scratch[({number} * HP(pieces) + piece) * HP(places) + place] = shared[{number}][id];"
              for number in range(count)]  # fmt: skip
    return [*lines, "}"]
