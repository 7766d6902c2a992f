"""Level 4: faults in the middle of a training step, planned by ``fault+DEVICE``.

The n-th allocation, kernel or call of any kind fails, in the forward pass, the backward pass or the optimizer's step.
Whatever fails, and wherever: the documented exception is raised; once the program lets go of loss, gradients and
optimizer no memory is held; each parameter is, with its optimizer state, untouched or fully updated; and the program
goes on to the bits that it would have reached without the fault.
"""

from __future__ import annotations

import _thread
import contextlib
import functools
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple, NoReturn

from hotplug.backends.decorators.fault import PlannedFault, plan
from hotplug.conformance.case import Bench, Case, CaseFailedError, Unsupported
from hotplug.conformance.levels.scene import Scene, settled, working
from hotplug.errors import DeviceError, OutOfMemoryError, PluginError
from hotplug.runtime import empty_cache

_NEVER: Final = 1 << 60
"""A number that no count reaches: the plan counts and nothing fails."""


class Fault(NamedTuple):
    """A kind of failure."""

    argument: str
    """Of :func:`hotplug.backends.decorators.fault.plan`: which call fails."""
    counted: str
    """Under which name the plan counts those calls."""
    error: type[BaseException]
    words: str
    """What the message must say."""
    cause: type[BaseException] | None = None


FAULTS: Final = {
    "out_of_memory": Fault("allocation", "allocation", OutOfMemoryError, "out of memory"),
    "kernel_raises": Fault("kernel", "kernel", PluginError, "fails as planned", PlannedFault),
    "device_lost": Fault("lost", "call", DeviceError, "is lost"),
    "interrupt": Fault("interrupt", "kernel", KeyboardInterrupt, "as planned"),
}
STAGES: Final = ("forward", "backward", "step")


def _fail(where: str, problem: str) -> NoReturn:
    raise CaseFailedError(f"{where}: {problem}")


class Rehearsal:
    """One scene on ``fault+DEVICE``, played again and again, with one fault each time."""

    def __init__(self, bench: Bench, stage: str, fault: str, optimizer: str) -> None:
        self.device: Final = f"fault+{bench.device}"
        self.stage: Final = stage
        self.name: Final = fault
        self.fault: Final = FAULTS[fault]
        self.scene: Final = Scene(self.device, optimizer)
        self.scene.losses(2)  # kernels are built, and allocations are those of every iteration
        self.scene.restart()
        self.before: Final = self.scene.values()
        self.held: Final = settled(self.device)
        self.scene.iterate()
        self.after: Final = self.scene.values()
        self.states: Final = self.scene.states()

    def play(self, number: int) -> dict[str, int]:
        """The stages up to the one in question, in which one call fails; the plan's counts."""
        scene = self.scene
        stage: Callable[[], Any] = scene.forward
        if self.stage != "forward":
            loss = scene.forward()
            stage = loss.backward
            if self.stage == "step":
                loss.backward()
                stage = scene.optimizer.step
        empty_cache(self.device)  # the next allocations are the device's
        planned: dict[str, Any] = {self.fault.argument: number}
        with plan(self.device, **planned) as running:
            stage()
        return running.counts

    def count(self) -> int:
        """How many calls there are that may fail."""
        self.scene.restart()
        return self.play(_NEVER).get(self.fault.counted, 0)

    def fails(self, number: int) -> None:
        """Call ``number`` fails; what must hold afterwards is checked."""
        where = f"{self.name} at {self.fault.counted} {number} of the {self.stage}"
        self.scene.restart()
        self._raises(where, number)
        updated = self._whole(where)
        self._goes_on(where, updated)
        self.scene.restart()
        held = settled(self.device)
        if held != self.held:
            _fail(where, f"expected {self.held} bytes in use once loss, gradients and optimizer are gone, got {held}")

    def _raises(self, where: str, number: int) -> None:
        try:
            self.play(number)
        except self.fault.error as error:
            if self.fault.words not in str(error):
                _fail(where, f"expected an error that says {self.fault.words!r}, got: {error}")
            if self.fault.cause is not None and not isinstance(error.__cause__, self.fault.cause):
                _fail(where, f"expected the cause of {error!r} to be what the kernel raised, got {error.__cause__!r}")
        except BaseException as error:  # noqa: BLE001 - any other error is the finding
            _fail(where, f"expected {self.fault.error.__name__}, got {type(error).__name__}: {error}")
        else:
            _fail(where, f"expected {self.fault.error.__name__}, and nothing was raised")

    def _whole(self, where: str) -> list[bool]:
        """Which parameters were updated; each is as before or as after, together with its state."""
        found = []
        pairs = zip(self.scene.values(), self.scene.states(), strict=True)
        for number, (values, state) in enumerate(pairs):
            updated = values == self.after[number] and self.before[number] != self.after[number]
            if not updated and values != self.before[number]:
                _fail(where, f"parameter {number} is neither untouched nor fully updated")
            if updated and self.stage != "step":
                _fail(where, f"parameter {number} changed before the optimizer's step")
            wanted = self.states[number] if updated else {}
            if state != wanted:
                _fail(where, f"parameter {number} is {'' if updated else 'not '}updated, and its state says otherwise")
            found.append(updated)
        return found

    def _goes_on(self, where: str, updated: list[bool]) -> None:
        """The iteration is done again, for the parameters that have not had theirs: the bits are those without a fault."""
        scene = self.scene
        if not working(self.device):
            _fail(where, "the next call computes something else")
        if self.stage != "step":
            scene.iterate()
        else:
            for parameter, done in zip(scene.parameters, updated, strict=True):
                if done:
                    parameter.grad = None
            scene.optimizer.step()
        if scene.values() != self.after:
            _fail(where, "going on gives other parameters than without the fault")
        if scene.states() != self.states:
            _fail(where, "going on gives another state of the optimizer than without the fault")


def chosen(count: int, full: bool) -> list[int]:
    """Which calls fail: all, or the first, one in the middle and the last."""
    return list(range(1, count + 1)) if full else sorted({1, (count + 1) // 2, count} - {0})


def survives(stage: str, fault: str, optimizer: str, bench: Bench) -> float:
    """A stage of training in which calls fail, one at a time."""
    rehearsal = Rehearsal(bench, stage, fault, optimizer)
    count = rehearsal.count()
    if not count and fault == "out_of_memory":
        raise Unsupported(f"the {stage} allocates nothing")
    if not count:
        raise CaseFailedError(f"the {stage} made no {rehearsal.fault.count} that could fail")
    for number in chosen(count, bench.options.full):
        rehearsal.fails(number)
    return 0.0


# --- Ctrl-C, whenever it comes ---


@contextlib.contextmanager
def pressed(seconds: float) -> Iterator[threading.Timer]:
    """Ctrl-C after so many seconds, as Python takes it: between two bytecodes of the main thread."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    hook, sys.unraisablehook = sys.unraisablehook, lambda _: None  # it may come within a destructor, which drops it
    timer = threading.Timer(seconds, _thread.interrupt_main)
    timer.start()
    try:
        yield timer
    finally:
        timer.cancel()
        timer.join()
        sys.unraisablehook = hook
        signal.signal(signal.SIGINT, before)


def interrupted(bench: Bench) -> float:
    """Ctrl-C at any moment of a training run, during a kernel or between two: the run starts over, to the same bits.

    Raises:
        Unsupported: the case runs beside the main thread, which alone gets Ctrl-C.
    """
    if threading.current_thread() is not threading.main_thread():
        raise Unsupported("Ctrl-C is delivered to the main thread; this case runs in another")
    scene = Scene(bench.device)
    goal = scene.losses(4)
    arrived = 0
    for turn in range(40 if bench.options.full else 6):
        scene.restart()
        arrived += _train_until_pressed(scene, 0.002 * (1 + turn % 7))
        if not working(bench.device):
            raise CaseFailedError(f"Ctrl-C {turn}: the next call computes something else")
        scene.restart()
        if scene.losses(4) != goal:
            raise CaseFailedError(f"Ctrl-C {turn}: training again gives other losses")
    if not arrived:
        raise CaseFailedError("Ctrl-C never ends a loop of kernels: something takes the signal or swallows it")
    return 0.0


def _train_until_pressed(scene: Scene, seconds: float) -> bool:
    """Train until Ctrl-C ends it; whether it did, since one that comes within a destructor is dropped by Python."""
    with contextlib.suppress(KeyboardInterrupt), pressed(seconds) as timer:
        while timer.is_alive():
            scene.iterate()
        scene.iterate()
        return False
    return True


def cases() -> Iterator[Case]:
    """Every fault in every stage; the optimizer's step with two optimizers."""
    for fault in FAULTS:
        for stage in STAGES:
            for optimizer in ("adam", "sgd") if stage == "step" else ("adam",):
                name = f"{fault}-{stage}" + (f"-{optimizer}" if stage == "step" else "")
                yield Case(4, "faults", "float32", name, functools.partial(survives, stage, fault, optimizer))
    yield Case(4, "faults", "float32", "interrupt-anywhere", interrupted)
