"""PyTorch as the oracle: the same function of both libraries, compared in values, gradients and errors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import hotplug as hp
from hotplug.nn import functional as F

Program = Callable[[Any, Any], Any]
"""Takes a library, ``hotplug`` or ``torch``, its ``nn.functional``, and tensors."""


def tensors(library: Any, arrays: Sequence[np.ndarray[Any, Any]], grad: bool = True) -> list[Any]:
    return [library.tensor(each, requires_grad=grad and each.dtype.kind == "f") for each in arrays]


def listed(result: Any) -> list[Any]:
    return list(result) if isinstance(result, (tuple, list)) else [result]


def close(ours: Any, theirs: Any, name: str, rtol: float = 0.0, atol: float = 0.0) -> None:
    """Equal in shape, dtype and, within what the dtype allows, values."""
    if not rtol:
        rtol, atol = (1e-9, 1e-11) if ours.dtype.itemsize in (8, 16) else (1e-5, 1e-6)
    assert tuple(ours.shape) == tuple(theirs.shape), name
    assert str(ours.dtype).partition(".")[2] == str(theirs.dtype).partition(".")[2], name
    np.testing.assert_allclose(ours.detach().numpy(), theirs.detach().numpy(), rtol, atol, err_msg=name)


def agree(
    torch: ModuleType, program: Callable[..., Any], *shapes: Sequence[int], order: int = 2, seed: int = 0
) -> None:
    """Values in float64, gradients of a cubic of them, and (``order`` 2) the gradients' gradients are PyTorch's."""
    draw = np.random.default_rng(seed)
    agree_on(torch, program, [np.asarray(draw.normal(size=shape)) for shape in shapes], order)


def agree_on(
    torch: ModuleType, program: Callable[..., Any], arrays: Sequence[np.ndarray[Any, Any]], order: int = 2
) -> None:
    found = []
    for library, functional in ((hp, F), (torch, torch.nn.functional)):
        given = tensors(library, arrays, order > 0)
        values = listed(program(library, functional, *given))
        found.append([values, *_gradients(library, given, values, order)])
    for ours, theirs in zip(*found, strict=True):
        for place, (a, b) in enumerate(zip(ours, theirs, strict=True)):
            close(a, b, f"output or gradient {place}")


def _gradients(library: Any, given: Sequence[Any], values: Sequence[Any], order: int) -> list[list[Any]]:
    results = []
    for _ in range(order):
        values = [value for value in values if value.requires_grad]
        if not values:
            break
        total = sum((value * value * value).sum() for value in values)
        values = list(library.autograd.grad(total, given, create_graph=True, allow_unused=True))
        values = [value for value in values if value is not None]
        results.append(values)
    return results


def same_error(torch: ModuleType, program: Callable[..., Any]) -> None:
    """Both raise, and Hotplug's error is caught by whoever catches PyTorch's."""
    with pytest.raises(Exception) as theirs:  # noqa: PT011 - whatever it is, ours must match
        program(torch, torch.nn.functional)
    kind = RuntimeError if theirs.type is NotImplementedError else theirs.type
    with pytest.raises(kind) as ours:
        program(hp, F)
    assert isinstance(ours.value, hp.errors.HotplugError)
    assert not isinstance(ours.value, hp.errors.PluginError)
