"""Mixed precision: :class:`autocast` runs products in a half type, :class:`GradScaler` keeps small gradients from vanishing.

>>> import hotplug as hp
>>> weight, x = hp.ones(3, 2), hp.ones(4, 3)
>>> with hp.amp.autocast("cpu", dtype=hp.bfloat16):
...     y = x @ weight
>>> y.dtype
hotplug.bfloat16
"""

from hotplug.amp.autocast import (
    autocast as autocast,
    get_autocast_dtype as get_autocast_dtype,
    is_autocast_available as is_autocast_available,
    is_autocast_enabled as is_autocast_enabled,
)
from hotplug.amp.custom import custom_bwd as custom_bwd, custom_fwd as custom_fwd
from hotplug.amp.grad_scaler import GradScaler as GradScaler

__all__ = [
    "GradScaler",
    "autocast",
    "custom_bwd",
    "custom_fwd",
    "get_autocast_dtype",
    "is_autocast_available",
    "is_autocast_enabled",
]
