"""What another busy process costs: ``python -m benchmarks.contention`` prints times alone and with one core taken.

Thread pools that spin while they wait lose a factor of ten and more when a core is taken from them; ours may lose two.
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
from collections.abc import Callable
from typing import Any

import hotplug as hp
from benchmarks.measure import repeat


def burn() -> None:
    """Keep one core busy."""
    while True:
        pass


def calls() -> dict[str, Callable[[], Any]]:
    """What is measured: a product, a map, a sum, and a step of a small network."""
    x, y = hp.randn(512, 512), hp.randn(4_000_000)
    layer, batch = hp.nn.Linear(512, 512), hp.randn(128, 512)

    def step() -> None:
        layer(batch).relu().sum().backward()

    return {"matmul 512": lambda: x @ x, "exp, 4M": y.exp, "sum, 4M": y.sum, "linear, forward and backward": step}


def main() -> None:
    """Measure alone and in company."""
    parser = argparse.ArgumentParser("benchmarks.contention", description=__doc__)
    parser.add_argument("--seconds", type=float, default=1.0, help="of each measurement")
    seconds = parser.parse_args().seconds
    chosen = calls()
    alone = {name: statistics.median(repeat(call, lambda: None, seconds)) for name, call in chosen.items()}
    other = multiprocessing.get_context("spawn").Process(target=burn, daemon=True)
    other.start()
    try:
        taken = {name: statistics.median(repeat(call, lambda: None, seconds)) for name, call in chosen.items()}
    finally:
        other.kill()
    print(f"{'':32}{'ALONE':>10}{'ONE CORE TAKEN':>18}{'RATIO':>8}")
    for name in chosen:
        print(f"{name:32}{alone[name] * 1e3:7.3f} ms{taken[name] * 1e3:15.3f} ms{taken[name] / alone[name]:8.2f}")


if __name__ == "__main__":
    main()
