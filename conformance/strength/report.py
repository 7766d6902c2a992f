"""What was caught, by which case, and what survived: for people, and as JSON."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from hotplug.conformance.strength.hunt import Outcome
from hotplug.conformance.strength.mutant import PLACES
from hotplug.conformance.strength.survivors import reason_of

_HEAD = ("OPERATOR", "PLANTED IN", "MUTANTS", "CAUGHT", "BY")


def share(outcomes: Sequence[Outcome]) -> float:
    """The share of mutants that were caught."""
    return sum(each.caught for each in outcomes) / max(1, len(outcomes))


def grouped(outcomes: Sequence[Outcome]) -> dict[str, list[Outcome]]:
    """By operator."""
    found: dict[str, list[Outcome]] = {}
    for each in outcomes:
        found.setdefault(each.operator, []).append(each)
    return found


def lines(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """A row for each operator, then the survivors with their explanations, then the shares."""
    yield f"{_HEAD[0]:58} {_HEAD[1]:10} {_HEAD[2]:>7} {_HEAD[3]:>7}  {_HEAD[4]}"
    for name, group in sorted(grouped(outcomes).items(), key=lambda pair: (PLACES.index(pair[1][0].place), pair[0])):
        cases = Counter(each.case for each in group if each.caught)
        by = cases.most_common(1)[0][0] if cases else "survived"
        more = f" and {len(cases) - 1} more" if len(cases) > 1 else ""
        mark = "*" if group[0].held_out else " "
        yield f"{name:57}{mark} {group[0].place:10} {len(group):7} {sum(each.caught for each in group):7}  {by}{more}"
    yield "* held out: the suite is not written to find it"
    yield ""
    yield from _survivors([each for each in outcomes if not each.caught])
    yield from _shares(outcomes)


def _survivors(survived: Sequence[Outcome]) -> Iterator[str]:
    for each in survived:
        yield f"survived: {each.name}: {reason_of(each.name) or 'no explanation in conformance/strength/survivors.py'}"
    if survived:
        yield ""


def _shares(outcomes: Sequence[Outcome]) -> Iterator[str]:
    rows = [("all", list(outcomes))]
    rows += [(place, [each for each in outcomes if each.place == place]) for place in PLACES]
    rows += [("held out", [each for each in outcomes if each.held_out])]
    rows += [("not held out", [each for each in outcomes if not each.held_out])]
    yield f"{'':14}{'OPERATORS':>10}{'MUTANTS':>9}{'CAUGHT':>8}{'SHARE':>9}{'SECONDS':>9}"
    for name, group in rows:
        if group:
            caught, seconds = sum(each.caught for each in group), sum(each.seconds for each in group)
            count = len({each.operator for each in group})
            yield f"{name:14}{count:10}{len(group):9}{caught:8}{share(group):9.2%}{seconds:9.1f}"


def as_json(outcomes: Sequence[Outcome]) -> str:
    """All outcomes, with the explanations of survivors."""
    rows = [{**asdict(each), "explanation": "" if each.caught else reason_of(each.name)} for each in outcomes]
    return json.dumps({"share": share(outcomes), "mutants": rows}, indent=1)
