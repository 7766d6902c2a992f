"""Running the suite against mutants until a case fails, the cases that are about the bug first."""

from __future__ import annotations

import functools
import multiprocessing
import re
import time
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Final, final

from hotplug import runtime
from hotplug.backend import Backend
from hotplug.conformance.case import LEVELS, Bench, Case, Options
from hotplug.conformance.runner import run_case
from hotplug.conformance.strength.mutant import Mutant, chosen
from hotplug.conformance.strength.planting import NAME, Bare
from hotplug.conformance.suite import cases
from hotplug.plugins import BackendSpec, registry

_HOST_LEVELS: Final = 3
"""The highest level that mutants are tried at: level 4 is about programs, and slow."""
_ACCIDENT: Final = re.compile(r"raised \w*(?:Error|Exception)|^\w+Error: ")
"""What a case says where the mutant raised something, instead of computing something wrong."""


@final
@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a mutant.

    Attributes:
        case: the first case that failed; empty: it survived.
        message: what that case said.
        tried: how many cases ran.
    """

    operator: str
    variant: str
    kind: str
    place: str
    held_out: bool
    case: str
    message: str
    tried: int
    seconds: float

    @property
    def caught(self) -> bool:
        """Whether a case failed."""
        return bool(self.case)

    @property
    def broken(self) -> bool:
        """Whether what failed is the mutant itself: it raised instead of computing something wrong."""
        return (
            bool(_ACCIDENT.search(self.message))
            and "IndexRangeError" not in self.message
            and self.kind != "wrong error"
        )

    @property
    def name(self) -> str:
        """The mutant's."""
        return f"{self.operator}[{self.variant}]"


@functools.cache
def _all_cases(seed: int) -> tuple[Case, ...]:
    return tuple(cases(Options(level=min(_HOST_LEVELS, max(LEVELS)), seed=seed)))


def ordered(home: Sequence[str], variant: str, seed: int, only_home: bool = False) -> Iterator[Case]:
    """All cases: those of the families and ops at home first, of the variant's dtype before others; then level by level."""
    everything = _all_cases(seed)
    names = {name.rpartition(".")[2] for name in home}
    first = [case for case in everything if case.op.rpartition(".")[2] in names]
    yield from sorted(first, key=lambda case: (case.level, case.dtype != variant))
    if only_home:
        return
    chosen_first = {id(case) for case in first}
    yield from (case for case in everything if id(case) not in chosen_first)


@contextmanager
def on_device(backend: Backend) -> Iterator[None]:
    """Within the block a backend is the device :data:`~hotplug.conformance.strength.planting.NAME`."""
    registry.register(BackendSpec(NAME, lambda: backend))
    try:
        yield
    finally:
        registry.unregister(NAME)
        runtime._RUNTIMES.pop((NAME, 0), None)


def failures(
    backend: Backend, home: Sequence[str], variant: str, seed: int = 0, only_home: bool = False
) -> Generator[tuple[str, str, int], None, None]:
    """Cases that fail on a backend, with their message, and how many ran so far."""
    with on_device(backend):
        bench = Bench(NAME, Options(level=_HOST_LEVELS, seed=seed))
        tried = 0
        for tried, case in enumerate(ordered(home, variant, seed, only_home), 1):
            result = run_case(case, bench)
            if result.bad:
                yield case.name, result.message, tried
        yield "", "", tried


@functools.cache
def sound(name: str, seed: int) -> bool:
    """Whether the reference, under the name of the device with the bug, passes a case: else failing it proves nothing."""
    case = next(each for each in _all_cases(seed) if each.name == name)
    with on_device(Bare()):
        return not run_case(case, Bench(NAME, Options(level=_HOST_LEVELS, seed=seed))).bad


def _caught(mutant: Mutant, seed: int, only_home: bool) -> tuple[str, str, int]:
    """The first case that fails on the mutant and passes on the reference, what it says, and how many were tried."""
    unsound: set[str] = set()
    while True:
        with closing(failures(mutant.backend(), mutant.operator.home, mutant.variant, seed, only_home)) as found:
            case, message, tried = next(each for each in found if each[0] not in unsound)
        if not case or sound(case, seed):
            return case, message, tried
        unsound.add(case)  # the two can't run at the same time, since they have one name


def hunt(mutant: Mutant, seed: int = 0, only_home: bool = False) -> Outcome:
    """Run cases on a mutant until one fails; ``only_home``: no others than those at home."""
    operator = mutant.operator
    start = time.perf_counter()
    case, message, tried = _caught(mutant, seed, only_home)
    seconds = time.perf_counter() - start
    return Outcome(
        operator.name, mutant.variant, operator.kind, operator.place, operator.held_out, case, message, tried, seconds
    )


def hunt_all(mutants: Sequence[Mutant], workers: int = 1, seed: int = 0) -> Iterator[Outcome]:
    """The outcomes as they come."""
    if workers <= 1:
        for mutant in mutants:
            yield hunt(mutant, seed)
        return
    context = multiprocessing.get_context("spawn")
    names = [mutant.name for mutant in mutants]
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        waiting = [pool.submit(hunt_named, names[at :: _parts(names)], seed) for at in range(_parts(names))]
        for done in as_completed(waiting):
            yield from done.result()


def _parts(names: Sequence[str]) -> int:
    return max(1, len(names) // 20)


def hunt_named(names: Sequence[str], seed: int) -> list[Outcome]:
    """Mutants by name, in a process of a pool."""
    wanted = set(names)
    return [hunt(mutant, seed) for mutant in chosen() if mutant.name in wanted]
