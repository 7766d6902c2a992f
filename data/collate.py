"""How samples are joined to a batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hotplug import dtypes, ops
from hotplug.errors import ArgumentTypeError, ShapeError
from hotplug.tensor import Tensor


def default_collate(batch: Sequence[Any]) -> Any:
    """Samples joined to a batch: tensors and arrays stacked, numbers made a tensor, containers element by element.

    Strings stay a list of strings.

    Raises:
        ShapeError: sequences among the samples have different lengths, or tensors different shapes.
        ArgumentTypeError: the samples are something else.
    """
    first = batch[0]
    if isinstance(first, Tensor):
        return ops.stack(tuple(batch), 0)
    if isinstance(first, (np.ndarray, np.generic)):
        return ops.stack(tuple(ops.as_tensor(np.asarray(each)) for each in batch), 0)
    if isinstance(first, float):
        return ops.tensor(list(batch), dtype=dtypes.float64)
    if isinstance(first, int):
        return ops.tensor(list(batch))
    if isinstance(first, (str, bytes)):
        return list(batch)
    if isinstance(first, Mapping):
        return {key: default_collate([each[key] for each in batch]) for key in first}
    if isinstance(first, Sequence):
        return _sequences(batch, first)
    raise ArgumentTypeError(
        f"default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found "
        f"{type(first).__name__}; pass a collate_fn of your own"
    )


def default_convert(data: Any) -> Any:
    """A single sample: arrays as tensors, containers element by element, all else as it is."""
    if isinstance(data, (np.ndarray, np.generic)) and data.dtype.kind not in "SUOV":
        return ops.as_tensor(np.asarray(data))
    if isinstance(data, Mapping):
        return {key: default_convert(each) for key, each in data.items()}
    if isinstance(data, tuple) and hasattr(data, "_fields"):
        return type(data)(*map(default_convert, data))
    if isinstance(data, tuple):
        return [default_convert(each) for each in data]  # as PyTorch has it
    if isinstance(data, Sequence) and not isinstance(data, (str, bytes)):
        return [default_convert(each) for each in data]
    return data


def _sequences(batch: Sequence[Any], first: Any) -> Any:
    if any(len(each) != len(first) for each in batch):
        raise ShapeError(f"default_collate: the samples should be of equal size, got {[len(each) for each in batch]}")
    columns = [default_collate(column) for column in zip(*batch, strict=True)]
    if isinstance(first, tuple) and hasattr(first, "_fields"):
        return type(first)(*columns)
    return columns
