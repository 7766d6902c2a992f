"""What runs in a worker process: it takes tasks from its connection, and sends batches back."""

from __future__ import annotations

import contextlib
import os
import pickle
import queue
import random
import signal
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, Final, NamedTuple, final

import numpy as np

from hotplug import device, set_default_device
from hotplug.data import transfer
from hotplug.data.fetching import Job
from hotplug.random import manual_seed

InitFn = Callable[[int], None]


@final
@dataclass(frozen=True)
class WorkerInfo:
    """Where the calling code runs: what :func:`get_worker_info` returns."""

    id: int
    """The worker's number, from 0."""
    num_workers: int
    seed: int
    """The seed of this worker's random numbers: the loader's draw plus the number."""
    dataset: Any
    """This process' copy of the dataset."""


_info: WorkerInfo | None = None


def get_worker_info() -> WorkerInfo | None:
    """In a DataLoader's worker process, who it is; ``None`` in the main process."""
    return _info


class Task(NamedTuple):
    """What the main process asks for."""

    epoch: int
    indices: Any


class Result(NamedTuple):
    """What comes back: a batch or :data:`hotplug.data.fetching.END`, or an error."""

    epoch: int
    value: Any
    failed: bool = False


class Failure(NamedTuple):
    """An error on its way: pickled where that is possible, and its traceback as text."""

    pickled: bytes | None
    kind: str
    text: str


def main(
    info: WorkerInfo, job: Job, init: InitFn | None, connection: Connection, inherited: Sequence[Connection]
) -> None:
    """The life of a worker; it ends when the main process says so, or is gone.

    Args:
        info: who this is.
        job: what to load.
        init: called first, with the worker's number.
        connection: to the main process.
        inherited: the main process' ends of connections that a fork copied: while they are open here, nobody notices
            that the main process is gone.
    """
    global _info  # noqa: PLW0603 - one worker a process
    _info = info
    for each in inherited:
        each.close()
    # Ctrl-C reaches the whole group of processes; the main process decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    _prepare(info.seed)
    tasks: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
    # Tasks are taken in by a thread, so that the main process never waits to hand one out while this one is busy.
    threading.Thread(target=_listen, args=(connection, tasks), daemon=True).start()
    # A block, since a fork may have copied one.
    with device("cpu"), contextlib.suppress(BrokenPipeError, ConnectionError):
        _work(info, job, init, connection, tasks)


def _prepare(seed: int) -> None:
    """Random numbers of the worker's own; the host's device, for all threads; one of BLAS, as workers are several."""
    set_default_device("cpu")
    manual_seed(seed)
    random.seed(seed)
    np.random.seed(seed & 0xFFFFFFFF)  # noqa: NPY002 - datasets use the global generator
    with contextlib.suppress(ImportError):
        import threadpoolctl

        threadpoolctl.threadpool_limits(1)


def _listen(connection: Connection, tasks: queue.SimpleQueue[Task | None]) -> None:
    with contextlib.suppress(EOFError, OSError):  # where the main process is gone
        while (task := connection.recv()) is not None:
            tasks.put(task)
    tasks.put(None)
    time.sleep(2 * SHUTDOWN_SECONDS)
    os._exit(1)  # whatever it is that the dataset still waits for, nobody wants it


def _work(
    info: WorkerInfo, job: Job, init: InitFn | None, connection: Connection, tasks: queue.SimpleQueue[Task | None]
) -> None:
    epoch, fetch, broken = 0, None, None
    try:
        if init is not None:
            init(info.id)
    except Exception as error:  # noqa: BLE001 - whatever it is, the main process raises it
        broken = _failure(error)
    while (task := tasks.get()) is not None:
        if broken is not None:
            transfer.send(connection, Result(task.epoch, broken, True))
            continue
        try:
            if fetch is None or epoch != task.epoch:
                epoch, fetch = task.epoch, job.start()
            transfer.send(connection, Result(epoch, fetch(task.indices)))
        except (BrokenPipeError, ConnectionError):
            raise
        except Exception as error:  # noqa: BLE001 - as above
            transfer.send(connection, Result(task.epoch, _failure(error), True))


def _failure(error: Exception) -> Failure:
    text = "".join(traceback.format_exception(error))
    pickled = b""
    try:
        pickled = pickle.dumps(error)
        # An end of iteration would end the program's loop, as if all were well.
        survives = type(pickle.loads(pickled)) is type(error) and not isinstance(error, StopIteration)
    except Exception:  # noqa: BLE001 - a class of the user's may raise anything here
        survives = False
    return Failure(pickled if survives else None, f"{type(error).__name__}: {error}", text)


SHUTDOWN_SECONDS: Final = 5.0
"""How long a worker may take to finish what it is at, before it is terminated."""
