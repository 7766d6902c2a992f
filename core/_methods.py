"""The Tensor methods, generated from the op table by scripts/generate_methods.py.  Do not edit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from types import ModuleType

    from hotplug import ops as _f
    from hotplug.device import device as Device
    from hotplug.dtypes import dtype as DType
    from hotplug.ops.linalg_householder import Geqrf
    from hotplug.ops.linalg_lu import LUFactor, LUFactorEx
    from hotplug.ops.linalg_qr import QR
    from hotplug.ops.linalg_solve import Slogdet
    from hotplug.ops.linalg_spectral import LegacySVD
    from hotplug.ops.linalg_triangular import TriangularSolve
    from hotplug.ops.mantissas import frexp_result
    from hotplug.ops.reduction import Dim, ValuesIndices
    from hotplug.random import Generator
    from hotplug.tensor import Tensor

# The methods named bool, int and float hide these types within the class.
_bool: TypeAlias = bool
_int: TypeAlias = int
_float: TypeAlias = float


def bind(ops: ModuleType) -> None:
    """Give the methods the functions that they call; :mod:`hotplug.ops` does so when it is complete."""
    globals()["_f"] = ops


class TensorMethods:
    """What :class:`hotplug.Tensor` inherits."""

    __slots__ = ()

    def relu(self: Any) -> Tensor:
        """``max(0, input)``; NaN stays.  The derivative at 0 is 0."""
        return _f.relu(self)

    def relu_(self: Any) -> Tensor:
        """In-place form of :meth:`relu`."""
        return _f.relu.inplace(self)

    def add(self: Any, other: Any, *, alpha: Any = 1) -> Tensor:
        """Sum, ``input + alpha * other``.  Both ``(*S)``, broadcast -> ``(*S)``."""
        return _f.add(self, other, alpha=alpha)

    def add_(self: Any, other: Any, *, alpha: Any = 1) -> Tensor:
        """In-place form of :meth:`add`."""
        return _f.add.inplace(self, other, alpha=alpha)

    def __add__(self: Any, other: Any) -> Tensor:
        return _f.add.binary(self, other) if isinstance(other, _f.Operand) else NotImplemented

    def __radd__(self: Any, other: Any) -> Tensor:
        return _f.add.binary(self, other) if isinstance(other, _f.Operand) else NotImplemented

    def __iadd__(self: Any, other: Any) -> Tensor:
        return _f.add.inplace(self, other) if isinstance(other, _f.Operand) else NotImplemented

    def sub(self: Any, other: Any, *, alpha: Any = 1) -> Tensor:
        """Difference, ``input - alpha * other``.  Both ``(*S)``, broadcast -> ``(*S)``."""
        return _f.sub(self, other, alpha=alpha)

    def subtract(self: Any, other: Any, *, alpha: Any = 1) -> Tensor:
        """Difference, ``input - alpha * other``.  Both ``(*S)``, broadcast -> ``(*S)``."""
        return _f.sub(self, other, alpha=alpha)

    def sub_(self: Any, other: Any, *, alpha: Any = 1) -> Tensor:
        """In-place form of :meth:`sub`."""
        return _f.sub.inplace(self, other, alpha=alpha)

    def subtract_(self: Any, other: Any, *, alpha: Any = 1) -> Tensor:
        """In-place form of :meth:`sub`."""
        return _f.sub.inplace(self, other, alpha=alpha)

    def __sub__(self: Any, other: Any) -> Tensor:
        return _f.sub.binary(self, other) if isinstance(other, _f.Operand) else NotImplemented

    def __isub__(self: Any, other: Any) -> Tensor:
        return _f.sub.inplace(self, other) if isinstance(other, _f.Operand) else NotImplemented

    def rsub(self: Any, other: Any, *, alpha: Any = 1) -> Tensor:
        """Difference the other way round, ``other - alpha * input``."""
        return _f.rsub(self, other, alpha=alpha)

    def __rsub__(self: Any, other: Any) -> Tensor:
        return _f.rsub.binary(self, other) if isinstance(other, _f.Operand) else NotImplemented

    def mul(self: Any, other: Any) -> Tensor:
        """Product.  Both ``(*S)``, broadcast -> ``(*S)``."""
        return _f.mul(self, other)

    def multiply(self: Any, other: Any) -> Tensor:
        """Product.  Both ``(*S)``, broadcast -> ``(*S)``."""
        return _f.mul(self, other)

    def mul_(self: Any, other: Any) -> Tensor:
        """In-place form of :meth:`mul`."""
        return _f.mul.inplace(self, other)

    def multiply_(self: Any, other: Any) -> Tensor:
        """In-place form of :meth:`mul`."""
        return _f.mul.inplace(self, other)

    def __mul__(self: Any, other: Any) -> Tensor:
        return _f.mul.binary(self, other) if isinstance(other, _f.Operand) else NotImplemented

    def __rmul__(self: Any, other: Any) -> Tensor:
        return _f.mul.binary(self, other) if isinstance(other, _f.Operand) else NotImplemented

    def __imul__(self: Any, other: Any) -> Tensor:
        return _f.mul.inplace(self, other) if isinstance(other, _f.Operand) else NotImplemented

    def true_divide(self: Any, other: Any) -> Tensor:
        """Quotient; integers give the default dtype."""
        return _f.true_divide(self, other)

    def true_divide_(self: Any, other: Any) -> Tensor:
        """In-place form of :meth:`true_divide`."""
        return _f.true_divide.inplace(self, other)

    def __truediv__(self: Any, other: Any) -> Tensor:
        return _f.true_divide.binary(self, other) if isinstance(other, _f.Operand) else NotImplemented

    def __itruediv__(self: Any, other: Any) -> Tensor:
        return _f.true_divide.inplace(self, other) if isinstance(other, _f.Operand) else NotImplemented

    def rdiv(self: Any, other: Any) -> Tensor:
        """Quotient the other way round, ``other / input``."""
        return _f.rdiv(self, other)

    def __rtruediv__(self: Any, other: Any) -> Tensor:
        return _f.rdiv.binary(self, other) if isinstance(other, _f.Operand) else NotImplemented

    def floor_divide(self: Any, other: Any) -> Tensor:
        """Quotient rounded towards minus infinity; an integer divided by zero gives 0."""
        return _f.floor_divide(self, other)

    def floor_divide_(self: Any, other: Any) -> Tensor:
        """In-place form of :meth:`floor_divide`."""
        return _f.floor_divide.inplace(self, other)

    def __floordiv__(self: Any, other: Any) -> Tensor:
        return _f.floor_divide.binary(self, other) if isinstance(other, _f.Operand) else NotImplemented

    def __ifloordiv__(self: Any, other: Any) -> Tensor:
        return _f.floor_divide.inplace(self, other) if isinstance(other, _f.Operand) else NotImplemented

    def __rfloordiv__(self: Any, other: Any) -> Tensor:
        return _f.rfloordiv.binary(self, other) if isinstance(other, _f.Operand) else NotImplemented

    def remainder(self: Any, other: Any) -> Tensor:
        """Remainder with the sign of the divisor, ``input - other * floor(input / other)``, as Python's ``%``."""
        return _f.remainder(self, other)

    def remainder_(self: Any, other: Any) -> Tensor:
        """In-place form of :meth:`remainder`."""
        return _f.remainder.inplace(self, other)

    def __mod__(self: Any, other: Any) -> Tensor:
        return _f.remainder.binary(self, other) if isinstance(other, _f.Operand) else NotImplemented

    def __imod__(self: Any, other: Any) -> Tensor:
        return _f.remainder.inplace(self, other) if isinstance(other, _f.Operand) else NotImplemented

    def __rmod__(self: Any, other: Any) -> Tensor:
        return _f.rmod.binary(self, other) if isinstance(other, _f.Operand) else NotImplemented

    def fmod(self: Any, other: Any) -> Tensor:
        """Remainder with the sign of the dividend, as C's ``fmod``."""
        return _f.fmod(self, other)

    def fmod_(self: Any, other: Any) -> Tensor:
        """In-place form of :meth:`fmod`."""
        return _f.fmod.inplace(self, other)

    def pow(self: Any, exponent: Any) -> Tensor:
        """``input ** exponent``.  Both ``(*S)``, broadcast -> ``(*S)``.  The derivative at 0 ** 0 is PyTorch's: 0."""
        return _f.pow(self, exponent)

    def pow_(self: Any, exponent: Any) -> Tensor:
        """In-place form of :meth:`pow`."""
        return _f.pow.inplace(self, exponent)

    def __pow__(self: Any, other: Any) -> Tensor:
        return _f.pow.binary(self, other) if isinstance(other, _f.Operand) else NotImplemented

    def __ipow__(self: Any, other: Any) -> Tensor:
        return _f.pow.inplace(self, other) if isinstance(other, _f.Operand) else NotImplemented

    def __rpow__(self: Any, other: Any) -> Tensor:
        return _f.rpow.binary(self, other) if isinstance(other, _f.Operand) else NotImplemented

    def maximum(self: Any, other: Any) -> Tensor:
        """The larger operand; NaN if either is.  At a tie the gradient goes half to each."""
        return _f.maximum(self, other)

    def maximum_(self: Any, other: Any) -> Tensor:
        """In-place form of :meth:`maximum`."""
        return _f.maximum.inplace(self, other)

    def minimum(self: Any, other: Any) -> Tensor:
        """The smaller operand; NaN if either is.  At a tie the gradient goes half to each."""
        return _f.minimum(self, other)

    def minimum_(self: Any, other: Any) -> Tensor:
        """In-place form of :meth:`minimum`."""
        return _f.minimum.inplace(self, other)

    def fmax(self: Any, other: Any) -> Tensor:
        """The larger operand; a number rather than NaN."""
        return _f.fmax(self, other)

    def fmax_(self: Any, other: Any) -> Tensor:
        """In-place form of :meth:`fmax`."""
        return _f.fmax.inplace(self, other)

    def fmin(self: Any, other: Any) -> Tensor:
        """The smaller operand; a number rather than NaN."""
        return _f.fmin(self, other)

    def fmin_(self: Any, other: Any) -> Tensor:
        """In-place form of :meth:`fmin`."""
        return _f.fmin.inplace(self, other)

    def atan2(self: Any, other: Any) -> Tensor:
        """Angle of the point (other, input), in radians from -pi to pi."""
        return _f.atan2(self, other)

    def arctan2(self: Any, other: Any) -> Tensor:
        """Angle of the point (other, input), in radians from -pi to pi."""
        return _f.atan2(self, other)

    def atan2_(self: Any, other: Any) -> Tensor:
        """In-place form of :meth:`atan2`."""
        return _f.atan2.inplace(self, other)

    def arctan2_(self: Any, other: Any) -> Tensor:
        """In-place form of :meth:`atan2`."""
        return _f.atan2.inplace(self, other)

    def hypot(self: Any, other: Any) -> Tensor:
        """``sqrt(input**2 + other**2)`` without overflow in between."""
        return _f.hypot(self, other)

    def hypot_(self: Any, other: Any) -> Tensor:
        """In-place form of :meth:`hypot`."""
        return _f.hypot.inplace(self, other)

    def copysign(self: Any, other: Any) -> Tensor:
        """The magnitude of ``input`` with the sign of ``other``."""
        return _f.copysign(self, other)

    def copysign_(self: Any, other: Any) -> Tensor:
        """In-place form of :meth:`copysign`."""
        return _f.copysign.inplace(self, other)

    def neg(self: Any) -> Tensor:
        """``-input``."""
        return _f.neg(self)

    def negative(self: Any) -> Tensor:
        """``-input``."""
        return _f.neg(self)

    def neg_(self: Any) -> Tensor:
        """In-place form of :meth:`neg`."""
        return _f.neg.inplace(self)

    def negative_(self: Any) -> Tensor:
        """In-place form of :meth:`neg`."""
        return _f.neg.inplace(self)

    def __neg__(self: Any) -> Tensor:
        return _f.neg(self)

    def positive(self: Any) -> Tensor:
        """``+input``: a copy."""
        return _f.positive(self)

    def __pos__(self: Any) -> Tensor:
        return _f.positive(self)

    def abs(self: Any) -> Tensor:
        """Magnitude.  The derivative at 0 is 0."""
        return _f.abs(self)

    def absolute(self: Any) -> Tensor:
        """Magnitude.  The derivative at 0 is 0."""
        return _f.abs(self)

    def abs_(self: Any) -> Tensor:
        """In-place form of :meth:`abs`."""
        return _f.abs.inplace(self)

    def absolute_(self: Any) -> Tensor:
        """In-place form of :meth:`abs`."""
        return _f.abs.inplace(self)

    def __abs__(self: Any) -> Tensor:
        return _f.abs(self)

    def sign(self: Any) -> Tensor:
        """-1, 0 or 1; 0 for NaN."""
        return _f.sign(self)

    def sign_(self: Any) -> Tensor:
        """In-place form of :meth:`sign`."""
        return _f.sign.inplace(self)

    def square(self: Any) -> Tensor:
        """``input * input``."""
        return _f.square(self)

    def square_(self: Any) -> Tensor:
        """In-place form of :meth:`square`."""
        return _f.square.inplace(self)

    def floor(self: Any) -> Tensor:
        """The largest integer not above; integers stay as they are."""
        return _f.floor(self)

    def floor_(self: Any) -> Tensor:
        """In-place form of :meth:`floor`."""
        return _f.floor.inplace(self)

    def ceil(self: Any) -> Tensor:
        """The smallest integer not below; integers stay as they are."""
        return _f.ceil(self)

    def ceil_(self: Any) -> Tensor:
        """In-place form of :meth:`ceil`."""
        return _f.ceil.inplace(self)

    def trunc(self: Any) -> Tensor:
        """The integer part; integers stay as they are."""
        return _f.trunc(self)

    def fix(self: Any) -> Tensor:
        """The integer part; integers stay as they are."""
        return _f.trunc(self)

    def trunc_(self: Any) -> Tensor:
        """In-place form of :meth:`trunc`."""
        return _f.trunc.inplace(self)

    def fix_(self: Any) -> Tensor:
        """In-place form of :meth:`trunc`."""
        return _f.trunc.inplace(self)

    def round(self: Any, *, decimals: Any = 0) -> Tensor:
        """The nearest integer, halves to even; with ``decimals``, the nearest multiple of ``10**-decimals``."""
        return _f.round(self, decimals=decimals)

    def round_(self: Any, *, decimals: Any = 0) -> Tensor:
        """In-place form of :meth:`round`."""
        return _f.round.inplace(self, decimals=decimals)

    def frac(self: Any) -> Tensor:
        """What :func:`trunc` leaves."""
        return _f.frac(self)

    def frac_(self: Any) -> Tensor:
        """In-place form of :meth:`frac`."""
        return _f.frac.inplace(self)

    def reciprocal(self: Any) -> Tensor:
        """``1 / input``."""
        return _f.reciprocal(self)

    def reciprocal_(self: Any) -> Tensor:
        """In-place form of :meth:`reciprocal`."""
        return _f.reciprocal.inplace(self)

    def lerp(self: Any, end: Any, weight: Any) -> Tensor:
        """``input + weight * (end - input)``, exact at both ends."""
        return _f.lerp(self, end, weight)

    def lerp_(self: Any, end: Any, weight: Any) -> Tensor:
        """In-place form of :meth:`lerp`."""
        return _f.lerp.inplace(self, end, weight)

    def addcmul(self: Any, tensor1: Any, tensor2: Any, *, value: Any = 1) -> Tensor:
        """``input + value * tensor1 * tensor2``."""
        return _f.addcmul(self, tensor1, tensor2, value=value)

    def addcmul_(self: Any, tensor1: Any, tensor2: Any, *, value: Any = 1) -> Tensor:
        """In-place form of :meth:`addcmul`."""
        return _f.addcmul.inplace(self, tensor1, tensor2, value=value)

    def addcdiv(self: Any, tensor1: Any, tensor2: Any, *, value: Any = 1) -> Tensor:
        """``input + value * tensor1 / tensor2``."""
        return _f.addcdiv(self, tensor1, tensor2, value=value)

    def addcdiv_(self: Any, tensor1: Any, tensor2: Any, *, value: Any = 1) -> Tensor:
        """In-place form of :meth:`addcdiv`."""
        return _f.addcdiv.inplace(self, tensor1, tensor2, value=value)

    def clamp(self: Any, min: Any = None, max: Any = None) -> Tensor:
        """``input`` limited to ``[min, max]``; ``max`` wins where they cross.  NaN stays."""
        return _f.clamp(self, min, max)

    def clip(self: Any, min: Any = None, max: Any = None) -> Tensor:
        """``input`` limited to ``[min, max]``; ``max`` wins where they cross.  NaN stays."""
        return _f.clamp(self, min, max)

    def clamp_(self: Any, min: Any = None, max: Any = None) -> Tensor:
        """In-place form of :meth:`clamp`."""
        return _f.clamp.inplace(self, min, max)

    def clip_(self: Any, min: Any = None, max: Any = None) -> Tensor:
        """In-place form of :meth:`clamp`."""
        return _f.clamp.inplace(self, min, max)

    def masked_fill_elements_(self: Any, mask: Any, value: Any) -> Tensor:
        """In-place form of :meth:`masked_fill_elements`."""
        return _f.masked_fill_elements.inplace(self, mask, value)

    def eq(self: Any, other: Any) -> Tensor:
        """Whether the operands are equal -> bool."""
        return _f.eq(self, other)

    def eq_(self: Any, other: Any) -> Tensor:
        """In-place form of :meth:`eq`."""
        return _f.eq.inplace(self, other)

    def __eq__(self: Any, other: Any) -> Tensor:  # type: ignore[override]
        return _f.eq.binary(self, other) if isinstance(other, _f.Operand) else NotImplemented

    def ne(self: Any, other: Any) -> Tensor:
        """Whether the operands differ -> bool."""
        return _f.ne(self, other)

    def not_equal(self: Any, other: Any) -> Tensor:
        """Whether the operands differ -> bool."""
        return _f.ne(self, other)

    def ne_(self: Any, other: Any) -> Tensor:
        """In-place form of :meth:`ne`."""
        return _f.ne.inplace(self, other)

    def not_equal_(self: Any, other: Any) -> Tensor:
        """In-place form of :meth:`ne`."""
        return _f.ne.inplace(self, other)

    def __ne__(self: Any, other: Any) -> Tensor:  # type: ignore[override]
        return _f.ne.binary(self, other) if isinstance(other, _f.Operand) else NotImplemented

    def lt(self: Any, other: Any) -> Tensor:
        """``input < other`` -> bool."""
        return _f.lt(self, other)

    def less(self: Any, other: Any) -> Tensor:
        """``input < other`` -> bool."""
        return _f.lt(self, other)

    def lt_(self: Any, other: Any) -> Tensor:
        """In-place form of :meth:`lt`."""
        return _f.lt.inplace(self, other)

    def less_(self: Any, other: Any) -> Tensor:
        """In-place form of :meth:`lt`."""
        return _f.lt.inplace(self, other)

    def __lt__(self: Any, other: Any) -> Tensor:
        return _f.lt.binary(self, other) if isinstance(other, _f.Operand) else NotImplemented

    def le(self: Any, other: Any) -> Tensor:
        """``input <= other`` -> bool."""
        return _f.le(self, other)

    def less_equal(self: Any, other: Any) -> Tensor:
        """``input <= other`` -> bool."""
        return _f.le(self, other)

    def le_(self: Any, other: Any) -> Tensor:
        """In-place form of :meth:`le`."""
        return _f.le.inplace(self, other)

    def less_equal_(self: Any, other: Any) -> Tensor:
        """In-place form of :meth:`le`."""
        return _f.le.inplace(self, other)

    def __le__(self: Any, other: Any) -> Tensor:
        return _f.le.binary(self, other) if isinstance(other, _f.Operand) else NotImplemented

    def gt(self: Any, other: Any) -> Tensor:
        """``input > other`` -> bool."""
        return _f.gt(self, other)

    def greater(self: Any, other: Any) -> Tensor:
        """``input > other`` -> bool."""
        return _f.gt(self, other)

    def gt_(self: Any, other: Any) -> Tensor:
        """In-place form of :meth:`gt`."""
        return _f.gt.inplace(self, other)

    def greater_(self: Any, other: Any) -> Tensor:
        """In-place form of :meth:`gt`."""
        return _f.gt.inplace(self, other)

    def __gt__(self: Any, other: Any) -> Tensor:
        return _f.gt.binary(self, other) if isinstance(other, _f.Operand) else NotImplemented

    def ge(self: Any, other: Any) -> Tensor:
        """``input >= other`` -> bool."""
        return _f.ge(self, other)

    def greater_equal(self: Any, other: Any) -> Tensor:
        """``input >= other`` -> bool."""
        return _f.ge(self, other)

    def ge_(self: Any, other: Any) -> Tensor:
        """In-place form of :meth:`ge`."""
        return _f.ge.inplace(self, other)

    def greater_equal_(self: Any, other: Any) -> Tensor:
        """In-place form of :meth:`ge`."""
        return _f.ge.inplace(self, other)

    def __ge__(self: Any, other: Any) -> Tensor:
        return _f.ge.binary(self, other) if isinstance(other, _f.Operand) else NotImplemented

    def isnan(self: Any) -> Tensor:
        """Whether an element is NaN -> bool."""
        return _f.isnan(self)

    def isinf(self: Any) -> Tensor:
        """Whether an element is an infinity -> bool."""
        return _f.isinf(self)

    def isfinite(self: Any) -> Tensor:
        """Whether an element is neither NaN nor an infinity -> bool."""
        return _f.isfinite(self)

    def logical_and(self: Any, other: Any) -> Tensor:
        """Whether both are non-zero -> bool."""
        return _f.logical_and(self, other)

    def logical_and_(self: Any, other: Any) -> Tensor:
        """In-place form of :meth:`logical_and`."""
        return _f.logical_and.inplace(self, other)

    def logical_or(self: Any, other: Any) -> Tensor:
        """Whether one is non-zero -> bool."""
        return _f.logical_or(self, other)

    def logical_or_(self: Any, other: Any) -> Tensor:
        """In-place form of :meth:`logical_or`."""
        return _f.logical_or.inplace(self, other)

    def logical_xor(self: Any, other: Any) -> Tensor:
        """Whether exactly one is non-zero -> bool."""
        return _f.logical_xor(self, other)

    def logical_xor_(self: Any, other: Any) -> Tensor:
        """In-place form of :meth:`logical_xor`."""
        return _f.logical_xor.inplace(self, other)

    def logical_not(self: Any) -> Tensor:
        """Whether an element is zero -> bool."""
        return _f.logical_not(self)

    def logical_not_(self: Any) -> Tensor:
        """In-place form of :meth:`logical_not`."""
        return _f.logical_not.inplace(self)

    def bitwise_and(self: Any, other: Any) -> Tensor:
        """Bits set in both; for bool, logical and."""
        return _f.bitwise_and(self, other)

    def bitwise_and_(self: Any, other: Any) -> Tensor:
        """In-place form of :meth:`bitwise_and`."""
        return _f.bitwise_and.inplace(self, other)

    def __and__(self: Any, other: Any) -> Tensor:
        return _f.bitwise_and.binary(self, other) if isinstance(other, _f.Operand) else NotImplemented

    def __rand__(self: Any, other: Any) -> Tensor:
        return _f.bitwise_and.binary(self, other) if isinstance(other, _f.Operand) else NotImplemented

    def __iand__(self: Any, other: Any) -> Tensor:
        return _f.bitwise_and.inplace(self, other) if isinstance(other, _f.Operand) else NotImplemented

    def bitwise_or(self: Any, other: Any) -> Tensor:
        """Bits set in either; for bool, logical or."""
        return _f.bitwise_or(self, other)

    def bitwise_or_(self: Any, other: Any) -> Tensor:
        """In-place form of :meth:`bitwise_or`."""
        return _f.bitwise_or.inplace(self, other)

    def __or__(self: Any, other: Any) -> Tensor:
        return _f.bitwise_or.binary(self, other) if isinstance(other, _f.Operand) else NotImplemented

    def __ror__(self: Any, other: Any) -> Tensor:
        return _f.bitwise_or.binary(self, other) if isinstance(other, _f.Operand) else NotImplemented

    def __ior__(self: Any, other: Any) -> Tensor:
        return _f.bitwise_or.inplace(self, other) if isinstance(other, _f.Operand) else NotImplemented

    def bitwise_xor(self: Any, other: Any) -> Tensor:
        """Bits set in exactly one; for bool, logical exclusive or."""
        return _f.bitwise_xor(self, other)

    def bitwise_xor_(self: Any, other: Any) -> Tensor:
        """In-place form of :meth:`bitwise_xor`."""
        return _f.bitwise_xor.inplace(self, other)

    def __xor__(self: Any, other: Any) -> Tensor:
        return _f.bitwise_xor.binary(self, other) if isinstance(other, _f.Operand) else NotImplemented

    def __rxor__(self: Any, other: Any) -> Tensor:
        return _f.bitwise_xor.binary(self, other) if isinstance(other, _f.Operand) else NotImplemented

    def __ixor__(self: Any, other: Any) -> Tensor:
        return _f.bitwise_xor.inplace(self, other) if isinstance(other, _f.Operand) else NotImplemented

    def bitwise_not(self: Any) -> Tensor:
        """All bits inverted; for bool, logical not."""
        return _f.bitwise_not(self)

    def bitwise_not_(self: Any) -> Tensor:
        """In-place form of :meth:`bitwise_not`."""
        return _f.bitwise_not.inplace(self)

    def __invert__(self: Any) -> Tensor:
        return _f.bitwise_not(self)

    def bitwise_left_shift(self: Any, other: Any) -> Tensor:
        """``input * 2**other``; shifting by the width or more gives 0."""
        return _f.bitwise_left_shift(self, other)

    def bitwise_left_shift_(self: Any, other: Any) -> Tensor:
        """In-place form of :meth:`bitwise_left_shift`."""
        return _f.bitwise_left_shift.inplace(self, other)

    def __lshift__(self: Any, other: Any) -> Tensor:
        return _f.bitwise_left_shift.binary(self, other) if isinstance(other, _f.Operand) else NotImplemented

    def __ilshift__(self: Any, other: Any) -> Tensor:
        return _f.bitwise_left_shift.inplace(self, other) if isinstance(other, _f.Operand) else NotImplemented

    def bitwise_right_shift(self: Any, other: Any) -> Tensor:
        """``input / 2**other`` rounded down; shifting by the width or more gives 0, or -1 for a negative number."""
        return _f.bitwise_right_shift(self, other)

    def bitwise_right_shift_(self: Any, other: Any) -> Tensor:
        """In-place form of :meth:`bitwise_right_shift`."""
        return _f.bitwise_right_shift.inplace(self, other)

    def __rshift__(self: Any, other: Any) -> Tensor:
        return _f.bitwise_right_shift.binary(self, other) if isinstance(other, _f.Operand) else NotImplemented

    def __irshift__(self: Any, other: Any) -> Tensor:
        return _f.bitwise_right_shift.inplace(self, other) if isinstance(other, _f.Operand) else NotImplemented

    def angle(self: Any) -> Tensor:
        """The argument in radians, from -pi to pi; for real input 0, or pi where negative, NaN stays."""
        return _f.angle(self)

    def sgn(self: Any) -> Tensor:
        """``input / abs(input)``, 0 at 0; for real input its sign."""
        return _f.sgn(self)

    def sgn_(self: Any) -> Tensor:
        """In-place form of :meth:`sgn`."""
        return _f.sgn.inplace(self)

    def conj(self: Any) -> Tensor:
        """The complex conjugate; a real tensor itself."""
        return _f.conj(self)

    def view_as_real(self: Any) -> Tensor:
        """Complex ``(*S)`` as real ``(*S, 2)``, a view."""
        return _f.view_as_real(self)

    def view_as_complex(self: Any) -> Tensor:
        """Real ``(*S, 2)`` as complex ``(*S)``, a view."""
        return _f.view_as_complex(self)

    def new_zeros(
        self: Any, *size: Any, dtype: DType | None = None, device: Any = None, requires_grad: _bool = False
    ) -> Tensor:
        """Zeros with the input's dtype and device."""
        return _f.new_zeros(self, *size, dtype=dtype, device=device, requires_grad=requires_grad)

    def new_ones(
        self: Any, *size: Any, dtype: DType | None = None, device: Any = None, requires_grad: _bool = False
    ) -> Tensor:
        """Ones with the input's dtype and device."""
        return _f.new_ones(self, *size, dtype=dtype, device=device, requires_grad=requires_grad)

    def new_empty(
        self: Any, *size: Any, dtype: DType | None = None, device: Any = None, requires_grad: _bool = False
    ) -> Tensor:
        """Uninitialised, with the input's dtype and device."""
        return _f.new_empty(self, *size, dtype=dtype, device=device, requires_grad=requires_grad)

    def new_full(
        self: Any,
        size: Sequence[_int],
        fill_value: Any,
        *,
        dtype: DType | None = None,
        device: Any = None,
        requires_grad: _bool = False,
    ) -> Tensor:
        """One value with the input's dtype and device."""
        return _f.new_full(self, size, fill_value, dtype=dtype, device=device, requires_grad=requires_grad)

    def new_tensor(
        self: Any, data: Any, *, dtype: DType | None = None, device: Any = None, requires_grad: _bool = False
    ) -> Tensor:
        """A copy of data with the input's dtype and device."""
        return _f.new_tensor(self, data, dtype=dtype, device=device, requires_grad=requires_grad)

    def permute(self: Any, *dims: Any) -> Tensor:
        """Axes in the order of ``dims``, a view.  Raises DimensionError for a bad or repeated dim."""
        return _f.permute(self, *dims)

    def transpose(self: Any, dim0: _int, dim1: _int) -> Tensor:
        """Two axes exchanged, a view."""
        return _f.transpose(self, dim0, dim1)

    def swapaxes(self: Any, dim0: _int, dim1: _int) -> Tensor:
        """Two axes exchanged, a view."""
        return _f.transpose(self, dim0, dim1)

    def swapdims(self: Any, dim0: _int, dim1: _int) -> Tensor:
        """Two axes exchanged, a view."""
        return _f.transpose(self, dim0, dim1)

    def transpose_(self: Any, dim0: _int, dim1: _int) -> Tensor:
        """In-place form of :meth:`transpose`."""
        return _f.become("transpose", self, _f.transpose(self, dim0, dim1))

    def swapaxes_(self: Any, dim0: _int, dim1: _int) -> Tensor:
        """In-place form of :meth:`transpose`."""
        return _f.become("swapaxes", self, _f.transpose(self, dim0, dim1))

    def swapdims_(self: Any, dim0: _int, dim1: _int) -> Tensor:
        """In-place form of :meth:`transpose`."""
        return _f.become("swapdims", self, _f.transpose(self, dim0, dim1))

    def t(self: Any) -> Tensor:
        """The transpose of a matrix; vectors and 0-d tensors stay as they are."""
        return _f.t(self)

    def t_(self: Any) -> Tensor:
        """In-place form of :meth:`t`."""
        return _f.become("t", self, _f.t(self))

    def movedim(self: Any, source: Any, destination: Any) -> Tensor:
        """Axes moved to new places, the others in order, a view."""
        return _f.movedim(self, source, destination)

    def moveaxis(self: Any, source: Any, destination: Any) -> Tensor:
        """Axes moved to new places, the others in order, a view."""
        return _f.movedim(self, source, destination)

    def expand(self: Any, *sizes_: Any) -> Tensor:
        """Axes of size 1 repeated without copying, a view; -1 keeps a size, new axes come in front."""
        return _f.expand(self, *sizes_)

    def expand_as(self: Any, other: Tensor) -> Tensor:
        """``input.expand(other.shape)``."""
        return _f.expand_as(self, other)

    def broadcast_to(self: Any, size: Sequence[_int]) -> Tensor:
        """``input.expand(size)``."""
        return _f.broadcast_to(self, size)

    def reshape(self: Any, *shape: Any) -> Tensor:
        """The same elements in C order under another shape; a view where strides allow, else a copy."""
        return _f.reshape(self, *shape)

    def view(self: Any, *shape: Any, dtype: DType | None = None) -> Tensor:
        """``Tensor.view``: another shape without a copy, or another dtype of the same bytes."""
        return _f.view(self, *shape, dtype=dtype)

    def view_as(self: Any, other: Tensor) -> Tensor:
        """``input.view(other.shape)``."""
        return _f.view_as(self, other)

    def reshape_as(self: Any, other: Tensor) -> Tensor:
        """``input.reshape(other.shape)``."""
        return _f.reshape_as(self, other)

    def flatten(self: Any, start_dim: _int = 0, end_dim: _int = -1) -> Tensor:
        """Axes ``start_dim`` to ``end_dim`` merged into one; a 0-d tensor becomes 1-d."""
        return _f.flatten(self, start_dim, end_dim)

    def unflatten(self: Any, dim: _int, sizes: Sequence[_int]) -> Tensor:
        """One axis split into several, a view; one of the sizes may be -1."""
        return _f.unflatten(self, dim, sizes)

    def ravel(self: Any) -> Tensor:
        """All elements in one axis."""
        return _f.ravel(self)

    def squeeze(self: Any, dim: Any = None) -> Tensor:
        """Axes of size 1 removed, a view: all, or those of ``dim``."""
        return _f.squeeze(self, dim)

    def squeeze_(self: Any, dim: Any = None) -> Tensor:
        """In-place form of :meth:`squeeze`."""
        return _f.become("squeeze", self, _f.squeeze(self, dim))

    def unsqueeze(self: Any, dim: _int) -> Tensor:
        """A new axis of size 1 at ``dim``, a view."""
        return _f.unsqueeze(self, dim)

    def unsqueeze_(self: Any, dim: _int) -> Tensor:
        """In-place form of :meth:`unsqueeze`."""
        return _f.become("unsqueeze", self, _f.unsqueeze(self, dim))

    def select(self: Any, dim: _int, index: _int) -> Tensor:
        """One position of an axis, which is dropped, a view."""
        return _f.select(self, dim, index)

    def narrow(self: Any, dim: _int, start: _int, length: _int) -> Tensor:
        """``length`` positions of an axis from ``start``, a view."""
        return _f.narrow(self, dim, start, length)

    def split(self: Any, split_size: Any, dim: _int = 0) -> tuple[Tensor, ...]:
        """Consecutive pieces of ``split_size`` positions (the last may be shorter), or of the listed sizes; views."""
        return _f.split(self, split_size, dim)

    def chunk(self: Any, chunks: _int, dim: _int = 0) -> tuple[Tensor, ...]:
        """At most ``chunks`` pieces of equal size (the last may be shorter); views."""
        return _f.chunk(self, chunks, dim)

    def unbind(self: Any, dim: _int = 0) -> tuple[Tensor, ...]:
        """All positions of an axis as views without it."""
        return _f.unbind(self, dim)

    def diagonal(self: Any, offset: _int = 0, dim1: _int = 0, dim2: _int = 1) -> Tensor:
        """The diagonal of two axes as a new last axis, a view; ``offset`` above 0 lies above the main one."""
        return _f.diagonal(self, offset, dim1, dim2)

    def unfold(self: Any, dimension: _int, size: _int, step: _int) -> Tensor:
        """Windows of ``size`` positions every ``step``, the window as a new last axis; a view whose parts may overlap."""
        return _f.unfold(self, dimension, size, step)

    def as_strided(
        self: Any, size: Sequence[_int], stride: Sequence[_int], storage_offset: _int | None = None
    ) -> Tensor:
        """Any layout within the tensor's storage; strides of either sign."""
        return _f.as_strided(self, size, stride, storage_offset)

    def gather(self: Any, dim: _int, index: Tensor, *, sparse_grad: _bool = False) -> Tensor:
        """``out[i][j] = input[index[i][j]][j]`` for ``dim`` 0, and so on: values along one axis, picked by an index."""
        return _f.gather(self, dim, index, sparse_grad=sparse_grad)

    def index_select(self: Any, dim: _int, index: Tensor) -> Tensor:
        """Whole slices along ``dim`` at the positions of a vector, which may repeat -> the input's shape with ``len(index)``"""
        return _f.index_select(self, dim, index)

    def take(self: Any, index: Tensor) -> Tensor:
        """Elements of the flattened input -> the shape of ``index``.  Negative positions count from the end."""
        return _f.take(self, index)

    def take_along_dim(self: Any, indices: Tensor, dim: _int | None = None) -> Tensor:
        """:func:`gather` with input and indices broadcast against each other; positions count modulo the size, so that"""
        return _f.take_along_dim(self, indices, dim)

    def sum(self: Any, dim: Dim = None, keepdim: _bool = False, *, dtype: DType | None = None) -> Tensor:
        """Sum over ``dim`` (all by default); integers and bool give int64."""
        return _f.sum(self, dim, keepdim, dtype=dtype)

    def nansum(self: Any, dim: Dim = None, keepdim: _bool = False, *, dtype: DType | None = None) -> Tensor:
        """Sum with NaN as zero."""
        return _f.nansum(self, dim, keepdim, dtype=dtype)

    def sum_to_size(self: Any, *size: Any) -> Tensor:
        """Sum over the dims that broadcasting ``size`` to the input's shape would repeat."""
        return _f.sum_to_size(self, *size)

    def mean(self: Any, dim: Dim = None, keepdim: _bool = False, *, dtype: DType | None = None) -> Tensor:
        """Arithmetic mean over ``dim``; NaN over nothing."""
        return _f.mean(self, dim, keepdim, dtype=dtype)

    def prod(self: Any, dim: _int | None = None, keepdim: _bool = False, *, dtype: DType | None = None) -> Tensor:
        """Product over ``dim`` (all by default); integers and bool give int64."""
        return _f.prod(self, dim, keepdim, dtype=dtype)

    def amax(self: Any, dim: Dim = (), keepdim: _bool = False) -> Tensor:
        """Largest element over ``dim``; the gradient is shared evenly among equals."""
        return _f.amax(self, dim, keepdim)

    def amin(self: Any, dim: Dim = (), keepdim: _bool = False) -> Tensor:
        """Smallest element over ``dim``; the gradient is shared evenly among equals."""
        return _f.amin(self, dim, keepdim)

    def aminmax(self: Any, *, dim: _int | None = None, keepdim: _bool = False) -> tuple[Tensor, Tensor]:
        """:func:`amin` and :func:`amax`."""
        return _f.aminmax(self, dim=dim, keepdim=keepdim)

    def argmax(self: Any, dim: _int | None = None, keepdim: _bool = False) -> Tensor:
        """int64 position of the first largest element along ``dim``, or in the flattened input; NaN counts as largest."""
        return _f.argmax(self, dim, keepdim)

    def argmin(self: Any, dim: _int | None = None, keepdim: _bool = False) -> Tensor:
        """int64 position of the first smallest element along ``dim``, or in the flattened input; NaN counts as smallest."""
        return _f.argmin(self, dim, keepdim)

    def max(self: Any, *args: Any, dim: _int | None = None, keepdim: _bool = False, other: Tensor | None = None) -> Any:
        """Largest element; with ``dim``, also where: ``(values, indices)``; with another tensor, :func:`maximum`."""
        return _f.max(self, *args, dim=dim, keepdim=keepdim, other=other)

    def min(self: Any, *args: Any, dim: _int | None = None, keepdim: _bool = False, other: Tensor | None = None) -> Any:
        """Smallest element; with ``dim``, also where: ``(values, indices)``; with another tensor, :func:`minimum`."""
        return _f.min(self, *args, dim=dim, keepdim=keepdim, other=other)

    def any(self: Any, dim: Dim = None, keepdim: _bool = False) -> Tensor:
        """Whether any element is not zero -> bool (uint8 for uint8)."""
        return _f.any(self, dim, keepdim)

    def all(self: Any, dim: Dim = None, keepdim: _bool = False) -> Tensor:
        """Whether all elements are not zero -> bool (uint8 for uint8)."""
        return _f.all(self, dim, keepdim)

    def count_nonzero(self: Any, dim: Dim = None) -> Tensor:
        """How many elements are not zero -> int64."""
        return _f.count_nonzero(self, dim)

    def logsumexp(self: Any, dim: Dim, keepdim: _bool = False) -> Tensor:
        """log(sum(exp(input))) over ``dim`` without overflow."""
        return _f.logsumexp(self, dim, keepdim)

    def norm(self: Any, p: Any = "fro", dim: Dim = None, keepdim: _bool = False, dtype: DType | None = None) -> Tensor:
        """Vector norm of order ``p`` over ``dim``: (sum |x| ** p) ** (1 / p).  The gradient at 0 is 0."""
        return _f.norm(self, p, dim, keepdim, dtype)

    def cumsum(self: Any, dim: _int, *, dtype: DType | None = None) -> Tensor:
        """Running sum along ``dim``; integers and bool give int64."""
        return _f.cumsum(self, dim, dtype=dtype)

    def cumsum_(self: Any, dim: _int, *, dtype: DType | None = None) -> Tensor:
        """In-place form of :meth:`cumsum`."""
        return _f.assign("cumsum_", self, _f.cumsum(_f.apart(self), dim, dtype=dtype))

    def cumprod(self: Any, dim: _int, *, dtype: DType | None = None) -> Tensor:
        """Running product along ``dim``; integers and bool give int64."""
        return _f.cumprod(self, dim, dtype=dtype)

    def cumprod_(self: Any, dim: _int, *, dtype: DType | None = None) -> Tensor:
        """In-place form of :meth:`cumprod`."""
        return _f.assign("cumprod_", self, _f.cumprod(_f.apart(self), dim, dtype=dtype))

    def scatter(
        self: Any, dim: _int, index: Tensor, src: Any = None, *, value: Any = None, reduce: str | None = None
    ) -> Tensor:
        """``out[index[i][j]][j] = src[i][j]`` for ``dim`` 0, and so on: a copy of ``input`` written along one axis."""
        return _f.scatter(self, dim, index, src, value=value, reduce=reduce)

    def scatter_(
        self: Any, dim: _int, index: Tensor, src: Any = None, *, value: Any = None, reduce: str | None = None
    ) -> Tensor:
        """In-place form of :func:`scatter`."""
        return _f.scatter_(self, dim, index, src, value=value, reduce=reduce)

    def scatter_add(self: Any, dim: _int, index: Tensor, src: Tensor) -> Tensor:
        """``out[index[i][j]][j] += src[i][j]`` for ``dim`` 0, and so on, in a copy of ``input``; positions may repeat."""
        return _f.scatter_add(self, dim, index, src)

    def scatter_add_(self: Any, dim: _int, index: Tensor, src: Tensor) -> Tensor:
        """In-place form of :func:`scatter_add`."""
        return _f.scatter_add_(self, dim, index, src)

    def index_add(self: Any, dim: _int, index: Tensor, source: Tensor, *, alpha: Any = 1) -> Tensor:
        """A copy of ``input`` with ``alpha * source``'s slice ``i`` along ``dim`` added at ``index[i]``; positions may repeat."""
        return _f.index_add(self, dim, index, source, alpha=alpha)

    def index_add_(self: Any, dim: _int, index: Tensor, source: Tensor, *, alpha: Any = 1) -> Tensor:
        """In-place form of :func:`index_add`."""
        return _f.index_add_(self, dim, index, source, alpha=alpha)

    def index_copy(self: Any, dim: _int, index: Tensor, source: Tensor) -> Tensor:
        """A copy of ``input`` with slice ``i`` of ``source`` along ``dim`` written at ``index[i]``."""
        return _f.index_copy(self, dim, index, source)

    def index_copy_(self: Any, dim: _int, index: Tensor, source: Tensor) -> Tensor:
        """In-place form of :func:`index_copy`."""
        return _f.index_copy_(self, dim, index, source)

    def index_fill(self: Any, dim: _int, index: Tensor, value: Any) -> Tensor:
        """A copy of ``input`` with one value in all slices along ``dim`` that ``index`` names."""
        return _f.index_fill(self, dim, index, value)

    def index_fill_(self: Any, dim: _int, index: Tensor, value: Any) -> Tensor:
        """In-place form of :func:`index_fill`."""
        return _f.index_fill_(self, dim, index, value)

    def where(self: Any, condition: Tensor, other: Any) -> Any:
        """``self`` where the condition holds, ``other`` elsewhere."""
        return _f.where_self(self, condition, other)

    def masked_fill(self: Any, mask: Tensor, value: Any) -> Tensor:
        """``value``, a number or a 0-d tensor, where the mask holds; input and mask broadcast.  The dtype stays."""
        return _f.masked_fill(self, mask, value)

    def masked_fill_(self: Any, mask: Tensor, value: Any) -> Tensor:
        """In-place form of :func:`masked_fill`; the mask must broadcast to the tensor."""
        return _f.masked_fill_(self, mask, value)

    def nonzero(self: Any, *, as_tuple: _bool = False) -> Any:
        """Positions of the elements that are not zero -> ``(n, input.ndim)``, int64, in C order; with ``as_tuple`` a vector"""
        return _f.nonzero(self, as_tuple=as_tuple)

    def nonzero_static(self: Any, *, size: _int, fill_value: _int = -1) -> Tensor:
        """The first ``size`` rows of :func:`nonzero`, ``(size, input.ndim)``; rows that it lacks hold ``fill_value``."""
        return _f.nonzero_static(self, size=size, fill_value=fill_value)

    def argwhere(self: Any) -> Tensor:
        """Positions of the elements that are not zero -> ``(n, input.ndim)``; reads ``n`` from the device."""
        return _f.argwhere(self)

    def masked_select(self: Any, mask: Tensor) -> Tensor:
        """The elements where the mask holds, in C order -> ``(n)``; input and mask broadcast.  Reads ``n`` from the device."""
        return _f.masked_select(self, mask)

    def masked_scatter(self: Any, mask: Tensor, source: Tensor) -> Tensor:
        """The first elements of ``source``, in C order, where the mask holds; input and mask broadcast."""
        return _f.masked_scatter(self, mask, source)

    def masked_scatter_(self: Any, mask: Tensor, source: Tensor) -> Tensor:
        """In-place form of :meth:`masked_scatter`."""
        return _f.assign("masked_scatter_", self, _f.masked_scatter(_f.apart(self), mask, source))

    def index_put(self: Any, indices: Sequence[Tensor], values: Tensor, accumulate: _bool = False) -> Tensor:
        """A copy of ``input`` with ``values`` written at ``input[indices]``; with ``accumulate``, added, repeats included."""
        return _f.index_put(self, indices, values, accumulate)

    def index_put_(self: Any, indices: Sequence[Tensor], values: Tensor, accumulate: _bool = False) -> Tensor:
        """In-place form of :func:`index_put`."""
        return _f.index_put_(self, indices, values, accumulate)

    def clone(self: Any, *, memory_format: Any = None) -> Tensor:
        """A copy with the same place on the tape, its axes in memory in the order of the input's or of another format."""
        return _f.clone(self, memory_format=memory_format)

    def contiguous(self: Any, memory_format: Any = None) -> Tensor:
        """The tensor itself where it is contiguous in the format (default: C order), else a copy that is."""
        return _f.contiguous(self, memory_format)

    def to(
        self: Any,
        *args: Any,
        dtype: DType | None = None,
        device: Any = None,
        non_blocking: _bool = False,
        copy: _bool = False,
        memory_format: Any = None,
    ) -> Tensor:
        """The tensor on another device, in another dtype, or both: ``to(dtype)``, ``to(device)``, ``to(device, dtype)``,"""
        return _f.to(
            self, *args, dtype=dtype, device=device, non_blocking=non_blocking, copy=copy, memory_format=memory_format
        )

    def type_as(self: Any, other: Tensor) -> Tensor:
        """In the dtype of ``other``."""
        return _f.type_as(self, other)

    def cpu(self: Any, memory_format: Any = None) -> Tensor:
        """On the host device ``cpu``."""
        return _f.to_cpu(self, memory_format)

    def cuda(self: Any, device: Any = None, non_blocking: _bool = False, memory_format: Any = None) -> Tensor:
        """On an NVIDIA GPU."""
        return _f.to_cuda(self, device, non_blocking, memory_format)

    def bool(self: Any, memory_format: Any = None) -> Tensor:
        """In dtype bool."""
        return _f.to_bool(self, memory_format)

    def byte(self: Any, memory_format: Any = None) -> Tensor:
        """In dtype uint8."""
        return _f.to_byte(self, memory_format)

    def char(self: Any, memory_format: Any = None) -> Tensor:
        """In dtype int8."""
        return _f.to_char(self, memory_format)

    def short(self: Any, memory_format: Any = None) -> Tensor:
        """In dtype int16."""
        return _f.to_short(self, memory_format)

    def int(self: Any, memory_format: Any = None) -> Tensor:
        """In dtype int32."""
        return _f.to_int(self, memory_format)

    def long(self: Any, memory_format: Any = None) -> Tensor:
        """In dtype int64."""
        return _f.to_long(self, memory_format)

    def half(self: Any, memory_format: Any = None) -> Tensor:
        """In dtype float16."""
        return _f.to_half(self, memory_format)

    def bfloat16(self: Any, memory_format: Any = None) -> Tensor:
        """In dtype bfloat16."""
        return _f.to_bfloat16(self, memory_format)

    def float(self: Any, memory_format: Any = None) -> Tensor:
        """In dtype float32."""
        return _f.to_float(self, memory_format)

    def double(self: Any, memory_format: Any = None) -> Tensor:
        """In dtype float64."""
        return _f.to_double(self, memory_format)

    def cfloat(self: Any, memory_format: Any = None) -> Tensor:
        """In dtype complex64."""
        return _f.to_cfloat(self, memory_format)

    def cdouble(self: Any, memory_format: Any = None) -> Tensor:
        """In dtype complex128."""
        return _f.to_cdouble(self, memory_format)

    def copy_(self: Any, src: Any, non_blocking: _bool = False) -> Tensor:
        """Overwrite with ``src``, broadcast, converted, and moved from its device."""
        return _f.copy_(self, src, non_blocking)

    def fill_(self: Any, value: Any) -> Tensor:
        """Set every element to one number (or 0-d tensor)."""
        return _f.fill_(self, value)

    def zero_(self: Any) -> Tensor:
        """Set every element to 0."""
        return _f.zero_(self)

    def matmul(self: Any, other: Tensor) -> Tensor:
        """Matrix product with NumPy's rules: vectors are rows on the left and columns on the right, batches broadcast."""
        return _f.matmul(self, other)

    def __matmul__(self: Any, other: Any) -> Tensor:
        return _f.matmul(self, other) if isinstance(other, _f.Tensor) else NotImplemented

    def __rmatmul__(self: Any, other: Any) -> Tensor:
        return _f.rmatmul(self, other) if isinstance(other, _f.Tensor) else NotImplemented

    def mm(self: Any, mat2: Tensor) -> Tensor:
        """Product of two matrices, ``(M, K) @ (K, N) -> (M, N)``."""
        return _f.mm(self, mat2)

    def bmm(self: Any, mat2: Tensor) -> Tensor:
        """Batch of matrix products, ``(B, M, K) @ (B, K, N) -> (B, M, N)``."""
        return _f.bmm(self, mat2)

    def mv(self: Any, vec: Tensor) -> Tensor:
        """Matrix times vector, ``(M, K) @ (K) -> (M)``."""
        return _f.mv(self, vec)

    def dot(self: Any, tensor: Tensor) -> Tensor:
        """Inner product of two vectors, without conjugation -> 0-d."""
        return _f.dot(self, tensor)

    def outer(self: Any, vec2: Tensor) -> Tensor:
        """Outer product of two vectors, ``(M), (N) -> (M, N)``."""
        return _f.outer(self, vec2)

    def ger(self: Any, vec2: Tensor) -> Tensor:
        """Outer product of two vectors, ``(M), (N) -> (M, N)``."""
        return _f.outer(self, vec2)

    def addmm(self: Any, mat1: Tensor, mat2: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
        """``beta * input + alpha * (mat1 @ mat2)``; ``beta`` 0 ignores the input, NaN included."""
        return _f.addmm(self, mat1, mat2, beta=beta, alpha=alpha)

    def addmm_(self: Any, mat1: Tensor, mat2: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
        """In-place form of :meth:`addmm`."""
        return _f.assign("addmm_", self, _f.addmm(_f.apart(self), mat1, mat2, beta=beta, alpha=alpha))

    def div(self: Any, other: Any, *, rounding_mode: str | None = None, out: Tensor | None = None) -> Tensor:
        """Quotient.  Both ``(*S)``, broadcast -> ``(*S)``."""
        return _f.div(self, other, rounding_mode=rounding_mode, out=out)

    def divide(self: Any, other: Any, *, rounding_mode: str | None = None, out: Tensor | None = None) -> Tensor:
        """Quotient.  Both ``(*S)``, broadcast -> ``(*S)``."""
        return _f.div(self, other, rounding_mode=rounding_mode, out=out)

    def div_(self: Any, other: Any, *, rounding_mode: str | None = None, out: Tensor | None = None) -> Tensor:
        """In-place form of :meth:`div`."""
        return _f.assign("div_", self, _f.div(_f.apart(self), other, rounding_mode=rounding_mode, out=out))

    def divide_(self: Any, other: Any, *, rounding_mode: str | None = None, out: Tensor | None = None) -> Tensor:
        """In-place form of :meth:`div`."""
        return _f.assign("div_", self, _f.div(_f.apart(self), other, rounding_mode=rounding_mode, out=out))

    def bernoulli(self: Any, p: _float | None = None, *, generator: Generator | None = None) -> Tensor:
        """1 with the probability that the input (or ``p``) says, else 0, in the input's dtype; no gradient."""
        return _f.bernoulli(self, p, generator=generator)

    def bernoulli_(self: Any, p: Any = 0.5, *, generator: Generator | None = None) -> Tensor:
        """Overwrite with 1 with probability ``p``, a number or a tensor that broadcasts, else 0."""
        return _f.bernoulli_(self, p, generator=generator)

    def uniform_(self: Any, from_: _float = 0.0, to: _float = 1.0, *, generator: Generator | None = None) -> Tensor:
        """Overwrite with uniform numbers in ``[from, to)``."""
        return _f.uniform_(self, from_, to, generator=generator)

    def normal_(self: Any, mean: _float = 0.0, std: _float = 1.0, *, generator: Generator | None = None) -> Tensor:
        """Overwrite with normal numbers."""
        return _f.normal_(self, mean, std, generator=generator)

    def exponential_(self: Any, lambd: _float = 1.0, *, generator: Generator | None = None) -> Tensor:
        """Overwrite with exponentially distributed numbers of rate ``lambd``."""
        return _f.exponential_(self, lambd, generator=generator)

    def cauchy_(self: Any, median: _float = 0.0, sigma: _float = 1.0, *, generator: Generator | None = None) -> Tensor:
        """Overwrite with numbers by Cauchy's law."""
        return _f.cauchy_(self, median, sigma, generator=generator)

    def log_normal_(self: Any, mean: _float = 1.0, std: _float = 2.0, *, generator: Generator | None = None) -> Tensor:
        """Overwrite with exponentials of normal numbers of this mean and deviation."""
        return _f.log_normal_(self, mean, std, generator=generator)

    def geometric_(self: Any, p: _float, *, generator: Generator | None = None) -> Tensor:
        """Overwrite with the number of trials up to the first success, each of probability ``p``: 1, 2, ..."""
        return _f.geometric_(self, p, generator=generator)

    def random_(self: Any, from_: _int = 0, to: _int | None = None, *, generator: Generator | None = None) -> Tensor:
        """Overwrite with integers from ``from`` to ``to - 1``; by default all that the dtype holds exactly."""
        return _f.random_(self, from_, to, generator=generator)

    def multinomial(
        self: Any, num_samples: _int, replacement: _bool = False, *, generator: Generator | None = None
    ) -> Tensor:
        """Positions drawn by weight from the last axis.  ``(m)`` or ``(n, m)`` -> ``(num_samples)`` or ``(n, num_samples)``."""
        return _f.multinomial(self, num_samples, replacement, generator=generator)

    def flip(self: Any, *dims: Any) -> Tensor:
        """A copy with the axes ``dims`` in reverse order."""
        return _f.flip(self, *dims)

    def fliplr(self: Any) -> Tensor:
        """Columns in reverse order."""
        return _f.fliplr(self)

    def flipud(self: Any) -> Tensor:
        """Rows in reverse order."""
        return _f.flipud(self)

    def rot90(self: Any, k: _int = 1, dims: Sequence[_int] = (0, 1)) -> Tensor:
        """A rotation by ``k`` right angles in the plane of two axes, from the first towards the second."""
        return _f.rot90(self, k, dims)

    def roll(self: Any, shifts: Any, dims: Any = None) -> Tensor:
        """A copy shifted around: what leaves one end of an axis comes in at the other.  Without ``dims``, in C order."""
        return _f.roll(self, shifts, dims)

    def repeat(self: Any, *repeats: Any) -> Tensor:
        """The tensor laid side by side ``repeats[i]`` times along axis ``i``, a copy; more repeats than axes add axes in"""
        return _f.repeat(self, *repeats)

    def tile(self: Any, *dims: Any) -> Tensor:
        """:func:`repeat` with NumPy's rule: fewer repeats than axes count from the last axis."""
        return _f.tile(self, *dims)

    def repeat_interleave(
        self: Any, repeats: Any = None, dim: _int | None = None, *, output_size: _int | None = None
    ) -> Tensor:
        """Each element ``repeats`` times in a row, along ``dim`` or, without it, in the flattened input."""
        return _f.repeat_interleave(self, repeats, dim, output_size=output_size)

    def exp(self: Any) -> Tensor:
        """e ** input."""
        return _f.exp(self)

    def exp_(self: Any) -> Tensor:
        """In-place form of :meth:`exp`."""
        return _f.exp.inplace(self)

    def exp2(self: Any) -> Tensor:
        """2 ** input."""
        return _f.exp2(self)

    def exp2_(self: Any) -> Tensor:
        """In-place form of :meth:`exp2`."""
        return _f.exp2.inplace(self)

    def expm1(self: Any) -> Tensor:
        """e ** input - 1, precise near 0."""
        return _f.expm1(self)

    def expm1_(self: Any) -> Tensor:
        """In-place form of :meth:`expm1`."""
        return _f.expm1.inplace(self)

    def log(self: Any) -> Tensor:
        """Natural logarithm."""
        return _f.log(self)

    def log_(self: Any) -> Tensor:
        """In-place form of :meth:`log`."""
        return _f.log.inplace(self)

    def log2(self: Any) -> Tensor:
        """Logarithm to base 2."""
        return _f.log2(self)

    def log2_(self: Any) -> Tensor:
        """In-place form of :meth:`log2`."""
        return _f.log2.inplace(self)

    def log10(self: Any) -> Tensor:
        """Logarithm to base 10."""
        return _f.log10(self)

    def log10_(self: Any) -> Tensor:
        """In-place form of :meth:`log10`."""
        return _f.log10.inplace(self)

    def log1p(self: Any) -> Tensor:
        """log(1 + input), precise near 0."""
        return _f.log1p(self)

    def log1p_(self: Any) -> Tensor:
        """In-place form of :meth:`log1p`."""
        return _f.log1p.inplace(self)

    def sqrt(self: Any) -> Tensor:
        """Square root."""
        return _f.sqrt(self)

    def sqrt_(self: Any) -> Tensor:
        """In-place form of :meth:`sqrt`."""
        return _f.sqrt.inplace(self)

    def rsqrt(self: Any) -> Tensor:
        """1 / sqrt(input)."""
        return _f.rsqrt(self)

    def rsqrt_(self: Any) -> Tensor:
        """In-place form of :meth:`rsqrt`."""
        return _f.rsqrt.inplace(self)

    def sin(self: Any) -> Tensor:
        """Sine of an angle in radians."""
        return _f.sin(self)

    def sin_(self: Any) -> Tensor:
        """In-place form of :meth:`sin`."""
        return _f.sin.inplace(self)

    def cos(self: Any) -> Tensor:
        """Cosine of an angle in radians."""
        return _f.cos(self)

    def cos_(self: Any) -> Tensor:
        """In-place form of :meth:`cos`."""
        return _f.cos.inplace(self)

    def tan(self: Any) -> Tensor:
        """Tangent of an angle in radians."""
        return _f.tan(self)

    def tan_(self: Any) -> Tensor:
        """In-place form of :meth:`tan`."""
        return _f.tan.inplace(self)

    def asin(self: Any) -> Tensor:
        """Inverse sine, in radians."""
        return _f.asin(self)

    def arcsin(self: Any) -> Tensor:
        """Inverse sine, in radians."""
        return _f.asin(self)

    def asin_(self: Any) -> Tensor:
        """In-place form of :meth:`asin`."""
        return _f.asin.inplace(self)

    def arcsin_(self: Any) -> Tensor:
        """In-place form of :meth:`asin`."""
        return _f.asin.inplace(self)

    def acos(self: Any) -> Tensor:
        """Inverse cosine, in radians."""
        return _f.acos(self)

    def arccos(self: Any) -> Tensor:
        """Inverse cosine, in radians."""
        return _f.acos(self)

    def acos_(self: Any) -> Tensor:
        """In-place form of :meth:`acos`."""
        return _f.acos.inplace(self)

    def arccos_(self: Any) -> Tensor:
        """In-place form of :meth:`acos`."""
        return _f.acos.inplace(self)

    def atan(self: Any) -> Tensor:
        """Inverse tangent, in radians."""
        return _f.atan(self)

    def arctan(self: Any) -> Tensor:
        """Inverse tangent, in radians."""
        return _f.atan(self)

    def atan_(self: Any) -> Tensor:
        """In-place form of :meth:`atan`."""
        return _f.atan.inplace(self)

    def arctan_(self: Any) -> Tensor:
        """In-place form of :meth:`atan`."""
        return _f.atan.inplace(self)

    def sinh(self: Any) -> Tensor:
        """Hyperbolic sine."""
        return _f.sinh(self)

    def sinh_(self: Any) -> Tensor:
        """In-place form of :meth:`sinh`."""
        return _f.sinh.inplace(self)

    def cosh(self: Any) -> Tensor:
        """Hyperbolic cosine."""
        return _f.cosh(self)

    def cosh_(self: Any) -> Tensor:
        """In-place form of :meth:`cosh`."""
        return _f.cosh.inplace(self)

    def tanh(self: Any) -> Tensor:
        """Hyperbolic tangent."""
        return _f.tanh(self)

    def tanh_(self: Any) -> Tensor:
        """In-place form of :meth:`tanh`."""
        return _f.tanh.inplace(self)

    def asinh(self: Any) -> Tensor:
        """Inverse hyperbolic sine."""
        return _f.asinh(self)

    def arcsinh(self: Any) -> Tensor:
        """Inverse hyperbolic sine."""
        return _f.asinh(self)

    def asinh_(self: Any) -> Tensor:
        """In-place form of :meth:`asinh`."""
        return _f.asinh.inplace(self)

    def arcsinh_(self: Any) -> Tensor:
        """In-place form of :meth:`asinh`."""
        return _f.asinh.inplace(self)

    def acosh(self: Any) -> Tensor:
        """Inverse hyperbolic cosine."""
        return _f.acosh(self)

    def arccosh(self: Any) -> Tensor:
        """Inverse hyperbolic cosine."""
        return _f.acosh(self)

    def acosh_(self: Any) -> Tensor:
        """In-place form of :meth:`acosh`."""
        return _f.acosh.inplace(self)

    def arccosh_(self: Any) -> Tensor:
        """In-place form of :meth:`acosh`."""
        return _f.acosh.inplace(self)

    def atanh(self: Any) -> Tensor:
        """Inverse hyperbolic tangent."""
        return _f.atanh(self)

    def arctanh(self: Any) -> Tensor:
        """Inverse hyperbolic tangent."""
        return _f.atanh(self)

    def atanh_(self: Any) -> Tensor:
        """In-place form of :meth:`atanh`."""
        return _f.atanh.inplace(self)

    def arctanh_(self: Any) -> Tensor:
        """In-place form of :meth:`atanh`."""
        return _f.atanh.inplace(self)

    def erf(self: Any) -> Tensor:
        """Error function, 2 / sqrt(pi) times the integral of exp(-t**2) from 0 to input."""
        return _f.erf(self)

    def erf_(self: Any) -> Tensor:
        """In-place form of :meth:`erf`."""
        return _f.erf.inplace(self)

    def erfc(self: Any) -> Tensor:
        """1 - erf(input), precise for large input."""
        return _f.erfc(self)

    def erfc_(self: Any) -> Tensor:
        """In-place form of :meth:`erfc`."""
        return _f.erfc.inplace(self)

    def sigmoid(self: Any) -> Tensor:
        """Logistic function, 1 / (1 + exp(-input))."""
        return _f.sigmoid(self)

    def sigmoid_(self: Any) -> Tensor:
        """In-place form of :meth:`sigmoid`."""
        return _f.sigmoid.inplace(self)

    def logit(self: Any, eps: Any = None) -> Tensor:
        """log(p / (1 - p)) of ``p = input``, clamped to ``[eps, 1 - eps]`` where ``eps`` is given."""
        return _f.logit(self, eps)

    def logit_(self: Any, eps: Any = None) -> Tensor:
        """In-place form of :meth:`logit`."""
        return _f.logit.inplace(self, eps)

    def logaddexp(self: Any, other: Any) -> Tensor:
        """log(exp(input) + exp(other)) without overflow."""
        return _f.logaddexp(self, other)

    def logaddexp_(self: Any, other: Any) -> Tensor:
        """In-place form of :meth:`logaddexp`."""
        return _f.logaddexp.inplace(self, other)

    def deg2rad(self: Any) -> Tensor:
        """Degrees to radians."""
        return _f.deg2rad(self)

    def deg2rad_(self: Any) -> Tensor:
        """In-place form of :meth:`deg2rad`."""
        return _f.deg2rad.inplace(self)

    def rad2deg(self: Any) -> Tensor:
        """Radians to degrees."""
        return _f.rad2deg(self)

    def rad2deg_(self: Any) -> Tensor:
        """In-place form of :meth:`rad2deg`."""
        return _f.rad2deg.inplace(self)

    def inner(self: Any, other: Tensor) -> Tensor:
        """Sum of products over the last axis of both.  ``(*S, K)``, ``(*T, K)`` -> ``(*S, *T)``; a 0-d operand multiplies."""
        return _f.inner(self, other)

    def vdot(self: Any, other: Tensor) -> Tensor:
        """Inner product of two vectors, the first conjugated -> 0-d."""
        return _f.vdot(self, other)

    def trace(self: Any) -> Tensor:
        """Sum of the diagonal of a matrix -> 0-d; integers give int64."""
        return _f.trace(self)

    def kron(self: Any, other: Tensor) -> Tensor:
        """Kronecker product: every element of ``input`` times all of ``other``.  ``(*S)``, ``(*T)`` -> the products of sizes."""
        return _f.kron(self, other)

    def cross(self: Any, other: Tensor, dim: _int | None = None) -> Tensor:
        """Cross product of vectors along ``dim``, by default the first axis of size 3; the others broadcast."""
        return _f.cross(self, other, dim)

    def matrix_power(self: Any, n: _int) -> Tensor:
        """Square matrices multiplied with themselves ``n`` times, ``(*B, M, M)`` -> the same; below 0, the inverse's power."""
        return _f.matrix_power(self, n)

    def addmv(self: Any, mat: Tensor, vec: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
        """``beta * input + alpha * (mat @ vec)``.  mat ``(M, K)``, vec ``(K)`` -> ``(M)``, to which the input expands."""
        return _f.addmv(self, mat, vec, beta=beta, alpha=alpha)

    def addmv_(self: Any, mat: Tensor, vec: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
        """In-place form of :meth:`addmv`."""
        return _f.assign("addmv_", self, _f.addmv(_f.apart(self), mat, vec, beta=beta, alpha=alpha))

    def addr(self: Any, vec1: Tensor, vec2: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
        """``beta * input + alpha * outer(vec1, vec2)``.  vec1 ``(M)``, vec2 ``(N)`` -> ``(M, N)``."""
        return _f.addr(self, vec1, vec2, beta=beta, alpha=alpha)

    def addr_(self: Any, vec1: Tensor, vec2: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
        """In-place form of :meth:`addr`."""
        return _f.assign("addr_", self, _f.addr(_f.apart(self), vec1, vec2, beta=beta, alpha=alpha))

    def baddbmm(self: Any, batch1: Tensor, batch2: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
        """``beta * input + alpha * (batch1 @ batch2)``.  ``(B, M, K)``, ``(B, K, N)`` -> ``(B, M, N)``."""
        return _f.baddbmm(self, batch1, batch2, beta=beta, alpha=alpha)

    def baddbmm_(self: Any, batch1: Tensor, batch2: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
        """In-place form of :meth:`baddbmm`."""
        return _f.assign("baddbmm_", self, _f.baddbmm(_f.apart(self), batch1, batch2, beta=beta, alpha=alpha))

    def addbmm(self: Any, batch1: Tensor, batch2: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
        """``beta * input + alpha * sum(batch1 @ batch2, 0)``.  ``(B, M, K)``, ``(B, K, N)`` -> ``(M, N)``."""
        return _f.addbmm(self, batch1, batch2, beta=beta, alpha=alpha)

    def addbmm_(self: Any, batch1: Tensor, batch2: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
        """In-place form of :meth:`addbmm`."""
        return _f.assign("addbmm_", self, _f.addbmm(_f.apart(self), batch1, batch2, beta=beta, alpha=alpha))

    def softmax(self: Any, dim: _int, dtype: DType | None = None) -> Tensor:
        """``exp(x) / sum(exp(x))`` along ``dim``: positive shares that add up to 1.  ``dtype``: converted to it first."""
        return _f.softmax(self, dim, dtype)

    def log_softmax(self: Any, dim: _int, dtype: DType | None = None) -> Tensor:
        """``log(softmax(x))`` along ``dim``, without the loss of digits.  ``dtype``: converted to it first."""
        return _f.log_softmax(self, dim, dtype)

    def tril(self: Any, diagonal: _int = 0) -> Tensor:
        """The lower triangle of each matrix, zeros above the ``diagonal`` (0 is the main one, above it positive)."""
        return _f.tril(self, diagonal)

    def tril_(self: Any, diagonal: _int = 0) -> Tensor:
        """In-place form of :meth:`tril`."""
        return _f.assign("tril_", self, _f.tril(_f.apart(self), diagonal))

    def triu(self: Any, diagonal: _int = 0) -> Tensor:
        """The upper triangle of each matrix, zeros below the ``diagonal`` (0 is the main one, above it positive)."""
        return _f.triu(self, diagonal)

    def triu_(self: Any, diagonal: _int = 0) -> Tensor:
        """In-place form of :meth:`triu`."""
        return _f.assign("triu_", self, _f.triu(_f.apart(self), diagonal))

    def diag(self: Any, diagonal: _int = 0) -> Tensor:
        """A vector as the diagonal of a square matrix of zeros, or a matrix's diagonal as a vector."""
        return _f.diag(self, diagonal)

    def diag_embed(self: Any, offset: _int = 0, dim1: _int = -2, dim2: _int = -1) -> Tensor:
        """The last axis as the diagonal of matrices of zeros, whose axes are ``dim1`` and ``dim2`` of the result."""
        return _f.diag_embed(self, offset, dim1, dim2)

    def combinations(self: Any, r: _int = 2, with_replacement: _bool = False) -> Tensor:
        """All choices of ``r`` elements of a vector in order, as rows.  ``(n)`` -> ``(n choose r, r)``."""
        return _f.combinations(self, r, with_replacement)

    def isclose(
        self: Any, other: Tensor, rtol: _float = 1e-05, atol: _float = 1e-08, equal_nan: _bool = False
    ) -> Tensor:
        """Where ``|input - other| <= atol + rtol * |other|``, or both are equal -> bool.  Broadcasts."""
        return _f.isclose(self, other, rtol, atol, equal_nan)

    def allclose(
        self: Any, other: Tensor, rtol: _float = 1e-05, atol: _float = 1e-08, equal_nan: _bool = False
    ) -> _bool:
        """Whether :func:`isclose` holds everywhere (a host read)."""
        return _f.allclose(self, other, rtol, atol, equal_nan)

    def equal(self: Any, other: Tensor) -> _bool:
        """Whether shapes and elements are the same (a host read); NaN equals nothing."""
        return _f.equal(self, other)

    def diff(
        self: Any, n: _int = 1, dim: _int = -1, prepend: Tensor | None = None, append: Tensor | None = None
    ) -> Tensor:
        """Differences of neighbours along ``dim``, ``n`` times over; of bool, whether they differ."""
        return _f.diff(self, n, dim, prepend, append)

    def nanmean(
        self: Any, dim: _int | Sequence[_int] | None = None, keepdim: _bool = False, *, dtype: DType | None = None
    ) -> Tensor:
        """Arithmetic mean over ``dim`` of the elements that are not NaN; NaN where there are none."""
        return _f.nanmean(self, dim, keepdim, dtype=dtype)

    def gcd(self: Any, other: Tensor) -> Tensor:
        """The greatest common divisor, not negative; that of 0 and 0 is 0.  Integers ``(*S)``, broadcast -> ``(*S)``."""
        return _f.gcd(self, other)

    def gcd_(self: Any, other: Tensor) -> Tensor:
        """In-place form of :meth:`gcd`."""
        return _f.assign("gcd_", self, _f.gcd(_f.apart(self), other))

    def lcm(self: Any, other: Tensor) -> Tensor:
        """The least common multiple, not negative; 0 if either is 0.  Integers ``(*S)``, broadcast -> ``(*S)``."""
        return _f.lcm(self, other)

    def lcm_(self: Any, other: Tensor) -> Tensor:
        """In-place form of :meth:`lcm`."""
        return _f.assign("lcm_", self, _f.lcm(_f.apart(self), other))

    def sort(self: Any, dim: _int = -1, descending: _bool = False, stable: _bool | None = None) -> ValuesIndices:
        """Elements in order along ``dim``, and the positions they came from.  ``(*S)`` -> ``(*S)``, int64 ``(*S)``."""
        return _f.sort(self, dim, descending, stable)

    def argsort(self: Any, dim: _int = -1, descending: _bool = False, stable: _bool | None = None) -> Tensor:
        """Positions that put the elements in order along ``dim`` -> int64 ``(*S)``; equal elements keep their order."""
        return _f.argsort(self, dim, descending, stable)

    def msort(self: Any) -> Tensor:
        """Elements in order along the first axis."""
        return _f.msort(self)

    def topk(self: Any, k: _int, dim: _int = -1, largest: _bool = True, sorted: _bool = True) -> ValuesIndices:
        """The ``k`` largest (or smallest) elements along ``dim``, always in order, and their positions."""
        return _f.topk(self, k, dim, largest, sorted)

    def kthvalue(self: Any, k: _int, dim: _int = -1, keepdim: _bool = False) -> ValuesIndices:
        """The ``k``-th smallest element along ``dim``, counted from 1, and its position."""
        return _f.kthvalue(self, k, dim, keepdim)

    def searchsorted(
        self: Any,
        input: Any,
        *,
        out_int32: _bool = False,
        right: _bool = False,
        side: str | None = None,
        sorter: Tensor | None = None,
    ) -> Tensor:
        """Positions at which the values could be inserted along the last axis of a sorted sequence, before equal elements or"""
        return _f.searchsorted(self, input, out_int32=out_int32, right=right, side=side, sorter=sorter)

    def bincount(self: Any, weights: Tensor | None = None, minlength: _int = 0) -> Tensor:
        """How often each number from 0 occurs, or the sum of the weights at it."""
        return _f.bincount(self, weights, minlength)

    def histc(self: Any, bins: _int = 100, min: _float = 0, max: _float = 0) -> Tensor:
        """How many elements fall into each of ``bins`` equal parts of ``[min, max]`` -> ``(bins)`` in the input's dtype."""
        return _f.histc(self, bins, min, max)

    def histogram(
        self: Any,
        bins: Any,
        *,
        range: tuple[_float, _float] | None = None,
        weight: Tensor | None = None,
        density: _bool = False,
    ) -> tuple[Tensor, Tensor]:
        """Counts of the elements between ascending edges: ``(hist, bin_edges)``, ``(bins)`` and ``(bins + 1)``."""
        return _f.histogram(self, bins, range=range, weight=weight, density=density)

    def igamma(self: Any, other: Any) -> Tensor:
        """The regularised lower incomplete gamma function of shape ``input`` at ``other``.  Both ``(*S)`` -> ``(*S)``."""
        return _f.igamma(self, other)

    def igamma_(self: Any, other: Any) -> Tensor:
        """In-place form of :meth:`igamma`."""
        return _f.igamma.inplace(self, other)

    def igammac(self: Any, other: Any) -> Tensor:
        """The regularised upper incomplete gamma function, ``1 - igamma(input, other)`` without cancellation."""
        return _f.igammac(self, other)

    def igammac_(self: Any, other: Any) -> Tensor:
        """In-place form of :meth:`igammac`."""
        return _f.igammac.inplace(self, other)

    def clamp_min(self: Any, min: Any) -> Tensor:
        """``input`` where not below ``min``, else ``min``."""
        return _f.clamp_min(self, min)

    def clamp_min_(self: Any, min: Any) -> Tensor:
        """In-place form of :meth:`clamp_min`."""
        return _f.assign("clamp_min_", self, _f.clamp_min(_f.apart(self), min))

    def clamp_max(self: Any, max: Any) -> Tensor:
        """``input`` where not above ``max``, else ``max``."""
        return _f.clamp_max(self, max)

    def clamp_max_(self: Any, max: Any) -> Tensor:
        """In-place form of :meth:`clamp_max`."""
        return _f.assign("clamp_max_", self, _f.clamp_max(_f.apart(self), max))

    def is_signed(self: Any) -> _bool:
        """Whether the dtype has negative numbers."""
        return _f.is_signed(self)

    def is_nonzero(self: Any) -> _bool:
        """Whether the one element is not zero (a host read)."""
        return _f.is_nonzero(self)

    def is_same_size(self: Any, other: Tensor) -> _bool:
        """Whether the shapes are equal."""
        return _f.is_same_size(self, other)

    def is_inference(self: Any) -> _bool:
        """Whether the tensor was made in inference mode."""
        return _f.is_inference(self)

    def get_device(self: Any) -> _int:
        """The number of the tensor's device among those of its backend; -1 for the processor, as in PyTorch."""
        return _f.get_device(self)

    def is_conj(self: Any) -> _bool:
        """Whether a conjugation is still to be done: never, they are done at once."""
        return _f.is_conj(self)

    def is_neg(self: Any) -> _bool:
        """Whether a negation is still to be done: never, they are done at once."""
        return _f.is_neg(self)

    def resolve_conj(self: Any) -> Tensor:
        """The tensor itself: conjugations are done at once."""
        return _f.resolve_conj(self)

    def resolve_neg(self: Any) -> Tensor:
        """The tensor itself: negations are done at once."""
        return _f.resolve_neg(self)

    def adjoint(self: Any) -> Tensor:
        """The conjugate transpose of the last two axes; of a real tensor a view."""
        return _f.adjoint(self)

    def triangular_solve(
        self: Any, A: Tensor, upper: _bool = True, transpose: _bool = False, unitriangular: _bool = False
    ) -> TriangularSolve:
        """``X`` with ``A @ X = input`` (``A^T @ X = input``), and a copy of A."""
        return _f.triangular_solve(self, A, upper, transpose, unitriangular)

    def cholesky(self: Any, upper: _bool = False) -> Tensor:
        """:func:`linalg.cholesky`."""
        return _f.cholesky(self, upper)

    def cholesky_solve(self: Any, input2: Tensor, upper: _bool = False) -> Tensor:
        """``X`` with ``A @ X = input`` where ``input2`` is the Cholesky factor of A.  input ``(*, N, K)``, input2 ``(*, N, N)``."""
        return _f.cholesky_solve(self, input2, upper)

    def cholesky_inverse(self: Any, upper: _bool = False) -> Tensor:
        """The inverse of the matrix whose Cholesky factor is ``input (*, N, N)``."""
        return _f.cholesky_inverse(self, upper)

    def lu_solve(self: Any, LU_data: Tensor, LU_pivots: Tensor) -> Tensor:
        """:func:`linalg.lu_solve` with the right-hand side first."""
        return _f.lu_solve(self, LU_data, LU_pivots)

    def lu(self: Any, pivot: _bool = True, get_infos: _bool = False) -> LUFactor | LUFactorEx:
        """:func:`linalg.lu_factor`, or where ``get_infos`` :func:`linalg.lu_factor_ex`: PyTorch's older form."""
        return _f.lu(self, pivot, get_infos)

    def inverse(self: Any) -> Tensor:
        """:func:`linalg.inv`."""
        return _f.inverse(self)

    def det(self: Any) -> Tensor:
        """:func:`linalg.det`."""
        return _f.det(self)

    def slogdet(self: Any) -> Slogdet:
        """:func:`linalg.slogdet`."""
        return _f.slogdet(self)

    def logdet(self: Any) -> Tensor:
        """The logarithm of the determinant of ``(*, N, N)``: -inf where it is 0, NaN where it is negative."""
        return _f.logdet(self)

    def svd(self: Any, some: _bool = True, compute_uv: _bool = True) -> LegacySVD:
        """``U``, ``S`` and ``V`` (not its adjoint) with ``U @ diag(S) @ V^H = input``; without ``compute_uv``, U and V are"""
        return _f.svd(self, some, compute_uv)

    def matrix_exp(self: Any) -> Tensor:
        """:func:`linalg.matrix_exp`."""
        return _f.matrix_exp(self)

    def geqrf(self: Any) -> Geqrf:
        """``(a, tau)``: the QR factors of ``(*, M, N)`` as :func:`linalg.householder_product` takes them."""
        return _f.geqrf(self)

    def orgqr(self: Any, input2: Tensor) -> Tensor:
        """:func:`linalg.householder_product`."""
        return _f.orgqr(self, input2)

    def ormqr(self: Any, input2: Tensor, input3: Tensor, left: _bool = True, transpose: _bool = False) -> Tensor:
        """``Q @ other`` (``other @ Q`` where not ``left``), Q the whole product of reflections, or its adjoint (``transpose``)."""
        return _f.ormqr(self, input2, input3, left, transpose)

    def qr(self: Any, some: _bool = True) -> QR:
        """:func:`linalg.qr`: reduced where ``some``, else complete."""
        return _f.qr(self, some)

    def pinverse(self: Any, rcond: _float = 1e-15) -> Tensor:
        """:func:`linalg.pinv` with PyTorch's older default."""
        return _f.pinverse(self, rcond)

    def frexp(self: Any) -> frexp_result:
        """``mantissa * 2**exponent`` with a mantissa in [0.5, 1).  floating ``(*S)`` -> the same, and int32 ``(*S)``."""
        return _f.frexp(self)

    def data_ptr(self: Any) -> _int:
        """Where the first element lies: an address in host memory, elsewhere a number that no other element has."""
        return _f.data_ptr(self)

    def untyped_storage(self: Any) -> Any:
        """The memory, as bytes."""
        return _f.untyped_storage(self)

    def storage(self: Any) -> Any:
        """The memory, as elements of the tensor's dtype."""
        return _f.storage(self)

    def is_set_to(self: Any, tensor: Tensor) -> _bool:
        """Whether both are the same view of the same memory."""
        return _f.is_set_to(self, tensor)

    def set_(self: Any, source: Tensor | None = None) -> Tensor:
        """Take the memory, shape and strides of another tensor; without one, none."""
        return _f.set_(self, source)

    def new(self: Any, *data: Any, device: Any = None) -> Tensor:
        """PyTorch's old constructor of a tensor's own dtype and device: of values, or of a shape without values."""
        return _f.new_of_kind(self, *data, device=device)

    def new_empty_strided(
        self: Any,
        size: Sequence[_int],
        stride: Sequence[_int],
        *,
        dtype: DType | None = None,
        device: Any = None,
        requires_grad: _bool = False,
        **layout: Any,
    ) -> Tensor:
        """:func:`empty_strided` of the tensor's dtype and device."""
        return _f.new_empty_strided(
            self, size, stride, dtype=dtype, device=device, requires_grad=requires_grad, **layout
        )

    def resize(self: Any, *sizes: Any) -> Tensor:
        """PyTorch's deprecated name of ``reshape`` for tensors that need no gradient; it keeps the number of elements."""
        return _f.resized(self, *sizes)

    def resize_as(self: Any, tensor: Tensor) -> Tensor:
        """:func:`resized` to the shape of another."""
        return _f.resize_as(self, tensor)

    def is_pinned(self: Any, device: Any = None) -> _bool:
        """Whether the memory is page-locked (:func:`pin_memory`)."""
        return _f.is_pinned(self, device)

    def pin_memory(self: Any, device: Any = None) -> Tensor:
        """A copy in page-locked host memory, from which a device copies by itself while the program goes on."""
        return _f.pin_memory(self, device)

    def is_shared(self: Any) -> _bool:
        """Whether other processes see the memory: never, tensors are sent to them by value."""
        return _f.is_shared(self)

    def share_memory_(self: Any) -> Tensor:
        """The tensor itself, with its memory not shared."""
        return _f.share_memory_(self)

    def record_stream(self: Any, stream: Any) -> None:
        """Nothing: a device has one queue, so memory is free once the work before is done."""
        return _f.record_stream(self, stream)

    def to_dense(self: Any, dtype: DType | None = None, *, masked_grad: _bool | None = None) -> Tensor:
        """The tensor itself, which is dense, in another dtype where one is given."""
        return _f.to_dense(self, dtype, masked_grad=masked_grad)

    def apply_(self: Any, callable: Callable[[Any], Any]) -> Tensor:
        """Each element by what a Python function makes of it; on the host, element by element, so it is slow."""
        return _f.apply_(self, callable)

    def map_(self: Any, tensor: Tensor, callable: Callable[[Any, Any], Any]) -> Tensor:
        """Each element by what a Python function makes of it and of another tensor's; on the host, so it is slow."""
        return _f.map_(self, tensor, callable)

    def map2_(self: Any, x: Tensor, y: Tensor, callable: Callable[[Any, Any, Any], Any]) -> Tensor:
        """:func:`map_` for two further tensors."""
        return _f.map2_(self, x, y, callable)

    def var(
        self: Any,
        dim: Any = None,
        unbiased: _bool | None = None,
        keepdim: _bool = False,
        *,
        correction: _float | None = None,
    ) -> Tensor:
        """Variance over ``dim``, divided by ``count - correction`` (1 by default)."""
        return _f.var(self, dim, unbiased, keepdim, correction=correction)

    def std(
        self: Any,
        dim: Any = None,
        unbiased: _bool | None = None,
        keepdim: _bool = False,
        *,
        correction: _float | None = None,
    ) -> Tensor:
        """Standard deviation: the root of :func:`var`.  The gradient where it is 0 is 0."""
        return _f.std(self, dim, unbiased, keepdim, correction=correction)

    def dist(self: Any, other: Tensor, p: Any = 2) -> Tensor:
        """The norm of order ``p`` of ``input - other``, which broadcast -> 0-d."""
        return _f.dist(self, other, p)

    def scatter_reduce(
        self: Any, dim: _int, index: Tensor, src: Tensor, reduce: str, *, include_self: _bool = True
    ) -> Tensor:
        """Reduce what :func:`scatter_add` would add: ``sum``, ``prod``, ``mean``, ``amax`` or ``amin`` of the sources sent to"""
        return _f.scatter_reduce(self, dim, index, src, reduce, include_self=include_self)

    def scatter_reduce_(
        self: Any, dim: _int, index: Tensor, src: Tensor, reduce: str, *, include_self: _bool = True
    ) -> Tensor:
        """In-place form of :meth:`scatter_reduce`."""
        return _f.assign(
            "scatter_reduce_",
            self,
            _f.scatter_reduce(_f.apart(self), dim, index, src, reduce, include_self=include_self),
        )

    def put(self: Any, index: Tensor, source: Tensor, accumulate: _bool = False) -> Tensor:
        """A copy of ``input`` with elements of ``source`` at positions in the flattened input; negative ones from the end."""
        return _f.put(self, index, source, accumulate)

    def put_(self: Any, index: Tensor, source: Tensor, accumulate: _bool = False) -> Tensor:
        """In-place form of :meth:`put`."""
        return _f.assign("put_", self, _f.put(_f.apart(self), index, source, accumulate))

    def index_reduce(
        self: Any, dim: _int, index: Tensor, source: Tensor, reduce: str, *, include_self: _bool = True
    ) -> Tensor:
        """Slices of ``source`` along ``dim`` reduced into those that ``index`` names: ``prod``, ``mean``, ``amax`` or ``amin``"""
        return _f.index_reduce(self, dim, index, source, reduce, include_self=include_self)

    def index_reduce_(
        self: Any, dim: _int, index: Tensor, source: Tensor, reduce: str, *, include_self: _bool = True
    ) -> Tensor:
        """In-place form of :meth:`index_reduce`."""
        return _f.assign(
            "index_reduce_",
            self,
            _f.index_reduce(_f.apart(self), dim, index, source, reduce, include_self=include_self),
        )

    def select_scatter(self: Any, src: Tensor, dim: _int, index: _int) -> Tensor:
        """A copy of ``input`` with ``src`` at position ``index`` of an axis."""
        return _f.select_scatter(self, src, dim, index)

    def slice_scatter(
        self: Any, src: Tensor, dim: _int = 0, start: _int | None = None, end: _int | None = None, step: _int = 1
    ) -> Tensor:
        """A copy of ``input`` with ``src`` at positions ``start:end:step`` of an axis."""
        return _f.slice_scatter(self, src, dim, start, end, step)

    def diagonal_scatter(self: Any, src: Tensor, offset: _int = 0, dim1: _int = 0, dim2: _int = 1) -> Tensor:
        """A copy of ``input`` with ``src`` on a diagonal of two axes."""
        return _f.diagonal_scatter(self, src, offset, dim1, dim2)

    def as_strided_scatter(
        self: Any, src: Tensor, size: Sequence[_int], stride: Sequence[_int], storage_offset: _int | None = None
    ) -> Tensor:
        """A copy of ``input``, which must be contiguous, with ``src`` at the elements that :func:`as_strided` shows of it."""
        return _f.as_strided_scatter(self, src, size, stride, storage_offset)

    def fill_diagonal_(self: Any, fill_value: _float, wrap: _bool = False) -> Tensor:
        """Set the elements whose indices are all equal.  input of two axes, or of more that are equal."""
        return _f.fill_diagonal_(self, fill_value, wrap)

    def cummax(self: Any, dim: _int) -> ValuesIndices:
        """The largest element so far along ``dim``, and the last position of it; NaN stays.  ``(*S)`` -> twice ``(*S)``."""
        return _f.cummax(self, dim)

    def cummin(self: Any, dim: _int) -> ValuesIndices:
        """The smallest element so far along ``dim``, and the last position of it; NaN stays.  ``(*S)`` -> twice ``(*S)``."""
        return _f.cummin(self, dim)

    def logcumsumexp(self: Any, dim: _int) -> Tensor:
        """``log(cumsum(exp(input)))`` along ``dim``, without overflow.  ``(*S)`` -> ``(*S)``."""
        return _f.logcumsumexp(self, dim)

    def median(self: Any, dim: _int | None = None, keepdim: _bool = False) -> Any:
        """The middle element of those in order, the lower of the two where their number is even; NaN if there is one."""
        return _f.median(self, dim, keepdim)

    def nanmedian(self: Any, dim: _int | None = None, keepdim: _bool = False) -> Any:
        """:func:`median` of the elements that are not NaN; NaN where there are none."""
        return _f.nanmedian(self, dim, keepdim)

    def mode(self: Any, dim: _int = -1, keepdim: _bool = False) -> ValuesIndices:
        """The most frequent element along ``dim``, the smallest of several, and its last position."""
        return _f.mode(self, dim, keepdim)

    def quantile(
        self: Any, q: Any, dim: _int | None = None, keepdim: _bool = False, *, interpolation: str = "linear"
    ) -> Tensor:
        """The values below which fractions ``q`` of the elements along ``dim`` (all by default) lie."""
        return _f.quantile(self, q, dim, keepdim, interpolation=interpolation)

    def nanquantile(
        self: Any, q: Any, dim: _int | None = None, keepdim: _bool = False, *, interpolation: str = "linear"
    ) -> Tensor:
        """:func:`quantile` of the elements that are not NaN; NaN where there are none."""
        return _f.nanquantile(self, q, dim, keepdim, interpolation=interpolation)

    def type(self: Any, dtype: Any = None, non_blocking: _bool = False) -> Any:
        """The name of the tensor's type, as ``"torch.FloatTensor"``; with ``dtype`` (a dtype, such a name, or a typed"""
        return _f.to_type(self, dtype, non_blocking)

    def resize_(self: Any, *sizes: Any, memory_format: Any = None) -> Tensor:
        """Give a tensor another size: its storage's elements in order, and after them uninitialised ones."""
        return _f.resize_in_place(self, *sizes, memory_format=memory_format)

    def resize_as_(self: Any, other: Tensor, memory_format: Any = None) -> Tensor:
        """:meth:`resize_` to the size of another tensor."""
        return _f.resize_as_in_place(self, other, memory_format)

    def diagflat(self: Any, offset: _int = 0) -> Tensor:
        """The elements, in order, as the diagonal of a square matrix of zeros."""
        return _f.diagflat(self, offset)

    def unravel_index(self: Any, shape: Any) -> tuple[Tensor, ...]:
        """Positions in an array of a shape as one index tensor for each axis."""
        return _f.unravel_index(self, shape)

    def renorm(self: Any, p: _float, dim: _int, maxnorm: _float) -> Tensor:
        """Slices along ``dim`` scaled down to a p-norm of ``maxnorm`` where theirs is larger."""
        return _f.renorm(self, p, dim, maxnorm)

    def renorm_(self: Any, p: _float, dim: _int, maxnorm: _float) -> Tensor:
        """In-place form of :meth:`renorm`."""
        return _f.assign("renorm_", self, _f.renorm(_f.apart(self), p, dim, maxnorm))

    def unique(
        self: Any,
        sorted: _bool = True,
        return_inverse: _bool = False,
        return_counts: _bool = False,
        dim: _int | None = None,
    ) -> Any:
        """The different elements in ascending order; with ``dim``, the different slices in lexicographic order."""
        return _f.unique(self, sorted, return_inverse, return_counts, dim)

    def unique_consecutive(
        self: Any, return_inverse: _bool = False, return_counts: _bool = False, dim: _int | None = None
    ) -> Any:
        """Elements (with ``dim``, slices) that differ from the one before; arguments and results as in :func:`unique`."""
        return _f.unique_consecutive(self, return_inverse, return_counts, dim)

    def lgamma(self: Any) -> Tensor:
        """The logarithm of the gamma function's magnitude; infinite at 0, -1, -2, ..."""
        return _f.lgamma(self)

    def lgamma_(self: Any) -> Tensor:
        """In-place form of :meth:`lgamma`."""
        return _f.lgamma.inplace(self)

    def digamma(self: Any) -> Tensor:
        """The derivative of :func:`lgamma`."""
        return _f.digamma(self)

    def digamma_(self: Any) -> Tensor:
        """In-place form of :meth:`digamma`."""
        return _f.digamma.inplace(self)

    def polygamma(self: Any, input: Tensor) -> Tensor:
        """The derivative of order ``n`` of :func:`digamma`."""
        return _f.polygamma(self, input)

    def mvlgamma(self: Any, p: _int) -> Tensor:
        """The logarithm of the multivariate gamma function of dimension ``p``; NaN where ``input <= (p - 1) / 2``."""
        return _f.mvlgamma(self, p)

    def multigammaln(self: Any, p: _int) -> Tensor:
        """The logarithm of the multivariate gamma function of dimension ``p``; NaN where ``input <= (p - 1) / 2``."""
        return _f.mvlgamma(self, p)

    def erfinv(self: Any) -> Tensor:
        """The inverse of ``erf``; infinite at -1 and 1, NaN beyond."""
        return _f.erfinv(self)

    def erfinv_(self: Any) -> Tensor:
        """In-place form of :meth:`erfinv`."""
        return _f.erfinv.inplace(self)

    def i0(self: Any) -> Tensor:
        """The modified Bessel function of the first kind, order 0."""
        return _f.i0(self)

    def i0_(self: Any) -> Tensor:
        """In-place form of :meth:`i0`."""
        return _f.i0.inplace(self)

    def signbit(self: Any) -> Tensor:
        """Whether the sign bit is set -> bool: of negative numbers and of -0.0."""
        return _f.signbit(self)

    def isposinf(self: Any) -> Tensor:
        """Whether an element is positive infinity -> bool."""
        return _f.isposinf(self)

    def isneginf(self: Any) -> Tensor:
        """Whether an element is negative infinity -> bool."""
        return _f.isneginf(self)

    def isreal(self: Any) -> Tensor:
        """Whether the imaginary part is 0 -> bool."""
        return _f.isreal(self)

    def nan_to_num(
        self: Any, nan: _float | None = None, posinf: _float | None = None, neginf: _float | None = None
    ) -> Tensor:
        """NaN and infinities replaced by numbers."""
        return _f.nan_to_num(self, nan, posinf, neginf)

    def nan_to_num_(
        self: Any, nan: _float | None = None, posinf: _float | None = None, neginf: _float | None = None
    ) -> Tensor:
        """In-place form of :meth:`nan_to_num`."""
        return _f.assign("nan_to_num_", self, _f.nan_to_num(_f.apart(self), nan, posinf, neginf))

    def heaviside(self: Any, values: Any) -> Tensor:
        """0 below zero, 1 above, ``values`` at zero; the two operands have one dtype."""
        return _f.heaviside(self, values)

    def heaviside_(self: Any, values: Any) -> Tensor:
        """In-place form of :meth:`heaviside`."""
        return _f.heaviside.inplace(self, values)

    def xlogy(self: Any, other: Any) -> Tensor:
        """``input * log(other)``; 0 where ``input`` is 0, unless ``other`` is NaN."""
        return _f.xlogy(self, other)

    def xlogy_(self: Any, other: Any) -> Tensor:
        """In-place form of :meth:`xlogy`."""
        return _f.xlogy.inplace(self, other)

    def sinc(self: Any) -> Tensor:
        """``sin(pi * input) / (pi * input)``, 1 at 0."""
        return _f.sinc(self)

    def sinc_(self: Any) -> Tensor:
        """In-place form of :meth:`sinc`."""
        return _f.sinc.inplace(self)

    def ldexp(self: Any, other: Any) -> Tensor:
        """``input * 2**other``."""
        return _f.ldexp(self, other)

    def ldexp_(self: Any, other: Any) -> Tensor:
        """In-place form of :meth:`ldexp`."""
        return _f.ldexp.inplace(self, other)

    def logaddexp2(self: Any, other: Any) -> Tensor:
        """log2(2**input + 2**other) without overflow."""
        return _f.logaddexp2(self, other)

    def logaddexp2_(self: Any, other: Any) -> Tensor:
        """In-place form of :meth:`logaddexp2`."""
        return _f.logaddexp2.inplace(self, other)

    def nextafter(self: Any, other: Any) -> Tensor:
        """The next number after ``input`` in the direction of ``other``."""
        return _f.nextafter(self, other)

    def nextafter_(self: Any, other: Any) -> Tensor:
        """In-place form of :meth:`nextafter`."""
        return _f.nextafter.inplace(self, other)

    def float_power(self: Any, exponent: Any) -> Tensor:
        """:func:`pow` in float64, or complex128 where an operand is complex."""
        return _f.float_power(self, exponent)

    def stft(
        self: Any,
        n_fft: _int,
        hop_length: _int | None = None,
        win_length: _int | None = None,
        window: Tensor | None = None,
        center: _bool = True,
        pad_mode: str = "reflect",
        normalized: _bool = False,
        onesided: _bool | None = None,
        return_complex: _bool | None = None,
        align_to_window: _bool | None = None,
    ) -> Tensor:
        """The Fourier transforms of overlapping stretches.  Signals ``(L,)`` or ``(B, L)`` -> ``(*, N, T)``."""
        return _f.stft(
            self,
            n_fft,
            hop_length,
            win_length,
            window,
            center,
            pad_mode,
            normalized,
            onesided,
            return_complex,
            align_to_window,
        )

    def istft(
        self: Any,
        n_fft: _int,
        hop_length: _int | None = None,
        win_length: _int | None = None,
        window: Tensor | None = None,
        center: _bool = True,
        normalized: _bool = False,
        onesided: _bool | None = None,
        length: _int | None = None,
        return_complex: _bool = False,
    ) -> Tensor:
        """The signal whose :func:`stft` comes closest to ``input``.  Complex ``(*, N, T)`` -> ``(*, L)``."""
        return _f.istft(
            self, n_fft, hop_length, win_length, window, center, normalized, onesided, length, return_complex
        )

    def tensor_split(
        self: Any, indices_or_sections: _int | Sequence[_int] | Tensor, dim: _int = 0
    ) -> tuple[Tensor, ...]:
        """Pieces of nearly equal size, the larger ones first; or pieces that end before the listed positions."""
        return _f.tensor_split(self, indices_or_sections, dim)

    def split_with_sizes(self: Any, split_sizes: Sequence[_int], dim: _int = 0) -> tuple[Tensor, ...]:
        """Consecutive pieces of the listed sizes."""
        return _f.split_with_sizes(self, split_sizes, dim)

    def unsafe_split(self: Any, split_size: _int | Sequence[_int], dim: _int = 0) -> tuple[Tensor, ...]:
        """As :func:`split`; here the pieces are views that may be written to, so nothing is unsafe."""
        return _f.unsafe_split(self, split_size, dim)

    def unsafe_chunk(self: Any, chunks: _int, dim: _int = 0) -> tuple[Tensor, ...]:
        """As :func:`chunk`; here the pieces are views that may be written to, so nothing is unsafe."""
        return _f.unsafe_chunk(self, chunks, dim)

    def hsplit(self: Any, indices_or_sections: _int | Sequence[_int] | Tensor) -> tuple[Tensor, ...]:
        """:func:`tensor_split` along the second dimension (of a vector, the first) into equal parts, or at positions."""
        return _f.hsplit(self, indices_or_sections)

    def vsplit(self: Any, indices_or_sections: _int | Sequence[_int] | Tensor) -> tuple[Tensor, ...]:
        """:func:`tensor_split` along the first dimension into equal parts, or at positions."""
        return _f.vsplit(self, indices_or_sections)

    def dsplit(self: Any, indices_or_sections: _int | Sequence[_int] | Tensor) -> tuple[Tensor, ...]:
        """:func:`tensor_split` along the third dimension into equal parts, or at positions."""
        return _f.dsplit(self, indices_or_sections)

    def cov(
        self: Any, *, correction: _int = 1, fweights: Tensor | None = None, aweights: Tensor | None = None
    ) -> Tensor:
        """Covariance of the rows, each a variable observed in every column.  ``(V, N)`` -> ``(V, V)``; a vector -> 0-d."""
        return _f.cov(self, correction=correction, fweights=fweights, aweights=aweights)

    def corrcoef(self: Any) -> Tensor:
        """Correlation of the rows: their covariances divided by both standard deviations, within [-1, 1]."""
        return _f.corrcoef(self)
