"""Initial values: bounds, moments, and what is refused."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import hotplug as hp
from hotplug.nn import init


def host(tensor: Any) -> np.ndarray[Any, Any]:
    return np.asarray(tensor.detach().cpu().numpy())


@pytest.fixture(autouse=True)
def _seed() -> None:
    hp.manual_seed(0)


@pytest.mark.parity
def test_gains(torch: Any) -> None:
    for name in ("linear", "conv2d", "sigmoid", "tanh", "relu", "selu", "leaky_relu"):
        assert init.calculate_gain(name) == torch.nn.init.calculate_gain(name)
    assert init.calculate_gain("leaky_relu", 0.3) == torch.nn.init.calculate_gain("leaky_relu", 0.3)
    with pytest.raises(ValueError, match="unknown nonlinearity 'swish'"):
        init.calculate_gain("swish")
    with pytest.raises(ValueError, match="not a valid number"):
        init.calculate_gain("leaky_relu", "x")  # type: ignore[arg-type]


def test_constants() -> None:
    tensor = hp.empty(3, 4, requires_grad=True)
    assert init.constant_(tensor, 2.5) is tensor
    assert tensor.is_leaf
    assert tensor.requires_grad
    assert (host(tensor) == 2.5).all()
    assert (host(init.ones_(tensor)) == 1).all()
    assert (host(init.zeros_(tensor)) == 0).all()
    np.testing.assert_array_equal(host(init.eye_(tensor)), np.eye(3, 4))


@pytest.mark.parity
@pytest.mark.parametrize("shape", [(4, 3, 3), (2, 4, 3, 5), (4, 2, 2, 3, 1), (6, 2, 4)])
@pytest.mark.parametrize("groups", [1, 2])
def test_dirac(torch: Any, shape: tuple[int, ...], groups: int) -> None:
    ours, theirs = hp.empty(*shape, requires_grad=True), torch.empty(*shape)
    np.testing.assert_array_equal(host(init.dirac_(ours, groups)), host(torch.nn.init.dirac_(theirs, groups)))


DRAWS: dict[str, tuple[Any, float, float | None]] = {
    "uniform": (lambda t: init.uniform_(t, -3.0, 5.0), 8 / math.sqrt(12), None),
    "normal": (lambda t: init.normal_(t, 1.0, 2.0), 2.0, None),
    "xavier uniform": (lambda t: init.xavier_uniform_(t, 2.0), 2 * math.sqrt(2 / 700), 2 * math.sqrt(6 / 700)),
    "xavier normal": (init.xavier_normal_, math.sqrt(2 / 700), None),
    "kaiming uniform": (init.kaiming_uniform_, math.sqrt(2 / 300), math.sqrt(6 / 300)),
    "kaiming uniform, slope": (
        lambda t: init.kaiming_uniform_(t, math.sqrt(5)),
        math.sqrt(1 / 900),
        math.sqrt(1 / 300),
    ),
    "kaiming normal": (
        lambda t: init.kaiming_normal_(t, mode="fan_out", nonlinearity="relu"),
        math.sqrt(2 / 400),
        None,
    ),
}


@pytest.mark.parametrize(("draw", "deviation", "bound"), DRAWS.values(), ids=DRAWS.keys())
def test_moments(draw: Any, deviation: float, bound: float | None) -> None:
    drawn = host(draw(hp.empty(400, 300)))
    assert drawn.std() == pytest.approx(deviation, rel=0.02)
    if bound is not None:
        assert 0.99 * bound < np.abs(drawn).max() <= bound


@pytest.mark.parametrize(
    ("mean", "std", "a", "b"), [(0, 1, -2, 2), (1, 2, -1, 0), (0, 1, 2, 3), (0, 0.02, -2, 2), (0, 1, 2.0, 2.1)]
)
def test_truncated_normal(mean: float, std: float, a: float, b: float) -> None:
    drawn = host(init.trunc_normal_(hp.empty(40000), mean, std, a, b)).astype(np.float64)
    assert a <= drawn.min()
    assert drawn.max() <= b
    grid = np.linspace(max(a, mean - 8 * std), min(b, mean + 8 * std), 200001)
    density = np.exp(-0.5 * ((grid - mean) / std) ** 2)
    expected = (grid * density).sum() / density.sum()
    spread = math.sqrt(((grid - expected) ** 2 * density).sum() / density.sum())
    assert drawn.mean() == pytest.approx(expected, abs=0.03 * spread)
    assert drawn.std() == pytest.approx(spread, rel=0.03)


def test_a_mean_far_outside_is_warned_of() -> None:
    with pytest.warns(UserWarning, match="more than 2 std"):
        init.trunc_normal_(hp.empty(3), 9.0, 1.0, -2.0, 2.0)


@pytest.mark.parametrize("shape", [(4, 6), (6, 4), (5, 5), (3, 2, 4)])
def test_orthogonal(shape: tuple[int, ...]) -> None:
    hp.manual_seed(0)
    drawn = host(init.orthogonal_(hp.empty(*shape), 2.0)).reshape(shape[0], -1)
    short = drawn if drawn.shape[0] <= drawn.shape[1] else drawn.T
    np.testing.assert_allclose(short @ short.T, 4 * np.eye(len(short)), atol=1e-5)
    assert init.orthogonal_(hp.empty(0, 3)).numel() == 0
    with pytest.raises(ValueError, match="2 or more dimensions"):
        init.orthogonal_(hp.empty(3))


def test_sparse() -> None:
    drawn = host(init.sparse_(hp.empty(30, 20), 0.34, 2.0))
    assert ((drawn == 0).sum(0) == 11).all()


def test_a_generator_of_one_s_own() -> None:
    one, two = (init.normal_(hp.empty(5), generator=hp.Generator().manual_seed(3)) for _ in range(2))
    assert host(one).tobytes() == host(two).tobytes()


def test_fans() -> None:
    assert init._calculate_fan_in_and_fan_out(hp.empty(5, 4, 3, 2)) == (24, 30)


def test_bad_input() -> None:
    for call, message in (
        (lambda: init.kaiming_uniform_(hp.empty(3)), "2 dimensions or more"),
        (lambda: init.kaiming_uniform_(hp.empty(3, 3), mode="both"), "mode 'both' not supported"),
        (lambda: init.eye_(hp.empty(3)), "2 dimensions"),
        (lambda: init.dirac_(hp.empty(3, 3)), "3, 4, or 5 dimensions"),
        (lambda: init.dirac_(hp.empty(3, 3, 3), 2), "divisible by groups"),
        (lambda: init.sparse_(hp.empty(3), 0.5), "2 dimensions"),
    ):
        with pytest.raises(ValueError, match=message):
            call()
    with pytest.warns(UserWarning, match="no-op"):
        init.kaiming_normal_(hp.empty(0, 3))
