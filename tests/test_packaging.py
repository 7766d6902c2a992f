"""The package as it is installed: the list of packages, the wheel, and what `import hotplug` costs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import numpy as np
import pytest
from layout import PROJECT, ROOT, extras, modules, packages

SKIP = shutil.ignore_patterns(".*", "build", "dist", "*.egg-info", "__pycache__", "benchmarks", "tests", "docs")
BUILT_INTO_UNIX_ONLY = ("fcntl", "grp", "posix", "pwd", "resource", "syslog", "termios")


def run(*command: str | Path, cwd: Path | None = None, **environment: str) -> str:
    """Run a command that must succeed; its output."""
    ended = subprocess.run(
        list(map(str, command)), cwd=cwd, env=os.environ | environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def test_the_list_of_packages_is_what_is_on_the_disk() -> None:
    assert PROJECT["tool"]["setuptools"]["packages"] == sorted(packages())


def test_torch_is_no_dependency_of_the_tests() -> None:
    extra = PROJECT["project"]["optional-dependencies"]
    named = {name for name, needs in extra.items() if any(need.startswith("torch") for need in needs)}
    assert named == {"bench"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the source distribution, which is built from a copy of the tree."""
    folder = tmp_path_factory.mktemp("wheel")
    shutil.copytree(ROOT, folder / "source", ignore=SKIP)
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, folder / "source")
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh virtual environment's Python with the wheel in it; other packages come from the present environment."""
    folder = tmp_path_factory.mktemp("fresh")
    venv.create(folder, with_pip=False)
    interpreter = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    site = Path(run(interpreter, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())
    run(sys.executable, "-m", "pip", "--python", interpreter, "install", "--no-deps", "--no-index", wheel)
    # A path named in a .pth file is searched, but the .pth files in it are not: an editable hotplug stays out of sight.
    (site / "present.pth").write_text(str(Path(np.__file__).parent.parent))
    return interpreter


def test_the_wheel_is_pure_python_and_whole(wheel: Path) -> None:
    assert wheel.name == f"hotplug-{PROJECT['project']['version']}-py3-none-any.whl"
    names = set(zipfile.ZipFile(wheel).namelist())
    parents = {name: name if file.stem == "__init__" else name.rpartition(".")[0] for name, file in modules().items()}
    expected = {f"{parents[name].replace('.', '/')}/{file.name}" for name, file in modules().items()}
    assert expected <= names
    assert "hotplug/py.typed" in names
    top = {name.split("/")[0] for name in names}
    assert top == {"hotplug", f"hotplug-{PROJECT['project']['version']}.dist-info"}
    golden = {f"hotplug/conformance/golden/{file.name}" for file in (ROOT / "conformance" / "golden").glob("*.*")}
    assert golden <= names
    assert {f"hotplug/plugins/kit/{file.name}" for file in (ROOT / "plugins" / "kit").iterdir()} <= names


def test_every_package_of_the_wheel_imports(python: Path, tmp_path: Path) -> None:
    program = (
        "import importlib, sys\n"
        f"for name in {sorted(packages())}:\n"
        "    module = importlib.import_module(name)\n"
        "    print(name, module.__file__)\n"
    )
    found = dict(line.split(" ", 1) for line in run(python, "-c", program, cwd=tmp_path).splitlines())
    assert found.keys() == packages().keys()
    assert {name for name, file in found.items() if not Path(file).is_relative_to(python.parent.parent)} == set()


def test_the_wheel_installs_the_command(python: Path, tmp_path: Path) -> None:
    assert "cpu" in run(python.parent / "hotplug", "devices", cwd=tmp_path)


def test_no_module_needs_unix() -> None:
    program = (
        "import importlib, sys, ml_dtypes, numpy, pluggy, tqdm, pathlib, subprocess, tempfile, shutil\n"
        f"for name in {BUILT_INTO_UNIX_ONLY}: sys.modules[name] = None\n"
        f"for name in {sorted(modules())}:\n"
        "    try: importlib.import_module(name)\n"
        "    except ModuleNotFoundError as error:\n"
        f"        if (error.name or '').split('.')[0] not in {extras()}: raise\n"
    )
    run(sys.executable, "-c", program)


def test_import_reads_no_entry_point_and_nothing_heavy() -> None:
    heavy = sorted({*extras(), "importlib.metadata", "pluggy", "tqdm", "hotplug.plugins", "hotplug.backends"})
    program = f"import sys, hotplug; hotplug.device('cuda:1'); print([m for m in {heavy} if m in sys.modules])"
    assert run(sys.executable, "-c", program).strip() == "[]"


def test_the_folder_core_cannot_be_imported_by_path() -> None:
    ended = subprocess.run([sys.executable, "-c", "import core"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode != 0
    assert "ImportError" in ended.stderr
    assert "hotplug" in ended.stderr
