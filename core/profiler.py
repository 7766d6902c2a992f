"""``hotplug.profiler``: PyTorch's profiler, mapped onto ranges on the host and the tables of ``"profile+..."`` devices.

What a program marks with :class:`record_function` is timed; kernels are timed where tensors live on a profiled device, as
``hotplug run --device profile+cpu`` makes them: see docs/profiling.md.

>>> import hotplug as hp
>>> with hp.profiler.profile() as found, hp.profiler.record_function("work"):
...     _ = hp.ones(3) + 1
>>> [row.key for row in found.key_averages()]
['work']
"""

from __future__ import annotations

import functools
import json
import time
from collections.abc import Callable, Iterable
from enum import Enum
from pathlib import Path
from typing import Any, Final, NamedTuple, final

from hotplug.errors import ArgumentError

__all__ = ["ProfilerAction", "ProfilerActivity", "profile", "record_function", "schedule", "tensorboard_trace_handler"]


class ProfilerActivity(Enum):
    """What is to be recorded: accepted, ranges are recorded whatever is asked for."""

    CPU = 0
    CUDA = 1
    XPU = 2


class ProfilerAction(Enum):
    """What a step of a schedule does."""

    NONE = 0
    WARMUP = 1
    RECORD = 2
    RECORD_AND_SAVE = 3


class Row(NamedTuple):
    """All ranges of one name."""

    key: str
    count: int  # type: ignore[assignment]  # PyTorch's name; nobody counts in a row
    cpu_time_total: float
    """Microseconds."""

    @property
    def cpu_time(self) -> float:
        """Microseconds of one range on the average."""
        return self.cpu_time_total / self.count


@final
class Averages(list[Row]):
    """What :meth:`profile.key_averages` gives."""

    def table(self, sort_by: str | None = None, row_limit: int = 100, **more: Any) -> str:
        """The rows as text, the longest first."""
        del sort_by, more
        rows = sorted(self, key=lambda row: -row.cpu_time_total)[:row_limit]
        lines = [f"{'Name':40} {'Calls':>8} {'CPU total':>14} {'CPU time avg':>14}"]
        lines += [f"{r.key:40} {r.count:8} {r.cpu_time_total:11.3f} us {r.cpu_time:11.3f} us" for r in rows]
        return "\n".join(lines)

    def total_average(self) -> Row:
        """The sum of all."""
        return Row("Total", sum(row.count for row in self) or 1, sum(row.cpu_time_total for row in self))


_RUNNING: Final[list[profile]] = []


@final
class profile:  # noqa: N801 - PyTorch's name
    """Record the ranges of a block, and of its steps.

    Args:
        activities, record_shapes, profile_memory, with_stack, with_flops, with_modules: accepted.
        schedule: what each step does, see :func:`schedule`.
        on_trace_ready: called with this profile when a cycle of the schedule, or the block, ends.
    """

    def __init__(
        self, activities: Iterable[Any] | None = None, *, schedule: Callable[[int], ProfilerAction] | None = None,
        on_trace_ready: Callable[[profile], Any] | None = None, **more: Any,
    ) -> None:  # fmt: skip
        del activities, more
        self._schedule = schedule
        self._ready = on_trace_ready
        self._events: list[tuple[str, float, float]] = []
        self.step_num = 0

    def start(self) -> None:
        """Begin to record."""
        _RUNNING.append(self)

    def stop(self) -> None:
        """End, and hand the profile to ``on_trace_ready``."""
        if self in _RUNNING:
            _RUNNING.remove(self)
        if self._ready is not None and self._schedule is None:
            self._ready(self)

    def __enter__(self) -> profile:
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    @property
    def _records(self) -> bool:
        action = ProfilerAction.RECORD if self._schedule is None else self._schedule(self.step_num)
        return action in (ProfilerAction.RECORD, ProfilerAction.RECORD_AND_SAVE)

    def step(self) -> None:
        """A step of the program ends."""
        ends = self._schedule is not None and self._schedule(self.step_num) is ProfilerAction.RECORD_AND_SAVE
        if ends and self._ready is not None:
            self._ready(self)
        self.step_num += 1

    def add(self, name: str, start: float, end: float) -> None:
        """Take a range, where this step records."""
        if self._records:
            self._events.append((name, start, end))

    def events(self) -> list[tuple[str, float, float]]:
        """The ranges: name, start and end in seconds."""
        return list(self._events)

    def key_averages(self, *args: Any, **more: Any) -> Averages:
        """The ranges by name, in the order in which they first ended."""
        del args, more
        names = dict.fromkeys(name for name, _, _ in self._events)
        found = Averages()
        for name in names:
            spans = [end - start for each, start, end in self._events if each == name]
            found.append(Row(name, len(spans), sum(spans) * 1e6))
        return found

    def export_chrome_trace(self, path: str) -> None:
        """Write the ranges as a trace for chrome://tracing and Perfetto."""
        rows = [
            {"name": name, "ph": "X", "pid": 0, "tid": 0, "ts": start * 1e6, "dur": (end - start) * 1e6}
            for name, start, end in self._events
        ]
        Path(path).write_text(json.dumps({"traceEvents": rows}), encoding="utf-8")


@final
class record_function:  # noqa: N801 - PyTorch's name
    """A range with a name, as a context or a decorator."""

    def __init__(self, name: str, args: str | None = None) -> None:
        del args
        self.name = name
        self._start = 0.0

    def __enter__(self) -> record_function:
        self._start = time.perf_counter()
        return self

    def __exit__(self, *exc: object) -> None:
        end = time.perf_counter()
        for each in _RUNNING:
            each.add(self.name, self._start, end)

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def called(*args: Any, **kwargs: Any) -> Any:
            with record_function(self.name):
                return function(*args, **kwargs)

        return called


def schedule(
    *, wait: int, warmup: int, active: int, repeat: int = 0, skip_first: int = 0, **more: Any
) -> Callable[[int], ProfilerAction]:
    """Steps to skip, to wait, to warm up and to record, in cycles.

    Raises:
        ArgumentError: a number is negative, or nothing is recorded.
    """
    del more
    if min(wait, warmup, repeat, skip_first) < 0 or active < 1:
        raise ArgumentError("schedule: expected non-negative numbers and active > 0")
    length = wait + warmup + active

    def action(step: int) -> ProfilerAction:
        step -= skip_first
        if step < 0 or (repeat and step // length >= repeat):
            return ProfilerAction.NONE
        place = step % length
        if place < wait:
            return ProfilerAction.NONE
        if place < wait + warmup:
            return ProfilerAction.WARMUP
        return ProfilerAction.RECORD if place < length - 1 else ProfilerAction.RECORD_AND_SAVE

    return action


def tensorboard_trace_handler(
    dir_name: str, worker_name: str | None = None, use_gzip: bool = False
) -> Callable[[profile], None]:
    """A function for ``on_trace_ready`` that writes traces into a folder."""
    del use_gzip

    def write(found: profile) -> None:
        folder = Path(dir_name)
        folder.mkdir(parents=True, exist_ok=True)
        found.export_chrome_trace(str(folder / f"{worker_name or 'worker'}.{found.step_num}.pt.trace.json"))

    return write
