"""The report as one HTML page: no other file, no network; it follows the reader's light or dark scheme."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from typing import Any, Final

from hotplug.conformance.report.markdown import HOW, by_op, facts, problems, verdict
from hotplug.conformance.report.record import Record, rows

STYLE: Final = """
:root { color-scheme: light dark; --line: light-dark(#d5d9e0, #3a3f47); --soft: light-dark(#f3f5f8, #22262c);
  --good: light-dark(#1a7f37, #57c172); --bad: light-dark(#c62828, #ff7b72); --dim: light-dark(#68707c, #98a1ad); }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 76rem; padding: 0 1rem;
  background: light-dark(#fff, #17191d); color: light-dark(#1c2026, #e4e7eb); }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; } code { font-size: .92em; }
.verdict { border-left: 4px solid var(--good); background: var(--soft); padding: .6rem .9rem; font-weight: 600; }
.verdict.bad { border-color: var(--bad); }
table { border-collapse: collapse; width: 100%; font-size: .9rem; } .scroll { overflow: auto; max-height: 34rem; }
th, td { text-align: left; padding: .25rem .6rem; border-bottom: 1px solid var(--line); vertical-align: top; }
thead th { position: sticky; top: 0; background: var(--soft); white-space: nowrap; }
td.number { text-align: right; font-variant-numeric: tabular-nums; } .passed { color: var(--good); }
.failed, .unexpected { color: var(--bad); font-weight: 600; } .unsupported, .expected, p.note { color: var(--dim); }
input, select { font: inherit; padding: .25rem .5rem; margin: 0 .5rem .6rem 0; }
"""
SCRIPT: Final = """
for (const box of document.querySelectorAll("[data-filter]")) {
  const rows = [...document.querySelectorAll("#" + box.dataset.filter + " tbody tr")];
  const words = box.querySelector("input"), choice = box.querySelector("select"), shown = box.querySelector("output");
  const filter = () => {
    const wanted = words.value.toLowerCase().split(/\\s+/).filter(Boolean);
    let count = 0;
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = (choice.value && row.dataset.status !== choice.value) || !wanted.every(word => text.includes(word));
      count += !row.hidden;
    }
    shown.textContent = count + " of " + rows.length;
  };
  words.oninput = choice.onchange = filter;
  filter();
}
"""


def page(record: Record) -> str:
    """A record as a page."""
    title = f"Conformance of {escape(record['device'])}"
    body = "\n".join([
        f"<h1>{title}</h1>", _verdict(record), _table(("What", "Value"), facts(record)), *_levels(record),
        *_problems(record), *_performance(record), *_ops(record), *_cases(record),
    ])  # fmt: skip
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title><style>{STYLE}</style></head>\n<body>\n{body}\n<script>{SCRIPT}</script></body></html>\n"
    )


def _verdict(record: Record) -> str:
    bad = record["certified"] is None or any(level["failed"] for level in record["levels"])
    return f'<p class="verdict{" bad" if bad else ""}">{escape(verdict(record))}</p>'


def _levels(record: Record) -> Iterator[str]:
    names = ("level", "title", "cases", "passed", "failed", "unsupported", "known", "worst", "seconds")
    head = ("Level", "What", "Cases", "Passed", "Failed", "Lacks", "Known", "Worst ulp", "Seconds")
    yield "<h2>Levels</h2>"
    yield _table(head, [[level[name] for name in names] for level in record["levels"]])


def _problems(record: Record) -> Iterator[str]:
    for title, entries in problems(record).items():
        yield f"<h2>{title}</h2>"
        yield _table(("Where", "Why"), entries) if entries else "<p>None.</p>"


def _performance(record: Record) -> Iterator[str]:
    if record["performance"]:
        yield '<h2>Performance</h2><p class="note">Nothing passes or fails by these figures.</p>'
        yield _table(("What", "Value", "Unit", "Of"), record["performance"])


def _ops(record: Record) -> Iterator[str]:
    entries = by_op(record)
    if not entries:
        return
    yield "<h2>Ops</h2><p>Launches of one call with the first sample, by kernel; bytes that cross between host and device.</p>"
    yield "<ul>" + "".join(f"<li><b>{name}</b>: {escape(text)}</li>" for name, text in HOW.items() if name) + "</ul>"
    yield _filter("ops", sorted({entry[1] for entry in entries} - {""}))
    head = ("Op", "How", "Launches", "Backward", "Result", "Bytes", "Dtypes", "Worst ulp")
    lines = [(*entry[:5], entry[5] or "", *entry[6:]) for entry in entries]
    yield _table(head, lines, "ops", [entry[1] for entry in entries])


def _cases(record: Record) -> Iterator[str]:
    entries = rows(record)
    yield "<h2>Cases</h2>"
    yield _filter("cases", sorted({entry[4] for entry in entries}))
    head = ("Level", "Op", "Dtype", "Layout", "Result", "Worst ulp", "Why")
    yield _table(head, entries, "cases", [entry[4] for entry in entries])


def _filter(name: str, choices: Sequence[str]) -> str:
    options = "".join(f"<option>{escape(choice)}</option>" for choice in ["", *choices])
    return (
        f'<div data-filter="{name}"><input type="search" placeholder="filter by words" aria-label="filter by words">'
        f'<select aria-label="filter by kind">{options}</select><output></output></div>'
    )


def _table(head: Sequence[str], lines: Iterable[Sequence[Any]], name: str = "", status: Sequence[str] = ()) -> str:
    """A table; with a name and one status for each line it can be filtered."""
    top = "".join(f"<th>{escape(each)}</th>" for each in head)
    body = []
    for number, line in enumerate(lines):
        kind = f' data-status="{escape(status[number])}"' if status else ""
        body.append(f"<tr{kind}>{''.join(map(_cell, line))}</tr>")
    mark = f' id="{name}"' if name else ""
    made = f"<table{mark}><thead><tr>{top}</tr></thead>\n<tbody>\n" + "\n".join(body) + "\n</tbody></table>"
    return f'<div class="scroll">{made}</div>'


def _cell(value: Any) -> str:
    if isinstance(value, (int, float)):
        return f'<td class="number">{value:g}</td>' if isinstance(value, float) else f'<td class="number">{value}</td>'
    mark = f' class="{value}"' if value in ("passed", "failed", "unexpected", "unsupported", "expected") else ""
    return f"<td{mark}>{escape(str(value))}</td>"
