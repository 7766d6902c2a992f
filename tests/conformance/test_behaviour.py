"""Level 4 finds what it is there for: each planted misbehaviour fails the cases that are about it."""

from __future__ import annotations

import itertools
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pytest

from hotplug import dispatch
from hotplug.array import Array
from hotplug.backend import Backend, Buffer, Kernel, OpKey
from hotplug.backends.decorators.forwarding import Forwarding
from hotplug.backends.numpy.memory import ndarray
from hotplug.conformance.case import Bench, Case, Options, Result
from hotplug.conformance.runner import run_case
from hotplug.conformance.suite import cases
from hotplug.errors import DeviceError
from hotplug.optim import Adam
from hotplug.plugins import BackendSpec, registry

NAMES = (f"misbehaving{number}" for number in itertools.count())
LEVEL4 = [case for case in cases(Options()) if case.level == 4]


class Around(Forwarding):
    """The reference with another kernel around each of its kernels."""

    def __init__(self, change: Callable[[Kernel, OpKey], Kernel]) -> None:
        super().__init__(registry.backend("numpy"))
        self.change = change

    def resolve(self, index: int, key: OpKey) -> Kernel | None:
        kernel = self.inner.resolve(index, key)
        return None if kernel is None else self.change(kernel, key)


@pytest.fixture
def device() -> Iterator[Callable[[Backend], str]]:
    """Registers a backend under a name of its own, since Runtimes stay."""
    made = []

    def make(backend: Backend) -> str:
        backend.name = next(NAMES)
        registry.register(BackendSpec(backend.name, lambda: backend))
        made.append(backend.name)
        return backend.name

    yield make
    for name in made:
        registry.unregister(name)


def chosen(part: str) -> list[Case]:
    """The cases of level 4 whose names contain a part."""
    return [case for case in LEVEL4 if part in case.name]


def failing(device: str, part: str) -> list[Result]:
    """The results of those cases that fail."""
    found = [run_case(case, Bench(device)) for case in chosen(part)]
    assert found
    return [each for each in found if each.bad]


def test_a_correct_backend_passes(device: Callable[[Backend], str]) -> None:
    name = device(Around(lambda kernel, key: kernel))
    results = [run_case(case, Bench(name)) for case in LEVEL4]
    assert [(each.name, each.message) for each in results if each.bad] == []
    lacking = {each.layout for each in results if each.status == "unsupported"}
    assert lacking <= {"pickles", "fork", "interrupt-anywhere"}, "another process does not have this device"


def holds_results(kernel: Kernel, key: OpKey) -> Kernel:
    held: list[Any] = []

    def kept(outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any], /) -> None:
        held.append(outs[0])
        kernel(outs, inputs, scalars)

    return kept


def shares_its_arguments(kernel: Kernel, key: OpKey) -> Kernel:
    """As a kernel object whose arguments are set one after the other, without a lock."""
    arguments: dict[str, Any] = {}

    def unlocked(outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any], /) -> None:
        arguments.update(outs=outs, inputs=inputs, scalars=scalars)
        if threading.current_thread() is not threading.main_thread():
            time.sleep(1e-5)
        kernel(arguments["outs"], arguments["inputs"], arguments["scalars"])

    return unlocked


def differs_from_call_to_call(kernel: Kernel, key: OpKey) -> Kernel:
    count = itertools.count(1)

    def unordered(outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any], /) -> None:
        kernel(outs, inputs, scalars)
        out = ndarray(outs[0])
        if key.name == "matmul" and next(count) % 7 == 0:
            out[...] = np.nextafter(out, np.asarray(np.inf, out.dtype))

    return unordered


def takes_the_signals(kernel: Kernel, key: OpKey) -> Kernel:
    """As a driver that installs handlers of its own."""

    def deaf(outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any], /) -> None:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        kernel(outs, inputs, scalars)

    return deaf


def multiplies_coarsely(kernel: Kernel, key: OpKey) -> Kernel:
    def coarse(outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any], /) -> None:
        kernel(outs, inputs, scalars)
        if key.name == "matmul":
            ndarray(outs[0])[...] = ndarray(outs[0]).astype(np.float16)

    return coarse


@pytest.mark.parametrize(
    ("change", "part", "words"),
    [
        (holds_results, "growth-float32-iterations", "expected them to stay"),
        (holds_results, "faults-float32-out_of_memory-forward", "bytes in use once loss"),
        (holds_results, "faults-float32-kernel_raises-backward", "bytes in use"),
        (shares_its_arguments, "eight_models", "thread"),
        (differs_from_call_to_call, "determinism", "other bits"),
        (differs_from_call_to_call, "faults-float32-device_lost-forward", "without the fault"),
        (takes_the_signals, "interrupt-anywhere", "takes the signal"),
        (multiplies_coarsely, "training-float32-sgd", "ulp of float32 off"),
    ],
)  # fmt: skip
def test_kernels_that_misbehave(
    device: Callable[[Backend], str], change: Callable[[Kernel, OpKey], Kernel], part: str, words: str
) -> None:
    found = failing(device(Around(change)), part)
    assert found
    assert all(words in each.message for each in found), [each.message for each in found]


class NeverFrees(Forwarding):
    """Keeps every buffer, with what it holds."""

    def __init__(self) -> None:
        super().__init__(registry.backend("numpy"))
        self.kept: list[Buffer] = []

    def free(self, buffer: Buffer) -> None:
        self.kept.append(buffer)


def test_buffers_that_are_never_freed(device: Callable[[Backend], str]) -> None:
    (found,) = failing(device(NeverFrees()), "growth-float32-blocks")
    assert "bytes of the process" in found.message


class Dreads(Forwarding):
    """Loses the sign of zeros on the way to the host."""

    def __init__(self) -> None:
        super().__init__(registry.backend("numpy"))

    def read(self, buffer: Buffer, offset: int, nbytes: int) -> bytes:
        return bytes(self.inner.read(buffer, offset, nbytes)).replace(b"\0\0\0\x80", b"\0\0\0\0")

    def export(self, buffer: Buffer) -> None:
        return None


def test_copies_that_change_bits(device: Callable[[Backend], str]) -> None:
    (found,) = failing(device(Dreads()), "devices-copies")
    assert "other bits" in found.message


def test_an_error_that_is_not_the_documented_one(
    device: Callable[[Backend], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch, "kernel_failed", lambda runtime, error: DeviceError("something failed"))
    found = failing(device(Around(lambda kernel, key: kernel)), "kernel_raises")
    assert len(found) == 4
    assert all("expected PluginError, got DeviceError" in each.message for each in found)


def test_a_step_count_that_runs_ahead_of_the_step(
    device: Callable[[Backend], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    right = Adam._update

    def ahead(self: Adam, param: Any, grad: Any, group: Any) -> None:
        state = self.state[param]
        count = state.get("step", 0)
        try:
            right(self, param, grad, group)
        finally:
            state["step"] = count + 1

    monkeypatch.setattr(Adam, "_update", ahead)
    found = failing(device(Around(lambda kernel, key: kernel)), "step-adam")
    assert found
    assert all("its state says otherwise" in each.message for each in found), [each.message for each in found]
