"""Version 1 of the contract is frozen: this fails where a name, signature, field or set of it changes.

``contract_v1.txt`` is what a third party relies on.  A change that old plugins survive (a new name, a new field or
argument with a default) raises the minor version and is written down by ``python tests/backends/test_contract.py``; any
other change is a new major version.  See docs/adr/0001-contract-version-1.md.
"""

from __future__ import annotations

import dataclasses
import inspect
import sys
import types
from abc import abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import hotplug.backend
import hotplug.backend.meaning
import hotplug.backend.render
import hotplug.plugins
from hotplug.backend import (
    CONTRACT_VERSION,
    Backend,
    Capabilities,
    DeviceInfo,
    FunctionalBackend,
    OpKey,
    dtypes,
    errors,
)
from hotplug.expr import node

MODULES = (hotplug.backend, hotplug.backend.meaning, hotplug.backend.render, hotplug.plugins)
SNAPSHOT = Path(__file__).with_name("contract_v1.txt")
ERRORS = ("CapabilityError", "DeviceError", "HotplugError", "IndexRangeError", "OutOfMemoryError", "PluginError")
"""What a backend may raise or meet; the others belong to the core, which may add to them."""
SETS = ("FLOATING", "ARITHMETIC", "COMPARISON", "BITWISE", "LEAVES")


def describe() -> str:
    """The contract as text, one line a fact."""
    lines = [f"version {CONTRACT_VERSION[0]}.{CONTRACT_VERSION[1]}"]
    for module in MODULES:
        for name in sorted(module.__all__):
            lines += [f"{module.__name__}.{name}{fact}" for fact in facts(getattr(module, name))]
    lines += [f"dtype {each.name} kind={each.kind} itemsize={each.itemsize}" for each in dtypes.ALL]
    lines += [f"functions {name}: {' '.join(sorted(getattr(node, name)))}" for name in SETS]
    lines.append("functions otherwise: cast where")
    return "\n".join(lines) + "\n"


def facts(thing: Any) -> Iterator[str]:
    """What can be relied on about one public name."""
    if isinstance(thing, types.ModuleType):
        for name in dtypes.__all__ if thing is dtypes else ERRORS:
            each = getattr(thing, name)
            if inspect.isclass(each) and each.__module__ == thing.__name__:
                yield f".{name} <- {', '.join(base.__name__ for base in each.__bases__)}"
    elif dataclasses.is_dataclass(thing):
        yield from (f".{each.name}: {each.type} = {default(each)}" for each in dataclasses.fields(thing))
    elif inspect.isclass(thing) and hasattr(thing, "_fields"):
        kinds, defaults = thing.__annotations__, vars(thing)["_field_defaults"]
        for name in kinds:
            given = repr(defaults[name]) if name in defaults else "required"
            yield f".{name}: {getattr(kinds[name], '__forward_arg__', kinds[name])} = {given}"
    elif thing is Any:
        yield " = Any"
    elif inspect.isclass(thing):
        yield from class_facts(thing)
    elif inspect.isfunction(thing):
        yield signature(thing)
    else:
        yield f" = {thing!r}" if isinstance(thing, (str, int, tuple)) else ""


def class_facts(thing: type) -> Iterator[str]:
    """Methods, properties and attributes of a class of its own."""
    yield f" <- {', '.join(base.__name__ for base in thing.__bases__)}"
    named = {*vars(thing), *vars(thing).get("__annotations__", {})}
    for name in sorted(named):
        if name.startswith("_") and name != ("__call__" if hasattr(thing, "_is_protocol") else "__init__"):
            continue
        member = vars(thing).get(name)
        if inspect.isfunction(member):
            abstract = "abstract " if getattr(member, "__isabstractmethod__", False) else ""
            yield f".{abstract}{name}{signature(member)}"
        elif isinstance(member, (property, types.MemberDescriptorType)) or member is None:
            yield f".{name}"
        else:
            yield f".{name} = {member!r}"


def signature(function: Any) -> str:
    """Parameters by name, annotation, default and kind; ``self`` is left out."""
    found = inspect.signature(function)
    parts = []
    for each in found.parameters.values():
        if each.name != "self":
            stars = {"VAR_POSITIONAL": "*", "VAR_KEYWORD": "**", "KEYWORD_ONLY": "keyword "}.get(each.kind.name, "")
            given = "" if each.default is each.empty else f" = {each.default!r}"
            parts.append(f"{stars}{each.name}: {each.annotation}{given}")
    return f"({', '.join(parts)}) -> {found.return_annotation}"


def default(field: dataclasses.Field[Any]) -> str:
    """A field's default, without the order of sets."""
    if field.default_factory is not dataclasses.MISSING:
        return f"made by {getattr(field.default_factory, '__name__', field.default_factory)}"
    if field.default is dataclasses.MISSING:
        return "required"
    return "all dtypes" if field.default == frozenset(dtypes.ALL) else repr(field.default)


def test_the_contract_is_what_version_1_says() -> None:
    assert describe().splitlines() == SNAPSHOT.read_text().splitlines(), (
        "the contract changed. Old plugins must survive: only add what has a default, raise the minor version, and "
        "write it down with: python tests/backends/test_contract.py"
    )


def test_the_snapshot_names_all_that_a_backend_must_have() -> None:
    text = SNAPSHOT.read_text()
    for method in hotplug.backend.Backend.__abstractmethods__:
        assert f"hotplug.backend.Backend.abstract {method}(" in text
    for family in hotplug.backend.FAMILIES:
        assert repr(family) in text
    assert "errors.PluginError" in text


def test_the_contract_needs_no_device() -> None:
    assert errors.PluginError.__module__ == "hotplug.errors"
    assert not [name for name in hotplug.backend.__all__ if not hasattr(hotplug.backend, name)]


def _more_arguments(self: Any, index: int, nbytes: int, kind: str) -> Any:
    """``allocate`` with one more argument."""


def _another_default(self: Any, buffer: Any, offset: int = 0, nbytes: int = 0) -> bytes:
    """``read`` whose arguments have defaults."""
    return b""


@pytest.mark.parametrize(
    ("owner", "name", "value"),
    [
        (Backend, "allocate", _more_arguments),
        (Backend, "read", _another_default),
        (Backend, "compile", _more_arguments),
        (Backend, "numbered", False),
        (Backend, "contract", ((1, 0), (1, 1))),
        (Backend, "synchronize", abstractmethod(_more_arguments)),
        (FunctionalBackend, "view", Backend.wrap),
        (OpKey, "_field_defaults", {**OpKey._field_defaults, "rank": 1}),
        (OpKey, "__annotations__", {**OpKey.__annotations__, "stream": int}),
        (Capabilities.__dataclass_fields__["denormals"], "default", False),
        (DeviceInfo.__dataclass_fields__["memory"], "type", "float"),
        (hotplug.backend, "__all__", [*hotplug.backend.__all__[1:]]),
        (hotplug.backend, "__all__", [*hotplug.backend.__all__, "TYPE_CHECKING"]),
        (hotplug.backend, "FAMILIES", (*hotplug.backend.FAMILIES, "sort")),
        (hotplug.backend.meaning, "pack", Backend.wrap),
        (hotplug.backend.render.Source, "store", Backend.wrap),
        (errors, "PluginError", type("PluginError", (errors.HotplugError,), {"__module__": errors.__name__})),
        (node, "BITWISE", node.BITWISE - {"mulhi"}),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)  # fmt: skip
def test_a_changed_contract_fails(owner: Any, name: str, value: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, value, raising=False)
        with pytest.raises(AssertionError, match="the contract changed"):
            test_the_contract_is_what_version_1_says()
    test_the_contract_is_what_version_1_says()


if __name__ == "__main__":
    SNAPSHOT.write_text(describe())
    sys.stdout.write(f"wrote {SNAPSHOT}\n")
