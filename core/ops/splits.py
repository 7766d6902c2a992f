"""Tensors cut into pieces at given places; all pieces are views."""

from __future__ import annotations

from collections.abc import Sequence

from hotplug.declare import function
from hotplug.declare.dims import canonical_dim
from hotplug.errors import ArgumentError, RankError
from hotplug.ops.views import chunk, narrow, split
from hotplug.tensor import Tensor


@function()
def tensor_split(input: Tensor, indices_or_sections: int | Sequence[int] | Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """Pieces of nearly equal size, the larger ones first; or pieces that end before the listed positions.

    Args:
        indices_or_sections: the number of pieces, or the positions (negative ones count from the end); a tensor of
            integers on the host serves too, 0-d or ``(K,)``.

    Raises:
        RankError: a 0-d tensor.
        ArgumentError: fewer than one piece.
    """
    if not input.ndim:
        raise RankError("tensor_split: expected at least a 1-dimensional tensor, got one of 0 dimensions")
    d = canonical_dim("tensor_split", dim, input.ndim)
    size = input.shape[d]
    if isinstance(indices_or_sections, Tensor):
        indices_or_sections = indices_or_sections.tolist()
    if isinstance(indices_or_sections, int):
        if indices_or_sections < 1:
            raise ArgumentError(f"tensor_split: number of sections must be larger than 0, got {indices_or_sections}")
        least, larger = divmod(size, indices_or_sections)
        ends = [least * (i + 1) + min(i + 1, larger) for i in range(indices_or_sections)]
    else:
        ends = [min(size, max(0, at + size if at < 0 else at)) for at in indices_or_sections] + [size]
    starts = [0, *ends[:-1]]
    return tuple(narrow(input, d, start, max(0, end - start)) for start, end in zip(starts, ends, strict=True))


@function()
def split_with_sizes(input: Tensor, split_sizes: Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
    """Consecutive pieces of the listed sizes."""
    return split(input, list(split_sizes), dim)


@function()
def unsafe_split(input: Tensor, split_size: int | Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
    """As :func:`split`; here the pieces are views that may be written to, so nothing is unsafe."""
    return split(input, split_size, dim)


@function()
def unsafe_chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """As :func:`chunk`; here the pieces are views that may be written to, so nothing is unsafe."""
    return chunk(input, chunks, dim)


def _split_evenly(
    op: str, input: Tensor, places: int | Sequence[int] | Tensor, dim: int, least: int
) -> tuple[Tensor, ...]:
    if input.ndim < least:
        raise RankError(f"{op}: expected a tensor with at least {least} dimensions, got {input.ndim}")
    if isinstance(places, int) and (places < 1 or input.shape[dim] % places):
        raise ArgumentError(f"{op}: dimension {dim} of size {input.shape[dim]} is not divisible by split_size {places}")
    return tensor_split(input, places, dim)


@function()
def hsplit(input: Tensor, indices_or_sections: int | Sequence[int] | Tensor) -> tuple[Tensor, ...]:
    """:func:`tensor_split` along the second dimension (of a vector, the first) into equal parts, or at positions."""
    return _split_evenly("hsplit", input, indices_or_sections, 0 if input.ndim == 1 else 1, 1)


@function()
def vsplit(input: Tensor, indices_or_sections: int | Sequence[int] | Tensor) -> tuple[Tensor, ...]:
    """:func:`tensor_split` along the first dimension into equal parts, or at positions."""
    return _split_evenly("vsplit", input, indices_or_sections, 0, 2)


@function()
def dsplit(input: Tensor, indices_or_sections: int | Sequence[int] | Tensor) -> tuple[Tensor, ...]:
    """:func:`tensor_split` along the third dimension into equal parts, or at positions."""
    return _split_evenly("dsplit", input, indices_or_sections, 2, 3)
