"""Hotplug: tensors and neural networks with PyTorch's names, whose devices are plugins.

>>> import hotplug as hp
>>> x = hp.tensor([1.0, 2.0], requires_grad=True)
>>> (x * x).sum().backward()
>>> x.grad
tensor([2., 4.])
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

if __name__ != "hotplug":
    raise ImportError(
        f"this package is 'hotplug', not {__name__!r}: install it (pip install -e .) instead of importing by path"
    )

from hotplug import (
    autograd as autograd,
    dtypes as dtypes,
    ops as ops,
)
from hotplug.autograd.mode import (
    enable_grad as enable_grad,
    inference_mode as inference_mode,
    is_grad_enabled as is_grad_enabled,
    is_inference_mode_enabled as is_inference_mode_enabled,
    no_grad as no_grad,
    set_grad_enabled as set_grad_enabled,
)
from hotplug.declare.promotion import (
    can_cast as can_cast,
    promote_types as promote_types,
    result_type as result_type,
)
from hotplug.declare.table import OPS as _OPS
from hotplug.device import (
    device as device,
    devices as devices,
    get_default_device as get_default_device,
    set_default_device as set_default_device,
)
from hotplug.dtypes import (
    bfloat16 as bfloat16,
    complex64 as complex64,
    complex128 as complex128,
    dtype as dtype,
    finfo as finfo,
    float16 as float16,
    float32 as float32,
    float64 as float64,
    get_default_dtype as get_default_dtype,
    iinfo as iinfo,
    int8 as int8,
    int16 as int16,
    int32 as int32,
    int64 as int64,
    set_default_dtype as set_default_dtype,
    uint8 as uint8,
    uint16 as uint16,
    uint32 as uint32,
    uint64 as uint64,
)
from hotplug.memory_format import (
    channels_last as channels_last,
    channels_last_3d as channels_last_3d,
    contiguous_format as contiguous_format,
    memory_format as memory_format,
    preserve_format as preserve_format,
)
from hotplug.runtime import (
    empty_cache as empty_cache,
    max_memory_allocated as max_memory_allocated,
    memory_allocated as memory_allocated,
    memory_reserved as memory_reserved,
    memory_summary as memory_summary,
    reset_peak_memory_stats as reset_peak_memory_stats,
    synchronize as synchronize,
)
from hotplug.tensor import (
    Size as Size,
    Tensor as Tensor,
)

if TYPE_CHECKING:
    from hotplug import (
        accelerator as accelerator,
        amp as amp,
        array_api as array_api,
        backends as backends,
        compat as compat,
        compiler as compiler,
        conformance as conformance,
        cuda as cuda,
        data as data,
        distributions as distributions,
        fft as fft,
        func as func,
        linalg as linalg,
        multiprocessing as multiprocessing,
        nn as nn,
        optim as optim,
        profiler as profiler,
        serialization as serialization,
        special as special,
        testing as testing,
        utils as utils,
    )
    from hotplug.ops import *  # noqa: F403

__version__: Final = "0.1.0"

bool = dtypes.bool_
half, float, double, cfloat, cdouble = float16, float32, float64, complex64, complex128
short, int, long = int16, int32, int64
inf: Final = float64.numpy.type("inf").item()
nan: Final = float64.numpy.type("nan").item()
pi: Final = 3.141592653589793
e: Final = 2.718281828459045
newaxis: Final = None

_LAZY: Final = frozenset(
    "accelerator amp array_api backends compat compiler conformance cuda data distributions fft func linalg "
    "multiprocessing nn optim profiler random serialization "
    "special testing utils".split()
)
_LAZY_NAMES: Final = {
    name: home
    for home, names in {
        "compiling": "compile",
        "declare": "composite elementwise gradient",
        "determinism": "are_deterministic_algorithms_enabled get_deterministic_debug_mode "
        "is_deterministic_algorithms_warn_only_enabled set_deterministic_debug_mode use_deterministic_algorithms",
        "legacy": "BFloat16Tensor BoolTensor ByteTensor CharTensor DoubleTensor FloatTensor HalfTensor IntTensor LongTensor "
        "ShortTensor set_default_tensor_type typename",
        "amp": "autocast get_autocast_dtype is_autocast_enabled",
        "func": "vmap",
        "functional_names": "adaptive_avg_pool1d adaptive_max_pool1d affine_grid_generator alpha_dropout avg_pool1d batch_norm "
        "bilinear binary_cross_entropy_with_logits celu celu_ cond constant_pad_nd conv_tbc "
        "cosine_embedding_loss ctc_loss detach dropout dropout_ embedding feature_alpha_dropout "
        "feature_dropout fill frobenius_norm frombuffer grid_sampler group_norm hardshrink "
        "hinge_embedding_loss instance_norm kl_div layer_norm margin_ranking_loss max_pool1d max_pool2d "
        "max_pool3d norm_except_dim nuclear_norm poisson_nll_loss prelu range relu_ rrelu rrelu_ selu selu_ "
        "threshold threshold_ triplet_margin_loss while_loop",
        "kinds": "strided",
        "errors": "OutOfMemoryError",
        "switches": "_assert get_float32_matmul_precision get_num_interop_threads get_num_threads is_anomaly_enabled "
        "is_storage is_warn_always_enabled set_float32_matmul_precision set_flush_denormal set_num_interop_threads "
        "set_num_threads set_warn_always",
        "storage": "TypedStorage UntypedStorage",
        "host_execution": "get_host_policy host_policy set_host_policy",
        "printing": "get_printoptions printoptions set_printoptions",
        "random": "Generator default_generator get_rng_state initial_seed manual_seed seed set_rng_state",
        "serialization": "load save",
    }.items()
    for name in names.split()
}
"""Names that are imported on first use, by the module that has them."""


def _expose() -> None:
    """Every op without a namespace of its own becomes a function of this package, with its aliases."""
    for entry in _OPS.values():
        if not entry.namespace:
            for name in (entry.name, *entry.aliases):
                globals()[name] = entry.function


_expose()


def __dir__() -> list[str]:
    ops.complete()
    _expose()
    return sorted({*globals(), *_LAZY, *_LAZY_NAMES})


def is_tensor(obj: Any) -> Any:
    """Whether an object is a Tensor."""
    return isinstance(obj, Tensor)


def is_floating_point(input: Tensor) -> Any:
    """Whether a tensor's dtype is floating."""
    return input.is_floating_point()


def is_complex(input: Tensor) -> Any:
    """Whether a tensor's dtype is complex."""
    return input.is_complex()


def numel(input: Tensor) -> Any:
    """The number of elements."""
    return input.numel()


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return importlib.import_module(f"hotplug.{name}")
    home = _LAZY_NAMES.get(name)
    if home is None:
        if not name.startswith("__"):
            ops.complete()
            _expose()
        if name in globals():
            return globals()[name]
        if name.endswith("_") and not name.startswith("_") and hasattr(Tensor, name):
            from hotplug.functional_names import of_method

            globals()[name] = of_method(name)
            return globals()[name]
        if name in ("alias_copy", "detach_copy"):
            return Tensor.clone
        if name.endswith("_copy") and name.removesuffix("_copy") in globals():
            from hotplug.functional_names import of_view

            globals()[name] = of_view(globals()[name.removesuffix("_copy")])
            return globals()[name]
        raise AttributeError(f"module 'hotplug' has no attribute {name!r}")
    found = getattr(importlib.import_module(f"hotplug.{home}"), name)
    globals()[name] = found
    return found
