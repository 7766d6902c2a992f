"""What stands for ``torch._C``: the few of PyTorch's internals that libraries written for it call for no effect."""

from __future__ import annotations


def _log_api_usage_once(event: str) -> None:
    """Nothing is logged."""
