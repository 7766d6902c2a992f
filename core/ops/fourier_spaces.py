"""Fourier transforms along several axes, and what goes with them: shifts, frequencies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hotplug.declare import function
from hotplug.declare.dims import canonical_dim
from hotplug.dtypes import dtype as DType
from hotplug.errors import DTypeError, ShapeError
from hotplug.ops import complex_numbers, creation, joining, rearranging
from hotplug.ops.fourier_transforms import (
    FourierArgumentError,
    complex_along,
    promoted,
    real_along,
    scale_of,
    scaled,
    size_of,
    to_real_along,
)
from hotplug.tensor import Tensor

Sizes = Sequence[int] | None


def _axes(op: str, input: Tensor, s: Sizes, dim: Any, real: bool) -> tuple[list[int], list[int | None]]:
    """The axes and the sizes along them, ``None`` where unchanged.

    Raises:
        FourierArgumentError: they are not as many, or one axis appears twice.
    """
    if dim is None:
        count = input.ndim if s is None else len(s)
        if count > input.ndim:
            raise FourierArgumentError(f"{op}: Got shape with {count} values but input tensor only has {input.ndim}")
        axes = list(range(input.ndim - count, input.ndim))
    else:
        axes = [canonical_dim(op, each, input.ndim) for each in ((dim,) if isinstance(dim, int) else dim)]
    sizes: list[int | None] = [None] * len(axes) if s is None else [None if each == -1 else each for each in s]
    if len(sizes) != len(axes):
        raise FourierArgumentError(f"{op}: When given, dim and shape arguments must have the same length")
    if len(set(axes)) != len(axes):
        raise FourierArgumentError(f"{op}: FFT dims must be unique, got {list(axes)}")
    if real and not axes:
        raise ShapeError(f"{op} must transform at least one axis")
    return axes, sizes


def _along(
    op: str, input: Tensor, axes: Sequence[int], sizes: Sequence[int | None], inverse: bool
) -> tuple[Tensor, int]:
    """Complex transforms along the axes, and the number of points."""
    points = 1
    for axis, size in zip(axes, sizes, strict=True):
        count = size_of(op, size, input.shape[axis])
        input, points = complex_along(input, axis, count, inverse), points * count
    return input, points


def _complex(op: str, input: Tensor, s: Sizes, dim: Any, norm: str | None, inverse: bool) -> Tensor:
    axes, sizes = _axes(op, input, s, dim, False)
    result, points = _along(op, promoted(op, input, True), axes, sizes, inverse)
    return scaled(result, scale_of(op, norm, points, inverse))


def _from_real(op: str, input: Tensor, s: Sizes, dim: Any, norm: str | None, inverse: bool) -> Tensor:
    """The last axis from real numbers; ``inverse`` is that of ihfft, whose other axes go the other way too."""
    axes, sizes = _axes(op, input, s, dim, True)
    count = size_of(op, sizes[-1], input.shape[axes[-1]])
    half = real_along(promoted(op, input, False), axes[-1], count)
    result, points = _along(op, complex_numbers.conj(half) if inverse else half, axes[:-1], sizes[:-1], inverse)
    return scaled(result, scale_of(op, norm, points * count, inverse))


def _to_real(op: str, input: Tensor, s: Sizes, dim: Any, norm: str | None, inverse: bool) -> Tensor:
    """The last axis to real numbers, at the end; not ``inverse`` is hfft."""
    axes, sizes = _axes(op, input, s, dim, True)
    count = size_of(op, sizes[-1], 2 * (input.shape[axes[-1]] - 1))
    result, points = _along(op, promoted(op, input, True), axes[:-1], sizes[:-1], inverse)
    whole = to_real_along(result if inverse else complex_numbers.conj(result), axes[-1], count)
    return scaled(whole, scale_of(op, norm, points * count, inverse))


@function(method=False, namespace="fft", name="fftn")
def fft_fftn(input: Tensor, s: Sizes = None, dim: Any = None, norm: str | None = None) -> Tensor:
    """:func:`fft.fft` along several axes (all, or the last ``len(s)``), with the sizes ``s``."""
    return _complex("fft.fftn", input, s, dim, norm, False)


@function(method=False, namespace="fft", name="ifftn")
def fft_ifftn(input: Tensor, s: Sizes = None, dim: Any = None, norm: str | None = None) -> Tensor:
    """The inverse of :func:`fft.fftn`."""
    return _complex("fft.ifftn", input, s, dim, norm, True)


@function(method=False, namespace="fft", name="fft2")
def fft_fft2(input: Tensor, s: Sizes = None, dim: Any = (-2, -1), norm: str | None = None) -> Tensor:
    """:func:`fft.fftn` along the last two axes."""
    return _complex("fft.fft2", input, s, dim, norm, False)


@function(method=False, namespace="fft", name="ifft2")
def fft_ifft2(input: Tensor, s: Sizes = None, dim: Any = (-2, -1), norm: str | None = None) -> Tensor:
    """The inverse of :func:`fft.fft2`."""
    return _complex("fft.ifft2", input, s, dim, norm, True)


@function(method=False, namespace="fft", name="rfftn")
def fft_rfftn(input: Tensor, s: Sizes = None, dim: Any = None, norm: str | None = None) -> Tensor:
    """:func:`fft.fftn` of real numbers; of the last axis only the frequencies from 0 on."""
    return _from_real("fft.rfftn", input, s, dim, norm, False)


@function(method=False, namespace="fft", name="irfftn")
def fft_irfftn(input: Tensor, s: Sizes = None, dim: Any = None, norm: str | None = None) -> Tensor:
    """The inverse of :func:`fft.rfftn`: real; the last size is that of the result, by default even."""
    return _to_real("fft.irfftn", input, s, dim, norm, True)


@function(method=False, namespace="fft", name="rfft2")
def fft_rfft2(input: Tensor, s: Sizes = None, dim: Any = (-2, -1), norm: str | None = None) -> Tensor:
    """:func:`fft.rfftn` along the last two axes."""
    return _from_real("fft.rfft2", input, s, dim, norm, False)


@function(method=False, namespace="fft", name="irfft2")
def fft_irfft2(input: Tensor, s: Sizes = None, dim: Any = (-2, -1), norm: str | None = None) -> Tensor:
    """The inverse of :func:`fft.rfft2`."""
    return _to_real("fft.irfft2", input, s, dim, norm, True)


@function(method=False, namespace="fft", name="hfftn")
def fft_hfftn(input: Tensor, s: Sizes = None, dim: Any = None, norm: str | None = None) -> Tensor:
    """:func:`fft.hfft` along the last of several axes, :func:`fft.fft` along the others."""
    return _to_real("fft.hfftn", input, s, dim, norm, False)


@function(method=False, namespace="fft", name="ihfftn")
def fft_ihfftn(input: Tensor, s: Sizes = None, dim: Any = None, norm: str | None = None) -> Tensor:
    """The inverse of :func:`fft.hfftn`."""
    return _from_real("fft.ihfftn", input, s, dim, norm, True)


@function(method=False, namespace="fft", name="hfft2")
def fft_hfft2(input: Tensor, s: Sizes = None, dim: Any = (-2, -1), norm: str | None = None) -> Tensor:
    """:func:`fft.hfftn` along the last two axes."""
    return _to_real("fft.hfft2", input, s, dim, norm, False)


@function(method=False, namespace="fft", name="ihfft2")
def fft_ihfft2(input: Tensor, s: Sizes = None, dim: Any = (-2, -1), norm: str | None = None) -> Tensor:
    """The inverse of :func:`fft.hfft2`."""
    return _from_real("fft.ihfft2", input, s, dim, norm, True)


# --- shifts and frequencies -------------------------------------------------------------------------------------------


def _shifted(op: str, input: Tensor, dim: Any, back: bool) -> Tensor:
    given = range(input.ndim) if dim is None else (dim,) if isinstance(dim, int) else dim
    axes = [canonical_dim(op, each, input.ndim) for each in given]
    steps = [(input.shape[axis] + back) // 2 for axis in axes]
    return rearranging.roll(input, steps, axes) if axes else input.clone()


@function(method=False, namespace="fft", name="fftshift")
def fft_fftshift(input: Tensor, dim: Any = None) -> Tensor:
    """Frequencies in the order of a transform, moved so that 0 is in the middle, along ``dim`` (all axes by default)."""
    return _shifted("fft.fftshift", input, dim, False)


@function(method=False, namespace="fft", name="ifftshift")
def fft_ifftshift(input: Tensor, dim: Any = None) -> Tensor:
    """The inverse of :func:`fft.fftshift`."""
    return _shifted("fft.ifftshift", input, dim, True)


def _frequencies(op: str, first: int, count: int, n: int, d: float, options: dict[str, Any]) -> Tensor:
    dtype: DType | None = options["dtype"]
    if dtype is not None and dtype.kind not in "fc":
        raise DTypeError(f"{op} requires a floating point or complex dtype, got {dtype.name}")
    return creation.arange(first, first + count, dtype=dtype or _default(), device=options["device"]) * (1.0 / (n * d))


def _default() -> DType:
    from hotplug.dtypes import get_default_dtype

    return get_default_dtype()


@function(method=False, namespace="fft", name="fftfreq")
def fft_fftfreq(
    n: int, d: float = 1.0, *, dtype: DType | None = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """The frequencies of a transform of ``n`` points that are ``d`` apart: ``[0, 1, ..., -2, -1] / (n d)``."""
    options = {"dtype": dtype, "device": device}
    positive = (n + 1) // 2
    parts = [
        _frequencies("fft.fftfreq", first, count, n, d, options)
        for first, count in ((0, positive), (-(n // 2), n - positive))
    ]
    return joining.cat(parts).requires_grad_(requires_grad)


@function(method=False, namespace="fft", name="rfftfreq")
def fft_rfftfreq(
    n: int, d: float = 1.0, *, dtype: DType | None = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """The frequencies of :func:`fft.rfft`: ``[0, 1, ..., n // 2] / (n d)``."""
    options = {"dtype": dtype, "device": device}
    return _frequencies("fft.rfftfreq", 0, n // 2 + 1, n, d, options).requires_grad_(requires_grad)
