"""The names of :mod:`hotplug.data`, where PyTorch has them, with its modules' names too."""

import sys
from typing import Final

from hotplug.data import *  # noqa: F403 - the same names
from hotplug.data import (
    __all__ as __all__,  # noqa: PLC0414 - exported
    dataset,
    loader as dataloader,
    sampler,
)

distributed = sampler
"""Where PyTorch has its DistributedSampler."""

__path__: Final[list[str]] = []
"""So that ``from hotplug.utils.data.sampler import ...`` asks for a module of this one: one of those below."""

sys.modules |= {
    f"{__name__}.{name}": module
    for name, module in (
        ("dataloader", dataloader), ("dataset", dataset), ("distributed", distributed), ("sampler", sampler),
    )
}  # fmt: skip
