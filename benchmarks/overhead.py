"""What a call costs: ``a + b`` on 4 floats, with and without a gradient, and ``import``, against PyTorch and NumPy.

Each library runs in fresh processes, in turn; the best of several repetitions counts, since noise only adds.
Run with ``python -m benchmarks.overhead [--device cpu]`` from the root; PyTorch comes from the extra ``bench``.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys

CALL = """
import json, sys, timeit
{prepare}
def best(call):
    timer = timeit.Timer(call)
    return min(timer.repeat(repeat=7, number=20000)) / 20000 * 1e6
print(json.dumps({{"a + b": best(lambda: a + b), "a + b, grad": best(lambda: g + b), "a * 2.5": best(lambda: a * 2.5),
                  "exp": best(lambda: a.exp())}}))
"""
HOTPLUG = """
import hotplug as hp
a, b = hp.ones(4, device="{device}"), hp.ones(4, device="{device}")
g = hp.ones(4, device="{device}", requires_grad=True)
"""
TORCH = """
import torch
torch.set_num_threads(2)
a, b, g = torch.ones(4), torch.ones(4), torch.ones(4, requires_grad=True)
"""
IMPORT = "import time; t = time.perf_counter(); import {name}; print(json.dumps(time.perf_counter() - t))"


def fresh(program: str) -> object:
    """What a new process prints, as JSON."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment)
    return json.loads(ran.stdout)


def calls(device: str, rounds: int) -> None:
    """Time calls of both libraries in turn and print them with their ratios."""
    results: dict[str, list[dict[str, float]]] = {"hotplug": [], "torch": []}
    for _ in range(rounds):
        for name, prepare in (("hotplug", HOTPLUG.format(device=device)), ("torch", TORCH)):
            found = fresh(CALL.format(prepare=prepare))
            assert isinstance(found, dict)
            results[name].append(found)
    print(f"{'microseconds':16}{'hotplug':>10}{'torch':>10}{'ratio':>10}")
    for call in results["torch"][0]:
        ours, theirs = (min(run[call] for run in results[name]) for name in ("hotplug", "torch"))
        print(f"{call:16}{ours:10.2f}{theirs:10.2f}{ours / theirs:10.2f}")


def imports(rounds: int) -> None:
    """Time ``import hotplug`` and ``import numpy`` in turn."""
    times: dict[str, list[float]] = {"hotplug": [], "numpy": []}
    for _ in range(rounds):
        for name, measured in times.items():
            found = fresh("import json; " + IMPORT.format(name=name))
            assert isinstance(found, float)
            measured.append(found * 1e3)
    ours, theirs = (statistics.median(times[name]) for name in ("hotplug", "numpy"))
    print(f"import: hotplug {ours:.0f} ms, numpy {theirs:.0f} ms, ratio {ours / theirs:.2f} (medians of {rounds})")


def main() -> None:
    """Parse the command line and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    calls(arguments.device, arguments.rounds)
    imports(3 * arguments.rounds)


if __name__ == "__main__":
    main()
