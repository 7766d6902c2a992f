"""The page of all names: up to date, and true of what can be observed quickly."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from importlib.machinery import SourceFileLoader
from types import ModuleType

import pytest
from layout import ROOT

from hotplug.runtime import resolve_runtime

SCRIPT = ROOT / "scripts" / "make_names_page"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_loader("make_names_page", SourceFileLoader("make_names_page", str(SCRIPT)))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_up_to_date() -> None:
    done = subprocess.run([sys.executable, SCRIPT, "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]


def test_the_page_is_of_a_size_to_read() -> None:
    text = (ROOT / "docs" / "names.md").read_text()
    assert len(text) < 150_000
    for name in (
        "| `add` |",
        "| `linalg.solve` |",
        "`Linear`",
        "`AdamW`",
        "`jit.script",
        "## Accepted, without an effect",
    ):
        assert name in text, name


@pytest.mark.parametrize("name", ["add", "sum", "linalg.cholesky", "nn.functional.cross_entropy", "sort", "reshape"])
def test_what_was_noted_is_still_so(script: ModuleType, name: str) -> None:
    noted = json.loads((ROOT / "docs" / "support" / "numpy.json").read_text())
    assert script.observed(name, "numpy", resolve_runtime("numpy")) == noted[name]


def test_every_way_is_told_apart(script: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = resolve_runtime("numpy")
    assert script.observed("add", "numpy", runtime) == "n"
    from hotplug.declare.primitive import Composite

    with script.Watch() as watch:
        assert not watch.overridden
    assert Composite._compute.__qualname__ == "Composite._compute"
    monkeypatch.setattr(Composite, "_override", lambda op, args, tensors: None)
    assert script.observed("nn.functional.softmax", "numpy", runtime) == "d"
