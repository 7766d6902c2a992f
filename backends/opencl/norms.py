"""Normalisation over any axes: layer_norm, batch_norm, group_norm, instance_norm and rms_norm, forward and backward.

A row is what one mean is taken of.  The gradients of weight and bias are sums over all axes that these don't have; where
each row has a weight of its own, as in batch_norm, they are sums that the gradient of the input needs anyway.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Final

from hotplug.backend import Kernel, Layout, OpKey
from hotplug.backend.render import OPENCL, Source
from hotplug.backends.opencl.composite import Override, Plan, Sheet
from hotplug.backends.opencl.device import Device
from hotplug.backends.opencl.frame import Layouts
from hotplug.backends.opencl.groups import MOST
from hotplug.backends.opencl.norm_parameters import PARAMETER_WORDS, UNUSED, parameter_kernels, parameter_plan
from hotplug.backends.opencl.rows import WORDS, Load, Pass, Work, kernels_of, row_kernels, row_plan
from hotplug.layout import broadcast_strides


def _usable(key: OpKey) -> bool:
    kind = key.dtypes[0]
    plain = all(each is kind for each in key.dtypes) and kind.kind == "f" and kind.itemsize >= 4
    return plain and key.rank <= MOST and all(each == "contiguous" for each in key.layouts)


def _none(key: OpKey, name: str) -> bool:
    return (name, None) in key.attributes


def _forward_work(name: str, centred: bool, weighted: bool, biased: bool) -> Work:
    middle = "middle" if centred else "0"
    value = ("(x - middle)" if centred else "x") + " * scale"
    value += (" * w" if weighted else "") + (" + b" if biased else "")
    count = f"({name})HP(length)"
    loads = {"x": Load("input"), "w": Load("weight", shared=True), "b": Load("bias", shared=True)}
    spread = Pass(
        lets={"middle": f"total / {count}"} if centred else {},
        terms={"apart": f"x - {middle}"}, sums={"spread": "apart * apart"},
    )  # fmt: skip
    write = Pass(lets={"scale": f"1 / sqrt(spread / {count} + ({name})HP(eps))"}, stores={"out": value})
    passes = [*([Pass(sums={"total": "x"})] if centred else []), spread, write]
    kept = {"scales": "scale", **({"means": "middle"} if centred else {})}
    return Work(loads, passes, last=[f"{out}[row] = {each};" for out, each in kept.items()], ends=tuple(kept.values()))


def _forward(device: Device, key: OpKey, centred: bool) -> Kernel | None:
    if not _usable(key):
        return None
    source, kind = Source(OPENCL), key.dtypes[0]
    name = source.type(kind)
    weighted = not _none(key, "weight")
    biased = centred and not _none(key, "bias")
    outs = ["out", *(["means"] if centred else []), "scales"]
    given = ["input", *(["weight"] if weighted else []), *(["bias"] if biased else [])]
    pointers = {**dict.fromkeys(outs, name), **dict.fromkeys(given, f"const {name}")}
    sheet = Sheet(pointers, WORDS, ("eps",), wide=key.index64, double=kind.itemsize == 8)
    text = row_kernels(device, source, sheet, kind, _forward_work(name, centred, weighted, biased))

    def plan(layouts: Layouts, scalars: Sequence[Any]) -> Plan:
        weight = layouts[len(outs) + 1] if weighted else None
        found = row_plan(device, layouts[len(outs)], scalars[0], weight)
        return found._replace(numbers={**found.numbers, "eps": scalars[1]})

    return Override(device, key.name, source, sheet, text, plan, kernels_of(device))


def _backward_work(name: str, centred: bool, weighted: bool, outs: Sequence[str]) -> Work:
    """Sums are of the incoming gradient times the weight; where the weight is the row's, it comes in afterwards."""
    loads = {"g": Load("delta"), "x": Load("input"), "w": Load("weight", shared=True)}
    terms = {"h": "(x - middle) * scale" if centred else "x * scale", "d": "HP(own) ? g : g * w" if weighted else "g"}
    given = {"scale": "scales[row]", **({"middle": "means[row]"} if centred else {})}
    sums = {"slope": "d * h", **({"total": "d"} if centred or "offsets" in outs else {})}
    share, times, last = f"({name})HP(length)", "", []
    if weighted:
        given["factor"] = "HP(own) ? weight[row_of] : 1"
        times = " * factor"
        last = ["if (HP(own)) slopes[row_of] = slope;"]
        last += ["if (HP(own)) offsets[row_of] = total;"] if "offsets" in outs else []
    lets = {f"mean_{each}": f"{each}{times} / {share}" for each in sums if centred or each == "slope"}
    value = f"d{times} - {'mean_total - ' if centred else ''}h * mean_slope"
    write = Pass(lets=lets, terms=terms, stores={"out": f"({value}) * scale"})
    return Work(loads, [Pass(terms=terms, sums=sums), write], given, last=last, ends=tuple(sums))


def _backward(device: Device, key: OpKey, centred: bool) -> Kernel | None:
    if not _usable(key):
        return None
    source, kind = Source(OPENCL), key.dtypes[0]
    name = source.type(kind)
    weighted = not _none(key, "weight")
    biased = weighted and ("biased", True) in key.attributes
    outs = ["out", *(["slopes"] if weighted else []), *(["offsets"] if biased else [])]
    given = ["delta", "input", *(["weight"] if weighted else []), *(["means"] if centred else []), "scales"]
    pointers = {**dict.fromkeys(outs, name), **dict.fromkeys(given, f"const {name}")}
    words = (*WORDS, "own", *PARAMETER_WORDS) if weighted else WORDS
    sheet = Sheet(pointers, words, wide=key.index64, scratch=name if weighted else "")
    text = row_kernels(device, source, sheet, kind, _backward_work(name, centred, weighted, outs))
    names = kernels_of(device)
    if weighted:
        text += parameter_kernels(device, source, sheet, kind, centred, outs[1:])
        names = (*names, "hp_parameters", "hp_joined")

    def plan(layouts: Layouts, scalars: Sequence[Any]) -> Plan:
        first = len(outs)
        weight = layouts[first + 2] if weighted else None
        found = row_plan(device, layouts[first + 1], scalars[0], weight)
        if weight is None:
            return found
        if _own(weight, layouts[first + 1], scalars[0]):
            return found._replace(numbers={**UNUSED, **found.numbers, "own": 1})
        more = parameter_plan(device, weight, layouts[first + 1], layouts[-1], len(outs) - 1)
        return Plan({**found.numbers, **more.numbers, "own": 0}, [*found.steps, *more.steps], more.scratch)

    return Override(device, key.name, source, sheet, text, plan, names)


def _own(weight: Layout, input: Layout, dims: Sequence[int]) -> bool:
    """Whether every row has one element of the weight, which no other row has."""
    steps = broadcast_strides(weight.shape, weight.strides, input.shape)
    constant = all(steps[axis] == 0 or input.shape[axis] == 1 for axis in dims)
    return constant and weight.numel * math.prod(input.shape[axis] for axis in dims) == input.numel


OVERRIDES: Final[dict[str, Callable[[Device, OpKey], Kernel | None]]] = {
    "standardize": lambda device, key: _forward(device, key, centred=True),
    "standardize_backward": lambda device, key: _backward(device, key, centred=True),
    "root_mean_square_scale": lambda device, key: _forward(device, key, centred=False),
    "root_mean_square_backward": lambda device, key: _backward(device, key, centred=False),
}
