"""Writing a file so that a failure leaves what was there."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import IO

Path_ = str | os.PathLike[str]


@contextlib.contextmanager
def replacing(filename: Path_) -> Iterator[IO[bytes]]:
    """A temporary file to write to, which takes the name at the end; nothing of it is left where the block raises.

    What the name links to is replaced, and keeps its permissions.  Something other than a file, such as a pipe, is
    written to directly.
    """
    target = Path(os.path.realpath(filename))
    if target.exists() and not target.is_file():
        with target.open("wb") as file:
            yield file
        return
    temporary = target.with_name(f".hotplug-{secrets.token_hex(8)}")
    try:
        with temporary.open("xb") as file:
            yield file
        if target.exists():
            temporary.chmod(target.stat().st_mode & 0o7777)
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
