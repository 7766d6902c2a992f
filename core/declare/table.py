"""The op table: everything that was declared, for docs, conformance, generated methods and namespaces."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final


@dataclass
class Entry:
    """One public op.

    Attributes:
        name: public name, without a trailing underscore.
        function: what users call.
        kind: ``elementwise``, ``primitive``, ``view``, ``composite`` or ``function``.
        method: whether Tensor has a method of this name.
        inplace: whether Tensor has a method with an underscore at the end.
        dunders: operator methods that call the op, e.g. ``__add__``.
        namespace: where the op is public: ``""`` for ``hotplug``, else a module such as ``nn.functional``.
        sample: how conformance draws inputs; see :mod:`hotplug.conformance`.
    """

    name: str
    function: Callable[..., Any]
    kind: str
    body: Callable[..., Any]
    method: bool = False
    inplace: bool = False
    dunders: tuple[str, ...] = ()
    namespace: str = ""
    sample: Any = None
    aliases: tuple[str, ...] = ()
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def signature(self) -> inspect.Signature:
        """Parameters as declared."""
        return inspect.signature(self.body)

    @property
    def doc(self) -> str:
        """The docstring, dedented."""
        return inspect.getdoc(self.body) or ""


OPS: Final[dict[str, Entry]] = {}
"""Every declared op, in order of declaration, by ``namespace.name`` (or just the name)."""


def register(entry: Entry) -> None:
    """Add an op; a second one of the same name replaces nothing: it is an error."""
    key = f"{entry.namespace}.{entry.name}" if entry.namespace else entry.name
    if key in OPS:
        raise ValueError(f"op {key!r} is declared twice: in {OPS[key].body.__module__} and {entry.body.__module__}")
    OPS[key] = entry
