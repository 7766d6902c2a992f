"""Libraries that take any array of the standard's: SciPy, scikit-learn and einops work on Tensors, on any device.

SciPy and scikit-learn read ``SCIPY_ARRAY_API`` when they are imported, so their programs run in processes of their own.
"""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from real import FULL, installed

import hotplug as hp

DEVICES = ["cpu", *(["numpy", "opencl:0"] if FULL else [])]


def run(program: str, device: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program, device], capture_output=True, text=True, check=False, timeout=300,
        env={**os.environ, "SCIPY_ARRAY_API": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


SCIPY = """
import sys
import numpy as np
import hotplug as hp
import scipy.stats, scipy.special, scipy.integrate, scipy.cluster.vq, scipy.fft, scipy.signal

hp.set_default_device(sys.argv[1])
host = np.random.default_rng(0).normal(size=(20, 3))
x = hp.tensor(host)
checks = {
    "logsumexp": lambda x: scipy.special.logsumexp(x, axis=0),
    "softmax": lambda x: scipy.special.softmax(x, axis=1),
    "skew": lambda x: scipy.stats.skew(x),
    "kurtosis": lambda x: scipy.stats.kurtosis(x, axis=0),
    "zscore": lambda x: scipy.stats.zscore(x),
    "pearsonr": lambda x: scipy.stats.pearsonr(x[:, 0], x[:, 1]).statistic,
    "ttest": lambda x: scipy.stats.ttest_1samp(x, 0.0).statistic,
    "trapezoid": lambda x: scipy.integrate.trapezoid(x, axis=0),
    "whiten": lambda x: scipy.cluster.vq.whiten(x),
    "fft": lambda x: scipy.fft.fft(x, axis=0),
}
if x.device.type not in ("cpu", "numpy"):
    for name in ("pearsonr", "ttest"):  # their p-values are computed by NumPy: an error on other devices
        try:
            checks.pop(name)(x)
        except RuntimeError as error:
            assert "use .cpu() first" in str(error)
        else:
            raise AssertionError(name)
for name, function in checks.items():
    found, expected = function(x), function(host)
    assert isinstance(found, hp.Tensor), (name, type(found))
    assert found.device == x.device, (name, found.device)
    np.testing.assert_allclose(found.cpu().numpy(), expected, rtol=1e-6, atol=1e-8, err_msg=name)
print(len(checks))
"""

SKLEARN = """
import sys
import numpy as np
import hotplug as hp
import sklearn
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import Ridge
from sklearn.metrics import accuracy_score, mean_squared_error, r2_score
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, StandardScaler

hp.set_default_device(sys.argv[1])
rng = np.random.default_rng(0)
host = rng.normal(size=(60, 4)) + np.repeat([[0.0], [1.0], [3.0]], 20, 0)
labels = np.repeat([0, 1, 2], 20)
target = host @ np.asarray([1.0, -2.0, 0.5, 3.0]) + 0.1 * rng.normal(size=60)
x, y, t = hp.tensor(host), hp.tensor(labels), hp.tensor(target)


def compare(name, found, expected, rtol=1e-6):
    assert isinstance(found, hp.Tensor), (name, type(found))
    assert found.device == x.device, (name, found.device)
    np.testing.assert_allclose(found.cpu().numpy(), expected, rtol=rtol, atol=1e-8, err_msg=name)


ways = {
    "pca": lambda x, y, t: PCA(2, svd_solver="full").fit(x).explained_variance_,
    "projection": lambda x, y, t: abs(PCA(2, svd_solver="full").fit_transform(x)),
    "lda": lambda x, y, t: LinearDiscriminantAnalysis().fit(x, y).predict(x),
    "ridge": lambda x, y, t: Ridge(alpha=0.5, solver="svd").fit(x, t).coef_,
    "min and max": lambda x, y, t: MinMaxScaler().fit_transform(x),
    "absolute": lambda x, y, t: MaxAbsScaler().fit_transform(x),
    "standard": lambda x, y, t: StandardScaler().fit_transform(x),
}
scores = {
    "accuracy": lambda x, y, t: accuracy_score(y, y * 0 + 1), "error": lambda x, y, t: mean_squared_error(t, t * 2),
    "r2": lambda x, y, t: r2_score(t, t + 0.1),
}
expected = {name: way(host, labels, target) for name, way in (ways | scores).items()}
with sklearn.config_context(array_api_dispatch=True):
    for name, way in ways.items():
        compare(name, way(x, y, t), expected[name])
    for name, score in scores.items():
        assert abs(float(score(x, y, t)) - expected[name]) < 1e-6, name
print(len(ways) + len(scores))
"""


@pytest.mark.parametrize("device", DEVICES)
def test_scipy(device: str) -> None:
    pytest.importorskip("scipy")
    installed("array_api_compat")
    assert run(SCIPY, device).strip() == ("10" if device in ("cpu", "numpy") else "8")


@pytest.mark.parametrize("device", DEVICES)
def test_scikit_learn(device: str) -> None:
    pytest.importorskip("sklearn")
    installed("array_api_compat")
    assert run(SKLEARN, device).strip() == "10"


@pytest.mark.parametrize("device", ["numpy", "cpu"])
def test_einops(device: str) -> None:
    installed("einops")
    from einops.array_api import rearrange, reduce, repeat

    x = hp.arange(24.0, device=device).reshape(2, 3, 4)
    host = x.cpu().numpy()
    found = {
        "b h w -> b (h w)": (rearrange(x, "b h w -> b (h w)"), host.reshape(2, 12)),
        "b h w -> w b h": (rearrange(x, "b h w -> w b h"), host.transpose(2, 0, 1)),
        "b h (w two) -> b h w": (reduce(x, "b h (w two) -> b h w", "mean", two=2), host.reshape(2, 3, 2, 2).mean(-1)),
        "b h w -> b w": (reduce(x, "b h w -> b w", "max"), host.max(1)),
        "b h w -> b h w c": (repeat(x, "b h w -> b h w c", c=2), np.repeat(host[..., None], 2, -1)),
    }
    for pattern, (ours, expected) in found.items():
        assert isinstance(ours, hp.Tensor)
        assert ours.device == hp.device(device)
        np.testing.assert_array_equal(ours.cpu().numpy(), expected, err_msg=pattern)
