"""``nn.parallel``: what of it makes sense on one device."""

from hotplug.nn.data_parallel import DataParallel, data_parallel

__all__ = ["DataParallel", "data_parallel"]
