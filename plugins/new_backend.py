"""The command ``hotplug new-backend``: a plugin package to start from, green from its first minute."""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from argparse import ArgumentParser, Namespace
from importlib.metadata import version
from pathlib import Path
from typing import Final

from hotplug.errors import ArgumentError
from hotplug.plugins import registry

_NAME: Final = re.compile(r"[a-z][a-z0-9]*([_-][a-z0-9]+)*")
_TEMPLATES: Final = Path(__file__).parent / "kit"
FILES: Final = {
    "pyproject.toml": "pyproject.toml",
    "README.md": "README.md",
    "init.py": "{module}/__init__.py",
    "plugin.py": "{module}/plugin.py",
    "backend.py": "{module}/backend.py",
    "test.py": "tests/test_{module}.py",
    "ci.yml": ".github/workflows/conformance.yml",
}
"""The templates, and where each is written."""


def configure(parser: ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.epilog = "Example: hotplug new-backend acme && pip install --editable ./hotplug-acme && hotplug devices"
    parser.add_argument("name", metavar="NAME", help='the device string without an index: "acme" for "acme:0"')
    parser.add_argument(
        "--into", type=Path, default=Path(), metavar="FOLDER", help="where to write the folder hotplug-NAME; default: here"
    )  # fmt: skip


def run(arguments: Namespace) -> int:
    """Write the package and say what to do next.

    Raises:
        ArgumentError: the name is no name for a device or is taken, or the folder is there already.
    """
    folder = write(arguments.name, arguments.into)
    sys.stdout.write(
        f"{folder}: a backend that runs on the reference.  Next:\n"
        f"  pip install --editable {folder}\n"
        f"  hotplug conformance {arguments.name}:0 --level 1\n"
        f"  pytest {folder}\n"
        f"then replace it family by family: see {folder / 'README.md'}\n"
    )
    return 0


def write(name: str, into: Path) -> Path:
    """The folder of a new package for the device ``name``, all of it or nothing.

    Raises:
        ArgumentError: see :func:`run`.
    """
    _check(name)
    folder = into / f"hotplug-{name.replace('_', '-')}"
    if folder.exists():
        raise ArgumentError(f"{folder} is there already; choose another name, or another folder with --into")
    into.mkdir(parents=True, exist_ok=True)
    # Written beside its place and then moved, so that a full disk or an interrupt leaves nothing half done.
    beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=into))
    try:
        package = beside / folder.name
        _fill(package, name)
        package.rename(folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return folder


def _check(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise ArgumentError(
            f"new-backend: the name must be a lower-case word of letters and digits, with '_' or '-' between them (it "
            f"becomes a device string such as 'acme:0'), got {name!r}"
        )
    taken = {*registry.names(), *registry.decorators(), *registry.KNOWN}
    if name in taken:
        raise ArgumentError(f"new-backend: the name {name!r} is taken; taken are {', '.join(sorted(taken))}")


def _fill(package: Path, name: str) -> None:
    module = f"hotplug_{name.replace('-', '_')}"
    words = {
        "name": name,
        "module": module,
        "distribution": package.name,
        "title": "".join(part.capitalize() for part in re.split("[_-]", name)),
        "hotplug": ".".join(version("hotplug").split(".")[:2]),
    }
    for template, place in FILES.items():
        text = (_TEMPLATES / f"{template}.template").read_text(encoding="utf-8")
        for word, value in words.items():
            text = text.replace(f"@{word}@", value)
        target = package / place.format(module=module)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    (package / module / "py.typed").touch()
