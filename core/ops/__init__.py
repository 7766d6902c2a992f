"""The ops.  Each module of this folder declares one family; the table of all is :data:`hotplug.declare.OPS`.

The families of everyday work are imported with the package, the others together on the first use of one of them, or by
:func:`complete`: ``import hotplug`` stays fast however many there are.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
import sys
from typing import TYPE_CHECKING, Any

from hotplug import _methods
from hotplug.autograd.views import assign as assign
from hotplug.declare.table import OPS as _OPS
from hotplug.ops.activation import *  # noqa: F403
from hotplug.ops.arithmetic import *  # noqa: F403
from hotplug.ops.comparison import *  # noqa: F403
from hotplug.ops.complex_numbers import *  # noqa: F403
from hotplug.ops.creation import *  # noqa: F403
from hotplug.ops.gathering import *  # noqa: F403
from hotplug.ops.indexing import *  # noqa: F403
from hotplug.ops.joining import *  # noqa: F403
from hotplug.ops.movement import *  # noqa: F403
from hotplug.ops.products import *  # noqa: F403
from hotplug.ops.quotients import *  # noqa: F403
from hotplug.ops.random import *  # noqa: F403
from hotplug.ops.rearranging import *  # noqa: F403
from hotplug.ops.reduction import *  # noqa: F403
from hotplug.ops.scattering import *  # noqa: F403
from hotplug.ops.selection import *  # noqa: F403
from hotplug.ops.transcendental import *  # noqa: F403
from hotplug.ops.view_ops import *  # noqa: F403
from hotplug.ops.views import *  # noqa: F403
from hotplug.tensor import Tensor as Tensor

if TYPE_CHECKING:
    from hotplug.ops.added_products import *  # noqa: F403
    from hotplug.ops.alignment import *  # noqa: F403
    from hotplug.ops.arrangements import *  # noqa: F403
    from hotplug.ops.attention import *  # noqa: F403
    from hotplug.ops.bags import *  # noqa: F403
    from hotplug.ops.bitonic import *  # noqa: F403
    from hotplug.ops.classification import *  # noqa: F403
    from hotplug.ops.closeness import *  # noqa: F403
    from hotplug.ops.contractions import *  # noqa: F403
    from hotplug.ops.convolution import *  # noqa: F403
    from hotplug.ops.diagonals import *  # noqa: F403
    from hotplug.ops.differences import *  # noqa: F403
    from hotplug.ops.distance import *  # noqa: F403
    from hotplug.ops.divisors import *  # noqa: F403
    from hotplug.ops.dropouts import *  # noqa: F403
    from hotplug.ops.einsum_notation import *  # noqa: F403
    from hotplug.ops.einsums import *  # noqa: F403
    from hotplug.ops.fourier_arrays import *  # noqa: F403
    from hotplug.ops.fourier_spaces import *  # noqa: F403
    from hotplug.ops.fourier_transforms import *  # noqa: F403
    from hotplug.ops.fractional_pooling import *  # noqa: F403
    from hotplug.ops.fused import *  # noqa: F403
    from hotplug.ops.grid_sampling import *  # noqa: F403
    from hotplug.ops.heads import *  # noqa: F403
    from hotplug.ops.histograms import *  # noqa: F403
    from hotplug.ops.incomplete_gammas import *  # noqa: F403
    from hotplug.ops.inspection import *  # noqa: F403
    from hotplug.ops.linalg_arrays import *  # noqa: F403
    from hotplug.ops.linalg_cholesky import *  # noqa: F403
    from hotplug.ops.linalg_common import *  # noqa: F403
    from hotplug.ops.linalg_extremal import *  # noqa: F403
    from hotplug.ops.linalg_factors import *  # noqa: F403
    from hotplug.ops.linalg_functions import *  # noqa: F403
    from hotplug.ops.linalg_householder import *  # noqa: F403
    from hotplug.ops.linalg_least_squares import *  # noqa: F403
    from hotplug.ops.linalg_lowrank import *  # noqa: F403
    from hotplug.ops.linalg_lu import *  # noqa: F403
    from hotplug.ops.linalg_norms import *  # noqa: F403
    from hotplug.ops.linalg_qr import *  # noqa: F403
    from hotplug.ops.linalg_solve import *  # noqa: F403
    from hotplug.ops.linalg_spectral import *  # noqa: F403
    from hotplug.ops.linalg_triangular import *  # noqa: F403
    from hotplug.ops.lookup import *  # noqa: F403
    from hotplug.ops.loss import *  # noqa: F403
    from hotplug.ops.mantissas import *  # noqa: F403
    from hotplug.ops.margins import *  # noqa: F403
    from hotplug.ops.max_pooling import *  # noqa: F403
    from hotplug.ops.memory_handles import *  # noqa: F403
    from hotplug.ops.noise import *  # noqa: F403
    from hotplug.ops.normalization import *  # noqa: F403
    from hotplug.ops.norms_of_lists import *  # noqa: F403
    from hotplug.ops.orthogonal_polynomials import *  # noqa: F403
    from hotplug.ops.padding import *  # noqa: F403
    from hotplug.ops.pair_distances import *  # noqa: F403
    from hotplug.ops.parametric import *  # noqa: F403
    from hotplug.ops.placing import *  # noqa: F403
    from hotplug.ops.pooling import *  # noqa: F403
    from hotplug.ops.quantiles import *  # noqa: F403
    from hotplug.ops.recurrence import *  # noqa: F403
    from hotplug.ops.recurrent_layers import *  # noqa: F403
    from hotplug.ops.resampling import *  # noqa: F403
    from hotplug.ops.resizing import *  # noqa: F403
    from hotplug.ops.running_extrema import *  # noqa: F403
    from hotplug.ops.samplers import *  # noqa: F403
    from hotplug.ops.scan import *  # noqa: F403
    from hotplug.ops.scatter_reduction import *  # noqa: F403
    from hotplug.ops.searching import *  # noqa: F403
    from hotplug.ops.sets import *  # noqa: F403
    from hotplug.ops.shuffling import *  # noqa: F403
    from hotplug.ops.softmaxes import *  # noqa: F403
    from hotplug.ops.sorting import *  # noqa: F403
    from hotplug.ops.special_functions import *  # noqa: F403
    from hotplug.ops.special_values import *  # noqa: F403
    from hotplug.ops.spectrograms import *  # noqa: F403
    from hotplug.ops.splits import *  # noqa: F403
    from hotplug.ops.statistics import *  # noqa: F403
    from hotplug.ops.tapers import *  # noqa: F403
    from hotplug.ops.unpooling import *  # noqa: F403
    from hotplug.ops.variance import *  # noqa: F403
    from hotplug.ops.windows import *  # noqa: F403


def _expose() -> None:
    """Every op without a namespace of its own under its names; "unfold" of nn.functional is another op."""
    for entry in _OPS.values():
        if not entry.namespace:
            for name in (entry.name, *entry.aliases):
                globals()[name] = entry.function


@functools.cache
def _modules() -> frozenset[str]:
    """The modules of this folder."""
    return frozenset(found.name for found in pkgutil.iter_modules(sys.modules[__name__].__path__))


@functools.cache
def complete() -> None:
    """Import the families that are not there yet: from now on the table holds every op."""
    for found in sorted(_modules()):
        module = importlib.import_module(f"{__name__}.{found}")
        globals().update((name, value) for name, value in vars(module).items() if not name.startswith("_"))
    _expose()


def __getattr__(name: str) -> Any:
    if name in _modules():  # `from hotplug.ops import diagonals`: that one, not all, or modules would go in circles
        return importlib.import_module(f"{__name__}.{name}")
    if not name.startswith("__"):
        complete()
    if name not in globals():
        raise AttributeError(f"module 'hotplug.ops' has no attribute {name!r}")
    return globals()[name]


_expose()
_methods.bind(sys.modules[__name__])
