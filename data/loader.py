"""DataLoader: batches of a dataset, loaded here or by worker processes."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence, Sized
from itertools import repeat
from typing import TYPE_CHECKING, Any, Final, Generic, cast, final

from hotplug.accelerator import current_accelerator
from hotplug.data.collate import default_collate, default_convert, pinned
from hotplug.data.dataset import Dataset, IterableDataset, T_co
from hotplug.data.fetching import End, Job
from hotplug.data.sampler import BatchSampler, RandomSampler, SequentialSampler
from hotplug.device import device
from hotplug.errors import ArgumentError, ArgumentTypeError
from hotplug.ops import ones
from hotplug.random import chosen, philox_on_host

if TYPE_CHECKING:
    from hotplug.data.workers import Workers

_AHEAD: Final = 2


@final
class DataLoader(Generic[T_co]):
    """Iterates over a dataset in batches; every ``for`` loop is an epoch.

    >>> import hotplug as hp
    >>> from hotplug.data import DataLoader, TensorDataset
    >>> [x.tolist() for (x,) in DataLoader(TensorDataset(hp.arange(5)), batch_size=2)]
    [[0, 1], [2, 3], [4]]

    With workers the batches come in the same order as without, and equal random draws give equal batches.  Tensors that
    a dataset makes in a worker are made on ``cpu``; move the batches to the device in the loop.

    Args:
        dataset: what to load.
        batch_size: samples a batch; ``None``: single samples, not joined.
        shuffle: a new random order every epoch.
        sampler: the order of the samples, instead of ``shuffle``.
        batch_sampler: lists of sample numbers, instead of ``batch_size``, ``shuffle``, ``sampler`` and ``drop_last``.
        num_workers: how many processes load; 0: this one does.
        collate_fn: joins a list of samples; default: :func:`default_collate`.
        pin_memory: batches come in page-locked memory, from which ``.to(device, non_blocking=True)`` copies while the program
            goes on; a warning says where no device offers any.
        drop_last: leave out a last batch that isn't full.
        timeout: seconds to wait for a batch from a worker; 0: for ever.
        worker_init_fn: called in every worker with its number, after its random numbers are seeded.
        multiprocessing_context: ``"fork"``, ``"spawn"``, ``"forkserver"`` or a context; default: see
            :func:`hotplug.data.workers.choose_context`.
        generator: draws the order, and the seed of the workers' random numbers; one seed gives the same batches on every
            device.
        prefetch_factor: how many batches each worker is ahead; default: 2.
        persistent_workers: keep the workers, and what their dataset has cached, from epoch to epoch.
        pin_memory_device: for which device; default: that of :func:`hotplug.accelerator.current_accelerator`.
        in_order: ``False``: of several workers' batches the one that is ready first comes first.

    Raises:
        ArgumentError: options exclude each other, or are out of range.
    """

    def __init__(
        self, dataset: Dataset[T_co] | Sequence[T_co], batch_size: int | None = 1, shuffle: bool | None = None,
        sampler: Iterable[Any] | None = None, batch_sampler: Iterable[list[Any]] | None = None, num_workers: int = 0,
        collate_fn: Callable[[list[Any]], Any] | None = None, pin_memory: bool = False, drop_last: bool = False,
        timeout: float = 0, worker_init_fn: Callable[[int], None] | None = None, multiprocessing_context: Any = None,
        generator: Any = None, *, prefetch_factor: int | None = None, persistent_workers: bool = False,
        pin_memory_device: str = "", in_order: bool = True,
    ) -> None:  # fmt: skip
        self.dataset: Any = dataset
        self.drop_last = drop_last
        self.generator = generator
        self.num_workers = num_workers
        self.pin_memory, self.pin_memory_device = pin_memory, pin_memory_device
        self.timeout, self.worker_init_fn, self.in_order = timeout, worker_init_fn, in_order
        self.multiprocessing_context = multiprocessing_context
        self.prefetch_factor, self.persistent_workers = prefetch_factor, persistent_workers
        self._iterable = isinstance(dataset, IterableDataset)
        self._workers: Workers | None = None
        self._check(batch_size, shuffle, sampler, batch_sampler)
        self._check_workers()
        if batch_sampler is not None:
            batch_size = None
        self.batch_size = batch_size
        if sampler is None and not self._iterable:
            sized = cast("Sized", dataset)
            sampler = RandomSampler(sized, generator=generator) if shuffle else SequentialSampler(sized)
        self.sampler = sampler
        if batch_sampler is None and batch_size is not None and sampler is not None:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        self.batch_sampler = batch_sampler
        batched = batch_size is not None or batch_sampler is not None
        self.collate_fn: Callable[[Any], Any] = collate_fn or (default_collate if batched else default_convert)

    def _check(self, batch_size: int | None, shuffle: bool | None, sampler: Any, batch_sampler: Any) -> None:
        if sampler is not None and shuffle:
            raise ArgumentError("DataLoader: sampler option is mutually exclusive with shuffle")
        if batch_sampler is not None and (batch_size != 1 or shuffle or sampler is not None or self.drop_last):
            raise ArgumentError(
                "DataLoader: batch_sampler is mutually exclusive with batch_size, shuffle, sampler, and drop_last"
            )
        if batch_size is None and self.drop_last:
            raise ArgumentError("DataLoader: batch_size=None is mutually exclusive with drop_last")
        if batch_size is not None and (
            isinstance(batch_size, bool) or not isinstance(batch_size, int) or batch_size <= 0
        ):
            raise ArgumentError(
                f"DataLoader: batch_size should be a positive integer value, but got batch_size={batch_size}"
            )
        if self._iterable and (shuffle or sampler is not None or batch_sampler is not None):
            raise ArgumentError(
                "DataLoader: an IterableDataset has an order of its own: drop shuffle, sampler, batch_sampler"
            )
        if not self._iterable and not hasattr(self.dataset, "__getitem__"):
            raise ArgumentTypeError(
                f"DataLoader expected a dataset with __getitem__, got {type(self.dataset).__name__}"
            )

    def _check_workers(self) -> None:
        count = self.num_workers
        if isinstance(count, bool) or not isinstance(count, int) or count < 0:
            raise ArgumentError(f"DataLoader: num_workers should be a non-negative integer, got {count!r}")
        if self.timeout < 0:
            raise ArgumentError(f"DataLoader: timeout should be non-negative, got {self.timeout}")
        if self.prefetch_factor is not None and self.prefetch_factor < 1:
            raise ArgumentError(f"DataLoader: prefetch_factor should be positive, got {self.prefetch_factor}")
        wasted = [
            name for name in ("prefetch_factor", "persistent_workers", "timeout", "multiprocessing_context")
            if getattr(self, name)
        ]  # fmt: skip
        if not count and wasted:
            raise ArgumentError(f"DataLoader: {', '.join(wasted)} can only be given with num_workers above 0")

    def __iter__(self) -> Iterator[Any]:
        target = self._pinning() if self.pin_memory else None
        seed = self._draw_seed()
        job = Job(self.dataset, self.collate_fn, self.batch_size, self.batch_sampler is not None, self.drop_last)
        found = self._from_workers(job, seed) if self.num_workers else self._here(job)
        return found if target is None else (pinned(each, target) for each in found)

    def _pinning(self) -> Any:
        """The device for which batches are pinned, if it offers such memory."""
        target = device(self.pin_memory_device) if self.pin_memory_device else current_accelerator()
        if target is not None and ones(1, device="cpu").pin_memory(target).is_pinned():
            return target
        warnings.warn("DataLoader: pin_memory has no effect, no device offers page-locked memory", stacklevel=3)
        return None

    def _draw_seed(self) -> int:
        """63 bits of the generator; drawn without workers too, so that their number doesn't change what follows."""
        words = philox_on_host(1, *chosen(self.generator).advance())
        return (int(words[0, 0]) << 32 | int(words[1, 0])) >> 1

    def _tasks(self) -> Iterator[Any]:
        """What the fetches of an epoch are called with."""
        if self._iterable:
            return repeat(None)
        return iter(self.sampler if self.batch_sampler is None else self.batch_sampler)  # type: ignore[arg-type]

    def _here(self, job: Job) -> Iterator[Any]:
        fetch = job.start()
        for task in self._tasks():
            value = fetch(task)
            if isinstance(value, End):
                return
            yield value

    def _from_workers(self, job: Job, seed: int) -> Iterator[Any]:
        from hotplug.data.epoch import WorkerBatches
        from hotplug.data.workers import Workers, choose_context

        workers = self._workers
        if workers is None or not workers.alive:
            context = choose_context(self.multiprocessing_context)
            workers = Workers(job, self.num_workers, context, seed, self.worker_init_fn, self.timeout)
            self._workers = workers if self.persistent_workers else None
        ahead = self.prefetch_factor or _AHEAD
        return WorkerBatches(workers, self._tasks(), ahead, self.persistent_workers, self.in_order)

    def __getstate__(self) -> dict[str, Any]:
        """Without the processes, which belong to this process."""
        return {**vars(self), "_workers": None}

    def __len__(self) -> int:
        if self._iterable:
            count = len(self.dataset)
            if self.batch_size is None:
                return count
            return count // self.batch_size if self.drop_last else -(-count // self.batch_size)
        counted: Any = self.sampler if self.batch_sampler is None else self.batch_sampler
        return len(counted)
