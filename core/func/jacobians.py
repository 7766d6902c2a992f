"""Whole Jacobian and Hessian matrices: a product with each unit vector."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from hotplug import ops
from hotplug.autograd.linear import LinearMap
from hotplug.func.transforms import Argnums, at_places, chosen, evaluate
from hotplug.tensor import Tensor
from hotplug.utils._pytree import tree_unflatten


def _units(like: Tensor) -> list[Tensor]:
    """For each element, a tensor that is one there and zero elsewhere."""
    eye = ops.eye(like.numel(), dtype=like.dtype, device=like.device)
    return [row.reshape(tuple(like.shape)) for row in eye.unbind(0)]


def _block(parts: list[Tensor | None], shape: tuple[int, ...], like: Tensor, front: bool) -> Tensor:
    """Products with all unit vectors as one tensor, whose new axes come first, or last."""
    whole = [ops.zeros_like(like.detach()) if each is None else each for each in parts]
    if not whole:
        return ops.zeros(
            (*shape, *like.shape) if front else (*like.shape, *shape), dtype=like.dtype, device=like.device
        )
    stacked = ops.stack(whole, 0 if front else -1)
    return stacked.reshape((*shape, *like.shape) if front else (*like.shape, *shape))


def rows_of(linear: LinearMap) -> list[list[Tensor]]:
    """Blocks ``(*output, *input)`` for every output and every input, by reverse mode."""
    rows = []
    for place, out in enumerate(linear.outputs):
        pulled = []
        for unit in _units(out):
            only: list[Tensor | None] = [None] * len(linear.outputs)
            only[place] = unit
            pulled.append(linear.pull(only))
        shape = tuple(out.shape)
        rows.append([_block([row[i] for row in pulled], shape, x, front=True) for i, x in enumerate(linear.inputs)])
    return rows


def columns_of(linear: LinearMap) -> list[list[Tensor]]:
    """The same by forward mode."""
    zeros = [ops.zeros_like(x.detach()) for x in linear.inputs]
    columns = []
    for place, x in enumerate(linear.inputs):
        pushed = [linear.push([*zeros[:place], unit, *zeros[place + 1 :]]) for unit in _units(x)]
        shape = tuple(x.shape)
        columns.append(
            [_block([each[o] for each in pushed], shape, out, front=False) for o, out in enumerate(linear.outputs)]
        )
    return [[column[o] for column in columns] for o in range(len(linear.outputs))]


def _jacobian(op: str, func: Callable[..., Any], argnums: Argnums, has_aux: bool, blocks: Any) -> Callable[..., Any]:
    @functools.wraps(func)
    def run(*args: Any, **kwargs: Any) -> Any:
        places = chosen(op, args, argnums)
        made = evaluate(op, func, [args[p] for p in places], at_places(func, args, kwargs, places), has_aux)
        rows = []
        for row in blocks(made.map):
            found = tree_unflatten(row, made.input_spec)
            rows.append(found[0] if isinstance(argnums, int) else tuple(found))
        result = tree_unflatten(rows, made.spec)
        return (result, made.shown_aux()) if has_aux else result

    return run


def jacrev(
    func: Callable[..., Any], argnums: Argnums = 0, *, has_aux: bool = False, chunk_size: int | None = None
) -> Callable[..., Any]:
    """A function that gives the Jacobian matrix of ``func``, ``(*output, *input)``, a backward pass for each element of
    the output; good where that is small.

    Args:
        argnums: the argument, or arguments, with respect to which.
        has_aux: ``func`` gives ``(value, anything)``, and the result is ``(matrix, anything)``.
        chunk_size: accepted; rows are computed one by one.
    """
    return _jacobian("jacrev", func, argnums, has_aux, rows_of)


def jacfwd(
    func: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False, *, randomness: str = "error"
) -> Callable[..., Any]:
    """As :func:`jacrev`, a forward derivative for each element of the input; good where that is small."""
    return _jacobian("jacfwd", func, argnums, has_aux, columns_of)


def hessian(func: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """A function that gives the matrix of second derivatives of ``func``, ``(*output, *input, *input)``."""
    return jacfwd(jacrev(func, argnums), argnums)
