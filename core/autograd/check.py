"""``gradcheck``: analytic gradients against differences, compared on the host in float64."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from hotplug.errors import ArgumentError, HotplugError
from hotplug.tensor import Tensor

Function = Callable[..., Any]


class GradcheckError(HotplugError, RuntimeError):
    """An analytic gradient differs from the numerical one."""


def _tuple(outputs: Any) -> tuple[Tensor, ...]:
    every = outputs if isinstance(outputs, (tuple, list)) else (outputs,)
    return tuple(each for each in every if isinstance(each, Tensor) and each.requires_grad)


def _differentiable(inputs: Sequence[Any]) -> list[Tensor]:
    return [each for each in inputs if isinstance(each, Tensor) and each.requires_grad]


def _host(tensor: Tensor) -> np.ndarray[Any, Any]:
    return tensor.detach().cpu().numpy().copy()


def _numerical(function: Function, inputs: Sequence[Any], position: int, eps: float) -> list[np.ndarray[Any, Any]]:
    """Jacobians (elements of the input, elements of the output) for every output, by central differences."""
    from hotplug import ops

    tensor = inputs[position]
    values = _host(tensor)
    columns: list[list[np.ndarray[Any, Any]]] = []
    for index in np.ndindex(values.shape):
        pair = []
        for step in (eps, -eps):
            moved = values.copy()
            moved[index] += step
            changed = list(inputs)
            changed[position] = ops.tensor(moved, dtype=tensor.dtype, device=tensor.device).requires_grad_()
            pair.append([_host(out).reshape(-1).astype(np.float64) for out in _tuple(function(*changed))])
        columns.append([(high - low) / (2 * eps) for high, low in zip(*pair, strict=True)])
    return [np.stack(each) for each in zip(*columns, strict=True)] if columns else []


def _analytic(output: Tensor, inputs: Sequence[Tensor]) -> list[np.ndarray[Any, Any]]:
    """Jacobians of one output for every input, a row of the output at a time."""
    from hotplug import autograd, ops

    rows: list[list[np.ndarray[Any, Any]]] = [[] for _ in inputs]
    for index in range(output.numel()):
        seed = np.zeros(output.numel(), output.dtype.numpy)
        seed[index] = 1
        grad = ops.tensor(seed, dtype=output.dtype, device=output.device).reshape(output.shape)
        found = autograd.grad(output, inputs, grad, retain_graph=True, allow_unused=True)
        for column, each, tensor in zip(rows, found, inputs, strict=True):
            column.append(np.zeros(tensor.numel()) if each is None else _host(each).reshape(-1).astype(np.float64))
    return [np.stack(each, axis=1) if each else np.zeros((t.numel(), 0)) for each, t in zip(rows, inputs, strict=True)]


def gradcheck(
    func: Function, inputs: Tensor | Sequence[Any], *, eps: float = 1e-6, atol: float = 1e-5, rtol: float = 1e-3,
    raise_exception: bool = True,
) -> bool:  # fmt: skip
    """Compare the gradients of ``func`` with central differences at ``inputs`` (float64 is advised).

    Raises:
        GradcheckError: they differ, unless ``raise_exception`` is false.
        ArgumentError: no input requires a gradient.
    """
    args = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    wanted = _differentiable(args)
    if not wanted:
        raise ArgumentError("gradcheck expected at least one input that requires a gradient")
    outputs = _tuple(func(*args))
    analytic = [_analytic(output, wanted) for output in outputs]
    positions = [i for i, each in enumerate(args) if any(each is tensor for tensor in wanted)]
    for order, position in enumerate(positions):
        numerical = _numerical(func, args, position, eps)
        for number, (row, expected) in enumerate(zip(analytic, numerical, strict=True)):
            if not np.allclose(row[order], expected, rtol, atol, equal_nan=True):
                if not raise_exception:
                    return False
                worst = np.unravel_index(np.argmax(np.abs(row[order] - expected)), expected.shape)
                raise GradcheckError(
                    f"gradcheck: Jacobian mismatch for output {number} with respect to input {position}: at element "
                    f"{tuple(int(w) for w in worst)} numerical {expected[worst]:.9g}, "
                    f"analytical {row[order][worst]:.9g}"
                )
    return True


def gradgradcheck(
    func: Function, inputs: Tensor | Sequence[Any], grad_outputs: Sequence[Tensor] | None = None, *, eps: float = 1e-6,
    atol: float = 1e-5, rtol: float = 1e-3, raise_exception: bool = True, seed: int = 0,
) -> bool:  # fmt: skip
    """Compare the gradients of the gradients of ``func`` with central differences."""
    from hotplug import autograd, ops

    args = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    outputs = _tuple(func(*args))
    random = np.random.default_rng(seed)
    grads = list(grad_outputs or ()) or [
        ops.tensor(random.uniform(-1, 1, tuple(out.shape)), dtype=out.dtype, device=out.device).requires_grad_()
        for out in outputs
    ]

    def first_order(*both: Any) -> Any:
        own, given = both[: len(args)], both[len(args) :]
        results = _tuple(func(*own))
        targets = _differentiable(own)
        found = autograd.grad(list(results), targets, list(given), create_graph=True, allow_unused=True)
        return tuple(each for each in found if each is not None)

    return gradcheck(
        first_order, [*args, *grads], eps=eps, atol=atol, rtol=rtol, raise_exception=raise_exception
    )  # fmt: skip
