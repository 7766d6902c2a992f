"""What has to happen before pyopencl loads the drivers: cache folders that work, and a look whether a driver crashes.

A driver that crashes while it lists its devices takes the process with it, and no ``except`` helps.  So a process of its
own lists them first.  Where that one dies, each driver's file is tried alone, and the loader is shown only the others.
What went well is remembered in the cache folder, under the names, sizes and dates of the drivers' files: the look costs
about half a second once, and a fraction of a millisecond in later processes.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from atexit import register
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

from hotplug.errors import DeviceError

VENDORS: Final = "OCL_ICD_VENDORS"
_SYSTEM: Final = Path("/etc/OpenCL/vendors")
_PATIENCE: Final = 60
"""Seconds after which a driver that lists its devices counts as hung."""
_LOOK: Final = """
try:
    import pyopencl
    for platform in pyopencl.get_platforms():
        try:
            platform.get_devices()
        except pyopencl.Error:
            pass
except Exception:
    pass
"""
"""Ends with status 0 unless a driver ends the process: what can be caught is told where it is caught."""

_lock: Final = threading.Lock()
_done: list[str] = []


def prepare() -> None:
    """Do all of it, once in a process; nothing where the program imported pyopencl before: then its drivers run already.

    Raises:
        DeviceError: a driver crashes, and it can't be left out.
    """
    with _lock:
        if _done or "pyopencl" in sys.modules:
            return
        usable_caches()
        crashing = look()
        _done.append("prepared")
    if crashing:
        warnings.warn(crashing, RuntimeWarning, stacklevel=2)


def usable_caches() -> None:
    """Where the user's cache folder can't be used, do without: pyopencl fails on it, and PoCL has no device then."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    if _writable(base / "pyopencl") and _writable(base / "pytools") and _sound(base / "pytools"):
        unlock(base / "pyopencl")
    else:
        os.environ.setdefault("PYOPENCL_NO_CACHE", "1")
    if "POCL_CACHE_DIR" not in os.environ and not _writable(base / "pocl" / "kcache"):
        folder = tempfile.mkdtemp(prefix="hotplug-pocl-")
        register(shutil.rmtree, folder, ignore_errors=True)
        os.environ["POCL_CACHE_DIR"] = folder


def _writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def _sound(folder: Path) -> bool:
    """Whether the table of call forms that pyopencl keeps on disk can be read; a new one is made where there is none."""
    for file in folder.glob("*pyopencl*.sqlite"):
        try:
            with closing(sqlite3.connect(file, timeout=1)) as connection:
                connection.execute("SELECT name FROM sqlite_master").fetchall()
        except sqlite3.DatabaseError:
            return False
    return True


def unlock(folder: Path, age: float = 60) -> None:
    """Remove the lock that a process left behind which was killed: pyopencl would wait a minute for it, then fail."""
    for lock in folder.glob("*/lock"):
        try:
            if time.time() - lock.stat().st_mtime > age:
                lock.unlink()
        except OSError:
            continue


def look() -> str:
    """Find drivers that crash, and leave them out; what is to be said of them, or an empty text.

    Raises:
        DeviceError: a driver crashes that is no file of its own, so that it can't be left out.
    """
    place = importlib.util.find_spec("pyopencl")
    if place is None or place.origin is None or not sys.executable or getattr(sys, "frozen", False):
        return ""  # no pyopencl, or no interpreter that could be started
    files = drivers()
    memory = _remembered(files, Path(place.origin))
    if memory is not None and memory.exists():
        return ""
    end = _end_of_look({})
    if not end:
        _remember(memory)
        return ""
    ends = {file: _end_of_look({VENDORS: str(file)}) for file in files}
    bad = {file: how for file, how in ends.items() if how}
    if not bad:
        raise DeviceError(
            f"an OpenCL driver {end} while it lists its devices; uninstall it, or name the good ones in {VENDORS}"
        )
    _show([file for file in files if file not in bad])
    if _end_of_look({}):
        raise DeviceError(f"{_sentence(bad)}, and others with it; uninstall them, or name the good ones in {VENDORS}")
    return f"{_sentence(bad)}: left out; repair or uninstall that driver"


def _sentence(bad: dict[Path, str]) -> str:
    return "; ".join(f"the OpenCL driver of {file} {how} while it lists its devices" for file, how in bad.items())


def drivers() -> list[Path]:
    """The files that name drivers to the loader, except those inside of pyopencl itself."""
    named = os.environ.get(VENDORS)
    if named and named.endswith(".icd"):
        return [Path(named)]
    folder = Path(named) if named else _SYSTEM
    return sorted(folder.glob("*.icd"))


def _show(good: Sequence[Path]) -> None:
    """Let the loader see these drivers' files only."""
    folder = Path(tempfile.mkdtemp(prefix="hotplug-opencl-"))
    register(shutil.rmtree, folder, ignore_errors=True)
    for number, file in enumerate(good):
        shutil.copyfile(file, folder / f"{number}-{file.name}")
    os.environ[VENDORS] = str(folder)


def _end_of_look(environment: dict[str, str]) -> str:
    """How a process that lists the devices ended: empty if well, or with an error that can be caught."""
    try:
        ended = subprocess.run(
            [sys.executable, "-c", _LOOK], env=os.environ | environment, timeout=_PATIENCE, check=False,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return f"hangs for more than {_PATIENCE} seconds"
    except OSError:
        return ""  # no process can be started here
    return f"ends the process (exit status {ended.returncode})" if ended.returncode else ""


def _remembered(files: Sequence[Path], pyopencl: Path) -> Path | None:
    """The file that says of exactly these drivers that they do not crash; ``None`` where nothing can be kept."""
    facts = [sys.executable, *(f"{name}={value}" for name, value in sorted(os.environ.items()) if "OCL" in name)]
    facts += [_state(file) for file in _involved(files, pyopencl)]
    digest = hashlib.sha256("\n".join(facts).encode()).hexdigest()[:24]
    base = os.environ.get("HOTPLUG_CACHE_DIR")
    usual = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hotplug"
    folder = (Path(base) if base else usual) / "opencl"
    return folder / f"drivers-{digest}" if _writable(folder) else None


def _involved(files: Sequence[Path], pyopencl: Path) -> Iterator[Path]:
    yield pyopencl
    yield from sorted((pyopencl.parent / ".libs").glob("*"))
    for file in files:
        yield file
        try:
            library = Path(file.read_text(encoding="utf-8", errors="replace").strip())
        except OSError:
            continue
        if library.is_absolute():
            yield library


def _state(file: Path) -> str:
    try:
        status = file.stat()
    except OSError:
        return f"{file} missing"
    return f"{file} {status.st_size} {status.st_mtime_ns}"


def _remember(memory: Path | None) -> None:
    if memory is not None:
        try:
            memory.touch()
        except OSError:
            return
