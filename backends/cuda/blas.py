"""Matrix products by cuBLAS: strided batches of float16, bfloat16, float32 and float64.

cuBLAS counts matrices by columns, so it is asked for the transposed product of the transposed operands.
"""

from __future__ import annotations

import ctypes
from typing import Any, Final, NamedTuple, final

from hotplug import switches
from hotplug.backend import Array, Layout
from hotplug.backends import cuda_switches
from hotplug.backends.cuda.libraries import allowed
from hotplug.caches import Bounded

TYPES: Final = {"float32": 0, "float64": 1, "float16": 2, "bfloat16": 14}
"""cudaDataType_t."""
FLOAT, DOUBLE, TF32 = 68, 70, 77
"""cublasComputeType_t; half types are summed in float."""
_DEFAULT: Final = -1
_LARGEST: Final = 2**31 - 1


class Operand(NamedTuple):
    """A matrix as cuBLAS sees it."""

    transposed: int
    leading: int
    """Elements from one of its columns to the next."""


def operand(layout: Layout) -> Operand | None:
    """How the transpose of a batch's matrices is passed, or ``None`` where neither axis is dense."""
    _, rows, columns = layout.shape
    _, down, across = layout.strides
    if (across == 1 or columns == 1) and (down >= columns or rows == 1):
        return Operand(0, max(down if rows > 1 else columns, columns, 1))
    if (down == 1 or rows == 1) and (across >= rows or columns == 1):
        return Operand(1, max(across if columns > 1 else rows, rows, 1))
    return None


def tf32() -> bool:
    """Whether float32 products may round their operands to ten bits of fraction, as PyTorch's two switches say."""
    return switches.get_float32_matmul_precision() != "highest" or cuda_switches.matmul.allow_tf32


@final
class Blas:
    """cuBLAS on one stream."""

    def __init__(self, index: int, stream: int) -> None:
        self._index: Final = index
        self._stream: Final = stream
        self._library: Any = None
        self._plans: Final[Bounded[tuple[Layout, ...], Plan | None]] = Bounded(4096)
        single, double = (ctypes.c_float * 2)(1.0), (ctypes.c_double * 2)(1.0)
        self._numbers: Final[dict[str, tuple[Any, int]]] = {
            **dict.fromkeys(("float16", "bfloat16", "float32"), (single, 4)), "float64": (double, 8),
        }  # fmt: skip
        """One and zero in the type of the sums, and the bytes from the one to the other."""

    def _load(self) -> Any:
        if self._library is None:
            try:
                from cupy.cuda import cublas
            except ImportError:  # not installed: our own kernel serves
                self._library = False
            else:
                self._library = cublas
        return self._library

    def product(self, out: Array, left: Array, right: Array) -> bool:
        """Queue ``out = left @ right``; false where cuBLAS can't take the operands as they lie."""
        layouts = (out.layout, left.layout, right.layout)
        if layouts not in self._plans:
            self._plans[layouts] = planned(*layouts)
        plan = self._plans[layouts]
        cublas = self._load() if plan is not None and allowed("cublas") else None
        if plan is None or not cublas:
            return False
        import cupy

        handle = cupy.cuda.device.get_cublas_handle()
        cublas.setStream(handle, self._stream)
        kind = layouts[0].dtype
        pair, size = self._numbers[kind.name]
        one, type_ = ctypes.addressof(pair), TYPES[kind.name]
        compute = DOUBLE if type_ == 1 else TF32 if type_ == 0 and tf32() else FLOAT
        a, b, c = (each.storage.buffer.address + each.offset * kind.itemsize for each in (right, left, out))
        cublas.gemmStridedBatchedEx(
            handle, *plan.form, one, a, type_, *plan.a, b, type_, *plan.b, one + size, c, type_, *plan.c, plan.batch,
            compute, _DEFAULT,
        )  # fmt: skip
        return True


class Plan(NamedTuple):
    """What of a call follows from the layouts."""

    form: tuple[int, int, int, int, int]
    """Transposes of both operands, and the three sizes, as cuBLAS counts."""
    a: tuple[int, int]
    """The leading dimension, and elements from a matrix to the next."""
    b: tuple[int, int]
    c: tuple[int, int]
    batch: int


def planned(out: Layout, left: Layout, right: Layout) -> Plan | None:
    """The plan of ``out = left @ right``; ``None`` where cuBLAS can't take the operands as they lie."""
    if out.dtype.name not in TYPES or left.dtype is not out.dtype or right.dtype is not out.dtype:
        return None
    a, b, c = (operand(each) for each in (right, left, out))
    (batch, m, n), k = out.shape, left.shape[2]
    if a is None or b is None or c is None or c.transposed or max(m, n, k, batch, a.leading, b.leading) > _LARGEST:
        return None
    return Plan(
        (a.transposed, b.transposed, n, m, k), (a.leading, right.strides[0]), (b.leading, left.strides[0]),
        (c.leading, out.strides[0]), batch,
    )  # fmt: skip
