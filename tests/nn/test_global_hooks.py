"""Hooks on every module."""

from __future__ import annotations

import importlib
from typing import Any

import pytest
from twins import host, values

import hotplug as hp
from hotplug import nn
from hotplug.nn.modules import module as hooks


def record(library: Any, registry: Any) -> list[Any]:
    """What hooks on every module see of a small network, in order."""
    seen: list[Any] = []

    def note(kind: str) -> Any:
        return lambda module, *given: seen.append((kind, type(module).__name__, len(given)))

    network = library.nn.Sequential(library.nn.Linear(3, 3), library.nn.ReLU())
    network[0].register_forward_hook(note("own"))
    network[1].register_full_backward_hook(note("own backward"))
    handles = [
        registry.register_module_forward_hook(note("after")),
        registry.register_module_forward_pre_hook(note("before")),
        registry.register_module_forward_hook(note("with kwargs"), with_kwargs=True),
        registry.register_module_full_backward_pre_hook(note("backward before")),
        registry.register_module_full_backward_hook(note("backward")),
        registry.register_module_parameter_registration_hook(note("parameter")),
        registry.register_module_buffer_registration_hook(note("buffer")),
        registry.register_module_module_registration_hook(note("child")),
    ]
    x = library.tensor(values(0, (2, 3))).requires_grad_()
    network(x).sum().backward()
    library.nn.Sequential(library.nn.BatchNorm1d(2))
    for handle in handles:
        handle.remove()
    network(x)
    library.nn.Linear(2, 2)
    return seen


@pytest.mark.parity
def test_all_kinds_in_pytorch_s_order(torch: Any) -> None:
    assert record(hp, hooks) == record(torch, torch.nn.modules.module)


@pytest.mark.parity
def test_what_hooks_return_replaces(torch: Any) -> None:
    found = []
    for library, registry in ((hp, hooks), (torch, torch.nn.modules.module)):
        layer = library.nn.Tanh()
        x = library.tensor(values(0, (2, 3))).requires_grad_()
        with (
            registry.register_module_forward_pre_hook(lambda module, args: (args[0] * 2,)),
            registry.register_module_forward_hook(lambda module, args, out: out + 1),
            registry.register_module_full_backward_hook(lambda module, grad_input, grad_output: (grad_input[0] * 3,)),
        ):
            out = layer(x)
            out.sum().backward()
        found.append((host(out).tolist(), host(x.grad).tolist()))
    for mine, his in zip(*found, strict=True):
        for one, two in zip(mine, his, strict=True):
            assert one == pytest.approx(two, rel=1e-5)


def test_a_hook_that_is_always_called() -> None:
    class Broken(nn.Module):
        def forward(self, x: Any) -> Any:
            raise ValueError("no")

    seen = []
    with (
        hooks.register_module_forward_hook(lambda module, args, out: seen.append(out), always_call=True),
        pytest.raises(ValueError, match="no"),
    ):
        Broken()(1)
    assert seen == [None]


def test_registrations_are_replaced() -> None:
    given = {"weight": nn.Parameter(hp.ones(2, 2)), "bias": nn.Parameter(hp.ones(2))}
    with hooks.register_module_parameter_registration_hook(lambda module, name, param: given[name]):
        layer = nn.Linear(2, 2)
    assert layer.weight is given["weight"]
    assert layer.bias is given["bias"]
    with hooks.register_module_module_registration_hook(lambda module, name, child: layer):
        assert nn.Sequential(nn.ReLU())[0] is layer


def test_paths_of_pytorch_s() -> None:
    assert nn.modules.Linear is nn.Linear
    assert nn.modules.batchnorm.BatchNorm2d is nn.BatchNorm2d
    assert issubclass(nn.BatchNorm1d, nn.modules.batchnorm._BatchNorm)
    assert nn.modules.module.Module is nn.Module
    batchnorm = importlib.import_module("hotplug.nn.modules.batchnorm")
    assert batchnorm._BatchNorm is nn.modules.batchnorm._BatchNorm
    assert nn.modules.utils._pair(3) == (3, 3)
    assert nn.modules.utils._triple([1, 2, 3]) == (1, 2, 3)
    with pytest.raises(AttributeError, match=r"hotplug\.nn\.modules' has no attribute"):
        nn.modules.no_such_layer  # noqa: B018
