"""Numba, set up once: its threads on TBB where there is a wheel, its BLAS held to the one pool."""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path
from typing import Final

_TBB: Final = {"linux": "libtbb.so.12", "darwin": "libtbb.12.dylib", "win32": "tbb12.dll"}
_FOLDERS: Final = ("lib", "Library/bin", "lib64")


def _load_tbb() -> bool:
    """Load the library of pip's ``tbb``, which lies where no loader looks; Numba finds it when it is loaded already."""
    name = _TBB.get(sys.platform, "libtbb.so.12")
    for path in [*(Path(sys.prefix) / folder / name for folder in _FOLDERS), Path(name)]:
        try:
            ctypes.CDLL(str(path), mode=getattr(ctypes, "RTLD_GLOBAL", 0))
        except OSError:
            continue
        return True
    return False


HAS_TBB: Final = _load_tbb()
"""Without it Numba takes OpenMP or its own work queue, which one thread at a time may enter."""

import numba  # noqa: E402  (after TBB)

if HAS_TBB and numba.config.THREADING_LAYER == "default":
    # Other libraries that are loaded first must not change the layer: OpenMP's pool spins and does not survive a fork.
    numba.config.THREADING_LAYER_PRIORITY = ["tbb", "omp", "workqueue"]
