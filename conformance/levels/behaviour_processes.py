"""Level 4: several processes: pickles that travel between them, and forks of one that has used the device."""

from __future__ import annotations

import io
import os
import pickle
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from hotplug import dtypes, optim, serialization
from hotplug.conformance.case import Bench, Case, CaseFailedError, Unsupported
from hotplug.conformance.levels.scene import OPTIMIZERS, Scene, drawn, working
from hotplug.conformance.place import cast, host_values, tensor
from hotplug.device import device
from hotplug.errors import DeviceError

_LONGEST_WAIT: Final = 240
"""Seconds for a process: an engine may take a while to start."""
_REFUSED: Final = "was in use before this process was forked"
_PROGRAM: Final = "import sys; from hotplug.conformance.levels.behaviour_processes import {0}; {0}(*sys.argv[1:])"


def other_process(bench: Bench, function: str, *arguments: str) -> str:
    """The output of a function of this module in a fresh process, called with the device.

    Raises:
        CaseFailedError: it fails.
        Unsupported: the device was registered by the running program: another one knows nothing of it.
    """
    from hotplug.plugins import registry

    name = device(bench.device).type.rpartition("+")[2]
    if registry.source(name) == registry.PROGRAM:
        raise Unsupported(f"{name!r} is registered by the running program, so another process does not have it")
    command = [sys.executable, "-W", "ignore", "-c", _PROGRAM.format(function), bench.device, *arguments]
    try:
        ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_LONGEST_WAIT)
    except subprocess.TimeoutExpired as error:
        raise CaseFailedError(f"another process did not end within {_LONGEST_WAIT} s") from error
    if ended.returncode:
        last = ended.stderr.strip().splitlines()[-1:] or [f"exit status {ended.returncode}"]
        raise CaseFailedError(f"in another process: {last[0]}")
    return ended.stdout


# --- pickles ---


def tensors(where: str) -> dict[str, Any]:
    """Tensors of all dtypes that the device holds, a strided one, and two that share memory."""
    from hotplug.runtime import resolve_runtime

    held = resolve_runtime(where).capabilities.storage
    found = {
        kind.name: tensor(where, cast(abs(9 * drawn(kind.name, 3, 4)), kind), kind)
        for kind in dtypes.ALL
        if kind in held
    }
    base = tensor(where, drawn("base", 6, 4), dtypes.float32)
    return found | {"base": base, "view": base.T[1:, ::2], "leaf": base.clone().requires_grad_()}


def _same(found: dict[str, Any], expected: dict[str, Any], who: str) -> None:
    for name, wanted in expected.items():
        got = found[name]
        facts = [(each.dtype, each.shape, str(each.device), each.requires_grad) for each in (got, wanted)]
        if facts[0] != facts[1]:
            raise CaseFailedError(f"{who}: {name} was {facts[1]} and came back as {facts[0]}")
        if host_values(got).tobytes() != host_values(wanted).tobytes():
            raise CaseFailedError(f"{who}: {name} came back with other bits")


def receive(where: str, folder: str) -> None:
    """The other process: reads the pickle, checks it, trains on, and sends the result back."""
    place = Path(folder)
    packed = pickle.loads((place / "sent.pickle").read_bytes())
    _same(packed["tensors"], tensors(where), "another process")
    scene = Scene(where)
    scene.model.load_state_dict(packed["model"].state_dict())
    scene.optimizer.load_state_dict(packed["optimizer"])
    scene.losses(2)
    state = serialization.load(io.BytesIO((place / "saved").read_bytes()), map_location="cpu")
    mine = {name: host_values(each).tobytes() for name, each in packed["model"].state_dict().items()}
    assert {name: host_values(each).tobytes() for name, each in state.items()} == mine, "save and pickle differ"
    result = {"values": scene.values(), "model": scene.model, "tensors": packed["tensors"]}
    (place / "back.pickle").write_bytes(pickle.dumps(result))


def pickles(bench: Bench) -> float:
    """Tensors, a module and an optimizer's state go to another process and come back; training goes on there."""
    scene = Scene(bench.device)
    scene.losses(2)
    sent = tensors(bench.device)
    packed = {"tensors": sent, "model": scene.model, "optimizer": scene.optimizer.state_dict()}
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "sent.pickle").write_bytes(pickle.dumps(packed))
        serialization.save(scene.model.state_dict(), Path(folder) / "saved")
        other_process(bench, "receive", folder)
        back = pickle.loads((Path(folder) / "back.pickle").read_bytes())
    _same(back["tensors"], sent, "back from another process")
    scene.losses(2)
    if back["values"] != scene.values():
        raise CaseFailedError("training that goes on in another process comes to other parameters")
    if [host_values(each).tobytes() for each in back["model"].parameters()] != scene.values():
        raise CaseFailedError("a trained module comes back from another process with other parameters")
    return 0.0


def optimizers(bench: Bench) -> float:
    """Optimizers are pickled with their parameters and go on as if they had not been."""
    for name in OPTIMIZERS:
        scene = Scene(bench.device, name)
        scene.iterate()
        model, optimizer = pickle.loads(pickle.dumps((scene.model, scene.optimizer)))
        assert isinstance(optimizer, optim.Optimizer)
        for parameter, other in zip(scene.parameters, model.parameters(), strict=True):
            other.grad = parameter.grad
        scene.optimizer.step()
        optimizer.step()
        if [host_values(each).tobytes() for each in model.parameters()] != scene.values():
            raise CaseFailedError(f"{name}: an optimizer that was pickled takes another step")
    return 0.0


# --- forks ---


def fork(where: str) -> None:
    """The other process: uses the device, forks, and says what became of the child."""
    scene = Scene(where)
    scene.iterate()
    child = os.fork()
    if not child:
        os._exit(_in_child(where, scene))
    _, status = os.waitpid(child, 0)
    assert working(where), "the parent of a fork computes something else"
    scene.iterate()
    sys.stdout.write(str(os.waitstatus_to_exitcode(status)))


def _in_child(where: str, scene: Scene) -> int:
    """The exit status: 0 where the device works, 10 where it is refused as documented."""
    signal.alarm(_LONGEST_WAIT // 2)
    try:
        if not working("numpy"):
            return 3
        scene.iterate()
        return 0 if working(where) else 4
    except DeviceError as error:
        return 10 if _REFUSED in str(error) else 5
    except BaseException as error:  # noqa: BLE001 - it is reported by number
        sys.stderr.write(f"{error!r}\n")
        return 6


_EXITS: Final = {
    3: "'numpy' computes something else", 4: "the device computes something else",
    5: "the device is refused, by another error than the documented one", 6: "the device raises something unexpected",
    -14: "the device never answers",  # SIGALRM
}  # fmt: skip


def forked(bench: Bench) -> float:
    """After a fork the child computes, or is told that the device was in use before; the parent goes on."""
    if not hasattr(os, "fork"):
        raise Unsupported("this system has no fork")
    code = int(other_process(bench, "fork"))
    if code not in (0, 10):
        raise CaseFailedError(f"in the child of a fork {_EXITS.get(code, f'the process ended with status {code}')}")
    return 0.0


def cases() -> Iterator[Case]:
    """Pickles to and fro, and a fork."""
    yield Case(4, "processes", "", "pickles", pickles)
    yield Case(4, "processes", "float32", "pickled_optimizers", optimizers)
    yield Case(4, "processes", "float32", "fork", forked)
