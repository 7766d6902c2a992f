"""An OpenCL device beside ``cpu``: every figure is a ratio, measured in one run on the same cores.

``python -m benchmarks.opencl [--device opencl:0] [--only TEXT] [--rounds 3] [--seconds 0.5] [--out docs/benchmarks]``
starts a new process for every measurement, the two devices in turn, and compares the best times, since noise only adds.
The cost of a launch is compared with pyopencl's own, bare launch of the same kernel, both in one process.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from tqdm import tqdm

from benchmarks.compare import measure, shown
from benchmarks.workloads import load

Row = dict[str, Any]
"""What was measured of one workload: ``time`` and ``peer`` in seconds, ``ratio``, ``target``."""

GROUPS: Final = {"elementwise": 1.3, "reductions": 1.3, "order and index": 0.0}
"""Groups of workloads with the ratio to ``cpu`` that is aimed at; 0 where none is."""
SINGLE: Final = {
    "matmul 512": 2.0, "matmul 1024": 2.0, "conv2d 8x64x56x56, 3x3 to 64": 2.5,
    "conv2d 8x64x56x56, 3x3 to 64, forward and backward": 0.0, "softmax, 4096x1024": 0.0, "layer_norm, 4096x1024": 0.0,
    "MLP 784-512-512-10, batch 128, Adam, a step": 0.0,
}  # fmt: skip
DIGITS: Final = "training on digits, 3 epochs"
LAUNCH: Final = "a + b, 4 floats, beside a bare launch"
TARGETS: Final = {DIGITS: 4.0, LAUNCH: 3.0}
_EPOCHS: Final = 3


def targets() -> dict[str, float]:
    """Every row of the table, in order, with its target."""
    chosen = {
        name: GROUPS[each.group]
        for name, each in load().items()
        if each.group in GROUPS and "backward" not in name
    }  # fmt: skip
    return {**chosen, **SINGLE, **TARGETS}


def digits_seconds(device: str) -> float:
    """Seconds of a training, kernels being compiled already."""
    sys.path.insert(0, str(Path(__file__).parent.parent / "examples"))
    import digits  # type: ignore[import-not-found]

    with contextlib.redirect_stderr(io.StringIO()):  # the bar of the progress
        digits.train(device, 0, 1)
        start = time.perf_counter()
        digits.train(device, 0, _EPOCHS)
        return time.perf_counter() - start


def bare_launch(device: str) -> Callable[[], Any]:
    """One kernel queued through pyopencl on the same hardware, its arguments set anew."""
    import pyopencl as cl

    from hotplug.runtime import resolve_runtime

    runtime = resolve_runtime(device)
    handle = runtime.backend.device(runtime.index).handle  # type: ignore[attr-defined]
    context = cl.Context([handle])
    queue = cl.CommandQueue(context)
    text = (
        "kernel void add(global float *o, global float *a, global float *b) {int i=get_global_id(0); o[i]=a[i]+b[i];}"
    )
    kernel = cl.Kernel(cl.Program(context, text).build(), "add")
    kernel.set_arg_types((None, None, None))
    buffers = [cl.Buffer(context, cl.mem_flags.READ_WRITE, 256) for _ in range(3)]

    def many(count: int) -> float:
        start = time.perf_counter()
        for _ in range(count):
            kernel(queue, (4,), None, *buffers)
        queue.finish()
        return (time.perf_counter() - start) / count

    return lambda: many(500)


def launch_seconds(device: str, rounds: int = 30) -> tuple[float, float]:
    """Seconds of ``a + b`` through Hotplug and of a bare launch, in turns; both wait for the queue at the end of many."""
    import hotplug as hp

    a, b = hp.ones(4, device=device), hp.ones(4, device=device)
    bare, ours, theirs = bare_launch(device), [], []
    for _ in range(rounds):
        start = time.perf_counter()
        for _ in range(500):
            a + b
        hp.synchronize(device)
        ours.append((time.perf_counter() - start) / 500)
        theirs.append(bare())
    return min(ours), min(theirs)


def apart(part: str, device: str) -> Any:
    """What a part of this file measures, in a new process.

    Raises:
        RuntimeError: it failed; the message is the end of what it said.
    """
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, "-m", "benchmarks.opencl", "--part", part, "--device", device]
    ran = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if ran.returncode:
        raise RuntimeError(f"{part} on {device}: {ran.stderr.strip().splitlines()[-1:]}")
    return json.loads(ran.stdout.splitlines()[-1])


def compared(name: str, device: str, rounds: int, seconds: float) -> Row:
    """One row; the devices take turns.

    Raises:
        RuntimeError: a measurement failed.
    """
    if name == LAUNCH:
        ours, theirs = min(apart("launch", device) for _ in range(rounds))
    else:
        best = {device: float("inf"), "cpu": float("inf")}
        for _ in range(rounds):
            for where, before in best.items():
                digits = name == DIGITS
                found = apart("digits", where) if digits else measure("hotplug", where, name, seconds)["best"]
                best[where] = min(before, found)
        ours, theirs = best[device], best["cpu"]
    return {"time": ours, "peer": theirs, "ratio": ours / theirs, "target": targets()[name]}


def table(rows: dict[str, Row], device: str) -> str:
    """The rows in Markdown."""
    lines = [f"| workload | {device} | cpu, or bare | ratio | target |", "| --- | ---: | ---: | ---: | ---: |"]
    for name, row in rows.items():
        target = f"{row['target']}{'' if row['ratio'] <= row['target'] else ' (missed)'}" if row["target"] else ""
        lines.append(f"| {name} | {shown(row['time'])} | {shown(row['peer'])} | {row['ratio']:.2f} | {target} |")
    return "\n".join([*lines, ""])


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line, measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="opencl:0")
    parser.add_argument("--only", default="", help="rows whose name contains this")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=0.5, help="of each measurement")
    parser.add_argument("--out", type=Path, help="folder for opencl.md and opencl.json; default: print only")
    parser.add_argument("--part", choices=("digits", "launch"), help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.part:
        print(
            json.dumps(digits_seconds(options.device) if options.part == "digits" else launch_seconds(options.device))
        )
        return
    rows: dict[str, Row] = {}
    for name in tqdm([each for each in targets() if options.only in each], unit="workload"):
        try:
            rows[name] = compared(name, options.device, options.rounds, options.seconds)
        except RuntimeError as error:
            print(f"failed: {error}", file=sys.stderr)
        if options.out is not None and rows:  # after every row, so that a run that is stopped leaves what it has
            write(options.out, rows, options.device)
    print(table(rows, options.device))


def write(folder: Path, rows: dict[str, Row], device: str) -> None:
    """The two files."""
    from hotplug.runtime import resolve_runtime

    runtime = resolve_runtime(device)
    info = runtime.backend.devices()[runtime.index]
    folder.mkdir(parents=True, exist_ok=True)
    title = f"# Measured on `{device}` ({info.name}, {info.details.get('platform', '')}) beside `cpu`"
    (folder / "opencl.md").write_text(f"{title}\n\n{table(rows, device)}", encoding="utf-8")
    (folder / "opencl.json").write_text(json.dumps(rows, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
