"""The command ``python -m hotplug.conformance.strength``."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence

from tqdm import tqdm

from hotplug.conformance.strength.correct import CORRECT, false_alarms
from hotplug.conformance.strength.hunt import Outcome, hunt_all
from hotplug.conformance.strength.mutant import chosen
from hotplug.conformance.strength.report import as_json, lines, share

ENOUGH = 0.99
"""The share that the suite must catch."""


def parser() -> ArgumentParser:
    """The command's arguments."""
    made = ArgumentParser(
        prog="python -m hotplug.conformance.strength",
        description="Plant one bug at a time in a correct backend, and report which case of the suite finds it.",
        epilog=f"The exit status is 1 below {ENOUGH:.0%}, or at the first false alarm.",
    )
    made.add_argument("--operator", default="", metavar="NAME", help="only operators with this in their name")
    made.add_argument("--sample", type=int, default=0, metavar="N", help="one mutant of each of N operators")
    made.add_argument("--seed", type=int, default=0, help="of the sample")
    made.add_argument("-n", "--workers", type=int, default=1, help="processes")
    made.add_argument("--json", action="store_true", help="print JSON instead of the table")
    made.add_argument(
        "--false-alarms", type=int, default=0, metavar="SEEDS", help="run the suite on backends without a bug"
    )
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the exit status."""
    given = parser().parse_args(arguments)
    return _alarms(given.false_alarms) if given.false_alarms else _strength(given)


def _strength(given: Namespace) -> int:
    mutants = chosen(given.operator, given.sample, given.seed)
    if not mutants:
        print(
            f"strength: no operator has {given.operator!r} in its name; leave out --operator to see all",
            file=sys.stderr,
        )
        return 2
    bar = tqdm(hunt_all(mutants, given.workers), total=len(mutants), unit="mutant", leave=False)
    outcomes: list[Outcome] = list(bar)
    order = {mutant.name: at for at, mutant in enumerate(mutants)}
    outcomes.sort(key=lambda each: order[each.name])
    print(as_json(outcomes) if given.json else "\n".join(lines(outcomes)))
    return int(share(outcomes) < ENOUGH)


def _alarms(seeds: int) -> int:
    found = 0
    for name in CORRECT:
        for seed in tqdm(range(seeds), unit="seed", desc=name, leave=False):
            for alarm in false_alarms(name, seed):
                print(alarm)
                found += 1
    print(f"{found} false alarms: {len(CORRECT)} correct backends, {seeds} seeds")
    return int(found > 0)
