"""Packages built on PyTorch whose ``__init__`` needs parts of it that Hotplug lacks, though most of their modules don't.

torchvision's definitions of models are plain programs, but ``import torchvision`` loads a compiled library first, and then
everything there is.  While Hotplug stands for PyTorch, such a package's own ``__init__`` is therefore not run: it is read,
and what a line of it imports is imported when a name of it is asked for.  What needs more than Hotplug has fails alone.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
from collections.abc import Iterator, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any, Final, final

LAZY: Final = frozenset(
    "torchvision torchvision.datasets torchvision.models torchvision.ops torchvision.transforms".split()
)
"""The packages that this is done for; those below are loaded as they are."""


@final
class _Lazy(ModuleType):
    """A package of which each name is imported on first use."""

    def __setattr__(self, name: str, value: Any) -> None:
        # The import system binds submodules as attributes of their package; a name that is a function's stays one.
        if not isinstance(value, ModuleType) or all(original is None for _, original in _homes(self, name)):
            super().__setattr__(name, value)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        for source, original in _homes(self, name):
            if name.startswith(("get_", "list_")):
                _register(self)
            module = importlib.import_module(source)
            found = vars(self)[name] = module if original is None else getattr(module, original)
            return found
        raise AttributeError(f"module {self.__name__!r}, of which Hotplug loads the parts one by one, has no {name!r}")


def _homes(package: _Lazy, name: str) -> Iterator[tuple[str, str | None]]:
    """Modules that a package's ``__init__`` takes a name from, and what it is called there (``None``: the module)."""
    for line in ast.walk(_tree(Path(package.__path__[0]) / "__init__.py")):
        if isinstance(line, ast.ImportFrom) and line.level == 1 and line.module:
            source = f"{package.__name__}.{line.module}"
            for each in line.names:
                if name == (each.asname or each.name):
                    yield source, each.name
                elif each.name == "*" and name in _exported(source):
                    yield source, name
    if importlib.util.find_spec(f"{package.__name__}.{name}") is not None:
        yield f"{package.__name__}.{name}", None


def _register(package: _Lazy) -> None:
    """Import all modules that a package takes all names of: their models enter the list that others are asked for."""
    for line in _tree(Path(package.__path__[0]) / "__init__.py").body:
        if isinstance(line, ast.ImportFrom) and line.level == 1 and line.names[0].name == "*":
            importlib.import_module(f"{package.__name__}.{line.module}")


def _exported(module: str) -> Sequence[str]:
    """The names in a module's ``__all__``, and in those of the modules that it takes all of; read, not run."""
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        return ()
    found: list[str] = []
    for line in _tree(Path(spec.origin)).body:
        if isinstance(line, ast.ImportFrom) and line.level == 1 and line.names[0].name == "*":
            found += _exported(f"{module.rpartition('.')[0]}.{line.module}")
        elif isinstance(line, ast.Assign) and any(getattr(each, "id", "") == "__all__" for each in line.targets):
            found += [each.value for each in ast.walk(line.value) if isinstance(each, ast.Constant)]  # type: ignore[misc]
    return found


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@final
class _LazyLoader(Loader):
    """Makes the module of a package without running its ``__init__``."""

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _Lazy(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Nothing."""


@final
class LazyFinder(MetaPathFinder):
    """Answers for the packages in :data:`LAZY`, where they are installed."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in LAZY:
            return None
        real = PathFinder.find_spec(fullname, path, target)
        if real is None or real.submodule_search_locations is None:
            return None
        spec = ModuleSpec(fullname, _LazyLoader(), origin=real.origin, is_package=True)
        spec.submodule_search_locations = list(real.submodule_search_locations)
        return spec
