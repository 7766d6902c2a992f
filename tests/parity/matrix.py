"""The matrix: which cells there are, and which of them the default run takes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from types import ModuleType
from typing import Final

from parity.cells import FORMS, LAYOUTS, Cell

from hotplug import dtypes, ops
from hotplug.conformance import oracle
from hotplug.conformance.draw import Operand
from hotplug.conformance.samples import recipe_of, samples_of
from hotplug.conformance.sampling import REPRESENTATIVE
from hotplug.declare import OPS

FULL: Final = os.environ.get("HOTPLUG_PARITY") == "full"

ops.complete()


def compared(torch: ModuleType) -> list[str]:
    """The ops of the table that PyTorch has, and that have samples."""
    return [name for name in OPS if recipe_of(name) is not None and oracle.function_of(torch, name) is not None]


def forms_of(torch: ModuleType, name: str) -> list[str]:
    """The forms that both libraries have, the function first."""
    return [form for form in FORMS if form not in missing_forms(torch, name) and form in their_forms(torch, name)]


def missing_forms(torch: ModuleType, name: str) -> list[str]:
    """The forms that only PyTorch has."""
    return [form for form in their_forms(torch, name) if form not in our_forms(name)]


def our_forms(name: str) -> list[str]:
    """The forms of an op, from its declaration."""
    entry = OPS[name]
    has_out = entry.kind == "elementwise" or "out" in entry.signature.parameters
    there = {"function": True, "method": entry.method, "in-place": entry.inplace, "out": has_out}
    return [form for form in FORMS if there[form]]


def their_forms(torch: ModuleType, name: str) -> list[str]:
    """The forms that PyTorch has of an op that it has."""
    entry = OPS[name]
    public = oracle.ALIASES.get(entry.name, entry.name)
    if entry.namespace == "Tensor" or entry.name.endswith("_") or entry.name in oracle.REVERSED:
        return ["function"]  # a method itself
    has_out = "out=None" in (getattr(oracle.function_of(torch, name), "__doc__", "") or "").partition("->")[0]
    methods = entry.namespace == ""
    there = {
        "function": True,
        "method": methods and hasattr(torch.Tensor, public),
        "in-place": methods and hasattr(torch.Tensor, f"{public}_"),
        "out": has_out and entry.namespace != "nn.functional",
    }
    return [form for form in FORMS if there[form]]


def dtypes_of(name: str) -> list[str]:
    """The dtypes that an op is compared in: all that its samples can be drawn in."""
    recipe = recipe_of(name)
    assert recipe is not None
    if not recipe.kinds:
        return ["float32"]
    return [each.name for each in dtypes.ALL if each.kind in recipe.kinds]


def layouts_of(name: str) -> list[str]:
    """The layouts that an op is tried in: where memory itself is what it is about, what lies around it differs."""
    recipe = recipe_of(name)
    free = recipe is not None and recipe.layouts
    return [each for each in LAYOUTS if free or each in ("contiguous", "0-d", "empty")]


def _like_the_first(form: str, layout: str) -> bool:
    """Whether the default run takes the first sample only: methods and ``out=`` end in the function that it tries."""
    if form in ("method", "out"):
        return layout != "contiguous"
    return form == "in-place" and layout in ("transposed", "sliced")


def cells(torch: ModuleType, name: str, full: bool = FULL) -> Iterator[Cell]:
    """The cells of one op.

    By default: float64, or the first dtype, in every form and layout (every sample as a function; in the other forms,
    some layouts for the first sample only); the others as a plain function of contiguous tensors, for the first
    sample only but at the representative ops.
    """
    kinds = dtypes_of(name)
    first = "float64" if "float64" in kinds else kinds[0]
    for kind in kinds:
        everything = full or kind == first
        for form in forms_of(torch, name) if everything else FORMS[:1]:
            for layout in layouts_of(name) if everything else LAYOUTS[:1]:
                for number, sample in enumerate(samples_of(name, dtypes.by_name(kind).kind)):
                    if number and not everything and name not in REPRESENTATIVE:
                        continue
                    if form != "function" and not (sample.args and isinstance(sample.args[0], Operand)):
                        continue
                    if layout != "contiguous" and not sample.operands():
                        continue
                    if not full and number and _like_the_first(form, layout):
                        continue
                    yield Cell(name, form, kind, layout, number)
