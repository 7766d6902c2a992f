"""``hotplug.compile``: accepted, and the function itself.

An elementwise composite is one kernel already, and kernels are compiled by their key at first use; there is no graph to
capture.  Options are checked as PyTorch checks them, so that a program with a wrong one learns of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from hotplug.errors import ArgumentError, ArgumentTypeError

_MODES: Final = frozenset({None, "default", "reduce-overhead", "max-autotune", "max-autotune-no-cudagraphs"})


def compile(
    model: Callable[..., Any] | None = None, *, fullgraph: bool = False, dynamic: bool | None = None,
    backend: str | Callable[..., Any] = "inductor", mode: str | None = None, options: dict[str, Any] | None = None,
    disable: bool = False, **more: Any,
) -> Any:  # fmt: skip
    """The function or module as it is; without one, a decorator that returns it as it is.

    Raises:
        ArgumentError: an unknown mode, or mode and options together.
        ArgumentTypeError: ``model`` can't be called, or ``backend`` is neither a name nor a function.
    """
    if mode is not None and options is not None:
        raise ArgumentError(
            "compile: either mode or options can be specified, but both can't be specified at the same time"
        )
    if mode not in _MODES:
        raise ArgumentError(f"compile: unrecognized mode={mode!r}, should be one of {sorted(filter(None, _MODES))}")
    if not (isinstance(backend, str) or callable(backend)):
        raise ArgumentTypeError(f"compile: expected backend to be a name or a function, got {type(backend).__name__}")
    del fullgraph, dynamic, disable, more
    if model is None:
        return lambda function: compile(function, backend=backend, mode=mode, options=options)
    if not callable(model):
        raise ArgumentTypeError(f"compile: expected a function or a module, got {type(model).__name__}")
    return model
