"""Convolution over one to three axes, and its two gradients: three composites, each the gradient of the others.

The decomposition copies the windows into the columns of a matrix and multiplies once.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from hotplug.declare import composite, function
from hotplug.errors import ArgumentError, DTypeError, ShapeError
from hotplug.layout import Shape
from hotplug.ops.view_ops import embed, located_part, strided
from hotplug.tensor import Tensor


def tuple_of(op: str, name: str, value: Any, rank: int) -> Shape:
    """An int for all axes, or one for each.

    Raises:
        ShapeError: another number of them.
    """
    if isinstance(value, int):
        return (value,) * rank
    found = tuple(int(each) for each in value)
    if len(found) == 1:
        return found * rank
    if len(found) != rank:
        raise ShapeError(
            f"{op}: expected {name} to be a single integer or a list of {rank} integers, got {list(found)}"
        )
    return found


def _axes(rank: int) -> tuple[Shape, ...]:
    return tuple(tuple(int(i == j) for j in range(rank)) for i in range(rank))


def padded(input: Tensor, padding: Sequence[int], extra: Sequence[int] = ()) -> Tensor:
    """Zeros around the last axes: ``padding`` on both sides and ``extra`` more behind."""
    if not any(padding) and not any(extra):
        return input
    rank, lead = input.ndim, input.ndim - len(padding)
    behind = extra or (0,) * len(padding)
    shape = [*input.shape[:lead], *(s + 2 * p + e for s, p, e in zip(input.shape[lead:], padding, behind, strict=True))]
    return embed(input, tuple(shape), _axes(rank), (0,) * lead + tuple(padding))


def windows(input: Tensor, kernel: Shape, stride: Shape, dilation: Shape) -> Tensor:
    """A view ``(N, C, *out, *kernel)`` of a contiguous ``(N, C, *S)``."""
    array = input._array
    steps = array.strides[2:]
    out = [
        (s - d * (k - 1) - 1) // st + 1 for s, k, st, d in zip(array.shape[2:], kernel, stride, dilation, strict=True)
    ]
    shape = (*array.shape[:2], *out, *kernel)
    strides = (
        *array.strides[:2],
        *(step * st for step, st in zip(steps, stride, strict=True)),
        *(step * d for step, d in zip(steps, dilation, strict=True)),
    )
    return strided(input, shape, strides, array.offset)


def _columns(input: Tensor, kernel: Shape, stride: Shape, padding: Shape, dilation: Shape, groups: int) -> Tensor:
    """``(groups, C / groups * K, N * P)``: every window of the padded input as a column."""
    from hotplug import ops

    view = windows(ops.contiguous(padded(input, padding)), kernel, stride, dilation)
    rank = len(kernel)
    order = (1, *range(2 + rank, 2 + 2 * rank), 0, *range(2, 2 + rank))
    channels = input.shape[1]
    return ops.reshape(ops.permute(view, order), (groups, channels // groups * math.prod(kernel), -1))


def out_size(input: Tensor, weight: Tensor, stride: Shape, padding: Shape, dilation: Shape) -> Shape:
    """Spatial sizes of the result."""
    return tuple(
        (s + 2 * p - d * (k - 1) - 1) // st + 1
        for s, k, st, p, d in zip(input.shape[2:], weight.shape[2:], stride, padding, dilation, strict=True)
    )


def _outputs(input: Tensor, weight: Tensor, stride: Shape, padding: Shape, dilation: Shape, groups: int) -> list[Any]:
    return [((input.shape[0], weight.shape[0], *out_size(input, weight, stride, padding, dilation)), input.dtype)]


@composite(outputs=_outputs)
def convolution(
    input: Tensor, weight: Tensor, stride: Shape, padding: Shape, dilation: Shape, groups: int
) -> Tensor:  # fmt: skip
    """``out[n, o, p] = sum_{c, k} weight[o, c, k] * input[n, c, p * stride + k * dilation - padding]``."""
    from hotplug import ops

    count, out = weight.shape[0], out_size(input, weight, stride, padding, dilation)
    columns = _columns(input, tuple(weight.shape[2:]), stride, padding, dilation, groups)
    product = ops.matmul(ops.reshape(weight, (groups, count // groups, -1)), columns)
    spatial = ops.reshape(product, (count, input.shape[0], *out))
    return ops.contiguous(ops.transpose(spatial, 0, 1))


def _rows(grad: Tensor, groups: int) -> Tensor:
    """``(N, O, *P)`` as ``(groups, O / groups, N * P)``."""
    from hotplug import ops

    return ops.reshape(ops.transpose(grad, 0, 1), (groups, grad.shape[1] // groups, -1))


@composite(outputs=lambda delta, weight, shape, stride, padding, dilation, groups: [(shape, delta.dtype)])
def convolution_input_backward(
    delta: Tensor, weight: Tensor, shape: Shape, stride: Shape, padding: Shape, dilation: Shape, groups: int
) -> Tensor:
    """The gradient for the input: every tap of the kernel adds its product to the places that it has read."""
    from hotplug import ops

    kernel, rank, out = tuple(weight.shape[2:]), len(stride), tuple(delta.shape[2:])
    flat = ops.reshape(weight, (groups, weight.shape[0] // groups, -1))
    product = ops.matmul(ops.transpose(flat, 1, 2), _rows(delta, groups))
    taps = ops.reshape(product, (shape[1], math.prod(kernel), shape[0], *out))
    total = ops.zeros(
        (*shape[:2], *(s + 2 * p for s, p in zip(shape[2:], padding, strict=True))),
        dtype=delta.dtype,
        device=delta.device,
    )
    steps = (_axes(2 + rank)[0], _axes(2 + rank)[1]) + tuple(
        tuple(st * x for x in axis) for st, axis in zip(stride, _axes(2 + rank)[2:], strict=True)
    )
    for number in range(math.prod(kernel)):
        tap = _unravel(number, kernel)
        start = (0, 0, *(t * d for t, d in zip(tap, dilation, strict=True)))
        part = located_part(total, (*shape[:2], *out), steps, start)
        part.add_(ops.transpose(ops.select(taps, 1, number), 0, 1))
    return ops.contiguous(located_part(total, shape, _axes(2 + rank), (0, 0, *padding)))


def _unravel(number: int, sizes: Shape) -> Shape:
    """C-order coordinates of a flat position."""
    found = []
    for size in reversed(sizes):
        found.append(number % size)
        number //= size
    return tuple(reversed(found))


@composite(outputs=lambda delta, input, shape, stride, padding, dilation, groups: [(shape, delta.dtype)])
def convolution_weight_backward(
    delta: Tensor, input: Tensor, shape: Shape, stride: Shape, padding: Shape, dilation: Shape, groups: int
) -> Tensor:
    """The gradient for the weight: the output's gradient times the columns."""
    from hotplug import ops

    columns = _columns(input, shape[2:], stride, padding, dilation, groups)
    product = ops.matmul(_rows(delta, groups), ops.transpose(columns, 1, 2))
    return ops.reshape(product, shape)


@convolution.gradient("input")
def _(
    grad: Tensor, weight: Tensor, input_shape: Shape, stride: Shape, padding: Shape, dilation: Shape, groups: int
) -> Tensor:
    return convolution_input_backward(grad, weight, input_shape, stride, padding, dilation, groups)


@convolution.gradient("weight")
def _(
    grad: Tensor, input: Tensor, weight_shape: Shape, stride: Shape, padding: Shape, dilation: Shape, groups: int
) -> Tensor:
    return convolution_weight_backward(grad, input, weight_shape, stride, padding, dilation, groups)


@convolution_input_backward.gradient("delta")
def _(grad: Tensor, weight: Tensor, stride: Shape, padding: Shape, dilation: Shape, groups: int) -> Tensor:
    return convolution(grad, weight, stride, padding, dilation, groups)


@convolution_input_backward.gradient("weight")
def _(
    grad: Tensor, delta: Tensor, weight_shape: Shape, stride: Shape, padding: Shape, dilation: Shape, groups: int
) -> Tensor:
    return convolution_weight_backward(delta, grad, weight_shape, stride, padding, dilation, groups)


@convolution_weight_backward.gradient("delta")
def _(grad: Tensor, input: Tensor, stride: Shape, padding: Shape, dilation: Shape, groups: int) -> Tensor:
    return convolution(input, grad, stride, padding, dilation, groups)


@convolution_weight_backward.gradient("input")
def _(
    grad: Tensor, delta: Tensor, input_shape: Shape, stride: Shape, padding: Shape, dilation: Shape, groups: int
) -> Tensor:
    return convolution_input_backward(delta, grad, input_shape, stride, padding, dilation, groups)


def _check(op: str, input: Tensor, weight: Tensor, bias: Tensor | None, groups: int) -> None:
    rank = weight.ndim - 2
    if weight.dtype is not input.dtype or (bias is not None and bias.dtype is not input.dtype):
        raise DTypeError(
            f"{op}: input type ({input.dtype.name}) and weight type ({weight.dtype.name}) should be the same"
        )
    if groups <= 0 or weight.shape[0] % groups:
        raise ArgumentError(f"{op}: groups {groups} must be positive and divide the {weight.shape[0]} output channels")
    if input.shape[1] != weight.shape[1] * groups:
        raise ShapeError(
            f"{op}: given groups={groups}, weight of size {list(weight.shape)}, expected input{list(input.shape)} to have "
            f"{weight.shape[1] * groups} channels, but got {input.shape[1]} channels instead"
        )
    if bias is not None and tuple(bias.shape) != (weight.shape[0],):
        raise ShapeError(f"{op}: expected bias of shape [{weight.shape[0]}], got {list(bias.shape)} ({rank}d)")


def _same(kernel: Sequence[int], dilation: Shape) -> tuple[Shape, Shape]:
    """Padding that keeps the size: in front and behind alike, and one more behind where the total is odd."""
    totals = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
    return tuple(t // 2 for t in totals), tuple(t % 2 for t in totals)


def _conv(
    rank: int, input: Tensor, weight: Tensor, bias: Tensor | None, stride: Any, padding: Any, dilation: Any, groups: int
) -> Tensor:
    from hotplug import ops

    op = f"conv{rank}d"
    if weight.ndim != rank + 2 or input.ndim not in (rank + 1, rank + 2):
        raise ShapeError(
            f"{op}: expected {rank + 1}D (unbatched) or {rank + 2}D (batched) input and a {rank + 2}D weight, got input of "
            f"size {list(input.shape)} and weight of size {list(weight.shape)}"
        )
    single = input.ndim == rank + 1
    input = ops.unsqueeze(input, 0) if single else input
    _check(op, input, weight, bias, groups)
    steps, spread = tuple_of(op, "stride", stride, rank), tuple_of(op, "dilation", dilation, rank)
    if isinstance(padding, str):
        if padding not in ("same", "valid") or (padding == "same" and any(s != 1 for s in steps)):
            raise ArgumentError(f"{op}: padding must be 'valid', 'same' (with stride 1) or integers, got {padding!r}")
        around, extra = _same(weight.shape[2:], spread) if padding == "same" else ((0,) * rank, (0,) * rank)
        input = padded(input, (0,) * rank, extra)
    else:
        around = tuple_of(op, "padding", padding, rank)
    if any(size <= 0 for size in out_size(input, weight, steps, around, spread)):
        raise ShapeError(
            f"{op}: kernel {list(weight.shape[2:])} can't be larger than the padded input {list(input.shape[2:])}"
        )
    result = convolution(input, weight, steps, around, spread, groups)
    if bias is not None:
        result = result + ops.reshape(bias, (1, -1) + (1,) * rank)
    return ops.squeeze(result, 0) if single else result


@function(method=False)
def conv1d(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1, padding: Any = 0,
           dilation: Any = 1, groups: int = 1) -> Tensor:  # fmt: skip
    """Convolution over one axis.  input ``(N, C, L)``, weight ``(O, C / groups, K)``, bias ``(O)`` -> ``(N, O, L')``."""
    return _conv(1, input, weight, bias, stride, padding, dilation, groups)


@function(method=False)
def conv2d(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1, padding: Any = 0,
           dilation: Any = 1, groups: int = 1) -> Tensor:  # fmt: skip
    """Convolution over two axes.  input ``(N, C, H, W)``, weight ``(O, C / groups, K, K)`` -> ``(N, O, H', W')``."""
    return _conv(2, input, weight, bias, stride, padding, dilation, groups)


@function(method=False)
def conv3d(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1, padding: Any = 0,
           dilation: Any = 1, groups: int = 1) -> Tensor:  # fmt: skip
    """Convolution over three axes.  input ``(N, C, D, H, W)``, weight ``(O, C / groups, K, K, K)``."""
    return _conv(3, input, weight, bias, stride, padding, dilation, groups)
