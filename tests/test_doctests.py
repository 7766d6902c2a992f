"""Every example in a docstring of the package runs and prints what it says."""

from __future__ import annotations

import ast
import doctest
import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from layout import extras, modules

import hotplug as hp

OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
DOCUMENTED = {name: file for name, file in modules().items() if ">>> " in file.read_text(encoding="utf-8")}


def docstrings(file: Path) -> Iterator[tuple[int, str]]:
    """Line numbers and texts; from the source, as an op's docstring is on an object that doctest does not look at."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)):
            text = ast.get_docstring(node, clean=False)
            if text is not None:
                yield node.body[0].lineno, text


@pytest.mark.parametrize("name", sorted(DOCUMENTED))
def test_doctests(name: str) -> None:
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in extras():
            raise
        pytest.skip(f"{name} needs the extra that brings {error.name}")
    runner = doctest.DocTestRunner(optionflags=OPTIONS)
    report: list[str] = []
    for line, text in docstrings(DOCUMENTED[name]):
        scope = {**vars(module), "hp": hp}
        test = doctest.DocTestParser().get_doctest(text, scope, name, str(DOCUMENTED[name]), line - 1)
        runner.run(test, out=report.append)
    assert runner.tries > 0
    assert runner.failures == 0, "".join(report)


def test_there_are_doctests() -> None:
    assert "hotplug" in DOCUMENTED
