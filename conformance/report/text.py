"""The results as a table for people."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Final

from hotplug.conformance.case import Result

_SHOWN: Final = 2
"""Failures of one op that are written out; all are counted."""
TITLES: Final = {0: "memory", 1: "kernel families", 2: "ops forward", 3: "gradients, random streams", 4: "behaviour"}


def lines(device: str, results: Sequence[Result]) -> Iterator[str]:
    """Failures first, then what the device lacks, then the counts by level."""
    bad = [each for each in results if each.bad]
    shown: Counter[str] = Counter()
    for each in bad:
        shown[each.op] += 1
        if shown[each.op] <= _SHOWN:
            yield f"{each.status.upper():10} {each.name}"
            yield f"           {each.message}"
    if bad:
        yield ""
        yield f"failures by op: {_by_op(bad)}"
        yield ""
    lacking = Counter(each.message for each in results if each.status == "unsupported")
    for message, count in lacking.most_common():
        yield f"unsupported, {count} cases: {message}"
    for each in results:
        if each.status == "expected":
            yield f"expected failure {each.name}: {each.message}"
    yield from _table(device, results)


def _by_op(bad: Sequence[Result]) -> str:
    counted = Counter(each.op for each in bad)
    return ", ".join(f"{op} {count}" for op, count in counted.most_common())


def _table(device: str, results: Sequence[Result]) -> Iterator[str]:
    levels: dict[int, list[Result]] = defaultdict(list)
    for each in results:
        levels[each.level].append(each)
    head = f"{'LEVEL':32}{'CASES':>8}{'PASSED':>8}{'FAILED':>8}{'LACKS':>8}{'KNOWN':>8}{'WORST ULP':>11}{'SECONDS':>9}"
    yield f"conformance of {device}"
    yield head
    for level, group in sorted(levels.items()):
        count = Counter(each.status for each in group)
        failed = sum(each.bad for each in group)
        worst = max((each.worst for each in group), default=0.0)
        seconds = sum(each.seconds for each in group)
        yield (
            f"{f'{level} {TITLES[level]}':32}{len(group):8}{count['passed']:8}{failed:8}{count['unsupported']:8}"
            f"{count['expected']:8}{worst:11.2f}{seconds:9.1f}"
        )
    passed = not any(each.bad for each in results)
    yield f"{'PASSED' if passed else 'FAILED'}: {len(results)} cases"
