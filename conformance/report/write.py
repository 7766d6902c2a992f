"""Writing a report in the format that its file name asks for."""

from __future__ import annotations

from pathlib import Path

from hotplug.conformance.report.markdown import markdown
from hotplug.conformance.report.page import page
from hotplug.conformance.report.record import Record, checked_format, compact


def write(record: Record, path: str | Path) -> None:
    """Write a record as HTML, JSON or Markdown, by the ending of the file's name.

    Raises:
        ArgumentError: it has another ending.
    """
    form = {"html": page, "json": compact, "md": markdown}[checked_format(str(path))]
    Path(path).write_text(form(record), encoding="utf-8")
