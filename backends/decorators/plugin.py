"""Announces the decorators that come with Hotplug.  Imports nothing heavy."""

from __future__ import annotations

from hotplug.backend import Backend
from hotplug.plugins import DecoratorSpec, hookimpl


def _profile(inner: Backend) -> Backend:
    from hotplug.backends.decorators.profile import ProfileBackend

    return ProfileBackend(inner)


def _check(inner: Backend) -> Backend:
    from hotplug.backends.decorators.check import CheckBackend

    return CheckBackend(inner)


def _fault(inner: Backend) -> Backend:
    from hotplug.backends.decorators.fault import FaultBackend

    return FaultBackend(inner)


@hookimpl
def hotplug_decorators() -> list[DecoratorSpec]:
    """Measuring, comparing with the reference, and planned failures."""
    return [DecoratorSpec("profile", _profile), DecoratorSpec("check", _check), DecoratorSpec("fault", _fault)]
