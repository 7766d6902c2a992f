"""What the seven families mean, in wide NumPy: written from the contract's text alone, and shared with no backend.

Floats are computed in the next wider type and not rounded on the way, integers as Python's, without bounds; what a
dtype holds of that is taken at the end of each integer node.  Slow and plain: arrays of some thousand elements.
"""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from hotplug.backend import Expr, schedule
from hotplug.dtypes import bfloat16, dtype, float64, uint64

NDArray = np.ndarray[Any, Any]

_LOWEST: Final = -(1 << 63)


def wide(values: NDArray, kind: dtype) -> NDArray:
    """Values of a dtype in the type that they are computed in: bool, Python integers, float64 or long double."""
    if kind.kind == "b":
        return values.astype(bool)
    if kind.kind in "ui":
        return values.astype(object)
    return values.astype(np.longdouble if kind is float64 else np.float64)


def narrow(values: NDArray, kind: dtype) -> NDArray:
    """The nearest values that a dtype holds; integers modulo 2**bits."""
    if kind.kind in "ui":
        return wrapped(values, kind).astype(kind.numpy)
    with np.errstate(all="ignore"):
        return values.astype(kind.numpy)


def wrapped(values: NDArray, kind: dtype) -> NDArray:
    """Python integers modulo 2**bits, between the dtype's limits."""
    bits = 8 * kind.itemsize
    low = -(1 << bits - 1) if kind.kind == "i" else 0
    return np.asarray(_integers(lambda x: (x - low) % (1 << bits) + low, 1)(values), object)


def _integers(function: Callable[..., Any], operands: int = 2) -> Callable[..., NDArray]:
    """A function of Python numbers, for each element."""
    lifted = np.frompyfunc(function, operands, 1)
    return lambda *args: np.asarray(lifted(*args), object)


def _reals(function: Callable[[float], float]) -> Callable[[NDArray], NDArray]:
    """A function of Python floats; for long double its digits are those of float64."""
    return lambda x: np.vectorize(function, otypes=[np.float64])(x).astype(x.dtype)


# --- scalar functions ---


def _lgamma(x: float) -> float:
    try:
        return math.inf if math.isinf(x) or (x <= 0 and x == math.floor(x)) else math.lgamma(x)
    except OverflowError:
        return math.inf


def _digamma(x: NDArray) -> NDArray:
    """Recurrence up to 40, then the asymptotic series; left of a half by reflection."""
    left = x < 0.5
    y = np.where(left, 1 - x, x)
    shift = np.zeros_like(y)
    for _ in range(40):
        small = y < 40
        shift = np.where(small, shift - 1 / np.where(small, y, 1), shift)
        y = np.where(small, y + 1, y)
    z = 1 / (y * y)
    series = z * (1 / 12 - z * (1 / 120 - z * (1 / 252 - z / 240)))
    right = np.where(np.isposinf(y), y, shift + np.log(y) - y.dtype.type(0.5) / y - series)
    pi = y.dtype.type(math.pi) + y.dtype.type(1.2246467991473532e-16)
    pole = (x <= 0) & ((x == np.floor(x)) | np.isinf(x))
    reflected = right - pi / np.tan(pi * (x - np.rint(x)))
    return np.where(x == 0, -np.copysign(np.inf, x), np.where(pole, np.nan, np.where(left, reflected, right)))


def _divided(whole: Callable[[int, int], int]) -> Callable[..., NDArray]:
    return _integers(lambda a, b: whole(a, b) if b else 0)


def _sign(x: NDArray) -> NDArray:
    return np.where(np.isnan(x), 0, np.sign(x))


def _floor_divide(a: NDArray, b: NDArray) -> NDArray:
    return np.where(np.isinf(a) & (b != 0), np.nan, np.floor_divide(a, b))


def _next(kind: dtype) -> Callable[[NDArray, NDArray], NDArray]:
    return lambda a, b: np.nextafter(a.astype(kind.numpy), b.astype(kind.numpy)).astype(a.dtype)


FLOATING: Final[dict[str, Callable[..., Any]]] = {
    **{name: getattr(np, name) for name in
       "exp exp2 expm1 log log2 log10 log1p sqrt sin cos tan sinh cosh tanh floor ceil trunc hypot copysign minimum "
       "maximum fmin fmax fmod abs remainder".split()},
    "asin": np.arcsin, "acos": np.arccos, "atan": np.arctan, "atan2": np.arctan2, "asinh": np.arcsinh,
    "acosh": np.arccosh, "atanh": np.arctanh, "round": np.rint, "neg": np.negative, "add": np.add,
    "sub": np.subtract, "mul": np.multiply, "div": np.true_divide, "pow": np.power, "floordiv": _floor_divide,
    "rsqrt": lambda x: 1 / np.sqrt(x), "sigmoid": lambda x: 1 / (1 + np.exp(-x)), "sign": _sign,
    "erf": _reals(math.erf), "erfc": _reals(math.erfc), "lgamma": _reals(_lgamma), "digamma": _digamma,
}  # fmt: skip
INTEGER: Final[dict[str, Callable[..., Any]]] = {
    **{name: _integers(getattr(operator, name)) for name in ("add", "sub", "mul", "xor")},
    **{name: _integers(function) for name, function in (("and", operator.and_), ("or", operator.or_))},
    **{name: _integers(function, 1) for name, function in
       (("neg", operator.neg), ("abs", abs), ("invert", operator.invert), ("sign", lambda a: (a > 0) - (a < 0)))},
    **{name: _integers(function) for name, function in
       (("minimum", min), ("maximum", max), ("fmin", min), ("fmax", max))},
    "floordiv": _divided(operator.floordiv), "remainder": _divided(operator.mod),
    "fmod": _divided(lambda a, b: a - b * (abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1))),
    "pow": _integers(lambda a, b: pow(a, b, 1 << 64) if b >= 0 else {1: 1, -1: 1 - 2 * (b % 2)}.get(a, 0)),
    "shl": _integers(lambda a, b: a << min(b, 64)), "shr": _integers(lambda a, b: a >> min(b, 64)),
    "mulhi": _integers(lambda a, b: a * b >> 32),
}  # fmt: skip
BOOLEAN: Final[dict[str, Callable[..., Any]]] = {
    "and": np.logical_and, "or": np.logical_or, "xor": np.logical_xor, "invert": np.logical_not,
}  # fmt: skip
COMPARISON: Final[dict[str, Callable[..., Any]]] = {
    "eq": np.equal, "ne": np.not_equal, "lt": np.less, "le": np.less_equal, "gt": np.greater, "ge": np.greater_equal,
}  # fmt: skip


def _to_integer(target: dtype) -> Callable[[NDArray], NDArray]:
    top = 1 << (64 if target is uint64 else 63)

    def convert(x: Any) -> int:
        return int(x) if math.isfinite(x) and _LOWEST <= int(x) < top else _LOWEST

    return lambda x: wrapped(_integers(convert, 1)(x), target)


def cast(values: NDArray, source: dtype, target: dtype) -> NDArray:
    """Conversion by the one table of the contract; a float is rounded to the target."""
    if target.kind == "b":
        return np.asarray(values != 0)
    if target.kind in "ui":
        whole = values.astype(int).astype(object) if source.kind == "b" else values
        return _to_integer(target)(whole) if source.kind == "f" else wrapped(whole, target)
    exact = values.astype(source.numpy) if source.kind in "ui" and target.itemsize > 2 else values.astype(np.longdouble)
    return wide(_rounded(exact, target), target)


def _rounded(values: NDArray, target: dtype) -> NDArray:
    """To a floating dtype: float16 is rounded once, bfloat16 by way of float32."""
    with np.errstate(all="ignore"):
        if target is bfloat16:
            return values.astype(np.float32).astype(target.numpy)
        if target.itemsize > 2:
            return values.astype(target.numpy)
        middle = values.astype(np.float32)  # NumPy has no direct conversion of all types: round to odd on the way
        rest = values - middle.astype(values.dtype)
        away = np.nextafter(middle, np.where(rest > 0, np.inf, -np.inf).astype(np.float32))
        odd = np.where((middle.view(np.uint32) & 1 == 0) & (rest != 0) & np.isfinite(middle), away, middle)
        return odd.astype(target.numpy)


def _value(node: Expr, args: Sequence[NDArray], inputs: Sequence[NDArray], scalars: Sequence[Any], shape: Any) -> Any:
    kind = node.dtype
    if node.op == "input":
        return wide(inputs[node.value], kind)
    if node.op in ("scalar", "constant"):
        value = scalars[node.value] if node.op == "scalar" else node.value
        if kind.kind in "ui":
            return wrapped(np.asarray(int(value), object), kind)
        return wide(narrow(np.asarray(value), kind), kind)
    if node.op == "index":
        return np.arange(math.prod(shape)).reshape(shape).astype(object)
    if node.op == "cast":
        return cast(args[0], node.args[0].dtype, kind)
    if node.op == "where":
        return np.where(*args)
    if node.op in COMPARISON:
        return np.asarray(COMPARISON[node.op](*args)).astype(bool)
    if node.op == "nextafter":
        return _next(kind)(*args)
    if kind.kind in "ui":
        return wrapped(INTEGER[node.op](*args), kind)
    return (BOOLEAN if kind.kind == "b" else FLOATING)[node.op](*args)


def evaluate(
    program: Sequence[Expr], inputs: Sequence[NDArray], scalars: Sequence[Any], shape: Sequence[int]
) -> list[NDArray]:
    """The roots of a program over ``shape``, as wide values."""
    values: dict[Expr, NDArray] = {}
    with np.errstate(all="ignore"):
        for node in schedule(program):
            values[node] = _value(node, [values[arg] for arg in node.args], inputs, scalars, tuple(shape))
    return [np.broadcast_to(values[root], tuple(shape)) for root in program]


# --- the other families ---

_FOLDS: Final[dict[str, Any]] = {
    "sum": np.add, "prod": np.multiply, "max": np.maximum, "min": np.minimum, "any": np.logical_or,
    "all": np.logical_and,
}  # fmt: skip


def reduce(mode: str, value: NDArray, axes: int, out: dtype) -> NDArray:
    """``mode`` over the trailing axes of wide values."""
    rows = value.reshape(*value.shape[: value.ndim - axes], -1)
    with np.errstate(all="ignore"):
        found = np.asarray(_FOLDS[mode].reduce(rows, axis=-1))
    return wrapped(found, out) if out.kind in "ui" else found


def argreduce(mode: str, values: NDArray, kind: dtype) -> NDArray:
    """The first NaN of each row, else the first extremum."""
    rows = values.reshape(-1, values.shape[-1]).astype(object if kind.kind in "bui" else np.float64).tolist()
    best = {"argmax": max, "argmin": min}[mode]

    def position(row: list[Any]) -> int:
        unordered = [at for at, value in enumerate(row) if value != value]  # noqa: PLR0124 - NaN
        return unordered[0] if unordered else row.index(best(row))

    return np.asarray([position(row) for row in rows], object).reshape(values.shape[:-1])


def scan(mode: str, values: NDArray, kind: dtype) -> NDArray:
    """Running values along the last axis."""
    with np.errstate(all="ignore"):
        found = np.asarray(_FOLDS[mode].accumulate(wide(values, kind), axis=-1))
    return wrapped(found, kind) if kind.kind in "ui" else found


def gather(values: NDArray, index: NDArray, axis: int) -> NDArray:
    """``out[p] = values[p with p[axis] replaced by index[p]]``."""
    out = np.empty(index.shape, values.dtype)
    for place in np.ndindex(*index.shape):
        out[place] = values[(*place[:axis], int(index[place]), *place[axis + 1 :])]
    return out


def scatter(mode: str, start: NDArray, index: NDArray, source: NDArray, axis: int, kind: dtype) -> NDArray:
    """``out[p with p[axis] replaced by index[p]] = mode(that, source[p])``, one after another."""
    out, values = wide(start, kind).copy(), wide(source, kind)
    for place in itertools.product(*map(range, index.shape)):
        goal = (*place[:axis], int(index[place]), *place[axis + 1 :])
        out[goal] = _WRITES[mode](out[goal], values[place])
    return wrapped(out, kind) if kind.kind in "ui" else out


def _choose(take_new: Callable[[Any, Any], bool]) -> Callable[[Any, Any], Any]:
    return lambda old, new: old if old != old or not (new != new or take_new(new, old)) else new  # noqa: PLR0124 - NaN


_WRITES: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "set": lambda _, new: new, "add": operator.add, "mul": operator.mul, "min": _choose(operator.lt),
    "max": _choose(operator.gt),
}  # fmt: skip


def matmul(left: NDArray, right: NDArray, kind: dtype) -> NDArray:
    """Batched product; integers modulo 2**64, which leaves the lower bits right."""
    if kind.kind in "ui":
        word = np.uint64 if kind.kind == "u" else np.int64
        return np.asarray(np.matmul(left.astype(word), right.astype(word)).astype(kind.numpy))
    longer = np.longdouble if kind is float64 else np.float64
    with np.errstate(all="ignore"):
        return np.asarray(np.matmul(left.astype(longer), right.astype(longer)))
