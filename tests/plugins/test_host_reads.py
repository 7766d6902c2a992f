"""No op reads from a device behind the user's back: the closed list of host reads, and nothing but it.

All ops that have samples run on a device that is not host memory, forward and backward, while its ``read`` is counted.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import pytest
from devices import needed
from layout import ROOT

import hotplug as hp
from hotplug import autograd
from hotplug.conformance.draw import Sample
from hotplug.conformance.place import Placed, outputs
from hotplug.conformance.samples import recipe_of, samples_of
from hotplug.declare import OPS
from hotplug.dtypes import ALL, dtype, float32
from hotplug.errors import HotplugError
from hotplug.host_execution import host_policy
from hotplug.nn import functional as F
from hotplug.runtime import Runtime

READING: Final = {
    # The shape of the result depends on the values.
    "nonzero": 1, "argwhere": 1, "masked_select": 1, "unique": 1, "unique_consecutive": 1, "bincount": 1,
    "nn.functional.one_hot": 1, "index_put": 1, "index_put_": 1,
    # The result is Python's.
    "equal": 1, "allclose": 1, "is_nonzero": 1,
    # The result is on the host.
    "Tensor.cpu": 1,
    # PyTorch raises at the call where a matrix is singular or not positive definite; the functions ending in _ex do not.
    "linalg.solve": 1, "linalg.inv": 1, "inverse": 1, "linalg.tensorinv": 1, "linalg.tensorsolve": 1,
    "linalg.cholesky": 1, "cholesky": 1,
    # PyTorch raises at the call where the windows leave a sample uncovered.
    "istft": 1,
    # How often the matrix is squared depends on its norm.
    "linalg.matrix_exp": 2, "matrix_exp": 2,
}  # fmt: skip
"""Ops that read from the device, and how often at most."""

REASONS: Final = {
    "item", "tolist", "numpy", "print", "bincount", "linalg.matrix_exp", "to", "save", "pickle", "__dlpack__",
    "conformance", "op",
}  # fmt: skip
"""What the places that read call themselves; ``op`` is the name of one of the ops above, handed on."""


@contextmanager
def reads(runtime: Runtime) -> Iterator[list[Any]]:
    """The calls of a backend's ``read`` within the block."""
    found: list[Any] = []
    read = runtime.backend.read

    def noted(*args: Any) -> Any:
        found.append(args)
        return read(*args)

    vars(runtime.backend)["read"] = noted
    try:
        yield found
    finally:
        del vars(runtime.backend)["read"]


def kind_for(kinds: str) -> dtype:
    """float32 where an op takes it."""
    return float32 if not kinds or "f" in kinds else next(each for each in reversed(ALL) if each.kind in kinds)


def run(name: str, sample: Sample, kind: dtype, device: str) -> None:
    """An op, and the gradients of all its outputs; what it refuses has no need of a read."""
    recipe = recipe_of(name)
    assert recipe is not None
    placed = Placed(sample, device, kind, grad=recipe.gradient and sample.gradient, writes=name.endswith("_"))
    try:
        found = outputs(OPS[name].function(*placed.args, **placed.kwargs))
        for each in found:
            if isinstance(each, hp.Tensor) and each.requires_grad and placed.leaves:
                autograd.grad(each, placed.leaves, hp.ones_like(each), retain_graph=True, allow_unused=True)
    except HotplugError:
        return


def test_only_the_closed_list_reads() -> None:
    runtime = needed("minimal")
    assert not runtime.capabilities.host_memory
    found: dict[str, int] = {}
    count = 0
    with reads(runtime) as calls, host_policy("error"):
        for name in OPS:
            recipe = recipe_of(name)
            if recipe is None:
                continue
            kind = kind_for(recipe.kinds)
            for sample in samples_of(name, kind.kind)[:2]:
                before, counted = len(calls), runtime.counts["host_read"]
                run(name, sample, kind, "minimal")
                count += 1
                assert runtime.counts["host_read"] - counted == len(calls) - before, f"{name} reads uncounted"
                if len(calls) > before:
                    found[name] = max(found.get(name, 0), len(calls) - before)
    assert count > 800
    assert {name: times for name, times in found.items() if times > READING.get(name, 0)} == {}
    assert {"nonzero", "masked_select", "unique", "equal"} <= found.keys(), "the test sees reads"


def test_every_place_that_reads_names_its_reason() -> None:
    """``to_host`` is the one way out of a device; each call says what for."""
    found = set()
    direct = []
    for folder in ("core", "nn", "optim", "data"):
        for file in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text())):
                name = node.func.attr if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else ""
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                    name = node.func.id
                if name in ("to_host", "to_numpy") and isinstance(node, ast.Call):
                    what = node.args[1]
                    found.add(what.value if isinstance(what, ast.Constant) else ast.unparse(what))
                if name == "read" and isinstance(node, ast.Call) and "backend" in ast.unparse(node.func):
                    direct.append(file.relative_to(ROOT).as_posix())
    assert found <= REASONS, found - REASONS
    assert direct == ["core/host.py"]


@pytest.mark.parametrize("device", ["minimal", "opencl:0", "jax:0"])
def test_a_training_step_reads_nothing(device: str) -> None:
    runtime = needed(device)
    hp.manual_seed(0)
    model = hp.nn.Sequential(
        hp.nn.Conv2d(1, 2, 3), hp.nn.BatchNorm2d(2), hp.nn.ReLU(), hp.nn.MaxPool2d(2), hp.nn.Flatten(),
        hp.nn.Dropout(0.5), hp.nn.Linear(8, 3),
    ).to(device)  # fmt: skip
    optimizer = hp.optim.AdamW(model.parameters())
    images, goals = hp.randn(2, 1, 6, 6, device=device), hp.tensor([0, 2], device=device)
    with reads(runtime) as calls, host_policy("error"):
        before = runtime.counts["host_read"], runtime.counts["device_copy"]
        for _ in range(2):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(images), goals)
            loss.backward()
            optimizer.step()
        assert (runtime.counts["host_read"], runtime.counts["device_copy"]) == before
        assert calls == []
        assert loss.item() > 0
        assert len(calls) == 1
