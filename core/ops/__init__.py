"""The ops.  Each module declares one family; the table of all is :data:`hotplug.declare.OPS`."""

# The order is that of dependence: a module's bodies may use the ops of those before it.
from __future__ import annotations

import sys

from hotplug import _methods
from hotplug.autograd.views import assign as assign
from hotplug.declare.table import OPS as _OPS
from hotplug.ops.activation import *  # noqa: F403
from hotplug.ops.arithmetic import *  # noqa: F403
from hotplug.ops.attention import *  # noqa: F403
from hotplug.ops.comparison import *  # noqa: F403
from hotplug.ops.complex_numbers import *  # noqa: F403
from hotplug.ops.convolution import *  # noqa: F403
from hotplug.ops.creation import *  # noqa: F403
from hotplug.ops.cross_entropy import *  # noqa: F403
from hotplug.ops.diagonals import *  # noqa: F403
from hotplug.ops.distance import *  # noqa: F403
from hotplug.ops.dropout import *  # noqa: F403
from hotplug.ops.gathering import *  # noqa: F403
from hotplug.ops.indexing import *  # noqa: F403
from hotplug.ops.joining import *  # noqa: F403
from hotplug.ops.lookup import *  # noqa: F403
from hotplug.ops.loss import *  # noqa: F403
from hotplug.ops.max_pooling import *  # noqa: F403
from hotplug.ops.movement import *  # noqa: F403
from hotplug.ops.normalization import *  # noqa: F403
from hotplug.ops.padding import *  # noqa: F403
from hotplug.ops.parametric import *  # noqa: F403
from hotplug.ops.pooling import *  # noqa: F403
from hotplug.ops.products import *  # noqa: F403
from hotplug.ops.random import *  # noqa: F403
from hotplug.ops.rearranging import *  # noqa: F403
from hotplug.ops.reduction import *  # noqa: F403
from hotplug.ops.scan import *  # noqa: F403
from hotplug.ops.scatter_reduction import *  # noqa: F403
from hotplug.ops.scattering import *  # noqa: F403
from hotplug.ops.selection import *  # noqa: F403
from hotplug.ops.softmax import *  # noqa: F403
from hotplug.ops.transcendental import *  # noqa: F403
from hotplug.ops.view_ops import *  # noqa: F403
from hotplug.ops.views import *  # noqa: F403
from hotplug.ops.windows import *  # noqa: F403
from hotplug.tensor import Tensor as Tensor

for _entry in _OPS.values():
    if not _entry.namespace:  # the others are here under their own names: "unfold" in nn.functional is another op
        for _name in (_entry.name, *_entry.aliases):
            globals()[_name] = _entry.function

_methods.bind(sys.modules[__name__])
