"""Rows of a matrix by index, and the sums of the gradients of equal rows: deterministic, without atomics."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from hotplug.backend import Kernel, OpKey
from hotplug.backend.render import OPENCL, Source
from hotplug.backends.opencl import fault
from hotplug.backends.opencl.composite import Override, Plan, Sheet, items
from hotplug.backends.opencl.device import Device
from hotplug.backends.opencl.frame import Layouts
from hotplug.backends.opencl.text import raw
from hotplug.dtypes import int64

_CODE: Final = fault.OPERATIONS.index("embedding")
_STRETCH: Final = 256
"""Elements of a row that a work-item of a processor moves."""
_MOST_PARTS: Final = 64


def _forward(device: Device, key: OpKey) -> Kernel | None:
    kind = key.dtypes[0]
    if kind.itemsize > 8 or key.dtypes[2] is not int64 or any(each != "contiguous" for each in key.layouts):
        return None
    source = Source(OPENCL)
    name = source.stored(raw(kind))
    stretch = _STRETCH if device.is_processor else 1
    body = [
        "const hp_index item = (hp_index)get_global_id(0), row = item / HP(parts);",
        "if (row >= HP(rows)) return;",
        f"const hp_index begin = (item - row * HP(parts)) * {stretch}, end = min(begin + {stretch}, HP(width));",
        "const long at = index[row];",
        "const bool inside = at >= 0 && at < HP(size);",
        f"if (!inside) hp_fail(fault, {_CODE}, at, HP(size));",
        f"__global {name} *to = out + row * HP(width);",
        f"__global const {name} *from = weight + (inside ? (hp_index)at : 0) * HP(width);",
        "if (inside) for (hp_index k = begin; k < end; ++k) to[k] = from[k];",
        "else for (hp_index k = begin; k < end; ++k) to[k] = 0;",
    ]
    sheet = Sheet({"out": name, "weight": f"const {name}", "index": "const long"}, ("rows", "width", "size", "parts"),
                  wide=key.index64, checks=True)  # fmt: skip

    def plan(layouts: Layouts, _: Sequence[Any]) -> Plan:
        size, width = layouts[1].shape
        rows, parts = layouts[2].numel, -(-width // stretch)
        numbers = {"rows": rows, "width": width, "size": size, "parts": parts}
        return Plan(numbers, [items("hp_rows", rows * parts, device.heavy if device.is_processor else device.light)])

    return Override(device, key.name, source, sheet, sheet.kernel("hp_rows", body), plan, ("hp_rows",))


def _backward(device: Device, key: OpKey) -> Kernel | None:
    """A work-item owns every ``parts``-th row of the gradient in a stretch of columns, and goes through the index."""
    kind = key.dtypes[0]
    plain = kind.kind == "f" and key.dtypes[1] is kind and key.dtypes[2] is int64
    if not plain or ("by_frequency", False) not in key.attributes or any(each != "contiguous" for each in key.layouts):
        return None
    source = Source(OPENCL)
    stored, stretch = source.stored(kind), _STRETCH if device.is_processor else 1
    joined = f"{source.load(kind, 'to[k]')} + {source.load(kind, 'from[k]')}"
    body = [
        "const hp_index item = (hp_index)get_global_id(0), part = item / HP(columns);",
        "if (part >= HP(parts)) return;",
        f"const hp_index begin = (item - part * HP(columns)) * {stretch}, end = min(begin + {stretch}, HP(width));",
        "for (hp_index row = part; row < HP(size); row += HP(parts)) {",
        f"    __global {stored} *to = out + row * HP(width);",
        "    for (hp_index k = begin; k < end; ++k) to[k] = 0;",
        "}",
        "for (hp_index n = 0; n < HP(rows); ++n) {",
        "    const long at = index[n];",
        "    if (at < 0 || at >= HP(size)) {",
        f"        hp_fail(fault, {_CODE}, at, HP(size));",
        "        continue;",
        "    }",
        "    if (((int)at & ((int)HP(parts) - 1)) != (int)part || at == HP(padding)) continue;",
        f"    __global {stored} *restrict to = out + (hp_index)at * HP(width);",
        f"    __global const {stored} *restrict from = delta + n * HP(width);",
        f"    for (hp_index k = begin; k < end; ++k) {{ {source.store(kind, 'to[k]', joined, kind.compute)} }}",
        "}",
    ]
    sheet = Sheet({"out": stored, "delta": f"const {stored}", "index": "const long"},
                  ("rows", "width", "size", "parts", "columns", "padding"), wide=key.index64, checks=True)  # fmt: skip

    def plan(layouts: Layouts, scalars: Sequence[Any]) -> Plan:
        size, width = layouts[0].shape
        columns = -(-width // stretch)
        wanted = -(-(4 if device.is_processor else 1024) * device.units // columns)
        parts = 1 << (max(1, min(wanted, size, _MOST_PARTS)).bit_length() - 1)
        numbers = {"rows": layouts[2].numel, "width": width, "size": size, "parts": parts, "columns": columns,
                   "padding": scalars[1]}  # fmt: skip
        return Plan(numbers, [items("hp_sums", parts * columns, device.heavy)])

    return Override(device, key.name, source, sheet, sheet.kernel("hp_sums", body), plan, ("hp_sums",))


OVERRIDES: Final[dict[str, Callable[[Device, OpKey], Kernel | None]]] = {
    "embedding_rows": _forward,
    "embedding_backward": _backward,
}
