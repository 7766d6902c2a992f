"""The op table: everything that was declared, for docs, conformance, generated methods and namespaces."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, final

if TYPE_CHECKING:
    import inspect


@final
class Entry:
    """One public op.

    Attributes:
        name: public name.
        function: what users call.
        kind: ``elementwise`` or ``function``.
        body: what was declared; has the signature and the docstring.
        method: whether Tensor has a method of this name.
        inplace: whether Tensor has a method with an underscore at the end.
        dunders: operator methods that call the op, e.g. ``__add__``.
        namespace: where the op is public: ``""`` for ``hotplug``, ``"Tensor"`` for methods only, else a module such as
            ``nn.functional``.
        sample: how conformance draws inputs; see :mod:`hotplug.conformance`.
        aliases: other names of the same op.
        rule: name of an elementwise op's dtype rule.
    """

    def __init__(
        self, name: str, function: Callable[..., Any], kind: str, body: Callable[..., Any], method: bool = False,
        inplace: bool = False, dunders: tuple[str, ...] = (), namespace: str = "", sample: Any = None,
        aliases: tuple[str, ...] = (), rule: str = "",
    ) -> None:  # fmt: skip
        self.name: Final = name
        self.function: Final = function
        self.kind: Final = kind
        self.body: Final = body
        self.method: Final = method
        self.inplace: Final = inplace
        self.dunders: Final = dunders
        self.namespace: Final = namespace
        self.sample: Final = sample
        self.aliases: Final = aliases
        self.rule: Final = rule

    @property
    def signature(self) -> inspect.Signature:
        """Parameters as declared."""
        import inspect

        return inspect.signature(self.body)

    @property
    def doc(self) -> str:
        """The docstring, dedented."""
        import inspect

        return inspect.getdoc(self.body) or ""


OPS: Final[dict[str, Entry]] = {}
"""Every declared op, in order of declaration, by ``namespace.name`` (or just the name)."""


def register(entry: Entry) -> None:
    """Add an op; a second one of the same name replaces nothing: it is an error."""
    key = f"{entry.namespace}.{entry.name}" if entry.namespace else entry.name
    if key in OPS:
        raise ValueError(
            f"op {key!r} is declared twice: in {OPS[key].body.__module__} and {entry.body.__module__}; "
            f"give one of them another name, or a namespace"
        )
    OPS[key] = entry
