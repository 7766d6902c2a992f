"""Level 1: the seven required families, called through the contract, against :mod:`hotplug.conformance.model`.

Outputs are poisoned and have guards around them; operands lie in memory in every way that the contract allows.  Arrays
without elements never cross the waist, so there are none here: level 0 and level 2 have them.
"""

from __future__ import annotations

from collections.abc import Iterator

from hotplug.conformance.case import Case, Options


def cases(options: Options) -> Iterator[Case]:
    """All of level 1."""
    from hotplug.conformance.levels import kernels_index, kernels_map, kernels_matmul, kernels_rows, kernels_scalar

    yield from kernels_scalar.cases(options)
    yield from kernels_map.cases(options)
    yield from kernels_rows.cases(options)
    yield from kernels_index.cases(options)
    yield from kernels_matmul.cases(options)
