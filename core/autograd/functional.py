"""Derivatives of functions of a tensor, or of several in a tuple, under the names of ``torch.autograd.functional``.

All take ``create_graph``, whether the result shall be differentiable, and ``strict``, whether an output that depends on no
input is an error.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from hotplug import ops
from hotplug.autograd.linear import LinearMap, depends, stand_in
from hotplug.autograd.mode import enable_grad
from hotplug.errors import ArgumentTypeError, AutogradError, ShapeError
from hotplug.tensor import Tensor

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]

Tensors = Tensor | tuple[Tensor, ...]


class _Point(NamedTuple):
    """A function's value, recorded, and what was given as a tuple."""

    outputs: tuple[Tensor, ...]
    inputs: tuple[Tensor, ...]
    one_output: bool
    one_input: bool
    map: LinearMap


def _many(op: str, what: str, given: Any) -> tuple[tuple[Tensor, ...], bool]:
    one = isinstance(given, Tensor)
    found = (given,) if one else tuple(given) if isinstance(given, (tuple, list)) else ()
    if not found or not all(isinstance(each, Tensor) for each in found):
        raise ArgumentTypeError(f"{op}: the {what} must be a Tensor or a tuple of Tensors, got {type(given).__name__}")
    return found, one


def _at(op: str, func: Callable[..., Any], inputs: Any, create_graph: bool, strict: bool) -> _Point:
    given, one_input = _many(op, "inputs", inputs)
    with enable_grad():
        own = tuple(stand_in(each, create_graph) for each in given)
        outputs, one_output = _many(op, "outputs of the function", func(*own))
    if strict and not all(depends([each], ()) for each in outputs):
        raise AutogradError(
            f"{op}: an output of the function is independent of all inputs, which strict=True does not allow"
        )
    return _Point(outputs, own, one_output, one_input, LinearMap(outputs, own, create_graph))


def _shown(tensors: Sequence[Tensor], one: bool, create_graph: bool) -> Any:
    found = tuple(each if create_graph else each.detach() for each in tensors)
    return found[0] if one else found


def _filled(op: str, found: Sequence[Tensor | None], like: Sequence[Tensor], strict: bool) -> list[Tensor]:
    if strict and any(each is None for each in found):
        raise AutogradError(f"{op}: the output is independent of an input, which strict=True does not allow")
    return [ops.zeros_like(x.detach()) if each is None else each for each, x in zip(found, like, strict=True)]


def _vector(op: str, v: Any, like: Sequence[Tensor]) -> tuple[Tensor, ...]:
    if v is None:
        if len(like) != 1 or like[0].numel() != 1:
            raise AutogradError(f"{op}: the vector v can only be None if there is a single element; pass one like it")
        return (ops.ones_like(like[0].detach()),)
    found, _ = _many(op, "v", v)
    if [tuple(each.shape) for each in found] != [tuple(each.shape) for each in like]:
        raise ShapeError(
            f"{op}: expected v of shapes {[list(x.shape) for x in like]}, got {[list(x.shape) for x in found]}"
        )
    return found


def vjp(func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """``(value, v^T J)``, where ``v`` is like the value."""
    at = _at("vjp", func, inputs, create_graph, strict)
    found = _filled("vjp", at.map.pull(_vector("vjp", v, at.outputs)), at.inputs, strict)
    return _shown(at.outputs, at.one_output, create_graph), _shown(found, at.one_input, create_graph)


def jvp(func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """``(value, J v)``, where ``v`` is like the inputs."""
    at = _at("jvp", func, inputs, create_graph, strict)
    found = _filled("jvp", at.map.push(_vector("jvp", v, at.inputs)), at.outputs, strict)
    return _shown(at.outputs, at.one_output, create_graph), _shown(found, at.one_output, create_graph)


def jacobian(
    func: Callable[..., Any], inputs: Any, create_graph: bool = False, strict: bool = False, vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:  # fmt: skip
    """The Jacobian matrix ``(*output, *input)``; with several inputs or outputs a tuple (of tuples) of them.

    Args:
        vectorize: accepted; rows are computed one by one.
        strategy: ``"reverse-mode"``, or ``"forward-mode"``, which is better where there are fewer inputs than outputs.
    """
    from hotplug.func.jacobians import columns_of, rows_of

    at = _at("jacobian", func, inputs, create_graph, strict)
    if strategy not in ("reverse-mode", "forward-mode"):
        raise AutogradError(f"jacobian: strategy must be 'reverse-mode' or 'forward-mode', got {strategy!r}")
    blocks = (rows_of if strategy == "reverse-mode" else columns_of)(at.map)
    rows = [_shown(row, at.one_input, create_graph) for row in blocks]
    return rows[0] if at.one_output else tuple(rows)


def _gradient(op: str, func: Callable[..., Any], strict: bool) -> Callable[..., tuple[Tensor, ...]]:
    """The gradient of a function of one element, as a function, differentiable."""

    def run(*inputs: Tensor) -> tuple[Tensor, ...]:
        at = _at(op, func, inputs, True, strict)
        if not at.one_output or at.outputs[0].numel() != 1:
            raise AutogradError(f"{op}: the function must return a single Tensor with a single element")
        return tuple(_filled(op, at.map.pull([ops.ones_like(at.outputs[0].detach())]), at.inputs, strict))

    return run


def hessian(
    func: Callable[..., Any], inputs: Any, create_graph: bool = False, strict: bool = False, vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:  # fmt: skip
    """The matrix of second derivatives of a function of one element; with several inputs a tuple of tuples."""
    one = isinstance(inputs, Tensor)
    found = jacobian(
        _gradient("hessian", func, strict), (inputs,) if one else tuple(inputs), create_graph, strict, vectorize,
        outer_jacobian_strategy,
    )  # fmt: skip
    return found[0][0] if one else found


def vhp(func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """``(value, v^T H)`` of a function of one element, where ``v`` is like the inputs."""
    return _second("vhp", vjp, func, inputs, v, create_graph, strict)


def hvp(func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """``(value, H v)`` of a function of one element, where ``v`` is like the inputs."""
    return _second("hvp", jvp, func, inputs, v, create_graph, strict)


def _second(
    op: str,
    product: Callable[..., Any],
    func: Callable[..., Any],
    inputs: Any,
    v: Any,
    create_graph: bool,
    strict: bool,
) -> Any:
    given, one = _many(op, "inputs", inputs)
    vector = _vector(op, v, given)
    _, found = product(_gradient(op, func, strict), given, vector, create_graph, strict)
    value = _at(op, func, given, create_graph, strict).outputs[0]
    return _shown([value], True, create_graph), found[0] if one else found
