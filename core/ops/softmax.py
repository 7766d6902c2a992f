"""Softmax and its logarithm."""

from __future__ import annotations

from hotplug.declare import composite, function
from hotplug.declare.dims import canonical_dim
from hotplug.dtypes import dtype as DType
from hotplug.errors import DTypeError
from hotplug.tensor import Tensor


@composite(outputs=lambda input, dim: [(tuple(input.shape), input.dtype)])
def softmax_along(input: Tensor, dim: int) -> Tensor:
    """exp(input - max) / sum(exp(input - max)) along ``dim``."""
    from hotplug import ops

    powers = ops.exp(input - ops.amax(input, dim, True))
    return powers / ops.sum(powers, dim, True)


@composite(outputs=lambda delta, result, dim: [(tuple(result.shape), result.dtype)])
def softmax_backward(delta: Tensor, result: Tensor, dim: int) -> Tensor:
    """``result * (delta - sum(delta * result))``."""
    from hotplug import ops

    weighted = delta * result
    return weighted - result * ops.sum(weighted, dim, True)


@softmax_along.gradient("input")
def _(grad: Tensor, out: Tensor, dim: int) -> Tensor:
    return softmax_backward(grad, out, dim)


@composite(outputs=lambda input, dim: [(tuple(input.shape), input.dtype)])
def log_softmax_along(input: Tensor, dim: int) -> Tensor:
    """input - max - log(sum(exp(input - max))) along ``dim``."""
    from hotplug import ops

    shifted = input - ops.amax(input, dim, True)
    return shifted - ops.log(ops.sum(ops.exp(shifted), dim, True))


@composite(outputs=lambda delta, result, dim: [(tuple(result.shape), result.dtype)])
def log_softmax_backward(delta: Tensor, result: Tensor, dim: int) -> Tensor:
    """``delta - exp(result) * sum(delta)``."""
    from hotplug import ops

    return delta - ops.exp(result) * ops.sum(delta, dim, True)


@log_softmax_along.gradient("input")
def _(grad: Tensor, out: Tensor, dim: int) -> Tensor:
    return log_softmax_backward(grad, out, dim)


def _prepared(op: str, input: Tensor, dim: int | None, dtype: DType | None) -> tuple[Tensor, int]:
    if dtype is not None:
        input = input.to(dtype)
    if input.dtype.kind != "f":
        raise DTypeError(f"{op} is not implemented for {input.dtype.name}; pass dtype=, or convert with .float()")
    if dim is None:  # PyTorch's choice where none was made: the class axis
        dim = 0 if input.ndim in (0, 1, 3) else 1
    return input, canonical_dim(op, dim, input.ndim)


@function()
def softmax(input: Tensor, dim: int | None = None, dtype: DType | None = None) -> Tensor:
    """exp(x_i) / sum_j exp(x_j) along ``dim``.  input ``(*S)`` -> ``(*S)``."""
    from hotplug import ops

    input, d = _prepared("softmax", input, dim, dtype)
    return softmax_along(input, d) if input.ndim and input.numel() else ops.ones_like(input) + input * 0


@function()
def log_softmax(input: Tensor, dim: int | None = None, dtype: DType | None = None) -> Tensor:
    """log(softmax(input)) along ``dim``, without overflow.  input ``(*S)`` -> ``(*S)``."""
    input, d = _prepared("log_softmax", input, dim, dtype)
    return log_softmax_along(input, d) if input.ndim and input.numel() else input * 0


@function(method=False, namespace="nn.functional")
def softmin(input: Tensor, dim: int | None = None, dtype: DType | None = None) -> Tensor:
    """Softmax of ``-input``."""
    return softmax(-input, dim, dtype)


@function(method=False, namespace="nn.functional")
def glu(input: Tensor, dim: int = -1) -> Tensor:
    """Gated linear unit: first half times the sigmoid of the second (Dauphin et al., 2016)."""
    from hotplug import ops
    from hotplug.errors import ShapeError

    d = canonical_dim("glu", dim, input.ndim)
    if not input.ndim or input.shape[d] % 2:
        raise ShapeError(f"glu: halving dimension must be even, but dimension {dim} of {list(input.shape)} is not")
    value, gate = ops.chunk(input, 2, d)
    return value * ops.sigmoid(gate)
