"""Gradients and products with the Jacobian matrix, of functions of nested tensors."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from hotplug import ops
from hotplug.autograd.linear import LinearMap, depends, retire, stand_in
from hotplug.autograd.mode import MODE, enable_grad
from hotplug.errors import ArgumentError, ArgumentTypeError, AutogradError, ShapeError
from hotplug.tensor import Tensor
from hotplug.utils._pytree import TreeSpec, tree_flatten, tree_map, tree_unflatten

Argnums = int | tuple[int, ...]


class Evaluation(NamedTuple):
    """A function's value at stand-ins for its arguments, on the tape."""

    outputs: list[Tensor]
    spec: TreeSpec
    inputs: list[Tensor]
    input_spec: TreeSpec
    map: LinearMap
    aux: Any

    def shown(self) -> Any:
        """The value; off the tape, where nothing outside needs its gradient."""
        return tree_unflatten([self._plain(each) for each in self.outputs], self.spec)

    def shown_aux(self) -> Any:
        """What the function gave besides, likewise."""
        return tree_map(lambda each: self._plain(each) if isinstance(each, Tensor) else each, self.aux)

    def _plain(self, tensor: Tensor) -> Tensor:
        return tensor if MODE.grad and depends([tensor], self.inputs) else tensor.detach()


def tensors_of(op: str, what: str, tree: Any) -> tuple[list[Tensor], TreeSpec]:
    """The leaves of nested tensors.

    Raises:
        ArgumentTypeError: one is no tensor.
    """
    leaves, spec = tree_flatten(tree)
    for leaf in leaves:
        if not isinstance(leaf, Tensor):
            raise ArgumentTypeError(f"{op}: expected {what} to be tensors, got {type(leaf).__name__}")
    return leaves, spec


def chosen(op: str, args: Sequence[Any], argnums: Argnums) -> list[int]:
    """The places that ``argnums`` names, from the front.

    Raises:
        ArgumentError: there is no such argument, or one is named twice.
    """
    places = [argnums] if isinstance(argnums, int) else list(argnums)
    if not places or any(not -len(args) <= place < len(args) for place in places):
        raise ArgumentError(f"{op}: got argnums={argnums}, but only {len(args)} positional inputs")
    found = [place % len(args) for place in places]
    if len(set(found)) != len(found):
        raise ArgumentError(f"{op}: argnums elements must be unique, got {argnums}")
    return found


def evaluate(op: str, func: Callable[..., Any], inputs: Any, call: Callable[[Any], Any], has_aux: bool) -> Evaluation:
    """Run ``call`` on stand-ins for the tensors in ``inputs``.

    Raises:
        ArgumentTypeError: the function gives something other than tensors, or no pair where ``has_aux``.
    """
    leaves, input_spec = tensors_of(op, "the inputs", inputs)
    taped = MODE.grad
    with enable_grad():
        own = [stand_in(leaf, taped) for leaf in leaves]
        result, aux = call(tree_unflatten(own, input_spec)), None
        if has_aux:
            if not isinstance(result, tuple) or len(result) != 2:
                raise ArgumentTypeError(f"{op}: with has_aux=True the function must return a tuple (output, aux)")
            result, aux = result
        outputs, spec = tensors_of(op, f"what {getattr(func, '__name__', 'the function')} returns", result)
    keep = taped and depends(outputs, own)
    retire(own)
    return Evaluation(outputs, spec, own, input_spec, LinearMap(outputs, own, keep), aux)


def at_places(func: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any], places: Sequence[int]) -> Any:
    """``func`` of new values for some of its arguments."""

    def call(values: Sequence[Any]) -> Any:
        given = list(args)
        for place, value in zip(places, values, strict=True):
            given[place] = value
        return func(*given, **kwargs)

    return call


def grad_and_value(func: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False) -> Callable[..., Any]:
    """A function that gives ``(gradient, value)`` of ``func``, which gives a tensor of one element.

    Args:
        argnums: the argument, or arguments, with respect to which; nested tensors.
        has_aux: ``func`` gives ``(value, anything)``, and the result is ``(gradient, (value, anything))``.
    """

    @functools.wraps(func)
    def run(*args: Any, **kwargs: Any) -> Any:
        places = chosen("grad", args, argnums)
        made = evaluate("grad", func, [args[p] for p in places], at_places(func, args, kwargs, places), has_aux)
        if made.spec.type is not None or made.outputs[0].numel() != 1 or made.outputs[0].ndim:
            raise AutogradError(
                f"grad: expected the function to return a scalar tensor, got {[list(each.shape) for each in made.outputs]}"
            )
        gradients = made.map.pull([ops.ones_like(made.outputs[0])])
        filled = [ops.zeros_like(x.detach()) if g is None else g for g, x in zip(gradients, made.inputs, strict=True)]
        found = tree_unflatten(filled, made.input_spec)
        gradient = found[0] if isinstance(argnums, int) else tuple(found)
        return gradient, ((made.shown(), made.shown_aux()) if has_aux else made.shown())

    return run


def grad(func: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False) -> Callable[..., Any]:
    """A function that gives the gradient of ``func``; with ``has_aux`` ``(gradient, anything)``.  See
    :func:`grad_and_value`.
    """
    both = grad_and_value(func, argnums, has_aux)

    @functools.wraps(func)
    def run(*args: Any, **kwargs: Any) -> Any:
        gradient, value = both(*args, **kwargs)
        return (gradient, value[1]) if has_aux else gradient

    return run


def vjp(func: Callable[..., Any], *primals: Any, has_aux: bool = False) -> Any:
    """``(value, f)`` where ``f(cotangents)`` gives their product with the Jacobian matrix, one part for each argument."""
    made = evaluate("vjp", func, list(primals), lambda values: func(*values), has_aux)

    def pull(cotangents: Any, retain_graph: bool = True, create_graph: bool | None = None) -> Any:
        given, _ = tensors_of("vjp", "the cotangents", cotangents)
        _check("vjp", "cotangents", given, made.outputs)
        found = made.map.pull(given)
        filled = [ops.zeros_like(x.detach()) if g is None else g for g, x in zip(found, made.inputs, strict=True)]
        return tuple(tree_unflatten(filled, made.input_spec))

    return (made.shown(), pull, made.shown_aux()) if has_aux else (made.shown(), pull)


def _check(op: str, what: str, given: Sequence[Tensor], like: Sequence[Tensor]) -> None:
    shapes, wanted = ([tuple(each.shape) for each in group] for group in (given, like))
    if shapes != wanted:
        raise ShapeError(f"{op}: expected {what} of shapes {wanted}, got {shapes}")


def linearize(func: Callable[..., Any], *primals: Any) -> Any:
    """``(value, f)`` where ``f(*tangents)`` gives the product of the Jacobian matrix with the tangents."""
    made = evaluate("linearize", func, list(primals), lambda values: func(*values), False)

    def push(*tangents: Any) -> Any:
        given, _ = tensors_of("linearize", "the tangents", list(tangents))
        _check("linearize", "tangents", given, made.inputs)
        return _pushed(made, given)

    return made.shown(), push


def _pushed(made: Evaluation, tangents: Sequence[Tensor]) -> Any:
    found = made.map.push(tangents)
    filled = [ops.zeros_like(y.detach()) if t is None else t for t, y in zip(found, made.outputs, strict=True)]
    return tree_unflatten(filled, made.spec)


def jvp(func: Callable[..., Any], primals: Any, tangents: Any, *, strict: bool = False, has_aux: bool = False) -> Any:
    """``(value, tangent)``: the product of the Jacobian matrix with tangents, the forward derivative.

    Args:
        primals, tangents: tuples, an entry for each argument, of equal shapes.
        strict: raise where the output does not depend on the inputs.
    """
    if not isinstance(primals, tuple) or not isinstance(tangents, tuple) or len(primals) != len(tangents):
        raise ArgumentTypeError("jvp: expected primals and tangents to be tuples of equal length")
    made = evaluate("jvp", func, list(primals), lambda values: func(*values), has_aux)
    given, _ = tensors_of("jvp", "the tangents", list(tangents))
    _check("jvp", "tangents", given, made.inputs)
    if strict and not all(depends([each], ()) for each in made.outputs):
        raise AutogradError("jvp: the output is independent of the inputs, which strict=True does not allow")
    tangent = _pushed(made, given)
    return (made.shown(), tangent, made.shown_aux()) if has_aux else (made.shown(), tangent)
