"""Walks over a module and the modules below it, and how it prints them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from hotplug.errors import ArgumentError, HotplugError
from hotplug.tensor import Tensor

if TYPE_CHECKING:
    from hotplug.nn.module import Module

T = TypeVar("T")


class NoSuchAttributeError(HotplugError, AttributeError):
    """A path names nothing in a module."""


def modules(module: Module, prefix: str, memo: set[int], unique: bool) -> Iterator[tuple[str, Module]]:
    """The module and all below it with their paths; each once if ``unique``."""
    if unique:
        if id(module) in memo:
            return
        memo.add(id(module))
    yield prefix, module
    for name, child in module._modules.items():
        if child is not None:
            yield from modules(child, joined(prefix, name), memo, unique)


def joined(prefix: str, name: str) -> str:
    """The path of ``name`` below ``prefix``."""
    return f"{prefix}.{name}" if prefix else name


def members(
    module: Module, own: Callable[[Module], Iterable[tuple[str, T | None]]], prefix: str, recurse: bool, unique: bool
) -> Iterator[tuple[str, T]]:
    """What ``own`` lists of every module, with paths, without ``None``; each object once if ``unique``."""
    seen: set[int] = set()
    places = modules(module, prefix, set(), unique) if recurse else [(prefix, module)]
    for path, each in places:
        for name, value in own(each):
            if value is None or (unique and id(value) in seen):
                continue
            seen.add(id(value))
            yield joined(path, name), value


def find(module: Module, path: str) -> Module:
    """The module at a dotted path; the module itself for an empty one.

    Raises:
        NoSuchAttributeError: there is none.
    """
    found = module
    for name in path.split(".") if path else []:
        child: Any = getattr(found, name, None)
        if child is None:
            raise NoSuchAttributeError(f"{type(found).__name__} has no attribute {name!r} (looking for {path!r})")
        if not _is_module(child):
            raise NoSuchAttributeError(f"{name!r} of {type(found).__name__} is a {type(child).__name__}, not a Module")
        found = child
    return found


def _is_module(value: Any) -> bool:
    from hotplug.nn.module import Module

    return isinstance(value, Module)


def find_member(module: Module, path: str, kind: str, members_of: Callable[[Module], dict[str, Any]]) -> Tensor:
    """The parameter or buffer at a dotted path.

    Raises:
        NoSuchAttributeError: there is none.
    """
    parent, _, name = path.rpartition(".")
    owner = find(module, parent)
    value = members_of(owner).get(name)
    if not isinstance(value, Tensor):
        raise NoSuchAttributeError(f"{type(owner).__name__} has no {kind} {name!r}; it has {list(members_of(owner))}")
    return value


def put(module: Module, path: str, new: Module, strict: bool) -> None:
    """Put a module at a dotted path; ``strict``: only in the place of another one."""
    if not path:
        raise ArgumentError("set_submodule: the path must not be empty")
    if not _is_module(new):
        raise ArgumentError(f"set_submodule: expected a Module, got {type(new).__name__}")
    parent, _, name = path.rpartition(".")
    owner = find(module, parent)
    if strict or hasattr(owner, name):
        find(owner, name)
    setattr(owner, name, new)


def represent(module: Module) -> str:
    """The module and, indented, its children, as PyTorch prints them."""
    extra = module.extra_repr()
    children = [(f"({name}): ", repr(child)) for name, child in module._modules.items()]
    return laid_out(module._get_name(), extra, children)


def laid_out(name: str, extra: str, children: Iterable[tuple[str, str]]) -> str:
    """``name(extra)``, on several lines where there are children."""
    lines = [label + text.replace("\n", "\n  ") for label, text in children]
    first = extra.split("\n") if extra else []
    if not lines and len(first) <= 1:
        return f"{name}({extra})"
    return f"{name}(\n  " + "\n  ".join([*first, *lines]) + "\n)"
