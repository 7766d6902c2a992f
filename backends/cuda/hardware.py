"""What CUDA devices can do, all alike, and the choice of how scatter adds."""

from __future__ import annotations

import os
from typing import Final

from hotplug.backend import Capabilities

ATOMIC: Final = os.environ.get("HOTPLUG_CUDA_SCATTER", "") == "atomic"
"""Whether scatter may add floating numbers in the order in which threads come by: faster, and other bits each time."""

CAPABILITIES: Final = Capabilities(asynchronous=True, deterministic_scatter=not ATOMIC)
"""Every dtype, also float64; the half types are computed as float."""
