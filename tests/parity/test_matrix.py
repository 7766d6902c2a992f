"""Every op in every form, layout and dtype, against PyTorch; ``HOTPLUG_PARITY=full`` takes all dtypes for all ops."""

from __future__ import annotations

from types import ModuleType

import pytest
from parity import cells, differences, matrix

from hotplug.conformance import oracle
from hotplug.conformance.samples import recipe_of
from hotplug.declare import OPS

SAMPLED = [name for name in OPS if recipe_of(name) is not None and OPS[name].namespace != "ops"]


@pytest.mark.parity
@pytest.mark.parametrize("name", SAMPLED)
def test_op(torch: ModuleType, name: str) -> None:
    if oracle.function_of(torch, name) is None:
        assert name in differences.OWN, f"PyTorch has no {name}: say in differences.OWN what it is for"
        return
    wrong, known = [], set()
    for cell in matrix.cells(torch, name):
        if differences.undefined(cell):
            continue
        verdict = cells.compare(torch, cell)
        if verdict not in (cells.AGREES, cells.WIDER):
            entry = differences.find(cell, verdict)
            if entry is None:
                wrong.append(f"{cell} {cells.sample_of(cell)!r}: {verdict}")
            else:
                known.add(entry)
    assert not wrong, f"{len(wrong)} cells differ from PyTorch:\n" + "\n".join(wrong[:8])
    stale = [entry for entry in differences.of(name, matrix.FULL) if entry not in known]
    assert not stale, f"{name} no longer differs from PyTorch, delete: {stale}"


@pytest.mark.parity
def test_every_difference_is_of_an_op_that_is_there(torch: ModuleType) -> None:
    there = set(matrix.compared(torch))
    assert [name for entry in differences.KNOWN for name in entry.ops.split() if name not in there] == []
    assert [name for name in differences.OWN if name not in OPS or oracle.function_of(torch, name)] == []
    assert all(entry.reason for entry in differences.KNOWN)
