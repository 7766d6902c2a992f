"""The op table and when its modules are imported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import hotplug as hp
from hotplug import ops
from hotplug.declare import OPS

FOLDER = Path(ops.__file__).parent


def run(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.strip()


def test_import_loads_neither_the_rarer_families_nor_a_backend() -> None:
    loaded = run("import sys, hotplug; print(*(name for name in sys.modules))").split()
    assert "hotplug.ops.arithmetic" in loaded
    for name in ("ops.convolution", "ops.normalization", "nn", "optim", "conformance", "backends.cpu", "plugins"):
        assert f"hotplug.{name}" not in loaded, name
    for name in ("ml_dtypes", "pluggy", "tqdm", "importlib.metadata", "torch", "numba", "scipy"):
        assert name not in loaded, name


def test_a_rarer_op_is_there_at_first_use() -> None:
    assert run("import hotplug as hp; print(hp.nn.functional.softmax is hp.softmax or hp.softmax.__name__)")
    assert run("import hotplug as hp; print(hp.ones(3).softmax(0).sum().item())") == "1.0"
    assert run("from hotplug.declare import OPS; print('nn.functional.conv2d' in OPS or 'conv2d' in OPS)") == "True"
    assert run("import hotplug as hp; print('conv2d' in dir(hp))") == "True"
    assert run("import hotplug as hp; print(hasattr(hp, 'no_such_op'))") == "False"


def test_every_module_of_the_folder_is_named_for_the_type_checker() -> None:
    text = (FOLDER / "__init__.py").read_text()
    for path in FOLDER.glob("*.py"):
        if path.stem != "__init__":
            assert f"from hotplug.ops.{path.stem} import *" in text, path.stem


def test_the_table_holds_every_op_under_its_names() -> None:
    for key, entry in OPS.items():
        if not entry.namespace:
            for name in (entry.name, *entry.aliases):
                assert getattr(hp, name) is entry.function, key


def test_no_module_has_the_name_of_an_op() -> None:
    """Python would put the module into the package, in the op's place."""
    names = {name for entry in OPS.values() for name in (entry.name, *entry.aliases)}
    assert not names & {path.stem for path in FOLDER.glob("*.py")}
