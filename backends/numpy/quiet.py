"""Runs kernels without NumPy's floating-point warnings, and without changing the caller's settings.

NumPy keeps its error state in a context variable.  Entering a prepared Context costs 0.1 us, ``np.errstate`` 1.3 us.
"""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable, Sequence
from typing import Any, final

import numpy as np

from hotplug.backend import Array, Kernel


@final
class _Prepared(threading.local):
    """One Context a thread, since a Context can be entered only once at a time."""

    def __init__(self) -> None:
        context = contextvars.copy_context()
        context.run(np.seterr, all="ignore")
        self.run: Callable[..., Any] = context.run


_prepared = _Prepared()


def quiet(kernel: Callable[[Sequence[Array], Sequence[Array], Sequence[Any]], None]) -> Kernel:
    """The kernel, run in a Context that ignores floating-point errors."""

    def run(outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any]) -> None:
        _prepared.run(kernel, outs, inputs, scalars)

    return run
