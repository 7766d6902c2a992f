"""``hotplug.multiprocessing``: the standard library's module, and PyTorch's ``spawn``.

Tensors are sent between processes by value.
"""

from __future__ import annotations

import multiprocessing as _standard
from collections.abc import Callable
from multiprocessing import *  # noqa: F403
from typing import Any, Final, final

from hotplug.errors import ArgumentError, WorkerError

__all__ = [*_standard.__all__, "ProcessContext", "get_all_sharing_strategies", "get_sharing_strategy",  # noqa: PLE0604
           "set_sharing_strategy", "spawn", "start_processes"]  # fmt: skip

_STRATEGY: Final = "file_system"


@final
class ProcessContext:
    """Processes that were started together."""

    def __init__(self, processes: list[Any]) -> None:
        self.processes = processes

    def pids(self) -> list[int | None]:
        """Their numbers."""
        return [process.pid for process in self.processes]

    def join(self, timeout: float | None = None) -> bool:
        """Wait for them; true once all have ended.

        Raises:
            WorkerError: one failed; the others are ended.
        """
        for process in self.processes:
            process.join(timeout)
        failed = next((each for each in self.processes if each.exitcode not in (0, None)), None)
        if failed is None:
            return all(process.exitcode == 0 for process in self.processes)
        for process in self.processes:
            if process.is_alive():
                process.terminate()
                process.join()
        raise WorkerError(f"spawn: process {self.processes.index(failed)} terminated with exit code {failed.exitcode}")


def start_processes(
    fn: Callable[..., Any], args: Any = (), nprocs: int = 1, join: bool = True, daemon: bool = False,
    start_method: str = "spawn",
) -> ProcessContext | None:  # fmt: skip
    """Run ``fn(i, *args)`` for i below ``nprocs``, each in a process of its own.

    Raises:
        ArgumentError: ``nprocs`` is not positive.
        WorkerError: with ``join``, a process failed.
    """
    if nprocs < 1:
        raise ArgumentError(f"spawn: expected at least one process, got nprocs={nprocs}")
    context: Any = _standard.get_context(start_method)
    processes = [context.Process(target=fn, args=(number, *args), daemon=daemon) for number in range(nprocs)]
    for process in processes:
        process.start()
    started = ProcessContext(processes)
    if not join:
        return started
    while not started.join():
        pass
    return None


def spawn(
    fn: Callable[..., Any], args: Any = (), nprocs: int = 1, join: bool = True, daemon: bool = False,
    start_method: str = "spawn",
) -> ProcessContext | None:  # fmt: skip
    """:func:`start_processes` under the name that programs use."""
    return start_processes(fn, args, nprocs, join, daemon, start_method)


def get_sharing_strategy() -> str:
    """How PyTorch would share memory; here tensors are sent by value."""
    return _STRATEGY


def get_all_sharing_strategies() -> set[str]:
    """The one."""
    return {_STRATEGY}


def set_sharing_strategy(new_strategy: str) -> None:
    """Accepted: tensors are sent by value."""
    if new_strategy not in ("file_system", "file_descriptor"):
        raise ArgumentError(f"set_sharing_strategy: unknown strategy {new_strategy!r}")
