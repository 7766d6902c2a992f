"""NVIDIA's libraries behind one seam: a library is a table of C functions, called by name with integers.

Addresses are integers too, whether they are of the device or of the host.  The tables below are all that is asked of the
libraries; a test compares them with NVIDIA's headers where these are installed.  In tests a model in Python stands behind
the same seam and computes what the library documents.

========  ===================================  ==========================
name      what it serves                       switched off by
========  ===================================  ==========================
cublas    products, small linear systems       ``HOTPLUG_CUDA_CUBLAS=0``
cublasLt  linear layers with their activation  ``HOTPLUG_CUDA_CUBLASLT=0``
cusolver  linear algebra                       ``HOTPLUG_CUDA_CUSOLVER=0``
cufft     Fourier transforms                   ``HOTPLUG_CUDA_CUFFT=0``
cudnn     convolution                          ``HOTPLUG_CUDA_CUDNN=0``
========  ===================================  ==========================
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import os
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any, Final, final

from hotplug.backends.cuda.device import Device
from hotplug.errors import DeviceError

NAMES: Final = ("cublas", "cublasLt", "cusolver", "cufft", "cudnn")
_OFF: Final = {name for name in NAMES if os.environ.get(f"HOTPLUG_CUDA_{name.upper()}", "1") == "0"}


class Library(ABC):
    """One library on one GPU."""

    name: str

    @abstractmethod
    def call(self, function: str, *arguments: int) -> int:
        """The status that a function returns; 0 is success."""

    def has(self, function: str) -> bool:
        """Whether the installed version has a function."""
        del function
        return True

    def do(self, function: str, *arguments: int) -> None:
        """A call that must succeed.

        Raises:
            DeviceError: it did not.
        """
        status = self.call(function, *arguments)
        if status:
            raise DeviceError(
                f"{self.name}: {function} failed with status {status}; HOTPLUG_CUDA_{self.name.upper()}=0 makes the device "
                f"do without this library"
            )


_LETTERS: Final[dict[str, Any]] = {
    "p": ctypes.c_void_p, "i": ctypes.c_int, "l": ctypes.c_int64, "z": ctypes.c_size_t, "c": ctypes.c_byte,
}  # fmt: skip


@final
class SharedLibrary(Library):
    """A library that the system has, with the functions of its table."""

    def __init__(self, name: str, path: str) -> None:
        loaded = ctypes.CDLL(path)
        self.name = name
        self.path: Final = path
        self._functions: Final = {}
        for function, letters in TABLES[name].items():
            found = getattr(loaded, function, None)
            if found is not None:
                found.argtypes = [_LETTERS[letter] for letter in letters]
                found.restype = ctypes.c_int
                self._functions[function] = found

    def has(self, function: str) -> bool:
        return function in self._functions

    def call(self, function: str, *arguments: int) -> int:
        found = self._functions.get(function)
        if found is None:
            raise DeviceError(
                f"{self.name}: the installed version has no function {function}; install a newer one, or set "
                f"HOTPLUG_CUDA_{self.name.upper()}=0"
            )
        return int(found(*arguments))


_LOADED: Final[dict[str, Any]] = {}


def load(name: str) -> Any:
    """A library of this computer, or ``None`` where it isn't installed; for cuDNN, the module of its frontend."""
    if name not in _LOADED:
        _LOADED[name] = None if _amd() else _frontend() if name == "cudnn" else _found(name)
    return _LOADED[name]


def _amd() -> bool:
    """Whether CuPy drives AMD's GPUs, for which the libraries are not, even if they are installed."""
    try:
        return bool(importlib.import_module("cupy.cuda.runtime").is_hip)
    except (AttributeError, ImportError):
        return False


def _frontend() -> Any:
    try:
        module = importlib.import_module("cudnn")
        return module if module.backend_version() and hasattr(module, "pygraph") else None
    except (AttributeError, ImportError, OSError, RuntimeError):  # as it says that there is no libcudnn
        return None


def _found(name: str) -> Library | None:
    try:
        finder = importlib.import_module("cuda.pathfinder")  # comes with CuPy, and knows where pip puts the libraries
        path = finder.load_nvidia_dynamic_lib(name).abs_path
        return None if path is None else SharedLibrary(name, path)
    except (ImportError, OSError, RuntimeError, ValueError):  # pathfinder's own errors are RuntimeErrors
        return None


def allowed(name: str) -> bool:
    """Whether a library is not switched off."""
    return name not in _OFF


def library_of(device: Device, name: str) -> Any:
    """A library for a device, which becomes the thread's current one; ``None`` where there is none or it is switched off."""
    return device.driver.library(name) if allowed(name) else None


@contextlib.contextmanager
def without(*names: str) -> Iterator[None]:
    """Switch libraries off for a block.  Kernels remember what they call: only new keys notice."""
    before = set(_OFF)
    _OFF.update(names)
    try:
        yield
    finally:
        _OFF.clear()
        _OFF.update(before)


def _for_each_letter(prefix: str, functions: Mapping[str, str], letters: str = "SDCZ") -> dict[str, str]:
    return {f"{prefix}{letter}{name}": form for letter in letters for name, form in functions.items()}


CUBLAS: Final = {
    "cublasCreate_v2": "p", "cublasSetStream_v2": "pp",
    **_for_each_letter("cublas", {
        "trsm_v2": "piiiiiippipi", "trsmBatched": "piiiiiippipii", "getrfBatched": "pipippi",
        "getrsBatched": "piiipippipi",
    }),
}  # fmt: skip
"""Of cuBLAS, what CuPy's own binding isn't asked for."""
CUBLASLT: Final = {
    "cublasLtCreate": "p", "cublasLtMatmulDescCreate": "pii", "cublasLtMatmulDescSetAttribute": "pipz",
    "cublasLtMatmulDescDestroy": "p", "cublasLtMatrixLayoutCreate": "pizzl", "cublasLtMatrixLayoutSetAttribute": "pipz",
    "cublasLtMatrixLayoutDestroy": "p", "cublasLtMatmulPreferenceCreate": "p",
    "cublasLtMatmulPreferenceSetAttribute": "pipz", "cublasLtMatmulPreferenceDestroy": "p",
    "cublasLtMatmulAlgoGetHeuristic": "pppppppipp", "cublasLtMatmul": "ppppppppppppppzp",
}  # fmt: skip
CUSOLVER: Final = {
    "cusolverDnCreate": "p", "cusolverDnSetStream": "pp", "cusolverDnCreateParams": "p",
    "cusolverDnCreateSyevjInfo": "p", "cusolverDnCreateGesvdjInfo": "p",
    **_for_each_letter("cusolverDn", {
        "potrf_bufferSize": "piipip", "potrf": "piipipip", "potrfBatched": "piipipi", "getrf_bufferSize": "piipip",
        "getrf": "piipippp", "getrs": "piiipippip", "geqrf_bufferSize": "piipip", "geqrf": "piipippip",
        "gesvd_bufferSize": "piip", "gesvd": "pcciipippipipipp", "gesvdjBatched_bufferSize": "piiipippipippi",
        "gesvdjBatched": "piiipippipipippi",
    }),
    **_for_each_letter("cusolverDn", {"orgqr_bufferSize": "piiipipp", "orgqr": "piiipippip"}, "SD"),
    **_for_each_letter("cusolverDn", {"ungqr_bufferSize": "piiipipp", "ungqr": "piiipippip"}, "CZ"),
    **_for_each_letter("cusolverDn", {
        "syevd_bufferSize": "piiipipp", "syevd": "piiipippip", "syevjBatched_bufferSize": "piiipipppi",
        "syevjBatched": "piiipippippi",
    }, "SD"),
    **_for_each_letter("cusolverDn", {
        "heevd_bufferSize": "piiipipp", "heevd": "piiipippip", "heevjBatched_bufferSize": "piiipipppi",
        "heevjBatched": "piiipippippi",
    }, "CZ"),
    "cusolverDnXgeev_bufferSize": "ppiiliplipipliplipp", "cusolverDnXgeev": "ppiiliplipipliplipzpzp",
}  # fmt: skip
CUFFT: Final = {
    "cufftCreate": "p", "cufftDestroy": "i", "cufftSetAutoAllocation": "ii", "cufftSetStream": "ip",
    "cufftSetWorkArea": "ip", "cufftMakePlanMany64": "iippllpllilp", "cufftExecC2C": "ippi", "cufftExecZ2Z": "ippi",
    "cufftExecR2C": "ipp", "cufftExecD2Z": "ipp", "cufftExecC2R": "ipp", "cufftExecZ2D": "ipp",
}  # fmt: skip
TABLES: Final[dict[str, Mapping[str, str]]] = {
    "cublas": CUBLAS, "cublasLt": CUBLASLT, "cusolver": CUSOLVER, "cufft": CUFFT,
}  # fmt: skip
"""Arguments by letters: ``p`` an address or handle, ``i`` int, ``l`` int64_t, ``z`` size_t, ``c`` char."""
