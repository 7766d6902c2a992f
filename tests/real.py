"""Examples, and the packages with real weights and data that they need: listed in real_packages.txt."""

from __future__ import annotations

import importlib.util
import os
import sys
from types import ModuleType
from typing import Final

import pytest
from layout import ROOT

FULL: Final = os.environ.get("HOTPLUG_FULL") == "1"
"""Whether real programs run in full, as scripts/real_programs asks for: minutes instead of seconds."""


def example(name: str) -> ModuleType:
    """A program of examples/, as a module."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "examples" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # NamedTuple looks its module up
    spec.loader.exec_module(module)
    return module


def installed(package: str) -> None:
    """Skip the calling test where a package is missing; with ``HOTPLUG_REQUIRE_REAL=1``, fail."""
    if importlib.util.find_spec(package) is None:
        if os.environ.get("HOTPLUG_REQUIRE_REAL") == "1":
            pytest.fail(f"needs the package {package}; see tests/real_packages.txt")
        pytest.skip(f"needs the package {package}; see tests/real_packages.txt")
