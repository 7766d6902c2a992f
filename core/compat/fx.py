"""What stands for ``torch.fx`` in programs written for PyTorch: the marks for its tracer are accepted; there is no tracer."""

from __future__ import annotations

from typing import Any


def wrap(fn_or_name: Any) -> Any:
    """The function (or its name) itself: there is no tracer that would have to leave it alone."""
    return fn_or_name
