"""Print the parity matrix with its empty cells: ``scripts/parity``, for some ops ``scripts/parity add conv2d``."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from types import ModuleType
from typing import Any, Final, NamedTuple

from parity import cells, differences, matrix
from parity.cells import FORMS, LAYOUTS, Cell

from hotplug import dtypes
from hotplug.conformance import exemptions
from hotplug.conformance.draw import Sample
from hotplug.conformance.samples import recipe_of, samples_of
from hotplug.declare import OPS

SAME, WIDE, LISTED, UNDEFINED, OTHER, EMPTY, NONE = "#", "w", "d", "u", "X", ".", "-"
_WORST: Final = (OTHER, LISTED, UNDEFINED, WIDE, SAME)

LEGEND: Final = f"""\
{SAME} all cells agree    {WIDE} and Hotplug computes where PyTorch lacks the dtype    {LISTED} differs, as listed below
{EMPTY} empty: there, but not compared in this run    {NONE} does not exist    {OTHER} differs    {UNDEFINED} PyTorch gives none
forms    {", ".join(FORMS)}; {EMPTY} where only PyTorch has it
dtypes   {", ".join(each.name for each in dtypes.ALL)}
layouts  {", ".join(LAYOUTS)}
samples  how many combinations of shapes and keywords are tried, and the keywords that none of them gives (empty cells)
"""


class Row(NamedTuple):
    """One op: a mark for each form, dtype and layout, and its keywords that no sample gives."""

    op: str
    forms: str
    dtypes: str
    layouts: str
    samples: int
    untried: Sequence[str]

    def __str__(self) -> str:
        said = f"{self.op:44} {self.forms:4}  {self.dtypes}  {self.layouts}  {self.samples:3}  {' '.join(self.untried)}"
        return said.rstrip()


def mark(torch: ModuleType, cell: Cell) -> str:
    """What became of one cell."""
    if differences.undefined(cell):
        return UNDEFINED
    verdict = cells.compare(torch, cell)
    if verdict == cells.AGREES:
        return SAME
    if verdict == cells.WIDER:
        return WIDE
    return LISTED if differences.find(cell, verdict) else OTHER


def row(torch: ModuleType, name: str, total: Counter[str]) -> Row:
    """Compare all cells of one op; ``total`` counts them by mark."""
    marks = {cell: mark(torch, cell) for cell in matrix.cells(torch, name)}
    total.update(marks.values())
    recipe = recipe_of(name)
    assert recipe is not None
    there, theirs = matrix.our_forms(name), matrix.their_forms(torch, name)
    taken = {
        each.name for each in dtypes.ALL if each.kind in recipe.kinds or (not recipe.kinds and each.name == "float32")
    }
    number = max(len(samples_of(name, kind)) for kind in recipe.kinds or "f")
    return Row(
        name,
        "".join(_worst((m for c, m in marks.items() if c.form == each), each in theirs, each in there) for each in FORMS),
        "".join(_worst((m for c, m in marks.items() if c.dtype == each.name), each.name in taken) for each in dtypes.ALL),
        "".join(_worst((m for c, m in marks.items() if c.layout == each), True) for each in LAYOUTS),
        number,
        untried(name, recipe.kinds or "f"),
    )  # fmt: skip


def _worst(marks: Iterable[str], exists: bool, ours: bool = True) -> str:
    """The mark of a group of cells; of none, whether there could be any."""
    found = set(marks)
    if not found:
        return EMPTY if exists else NONE
    return next(each for each in _WORST if each in found) if ours else EMPTY


def untried(name: str, kinds: str) -> list[str]:
    """The keywords of an op that no sample gives."""
    parameters = list(OPS[name].signature.parameters.values())
    given: set[str] = set()
    for kind in kinds:
        for sample in samples_of(name, kind):
            given |= _given(sample, parameters)
    return [each.name for each in parameters if each.default is not each.empty and each.name not in given]


def _given(sample: Sample, parameters: Sequence[Any]) -> set[str]:
    places = [each.name for each in parameters if each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)]
    return {*places[: len(sample.args)], *sample.kwargs}


def lacking(torch: ModuleType) -> dict[str, list[str]]:
    """PyTorch's public functions that no op of the table is, by where they live: whole empty rows."""
    homes = {"": torch, "nn.functional": torch.nn.functional, "linalg": torch.linalg, "fft": torch.fft,
             "special": torch.special}  # fmt: skip
    found = {}
    for place, home in homes.items():
        overridable = {
            each.__name__ for each in torch.overrides.get_overridable_functions()[home] if hasattr(each, "__name__")
        }
        ours = _home(place)
        public = {each for each in overridable if not each.startswith("_") and hasattr(home, each)}
        found[place or "torch"] = sorted(each for each in public if not hasattr(ours, each))
    return found


def _home(place: str) -> Any:
    import hotplug

    ours: Any = hotplug
    for part in filter(None, place.split(".")):
        ours = getattr(ours, part)
    return ours


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the matrix; the exit status is 1 where a cell differs that isn't listed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("ops", nargs="*", help="names in the op table; all by default")
    names = parser.parse_args(arguments).ops
    import torch

    compared = matrix.compared(torch)
    wrong = [each for each in names if each not in compared]
    if wrong:
        parser.error(f"no such ops to compare: {', '.join(wrong)}")
    total: Counter[str] = Counter()
    print(LEGEND)
    print(f"{'op':44} form  {'dtypes':15}  layout  samples")
    for name in names or compared:
        print(row(torch, name, total), flush=True)
    print(f"\n{sum(total.values())} cells of {len(names or compared)} ops: {_counted(total)}")
    if not names:
        _print_rest(torch)
    return int(total[OTHER] > 0)


def _counted(total: Counter[str]) -> str:
    words = {SAME: "agree", WIDE: "wider", LISTED: "listed differences", UNDEFINED: "undefined in PyTorch",
             OTHER: "other differences"}  # fmt: skip
    return ", ".join(f"{total[each]} {word}" for each, word in words.items())


def _print_rest(torch: ModuleType) -> None:
    print("\nDifferences")
    for entry in (*differences.KNOWN, *differences.UNDEFINED):
        print(f"  {entry.ops} {entry.where}: {entry.reason}")
    print("\nOps of Hotplug's own")
    for name, purpose in differences.OWN.items():
        print(f"  {name}: {purpose}")
    unsampled = [name for name in OPS if recipe_of(name) is None and OPS[name].namespace != "ops"]
    print("\nEmpty rows: ops without samples")
    for name in unsampled:
        print(f"  {name}: {exemptions.EXEMPT.get(name, 'not compared')}")
    print("\nEmpty rows: PyTorch's functions that Hotplug does not have")
    for place, missing in lacking(torch).items():
        print(f"  {place}: {' '.join(missing) or 'none'}")


if __name__ == "__main__":
    sys.exit(main())
