"""Nested tuples, lists and dictionaries as flat lists of leaves, and back."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Callable
from typing import Any, NamedTuple


class TreeSpec(NamedTuple):
    """The shape of a tree: the type of the container (``None`` for a leaf), its keys, and its children's shapes."""

    type: Any
    context: Any
    children: tuple[TreeSpec, ...]

    @property
    def num_leaves(self) -> int:
        """How many leaves there are."""
        return 1 if self.type is None else sum(each.num_leaves for each in self.children)


LEAF = TreeSpec(None, None, ())


def tree_flatten(tree: Any) -> tuple[list[Any], TreeSpec]:
    """The leaves in order, and the shape.  ``None`` is a leaf, as in PyTorch."""
    kind = type(tree)
    context: Any
    values: list[Any]
    if kind in (dict, OrderedDict, defaultdict):
        values, context = list(tree.values()), list(tree)
    elif isinstance(tree, tuple) and hasattr(tree, "_fields"):
        values, context = list(tree), kind
    elif kind in (list, tuple):
        values, context = list(tree), None
    else:
        return [tree], LEAF
    parts = [tree_flatten(value) for value in values]
    leaves = [leaf for found, _ in parts for leaf in found]
    return leaves, TreeSpec(kind, context, tuple(spec for _, spec in parts))


def tree_unflatten(leaves: Any, treespec: TreeSpec) -> Any:
    """The tree of a shape with these leaves.

    Raises:
        ValueError: there are too many or too few of them.
    """
    leaves = list(leaves)
    if len(leaves) != treespec.num_leaves:
        raise ValueError(f"tree_unflatten: expected {treespec.num_leaves} leaves, got {len(leaves)}")
    return _build(iter(leaves), treespec)


def _build(leaves: Any, spec: TreeSpec) -> Any:
    if spec.type is None:
        return next(leaves)
    values = [_build(leaves, child) for child in spec.children]
    if isinstance(spec.context, list):
        pairs = zip(spec.context, values, strict=True)
        return dict(pairs) if spec.type is defaultdict else spec.type(pairs)
    return spec.type(*values) if spec.context is not None else spec.type(values)


def tree_map(func: Callable[..., Any], tree: Any, *rests: Any) -> Any:
    """The tree with each leaf (and those of equal trees) replaced by what ``func`` makes of it."""
    leaves, spec = tree_flatten(tree)
    others = [tree_flatten(rest)[0] for rest in rests]
    return tree_unflatten([func(*each) for each in zip(leaves, *others, strict=True)], spec)


def tree_leaves(tree: Any) -> list[Any]:
    """The leaves in order."""
    return tree_flatten(tree)[0]
