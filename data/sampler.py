"""Samplers: in which order a dataset's samples come, and how they are grouped.

All random orders come from Hotplug's generator, so one seed gives the same batches on every device.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence, Sized
from typing import Any, Final, Generic, TypeVar

import numpy as np

from hotplug import dtypes, ops
from hotplug.errors import ArgumentError
from hotplug.random import Generator

T_co = TypeVar("T_co", covariant=True)
_CHUNK: Final = 1024


class Sampler(ABC, Generic[T_co]):
    """Yields sample numbers (or lists of them); a subclass defines ``__iter__``, and ``__len__`` where it can."""

    @abstractmethod
    def __iter__(self) -> Iterator[T_co]:
        """One epoch."""


class SequentialSampler(Sampler[int]):
    """0, 1, 2, ..."""

    def __init__(self, data_source: Sized) -> None:
        self.data_source = data_source

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        return len(self.data_source)


class RandomSampler(Sampler[int]):
    """All samples in random order, or ``num_samples`` draws.

    Args:
        replacement: whether one sample may be drawn several times.
        num_samples: default: as many as there are.
        generator: draws the order; default: the default generator.
    """

    def __init__(
        self, data_source: Sized, replacement: bool = False, num_samples: int | None = None, generator: Any = None
    ) -> None:
        if num_samples is not None and num_samples <= 0:
            raise ArgumentError(f"RandomSampler: num_samples should be a positive integer, got {num_samples}")
        self.data_source = data_source
        self.replacement = replacement
        self._num_samples = num_samples
        self.generator = generator

    @property
    def num_samples(self) -> int:
        """How many numbers an epoch has."""
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def __iter__(self) -> Iterator[int]:
        size, left = len(self.data_source), self.num_samples
        while left > 0 and size:
            count = min(left, _CHUNK if self.replacement else size)
            if self.replacement:
                drawn = ops.randint(0, size, (count,), generator=self.generator, device="cpu").tolist()
            else:
                drawn = ops.randperm(size, generator=self.generator, device="cpu").tolist()[:count]
            yield from drawn
            left -= count

    def __len__(self) -> int:
        return self.num_samples


class SubsetRandomSampler(Sampler[int]):
    """The given numbers in random order."""

    def __init__(self, indices: Sequence[int], generator: Any = None) -> None:
        self.indices = indices
        self.generator = generator

    def __iter__(self) -> Iterator[int]:
        for position in ops.randperm(len(self.indices), generator=self.generator, device="cpu").tolist():
            yield self.indices[position]

    def __len__(self) -> int:
        return len(self.indices)


class WeightedRandomSampler(Sampler[int]):
    """``num_samples`` draws with the given weights, which need not add up to one.

    Args:
        replacement: whether one sample may be drawn several times.

    Raises:
        ArgumentError: too few samples have a weight above zero.
    """

    def __init__(
        self, weights: Sequence[float], num_samples: int, replacement: bool = True, generator: Any = None
    ) -> None:
        if num_samples <= 0 or isinstance(num_samples, bool):
            raise ArgumentError(f"WeightedRandomSampler: num_samples should be a positive integer, got {num_samples}")
        self.weights = [float(weight) for weight in getattr(weights, "tolist", lambda: weights)()]
        positive = sum(weight > 0 for weight in self.weights)
        if min(self.weights, default=0) < 0 or positive < (1 if replacement else num_samples):
            raise ArgumentError(
                f"WeightedRandomSampler: {positive} weights are above zero; {num_samples} samples "
                f"{'with' if replacement else 'without'} replacement need more, and no weight may be negative"
            )
        self.num_samples = num_samples
        self.replacement = replacement
        self.generator = generator

    def __iter__(self) -> Iterator[int]:
        weights = np.array(self.weights)
        count = self.num_samples if self.replacement else len(weights)
        drawn = ops.rand(count, dtype=dtypes.float64, generator=self.generator, device="cpu").numpy()
        if self.replacement:
            ends = np.cumsum(weights)
            found = np.searchsorted(ends, drawn * ends[-1], side="right")
            return iter(np.minimum(found, np.flatnonzero(weights)[-1]).tolist())
        # Who comes first, at rates as the weights: a weighted sample without replacement (Efraimidis and Spirakis,
        # 2006, by the logarithm of their keys, which would underflow).
        with np.errstate(divide="ignore"):
            arrivals = -np.log1p(-drawn) / weights
        arrivals[weights == 0] = np.inf
        return iter(np.argsort(arrivals, kind="stable")[: self.num_samples].tolist())

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler(Sampler[list[int]]):
    """Groups another sampler's numbers; ``drop_last`` leaves out a last group that isn't full."""

    def __init__(self, sampler: Iterable[int], batch_size: int, drop_last: bool) -> None:
        if isinstance(batch_size, bool) or not isinstance(batch_size, int) or batch_size <= 0:
            raise ArgumentError(
                f"BatchSampler: batch_size should be a positive integer value, but got batch_size={batch_size}"
            )
        self.sampler = sampler
        self.batch_size = batch_size
        self.drop_last = drop_last

    def __iter__(self) -> Iterator[list[int]]:
        group: list[int] = []
        for number in self.sampler:
            group.append(number)
            if len(group) == self.batch_size:
                yield group
                group = []
        if group and not self.drop_last:
            yield group

    def __len__(self) -> int:
        count = len(self.sampler)  # type: ignore[arg-type]
        return count // self.batch_size if self.drop_last else -(-count // self.batch_size)


class DistributedSampler(Sampler[int]):
    """The share of one of several processes that train together: every ``num_replicas``-th sample from ``rank`` on.

    All processes must use one seed, and call :meth:`set_epoch` before every epoch, for they draw the same order.  The
    shares are equally long: samples from the start are repeated, or with ``drop_last`` the last ones left out.

    Args:
        num_replicas: how many processes there are.
        rank: which one this is, from 0.
        shuffle: a new random order every epoch.
        seed: of the order.

    Raises:
        ArgumentError: the rank is out of range.
    """

    def __init__(
        self, dataset: Sized, num_replicas: int, rank: int, shuffle: bool = True, seed: int = 0, drop_last: bool = False
    ) -> None:
        if num_replicas < 1 or not 0 <= rank < num_replicas:
            raise ArgumentError(
                f"DistributedSampler: rank should be from 0 to num_replicas - 1, got rank {rank} of {num_replicas}"
            )
        self.dataset = dataset
        self.num_replicas = num_replicas
        self.rank = rank
        self.shuffle = shuffle
        self.seed = seed
        self.drop_last = drop_last
        self.epoch = 0

    @property
    def num_samples(self) -> int:
        """How many samples each process gets."""
        size = len(self.dataset)
        return size // self.num_replicas if self.drop_last else -(-size // self.num_replicas)

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch begins: the order depends on it."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[int]:
        order = list(range(len(self.dataset)))
        if self.shuffle:
            drawn = Generator().manual_seed(self.seed + self.epoch)
            order = ops.randperm(len(order), generator=drawn, device="cpu").tolist()
        total = self.num_samples * self.num_replicas
        repeated = order * -(-total // max(len(order), 1))
        return iter(repeated[self.rank : total : self.num_replicas])

    def __len__(self) -> int:
        return self.num_samples
