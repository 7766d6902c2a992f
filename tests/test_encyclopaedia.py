"""The two sample programs of the encyclopaedia article on PyTorch, with only the import changed."""

from __future__ import annotations

import re

import pytest

TENSORS = """
import hotplug as torch

dtype = torch.float
device = torch.device("cpu")  # Execute all calculations on the CPU

# Create a tensor and fill it with random numbers
a = torch.randn(2, 3, device=device, dtype=dtype)
print(a)

b = torch.randn(2, 3, device=device, dtype=dtype)
print(b)

print(a * b)
print(a.sum())
print(a[1, 2])
print(a.max())
"""

NETWORK = """
import hotplug as torch
from hotplug import nn


class NeuralNetwork(nn.Module):
    def __init__(self):
        super(NeuralNetwork, self).__init__()
        self.flatten = nn.Flatten()
        self.linear_relu_stack = nn.Sequential(
            nn.Linear(28 * 28, 512),
            nn.ReLU(),
            nn.Linear(512, 512),
            nn.ReLU(),
            nn.Linear(512, 10),
        )

    def forward(self, x):
        x = self.flatten(x)
        logits = self.linear_relu_stack(x)
        return logits
"""


def test_tensors(capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, object] = {}
    exec(TENSORS, names)
    number = r" *-?\d+\.\d{4}"
    matrix = rf"tensor\(\[\[{number}, {number}, {number}\],\n        \[{number}, {number}, {number}\]\]\)\n"
    scalar = rf"tensor\({number}\)\n"
    assert re.fullmatch(matrix * 3 + scalar * 3, capsys.readouterr().out)


def test_network() -> None:
    names: dict[str, object] = {}
    exec(NETWORK, names)
    import hotplug as hp

    model = names["NeuralNetwork"]()  # type: ignore[operator]
    assert repr(model).splitlines()[1] == "  (flatten): Flatten(start_dim=1, end_dim=-1)"
    assert sum(each.numel() for each in model.parameters()) == 669_706
    logits = model(hp.randn(3, 28, 28))
    assert logits.shape == (3, 10)
    logits.sum().backward()
    assert all(each.grad is not None for each in model.parameters())
