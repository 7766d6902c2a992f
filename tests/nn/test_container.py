"""Containers of modules and parameters."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import numpy as np
import pytest

import hotplug as hp
from hotplug import nn


def kinds(modules: Any) -> list[str]:
    return [type(each).__name__ for each in modules]


def test_sequential() -> None:
    module = nn.Sequential(nn.ReLU(), nn.Flatten(0), nn.Tanh())
    np.testing.assert_allclose(module(hp.tensor([[-1.0, 2.0]])).numpy(), np.tanh([0.0, 2.0]), rtol=1e-6)
    assert len(module) == 3
    assert kinds(module) == ["ReLU", "Flatten", "Tanh"]
    assert kinds(module[1:]) == ["Flatten", "Tanh"]
    assert kinds([module[-1]]) == ["Tanh"]
    module[0] = nn.Sigmoid()
    module.append(nn.GELU()).insert(1, nn.SiLU())
    assert kinds(module) == ["Sigmoid", "SiLU", "Flatten", "Tanh", "GELU"]
    assert list(module._modules) == ["0", "1", "2", "3", "4"]
    assert kinds([module.pop(1)]) == ["SiLU"]
    del module[1]
    assert kinds(module) == ["Sigmoid", "Tanh", "GELU"]
    assert kinds(module + nn.Sequential(nn.ReLU())) == ["Sigmoid", "Tanh", "GELU", "ReLU"]
    named = nn.Sequential(OrderedDict(a=nn.ReLU(), b=nn.Tanh()))
    assert list(named._modules) == ["a", "b"]
    assert list(named[:1]._modules) == ["a"]
    with pytest.raises(IndexError, match="index 7 is out of range for 3 entries"):
        module[7]
    with pytest.raises(TypeError, match="must be integers or slices, not str"):
        module["a"]
    with pytest.raises(TypeError, match="int is not a Module subclass"):
        nn.Sequential(3)


def test_module_list() -> None:
    module = nn.ModuleList([nn.ReLU(), nn.Tanh()])
    module += [nn.SiLU()]
    module.extend([nn.GELU()]).append(nn.ReLU()).insert(0, nn.Flatten())
    assert kinds(module) == ["Flatten", "ReLU", "Tanh", "SiLU", "GELU", "ReLU"]
    assert kinds(module[1:3]) == ["ReLU", "Tanh"]
    assert isinstance(module[1:3], nn.ModuleList)
    assert kinds(module.__add__([nn.Tanh()]))[-1] == "Tanh"
    del module[1:4]
    assert list(module._modules) == ["0", "1", "2"]
    with pytest.raises(NotImplementedError):
        module(1)


def test_module_dict() -> None:
    module = nn.ModuleDict({"a": nn.ReLU()})
    module.update([("b", nn.Tanh())])
    module["c"] = nn.GELU()
    assert list(module) == list(module.keys()) == ["a", "b", "c"]
    assert "b" in module
    assert len(module) == 3
    assert kinds(module.values()) == ["ReLU", "Tanh", "GELU"]
    assert kinds([module.pop("b")]) == ["Tanh"]
    del module["a"]
    assert [name for name, _ in module.items()] == ["c"]
    module.clear()
    assert not len(module)
    with pytest.raises(KeyError):
        module["c"]
    with pytest.raises(ValueError, match="pairs of a name and a Module"):
        module.update([3])  # type: ignore[list-item]


def test_parameter_list() -> None:
    module = nn.ParameterList([hp.ones(2), nn.Parameter(hp.zeros(1)), 3])
    module.append(hp.ones(1))
    module += [hp.ones(4)]
    assert len(module) == 5
    assert isinstance(module[0], nn.Parameter)
    assert module[2] == 3
    assert [name for name, _ in module.named_parameters()] == ["0", "1", "3", "4"]
    assert [each.shape[0] for each in module[3:]] == [1, 4]
    module[0] = hp.zeros(7)
    assert module[0].shape == (7,)
    assert len(list(module)) == 5
    with pytest.raises(IndexError):
        module[5]
    with pytest.raises(TypeError, match="called with an iterable"):
        module.extend(hp.ones(2))


def test_parameter_dict() -> None:
    module = nn.ParameterDict({"a": hp.ones(2)})
    module["b"] = 3
    module.update([("c", nn.Parameter(hp.zeros(1)))])
    assert list(module) == list(module.keys()) == ["a", "b", "c"]
    assert [name for name, _ in module.named_parameters()] == ["a", "c"]
    assert module.get("z", 5) == 5
    assert module.pop("b") == 3
    assert len(module) == 2
    assert [name for name, _ in module.items()] == ["a", "c"]
    assert len(list(module.values())) == 2
    with pytest.raises(KeyError):
        module["b"]
    with pytest.raises(TypeError, match="names are strings"):
        module[3] = 1  # type: ignore[index]


@pytest.mark.parity
def test_printed_form_of_parameters(torch: Any) -> None:
    ours = nn.ParameterList([hp.ones(2, 3), 4])
    theirs = torch.nn.ParameterList([torch.ones(2, 3), 4])
    assert repr(ours) == repr(theirs).replace("torch.", "hotplug.")
