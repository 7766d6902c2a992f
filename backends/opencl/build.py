"""Building programs: the binary cache where it works, and the compiler's first error where it refuses.

pyopencl keeps binaries in the user's cache folder for drivers that keep none themselves.  A folder that can't be
written, or a file in it that is damaged, must cost time and nothing else.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pyopencl as cl

_broken: Final[list[str]] = []
"""Why the cache is not used any more in this process."""


def build(context: Any, text: str, options: Sequence[str]) -> Any:
    """A built program.

    Raises:
        pyopencl.Error: the driver's compiler refuses the text; :func:`reason` says why.
    """
    with warnings.catch_warnings():  # drivers put remarks into the log of a build that succeeded
        warnings.simplefilter("ignore")
        if not _broken:
            try:
                return cl.Program(context, text).build(options=[*options])
            except cl.Error as error:
                _remove_copy(error)
                if error.code == cl.status_code.BUILD_PROGRAM_FAILURE:
                    raise
                _broken.append(str(error))  # a binary that is damaged, or of another driver
            except Exception as error:  # noqa: BLE001 - whatever the cache throws: pickle, sqlite, the file system
                _broken.append(repr(error))
        return cl.Program(context, text).build(options=[*options], cache_dir=False)


def _remove_copy(error: BaseException) -> None:
    """pyopencl leaves a copy of a text that was refused in the folder of temporary files, and says where."""
    _, found, rest = str(error).partition("(source saved as ")
    if found:
        Path(rest.partition(")")[0]).unlink(missing_ok=True)


def reason(error: BaseException) -> str:
    """The first error of the build log."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return next((line for line in lines if "error" in line.lower() and "failed" not in line), lines[0])
