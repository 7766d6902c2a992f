"""``hotplug bisect`` names the first op, forward or backward, whose results part; and says when none does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from fake_backend import install

from hotplug.errors import ArgumentError

PLUGIN = """
from hotplug.backends.numpy import families
from hotplug.backends.numpy.memory import HostBackend, ndarray
from hotplug.plugins import BackendSpec, hookimpl

class Wrong(HostBackend):
    '''The reference, wrong by a thousandth in the second row of what a program has a word in it for.'''
    numbered = False

    def __init__(self, name, word):
        self.name, self.word = name, word

    def resolve(self, index, key):
        right = families.kernel(key)
        if key.name != "map" or self.word not in repr(key.program):
            return right

        def kernel(outs, inputs, scalars):
            right(outs, inputs, scalars)
            if outs[0].dtype.kind == "f" and outs[0].numel > 4:
                ndarray(outs[0]).reshape(-1)[5] *= 1.001

        return kernel

class Norm(HostBackend):
    '''The reference, with a kernel of its own for softmax, and its own order of sums.'''
    name, numbered = "other", False

    def resolve(self, index, key):
        import numpy as np
        if key.name == "softmax":
            def softmax(outs, inputs, scalars):
                x = ndarray(inputs[0])
                powers = np.exp(x - x.max(scalars[0], keepdims=True))
                ndarray(outs[0])[...] = powers / powers.sum(scalars[0], keepdims=True)
            return softmax
        if key.name == "matmul" and key.dtypes[0].kind == "f":
            def matmul(outs, inputs, scalars):
                ndarray(outs[0])[...] = np.matmul(ndarray(inputs[0]), ndarray(inputs[1]))
            return matmul
        return families.kernel(key)

@hookimpl
def hotplug_backends():
    return [
        BackendSpec("forwards", lambda: Wrong("forwards", "tanh")),
        BackendSpec("backwards", lambda: Wrong("backwards", "mul(i0:float32, sub(1.0:float32")),
        BackendSpec("updates", lambda: Wrong("updates", "s2")),
        BackendSpec("other", Norm),
    ]
"""

PROGRAM = """
import sys
import hotplug as hp

model = hp.nn.Sequential(hp.nn.Linear(8, 16), hp.nn.Tanh(), hp.nn.BatchNorm1d(16), hp.nn.Dropout(0.2), hp.nn.Linear(16, 3))
optimizer = hp.optim.Adam(model.parameters(), lr=0.01)
x, y = hp.randn(32, 8), hp.randint(0, 3, (32,))
for step in range(3):
    optimizer.zero_grad()
    share = hp.softmax(model(x), 1)
    loss = hp.nn.functional.nll_loss(share.log(), y)
    loss.backward()
    optimizer.step()
    if "branch" in sys.argv and hp.get_default_device().type == "other":
        loss = loss.exp()
    if "raise" in sys.argv and hp.get_default_device().type == "other":
        raise ZeroDivisionError("on purpose")
print("loss", loss.item())
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the program, and with a plugin that brings backends with one bug each."""
    folder = tmp_path_factory.mktemp("site")
    install(folder, "hotplug-wrong", "wrong_devices", PLUGIN, entry="wrong")
    (folder / "train.py").write_text(PROGRAM)
    return folder


def bisect(site: Path, devices: str, *arguments: str, program: str = "train.py") -> subprocess.CompletedProcess[str]:
    """Run the command."""
    options = [each for each in arguments if each.startswith("--most")]
    others = [each for each in arguments if each not in options]
    command = [sys.executable, "-m", "hotplug.cli", "bisect", "--devices", devices, *options, program, *others]
    environment = os.environ | {"PYTHONPATH": str(site)}
    return subprocess.run(command, env=environment, cwd=site, capture_output=True, text=True, timeout=120, check=False)


def line_of(text: str) -> int:
    return PROGRAM[: PROGRAM.index(text)].count("\n") + 1


def test_right_devices_agree_whatever_kernels_they_have(site: Path) -> None:
    ended = bisect(site, "numpy,other")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "numpy and other agree to the end: " in ended.stdout
    assert ended.stdout.count("loss ") == 1
    assert "18 optimizer results compared" in ended.stdout


def test_a_wrong_op_is_named_with_its_call_and_line(site: Path) -> None:
    ended = bisect(site, "numpy,forwards")
    assert ended.returncode == 1
    assert "the results part at tanh, forward, call 1 of it, after " in ended.stdout
    assert "output 0: float32[32, 16] contiguous; 1 of 512 elements differ, the first at [0, 5]:" in ended.stdout
    assert "inputs: float32[32, 16] contiguous\n" in ended.stdout
    assert f"train.py:{line_of('share = ')}: share = hp.softmax(model(x), 1)" in ended.stdout


def test_a_wrong_gradient_is_named_with_its_node(site: Path) -> None:
    ended = bisect(site, "backwards,numpy")
    assert ended.returncode == 1
    assert "the results part at TanhBackward, backward, call 1 of it, after " in ended.stdout
    assert f"train.py:{line_of('loss.backward()')}: loss.backward()" in ended.stdout


def test_a_wrong_update_is_named_with_the_optimizer_s_step(site: Path) -> None:
    ended = bisect(site, "numpy,updates")
    assert ended.returncode == 1
    assert "the results part at adam_step, optimizer, call 1 of it" in ended.stdout
    assert f"train.py:{line_of('optimizer.step()')}: optimizer.step()" in ended.stdout


def test_a_branch_on_the_device_is_told_from_a_wrong_result(site: Path) -> None:
    ended = bisect(site, "numpy,other", "branch")
    assert ended.returncode == 1
    assert "the programs differ after " in ended.stdout
    assert "other ran exp -> float32[] (forward, call 1)" in ended.stdout


def test_a_program_that_fails_on_one_device_is_told(site: Path) -> None:
    ended = bisect(site, "numpy,other", "raise")
    assert ended.returncode == 1
    assert "the program failed on other:" in ended.stdout
    assert "ZeroDivisionError: on purpose" in ended.stdout


def test_a_program_that_names_another_device_is_told(site: Path) -> None:
    (site / "fixed.py").write_text("import hotplug as hp\n(hp.ones(3, device='cpu') + 1).sum()\n")
    ended = bisect(site, "numpy,other", program="fixed.py")
    assert ended.returncode == 1
    assert "the program ran no op on " in ended.stdout
    assert "{device}" in ended.stdout


@pytest.mark.parametrize("victim", ["numpy", "other"])
def test_a_process_that_dies_is_told(victim: str, site: Path) -> None:
    (site / "die.py").write_text(
        "import os\nimport hotplug as hp\nx = hp.ones(3) + 1\n"
        f"if hp.get_default_device().type == {victim!r}:\n    os._exit(3)\nprint((x * 2).sum().item())\n"
    )
    ended = bisect(site, "numpy,other", program="die.py")
    assert ended.returncode == 1
    assert "run the program" in ended.stdout


def test_it_ends_after_as_many_results_as_asked_for(site: Path) -> None:
    ended = bisect(site, "numpy,other", "--most=20")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "numpy and other agree so far: 20 forward results compared" in ended.stdout


def test_a_program_for_pytorch_is_told_its_device_and_one_device_is_held_against_the_reference(site: Path) -> None:
    (site / "old.py").write_text(
        "import sys, torch\nassert sys.argv[1] in ('numpy', 'forwards')\n"
        "x = torch.ones(2, 5, device='cuda', requires_grad=True)\n(x * 2).exp().tanh().sum().backward()\n"
    )
    ended = bisect(site, "forwards", "{device}", program="old.py")
    assert ended.returncode == 1
    assert "the results part at tanh, forward, call 1 of it, after 3 equal results" in ended.stdout


@pytest.mark.parametrize("devices", ["cpu,cpu", "cpu,numpy,cpu", "numpy"])
def test_two_devices_are_needed(devices: str, tmp_path: Path) -> None:
    from hotplug import cli
    from hotplug.backends.decorators.bisect import _devices

    with pytest.raises(ArgumentError, match="takes two different devices"):
        _devices(devices)
    assert cli.main(["bisect", str(tmp_path / "none.py")]) == 1
