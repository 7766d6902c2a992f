"""Embedding: a table of vectors looked up by index."""

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


class Embedding(Module):
    """A table of ``num_embeddings`` vectors, looked up by index.

    Shapes: integers ``(*)`` -> ``(*, embedding_dim)``; ``weight`` ``(num_embeddings, embedding_dim)``, normal at first.

    Args:
        num_embeddings, embedding_dim: size of the table.
        padding_idx: this row starts at zero and gets no gradient.
        max_norm, norm_type: rows used are first scaled down to this norm, in the table itself.
        scale_grad_by_freq: divide the gradient of a row by how often it is used.
        sparse: only its default: gradients are dense.

    Raises:
        ArgumentError: ``padding_idx`` is out of range, or sparse gradients were asked for.
    """

    weight: Parameter

    def __init__(
        self, num_embeddings: int, embedding_dim: int, padding_idx: int | None = None, max_norm: float | None = None,
        norm_type: float = 2.0, scale_grad_by_freq: bool = False, sparse: bool = False, _weight: Tensor | None = None,
        _freeze: bool = False, device: Any = None, dtype: DType | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        if sparse:
            raise ArgumentError("Embedding: there are no sparse gradients; leave out sparse")
        if padding_idx is not None and not -num_embeddings <= padding_idx < num_embeddings:
            raise ArgumentError(f"Embedding: padding_idx {padding_idx} must be within num_embeddings {num_embeddings}")
        self.num_embeddings, self.embedding_dim = num_embeddings, embedding_dim
        self.max_norm, self.norm_type = max_norm, norm_type
        self.scale_grad_by_freq = scale_grad_by_freq
        self.sparse = sparse
        self.padding_idx = None if padding_idx is None else padding_idx % num_embeddings
        if _weight is None:
            self.weight = Parameter(ops.empty(num_embeddings, embedding_dim, device=device, dtype=dtype), not _freeze)
            self.reset_parameters()
        else:
            if tuple(_weight.shape) != (num_embeddings, embedding_dim):
                raise ShapeError(
                    f"Embedding: expected weights of {[num_embeddings, embedding_dim]}, got shape {list(_weight.shape)}"
                )
            self.weight = Parameter(_weight, not _freeze)

    def reset_parameters(self) -> None:
        """Draw new values: normal, the padding row zero."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            with no_grad():
                self.weight.select(0, self.padding_idx).zero_()

    def forward(self, input: Tensor) -> Tensor:
        return F.embedding(
            input, self.weight, self.padding_idx, self.max_norm, self.norm_type, self.scale_grad_by_freq, self.sparse
        )

    @classmethod
    def from_pretrained(
        cls, embeddings: Tensor, freeze: bool = True, padding_idx: int | None = None, max_norm: float | None = None,
        norm_type: float = 2.0, scale_grad_by_freq: bool = False, sparse: bool = False,
    ) -> Embedding:  # fmt: skip
        """A layer around a given table ``(num_embeddings, embedding_dim)``, not trained if ``freeze``."""
        if embeddings.ndim != 2:
            raise ShapeError(f"Embedding.from_pretrained: expected 2 axes, got shape {list(embeddings.shape)}")
        rows, columns = embeddings.shape
        return cls(rows, columns, padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse, embeddings, freeze)

    def extra_repr(self) -> str:
        text = f"{self.num_embeddings}, {self.embedding_dim}"
        if self.padding_idx is not None:
            text += f", padding_idx={self.padding_idx}"
        if self.max_norm is not None:
            text += f", max_norm={self.max_norm}"
        if self.norm_type != 2:
            text += f", norm_type={self.norm_type}"
        return text + (f", scale_grad_by_freq={self.scale_grad_by_freq}" if self.scale_grad_by_freq else "")
