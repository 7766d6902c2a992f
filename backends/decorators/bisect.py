"""The command ``hotplug bisect``: run a program on two devices, and name the first op whose results part.

Each device gets a process of its own.  The first sends the results of its events to the second, which compares them with
its own as they come (:mod:`hotplug.backends.decorators.parting`): nothing is stored, and neither runs far ahead.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import subprocess
import sys
import tempfile
import time
from argparse import REMAINDER, ArgumentParser, Namespace
from pathlib import Path
from typing import Final

from hotplug.errors import ArgumentError

_PLACEHOLDER: Final = "{device}"
_GRACE: Final = 30.0
"""Seconds that one process is given to end after the other."""


def configure(parser: ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.epilog = (
        "Example: hotplug bisect --devices cpu,opencl:0 train.py --epochs 1.  A program that is told its device gets "
        "it by the word {device} among its arguments; any other uses the default device, or 'cuda', which stands for it."
    )
    parser.add_argument("--devices", metavar="A,B", default="cpu", help="the devices; one alone is compared with numpy")
    parser.add_argument("--seed", type=int, default=0, help="of hotplug, random and numpy.random, the same in both")
    parser.add_argument("--most", type=int, default=0, metavar="N", help="stop after so many results; 0: never")
    parser.add_argument("script", metavar="SCRIPT", help="a training program, for Hotplug or PyTorch")
    parser.add_argument("arguments", nargs=REMAINDER, metavar="ARGUMENTS", help="those of the program")


def run(arguments: Namespace) -> int:
    """Run the program on both devices; 0 where they agree, else 1.

    Raises:
        ArgumentError: there is no such file, or not two devices.
        DeviceError: there is no such device.
    """
    if not Path(arguments.script).is_file():
        raise ArgumentError(f"bisect: there is no file {arguments.script}")
    names = _devices(arguments.devices)
    with tempfile.TemporaryDirectory(prefix="hotplug-bisect-") as folder:
        second, first = (_start(arguments, names, role, Path(folder)) for role in ("second", "first"))
        try:
            _wait(first, second)
            status, text = _verdict(Path(folder))
            if status == "agree" and not arguments.most:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    first.wait(_GRACE)  # it may have something to say yet
        finally:
            for child in (first, second):
                child.kill()
                child.wait()
    sys.stdout.write(text + "\n")
    return 0 if status == "agree" else 1


def _wait(first: subprocess.Popen[bytes], second: subprocess.Popen[bytes]) -> None:
    """Until the second process has settled it, or can't any more because the first one broke before they met."""
    deadline = 0.0
    while second.poll() is None and not 0 < deadline < time.monotonic():
        if first.poll() and not deadline:
            deadline = time.monotonic() + _GRACE
        time.sleep(0.05)


def _devices(text: str) -> tuple[str, str]:
    from hotplug import device
    from hotplug.runtime import resolve_runtime

    names = text.split(",")
    if len(names) == 1:
        names.insert(0, "numpy")
    if len(names) != 2 or names[0] == names[1]:
        raise ArgumentError(f"bisect: --devices takes two different devices, as in cpu,opencl:0, got {text!r}")
    for name in names:
        resolve_runtime(device(name))  # says what is wrong with it before anything starts
    return names[0], names[1]


def _start(
    arguments: Namespace, names: tuple[str, str], role: str, folder: Path
) -> subprocess.Popen[bytes]:  # fmt: skip
    mine = names[0] if role == "first" else names[1]
    command = [
        sys.executable, "-m", "hotplug.backends.decorators.bisected", role, ",".join(names), str(folder),
        str(arguments.seed), str(arguments.most), arguments.script,
        *[each.replace(_PLACEHOLDER, mine) for each in arguments.arguments],
    ]  # fmt: skip
    key = folder / "key"
    if not key.exists():
        key.write_text(secrets.token_hex())
    # The program's output is shown once: by the first device.
    output = None if role == "first" else subprocess.DEVNULL
    environment = os.environ | {"PYTHONHASHSEED": "0"}
    return subprocess.Popen(command, env=environment, stdout=output, stderr=output)


def _verdict(folder: Path) -> tuple[str, str]:
    """What the second process wrote, or, where it did not get that far, what either broke with."""
    for name in ("verdict", "trouble-first", "trouble-second"):
        path = folder / name
        if path.exists():
            status, _, text = path.read_text(encoding="utf-8").partition("\n")
            return status, text
    return "raised", "bisect: a process ended without a word; run the program by itself on each device"
