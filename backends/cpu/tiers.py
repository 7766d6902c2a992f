"""Two tiers of kernels: NumPy's serve small calls, compiled ones large calls.

Which of them serves a call depends on the key and the size only, never on what was called before, so that the same call
gives the same bits.  Without the extra ``cpu`` all calls are NumPy's.  ``HOTPLUG_CPU_TIER`` set to ``numpy`` or
``compiled`` forces one tier for the whole process, which is how the conformance suite tests each.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Final

from hotplug.backend import Array, Kernel
from hotplug.errors import ArgumentError

Sizes = Callable[[Sequence[Array], Sequence[Array]], int]

_CHOICES: Final = ("auto", "numpy", "compiled")


@cache
def forced() -> str:
    """The tier that serves all calls, or ``auto``.

    Raises:
        ArgumentError: the environment asks for a tier that doesn't exist.
    """
    from hotplug.backends.cpu.compiled.extra import installed

    wanted = os.environ.get("HOTPLUG_CPU_TIER", "auto")
    if wanted not in _CHOICES:
        raise ArgumentError(f"HOTPLUG_CPU_TIER is {wanted!r}; expected one of {', '.join(_CHOICES)}")
    if not installed():
        return "numpy"
    return wanted


def outputs(outs: Sequence[Array], _: Sequence[Array]) -> int:
    """The measure of kernels whose work is the size of what they write."""
    return outs[0].layout.numel


def first_input(_: Sequence[Array], inputs: Sequence[Array]) -> int:
    """The measure of kernels whose work is the size of what they read."""
    return inputs[0].layout.numel


def tiered(name: str, small: Kernel, make: Callable[[], Kernel | None], least: int, size: Sizes = outputs) -> Kernel:
    """A kernel that calls ``small`` below ``least`` elements, and else the one that ``make`` compiles when first needed.

    Where ``make`` returns ``None`` (it has nothing for this key) or fails, ``small`` serves all calls; of a failure, a
    warning tells.
    """
    tier = forced()
    if tier == "numpy":
        return small
    limit = 0 if tier == "compiled" else least
    large: Kernel | None = None

    def kernel(outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any]) -> None:
        nonlocal large
        if size(outs, inputs) < limit:
            small(outs, inputs, scalars)
            return
        try:
            if large is None:
                large = make() or small
            large(outs, inputs, scalars)
        except _uncompilable() as error:  # before anything was written
            _warn(name, error)
            large = small
            small(outs, inputs, scalars)

    return kernel


@cache
def _uncompilable() -> type[Exception]:
    from hotplug.backends.cpu.compiled.build import CompilationError

    return CompilationError


def _warn(name: str, error: Exception) -> None:
    warnings.warn(
        f"{name}: its compiled kernel for cpu could not be made ({error!s:.300}); NumPy computes it, which is slower; "
        f"`hotplug cache clear` may help",
        RuntimeWarning,
        stacklevel=2,
    )
