"""The extension ``fft``: a table of transforms of one axis and of several."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Literal

from hotplug import fft as _fft
from hotplug.array_api.kinds import KINDS, check, check_dtype
from hotplug.array_api.shapes import axes_of
from hotplug.device import device as Device
from hotplug.dtypes import dtype as DType
from hotplug.errors import ArgumentError
from hotplug.tensor import Tensor

_TRANSFORMS: Final = {
    "fft": "complex floating", "ifft": "complex floating", "rfft": "real floating", "irfft": "complex floating",
    "hfft": "complex floating", "ihfft": "real floating", "fftn": "complex floating", "ifftn": "complex floating",
    "rfftn": "real floating", "irfftn": "complex floating",
}  # fmt: skip
"""What each takes."""

_NORMS: Final = ("backward", "ortho", "forward")
Norm = Literal["backward", "ortho", "forward"]


def _one(name: str, x: Tensor, n: int | None, axis: int, norm: str) -> Tensor:
    (place,) = axes_of(name, _checked(name, x, norm), axis)
    return getattr(_fft, name)(x, n, place, norm)  # type: ignore[no-any-return]


def _several(name: str, x: Tensor, s: Sequence[int] | None, axes: Sequence[int] | None, norm: str) -> Tensor:
    _checked(name, x, norm)
    if s is not None and axes is None:
        raise ArgumentError(f"{name}: axes are needed with s")
    places = axes_of(name, x, None if axes is None else tuple(axes))
    return getattr(_fft, name)(x, None if s is None else tuple(s), places, norm)  # type: ignore[no-any-return]


def _checked(name: str, x: Any, norm: str) -> Tensor:
    check(name, x, _TRANSFORMS[name])
    if norm not in _NORMS:
        raise ArgumentError(f"{name}: norm is one of {', '.join(_NORMS)}, got {norm!r}")
    return x  # type: ignore[no-any-return]


def _make(name: str) -> Any:
    def one(x: Tensor, /, *, n: int | None = None, axis: int = -1, norm: Norm = "backward") -> Tensor:
        return _one(name, x, n, axis, norm)

    def several(
        x: Tensor, /, *, s: Sequence[int] | None = None, axes: Sequence[int] | None = None, norm: Norm = "backward"
    ) -> Tensor:  # fmt: skip
        return _several(name, x, s, axes, norm)

    function: Any = several if name.endswith("n") else one
    function.__name__ = function.__qualname__ = name
    function.__doc__ = (
        f"``{name}`` along {'some axes (default: all)' if name.endswith('n') else 'an axis'}; x: {_TRANSFORMS[name]}."
    )
    return function


fft, ifft, rfft, irfft, hfft, ihfft, fftn, ifftn, rfftn, irfftn = map(_make, _TRANSFORMS)


def fftfreq(n: int, /, *, d: float = 1.0, dtype: DType | None = None, device: Device | str | None = None) -> Tensor:
    """The frequencies of ``fft``'s results at a distance ``d`` of samples."""
    _check_real("fftfreq", dtype)
    return _fft.fftfreq(n, d, dtype=dtype, device=device)


def rfftfreq(n: int, /, *, d: float = 1.0, dtype: DType | None = None, device: Device | str | None = None) -> Tensor:
    """The frequencies of ``rfft``'s results at a distance ``d`` of samples."""
    _check_real("rfftfreq", dtype)
    return _fft.rfftfreq(n, d, dtype=dtype, device=device)


def _check_real(name: str, dtype: DType | None) -> None:
    check_dtype(name, dtype)
    if dtype is not None and dtype not in KINDS["real floating"]:
        raise ArgumentError(f"{name}: expected a real floating dtype, got {dtype.name}")


def fftshift(x: Tensor, /, *, axes: int | Sequence[int] | None = None) -> Tensor:
    """Frequency zero in the middle of some axes (default: all)."""
    return _fft.fftshift(check("fftshift", x, "floating"), axes_of("fftshift", x, axes))


def ifftshift(x: Tensor, /, *, axes: int | Sequence[int] | None = None) -> Tensor:
    """:func:`fftshift` undone."""
    return _fft.ifftshift(check("ifftshift", x, "floating"), axes_of("ifftshift", x, axes))
