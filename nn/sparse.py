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
        max_norm, norm_type, scale_grad_by_freq, sparse: only their defaults: rows aren't shortened, gradients are
            dense and not scaled.

    Raises:
        ArgumentError: ``padding_idx`` is out of range, or one of the options that there aren't was chosen.
    """

    weight: Parameter

    def __init__(
        self, num_embeddings: int, embedding_dim: int, padding_idx: int | None = None, max_norm: float | None = None,
        norm_type: float = 2.0, scale_grad_by_freq: bool = False, sparse: bool = False, _weight: Tensor | None = None,
        _freeze: bool = False, device: Any = None, dtype: DType | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        if max_norm is not None or scale_grad_by_freq or sparse:
            raise ArgumentError(
                "Embedding: max_norm, scale_grad_by_freq and sparse gradients are not supported; leave them out, and "
                "shorten rows of the weight yourself under no_grad()"
            )
        if padding_idx is not None and not -num_embeddings <= padding_idx < num_embeddings:
            raise ArgumentError(f"Embedding: padding_idx {padding_idx} must be within num_embeddings {num_embeddings}")
        self.num_embeddings = num_embeddings
        self.embedding_dim = embedding_dim
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
        return F.embedding(input, self.weight, self.padding_idx)

    @classmethod
    def from_pretrained(cls, embeddings: Tensor, freeze: bool = True, padding_idx: int | None = None) -> Embedding:
        """A layer around a given table ``(num_embeddings, embedding_dim)``, not trained if ``freeze``."""
        if embeddings.ndim != 2:
            raise ShapeError(f"Embedding.from_pretrained: expected 2 axes, got shape {list(embeddings.shape)}")
        rows, columns = embeddings.shape
        return cls(rows, columns, padding_idx, _weight=embeddings, _freeze=freeze)

    def extra_repr(self) -> str:
        padding = "" if self.padding_idx is None else f", padding_idx={self.padding_idx}"
        return f"{self.num_embeddings}, {self.embedding_dim}{padding}"
