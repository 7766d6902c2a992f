"""The report as plain data: what the JSON file holds, and what the pages are made of.

``results`` is a tree: op, dtype (``-`` where there is none), then level and layout.  A leaf is the worst error in units
in the last place where the case passed, else a pair of its status and the number of its message in ``messages``.
"""

from __future__ import annotations

import json
import platform
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Any, Final

from hotplug import dtypes
from hotplug.conformance.case import LEVELS, Options, Result
from hotplug.conformance.report.performance import Figure
from hotplug.conformance.report.text import TITLES
from hotplug.device import device as device_of
from hotplug.errors import ArgumentError, FileFormatError
from hotplug.plugins.certificates import KIND
from hotplug.runtime import resolve_runtime

FORMAT: Final = 1

Record = dict[str, Any]
"""What a report holds; all of it can be written as JSON."""


def make(
    device: str, options: Options, results: Sequence[Result], figures: Sequence[Figure] = (), date: str = ""
) -> Record:
    """The record of a run.

    Args:
        date: of the run, as ``2026-11-21``; today where it is not given.
    """
    messages: dict[str, int] = {}
    return {
        "kind": KIND, "format": FORMAT, "device": device, "date": date or datetime.now(UTC).date().isoformat(),
        "certified": certified(options, results), "size": "full" if options.full else "sampled",
        "options": {"level": options.level, "op": options.op, "seed": options.seed, "brief": options.brief},
        **_identity(device), "versions": _versions(device), "lacks": _lacks(device),
        "levels": _levels(results), "results": _tree(results, messages), "messages": list(messages),
        "ops": {each.op: _seen(each) for each in results if each.seen is not None},
        "performance": [[each.name, float(f"{each.value:.4g}"), each.unit, each.of] for each in figures],
    }  # fmt: skip


def certified(options: Options, results: Sequence[Result]) -> int | None:
    """The level that a run certifies: the highest up to which nothing fails; ``None`` where that is none.

    A run of one op only certifies nothing.
    """
    if options.op:
        return None
    found = None
    for level in LEVELS[: options.level + 1]:
        group = [each for each in results if each.level == level]
        if not group or any(each.bad for each in group):
            break
        found = level
    return found


def _identity(device: str) -> Record:
    from hotplug.plugins import registry

    name, index = device_of(device).canonical
    info = registry.device_info(name, index)
    distribution, _, number = registry.source(name.rpartition("+")[2]).rpartition(" ")
    return {
        "backend": name, "hardware": {"name": info.name, "memory": info.memory, **info.details},
        "plugin": {"name": distribution, "version": number},
    }  # fmt: skip


def _versions(device: str) -> dict[str, str]:
    """Of Hotplug, Python, what the plugin needs, and the system."""
    plugin = _identity(device)["plugin"]["name"]
    names = {"hotplug", "numpy", "ml_dtypes"}
    backend = device_of(device).canonical[0]
    for distribution in (plugin, "hotplug"):
        try:
            needs = requires(distribution) or []
        except PackageNotFoundError:
            continue
        asked = [each for each in needs if "extra ==" not in each or f'extra == "{backend}"' in each]
        names |= {found[0] for each in asked if (found := re.match(r"[\w.-]+", each)) is not None}
    found_versions = {}
    for name in sorted(names - {"pluggy", "tqdm"}):
        try:
            found_versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        **found_versions,
    }


def _lacks(device: str) -> list[str]:
    """What the device's capabilities say that it has not, as sentences."""
    can = resolve_runtime(device).capabilities
    missing = [each.name for each in dtypes.ALL if each not in can.arithmetic]
    held = [each.name for each in dtypes.ALL if each in can.storage and each not in can.arithmetic]
    notes = [
        (bool(missing), f"does not compute in {', '.join(missing)}"),
        (bool(held), f"holds but does not compute in {', '.join(held)}"),
        (not can.index64, "arrays span at most 2**31 elements"),
        (not can.denormals, "results below the smallest normal number become zero"),
        (not can.deterministic_scatter, "sums by scatter-add may differ in their last bits from run to run"),
        (can.contiguous_only, "kernels want contiguous operands: the core makes copies"),
    ]
    return [text for holds, text in notes if holds]


def _levels(results: Sequence[Result]) -> list[Record]:
    found = []
    for level in sorted({each.level for each in results}):
        group = [each for each in results if each.level == level]
        count = Counter(each.status for each in group)
        worst = max(each.worst for each in group)
        found.append({
            "level": level, "title": TITLES[level], "cases": len(group), "passed": count["passed"],
            "failed": sum(each.bad for each in group), "unsupported": count["unsupported"], "known": count["expected"],
            "worst": float(f"{worst:.4g}"), "seconds": round(sum(each.seconds for each in group), 1),
        })  # fmt: skip
    return found


def _tree(results: Sequence[Result], messages: dict[str, int]) -> Record:
    tree: dict[str, dict[str, dict[str, Any]]] = defaultdict(lambda: defaultdict(dict))
    for each in results:
        leaf: Any = float(f"{each.worst:.3g}")
        if each.status != "passed":
            leaf = [each.status, messages.setdefault(each.message, len(messages))]
        elif leaf == int(leaf):
            leaf = int(leaf)
        where = " ".join(part for part in (str(each.level), each.layout or each.name.rpartition("-")[2]) if part)
        tree[each.op][each.dtype or "-"][where] = leaf
    return {op: dict(kinds) for op, kinds in sorted(tree.items())}


def _seen(result: Result) -> Record:
    seen = result.seen
    assert seen is not None
    found: Record = {
        "how": seen.how,
        "forward": seen.forward,
        "backward": seen.backward,
        "declined": list(seen.declined),
    }
    found |= {"read": seen.read, "written": seen.written, "copied": seen.copied}
    return {name: each for name, each in found.items() if each}


def head(record: Record) -> Record:
    """A record without its results: what a plugin ships, and ``hotplug devices`` reads."""
    return {**record, "results": {}, "messages": [], "ops": {}}


def read(path: str | Path) -> Record:
    """The record of a JSON file.

    Raises:
        FileFormatError: the file holds something else, or a later format.
    """
    try:
        found = json.loads(Path(path).read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise FileFormatError(f"{path}: expected a conformance report in JSON: {error}") from error
    if not isinstance(found, dict) or found.get("kind") != KIND:
        raise FileFormatError(f"{path}: expected a conformance report, made by hotplug conformance --report FILE.json")
    if found["format"] > FORMAT:
        raise FileFormatError(f"{path}: a report of format {found['format']}, this Hotplug reads {FORMAT}: upgrade it")
    return found


def compact(record: Record) -> str:
    """The record as JSON, one line for each op."""
    parts = []
    for name, value in record.items():
        if name in ("results", "ops") and value:
            lines = ",\n".join(f"{json.dumps(op)}: {_packed(each)}" for op, each in value.items())
            parts.append(f"{json.dumps(name)}: {{\n{lines}\n}}")
        else:
            parts.append(f"{json.dumps(name)}: {_packed(value)}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _packed(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def rows(record: Record) -> list[tuple[str, str, str, str, str, Any, str]]:
    """The results as a table: level, op, dtype, layout, status, worst error or nothing, message."""
    found = []
    for op, kinds in record["results"].items():
        for kind, cells in kinds.items():
            for where, leaf in cells.items():
                level, _, layout = where.partition(" ")
                if isinstance(leaf, list):
                    found.append((level, op, kind, layout, leaf[0], "", record["messages"][leaf[1]]))
                else:
                    found.append((level, op, kind, layout, "passed", leaf, ""))
    return found


def checked_format(path: str) -> str:
    """The ending of a report's file name: ``html``, ``json`` or ``md``.

    Raises:
        ArgumentError: it is another one.
    """
    ending = Path(path).suffix.lstrip(".").lower()
    if ending not in ("html", "json", "md"):
        raise ArgumentError(f"--report: expected a file name that ends in .html, .json or .md, got {path!r}")
    return ending
