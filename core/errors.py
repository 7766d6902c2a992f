"""Every error that Hotplug raises on purpose.

Each class also derives from the built-in that PyTorch raises in the same place, so that a program written for
PyTorch catches it.  A message says the operation, what it expected, what it got, and what to do.
"""

from __future__ import annotations


class HotplugError(Exception):
    """Base of all errors raised by Hotplug."""


class ShapeError(HotplugError, RuntimeError):
    """Shapes do not fit together."""


class DTypeError(HotplugError, NotImplementedError):
    """An operation is not defined for the given dtypes.  PyTorch raises NotImplementedError or its base, RuntimeError."""


class ArgumentError(HotplugError, ValueError, RuntimeError):
    """An argument has a value outside its documented range.  PyTorch raises either built-in, by op."""


class ArgumentTypeError(HotplugError, TypeError):
    """An argument has a type that the operation does not take."""


class DimensionError(HotplugError, IndexError):
    """A dimension is out of range for the tensor's rank."""


class RankError(ShapeError, DimensionError, ValueError):
    """A tensor has a number of dimensions that the operation does not take.  PyTorch raises any of the three, by op."""


class IndexRangeError(HotplugError, IndexError, RuntimeError):
    """An element of an index is out of range for the axis that it indexes.  PyTorch raises either built-in, by op."""


class DeviceError(HotplugError, RuntimeError):
    """A device is unknown, unavailable, or not the one that the operation needs."""


class DeviceMismatchError(DeviceError):
    """Operands live on different devices."""


class CapabilityError(DeviceError):
    """The device lacks something that the operation needs, a dtype for example."""


class OutOfMemoryError(DeviceError):
    """The device has no memory left for an allocation, even after the cache was returned."""


class PluginError(HotplugError, RuntimeError):
    """A plugin broke, or broke the contract.  The message names the plugin."""


class DivergenceError(HotplugError, RuntimeError):
    """A device computed something else than the reference, where it was told to compare."""


class AutogradError(HotplugError, RuntimeError):
    """A gradient was asked for that does not exist."""


class ExchangeError(HotplugError, BufferError, RuntimeError):
    """Memory can't be shared with another library as asked."""


class LinAlgError(HotplugError, RuntimeError):
    """A matrix is singular, not positive-definite, or a decomposition of it did not converge."""


class WorkerError(HotplugError, RuntimeError):
    """A worker process died, is late, or failed in a way that can't be raised as it was."""


class FileFormatError(HotplugError, ValueError):
    """A file of weights is corrupt, truncated or hostile."""


class HostExecutionWarning(UserWarning):
    """An operation ran on the host because its device has no kernel and no decomposition for it."""
