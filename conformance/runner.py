"""Running cases: one after another, or spread over processes."""

from __future__ import annotations

import multiprocessing
import time
import traceback
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import TYPE_CHECKING, Final

from hotplug.conformance.case import Bench, Case, CaseFailedError, Options, Result, Unsupported
from hotplug.conformance.expected import known
from hotplug.conformance.suite import cases
from hotplug.errors import HotplugError
from hotplug.host_execution import host_policy

if TYPE_CHECKING:
    from hotplug.conformance.report.observe import Seen

_CHUNK: Final = 40


def run_case(case: Case, bench: Bench) -> Result:
    """Run one case; never raises for what the device does."""
    start = time.perf_counter()
    status, worst, message = "passed", 0.0, ""
    try:
        with host_policy("error"):  # what the host computes says nothing of the device
            worst = case.run(bench)
    except Unsupported as error:
        status, message = "unsupported", str(error)
    except (CaseFailedError, HotplugError) as error:
        status, message = (
            "failed",
            f"{'' if isinstance(error, CaseFailedError) else type(error).__name__ + ': '}{error}",
        )
    except Exception as error:  # noqa: BLE001 - whatever a device throws is its result
        last = traceback.extract_tb(error.__traceback__)[-1]
        status, message = "failed", f"{type(error).__name__}: {error} ({last.name}, line {last.lineno})"
    reason = known(bench.device, case.name)
    if reason:
        status, message = ("expected", reason) if status == "failed" else ("unexpected", f"passes now: {reason}")
    seconds = time.perf_counter() - start
    seen = _seen(case, bench) if bench.options.observe and case.level == 2 else None
    return Result(case.level, case.op, case.dtype, case.layout, case.name, status, worst, seconds, message, seen)


def _seen(case: Case, bench: Bench) -> Seen | None:
    """How an op ran, found out once: in its first dtype, where its tensors are contiguous."""
    from hotplug.conformance.report.observe import first_kind, observe

    kind = first_kind(case.op, bench.options)
    if case.layout != "contiguous" or case.dtype != kind.name:
        return None
    return observe(case.op, kind, bench.device, bench.options.seed)


def run(device: str, options: Options, workers: int = 1) -> Iterator[Result]:
    """The results, as they come; in the order of the cases for one worker."""
    if workers > 1:
        yield from _spread(device, options, workers)
        return
    bench = Bench(device, options)
    for case in cases(options):
        yield run_case(case, bench)


def _spread(device: str, options: Options, workers: int) -> Iterator[Result]:
    """Chunks of cases over processes.  They are spawned: a device does not survive a fork."""
    count = sum(1 for _ in cases(options))
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        waiting = [pool.submit(run_part, device, options, at, at + _CHUNK) for at in range(0, count, _CHUNK)]
        for done in as_completed(waiting):
            yield from done.result()


def run_part(device: str, options: Options, first: int, last: int) -> list[Result]:
    """Cases ``first`` to ``last - 1``, in a process of a pool."""
    bench = Bench(device, options)
    return [run_case(case, bench) for case in list(cases(options))[first:last]]
