"""A small training program, the same on every device and in every process: what the cases of level 4 disturb.

A classifier of two linear layers with a normalization between them, the cross-entropy, and an optimizer.  Parameters and
data are drawn by name and not by a generator, so that threads and processes start from the same bits.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from typing import Any, Final, final

import numpy as np

from hotplug import dtypes, nn, ops, optim
from hotplug.conformance.draw import Draw, NDArray
from hotplug.conformance.place import host_values, tensor
from hotplug.dtypes import dtype, float32
from hotplug.runtime import memory_allocated
from hotplug.tensor import Tensor

MakeOptimizer = Callable[[Sequence[Tensor]], optim.Optimizer]

OPTIMIZERS: Final[dict[str, MakeOptimizer]] = {
    "sgd": lambda params: optim.SGD(params, lr=0.1, momentum=0.9, dampening=0.5),
    "adam": lambda params: optim.Adam(params, lr=0.02),
}
"""The first has a first step unlike the others; the second counts its steps on the host."""

_ROWS: Final = 24
_FEATURES: Final = 6
_CLASSES: Final = 3


def drawn(key: str, *shape: int) -> NDArray:
    """Numbers between -1 and 1, the same everywhere, as float64."""
    return Draw(key, "f")(*shape, low=-1.0, high=1.0).values


def labels() -> NDArray:
    """A class for each row, which its features determine."""
    scores = drawn("rows", _ROWS, _FEATURES) @ drawn("teacher", _FEATURES, _CLASSES)
    return np.asarray(scores.argmax(axis=1))


@final
class Scene:
    """A model, its data and its optimizer on a device.

    Attributes:
        device: the device string.
        model: ``Linear(6, 8), LayerNorm, GELU, Linear(8, 3)``.
        optimizer: fresh, of the kind that was asked for.
    """

    def __init__(self, device: str, optimizer: str = "adam", kind: dtype = float32, seed: int = 0) -> None:
        self.device: Final = device
        self.model: Final = nn.Sequential(
            nn.Linear(_FEATURES, 8, device=device, dtype=kind), nn.LayerNorm(8, device=device, dtype=kind), nn.GELU(),
            nn.Linear(8, _CLASSES, device=device, dtype=kind),
        )  # fmt: skip
        self.parameters: Final[list[Tensor]] = list(self.model.parameters())
        self._start: Final = [
            0.6 * drawn(f"{name}/{seed}", *each.shape) for name, each in self.model.named_parameters()
        ]
        self._kind: Final = kind
        self._make: Final = OPTIMIZERS[optimizer]
        self._x: Final = tensor(device, drawn("rows", _ROWS, _FEATURES), kind)
        self._y: Final = tensor(device, labels(), dtypes.int64)
        self.optimizer: optim.Optimizer
        self.restart()

    def restart(self) -> None:
        """The parameters as they were at first, no gradients, and a fresh optimizer."""
        for parameter, values in zip(self.parameters, self._start, strict=True):
            parameter.data = tensor(self.device, values, self._kind)
            parameter.grad = None
        self.optimizer = self._make(self.parameters)

    def forward(self) -> Tensor:
        """The loss."""
        loss: Tensor = nn.functional.cross_entropy(self.model(self._x), self._y)
        return loss

    def iterate(self) -> Tensor:
        """One iteration of training; its loss."""
        self.optimizer.zero_grad()
        loss = self.forward()
        loss.backward()
        self.optimizer.step()
        return loss

    def losses(self, count: int) -> list[float]:
        """The losses of so many iterations."""
        return [self.iterate().item() for _ in range(count)]

    def values(self) -> list[bytes]:
        """The bits of every parameter, in order."""
        return [host_values(each).tobytes() for each in self.parameters]

    def states(self) -> list[dict[str, Any]]:
        """What the optimizer keeps for each parameter: bits of tensors, and numbers; nothing where that is zero."""
        found = []
        for parameter in self.parameters:
            state = self.optimizer.state.get(parameter, {})
            kept = {name: _comparable(each) for name, each in state.items()}
            found.append({name: each for name, each in kept.items() if each})
        return found


def _comparable(value: Any) -> Any:
    if not isinstance(value, Tensor):
        return value
    found = host_values(value)
    return found.tobytes() if found.any() else b""


def settled(device: str) -> int:
    """Bytes of live tensors on a device once nothing is left to collect."""
    gc.collect()
    return memory_allocated(device)


def working(device: str) -> bool:
    """Whether a device still computes: a map, a product and a sum of known numbers."""
    x = tensor(device, np.arange(6.0).reshape(2, 3), float32)
    return bool(ops.add(x, 1).tolist() == [[1, 2, 3], [4, 5, 6]] and ops.matmul(x, x.T).sum().item() == 83.0)
