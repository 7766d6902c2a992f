"""How samples are joined to a batch."""

from __future__ import annotations

import copy
from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any, Final

import numpy as np

from hotplug import dtypes, ops
from hotplug.errors import ArgumentTypeError, ShapeError
from hotplug.tensor import Tensor

_NO_NUMBERS: Final = "SUOVMm"
"""NumPy's kinds of strings, objects, records and dates."""


def default_collate(batch: Sequence[Any]) -> Any:
    """Samples joined to a batch: tensors and arrays stacked, numbers made a tensor, containers element by element.

    Strings stay as they are, one beside the other.

    Raises:
        ShapeError: sequences among the samples have different lengths, or tensors different shapes.
        ArgumentTypeError: the samples are something else.
    """
    first = batch[0]
    if isinstance(first, Tensor):
        return ops.stack(tuple(batch), 0)
    if isinstance(first, (str, bytes)):
        return batch
    if isinstance(first, (np.ndarray, np.generic)) and first.dtype.kind not in _NO_NUMBERS:
        return _arrays(batch)
    if isinstance(first, float):
        return ops.tensor(list(batch), dtype=dtypes.float64)
    if isinstance(first, int):
        return ops.tensor(list(batch))
    if isinstance(first, Mapping):
        return _like(first, {key: default_collate([each[key] for each in batch]) for key in first})
    if isinstance(first, Sequence):
        return _sequences(batch, first)
    raise ArgumentTypeError(
        f"default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found "
        f"{_described(first)}; pass a collate_fn of your own"
    )


def default_convert(data: Any) -> Any:
    """A single sample: arrays as tensors, containers element by element, all else as it is."""
    if isinstance(data, (np.ndarray, np.generic)) and data.dtype.kind not in _NO_NUMBERS:
        return ops.as_tensor(np.asarray(data))
    if isinstance(data, Mapping):
        return _like(data, {key: default_convert(each) for key, each in data.items()})
    if isinstance(data, Sequence) and not isinstance(data, (str, bytes)):
        return _filled(data, [default_convert(each) for each in data])
    return data


def pinned(data: Any, device: Any) -> Any:
    """A batch whose tensors on ``cpu`` are in page-locked memory; objects with a method ``pin_memory`` do it themselves."""
    if isinstance(data, Tensor):
        return data.pin_memory(device) if data._array.storage.runtime.capabilities.host_memory else data
    if isinstance(data, Mapping):
        return _like(data, {key: pinned(each, device) for key, each in data.items()})
    if isinstance(data, Sequence) and not isinstance(data, (str, bytes)):
        return _filled(data, [pinned(each, device) for each in data])
    return data.pin_memory() if hasattr(data, "pin_memory") else data


def _arrays(batch: Sequence[Any]) -> Tensor:
    arrays = [np.asarray(each) for each in batch]
    if len({(each.dtype, each.shape) for each in arrays}) == 1:
        return ops.as_tensor(np.stack(arrays))
    return ops.stack(tuple(map(ops.as_tensor, arrays)), 0)  # promotes the dtypes, or says what is wrong with the shapes


def _sequences(batch: Sequence[Any], first: Any) -> Any:
    if any(len(each) != len(first) for each in batch):
        raise ShapeError(f"default_collate: the samples should be of equal size, got {[len(each) for each in batch]}")
    return _filled(first, [default_collate(column) for column in zip(*batch, strict=True)])


def _filled(model: Any, values: list[Any]) -> Any:
    """The values as a named tuple, where the model is one; else, as in PyTorch, a list."""
    return type(model)(*values) if isinstance(model, tuple) and hasattr(model, "_fields") else values


def _like(model: Mapping[Any, Any], values: dict[Any, Any]) -> Any:
    """The values in a mapping of the model's class, where one can be made."""
    if isinstance(model, MutableMapping):
        result = copy.copy(model)
        result.update(values)
        return result
    try:
        return type(model)(values)  # type: ignore[call-arg]
    except TypeError:
        return values


def _described(value: Any) -> str:
    return f"an array of {value.dtype}" if isinstance(value, (np.ndarray, np.generic)) else type(value).__name__
