"""Every code block of README.md and docs/ is run; the commands that take minutes are the ones that CI runs."""

from __future__ import annotations

import contextlib
import doctest
import io
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from layout import ROOT

from hotplug import cli
from hotplug.declare.table import OPS

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```(?P<language>\w*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
DRAWN = {"mermaid", "text"}
"""Languages of blocks that are pictures or output, not code."""
STEPS = {"shell"}
"""Commands that build on one another, from an empty folder: tests/plugins/test_steps.py takes them."""


@pytest.fixture(autouse=True)
def ops_of_pages_go() -> Iterator[None]:
    """What a page declares is no op for the tests that run after it in this process."""
    yield
    for name in [name for name, entry in OPS.items() if not entry.body.__module__.startswith("hotplug.")]:
        del OPS[name]


def blocks(page: Path, *languages: str) -> list[tuple[int, str]]:
    """Line numbers and bodies of a page's blocks in one of the languages."""
    text = page.read_text(encoding="utf-8")
    return [
        (text.count("\n", 0, found.start()) + 2, found["body"])
        for found in BLOCK.finditer(text)
        if found["language"] in languages
    ]


def run_python(page: Path, line: int, body: str, scope: dict[str, Any]) -> None:
    """Run one block, as a doctest if it has prompts; blocks of a page share their names, as a reader goes through."""
    if ">>> " not in body:
        exec(compile("\n" * (line - 1) + body, str(page), "exec"), scope)
        return
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    report: list[str] = []
    test = doctest.DocTestParser().get_doctest(body, scope, page.name, str(page), line - 1)
    runner.run(test, out=report.append, clear_globs=False)
    scope.update(test.globs)
    assert runner.failures == 0, "".join(report)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_blocks(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    scope: dict[str, Any] = {"__name__": "__main__"}
    for line, body in blocks(page, "python"):
        run_python(page, line, body, scope)
    continuous = (ROOT / ".ci" / "run").read_text() + (ROOT / "scripts" / "check").read_text()
    for _, body in blocks(page, "bash"):
        for command in body.splitlines():
            if command.startswith("hotplug "):
                with contextlib.redirect_stdout(io.StringIO()) as output:
                    assert cli.main(shlex.split(command)[1:]) == 0
                assert output.getvalue()
            else:
                assert command in continuous, f"{page.name}: CI does not run: {command}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_block_has_a_language_that_is_run_or_drawn(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert text.count("\n```") % 2 == 0
    assert {found["language"] for found in BLOCK.finditer(text)} <= {"python", "bash", *DRAWN, *STEPS}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_files_lead_somewhere(page: Path) -> None:
    prose = BLOCK.sub("", page.read_text(encoding="utf-8"))  # in code, the like of it is a call
    targets = re.findall(r"\]\((?!https?:|#)([^)#]+)[^)]*\)", prose)
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_only_the_page_whose_steps_are_taken_has_steps() -> None:
    assert [page.name for page in PAGES if blocks(page, *STEPS)] == ["add_a_backend.md"]


def test_the_readme_has_code_to_run() -> None:
    assert blocks(PAGES[0], "python")
    assert len(blocks(PAGES[0], "bash")) >= 2
