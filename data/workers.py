"""The main process' side of worker processes: it starts them, asks them, hears from them, ends them."""

from __future__ import annotations

import contextlib
import importlib
import multiprocessing
import os
import pickle
import signal
import sys
import time
import warnings
import weakref
from collections.abc import Iterator, Sequence
from multiprocessing import connection as connections, resource_tracker
from multiprocessing.connection import Connection
from typing import Any, Final, final

from hotplug.data import transfer
from hotplug.data.fetching import Job
from hotplug.data.worker import SHUTDOWN_SECONDS, Failure, InitFn, Result, Task, WorkerInfo, main
from hotplug.errors import ArgumentError, ArgumentTypeError, WorkerError

# What every worker needs, and would take a while to import itself after a fork.
importlib.import_module("numpy.random")
with contextlib.suppress(ImportError):
    importlib.import_module("threadpoolctl")

HURRY_SECONDS: Final = 0.2
"""How long a worker may take where the program waits to report an error."""


def choose_context(given: Any) -> Any:
    """How worker processes are started.

    What is ``given`` counts; else it is the program's or the system's start method, as in PyTorch.  That may be ``fork``:
    drivers don't survive one, but a worker has no business with a device, and is told so where it tries.

    Raises:
        ArgumentError: Hotplug stands for PyTorch here, which a process that is started otherwise would not know.
    """
    stands_for_torch = "+hotplug" in getattr(sys.modules.get("torch"), "__version__", "")
    if given is None and stands_for_torch and sys.platform == "linux":
        given = "fork"
    if given is None or isinstance(given, str):
        # Asking for the default context would settle it for the whole program.
        chosen = (
            given or multiprocessing.get_start_method(allow_none=True) or multiprocessing.get_all_start_methods()[0]
        )
        given = multiprocessing.get_context(chosen)
    if stands_for_torch and given.get_start_method() != "fork":
        raise ArgumentError(
            f"DataLoader: Hotplug stands for PyTorch in this program, and a worker started by "
            f"{given.get_start_method()!r} would import PyTorch itself; use multiprocessing_context='fork', or num_workers=0"
        )
    return given


@final
class Workers:
    """Worker processes; they are ended by :meth:`close`, or when nothing refers to this object any more."""

    def __init__(self, job: Job, count: int, context: Any, seed: int, init: InitFn | None, timeout: float) -> None:
        self.count: Final = count
        self.epoch = 0
        self._timeout: Final = timeout
        self._processes: Final[list[Any]] = []
        self._connections: Final[list[Connection]] = []
        self._close: Final = weakref.finalize(self, _shut_down, self._processes, self._connections, os.getpid())
        try:
            for number in range(count):
                self._start(WorkerInfo(number, count, seed + number, job.dataset), job, context, init)
        except BaseException:
            self.close(HURRY_SECONDS)
            raise

    def _start(self, info: WorkerInfo, job: Job, context: Any, init: InitFn | None) -> None:
        ours, theirs = context.Pipe(duplex=True)
        inherited = [*self._connections, ours] if context.get_start_method() == "fork" else []
        process = context.Process(
            target=main, args=(info, job, init, theirs, inherited), name=f"DataLoader worker {info.id}", daemon=True
        )
        if context.get_start_method() == "spawn" and os.name == "posix":
            resource_tracker.ensure_running()  # it would unblock the interrupts below
        try:
            with warnings.catch_warnings(), _interrupts_blocked():
                # Python warns of every fork beside threads, of which BLAS has some in every program; JAX of every fork.
                warnings.filterwarnings("ignore", ".*multi-threaded, use of fork", DeprecationWarning)
                warnings.filterwarnings("ignore", r"os\.fork\(\) was called", RuntimeWarning)
                process.start()
                self._processes.append(process)
                self._connections.append(ours)
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            ours.close()
            raise ArgumentTypeError(
                f"DataLoader: the dataset, collate_fn or worker_init_fn can't be sent to a worker process ({error}); "
                f"define what they use at the top of a module, or pass multiprocessing_context='fork' where it is safe"
            ) from error
        finally:
            theirs.close()  # so that the end of the worker is the end of the connection

    @property
    def pids(self) -> list[int]:
        """The workers' process ids."""
        return [process.pid for process in self._processes]

    @property
    def alive(self) -> bool:
        """Whether :meth:`close` hasn't been called."""
        return self._close.alive

    def close(self, seconds: float = SHUTDOWN_SECONDS) -> None:
        """End the workers: each may finish what it is at, but is terminated if that takes too long."""
        if self._close.detach() is not None:
            _shut_down(self._processes, self._connections, os.getpid(), seconds)

    def ask(self, number: int, indices: Any) -> None:
        """Give a worker a task of the present epoch; raises :class:`WorkerError` where it has died."""
        try:
            self._connections[number].send(Task(self.epoch, indices))
        except (BrokenPipeError, ConnectionError):
            if not self._connections[number].poll():  # else there are results, which come first
                raise self._died(number) from None

    def first_of(self, numbers: Sequence[int]) -> int:
        """The first of some workers that has a result, or has died.

        Raises:
            WorkerError: all took longer than the timeout.
        """
        sources: dict[Any, int] = {}
        for number in numbers:
            sources[self._connections[number]] = sources[self._processes[number].sentinel] = number
        ready = connections.wait(list(sources), self._timeout or None)
        if not ready:
            raise self._late(numbers[0])
        return sources[ready[0]]

    def answer(self, number: int) -> Any:
        """The next result of a worker in the present epoch: a batch or ``END``.

        Raises:
            WorkerError: the worker died, or took longer than the timeout.
            Exception: whatever the dataset raised there.
        """
        while True:
            result = self._receive(number)
            if result.epoch != self.epoch:
                continue  # left over from a loop that was broken off
            if result.failed:
                self._raise(number, result.value)
            return result.value

    def _receive(self, number: int) -> Result:
        ours, process = self._connections[number], self._processes[number]
        ready = connections.wait([ours, process.sentinel], self._timeout or None)
        if not ready:
            raise self._late(number)
        if ours not in ready and not ours.poll():
            raise self._died(number)
        try:
            found: Result = transfer.receive(ours)
        except (EOFError, OSError):
            raise self._died(number) from None
        return found

    def _late(self, number: int) -> WorkerError:
        return WorkerError(
            f"DataLoader timed out after {self._timeout} seconds: worker {number} (pid {self._processes[number].pid}) "
            f"is still at its batch; raise timeout=, or look what the dataset waits for"
        )

    def _died(self, number: int) -> WorkerError:
        process = self._processes[number]
        process.join(SHUTDOWN_SECONDS)
        code = process.exitcode
        how = f"exited with code {code}"
        if code is not None and code < 0:
            name = signal.Signals(-code).name if -code in set(signal.Signals) else "unknown"
            how = f"was killed by signal {-code} ({name})"
            how += (
                ", which the system also sends when memory runs out" if -code == getattr(signal, "SIGKILL", 9) else ""
            )
        elif code == 1:
            how += " (under 'spawn' a script needs: if __name__ == '__main__')"
        return WorkerError(f"DataLoader worker {number} (pid {process.pid}) {how}; its batches are lost")

    def _raise(self, number: int, failure: Failure) -> None:
        where = f"DataLoader worker {number} (pid {self._processes[number].pid})"
        error: Any = None
        if failure.pickled is not None:
            with contextlib.suppress(Exception):  # the worker could load it, but may have imported more
                error = pickle.loads(failure.pickled)
        if error is None:
            raise WorkerError(f"{where} raised {failure.kind}\n\nOriginal traceback:\n{failure.text}")
        error.add_note(f"Raised in {where}; original traceback:\n{failure.text}")
        raise error


@contextlib.contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Ctrl-C waits until the end of the block.  A process that is started here inherits that, until it ignores them."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _shut_down(
    processes: list[Any], ours: list[Connection], owner: int, seconds: float = SHUTDOWN_SECONDS
) -> None:  # fmt: skip
    if os.getpid() != owner:  # a forked copy of the object: the processes are not its children
        return
    for each in ours:
        with contextlib.suppress(OSError):
            each.send(None)
        each.close()
    deadline = time.monotonic() + seconds
    for process in processes:
        process.join(max(0.0, deadline - time.monotonic()))
    for stop in ("terminate", "kill"):
        for process in processes:
            if process.is_alive():
                getattr(process, stop)()
                process.join(1.0)
    for process in processes:
        if not process.is_alive():
            process.close()
