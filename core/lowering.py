"""Complex numbers as pairs of reals: no backend ever sees a complex Expr.

A complex array is its interleaved parts, two strided real arrays; a complex Expr is two real ones.  Derivatives are
taken after lowering, part by part, which gives PyTorch's convention: the gradient of a real loss is
``dL/dx + i dL/dy``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Final

from hotplug import dispatch, families
from hotplug.array import Array
from hotplug.dtypes import bool_, dtype
from hotplug.errors import DTypeError
from hotplug.expr.derivative import plus, tangents, times
from hotplug.expr.node import (
    Expr,
    binary,
    cast,
    constant,
    input_,
    leaves,
    make,
    scalar,
    schedule,
    substitute,
    unary,
    where,
)
from hotplug.layout import Shape, layout_of

Pair = tuple[Expr, Expr]
Lowered = Expr | Pair


def is_complex(program: Sequence[Expr], outs: Sequence[Array], inputs: Sequence[Array]) -> bool:
    """Whether a launch touches complex data."""
    return any(each.layout.dtype.kind == "c" for each in (*outs, *inputs))


# --- one Expr ---


def _mul(a: Pair, b: Pair) -> Pair:
    return a[0] * b[0] - a[1] * b[1], a[0] * b[1] + a[1] * b[0]


def _div(a: Pair, b: Pair) -> Pair:
    """Smith's method (1962): scaled by the larger part of the divisor, so that squares don't overflow."""
    wide = unary("abs", b[0]) >= unary("abs", b[1])
    big, small = where(wide, b[0], b[1]), where(wide, b[1], b[0])
    ratio = where(binary("eq", big, 0), 0.0, small / big)
    scale = big + small * ratio
    up = where(wide, a[0] + a[1] * ratio, a[0] * ratio + a[1])
    side = where(wide, a[1] - a[0] * ratio, a[1] * ratio - a[0])
    return up / scale, side / scale


def _exp(z: Pair) -> Pair:
    size = unary("exp", z[0])
    return size * unary("cos", z[1]), size * unary("sin", z[1])


def _abs(z: Pair) -> Expr:
    """The modulus; unlike that of hypot, its derivative at 0 is 0."""
    size = binary("hypot", z[0], z[1])
    return where(binary("eq", size, 0), 0.0, size)


def _angle(z: Pair) -> Expr:
    return binary("atan2", z[1], z[0])


def _log(z: Pair) -> Pair:
    return unary("log", _abs(z)), _angle(z)


def _log_base(base: float) -> Callable[[Pair], Pair]:
    def function(z: Pair) -> Pair:
        re, im = _log(z)
        return re / math.log(base), im / math.log(base)

    return function


def _sqrt(z: Pair) -> Pair:
    """The root in the right half plane, from the larger of the two half sums (no cancellation)."""
    size = unary("sqrt", (_abs(z) + unary("abs", z[0])) * 0.5)
    other = where(binary("eq", size, 0), 0.0, unary("abs", z[1]) / (size * 2.0))
    right = z[0] >= 0
    return where(right, size, other), binary("copysign", where(right, other, size), z[1])


def _pow(a: Pair, b: Pair) -> Pair:
    re, im = _exp(_mul(_log(a), b))
    zero = binary("eq", a[0], 0) & binary("eq", a[1], 0)
    unit = where(binary("eq", b[0], 0) & binary("eq", b[1], 0), constant(1, a[0].dtype), constant(0, a[0].dtype))
    return where(zero, unit, re), where(zero, 0.0, im)


def _sin(z: Pair) -> Pair:
    return unary("sin", z[0]) * unary("cosh", z[1]), unary("cos", z[0]) * unary("sinh", z[1])


def _cos(z: Pair) -> Pair:
    return unary("cos", z[0]) * unary("cosh", z[1]), -(unary("sin", z[0]) * unary("sinh", z[1]))


def _sinh(z: Pair) -> Pair:
    return unary("sinh", z[0]) * unary("cos", z[1]), unary("cosh", z[0]) * unary("sin", z[1])


def _cosh(z: Pair) -> Pair:
    return unary("cosh", z[0]) * unary("cos", z[1]), unary("sinh", z[0]) * unary("sin", z[1])


def _tanh(z: Pair) -> Pair:
    """Through tan and sinh of the parts: bounded where sinh and cosh overflow."""
    t = unary("tan", z[1])
    s = unary("sinh", z[0])
    c = unary("cosh", z[0])
    flat = unary("abs", z[0]) > 20.0
    beta = t * t + 1.0
    re = where(flat, binary("copysign", constant(1, s.dtype), z[0]), beta * s * c / (beta * s * s + 1.0))
    im = where(flat, 0.0, t / (beta * s * s + 1.0))
    return re, im


def _tan(z: Pair) -> Pair:
    re, im = _tanh((-z[1], z[0]))
    return im, -re


def _one_plus(z: Pair) -> Pair:
    return z[0] + 1.0, z[1]


def _sigmoid(z: Pair) -> Pair:
    one = (constant(1, z[0].dtype), constant(0, z[0].dtype))
    return _div(one, _one_plus(_exp((-z[0], -z[1]))))


def _rsqrt(z: Pair) -> Pair:
    return _div((constant(1, z[0].dtype), constant(0, z[0].dtype)), _sqrt(z))


def _roots(z: Pair) -> tuple[Pair, Pair]:
    """``sqrt(1 - z)`` and ``sqrt(1 + z)``, on the sides of their cuts that the signs of zero say."""
    return _sqrt((1.0 - z[0], -z[1])), _sqrt(_one_plus(z))


def _asin(z: Pair) -> Pair:
    """Kahan (1987): from both roots, precise near the branch points and right on the cuts; so are the next three."""
    below, above = _roots(z)
    re = binary("atan2", z[0], below[0] * above[0] - below[1] * above[1])
    return re, unary("asinh", below[0] * above[1] - below[1] * above[0])


def _acos(z: Pair) -> Pair:
    below, above = _roots(z)
    re = binary("atan2", below[0], above[0]) * 2.0
    return re, unary("asinh", above[0] * below[1] - above[1] * below[0])


def _acosh(z: Pair) -> Pair:
    below, above = _sqrt((z[0] - 1.0, z[1])), _sqrt(_one_plus(z))
    return unary("asinh", below[0] * above[0] + below[1] * above[1]), binary("atan2", below[1], above[0]) * 2.0


def _atanh(z: Pair) -> Pair:
    x, square = unary("abs", z[0]), z[1] * z[1]
    re = unary("log1p", x * 4.0 / ((1.0 - x) * (1.0 - x) + square)) * 0.25
    im = binary("atan2", z[1] * 2.0, (1.0 - x) * (x + 1.0) - square) * 0.5
    return binary("copysign", re, z[0]), im


def _turned(function: Callable[[Pair], Pair]) -> Callable[[Pair], Pair]:
    """``-i f(i z)``: a function of the circle from that of the hyperbola, or the other way round."""

    def turned(z: Pair) -> Pair:
        re, im = function((-z[1], z[0]))
        return im, -re

    return turned


_RULES: Final[dict[str, Callable[..., Any]]] = {
    "add": lambda a, b: (a[0] + b[0], a[1] + b[1]),
    "sub": lambda a, b: (a[0] - b[0], a[1] - b[1]),
    "mul": _mul,
    "div": _div,
    "neg": lambda z: (-z[0], -z[1]),
    "conj": lambda z: (z[0], -z[1]),
    "real": lambda z: z[0],
    "imag": lambda z: z[1],
    "abs": _abs,
    "angle": _angle,
    "eq": lambda a, b: binary("eq", a[0], b[0]) & binary("eq", a[1], b[1]),
    "ne": lambda a, b: binary("ne", a[0], b[0]) | binary("ne", a[1], b[1]),
    "exp": _exp,
    "exp2": lambda z: _exp((z[0] * math.log(2.0), z[1] * math.log(2.0))),
    "expm1": lambda z: (_exp(z)[0] - 1.0, _exp(z)[1]),
    "log": _log,
    "log2": _log_base(2.0),
    "log10": _log_base(10.0),
    "log1p": lambda z: _log(_one_plus(z)),
    "sqrt": _sqrt,
    "rsqrt": _rsqrt,
    "pow": _pow,
    "sin": _sin,
    "cos": _cos,
    "tan": _tan,
    "asin": _asin,
    "acos": _acos,
    "atan": _turned(_atanh),
    "sinh": _sinh,
    "cosh": _cosh,
    "tanh": _tanh,
    "asinh": _turned(_asin),
    "acosh": _acosh,
    "atanh": _atanh,
    "sigmoid": _sigmoid,
}


def lower(roots: Sequence[Expr]) -> list[Lowered]:
    """Every complex node as a pair; the parts of a complex input are ``real(input)`` and ``imag(input)``.

    Raises:
        DTypeError: a function is not defined for complex numbers.
    """
    done: dict[Expr, Lowered] = {}
    for node in schedule(roots):
        done[node] = _lower_node(node, [done[arg] for arg in node.args])
    return [done[root] for root in roots]


def _lower_node(node: Expr, args: Sequence[Lowered]) -> Lowered:
    wide = node.dtype.kind == "c"
    if node.op in ("input", "scalar"):
        return (unary("real", node), unary("imag", node)) if wide else node
    if node.op == "constant":
        part = node.dtype.real
        return (constant(node.value.real, part), constant(node.value.imag, part)) if wide else node
    if node.op == "complex":
        return args[0], args[1]  # type: ignore[return-value]
    if node.op == "cast":
        return _lower_cast(args[0], node.dtype)
    if node.op == "where":
        if not wide:
            return make("where", tuple(args), node.dtype)  # type: ignore[arg-type]
        (condition, a, b) = args
        return where(condition, a[0], b[0]), where(condition, a[1], b[1])  # type: ignore[index,arg-type]
    if not any(isinstance(arg, tuple) for arg in args):
        if node.op in ("conj", "real"):
            return args[0]
        return node if args == list(node.args) else make(node.op, tuple(args), node.dtype)  # type: ignore[arg-type]
    rule = _RULES.get(node.op)
    if rule is None:
        raise DTypeError(f"{node.op} is not defined for complex numbers; take .real, .imag or .abs() first")
    return rule(*args)  # type: ignore[no-any-return]


def _lower_cast(value: Lowered, target: dtype) -> Lowered:
    if target.kind == "c":
        pair = value if isinstance(value, tuple) else (cast(value, target.real), constant(0, target.real))
        return cast(pair[0], target.real), cast(pair[1], target.real)
    if not isinstance(value, tuple):
        return cast(value, target)
    if target is bool_:
        return binary("ne", value[0], 0) | binary("ne", value[1], 0)
    return cast(value[0], target)


def pullback_complex(
    roots: Sequence[Expr], grads: Sequence[Expr | None], wrt: Expr, out: Sequence[Expr]
) -> Expr | None:
    """The gradient for ``wrt`` where complex values take part; the arguments are those of ``derivative.pullback``."""
    lowered = lower(roots)
    wants = [(unary("real", wrt), unary("imag", wrt))] if wrt.dtype.kind == "c" else [(wrt,)]
    parts: list[Expr | None] = []
    worth: dict[Expr, Expr] = {}
    for want in wants[0]:
        total: Expr | None = None
        for root, grad, leaf in zip(lowered, grads, out, strict=True):
            pairs = list(zip(_parts(root), _parts_of(leaf), strict=True))
            worth.update({r: o for r, o in pairs if r.op not in ("real", "imag", "input", "constant", "scalar")})
            if grad is not None:
                for (piece, _), g in zip(pairs, _parts_of(grad), strict=True):
                    total = plus(total, times(g, tangents(piece, want)))
        parts.append(None if total is None else substitute([total], worth)[0])
    if all(part is None for part in parts):
        return None
    if len(parts) == 1:
        return parts[0]
    zero = constant(0, wrt.dtype.real)
    re, im = (zero if part is None else part for part in parts)
    return make("complex", (re, im), wrt.dtype)


def _parts(value: Lowered) -> tuple[Expr, ...]:
    return value if isinstance(value, tuple) else (value,)


def _parts_of(leaf: Expr) -> tuple[Expr, ...]:
    return (unary("real", leaf), unary("imag", leaf)) if leaf.dtype.kind == "c" else (leaf,)


# --- launches ---


def parts(array: Array) -> list[Array]:
    """The real and imaginary parts of a complex array as real arrays of the same memory."""
    if array.dtype.kind != "c":
        return [array]
    layout = layout_of(array.dtype.real, array.shape, tuple(2 * stride for stride in array.strides))
    return [Array(array.storage, layout, 2 * array.offset), Array(array.storage, layout, 2 * array.offset + 1)]


_PROGRAMS: dict[dispatch.Program, dispatch.Program] = {}


def _real_program(program: dispatch.Program, inputs: Sequence[dtype]) -> dispatch.Program:
    """The program on parts: complex input ``i`` becomes two inputs, a complex scalar two scalars."""
    if program in _PROGRAMS:
        return _PROGRAMS[program]
    roots = [part for root in lower(program) for part in _parts(root)]
    places, at = {}, 0
    for position, kind in enumerate(inputs):
        leaf = input_(position, kind)
        for part in _parts_of(leaf):
            places[part] = input_(at, kind.real)
            at += 1
    more = 0
    for leaf in leaves(program, "scalar"):  # a position that the program does not read keeps its place too
        for offset, part in enumerate(_parts_of(leaf)):
            places[part] = scalar(leaf.value + more + offset, leaf.dtype.real)
        more += len(_parts_of(leaf)) - 1
    _PROGRAMS[program] = substitute(roots, places)
    return _PROGRAMS[program]


def map_complex(
    program: dispatch.Program, outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any]
) -> None:
    """A map that reads or writes complex arrays, as a map over their parts."""
    real = _real_program(program, [each.dtype for each in inputs])
    wide = {leaf.value for leaf in leaves(program, "scalar") if leaf.dtype.kind == "c"}
    flat: list[Any] = []
    for position, value in enumerate(scalars):
        flat += [complex(value).real, complex(value).imag] if position in wide else [value]
    dispatch.map_(real, [p for each in outs for p in parts(each)], [p for each in inputs for p in parts(each)], flat)


def fill_complex(target: Array, value: complex) -> None:
    """Set every element to one complex number."""
    for part, number in zip(parts(target), (complex(value).real, complex(value).imag), strict=True):
        dispatch.fill(part, number)


def reduce_complex(
    mode: str, inputs: Sequence[Array], dims: Sequence[int], out: Array, program: Expr, shape: Shape
) -> Array:
    """A complex sum, the sums of the parts; or a complex product, halved until one factor remains.

    Raises:
        DTypeError: another reduction.
    """
    if mode not in ("sum", "prod"):
        raise DTypeError(f"{mode} is not defined for complex numbers, which have no order; work on .abs() or the parts")
    dense = dispatch.new(inputs[0], out.dtype, shape)
    dispatch.map_((program,), [dense], inputs)
    if mode == "prod":
        dispatch.copy(_product(dense, dims), out)
        return out
    for source, target in zip(parts(dense), parts(out), strict=True):
        dispatch.copy(families.reduce(mode, [source], dims, source.dtype), target)
    return out


def _times(left: Array, right: Array, out: Array) -> None:
    dispatch.map_((input_(0, left.dtype) * input_(1, right.dtype),), [out], [left, right])


def _narrow(array: Array, dim: int, start: int, size: int) -> Array:
    shape = (*array.shape[:dim], size, *array.shape[dim + 1 :])
    return dispatch.move(array, shape, array.strides, start * array.strides[dim])


def _product(array: Array, dims: Sequence[int]) -> Array:
    """The product over ``dims``, which have elements and are dropped: log2(n) multiplications of halves each."""
    for dim in sorted(dims, reverse=True):
        while (size := array.shape[dim]) > 1:
            half = size // 2
            folded = dispatch.clone(_narrow(array, dim, 0, size - half))
            first = _narrow(folded, dim, 0, half)
            _times(_narrow(array, dim, 0, half), _narrow(array, dim, size - half, half), first)
            array = folded
        others = [axis for axis in range(len(array.shape)) if axis != dim]
        array = dispatch.move(array, [array.shape[a] for a in others], [array.strides[a] for a in others])
    return array


def scan_complex(mode: str, array: Array, dim: int, out: Array) -> Array:
    """Running sums part by part; running products by doubling, log2(n) multiplications.

    Raises:
        DTypeError: another mode.
    """
    if mode not in ("sum", "prod"):
        raise DTypeError(f"cum{mode} is not defined for complex numbers, which have no order; work on .abs()")
    if mode == "sum":
        for source, target in zip(parts(array), parts(out), strict=True):
            dispatch.copy(families.scan(mode, source, dim), target)
        return out
    total, step, size = array, 1, array.shape[dim]
    while step < size:
        longer = dispatch.clone(total)
        rest = size - step
        _times(_narrow(total, dim, step, rest), _narrow(total, dim, 0, rest), _narrow(longer, dim, step, rest))
        total, step = longer, 2 * step
    dispatch.copy(total, out)
    return out


def _interleaved(array: Array) -> Array:
    """A complex array as a real one with a last axis of two."""
    layout = layout_of(array.dtype.real, (*array.shape, 2), (*(2 * s for s in array.strides), 1))
    return Array(array.storage, layout, 2 * array.offset)


def _beside(index: Array) -> Array:
    """An index with a last axis of one, which broadcasts over the parts."""
    return dispatch.move(index, (*index.shape, 1), (*index.strides, 0))


def gather_complex(array: Array, dim: int, index: Array, shape: Shape, out: Array) -> Array:
    """Gather both parts at once."""
    found = families.gather(_interleaved(array), dim, _beside(index), (*shape, 2))
    dispatch.copy(found, _interleaved(out))
    return out


def scatter_complex(mode: str, out: Array, dim: int, index: Array, source: Array, shape: Shape) -> None:
    """Scatter both parts at once; only set and add have a meaning."""
    if mode not in ("set", "add"):
        raise DTypeError(f"scatter with {mode} is not supported for complex numbers")
    families.scatter_(mode, _interleaved(out), dim, _beside(index), _interleaved(source), (*shape, 2))


def matmul_complex(left: Array, right: Array, out: Array) -> Array:
    """Four real products."""
    (a, b), (c, d) = ([dispatch.clone(part) for part in parts(each)] for each in (left, right))
    products = [families.matmul(x, y) for x, y in ((a, c), (b, d), (a, d), (b, c))]
    kind = out.dtype.real
    first, second, third, fourth = (input_(i, kind) for i in range(4))
    dispatch.map_((first - second, third + fourth), parts(out), products)
    return out
