"""lobpcg against PyTorch's, and by the equation that it solves."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest

import hotplug as hp


def matrices() -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(0)
    a, b = draw.normal(size=(2, 12, 12))
    return a + a.T, b @ b.T + 12 * np.eye(12)


@pytest.mark.parity
@pytest.mark.parametrize("largest", [True, False, None])
@pytest.mark.parametrize("pair", [True, False])
def test_values(torch: ModuleType, largest: bool | None, pair: bool) -> None:
    a, b = matrices()
    values, vectors = hp.lobpcg(hp.tensor(a), 3, hp.tensor(b) if pair else None, largest=largest)
    torch.manual_seed(0)
    expected, _ = torch.lobpcg(torch.tensor(a), 3, torch.tensor(b) if pair else None, largest=largest, niter=200)
    np.testing.assert_allclose(values.numpy(), expected.numpy(), rtol=1e-6)
    left = a @ vectors.numpy()
    right = (b if pair else np.eye(12)) @ vectors.numpy() * values.numpy()
    np.testing.assert_allclose(left, right, atol=1e-9)


@pytest.mark.parity
def test_errors(torch: ModuleType) -> None:
    for library in (hp, torch):
        with pytest.raises(ValueError):  # noqa: PT011 - the kind of error is what is compared
            library.lobpcg(library.eye(5), 3)
    with pytest.raises(ValueError, match="method"):
        hp.lobpcg(hp.eye(5), 1, method="fast")
    with pytest.raises(RuntimeError, match="square"):
        hp.lobpcg(hp.ones(5, 4), 1)


def test_gradient() -> None:
    a = hp.tensor(matrices()[0], requires_grad=True)
    assert hp.autograd.gradcheck(lambda x: hp.lobpcg((x + x.mT) / 2, 2)[0], [a])
    start = hp.lobpcg(a.detach(), X=hp.ones(12, 2).double())[0]
    assert start.shape == (2,)
