"""JAX under PyTorch's names, compiled, as far as the forward workloads need it; the rest raises, and stays an empty cell.

A call returns before its work is done: :func:`wait` waits for the last one.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp

__version__ = jax.__version__
_last: list[Any] = []
_keys: list[Any] = [jax.random.key(0)]


def wait() -> None:
    """Wait for what was called last."""
    jax.block_until_ready(_last)


def manual_seed(seed: int) -> None:
    """Start the stream of random numbers."""
    _keys[0] = jax.random.key(seed)


def _key() -> Any:
    _keys[0], key = jax.random.split(_keys[0])
    return key


def _forward_only(requires_grad: bool) -> None:
    if requires_grad:
        raise NotImplementedError("JAX has no tape: workloads with a backward pass are not run on it")


def randn(*shape: int, device: Any = None, requires_grad: bool = False) -> Any:
    """Normal numbers."""
    del device
    _forward_only(requires_grad)
    return jax.random.normal(_key(), shape)


def ones(*shape: int, device: Any = None, requires_grad: bool = False) -> Any:
    """Ones."""
    del device
    _forward_only(requires_grad)
    return jnp.ones(shape)


def zeros(*shape: int, device: Any = None) -> Any:
    """Zeros."""
    del device
    return jnp.zeros(shape)


def randint(low: int, high: int, shape: tuple[int, ...], device: Any = None) -> Any:
    """Integers."""
    del device
    return jax.random.randint(_key(), shape, low, high)


def _compiled(function: Callable[..., Any], *static: int) -> Callable[..., Any]:
    made = jax.jit(function, static_argnums=static)

    def call(*args: Any) -> Any:
        _last[:] = [made(*args)]
        return _last[0]

    return call


def _normalised(x: Any, shape: tuple[int, ...], center: bool) -> Any:
    axes = tuple(range(-len(shape), 0))
    x = x - x.mean(axes, keepdims=True) if center else x
    return x * jax.lax.rsqrt((x * x).mean(axes, keepdims=True) + 1e-5)


@partial(jax.jit, static_argnames=("stride", "padding", "groups"))
def _convolution(x: Any, weight: Any, stride: int, padding: int, groups: int) -> Any:
    pads = [(padding, padding)] * 2
    return jax.lax.conv_general_dilated(x, weight, (stride, stride), pads, feature_group_count=groups)


def conv2d(x: Any, weight: Any, stride: int = 1, padding: int = 0, groups: int = 1) -> Any:
    """A convolution."""
    _last[:] = [_convolution(x, weight, stride, padding, groups)]
    return _last[0]


exp, tanh, sigmoid, where = (_compiled(each) for each in (jnp.exp, jnp.tanh, jax.nn.sigmoid, jnp.where))
softmax, log_softmax = _compiled(jax.nn.softmax, 1), _compiled(jax.nn.log_softmax, 1)
sum, mean, amax, argmax = (_compiled(each, 1) for each in (jnp.sum, jnp.mean, jnp.max, jnp.argmax))
var = _compiled(lambda x, *dim: jnp.var(x, *dim, ddof=1), 1)
cumsum = _compiled(jnp.cumsum, 1)
matmul = _compiled(jnp.matmul)
gather = _compiled(lambda x, dim, index: jnp.take_along_axis(x, index, dim), 1)
index_add = _compiled(lambda x, dim, index, source: x.at[index].add(source), 1)
sort = _compiled(jnp.sort)
topk = _compiled(jax.lax.top_k, 1)
nn = SimpleNamespace(
    functional=SimpleNamespace(
        gelu=_compiled(partial(jax.nn.gelu, approximate=False)),
        layer_norm=_compiled(lambda x, shape: _normalised(x, shape, True), 1),
        rms_norm=_compiled(lambda x, shape: _normalised(x, shape, False), 1),
    )
)
