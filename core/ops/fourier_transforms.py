"""Fourier transforms along one axis: three composites, whose gradients are one another, and torch.fft's functions."""

from __future__ import annotations

import math

from hotplug.declare import composite, function
from hotplug.declare.dims import canonical_dim
from hotplug.dtypes import dtype as DType, get_default_dtype
from hotplug.errors import ArgumentError, DTypeError, RankError, ShapeError
from hotplug.layout import Shape
from hotplug.ops import complex_numbers, fourier_arrays, joining, views
from hotplug.ops.padding import padded
from hotplug.tensor import Tensor, wrap


class FourierArgumentError(ArgumentError, RuntimeError):
    """An argument that no transform has."""


@composite(outputs=lambda input, inverse: [(tuple(input.shape), input.dtype)])
def fourier(input: Tensor, inverse: bool) -> Tensor:
    """``out[k] = sum_j input[j] exp(-2 pi i j k / N)`` (``+`` for the inverse) along the last axis of complex ``(*B, N)``."""
    return wrap(fourier_arrays.transform(input._array, inverse))


@fourier.gradient("input")
def _(grad: Tensor, inverse: bool) -> Tensor:
    """The adjoint of a transform is the transform the other way."""
    return fourier(grad, not inverse)


def _of_real_outputs(input: Tensor) -> list[tuple[Shape, DType]]:
    return [((*input.shape[:-1], input.shape[-1] // 2 + 1), input.dtype.to_complex())]


@composite(outputs=_of_real_outputs)
def fourier_of_real(input: Tensor) -> Tensor:
    """Of real ``(*B, N)``, the frequencies from 0 on: ``(*B, N // 2 + 1)``; the others are their conjugates."""
    return views.narrow(fourier(input.to(input.dtype.to_complex()), False), -1, 0, input.shape[-1] // 2 + 1)


@fourier_of_real.gradient("input")
def _(grad: Tensor, input_shape: Shape) -> Tensor:
    return complex_numbers.real(fourier(fitted(grad, -1, input_shape[-1]), True))


@composite(outputs=lambda input, size: [((*input.shape[:-1], size), input.dtype.real)])
def fourier_to_real(input: Tensor, size: int) -> Tensor:
    """The inverse of :func:`fourier_of_real` times ``size``: ``(*B, size // 2 + 1)`` -> real ``(*B, size)``."""
    return complex_numbers.real(fourier(fitted(_both_sides(input, size), -1, size), True))


@fourier_to_real.gradient("input")
def _(grad: Tensor, size: int) -> Tensor:
    return _both_sides(fourier_of_real(grad), size)


def _both_sides(tensor: Tensor, size: int) -> Tensor:
    """Frequencies that stand for their conjugates too, twice: all but 0 and, of an even size, the last."""
    last = (size - 1) // 2
    parts = [views.narrow(tensor, -1, 0, 1), views.narrow(tensor, -1, 1, last) * 2]
    if size % 2 == 0:
        parts.append(views.narrow(tensor, -1, last + 1, 1))
    return joining.cat(parts, -1)


def fitted(tensor: Tensor, dim: int, size: int) -> Tensor:
    """Cut off, or continued with zeros, along one axis."""
    dim %= tensor.ndim
    more = size - tensor.shape[dim]
    if more <= 0:
        return views.narrow(tensor, dim, 0, size) if more else tensor
    return padded(tensor, (0,) * tensor.ndim, tuple(more if axis == dim else 0 for axis in range(tensor.ndim)), 0)


# --- arguments --------------------------------------------------------------------------------------------------------

NORMS = ("backward", "ortho", "forward")


def scale_of(op: str, norm: str | None, size: int, inverse: bool) -> float:
    """The factor of a transform of ``size`` points.

    Raises:
        FourierArgumentError: no such norm.
    """
    mode = "backward" if norm is None else norm
    if mode not in NORMS:
        raise FourierArgumentError(f"{op}: Invalid normalization mode: {norm!r}; use one of {', '.join(NORMS)}")
    if mode == "ortho":
        return 1.0 / math.sqrt(size)
    return 1.0 / size if (mode == "backward") is inverse else 1.0


def scaled(tensor: Tensor, factor: float) -> Tensor:
    """The product with a factor that is often 1."""
    return tensor if factor == 1.0 else tensor * factor


def promoted(op: str, input: Tensor, complex: bool) -> Tensor:
    """The input as real or complex numbers of at least 32 bits.

    Raises:
        DTypeError: a half type, or complex numbers where real ones are asked for.
    """
    kind = input.dtype if input.dtype.kind in "fc" else get_default_dtype()
    if kind.itemsize < 4:
        raise DTypeError(f"{op}: Unsupported dtype {kind.name}; convert with .float()")
    if kind.kind == "c" and not complex:
        raise DTypeError(f"{op} expects a real input tensor, but got {kind.name}; use the transform without r or ih")
    return input.to(kind.to_complex() if complex else kind)


def size_of(op: str, size: int | None, default: int) -> int:
    """A number of points.

    Raises:
        ShapeError: it is not positive.
    """
    count = default if size is None or size == -1 else size
    if count < 1:
        raise ShapeError(f"{op}: Invalid number of data points ({count}) specified; at least 1 is needed")
    return count


def axis_of(op: str, input: Tensor, dim: int) -> int:
    """A dimension counted from the front; 0-d tensors have none."""
    if not input.ndim:
        raise RankError(f"{op}: a transform needs at least 1 dimension, got a 0-d tensor; use reshape(1)")
    return canonical_dim(op, dim, input.ndim)


def complex_along(input: Tensor, dim: int, size: int, inverse: bool) -> Tensor:
    """Complex to complex along one axis, without a scale."""
    turned = views.transpose(fitted(input, dim, size), dim, -1)
    return views.transpose(fourier(turned, inverse), dim, -1)


def real_along(input: Tensor, dim: int, size: int) -> Tensor:
    """Real to the non-negative frequencies along one axis, without a scale."""
    return views.transpose(fourier_of_real(views.transpose(fitted(input, dim, size), dim, -1)), dim, -1)


def to_real_along(input: Tensor, dim: int, size: int) -> Tensor:
    """The non-negative frequencies to ``size`` real numbers along one axis, without a scale."""
    turned = views.transpose(fitted(input, dim, size // 2 + 1), dim, -1)
    return views.transpose(fourier_to_real(turned, size), dim, -1)


# --- one axis ---------------------------------------------------------------------------------------------------------


def _complex_transform(op: str, input: Tensor, n: int | None, dim: int, norm: str | None, inverse: bool) -> Tensor:
    axis = axis_of(op, input, dim)
    size = size_of(op, n, input.shape[axis])
    result = complex_along(promoted(op, input, True), axis, size, inverse)
    return scaled(result, scale_of(op, norm, size, inverse))


def _real_transform(op: str, input: Tensor, n: int | None, dim: int, norm: str | None, inverse: bool) -> Tensor:
    axis = axis_of(op, input, dim)
    size = size_of(op, n, input.shape[axis])
    return scaled(real_along(promoted(op, input, False), axis, size), scale_of(op, norm, size, inverse))


def _transform_to_real(op: str, input: Tensor, n: int | None, dim: int, norm: str | None, inverse: bool) -> Tensor:
    axis = axis_of(op, input, dim)
    size = size_of(op, n, 2 * (input.shape[axis] - 1))
    numbers = promoted(op, input, True)
    result = to_real_along(numbers if inverse else complex_numbers.conj(numbers), axis, size)
    return scaled(result, scale_of(op, norm, size, inverse))


@function(method=False, namespace="fft", name="fft")
def fft_fft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """The discrete Fourier transform along ``dim``, complex: ``out[k] = sum_j input[j] exp(-2 pi i j k / n)``.

    The axis is cut off or continued with zeros to ``n`` elements.  norm ``"backward"`` (default) scales the inverse by
    ``1 / n``, ``"forward"`` this one, ``"ortho"`` both by the root.
    """
    return _complex_transform("fft.fft", input, n, dim, norm, False)


@function(method=False, namespace="fft", name="ifft")
def fft_ifft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """The inverse of :func:`fft.fft`."""
    return _complex_transform("fft.ifft", input, n, dim, norm, True)


@function(method=False, namespace="fft", name="rfft")
def fft_rfft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """:func:`fft.fft` of real numbers, only the ``n // 2 + 1`` frequencies from 0 on."""
    return _real_transform("fft.rfft", input, n, dim, norm, False)


@function(method=False, namespace="fft", name="irfft")
def fft_irfft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """The inverse of :func:`fft.rfft`: ``n // 2 + 1`` frequencies to ``n`` real numbers (by default an even number)."""
    return _transform_to_real("fft.irfft", input, n, dim, norm, True)


@function(method=False, namespace="fft", name="hfft")
def fft_hfft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """:func:`fft.fft` of a Hermitian signal, given by its first ``n // 2 + 1`` elements: ``n`` real numbers."""
    return _transform_to_real("fft.hfft", input, n, dim, norm, False)


@function(method=False, namespace="fft", name="ihfft")
def fft_ihfft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """The inverse of :func:`fft.hfft`: of ``n`` real numbers, the first ``n // 2 + 1`` of a Hermitian signal."""
    return complex_numbers.conj(_real_transform("fft.ihfft", input, n, dim, norm, True))
