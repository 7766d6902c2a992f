"""The report as a page of Markdown: one line for each op; the JSON has every dtype and layout."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from hotplug.conformance.report.record import Record, rows

HOW: Final = {
    "native": "by kernels of the required families", "overridden": "by a kernel that the backend has for it",
    "decomposed": "composed of other ops, since the backend has no kernel for it", "host": "on the host",
    "view": "without a kernel: another view of the same memory, or a question about it",
    "": "not looked at: random, or no sample ran in its first dtype",
}  # fmt: skip


def markdown(record: Record) -> str:
    """A record as a page."""
    parts = [
        f"# Conformance of `{record['device']}`", verdict(record), *_facts(record), *_levels(record), *_problems(record),
        *_performance(record), *_ops(record),
    ]  # fmt: skip
    return "\n\n".join(parts) + "\n"


def verdict(record: Record) -> str:
    """One sentence: what the run certifies."""
    size = "the full suite" if record["size"] == "full" else "the sampled suite (the default size)"
    size += ", with one sample of each op" if record["options"]["brief"] else ""
    cases = sum(level["cases"] for level in record["levels"])
    failed = sum(level["failed"] for level in record["levels"])
    if record["options"]["op"]:
        return f"One op only, which certifies nothing: {cases} cases, {failed} failed, {record['date']}."
    level = "nothing" if record["certified"] is None else f"level {record['certified']}"
    return f"Certified: {level}, {record['date']}, by {size}: {cases} cases, {failed} failed."


def facts(record: Record) -> list[tuple[str, str]]:
    """Names and values that say what was tested."""
    hardware = {name: str(each) for name, each in record["hardware"].items() if each}
    if "memory" in hardware:
        hardware["memory"] = f"{int(hardware['memory']) / (1 << 30):.1f} GiB"
    plugin = record["plugin"]
    chosen = ", ".join(f"{name} {value}" for name, value in record["options"].items() if value not in ("", False))
    return [
        *hardware.items(), ("plugin", f"{plugin['name']} {plugin['version']}"), *record["versions"].items(),
        ("run", f"{record['size']}: {chosen}"), ("the device says", "; ".join(record["lacks"]) or "that it lacks nothing"),
    ]  # fmt: skip


def _facts(record: Record) -> Iterator[str]:
    yield table(("What", "Value"), facts(record))


def _levels(record: Record) -> Iterator[str]:
    yield "## Levels"
    names = ("level", "title", "cases", "passed", "failed", "unsupported", "known", "worst", "seconds")
    head = ("Level", "What", "Cases", "Passed", "Failed", "Lacks", "Known", "Worst ulp", "Seconds")
    yield table(head, [[level[name] for name in names] for level in record["levels"]])


def problems(record: Record) -> dict[str, list[tuple[str, str]]]:
    """Failures, known failures, and what the device lacks (with how many cases say so)."""
    found: dict[str, list[tuple[str, str]]] = {"Failures": [], "Expected failures": [], "What the device lacks": []}
    lacking: Counter[str] = Counter()
    for level, op, kind, layout, status, _, message in rows(record):
        name = f"level {level} {op} {kind} {layout}"
        if status in ("failed", "unexpected"):
            found["Failures"].append((name, message))
        elif status == "expected":
            found["Expected failures"].append((name, message))
        elif status == "unsupported":
            lacking[message] += 1
    found["What the device lacks"] = [(f"{count} cases", message) for message, count in lacking.most_common()]
    return found


def _problems(record: Record) -> Iterator[str]:
    for title, entries in problems(record).items():
        yield f"## {title}"
        yield table(("Where", "Why"), entries) if entries else "None."


def _performance(record: Record) -> Iterator[str]:
    if record["performance"]:
        yield "## Performance"
        yield "Nothing passes or fails by these figures."
        yield table(
            ("What", "Value", "Unit", "Of"),
            [(name, value, unit, of) for name, value, unit, of in record["performance"]],
        )


def counts(launches: dict[str, int]) -> str:
    """Launches by kernel, as ``map 2, matmul``."""
    return ", ".join(f"{name} {count}" if count > 1 else name for name, count in sorted(launches.items()))


def by_op(record: Record) -> list[tuple[str, str, str, str, str, int, str, Any]]:
    """For each op of level 2: how it ran, its launches forward and backward, bytes, dtypes, result, worst error."""
    found = []
    for op, kinds in record["results"].items():
        cells = [(kind, leaf) for kind, group in kinds.items() for where, leaf in group.items() if where[0] in "23"]
        if not cells:
            continue
        seen = record["ops"].get(op, {})
        status = Counter(leaf[0] if isinstance(leaf, list) else "passed" for _, leaf in cells)
        moved = sum(seen.get(name, 0) for name in ("read", "written", "copied"))
        worst = max([leaf for _, leaf in cells if not isinstance(leaf, list)], default="")
        dtypes = sorted({kind for kind, _ in cells})
        shown = "passed" if set(status) == {"passed"} else ", ".join(f"{n} {name}" for name, n in status.items())
        found.append((
            op, seen.get("how", ""), counts(seen.get("forward", {})), counts(seen.get("backward", {})), shown, moved,
            dtypes[0] if len(dtypes) == 1 else f"{len(dtypes)} dtypes", worst,
        ))  # fmt: skip
    return found


def _ops(record: Record) -> Iterator[str]:
    entries = by_op(record)
    if not entries:
        return
    yield "## Ops"
    how = Counter(entry[1] for entry in entries)
    yield "\n".join(f"- {count} {name or 'unknown'}: {HOW[name]}" for name, count in how.most_common())
    yield (
        "Launches are those of one call with the first sample, by kernel. *Bytes* cross between host and device, or are "
        "copied beside kernels, in that call. *Worst* is the largest error of all dtypes and layouts, forward and backward."
    )
    head = ("Op", "How", "Launches", "Backward", "Result", "Bytes", "Dtypes", "Worst ulp")
    yield table(head, [(f"`{entry[0]}`", *entry[1:5], entry[5] or "", *entry[6:]) for entry in entries])


def table(head: Sequence[str], lines: Iterable[Sequence[Any]]) -> str:
    """A table; what it shows is escaped."""
    made = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    made += ["| " + " | ".join(_escaped(cell) for cell in line) + " |" for line in lines]
    return "\n".join(made)


def _escaped(cell: Any) -> str:
    text = " ".join(str(cell).split()).replace("|", "\\|").replace("<", "&lt;")
    return text if len(text) <= 400 else f"{text[:400]}..."
