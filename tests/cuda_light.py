"""A model of cuBLASLt: descriptors with their attributes, heuristics, and products with epilogues on host memory."""

from __future__ import annotations

import ctypes
from typing import Any, NamedTuple

import numpy as np
from cuda_library import STREAM, TYPES, Model, matrix, vector

from hotplug.backends.cuda.blas_light import WORKSPACE, Result

NEEDED = 512
ACTIVATIONS: dict[str, Any] = {
    "relu": lambda x: np.where(x < 0, 0, x), "gelu_tanh":
    lambda x: 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))),
}  # fmt: skip


class Layout(NamedTuple):
    kind: int
    rows: int
    columns: int
    leading: int


class Operation:
    def __init__(self, compute: int, scale: int) -> None:
        self.compute, self.scale = compute, scale
        self.set: dict[int, int] = {}


class Preference:
    def __init__(self) -> None:
        self.set: dict[int, int] = {}


def _attribute(place: int, size: int) -> int:
    return int.from_bytes(ctypes.string_at(place, size), "little")


class ModelOfLight(Model):
    """cuBLASLt on host memory."""

    def __init__(self, refuses: bool = False) -> None:
        super().__init__("cublasLt")
        self.refuses = refuses
        self.products: list[tuple[int, int]] = []
        """Epilogue and compute type of every product."""

    def cublasLtCreate(self, cell: int) -> None:  # noqa: N802 - the library's names
        self.made(cell, "handle")

    def cublasLtMatmulDescCreate(self, cell: int, compute: int, scale: int) -> None:  # noqa: N802
        assert scale == {68: 0, 77: 0, 70: 1}[compute]
        self.made(cell, Operation(compute, scale))

    def cublasLtMatmulDescSetAttribute(self, handle: int, name: int, place: int, size: int) -> None:  # noqa: N802
        assert size == {3: 4, 7: 4, 8: 8, 11: 8, 12: 8}[name]
        self.of(handle, Operation).set[name] = _attribute(place, size)

    def cublasLtMatrixLayoutCreate(self, cell: int, kind: int, rows: int, columns: int, leading: int) -> None:  # noqa: N802
        assert leading >= rows > 0 < columns
        self.made(cell, Layout(kind, rows, columns, leading))

    def cublasLtMatmulPreferenceCreate(self, cell: int) -> None:  # noqa: N802
        self.made(cell, Preference())

    def cublasLtMatmulPreferenceSetAttribute(self, handle: int, name: int, place: int, size: int) -> None:  # noqa: N802
        assert size == {1: 8, 5: 4, 6: 4, 7: 4, 8: 4}[name]
        self.of(handle, Preference).set[name] = _attribute(place, size)

    def _destroy(self, handle: int) -> None:
        del self._objects[handle]
        self._objects[-len(self._objects) - handle] = None  # handles are numbered on

    cublasLtMatmulDescDestroy = cublasLtMatrixLayoutDestroy = cublasLtMatmulPreferenceDestroy = _destroy  # noqa: N815

    def cublasLtMatmulAlgoGetHeuristic(  # noqa: N802
        self, handle: int, operation: int, a: int, b: int, c: int, d: int, preference: int, wanted: int, results: int,
        found: int,
    ) -> int:  # fmt: skip
        self.of(handle, str)
        assert wanted == 1
        assert c == d
        asked, given = self.of(preference, Preference).set, self.of(operation, Operation).set
        assert asked[1] == WORKSPACE
        epilogue = given[7]
        if self.refuses or (epilogue & 128 and given[12] % 8):
            return 15
        for bit, name in ((4, 8), (128, 11)):
            assert bool(epilogue & bit) == bool(given.get(name))
        result = Result.from_address(results)
        aligned = bytes((each - 1) % 256 for each in (asked[5], asked[6], asked[8]))
        ctypes.memmove(result.algorithm, bytes([7]) + aligned, 4)
        result.workspace, result.state = NEEDED, 0
        ctypes.c_int.from_address(found).value = 1
        return 0

    def cublasLtMatmul(  # noqa: N802
        self, handle: int, operation: int, alpha: int, a: int, a_form: int, b: int, b_form: int, beta: int, c: int,
        c_form: int, d: int, d_form: int, algorithm: int, room: int, room_size: int, stream: int,
    ) -> None:  # fmt: skip
        self.of(handle, str)
        what, forms = self.of(operation, Operation), [self.of(each, Layout) for each in (a_form, b_form, d_form)]
        marks = ctypes.string_at(algorithm, 4)
        assert marks[0] == 7
        for mark, place in zip(marks[1:], (a, b, d), strict=True):
            assert place % (mark + 1) == 0, "less aligned than the algorithm was chosen for"
        assert (c, c_form, stream, room_size) == (d, d_form, STREAM, NEEDED)
        vector(room, np.uint8, room_size)[:] = 255
        scale = TYPES[what.scale]
        assert vector(alpha, scale, 1)[0] == 1
        assert vector(beta, scale, 1)[0] == 0
        wide = np.float64 if what.scale else np.float32
        left, right, out = (
            matrix(place, TYPES[form.kind], *form[1:]) for place, form in zip((a, b, d), forms, strict=True)
        )
        left = left.T if what.set[3] else left
        assert (left.shape[0], right.shape[1]) == out.shape
        assert left.shape[1] == right.shape[0]
        value = left.astype(wide) @ right.astype(wide)
        epilogue = what.set[7]
        if epilogue & 4:
            value += vector(what.set[8], out.dtype, out.shape[0]).astype(wide)[:, None]
        if epilogue & 128:
            matrix(what.set[11], out.dtype, *out.shape, what.set[12])[...] = value
        assert epilogue in (1, 4, 2, 6, 32, 36, 160, 164)
        for bit, name in ((2, "relu"), (32, "gelu_tanh")):
            value = ACTIVATIONS[name](value) if epilogue & bit else value
        out[...] = value
        self.products.append((epilogue, what.compute))
