"""``linear`` and ``linear_act``: the bias and the activation ride on the product."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Final

from hotplug.backend import Kernel, OpKey
from hotplug.backend.render import OPENCL, Source
from hotplug.backends.opencl import matmul_panels as panels
from hotplug.backends.opencl.composite import Plan, Sheet
from hotplug.backends.opencl.device import Device
from hotplug.backends.opencl.frame import Layouts
from hotplug.backends.opencl.matmul import Sizes, built, plan, shape_of


def _sizes(out: Any, input: Any, weight: Any) -> Sizes:
    """Of the product ``(1, rows, in) @ (1, in, out)``, the right operand being the weight turned."""
    n, k = weight.shape
    m = math.prod(out.shape[:-1])
    rows = input.strides if len(input.shape) == 2 else (k, 1)  # more axes are contiguous
    down, along = weight.strides
    return Sizes(1, m, n, k, (0, n, 1), (0, *rows), (0, along, down))


def _usable(key: OpKey, outs: int) -> bool:
    kind, given = key.dtypes[0], key.layouts[outs]
    plain = kind.kind == "f" and all(each is kind for each in key.dtypes)
    dense = all(each == "contiguous" for each in key.layouts[:outs])
    return plain and dense and key.rank >= 1 and (given == "contiguous" or key.rank == 2)


def _linear(device: Device, key: OpKey, outs: int) -> Kernel | None:
    """``before``, which gets what the activation was given, is the second of two outputs; it may be empty."""
    if not _usable(key, outs):
        return None
    kind, source = key.dtypes[0], Source(OPENCL)
    biased = len(key.dtypes) == outs + 3
    activation = str(dict(key.attributes).get("activation", ""))
    shape = shape_of(device, kind.compute)
    text = panels.Text(source, (kind,) * 3, shape.panel, biased, outs == 2, activation)
    stored = source.stored(kind)
    inputs = ("left", "right", *(["bias"] if biased else []))
    pointers = {**dict.fromkeys(("out", "before")[:outs], stored), **dict.fromkeys(inputs, f"const {stored}")}
    sheet = Sheet(pointers, panels.WORDS, wide=key.index64, scratch=text.type)

    def planned(layouts: Layouts, scalars: Sequence[Any]) -> Plan:
        of = _sizes(layouts[0], layouts[outs], layouts[outs + 1])
        extra = {
            "bias_step": layouts[-1].strides[0] if biased else 0, "keep": int(outs == 2 and layouts[1].numel > 0),
        }  # fmt: skip
        return plan(device, of, shape, kind.compute, text.plain, extra)

    return built(device, key.name, source, text, sheet, shape, planned)


OVERRIDES: Final[dict[str, Callable[[Device, OpKey], Kernel | None]]] = {
    "linear": lambda device, key: _linear(device, key, 1),
    "linear_act": lambda device, key: _linear(device, key, 2),
}
