"""Announces the device ``jax``.  Imports nothing heavy: JAX is loaded when the device is first used."""

from hotplug.backend import Backend
from hotplug.plugins import BackendSpec, hookimpl


def _make() -> Backend:
    from hotplug_jax.backend import JaxBackend

    return JaxBackend()


@hookimpl
def hotplug_backends() -> list[BackendSpec]:
    """The one backend of this package."""
    return [BackendSpec("jax", _make, hint="pip install --upgrade jax; see jax's documentation for GPUs and TPUs")]
