"""Modules as functions of their parameters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from hotplug import ops
from hotplug.errors import ArgumentError
from hotplug.nn.module import Module
from hotplug.tensor import Tensor


def functional_call(
    module: Module, parameter_and_buffer_dicts: Any, args: Any = None, kwargs: dict[str, Any] | None = None, *,
    tie_weights: bool = True, strict: bool = False,
) -> Any:  # fmt: skip
    """Call a module with other tensors in place of its parameters and buffers, which it keeps.

    Args:
        parameter_and_buffer_dicts: by name; a dictionary, or several with different names.
        args: the positional arguments, a tuple, or the one there is.
        tie_weights: give a tensor for all names under which the module has it, where one of them is given.
        strict: all parameters and buffers must be given, and nothing else.

    Raises:
        ArgumentError: names that the module does not have, or missing ones where ``strict``.
    """
    given = _merged(parameter_and_buffer_dicts)
    own = {
        **dict(module.named_parameters(remove_duplicate=False)),
        **dict(module.named_buffers(remove_duplicate=False)),
    }
    unknown = sorted(set(given) - set(own))
    missing = sorted(set(own) - set(given)) if strict else []
    if (unknown and strict) or missing:
        raise ArgumentError(f"functional_call: unexpected keys {unknown}, missing keys {missing}")
    if tie_weights:
        given = _tied(own, given)
    with _swapped(module, {name: value for name, value in given.items() if name in own}):
        return module(*(args if isinstance(args, tuple) else () if args is None else (args,)), **(kwargs or {}))


def _merged(dicts: Any) -> dict[str, Tensor]:
    if isinstance(dicts, dict):
        return dict(dicts)
    found: dict[str, Tensor] = {}
    for each in dicts:
        repeated = sorted(set(found) & set(each))
        if repeated:
            raise ArgumentError(
                f"functional_call: {repeated} appeared in multiple dictionaries; which one counts is ambiguous"
            )
        found |= each
    return found


def _tied(own: dict[str, Tensor], given: dict[str, Tensor]) -> dict[str, Tensor]:
    """What was given, also under the other names of the same tensors."""
    by_tensor = {id(own[name]): value for name, value in given.items() if name in own}
    return {**{name: by_tensor[id(each)] for name, each in own.items() if id(each) in by_tensor}, **given}


@contextmanager
def _swapped(module: Module, values: dict[str, Tensor]) -> Iterator[None]:
    """The module with other tensors, until the block ends."""
    before: list[tuple[dict[str, Any], str, Any]] = []
    try:
        for name, value in values.items():
            path, _, last = name.rpartition(".")
            holder = module.get_submodule(path) if path else module
            place: Any = holder._parameters if last in holder._parameters else holder._buffers
            before.append((place, last, place[last]))
            place[last] = value
        yield
    finally:
        for place, last, value in reversed(before):
            place[last] = value


def stack_module_state(models: Sequence[Module]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The parameters and the buffers of modules of one kind, each stacked along a new first axis, as leaves."""
    if not models:
        raise ArgumentError("stack_module_state: expected at least one model, got 0")
    if len({type(model) for model in models}) > 1:
        raise ArgumentError("stack_module_state: expected all models to be of the same class")
    parameters: list[dict[str, Tensor]] = [dict(model.named_parameters()) for model in models]
    buffers: list[dict[str, Tensor]] = [dict(model.named_buffers()) for model in models]
    found = [
        {name: ops.stack([each[name].detach() for each in kind], 0) for name in kind[0]}
        for kind in (parameters, buffers)
    ]
    for name, value in found[0].items():
        value.requires_grad_(parameters[0][name].requires_grad)
    return found[0], found[1]
