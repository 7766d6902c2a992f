"""Datasets: samples by number, or one after the other."""

from __future__ import annotations

import bisect
import math
import operator
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, chain
from typing import Any, Generic, TypeVar

from hotplug import ops
from hotplug.errors import ArgumentError, ArgumentTypeError, DimensionError, ShapeError
from hotplug.tensor import Tensor

T_co = TypeVar("T_co", covariant=True)


class Dataset(ABC, Generic[T_co]):
    """Samples by number: a subclass defines ``__getitem__``, and ``__len__`` where it can."""

    @abstractmethod
    def __getitem__(self, index: Any) -> T_co:
        """One sample."""

    def __add__(self, other: Dataset[Any]) -> ConcatDataset[Any]:
        return ConcatDataset([self, other])

    def __getbatch__(self, indices: Sequence[Any]) -> Any:
        """Several samples joined as by the default collation, where the dataset can do that faster; else ``None``."""
        return None

    def _gives_samples_as(self, kind: type) -> bool:
        """Whether a subclass has left ``__getitem__`` as ``kind`` has it; else there is no shorter way to a sample."""
        return getattr(type(self), "__getitem__") is getattr(kind, "__getitem__")  # noqa: B009


class IterableDataset(Dataset[T_co]):
    """Samples one after the other: a subclass defines ``__iter__``."""

    def __getitem__(self, index: Any) -> T_co:
        raise ArgumentTypeError(f"{type(self).__name__} is iterable only; it has no sample {index!r}")

    @abstractmethod
    def __iter__(self) -> Iterator[T_co]:
        """All samples."""

    def __add__(self, other: Dataset[Any]) -> Any:
        return ChainDataset([self, other])


def _length(dataset: Any) -> int:
    try:
        return len(dataset)
    except TypeError:
        raise ArgumentTypeError(f"{type(dataset).__name__} has no length; define __len__") from None


class TensorDataset(Dataset[tuple[Tensor, ...]]):
    """Sample ``i`` is the tuple of row ``i`` of every tensor.

    Raises:
        ShapeError: the tensors have different numbers of rows, or none.
    """

    def __init__(self, *tensors: Tensor) -> None:
        if not tensors or any(not tensor.ndim or tensor.shape[0] != tensors[0].shape[0] for tensor in tensors):
            shapes = [list(tensor.shape) for tensor in tensors]
            raise ShapeError(
                f"TensorDataset expected tensors with equally many rows (the size of axis 0), got shapes {shapes}"
            )
        self.tensors = tensors

    def __getitem__(self, index: Any) -> tuple[Tensor, ...]:
        return tuple(tensor[index] for tensor in self.tensors)

    def __len__(self) -> int:
        return int(self.tensors[0].shape[0])

    def __getbatch__(self, indices: Sequence[Any]) -> Any:
        """The rows of several samples, by one gather a tensor."""
        if not self._gives_samples_as(TensorDataset):
            return None
        try:
            numbers = [index + len(self) if index < 0 else index for index in map(operator.index, indices)]
        except TypeError:  # an index of another kind means what the tensors say
            return None
        rows: dict[Any, Tensor] = {}
        for tensor in self.tensors:
            if tensor.device not in rows:
                rows[tensor.device] = ops.tensor(numbers, device=tensor.device)
        return [tensor.index_select(0, rows[tensor.device]) for tensor in self.tensors]


class StackDataset(Dataset[Any]):
    """Sample ``i`` is the tuple (or dict) of sample ``i`` of every dataset."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if bool(args) == bool(kwargs):
            raise ArgumentError("StackDataset expected datasets either as positional or as keyword arguments")
        self.datasets: Any = kwargs or args
        lengths = [_length(each) for each in (kwargs.values() or args)]
        if len(set(lengths)) != 1:
            raise ArgumentError(f"StackDataset expected datasets of one length, got {lengths}")
        self._length = lengths[0]

    def __getitem__(self, index: int) -> Any:
        if isinstance(self.datasets, dict):
            return {name: dataset[index] for name, dataset in self.datasets.items()}
        return tuple(dataset[index] for dataset in self.datasets)

    def __len__(self) -> int:
        return self._length


class ConcatDataset(Dataset[T_co]):
    """Several datasets, one behind the other."""

    def __init__(self, datasets: Iterable[Dataset[T_co]]) -> None:
        self.datasets = list(datasets)
        if not self.datasets:
            raise ArgumentError("ConcatDataset: datasets should not be an empty iterable")
        for dataset in self.datasets:
            if isinstance(dataset, IterableDataset):
                raise ArgumentTypeError("ConcatDataset does not support IterableDataset; use ChainDataset")
        self.cumulative_sizes = list(accumulate(map(_length, self.datasets)))

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]

    def __getitem__(self, index: int) -> T_co:
        size = len(self)
        if not -size <= index < size:
            raise DimensionError(f"ConcatDataset: index {index} is out of range for {size} samples")
        index %= size
        number = bisect.bisect_right(self.cumulative_sizes, index)
        return self.datasets[number][index - (self.cumulative_sizes[number - 1] if number else 0)]


class ChainDataset(IterableDataset[Any]):
    """Several iterable datasets, one behind the other."""

    def __init__(self, datasets: Iterable[Dataset[Any]]) -> None:
        self.datasets: list[IterableDataset[Any]] = []
        for dataset in datasets:
            if not isinstance(dataset, IterableDataset):
                raise ArgumentTypeError(
                    f"ChainDataset expected IterableDatasets, got {type(dataset).__name__}; use ConcatDataset"
                )
            self.datasets.append(dataset)

    def __iter__(self) -> Iterator[Any]:
        return chain.from_iterable(self.datasets)

    def __len__(self) -> int:
        return sum(map(_length, self.datasets))


class Subset(Dataset[T_co]):
    """The samples of a dataset with the listed numbers."""

    def __init__(self, dataset: Dataset[T_co], indices: Sequence[int]) -> None:
        self.dataset = dataset
        self.indices = indices

    def __getitem__(self, index: Any) -> T_co:
        if isinstance(index, list):
            return self.dataset[[self.indices[each] for each in index]]
        return self.dataset[self.indices[index]]

    def __len__(self) -> int:
        return len(self.indices)

    def __getitems__(self, indices: Sequence[Any]) -> list[T_co]:
        """Several samples, by the dataset's own way where it has one."""
        fast = getattr(self.dataset, "__getitems__", None)
        if fast is None or not self._gives_samples_as(Subset):
            return [self[index] for index in indices]
        found: list[T_co] = fast([self.indices[index] for index in indices])
        return found

    def __getbatch__(self, indices: Sequence[Any]) -> Any:
        """As the dataset itself."""
        fast = getattr(self.dataset, "__getbatch__", None)
        if fast is None or not self._gives_samples_as(Subset):
            return None
        return fast([self.indices[index] for index in indices])


def random_split(dataset: Dataset[T_co], lengths: Sequence[int | float], generator: Any = None) -> list[Subset[T_co]]:
    """The dataset cut at random into parts without overlap.

    Args:
        lengths: how many samples each part gets, or which fraction, where the fractions add up to 1; what rounding
            leaves over goes to the first parts, one each.
        generator: draws the order; one seed gives the same parts on every device.

    Raises:
        ArgumentError: the lengths don't add up to the dataset's.
    """
    size = _length(dataset)
    sizes = [int(each) for each in lengths]
    if math.isclose(sum(lengths), 1):
        if any(not 0 <= each <= 1 for each in lengths):
            raise ArgumentError(f"random_split: fractions must be between 0 and 1, got {list(lengths)}")
        sizes = [math.floor(size * each) for each in lengths]
        for part in range(size - sum(sizes)):
            sizes[part % len(sizes)] += 1
    if sum(sizes) != size:
        raise ArgumentError(
            f"random_split: sum of input lengths {list(lengths)} does not equal the dataset's length {size}"
        )
    order = ops.randperm(size, generator=generator, device="cpu").tolist()
    ends = list(accumulate(sizes))
    return [Subset(dataset, order[end - length : end]) for end, length in zip(ends, sizes, strict=True)]
