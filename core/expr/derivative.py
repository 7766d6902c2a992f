"""The symbolic derivative of an Expr.

Tangents are built forwards (``d root / d input``) and multiplied by the incoming gradient at the end.  A tangent that
is zero is ``None``, so that no ``0 * infinity`` is ever computed; a ``where`` is kept outermost, so that the branch not
taken can't leak a NaN.  Values at kinks and ties are PyTorch's (derivatives.yaml is the reference).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final

from hotplug.errors import AutogradError
from hotplug.expr.node import Expr, binary, cast, constant, schedule, substitute, unary, where

Tangent = Expr | None
Rule = Callable[..., tuple[Tangent, ...]]


def _one(x: Expr) -> Expr:
    return constant(1, x.dtype)


def _pow(out: Expr, base: Expr, exponent: Expr) -> tuple[Tangent, Tangent]:
    to_base = where(binary("eq", exponent, 0), 0.0, exponent * base ** (exponent - 1.0))
    vanishes = where(binary("eq", exponent, 0), base >= 0, binary("eq", base, 0) & (exponent >= 0))
    return to_base, where(vanishes, 0.0, out * unary("log", base))


def _trigamma(x: Expr) -> Expr:
    from hotplug.expr.special import trigamma

    return trigamma(x)  # type: ignore[no-any-return]


def _pick(first: Callable[[Expr, Expr], Expr]) -> Rule:
    """maximum and minimum: all to the operand that ``first`` says is chosen, halves at a tie."""

    def rule(_: Expr, a: Expr, b: Expr) -> tuple[Tangent, Tangent]:
        tie = binary("eq", a, b)
        half, one = constant(0.5, a.dtype), _one(a)
        return where(first(b, a), 0.0, where(tie, half, one)), where(first(a, b), 0.0, where(tie, half, one))

    return rule


def _pick_number(chosen: Callable[[Expr, Expr], Expr]) -> Rule:
    """fmax and fmin: all to the first operand where it is chosen or the second is NaN, else to the second."""

    def rule(_: Expr, a: Expr, b: Expr) -> tuple[Tangent, Tangent]:
        left = chosen(a, b) | binary("ne", b, b)
        return where(left, _one(a), 0.0), where(left, 0.0, _one(a))

    return rule


def _hypot(out: Expr, a: Expr, b: Expr) -> tuple[Tangent, Tangent]:
    return a / out, b / out


def _atan2(_: Expr, y: Expr, x: Expr) -> tuple[Tangent, Tangent]:
    square = y * y + x * x
    return where(binary("eq", square, 0), 0.0, x / square), where(binary("eq", square, 0), 0.0, -y / square)


def _copysign(out: Expr, a: Expr, b: Expr) -> tuple[Tangent, Tangent]:
    return where(binary("eq", a, 0), 0.0, out / a), None


def _flat(_: Expr, *args: Expr) -> tuple[Tangent, ...]:
    """Steps and comparisons: the derivative is zero wherever it exists."""
    return (None,) * len(args)


_TWO_OVER_ROOT_PI: Final = 2.0 / math.sqrt(math.pi)

# One line a function: from (value, operands) to the partial derivative for each operand.
RULES: Final[dict[str, Rule]] = {
    "add": lambda o, a, b: (_one(a), _one(a)),
    "sub": lambda o, a, b: (_one(a), -_one(a)),
    "mul": lambda o, a, b: (b, a),
    "div": lambda o, a, b: (_one(a) / b, -(o / b)),
    "neg": lambda o, x: (-_one(x),),
    "abs": lambda o, x: (unary("sign", x),),
    "pow": _pow,
    "exp": lambda o, x: (o,),
    "exp2": lambda o, x: (o * math.log(2.0),),
    "expm1": lambda o, x: (o + 1.0,),
    "log": lambda o, x: (1.0 / x,),
    "log2": lambda o, x: (1.0 / (x * math.log(2.0)),),
    "log10": lambda o, x: (1.0 / (x * math.log(10.0)),),
    "log1p": lambda o, x: (1.0 / (x + 1.0),),
    "sqrt": lambda o, x: (0.5 / o,),
    "rsqrt": lambda o, x: (-0.5 * (o * o * o),),
    "sin": lambda o, x: (unary("cos", x),),
    "cos": lambda o, x: (-unary("sin", x),),
    "tan": lambda o, x: (o * o + 1.0,),
    "asin": lambda o, x: (unary("rsqrt", 1.0 - x * x),),
    "acos": lambda o, x: (-unary("rsqrt", 1.0 - x * x),),
    "atan": lambda o, x: (1.0 / (x * x + 1.0),),
    "sinh": lambda o, x: (unary("cosh", x),),
    "cosh": lambda o, x: (unary("sinh", x),),
    "tanh": lambda o, x: (1.0 - o * o,),
    "asinh": lambda o, x: (unary("rsqrt", x * x + 1.0),),
    "acosh": lambda o, x: (unary("rsqrt", x * x - 1.0),),
    "atanh": lambda o, x: (1.0 / (1.0 - x * x),),
    "erf": lambda o, x: (_TWO_OVER_ROOT_PI * unary("exp", -(x * x)),),
    "erfc": lambda o, x: (-_TWO_OVER_ROOT_PI * unary("exp", -(x * x)),),
    "sigmoid": lambda o, x: (o * (1.0 - o),),
    "lgamma": lambda o, x: (unary("digamma", x),),
    "digamma": lambda o, x: (_trigamma(x),),
    "floor": _flat,
    "ceil": _flat,
    "trunc": _flat,
    "round": _flat,
    "sign": _flat,
    "nextafter": lambda o, a, b: (_one(a), None),
    "floordiv": _flat,
    "remainder": lambda o, a, b: (_one(a), -binary("floordiv", a, b)),
    "fmod": lambda o, a, b: (_one(a), -unary("trunc", a / b)),
    "maximum": _pick(lambda a, b: a > b),
    "minimum": _pick(lambda a, b: a < b),
    "fmax": _pick_number(lambda a, b: a >= b),
    "fmin": _pick_number(lambda a, b: a <= b),
    "atan2": _atan2,
    "hypot": _hypot,
    "copysign": _copysign,
}


def times(factor: Expr, tangent: Tangent) -> Tangent:
    """``factor * tangent`` without multiplying by zero or one, and with ``where`` kept outermost."""
    if tangent is None:
        return None
    return _product(factor, tangent)


def _product(factor: Expr, value: Expr) -> Expr:
    """A product with the exact cases 0, 1 and -1 of the second operand done at once, also inside its ``where``."""
    if value.op == "where" and any(branch.op == "constant" for branch in value.args[1:]):
        return where(value.args[0], *[_product(factor, branch) for branch in value.args[1:]])
    if value.op == "constant":
        if value.value == 0:
            return value
        if value.value == 1:
            return factor
        if value.value == -1:
            return constant(-factor.value, factor.dtype) if factor.op == "constant" else -factor
    if factor.op == "constant" and factor.value == 1:
        return value
    if value.op == "neg":
        return -_product(factor, value.args[0])
    if value.op == "div" and value.args[0].op == "constant" and value.args[0].value == 1:
        return factor / value.args[1]
    return factor * value


def plus(left: Tangent, right: Tangent) -> Tangent:
    """A sum in which ``None`` is zero."""
    if left is None or right is None:
        return right if left is None else left
    if right.op == "neg":
        return left - right.args[0]
    return left + right


def tangents(root: Expr, wrt: Expr) -> Tangent:
    """``d root / d wrt``.

    Raises:
        AutogradError: a function on the way has no derivative in the table.
    """
    found: dict[Expr, Tangent] = {wrt: _one(wrt)}
    for node in schedule([root]):
        if node in found:
            continue
        found[node] = _tangent(node, [found[arg] for arg in node.args])
    return found[root]


def _tangent(node: Expr, incoming: Sequence[Tangent]) -> Tangent:
    if all(each is None for each in incoming) or node.dtype.kind not in "fc":
        return None
    if node.op == "cast":
        return None if incoming[0] is None else cast(incoming[0], node.dtype)
    if node.op == "where":
        zero = constant(0, node.dtype)
        left, right = (zero if each is None else each for each in incoming[1:])
        return None if left is right is zero else where(node.args[0], left, right)
    rule = RULES.get(node.op)
    if rule is None:
        raise AutogradError(f"{node.op}: no derivative is known for this scalar function")
    total: Tangent = None
    for partial, tangent in zip(rule(node, *node.args), incoming, strict=True):
        if partial is not None and tangent is not None:
            total = plus(total, _chain(partial, tangent))
    return total


def _chain(partial: Expr, tangent: Expr) -> Tangent:
    """The product of two factors of the chain rule, whichever of them is a ``where`` or a constant."""
    if tangent.op in ("where", "constant"):
        return times(partial, tangent)
    return times(tangent, partial)


def pullback(roots: Sequence[Expr], grads: Sequence[Expr | None], wrt: Expr, out: Sequence[Expr]) -> Tangent:
    """The gradient for input ``wrt``, given those of the roots (``None`` where there is none).

    Args:
        roots: the op's outputs, in compute dtype.
        grads: one leaf for each root, in compute dtype.
        wrt: the leaf of the input.
        out: one leaf for each root; where the derivative contains a root, the leaf takes its place, so that the
            saved output is read instead of computing it again.
    """
    total: Tangent = None
    for root, grad in zip(roots, grads, strict=True):
        if grad is not None:
            total = plus(total, times(grad, tangents(root, wrt)))
    if total is None:
        return None
    worth = {
        root: leaf for root, leaf in zip(roots, out, strict=True) if root.op not in ("input", "scalar", "constant")
    }
    return substitute([total], worth)[0]
