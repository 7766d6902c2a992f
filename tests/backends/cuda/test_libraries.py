"""The tables of NVIDIA's functions: as the headers declare them, and calls that fail."""

from __future__ import annotations

import _ctypes
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from hotplug.backends.cuda import libraries
from hotplug.backends.cuda.libraries import TABLES, SharedLibrary
from hotplug.errors import DeviceError

HEADERS = {"cublas": "cublas_api.h", "cublasLt": "cublasLt.h", "cusolver": "cusolverDn.h", "cufft": "cufft.h"}
SCALARS = {
    "int": "i", "int64_t": "l", "long long int": "l", "size_t": "z", "uint64_t": "z", "signed char": "c",
}  # fmt: skip
POINTERS = re.compile(
    r"Handle_t$|^cudaStream_t$|^cublasLt(MatmulDesc|MatrixLayout|MatmulPreference)_t$|Params_t$|Info_t$"
)


def _header(name: str) -> Path:
    """A header in a folder that the variable names, else among the packages ``nvidia-*`` that pip has installed."""
    places = [Path(os.environ["HOTPLUG_NVIDIA_HEADERS"])] if "HOTPLUG_NVIDIA_HEADERS" in os.environ else []
    try:
        import nvidia
    except ImportError:
        pass
    else:
        places += [Path(each) for each in nvidia.__path__]
    for place in places:
        for found in place.rglob(HEADERS[name]):
            return found
    return pytest.skip(f"needs {HEADERS[name]}, of NVIDIA's package for {name} or in HOTPLUG_NVIDIA_HEADERS")


def _letter(argument: str) -> str:
    """A parameter's letter; enumerations are ints."""
    argument = argument.replace("const ", "").strip()
    if "*" in argument or "[" in argument:
        return "p"
    kind = argument.rpartition(" ")[0].strip() or argument
    return "p" if POINTERS.search(kind) else SCALARS.get(kind, "i")


def _declared(text: str) -> dict[str, str]:
    text = re.sub(r"//[^\n]*|/\*.*?\*/", "", text, flags=re.DOTALL)
    return {
        found[1]: "".join(_letter(each) for each in found[2].split(",") if each.strip())
        for found in re.finditer(r"\b(\w+)\s*\(([^()]*)\)\s*;", text)
    }


@pytest.mark.parametrize("name", sorted(HEADERS))
def test_the_tables_agree_with_the_headers(name: str) -> None:
    declared = _declared(_header(name).read_text(errors="replace"))
    assert {function: declared.get(function) for function in TABLES[name]} == dict(TABLES[name])


def test_a_library_that_fails_or_lacks_a_function_says_what_to_do() -> None:
    library = SharedLibrary("cufft", _ctypes.__file__)  # some library, which has none of the functions
    with pytest.raises(DeviceError, match=r"has no function cufftCreate; .*HOTPLUG_CUDA_CUFFT=0"):
        library.do("cufftCreate", 0)
    library._functions["cufftDestroy"] = lambda plan: plan
    with pytest.raises(DeviceError, match=r"cufft: cufftDestroy failed with status 5; HOTPLUG_CUDA_CUFFT=0"):
        library.do("cufftDestroy", 5)


def test_a_library_that_is_not_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ImportError(name) if name.startswith("cupy") else RuntimeError(name)  # as the finder does

    monkeypatch.setattr(libraries, "_LOADED", {})
    monkeypatch.setattr(libraries.importlib, "import_module", missing)
    assert libraries.load("cusolver") is None


def test_variables_switch_libraries_off() -> None:
    program = "from hotplug.backends.cuda.libraries import NAMES, allowed; print(*filter(allowed, NAMES))"
    environment = {**os.environ, "HOTPLUG_CUDA_CUDNN": "0", "HOTPLUG_CUDA_CUBLASLT": "0", "HOTPLUG_CUDA_CUFFT": "1"}
    ended = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )  # fmt: skip
    assert ended.stdout.split() == ["cublas", "cusolver", "cufft"]
