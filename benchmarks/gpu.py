"""What a GPU has to prove: ``scripts/gpu_check`` runs this and keeps its report.

Correctness (the conformance suite, a training) on the device; then speed, each row beside PyTorch's CUDA in the same
process where PyTorch has it.  Both libraries run in turns, and are waited for at the end of each; times are medians.  A part
that fails is in the report, and the others go on.  ``--small`` proves the check itself, on any device, in a minute.
"""

from __future__ import annotations

import argparse
import gc
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import hotplug as hp
from hotplug.backends.cuda import libraries
from hotplug.nn import functional as F
from hotplug.runtime import resolve_runtime

sys.path.insert(
    0, str(Path(__file__).parent)
)  # for what stands beside this file, also where that is loaded by its path
import gpu_libraries

Work = Callable[[], Any]
COPY_SHARE = 0.85
"""Of the rate of a copy within the device, for what only moves elements."""


class Model(NamedTuple):
    """The sizes of a language model; the default is GPT-2's smallest, 124 million parameters."""

    layers: int = 12
    width: int = 768
    heads: int = 12
    words: int = 50257
    batch: int = 8
    length: int = 1024


class Sizes(NamedTuple):
    """How much work there is; the default is what the goals are about."""

    elements: int = 1 << 26
    products: tuple[int, ...] = (4096, 8192)
    rows: tuple[int, int] = (4096, 1024)
    heads: tuple[int, int, int, int] = (8, 16, 2048, 64)
    model: Model = Model()
    rounds: int = 20
    launches: int = 1000


SMALL = Sizes(1 << 10, (16,), (4, 8), (1, 2, 8, 64), Model(1, 8, 2, 11, 1, 4), 1, 2)


class Row(NamedTuple):
    """One line of the table of speed: the same work in both libraries, and what ratio is allowed."""

    name: str
    ours: Work
    theirs: Work | None
    limit: float
    nbytes: int = 0
    """Bytes read and written, where the goal is a share of the device's copy rate; then ``theirs`` is that copy."""
    flops: float = 0.0


def medians(works: list[Work], wait: Work, rounds: int, inner: int = 1) -> list[float]:
    """Seconds of one call of each, taken in turns."""
    for work in works:
        for _ in range(min(3, rounds)):
            work()
    wait()
    times: list[list[float]] = [[] for _ in works]
    for _ in range(rounds):
        for work, found in zip(works, times, strict=True):
            start = time.perf_counter()
            for _ in range(inner):
                work()
            wait()
            found.append((time.perf_counter() - start) / inner)
    return [statistics.median(each) for each in times]


def torch_cuda() -> Any:
    """PyTorch, where it is installed and sees a GPU."""
    try:
        import torch
    except ImportError:
        return None
    return torch if torch.cuda.is_available() else None


def with_backward(op: Callable[..., Any], *tensors: Any) -> Work:
    """Forward and backward of an op, for a gradient of ones."""
    ones = op(*tensors).detach() * 0 + 1

    def work() -> None:
        for each in tensors:
            each.grad = None
        op(*tensors).backward(ones)

    return work


def training_step(library: Any, device: str, size: Model) -> Work:
    """One step of training in bfloat16, written once for both libraries."""
    nn = library.nn
    layer = nn.TransformerEncoderLayer(
        size.width, size.heads, 4 * size.width, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
    )
    parts = nn.ModuleList(
        [
            nn.Embedding(size.words, size.width),
            nn.TransformerEncoder(layer, size.layers, enable_nested_tensor=False),
            nn.Linear(size.width, size.words, bias=False),
        ]
    ).to(device=device, dtype=library.bfloat16)
    optimizer = library.optim.AdamW(parts.parameters(), lr=1e-4)
    tokens = library.randint(0, size.words, (size.batch, size.length + 1), device=device)
    mask = nn.Transformer.generate_square_subsequent_mask(size.length, device=device, dtype=library.bfloat16)

    def step() -> None:
        optimizer.zero_grad()
        scores = parts[2](parts[1](parts[0](tokens[:, :-1]), mask=mask, is_causal=True))
        loss = nn.functional.cross_entropy(scores.flatten(0, 1), tokens[:, 1:].flatten())
        loss.backward()
        optimizer.step()

    return step


class Makers:
    """Makes operands for both libraries."""

    def __init__(self, device: str, torch: Any) -> None:
        self.device, self.torch = device, torch

    def pair(self, *shape: int, dtype: str = "float32", grad: bool = False) -> tuple[Any, Any]:
        """A tensor of each library; ``None`` without PyTorch."""
        ours = hp.randn(*shape, device=self.device).to(getattr(hp, dtype)).requires_grad_(grad)
        if self.torch is None:
            return ours, None
        theirs = self.torch.randn(*shape, device="cuda").to(getattr(self.torch, dtype)).requires_grad_(grad)
        return ours, theirs

    def works(self, op: Callable[[Any, list[Any]], Any], pairs: list[tuple[Any, Any]], backward: bool = False
              ) -> tuple[Work, Work | None]:  # fmt: skip
        """The work of ``op(functional, tensors)`` in each library."""
        found: list[Work | None] = []
        for number, functional in enumerate((F, self.torch and self.torch.nn.functional)):
            tensors = [pair[number] for pair in pairs]
            if functional is None:
                found.append(None)
            elif backward:
                found.append(with_backward(lambda *given, functional=functional: op(functional, list(given)), *tensors))
            else:
                found.append(lambda functional=functional, tensors=tensors: op(functional, tensors))
        assert found[0] is not None
        return found[0], found[1]


def moving(make: Makers, size: Sizes) -> Iterator[Row]:
    """What only moves elements, beside a copy of the same bytes within the device."""
    x, _ = make.pair(size.elements)
    y, target = x.clone(), x.clone()
    runtime, nbytes = resolve_runtime(make.device), 4 * size.elements

    def copy() -> None:
        runtime.backend.copy(target._array.storage.buffer, 0, x._array.storage.buffer, 0, nbytes)

    for name, work, arrays in (("copy", x.clone, 2), ("a * 2", lambda: x * 2.0, 2), ("a + b", lambda: x + y, 3)):
        # The copy that is compared reads and writes two arrays.
        yield Row(f"{name}, {nbytes >> 20} MiB", work, copy, arrays / 2 / COPY_SHARE, arrays * nbytes)


def products(make: Makers, size: Sizes) -> Iterator[Row]:
    """Matrix products."""
    for kind in ("float32", "bfloat16"):
        for side in size.products:
            pair = make.pair(side, side, dtype=kind)
            works = make.works(lambda _, given: given[0] @ given[0], [pair])
            yield Row(f"matmul {side}, {kind}", *works, 1.05, flops=2.0 * side**3)


def rows_and_attention(make: Makers, size: Sizes) -> Iterator[Row]:
    """Softmax, layer_norm and attention, forward and backward."""
    length = size.rows[1]
    ops: dict[str, Callable[[Any, list[Any]], Any]] = {
        "softmax": lambda functional, given: functional.softmax(given[0], -1),
        "layer_norm": lambda functional, given: functional.layer_norm(given[0], (length,)),
    }
    for name, op in ops.items():
        for backward in (False, True):
            works = make.works(op, [make.pair(*size.rows, grad=backward)], backward)
            yield Row(f"{name} {size.rows}, forward{' and backward' * backward}", *works, 1.0)
    batch, heads, tokens, depth = size.heads
    for causal in (False, True):
        for backward in (False, True):
            pairs = [make.pair(*size.heads, dtype="bfloat16", grad=backward) for _ in range(3)]

            def op(functional: Any, given: list[Any], causal: bool = causal) -> Any:
                return functional.scaled_dot_product_attention(*given, is_causal=causal)

            flops = 4.0 * batch * heads * tokens**2 * depth * (3.5 if backward else 1) / (2 if causal else 1)
            name = f"attention {size.heads}, bfloat16{', causal' * causal}, forward{' and backward' * backward}"
            yield Row(name, *make.works(op, pairs, backward), 1.3, flops=flops)


def steps(make: Makers, size: Sizes) -> Iterator[Row]:
    """A step of training."""
    theirs = training_step(make.torch, "cuda", size.model) if make.torch else None
    ours = training_step(hp, make.device, size.model)
    yield Row("GPT-2 124M, training step, bfloat16", ours, theirs, 1.2)


def measured(row: Row, wait: Work, size: Sizes) -> str:
    """A row's line of the table."""
    times = medians([row.ours, *([row.theirs] if row.theirs else [])], wait, size.rounds)
    mine, other = times[0], times[1] if len(times) > 1 else None
    ratio = f"{mine / other:.2f}" if other else ""
    verdict = "" if other is None else "reached" if mine / other <= row.limit else "**missed**"
    rate = f"{row.nbytes / mine / 1e9:.0f} GB/s" if row.nbytes else ""
    rate = f"{row.flops / mine / 1e12:.1f} TFLOP/s" if row.flops else rate
    its = f"{other * 1e3:.3f}" if other else ""
    return f"| {row.name} | {mine * 1e3:.3f} | {its} | {ratio} | {row.limit:.2f} | {verdict} | {rate} |"


def speed(device: str, size: Sizes) -> Iterator[str]:
    """The table's lines."""
    torch = torch_cuda()
    versus = f"PyTorch {torch.__version__}" if torch else "PyTorch with CUDA isn't installed: no comparison"
    head = "| work | ours, ms | the other, ms | ratio | allowed | verdict | rate |"
    yield from ("## Speed", "", f"{versus}; what moves elements is compared with a copy within the device.", "", head)
    yield "| --- " * 7 + "|"

    def wait() -> None:
        hp.synchronize(device)
        if torch:
            torch.cuda.synchronize()

    make = Makers(device, torch)
    for group in (moving, products, rows_and_attention, steps):
        try:
            for row in group(make, size):
                yield measured(row, wait, size)
        except Exception as error:  # noqa: BLE001 - whatever it is, the other groups are worth having
            reason = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
            yield f"| failed: {group.__name__}: {reason} |" + " |" * 6
        gc.collect()
        hp.empty_cache(device)
    yield ""
    small = hp.ones(4, device=device)
    tiny = torch.ones(4, device="cuda") if torch else None
    works: list[Work] = [lambda: small + small, *([lambda: tiny + tiny] if torch else [])]
    times = medians(works, wait, size.rounds, size.launches)
    line = f"Launch of `a + b` on 4 elements: {times[0] * 1e6:.2f} us"
    if torch:
        line += f"; PyTorch {times[1] * 1e6:.2f} us; ratio {times[0] / times[1]:.2f}, allowed 2.0"
    yield from (line + ".", *transfers(device, size), "")


def transfers(device: str, size: Sizes) -> Iterator[str]:
    """Copies between host and device, from usual and from page-locked memory."""
    usual = hp.zeros(size.elements, device="cpu")
    locked = usual.pin_memory(device)
    away = hp.zeros(size.elements, device=device)

    def wait() -> None:
        hp.synchronize(device)

    works: list[Work] = [
        lambda: usual.to(device), lambda: locked.to(device, non_blocking=True), away.cpu,
        lambda: away.to("cpu", non_blocking=True),
    ]  # fmt: skip
    rates = [usual.nbytes / each / 1e9 for each in medians(works, wait, size.rounds)]
    kind = "page-locked" if locked.is_pinned() else "page-locked (which the device doesn't offer)"
    to, to_locked, back, back_locked = (f"{rate:.1f}" for rate in rates)
    yield ""
    yield f"To the device {to} GB/s, from {kind} memory {to_locked}; to the host {back} and {back_locked}."


def command(title: str, seconds: float, *arguments: str, **variables: str) -> Iterator[str]:
    """What a command prints at its end, and its exit status; one that takes too long is ended."""
    start = time.perf_counter()
    try:
        ended = subprocess.run(
            [sys.executable, *arguments], capture_output=True, text=True, check=False, timeout=seconds,
            env={**os.environ, **variables},
        )  # fmt: skip
        output, status = ended.stdout + ended.stderr, str(ended.returncode)
    except subprocess.TimeoutExpired as error:
        parts = [
            each.decode(errors="replace") if isinstance(each, bytes) else each or ""
            for each in (error.stdout, error.stderr)
        ]
        output, status = "".join(parts), f"none, ended after {seconds:g} s"
    took = time.perf_counter() - start
    tail = [line.rpartition("\r")[2] for line in output.splitlines() if line.strip()][-40:]
    yield from (f"## {title}", "", f"exit status {status}, {took:.0f} s", "", "```text", *tail, "```", "")


def report(device: str, given: argparse.Namespace) -> Iterator[str]:
    """All of it, line by line."""
    from hotplug.plugins import registry

    name, _, index = device.partition(":")
    info = registry.device_info(name, int(index or 0))
    system = f"Hotplug on Python {platform.python_version()}, {platform.platform()}"
    yield from (f"# {device}: {info.name}", "", system, "")
    yield from (*[f"- {key}: {value}" for key, value in info.details.items()], "")
    if given.small:
        yield from ("**A trial of the check itself, at tiny sizes: its figures mean nothing.**", "")
    suite = ["-m", "hotplug.cli", "conformance", device]
    suite += ["--full"] if given.full else ["--level", "0"] if given.small else []
    yield from command("Conformance", given.patience, *suite)
    yield from gpu_libraries.section(device, *([12] if given.small else []))
    if not given.small:
        off = {f"HOTPLUG_CUDA_{each.upper()}": "0" for each in libraries.NAMES}
        yield from command("Conformance of our own kernels, without libraries", given.patience, *suite, **off)
    epochs = ["--epochs", "0"] if given.small else []
    yield from command("Training on digits", given.patience, "examples/digits.py", "--device", device, *epochs)
    yield from speed(device, SMALL if given.small else Sizes())


def main() -> int:
    """Write the report; the exit status is 1 where a part failed, not where a goal of speed is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cuda:0")
    parser.add_argument("--full", action="store_true", help="every dtype and layout in the conformance suite")
    parser.add_argument("--small", action="store_true", help="tiny sizes, to try the check itself")
    parser.add_argument("--patience", type=float, default=3600.0, help="seconds for conformance, and for the training")
    parser.add_argument("--out", type=Path, default=Path("gpu_report.md"))
    given = parser.parse_args()
    failed = False
    with given.out.open("w") as file:
        for line in report(given.device, given):
            print(line, file=file, flush=True)
            print(line, flush=True)
            failed |= line.startswith(("exit status", "| failed")) and not line.startswith("exit status 0,")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
