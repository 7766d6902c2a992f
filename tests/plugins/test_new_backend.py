"""``hotplug new-backend``: what it writes installs as a stranger's package, is green at once, and stays so family by family."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from layout import ROOT

from hotplug import cli
from hotplug.errors import ArgumentError
from hotplug.plugins import new_backend


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package written into a folder that was not there."""
    return new_backend.write("acme-two", tmp_path_factory.mktemp("kit") / "below")


@pytest.fixture(scope="module")
def site(package: Path) -> Path:
    """Where the package is installed by pip, beside the environment of the tests."""
    target = package.parent / "site"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index",
               "--disable-pip-version-check", "--target", str(target), str(package)]  # fmt: skip
    subprocess.run(command, check=True, timeout=120)
    return target


def called(site: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run Python where the package is installed, away from its source."""
    environment = os.environ | {"PYTHONPATH": str(site)}
    return subprocess.run(
        [sys.executable, "-m", *command], env=environment, cwd=site, capture_output=True, text=True, timeout=120,
        check=False,
    )  # fmt: skip


def test_it_is_found_and_memory_is_certified(site: Path) -> None:
    listed = called(site, "hotplug.cli", "devices")
    assert "acme-two:0" in listed.stdout
    assert "hotplug-acme-two 0.1.0" in listed.stdout
    ended = called(site, "hotplug.cli", "conformance", "acme-two:0", "--level", "0")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "0 memory" in ended.stdout


def test_its_own_tests_pass_with_level_1_of_the_suite(package: Path, site: Path) -> None:
    ended = called(site, "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(package), str(package / "tests"))
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "4 passed" in ended.stdout


def test_a_family_of_ones_own_replaces_the_reference_and_is_judged(package: Path, site: Path) -> None:
    table = site / "hotplug_acme_two" / "backend.py"
    written = table.read_text()
    own = written + (
        "\n\ndef ones(backend, index, key):\n"
        "    right = reference(backend, index, key)\n"
        "    def kernel(outs, inputs, scalars):\n"
        "        right(outs, [inputs[0], inputs[0]] if WRONG else inputs, scalars)\n"
        "    return kernel\n\nFAMILIES['matmul'] = ones\n"
    )
    arguments = ("hotplug.cli", "conformance", "acme-two:0", "--level", "1", "--op", "matmul")
    try:
        for wrong in (False, True):
            table.write_text(f"{own}WRONG = {wrong}\n")
            ended = called(site, *arguments)
            assert ended.returncode == int(wrong), ended.stdout + ended.stderr
    finally:
        table.write_text(written)


def test_the_whole_package_is_short_and_complete(package: Path) -> None:
    files = {
        str(path.relative_to(package)) for path in package.rglob("*") if path.is_file() and "build" not in str(path)
    }
    module = "hotplug_acme_two"
    assert files >= {
        "pyproject.toml", "README.md", f"{module}/__init__.py", f"{module}/plugin.py", f"{module}/backend.py",
        f"{module}/py.typed", f"tests/test_{module}.py", ".github/workflows/conformance.yml",
    }  # fmt: skip
    lines = sum(len(path.read_text().splitlines()) for path in (package / module).glob("*.py"))
    assert lines <= 200
    assert not [path for path in package.rglob("*") if path.is_file() and "@name@" in path.read_text(errors="ignore")]


@pytest.mark.parametrize("name", ["Acme", "9lives", "a b", "", "../up", "a--b", "acme:0", "profile+cpu"])
def test_a_name_that_is_none_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="must be a lower-case word"):
        new_backend.write(name, tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["cpu", "opencl", "cuda", "jax", "profile"])
def test_a_name_that_is_taken_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match=f"the name '{name}' is taken"):
        new_backend.write(name, tmp_path)


def test_an_existing_folder_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = tmp_path / "hotplug-acme" / "mine.txt"
    kept.parent.mkdir()
    kept.write_text("work of a week")
    assert cli.main(["new-backend", "acme", "--into", str(tmp_path)]) == 1
    assert "is there already; choose another name" in capsys.readouterr().err
    assert kept.read_text() == "work of a week"
    assert [each.name for each in tmp_path.iterdir()] == ["hotplug-acme"]


def test_a_failure_leaves_nothing_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(new_backend.FILES, "missing", "missing")
    with pytest.raises(FileNotFoundError):
        new_backend.write("acme", tmp_path)
    assert not list(tmp_path.iterdir())


def test_the_templates_are_those_that_are_written() -> None:
    there = {path.name.removesuffix(".template") for path in (ROOT / "plugins" / "kit").iterdir()}
    assert there == set(new_backend.FILES)
