"""Level 4: several threads on one device, and what is shared between them."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, TypeVar

from hotplug import ops
from hotplug.backends.decorators.fault import plan
from hotplug.conformance.case import Bench, Case, CaseFailedError
from hotplug.conformance.levels.forward import supported
from hotplug.conformance.levels.scene import Scene, drawn, settled
from hotplug.conformance.place import host_values, tensor
from hotplug.dtypes import dtype, float32, float64
from hotplug.errors import PluginError

THREADS: Final = 8
_LONGEST_WAIT: Final = 120.0
"""Seconds after which threads are taken to wait for each other."""

Result = TypeVar("Result")


def together(tasks: Sequence[Callable[[], Result]]) -> list[Result | Exception]:
    """What the tasks return or raise, each in a thread of its own, all started at once.

    Raises:
        CaseFailedError: they don't end.
    """
    found: list[Any] = [None] * len(tasks)
    gate = threading.Barrier(len(tasks))

    def run(number: int, task: Callable[[], Result]) -> None:
        gate.wait()
        try:
            found[number] = task()
        except Exception as error:  # noqa: BLE001 - raised or counted by the caller
            found[number] = error

    threads = [threading.Thread(target=run, args=each, daemon=True) for each in enumerate(tasks)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(_LONGEST_WAIT)
    if any(each.is_alive() for each in threads):
        raise CaseFailedError(f"{len(tasks)} threads don't end within {_LONGEST_WAIT:g} s: they wait for each other")
    return found


def _trained(device: str, kind: dtype, seed: int, count: int) -> tuple[list[float], list[bytes]]:
    scene = Scene(device, "adam" if seed % 2 else "sgd", kind, seed)
    return scene.losses(count), scene.values()


def eight_models(kind: dtype, bench: Bench) -> float:
    """8 threads make and train 8 models; each comes to the bits that it comes to alone."""
    supported(bench, kind)
    count = 50 if bench.options.full else 6
    held = settled(bench.device)
    tasks = [functools.partial(_trained, bench.device, kind, seed, count) for seed in range(THREADS)]
    found = together(tasks)
    for seed, (mine, task) in enumerate(zip(found, tasks, strict=True)):
        if isinstance(mine, Exception):
            raise CaseFailedError(f"thread {seed} of {THREADS}: {type(mine).__name__}: {mine}") from mine
        alone = task()
        if mine != alone:
            raise CaseFailedError(
                f"thread {seed} of {THREADS}: losses and parameters differ from those of the same program alone: the last "
                f"loss is {mine[0][-1]!r} with other threads, {alone[0][-1]!r} without"
            )
    found.clear()
    if settled(bench.device) != held:
        raise CaseFailedError(f"expected {held} bytes in use after the threads ended, got {settled(bench.device)}")
    return 0.0


def one_fails(bench: Bench) -> float:
    """A kernel of one thread raises; that thread gets the error, and the seven others what they get without it."""
    device = f"fault+{bench.device}"
    tasks = [functools.partial(_trained, device, float32, seed, 4) for seed in range(THREADS)]
    expected = [task() for task in tasks]
    with plan(device, kernel=300):
        found = together(tasks)
    failed = [each for each in found if isinstance(each, Exception)]
    if len(failed) != 1 or not isinstance(failed[0], PluginError):
        raise CaseFailedError(f"expected one PluginError in {THREADS} threads, got {failed}")
    for seed, (mine, alone) in enumerate(zip(found, expected, strict=True)):
        if not isinstance(mine, Exception) and mine != alone:
            raise CaseFailedError(f"thread {seed}: another thread's failure changed its result")
    return 0.0


def shared_tensor(bench: Bench) -> float:
    """8 threads read one tensor, each with ops of its own, while one more thread reads it to the host."""
    values = drawn("shared", 33, 17)
    x = tensor(bench.device, values, float32)
    calls: list[Callable[[], Any]] = [
        lambda: ops.exp(x.T), lambda: x + x[:1], lambda: x.sum(1), lambda: ops.softmax(x, 1), lambda: x @ x.T,
        lambda: x.cumsum(0), lambda: x.argmax(1), lambda: ops.cat([x, x]),
    ]  # fmt: skip
    expected = [host_values(call()).tobytes() for call in calls]

    def repeated(call: Callable[[], Any]) -> set[bytes]:
        return {host_values(call()).tobytes() for _ in range(20)}

    found = together([functools.partial(repeated, call) for call in [*calls, lambda: x]])
    for number, each in enumerate(found):
        if isinstance(each, Exception):
            raise CaseFailedError(f"thread {number}: {type(each).__name__}: {each}") from each
        wanted = {expected[number] if number < len(calls) else host_values(x).tobytes()}
        if each != wanted:
            raise CaseFailedError(f"thread {number} read something else of a tensor that nobody writes")
    return 0.0


def cases() -> Iterator[Case]:
    """Threads that train, of which one fails, and that read."""
    for kind in (float32, float64):
        yield Case(4, "threads", kind.name, "eight_models", functools.partial(eight_models, kind))
    yield Case(4, "threads", "float32", "one_fails", one_fails)
    yield Case(4, "threads", "float32", "shared_tensor", shared_tensor)
