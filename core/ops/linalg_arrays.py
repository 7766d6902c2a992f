"""Matrices as Arrays: what the decompositions of linear algebra for devices are made of.

Everything here works on batches ``(*B, M, N)`` of one device, launches kernels of the required families only, reads
nothing back, and costs no tape.  Views are free: a triangle is turned into the other one by negative or exchanged strides.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, Final

from hotplug import dispatch, families
from hotplug.array import Array
from hotplug.dtypes import dtype, int64
from hotplug.expr.node import Expr, binary, cast, constant, index, input_, scalar, unary, where
from hotplug.layout import Shape

__all__: list[str] = []  # for the modules of linear algebra, by name

BLOCK: Final = 32
"""Columns that are factored one by one before a matrix product brings the rest up to date."""

Formula = Callable[..., Expr]


def batch_of(array: Array) -> Shape:
    """The leading axes."""
    return array.shape[:-2]


def part(array: Array, rows: tuple[int, int], columns: tuple[int, int]) -> Array:
    """``array[..., r0:r1, c0:c1]``, a view."""
    (r0, r1), (c0, c1) = rows, columns
    down, right = array.strides[-2:]
    return dispatch.move(array, (*batch_of(array), r1 - r0, c1 - c0), array.strides, r0 * down + c0 * right)


def turned(array: Array) -> Array:
    """The transpose, a view."""
    *batch, m, n = array.shape
    *steps, down, right = array.strides
    return dispatch.move(array, (*batch, n, m), (*steps, right, down))


def adjoint(array: Array) -> Array:
    """The conjugate transpose: a view, or of complex numbers a copy."""
    if array.dtype.kind != "c":
        return turned(array)
    return apply((unary("conj", input_(0, array.dtype)),), turned(array).shape, turned(array))


def reversed_rows(array: Array, columns: bool) -> Array:
    """The rows, and the columns where asked, in the opposite order, a view."""
    (m, n), (down, right) = array.shape[-2:], array.strides[-2:]
    start = (m - 1) * down + ((n - 1) * right if columns else 0)
    steps = (*array.strides[:-2], -down, -right if columns else right)
    return dispatch.move(array, array.shape, steps, start) if array.numel else array


def diagonal(array: Array) -> Array:
    """``(*B, min(M, N))``, a view."""
    *batch, m, n = array.shape
    *steps, down, right = array.strides
    return dispatch.move(array, (*batch, min(m, n)), (*steps, down + right))


def as_row(array: Array) -> Array:
    """``(*B, N)`` as ``(*B, 1, N)``, a view."""
    return dispatch.move(array, (*array.shape[:-1], 1, array.shape[-1]), (*array.strides[:-1], 0, array.strides[-1]))


def as_column(array: Array) -> Array:
    """``(*B, N)`` as ``(*B, N, 1)``, a view."""
    return dispatch.move(array, (*array.shape, 1), (*array.strides, 0))


def as_matrix(array: Array) -> Array:
    """``(*B)`` as ``(*B, 1, 1)``, a view."""
    return dispatch.move(array, (*array.shape, 1, 1), (*array.strides, 0, 0))


def vector(column: Array) -> Array:
    """``(*B, N, 1)`` as ``(*B, N)``, a view."""
    return dispatch.move(column, column.shape[:-1], column.strides[:-1])


def apply(program: dispatch.Program, shape: Sequence[int], *inputs: Array, scalars: Sequence[Any] = ()) -> Array:
    """A map over ``shape`` into a new Array of the dtype of the program's root."""
    out = dispatch.new(inputs[0], program[0].dtype, tuple(shape))
    dispatch.map_(program, [out], inputs, scalars)
    return out


def new(like: Array, shape: Sequence[int], kind: dtype | None = None, fill: Any = None) -> Array:
    """An Array on the device of another, filled where a value is given."""
    out = dispatch.new(like, kind or like.dtype, tuple(shape))
    if fill is not None and out.numel:
        dispatch.fill_literal(out, fill)
    return out


def minus(left: Array, right: Array) -> Array:
    """The difference of two Arrays of one shape."""
    kind = left.dtype
    return apply((input_(0, kind) - input_(1, kind),), left.shape, left, right)


product: Final = families.matmul


def place() -> tuple[Expr, Expr]:
    """Row and column of an output whose last sizes are the first two scalars."""
    rows, columns = scalar(0, int64), scalar(1, int64)
    row = binary("remainder", binary("floordiv", index(), columns), rows)
    return row, binary("remainder", index(), columns)


@functools.cache
def _padding_program(kind: dtype, unit: bool) -> dispatch.Program:
    """The element, or the identity from row or column ``size`` on; with ``unit``, ones on the whole diagonal."""
    row, column = place()
    size = scalar(2, int64)
    one = where(binary("eq", row, column), constant(1, kind), constant(0, kind))
    outside = (row >= size) | (column >= size)
    if unit:
        outside = outside | binary("eq", row, column)
    return (where(outside, one, input_(0, kind)),)


def padded(matrix: Array, size: int, unit: bool = False) -> Array:
    """A square matrix enlarged to ``size`` by the identity."""
    n = matrix.shape[-1]
    if size != n:
        wide = new(matrix, (*batch_of(matrix), size, size), fill=0)
        dispatch.copy(matrix, part(wide, (0, n), (0, n)))
        matrix = wide
    elif not unit:
        return matrix
    return apply(_padding_program(matrix.dtype, unit), matrix.shape, matrix, scalars=(size, size, n))


@functools.cache
def _reciprocal_program(kind: dtype) -> dispatch.Program:
    """1 / element on the diagonal, 0 elsewhere."""
    row, column = place()
    return (where(binary("eq", row, column), constant(1, kind) / input_(0, kind), constant(0, kind)),)


def _doubled(lower: Array, inverse: Array) -> Array:
    """The inverse of lower triangles, from that of their diagonal: pairs of blocks are joined, twice as large each time.

    ``inv([[A, 0], [C, B]]) = [[inv(A), 0], [-inv(B) C inv(A), inv(B)]]``: three launches a level for all pairs of all
    matrices together.  ``inverse`` holds the diagonal's inverse and zeros, and is written.
    """
    size, n, negated = 1, lower.shape[-1], (-input_(0, lower.dtype),)
    while size < n:
        pairs = n // (2 * size)

        def blocks(array: Array, down: int, right: int, size: int = size, pairs: int = pairs) -> Array:
            *steps, row, column = array.strides
            shape = (*batch_of(array), pairs, size, size)
            step = 2 * size * (row + column)
            return dispatch.move(array, shape, (*steps, step, row, column), size * (down * row + right * column))

        corner = product(blocks(lower, 1, 0), blocks(inverse, 0, 0))
        corner = product(blocks(inverse, 1, 1), corner)
        dispatch.map_(negated, [blocks(inverse, 1, 0)], [corner])
        size *= 2
    return inverse


def power_of_two(size: int) -> int:
    """The smallest power of two that is not below ``size``."""
    return 1 << max(size - 1, 0).bit_length()


def inverse_lower(lower: Array, unit: bool = False) -> Array:
    """Inverse of lower triangles ``(*B, N, N)``; what is above the diagonal is not read."""
    n = lower.shape[-1]
    size = power_of_two(n)
    wide = padded(lower, size, unit)
    start = apply(_reciprocal_program(lower.dtype), wide.shape, wide, scalars=(size, size))
    return part(_doubled(wide, start), (0, n), (0, n))


def inverse_from_diagonal(lower: Array, inverse_diagonal: Array) -> Array:
    """Inverse of lower triangles whose diagonal is given by its reciprocals ``(*B, N)``, zero allowed."""
    n = lower.shape[-1]
    size = power_of_two(n)
    start = new(lower, (*batch_of(lower), size, size), fill=0)
    dispatch.copy(inverse_diagonal, diagonal(part(start, (0, n), (0, n))))
    return part(_doubled(padded(lower, size), start), (0, n), (0, n))


def _solve_lower(lower: Array, right: Array, unit: bool) -> Array:
    """Substitution by blocks: the diagonal blocks are inverted together, then each row of blocks is two products."""
    n, k = right.shape[-2:]
    if n <= BLOCK:
        return product(inverse_lower(lower, unit), right)
    count = -(-n // BLOCK)
    wide = padded(lower, count * BLOCK)
    *steps, down, across = wide.strides
    blocks = dispatch.move(
        wide, (*batch_of(wide), count, BLOCK, BLOCK), (*steps, BLOCK * (down + across), down, across)
    )
    inverses = inverse_lower(blocks, unit)
    out = new(right, right.shape)
    for at in range(count):
        first, last = at * BLOCK, min(n, (at + 1) * BLOCK)
        rest = part(right, (first, last), (0, k))
        if at:
            rest = minus(rest, product(part(lower, (first, last), (0, first)), part(out, (0, first), (0, k))))
        inverse = part(_nth(inverses, at), (0, last - first), (0, last - first))
        dispatch.copy(product(inverse, rest), part(out, (first, last), (0, k)))
    return out


def _nth(blocks: Array, at: int) -> Array:
    """``blocks[..., at, :, :]``, a view."""
    *batch, _, m, n = blocks.shape
    *steps, step, down, across = blocks.strides
    return dispatch.move(blocks, (*batch, m, n), (*steps, down, across), at * step)


def expanded(array: Array, batch: Shape) -> Array:
    """The array with its batch axes broadcast, a view."""
    from hotplug.layout import broadcast_strides

    shape = (*batch, *array.shape[-2:])
    return dispatch.move(array, shape, broadcast_strides(array.shape, array.strides, shape))


def solve_triangle(triangle: Array, right: Array, upper: bool, unit: bool) -> Array:
    """``X`` with ``triangle @ X = right``; the other triangle is not read.  Batches are equal."""
    if not upper:
        return _solve_lower(triangle, right, unit)
    return reversed_rows(_solve_lower(reversed_rows(triangle, True), reversed_rows(right, False), unit), False)


@functools.cache
def triangle_program(kind: dtype, upper: bool, unit: bool) -> dispatch.Program:
    """One triangle with the diagonal (or with ones there), zeros elsewhere."""
    row, column = place()
    inside = column >= row if upper else column <= row
    value = where(inside, input_(0, kind), constant(0, kind))
    return (where(binary("eq", row, column), constant(1, kind), value) if unit else value,)


def triangle_of(matrix: Array, upper: bool, unit: bool = False) -> Array:
    """One triangle of ``(*B, M, N)``, zeros elsewhere, as a new Array."""
    program = triangle_program(matrix.dtype, upper, unit)
    return apply(program, matrix.shape, matrix, scalars=matrix.shape[-2:])


@functools.cache
def _identity_program(kind: dtype) -> dispatch.Program:
    row, column = place()
    return (cast(binary("eq", row, column), kind),)


def identity(like: Array, rows: int, columns: int) -> Array:
    """A batch of identity matrices, ``(*B, rows, columns)``."""
    out = new(like, (*batch_of(like), rows, columns))
    if out.numel:
        real = new(like, out.shape, like.dtype.real if like.dtype.kind == "c" else like.dtype)
        dispatch.map_(_identity_program(real.dtype), [real], [], (rows, columns))
        dispatch.copy(real, out)
    return out
