"""Every op with arguments that can't be right: errors of the same kind as PyTorch's, and never a result of nonsense."""

from __future__ import annotations

from types import ModuleType

import pytest
from parity import bad_calls, cells, differences
from parity.test_matrix import SAMPLED

from hotplug.conformance import oracle


@pytest.mark.parity
@pytest.mark.parametrize("name", SAMPLED)
def test_op(torch: ModuleType, name: str) -> None:
    if oracle.function_of(torch, name) is None:
        assert name in differences.OWN
        return
    wrong, known = [], set()
    for what, cell, sample in bad_calls.calls(name):
        verdict = bad_calls.compare(torch, what, cell, sample)
        if verdict not in (cells.AGREES, cells.WIDER):
            entry = differences.find_call(name, what)
            if entry is None:
                wrong.append(f"{name}, {what} {sample!r}: {verdict}")
            else:
                known.add(entry)
    assert not wrong, f"{len(wrong)} calls are not refused as by PyTorch:\n" + "\n".join(wrong[:8])
    stale = [each for each in differences.CALLS if name in each.ops.split() and each not in known]
    assert not stale, f"{name} no longer differs from PyTorch, delete: {stale}"
