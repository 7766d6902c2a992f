"""Weights computed from others, and normalisations folded away, against PyTorch's."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest
from twins import F32, host, values

import hotplug as hp
from hotplug import nn
from hotplug.nn import utils
from hotplug.nn.utils import parametrizations, parametrize

pytestmark = pytest.mark.filterwarnings("ignore:`torch.nn.utils.weight_norm` is deprecated")

LAYERS: dict[str, tuple[Any, tuple[int, ...]]] = {
    "linear": (lambda n: n.Linear(5, 4), (3, 5)),
    "conv": (lambda n: n.Conv2d(2, 4, 3), (2, 2, 5, 5)),
    "transposed": (lambda n: n.ConvTranspose2d(2, 4, 3), (2, 2, 4, 4)),
}
NORMS: dict[str, Any] = {
    "weight norm": lambda u, layer: u.parametrizations.weight_norm(layer),
    "weight norm of axis 1": lambda u, layer: u.parametrizations.weight_norm(layer, dim=1),
    "weight norm of all": lambda u, layer: u.parametrizations.weight_norm(layer, dim=None),
    "spectral norm": lambda u, layer: u.parametrizations.spectral_norm(layer),
    "spectral norm, thrice": lambda u, layer: u.parametrizations.spectral_norm(layer, n_power_iterations=3),
    "spectral norm of a bias": lambda u, layer: u.parametrizations.spectral_norm(layer, "bias", dim=0),
    "hooked weight norm": lambda u, layer: u.weight_norm(layer),
    "hooked weight norm of all": lambda u, layer: u.weight_norm(layer, dim=None),
    "hooked spectral norm": lambda u, layer: u.spectral_norm(layer),
}


@pytest.mark.parity
@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize("norm", NORMS)
def test_norms(torch: Any, kind: str, norm: str) -> None:
    torch.manual_seed(0)
    make, shape = LAYERS[kind]
    theirs, ours = NORMS[norm](torch.nn.utils, make(torch.nn)), NORMS[norm](utils, make(nn))
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert repr(ours) == repr(theirs)
    ours.load_state_dict({key: hp.tensor(value.numpy()) for key, value in theirs.state_dict().items()})
    for mode in (True, True, False):
        found = []
        for library, module in ((hp, ours), (torch, theirs)):
            module.train(mode)
            x = library.tensor(values(0, shape)).requires_grad_()
            module.zero_grad()
            out = module(x)
            (out * library.tensor(values(1, tuple(out.shape)))).sum().backward()
            found.append([out, x.grad, *(each.grad for each in module.parameters()), *module.buffers(), module.weight])
        for mine, his in zip(*found, strict=True):
            np.testing.assert_allclose(host(mine), host(his), **F32)


@pytest.mark.parametrize("norm", NORMS)
def test_norms_keep_or_bound_the_weight_and_go_away(norm: str) -> None:
    hp.manual_seed(0)
    layer = nn.Linear(5, 4)
    before = host(layer.weight).copy()
    NORMS[norm](utils, layer)
    if "weight norm" in norm:
        np.testing.assert_allclose(host(layer.weight), before, rtol=1e-5)
    layer.eval()
    layer(hp.ones(2, 5))
    value, name = host(layer.weight).copy(), "bias" if "bias" in norm else "weight"
    if not norm.startswith("hooked"):
        parametrize.remove_parametrizations(layer, name)
        assert type(layer) is nn.Linear
    else:
        (utils.remove_weight_norm if "weight norm" in norm else utils.remove_spectral_norm)(layer)
    assert sorted(layer.state_dict()) == ["bias", "weight"]
    np.testing.assert_allclose(host(layer.weight), value, rtol=1e-5, atol=1e-7)
    assert layer.weight.is_leaf


class Symmetric(nn.Module):
    def forward(self, x: Any) -> Any:
        return x.triu() + x.triu(1).transpose(-1, -2)

    def right_inverse(self, a: Any) -> Any:
        return a.triu()


class Doubled(nn.Module):
    def forward(self, x: Any) -> Any:
        return 2 * x


def test_a_parametrization_of_one_s_own() -> None:
    layer = nn.Linear(3, 3)
    parametrize.register_parametrization(layer, "weight", Symmetric())
    weight = host(layer.weight)
    np.testing.assert_array_equal(weight, weight.T)
    assert [name for name, _ in layer.named_parameters()] == ["bias", "parametrizations.weight.original"]
    layer(hp.ones(1, 3)).sum().backward()
    assert layer.parametrizations.weight.original.grad is not None
    layer.weight = hp.tensor(weight + 1)  # type: ignore[assignment]
    np.testing.assert_allclose(host(layer.weight), weight + 1, rtol=1e-6)
    parametrize.register_parametrization(layer, "weight", Doubled())
    np.testing.assert_allclose(host(layer.weight), 2 * (weight + 1), rtol=1e-6)
    assert parametrize.is_parametrized(layer)
    assert parametrize.is_parametrized(layer, "weight")
    assert not parametrize.is_parametrized(layer, "bias")
    assert parametrize.type_before_parametrizations(layer) is nn.Linear
    other = copy.deepcopy(layer)
    np.testing.assert_array_equal(host(other.weight), host(layer.weight))
    parametrize.remove_parametrizations(layer, "weight", leave_parametrized=False)
    np.testing.assert_array_equal(host(layer.weight), np.triu(weight + 1))
    assert parametrize.type_before_parametrizations(layer) is nn.Linear
    assert parametrize.is_parametrized(other, "weight")
    np.testing.assert_allclose(host(other.weight), 2 * (weight + 1), rtol=1e-6)
    with pytest.raises(RuntimeError, match=r"only supported through state_dict\(\)"):
        pickle.dumps(other)
    assert type(pickle.loads(pickle.dumps(layer))) is nn.Linear


def test_a_parametrized_buffer() -> None:
    norm = nn.BatchNorm1d(3)
    parametrize.register_parametrization(norm, "running_var", Doubled())
    np.testing.assert_array_equal(host(norm.running_var), [2, 2, 2])
    assert "parametrizations.running_var.original" in norm.state_dict()
    parametrize.remove_parametrizations(norm, "running_var")
    assert host(dict(norm.named_buffers())["running_var"]).tolist() == [2, 2, 2]


def test_a_value_is_kept_inside_cached() -> None:
    layer = parametrizations.weight_norm(nn.Linear(3, 3))
    assert layer.weight is not layer.weight
    with parametrize.cached():
        assert layer.weight is layer.weight
    assert layer.weight is not layer.weight


# --- folding ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("kind", LAYERS)
def test_a_folded_normalisation(kind: str, affine: bool) -> None:
    hp.manual_seed(0)
    make, shape = LAYERS[kind]
    layer, norm = make(nn), (nn.BatchNorm1d if kind == "linear" else nn.BatchNorm2d)(4, affine=affine)
    for _ in range(3):
        norm(layer(hp.randn(*shape)))
    layer.eval(), norm.eval()
    if kind == "linear":
        fused: Any = utils.fuse_linear_bn_eval(layer, norm)
    else:
        fused = utils.fuse_conv_bn_eval(layer, norm, transpose=kind == "transposed")
    x = hp.randn(*shape)
    np.testing.assert_allclose(host(fused(x)), host(norm(layer(x))), rtol=1e-4, atol=1e-5)
    assert fused is not layer
    assert isinstance(fused.weight, nn.Parameter)
    assert fused.weight.requires_grad


# --- bad input -------------------------------------------------------------------------------------------------------


class Wider(nn.Module):
    def forward(self, x: Any) -> Any:
        return x.reshape(-1)


BAD: list[tuple[Any, type[Exception], str]] = [
    (lambda: parametrize.register_parametrization(nn.Linear(2, 2), "size", Doubled()), ValueError, "'size'"),
    (lambda: parametrize.register_parametrization(nn.Linear(2, 2), "weight", Wider()), ValueError, "unsafe=True"),
    (lambda: parametrize.remove_parametrizations(nn.Linear(2, 2), "weight"), ValueError, "does not have a"),
    (
        lambda: parametrize.remove_parametrizations(parametrizations.weight_norm(nn.Linear(2, 2)), "weight", False),
        ValueError,
        "leaving unparametrized",
    ),
    (
        lambda: setattr(
            parametrize.register_parametrization(nn.Linear(2, 2), "weight", Doubled()), "weight", hp.ones(2)
        ),
        RuntimeError,
        "right_inverse",
    ),
    (lambda: parametrizations.spectral_norm(nn.Linear(2, 2), "size"), ValueError, "'size'"),
    (lambda: parametrizations.spectral_norm(nn.Linear(2, 2), dim=3), IndexError, "out of range"),
    (lambda: parametrizations.spectral_norm(nn.Linear(2, 2), n_power_iterations=0), ValueError, "positive"),
    (lambda: utils.spectral_norm(nn.Linear(2, 2), n_power_iterations=0), ValueError, "positive"),
    (lambda: utils.weight_norm(utils.weight_norm(nn.Linear(2, 2))), RuntimeError, "two WeightNorm"),
    (lambda: utils.remove_weight_norm(nn.Linear(2, 2)), ValueError, "not found"),
    (lambda: utils.fuse_conv_bn_eval(nn.Conv1d(1, 2, 3), nn.BatchNorm1d(2)), AssertionError, "evaluation mode"),
    (lambda: utils.no_such_helper, AttributeError, "no_such_helper"),
]


@pytest.mark.parametrize(("make", "kind", "message"), BAD)
def test_bad_input(make: Any, kind: Any, message: str) -> None:
    with pytest.raises(kind, match=message):
        make()
