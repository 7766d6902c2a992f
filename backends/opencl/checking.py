"""The process that :mod:`hotplug.backends.opencl.check` starts: runs the cases, and reads what the simulator reports."""

from __future__ import annotations

import fnmatch
import os
import sys
import time
from argparse import Namespace
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, final

from hotplug import memory
from hotplug.backends.opencl.check import chosen, parser
from hotplug.backends.opencl.overrides import OVERRIDES
from hotplug.conformance.case import Bench, Case, Options
from hotplug.conformance.runner import run_case
from hotplug.conformance.suite import cases
from hotplug.device import device

KNOWN: Final = {
    "oclgrind": {
        "level1-map-int64-functions-casts": "the simulator rounds twice from int64 to float32, by way of float64",
    },
}
"""What a driver itself does wrong, by patterns of case names.  A case that passes here is an error too."""

REACHED_BY: Final = {
    "convolution": "conv", "convolution_input": "conv", "convolution_weight": "conv", "cross_entropy_rows": "cross_entropy",
    "linear_act": "linear", "root_mean_square": "rms_norm", "root_mean_square_scale": "rms_norm", "standardize": "norm",
}  # fmt: skip
"""Part of the names of the ops that are made of a composite, where that is not its own name."""

OWN: Final = frozenset(REACHED_BY.get(name, name) for name in (each.removesuffix("_backward") for each in OVERRIDES))
"""Parts of the names of ops that have a kernel of their own: no sample leaves them out."""


_SHOWN: Final = 4000
"""Characters of what the simulator reports of one case."""


def say(text: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


@final
class Reports:
    """What Oclgrind wrote since the last look; nothing where another driver runs."""

    def __init__(self, log: str) -> None:
        self._log: Final = Path(log) if log else None
        self._read = 0

    def new(self) -> str:
        if self._log is None:
            return ""
        text = self._log.read_text(encoding="utf-8", errors="replace")
        found, self._read = text[self._read :], len(text)
        return found.strip()


def sampled(every: Iterable[Case], arguments: Namespace) -> Iterator[Case]:
    """One case in so many, taken evenly; of ops with kernels of their own one of every dtype and layout at least."""
    seen: Counter[tuple[int, str]] = Counter()
    for case in every:
        step = arguments.kernels if case.level <= 1 else arguments.sample
        own = case.level > 1 and any(part in case.op for part in OWN)
        turn = seen[case.level, case.op if own else ""]
        seen[case.level, case.op if own else ""] += 1
        if turn % (max(1, step // 4) if own else step) == 0:
            yield case


def exact() -> None:
    """Give tensors blocks of exactly their size, in this process."""
    memory._SMALLEST, memory._LINEAR_LIMIT = 1, 1 << 62  # type: ignore[misc]


def main() -> int:
    """Run the cases, print what is wrong, and return the exit status."""
    arguments = parser().parse_args()
    log = os.environ.get("OCLGRIND_LOG", "")
    if log:
        exact()
    reports, name = Reports(log), str(device(chosen(arguments)))
    options = Options(arguments.level, arguments.op)
    bench, start, bad, count = Bench(name, options), time.process_time(), 0, Counter[str]()
    known = KNOWN.get(arguments.driver, {})
    for case in sampled(cases(options), arguments):
        result = run_case(case, bench)
        expected = next((reason for each, reason in known.items() if fnmatch.fnmatchcase(case.name, each)), "")
        count["known" if expected else result.status] += 1
        report = reports.new()
        failed = result.bad if not expected else not result.bad
        if failed or report:
            bad += 1
            say(f"FAILED {case.name}: {result.message or expected}\n{report[:_SHOWN]}")
    if arguments.level > 2 and not arguments.op:
        missed = sorted(OVERRIDES.keys() - {key.name for key in bench.runtime.resolved()})
        bad += len(missed)
        say(f"kernels that no case reached: {', '.join(missed) or 'none'}")
    hardware = bench.runtime.backend.devices()[bench.runtime.index].name
    summary = ", ".join(f"{number} {status}" for status, number in sorted(count.items()))
    say(f"{name} ({hardware}): {summary}; {bad} wrong; {time.process_time() - start:.0f} s of processor time")
    return int(bad > 0 or not count["passed"])


if __name__ == "__main__":
    sys.exit(main())
