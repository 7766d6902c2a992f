"""``vmap``: a function of one example applied to a batch of them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from hotplug import ops
from hotplug.errors import ArgumentError, ArgumentTypeError, ShapeError
from hotplug.tensor import Tensor
from hotplug.utils._pytree import tree_flatten, tree_unflatten


def vmap(
    func: Callable[..., Any],
    in_dims: Any = 0,
    out_dims: Any = 0,
    randomness: str = "error",
    *,
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """A function of batches: ``func`` of every example, the results stacked.

    The examples are run one after the other, so it gives what PyTorch's gives, but is no faster than a loop.

    Args:
        in_dims: for each argument the axis of the examples, or ``None`` for one that all share; nested as the arguments.
        out_dims: where the axis of the examples is to be in the results.
        randomness: accepted; every example draws its own numbers.
        chunk_size: accepted.

    Raises:
        ArgumentError, ShapeError: no argument has examples, or they have different numbers of them.
    """

    @functools.wraps(func)
    def run(*args: Any, **kwargs: Any) -> Any:
        leaves, spec = tree_flatten(list(args))
        dims = _spread(in_dims, list(args))
        sizes = {leaf.shape[d] for leaf, d in zip(leaves, dims, strict=True) if d is not None}
        if not sizes:
            raise ArgumentError("vmap: at least one argument must have a batch dimension; in_dims are all None")
        if len(sizes) > 1:
            raise ShapeError(
                f"vmap: expected all tensors to have the same size in the mapped dimension, got sizes {sorted(sizes)}"
            )
        results = []
        for at in range(sizes.pop()):
            one = [leaf if d is None else leaf.select(d, at) for leaf, d in zip(leaves, dims, strict=True)]
            results.append(func(*tree_unflatten(one, spec), **kwargs))
        return _stacked(results, out_dims)

    return run


def _spread(in_dims: Any, args: list[Any]) -> list[int | None]:
    """The axis of every leaf of the arguments."""
    if isinstance(in_dims, (tuple, list)):
        if len(in_dims) != len(args):
            raise ArgumentError(f"vmap: expected in_dims for {len(args)} arguments, got {len(in_dims)}")
        return [dim for each, arg in zip(in_dims, args, strict=True) for dim in _of_one(each, arg)]
    return [dim for arg in args for dim in _of_one(in_dims, arg)]


def _of_one(dim: Any, arg: Any) -> list[int | None]:
    leaves, _ = tree_flatten(arg)
    if dim is None or isinstance(dim, int):
        if dim is not None and not all(isinstance(leaf, Tensor) for leaf in leaves):
            raise ArgumentTypeError(f"vmap: got in_dim={dim} for an argument that is no tensor; use None for it")
        return [dim] * len(leaves)
    if isinstance(dim, dict):
        return [each for key in arg for each in _of_one(dim[key], arg[key])]
    return [each for inner, part in zip(dim, arg, strict=True) for each in _of_one(inner, part)]


def _stacked(results: list[Any], out_dims: Any) -> Any:
    if not results:
        raise ShapeError("vmap: the mapped dimension has size 0: the function was never run")
    parts = [tree_flatten(each) for each in results]
    spec = parts[0][1]
    count = spec.num_leaves
    dims = [out_dims] * count if isinstance(out_dims, int) else list(tree_flatten(out_dims)[0])
    stacked = [
        ops.stack([leaves[i] for leaves, _ in parts], 0).movedim(0, dims[i])
        for i in range(count)
    ]  # fmt: skip
    return tree_unflatten(stacked, spec)
