"""Hotplug beside its peers: every workload in one run, each library in a fresh process for each measurement, in turn.

``python -m benchmarks.compare --device cpu [--peers torch,jax] [--only TEXT] [--rounds 3] [--seconds 1] [--out
docs/benchmarks]`` writes a table in Markdown, the figures as JSON, and a chart.  The peers come from the extra ``bench``.
JAX runs the forward workloads that ``benchmarks.jax_names`` has the names for; other cells of its column are empty.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from tqdm import tqdm

from benchmarks.chart import draw
from benchmarks.workloads import Workload, load

Figures = dict[str, dict[str, float]]
"""Of one workload: by library, the medians over the rounds."""


def measure(library: str, device: str, name: str, seconds: float) -> dict[str, float]:
    """What ``benchmarks.measure`` prints in a new process.

    Raises:
        RuntimeError: it failed; the message is the end of what it said.
    """
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, "-m", "benchmarks.measure", library, device, name, str(seconds)]
    ran = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if ran.returncode:
        raise RuntimeError(f"{name} with {library} on {device}: {ran.stderr.strip().splitlines()[-1:]}")
    found: dict[str, float] = json.loads(ran.stdout.splitlines()[-1])
    return found


def compare(workload: Workload, places: dict[str, str], rounds: int, seconds: float) -> Figures:
    """Medians over rounds in which the libraries, each on its device, take turns.

    Raises:
        RuntimeError: a library failed; of JAX, which lacks some workloads, that is no error.
    """
    runs: dict[str, list[dict[str, float]]] = {library: [] for library in places}
    for _ in range(rounds):
        for library, where in places.items():
            try:
                runs[library].append(measure(library, where, workload.name, seconds))
            except RuntimeError:
                if library != "jax":
                    raise
    return {
        library: {key: statistics.median(run[key] for run in each) for key in each[0]}
        for library, each in runs.items()
        if each
    }


def table(results: dict[str, Figures], workloads: dict[str, Workload]) -> str:
    """The results as Markdown, a section for each group."""
    lines: list[str] = []
    group = ""
    for name, figures in results.items():
        workload = workloads[name]
        if workload.group != group:
            group = workload.group
            lines += ["", f"### {group}", ""]
            lines += ["| workload | hotplug | PyTorch | ratio | target | to JAX | first, s | memory |"]
            lines += ["| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"]
        ours, theirs = figures["hotplug"], figures["torch"]
        ratio = ours["median"] / theirs["median"]
        target = f"{workload.target}{'' if ratio <= workload.target else ' (missed)'}" if workload.target else ""
        memory = f"{ours['memory'] / 1024:.0f} / {theirs['memory'] / 1024:.0f} MiB"
        times = f"{shown(ours['median'])} | {shown(theirs['median'])}"
        jax = f"{ours['median'] / figures['jax']['median']:.2f}" if "jax" in figures else ""
        first = f"{ours['first']:.1f} / {theirs['first']:.1f}"
        lines.append(f"| {name} | {times} | {ratio:.2f} | {target} | {jax} | {first} | {memory} |")
    ratios = [each["hotplug"]["median"] / each["torch"]["median"] for each in results.values()]
    mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
    return "\n".join([*lines, "", f"Geometric mean of {len(ratios)} ratios: {mean:.2f}.", ""])


def shown(seconds: float) -> str:
    """A time in a unit that suits it."""
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= scale:
            return f"{seconds / scale:.3g} {unit}"
    return f"{seconds * 1e9:.0f} ns"


def main() -> None:
    """Parse the command line, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu", help="the device that Hotplug uses")
    parser.add_argument("--peer", default="cpu", help="the device that PyTorch uses")
    parser.add_argument("--peers", default="torch", help="torch, or torch,jax")
    parser.add_argument("--only", default="", help="workloads whose group or name contains this")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1.0, help="of each measurement")
    parser.add_argument(
        "--out", type=Path, help="folder for DEVICE.json, DEVICE.md and DEVICE.png; default: print only"
    )
    options = parser.parse_args()
    workloads = {n: w for n, w in load().items() if options.only in w.group or options.only in n}
    places = {"hotplug": options.device, "torch": options.peer}
    if "jax" in options.peers.split(","):
        places["jax"] = "cpu"
    results: dict[str, Figures] = {}
    failed: list[str] = []
    for name, workload in tqdm(workloads.items(), unit="workload"):
        try:
            results[name] = compare(workload, places, options.rounds, options.seconds)
        except RuntimeError as error:
            failed.append(str(error))
    text = table(results, workloads) if results else ""
    print(text)
    for line in failed:
        print(f"failed: {line}", file=sys.stderr)
    if options.out is not None and results:
        write(options.out, options.device.replace(":", ""), text, results, workloads)


def write(folder: Path, name: str, text: str, results: dict[str, Figures], workloads: dict[str, Workload]) -> None:
    """The three files."""
    folder.mkdir(parents=True, exist_ok=True)
    ratios: dict[str, Any] = {n: each["hotplug"]["median"] / each["torch"]["median"] for n, each in results.items()}
    (folder / f"{name}.md").write_text(f"# Measured on `{name}`\n{text}", encoding="utf-8")
    (folder / f"{name}.json").write_text(json.dumps(results, indent=1), encoding="utf-8")
    draw(folder / f"{name}.png", {n: (ratio, workloads[n].target) for n, ratio in ratios.items()})


if __name__ == "__main__":
    main()
