"""SyncBatchNorm: batch normalisation whose statistics are those of all processes, of which there is one."""

from __future__ import annotations

from typing import Any, ClassVar

from hotplug.dtypes import dtype as DType
from hotplug.errors import ShapeError
from hotplug.nn.module import Module
from hotplug.nn.norm import BatchNorm1d, BatchNorm2d, BatchNorm3d, _BatchNorm
from hotplug.tensor import Tensor


class _TooFewAxesError(ShapeError, ValueError):
    """An input without an axis of channels."""


class SyncBatchNorm(_BatchNorm):
    """As :class:`BatchNorm1d` for ``(N, C, *S)``: in one process there is nothing to synchronise."""

    _ranks: ClassVar[tuple[int, ...]] = ()

    def __init__(
        self, num_features: int, eps: float = 1e-5, momentum: float | None = 0.1, affine: bool = True,
        track_running_stats: bool = True, process_group: Any = None, device: Any = None, dtype: DType | None = None,
        *, bias: bool = True,
    ) -> None:  # fmt: skip
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias)
        self.process_group = process_group

    def _check_rank(self, input: Tensor) -> None:
        if input.ndim < 2:
            raise _TooFewAxesError(f"SyncBatchNorm: expected at least 2D input (got {input.ndim}D input)")

    @classmethod
    def convert_sync_batchnorm(cls, module: Module, process_group: Any = None) -> Module:
        """The module with each of its batch norms made into one of this class, sharing parameters and statistics."""
        if isinstance(module, (BatchNorm1d, BatchNorm2d, BatchNorm3d)):
            return cls._of(module, process_group)
        for name, child in list(module.named_children()):
            module.add_module(name, cls.convert_sync_batchnorm(child, process_group))
        return module

    @classmethod
    def _of(cls, norm: Any, process_group: Any) -> SyncBatchNorm:
        made = cls(norm.num_features, norm.eps, norm.momentum, norm.affine, norm.track_running_stats, process_group)
        for name in ("weight", "bias", "running_mean", "running_var", "num_batches_tracked"):
            setattr(made, name, getattr(norm, name))
        made.training = norm.training
        return made
