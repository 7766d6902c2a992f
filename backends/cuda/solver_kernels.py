"""Kernels for the composites of linear algebra, where cuSOLVER and cuBLAS are installed; without them the core decomposes.

The order of rows that pivots lead to is a kernel of our own: one thread makes the exchanges.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from hotplug.array import Array
from hotplug.backend import Kernel, OpKey
from hotplug.backend.render import Source
from hotplug.backends.cuda.composite import Override, Plan, Sheet, Step
from hotplug.backends.cuda.device import Device
from hotplug.backends.cuda.dialect import CUDA
from hotplug.backends.cuda.header import THREADS
from hotplug.backends.cuda.program import addresses
from hotplug.backends.cuda.solver import LETTERS, TINY, Solver, serves
from hotplug.backends.cuda.solver_memory import (
    AXES,
    CONJUGATE,
    FACTOR,
    UNIT,
    UPPER,
    WHOLE,
    Copies,
    Room,
    View,
    by_columns,
    by_rows,
    elements,
    view_of,
)
from hotplug.backends.cuda.text import kernel
from hotplug.backends.opencl.frame import Layouts
from hotplug.dtypes import by_name, dtype

Options = dict[str, Any]
Body = Callable[[Solver, Room, Sequence[Array], Sequence[Array], Options], None]


def _place(array: Array) -> int:
    return addresses([array])[0]


def _cholesky(solver: Solver, room: Room, outs: Sequence[Array], inputs: Sequence[Array], _: Options) -> None:
    """The lower triangle by rows is the upper one by columns of the transpose, and its factor lies as ours must."""
    factor, info = view_of(outs[0]), _place(outs[1])
    solver.copy(factor, view_of(inputs[0]))
    solver.cholesky(room, factor, info)
    solver.copy(factor, factor, FACTOR, info)


def _lu(solver: Solver, room: Room, outs: Sequence[Array], inputs: Sequence[Array], _: Options) -> None:
    packed = solver.copy.by_columns(room, view_of(inputs[0]), solver.itemsize)
    solver.lu(room, packed, _place(outs[1]), _place(outs[2]))
    solver.copy(view_of(outs[0]), packed)


def _solved(solver: Solver, room: Room, outs: Sequence[Array], matrix: Array, right: View | None) -> None:
    """Solutions for right sides, or for the unit matrix."""
    packed = solver.copy.by_columns(room, view_of(matrix), solver.itemsize)
    pivots = room.take(4 * elements(matrix.shape[:-1]))
    solver.lu(room, packed, pivots, _place(outs[1]))
    out = view_of(outs[0])
    solution = by_columns(room.take(outs[0].numel * solver.itemsize), outs[0].shape)
    solver.copy(solution, right, UNIT if right is None else WHOLE)
    solver.solve(room, packed, pivots, solution)
    solver.copy(out, solution)


def _solution(solver: Solver, room: Room, outs: Sequence[Array], inputs: Sequence[Array], _: Options) -> None:
    _solved(solver, room, outs, inputs[0], view_of(inputs[1]))


def _inverse(solver: Solver, room: Room, outs: Sequence[Array], inputs: Sequence[Array], _: Options) -> None:
    _solved(solver, room, outs, inputs[0], None)


def _triangular(solver: Solver, room: Room, outs: Sequence[Array], inputs: Sequence[Array], options: Options) -> None:
    triangle, out = view_of(inputs[0]), view_of(outs[0])
    if not triangle.by_rows:
        triangle = solver.copy.by_rows(room, triangle, solver.itemsize)
    solver.copy(out, view_of(inputs[1]))
    solver.triangle(room, triangle, out, options["upper"], options["unit"])


def _qr(solver: Solver, room: Room, outs: Sequence[Array], inputs: Sequence[Array], _: Options) -> None:
    *batch, m, n = inputs[0].shape
    k, columns = min(m, n), outs[0].shape[-1]
    packed = solver.copy.by_columns(room, view_of(inputs[0]), solver.itemsize)
    taus = room.take(elements(batch) * k * solver.itemsize)
    solver.reflections(room, packed, taus)
    upper = view_of(outs[1])
    if upper.shape[-2] > k:  # rows of zeros below those of a tall matrix
        solver.zero(upper.address, outs[1].numel * solver.itemsize)
    solver.copy(upper.part(k, n), packed.part(k, n), UPPER)
    if not columns:
        return
    q = packed.part(m, columns)
    if columns > n:
        q = by_columns(room.take(outs[0].numel * solver.itemsize), outs[0].shape)
        solver.copy(q.part(m, n), packed)
    step = m * max(n, columns) * solver.itemsize
    solver.unitary(room, q, step, taus, k)
    solver.copy(view_of(outs[0]), q)


def _reflections(solver: Solver, room: Room, outs: Sequence[Array], inputs: Sequence[Array], _: Options) -> None:
    packed = solver.copy.by_columns(room, view_of(inputs[0]), solver.itemsize)
    solver.reflections(room, packed, _place(outs[1]))
    solver.copy(view_of(outs[0]), packed)


def _eigh(solver: Solver, room: Room, outs: Sequence[Array], inputs: Sequence[Array], options: Options) -> None:
    matrix = solver.copy.by_columns(room, view_of(inputs[0]), solver.itemsize)
    solver.hermitian(room, matrix, _place(outs[0]), options["upper"], options["vectors"])
    if options["vectors"]:
        solver.copy(view_of(outs[1]), matrix)


def _svd(solver: Solver, room: Room, outs: Sequence[Array], inputs: Sequence[Array], options: Options) -> None:
    *batch, m, n = inputs[0].shape
    given, values, vectors = view_of(inputs[0]), _place(outs[1]), options["vectors"]
    u, vh = (view_of(outs[0]), view_of(outs[2])) if vectors else (None, None)
    if elements(batch) > 1 and max(m, n) <= TINY:
        _tiny_svd(solver, room, given, values, u, vh)
    elif m <= n:
        # A wide matrix by rows is its tall transpose by columns, and what comes out by columns is V^H and U by rows.
        tall = solver.copy.by_rows(room, given, solver.itemsize)._replace(shape=(*batch, n, m))
        turned = None if vh is None else vh._replace(shape=(*batch, n, vh.shape[-2]))
        solver.singular(room, tall, values, turned, u, options["full"])
    else:
        tall = solver.copy.by_columns(room, given, solver.itemsize)
        left, right = (
            None if each is None else by_columns(room.take(elements(each.shape) * solver.itemsize), each.shape)
            for each in (u, vh)
        )
        solver.singular(room, tall, values, left, right, options["full"])
        for out, found in ((u, left), (vh, right)):
            if out is not None:
                solver.copy(out, found)


def _tiny_svd(solver: Solver, room: Room, given: View, values: int, u: View | None, vh: View | None) -> None:
    """Many tiny matrices at once; the library gives whole U and V, and V by columns is the conjugate of V^H by rows."""
    *batch, m, n = given.shape
    matrices = solver.copy.by_columns(room, given, solver.itemsize)
    left, right = (room.take(elements(batch) * size * size * solver.itemsize) for size in (m, n))
    solver.tiny_singular(room, matrices, values, left, right, u is not None)
    if u is not None and vh is not None:
        solver.copy(u, by_columns(left, (*batch, m, m)).part(m, u.shape[-1]))
        turned = by_rows(right, (*batch, n, n)).part(vh.shape[-2], n)
        solver.copy(vh, turned, CONJUGATE if solver.kind.kind == "c" else WHOLE)


def _pairs(device: Device, kind: dtype) -> tuple[Sheet, Any]:
    """A kernel: complex eigenvectors of real matrices, of which a pair of columns is the real and the imaginary part."""
    real = CUDA.type(kind)
    sheet = Sheet({"out": real, "values": f"const {real}", "packed": f"const {real}"}, ("count", "size"))
    body = [
        f"const hp_i64 i = (hp_i64)blockIdx.x * {THREADS} + threadIdx.x, n = HP(size);",
        "if (i >= HP(count)) return;",
        "const hp_i64 column = i % n, row = i / n % n, matrix = i / (n * n);",
        f"const {real} *packed = HP(packed) + matrix * n * n + row;",
        f"const {real} turn = HP(values)[2 * (matrix * n + column) + 1];",
        "const hp_i64 pair = turn < 0 ? column - 1 : column;",
        f"const {real} other = turn == 0 ? 0 : packed[(pair + 1) * n];",
        "HP(out)[2 * i] = packed[pair * n];",
        "HP(out)[2 * i + 1] = turn < 0 ? -other : other;",
    ]
    module = device.module("general_eigen", Source(CUDA).text(sheet.declaration(), kernel("hp_pairs", body)))
    return sheet, device.driver.function(module, "hp_pairs")


def _eig(solver: Solver, room: Room, outs: Sequence[Array], inputs: Sequence[Array], options: Options) -> None:
    matrix = solver.copy.by_columns(room, view_of(inputs[0]), solver.itemsize)
    vectors = room.take(inputs[0].numel * solver.itemsize)
    solver.general(room, matrix, _place(outs[0]), vectors, options["vectors"])
    if not options["vectors"]:
        return
    if solver.kind.kind == "c":
        solver.copy(view_of(outs[1]), by_columns(vectors, outs[1].shape))
    else:
        _unpack(solver, vectors, outs)


def _unpack(solver: Solver, vectors: int, outs: Sequence[Array]) -> None:
    device, count = solver.device, outs[1].numel
    sheet, function = _pairs(device, solver.kind)
    numbers = sheet.numbers({"count": count, "size": outs[1].shape[-1]})
    frame = sheet.frame((_place(outs[1]), _place(outs[0]), vectors), numbers)
    with device.lock:
        device.launch(function, (-(-count // THREADS), 1, 1), THREADS, frame)


_BODIES: Final[dict[str, Body]] = {
    "cholesky_factor": _cholesky, "lu_factors": _lu, "linear_solution": _solution, "inverse_matrix": _inverse,
    "triangular_solution": _triangular, "qr_factors": _qr, "reflections": _reflections, "hermitian_eigen": _eigh,
    "singular_factors": _svd, "general_eigen": _eig,
}  # fmt: skip
_NEWER: Final = {"general_eigen": ("cusolverDnXgeev", "cusolverDnXgeev_bufferSize")}
"""Functions that not every version of cuSOLVER has."""
_SQUARE: Final = ("qr_factors", "singular_factors")


def _made(device: Device, key: OpKey) -> Kernel | None:
    kind = key.dtypes[-1]
    if (
        kind.name not in LETTERS
        or key.index64
        or not 2 <= key.rank <= AXES
        or not serves(device, *_NEWER.get(key.name, ()))
    ):
        return None
    solver, body, options = Solver(device, kind), _BODIES[key.name], dict(key.attributes)

    def run(outs: Sequence[Array], inputs: Sequence[Array], _: Sequence[Any]) -> None:
        if all(each.numel for each in inputs):
            body(solver, Room(outs[0]), outs, inputs, options)
        else:
            _degenerate(solver, key.name, outs)

    return run


def _degenerate(solver: Solver, name: str, outs: Sequence[Array]) -> None:
    """Of matrices without elements: unitary factors are unit matrices, and all else is zero."""
    for number, out in enumerate(outs):
        if not out.numel:
            continue
        if name in _SQUARE and out.dtype is solver.kind and number != 1:
            solver.copy(view_of(out), None, UNIT)
        else:
            solver.zero(_place(out), out.numel * out.dtype.itemsize)


_ORDER: Final = [
    "hp_i64 *order = HP(order) + (hp_i64)blockIdx.x * HP(count);",
    "const int *pivots = HP(pivots) + (hp_i64)blockIdx.x * HP(steps);",
    f"for (hp_i64 i = threadIdx.x; i < HP(count); i += {THREADS}) order[i] = i;",
    "__syncthreads();",
    "if (threadIdx.x != 0) return;",
    "for (hp_i64 j = 0; j < HP(steps); ++j) {",
    "    const hp_i64 p = pivots[j] - 1, here = order[j];",
    "    order[j] = order[p];",
    "    order[p] = here;",
    "}",
]


def _row_order(device: Device, key: OpKey) -> Kernel | None:
    if any(each != "contiguous" for each in key.layouts):
        return None
    source = Source(CUDA)
    sheet = Sheet({"order": "hp_i64", "pivots": "const int"}, ("count", "steps"))

    def plan(layouts: Layouts, _: Sequence[Any]) -> Plan:
        out, pivots = layouts
        count = out.shape[-1]
        return Plan({"count": count, "steps": pivots.shape[-1]}, [Step("hp_order", out.numel // count)])

    return Override(device, key.name, source, sheet, kernel("hp_order", _ORDER), plan, ("hp_order",))


def sources(device: Device) -> None:
    """Compile all that stands around the libraries' calls: for the compile check."""
    for name in LETTERS:
        Copies(device, by_name(name))
    for name in ("float32", "float64"):
        _pairs(device, by_name(name))
    _row_order(device, OpKey("row_order", layouts=("contiguous",) * 2))


OVERRIDES: Final[dict[str, Callable[[Device, OpKey], Kernel | None]]] = {
    **dict.fromkeys(_BODIES, _made), "row_order": _row_order,
}  # fmt: skip
