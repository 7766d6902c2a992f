"""One of the two processes of ``hotplug bisect``: runs the program on its device, and sends or compares its events."""

from __future__ import annotations

import os
import random
import runpy
import sys
import time
import traceback
from collections.abc import Sequence
from multiprocessing.connection import Client, Connection, Listener
from pathlib import Path
from typing import Final, NoReturn, final

import numpy as np

from hotplug import device, manual_seed, set_default_device
from hotplug.backends.decorators.parting import Comparison, Sent, Verdict, sent
from hotplug.backends.decorators.recording import Event, Recorder
from hotplug.compat.torch_name import install_as_torch
from hotplug.device import redirect
from hotplug.plugins import registry
from hotplug.runtime import _RUNTIMES, Runtime, resolve_runtime

_PATIENCE: Final = 300.0
"""Seconds that the first process waits for the second one to listen."""


@final
class First:
    """Sends every event."""

    def __init__(self, folder: Path) -> None:
        self._connection = self._connect(folder)

    @staticmethod
    def _connect(folder: Path) -> Connection:
        path, deadline = folder / "address", time.monotonic() + _PATIENCE
        while not path.exists():
            if time.monotonic() > deadline or (folder / "trouble-second").exists():
                raise SystemExit(1)
            time.sleep(0.02)
        kind, _, address = path.read_text().partition("\n")
        where = (address.split(":")[0], int(address.split(":")[1])) if kind == "AF_INET" else address
        return Client(where, kind, (folder / "key").read_bytes())

    def listen(self, event: Event) -> None:
        """Send an event; end the program where nobody listens any more."""
        try:
            self._connection.send(sent(event))
        except (BrokenPipeError, ConnectionResetError, EOFError):
            _leave(0)

    def end(self, verdict: Verdict) -> None:
        """Send how the program ended."""
        try:
            self._connection.send(verdict)
            self._connection.close()
        except (BrokenPipeError, ConnectionResetError, EOFError):
            _leave(0)


@final
class Second:
    """Compares every event with that of the first process."""

    def __init__(self, folder: Path, names: tuple[str, str], most: int) -> None:
        self._folder = folder
        self._listener = Listener(authkey=(folder / "key").read_bytes())
        address = self._listener.address
        family = "AF_INET" if isinstance(address, tuple) else "AF_PIPE" if os.name == "nt" else "AF_UNIX"
        place = f"{address[0]}:{address[1]}" if isinstance(address, tuple) else str(address)
        beside = folder / "address.new"
        beside.write_text(f"{family}\n{place}")
        beside.rename(folder / "address")
        self._connection: Connection | None = None
        self._comparison = Comparison(names, self._following)
        self._left = most or -1

    def _following(self) -> Sent | Verdict:
        if self._connection is None:
            self._connection = self._listener.accept()
        try:
            found: Sent | Verdict = self._connection.recv()
        except (EOFError, ConnectionResetError):
            return Verdict("raised", "bisect: the process of the first device died; run the program there by itself")
        return found

    def listen(self, event: Event) -> None:
        """Compare an event; end the program where that settles it."""
        verdict = self._comparison.compare(event)
        self._left -= 1
        if self._left == 0 and verdict is None:
            verdict = self._comparison.so_far()
        if verdict is not None:
            self._settle(verdict)
            _leave(0)

    def end(self, verdict: Verdict) -> None:
        """The program has ended here: in agreement only if it has there."""
        if verdict.status == "agree":
            verdict = self._comparison.finish()
        self._settle(verdict)

    def _settle(self, verdict: Verdict) -> None:
        write(self._folder / "verdict", verdict)


def write(path: Path, verdict: Verdict) -> None:
    """Leave word for the process that waits."""
    path.write_text(f"{verdict.status}\n{verdict.text}", encoding="utf-8")


def _leave(status: int) -> NoReturn:
    """End the process at once, from wherever the program is."""
    sys.stdout.flush()
    os._exit(status)


def _direct(name: str, recorder: Recorder) -> None:
    """Let the default device, and ``"cuda"``, be the device, and its kernels be recorded."""
    target = device(name)
    _RUNTIMES[target.canonical] = Runtime(recorder.watch(registry.backend(target.type)), target.canonical[1])
    set_default_device(target)
    if target.type != "cuda":
        redirect("cuda", target)


def _run(script: str, arguments: Sequence[str], seed: int) -> Verdict:
    sys.argv = [script, *arguments]
    sys.path.insert(0, str(Path(script).resolve().parent))
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - programs use the global one
    manual_seed(seed)
    try:
        runpy.run_path(script, run_name="__main__")
    except SystemExit as error:
        if error.code not in (None, 0):
            return Verdict("raised", f"the program ended with the status {error.code!r}")
    except BaseException:  # noqa: BLE001 - whatever a program raises is reported by the other process
        return Verdict("raised", traceback.format_exc())
    return Verdict("agree", "")


def main(arguments: Sequence[str]) -> None:
    """Run the program of the command line on the device of this process."""
    role, devices, place, seed, most, script, *rest = arguments
    names, folder = devices.split(","), Path(place)
    mine = names[0] if role == "first" else names[1]
    try:
        end = First(folder) if role == "first" else Second(folder, (names[0], names[1]), int(most))
        used = 0

        def listen(event: Event) -> None:
            nonlocal used
            used += any(each.storage.runtime is runtime for each in event.outs)
            end.listen(event)

        recorder = Recorder(listen)
        _direct(mine, recorder)
        runtime = resolve_runtime(mine)
        recorder.install()
        install_as_torch()
        verdict = _run(script, rest, int(seed))
        if verdict.status == "raised":
            verdict = Verdict("raised", f"the program failed on {mine}:\n{verdict.text}")
        elif not used:
            verdict = Verdict(
                "raised",
                f"bisect: the program ran no op on {mine}: it names a device itself; let it take the default one, or pass it "
                f"with the word {{device}} among its arguments",
            )
        end.end(verdict)
    except BaseException:  # noqa: BLE001 - the process that waits must hear of it
        write(folder / f"trouble-{role}", Verdict("raised", f"bisect on {mine}:\n{traceback.format_exc()}"))
        _leave(1)


if __name__ == "__main__":
    main(sys.argv[1:])
