"""Sequences of unequal lengths: side by side with padding, or packed time by time without."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Self, final

import numpy as np

from hotplug import ops
from hotplug.dtypes import float64, int64
from hotplug.errors import ArgumentError, ShapeError
from hotplug.tensor import Tensor

Lengths = Tensor | Sequence[int]


class PackError(ArgumentError, RuntimeError):
    """Lengths that don't fit the sequences."""


class _Parts(NamedTuple):
    data: Tensor
    batch_sizes: Tensor
    sorted_indices: Tensor | None
    unsorted_indices: Tensor | None


@final
class PackedSequence(_Parts):
    """Sequences of unequal lengths without padding: all first elements, then all second ones, the longest sequence first.

    Made by :func:`pack_padded_sequence` and :func:`pack_sequence`; taken by the recurrent layers.

    Attributes:
        data: ``(sum of the lengths, *)``.
        batch_sizes: how many sequences have an element at each time, int64 on the device ``cpu``.
        sorted_indices: the sequences' numbers from the longest to the shortest, or none if that is their order.
        unsorted_indices: the reverse permutation.
    """

    __slots__ = ()

    def __new__(
        cls, data: Tensor, batch_sizes: Tensor, sorted_indices: Tensor | None = None,
        unsorted_indices: Tensor | None = None,
    ) -> Self:  # fmt: skip
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        if str(batch_sizes.device) != "cpu":
            raise PackError(f"PackedSequence: batch_sizes should be on cpu, got {batch_sizes.device}; use .cpu()")
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    @property
    def is_cuda(self) -> bool:
        """Whether the data is on an NVIDIA GPU."""
        return self.data.device.type == "cuda"

    def to(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """The same with the data of another dtype or on another device; the permutations follow to the device."""
        data = self.data.to(*args, **kwargs)
        moved = [None if each is None else each.to(data.device) for each in self[2:]]
        return PackedSequence(data, self.batch_sizes, *moved)

    def cpu(self) -> PackedSequence:
        """The same on the host device."""
        return self.to("cpu")

    def float(self) -> PackedSequence:
        """The same in float32."""
        return self._convert("float32")

    def double(self) -> PackedSequence:
        """The same in float64."""
        return self.to(float64)

    def half(self) -> PackedSequence:
        """The same in float16."""
        return self._convert("float16")

    def _convert(self, name: str) -> PackedSequence:
        from hotplug import dtypes

        return self.to(getattr(dtypes, name))


def invert_permutation(permutation: Tensor | None) -> Tensor | None:
    """Where each element has gone.  ``(N)`` -> ``(N)``; none for none."""
    return None if permutation is None else ops.argsort(permutation)


def _numbers(lengths: Lengths) -> list[int]:
    found = lengths.reshape(-1).tolist() if isinstance(lengths, Tensor) else lengths
    return [int(each) for each in found]


def _places(sizes: list[int]) -> list[int]:
    """Where the elements of each time begin."""
    return [sum(sizes[:time]) for time in range(len(sizes))]


def _host(values: Any, like: Tensor) -> Tensor:
    return ops.tensor(np.asarray(values, np.int64), dtype=int64, device=like.device)


def pack_padded_sequence(
    input: Tensor, lengths: Lengths, batch_first: bool = False, enforce_sorted: bool = True
) -> PackedSequence:
    """Sequences side by side, without what lies behind their ends.

    Args:
        input: ``(T, N, *)``, or ``(N, T, *)`` with ``batch_first``.
        lengths: ``(N)``, on the host.
        enforce_sorted: whether the sequences must come from the longest to the shortest; else they are put in that order.

    Raises:
        PackError: a length is zero or greater than ``T``, they are not as many as sequences, or not sorted.
    """
    sizes = _numbers(lengths)
    turned = input.transpose(0, 1) if batch_first else input
    longest, count = turned.shape[0], turned.shape[1]
    if len(sizes) != count:
        raise PackError(f"pack_padded_sequence: expected {count} lengths, one a sequence, got {len(sizes)}")
    if not sizes or min(sizes) <= 0 or max(sizes) > longest:
        raise PackError(
            f"pack_padded_sequence: length of all samples has to be greater than 0 and at most {longest}, got {sizes}"
        )
    order = list(range(count))
    if not enforce_sorted:
        order.sort(key=lambda number: -sizes[number])
    elif any(a < b for a, b in itertools.pairwise(sizes)):
        raise PackError(
            "pack_padded_sequence: lengths must be sorted in decreasing order when enforce_sorted is True; you can pass "
            "enforce_sorted=False"
        )
    batches = [sum(size > time for size in sizes) for time in range(max(sizes))]
    flat = [time * count + number for time, here in enumerate(batches) for number in order[:here]]
    rows = turned.reshape(longest * count, *turned.shape[2:])
    data = ops.index_select(rows, 0, _host(flat, input))
    permutation = None if enforce_sorted else _host(order, input)
    return PackedSequence(data, ops.tensor(batches, dtype=int64, device="cpu"), permutation)


def pad_packed_sequence(
    sequence: PackedSequence, batch_first: bool = False, padding_value: float = 0.0, total_length: int | None = None
) -> tuple[Tensor, Tensor]:
    """The reverse of :func:`pack_padded_sequence`: the sequences ``(T, N, *)`` and their lengths ``(N)`` on the host.

    Raises:
        PackError: ``total_length`` is less than the longest length.
    """
    batches = _numbers(sequence.batch_sizes)
    count, times = batches[0], len(batches)
    if total_length is not None and total_length < times:
        raise PackedLengthError(
            f"pad_packed_sequence: expected total_length to be at least the length of the longest sequence in input, but "
            f"got total_length={total_length} and max sequence length being {times}"
        )
    longest = times if total_length is None else total_length
    back = list(range(count)) if sequence.unsorted_indices is None else _numbers(sequence.unsorted_indices)
    sizes = [sum(here > place for here in batches) for place in range(count)]
    starts, data = _places(batches), sequence.data
    outside = data.shape[0]
    flat = [
        starts[time] + place if time < times and place < batches[time] else outside
        for time in range(longest)
        for place in back
    ]
    border = ops.full((1, *data.shape[1:]), padding_value, dtype=data.dtype, device=data.device)
    rows = ops.index_select(ops.cat((data, border), 0), 0, _host(flat, data))
    padded = rows.reshape(longest, count, *data.shape[1:])
    lengths = ops.tensor([sizes[place] for place in back], dtype=int64, device="cpu")
    return (padded.transpose(0, 1) if batch_first else padded), lengths


class PackedLengthError(ArgumentError):
    """A length shorter than a sequence."""


def pad_sequence(
    sequences: Iterable[Tensor], batch_first: bool = False, padding_value: float = 0.0, padding_side: str = "right"
) -> Tensor:
    """Sequences ``(T_i, *)`` side by side: ``(T, N, *)``, or ``(N, T, *)`` with ``batch_first``, padded at one side."""
    every = list(sequences)
    if not every:
        raise PackError("pad_sequence: received an empty list of sequences")
    if padding_side not in ("left", "right"):
        raise PackError(f"pad_sequence: padding_side should be 'right' or 'left', got {padding_side!r}")
    rest = tuple(every[0].shape[1:])
    for each in every:
        if each.ndim == 0 or tuple(each.shape[1:]) != rest:
            raise ShapeError(
                f"pad_sequence: expected all sequences of shape [*, {', '.join(map(str, rest))}], got {list(each.shape)}"
            )
    longest = max(each.shape[0] for each in every)
    padded = []
    for each in every:
        missing = longest - each.shape[0]
        if missing:
            border = ops.full((missing, *rest), padding_value, dtype=each.dtype, device=each.device)
            each = ops.cat((each, border) if padding_side == "right" else (border, each), 0)
        padded.append(each)
    return ops.stack(padded, 0 if batch_first else 1)


def unpad_sequence(padded_sequences: Tensor, lengths: Tensor, batch_first: bool = False) -> list[Tensor]:
    """The reverse of :func:`pad_sequence`: sequences ``(T_i, *)``, which share the memory."""
    turned = padded_sequences if batch_first else padded_sequences.transpose(0, 1)
    return [turned.select(0, number).narrow(0, 0, size) for number, size in enumerate(_numbers(lengths))]


def pack_sequence(sequences: Sequence[Tensor], enforce_sorted: bool = True) -> PackedSequence:
    """Sequences ``(T_i, *)`` packed; see :func:`pack_padded_sequence`."""
    lengths = [each.shape[0] for each in sequences]
    return pack_padded_sequence(pad_sequence(sequences), lengths, enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """The reverse of :func:`pack_sequence`."""
    padded, lengths = pad_packed_sequence(packed_sequences, batch_first=True)
    return unpad_sequence(padded, lengths, batch_first=True)
