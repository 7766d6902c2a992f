"""Models of cuSOLVER and cuBLAS: dense routines on host memory, from LAPACK by way of SciPy."""

from __future__ import annotations

import ctypes
import re
from typing import Any

import numpy as np
import scipy.linalg
from cuda_library import LETTERS, STREAM, TYPES, Model, matrix, vector
from scipy.linalg import lapack

from hotplug.backends.cuda.libraries import TABLES

NAME = re.compile(r"(?:cusolverDn|cublas)([SDCZ])([a-z]\w*)")
LIMIT = 32
"""Rows of the batched routines by Jacobi's method."""


class Dense(Model):
    """Routines with a letter for the dtype; a workspace is as large as was said, and is overwritten."""

    needed = 24

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.stream: int | None = None

    def run(self, function: str, *arguments: int) -> int | None:
        found = NAME.fullmatch(function)
        if found is None or hasattr(self, function):
            return super().run(function, *arguments)
        assert self.stream == STREAM, "no stream was set"
        handle, *rest = arguments
        self.of(handle, str)
        kind = np.dtype(LETTERS[found[1]])
        if found[2].endswith("_bufferSize"):
            self._size(found[2], rest)
            return None
        answer: int | None = getattr(self, found[2])(kind, *rest)
        return answer

    def _size(self, name: str, arguments: list[int]) -> None:
        place = arguments[-3] if "Batched" in name else arguments[-1]
        ctypes.c_int.from_address(place).value = self.needed

    def _work(self, kind: Any, place: int, length: int | None = None) -> None:
        assert length in (None, self.needed)
        vector(place, np.uint8, self.needed * kind.itemsize)[:] = 171

    def _create(self, cell: int) -> None:
        self.made(cell, "handle")

    def _follow(self, handle: int, stream: int) -> None:
        self.of(handle, str)
        self.stream = stream


def _info(place: int, value: Any) -> None:
    vector(place, np.int32, 1)[0] = int(value)


def _each(places: int, count: int) -> list[int]:
    return [int(each) for each in vector(places, np.uint64, count)]


def _of(routine: str, like: Any) -> Any:
    return lapack.get_lapack_funcs(routine, (like,))


class ModelOfSolver(Dense):
    """cuSOLVER."""

    def __init__(self) -> None:
        super().__init__("cusolver")

    cusolverDnCreate = cusolverDnCreateSyevjInfo = cusolverDnCreateGesvdjInfo = Dense._create  # noqa: N815
    cusolverDnCreateParams = Dense._create  # noqa: N815
    cusolverDnSetStream = Dense._follow  # noqa: N815

    def potrf(self, kind: Any, side: int, n: int, a: int, leading: int, work: int, length: int, info: int) -> None:
        self._work(kind, work, length)
        self._factor(kind, side, n, a, leading, info)

    def potrfBatched(self, kind: Any, side: int, n: int, places: int, leading: int, infos: int, count: int) -> None:  # noqa: N802
        for each, place in enumerate(_each(places, count)):
            self._factor(kind, side, n, place, leading, infos + 4 * each)

    @staticmethod
    def _factor(kind: Any, side: int, n: int, a: int, leading: int, info: int) -> None:
        whole = matrix(a, kind, n, n, leading)
        factor, found = _of("potrf", whole)(whole, lower=not side, clean=0)
        whole[...] = factor
        _info(info, found)

    def getrf(self, kind: Any, m: int, n: int, a: int, leading: int, work: int, pivots: int, info: int) -> None:
        self._work(kind, work)
        factored(kind, m, n, a, leading, pivots, info)

    def getrs(
        self, kind: Any, turned: int, n: int, k: int, a: int, leading: int, pivots: int, b: int, below: int, info: int
    ) -> None:
        solved(kind, turned, n, k, a, leading, pivots, b, below)
        _info(info, 0)

    def geqrf(
        self, kind: Any, m: int, n: int, a: int, leading: int, tau: int, work: int, length: int, info: int
    ) -> None:
        self._work(kind, work, length)
        whole = matrix(a, kind, m, n, leading)
        packed, taus, _, found = _of("geqrf", whole)(whole)
        whole[...], vector(tau, kind, min(m, n))[:] = packed, taus
        _info(info, found)

    def orgqr(
        self, kind: Any, m: int, n: int, k: int, a: int, leading: int, tau: int, work: int, length: int, info: int
    ) -> None:
        assert m >= n >= k
        self._work(kind, work, length)
        whole = matrix(a, kind, m, n, leading)
        name = "ungqr" if kind.kind == "c" else "orgqr"
        q, _, found = _of(name, whole)(whole, vector(tau, kind, k))
        whole[...] = q
        _info(info, found)

    ungqr = orgqr

    def syevd(
        self, kind: Any, vectors: int, side: int, n: int, a: int, leading: int, values: int, work: int, length: int,
        info: int,
    ) -> None:  # fmt: skip
        self._work(kind, work, length)
        self._hermitian(kind, vectors, side, n, a, leading, values, info)

    def syevjBatched(  # noqa: N802
        self, kind: Any, vectors: int, side: int, n: int, a: int, leading: int, values: int, work: int, length: int,
        infos: int, parameters: int, count: int,
    ) -> None:  # fmt: skip
        assert n <= LIMIT
        self.of(parameters, str)
        self._work(kind, work, length)
        real = kind.type(0).real.dtype.itemsize
        for each in range(count):
            place = a + each * leading * n * kind.itemsize
            self._hermitian(kind, vectors, side, n, place, leading, values + each * n * real, infos + 4 * each)

    heevd, heevjBatched = syevd, syevjBatched  # noqa: N815

    @staticmethod
    def _hermitian(kind: Any, vectors: int, side: int, n: int, a: int, leading: int, values: int, info: int) -> None:
        whole, real = matrix(a, kind, n, n, leading), kind.type(0).real.dtype
        if not np.isfinite(whole).all():
            _info(info, 3)
            return
        w, v = np.linalg.eigh(whole, "U" if side else "L")
        vector(values, real, n)[:] = w
        whole[...] = v if vectors else np.nan
        _info(info, 0)

    def gesvd(
        self, kind: Any, left: int, right: int, m: int, n: int, a: int, leading: int, values: int, u: int, below_u: int,
        vt: int, below_vt: int, work: int, length: int, real_work: int, info: int,
    ) -> None:  # fmt: skip
        assert m >= n, "gesvd supports only tall matrices"
        assert left == right
        self._work(kind, work, length)
        whole, real = matrix(a, kind, m, n, leading), kind.type(0).real.dtype
        vector(real_work, real, n - 1)[:] = 9
        found = np.linalg.svd(whole, left == ord("A"))
        vector(values, real, n)[:] = found[1]
        if left != ord("N"):
            matrix(u, kind, m, found[0].shape[1], below_u)[...] = found[0]
            matrix(vt, kind, n, n, below_vt)[...] = found[2]
        whole[...] = np.nan
        _info(info, 0)

    def gesvdjBatched(  # noqa: N802
        self, kind: Any, vectors: int, m: int, n: int, a: int, leading: int, values: int, u: int, below_u: int, v: int,
        below_v: int, work: int, length: int, infos: int, parameters: int, count: int,
    ) -> None:  # fmt: skip
        assert max(m, n) <= LIMIT
        self.of(parameters, str)
        self._work(kind, work, length)
        real, size = kind.type(0).real.dtype, kind.itemsize
        for each in range(count):
            found = np.linalg.svd(matrix(a + each * leading * n * size, kind, m, n, leading), True)
            vector(values, real, count * min(m, n))[each * min(m, n) :][: min(m, n)] = found[1]
            if vectors:
                matrix(u + each * below_u * m * size, kind, m, m, below_u)[...] = found[0]
                matrix(v + each * below_v * n * size, kind, n, n, below_v)[...] = found[2].conj().T
            _info(infos + 4 * each, 0)

    def cusolverDnXgeev_bufferSize(self, handle: int, *rest: int) -> None:  # noqa: N802
        ctypes.c_size_t.from_address(rest[-2]).value, ctypes.c_size_t.from_address(rest[-1]).value = 96, 40

    def cusolverDnXgeev(  # noqa: N802
        self, handle: int, parameters: int, left: int, right: int, n: int, a_kind: int, a: int, leading: int, w_kind: int,
        w: int, vl_kind: int, vl: int, below_vl: int, vr_kind: int, vr: int, below_vr: int, compute: int, work: int,
        length: int, beside: int, beside_length: int, info: int,
    ) -> None:  # fmt: skip
        assert (length, beside_length, left) == (96, 40, 0)
        assert a_kind == vl_kind == vr_kind == compute
        vector(work, np.uint8, 96)[:] = vector(beside, np.uint8, 40)[0] = 7
        kind, whole = np.dtype(TYPES[a_kind]), np.dtype(TYPES[w_kind])
        assert whole.kind == "c"
        given = matrix(a, kind, n, n, leading)
        if kind.kind == "c":
            values, _, vectors, found = _of("geev", given)(given, compute_vl=0)
        else:
            real, turn, _, vectors, found = _of("geev", given)(given, compute_vl=0)
            values = real + 1j * turn
        vector(w, whole, n)[:] = values
        if right:
            matrix(vr, kind, n, n, below_vr)[...] = vectors
        _info(info, found)


class ModelOfBlas(Dense):
    """cuBLAS: triangles, and batches of small systems."""

    def __init__(self) -> None:
        super().__init__("cublas")

    cublasCreate_v2 = Dense._create  # noqa: N815
    cublasSetStream_v2 = Dense._follow  # noqa: N815

    def trsm_v2(
        self, kind: Any, side: int, half: int, turned: int, unit: int, m: int, n: int, alpha: int, a: int, leading: int,
        b: int, below: int,
    ) -> None:  # fmt: skip
        assert (side, turned) == (1, 0)
        assert vector(alpha, kind, 1)[0] == 1
        triangle, right = matrix(a, kind, n, n, leading), matrix(b, kind, m, n, below)
        found = scipy.linalg.solve_triangular(triangle.T, right.T, lower=bool(half), unit_diagonal=bool(unit))
        right[...] = found.T

    def trsmBatched(self, kind: Any, *rest: int) -> None:  # noqa: N802
        *form, alpha, a, leading, b, below, count = rest
        for left, right in zip(_each(a, count), _each(b, count), strict=True):
            self.trsm_v2(kind, *form, alpha, left, leading, right, below)

    def getrfBatched(self, kind: Any, n: int, places: int, leading: int, pivots: int, infos: int, count: int) -> None:  # noqa: N802
        for each, place in enumerate(_each(places, count)):
            factored(kind, n, n, place, leading, pivots + 4 * n * each, infos + 4 * each)

    def getrsBatched(  # noqa: N802
        self, kind: Any, turned: int, n: int, k: int, a: int, leading: int, pivots: int, b: int, below: int, info: int,
        count: int,
    ) -> None:  # fmt: skip
        for each, (left, right) in enumerate(zip(_each(a, count), _each(b, count), strict=True)):
            solved(kind, turned, n, k, left, leading, pivots + 4 * n * each, right, below)
        ctypes.c_int.from_address(info).value = 0


def factored(kind: Any, m: int, n: int, a: int, leading: int, pivots: int, info: int) -> None:
    """getrf."""
    whole = matrix(a, kind, m, n, leading)
    packed, found, code = _of("getrf", whole)(whole)
    whole[...], vector(pivots, np.int32, min(m, n))[:] = packed, found + 1
    _info(info, code)


def solved(kind: Any, turned: int, n: int, k: int, a: int, leading: int, pivots: int, b: int, below: int) -> None:
    """getrs."""
    whole, right = matrix(a, kind, n, n, leading), matrix(b, kind, n, k, below)
    with np.errstate(all="ignore"):
        found, _ = _of("getrs", whole)(whole, vector(pivots, np.int32, n) - 1, right, trans=turned)
    right[...] = found


assert set(TABLES) >= {"cublas", "cusolver"}
