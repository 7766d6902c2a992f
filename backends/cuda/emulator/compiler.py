"""Kernels as shared objects: compiled once, by the system's C++ compiler, and kept on disk."""

from __future__ import annotations

import ctypes
import functools
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final, final

from hotplug.backends.cuda.emulator.host import PRELUDE, RUNTIME
from hotplug.backends.cuda.header import HEADER
from hotplug.errors import DeviceError

FLAGS: Final = ("-std=c++17", "-O1", "-fPIC", "-shared", "-w", "-ffp-contract=off", "-fno-strict-aliasing", "-fwrapv")
_KERNEL: Final = re.compile(r"^HP_KERNEL\(\w+\) (\w+)\(HP_FRAME\)", re.MULTILINE)
_MEETS: Final = re.compile(r"__syncthreads|\bhp_(?:swap|lower|from_lane)\b")
_TOGETHER: Final = 24
"""Sources in one compilation: most of the time of a small one is the compiler's start."""


def find_compiler() -> str:
    """The C++ compiler: what CXX says, else g++ or clang++.

    Raises:
        DeviceError: there is none.
    """
    for name in (os.environ.get("CXX", ""), "g++", "clang++"):
        found = shutil.which(name) if name else None
        if found:
            return found
    raise DeviceError("the emulator needs a C++ compiler: no g++ or clang++ is on the path, and CXX is not set")


def cache_folder() -> Path:
    """Where shared objects are kept: HOTPLUG_CUDA_EMULATOR_CACHE, else a folder of the user's cache."""
    given = os.environ.get("HOTPLUG_CUDA_EMULATOR_CACHE")
    if given:
        return Path(given)
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "hotplug" / "cuda-emulated"


def meets(text: str) -> bool:
    """Whether threads wait for each other in a source; the header's definitions don't count."""
    return _MEETS.search(text.removeprefix(HEADER)) is not None


@final
class Compiler:
    """Compiles sources, each of which becomes a few entry points of a shared object."""

    def __init__(self) -> None:
        self._command: Final = find_compiler()
        version = subprocess.run([self._command, "--version"], capture_output=True, text=True, check=False).stdout
        settings = "\0".join((version, *FLAGS, PRELUDE, RUNTIME, HEADER))
        self._folder: Final = cache_folder() / hashlib.sha256(settings.encode()).hexdigest()[:16]
        self._folder.mkdir(parents=True, exist_ok=True)

    @functools.cached_property
    def emulate(self) -> Any:
        """The function that runs a kernel.  Its library is global, since kernels find the barrier there."""
        place = self._folder / "runtime.so"
        if not place.exists():
            self._build(RUNTIME, place)
        function = ctypes.CDLL(str(place), mode=ctypes.RTLD_GLOBAL).hp_emulate
        function.argtypes = (ctypes.c_void_p, ctypes.c_char_p, *[ctypes.c_uint] * 4, ctypes.c_int)
        return function

    def library(self, text: str) -> tuple[Any, str]:
        """The shared object that holds a source, compiled where it is not on disk, and the prefix of its entries."""
        name = _name(text)
        place = self._find(name)
        if place is None:
            self.prepare([text])
            place = self._find(name)
        assert self.emulate is not None  # its library comes first
        return _load(str(place)), name

    def prepare(self, texts: Iterable[str]) -> int:
        """Compile many sources, several at once; the number of those that were not on disk."""
        missing = {_name(text): text for text in texts if self._find(_name(text)) is None}
        names = list(missing)
        for start in range(0, len(names), _TOGETHER):
            part = names[start : start + _TOGETHER]
            place = self._folder / f"{part[0]}.so"
            self._build(_unit([(name, missing[name]) for name in part]), place)
            for name in part[1:]:
                _write(self._folder / f"{name}.in", place.name.encode())
        return len(names)

    def _find(self, name: str) -> Path | None:
        place = self._folder / f"{name}.so"
        if place.exists():
            return place
        note = self._folder / f"{name}.in"
        return self._folder / note.read_text() if note.exists() else None

    def _build(self, text: str, place: Path) -> None:
        """Compile into a file of another name first: another process may compile the same."""
        with tempfile.TemporaryDirectory(dir=self._folder) as folder:
            source, target = Path(folder) / "source.cpp", Path(folder) / "object.so"
            source.write_text(text)
            command = [self._command, *FLAGS, str(source), "-o", str(target), "-lm"]
            ended = subprocess.run(command, capture_output=True, text=True, check=False)
            if ended.returncode:
                lines = [line for line in ended.stderr.splitlines() if "error" in line]
                raise DeviceError("; ".join(lines[:3]) or f"the compiler ended with status {ended.returncode}")
            target.replace(place)


def _write(place: Path, data: bytes) -> None:
    with tempfile.NamedTemporaryFile(dir=place.parent, delete=False) as file:
        file.write(data)
    Path(file.name).replace(place)


def _name(text: str) -> str:
    return "k" + hashlib.sha256(text.encode()).hexdigest()[:24]


@functools.cache
def _load(place: str) -> Any:
    return ctypes.CDLL(place)


def _unit(parts: Sequence[tuple[str, str]]) -> str:
    """One C++ source of several kernels' sources, each in a namespace."""
    lines = [PRELUDE, HEADER]
    for name, text in parts:
        body = text.removeprefix(HEADER)
        argument = (
            "*(const hp_frame_t *const *)frame" if "const hp_frame_t *g" in body else "*(const hp_frame_t *)frame"
        )
        lines += ["#undef HP", "#undef HP_FRAME", f"namespace {name} {{", body]
        lines += [
            f'extern "C" void {name}_{kernel}(const void *frame) {{ {kernel}({argument}); }}'
            for kernel in _KERNEL.findall(body)
        ]
        lines.append("}")
    return "\n".join(lines)
