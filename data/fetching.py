"""How sample numbers become a batch: the same in the calling process and in a worker."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, Final, final

from hotplug.data.collate import default_collate
from hotplug.data.dataset import Dataset, IterableDataset

Collate = Callable[[Any], Any]


@final
class End:
    """What a fetch returns when an iterable dataset has no more samples."""


END: Final = End()


@final
class Job:
    """What to load: the part of a DataLoader that its workers get.

    Args:
        dataset: the samples.
        collate: joins the samples of a batch, or converts a single one.
        batch_size: samples a batch of an iterable dataset; ``None``: single samples.
        batched: whether what is fetched are lists of sample numbers.
        drop_last: leave out a last batch that isn't full.
    """

    def __init__(
        self, dataset: Any, collate: Collate, batch_size: int | None, batched: bool, drop_last: bool
    ) -> None:  # fmt: skip
        self.dataset: Final = dataset
        self.collate: Final = collate
        self.batch_size: Final = batch_size
        self.batched: Final = batched
        self.drop_last: Final = drop_last

    def start(self) -> Callable[[Any], Any]:
        """A function for one epoch: from what the sampler yields to a batch, or :data:`END`."""
        if isinstance(self.dataset, IterableDataset):
            samples = iter(self.dataset)
            return lambda _: self._next(samples)
        return self._batch if self.batched else self._single

    def _single(self, index: Any) -> Any:
        return self.collate(self.dataset[index])

    def _batch(self, indices: list[Any]) -> Any:
        if self.collate is default_collate and isinstance(self.dataset, Dataset):
            fast = self.dataset.__getbatch__(indices)
            if fast is not None:
                return fast
        if hasattr(self.dataset, "__getitems__"):
            return self.collate(self.dataset.__getitems__(indices))
        return self.collate([self.dataset[index] for index in indices])

    def _next(self, samples: Iterator[Any]) -> Any:
        if self.batch_size is None:
            sample = next(samples, END)
            return END if sample is END else self.collate(sample)
        group = list(islice(samples, self.batch_size))
        if not group or (self.drop_last and len(group) < self.batch_size):
            return END
        return self.collate(group)
