"""DataLoader: batches of a dataset."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from hotplug.data.collate import default_collate
from hotplug.data.dataset import Dataset, IterableDataset
from hotplug.data.sampler import BatchSampler, RandomSampler, SequentialSampler
from hotplug.errors import ArgumentError, ArgumentTypeError


class DataLoader:
    """Iterates over a dataset in batches; every ``for`` loop is an epoch.

    >>> import hotplug as hp
    >>> from hotplug.data import DataLoader, TensorDataset
    >>> [x.tolist() for (x,) in DataLoader(TensorDataset(hp.arange(5)), batch_size=2)]
    [[0, 1], [2, 3], [4]]

    Args:
        dataset: what to load.
        batch_size: samples a batch; ``None``: single samples, not collated.
        shuffle: a new random order every epoch.
        sampler: the order of the samples, instead of ``shuffle``.
        batch_sampler: lists of sample numbers, instead of ``batch_size``, ``shuffle``, ``sampler`` and ``drop_last``.
        collate_fn: joins a list of samples; default: :func:`default_collate`.
        drop_last: leave out a last batch that isn't full.
        generator: draws the order; one seed gives the same batches on every device.
        num_workers: only 0: samples are loaded in this process.

    Raises:
        ArgumentError: options exclude each other, or workers are asked for.
    """

    def __init__(
        self, dataset: Any, batch_size: int | None = 1, shuffle: bool | None = None,
        sampler: Iterable[Any] | None = None, batch_sampler: Iterable[list[Any]] | None = None, num_workers: int = 0,
        collate_fn: Callable[[list[Any]], Any] | None = None, pin_memory: bool = False, drop_last: bool = False,
        timeout: float = 0, worker_init_fn: Callable[[int], None] | None = None, *, generator: Any = None,
    ) -> None:  # fmt: skip
        if num_workers:
            raise ArgumentError(
                f"DataLoader: num_workers={num_workers} is not supported, samples are loaded in the calling process; "
                f"pass num_workers=0"
            )
        self.dataset = dataset
        self.drop_last = drop_last
        self.generator = generator
        self.num_workers = 0
        self.pin_memory, self.timeout, self.worker_init_fn = pin_memory, timeout, worker_init_fn
        self._iterable = isinstance(dataset, IterableDataset)
        self._check(batch_size, shuffle, sampler, batch_sampler)
        if batch_sampler is not None:
            batch_size = None
        self.batch_size = batch_size
        if sampler is None and not self._iterable:
            sampler = RandomSampler(dataset, generator=generator) if shuffle else SequentialSampler(dataset)
        self.sampler = sampler
        if batch_sampler is None and batch_size is not None and sampler is not None:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        self.batch_sampler = batch_sampler
        self.collate_fn: Callable[[list[Any]], Any] = collate_fn or default_collate
        self._collates = collate_fn is not None or batch_size is not None or batch_sampler is not None

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

    def __iter__(self) -> Iterator[Any]:
        if self._iterable:
            return self._stream()
        if self.batch_sampler is not None:
            return (self._batch(indices) for indices in self.batch_sampler)
        assert self.sampler is not None
        return (self._single(self.dataset[index]) for index in self.sampler)

    def _single(self, sample: Any) -> Any:
        return self.collate_fn(sample) if self._collates else sample

    def _batch(self, indices: list[Any]) -> Any:
        if self.collate_fn is default_collate and isinstance(self.dataset, Dataset):
            fast = self.dataset.batch(indices)
            if fast is not None:
                return fast
        if hasattr(self.dataset, "__getitems__"):
            return self.collate_fn(self.dataset.__getitems__(indices))
        return self.collate_fn([self.dataset[index] for index in indices])

    def _stream(self) -> Iterator[Any]:
        if self.batch_size is None:
            yield from map(self._single, self.dataset)
            return
        group: list[Any] = []
        for sample in self.dataset:
            group.append(sample)
            if len(group) == self.batch_size:
                yield self.collate_fn(group)
                group = []
        if group and not self.drop_last:
            yield self.collate_fn(group)

    def __len__(self) -> int:
        if self._iterable:
            count = len(self.dataset)
            if self.batch_size is None:
                return count
            return count // self.batch_size if self.drop_last else -(-count // self.batch_size)
        counted: Any = self.sampler if self.batch_sampler is None else self.batch_sampler
        return len(counted)
