"""``import torch`` that finds Hotplug: an importer for the name ``torch`` and all below it.

A module ``torch.X`` is the module ``hotplug.X`` itself, not a copy, so that classes and state are one.  Parts of PyTorch
that Hotplug does not have raise ModuleNotFoundError with their name.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, Final, final

import hotplug
from hotplug.compat.lazy_packages import LAZY, LazyFinder
from hotplug.errors import ArgumentError

_NAME: Final = "torch"
_SPEAKS: Final = "2.13.0"
"""The version of PyTorch whose names and behaviour are followed."""
_STANDARD: Final = {
    "torch.multiprocessing": "multiprocessing", "torch._C": "hotplug.compat.torch_c", "torch.fx": "hotplug.compat.fx",
    "torch.hub": "hotplug.compat.hub", "torch.jit": "hotplug.compat.jit",
}  # fmt: skip
"""What stands for a module that Hotplug has no need of: the standard library's, or one that changes nothing."""


@final
class _Torch(ModuleType):
    """The module ``torch``: Hotplug's names, and PyTorch's version number."""

    def __init__(self) -> None:
        super().__init__(_NAME, hotplug.__doc__)
        self.__path__: list[str] = []
        self.__version__ = f"{_SPEAKS}+hotplug{hotplug.__version__}"

    def __getattr__(self, name: str) -> Any:
        if name == "version" or f"{_NAME}.{name}" in _STANDARD:
            return importlib.import_module(f"{_NAME}.{name}")
        if name == "_assert":
            return _assert
        try:
            return getattr(hotplug, name)
        except AttributeError as error:
            raise AttributeError(f"module 'torch' (hotplug) has no attribute {name!r}") from error

    def __setattr__(self, name: str, value: Any) -> None:
        # The import system binds submodules as attributes of their parent; these are Hotplug's already.
        if not isinstance(value, ModuleType):
            super().__setattr__(name, value)

    def __dir__(self) -> list[str]:
        return dir(hotplug)


def _assert(condition: Any, message: str) -> None:
    """PyTorch's assertion that its tracers see; libraries call it.

    Raises:
        AssertionError: the condition is false.
    """
    assert condition, message


def _version() -> ModuleType:
    module = ModuleType("torch.version", "PyTorch's version, and those of the toolkits that it was built for: none.")
    vars(module).update(
        __version__=f"{_SPEAKS}+hotplug{hotplug.__version__}", cuda=None, hip=None, git_version="", debug=False
    )
    return module


@final
class _Found(Loader):
    """Puts the module that stands for a name of PyTorch's into ``sys.modules``."""

    def __init__(self, target: str) -> None:
        self.target: Final = target

    def exec_module(self, module: ModuleType) -> None:
        name = module.__name__
        if name == _NAME:
            sys.modules[name] = _Torch()
        elif name == "torch.version":
            sys.modules[name] = _version()
        else:
            sys.modules[name] = importlib.import_module(self.target)


@final
class _Finder(MetaPathFinder):
    """Answers for ``torch`` and ``torch.*``."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != _NAME and not fullname.startswith(f"{_NAME}."):
            return None
        ours = _STANDARD.get(fullname, f"hotplug{fullname.removeprefix(_NAME)}")
        if fullname not in (_NAME, "torch.version") and not _exists(ours):
            raise ModuleNotFoundError(
                f"No module named {fullname!r}: Hotplug, which stands for PyTorch here, has no {ours}", name=fullname
            )
        return ModuleSpec(fullname, _Found(ours), is_package=True)


def _exists(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except (ModuleNotFoundError, ValueError):
        return False


_FINDERS: Final = (_Finder(), LazyFinder())


def install_as_torch() -> None:
    """From now on ``import torch`` gives Hotplug, in this process.

    Raises:
        ArgumentError: PyTorch itself has been imported already.
    """
    there = sys.modules.get(_NAME)
    if there is not None and not isinstance(there, _Torch):
        raise ArgumentError("install_as_torch: PyTorch is imported already; call this before anything imports it")
    for finder in _FINDERS:
        if finder not in sys.meta_path:
            sys.meta_path.insert(0, finder)


def uninstall() -> None:
    """Undo :func:`install_as_torch`; modules that were imported meanwhile keep what they have."""
    for finder in _FINDERS:
        if finder in sys.meta_path:
            sys.meta_path.remove(finder)
    for name in [each for each in sys.modules if each.partition(".")[0] in {_NAME, *LAZY}]:
        del sys.modules[name]
