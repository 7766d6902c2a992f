"""Linear algebra by cuSOLVER and cuBLAS, with LAPACK's conventions: the calls, one method for each routine.

The libraries count matrices by columns.  A few small matrices of a batch are given to the batched routines, larger ones one
after the other; no call waits for the device, but for the decompositions that may fail to converge.
"""

from __future__ import annotations

import ctypes
import weakref
from typing import Any, Final, final

import numpy as np

from hotplug.backends.cuda.device import Device
from hotplug.backends.cuda.libraries import Library, library_of
from hotplug.backends.cuda.solver_memory import Copies, Room, View, elements
from hotplug.dtypes import dtype
from hotplug.errors import LinAlgError

LETTERS: Final = {"float32": "S", "float64": "D", "complex64": "C", "complex128": "Z"}
TYPES: Final = {"float32": 0, "float64": 1, "complex64": 4, "complex128": 5}
"""cudaDataType_t."""
SMALL: Final = 128
"""Rows of matrices that the batched routines of LU, Cholesky and triangles take."""
TINY: Final = 32
"""Rows and columns of matrices that the batched routines by Jacobi's method take."""
_LOWER, _UPPER, _RIGHT, _NO_VECTORS, _VECTORS = 0, 1, 1, 0, 1


@final
class Solver:
    """The routines for one dtype on one device.  Their addresses are of dense matrices by columns."""

    def __init__(self, device: Device, kind: dtype) -> None:
        self.device: Final = device
        self.kind: Final = kind
        self.letter: Final = LETTERS[kind.name]
        self.copy: Final = Copies(device, kind)
        self._one: Final = np.array([1], kind.numpy)

    @property
    def itemsize(self) -> int:
        return self.kind.itemsize

    def library(self, name: str) -> tuple[Library, int]:
        """A library and its handle for the device's stream."""
        return _handle(self.device, name)

    def solver(self, function: str, *arguments: int) -> None:
        """A call of cuSOLVER, by the name behind the letter of the dtype."""
        with self.device.lock:
            library, handle = self.library("cusolver")
            library.do(f"cusolverDn{self.letter}{function}", handle, *arguments)

    def blas(self, function: str, *arguments: int) -> None:
        """A call of cuBLAS."""
        with self.device.lock:
            library, handle = self.library("cublas")
            library.do(f"cublas{self.letter}{function}", handle, *arguments)

    def work(self, room: Room, function: str, *arguments: int) -> tuple[int, int]:
        """Workspace of the size that a routine asks for, and how many elements that is."""
        size = ctypes.c_int(0)
        self.solver(f"{function}_bufferSize", *arguments, ctypes.addressof(size))
        return room.take(size.value * self.itemsize), size.value

    def pointers(self, room: Room, first: int, step: int, count: int) -> int:
        """The address of an array of addresses, ``step`` bytes apart."""
        place = room.take(8 * count)
        listed = first + step * np.arange(count, dtype=np.uint64)
        with self.device.lock:
            self.device.driver.write(place, listed.data.cast("B"))
        return place

    def zero(self, address: int, nbytes: int) -> None:
        """Write zeros."""
        with self.device.lock:
            self.device.driver.write(address, memoryview(bytes(nbytes)))

    # --- factors ------------------------------------------------------------------------------------------------------

    def cholesky(self, room: Room, a: View, infos: int) -> None:
        """The upper factor of matrices by columns, in place: read by rows, that is the lower factor of the same matrix."""
        n, count = a.shape[-1], elements(a.shape[:-2])
        size = n * n * self.itemsize
        if count > 1 and n <= SMALL:
            self.solver("potrfBatched", _UPPER, n, self.pointers(room, a.address, size, count), n, infos, count)
            return
        work, length = self.work(room, "potrf", _UPPER, n, a.address, n)
        for each in range(count):
            self.solver("potrf", _UPPER, n, a.address + each * size, n, work, length, infos + 4 * each)

    def lu(self, room: Room, a: View, pivots: int, infos: int) -> None:
        """The factors of matrices by columns, in place."""
        (m, n), count = a.shape[-2:], elements(a.shape[:-2])
        size, steps = m * n * self.itemsize, min(m, n)
        if count > 1 and m == n <= SMALL:
            self.blas("getrfBatched", n, self.pointers(room, a.address, size, count), n, pivots, infos, count)
            return
        work, _ = self.work(room, "getrf", m, n, a.address, m)
        for each in range(count):
            self.solver(
                "getrf", m, n, a.address + each * size, m, work, pivots + 4 * steps * each, infos + 4 * each
            )  # fmt: skip

    def solve(self, room: Room, a: View, pivots: int, b: View) -> None:
        """Solutions in place of right sides by columns, with the factors of :meth:`lu`."""
        (n, k), count = b.shape[-2:], elements(b.shape[:-2])
        sizes = (n * n * self.itemsize, n * k * self.itemsize)
        if count > 1 and n <= SMALL:
            left, right = (
                self.pointers(room, each.address, size, count) for each, size in zip((a, b), sizes, strict=True)
            )
            info = ctypes.c_int(0)  # on the host, and of the arguments only
            self.blas("getrsBatched", 0, n, k, left, n, pivots, right, n, ctypes.addressof(info), count)
            return
        info_place = room.take(4)
        for each in range(count):
            places = (a.address + each * sizes[0], b.address + each * sizes[1])
            self.solver("getrs", 0, n, k, places[0], n, pivots + 4 * n * each, places[1], n, info_place)

    def triangle(self, room: Room, a: View, b: View, upper: bool, unit: bool) -> None:
        """``X`` with ``A @ X = B`` in place of B, both in C order: by columns that is ``X^T @ A^T = B^T``."""
        (n, k), count = b.shape[-2:], elements(b.shape[:-2])
        sizes = (n * n * self.itemsize, n * k * self.itemsize)
        form = (_RIGHT, _LOWER if upper else _UPPER, 0, int(unit), k, n, self._one.ctypes.data)
        if count > 1 and n <= SMALL:
            left, right = (
                self.pointers(room, each.address, size, count) for each, size in zip((a, b), sizes, strict=True)
            )
            self.blas("trsmBatched", *form, left, n, right, k, count)
            return
        for each in range(count):
            self.blas("trsm_v2", *form, a.address + each * sizes[0], n, b.address + each * sizes[1], k)

    def reflections(self, room: Room, a: View, taus: int) -> None:
        """QR factors in place, as reflections."""
        (m, n), count = a.shape[-2:], elements(a.shape[:-2])
        work, length = self.work(room, "geqrf", m, n, a.address, m)
        info = room.take(4)
        for each in range(count):
            tau = taus + each * min(m, n) * self.itemsize
            self.solver("geqrf", m, n, a.address + each * m * n * self.itemsize, m, tau, work, length, info)

    def unitary(self, room: Room, q: View, step: int, taus: int, count_of_taus: int) -> None:
        """The first columns of the product of reflections, in place; matrices are ``step`` bytes apart."""
        m, n = q.shape[-2:]
        k = min(n, count_of_taus)
        name = "ungqr" if self.kind.kind == "c" else "orgqr"
        work, length = self.work(room, name, m, n, k, q.address, m, taus)
        info = room.take(4)
        for each in range(elements(q.shape[:-2])):
            tau = taus + each * count_of_taus * self.itemsize
            self.solver(name, m, n, k, q.address + each * step, m, tau, work, length, info)

    # --- decompositions that iterate ----------------------------------------------------------------------------------

    def hermitian(self, room: Room, a: View, values: int, upper: bool, vectors: bool) -> None:
        """Ascending eigenvalues, and the eigenvectors in place of the matrices."""
        n, count = a.shape[-1], elements(a.shape[:-2])
        mode, side = int(vectors), _UPPER if upper else _LOWER
        real, infos = self.kind.real.itemsize, room.take(4 * count)
        prefix = "he" if self.kind.kind == "c" else "sy"
        if count > 1 and n <= TINY:
            parameters = self._parameters("Syevj")
            form = (mode, side, n, a.address, n, values)
            work, length = self._jacobi(room, f"{prefix}evjBatched", (*form,), parameters, count)
            self.solver(f"{prefix}evjBatched", *form, work, length, infos, parameters, count)
        else:
            work, length = self.work(room, f"{prefix}evd", mode, side, n, a.address, n, values)
            for each in range(count):
                place = a.address + each * n * n * self.itemsize
                self.solver(
                    f"{prefix}evd", mode, side, n, place, n, values + each * n * real, work, length, infos + 4 * each
                )
        self.check("eigh", infos, count)

    def _parameters(self, kind: str) -> int:
        with self.device.lock:
            library, _ = self.library("cusolver")
            return _created(self.device, library, f"cusolverDnCreate{kind}Info")

    def _jacobi(self, room: Room, function: str, form: tuple[int, ...], parameters: int, count: int) -> tuple[int, int]:
        size = ctypes.c_int(0)
        self.solver(f"{function}_bufferSize", *form, ctypes.addressof(size), parameters, count)
        return room.take(size.value * self.itemsize), size.value

    def singular(self, room: Room, a: View, values: int, u: View | None, vh: View | None, full: bool) -> None:
        """Descending singular values of matrices by columns with at least as many rows; U and V^H by columns."""
        (m, n), count = a.shape[-2:], elements(a.shape[:-2])
        job = ord("N" if u is None else "A" if full else "S")
        size = ctypes.c_int(0)
        self.solver("gesvd_bufferSize", m, n, ctypes.addressof(size))
        work, infos = room.take(size.value * self.itemsize), room.take(4 * count)
        real = room.take(n * self.kind.real.itemsize)
        for each in range(count):
            places = [
                0 if view is None else view.address + each * elements(view.shape[-2:]) * self.itemsize
                for view in (a, u, vh)
            ]
            self.solver(
                "gesvd", job, job, m, n, places[0], m, values + each * n * self.kind.real.itemsize, places[1], m,
                places[2], n, work, size.value, real, infos + 4 * each,
            )  # fmt: skip
        self.check("svd", infos, count)

    def tiny_singular(self, room: Room, a: View, values: int, u: int, v: int, vectors: bool) -> None:
        """The same by Jacobi's method, of many tiny matrices of any form; whole U and V (not its adjoint) by columns."""
        (m, n), count = a.shape[-2:], elements(a.shape[:-2])
        parameters, infos = self._parameters("Gesvdj"), room.take(4 * count)
        form = (int(vectors), m, n, a.address, m, values, u, m, v, n)
        work, length = self._jacobi(room, "gesvdjBatched", form, parameters, count)
        self.solver("gesvdjBatched", *form, work, length, infos, parameters, count)
        self.check("svd", infos, count)

    def general(self, room: Room, a: View, values: int, vectors: int, wanted: bool) -> None:
        """Complex eigenvalues, and right eigenvectors by columns: of real matrices in pairs, as LAPACK's geev packs them."""
        n, count = a.shape[-1], elements(a.shape[:-2])
        own, whole = TYPES[self.kind.name], TYPES[self.kind.to_complex().name]
        step, infos = n * n * self.itemsize, room.take(4 * count)
        on_device, on_host = ctypes.c_size_t(0), ctypes.c_size_t(0)
        with self.device.lock:
            library, handle = self.library("cusolver")
            parameters = _created(self.device, library, "cusolverDnCreateParams")

        def form(each: int) -> tuple[int, ...]:
            place = vectors + each * step
            return (
                parameters, _NO_VECTORS, int(wanted), n, own, a.address + each * step, n, whole,
                values + each * n * self.kind.to_complex().itemsize, own, place, n, own, place, n, own,
            )  # fmt: skip

        with self.device.lock:
            sizes = (ctypes.addressof(on_device), ctypes.addressof(on_host))
            library.do("cusolverDnXgeev_bufferSize", handle, *form(0), *sizes)
        work, beside = room.take(on_device.value), ctypes.create_string_buffer(max(on_host.value, 1))
        for each in range(count):
            with self.device.lock:
                library.do(
                    "cusolverDnXgeev", handle, *form(each), work, on_device.value, ctypes.addressof(beside), on_host.value,
                    infos + 4 * each,
                )  # fmt: skip
        self.check("eig", infos, count)  # which also waits: the library writes to ``beside``

    def check(self, op: str, infos: int, count: int) -> None:
        """Wait for a decomposition, and look whether all of it converged.

        Raises:
            LinAlgError: it did not.
        """
        with self.device.lock:
            found = np.frombuffer(bytes(self.device.driver.read(infos, 4 * count)), np.int32)
        if found.any():
            first = int(found.astype(bool).argmax())
            raise LinAlgError(
                f"linalg.{op}: cuSOLVER gave up on matrix {first} (info {found[first]}): the input has elements that are "
                f"infinite or NaN, or too many equal eigenvalues; check it with isfinite()"
            )


_HANDLES: Final[weakref.WeakKeyDictionary[Device, dict[Any, int]]] = weakref.WeakKeyDictionary()
_CREATE: Final = {
    "cusolver": ("cusolverDnCreate", "cusolverDnSetStream"), "cublas": ("cublasCreate_v2", "cublasSetStream_v2"),
}  # fmt: skip


def _created(device: Device, library: Library, function: str) -> int:
    """What a function creates, once for each device and library."""
    known = _HANDLES.setdefault(device, {})
    key = (library, function)
    if key not in known:
        cell = ctypes.c_void_p(0)
        library.do(function, ctypes.addressof(cell))
        known[key] = int(cell.value or 0)
    return known[key]


def _handle(device: Device, name: str) -> tuple[Library, int]:
    library = library_of(device, name)
    create, follow = _CREATE[name]
    fresh = (library, create) not in _HANDLES.get(device, {})
    handle = _created(device, library, create)
    if fresh:
        library.do(follow, handle, device.driver.stream)
    return library, handle


def serves(device: Device, *functions: str) -> bool:
    """Whether both libraries are there, and cuSOLVER has these functions."""
    library = library_of(device, "cusolver")
    return library is not None and library_of(device, "cublas") is not None and all(map(library.has, functions))
