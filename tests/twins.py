"""The same module of both libraries with the same weights and inputs: printed form, values, gradients and state."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import numpy as np

import hotplug as hp

Shape = tuple[int, ...]
Case = tuple[str, tuple[Any, ...], dict[str, Any], Any]
"""The name of a module in ``nn``, its arguments, its options, and the shape of its input or a list of them."""

F32 = {"rtol": 2e-5, "atol": 2e-6}


def called(case: Case) -> str:
    name, args, options, shape = case
    inside = ", ".join([*map(repr, args), *(f"{key}={value!r}" for key, value in options.items())])
    return f"{name}({inside}) of {shape}"


def values(seed: int, shape: Shape) -> np.ndarray[Any, Any]:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def host(tensor: Any) -> np.ndarray[Any, Any]:
    return np.asarray(tensor.detach().cpu().numpy())


def fill(module: Any, library: Any, scale: float = 1.0) -> Any:
    """The same values in the parameters of both libraries."""
    with library.no_grad():
        for number, parameter in enumerate(module.parameters()):
            parameter.copy_(library.tensor(scale * values(100 + number, tuple(parameter.shape))))
    return module


def flat(result: Any) -> Iterator[Any]:
    """The tensors of nested tuples, those that aren't ``None``."""
    if isinstance(result, (tuple, list)):
        for each in result:
            yield from flat(each)
    elif result is not None:
        yield result


def observe(
    library: Any, module: Any, inputs: list[Any], call: Callable[..., Any] | None = None, kind: str = ""
) -> dict[str, Any]:
    """What a module gives for some inputs, and the gradients of everything; ``call`` in place of a plain call."""
    found: dict[str, Any] = {}
    outputs = list(flat(module(*inputs) if call is None else call(module, *inputs)))
    for number, out in enumerate(outputs):
        found[f"out {number}{kind}"] = host(out)
    parts = [
        (out * library.tensor(values(9 + number, tuple(out.shape)))).sum()
        for number, out in enumerate(outputs)
        if out.requires_grad
    ]
    sum(parts).backward()
    for number, each in enumerate(inputs):
        if each.requires_grad:
            found[f"grad of input {number}{kind}"] = host(each.grad)
    for key, parameter in module.named_parameters():
        if parameter.grad is not None:
            found[f"grad of {key}{kind}"] = host(parameter.grad)
        parameter.grad = None
    return found


def run(library: Any, case: Case, call: Callable[..., Any] | None = None, scale: float = 1.0) -> dict[str, Any]:
    """A module in training and in evaluation mode."""
    name, args, options, shapes = case
    module = fill(getattr(library.nn, name)(*args, **options), library, scale)
    found: dict[str, Any] = {"repr": repr(module)}
    for mode in (True, False):
        module.train(mode)
        every = shapes if isinstance(shapes, list) else [shapes]
        inputs = [library.tensor(values(i, shape)).requires_grad_() for i, shape in enumerate(every)]
        if mode and call is None:
            module(*inputs)  # running statistics move twice
        found.update(observe(library, module, inputs, call, f", training={mode}"))
    found.update({f"state {key}": host(value) for key, value in module.state_dict().items()})
    return found


def same(ours: dict[str, Any], theirs: dict[str, Any], **tolerance: float) -> None:
    """Both found the same."""
    assert ours.pop("repr", None) == theirs.pop("repr", None)
    assert list(ours) == list(theirs)
    for key, expected in theirs.items():
        np.testing.assert_allclose(ours[key], expected, err_msg=key, **(tolerance or F32))
        assert ours[key].dtype == expected.dtype, key


def compare(
    torch: ModuleType, case: Case, call: Callable[..., Any] | None = None, scale: float = 1.0, **tolerance: float
) -> None:
    """A module is PyTorch's."""
    same(run(hp, case, call, scale), run(torch, case, call, scale), **tolerance)
