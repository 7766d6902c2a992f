"""Where the package's parts lie on the disk, from pyproject.toml: what the tests of the tree as a whole need."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parent.parent
PROJECT: Final[dict[str, Any]] = tomllib.loads((ROOT / "pyproject.toml").read_text())


def packages() -> dict[str, Path]:
    """The packages on the disk: dotted names and folders."""
    found = {}
    for package, top in PROJECT["tool"]["setuptools"]["package-dir"].items():
        for init in (ROOT / top).rglob("__init__.py"):
            inner = init.parent.relative_to(ROOT / top).parts
            if inner[:1] != ("examples",):  # plugins/examples holds distributions of their own
                found[".".join((package, *inner))] = init.parent
    return found


def modules() -> dict[str, Path]:
    """The modules on the disk, packages included: dotted names and files."""
    found = {}
    for package, folder in packages().items():
        for file in folder.glob("*.py"):
            found[package if file.stem == "__init__" else f"{package}.{file.stem}"] = file
    return found


def extras() -> set[str]:
    """The modules that only an extra brings; where one is missing, what needs it can't be imported."""
    return {"cupy", "jax", "llvmlite", "matplotlib", "numba", "onnx", "pyopencl", "scipy", "threadpoolctl", "torch"}
