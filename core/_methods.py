"""The Tensor methods, generated from the op table by scripts/generate_methods.py.  Do not edit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import ModuleType

    from hotplug.device import device as Device
    from hotplug.dtypes import dtype as DType
    from hotplug.ops.reduction import Dim, ValuesIndices
    from hotplug.tensor import Tensor

_f: Any = None


def bind(ops: ModuleType) -> None:
    """Give the methods the functions that they call; :mod:`hotplug.ops` does so when it is complete."""
    global _f  # noqa: PLW0603 - bound once, at import
    _f = ops


class TensorMethods:
    """What :class:`hotplug.Tensor` inherits."""

    __slots__ = ()

    def add(self, other: Any, *, alpha: Any = 1) -> Tensor:
        """Sum, ``input + alpha * other``.  Both ``(*S)``, broadcast -> ``(*S)``."""
        return _f.add(self, other, alpha=alpha)

    def add_(self, other: Any, *, alpha: Any = 1) -> Tensor:
        """In-place form of :meth:`add`."""
        return _f.add.inplace(self, other, alpha=alpha)

    def __add__(self, other: Any) -> Any:
        return _f.add.binary(self, other) if isinstance(other, _f.Operand) else NotImplemented

    def __radd__(self, other: Any) -> Any:
        return _f.add.binary(self, other) if isinstance(other, _f.Operand) else NotImplemented

    def __iadd__(self, other: Any) -> Any:
        return _f.add.inplace(self, other) if isinstance(other, _f.Operand) else NotImplemented

    def sub(self, other: Any, *, alpha: Any = 1) -> Tensor:
        """Difference, ``input - alpha * other``.  Both ``(*S)``, broadcast -> ``(*S)``."""
        return _f.sub(self, other, alpha=alpha)

    def subtract(self, other: Any, *, alpha: Any = 1) -> Tensor:
        """Difference, ``input - alpha * other``.  Both ``(*S)``, broadcast -> ``(*S)``."""
        return _f.sub(self, other, alpha=alpha)

    def sub_(self, other: Any, *, alpha: Any = 1) -> Tensor:
        """In-place form of :meth:`sub`."""
        return _f.sub.inplace(self, other, alpha=alpha)

    def __sub__(self, other: Any) -> Any:
        return _f.sub.binary(self, other) if isinstance(other, _f.Operand) else NotImplemented

    def __isub__(self, other: Any) -> Any:
        return _f.sub.inplace(self, other) if isinstance(other, _f.Operand) else NotImplemented

    def rsub(self, other: Any, *, alpha: Any = 1) -> Tensor:
        """Difference the other way round, ``other - alpha * input``."""
        return _f.rsub(self, other, alpha=alpha)

    def __rsub__(self, other: Any) -> Any:
        return _f.rsub.binary(self, other) if isinstance(other, _f.Operand) else NotImplemented

    def mul(self, other: Any) -> Tensor:
        """Product.  Both ``(*S)``, broadcast -> ``(*S)``."""
        return _f.mul(self, other)

    def multiply(self, other: Any) -> Tensor:
        """Product.  Both ``(*S)``, broadcast -> ``(*S)``."""
        return _f.mul(self, other)

    def mul_(self, other: Any) -> Tensor:
        """In-place form of :meth:`mul`."""
        return _f.mul.inplace(self, other)

    def __mul__(self, other: Any) -> Any:
        return _f.mul.binary(self, other) if isinstance(other, _f.Operand) else NotImplemented

    def __rmul__(self, other: Any) -> Any:
        return _f.mul.binary(self, other) if isinstance(other, _f.Operand) else NotImplemented

    def __imul__(self, other: Any) -> Any:
        return _f.mul.inplace(self, other) if isinstance(other, _f.Operand) else NotImplemented

    def true_divide(self, other: Any) -> Tensor:
        """Quotient; integers give the default dtype."""
        return _f.true_divide(self, other)

    def true_divide_(self, other: Any) -> Tensor:
        """In-place form of :meth:`true_divide`."""
        return _f.true_divide.inplace(self, other)

    def __truediv__(self, other: Any) -> Any:
        return _f.true_divide.binary(self, other) if isinstance(other, _f.Operand) else NotImplemented

    def __itruediv__(self, other: Any) -> Any:
        return _f.true_divide.inplace(self, other) if isinstance(other, _f.Operand) else NotImplemented

    def rdiv(self, other: Any) -> Tensor:
        """Quotient the other way round, ``other / input``."""
        return _f.rdiv(self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return _f.rdiv.binary(self, other) if isinstance(other, _f.Operand) else NotImplemented

    def floor_divide(self, other: Any) -> Tensor:
        """Quotient rounded towards minus infinity; an integer divided by zero gives 0."""
        return _f.floor_divide(self, other)

    def floor_divide_(self, other: Any) -> Tensor:
        """In-place form of :meth:`floor_divide`."""
        return _f.floor_divide.inplace(self, other)

    def __floordiv__(self, other: Any) -> Any:
        return _f.floor_divide.binary(self, other) if isinstance(other, _f.Operand) else NotImplemented

    def __ifloordiv__(self, other: Any) -> Any:
        return _f.floor_divide.inplace(self, other) if isinstance(other, _f.Operand) else NotImplemented

    def __rfloordiv__(self, other: Any) -> Any:
        return _f.rfloordiv.binary(self, other) if isinstance(other, _f.Operand) else NotImplemented

    def remainder(self, other: Any) -> Tensor:
        """Remainder with the sign of the divisor, ``input - other * floor(input / other)``, as Python's ``%``."""
        return _f.remainder(self, other)

    def remainder_(self, other: Any) -> Tensor:
        """In-place form of :meth:`remainder`."""
        return _f.remainder.inplace(self, other)

    def __mod__(self, other: Any) -> Any:
        return _f.remainder.binary(self, other) if isinstance(other, _f.Operand) else NotImplemented

    def __imod__(self, other: Any) -> Any:
        return _f.remainder.inplace(self, other) if isinstance(other, _f.Operand) else NotImplemented

    def __rmod__(self, other: Any) -> Any:
        return _f.rmod.binary(self, other) if isinstance(other, _f.Operand) else NotImplemented

    def fmod(self, other: Any) -> Tensor:
        """Remainder with the sign of the dividend, as C's ``fmod``."""
        return _f.fmod(self, other)

    def fmod_(self, other: Any) -> Tensor:
        """In-place form of :meth:`fmod`."""
        return _f.fmod.inplace(self, other)

    def pow(self, exponent: Any) -> Tensor:
        """``input ** exponent``.  Both ``(*S)``, broadcast -> ``(*S)``.  The derivative at 0 ** 0 is PyTorch's: 0."""
        return _f.pow(self, exponent)

    def pow_(self, exponent: Any) -> Tensor:
        """In-place form of :meth:`pow`."""
        return _f.pow.inplace(self, exponent)

    def __pow__(self, other: Any) -> Any:
        return _f.pow.binary(self, other) if isinstance(other, _f.Operand) else NotImplemented

    def __ipow__(self, other: Any) -> Any:
        return _f.pow.inplace(self, other) if isinstance(other, _f.Operand) else NotImplemented

    def __rpow__(self, other: Any) -> Any:
        return _f.rpow.binary(self, other) if isinstance(other, _f.Operand) else NotImplemented

    def maximum(self, other: Any) -> Tensor:
        """The larger operand; NaN if either is.  At a tie the gradient goes half to each."""
        return _f.maximum(self, other)

    def maximum_(self, other: Any) -> Tensor:
        """In-place form of :meth:`maximum`."""
        return _f.maximum.inplace(self, other)

    def minimum(self, other: Any) -> Tensor:
        """The smaller operand; NaN if either is.  At a tie the gradient goes half to each."""
        return _f.minimum(self, other)

    def minimum_(self, other: Any) -> Tensor:
        """In-place form of :meth:`minimum`."""
        return _f.minimum.inplace(self, other)

    def fmax(self, other: Any) -> Tensor:
        """The larger operand; a number rather than NaN."""
        return _f.fmax(self, other)

    def fmax_(self, other: Any) -> Tensor:
        """In-place form of :meth:`fmax`."""
        return _f.fmax.inplace(self, other)

    def fmin(self, other: Any) -> Tensor:
        """The smaller operand; a number rather than NaN."""
        return _f.fmin(self, other)

    def fmin_(self, other: Any) -> Tensor:
        """In-place form of :meth:`fmin`."""
        return _f.fmin.inplace(self, other)

    def atan2(self, other: Any) -> Tensor:
        """Angle of the point (other, input), in radians from -pi to pi."""
        return _f.atan2(self, other)

    def atan2_(self, other: Any) -> Tensor:
        """In-place form of :meth:`atan2`."""
        return _f.atan2.inplace(self, other)

    def hypot(self, other: Any) -> Tensor:
        """``sqrt(input**2 + other**2)`` without overflow in between."""
        return _f.hypot(self, other)

    def hypot_(self, other: Any) -> Tensor:
        """In-place form of :meth:`hypot`."""
        return _f.hypot.inplace(self, other)

    def copysign(self, other: Any) -> Tensor:
        """The magnitude of ``input`` with the sign of ``other``."""
        return _f.copysign(self, other)

    def copysign_(self, other: Any) -> Tensor:
        """In-place form of :meth:`copysign`."""
        return _f.copysign.inplace(self, other)

    def neg(self) -> Tensor:
        """``-input``."""
        return _f.neg(self)

    def negative(self) -> Tensor:
        """``-input``."""
        return _f.neg(self)

    def neg_(self) -> Tensor:
        """In-place form of :meth:`neg`."""
        return _f.neg.inplace(self)

    def __neg__(self) -> Tensor:
        return _f.neg(self)

    def positive(self) -> Tensor:
        """``+input``: a copy."""
        return _f.positive(self)

    def __pos__(self) -> Tensor:
        return _f.positive(self)

    def abs(self) -> Tensor:
        """Magnitude.  The derivative at 0 is 0."""
        return _f.abs(self)

    def absolute(self) -> Tensor:
        """Magnitude.  The derivative at 0 is 0."""
        return _f.abs(self)

    def abs_(self) -> Tensor:
        """In-place form of :meth:`abs`."""
        return _f.abs.inplace(self)

    def __abs__(self) -> Tensor:
        return _f.abs(self)

    def sign(self) -> Tensor:
        """-1, 0 or 1; 0 for NaN."""
        return _f.sign(self)

    def sign_(self) -> Tensor:
        """In-place form of :meth:`sign`."""
        return _f.sign.inplace(self)

    def square(self) -> Tensor:
        """``input * input``."""
        return _f.square(self)

    def square_(self) -> Tensor:
        """In-place form of :meth:`square`."""
        return _f.square.inplace(self)

    def floor(self) -> Tensor:
        """The largest integer not above; integers stay as they are."""
        return _f.floor(self)

    def floor_(self) -> Tensor:
        """In-place form of :meth:`floor`."""
        return _f.floor.inplace(self)

    def ceil(self) -> Tensor:
        """The smallest integer not below; integers stay as they are."""
        return _f.ceil(self)

    def ceil_(self) -> Tensor:
        """In-place form of :meth:`ceil`."""
        return _f.ceil.inplace(self)

    def trunc(self) -> Tensor:
        """The integer part; integers stay as they are."""
        return _f.trunc(self)

    def fix(self) -> Tensor:
        """The integer part; integers stay as they are."""
        return _f.trunc(self)

    def trunc_(self) -> Tensor:
        """In-place form of :meth:`trunc`."""
        return _f.trunc.inplace(self)

    def round(self, *, decimals: Any = 0) -> Tensor:
        """The nearest integer, halves to even; with ``decimals``, the nearest multiple of ``10**-decimals``."""
        return _f.round(self, decimals=decimals)

    def round_(self, *, decimals: Any = 0) -> Tensor:
        """In-place form of :meth:`round`."""
        return _f.round.inplace(self, decimals=decimals)

    def frac(self) -> Tensor:
        """What :func:`trunc` leaves."""
        return _f.frac(self)

    def frac_(self) -> Tensor:
        """In-place form of :meth:`frac`."""
        return _f.frac.inplace(self)

    def reciprocal(self) -> Tensor:
        """``1 / input``."""
        return _f.reciprocal(self)

    def reciprocal_(self) -> Tensor:
        """In-place form of :meth:`reciprocal`."""
        return _f.reciprocal.inplace(self)

    def lerp(self, end: Any, weight: Any) -> Tensor:
        """``input + weight * (end - input)``, exact at both ends."""
        return _f.lerp(self, end, weight)

    def lerp_(self, end: Any, weight: Any) -> Tensor:
        """In-place form of :meth:`lerp`."""
        return _f.lerp.inplace(self, end, weight)

    def addcmul(self, tensor1: Any, tensor2: Any, *, value: Any = 1) -> Tensor:
        """``input + value * tensor1 * tensor2``."""
        return _f.addcmul(self, tensor1, tensor2, value=value)

    def addcmul_(self, tensor1: Any, tensor2: Any, *, value: Any = 1) -> Tensor:
        """In-place form of :meth:`addcmul`."""
        return _f.addcmul.inplace(self, tensor1, tensor2, value=value)

    def addcdiv(self, tensor1: Any, tensor2: Any, *, value: Any = 1) -> Tensor:
        """``input + value * tensor1 / tensor2``."""
        return _f.addcdiv(self, tensor1, tensor2, value=value)

    def addcdiv_(self, tensor1: Any, tensor2: Any, *, value: Any = 1) -> Tensor:
        """In-place form of :meth:`addcdiv`."""
        return _f.addcdiv.inplace(self, tensor1, tensor2, value=value)

    def clamp(self, min: Any = None, max: Any = None) -> Tensor:
        """``input`` limited to ``[min, max]``; ``max`` wins where they cross.  NaN stays.  The gradient passes at the limits."""
        return _f.clamp(self, min, max)

    def clip(self, min: Any = None, max: Any = None) -> Tensor:
        """``input`` limited to ``[min, max]``; ``max`` wins where they cross.  NaN stays.  The gradient passes at the limits."""
        return _f.clamp(self, min, max)

    def clamp_(self, min: Any = None, max: Any = None) -> Tensor:
        """In-place form of :meth:`clamp`."""
        return _f.clamp.inplace(self, min, max)

    def masked_fill_elements_(self, mask: Any, value: Any) -> Tensor:
        """In-place form of :meth:`masked_fill_elements`."""
        return _f.masked_fill_elements.inplace(self, mask, value)

    def exp(self) -> Tensor:
        """e ** input."""
        return _f.exp(self)

    def exp_(self) -> Tensor:
        """In-place form of :meth:`exp`."""
        return _f.exp.inplace(self)

    def exp2(self) -> Tensor:
        """2 ** input."""
        return _f.exp2(self)

    def exp2_(self) -> Tensor:
        """In-place form of :meth:`exp2`."""
        return _f.exp2.inplace(self)

    def expm1(self) -> Tensor:
        """e ** input - 1, precise near 0."""
        return _f.expm1(self)

    def expm1_(self) -> Tensor:
        """In-place form of :meth:`expm1`."""
        return _f.expm1.inplace(self)

    def log(self) -> Tensor:
        """Natural logarithm."""
        return _f.log(self)

    def log_(self) -> Tensor:
        """In-place form of :meth:`log`."""
        return _f.log.inplace(self)

    def log2(self) -> Tensor:
        """Logarithm to base 2."""
        return _f.log2(self)

    def log2_(self) -> Tensor:
        """In-place form of :meth:`log2`."""
        return _f.log2.inplace(self)

    def log10(self) -> Tensor:
        """Logarithm to base 10."""
        return _f.log10(self)

    def log10_(self) -> Tensor:
        """In-place form of :meth:`log10`."""
        return _f.log10.inplace(self)

    def log1p(self) -> Tensor:
        """log(1 + input), precise near 0."""
        return _f.log1p(self)

    def log1p_(self) -> Tensor:
        """In-place form of :meth:`log1p`."""
        return _f.log1p.inplace(self)

    def sqrt(self) -> Tensor:
        """Square root."""
        return _f.sqrt(self)

    def sqrt_(self) -> Tensor:
        """In-place form of :meth:`sqrt`."""
        return _f.sqrt.inplace(self)

    def rsqrt(self) -> Tensor:
        """1 / sqrt(input)."""
        return _f.rsqrt(self)

    def rsqrt_(self) -> Tensor:
        """In-place form of :meth:`rsqrt`."""
        return _f.rsqrt.inplace(self)

    def sin(self) -> Tensor:
        """Sine of an angle in radians."""
        return _f.sin(self)

    def sin_(self) -> Tensor:
        """In-place form of :meth:`sin`."""
        return _f.sin.inplace(self)

    def cos(self) -> Tensor:
        """Cosine of an angle in radians."""
        return _f.cos(self)

    def cos_(self) -> Tensor:
        """In-place form of :meth:`cos`."""
        return _f.cos.inplace(self)

    def tan(self) -> Tensor:
        """Tangent of an angle in radians."""
        return _f.tan(self)

    def tan_(self) -> Tensor:
        """In-place form of :meth:`tan`."""
        return _f.tan.inplace(self)

    def asin(self) -> Tensor:
        """Inverse sine, in radians."""
        return _f.asin(self)

    def arcsin(self) -> Tensor:
        """Inverse sine, in radians."""
        return _f.asin(self)

    def asin_(self) -> Tensor:
        """In-place form of :meth:`asin`."""
        return _f.asin.inplace(self)

    def acos(self) -> Tensor:
        """Inverse cosine, in radians."""
        return _f.acos(self)

    def arccos(self) -> Tensor:
        """Inverse cosine, in radians."""
        return _f.acos(self)

    def acos_(self) -> Tensor:
        """In-place form of :meth:`acos`."""
        return _f.acos.inplace(self)

    def atan(self) -> Tensor:
        """Inverse tangent, in radians."""
        return _f.atan(self)

    def arctan(self) -> Tensor:
        """Inverse tangent, in radians."""
        return _f.atan(self)

    def atan_(self) -> Tensor:
        """In-place form of :meth:`atan`."""
        return _f.atan.inplace(self)

    def sinh(self) -> Tensor:
        """Hyperbolic sine."""
        return _f.sinh(self)

    def sinh_(self) -> Tensor:
        """In-place form of :meth:`sinh`."""
        return _f.sinh.inplace(self)

    def cosh(self) -> Tensor:
        """Hyperbolic cosine."""
        return _f.cosh(self)

    def cosh_(self) -> Tensor:
        """In-place form of :meth:`cosh`."""
        return _f.cosh.inplace(self)

    def tanh(self) -> Tensor:
        """Hyperbolic tangent."""
        return _f.tanh(self)

    def tanh_(self) -> Tensor:
        """In-place form of :meth:`tanh`."""
        return _f.tanh.inplace(self)

    def asinh(self) -> Tensor:
        """Inverse hyperbolic sine."""
        return _f.asinh(self)

    def arcsinh(self) -> Tensor:
        """Inverse hyperbolic sine."""
        return _f.asinh(self)

    def asinh_(self) -> Tensor:
        """In-place form of :meth:`asinh`."""
        return _f.asinh.inplace(self)

    def acosh(self) -> Tensor:
        """Inverse hyperbolic cosine."""
        return _f.acosh(self)

    def arccosh(self) -> Tensor:
        """Inverse hyperbolic cosine."""
        return _f.acosh(self)

    def acosh_(self) -> Tensor:
        """In-place form of :meth:`acosh`."""
        return _f.acosh.inplace(self)

    def atanh(self) -> Tensor:
        """Inverse hyperbolic tangent."""
        return _f.atanh(self)

    def arctanh(self) -> Tensor:
        """Inverse hyperbolic tangent."""
        return _f.atanh(self)

    def atanh_(self) -> Tensor:
        """In-place form of :meth:`atanh`."""
        return _f.atanh.inplace(self)

    def erf(self) -> Tensor:
        """Error function, 2 / sqrt(pi) times the integral of exp(-t**2) from 0 to input."""
        return _f.erf(self)

    def erf_(self) -> Tensor:
        """In-place form of :meth:`erf`."""
        return _f.erf.inplace(self)

    def erfc(self) -> Tensor:
        """1 - erf(input), precise for large input."""
        return _f.erfc(self)

    def erfc_(self) -> Tensor:
        """In-place form of :meth:`erfc`."""
        return _f.erfc.inplace(self)

    def sigmoid(self) -> Tensor:
        """Logistic function, 1 / (1 + exp(-input))."""
        return _f.sigmoid(self)

    def sigmoid_(self) -> Tensor:
        """In-place form of :meth:`sigmoid`."""
        return _f.sigmoid.inplace(self)

    def logit(self, eps: Any = None) -> Tensor:
        """log(p / (1 - p)) of ``p = input``, clamped to ``[eps, 1 - eps]`` where ``eps`` is given."""
        return _f.logit(self, eps)

    def logit_(self, eps: Any = None) -> Tensor:
        """In-place form of :meth:`logit`."""
        return _f.logit.inplace(self, eps)

    def logaddexp(self, other: Any) -> Tensor:
        """log(exp(input) + exp(other)) without overflow."""
        return _f.logaddexp(self, other)

    def logaddexp_(self, other: Any) -> Tensor:
        """In-place form of :meth:`logaddexp`."""
        return _f.logaddexp.inplace(self, other)

    def deg2rad(self) -> Tensor:
        """Degrees to radians."""
        return _f.deg2rad(self)

    def deg2rad_(self) -> Tensor:
        """In-place form of :meth:`deg2rad`."""
        return _f.deg2rad.inplace(self)

    def rad2deg(self) -> Tensor:
        """Radians to degrees."""
        return _f.rad2deg(self)

    def rad2deg_(self) -> Tensor:
        """In-place form of :meth:`rad2deg`."""
        return _f.rad2deg.inplace(self)

    def eq(self, other: Any) -> Tensor:
        """Whether the operands are equal -> bool."""
        return _f.eq(self, other)

    def eq_(self, other: Any) -> Tensor:
        """In-place form of :meth:`eq`."""
        return _f.eq.inplace(self, other)

    def __eq__(self, other: Any) -> Any:
        return _f.eq.binary(self, other) if isinstance(other, _f.Operand) else NotImplemented

    def ne(self, other: Any) -> Tensor:
        """Whether the operands differ -> bool."""
        return _f.ne(self, other)

    def not_equal(self, other: Any) -> Tensor:
        """Whether the operands differ -> bool."""
        return _f.ne(self, other)

    def ne_(self, other: Any) -> Tensor:
        """In-place form of :meth:`ne`."""
        return _f.ne.inplace(self, other)

    def __ne__(self, other: Any) -> Any:
        return _f.ne.binary(self, other) if isinstance(other, _f.Operand) else NotImplemented

    def lt(self, other: Any) -> Tensor:
        """``input < other`` -> bool."""
        return _f.lt(self, other)

    def less(self, other: Any) -> Tensor:
        """``input < other`` -> bool."""
        return _f.lt(self, other)

    def lt_(self, other: Any) -> Tensor:
        """In-place form of :meth:`lt`."""
        return _f.lt.inplace(self, other)

    def __lt__(self, other: Any) -> Any:
        return _f.lt.binary(self, other) if isinstance(other, _f.Operand) else NotImplemented

    def le(self, other: Any) -> Tensor:
        """``input <= other`` -> bool."""
        return _f.le(self, other)

    def less_equal(self, other: Any) -> Tensor:
        """``input <= other`` -> bool."""
        return _f.le(self, other)

    def le_(self, other: Any) -> Tensor:
        """In-place form of :meth:`le`."""
        return _f.le.inplace(self, other)

    def __le__(self, other: Any) -> Any:
        return _f.le.binary(self, other) if isinstance(other, _f.Operand) else NotImplemented

    def gt(self, other: Any) -> Tensor:
        """``input > other`` -> bool."""
        return _f.gt(self, other)

    def greater(self, other: Any) -> Tensor:
        """``input > other`` -> bool."""
        return _f.gt(self, other)

    def gt_(self, other: Any) -> Tensor:
        """In-place form of :meth:`gt`."""
        return _f.gt.inplace(self, other)

    def __gt__(self, other: Any) -> Any:
        return _f.gt.binary(self, other) if isinstance(other, _f.Operand) else NotImplemented

    def ge(self, other: Any) -> Tensor:
        """``input >= other`` -> bool."""
        return _f.ge(self, other)

    def greater_equal(self, other: Any) -> Tensor:
        """``input >= other`` -> bool."""
        return _f.ge(self, other)

    def ge_(self, other: Any) -> Tensor:
        """In-place form of :meth:`ge`."""
        return _f.ge.inplace(self, other)

    def __ge__(self, other: Any) -> Any:
        return _f.ge.binary(self, other) if isinstance(other, _f.Operand) else NotImplemented

    def isnan(self) -> Tensor:
        """Whether an element is NaN -> bool."""
        return _f.isnan(self)

    def isinf(self) -> Tensor:
        """Whether an element is an infinity -> bool."""
        return _f.isinf(self)

    def isfinite(self) -> Tensor:
        """Whether an element is neither NaN nor an infinity -> bool."""
        return _f.isfinite(self)

    def logical_and(self, other: Any) -> Tensor:
        """Whether both are non-zero -> bool."""
        return _f.logical_and(self, other)

    def logical_and_(self, other: Any) -> Tensor:
        """In-place form of :meth:`logical_and`."""
        return _f.logical_and.inplace(self, other)

    def logical_or(self, other: Any) -> Tensor:
        """Whether one is non-zero -> bool."""
        return _f.logical_or(self, other)

    def logical_or_(self, other: Any) -> Tensor:
        """In-place form of :meth:`logical_or`."""
        return _f.logical_or.inplace(self, other)

    def logical_xor(self, other: Any) -> Tensor:
        """Whether exactly one is non-zero -> bool."""
        return _f.logical_xor(self, other)

    def logical_xor_(self, other: Any) -> Tensor:
        """In-place form of :meth:`logical_xor`."""
        return _f.logical_xor.inplace(self, other)

    def logical_not(self) -> Tensor:
        """Whether an element is zero -> bool."""
        return _f.logical_not(self)

    def logical_not_(self) -> Tensor:
        """In-place form of :meth:`logical_not`."""
        return _f.logical_not.inplace(self)

    def bitwise_and(self, other: Any) -> Tensor:
        """Bits set in both; for bool, logical and."""
        return _f.bitwise_and(self, other)

    def bitwise_and_(self, other: Any) -> Tensor:
        """In-place form of :meth:`bitwise_and`."""
        return _f.bitwise_and.inplace(self, other)

    def __and__(self, other: Any) -> Any:
        return _f.bitwise_and.binary(self, other) if isinstance(other, _f.Operand) else NotImplemented

    def __rand__(self, other: Any) -> Any:
        return _f.bitwise_and.binary(self, other) if isinstance(other, _f.Operand) else NotImplemented

    def __iand__(self, other: Any) -> Any:
        return _f.bitwise_and.inplace(self, other) if isinstance(other, _f.Operand) else NotImplemented

    def bitwise_or(self, other: Any) -> Tensor:
        """Bits set in either; for bool, logical or."""
        return _f.bitwise_or(self, other)

    def bitwise_or_(self, other: Any) -> Tensor:
        """In-place form of :meth:`bitwise_or`."""
        return _f.bitwise_or.inplace(self, other)

    def __or__(self, other: Any) -> Any:
        return _f.bitwise_or.binary(self, other) if isinstance(other, _f.Operand) else NotImplemented

    def __ror__(self, other: Any) -> Any:
        return _f.bitwise_or.binary(self, other) if isinstance(other, _f.Operand) else NotImplemented

    def __ior__(self, other: Any) -> Any:
        return _f.bitwise_or.inplace(self, other) if isinstance(other, _f.Operand) else NotImplemented

    def bitwise_xor(self, other: Any) -> Tensor:
        """Bits set in exactly one; for bool, logical exclusive or."""
        return _f.bitwise_xor(self, other)

    def bitwise_xor_(self, other: Any) -> Tensor:
        """In-place form of :meth:`bitwise_xor`."""
        return _f.bitwise_xor.inplace(self, other)

    def __xor__(self, other: Any) -> Any:
        return _f.bitwise_xor.binary(self, other) if isinstance(other, _f.Operand) else NotImplemented

    def __rxor__(self, other: Any) -> Any:
        return _f.bitwise_xor.binary(self, other) if isinstance(other, _f.Operand) else NotImplemented

    def __ixor__(self, other: Any) -> Any:
        return _f.bitwise_xor.inplace(self, other) if isinstance(other, _f.Operand) else NotImplemented

    def bitwise_not(self) -> Tensor:
        """All bits inverted; for bool, logical not."""
        return _f.bitwise_not(self)

    def bitwise_not_(self) -> Tensor:
        """In-place form of :meth:`bitwise_not`."""
        return _f.bitwise_not.inplace(self)

    def __invert__(self) -> Tensor:
        return _f.bitwise_not(self)

    def bitwise_left_shift(self, other: Any) -> Tensor:
        """``input * 2**other``; shifting by the width or more gives 0."""
        return _f.bitwise_left_shift(self, other)

    def bitwise_left_shift_(self, other: Any) -> Tensor:
        """In-place form of :meth:`bitwise_left_shift`."""
        return _f.bitwise_left_shift.inplace(self, other)

    def __lshift__(self, other: Any) -> Any:
        return _f.bitwise_left_shift.binary(self, other) if isinstance(other, _f.Operand) else NotImplemented

    def __ilshift__(self, other: Any) -> Any:
        return _f.bitwise_left_shift.inplace(self, other) if isinstance(other, _f.Operand) else NotImplemented

    def bitwise_right_shift(self, other: Any) -> Tensor:
        """``input / 2**other`` rounded down; shifting by the width or more gives 0, or -1 for a negative number."""
        return _f.bitwise_right_shift(self, other)

    def bitwise_right_shift_(self, other: Any) -> Tensor:
        """In-place form of :meth:`bitwise_right_shift`."""
        return _f.bitwise_right_shift.inplace(self, other)

    def __rshift__(self, other: Any) -> Any:
        return _f.bitwise_right_shift.binary(self, other) if isinstance(other, _f.Operand) else NotImplemented

    def __irshift__(self, other: Any) -> Any:
        return _f.bitwise_right_shift.inplace(self, other) if isinstance(other, _f.Operand) else NotImplemented

    def relu(self) -> Tensor:
        """``max(0, input)``; NaN stays.  The derivative at 0 is 0."""
        return _f.relu(self)

    def relu_(self) -> Tensor:
        """In-place form of :meth:`relu`."""
        return _f.relu.inplace(self)

    def permute(self, *dims: Any) -> Tensor:
        """Axes in the order of ``dims``, a view.  Raises DimensionError for a bad or repeated dim."""
        return _f.permute(self, *dims)

    def transpose(self, dim0: int, dim1: int) -> Tensor:
        """Two axes exchanged, a view."""
        return _f.transpose(self, dim0, dim1)

    def swapaxes(self, dim0: int, dim1: int) -> Tensor:
        """Two axes exchanged, a view."""
        return _f.transpose(self, dim0, dim1)

    def swapdims(self, dim0: int, dim1: int) -> Tensor:
        """Two axes exchanged, a view."""
        return _f.transpose(self, dim0, dim1)

    def t(self) -> Tensor:
        """The transpose of a matrix; vectors and 0-d tensors stay as they are."""
        return _f.t(self)

    def movedim(self, source: Any, destination: Any) -> Tensor:
        """Axes moved to new places, the others in order, a view."""
        return _f.movedim(self, source, destination)

    def expand(self, *sizes_: Any) -> Tensor:
        """Axes of size 1 repeated without copying, a view; -1 keeps a size, new axes come in front."""
        return _f.expand(self, *sizes_)

    def expand_as(self, other: Tensor) -> Tensor:
        """``input.expand(other.shape)``."""
        return _f.expand_as(self, other)

    def broadcast_to(self, size: Sequence[int]) -> Tensor:
        """``input.expand(size)``."""
        return _f.broadcast_to(self, size)

    def reshape(self, *shape: Any) -> Tensor:
        """The same elements in C order under another shape; a view where strides allow, else a copy.  One size may be -1."""
        return _f.reshape(self, *shape)

    def view(self, *shape: Any, dtype: DType | None = None) -> Tensor:
        """``Tensor.view``: another shape without a copy, or another dtype of the same bytes."""
        return _f.view(self, *shape, dtype=dtype)

    def view_as(self, other: Tensor) -> Tensor:
        """``input.view(other.shape)``."""
        return _f.view_as(self, other)

    def reshape_as(self, other: Tensor) -> Tensor:
        """``input.reshape(other.shape)``."""
        return _f.reshape_as(self, other)

    def flatten(self, start_dim: int = 0, end_dim: int = -1) -> Tensor:
        """Axes ``start_dim`` to ``end_dim`` merged into one; a 0-d tensor becomes 1-d."""
        return _f.flatten(self, start_dim, end_dim)

    def unflatten(self, dim: int, sizes: Sequence[int]) -> Tensor:
        """One axis split into several, a view; one of the sizes may be -1."""
        return _f.unflatten(self, dim, sizes)

    def ravel(self) -> Tensor:
        """All elements in one axis."""
        return _f.ravel(self)

    def squeeze(self, dim: Any = None) -> Tensor:
        """Axes of size 1 removed, a view: all, or those of ``dim``."""
        return _f.squeeze(self, dim)

    def squeeze_(self, dim: Any = None) -> Tensor:
        """In-place form of :meth:`squeeze`."""
        return _f.become(self, _f.squeeze(self, dim))

    def unsqueeze(self, dim: int) -> Tensor:
        """A new axis of size 1 at ``dim``, a view."""
        return _f.unsqueeze(self, dim)

    def unsqueeze_(self, dim: int) -> Tensor:
        """In-place form of :meth:`unsqueeze`."""
        return _f.become(self, _f.unsqueeze(self, dim))

    def select(self, dim: int, index: int) -> Tensor:
        """One position of an axis, which is dropped, a view."""
        return _f.select(self, dim, index)

    def narrow(self, dim: int, start: int, length: int) -> Tensor:
        """``length`` positions of an axis from ``start``, a view."""
        return _f.narrow(self, dim, start, length)

    def split(self, split_size: Any, dim: int = 0) -> tuple[Tensor, ...]:
        """Consecutive pieces of ``split_size`` positions (the last may be shorter), or of the listed sizes; views."""
        return _f.split(self, split_size, dim)

    def chunk(self, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
        """At most ``chunks`` pieces of equal size (the last may be shorter); views."""
        return _f.chunk(self, chunks, dim)

    def unbind(self, dim: int = 0) -> tuple[Tensor, ...]:
        """All positions of an axis as views without it."""
        return _f.unbind(self, dim)

    def diagonal(self, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
        """The diagonal of two axes as a new last axis, a view; ``offset`` above 0 lies above the main one."""
        return _f.diagonal(self, offset, dim1, dim2)

    def unfold(self, dimension: int, size: int, step: int) -> Tensor:
        """Windows of ``size`` positions every ``step``, the window as a new last axis; a view whose parts may overlap."""
        return _f.unfold(self, dimension, size, step)

    def as_strided(self, size: Sequence[int], stride: Sequence[int], storage_offset: int | None = None) -> Tensor:
        """Any layout within the tensor's storage; strides of either sign."""
        return _f.as_strided(self, size, stride, storage_offset)

    def new_zeros(
        self, *size: Any, dtype: DType | None = None, device: Any = None, requires_grad: bool = False
    ) -> Tensor:
        """Zeros with the input's dtype and device."""
        return _f.new_zeros(self, *size, dtype=dtype, device=device, requires_grad=requires_grad)

    def new_ones(
        self, *size: Any, dtype: DType | None = None, device: Any = None, requires_grad: bool = False
    ) -> Tensor:
        """Ones with the input's dtype and device."""
        return _f.new_ones(self, *size, dtype=dtype, device=device, requires_grad=requires_grad)

    def new_empty(
        self, *size: Any, dtype: DType | None = None, device: Any = None, requires_grad: bool = False
    ) -> Tensor:
        """Uninitialised, with the input's dtype and device."""
        return _f.new_empty(self, *size, dtype=dtype, device=device, requires_grad=requires_grad)

    def new_full(
        self,
        size: Sequence[int],
        fill_value: Any,
        *,
        dtype: DType | None = None,
        device: Any = None,
        requires_grad: bool = False,
    ) -> Tensor:
        """One value with the input's dtype and device."""
        return _f.new_full(self, size, fill_value, dtype=dtype, device=device, requires_grad=requires_grad)

    def new_tensor(
        self, data: Any, *, dtype: DType | None = None, device: Any = None, requires_grad: bool = False
    ) -> Tensor:
        """A copy of data with the input's dtype and device."""
        return _f.new_tensor(self, data, dtype=dtype, device=device, requires_grad=requires_grad)

    def clone(self, *, memory_format: Any = None) -> Tensor:
        """A copy with the same place on the tape."""
        return _f.clone(self, memory_format=memory_format)

    def contiguous(self, memory_format: Any = None) -> Tensor:
        """The tensor itself where it is C-contiguous, else a copy that is."""
        return _f.contiguous(self, memory_format)

    def to(
        self,
        *args: Any,
        dtype: DType | None = None,
        device: Any = None,
        non_blocking: bool = False,
        copy: bool = False,
        memory_format: Any = None,
    ) -> Tensor:
        """The tensor on another device, in another dtype, or both: ``to(dtype)``, ``to(device)``, ``to(device, dtype)``,"""
        return _f.to(
            self, *args, dtype=dtype, device=device, non_blocking=non_blocking, copy=copy, memory_format=memory_format
        )

    def type_as(self, other: Tensor) -> Tensor:
        """In the dtype of ``other``."""
        return _f.type_as(self, other)

    def cpu(self) -> Tensor:
        """On the host device ``cpu``."""
        return _f.cpu(self)

    def cuda(self, device: Any = None, non_blocking: bool = False) -> Tensor:
        """On an NVIDIA GPU."""
        return _f.cuda(self, device, non_blocking)

    def bool(self) -> Tensor:
        """In dtype bool."""
        return _f.bool(self)

    def byte(self) -> Tensor:
        """In dtype uint8."""
        return _f.byte(self)

    def char(self) -> Tensor:
        """In dtype int8."""
        return _f.char(self)

    def short(self) -> Tensor:
        """In dtype int16."""
        return _f.short(self)

    def int(self) -> Tensor:
        """In dtype int32."""
        return _f.int(self)

    def long(self) -> Tensor:
        """In dtype int64."""
        return _f.long(self)

    def half(self) -> Tensor:
        """In dtype float16."""
        return _f.half(self)

    def bfloat16(self) -> Tensor:
        """In dtype bfloat16."""
        return _f.bfloat16(self)

    def float(self) -> Tensor:
        """In dtype float32."""
        return _f.float(self)

    def double(self) -> Tensor:
        """In dtype float64."""
        return _f.double(self)

    def cfloat(self) -> Tensor:
        """In dtype complex64."""
        return _f.cfloat(self)

    def cdouble(self) -> Tensor:
        """In dtype complex128."""
        return _f.cdouble(self)

    def copy_(self, src: Any, non_blocking: bool = False) -> Tensor:
        """Overwrite with ``src``, broadcast, converted, and moved from its device."""
        return _f.copy_(self, src, non_blocking)

    def fill_(self, value: Any) -> Tensor:
        """Set every element to one number (or 0-d tensor)."""
        return _f.fill_(self, value)

    def zero_(self) -> Tensor:
        """Set every element to 0."""
        return _f.zero_(self)

    def sum(self, dim: Dim = None, keepdim: bool = False, *, dtype: DType | None = None) -> Tensor:
        """Sum over ``dim`` (all by default); integers and bool give int64."""
        return _f.sum(self, dim, keepdim, dtype=dtype)

    def nansum(self, dim: Dim = None, keepdim: bool = False, *, dtype: DType | None = None) -> Tensor:
        """Sum with NaN as zero."""
        return _f.nansum(self, dim, keepdim, dtype=dtype)

    def sum_to_size(self, *size: Any) -> Tensor:
        """Sum over the dims that broadcasting ``size`` to the input's shape would repeat."""
        return _f.sum_to_size(self, *size)

    def mean(self, dim: Dim = None, keepdim: bool = False, *, dtype: DType | None = None) -> Tensor:
        """Arithmetic mean over ``dim``; NaN over nothing."""
        return _f.mean(self, dim, keepdim, dtype=dtype)

    def var(
        self, dim: Any = None, unbiased: bool | None = None, keepdim: bool = False, *, correction: float | None = None
    ) -> Tensor:
        """Variance over ``dim``, divided by ``count - correction`` (1 by default)."""
        return _f.var(self, dim, unbiased, keepdim, correction=correction)

    def std(
        self, dim: Any = None, unbiased: bool | None = None, keepdim: bool = False, *, correction: float | None = None
    ) -> Tensor:
        """Standard deviation: the root of :func:`var`.  The gradient where it is 0 is 0."""
        return _f.std(self, dim, unbiased, keepdim, correction=correction)

    def prod(self, dim: int | None = None, keepdim: bool = False, *, dtype: DType | None = None) -> Tensor:
        """Product over ``dim`` (all by default); integers and bool give int64."""
        return _f.prod(self, dim, keepdim, dtype=dtype)

    def amax(self, dim: Dim = (), keepdim: bool = False) -> Tensor:
        """Largest element over ``dim``; the gradient is shared evenly among equals."""
        return _f.amax(self, dim, keepdim)

    def amin(self, dim: Dim = (), keepdim: bool = False) -> Tensor:
        """Smallest element over ``dim``; the gradient is shared evenly among equals."""
        return _f.amin(self, dim, keepdim)

    def aminmax(self, *, dim: int | None = None, keepdim: bool = False) -> tuple[Tensor, Tensor]:
        """:func:`amin` and :func:`amax`."""
        return _f.aminmax(self, dim=dim, keepdim=keepdim)

    def argmax(self, dim: int | None = None, keepdim: bool = False) -> Tensor:
        """int64 position of the first largest element along ``dim``, or in the flattened input; NaN counts as largest."""
        return _f.argmax(self, dim, keepdim)

    def argmin(self, dim: int | None = None, keepdim: bool = False) -> Tensor:
        """int64 position of the first smallest element along ``dim``, or in the flattened input; NaN counts as smallest."""
        return _f.argmin(self, dim, keepdim)

    def max(self, *args: Any, dim: int | None = None, keepdim: bool = False, other: Tensor | None = None) -> Any:
        """Largest element; with ``dim``, also where: ``(values, indices)``; with another tensor, :func:`maximum`."""
        return _f.max(self, *args, dim=dim, keepdim=keepdim, other=other)

    def min(self, *args: Any, dim: int | None = None, keepdim: bool = False, other: Tensor | None = None) -> Any:
        """Smallest element; with ``dim``, also where: ``(values, indices)``; with another tensor, :func:`minimum`."""
        return _f.min(self, *args, dim=dim, keepdim=keepdim, other=other)

    def any(self, dim: Dim = None, keepdim: bool = False) -> Tensor:
        """Whether any element is not zero -> bool (uint8 for uint8)."""
        return _f.any(self, dim, keepdim)

    def all(self, dim: Dim = None, keepdim: bool = False) -> Tensor:
        """Whether all elements are not zero -> bool (uint8 for uint8)."""
        return _f.all(self, dim, keepdim)

    def count_nonzero(self, dim: Dim = None) -> Tensor:
        """How many elements are not zero -> int64."""
        return _f.count_nonzero(self, dim)

    def logsumexp(self, dim: Dim, keepdim: bool = False) -> Tensor:
        """log(sum(exp(input))) over ``dim`` without overflow."""
        return _f.logsumexp(self, dim, keepdim)

    def cumsum(self, dim: int, *, dtype: DType | None = None) -> Tensor:
        """Running sum along ``dim``; integers and bool give int64."""
        return _f.cumsum(self, dim, dtype=dtype)

    def cumsum_(self, dim: int, *, dtype: DType | None = None) -> Tensor:
        """In-place form of :meth:`cumsum`."""
        return _f.assign("cumsum_", self, _f.cumsum(self, dim, dtype=dtype))

    def cumprod(self, dim: int, *, dtype: DType | None = None) -> Tensor:
        """Running product along ``dim``; integers and bool give int64."""
        return _f.cumprod(self, dim, dtype=dtype)

    def cumprod_(self, dim: int, *, dtype: DType | None = None) -> Tensor:
        """In-place form of :meth:`cumprod`."""
        return _f.assign("cumprod_", self, _f.cumprod(self, dim, dtype=dtype))

    def norm(self, p: Any = "fro", dim: Dim = None, keepdim: bool = False, dtype: DType | None = None) -> Tensor:
        """Vector norm of order ``p`` over ``dim``: (sum |x| ** p) ** (1 / p).  The gradient at 0 is 0."""
        return _f.norm(self, p, dim, keepdim, dtype)

    def matmul(self, other: Tensor) -> Tensor:
        """Matrix product with NumPy's rules: vectors are rows on the left and columns on the right, batches broadcast."""
        return _f.matmul(self, other)

    def __matmul__(self, other: Any) -> Any:
        return _f.matmul(self, other) if isinstance(other, _f.Tensor) else NotImplemented

    def __rmatmul__(self, other: Any) -> Any:
        return _f.rmatmul(self, other) if isinstance(other, _f.Tensor) else NotImplemented

    def mm(self, mat2: Tensor) -> Tensor:
        """Product of two matrices, ``(M, K) @ (K, N) -> (M, N)``."""
        return _f.mm(self, mat2)

    def bmm(self, mat2: Tensor) -> Tensor:
        """Batch of matrix products, ``(B, M, K) @ (B, K, N) -> (B, M, N)``."""
        return _f.bmm(self, mat2)

    def mv(self, vec: Tensor) -> Tensor:
        """Matrix times vector, ``(M, K) @ (K) -> (M)``."""
        return _f.mv(self, vec)

    def dot(self, tensor: Tensor) -> Tensor:
        """Inner product of two vectors, without conjugation -> 0-d."""
        return _f.dot(self, tensor)

    def outer(self, vec2: Tensor) -> Tensor:
        """Outer product of two vectors, ``(M), (N) -> (M, N)``."""
        return _f.outer(self, vec2)

    def ger(self, vec2: Tensor) -> Tensor:
        """Outer product of two vectors, ``(M), (N) -> (M, N)``."""
        return _f.outer(self, vec2)

    def addmm(self, mat1: Tensor, mat2: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
        """``beta * input + alpha * (mat1 @ mat2)``; ``beta`` 0 ignores the input, NaN included."""
        return _f.addmm(self, mat1, mat2, beta=beta, alpha=alpha)

    def addmm_(self, mat1: Tensor, mat2: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
        """In-place form of :meth:`addmm`."""
        return _f.assign("addmm_", self, _f.addmm(self, mat1, mat2, beta=beta, alpha=alpha))

    def angle(self) -> Tensor:
        """The argument in radians, from -pi to pi; for real input 0, or pi where negative, NaN stays."""
        return _f.angle(self)

    def conj(self) -> Tensor:
        """The complex conjugate; a real tensor itself."""
        return _f.conj(self)

    def view_as_real(self) -> Tensor:
        """Complex ``(*S)`` as real ``(*S, 2)``, a view."""
        return _f.view_as_real(self)

    def view_as_complex(self) -> Tensor:
        """Real ``(*S, 2)`` as complex ``(*S)``, a view."""
        return _f.view_as_complex(self)
