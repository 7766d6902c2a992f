"""Compiled kernels on disk: where they lie, how they are keyed, how much room they may take.

The folder is ``$HOTPLUG_CACHE_DIR``, else ``hotplug`` in ``$XDG_CACHE_HOME`` or the platform's cache folder.  Kernels
lie in its folder ``cpu``: the text of each, in a file named by what the text is, and beside it what Numba compiled from
it, which Numba itself keys by its version and the processor's features.  A cache that can't be read or written costs
time and nothing else.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Final

LIMIT: Final = 256 * 2**20
"""Bytes that compiled kernels may take; when a process starts to compile beyond it, the oldest half goes."""

_lock: Final = threading.RLock()


def root() -> Path:
    """The folder of all caches of Hotplug; it need not exist."""
    given = os.environ.get("HOTPLUG_CACHE_DIR")
    if given:
        return Path(given)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home())) / "hotplug"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "hotplug"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hotplug"


@cache
def folder() -> Path:
    """The folder of compiled kernels, which can be written to: a temporary one where the usual one can't."""
    usual = root() / "cpu"
    try:
        usual.mkdir(parents=True, exist_ok=True)
        probe = usual / f".probe-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError:
        return Path(tempfile.mkdtemp(prefix="hotplug-"))
    _trim()
    return usual


def _trim() -> None:
    """Where the folder is above its limit, remove the oldest half."""
    files = sorted(_files())
    total = sum(size for _, size, _ in files)
    if total <= LIMIT:
        return
    for _, size, path in files:
        path.unlink(missing_ok=True)
        total -= size
        if total <= LIMIT // 2:
            return


def _files() -> list[tuple[float, int, Path]]:
    """Time of the last change, size and path of every file; files that vanish meanwhile are left out."""
    found = []
    for path in (root() / "cpu").rglob("*"):
        try:
            status = path.stat()
        except OSError:
            continue
        if path.is_file():
            found.append((status.st_mtime, status.st_size, path))
    return found


def usage() -> tuple[int, int]:
    """How many files there are, and their bytes."""
    files = _files()
    return len(files), sum(size for _, size, _ in files)


def clear() -> int:
    """Remove all compiled kernels; returns the bytes that this freed.  What is loaded already stays."""
    _, size = usage()
    shutil.rmtree(root() / "cpu", ignore_errors=True)
    folder.cache_clear()
    return size


@cache
def version() -> str:
    """A digest of the modules that kernel text relies on: a kernel compiled with others is stale."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def source_file(name: str, text: str) -> Path:
    """The file that holds a kernel's text; written once, by a rename, so that no process sees half of it."""
    digest = hashlib.sha256(f"{version()}\n{text}".encode()).hexdigest()[:24]
    path = folder() / f"{name}-{digest}.py"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        made = path.with_name(f".{path.name}-{os.getpid()}-{threading.get_ident()}")
        made.write_text(text)
        made.replace(path)
    return path


def cached_on_disk(compile_: Callable[..., Any]) -> Any:
    """Call ``compile_(cache=True)`` with Numba's cache in our folder; without a cache where that fails.

    Numba's own settings are put back: they are the user's.
    """
    import numba

    with _lock:
        usual = numba.config.CACHE_DIR
        numba.config.CACHE_DIR = str(folder())
        try:
            return compile_(cache=True)
        except Exception:  # noqa: BLE001  (a damaged file, a full disk: whatever it was, compile it anew)
            return compile_()
        finally:
            numba.config.CACHE_DIR = usual
