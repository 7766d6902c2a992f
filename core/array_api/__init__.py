"""``hotplug.array_api``: the Python array API standard, version 2024.12, of Tensors on any device.

It is strict: functions take the dtypes that the standard gives them, mix only those that it promotes, and take no
arguments beyond its own; all else raises TypeError or ValueError.  (Operators and methods of Tensors stay PyTorch's.)
``Tensor.__array_namespace__`` returns this module, which is how SciPy, scikit-learn and einops find it.

>>> import hotplug as hp
>>> xp = hp.ones(2).__array_namespace__()
>>> xp.mean(xp.asarray([1.0, 3.0]))
tensor(2.)
>>> xp.add(xp.asarray(1), xp.asarray(1.5))
Traceback (most recent call last):
    ...
hotplug.errors.ArgumentTypeError: int64 and float32 can't be promoted to one dtype; convert one with astype
"""

from __future__ import annotations

from typing import Any, Final

from hotplug import dtypes as _dtypes
from hotplug.array_api import fft as fft, linalg as linalg
from hotplug.array_api.creation import (
    arange as arange,
    asarray as asarray,
    astype as astype,
    can_cast as can_cast,
    empty as empty,
    empty_like as empty_like,
    eye as eye,
    finfo as finfo,
    from_dlpack as from_dlpack,
    full as full,
    full_like as full_like,
    iinfo as iinfo,
    isdtype as isdtype,
    linspace as linspace,
    meshgrid as meshgrid,
    ones as ones,
    ones_like as ones_like,
    tril as tril,
    triu as triu,
    zeros as zeros,
    zeros_like as zeros_like,
)
from hotplug.array_api.elementwise import (
    FUNCTIONS as _FUNCTIONS,
    clip as clip,
    result_type as result_type,
    round as round,  # noqa: A004 - the standard's names
    where as where,
)
from hotplug.array_api.info import Info as _Info
from hotplug.array_api.linalg import matmul as matmul, tensordot as tensordot, vecdot as vecdot
from hotplug.array_api.reductions import (
    all as all,  # noqa: A004
    any as any,  # noqa: A004
    argmax as argmax,
    argmin as argmin,
    argsort as argsort,
    count_nonzero as count_nonzero,
    cumulative_prod as cumulative_prod,
    cumulative_sum as cumulative_sum,
    diff as diff,
    max as max,  # noqa: A004
    mean as mean,
    min as min,  # noqa: A004
    nonzero as nonzero,
    prod as prod,
    searchsorted as searchsorted,
    sort as sort,
    std as std,
    sum as sum,  # noqa: A004
    unique_all as unique_all,
    unique_counts as unique_counts,
    unique_inverse as unique_inverse,
    unique_values as unique_values,
    var as var,
)
from hotplug.array_api.shapes import (
    broadcast_arrays as broadcast_arrays,
    broadcast_to as broadcast_to,
    concat as concat,
    expand_dims as expand_dims,
    flip as flip,
    matrix_transpose as matrix_transpose,
    moveaxis as moveaxis,
    permute_dims as permute_dims,
    repeat as repeat,
    reshape as reshape,
    roll as roll,
    squeeze as squeeze,
    stack as stack,
    take as take,
    take_along_axis as take_along_axis,
    tile as tile,
    unstack as unstack,
)
from hotplug.dtypes import (
    complex64 as complex64,
    complex128 as complex128,
    float32 as float32,
    float64 as float64,
    int8 as int8,
    int16 as int16,
    int32 as int32,
    int64 as int64,
    uint8 as uint8,
    uint16 as uint16,
    uint32 as uint32,
    uint64 as uint64,
)

__array_api_version__: Final = "2024.12"

bool = _dtypes.bool_
e: Final = 2.718281828459045
inf: Final = float("inf")
nan: Final = float("nan")
newaxis: Final = None
pi: Final = 3.141592653589793

globals().update(_FUNCTIONS)


def __array_namespace_info__() -> _Info:  # noqa: N807 - the standard's name
    """The namespace's devices, dtypes and capabilities."""
    return _Info()


def __getattr__(name: str) -> Any:
    raise AttributeError(
        f"module 'hotplug.array_api' has no attribute {name!r}; the standard of 2024.12 has no such name"
    )


def __dir__() -> list[str]:
    return sorted(each for each in globals() if not each.startswith("_") and each not in _PARTS)


_PARTS: Final = frozenset(
    {"Any", "Final", "annotations", "creation", "elementwise", "info", "kinds", "reductions", "shapes"}
)
