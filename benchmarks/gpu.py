"""What a GPU has to prove: ``scripts/gpu_check`` runs this and keeps its report.

Correctness on the device: the conformance suite, a training, NVIDIA's libraries beside our own kernels.  Then speed, each
row beside PyTorch's CUDA in the same process where PyTorch has it.  Times are medians; both libraries are waited for at the
end of each run.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import gpu_libraries  # beside this file

import hotplug as hp
from hotplug.nn import functional as F

Work = Callable[[], Any]
ROUNDS = 20


class Row(NamedTuple):
    """One line of the table of speed: the same work in both libraries, and what ratio is allowed."""

    name: str
    ours: Work
    theirs: Work | None
    limit: float
    nbytes: int = 0
    """Bytes moved, where the goal is a share of the device's copy rate."""


def median(work: Work, wait: Work, inner: int = 1) -> float:
    """Seconds of one call."""
    for _ in range(3):
        work()
    wait()
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        for _ in range(inner):
            work()
        wait()
        times.append((time.perf_counter() - start) / inner)
    return statistics.median(times)


def torch_cuda() -> Any:
    """PyTorch, where it is installed and sees a GPU."""
    try:
        import torch
    except ImportError:
        return None
    return torch if torch.cuda.is_available() else None


def with_backward(op: Callable[..., Any], *tensors: Any) -> Work:
    """Forward and backward of an op whose result is summed."""

    def work() -> None:
        for each in tensors:
            each.grad = None
        op(*tensors).sum().backward()

    return work


class Model(NamedTuple):
    """The sizes of a language model; the default is GPT-2's smallest, 124 million parameters."""

    layers: int = 12
    width: int = 768
    heads: int = 12
    words: int = 50257
    batch: int = 8
    length: int = 1024


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


def rows(device: str, torch: Any) -> Iterator[Row]:
    """The rows of the table."""

    def ours(*shape: int, dtype: Any = hp.float32, grad: bool = False) -> Any:
        return hp.randn(*shape, device=device).to(dtype).requires_grad_(grad)

    def theirs(*shape: int, dtype: str = "float32", grad: bool = False) -> Any:
        return torch.randn(*shape, device="cuda").to(getattr(torch, dtype)).requires_grad_(grad)

    large = 1 << 26
    x = ours(large)
    y = theirs(large) if torch else None
    yield Row("copy, 256 MiB", x.clone, y.clone if torch else None, 1 / 0.85, 8 * large)
    yield Row("a * 2, 256 MiB", lambda: x.mul(2.0), (lambda: y.mul(2.0)) if torch else None, 1 / 0.85, 8 * large)
    for kind in ("float32", "bfloat16"):
        for size in (4096, 8192):
            a = ours(size, size, dtype=getattr(hp, kind))
            b = theirs(size, size, dtype=kind) if torch else None
            name = f"matmul {size}, {kind}"
            yield Row(name, lambda a=a: a @ a, (lambda b=b: b @ b) if torch else None, 1.05)
    shape = (4096, 1024)
    a, b = ours(*shape, grad=True), theirs(*shape, grad=True) if torch else None
    for name, op in (("softmax", "softmax"), ("layer_norm", "layer_norm")):
        argument: Any = -1 if op == "softmax" else (shape[1],)
        first = with_backward(lambda t, op=op, argument=argument: getattr(F, op)(t, argument), a)
        second = None
        if torch:
            second = with_backward(lambda t, op=op, argument=argument: getattr(torch.nn.functional, op)(t, argument), b)
        yield Row(f"{name} {shape}, forward and backward", first, second, 1.0)
    heads = (8, 16, 2048, 64)
    mine = [ours(*heads, dtype=hp.bfloat16) for _ in range(3)]
    others = [theirs(*heads, dtype="bfloat16") for _ in range(3)] if torch else []
    yield Row(
        f"attention {heads}, bfloat16", lambda: F.scaled_dot_product_attention(*mine, is_causal=True),
        (lambda: torch.nn.functional.scaled_dot_product_attention(*others, is_causal=True)) if torch else None, 1.3,
    )  # fmt: skip
    yield Row(
        "GPT-2 124M, training step, bfloat16", training_step(hp, device, Model()),
        training_step(torch, "cuda", Model()) if torch else None, 1.2,
    )  # fmt: skip


def speed(device: str) -> Iterator[str]:
    """The table's lines."""
    torch = torch_cuda()
    versus = f"PyTorch {torch.__version__}" if torch else "PyTorch with CUDA isn't installed: no comparison"
    yield from (
        "## Speed",
        "",
        versus,
        "",
        "| work | ours, ms | PyTorch, ms | ratio | allowed | GB/s |",
        "| --- " * 6 + "|",
    )

    def wait() -> None:
        hp.cuda.synchronize(device)

    for row in rows(device, torch):
        mine = median(row.ours, wait)
        other = median(row.theirs, torch.cuda.synchronize) if torch and row.theirs else None
        ratio = f"{mine / other:.2f}" if other else ""
        rate = f"{row.nbytes / mine / 1e9:.0f}" if row.nbytes else ""
        its = f"{other * 1e3:.3f}" if other else ""
        yield f"| {row.name} | {mine * 1e3:.3f} | {its} | {ratio} | {row.limit:.2f} | {rate} |"
    small = hp.ones(4, device=device)
    own = median(lambda: small + small, wait, 1000)
    line = f"Launch of `a + b` on 4 elements: {own * 1e6:.2f} us"
    if torch:
        tiny = torch.ones(4, device="cuda")
        its = median(lambda: tiny + tiny, torch.cuda.synchronize, 1000)
        line += f"; PyTorch {its * 1e6:.2f} us; ratio {own / its:.2f}, allowed 2.0"
    yield from ("", line + ".", "")


def command(title: str, *arguments: str) -> Iterator[str]:
    """What a command prints at its end, and its exit status."""
    start = time.perf_counter()
    ended = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False, env=os.environ)
    seconds = time.perf_counter() - start
    tail = [line.rpartition("\r")[2] for line in (ended.stdout + ended.stderr).splitlines() if line.strip()][-40:]
    yield from (f"## {title}", "", f"exit status {ended.returncode}, {seconds:.0f} s", "", "```text", *tail, "```", "")


def report(device: str, full: bool) -> Iterator[str]:
    """All of it, line by line."""
    from hotplug.plugins import registry

    name, _, index = device.partition(":")
    info = registry.device_info(name, int(index or 0))
    yield from (
        f"# {device}: {info.name}",
        "",
        f"Hotplug on Python {platform.python_version()}, {platform.platform()}",
        "",
    )
    yield from (*[f"- {key}: {value}" for key, value in info.details.items()], "")
    suite = ["-m", "hotplug.cli", "conformance", device, *(["--full"] if full else [])]
    yield from command("Conformance", *suite)
    yield from command("Training on digits", "examples/digits.py", "--device", device)
    yield from gpu_libraries.section(device)
    yield from speed(device)


def main() -> int:
    """Write the report; the exit status is 1 where a command failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cuda:0")
    parser.add_argument("--full", action="store_true", help="every dtype and layout in the conformance suite")
    parser.add_argument("--out", type=Path, default=Path("gpu_report.md"))
    given = parser.parse_args()
    failed = False
    with given.out.open("w") as file:
        for line in report(given.device, given.full):
            print(line, file=file, flush=True)
            print(line)
            failed |= line.startswith("exit status") and not line.startswith("exit status 0")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
