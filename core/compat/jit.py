"""What stands for ``torch.jit`` in programs written for PyTorch: nothing is compiled, functions and modules run as they are."""

from __future__ import annotations

from typing import Any

from hotplug.errors import CapabilityError


def is_scripting() -> bool:
    """Never: there is no compiler of scripts."""
    return False


is_tracing = is_scripting


def script(obj: Any, *args: Any, **kwargs: Any) -> Any:
    """The function or module itself."""
    return obj


def trace(func: Any, *args: Any, **kwargs: Any) -> Any:
    """The function or module itself; it is not run with the example inputs."""
    return func


def unused(fn: Any) -> Any:
    """The function itself."""
    return fn


export = _overload_method = unused


def ignore(drop: Any = False, **kwargs: Any) -> Any:
    """The function itself, or a decorator that returns it."""
    return drop if callable(drop) else unused


def annotate(the_type: Any, the_value: Any) -> Any:
    """The value."""
    return the_value


def _refuse(*args: Any, **kwargs: Any) -> Any:
    raise CapabilityError("torch.jit: Hotplug neither writes nor runs TorchScript; save a state_dict with torch.save")


save = load = freeze = _refuse
