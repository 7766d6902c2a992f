"""Complex numbers and their parts."""

from __future__ import annotations

from typing import Any

from hotplug.declare import elementwise, function, numeric
from hotplug.declare.elementwise import strictly_floating
from hotplug.expr import scalar as s
from hotplug.ops.view_ops import complex_of_parts, real_parts
from hotplug.tensor import Tensor


@elementwise(dtype=strictly_floating, method=False, inplace=False, sample=(-3, 3), tensors=("real", "imag"))
def complex_elements(real: Any, imag: Any) -> Any:
    """The complex number of two parts: what :func:`hotplug.complex` computes."""
    return s.complex_(real, imag)


@elementwise(dtype=numeric, inplace=False, sample=(-3, 3))
def angle(input: Any) -> Any:
    """The argument in radians, from -pi to pi; for real input 0, or pi where negative, NaN stays."""
    import math

    if input.dtype.kind == "c":
        return s.angle(input)
    plain = input if input.dtype.kind == "f" else s.to(input, _default())
    return s.where(s.isnan(plain), plain, s.where(s.lt(plain, 0.0), math.pi, s.to(0.0, plain.dtype)))


def _default() -> Any:
    from hotplug.dtypes import get_default_dtype

    return get_default_dtype()


@elementwise(dtype=numeric, sample=(-3, 3))
def sgn(input: Any) -> Any:
    """``input / abs(input)``, 0 at 0; for real input its sign."""
    if input.dtype.kind != "c":
        return s.sign(input)
    size = s.abs(input)
    return s.where(s.eq(size, 0.0), s.to(0.0, input.dtype), input / s.to(size, input.dtype))


@elementwise(dtype=numeric, method=False, inplace=False, sample=(-3, 3))
def conj_elements(input: Any) -> Any:
    """The complex conjugate."""
    return s.conj(input) if input.dtype.kind == "c" else input


@function()
def conj(input: Tensor) -> Tensor:
    """The complex conjugate; a real tensor itself."""
    return conj_elements(input) if input.dtype.kind == "c" else input


@function(method=False)
def real(input: Tensor) -> Tensor:
    """The real part, a view; a real tensor itself."""
    from hotplug import ops

    return ops.select(view_as_real(input), -1, 0) if input.dtype.kind == "c" else input


@function(method=False)
def imag(input: Tensor) -> Tensor:
    """The imaginary part, a view."""
    from hotplug import ops

    return ops.select(view_as_real(input), -1, 1)


@function()
def view_as_real(input: Tensor) -> Tensor:
    """Complex ``(*S)`` as real ``(*S, 2)``, a view."""
    return real_parts(input)


@function()
def view_as_complex(input: Tensor) -> Tensor:
    """Real ``(*S, 2)`` as complex ``(*S)``, a view."""
    return complex_of_parts(input)
