"""Cholesky, LU and QR factors on a device, blocked: a few columns are eliminated one by one, with a handful of launches
each, and matrix products bring the rest up to date (Golub and Van Loan, "Matrix Computations", 4th edition, chapters 3
to 5).  Results follow LAPACK's conventions, its pivots and signs included.
"""

from __future__ import annotations

import functools

from hotplug import dispatch, families
from hotplug.array import Array
from hotplug.dtypes import dtype, int32, int64
from hotplug.expr.node import Expr, binary, cast, constant, index, input_, scalar, unary, where
from hotplug.ops import linalg_arrays as la
from hotplug.ops.linalg_arrays import part, place, product

__all__: list[str] = []  # for the modules of linear algebra, by name


def _conj(value: Expr) -> Expr:
    return unary("conj", value) if value.dtype.kind == "c" else value


def _real(value: Expr) -> Expr:
    return unary("real", value) if value.dtype.kind == "c" else value


def _whole(value: Expr, kind: dtype) -> Expr:
    """A real number in the matrix's dtype."""
    return cast(value, kind)


# --- Cholesky ---------------------------------------------------------------------------------------------------------


@functools.cache
def _hermitian_program(kind: dtype) -> dispatch.Program:
    """The Hermitian matrix whose lower triangle is given: from the matrix and its transpose."""
    row, column = place()
    here, there = input_(0, kind), input_(1, kind)
    on = _whole(_real(here), kind)
    return (where(row > column, here, where(row < column, _conj(there), on)),)


@functools.cache
def _eliminate_program(kind: dtype) -> dispatch.Program:
    """What remains of a matrix when pivot ``j`` (the third scalar) has been eliminated: the Schur complement below it."""
    row, column = place()
    j = scalar(2, int64)
    rest = input_(0, kind) - input_(1, kind) * input_(2, kind) / input_(3, kind)
    return (where((row > j) & (column > j), rest, input_(0, kind)),)


@functools.cache
def _root_program(kind: dtype) -> dispatch.Program:
    """The eliminated columns over the roots of their pivots, zeros above; NaN where a pivot is not positive."""
    row, column = place()
    pivot = _real(input_(1, kind))
    root = unary("sqrt", where(pivot > 0, pivot, constant(float("nan"), pivot.dtype)))
    return (where(row >= column, input_(0, kind) / _whole(root, kind), constant(0, kind)),)


def _cholesky_block(block: Array) -> Array:
    """Outer products, one launch a column: A = L D L^H first, the roots of D at the end."""
    n, kind = block.shape[-1], block.dtype
    for j in range(n - 1):
        column, row = part(block, (0, n), (j, j + 1)), part(block, (j, j + 1), (0, n))
        pivot = part(block, (j, j + 1), (j, j + 1))
        block = la.apply(_eliminate_program(kind), block.shape, block, column, row, pivot, scalars=(n, n, j))
    pivots = la.as_row(la.diagonal(block))
    return la.apply(_root_program(kind), block.shape, block, pivots, scalars=(n, n))


def cholesky(matrix: Array) -> Array:
    """Lower ``L`` with ``L @ L^H`` the Hermitian matrix whose lower triangle is given; NaN from a bad pivot on."""
    n, kind = matrix.shape[-1], matrix.dtype
    rest = la.apply(_hermitian_program(kind), matrix.shape, matrix, la.turned(matrix), scalars=(n, n))
    if n <= la.BLOCK:
        return _cholesky_block(rest)
    out = la.new(matrix, matrix.shape, fill=0)
    for first in range(0, n, la.BLOCK):
        last, size = min(n, first + la.BLOCK), rest.shape[-1]
        width = last - first
        corner = _cholesky_block(dispatch.clone(part(rest, (0, width), (0, width))))
        dispatch.copy(corner, part(out, (first, last), (first, last)))
        if last < n:
            below = product(part(rest, (width, size), (0, width)), la.adjoint(la.inverse_lower(corner)))
            dispatch.copy(below, part(out, (last, n), (first, last)))
            rest = la.minus(part(rest, (width, size), (width, size)), product(below, la.adjoint(below)))
    return out


@functools.cache
def _bad_program(kind: dtype, positive: bool) -> dispatch.Program:
    """``count - position`` of an element that is not positive (or is zero), else 0: the largest marks the first."""
    value = _real(input_(0, kind)) if positive else input_(0, kind)
    zero = constant(0, value.dtype)
    bad = unary("invert", value > 0) if positive else binary("eq", value, zero)
    count = scalar(0, int64)
    return (where(bad, count - binary("remainder", index(), count), constant(0, int64)),)


@functools.cache
def _info_program() -> dispatch.Program:
    found, count = input_(0, int64), scalar(0, int64)
    return (cast(where(found > 0, count + 1 - found, constant(0, int64)), int32),)


def first_bad(pivots: Array, positive: bool) -> Array:
    """LAPACK's ``info``, int32: the number, from 1, of the first pivot that is not positive (or is zero); 0: none."""
    count = pivots.shape[-1]
    if not count:
        return la.new(pivots, pivots.shape[:-1], int32, 0)
    marks = la.apply(_bad_program(pivots.dtype, positive), pivots.shape, pivots, scalars=(count,))
    largest = families.reduce("max", [marks], (len(marks.shape) - 1,), int64)
    return la.apply(_info_program(), largest.shape, largest, scalars=(count,))


# --- LU with partial pivoting -----------------------------------------------------------------------------------------


@functools.cache
def _score_program(kind: dtype) -> dispatch.Program:
    """How good each row is as pivot ``j`` (the second scalar): LAPACK's |re| + |im|; -1 for the rows above."""
    row = binary("remainder", index(), scalar(0, int64))
    value = input_(0, kind)
    size = unary("abs", _real(value))
    if kind.kind == "c":
        size = size + unary("abs", unary("imag", value))
    return (where(row >= scalar(1, int64), size, constant(-1, size.dtype)),)


@functools.cache
def _swap_and_eliminate_program(kind: dtype) -> dispatch.Program:
    """Rows ``j`` and ``p`` exchanged, multipliers stored below pivot ``j``, and the columns behind it eliminated.

    Inputs: the panel, its row ``p``, its row ``j``, its column ``j``, the elements at ``[p, j]`` and ``[j, j]``, and p.
    """
    row, column = place()
    j = scalar(2, int64)
    panel, chosen, here, left, pivot, old = (input_(i, kind) for i in range(6))
    moved = binary("eq", row, input_(6, int64))
    value = where(moved, here, panel)
    zero = binary("eq", pivot, constant(0, kind))
    factor = where(moved, old, left) / where(zero, constant(1, kind), pivot)
    below = where(column > j, value - factor * chosen, where(binary("eq", column, j), factor, value))
    return (where(row > j, below, where(binary("eq", row, j), chosen, value)),)


@functools.cache
def _plus_one_program() -> dispatch.Program:
    return (cast(input_(0, int64) + scalar(0, int64), int32),)


def _lu_panel(panel: Array, pivots: Array, first: int) -> Array:
    """Five launches a column.  Writes LAPACK's pivots, counted from 1 and from the matrix's first row."""
    (m, n), kind = panel.shape[-2:], panel.dtype
    rows, axis = (0, m), len(panel.shape) - 2
    for j in range(min(m, n)):
        left = part(panel, rows, (j, j + 1))
        scores = la.apply(_score_program(kind), panel.shape[:-1], la.vector(left), scalars=(m, j))
        p = families.argreduce("argmax", scores, axis)
        where_p = la.as_matrix(p)
        chosen = families.gather(panel, axis, where_p, (*la.batch_of(panel), 1, n))
        here, old = part(panel, (j, j + 1), (0, n)), part(panel, (j, j + 1), (j, j + 1))
        panel = la.apply(
            _swap_and_eliminate_program(kind), panel.shape, panel, chosen, here, left, part(chosen, (0, 1), (j, j + 1)),
            old, where_p, scalars=(m, n, j),
        )  # fmt: skip
        target = dispatch.move(pivots, la.batch_of(panel), pivots.strides[:-1], (first + j) * pivots.strides[-1])
        dispatch.map_(_plus_one_program(), [target], [p], (first + 1,))
    return panel


@functools.cache
def _swap_program() -> dispatch.Program:
    """Elements ``j`` and ``p`` of a row of ``count`` integers exchanged; p counts from 1, and comes with both elements."""
    at, j = binary("remainder", index(), scalar(0, int64)), scalar(1, int64)
    p = cast(input_(1, int32), int64) - 1
    here, there = input_(2, int64), input_(3, int64)
    return (where(binary("eq", at, j), there, where(binary("eq", at, p), here, input_(0, int64))),)


@functools.cache
def _minus_one_program() -> dispatch.Program:
    return (cast(input_(0, int32), int64) - 1,)


def permutation(pivots: Array, count: int) -> Array:
    """The order of ``count`` rows, int64, that LAPACK's pivots ``(*B, K)`` lead to: exchanges one after the other."""
    batch, size = pivots.shape[:-1], pivots.shape[-1]
    order = dispatch.clone(_spread(families.iota(pivots, (count,)), (*batch, count)))
    axis = len(batch)
    for j in range(size):
        p = dispatch.move(pivots, (*batch, 1), pivots.strides, j * pivots.strides[-1])
        here = dispatch.move(order, (*batch, 1), order.strides, j)
        there = families.gather(order, axis, la.apply(_minus_one_program(), p.shape, p), p.shape)
        order = la.apply(_swap_program(), order.shape, order, p, here, there, scalars=(count, j))
    return order


def _spread(row: Array, shape: tuple[int, ...]) -> Array:
    return dispatch.move(row, shape, (*(0,) * (len(shape) - 1), 1))


def take_rows(matrix: Array, order: Array) -> Array:
    """Rows of ``(*B, M, N)`` in the order ``(*B, M)``."""
    return families.gather(matrix, len(matrix.shape) - 2, la.as_column(order), matrix.shape)


def lu(matrix: Array) -> tuple[Array, Array]:
    """``(LU, pivots)`` as LAPACK's getrf: L below the diagonal, without its ones, U on and above it."""
    (m, n), batch = matrix.shape[-2:], la.batch_of(matrix)
    count = min(m, n)
    pivots = la.new(matrix, (*batch, count), int32)
    if n <= la.BLOCK:
        return _lu_panel(dispatch.clone(matrix), pivots, 0), pivots
    out = dispatch.clone(matrix)
    for first in range(0, count, la.BLOCK):
        last = min(count, first + la.BLOCK)
        panel = _lu_panel(dispatch.clone(part(out, (first, m), (first, last))), pivots, first)
        local = dispatch.move(pivots, (*batch, last - first), pivots.strides, first)
        local = la.apply((cast(input_(0, int32) - scalar(0, int32), int32),), local.shape, local, scalars=(first,))
        order = permutation(local, m - first)
        dispatch.copy(take_rows(part(out, (first, m), (0, n)), order), part(out, (first, m), (0, n)))
        dispatch.copy(panel, part(out, (first, m), (first, last)))
        if last < n:
            _lu_update(out, panel, first, last)
    return out, pivots


def _lu_update(out: Array, panel: Array, first: int, last: int) -> None:
    """The columns behind a panel: ``U12 = inv(L11) @ A12``, ``A22 -= L21 @ U12``."""
    (m, n), width = out.shape[-2:], last - first
    corner = part(panel, (0, width), (0, width))
    beside = product(la.inverse_lower(corner, True), part(out, (first, last), (last, n)))
    dispatch.copy(beside, part(out, (first, last), (last, n)))
    if last < m:
        rest = part(out, (last, m), (last, n))
        dispatch.copy(la.minus(rest, product(part(panel, (width, m - first), (0, width)), beside)), rest)


# --- QR by Householder reflections ------------------------------------------------------------------------------------


@functools.cache
def _below_program(kind: dtype) -> dispatch.Program:
    """The squared modulus of the elements below row ``j`` of a column of ``rows``, else 0."""
    row = binary("remainder", index(), scalar(0, int64))
    value = input_(0, kind)
    square = _real(value) * _real(value)
    if kind.kind == "c":
        square = square + unary("imag", value) * unary("imag", value)
    return (where(row > scalar(1, int64), square, constant(0, square.dtype)),)


def _beta(alpha: Expr, rest: Expr) -> tuple[Expr, Expr]:
    """LAPACK's larfg: the new leading element, and whether there is nothing to reflect."""
    size, still = _real(alpha) * _real(alpha) + rest, binary("eq", rest, constant(0, rest.dtype))
    if alpha.dtype.kind == "c":
        side = unary("imag", alpha)
        size, still = size + side * side, still & binary("eq", side, constant(0, side.dtype))
    norm = unary("sqrt", size)
    return where(still, _real(alpha), where(_real(alpha) >= 0, -norm, norm)), still


@functools.cache
def _tau_program(kind: dtype) -> dispatch.Program:
    alpha = input_(0, kind)
    beta, still = _beta(alpha, input_(1, kind.real))
    safe = _whole(where(still, constant(1, beta.dtype), beta), kind)
    return (where(still, constant(0, kind), (safe - alpha) / safe),)


@functools.cache
def _reflector_program(kind: dtype) -> dispatch.Program:
    """v of a column of ``rows``: 0 above row ``j``, 1 there."""
    row, j = binary("remainder", index(), scalar(0, int64)), scalar(1, int64)
    value, alpha = input_(0, kind), input_(1, kind)
    beta, still = _beta(alpha, input_(2, kind.real))
    scale = where(still, constant(1, kind), alpha - _whole(beta, kind))
    below = where(still, constant(0, kind), value / scale)
    return (where(row > j, below, where(binary("eq", row, j), constant(1, kind), constant(0, kind))),)


@functools.cache
def _reflect_program(kind: dtype) -> dispatch.Program:
    """``panel - v conj(tau) w`` for the columns from ``j`` on."""
    _, column = place()
    change = input_(1, kind) * _conj(input_(2, kind)) * input_(3, kind)
    return (where(column >= scalar(2, int64), input_(0, kind) - change, input_(0, kind)),)


def _qr_panel(panel: Array) -> tuple[Array, Array, Array]:
    """R on and above the diagonal, the reflectors' vectors ``(*B, M, K)`` and their factors tau ``(*B, K)``."""
    (m, n), kind, batch = panel.shape[-2:], panel.dtype, la.batch_of(panel)
    count = min(m, n)
    vectors, taus = la.new(panel, (*batch, m, count)), la.new(panel, (*batch, count))
    for j in range(count):
        column, alpha = part(panel, (0, m), (j, j + 1)), part(panel, (j, j + 1), (j, j + 1))
        squares = la.apply(_below_program(kind), column.shape, column, scalars=(m, j))
        rest = la.as_matrix(families.reduce("sum", [squares], (len(batch), len(batch) + 1), kind.real))
        tau = la.apply(_tau_program(kind), alpha.shape, alpha, rest)
        v = la.apply(_reflector_program(kind), column.shape, column, alpha, rest, scalars=(m, j))
        w = product(la.adjoint(v), panel)
        panel = la.apply(_reflect_program(kind), panel.shape, panel, v, tau, w, scalars=(m, n, j))
        dispatch.copy(v, part(vectors, (0, m), (j, j + 1)))
        dispatch.copy(la.vector(tau), dispatch.move(taus, (*batch, 1), taus.strides, j))
    return panel, vectors, taus


def _block_factor(vectors: Array, taus: Array) -> Array:
    """Upper ``T`` with ``H_1 ... H_k = I - V T V^H``: the inverse of T has 1 / tau on the diagonal and the part of
    ``V^H V`` above it (Joffrain et al., "Accumulating Householder transformations, revisited", 2006).
    """
    inner = product(la.adjoint(vectors), vectors)
    return la.turned(la.inverse_from_diagonal(la.turned(inner), taus))


def _panels(matrix: Array) -> tuple[Array, list[tuple[int, Array, Array]]]:
    """R on and above the diagonal, and each panel's first row, vectors and factors."""
    m, n = matrix.shape[-2:]
    rest, panels = dispatch.clone(matrix), []
    for first in range(0, min(m, n), la.BLOCK):
        last = min(m, n, first + la.BLOCK)
        panel, vectors, taus = _qr_panel(dispatch.clone(part(rest, (first, m), (first, last))))
        panels.append((first, vectors, taus))
        dispatch.copy(panel, part(rest, (first, m), (first, last)))
        if last < n:
            _reflect(part(rest, (first, m), (last, n)), vectors, la.adjoint(_block_factor(vectors, taus)))
    return la.triangle_of(rest, True), panels


def qr(matrix: Array, columns: int) -> tuple[Array, Array]:
    """``Q (*B, M, columns)`` and ``R (*B, M, N)``, upper; ``columns`` 0 means that Q is not wanted."""
    m = matrix.shape[-2]
    r, panels = _panels(matrix)
    q = la.identity(matrix, m, columns) if columns else la.new(matrix, (*la.batch_of(matrix), m, 0))
    for first, vectors, taus in reversed(panels) if columns else ():
        _reflect(part(q, (first, m), (0, columns)), vectors, _block_factor(vectors, taus))
    return q, r


def reflections(matrix: Array) -> tuple[Array, Array, Array]:
    """``R (*B, M, N)``, the reflections' vectors ``(*B, M, K)`` and factors ``(*B, K)``, ``K = min(M, N)``."""
    (m, n), batch = matrix.shape[-2:], la.batch_of(matrix)
    r, panels = _panels(matrix)
    whole, taus = la.new(matrix, (*batch, m, min(m, n)), fill=0), la.new(matrix, (*batch, min(m, n)))
    for first, vectors, factors in panels:
        width = factors.shape[-1]
        dispatch.copy(vectors, part(whole, (first, m), (first, first + width)))
        dispatch.copy(factors, dispatch.move(taus, (*batch, width), taus.strides, first))
    return r, whole, taus


def _reflect(target: Array, vectors: Array, factor: Array) -> None:
    """``target -= V T V^H target``, in place."""
    inner = product(factor, product(la.adjoint(vectors), target))
    dispatch.copy(la.minus(target, product(vectors, inner)), target)
