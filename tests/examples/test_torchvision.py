"""torchvision's own definitions of models, which say ``import torch``: the same values and gradients as with PyTorch."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from real import FULL, installed

PROGRAM = """
import sys
import torch
import torchvision
from torchvision.models import resnet18

name, size, path = sys.argv[1], int(sys.argv[2]), sys.argv[3]
makes = len(sys.argv) > 4
assert torchvision.models.resnet18 is resnet18
torch.manual_seed(0)
options = {"init_weights": True, "aux_logits": False} if name in ("googlenet", "inception_v3") else {}
model = getattr(torchvision.models, name)(**options).eval()
if name == "resnet18":
    model.train()
if makes:
    known = {"state": model.state_dict(), "x": torch.randn(2, 3, size, size)}
    torch.save(known, path)
else:
    known = torch.load(path, weights_only=True)
    model.load_state_dict(known["state"])
scores = model(known["x"])
scores.square().mean().backward()
found = {key: value.grad for key, value in model.named_parameters()} | {"scores": scores.detach()}
if makes:
    torch.save(torch.load(path) | {"found": found}, path)
else:
    assert found.keys() == known["found"].keys()
    for key, value in found.items():
        other = known["found"][key]
        scale = value.abs().max().item()
        worst = (value - other).abs().max().item()
        assert worst <= 2e-3 * scale + 1e-9, (key, worst, scale)
    print("agreed on", len(found), "tensors")
"""

WITH_PYTORCH = """
import runpy, sys
from hotplug.compat.lazy_packages import LazyFinder
sys.meta_path.insert(0, LazyFinder())
runpy.run_path(sys.argv.pop(1), run_name="__main__")
"""

MODELS = {"resnet18": 64}
MORE = {
    "mobilenet_v3_small": 64,
    "alexnet": 96, "squeezenet1_1": 64, "densenet121": 64, "googlenet": 64, "inception_v3": 128, "mnasnet0_5": 64,
    "mobilenet_v2": 64, "efficientnet_b0": 64, "regnet_y_400mf": 64, "shufflenet_v2_x0_5": 64, "convnext_tiny": 64,
    "swin_t": 64, "vit_b_16": 224,
}  # fmt: skip


def run(*command: str | Path) -> str:
    done = subprocess.run(
        [sys.executable, *map(str, command)], capture_output=True, text=True, check=False, timeout=900
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.mark.parity
@pytest.mark.parametrize(("name", "size"), (MODELS | (MORE if FULL else {})).items(), ids=str)
def test_models(torch: object, name: str, size: int, tmp_path: Path) -> None:
    installed("torchvision")
    program, path = tmp_path / "program.py", tmp_path / "found.pt"
    program.write_text(PROGRAM)
    run("-m", "hotplug.cli", "run", "--device", "cpu", program, name, str(size), path, "makes")
    assert run("-c", WITH_PYTORCH, program, name, str(size), path).startswith("agreed on ")


def test_parts_that_need_more_fail_alone() -> None:
    installed("torchvision")
    program = """
import hotplug as hp
hp.compat.install_as_torch()
import torchvision.models as models
import torch
assert models.alexnet.__name__ == "alexnet" and callable(models.alexnet)
import torchvision.models.alexnet
assert callable(models.alexnet) and models.vgg.VGG is models.VGG
assert models.get_model("mobilenet_v2", num_classes=3).eval()(torch.zeros(1, 3, 32, 32)).shape == (1, 3)
for wrong in ("models.nothing", "models.resnet18(weights='DEFAULT')", "models.detection.fasterrcnn_resnet50_fpn()"):
    try:
        eval(wrong)
    except (AttributeError, ImportError, RuntimeError) as error:
        print(wrong, "-", type(error).__name__, str(error).splitlines()[0])
"""
    lines = run("-c", program).splitlines()
    assert len(lines) == 3
    assert lines[0].endswith("has no 'nothing'")
    assert "Hotplug downloads nothing; get https://" in lines[1]
