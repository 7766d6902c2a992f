"""The command ``hotplug devices``: a table of all devices, and why some are unavailable."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence

from hotplug.plugins import registry
from hotplug.plugins.report import DeviceRow


def configure(parser: ArgumentParser) -> None:
    """Declare the command's arguments: it has none."""
    parser.epilog = "A device can be named in HOTPLUG_DEVICE, in hotplug.set_default_device, or wherever a device= is."


def run(arguments: Namespace) -> int:
    """Print the table; a broken plugin is a line of it, not a failure of the command."""
    for line in lines(registry.report(), registry.decorators()):
        print(line)
    return 0


def lines(rows: Sequence[DeviceRow], decorators: Sequence[str]) -> Iterator[str]:
    """The lines of the table."""
    there = [row for row in rows if row.available]
    cells = [("DEVICE", "HARDWARE", "MEMORY", "DTYPES", "FROM", "CERTIFIED")]
    cells += [
        (row.device, row.hardware, memory_text(row.memory), row.dtypes, row.distribution, row.certified)
        for row in there
    ]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for line in cells:
        yield "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
    if decorators:
        yield ""
        yield f"Decorators: {', '.join(decorators)}; put before a device, as in '{decorators[0]}+cpu'."
    missing = [row for row in rows if not row.available]
    if missing:
        yield ""
        yield "Unavailable:"
    for row in missing:
        origin = f" ({row.distribution})" if row.distribution else ""
        yield f"  {row.device}{origin}: {' '.join(row.problem.split())}"
        if row.hint:
            yield f"      {row.hint}"


def memory_text(count: int) -> str:
    """Bytes in the largest binary unit that leaves at least 1; empty for 0, which means unknown."""
    if count <= 0:
        return ""
    power = min((count.bit_length() - 1) // 10, 4)
    unit = ("B", "KiB", "MiB", "GiB", "TiB")[power]
    return f"{count} B" if power == 0 else f"{count / 1024**power:.1f} {unit}"
