"""Operators, which describe one bug, and mutants: correct backends with that bug planted at one place."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, final

from hotplug.backend import Backend

PLACES: Final = ("kernel", "source", "memory", "override", "gradient")
"""Where bugs are planted: in a kernel's results and operands, in rendered source, in the memory calls, in a backend's
own kernel of a composite, in one of a backward composite.
"""

_THIRD: Final = 3


@final
@dataclass(frozen=True, slots=True)
class Operator:
    """One bug, planted in one or several variants.

    Attributes:
        name: words joined by ``-``; after ``/`` the family or composite.
        kind: of bug, such as ``missing NaN``.
        place: one of :data:`PLACES`.
        says: what the bug does.
        home: the families and ops whose cases run first; they end a run sooner and change nothing else.
        variants: the dtypes, operands, sizes or layouts that it is generated over.
        plant: makes the backend of a variant.
    """

    name: str
    kind: str
    place: str
    says: str
    home: tuple[str, ...]
    variants: tuple[str, ...]
    plant: Callable[[str], Backend]

    @property
    def held_out(self) -> bool:
        """Whether the suite may not be written to find it: one in three, by a hash of the name."""
        return held_out(self.name)

    def mutants(self) -> Iterator[Mutant]:
        """One for each variant."""
        for variant in self.variants:
            yield Mutant(self, variant)


def held_out(name: str) -> bool:
    """The fixed rule: known before the operator has ever run."""
    return zlib.crc32(f"strength/{name}".encode()) % _THIRD == 0


@final
@dataclass(frozen=True, slots=True)
class Mutant:
    """One planted bug."""

    operator: Operator
    variant: str

    @property
    def name(self) -> str:
        """The same in every process."""
        return f"{self.operator.name}[{self.variant}]"

    def backend(self) -> Backend:
        """A new backend with the bug."""
        return self.operator.plant(self.variant)


def operators() -> list[Operator]:
    """All operators, in a fixed order.

    Raises:
        ValueError: two have one name.
    """
    from hotplug.conformance.strength import (
        arithmetic,
        backwards,
        comparisons,
        forwards,
        indexing,
        layouts,
        memory_calls,
        programs,
        queues,
        rounding,
        sources,
        special_kernels,
    )  # fmt: skip

    modules = (
        layouts, special_kernels, indexing, rounding, programs, comparisons, arithmetic, sources, memory_calls, queues,
        forwards, backwards,
    )  # fmt: skip
    found: list[Operator] = [operator for module in modules for operator in module.operators()]
    names = [operator.name for operator in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"operators of one name: {', '.join(twice)}")
    return found


def chosen(name: str = "", sample: int = 0, seed: int = 0) -> Sequence[Mutant]:
    """The mutants to run: all, those of operators whose name contains a word, or one of each of ``sample`` operators.

    A sample is drawn by a hash of names and seed: the same in every process, another for every seed.
    """
    wanted = [operator for operator in operators() if name in operator.name]
    if not sample:
        return [mutant for operator in wanted for mutant in operator.mutants()]
    wanted.sort(key=lambda operator: zlib.crc32(f"{operator.name}/{seed}".encode()))
    drawn = wanted[:sample]
    return [
        Mutant(operator, operator.variants[zlib.crc32(f"{seed}/{operator.name}".encode()) % len(operator.variants)])
        for operator in drawn
    ]
