"""einsum: products of several tensors summed over shared axes, by pairs, each pair as one batched matrix product."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from typing import Any, NamedTuple

from hotplug.declare import function
from hotplug.errors import ArgumentTypeError, DTypeError
from hotplug.ops import reduction, views
from hotplug.ops.einsum_notation import EinsumError, Labels, Spec, read_equation, read_sublists, resolve
from hotplug.ops.products import product
from hotplug.tensor import Tensor


class Term(NamedTuple):
    """A tensor whose axes have distinct labels."""

    tensor: Tensor
    labels: Labels


@function(method=False)
def einsum(*args: Any) -> Tensor:
    """Sum of products of the operands over the labels that the output does not have.

    ``einsum("bij,bjk->bik", a, b)``, or with numbers instead of letters ``einsum(a, [0, 1, 2], b, [0, 2, 3], [0, 1, 3])``.
    A label twice in one operand takes its diagonal.  ``...`` stands for any axes, which broadcast; so do axes of size 1.
    Without ``->`` the output has the labels that appear once, in alphabetical order, after those of ``...``.

    The operands are contracted in pairs: always the pair whose result is smallest compared to what it replaces.

    Raises:
        EinsumError: the equation is malformed or does not fit the operands.
    """
    if not args:
        raise EinsumError("einsum(): must provide at least one operand")
    if isinstance(args[0], str):
        given = args[1:]
        operands = list(given[0]) if len(given) == 1 and isinstance(given[0], (list, tuple)) else list(given)
        read: Callable[[list[int]], Spec] = lambda ranks: read_equation(args[0], ranks)  # noqa: E731
    else:
        operands, inputs, output = read_sublists(args)
        read = lambda ranks: resolve(inputs, output, ranks)  # noqa: E731
    for place, each in enumerate(operands):
        if not isinstance(each, Tensor):
            raise ArgumentTypeError(f"einsum(): expected operand {place} to be a Tensor, got {type(each).__name__}")
    if not operands:
        raise EinsumError("einsum(): must provide at least one operand")
    if len({each.dtype for each in operands}) > 1:
        raise DTypeError(
            f"einsum(): expected operands of one dtype, got {', '.join(each.dtype.name for each in operands)}"
        )
    return contract(operands, read([each.ndim for each in operands]))


def contract(operands: Sequence[Tensor], spec: Spec) -> Tensor:
    """The value of a spec whose operands are of one dtype."""
    terms = [
        _distinct(tensor, labels, place)
        for place, (tensor, labels) in enumerate(zip(operands, spec.operands, strict=True))
    ]
    sizes = _sizes(terms)
    terms = [_narrowed(term, sizes) for term in terms]
    while len(terms) > 1:
        a, b = _cheapest(terms, sizes, spec.output)
        second, first = terms.pop(b), terms.pop(a)
        terms.append(_pair(first, second, _needed(terms, spec.output)))
    return _arranged(_summed(terms[0], spec.output), spec.output, sizes)


# --- one operand -----------------------------------------------------------------------------------------------------


def _distinct(tensor: Tensor, labels: Labels, place: int) -> Term:
    """The diagonal over the axes that share a label."""
    labels_ = list(labels)
    for label in dict.fromkeys(labels):
        while labels_.count(label) > 1:
            first = labels_.index(label)
            second = labels_.index(label, first + 1)
            if tensor.shape[first] != tensor.shape[second]:
                raise EinsumError(
                    f"einsum(): subscript is repeated for operand {place} but the sizes don't match, "
                    f"{tensor.shape[second]} != {tensor.shape[first]}"
                )
            tensor = views.diagonal(tensor, 0, first, second)
            del labels_[second], labels_[first]
            labels_.append(label)
    return Term(tensor, tuple(labels_))


def _sizes(terms: Sequence[Term]) -> dict[int, int]:
    """The size of each label; axes of size 1 broadcast."""
    sizes: dict[int, int] = {}
    for place, (tensor, labels) in enumerate(terms):
        for label, size in zip(labels, tensor.shape, strict=True):
            known = sizes.get(label, 1)
            if known != 1 and size not in (1, known):
                raise EinsumError(
                    f"einsum(): operands do not broadcast: operand {place} has size {size} where another has {known}"
                )
            sizes[label] = known if size == 1 else size
    return sizes


def _narrowed(term: Term, sizes: dict[int, int]) -> Term:
    """Without the axes of size 1, whose labels others have or which the end puts back."""
    kept = tuple(axis for axis, size in enumerate(term.tensor.shape) if size != 1)
    if len(kept) == len(term.labels):
        return term
    shape = tuple(term.tensor.shape[axis] for axis in kept)
    return Term(views.reshape(term.tensor, shape), tuple(term.labels[axis] for axis in kept))


def _summed(term: Term, needed: Collection[int]) -> Term:
    """Summed over the axes whose labels nobody needs."""
    spare = tuple(axis for axis, label in enumerate(term.labels) if label not in needed)
    if not spare:
        return term
    total = reduction.sum(term.tensor, spare, dtype=term.tensor.dtype)
    return Term(total, tuple(label for label in term.labels if label in needed))


def _arranged(term: Term, output: Labels, sizes: dict[int, int]) -> Tensor:
    """The axes in the order of the output, those of size 1 put back."""
    order = [label for label in output if label in term.labels]
    result = views.permute(term.tensor, [term.labels.index(label) for label in order])
    shape = tuple(sizes[label] if label in order else 1 for label in output)
    return result if tuple(result.shape) == shape else views.reshape(result, shape)


# --- two operands ----------------------------------------------------------------------------------------------------


def _needed(others: Sequence[Term], output: Labels) -> set[int]:
    return {*output, *(label for term in others for label in term.labels)}


def _cheapest(terms: Sequence[Term], sizes: dict[int, int], output: Labels) -> tuple[int, int]:
    """The pair whose product grows least over its operands; among equals the one with least arithmetic, then the first."""
    best, cost = (0, 1), (math.inf, math.inf)
    if len(terms) == 2:
        return best
    for b in range(1, len(terms)):
        for a in range(b):
            union = {*terms[a].labels, *terms[b].labels}
            others = [term for place, term in enumerate(terms) if place not in (a, b)]
            kept = union & _needed(others, output)
            growth = _count(kept, sizes) - _count(terms[a].labels, sizes) - _count(terms[b].labels, sizes)
            found = (growth, _count(union, sizes))
            if found < cost:
                best, cost = (a, b), found
    return best


def _count(labels: Any, sizes: dict[int, int]) -> int:
    return math.prod(sizes[label] for label in labels)


def _pair(left: Term, right: Term, needed: set[int]) -> Term:
    """One batched product: labels of both that are needed are the batch, those that are not are summed over."""
    left = _summed(left, needed | set(right.labels))
    right = _summed(right, needed | set(left.labels))
    both = [label for label in left.labels if label in right.labels]
    batch = [label for label in both if label in needed]
    inner = [label for label in both if label not in needed]
    rows = [label for label in left.labels if label not in both]
    columns = [label for label in right.labels if label not in both]
    labels = (*batch, *rows, *columns)
    if not inner:
        return Term(_spread(left, labels) * _spread(right, labels), labels)
    first, second = _matrices(left, batch, rows, inner), _matrices(right, batch, inner, columns)
    shape = [*first.shape[: len(batch)], *_sizes_of(left, rows), *_sizes_of(right, columns)]
    return Term(views.reshape(product(_folded(first, batch), _folded(second, batch)), shape), labels)


def _sizes_of(term: Term, labels: Sequence[int]) -> list[int]:
    return [term.tensor.shape[term.labels.index(label)] for label in labels]


def _matrices(term: Term, batch: Sequence[int], rows: Sequence[int], columns: Sequence[int]) -> Tensor:
    """``(*batch, rows, columns)``, the axes of rows and those of columns merged."""
    turned = views.permute(term.tensor, [term.labels.index(label) for label in (*batch, *rows, *columns)])
    shape = (
        *_sizes_of(term, batch), math.prod(_sizes_of(term, rows)), math.prod(_sizes_of(term, columns))
    )  # fmt: skip
    return views.reshape(turned, shape)


def _folded(matrices: Tensor, batch: Sequence[int]) -> Tensor:
    """The batch axes as one."""
    if len(batch) < 2:
        return matrices
    return views.reshape(matrices, (math.prod(matrices.shape[: len(batch)]), *matrices.shape[len(batch) :]))


def _spread(term: Term, labels: Sequence[int]) -> Tensor:
    """The axes in the order of ``labels``, with size 1 for those that the term lacks."""
    own = [label for label in labels if label in term.labels]
    turned = views.permute(term.tensor, [term.labels.index(label) for label in own])
    shape = tuple(turned.shape[own.index(label)] if label in own else 1 for label in labels)
    return views.reshape(turned, shape)
