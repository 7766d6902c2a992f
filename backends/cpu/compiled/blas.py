"""SciPy's BLAS, one thread of it, called by address from inside the pool's tasks."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import get_cython_function_address, intrinsic

_INT32: Final = ir.IntType(32)
_INT64: Final = ir.IntType(64)
_POINTER: Final = ir.IntType(8).as_pointer()


@cache
def one_thread() -> None:
    """Hold SciPy's BLAS to one thread for good: its own threads and the pool's would spin against each other."""
    import scipy.linalg.cython_blas  # noqa: F401  (loads the library)
    from threadpoolctl import ThreadpoolController

    found = ThreadpoolController()
    for library in found.lib_controllers:
        if library.user_api == "blas" and "scipy" in library.filepath:
            library.set_num_threads(1)


@cache
def gemm_address(kind: str) -> int:
    """The address of ``sgemm`` or ``dgemm``."""
    one_thread()
    name = {"float32": "sgemm", "float64": "dgemm"}[kind]
    return int(get_cython_function_address("scipy.linalg.cython_blas", name))


@cache
def gemm(kind: str) -> Any:
    """``gemm(address, transpose_a, transpose_b, m, n, k, a, lda, b, ldb, beta, c, ldc)``: c = a @ b + beta * c.

    In Fortran's order: columns are dense.  The flags are 0 or 1, a, b and c addresses.
    """
    real = ir.FloatType() if kind == "float32" else ir.DoubleType()
    number = types.float32 if kind == "float32" else types.float64
    whole = types.intp

    @intrinsic  # type: ignore[untyped-decorator]
    def call(
        _: Any, address: Any, ta: Any, tb: Any, m: Any, n: Any, k: Any, a: Any, lda: Any, b: Any, ldb: Any, beta: Any,
        c: Any, ldc: Any,
    ) -> Any:  # fmt: skip
        def codegen(context: Any, builder: Any, __: Any, given: Any) -> Any:
            def held(value: Any) -> Any:
                return cgutils.alloca_once_value(builder, value)

            def integer(value: Any) -> Any:
                return held(builder.trunc(value, _INT32))

            def letter(flag: Any) -> Any:
                chosen = builder.icmp_signed("!=", flag, ir.Constant(_INT64, 0))
                byte = ir.IntType(8)
                return held(builder.select(chosen, ir.Constant(byte, ord("T")), ir.Constant(byte, ord("N"))))

            def pointer(value: Any) -> Any:
                return builder.inttoptr(value, _POINTER)

            one = held(ir.Constant(real, 1.0))
            arguments = [
                letter(given[1]), letter(given[2]), integer(given[3]), integer(given[4]), integer(given[5]), one,
                pointer(given[6]), integer(given[7]), pointer(given[8]), integer(given[9]), held(given[10]),
                pointer(given[11]), integer(given[12]),
            ]  # fmt: skip
            shape = ir.FunctionType(ir.VoidType(), [each.type for each in arguments])
            builder.call(builder.inttoptr(given[0], shape.as_pointer()), arguments)
            return context.get_dummy_value()

        signature = types.void(*(whole,) * 10, number, whole, whole)
        return signature, codegen

    return call
