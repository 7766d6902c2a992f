"""How devices are found: pluggy's hook specifications and the registry of backends and decorators.

A plugin is a module named by an entry point of the group ``hotplug``; it imports nothing heavy::

    from hotplug.plugins import BackendSpec, hookimpl

    def make():
        from hotplug_vendor.backend import VendorBackend  # heavy imports happen here, on first use
        return VendorBackend()

    @hookimpl
    def hotplug_backends():
        return [BackendSpec("vendor", make, hint="install the vendor's driver, version 3 or newer")]
"""

from hotplug.plugins.hookspecs import BackendSpec, DecoratorSpec, hookimpl

__all__ = ["BackendSpec", "DecoratorSpec", "hookimpl"]
