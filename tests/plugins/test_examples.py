"""The example plugins as packages: small, made of the public contract only, installed by pip, run by their READMEs."""

from __future__ import annotations

import ast
import importlib
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from devices import needed
from layout import ROOT

EXAMPLES = ROOT / "plugins" / "examples"
LIMITS = {"hotplug-minimal": 200, "hotplug-jax": 400}
"""Lines of Python, blank ones included."""
DEVICES = {"hotplug-minimal": "minimal", "hotplug-jax": "jax:0"}
PUBLIC = {"hotplug.backend", "hotplug.backend.meaning", "hotplug.backend.render", "hotplug.plugins"}
OWN = {"hotplug-minimal": set[str](), "hotplug-jax": {"jax", "numpy"}}
"""What a plugin may import besides the standard library and the contract: what it depends on, and NumPy, as Hotplug."""

package = pytest.mark.parametrize("package", sorted(LIMITS))


def sources(package: str) -> list[Path]:
    return sorted((EXAMPLES / package / package.replace("-", "_")).glob("*.py"))


def project(package: str) -> dict[str, Any]:
    return tomllib.loads((EXAMPLES / package / "pyproject.toml").read_text())


def imports(file: Path) -> Iterator[tuple[str, str]]:
    """Modules and names that a file imports, wherever the statement is."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from ((each.name, "") for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            yield from ((node.module or "", each.name) for each in node.names)


@package
def test_few_lines(package: str) -> None:
    counts = {file.name: len(file.read_text().splitlines()) for file in sources(package)}
    assert "plugin.py" in counts
    assert sum(counts.values()) <= LIMITS[package], counts


@package
def test_only_the_public_contract_is_imported(package: str) -> None:
    own = {package.replace("-", "_"), *OWN[package]}
    for file in sources(package):
        for module, name in imports(file):
            top = module.partition(".")[0]
            if top == "hotplug":
                assert module in PUBLIC, f"{file.name} imports {module}"
                assert name in importlib.import_module(module).__all__, (file.name, name)
            else:
                assert top in own | sys.stdlib_module_names, f"{file.name} imports {module}"


@package
def test_no_private_name_of_another_object_is_used(package: str) -> None:
    for file in sources(package):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Attribute) and node.attr.startswith("_") and not node.attr.endswith("__"):
                owner = node.value.id if isinstance(node.value, ast.Name) else ""
                assert owner == "self", f"{file.name}:{node.lineno}: {ast.unparse(node)}"


@package
def test_the_module_of_the_entry_point_imports_nothing_heavy(package: str) -> None:
    (module,) = project(package)["project"]["entry-points"]["hotplug"].values()
    file = EXAMPLES / package / (module.replace(".", "/") + ".py")
    statements = [node for node in ast.parse(file.read_text()).body if isinstance(node, (ast.Import, ast.ImportFrom))]
    assert {node.module for node in statements if isinstance(node, ast.ImportFrom)} == {
        "hotplug.backend",
        "hotplug.plugins",
    }
    assert all(isinstance(node, ast.ImportFrom) for node in statements)


@package
def test_metadata(package: str) -> None:
    found = project(package)["project"]
    assert found["name"] == package
    assert found["readme"] == "README.md"
    assert found["dependencies"][0].startswith("hotplug>=")
    assert list(found["entry-points"]["hotplug"]) == [DEVICES[package].partition(":")[0]]
    needs = {re.split(r"[^\w-]", each)[0] for each in found["dependencies"]}
    assert not OWN[package] - needs - {"numpy"}


def test_pip_installs_both(tmp_path: Path) -> None:
    """Built from copies, without the index; the fresh installation is what a new process then finds."""
    site = tmp_path / "site"
    copies = [tmp_path / package for package in LIMITS]
    for copy in copies:
        shutil.copytree(EXAMPLES / copy.name, copy, ignore=shutil.ignore_patterns("build", "*.egg-info", "__pycache__"))
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    command += ["--disable-pip-version-check", "--root-user-action=ignore", "--target", str(site), *map(str, copies)]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    assert sorted(each.name for each in site.rglob("py.typed")) == ["py.typed"] * 2
    program = (
        "import json, sys; from hotplug.plugins import registry; "
        "rows = {row.device: [row.distribution, row.problem] for row in registry.report()}; "
        "import hotplug_minimal, hotplug_jax; "
        "print(json.dumps([rows, hotplug_minimal.__file__, hotplug_jax.__file__]))"
    )
    environment = os.environ | {"PYTHONPATH": str(site)}
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, env=environment
    )
    assert ended.returncode == 0, ended.stderr
    rows, *files = json.loads(ended.stdout.splitlines()[-1])
    assert all(Path(file).is_relative_to(site) for file in files)
    assert rows["minimal"] == ["hotplug-minimal 0.1.0", ""]
    jax = rows.get("jax:0") or rows["jax"]  # without JAX: one row that says why
    assert jax[0] == "hotplug-jax 0.1.0"
    assert not jax[1] or "No module named 'jax'" in jax[1]


@package
def test_the_readme_shows_what_runs(package: str) -> None:
    text = (EXAMPLES / package / "README.md").read_text()
    files = set(re.findall(r"^\| `(\w+\.py)`", text, re.MULTILINE))
    assert files == {file.name for file in sources(package)} - {"__init__.py"}
    needed(DEVICES[package])
    (code,) = re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    scope: dict[str, Any] = {}
    exec(compile(code, f"{package}/README.md", "exec"), scope)
    assert str(scope["x"].device) == DEVICES[package]


def test_devices_lists_what_the_distributions_bring() -> None:
    for device in (*DEVICES.values(), "opencl:0"):
        needed(device)
    ended = subprocess.run(
        [sys.executable, "-m", "hotplug.cli", "devices"], capture_output=True, text=True, check=False, cwd=EXAMPLES
    )
    assert ended.returncode == 0, ended.stderr
    rows = {line.split()[0]: line for line in ended.stdout.splitlines() if line}
    expected = dict.fromkeys(("cpu", "numpy", "opencl:0"), "hotplug 0.")
    for device, source in {**expected, "minimal": "hotplug-minimal 0.", "jax:0": "hotplug-jax 0."}.items():
        assert source in rows[device], ended.stdout


def definitions(file: Path) -> Iterator[str]:
    """The source of a module's statements, decorators included; neither docstring nor imports."""
    text = file.read_text()
    lines = text.splitlines()
    for node in ast.parse(text).body:
        if isinstance(node, (ast.Import, ast.ImportFrom)) or (isinstance(node, ast.Expr) and node.lineno == 1):
            continue
        first = min([node.lineno, *(each.lineno for each in getattr(node, "decorator_list", []))])
        yield "\n".join(lines[first - 1 : node.end_lineno])


def test_the_guide_shows_all_of_the_minimal_plugin_as_it_is() -> None:
    """docs/add_a_backend.md walks through the code; tests/test_docs.py runs what it shows."""
    guide = (ROOT / "docs" / "add_a_backend.md").read_text()
    shown = "\n".join(re.findall(r"^```python\n(.*?)^```$", guide, re.MULTILINE | re.DOTALL))
    found = [each for file in sources("hotplug-minimal") for each in definitions(file)]
    assert len(found) > 20
    assert [each for each in found if each not in shown] == []
    (module,) = project("hotplug-minimal")["project"]["entry-points"]["hotplug"].values()
    assert f'[project.entry-points.hotplug]\nminimal = "{module}"' in guide
