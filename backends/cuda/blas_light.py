"""cuBLASLt: a product of matrices with what is done to its elements, its algorithm chosen once for each form.

It counts matrices by columns, so it is asked for the transposed product, ``out^T = weight @ input^T``: a row of our output is
a column of its own, and the bias, one number for each of its rows, is added along ours.
"""

from __future__ import annotations

import ctypes
import weakref
from collections import OrderedDict
from typing import Any, Final, NamedTuple, final

from hotplug.backends.cuda.blas import DOUBLE, FLOAT, TF32, TYPES, tf32
from hotplug.backends.cuda.device import Device
from hotplug.backends.cuda.libraries import Library, library_of

EPILOGUES: Final = {"": 1, "relu": 2, "gelu_tanh": 32}
"""cublasLtEpilogue_t; cuBLASLt's gelu is the one by tanh."""
BIAS: Final = 4
KEEP: Final = 128
"""Added to an epilogue: a bias, or what the activation was given, kept beside (for gelu)."""
WORKSPACE: Final = 32 << 20
"""Bytes that an algorithm may ask for."""
_MOST_FORMS: Final = 1024
_MOST_ALIGNED: Final = 256
_ALGORITHM: Final = 64
"""Bytes of a cublasLtMatmulAlgo_t; behind them in a result come the workspace's size and the status."""
_ROUND: Final = 8
"""Elements of which the kept matrix's columns must be a multiple."""

# Attributes of descriptors, as cublasLt.h numbers them.
_TRANSPOSED_A, _EPILOGUE, _BIAS_PLACE, _KEPT_PLACE, _KEPT_LEADING = 3, 7, 8, 11, 12
_WORKSPACE_BYTES, _ALIGNED_A, _ALIGNED_B, _ALIGNED_C, _ALIGNED_D = 1, 5, 6, 7, 8


class Result(ctypes.Structure):
    """cublasLtMatmulHeuristicResult_t."""

    _fields_ = [
        ("algorithm", ctypes.c_byte * _ALGORITHM), ("workspace", ctypes.c_size_t), ("state", ctypes.c_int),
        ("waves", ctypes.c_float), ("reserved", ctypes.c_int * 4),
    ]  # fmt: skip


class Form(NamedTuple):
    """What an algorithm is chosen for."""

    kind: str
    rows: int
    columns: int
    deep: int
    activation: str
    biased: bool
    keeps: bool
    tf32: bool
    aligned: tuple[int, ...]
    """Bytes to which weight, input, output, bias and what is kept are aligned."""


class Places(NamedTuple):
    """Addresses; 0 where there is none."""

    weight: int
    input: int
    out: int
    bias: int
    kept: int


class _Chosen(NamedTuple):
    """The descriptors of a form, and the algorithm."""

    operation: int
    weight: int
    input: int
    out: int
    result: Result


def _aligned(place: int) -> int:
    return min(place & -place, _MOST_ALIGNED) if place else _MOST_ALIGNED


def form_of(kind: str, sizes: tuple[int, int, int], activation: str, places: Places) -> Form:
    """The form of a linear layer ``(rows, deep) @ (columns, deep)^T``."""
    rounded = kind == "float32" and tf32()
    aligned = tuple([_aligned(place) for place in places])
    return Form(kind, *sizes, activation, bool(places.bias), bool(places.kept), rounded, aligned)


@final
class Light:
    """cuBLASLt on one device; the caller holds the device's lock."""

    def __init__(self, device: Device) -> None:
        self._device: Final = device
        self._handle = 0
        self._chosen: Final[OrderedDict[Form, _Chosen | None]] = OrderedDict()
        single, double = (ctypes.c_float * 2)(1.0, 0.0), (ctypes.c_double * 2)(1.0, 0.0)
        self._numbers: Final = {
            kind: ((double, 8) if kind == "float64" else (single, 4))
            for kind in TYPES
            if not kind.startswith("complex")
        }
        """One and zero, in the type that is computed with."""

    def workspace(self, form: Form) -> int | None:
        """Bytes that a product needs; ``None`` where cuBLASLt has no algorithm for the form."""
        chosen = self._prepared(form)
        return None if chosen is None else int(chosen.result.workspace)

    def product(self, form: Form, places: Places, workspace: int) -> None:
        """Queue a product whose workspace was asked for."""
        library, chosen = library_of(self._device, "cublasLt"), self._prepared(form)
        assert chosen is not None
        self._point(library, chosen.operation, places)
        pair, size = self._numbers[form.kind]
        one = ctypes.addressof(pair)
        library.do(
            "cublasLtMatmul", self._handle, chosen.operation, one, places.weight, chosen.weight, places.input, chosen.input,
            one + size, places.out, chosen.out, places.out, chosen.out, ctypes.addressof(chosen.result), workspace,
            chosen.result.workspace, self._device.driver.stream,
        )  # fmt: skip

    def _prepared(self, form: Form) -> _Chosen | None:
        if form not in self._chosen:
            library = library_of(self._device, "cublasLt")
            if library is None:  # switched off in between
                return None
            if len(self._chosen) >= _MOST_FORMS:
                _, oldest = self._chosen.popitem(last=False)
                if oldest is not None:
                    _destroy(library, oldest[:4])
            self._chosen[form] = self._choose(library, form)
        return self._chosen[form]

    @staticmethod
    def _point(library: Library, operation: int, places: Places) -> None:
        for attribute, place in ((_BIAS_PLACE, places.bias), (_KEPT_PLACE, places.kept)):
            if place:
                _set(library, "MatmulDesc", operation, attribute, ctypes.c_void_p(place))

    def _choose(self, library: Library, form: Form) -> _Chosen | None:
        if form.activation not in EPILOGUES or (form.keeps and form.columns % _ROUND):
            return None
        if not self._handle:
            self._handle = _made(library, "cublasLtCreate")
        kind = TYPES[form.kind]
        m, n, k = form.columns, form.rows, form.deep
        operation = self._operation(library, form)
        weight, input_, out = (
            _made(library, "cublasLtMatrixLayoutCreate", kind, rows, columns, rows)
            for rows, columns in ((k, m), (k, n), (m, n))
        )
        result = self._asked(library, form, (operation, weight, input_, out, out))
        if result is None:
            _destroy(library, (operation, weight, input_, out))
            return None
        return _Chosen(operation, weight, input_, out, result)

    @staticmethod
    def _operation(library: Library, form: Form) -> int:
        compute = DOUBLE if form.kind == "float64" else TF32 if form.tf32 else FLOAT
        scale = TYPES["float64" if form.kind == "float64" else "float32"]
        operation = _made(library, "cublasLtMatmulDescCreate", compute, scale)
        epilogue = EPILOGUES[form.activation] + BIAS * form.biased + KEEP * form.keeps
        epilogue -= form.biased and form.activation == ""  # BIAS stands alone there: 4, not 1 + 4
        _set(library, "MatmulDesc", operation, _TRANSPOSED_A, ctypes.c_int32(1))
        _set(library, "MatmulDesc", operation, _EPILOGUE, ctypes.c_uint32(epilogue))
        if form.keeps:
            _set(library, "MatmulDesc", operation, _KEPT_LEADING, ctypes.c_int64(form.columns))
        # The heuristic reads no more of these addresses than how they are aligned.
        Light._point(library, operation, Places(0, 0, 0, form.biased * form.aligned[3], form.keeps * form.aligned[4]))
        return operation

    def _asked(self, library: Library, form: Form, descriptors: tuple[int, ...]) -> Result | None:
        preference = _made(library, "cublasLtMatmulPreferenceCreate")
        _set(library, "MatmulPreference", preference, _WORKSPACE_BYTES, ctypes.c_size_t(WORKSPACE))
        weight, input_, out = form.aligned[:3]
        for attribute, bytes_ in ((_ALIGNED_A, weight), (_ALIGNED_B, input_), (_ALIGNED_C, out), (_ALIGNED_D, out)):
            _set(library, "MatmulPreference", preference, attribute, ctypes.c_uint32(bytes_))
        result, count = Result(), ctypes.c_int(0)
        status = library.call(
            "cublasLtMatmulAlgoGetHeuristic", self._handle, *descriptors, preference, 1, ctypes.addressof(result),
            ctypes.addressof(count),
        )  # fmt: skip
        library.do("cublasLtMatmulPreferenceDestroy", preference)
        return None if status or not count.value or result.state else result


_KNOWN: Final[weakref.WeakKeyDictionary[Device, tuple[Any, Light]]] = weakref.WeakKeyDictionary()


def light_of(device: Device) -> Light | None:
    """cuBLASLt for a device: one handle and one table of algorithms; ``None`` where there is none, or it is switched off."""
    library, found = library_of(device, "cublasLt"), _KNOWN.get(device)
    if library is None:
        return None
    if found is None or found[0] is not library:
        found = _KNOWN[device] = (library, Light(device))
    return found[1]


def _made(library: Library, function: str, *arguments: int) -> int:
    """A handle that a function writes to its first argument."""
    cell = ctypes.c_void_p(0)
    library.do(function, ctypes.addressof(cell), *arguments)
    return int(cell.value or 0)


def _destroy(library: Library, descriptors: tuple[int, ...]) -> None:
    """Give back an operation and its three layouts."""
    library.do("cublasLtMatmulDescDestroy", descriptors[0])
    for each in descriptors[1:]:
        library.do("cublasLtMatrixLayoutDestroy", each)


def _set(library: Library, what: str, descriptor: int, attribute: int, value: Any) -> None:
    library.do(
        f"cublasLt{what}SetAttribute", descriptor, attribute, ctypes.addressof(value), ctypes.sizeof(value)
    )  # fmt: skip
