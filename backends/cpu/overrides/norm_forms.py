"""Which of the compiled normalisations serves a call, from the shapes: rows, segments of rows, or channels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

SHORT: Final = 64
"""Elements of space below which a batch's channels are worked on side by side."""


class Form(NamedTuple):
    """How the operands of a normalisation are seen.

    Attributes:
        name: ``rows``, where weight and bias have an element for each column; ``segments``, where they have one for
            ``run`` columns, those of a row depending on the row's group; ``apart`` and ``beside`` for channels of
            ``(N, C, S)``, as ``source.channel_norm`` tells.
        sizes: of rows and segments ``(rows, columns)``; of channels ``(N, C, S)``.
        groups, inner, run: of segments, with ``inner * run == columns``.
    """

    name: str
    sizes: tuple[int, ...]
    groups: int = 1
    inner: int = 1
    run: int = 1

    @property
    def parameters(self) -> int:
        """Elements of the weight."""
        return self.sizes[1] if self.name != "segments" else self.groups * self.inner


def form_of(shape: Sequence[int], dims: Sequence[int], weight: Sequence[int] | None) -> Form | None:
    """The form of a call, or ``None`` where no compiled kernel has it."""
    rank = len(shape)
    own = None if weight is None else (*(1,) * (rank - len(weight)), *weight)
    if tuple(dims) == tuple(range(rank - len(dims), rank)):
        return _of_rows(shape, rank - len(dims), own)
    if rank > 1 and tuple(dims) == (0, *range(2, rank)) and own in (None, (1, shape[1], *(1,) * (rank - 2))):
        size = math.prod(shape[2:])
        return Form("apart" if size >= SHORT else "beside", (shape[0], shape[1], size))
    return None


def _of_rows(shape: Sequence[int], lead: int, own: Sequence[int] | None) -> Form | None:
    """``lead`` axes of rows; the weight must vary along neighbouring axes."""
    rank = len(shape)
    sizes = (math.prod(shape[:lead]), math.prod(shape[lead:]))
    wide = [] if own is None else [axis for axis in range(rank) if own[axis] != 1]
    if own is None or tuple(own) == (*(1,) * lead, *shape[lead:]):
        return Form("rows", sizes)
    first, last = (wide[0], wide[-1] + 1) if wide else (lead, lead)
    if tuple(own[first:last]) != tuple(shape[first:last]) or math.prod(shape[lead : max(first, lead)]) != 1:
        return None
    if last < lead and math.prod(shape[last:lead]) != 1:
        return None
    run = math.prod(shape[max(last, lead) :])
    if run == 1:
        return None
    return Form("segments", sizes, math.prod(shape[first:lead]), math.prod(shape[lead : max(last, lead)]), run)
