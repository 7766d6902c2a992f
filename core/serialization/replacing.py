"""Writing a file so that a failure leaves what was there."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

Path_ = str | os.PathLike[str]


@contextlib.contextmanager
def replacing(filename: Path_) -> Iterator[IO[bytes]]:
    """A temporary file to write to, which takes the name at the end; nothing of it is left where the block raises."""
    target = Path(filename)
    descriptor, temporary = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
        Path(temporary).chmod(0o666 & ~_umask())
        Path(temporary).replace(target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
