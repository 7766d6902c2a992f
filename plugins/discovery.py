"""Reads entry points, each in its own ``try``: a broken plugin becomes a record, never an exception."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any, TypeVar

import pluggy

from hotplug.errors import PluginError
from hotplug.plugins import hookspecs
from hotplug.plugins.hookspecs import PROJECT, BackendSpec, DecoratorSpec

Spec = TypeVar("Spec", BackendSpec, DecoratorSpec)


@dataclass(frozen=True, slots=True)
class Plugin:
    """One entry point after loading: what it brings, or the exception that it broke with."""

    name: str
    """The entry point's name."""
    distribution: str
    """Name and version of the distribution that installed it, e.g. ``hotplug-vendor 0.3``."""
    backends: tuple[BackendSpec, ...] = ()
    decorators: tuple[DecoratorSpec, ...] = ()
    error: BaseException | None = None
    module: str = ""
    """The module that the entry point names."""


def installed() -> Iterable[EntryPoint]:
    """The entry points of all installed plugins, the built-in ones among them."""
    return entry_points(group=PROJECT)


def load(entry: EntryPoint) -> Plugin:
    """Import one plugin and ask it what it brings."""
    distribution = f"{entry.dist.name} {entry.dist.version}" if entry.dist else "an unnamed distribution"
    try:
        backends, decorators = _ask(entry.load())
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a stranger's module does at import, the others go on
        return Plugin(entry.name, distribution, error=error)
    return Plugin(entry.name, distribution, backends, decorators, module=entry.module)


def _ask(plugin: object) -> tuple[tuple[BackendSpec, ...], tuple[DecoratorSpec, ...]]:
    # One manager for each plugin: in a common one, a hook that raises would hide the plugins after it.
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(hookspecs)
    manager.register(plugin)
    manager.check_pending()
    if not manager.get_hookcallers(plugin):
        raise PluginError(
            "the plugin implements no hook; it needs a function hotplug_backends or hotplug_decorators marked with "
            "@hotplug.plugins.hookimpl"
        )
    hook = manager.hook
    return (
        _flatten("hotplug_backends", hook.hotplug_backends(), BackendSpec),
        _flatten("hotplug_decorators", hook.hotplug_decorators(), DecoratorSpec),
    )


def _flatten(hook: str, results: list[Any], kind: type[Spec]) -> tuple[Spec, ...]:
    specs: list[Spec] = []
    for result in results:
        if not (isinstance(result, (list, tuple)) and all(isinstance(each, kind) for each in result)):
            raise PluginError(f"the hook {hook} must return a list of {kind.__name__}, got {result!r}")
        specs.extend(result)
    return tuple(specs)
