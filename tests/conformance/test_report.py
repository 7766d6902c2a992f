"""Reports: what they hold is what ran, in every format; how ops run is observed."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from hotplug import cli
from hotplug.conformance.case import Options, Result
from hotplug.conformance.report import certified, make, read, write
from hotplug.conformance.report.markdown import by_op, verdict
from hotplug.conformance.report.observe import Seen, observe
from hotplug.conformance.report.performance import performance
from hotplug.conformance.report.record import compact, head, rows
from hotplug.conformance.runner import run
from hotplug.dtypes import float32
from hotplug.errors import ArgumentError, FileFormatError

PLANTED = [
    Result(0, "memory", "", "", "level0-memory-order", "passed"),
    Result(1, "map", "float32", "unary", "level1-map-float32-unary", "passed", 1.25),
    Result(2, "add", "float64", "contiguous", "level2-add-float64-contiguous", "unsupported", message="lacks float64"),
    Result(2, "add", "float32", "contiguous", "level2-add-float32-contiguous", "passed", 0.5,
           seen=Seen("native", {"map": 1}, {"map": 2, "reduce": 1}, (), written=8)),
    Result(2, "<b>|x", "float32", "sliced", "level2-x-float32-sliced", "failed", message="a < b | c\nd"),
    Result(3, "add", "float32", "gradient", "level3-add-float32-gradient", "expected", message="one day"),
]  # fmt: skip


@pytest.fixture(scope="module")
def record() -> dict[str, Any]:
    return make("numpy", Options(level=3), PLANTED, date="2026-01-31")


class Reader(HTMLParser):
    """Collects tags that are open, and everything that could be loaded from elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elsewhere: list[str] = []
        self.rows = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elsewhere += [f"{name}={value}" for name, value in attrs if name in ("src", "href", "data", "action")]
        self.rows += tag == "tr"
        if tag not in ("meta", "input"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_needs_nothing_else_and_is_well_formed(record: dict[str, Any], tmp_path: Path) -> None:
    write(record, tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text()
    reader = Reader()
    reader.feed(text)
    assert reader.open == []
    assert reader.elsewhere == []
    assert not re.search(r"https?:|@import|url\(", text)
    assert "light-dark(" in text
    assert "&lt;b&gt;|x" in text
    assert "<b>|x" not in text
    assert reader.rows > len(PLANTED)
    assert (
        set(re.findall(r'data-filter="(\w+)"', text)) == set(re.findall(r'table id="(\w+)"', text)) == {"ops", "cases"}
    )


def test_json_holds_everything_and_comes_back(record: dict[str, Any], tmp_path: Path) -> None:
    write(record, tmp_path / "report.json")
    found = read(tmp_path / "report.json")
    assert found == json.loads(json.dumps(record))
    assert (found["backend"], found["date"], found["size"]) == ("numpy", "2026-01-31", "sampled")
    assert {"hotplug", "numpy", "python"} <= set(found["versions"])
    assert found["results"]["add"] == {
        "float64": {"2 contiguous": ["unsupported", 0]}, "float32": {"2 contiguous": 0.5, "3 gradient": ["expected", 2]},
    }  # fmt: skip
    assert found["messages"] == ["lacks float64", "a < b | c\nd", "one day"]
    assert found["ops"]["add"] == {
        "how": "native",
        "forward": {"map": 1},
        "backward": {"map": 2, "reduce": 1},
        "written": 8,
    }
    assert sorted(row[4] for row in rows(found)) == sorted(each.status for each in PLANTED)
    assert read_head(tmp_path, record)["levels"] == found["levels"]


def read_head(folder: Path, record: dict[str, Any]) -> dict[str, Any]:
    (folder / "head.json").write_text(compact(head(record)))
    return read(folder / "head.json")


def test_markdown_has_a_line_for_each_op(record: dict[str, Any], tmp_path: Path) -> None:
    write(record, tmp_path / "report.md")
    text = (tmp_path / "report.md").read_text()
    assert "| `add` | native | map | map 2, reduce | 1 unsupported, 1 passed, 1 expected | 8 | 2 dtypes | 0.5 |" in text
    assert "| level 2 &lt;b>\\|x float32 sliced | a &lt; b \\| c d |" in text
    assert "| 1 cases | lacks float64 |" in text
    widths = [line.replace("\\|", "").count("|") for line in text.splitlines() if line.startswith("| `")]
    assert set(widths) == {9}
    assert [entry[0] for entry in by_op(record)] == ["<b>|x", "add"]


@pytest.mark.parametrize("content", ["[]", "{}", "no", '{"kind": "hotplug conformance report", "format": 99}'])
def test_a_file_that_is_no_report_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "x.json").write_text(content)
    with pytest.raises(FileFormatError, match=r"x\.json"):
        read(tmp_path / "x.json")


def passed(*levels: int) -> list[Result]:
    return [Result(level, "op", "", "", "name", "passed") for level in levels]


def test_what_a_run_certifies() -> None:
    assert certified(Options(level=2), passed(0, 1, 2)) == 2
    assert certified(Options(level=2, op="op"), passed(0, 1, 2)) is None
    assert certified(Options(level=3), [*passed(0, 1, 2, 3), Result(2, "op", "", "", "name", "failed")]) == 1
    assert certified(Options(level=3), [*passed(0, 1), Result(1, "op", "", "", "name", "unexpected")]) == 0
    assert certified(Options(level=3), passed(1, 2, 3)) is None
    assert certified(Options(level=2), [*passed(0, 1), Result(2, "op", "", "", "name", "unsupported")]) == 2


def test_the_verdict_says_size_and_level() -> None:
    one = make("numpy", Options(level=1), passed(0, 1), date="2026-01-31")
    assert verdict(one) == "Certified: level 1, 2026-01-31, by the sampled suite (the default size): 2 cases, 0 failed."
    assert "the full suite" in verdict(make("numpy", Options(level=1, full=True), passed(0, 1)))
    assert "certifies nothing" in verdict(make("numpy", Options(level=1, op="op"), passed(0, 1)))


@pytest.mark.parametrize(
    ("op", "how", "forward", "backward"),
    [
        ("add", "native", {"map": 1}, None),
        ("transpose", "view", {}, None),
        ("matmul", "native", {"matmul": 1}, {"matmul"}),
        ("softmax", "decomposed", {"map": 2, "reduce": 2}, {"map", "reduce"}),
        ("linalg.eigh", "host", None, None),
    ],
)
def test_how_ops_run_is_observed(op: str, how: str, forward: dict[str, int] | None, backward: set[str] | None) -> None:
    """On the minimal plugin, which has the seven families and nothing else."""
    from devices import needed

    needed("minimal")
    seen = observe(op, float32, "minimal")
    assert seen is not None
    assert seen.how == how
    assert forward is None or seen.forward == forward
    assert backward is None or backward <= set(seen.backward)


def test_a_kernel_of_the_backend_s_own_is_an_override() -> None:
    seen = observe("linalg.qr", float32, "numpy")
    assert seen is not None
    assert seen.how == "overridden"
    assert "linalg.qr" in " ".join(seen.forward) or "qr" in " ".join(seen.forward)


def test_bytes_that_cross_are_counted() -> None:
    seen = observe("nonzero", float32, "minimal")
    assert seen is not None
    assert seen.read > 0, "its result's size is known on the host only"


def test_observing_changes_no_result() -> None:
    options = Options(level=2, op="nn.functional.gelu", observe=True)
    results = list(run("numpy", options))
    assert [each.seen is not None for each in results].count(True) == 1
    assert not any(each.bad for each in results)


def test_figures_are_positive_and_have_units() -> None:
    figures = performance("numpy")
    assert {figure.unit for figure in figures} - {"processes"} == {"GB/s", "GFLOP/s", "us", "ms"}
    assert all(figure.value > 0 for figure in figures if figure.unit != "processes")


def test_the_command_writes_reports(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = [tmp_path / f"report.{ending}" for ending in ("json", "md", "html")]
    flags = [word for file in files for word in ("--report", str(file))]
    assert cli.main(["conformance", "numpy", "--op", "neg", "-n", "2", *flags]) == 0
    assert "PASSED" in capsys.readouterr().out
    found = read(files[0])
    assert found["ops"]["neg"]["how"] == "native"
    assert found["certified"] is None
    assert all(file.stat().st_size > 1000 for file in files)


def test_another_ending_is_refused_before_anything_runs(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["conformance", "numpy", "--report", "report.pdf"]) == 1
    assert "ends in .html, .json or .md, got 'report.pdf'" in capsys.readouterr().err
    with pytest.raises(ArgumentError):
        write({}, "report.txt")
