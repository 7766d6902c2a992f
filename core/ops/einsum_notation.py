"""The notation of einsum, read into labels: text such as ``"b i ..., j -> b i j"``, or lists of numbers.

A label is the number of a letter, and -1 - k for the axis that is the k-th from the right among those of an ellipsis, which
are aligned at the right.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from string import ascii_letters
from typing import Any, NamedTuple

from hotplug.errors import ArgumentError, ArgumentTypeError

Labels = tuple[int, ...]
_LETTERS = ascii_letters[26:] + ascii_letters[:26]
"""In the order of an implicit output: capitals come before small letters."""


class EinsumError(ArgumentError, RuntimeError):
    """An equation that means nothing, or does not fit its operands."""


class Spec(NamedTuple):
    """Labels of every axis."""

    operands: tuple[Labels, ...]
    output: Labels


def read_equation(equation: str, ranks: Sequence[int]) -> Spec:
    """The labels that an equation gives to operands of these numbers of axes.

    Raises:
        EinsumError: it is malformed, or does not fit.
    """
    left, arrow, right = equation.partition("->")
    inputs = [_terms(part) for part in left.split(",")]
    return resolve(inputs, _terms(right) if arrow else None, ranks)


def _terms(text: str) -> list[Any]:
    """Letters as numbers, ``...`` as Ellipsis; blanks mean nothing."""
    found: list[Any] = []
    rest = text.replace(" ", "")
    while rest:
        if rest.startswith("..."):
            found.append(Ellipsis)
            rest = rest[3:]
            continue
        if rest[0] not in _LETTERS:
            raise EinsumError(
                f"einsum(): invalid subscript given at {rest[0]!r} in the equation string, subscripts must be in [a-zA-Z]"
            )
        found.append(_LETTERS.index(rest[0]))
        rest = rest[1:]
    return found


def read_sublists(arguments: Sequence[Any]) -> tuple[list[Any], list[list[Any]], list[Any] | None]:
    """Operands, and the lists between and behind them: ``(a, [0, 1], b, [1, 2], [0, 2])``.

    Raises:
        ArgumentTypeError: a list is missing, or holds something else than ints and Ellipsis.
    """
    output = _checked(arguments[-1]) if len(arguments) % 2 else None
    pairs = arguments[: len(arguments) // 2 * 2]
    return list(pairs[::2]), [_checked(each) for each in pairs[1::2]], output


def _checked(sublist: Any) -> list[Any]:
    if not isinstance(sublist, (list, tuple)):
        raise ArgumentTypeError(
            f"einsum(): expected a list of subscripts after each operand, got {type(sublist).__name__}"
        )
    for each in sublist:
        if each is not Ellipsis and not (isinstance(each, int) and 0 <= each < len(_LETTERS)):
            raise EinsumError(f"einsum(): expected subscripts to be Ellipsis or ints in [0, 52), got {each!r}")
    return list(sublist)


def resolve(inputs: Sequence[Sequence[Any]], output: Sequence[Any] | None, ranks: Sequence[int]) -> Spec:
    """Terms with an ellipsis as labels of axes.

    Raises:
        EinsumError: their number does not fit, or the output has a label twice or one that no operand has.
    """
    if len(inputs) != len(ranks):
        more = "fewer" if len(ranks) < len(inputs) else "more"
        raise EinsumError(f"einsum(): {more} operands were provided than specified: {len(ranks)} for {len(inputs)}")
    operands = tuple(_labels(terms, rank, place) for place, (terms, rank) in enumerate(zip(inputs, ranks, strict=True)))
    widest = max((sum(label < 0 for label in labels) for labels in operands), default=0)
    ellipsis = tuple(range(-widest, 0))
    if output is None:
        counts = Counter(label for labels in operands for label in labels)
        return Spec(operands, (*ellipsis, *sorted(label for label, n in counts.items() if n == 1 and label >= 0)))
    if list(output).count(Ellipsis) > 1:
        raise EinsumError("einsum(): found ... for output but an ellipsis was already found")
    found: list[int] = []
    for term in output:
        found.extend(ellipsis if term is Ellipsis else (term,))
    _check_output(found, operands)
    return Spec(operands, tuple(found))


def _labels(terms: Sequence[Any], rank: int, place: int) -> Labels:
    dots = list(terms).count(Ellipsis)
    if dots > 1:
        raise EinsumError(f"einsum(): found ... for operand {place} for which an ellipsis was already found")
    named = len(terms) - dots
    if named > rank or (named < rank and not dots):
        raise EinsumError(
            f"einsum(): the number of subscripts in the equation ({named}) does not match the number of dimensions ({rank}) "
            f"for operand {place}" + (" and no ellipsis was given" if named < rank else "")
        )
    labels: list[int] = []
    for term in terms:
        labels.extend(range(named - rank, 0) if term is Ellipsis else (term,))
    return tuple(labels)


def _check_output(output: Sequence[int], operands: Sequence[Labels]) -> None:
    for label in output:
        if list(output).count(label) > 1:
            raise EinsumError(f"einsum(): output subscript {_LETTERS[label]} appears more than once in the output")
        if not any(label in labels for labels in operands):
            raise EinsumError(
                f"einsum(): output subscript {_LETTERS[label]} does not appear in the equation for any input operand"
            )
