"""How the time grows with the work: ``python -m benchmarks.scaling`` writes a table and a plot into docs/benchmarks/.

An elementwise op, a reduction and a convolution from a thousand to a hundred million elements, Hotplug beside PyTorch, each
library in a fresh process for each of the three.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tqdm import tqdm

from benchmarks.measure import repeat, wait_of

SIZES = (10**3, 10**4, 10**5, 10**6, 10**7, 10**8)
FOLDER = Path(__file__).parent.parent / "docs" / "benchmarks"


def exponential(lib: Any, size: int) -> Callable[[], Any]:
    """exp of a vector."""
    x = lib.randn(size)
    return lambda: lib.exp(x)


def total(lib: Any, size: int) -> Callable[[], Any]:
    """The sum of a vector."""
    x = lib.randn(size)
    return lambda: lib.sum(x)


def convolution(lib: Any, size: int) -> Callable[[], Any]:
    """A 3x3 convolution from 16 to 16 channels; ``size`` is the number of elements of its input."""
    side = max(4, round((size / 16) ** 0.5))
    x, weight = lib.randn(1, 16, side, side), lib.randn(16, 16, 3, 3)
    return lambda: lib.nn.functional.conv2d(x, weight, padding=1)


KINDS: dict[str, Callable[[Any, int], Callable[[], Any]]] = {
    "elementwise (exp)": exponential, "reduction (sum)": total, "convolution (3x3, 16 channels)": convolution,
}  # fmt: skip


def child(library: str, kind: str, seconds: float) -> None:
    """Measure one kind in this process; print JSON: seconds by size."""
    lib = importlib.import_module(library)
    if library == "torch":
        lib.set_num_threads(os.cpu_count() or 1)
    found = {}
    for size in SIZES:
        times = repeat(KINDS[kind](lib, size), wait_of(lib, "cpu"), seconds)
        found[size] = sorted(times)[len(times) // 2]
    print(json.dumps(found))


def measured(library: str, kind: str, seconds: float) -> dict[int, float]:
    """What a fresh process measures."""
    command = [sys.executable, "-m", "benchmarks.scaling", "--child", library, kind, "--seconds", str(seconds)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return {int(size): value for size, value in json.loads(done.stdout.splitlines()[-1]).items()}


def plot(path: Path, results: dict[str, dict[str, dict[int, float]]]) -> None:
    """Seconds over elements, both axes logarithmic: one colour a kind, PyTorch's lines dashed."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 5), layout="constrained")
    for color, (kind, libraries) in zip(("tab:blue", "tab:green", "tab:red"), results.items(), strict=True):
        for library, style in (("hotplug", "o-"), ("torch", "x--")):
            values = libraries[library]
            axes.plot(list(values), list(values.values()), style, color=color, label=f"{kind}, {library}", markersize=4)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("elements of the input")
    axes.set_ylabel("seconds")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main() -> None:
    """Measure, print the table, write it and the plot."""
    parser = argparse.ArgumentParser("benchmarks.scaling", description=__doc__)
    parser.add_argument("--seconds", type=float, default=0.5, help="of each measurement")
    parser.add_argument("--child", nargs=2, metavar=("LIBRARY", "KIND"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        child(*given.child, given.seconds)
        return
    pairs = [(kind, library) for kind in KINDS for library in ("hotplug", "torch")]
    results: dict[str, dict[str, dict[int, float]]] = {kind: {} for kind in KINDS}
    for kind, library in tqdm(pairs, unit="process"):
        results[kind][library] = measured(library, kind, given.seconds)
    lines = ["| elements | " + " | ".join(KINDS) + " |", "| --- |" + " ---: |" * len(KINDS)]
    for size in SIZES:
        cells = [
            f"{r['hotplug'][size] * 1e3:.4g} ms, {r['hotplug'][size] / r['torch'][size]:.2f}" for r in results.values()
        ]
        lines.append(f"| {size:,} | " + " | ".join(cells) + " |")
    text = "\n".join(["Time, and ratio to PyTorch's:", "", *lines, ""])
    print(text)
    (FOLDER / "scaling.md").write_text(f"# Time over work, device cpu\n\n{text}\n![plot](scaling.png)\n")
    plot(FOLDER / "scaling.png", results)


if __name__ == "__main__":
    main()
