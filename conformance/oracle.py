"""The same sample for PyTorch: what scripts/make_golden.py and the parity tests call.

Nothing here imports torch: whoever has it passes it in.
"""

from __future__ import annotations

import functools
from typing import Any, Final

import numpy as np

from hotplug.conformance.draw import Kind, Marker, NDArray, Operand, Sample
from hotplug.conformance.place import shown_in
from hotplug.declare import OPS

ALIASES: Final[dict[str, str]] = {
    "masked_fill_elements": "masked_fill",
    "where_elements": "where",
    "complex_elements": "complex",
    "conj_elements": "conj_physical",
    "trunc_divide": "div",
    "unsafe_split": "split",
}
"""Ops that Hotplug declares under a name of its own, by the name of PyTorch's op of the same meaning."""

REVERSED: Final = {
    "rdiv": "true_divide", "rfloordiv": "floor_divide", "rmod": "remainder", "rpow": "pow", "rmatmul": "matmul"
}  # fmt: skip
"""Reflected operators: PyTorch's op with the operands exchanged."""

FIXED: Final[dict[str, dict[str, Any]]] = {"trunc_divide": {"rounding_mode": "trunc"}}
"""Keywords that give PyTorch's op the meaning of ours."""


def function_of(torch: Any, name: str) -> Any:
    """PyTorch's function for an op of the table, or ``None`` where it has none."""
    entry = OPS[name]
    if entry.namespace == "ops":
        return None
    if entry.name in REVERSED:
        forward = getattr(torch, REVERSED[entry.name])
        return lambda left, right: forward(_tensor(torch, right, left), left)
    public = ALIASES.get(entry.name, entry.name)
    homes = [torch, torch.Tensor]
    if entry.namespace == "nn.functional":
        homes = [torch.nn.functional]
    elif entry.namespace in ("linalg", "fft", "special"):
        homes = [getattr(torch, entry.namespace)]
    elif entry.namespace == "Tensor" or entry.name.endswith("_"):
        homes = [torch.Tensor]
    found = next((getattr(home, public) for home in homes if callable(getattr(home, public, None))), None)
    return functools.partial(found, **FIXED[name]) if found is not None and name in FIXED else found


def _tensor(torch: Any, value: Any, like: Any) -> Any:
    """What a reflected operator makes of a number on its left."""
    return value if isinstance(value, torch.Tensor) else torch.tensor(value, dtype=torch.result_type(value, like))


class Arguments:
    """The arguments of a sample as PyTorch's.

    Attributes:
        args, kwargs: what the op is called with.
        leaves: the tensors whose gradients are asked for, in order.
    """

    def __init__(
        self, torch: Any, sample: Sample, dtype: str, layout: str = "contiguous", *, wider: dict[str, str] | None = None,
        grad: bool = False, writes: bool = False,
    ) -> None:  # fmt: skip
        self._torch = torch
        self._dtype = dtype
        self._layout = layout
        self._wider = wider or {}
        self._grad = grad
        self.leaves: list[Any] = []
        self.args = [self._made(each) for each in sample.args]
        self.kwargs = {name: self._made(each) for name, each in sample.kwargs.items()}
        if writes and getattr(self.args[0], "requires_grad", False):
            self.args[0] = self.args[0].clone()

    def _kind(self, name: str) -> Any:
        return getattr(self._torch, self._wider.get(name, name))

    def _made(self, value: Any) -> Any:
        if isinstance(value, Operand):
            return self._operand(value)
        if isinstance(value, Kind):
            return self._kind(value.name)
        if isinstance(value, Marker):
            return "cpu" if value.name == "device" else self._kind(self._dtype)
        if isinstance(value, (list, tuple)):
            return type(value)(self._made(each) for each in value)
        return value

    def _operand(self, operand: Operand) -> Any:
        exact = operand.dtype or self._dtype
        values = shown_in(operand.values, self._layout)
        made = from_host(self._torch, values).to(getattr(self._torch, exact)).to(self._kind(exact))
        made = self._laid_out(made)
        if self._grad and operand.grad and (made.is_floating_point() or made.is_complex()):
            made = made.requires_grad_()
            self.leaves.append(made)
        return made

    def _laid_out(self, made: Any) -> Any:
        """The same layouts as :func:`hotplug.conformance.place.laid_out`; PyTorch has no negative strides."""
        if not made.ndim or not made.numel():
            return made
        if self._layout == "transposed":
            axes = tuple(reversed(range(made.ndim)))
            return made.permute(axes).contiguous().permute(axes)
        if self._layout == "expanded":
            return made[:1].expand(made.shape)
        if self._layout == "sliced":
            frame = self._torch.zeros([2 * size + 1 for size in made.shape], dtype=made.dtype)
            window = frame[tuple(slice(1, None, 2) for _ in made.shape)]
            window.copy_(made)
            return window
        return made


def from_host(torch: Any, values: NDArray) -> Any:
    """A contiguous tensor of host values; NumPy's strides of an array without elements mean nothing."""
    memory = np.array(values, order="C")
    return torch.from_numpy(memory) if memory.size else torch.from_numpy(memory.reshape(-1)).new_empty(memory.shape)


def outputs(result: Any) -> list[Any]:
    """The outputs of one of PyTorch's functions as a flat list."""
    if isinstance(result, (list, tuple)):
        return [each for part in result for each in outputs(part)]
    return [result]


def host_values(torch: Any, tensor: Any) -> NDArray:
    """A tensor's elements as an ndarray; bfloat16, which NumPy lacks, as float64."""
    tensor = tensor.detach().resolve_conj().resolve_neg()
    wide = tensor.to(torch.float64) if tensor.dtype is torch.bfloat16 else tensor
    found: NDArray = wide.numpy(force=True)  # a gradient of zeros may have no memory
    return found
