"""What all tests share."""

from __future__ import annotations

import os
from importlib.metadata import PackageNotFoundError, version
from types import ModuleType

import pytest

TORCH = "2.13.0"
"""The version of PyTorch whose behaviour the parity tests compare with."""


def pytest_configure() -> None:
    """Where ``HOTPLUG_REQUIRE_TORCH=1``, parity tests must run: no session starts without the right PyTorch."""
    if os.environ.get("HOTPLUG_REQUIRE_TORCH") != "1":
        return
    try:
        found = version("torch").partition("+")[0]
    except PackageNotFoundError:
        found = "none"
    if found != TORCH:
        raise pytest.UsageError(
            f"HOTPLUG_REQUIRE_TORCH=1 expects torch {TORCH}, found {found}: pip install torch=={TORCH}"
        )


@pytest.fixture(scope="session")
def torch() -> ModuleType:
    """PyTorch, the oracle.  Without it a test is skipped; see :func:`pytest_configure`."""
    return pytest.importorskip("torch", minversion=TORCH, reason=f"parity tests need torch=={TORCH}")  # type: ignore[no-any-return]
