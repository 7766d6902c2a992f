"""What a forward derivative costs beside the forward pass and the gradient: ``python -m benchmarks.forward_mode``."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import hotplug as hp


def best(call: Callable[[], Any], rounds: int = 30) -> float:
    """The least seconds of a call."""
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cpu")
    hp.set_default_device(parser.parse_args().device)
    layers = [each for _ in range(3) for each in (hp.nn.Linear(256, 256), hp.nn.Tanh())]
    model = hp.nn.Sequential(*layers).requires_grad_(False)
    x, t = hp.randn(64, 256), hp.randn(64, 256)
    forward = best(lambda: model(x))
    gradient = best(lambda: hp.func.grad(lambda x: model(x).sum())(x))
    tangent = best(lambda: hp.func.jvp(model, (x,), (t,)))
    print(f"forward pass {forward * 1e3:.2f} ms")
    print(f"gradient {gradient * 1e3:.2f} ms, {gradient / forward:.1f} forward passes")
    print(f"forward derivative {tangent * 1e3:.2f} ms, {tangent / forward:.1f} forward passes")


if __name__ == "__main__":
    main()
