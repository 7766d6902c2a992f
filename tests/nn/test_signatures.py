"""The parameters of every layer and function have PyTorch's names and order."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from hotplug import nn
from hotplug.nn import functional

DEPRECATED = {"size_average", "reduce"}
"""Arguments of losses that PyTorch has deprecated since 2018; the modules don't take them."""

DIFFERENT = {
    "Hardtanh": "PyTorch's old names min_value and max_value aren't taken",
    "RNNBase": "a base without a forward of its own",
    "RNNCellBase": "a base without a forward of its own",
    "Module": "a base without a forward of its own",
    "ModuleDict": "no forward of its own",
    "ModuleList": "no forward of its own",
    "ParameterDict": "no forward of its own",
    "ParameterList": "no forward of its own",
}


def names(function: Any) -> list[str]:
    return [name for name in inspect.signature(function).parameters if name not in DEPRECATED]


def hidden(found: list[str]) -> bool:
    """Whether PyTorch's signature says nothing."""
    return {"args", "kwargs"} <= set(found)


@pytest.mark.parity
def test_modules(torch: Any) -> None:
    compared = 0
    for name in nn.__all__:
        ours, theirs = getattr(nn, name), getattr(torch.nn, name)
        if not inspect.isclass(ours) or not issubclass(ours, nn.Module) or name in DIFFERENT:
            continue
        for method in ("__init__", "forward"):
            expected = names(getattr(theirs, method))
            if not hidden(expected):
                assert names(getattr(ours, method)) == expected, (name, method)
                compared += 1
    assert compared > 250


@pytest.mark.parity
def test_functions(torch: Any) -> None:
    compared = 0
    for name in functional.__all__:
        theirs = getattr(torch.nn.functional, name)
        try:
            expected = names(theirs)
        except ValueError:  # a builtin without a signature
            continue
        if not hidden(expected):
            assert names(getattr(functional, name)) == expected, name
            compared += 1
    assert compared > 80
