"""docs/add_a_backend.md, "From nothing to certified": every command of it, in order, from an empty folder."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from layout import ROOT

PAGE = (ROOT / "docs" / "add_a_backend.md").read_text(encoding="utf-8")
SECTION = PAGE[PAGE.index("## From nothing to certified") : PAGE.index("## The example, line by line")]
BLOCK = re.compile(r"^```(shell|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Session:
    """A folder in which the commands of the page are run, with this interpreter."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.site = folder.parent / "site"
        self.printed: dict[str, str] = {}
        """The last output of each command."""

    def run(self, line: str) -> None:
        """Run a line as a shell would."""
        if line.startswith("pip install --editable ./"):
            return self.install(self.folder / line.rpartition("/")[2])
        setting = re.match(r"(\w+)=(\S+) (.*)", line)
        environment = os.environ | {"PYTHONPATH": str(self.site)} | ({setting[1]: setting[2]} if setting else {})
        words = (setting[3] if setting else line).split()
        start = {"hotplug": ["-m", "hotplug.cli"], "pytest": ["-m", "pytest", "-p", "no:cacheprovider"], "python": []}
        ended = subprocess.run(
            [sys.executable, *start[words[0]], *words[1:]], env=environment, cwd=self.folder, capture_output=True,
            text=True, timeout=200, check=False,
        )  # fmt: skip
        assert ended.returncode == 0, f"{line}\n{ended.stdout}\n{ended.stderr}"
        self.printed[line] = ended.stdout + ended.stderr
        return None

    def install(self, package: Path) -> None:
        """What an editable install does, in a folder of our own: the metadata, and the package's source."""
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index",
                   "--disable-pip-version-check", "--target", str(self.site), str(package)]  # fmt: skip
        subprocess.run(command, check=True, timeout=120)
        module = package.name.replace("-", "_")
        shutil.rmtree(self.site / module)
        (self.site / module).symlink_to(package / module)

    def write(self, name: str, code: str) -> None:
        """Put a block where the page says: a program of its own, or above the table of ``backend.py``."""
        if name == "train.py":
            (self.folder / name).write_text(code)
            return
        path = self.folder / "hotplug-acme" / "hotplug_acme" / name
        text = path.read_text()
        assert text.count('"scan": reference,') == 1
        text = text.replace('"scan": reference,', '"scan": scan,')
        path.write_text(text.replace("FAMILIES: Final", f"{code}\n\nFAMILIES: Final", 1))


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Session:
    """All of the section, done."""
    folder = tmp_path_factory.mktemp("steps") / "empty"
    folder.mkdir()
    made = Session(folder)
    for language, body in BLOCK.findall(SECTION):
        if language == "python":
            name, _, code = body.partition("\n")
            made.write(name.removeprefix("# "), code)
        else:
            for line in body.splitlines():
                made.run(line)
    return made


def test_every_step_does_what_the_page_says(session: Session) -> None:
    printed = session.printed
    assert "4 passed" in printed["pytest hotplug-acme"]
    assert "PASSED" in printed["hotplug conformance acme:0 --level 0"]
    assert "PASSED" in printed["hotplug conformance acme:0 --op scan"]
    assert "kernel calls agree with the reference" in printed["HOTPLUG_DEVICE=check+acme:0 python train.py"]
    assert "cpu and acme:0 agree to the end" in printed["hotplug bisect --devices cpu,acme:0 train.py"]
    (line,) = [line for line in printed["hotplug devices"].splitlines() if line.startswith("acme:0 ")]
    assert "hotplug-acme 0.1.0" in line
    assert re.search(r"level 1 .*20\d\d-\d\d-\d\d", line)


def test_the_package_stays_within_two_hundred_lines(session: Session) -> None:
    package = session.folder / "hotplug-acme" / "hotplug_acme"
    assert sum(len(path.read_text().splitlines()) for path in package.glob("*.py")) <= 200
    assert '"scan": scan,' in (package / "backend.py").read_text()
