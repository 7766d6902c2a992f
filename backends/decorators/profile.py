"""``"profile+cpu"``: where the time goes, op by op.

Every kernel is timed; on an asynchronous device by waiting for it, so that the sum is right and the overlap is lost.
At the end of the program the table goes to standard error; :func:`profile_of` gives it before, and a trace for Chrome.
"""

from __future__ import annotations

import atexit
import json
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any, Final, NamedTuple, final

from hotplug.array import Array
from hotplug.backend import FAMILIES, Backend, Buffer, Kernel, OpKey
from hotplug.backends.decorators.forwarding import Forwarding
from hotplug.backends.decorators.origin import origin
from hotplug.errors import ArgumentError
from hotplug.host_execution import on_host

_EVENTS_LIMIT: Final = 1_000_000


class Row(NamedTuple):
    """One line of the table."""

    op: str
    """The public op or the backward node."""
    kernel: str
    """The family or the composite that ran."""
    how: str
    """``native`` (a family), ``override`` (the backend's own kernel of a composite), ``decomposed`` (declined) or ``host``
    (computed on the host; the time from reading the operand to writing the last result).
    """
    calls: int
    seconds: float
    nbytes: int
    """Bytes of the operands and results: read or written at least once."""


@final
class _OnHost(threading.local):
    """Up to when an op on the host has been counted."""

    mark = 0.0


def _hosted() -> str:
    """The op that runs on the host and now moves its tensors, if one does."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and frame.f_globals.get("__name__", "").startswith("hotplug"):
        if frame.f_code is on_host.__code__:
            return str(frame.f_locals["op"])
        frame = frame.f_back
    return ""


@final
class ProfileBackend(Forwarding):
    """Times every kernel of the backend that it wraps."""

    def __init__(self, inner: Backend) -> None:
        super().__init__(inner)
        self._totals: dict[tuple[str, str, str], list[float]] = {}
        self._events: list[tuple[str, str, float, float, int]] = []
        self._lock = threading.Lock()
        self._shown = False
        self._on_host: Final = _OnHost()
        atexit.register(self._at_exit)

    def resolve(self, index: int, key: OpKey) -> Kernel | None:
        kernel = self.inner.resolve(index, key)
        native = key.name in FAMILIES
        if kernel is None:
            if not native:
                self._add(origin().op, key.name, "decomposed", 0.0, 0.0, 0)
            return None
        label = f"{key.name} {key.mode}".rstrip()
        return self._timed(index, kernel, label, "native" if native else "override")

    def read(self, buffer: Buffer, offset: int, nbytes: int) -> bytes | bytearray | memoryview:
        op = _hosted()
        if op:
            self._on_host.mark = time.perf_counter()
        found = self.inner.read(buffer, offset, nbytes)
        if op:
            self._hosted_part(op, nbytes, 1)
        return found

    def write(self, buffer: Buffer, offset: int, data: memoryview) -> None:
        self.inner.write(buffer, offset, data)
        op = _hosted()
        if op:
            self._hosted_part(op, data.nbytes, 0)

    def _hosted_part(self, op: str, nbytes: int, calls: int) -> None:
        """Count what an op that runs on the host took since the last part of it."""
        start, self._on_host.mark = self._on_host.mark, time.perf_counter()
        self._add(origin().op, op, "host", start, self._on_host.mark - start, nbytes, calls)

    def _timed(self, index: int, kernel: Kernel, label: str, how: str) -> Kernel:
        waits = self.inner.capabilities(index).asynchronous

        def timed(outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any], /) -> None:
            start = time.perf_counter()
            kernel(outs, inputs, scalars)
            if waits:
                self.inner.synchronize(index)
            end = time.perf_counter()
            nbytes = sum(each.numel * each.dtype.itemsize for each in (*outs, *inputs))
            self._add(origin().op, label, how, start, end - start, nbytes)

        return timed

    def _add(
        self, op: str, kernel: str, how: str, start: float, seconds: float, nbytes: int, calls: int = 1
    ) -> None:  # fmt: skip
        with self._lock:
            total = self._totals.setdefault((op, kernel, how), [0, 0.0, 0])
            total[0] += calls
            total[1] += seconds
            total[2] += nbytes
            if seconds and len(self._events) < _EVENTS_LIMIT:
                self._events.append((op, kernel, start, seconds, threading.get_ident()))

    def reset(self) -> None:
        """Forget what was measured."""
        with self._lock:
            self._totals.clear()
            self._events.clear()

    def rows(self) -> list[Row]:
        """The totals, those with the most time first."""
        with self._lock:
            rows = [Row(*names, int(calls), s, int(n)) for names, (calls, s, n) in self._totals.items()]
        return sorted(rows, key=lambda row: (-row.seconds, row.op, row.kernel))

    def table(self, most: int = 40) -> str:
        """The totals as text: at most so many rows."""
        self._shown = True
        rows = self.rows()
        whole = sum(row.seconds for row in rows)
        lines = [
            f"{'OP':<28} {'KERNEL':<18} {'HOW':<10} {'CALLS':>8} {'TOTAL ms':>10} {'MEAN us':>9} {'GB/s':>7} {'%':>5}"
        ]
        lines += [_line(row, whole) for row in rows[:most]]
        if len(rows) > most:
            lines.append(f"(and {len(rows) - most} more)")
        lines.append(f"{self.name}: {sum(row.calls for row in rows)} kernel calls, {whole * 1e3:.1f} ms in kernels")
        return "\n".join(lines)

    def export_chrome_trace(self, path: str | Path) -> None:
        """Write the calls as a trace that chrome://tracing and Perfetto open; times in microseconds."""
        with self._lock:
            events = [
                {"name": op, "cat": kernel, "ph": "X", "ts": start * 1e6, "dur": s * 1e6, "pid": 0, "tid": thread}
                for op, kernel, start, s, thread in self._events
            ]
        Path(path).write_text(json.dumps({"traceEvents": events, "displayTimeUnit": "ms"}), encoding="utf-8")

    def _at_exit(self) -> None:
        if self._totals and not self._shown:
            sys.stderr.write(self.table() + "\n")


def _line(row: Row, whole: float) -> str:
    mean = row.seconds / max(row.calls, 1) * 1e6
    rate = row.nbytes / row.seconds / 1e9 if row.seconds else 0.0
    share = 100 * row.seconds / whole if whole else 0.0
    return (
        f"{row.op:<28} {row.kernel:<18} {row.how:<10} {row.calls:>8} {row.seconds * 1e3:>10.2f} {mean:>9.1f} "
        f"{rate:>7.2f} {share:>5.1f}"
    )


def profile_of(device: str) -> ProfileBackend:
    """The profile of a device such as ``"profile+cpu"``.

    Raises:
        ArgumentError: the device has no profile.
    """
    from hotplug.plugins import registry

    backend: Backend = registry.backend(device.partition(":")[0])
    while isinstance(backend, Forwarding) and not isinstance(backend, ProfileBackend):
        backend = backend.inner
    if not isinstance(backend, ProfileBackend):
        raise ArgumentError(f"profile_of: device {device!r} is not profiled; put 'profile+' in front of its name")
    return backend
