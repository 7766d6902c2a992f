"""Normalisation."""

from __future__ import annotations

from typing import Any, ClassVar

from hotplug import dtypes, ops
from hotplug.dtypes import dtype as DType
from hotplug.errors import ArgumentError, ShapeError
from hotplug.nn import functional as F, init
from hotplug.nn._state import Loading
from hotplug.nn.module import Module
from hotplug.nn.parameter import Parameter
from hotplug.tensor import Tensor


class _Affine(Module):
    """A scale that starts at one and a shift that starts at zero, both optional."""

    weight: Parameter | None
    bias: Parameter | None

    def _add_affine(self, shape: Any, weight: bool, bias: bool, device: Any, dtype: DType | None) -> None:
        for name, wanted in (("weight", weight), ("bias", bias)):
            value = Parameter(ops.empty(shape, device=device, dtype=dtype)) if wanted else None
            self.register_parameter(name, value)

    def reset_parameters(self) -> None:
        """Scale one, shift zero."""
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)


class _RunningNorm(_Affine):
    """What batch and instance norm share: statistics of the data seen in training."""

    _version = 2  # 1 had no num_batches_tracked
    _ranks: ClassVar[tuple[int, ...]] = ()
    running_mean: Tensor | None
    running_var: Tensor | None
    num_batches_tracked: Tensor | None

    def __init__(
        self, num_features: int, eps: float, momentum: float | None, affine: bool, track_running_stats: bool,
        device: Any, dtype: DType | None, bias: bool,
    ) -> None:  # fmt: skip
        super().__init__()
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        self.affine = affine
        self.track_running_stats = track_running_stats
        self._add_affine(num_features, affine, affine and bias, device, dtype)
        tracked = track_running_stats
        self.register_buffer("running_mean", ops.zeros(num_features, device=device, dtype=dtype) if tracked else None)
        self.register_buffer("running_var", ops.ones(num_features, device=device, dtype=dtype) if tracked else None)
        self.register_buffer(
            "num_batches_tracked", ops.zeros((), device=device, dtype=dtypes.int64) if tracked else None
        )
        self.reset_parameters()

    def reset_running_stats(self) -> None:
        """Forget the data seen: mean zero, variance one."""
        if self.running_mean is not None and self.running_var is not None and self.num_batches_tracked is not None:
            self.running_mean.zero_()
            self.running_var.fill_(1)
            self.num_batches_tracked.zero_()

    def reset_parameters(self) -> None:
        """Scale one, shift zero, and no data seen."""
        self.reset_running_stats()
        super().reset_parameters()

    def _check_rank(self, input: Tensor) -> None:
        if input.ndim not in self._ranks:
            wanted = " or ".join(f"{rank}D" for rank in self._ranks)
            raise _RankError(
                f"{type(self).__name__}: expected {wanted} input (got {input.ndim}D input of shape {list(input.shape)})"
            )

    def _load_own(self, loading: Loading, prefix: str, version: int | None) -> None:
        key = prefix + "num_batches_tracked"
        if (version is None or version < 2) and self.num_batches_tracked is not None and key not in loading.state:
            loading.state[key] = self.num_batches_tracked
        super()._load_own(loading, prefix, version)

    def extra_repr(self) -> str:
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )


class _RankError(ShapeError, ValueError):
    """PyTorch raises a ValueError for an input with the wrong number of axes."""


class _BatchNorm(_RunningNorm):
    def __init__(
        self, num_features: int, eps: float = 1e-5, momentum: float | None = 0.1, affine: bool = True,
        track_running_stats: bool = True, device: Any = None, dtype: DType | None = None, *, bias: bool = True,
    ) -> None:  # fmt: skip
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias)

    def forward(self, input: Tensor) -> Tensor:
        self._check_rank(input)
        momentum = 0.0 if self.momentum is None else self.momentum
        if self.training and self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
            if self.momentum is None:  # a cumulative average
                momentum = 1.0 / float(self.num_batches_tracked.item())
        by_batch = self.training or self.running_mean is None
        keep = not self.training or self.track_running_stats
        return F.batch_norm(
            input, self.running_mean if keep else None, self.running_var if keep else None, self.weight, self.bias,
            by_batch, momentum, self.eps,
        )  # fmt: skip


class BatchNorm1d(_BatchNorm):
    """``(x - mean) / sqrt(var + eps) * weight + bias``, statistics over the batch (Ioffe and Szegedy, 2015).

    In evaluation mode the running statistics take the place of the batch's: ``(1 - momentum) * running + momentum *
    batch``, or a plain average where ``momentum`` is ``None``.  Shapes: ``(N, C)`` or ``(N, C, L)`` -> the same.
    """

    _ranks = (2, 3)


class BatchNorm2d(_BatchNorm):
    """As :class:`BatchNorm1d`.  Shapes: ``(N, C, H, W)`` -> the same."""

    _ranks = (4,)


class BatchNorm3d(_BatchNorm):
    """As :class:`BatchNorm1d`.  Shapes: ``(N, C, D, H, W)`` -> the same."""

    _ranks = (5,)


class _InstanceNorm(_RunningNorm):
    def __init__(
        self, num_features: int, eps: float = 1e-5, momentum: float = 0.1, affine: bool = False,
        track_running_stats: bool = False, device: Any = None, dtype: DType | None = None, *, bias: bool = True,
    ) -> None:  # fmt: skip
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias)

    def forward(self, input: Tensor) -> Tensor:
        self._check_rank(input)
        alone = input.ndim == self._ranks[0]
        by_input = self.training or not self.track_running_stats
        momentum = 0.0 if self.momentum is None else self.momentum
        result = F.instance_norm(
            input.unsqueeze(0) if alone else input, self.running_mean, self.running_var, self.weight, self.bias,
            by_input, momentum, self.eps,
        )  # fmt: skip
        return result.squeeze(0) if alone else result


class InstanceNorm1d(_InstanceNorm):
    """As :class:`BatchNorm1d`, with statistics of every sample and channel.  Shapes: ``(N, C, L)`` or ``(C, L)``."""

    _ranks = (2, 3)


class InstanceNorm2d(_InstanceNorm):
    """As :class:`InstanceNorm1d`.  Shapes: ``(N, C, H, W)`` or ``(C, H, W)``."""

    _ranks = (3, 4)


class InstanceNorm3d(_InstanceNorm):
    """As :class:`InstanceNorm1d`.  Shapes: ``(N, C, D, H, W)`` or ``(C, D, H, W)``."""

    _ranks = (4, 5)


def _shape(normalized_shape: int | list[int] | tuple[int, ...]) -> tuple[int, ...]:
    return (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)


class LayerNorm(_Affine):
    """``(x - mean) / sqrt(var + eps) * weight + bias``, statistics over the last axes (Ba et al., 2016).

    Shapes: ``(*, *normalized_shape)`` -> the same.
    """

    def __init__(
        self, normalized_shape: int | list[int] | tuple[int, ...], eps: float = 1e-5, elementwise_affine: bool = True,
        bias: bool = True, device: Any = None, dtype: DType | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.normalized_shape = _shape(normalized_shape)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        self._add_affine(self.normalized_shape, elementwise_affine, elementwise_affine and bias, device, dtype)
        self.reset_parameters()

    def forward(self, input: Tensor) -> Tensor:
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}, "
            f"bias={self.bias is not None}"
        )


class RMSNorm(Module):
    """``x / sqrt(mean(x ** 2) + eps) * weight`` over the last axes (Zhang and Sennrich, 2019).

    Shapes: ``(*, *normalized_shape)`` -> the same.  ``eps=None``: the smallest step of the dtype at one.
    """

    weight: Parameter | None

    def __init__(
        self, normalized_shape: int | list[int] | tuple[int, ...], eps: float | None = None,
        elementwise_affine: bool = True, device: Any = None, dtype: DType | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.normalized_shape = _shape(normalized_shape)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        weight = Parameter(ops.ones(self.normalized_shape, device=device, dtype=dtype)) if elementwise_affine else None
        self.register_parameter("weight", weight)

    def reset_parameters(self) -> None:
        """Scale one."""
        if self.weight is not None:
            init.ones_(self.weight)

    def forward(self, x: Tensor) -> Tensor:
        return F.rms_norm(x, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"


class GroupNorm(_Affine):
    """As :class:`LayerNorm`, with statistics of groups of channels (Wu and He, 2018).

    Shapes: ``(N, C, *)`` -> the same.

    Raises:
        ArgumentError: the channels can't be divided among the groups.
    """

    def __init__(
        self, num_groups: int, num_channels: int, eps: float = 1e-5, affine: bool = True, device: Any = None,
        dtype: DType | None = None, *, bias: bool = True,
    ) -> None:  # fmt: skip
        super().__init__()
        if num_groups <= 0 or num_channels % num_groups:
            raise ArgumentError(
                f"GroupNorm: num_channels ({num_channels}) must be divisible by num_groups ({num_groups})"
            )
        self.num_groups = num_groups
        self.num_channels = num_channels
        self.eps = eps
        self.affine = affine
        self._add_affine(num_channels, affine, affine and bias, device, dtype)
        self.reset_parameters()

    def forward(self, input: Tensor) -> Tensor:
        return F.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        bias = self.bias is not None
        return f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}, bias={bias}"
