"""What a device lacks runs on the host: counted, said once, or refused, and by nothing else than its few composites."""

from __future__ import annotations

import ast
import subprocess
import sys
import threading
import warnings
from typing import Any

import numpy as np
import pytest
from devices import needed
from layout import ROOT

import hotplug as hp
from hotplug import host_execution
from hotplug.errors import ArgumentError, CapabilityError, HostExecutionWarning
from hotplug.host_execution import HostExecutionError

DEVICES = ["minimal", "opencl:0"]
SPECTRAL: dict[str, Any] = {
    "linalg.eigh": lambda a: hp.linalg.eigh(a).eigenvalues,
    "linalg.eig": lambda a: hp.linalg.eigvals(a).abs(),
    "linalg.svd": hp.linalg.svdvals,
}


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """No op has warned yet."""
    monkeypatch.setattr(host_execution, "_warned", set())


def matrix(device: str, grad: bool = False) -> hp.Tensor:
    return hp.tensor([[2.0, 1.0], [1.0, 5.0]], device=device, requires_grad=grad)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("name", SPECTRAL)
def test_it_is_counted_and_the_result_is_on_the_device(name: str, device: str) -> None:
    runtime = needed(device)
    before = runtime.counts["host"]
    with hp.host_policy("allow"), warnings.catch_warnings():
        warnings.simplefilter("error")
        found = SPECTRAL[name](matrix(device))
    assert runtime.counts["host"] == before + 1
    assert found.device == matrix(device).device
    np.testing.assert_allclose(np.sort(found.cpu().numpy()), np.linalg.eigvalsh(matrix("cpu").numpy()), rtol=1e-5)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("name", SPECTRAL)
def test_it_is_refused(name: str, device: str) -> None:
    runtime = needed(device)
    before = runtime.counts["host"]
    with hp.host_policy("error"), pytest.raises(HostExecutionError) as caught:
        SPECTRAL[name](matrix(device))
    for part in (name, device, ".cpu()", "set_host_policy('allow')"):
        assert part in str(caught.value)
    assert isinstance(caught.value, CapabilityError)
    assert runtime.counts["host"] == before


@pytest.mark.usefixtures("fresh")
def test_it_warns_once_an_op() -> None:
    needed("minimal")
    with hp.host_policy("warn"):
        with pytest.warns(HostExecutionWarning, match="linalg.svd on minimal.* runs on the host"):
            hp.linalg.svdvals(matrix("minimal"))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            hp.linalg.svdvals(matrix("minimal"))
        with pytest.warns(HostExecutionWarning, match="linalg.eigh"):
            hp.linalg.eigvalsh(matrix("minimal"))


@pytest.mark.parametrize("device", DEVICES)
def test_gradients_run_on_the_device(device: str) -> None:
    """Only the forward decomposition is the host's: the backward is products on the device."""
    runtime = needed(device)
    a = matrix(device, grad=True)
    with hp.host_policy("allow"):
        values, vectors = hp.linalg.eigh(a)
    with hp.host_policy("error"):
        (values.sum() + (vectors * vectors.detach()).sum()).backward()
    assert a.grad is not None
    assert a.grad._array.storage.runtime is runtime
    np.testing.assert_allclose(a.grad.cpu().numpy(), np.eye(2), atol=1e-5)


@pytest.mark.parametrize("device", ["numpy", "cpu"])
def test_host_devices_have_kernels_of_their_own(device: str) -> None:
    runtime = needed(device)
    before = runtime.counts["host"]
    with hp.host_policy("error"):
        for function in SPECTRAL.values():
            function(matrix(device))
    assert runtime.counts["host"] == before


def test_everything_else_runs_on_the_device() -> None:
    runtime = needed("minimal")
    before = runtime.counts["host"]
    with hp.host_policy("error"):
        a = matrix("minimal")
        found = [
            hp.linalg.solve(a, a), hp.linalg.inv(a), hp.linalg.det(a), *hp.linalg.slogdet(a), hp.linalg.cholesky(a),
            *hp.linalg.qr(a), *hp.linalg.lu(a), hp.linalg.lstsq(a, a).solution, hp.linalg.matrix_exp(a),
            hp.linalg.solve_triangular(a, a, upper=True), hp.linalg.matrix_norm(a), hp.linalg.cond(a, 1),
            hp.fft.fft(a), hp.fft.irfftn(a), a.sort().values, a.unique(), hp.einsum("ij,kj", a, a), hp.cdist(a, a),
        ]  # fmt: skip
    assert all(each.device == a.device for each in found)
    assert runtime.counts["host"] == before


def test_a_policy_is_of_its_block_and_its_thread() -> None:
    before = hp.get_host_policy()
    seen = []
    with hp.host_policy("error"):
        with hp.host_policy("allow"):
            assert hp.get_host_policy() == "allow"
        assert hp.get_host_policy() == "error"
        other = threading.Thread(target=lambda: seen.append(hp.get_host_policy()))
        other.start()
        other.join()
    assert seen == [before]
    assert hp.get_host_policy() == before
    for wrong in (lambda: hp.set_host_policy("never"), lambda: hp.host_policy("never").__enter__()):
        with pytest.raises(ArgumentError, match="expected one of error, warn, allow, got 'never'"):
            wrong()


def test_the_environment_sets_the_policy() -> None:
    code = "import hotplug as hp; print(hp.get_host_policy()); hp.set_host_policy('allow'); print(hp.get_host_policy())"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"HOTPLUG_HOST": "error", "PATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["error", "allow"]


def test_only_the_spectral_composites_run_on_the_host() -> None:
    """It is never a default of anything else."""
    users = {
        file.relative_to(ROOT).as_posix()
        for folder in ("core", "nn", "optim", "data")
        for file in (ROOT / folder).rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "on_host"
    }
    assert users == {"core/ops/linalg_spectral.py"}
