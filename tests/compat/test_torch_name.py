"""Programs that say ``import torch``, in processes of their own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import hotplug as hp
from hotplug.device import redirect
from hotplug.errors import DeviceError

PROGRAM = """
import sys
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.backends.cudnn as cudnn
import torch.multiprocessing
from torch.optim.lr_scheduler import StepLR
from torch.utils.data import DataLoader, TensorDataset

assert torch.nn is nn and torch.nn.functional is F and torch.__version__.startswith("2.13.0")
assert torch.version.cuda is None
torch.backends.cudnn.benchmark = True
assert cudnn.benchmark
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
torch.manual_seed(0)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden, self.out = nn.Linear(4, 8), nn.Linear(8, 2)

    def forward(self, x):
        return self.out(F.relu(self.hidden(x)))


net = Net().to(device)
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
scheduler = StepLR(optimizer, 1)
data = DataLoader(TensorDataset(torch.randn(32, 4), torch.randint(0, 2, (32,))), batch_size=8, shuffle=True)
for x, y in data:
    x, y = x.to(device), y.to(device)
    optimizer.zero_grad()
    loss = F.cross_entropy(net(x), y)
    loss.backward()
    optimizer.step()
    scheduler.step()
if torch.cuda.is_available():
    torch.cuda.synchronize()
    assert torch.cuda.memory_allocated() > 0 and torch.cuda.device_count() == 1 and torch.cuda.get_device_name()
print(loss.device, f"{loss.item():.4f}", *sys.argv[1:])
"""


def run(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "hotplug.cli", "run", *arguments], cwd=cwd, capture_output=True, text=True, timeout=120,
        check=False,
    )  # fmt: skip


@pytest.mark.parametrize("device", ["", "numpy", "opencl:0", "minimal"])
def test_an_unchanged_program(tmp_path: Path, device: str) -> None:
    if device:
        from devices import needed

        needed(device)
    (tmp_path / "train.py").write_text(PROGRAM)
    chosen = ["--device", device] if device else []
    ran = run(*chosen, "train.py", "--epochs", "3", cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout == f"{device or 'cpu'} 0.7701 --epochs 3\n"
    assert ran.stderr == (
        f'hotplug run: torch is Hotplug; "cuda" and the default device mean {device}\n' if device else ""
    )


def test_a_module_of_the_program_and_a_missing_one(tmp_path: Path) -> None:
    (tmp_path / "helper.py").write_text("import torch\nONE = torch.ones(1)\n")
    (tmp_path / "main.py").write_text("from helper import ONE\nprint(ONE.item())\nimport torch.distributed\n")
    ran = run("main.py", cwd=tmp_path)
    assert ran.stdout == "1.0\n"
    assert "ModuleNotFoundError: No module named 'torch.distributed'" in ran.stderr
    assert run("-m", "helper", cwd=tmp_path).returncode == 0


def test_what_cannot_run(tmp_path: Path) -> None:
    ran = run("nothing.py", cwd=tmp_path)
    assert (ran.returncode, ran.stderr) == (1, "hotplug run: there is no file nothing.py\n")
    (tmp_path / "empty.py").write_text("")
    ran = run("--device", "opncl", "empty.py", cwd=tmp_path)
    assert ran.returncode == 1
    assert "did you mean 'opencl'?" in ran.stderr


def test_install_and_uninstall(tmp_path: Path) -> None:
    code = """
import sys
import hotplug as hp
hp.compat.install_as_torch()
hp.compat.install_as_torch()
import torch, torch.nn
assert torch.nn is hp.nn and torch.Tensor is hp.Tensor and hp.nn.__name__ == "hotplug.nn"
assert hp.nn.__spec__.name == "hotplug.nn" and "randn" in dir(torch)
try:
    torch.nothing
except AttributeError as error:
    assert "'nothing'" in str(error)
hp.compat.uninstall()
assert "torch" not in sys.modules and "torch.nn" not in sys.modules
sys.modules["torch"] = sys
try:
    hp.compat.install_as_torch()
except ValueError as error:
    print(error)
"""
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True, cwd=tmp_path
    )
    assert "PyTorch is imported already" in ran.stdout


def test_redirected_names() -> None:
    redirect("cuda", hp.device("numpy"))
    try:
        assert hp.device("cuda") is hp.device("numpy")
        assert hp.device("cuda:0") is hp.device("numpy")
        assert hp.ones(2).cuda().device == hp.device("numpy")
        assert hp.cuda.is_available()
        assert hp.cuda.device_count() == 1
        assert hp.cuda.get_device_capability() == (0, 0)
        with pytest.raises(DeviceError, match="cuda:1"):
            hp.device("cuda:1")
    finally:
        redirect("cuda", None)
    assert hp.device("cuda").type == "cuda"


def test_cuda_without_a_gpu() -> None:
    if hp.cuda.is_available():
        pytest.skip("there is a GPU")
    assert hp.cuda.device_count() == 0
    assert hp.cuda.memory_allocated() == 0
    with pytest.raises(DeviceError, match="cuda"):
        hp.cuda.get_device_name()
    with pytest.raises(DeviceError, match="cuda"):
        hp.cuda.set_device(0)
    with pytest.raises(DeviceError, match=r"hotplug\.device"):
        hp.cuda.set_device(1)


def test_what_stands_for_the_compilers() -> None:
    """Programs decorate functions for them, and ask whether they run; nothing changes."""
    from hotplug.compat import fx, hub, jit

    def twice(x: int) -> int:
        return 2 * x

    assert (
        jit.script(twice) is jit.trace(twice, (1,)) is jit.unused(twice) is jit.ignore(twice) is fx.wrap(twice) is twice
    )
    assert jit.ignore(drop=True)(twice) is jit.export(twice) is twice
    assert jit.annotate(int, 3) == 3
    assert not jit.is_scripting()
    assert not jit.is_tracing()
    with pytest.raises(RuntimeError, match="neither writes nor runs TorchScript"):
        jit.save(twice, "x.pt")
    with pytest.raises(RuntimeError, match="downloads nothing; get https://example.org/x.pth yourself"):
        hub.load_state_dict_from_url("https://example.org/x.pth")
    assert hub.get_dir().endswith("hub")
