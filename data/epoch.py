"""One epoch of batches from worker processes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any, Final, final

from hotplug.data.fetching import End
from hotplug.data.workers import HURRY_SECONDS, Workers
from hotplug.errors import WorkerError


@final
class WorkerBatches:
    """One epoch: batches in the sampler's order, while the workers are some batches ahead.

    Batch ``i`` is the task of worker ``i % count``, so that the order, and with it the workers' random numbers, don't
    depend on who is faster.  Workers whose iterable dataset has ended are left out from then on.

    Args:
        workers: who loads.
        tasks: what the sampler yields.
        ahead: how many tasks a worker has at most.
        lasting: whether the workers go on to the next epoch.
        in_order: ``False``: the batch that is ready first comes first, and its worker gets the next task.
    """

    def __init__(
        self, workers: Workers, tasks: Iterator[Any], ahead: int, lasting: bool, in_order: bool
    ) -> None:  # fmt: skip
        workers.epoch += 1
        self._epoch: Final = workers.epoch
        self._workers: Final = workers
        self._tasks: Final = tasks
        self._lasting: Final = lasting
        self._in_order: Final = in_order
        self._turns: Final = deque(range(workers.count))
        self._asked: Final[deque[int]] = deque()
        try:
            for _ in range(ahead * workers.count):
                self._ask()
        except BaseException:
            workers.close()
            raise

    def _ask(self) -> None:
        """Give the next task to the next worker, if there are both."""
        if not self._turns:
            return
        try:
            indices = next(self._tasks)
        except StopIteration:
            return
        number = self._turns[0]
        self._turns.rotate(-1)
        self._workers.ask(number, indices)
        self._asked.append(number)

    def __iter__(self) -> WorkerBatches:
        return self

    def __next__(self) -> Any:
        if self._workers.epoch != self._epoch:
            raise WorkerError("DataLoader: another loop over this loader has begun, which took over its workers")
        try:
            while self._asked and self._workers.alive:
                value = self._answer(self._next_worker())
                if not isinstance(value, End):
                    return value
        except (WorkerError, KeyboardInterrupt):
            self._workers.close(HURRY_SECONDS)
            raise
        if not self._lasting:
            self._workers.close()
        raise StopIteration

    def _next_worker(self) -> int:
        """Whose result comes next."""
        if self._in_order:
            return self._asked.popleft()
        number = self._workers.first_of(sorted(set(self._asked)))
        self._asked.remove(number)
        if number in self._turns:
            self._turns.remove(number)
            self._turns.appendleft(number)
        return number

    def _answer(self, number: int) -> Any:
        try:
            value = self._workers.answer(number)
        except WorkerError:
            raise
        except Exception:
            self._ask()  # the loop may go on with the next batch
            raise
        if isinstance(value, End) and number in self._turns:
            self._turns.remove(number)
        self._ask()
        return value
