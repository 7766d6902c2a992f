"""Autocast: which public functions take their operands in a lower precision, and which in float32, inside of it.

The lists are PyTorch's for the processor, and hold for every device.  Functions that are in none run in the dtypes that
they are given.  While a listed function runs, autocast is off, so that what it is made of is not cast again.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any, Final, ParamSpec, TypeVar, cast

from hotplug.autograd.mode import MODE, WATCH
from hotplug.declare.promotion import promote_types
from hotplug.dtypes import float32, float64
from hotplug.tensor import Tensor

P = ParamSpec("P")
R = TypeVar("R")

_LOWER: Final = """
    matmul rmatmul mm bmm addmm addbmm baddbmm chain_matmul linalg.multi_dot einsum nn.functional.linear ops.linear_activation
    conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d nn.functional.scaled_dot_product_attention
    lstm gru rnn_tanh rnn_relu
"""
_FLOAT32: Final = """
    prod quantile nanquantile cdist trace polar stft mv dot addr addmv nn.functional.bilinear cholesky cholesky_inverse
    cholesky_solve inverse pinverse nn.functional.grid_sample nn.functional.avg_pool3d nn.functional.max_pool3d
    nn.functional.adaptive_avg_pool3d nn.functional.max_unpool2d nn.functional.max_unpool3d nn.functional.mse_loss
    nn.functional.l1_loss nn.functional.smooth_l1_loss nn.functional.huber_loss nn.functional.nll_loss
    nn.functional.cross_entropy nn.functional.kl_div nn.functional.ctc_loss nn.functional.cosine_embedding_loss
    nn.functional.hinge_embedding_loss nn.functional.poisson_nll_loss nn.functional.margin_ranking_loss
    nn.functional.soft_margin_loss nn.functional.triplet_margin_loss nn.functional.multi_margin_loss
    nn.functional.multilabel_margin_loss nn.functional.binary_cross_entropy
    nn.functional.binary_cross_entropy_with_logits
"""
_WIDEST: Final = "cat stack index_copy"

_AS_GIVEN: Final = frozenset({"linalg.norm", "linalg.vector_norm", "linalg.diagonal"})

POLICIES: Final[dict[str, str]] = {
    name: policy
    for policy, names in (("lower", _LOWER), ("float32", _FLOAT32), ("widest", _WIDEST))
    for name in names.split()
}
"""Policies by the function's name in the op table."""


def policy_of(name: str) -> str:
    """The policy of a function: its own, or float32 for what decomposes matrices and transforms signals."""
    known = POLICIES.get(name)
    if known is None:
        known = "float32" if name.startswith(("linalg.", "fft.")) and name not in _AS_GIVEN else ""
    return known


def autocasting(policy: str, body: Callable[P, R]) -> Callable[P, R]:
    """A function that casts its operands where autocast is on in the calling thread."""

    @functools.wraps(body)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        lower = MODE.autocast if WATCH.autocast else None
        if lower is None:
            return body(*args, **kwargs)
        goal: Any = lower if policy == "lower" else float32
        if policy == "widest":
            goal = functools.reduce(promote_types, (each.dtype for each in _tensors([*args, *kwargs.values()])), lower)
        MODE.autocast = None
        try:
            narrow = [_cast(each, goal) for each in args]
            result: R = cast(Any, body)(*narrow, **{name: _cast(each, goal) for name, each in kwargs.items()})
        finally:
            MODE.autocast = lower
        return result

    return run


def _eligible(value: Any) -> bool:
    return isinstance(value, Tensor) and value.dtype.kind == "f" and value.dtype is not float64


def _tensors(values: Iterable[Any]) -> Iterable[Tensor]:
    for value in values:
        if _eligible(value):
            yield value
        elif isinstance(value, (list, tuple)):
            yield from _tensors(value)


def _cast(value: Any, goal: Any) -> Any:
    if _eligible(value):
        return value.to(goal)
    if isinstance(value, (list, tuple)):
        cast_parts = [_cast(each, goal) for each in value]
        return type(value)(*cast_parts) if hasattr(value, "_fields") else type(value)(cast_parts)
    return value
