"""The registry of recipes, and which op has which."""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, final

from hotplug.conformance.draw import Draw, Sample
from hotplug.declare import OPS, Entry, rules

Body = Callable[[Draw], Iterator[Sample]]
Shown = Callable[[Sequence[Any], Any], Any]


@final
@dataclass(frozen=True, slots=True)
class Recipe:
    """How the arguments of one op are made.

    Attributes:
        kinds: kinds of the dtypes that the op takes.
        gradient: whether it has a gradient for floating dtypes.
        layouts: whether its tensors may be laid out in any way; not where memory itself is what the op is about.
        shown: what is compared in place of the outputs where these are not unique (eigenvectors have any phase): a
            function of the arguments and the outputs, in differentiable ops, that is the same for all of them.
    """

    body: Body
    kinds: str
    gradient: bool
    layouts: bool
    shown: Shown | None = None

    def compared(self, args: Sequence[Any], result: Any) -> Any:
        """What stands for the result of a call in comparisons."""
        return result if self.shown is None else self.shown(args, result)


_RECIPES: Final[dict[str, Recipe]] = {}


def samples(
    *names: str, kinds: str = "buifc", gradient: bool = True, layouts: bool = True, shown: Shown | None = None,
) -> Callable[[Body], Body]:  # fmt: skip
    """Register a recipe for ops, by their names in the op table with or without the namespace."""

    def register(body: Body) -> Body:
        for name in names:
            if name in _RECIPES:
                raise ValueError(f"two recipes for op {name!r}")
            _RECIPES[name] = Recipe(body, kinds, gradient, layouts, shown)
        return body

    return register


@functools.cache
def all_recipes() -> dict[str, Recipe]:
    """All recipes, by the op's full name in the table."""
    package = importlib.import_module("hotplug.conformance.samples")
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"{package.__name__}.{module.name}")
    return {_full_name(name): recipe for name, recipe in _RECIPES.items()}


def _full_name(name: str) -> str:
    """The name in the table: as given, or with its one namespace; unknown names stay, and a test reports them."""
    if name in OPS:
        return name
    found = [key for key in OPS if key.rpartition(".")[2] == name]
    return found[0] if len(found) == 1 else name


def recipe_of(name: str) -> Recipe | None:
    """The recipe of an op: its own, or the one that follows from an elementwise declaration."""
    found = all_recipes().get(name)
    if found is None and OPS[name].kind == "elementwise" and OPS[name].sample is not None:
        from hotplug.conformance.samples.elementwise import automatic

        entry = OPS[name]
        return Recipe(functools.partial(automatic, entry), accepted(entry), True, True)
    return found


def accepted(entry: Entry) -> str:
    """The kinds that an elementwise op's rule takes."""
    rule: rules.Rule = getattr(rules, entry.rule)
    return rule.accepts


def kinds_of(name: str) -> str:
    """Kinds of dtypes that an op is tested with."""
    recipe = recipe_of(name)
    return "" if recipe is None else recipe.kinds


@functools.lru_cache(maxsize=1024)
def samples_of(name: str, kind: str, seed: int = 0) -> Sequence[Sample]:
    """The samples of an op for one kind of dtype."""
    recipe = recipe_of(name)
    return () if recipe is None else tuple(recipe.body(Draw(name, kind, seed)))
