"""What all tests share."""

from __future__ import annotations

import importlib
import os
from types import ModuleType

import pytest

TORCH = "2.13.0"
"""The version of PyTorch whose behaviour the parity tests compare with."""


@pytest.fixture(scope="session")
def torch() -> ModuleType:
    """PyTorch, the oracle.  Without it a test is skipped, or fails where ``HOTPLUG_REQUIRE_TORCH=1``."""
    if os.environ.get("HOTPLUG_REQUIRE_TORCH") != "1":
        return pytest.importorskip("torch", minversion=TORCH, reason=f"parity tests need torch=={TORCH}")  # type: ignore[no-any-return]
    found = importlib.import_module("torch")
    assert found.__version__.split("+")[0] == TORCH
    return found
