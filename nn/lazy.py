"""Layers that learn the size of their input from the first one they see."""

from __future__ import annotations

from typing import Any, ClassVar, final

from hotplug import ops
from hotplug.dtypes import dtype as DType
from hotplug.errors import HotplugError, ShapeError
from hotplug.nn import _state
from hotplug.nn.conv import Conv1d, Conv2d, Conv3d, Sizes, _Conv
from hotplug.nn.conv_transpose import ConvTranspose1d, ConvTranspose2d, ConvTranspose3d, _ConvTranspose
from hotplug.nn.linear import Linear
from hotplug.nn.module import Module
from hotplug.nn.norm import (
    BatchNorm1d,
    BatchNorm2d,
    BatchNorm3d,
    InstanceNorm1d,
    InstanceNorm2d,
    InstanceNorm3d,
    _RunningNorm,
)
from hotplug.nn.parameter import Parameter
from hotplug.tensor import Tensor


class UninitializedError(HotplugError, RuntimeError):
    """The shape of a parameter was asked for that has none yet."""


def _no_shape() -> UninitializedError:
    return UninitializedError(
        "can't access the shape of an uninitialized parameter or buffer: run the lazy module on an input first (this also "
        "happens in load_state_dict when an uninitialized parameter is loaded into a module that is initialized)"
    )


@final
class UninitializedParameter(Parameter):
    """A parameter without a shape, dtype and device aside; :meth:`materialize` gives it one, and it stays the same object."""

    def __init__(self, requires_grad: bool = True, device: Any = None, dtype: DType | None = None) -> None:
        super().__init__(ops.empty(0, device=device, dtype=dtype), requires_grad)

    @property
    def shape(self) -> Any:
        """There is none."""
        raise _no_shape()

    def materialize(self, shape: tuple[int, ...], device: Any = None, dtype: DType | None = None) -> None:
        """Become a :class:`Parameter` of a shape, without values."""
        empty = ops.empty(shape, device=device or self.device, dtype=dtype or self.dtype)
        self.__class__ = Parameter  # type: ignore[assignment]
        self.data = empty

    def __reduce_ex__(self, protocol: Any) -> Any:
        return UninitializedParameter, (self.requires_grad, str(self.device), self.dtype)

    def __repr__(self) -> str:
        return "<UninitializedParameter>"


@final
class UninitializedBuffer(Tensor):
    """A buffer without a shape, dtype and device aside; its module replaces it."""

    def __init__(self, device: Any = None, dtype: DType | None = None) -> None:
        self._array, self._meta = ops.empty(0, device=device, dtype=dtype)._array, None

    @property
    def shape(self) -> Any:
        """There is none."""
        raise _no_shape()

    def __reduce_ex__(self, protocol: Any) -> Any:
        return UninitializedBuffer, (str(self.device), self.dtype)

    def __repr__(self) -> str:
        return "<UninitializedBuffer>"


def is_lazy(value: Any) -> bool:
    """Whether a tensor has no shape yet."""
    return isinstance(value, (UninitializedParameter, UninitializedBuffer))


class LazyModuleMixin(Module):
    """What lazy layers share: at the first call they get their shapes, and become the class :attr:`cls_to_become`."""

    cls_to_become: ClassVar[type[Module]]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.has_uninitialized_params():
            self.initialize_parameters(*args, **kwargs)
            self.reset_parameters()
        if self.has_uninitialized_params():
            raise UninitializedError(f"module {type(self).__name__} has not been fully initialized by its first input")
        self.__class__ = self.cls_to_become  # type: ignore[assignment]
        return self(*args, **kwargs)

    def has_uninitialized_params(self) -> bool:
        """Whether the module waits for its first input."""
        return any(map(is_lazy, self._parameters.values())) or any(map(is_lazy, self._buffers.values()))

    def initialize_parameters(self, input: Tensor) -> None:
        """Give parameters and buffers their shapes."""
        raise NotImplementedError

    def reset_parameters(self) -> None:
        """Draw new values, once there are any."""
        if not self.has_uninitialized_params() and not self._is_empty():
            super().reset_parameters()  # type: ignore[misc]

    def _is_empty(self) -> bool:
        """Whether the module is still being made."""
        raise NotImplementedError

    def _leave_open(self, device: Any, dtype: DType | None, *names: str) -> None:
        for name in names:
            self.register_parameter(name, UninitializedParameter(device=device, dtype=dtype))

    def _give(self, name: str, shape: tuple[int, ...]) -> None:
        found = self._parameters.get(name)
        if isinstance(found, UninitializedParameter):
            found.materialize(shape)
        waiting = self._buffers.get(name)
        if isinstance(waiting, UninitializedBuffer):
            self._buffers[name] = ops.empty(shape, device=waiting.device, dtype=waiting.dtype)

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        super()._save_to_state_dict(destination, prefix, keep_vars)
        destination.update({prefix + name: each for name, each in self._own_state() if is_lazy(each)})

    def _load_own(self, loading: _state.Loading, prefix: str, version: int | None) -> None:
        for name, each in list(self._own_state()):
            value = loading.state.get(prefix + name)
            if is_lazy(each) and isinstance(value, Tensor) and not is_lazy(value):
                self._give(name, tuple(value.shape))
        super()._load_own(loading, prefix, version)


class LazyLinear(LazyModuleMixin, Linear):
    """:class:`Linear` whose ``in_features`` is the size of the last axis of its first input."""

    cls_to_become = Linear

    def __init__(
        self, out_features: int, bias: bool = True, device: Any = None, dtype: DType | None = None
    ) -> None:  # fmt: skip
        super().__init__(0, 0, False)
        self.out_features = out_features
        self._leave_open(device, dtype, "weight", *["bias"] * bias)

    def _is_empty(self) -> bool:
        return self.in_features == 0

    def initialize_parameters(self, input: Tensor) -> None:
        self.in_features = input.shape[-1]
        self._give("weight", (self.out_features, self.in_features))
        self._give("bias", (self.out_features,))


def _channels(module: Module, rank: int, input: Tensor) -> int:
    if input.ndim not in (rank + 1, rank + 2):
        raise ShapeError(
            f"{type(module).__name__}: expected {rank + 1}D (unbatched) or {rank + 2}D (batched) input, got "
            f"{list(input.shape)}"
        )
    count: int = input.shape[-rank - 1]
    return count


class _LazyConv(LazyModuleMixin, _Conv):
    """What the three ranks share."""

    def __init__(
        self, out_channels: int, kernel_size: Sizes, stride: Sizes = 1, padding: str | Sizes = 0, dilation: Sizes = 1,
        groups: int = 1, bias: bool = True, padding_mode: str = "zeros", device: Any = None, dtype: DType | None = None,
    ) -> None:  # fmt: skip
        super().__init__(0, 0, kernel_size, stride, padding, dilation, groups, False, padding_mode)
        self.out_channels = out_channels
        self._leave_open(device, dtype, "weight", *["bias"] * bias)

    def _is_empty(self) -> bool:
        return self.in_channels == 0

    def initialize_parameters(self, input: Tensor) -> None:
        self.in_channels = _channels(self, self._rank, input)
        self._check()
        self._give("weight", (self.out_channels, self.in_channels // self.groups, *self.kernel_size))
        self._give("bias", (self.out_channels,))


class LazyConv1d(_LazyConv):
    """:class:`Conv1d` whose ``in_channels`` is that of its first input."""

    _rank, cls_to_become = 1, Conv1d


class LazyConv2d(_LazyConv):
    """:class:`Conv2d` whose ``in_channels`` is that of its first input."""

    _rank, cls_to_become = 2, Conv2d


class LazyConv3d(_LazyConv):
    """:class:`Conv3d` whose ``in_channels`` is that of its first input."""

    _rank, cls_to_become = 3, Conv3d


class _LazyConvTranspose(LazyModuleMixin, _ConvTranspose):
    """What the three ranks share."""

    def __init__(
        self, out_channels: int, kernel_size: Sizes, stride: Sizes = 1, padding: Sizes = 0, output_padding: Sizes = 0,
        groups: int = 1, bias: bool = True, dilation: Sizes = 1, padding_mode: str = "zeros", device: Any = None,
        dtype: DType | None = None,
    ) -> None:  # fmt: skip
        super().__init__(0, 0, kernel_size, stride, padding, output_padding, groups, False, dilation, padding_mode)
        self.out_channels = out_channels
        self._leave_open(device, dtype, "weight", *["bias"] * bias)

    def _is_empty(self) -> bool:
        return self.in_channels == 0

    def initialize_parameters(self, input: Tensor, output_size: Any = None) -> None:
        self.in_channels = _channels(self, self._rank, input)
        self._give("weight", (self.in_channels, self.out_channels // self.groups, *self.kernel_size))
        self._give("bias", (self.out_channels,))


class LazyConvTranspose1d(_LazyConvTranspose):
    """:class:`ConvTranspose1d` whose ``in_channels`` is that of its first input."""

    _rank, cls_to_become = 1, ConvTranspose1d


class LazyConvTranspose2d(_LazyConvTranspose):
    """:class:`ConvTranspose2d` whose ``in_channels`` is that of its first input."""

    _rank, cls_to_become = 2, ConvTranspose2d


class LazyConvTranspose3d(_LazyConvTranspose):
    """:class:`ConvTranspose3d` whose ``in_channels`` is that of its first input."""

    _rank, cls_to_become = 3, ConvTranspose3d


class _LazyNorm(LazyModuleMixin, _RunningNorm):
    """What batch and instance norm share."""

    def _leave_all_open(self, affine: bool, bias: bool, tracked: bool, device: Any, dtype: DType | None) -> None:
        self._leave_open(device, dtype, *["weight"] * affine, *["bias"] * (affine and bias))
        for name in ("running_mean", "running_var") if tracked else ():
            self.register_buffer(name, UninitializedBuffer(device, dtype))

    def _is_empty(self) -> bool:
        return self.num_features == 0

    def initialize_parameters(self, input: Tensor) -> None:
        self._check_rank(input)
        one_sequence = input.ndim == min(self._ranks) and self.cls_to_become.__name__.startswith("Instance")
        self.num_features = input.shape[0 if one_sequence else 1]
        for name in ("weight", "bias", "running_mean", "running_var"):
            self._give(name, (self.num_features,))


class _LazyBatchNorm(_LazyNorm):
    def __init__(
        self, eps: float = 1e-5, momentum: float | None = 0.1, affine: bool = True, track_running_stats: bool = True,
        device: Any = None, dtype: DType | None = None, *, bias: bool = True,
    ) -> None:  # fmt: skip
        super().__init__(0, eps, momentum, affine, track_running_stats, device, dtype, bias=bias)
        self._leave_all_open(affine, bias, track_running_stats, device, dtype)


class _LazyInstanceNorm(_LazyNorm):
    def __init__(
        self, eps: float = 1e-5, momentum: float = 0.1, affine: bool = True, track_running_stats: bool = True,
        device: Any = None, dtype: DType | None = None, *, bias: bool = True,
    ) -> None:  # fmt: skip
        super().__init__(0, eps, momentum, affine, track_running_stats, device, dtype, bias=bias)
        self._leave_all_open(affine, bias, track_running_stats, device, dtype)


class LazyBatchNorm1d(_LazyBatchNorm, BatchNorm1d):
    """:class:`BatchNorm1d` whose ``num_features`` is that of its first input."""

    cls_to_become = BatchNorm1d


class LazyBatchNorm2d(_LazyBatchNorm, BatchNorm2d):
    """:class:`BatchNorm2d` whose ``num_features`` is that of its first input."""

    cls_to_become = BatchNorm2d


class LazyBatchNorm3d(_LazyBatchNorm, BatchNorm3d):
    """:class:`BatchNorm3d` whose ``num_features`` is that of its first input."""

    cls_to_become = BatchNorm3d


class LazyInstanceNorm1d(_LazyInstanceNorm, InstanceNorm1d):
    """:class:`InstanceNorm1d` whose ``num_features`` is that of its first input."""

    cls_to_become = InstanceNorm1d


class LazyInstanceNorm2d(_LazyInstanceNorm, InstanceNorm2d):
    """:class:`InstanceNorm2d` whose ``num_features`` is that of its first input."""

    cls_to_become = InstanceNorm2d


class LazyInstanceNorm3d(_LazyInstanceNorm, InstanceNorm3d):
    """:class:`InstanceNorm3d` whose ``num_features`` is that of its first input."""

    cls_to_become = InstanceNorm3d
