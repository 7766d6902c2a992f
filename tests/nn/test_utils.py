"""Gradients limited in size; parameters as one vector."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import hotplug as hp
from hotplug import nn
from hotplug.nn import utils


def host(tensor: Any) -> np.ndarray[Any, Any]:
    return np.asarray(tensor.detach().cpu().numpy())


def parameters(library: Any) -> list[Any]:
    found = [library.nn.Parameter(library.ones(*shape)) for shape in ((2, 3), (4,), (1,))]
    for number, each in enumerate(found[:2]):
        each.grad = library.tensor(np.random.default_rng(number).normal(size=tuple(each.shape)).astype(np.float32))
    return found


@pytest.mark.parity
@pytest.mark.parametrize("norm_type", [1.0, 2.0, 3.0, math.inf])
@pytest.mark.parametrize("max_norm", [0.5, 100.0])
def test_clip_grad_norm(torch: Any, norm_type: float, max_norm: float) -> None:
    ours, theirs = parameters(hp), parameters(torch)
    mine = utils.clip_grad_norm_(ours, max_norm, norm_type)
    his = torch.nn.utils.clip_grad_norm_(theirs, max_norm, norm_type)
    np.testing.assert_allclose(host(mine), host(his), rtol=1e-6)
    for one, two in zip(ours[:2], theirs[:2], strict=True):
        np.testing.assert_allclose(host(one.grad), host(two.grad), rtol=1e-5)
    assert ours[2].grad is None


def test_clip_grad_value() -> None:
    ours = parameters(hp)
    before = [host(each.grad).copy() for each in ours[:2]]
    utils.clip_grad_value_(ours, 0.3)
    for each, old in zip(ours[:2], before, strict=True):
        np.testing.assert_array_equal(host(each.grad), np.clip(old, np.float32(-0.3), np.float32(0.3)))
    utils.clip_grad_value_(ours[0], 0.1)
    assert np.abs(host(ours[0].grad)).max() <= np.float32(0.1)


def test_a_norm_that_is_not_finite() -> None:
    parameter = nn.Parameter(hp.ones(2))
    assert utils.clip_grad_norm_([parameter], 1.0).item() == 0.0
    parameter.grad = hp.tensor([math.nan, 1.0])
    with pytest.raises(RuntimeError, match="norm of order 2.0 for gradients is nan"):
        utils.clip_grad_norm_(parameter, 1.0, error_if_nonfinite=True)
    assert host(parameter.grad)[1] == 1
    assert math.isnan(utils.clip_grad_norm_(parameter, 1.0).item())


def test_vectors() -> None:
    every = parameters(hp)
    vector = utils.parameters_to_vector(every)
    assert vector.shape == (11,)
    assert vector.requires_grad
    utils.vector_to_parameters(hp.arange(11.0), every)
    assert host(every[0]).tolist() == [[0, 1, 2], [3, 4, 5]]
    assert host(every[2]).tolist() == [10]
    assert every[0].is_leaf
    for wrong in (hp.ones(10), hp.ones(1, 11)):
        with pytest.raises(RuntimeError, match="expected a vector of 11 elements"):
            utils.vector_to_parameters(wrong, every)
    assert host(every[2]).tolist() == [10]
