"""Models of NVIDIA's libraries: the same functions on host memory, from the libraries' documentation, behind the same seam."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import ml_dtypes
import numpy as np

from hotplug.backends.cuda.emulator.driver import EmulatedDriver
from hotplug.backends.cuda.libraries import TABLES, Library
from hotplug.runtime import Runtime

NDArray = np.ndarray[Any, Any]
TYPES: dict[int, Any] = {
    0: np.float32, 1: np.float64, 2: np.float16, 4: np.complex64, 5: np.complex128, 14: ml_dtypes.bfloat16,
}  # fmt: skip
"""cudaDataType_t."""
LETTERS: dict[str, Any] = {"S": np.float32, "D": np.float64, "C": np.complex64, "Z": np.complex128}
STREAM = 0
"""The emulator's."""


class Model(Library):
    """Finds the method of a function's name; every argument is an integer, and there are as many as the table says."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.calls: list[str] = []
        self._objects: dict[int, Any] = {}

    def call(self, function: str, *arguments: int) -> int:
        letters = TABLES[self.name][function]
        assert len(arguments) == len(letters), f"{function}: {len(arguments)} arguments, expected {len(letters)}"
        for number, (letter, value) in enumerate(zip(letters, arguments, strict=True)):
            assert isinstance(value, int), f"{function}: argument {number} is {value!r}, not an int"
            low, high = {"i": (-(1 << 31), 1 << 31), "c": (0, 128), "l": (-(1 << 63), 1 << 63)}.get(
                letter, (0, 1 << 64)
            )
            assert low <= value < high, f"{function}: argument {number} is {value}, which {letter!r} can't hold"
        self.calls.append(function)
        return int(self.run(function, *arguments) or 0)

    def run(self, function: str, *arguments: int) -> int | None:
        """The function itself; by default the method of this name."""
        status: int | None = getattr(self, function)(*arguments)
        return status

    def made(self, cell: int, thing: Any) -> None:
        """Write the handle of a new object to a cell."""
        handle = 0x1000 + len(self._objects)
        self._objects[handle] = thing
        ctypes.c_void_p.from_address(cell).value = handle

    def of(self, handle: int, kind: Any) -> Any:
        """The object of a handle, which must be of this type."""
        found = self._objects[handle]
        assert isinstance(found, kind), f"{handle:#x} is a {type(found).__name__}"
        return found


def matrix(address: int, kind: Any, rows: int, columns: int, leading: int) -> NDArray:
    """A matrix by columns in host memory."""
    kind = np.dtype(kind)
    assert address, "a null pointer"
    assert address % kind.itemsize == 0, "not aligned to its elements"
    assert leading >= max(rows, 1), f"leading dimension {leading} below {rows} rows"
    count = leading * max(columns - 1, 0) + rows
    flat = vector(address, kind, count)
    return np.ndarray((rows, columns), kind, flat, 0, (kind.itemsize, leading * kind.itemsize))


def vector(address: int, kind: Any, count: int) -> NDArray:
    """A row of numbers in host memory."""
    kind = np.dtype(kind)
    assert address, "a null pointer"
    memory = (ctypes.c_byte * max(count * kind.itemsize, 1)).from_address(address)
    return np.frombuffer(memory, np.uint8, count * kind.itemsize).view(kind)


def forget(runtime: Runtime) -> None:
    """Kernels remember what they call."""
    runtime._kernels.clear()
    runtime.plans.clear()


@contextmanager
def installed(runtime: Runtime, **models: Model) -> Iterator[None]:
    """The emulated device with models for libraries, by name."""

    def library(self: EmulatedDriver, name: str) -> Any:
        return models.get(name)

    before = EmulatedDriver.library
    EmulatedDriver.library = library  # type: ignore[method-assign]
    forget(runtime)
    try:
        yield
    finally:
        EmulatedDriver.library = before  # type: ignore[method-assign]
        forget(runtime)
