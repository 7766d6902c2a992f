"""Ops in a user's own file: on every device at once, with gradients of gradients."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from devices import ALL, needed

import hotplug as hp
from hotplug.autograd import gradcheck, gradgradcheck
from hotplug.declare.table import OPS

SOURCE = '''
"""Ops of ours."""

import hotplug as hp
from hotplug.declare import composite, elementwise, real_floating
from hotplug.expr import scalar as s


@elementwise(dtype=real_floating, sample=(-3, 3), method=False, inplace=False, namespace="ours")
def swoosh(input, shift=1.0):
    """``log(1 + exp(input - shift)) - 0.08 input``."""
    return s.log1p(s.exp(input - shift)) - input * 0.08


@elementwise(dtype=real_floating, sample=(0.5, 2), method=False, inplace=False, namespace="ours")
def polar_parts(x, y):
    """Distance from the origin, and angle."""
    return s.hypot(x, y), s.atan2(y, x)


@composite(outputs=lambda input: [(tuple(input.shape), input.dtype)])
def squashed_rows(input):
    """Rows over one and their norm."""
    return swoosh(input) / (1 + input.norm(dim=1, keepdim=True))
'''


@pytest.fixture
def ours(tmp_path: Path) -> Iterator[ModuleType]:
    path = tmp_path / "our_ops.py"
    path.write_text(SOURCE)
    spec = importlib.util.spec_from_file_location("our_ops", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    for name in [name for name in OPS if name.startswith("ours.")]:
        del OPS[name]


def test_gradients_to_second_order(ours: ModuleType) -> None:
    x = hp.tensor([[0.3, -1.2], [2.1, 0.7]], dtype=hp.float64, requires_grad=True)
    y = hp.tensor([[1.3, 0.2], [0.1, 0.9]], dtype=hp.float64, requires_grad=True)
    for call, args in ((ours.swoosh, [x]), (ours.polar_parts, [x, y]), (ours.squashed_rows, [x])):
        assert gradcheck(call, args)
        assert gradgradcheck(call, args)


@pytest.mark.parametrize("device", ALL)
def test_every_device_has_them(ours: ModuleType, device: str) -> None:
    needed(device)
    values = hp.tensor([[0.5, -1.0], [2.0, 3.0]])
    results = []
    for place in ("numpy", device):
        x = values.to(place).requires_grad_()
        out = ours.squashed_rows(x) * ours.polar_parts(x, x.flip(0))[1] + ours.swoosh(x, 0.25)
        out.sum().backward()
        assert x.grad is not None
        results.append((out.detach().cpu(), x.grad.cpu()))
    hp.testing.assert_close(results[1], results[0], check_device=False)


def test_numbers_select_no_kernel_and_names_are_taken_once(ours: ModuleType) -> None:
    from hotplug.runtime import runtime_of

    x = hp.ones(3)
    ours.swoosh(x, 0.5)
    before = runtime_of("cpu").counts["resolve"]
    for shift in range(10):
        ours.swoosh(x, shift + 0.25)
    assert runtime_of("cpu").counts["resolve"] == before
    with pytest.raises(ValueError, match="'ours.swoosh' is declared twice: in our_ops and again; give one"):
        exec(SOURCE, {"__name__": "again"})
    taken = SOURCE.replace('namespace="ours"', "").replace("def swoosh", "def exp")
    with pytest.raises(ValueError, match="'exp' is declared twice: in hotplug.ops.transcendental and third"):
        exec(taken, {"__name__": "third"})
