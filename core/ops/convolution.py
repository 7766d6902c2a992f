"""Convolution over one to three axes, and its two gradients: three composites, each the gradient of the others.

The decomposition copies the windows into the columns of a matrix and multiplies once.  A backend that has kernels of its
own tells the number of axes from ``key.rank - 2``; stride, padding, dilation and groups are the kernel's scalars.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from hotplug.declare import composite, function
from hotplug.dtypes import dtype as DType
from hotplug.errors import ArgumentError, DTypeError, ShapeError
from hotplug.layout import Shape
from hotplug.ops import products, reduction, views
from hotplug.ops.padding import padded
from hotplug.ops.windows import columns_of, count_windows, images_of, tuple_of
from hotplug.tensor import Tensor


def _trimmed(tensor: Tensor, axis: int, out: Shape) -> Tensor:
    """The first windows along the axes from ``axis`` on: output padding may leave room for one more than there are."""
    for place, size in enumerate(out, axis):
        if tensor.shape[place] != size:
            tensor = views.narrow(tensor, place, 0, size)
    return tensor


def _grouped_columns(
    input: Tensor, out: Shape, kernel: Shape, stride: Shape, padding: Shape, dilation: Shape, groups: int
) -> Tensor:  # fmt: skip
    """``(groups, C / groups * K, N * P)``: every window of the padded input as a column."""
    columns = _trimmed(columns_of(input, kernel, stride, padding, dilation), 2 + len(kernel), out)
    return views.reshape(columns, (groups, input.shape[1] // groups * math.prod(kernel), -1))


def _grouped_weight(weight: Tensor, groups: int) -> Tensor:
    """``(groups, O / groups, C / groups * K)``."""
    return views.reshape(weight, (groups, weight.shape[0] // groups, -1))


def _grouped_rows(grad: Tensor, groups: int) -> Tensor:
    """``(N, O, *P)`` as ``(groups, O / groups, N * P)``."""
    return views.reshape(views.transpose(grad, 0, 1), (groups, grad.shape[1] // groups, -1))


def _outputs(
    input: Tensor, weight: Tensor, bias: Tensor | None, stride: Shape, padding: Shape, dilation: Shape, groups: int
) -> list[tuple[Shape, DType]]:
    out = count_windows(tuple(input.shape[2:]), tuple(weight.shape[2:]), stride, padding, dilation)
    return [((input.shape[0], weight.shape[0], *out), input.dtype)]


@composite(outputs=_outputs)
def convolution(
    input: Tensor, weight: Tensor, bias: Tensor | None, stride: Shape, padding: Shape, dilation: Shape, groups: int
) -> Tensor:  # fmt: skip
    """``out[n, o, p] = bias[o] + sum_{c, k} weight[o, c, k] * input[n, c, p * stride + k * dilation - padding]``."""
    kernel, count = tuple(weight.shape[2:]), weight.shape[0]
    out = count_windows(tuple(input.shape[2:]), kernel, stride, padding, dilation)
    columns = _grouped_columns(input, out, kernel, stride, padding, dilation, groups)
    product = products.product(_grouped_weight(weight, groups), columns)
    images = views.transpose(views.reshape(product, (count, input.shape[0], *out)), 0, 1)
    if bias is None:
        return images.contiguous()
    shifted: Tensor = images + views.reshape(bias, (-1, *(1,) * len(kernel)))
    return shifted


@composite(outputs=lambda delta, weight, shape, *_: [(shape, delta.dtype)])
def convolution_input_backward(
    delta: Tensor, weight: Tensor, shape: Shape, stride: Shape, padding: Shape, dilation: Shape, groups: int
) -> Tensor:
    """The gradient for an input of ``shape``: every tap of the kernel adds its product to the places it has read."""
    kernel = tuple(weight.shape[2:])
    turned = views.transpose(_grouped_weight(weight, groups), 1, 2)
    product = products.product(turned, _grouped_rows(delta, groups))
    columns = views.reshape(product, (shape[1], *kernel, shape[0], *delta.shape[2:]))
    return images_of(columns, shape[2:], kernel, stride, padding, dilation)


@composite(outputs=lambda delta, input, shape, *_: [(shape, delta.dtype)])
def convolution_weight_backward(
    delta: Tensor, input: Tensor, shape: Shape, stride: Shape, padding: Shape, dilation: Shape, groups: int
) -> Tensor:
    """The gradient for a weight of ``shape``: the output's gradient times the columns."""
    columns = _grouped_columns(input, tuple(delta.shape[2:]), shape[2:], stride, padding, dilation, groups)
    return views.reshape(products.product(_grouped_rows(delta, groups), views.transpose(columns, 1, 2)), shape)


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


@convolution.gradient("bias")
def _(grad: Tensor) -> Tensor:
    return reduction.sum(grad, (0, *range(2, grad.ndim)))


@convolution_input_backward.gradient("delta")
def _(
    grad: Tensor, weight: Tensor, delta_shape: Shape, stride: Shape, padding: Shape, dilation: Shape, groups: int
) -> Tensor:
    return _trimmed(convolution(grad, weight, None, stride, padding, dilation, groups), 2, delta_shape[2:])


@convolution_input_backward.gradient("weight")
def _(
    grad: Tensor, delta: Tensor, weight_shape: Shape, stride: Shape, padding: Shape, dilation: Shape, groups: int
) -> Tensor:
    return convolution_weight_backward(delta, grad, weight_shape, stride, padding, dilation, groups)


@convolution_weight_backward.gradient("delta")
def _(
    grad: Tensor, input: Tensor, delta_shape: Shape, stride: Shape, padding: Shape, dilation: Shape, groups: int
) -> Tensor:
    return _trimmed(convolution(input, grad, None, stride, padding, dilation, groups), 2, delta_shape[2:])


@convolution_weight_backward.gradient("input")
def _(
    grad: Tensor, delta: Tensor, input_shape: Shape, stride: Shape, padding: Shape, dilation: Shape, groups: int
) -> Tensor:
    return convolution_input_backward(delta, grad, input_shape, stride, padding, dilation, groups)


def _check(op: str, input: Tensor, weight: Tensor, bias: Tensor | None, channels: int, out: int) -> None:
    for name, each in (("weight", weight), ("bias", bias)):
        if each is not None and each.dtype is not input.dtype:
            raise DTypeError(
                f"{op}: input type ({input.dtype.name}) and {name} type ({each.dtype.name}) should be the same; convert "
                f"one with .to(dtype)"
            )
    if input.shape[1] != channels:
        raise ShapeError(
            f"{op}: given weight of size {list(weight.shape)}, expected input{list(input.shape)} to have {channels} "
            f"channels, but got {input.shape[1]} channels instead"
        )
    if bias is not None and tuple(bias.shape) != (out,):
        raise ShapeError(f"{op}: expected bias of shape [{out}], got {list(bias.shape)}")


class ConvolutionArgumentError(ArgumentError, RuntimeError):
    """A stride, padding, dilation or number of groups that no convolution has."""


def _check_options(op: str, weight: Tensor, groups: int, stride: Shape, padding: Shape, dilation: Shape) -> None:
    if groups <= 0 or weight.shape[0] % groups:
        raise ConvolutionArgumentError(
            f"{op}: groups must be positive and divide the first size of the weight {list(weight.shape)}, got {groups}"
        )
    if min(stride) <= 0 or min(dilation) <= 0 or min(padding) < 0:
        raise ConvolutionArgumentError(
            f"{op}: stride and dilation must be greater than zero and padding not negative, got {list(stride)}, "
            f"{list(dilation)} and {list(padding)}"
        )


def _batched(op: str, rank: int, input: Tensor, weight: Tensor) -> Tensor:
    if weight.ndim != rank + 2 or input.ndim not in (rank + 1, rank + 2):
        raise ShapeError(
            f"{op}: expected {rank + 1}D (unbatched) or {rank + 2}D (batched) input and a {rank + 2}D weight, got input "
            f"of size {list(input.shape)} and weight of size {list(weight.shape)}"
        )
    return views.unsqueeze(input, 0) if input.ndim == rank + 1 else input


def _around(op: str, padding: Any, kernel: Sequence[int], stride: Shape, dilation: Shape) -> tuple[Shape, Shape]:
    """Padding on both sides, and what comes behind in addition where ``same`` needs an odd number in all."""
    rank = len(stride)
    if not isinstance(padding, str):
        return tuple_of(op, "padding", padding, rank), (0,) * rank
    if padding not in ("same", "valid"):
        raise ConvolutionArgumentError(f"{op}: padding must be 'valid', 'same' or integers, got {padding!r}")
    if padding == "valid":
        return (0,) * rank, (0,) * rank
    if any(step != 1 for step in stride):
        raise ConvolutionArgumentError(f"{op}: padding='same' is not supported for strided convolutions")
    totals = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
    return tuple(total // 2 for total in totals), tuple(total % 2 for total in totals)


def _conv(
    rank: int, input: Tensor, weight: Tensor, bias: Tensor | None, stride: Any, padding: Any, dilation: Any, groups: int
) -> Tensor:
    op = f"conv{rank}d"
    batch = _batched(op, rank, input, weight)
    steps, spread = tuple_of(op, "stride", stride, rank), tuple_of(op, "dilation", dilation, rank)
    around, extra = _around(op, padding, weight.shape[2:], steps, spread)
    _check_options(op, weight, groups, steps, around, spread)
    _check(op, batch, weight, bias, weight.shape[1] * groups, weight.shape[0])
    if any(extra):
        batch = padded(batch, (0,) * (rank + 2), (0, 0, *extra), 0)
    if min(count_windows(tuple(batch.shape[2:]), tuple(weight.shape[2:]), steps, around, spread)) <= 0:
        raise ShapeError(
            f"{op}: kernel size {list(weight.shape[2:])} can't be greater than the padded input size "
            f"{[s + 2 * p for s, p in zip(batch.shape[2:], around, strict=True)]}"
        )
    result = convolution(batch, weight, bias, steps, around, spread, groups)
    return views.squeeze(result, 0) if input.ndim == rank + 1 else result


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


# --- transposed ------------------------------------------------------------------------------------------------------


def _conv_transpose(
    rank: int, input: Tensor, weight: Tensor, bias: Tensor | None, stride: Any, padding: Any, output_padding: Any,
    groups: int, dilation: Any,
) -> Tensor:  # fmt: skip
    """The gradient of a convolution for its input, used forwards."""
    op = f"conv_transpose{rank}d"
    batch = _batched(op, rank, input, weight)
    given = {"stride": stride, "padding": padding, "dilation": dilation, "output_padding": output_padding}
    steps, around, spread, extra = (tuple_of(op, name, value, rank) for name, value in given.items())
    _check_options(op, weight, groups, steps, around, spread)
    out = weight.shape[1] * groups
    _check(op, batch, weight, bias, weight.shape[0], out)
    if any(e >= max(s, d) or e < 0 for e, s, d in zip(extra, steps, spread, strict=True)):
        raise ConvolutionArgumentError(
            f"{op}: output padding must be smaller than either stride or dilation, got {list(extra)}, {list(steps)} and "
            f"{list(spread)}"
        )
    size = tuple(
        (n - 1) * s - 2 * p + d * (k - 1) + e + 1
        for n, s, p, d, k, e in zip(batch.shape[2:], steps, around, spread, weight.shape[2:], extra, strict=True)
    )
    if min(size) <= 0:
        raise ShapeError(f"{op}: the output size {list(size)} would be too small for input {list(input.shape)}")
    shape = (batch.shape[0], out, *size)
    result = convolution_input_backward(batch, weight, shape, steps, around, spread, groups)
    if bias is not None:
        result = result + views.reshape(bias, (-1, *(1,) * rank))
    return views.squeeze(result, 0) if input.ndim == rank + 1 else result


@function(method=False)
def conv_transpose1d(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1, padding: Any = 0,
                     output_padding: Any = 0, groups: int = 1, dilation: Any = 1) -> Tensor:  # fmt: skip
    """Transposed convolution.  input ``(N, C, L)``, weight ``(C, O / groups, K)`` -> ``(N, O, L')`` with
    ``L' = (L - 1) * stride - 2 * padding + dilation * (K - 1) + output_padding + 1``.
    """
    return _conv_transpose(1, input, weight, bias, stride, padding, output_padding, groups, dilation)


@function(method=False)
def conv_transpose2d(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1, padding: Any = 0,
                     output_padding: Any = 0, groups: int = 1, dilation: Any = 1) -> Tensor:  # fmt: skip
    """Transposed convolution.  input ``(N, C, H, W)``, weight ``(C, O / groups, K, K)`` -> ``(N, O, H', W')``, sizes as
    in :func:`conv_transpose1d`.
    """
    return _conv_transpose(2, input, weight, bias, stride, padding, output_padding, groups, dilation)


@function(method=False)
def conv_transpose3d(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1, padding: Any = 0,
                     output_padding: Any = 0, groups: int = 1, dilation: Any = 1) -> Tensor:  # fmt: skip
    """Transposed convolution.  input ``(N, C, D, H, W)``, weight ``(C, O / groups, K, K, K)``, sizes as in
    :func:`conv_transpose1d`.
    """
    return _conv_transpose(3, input, weight, bias, stride, padding, output_padding, groups, dilation)
