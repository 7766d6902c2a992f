"""``@function``: a public function written in other ops."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ParamSpec, TypeVar

from hotplug.declare.autocasting import autocasting, policy_of
from hotplug.declare.table import Entry, register

P = ParamSpec("P")
R = TypeVar("R")


def function(
    *, method: bool = True, inplace: bool = False, dunders: Sequence[str] = (), namespace: str = "",
    aliases: Sequence[str] = (), sample: Any = None, name: str = "",
) -> Callable[[Callable[P, R]], Callable[P, R]]:  # fmt: skip
    """Register a public function under PyTorch's name and signature; it stays a plain
    function, unless :mod:`hotplug.declare.autocasting` lists it.

    Args:
        method, inplace: whether Tensor gets ``x.name()`` and ``x.name_()``; the latter overwrites ``x``.
        dunders: operator methods that call it.
        namespace: where it is public; default: ``hotplug`` itself; ``"Tensor"`` for what is a method only.
        aliases: other names of the same function.
        sample: how conformance draws arguments.
        name: public name where it differs, because it is that of a Python built-in say.
    """

    def declare(body: Callable[P, R]) -> Callable[P, R]:
        public = name or body.__name__
        policy = policy_of(f"{namespace}.{public}" if namespace else public)
        called = autocasting(policy, body) if policy else body
        register(
            Entry(public, called, "function", body, method, inplace, tuple(dunders), namespace, sample, tuple(aliases))
        )
        return called

    return declare
