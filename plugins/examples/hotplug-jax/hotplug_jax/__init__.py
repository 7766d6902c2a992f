"""JAX as a device of Hotplug: ``device="jax"``."""
