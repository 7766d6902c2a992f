"""Streams and events: a device has one queue, which every stream is, and an event is a moment of it.

>>> import hotplug as hp
>>> start, end = hp.cuda.Event(enable_timing=True), hp.cuda.Event(enable_timing=True)
"""

from __future__ import annotations

import time
from typing import Any, final

from hotplug import runtime
from hotplug.device import device as Device
from hotplug.errors import ArgumentError


def _of(device: Any) -> Any:
    return Device("cuda") if device is None else Device("cuda", device) if isinstance(device, int) else Device(device)


@final
class Stream:
    """The one queue of a device: work given to any stream runs in the order in which it was given."""

    def __init__(self, device: Any = None, priority: int = 0, **more: Any) -> None:
        del priority, more
        self.device: Any = device.device if isinstance(device, Stream) else _of(device)

    def synchronize(self) -> None:
        """Wait for all queued work."""
        runtime.synchronize(self.device)

    def query(self) -> bool:
        """Whether all queued work is done: after waiting for it."""
        self.synchronize()
        return True

    def wait_stream(self, stream: Stream) -> None:
        """Nothing: the queue keeps the order."""

    def wait_event(self, event: Event) -> None:
        """Nothing: the queue keeps the order."""

    def record_event(self, event: Event | None = None) -> Event:
        """Record an event, a new one by default."""
        event = Event() if event is None else event
        event.record(self)
        return event

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *exc: object) -> None:
        """Nothing: there is one queue."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Stream) and self.device == other.device

    def __hash__(self) -> int:
        return hash(self.device)

    def __repr__(self) -> str:
        return f"<hotplug.cuda.Stream device={self.device}>"


@final
class Event:
    """A moment of a device's queue.  With timing, recording waits for the queue, so that the time is right."""

    def __init__(
        self, enable_timing: bool = False, blocking: bool = False, interprocess: bool = False, **more: Any
    ) -> None:
        del blocking, interprocess, more
        self._timing = enable_timing
        self._device: Any = None
        self._at: float | None = None

    def record(self, stream: Stream | None = None) -> None:
        """Mark this moment."""
        self._device = _of(None) if stream is None else stream.device
        if self._timing:
            runtime.synchronize(self._device)
        self._at = time.perf_counter()

    def wait(self, stream: Stream | None = None) -> None:
        """Nothing: the queue keeps the order."""

    def query(self) -> bool:
        """Whether the moment has come: after waiting for the work before it."""
        self.synchronize()
        return True

    def synchronize(self) -> None:
        """Wait for the work before the moment."""
        if self._device is not None:
            runtime.synchronize(self._device)

    def elapsed_time(self, end_event: Event) -> float:
        """Milliseconds from this moment to another.

        Raises:
            ArgumentError: one of the two was not recorded, or not with ``enable_timing=True``.
        """
        if not (self._timing and end_event._timing):
            raise ArgumentError("elapsed_time: both events must be created with argument 'enable_timing=True'")
        if self._at is None or end_event._at is None:
            raise ArgumentError("elapsed_time: both events must be recorded before calculating elapsed time")
        return (end_event._at - self._at) * 1e3


def current_stream(device: Any = None) -> Stream:
    """The queue of a device."""
    return Stream(device)


default_stream = current_stream


def set_stream(stream: Stream) -> None:
    """Nothing: there is one queue."""


def stream(stream: Stream | None) -> Any:
    """A context in which work goes to a stream: to the one queue, as everywhere."""
    import contextlib

    return contextlib.nullcontext() if stream is None else stream


StreamContext = stream
