"""``autograd.profiler``: the old home of what is :mod:`hotplug.profiler`."""

from hotplug.profiler import profile, record_function

__all__ = ["profile", "record_function"]
