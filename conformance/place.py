"""Samples put on a device: tensors of a dtype in a layout."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

from hotplug import dispatch, host, ops
from hotplug.array import Array
from hotplug.conformance.draw import Kind, Marker, NDArray, Operand, Sample
from hotplug.dtypes import by_name, dtype
from hotplug.layout import layout_of
from hotplug.runtime import Runtime
from hotplug.tensor import Tensor, wrap

LAYOUTS: Final = ("contiguous", "transposed", "sliced", "reversed", "expanded")

WIDER: Final = {"float16": "float64", "bfloat16": "float64", "float32": "float64", "complex64": "complex128"}
"""What a reference computes in."""


def cast(values: NDArray, target: dtype) -> NDArray:
    """Host values in a dtype, by the core's conversions."""
    return host.cast_on_host(values, target)


def laid_out(runtime: Runtime, values: NDArray, target: dtype, layout: str) -> Array:
    """Host values, already of the dtype, as an Array whose memory is laid out in a certain way.

    What the Array does not show holds other values (NaN where the dtype has one), so that a wrong stride is noticed.
    """
    rank = values.ndim
    if layout == "contiguous" or not rank or not values.size:
        return host.from_host(runtime, values, target)
    if layout == "transposed":
        memory = host.from_host(runtime, values.transpose(), target)
        return dispatch.move(memory, values.shape, tuple(reversed(memory.strides)))
    if layout == "reversed":
        memory = host.from_host(runtime, np.flip(values), target)
        strides = tuple(-step for step in memory.strides)
        return dispatch.move(memory, values.shape, strides, values.size - 1)
    if layout == "expanded":
        memory = host.from_host(runtime, values[:1], target)
        return dispatch.move(memory, values.shape, (0, *memory.strides[1:]))
    frame = np.full([2 * size + 1 for size in values.shape], _other(target))
    frame[tuple(slice(1, None, 2) for _ in range(rank))] = values
    memory = host.from_host(runtime, frame, target)
    return dispatch.move(memory, values.shape, tuple(2 * s for s in memory.strides), sum(memory.strides))


def _other(target: dtype) -> Any:
    """A value that no sample contains."""
    number = math.nan if target.kind in "fc" else {"b": True}.get(target.kind, 77)
    return np.asarray(number).astype(target.numpy)


def shown_in(values: NDArray, layout: str) -> NDArray:
    """The values that a layout can show: broadcast memory repeats the first row."""
    if layout != "expanded" or not values.ndim or not values.size:
        return values
    return np.broadcast_to(values[:1], values.shape)


def tensor(
    device: str, values: NDArray, target: dtype, layout: str = "contiguous", requires_grad: bool = False
) -> Tensor:
    """Host values as a tensor."""
    from hotplug.runtime import resolve_runtime

    made = wrap(laid_out(resolve_runtime(device), cast(values, target), target, layout))
    return made.requires_grad_() if requires_grad else made


class Placed:
    """The arguments of one sample on a device.

    Attributes:
        args, kwargs: what the op is called with.
        leaves: the tensors whose gradients are asked for, in order.
    """

    def __init__(
        self, sample: Sample, device: str, kind: dtype, layout: str = "contiguous", *, wide: bool = False,
        grad: bool = False, writes: bool = False,
    ) -> None:  # fmt: skip
        self._device = device
        self._kind = kind
        self._layout = layout
        self._wide = wide
        self._grad = grad
        self.leaves: list[Tensor] = []
        self.args: list[Any] = [self._made(each) for each in sample.args]
        self.kwargs: dict[str, Any] = {name: self._made(each) for name, each in sample.kwargs.items()}
        if writes and isinstance(self.args[0], Tensor) and self.args[0].requires_grad:
            self.args[0] = ops.clone(self.args[0])  # a leaf can't be written

    def _target(self, name: str) -> dtype:
        return by_name(WIDER.get(name, name)) if self._wide else by_name(name)

    def _made(self, value: Any) -> Any:
        if isinstance(value, Operand):
            return self._operand(value)
        if isinstance(value, Kind):
            return self._target(value.name)
        if isinstance(value, Marker):
            return self._device if value.name == "device" else self._target(self._kind.name)
        if isinstance(value, (list, tuple)):
            return type(value)(self._made(each) for each in value)
        return value

    def _operand(self, operand: Operand) -> Tensor:
        exact = by_name(operand.dtype) if operand.dtype else self._kind
        target = self._target(exact.name)
        values = cast(cast(shown_in(operand.values, self._layout), exact), target)
        wants = self._grad and operand.grad and target.kind in "fc"
        made = tensor(self._device, values, target, self._layout, wants)
        if wants:
            self.leaves.append(made)
        return made


def outputs(result: Any) -> list[Any]:
    """The outputs of an op as a flat list."""
    if isinstance(result, (list, tuple)):
        return [each for part in result for each in outputs(part)]
    return [result]


def host_values(value: Tensor) -> NDArray:
    """A tensor's elements on the host."""
    return host.to_host(value.detach()._array, "conformance")


def blank(runtime: Runtime, target: dtype, shape: tuple[int, ...]) -> Array:
    """An uninitialised Array."""
    return runtime.empty(layout_of(target, shape))
