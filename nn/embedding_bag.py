"""Rows of a table, looked up by index and reduced over bags."""

from __future__ import annotations

from typing import Any

from hotplug import ops
from hotplug.autograd.mode import no_grad
from hotplug.dtypes import dtype as DType
from hotplug.errors import ArgumentError, ShapeError
from hotplug.nn import functional as F, init
from hotplug.nn.module import Module
from hotplug.nn.parameter import Parameter
from hotplug.tensor import Tensor


class EmbeddingBag(Module):
    """Sums, means or maxima of rows of a table, without the rows in between.

    Shapes: integers ``(B, N)``, a bag a row, or ``(n)`` with ``offsets`` ``(B)``, where each bag begins -> ``(B,
    embedding_dim)``; ``weight`` ``(num_embeddings, embedding_dim)``, normal at first.

    Args:
        max_norm, norm_type: rows used are first scaled down to this norm, in the table itself.
        scale_grad_by_freq: divide the gradient of a row by how often it is used.
        mode: ``"sum"``, ``"mean"`` or ``"max"``.
        sparse: only its default: gradients are dense.
        include_last_offset: the offsets end with the number of indices.
        padding_idx: this row starts at zero, counts nowhere and gets no gradient.

    Raises:
        ArgumentError: ``padding_idx`` is out of range, or sparse gradients were asked for.
    """

    weight: Parameter

    def __init__(
        self, num_embeddings: int, embedding_dim: int, max_norm: float | None = None, norm_type: float = 2.0,
        scale_grad_by_freq: bool = False, mode: str = "mean", sparse: bool = False, _weight: Tensor | None = None,
        include_last_offset: bool = False, padding_idx: int | None = None, device: Any = None,
        dtype: DType | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        if sparse:
            raise ArgumentError("EmbeddingBag: there are no sparse gradients; leave out sparse")
        if padding_idx is not None and not -num_embeddings <= padding_idx < num_embeddings:
            raise ArgumentError(f"EmbeddingBag: padding_idx must be within num_embeddings, got {padding_idx}")
        self.num_embeddings, self.embedding_dim = num_embeddings, embedding_dim
        self.max_norm, self.norm_type = max_norm, norm_type
        self.scale_grad_by_freq = scale_grad_by_freq
        self.mode = mode
        self.sparse = sparse
        self.include_last_offset = include_last_offset
        self.padding_idx = None if padding_idx is None else padding_idx % num_embeddings
        if _weight is None:
            self.weight = Parameter(ops.empty(num_embeddings, embedding_dim, device=device, dtype=dtype))
            self.reset_parameters()
        else:
            if tuple(_weight.shape) != (num_embeddings, embedding_dim):
                raise ShapeError(
                    f"EmbeddingBag: expected weights of {[num_embeddings, embedding_dim]}, got {list(_weight.shape)}"
                )
            self.weight = Parameter(_weight)

    def reset_parameters(self) -> None:
        """Draw new values: normal, the padding row zero."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            with no_grad():
                self.weight.select(0, self.padding_idx).zero_()

    def forward(self, input: Tensor, offsets: Tensor | None = None, per_sample_weights: Tensor | None = None) -> Tensor:
        """``per_sample_weights``: a factor for each index, for ``mode="sum"``."""
        return F.embedding_bag(
            input, self.weight, offsets, self.max_norm, self.norm_type, self.scale_grad_by_freq, self.mode, self.sparse,
            per_sample_weights, self.include_last_offset, self.padding_idx,
        )  # fmt: skip

    @classmethod
    def from_pretrained(
        cls, embeddings: Tensor, freeze: bool = True, max_norm: float | None = None, norm_type: float = 2.0,
        scale_grad_by_freq: bool = False, mode: str = "mean", sparse: bool = False, include_last_offset: bool = False,
        padding_idx: int | None = None,
    ) -> EmbeddingBag:  # fmt: skip
        """A layer around a given table ``(num_embeddings, embedding_dim)``, not trained if ``freeze``."""
        if embeddings.ndim != 2:
            raise ShapeError(f"EmbeddingBag.from_pretrained: expected 2 axes, got shape {list(embeddings.shape)}")
        rows, columns = embeddings.shape
        made = cls(
            rows, columns, max_norm, norm_type, scale_grad_by_freq, mode, sparse, embeddings, include_last_offset,
            padding_idx,
        )  # fmt: skip
        made.weight.requires_grad_(not freeze)
        return made

    def extra_repr(self) -> str:
        text = f"{self.num_embeddings}, {self.embedding_dim}"
        if self.max_norm is not None:
            text += f", max_norm={self.max_norm}"
        if self.norm_type != 2:
            text += f", norm_type={self.norm_type}"
        if self.scale_grad_by_freq:
            text += f", scale_grad_by_freq={self.scale_grad_by_freq}"
        text += f", mode={self.mode!r}"
        return text if self.padding_idx is None else f"{text}, padding_idx={self.padding_idx}"
