"""Which tile a device multiplies with: by its kind, or the fastest of a few, measured once by a command and remembered.

    python -m hotplug.backends.opencl.tuning opencl:0

measures every candidate on the device and keeps the fastest in a file, under the names of the device and its driver.  Nothing
is ever measured on the way: a program's kernels depend on the key and the sizes, not on what ran before.  All candidates sum
in the same order.

The file is ``opencl-tiles.json`` in ``$HOTPLUG_CACHE_DIR``, else in ``hotplug`` in ``$XDG_CACHE_HOME`` or ``~/.cache``.
"""

from __future__ import annotations

import json
import math
import os
import sys
import tempfile
import time
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np

from hotplug.backend import Array, OpKey
from hotplug.backends.opencl.tiles import Panel, Tile
from hotplug.dtypes import dtype, float32, float64
from hotplug.errors import DeviceError
from hotplug.layout import layout_of

if TYPE_CHECKING:
    from hotplug.backends.opencl.device import Device

_TILES: Final = (
    Tile(64, 64, 16, 4, 4), Tile(128, 64, 16, 8, 4), Tile(64, 128, 16, 4, 8), Tile(128, 128, 8, 8, 8), Tile(64, 64, 8, 8, 8),
    Tile(32, 32, 16, 4, 4), Tile(32, 32, 16, 2, 2), Tile(16, 16, 16, 2, 2), Tile(8, 8, 8, 1, 1), Tile(1, 1, 1, 1, 1),
)  # fmt: skip
"""For GPUs; the first that fits is the default."""
_SIZE: Final = 1024
_ROUNDS: Final = 5


def _panels(itemsize: int) -> tuple[Panel, ...]:
    """For processors with 16 registers of 32 bytes, the default, and with 32 of 64 bytes, or of 16 bytes."""
    return tuple(
        Panel(rows, vectors, nbytes // itemsize)
        for rows, vectors, nbytes in ((6, 2, 32), (4, 3, 32), (8, 3, 64), (12, 2, 64), (8, 2, 16), (4, 2, 16))
    )


def candidates(device: Device, kind: dtype) -> tuple[Panel, ...] | tuple[Tile, ...]:
    """The tiles that fit a device, for a dtype that is computed with; the first is the default."""
    if device.is_processor:
        return _panels(kind.itemsize)
    fits = [
        tile for tile in _TILES
        if tile.items <= device.work_group and tile.nbytes(kind.itemsize) <= min(device.local_memory, 32 << 10)
    ]  # fmt: skip
    return tuple(fits)


def _file() -> Path:
    folder = os.environ.get("HOTPLUG_CACHE_DIR")
    if folder:
        return Path(folder) / "opencl-tiles.json"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hotplug" / "opencl-tiles.json"


def _read() -> dict[str, Any]:
    try:
        found = json.loads(_file().read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _name(device: Device, kind: dtype) -> str:
    handle = device.handle
    way = "panels" if device.is_processor else "tiles"
    return f"{handle.platform.name.strip()} / {handle.name.strip()} / {handle.driver_version.strip()} / {way} / {kind.name}"


def _chosen(device: Device, kind: dtype) -> Any:
    fits = candidates(device, kind)
    wanted = _REMEMBERED.get(_name(device, kind))
    return next((each for each in fits if list(each) == wanted), fits[0])


def panel(device: Device, kind: dtype) -> Panel:
    """The panel of a processor for a floating dtype that is computed with."""
    found: Panel = _chosen(device, kind)
    return found


def tile(device: Device, kind: dtype) -> Tile:
    """The tile of a work-group for a dtype that is computed with."""
    found: Tile = _chosen(device, kind)
    return found


_REMEMBERED: Final = _read()
"""As it was when the process began: what another one measures in the meantime changes nothing."""


def _arrays(device: Device, kind: dtype, size: int) -> list[Array]:
    """An output and two operands of ones, which have no owner but this list."""
    layout = layout_of(kind, (1, size, size))
    blocks = [device.allocate(layout.numel * kind.itemsize) for _ in range(3)]
    for block in blocks:
        device.transfers.write(block.memory, 0, np.ones(layout.numel, kind.numpy).data.cast("B"))
    return [Array(cast(Any, SimpleNamespace(buffer=block)), layout) for block in blocks]


def measure(device: Device, kind: dtype, size: int = _SIZE) -> dict[Panel | Tile, float]:
    """Seconds of a square product by candidate; infinite where the device refuses one."""
    from hotplug.backends.opencl.matmul import Matmul, shape_of

    out, *operands = _arrays(device, kind, size)
    key = OpKey("matmul", dtypes=(kind,) * 3, rank=3, layouts=("contiguous",) * 3)
    found: dict[Panel | Tile, float] = {}
    for candidate in candidates(device, kind):
        shape = shape_of(device, kind, candidate)
        found[candidate] = math.inf
        try:
            kernel = Matmul(device, key, shape)
            for _ in range(_ROUNDS):
                start = time.perf_counter()
                kernel([out], operands, ())
                device.queue.finish()
                found[candidate] = min(found[candidate], time.perf_counter() - start)
        except DeviceError:  # too many registers, say
            continue
    return found


def remember(device: Device, kind: dtype, chosen: Panel | Tile) -> None:
    """Keep a choice for later processes."""
    path = _file()
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as file:
        json.dump({**_read(), _name(device, kind): list(chosen)}, file, indent=1)
    Path(file.name).replace(path)  # at once: another process may be reading


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; its result is the exit status."""
    from hotplug.backends.opencl import hardware
    from hotplug.backends.opencl.device import Device

    parser = ArgumentParser(prog="python -m hotplug.backends.opencl.tuning", description=(__doc__ or "").split(":")[0])
    parser.add_argument("device", nargs="?", default="opencl:0", help="such as opencl:0")
    parser.add_argument("--size", type=int, default=_SIZE, help="rows and columns of the matrices")
    parser.add_argument("--dry-run", action="store_true", help="measure, and remember nothing")
    given = parser.parse_args(arguments)
    name, _, index = given.device.partition(":")
    handles = hardware.find()
    if name != "opencl" or not (index or "0").isdigit() or int(index or 0) >= len(handles):
        parser.error(f"expected opencl:0 to opencl:{len(handles) - 1}, got {given.device}")
    device = Device(int(index or 0), handles[int(index or 0)])
    for kind in (float32, float64) if device.has_double else (float32,):
        found = measure(device, kind, given.size)
        best = min(found, key=found.__getitem__)
        rates = {each: 2 * given.size**3 / seconds / 1e9 for each, seconds in found.items()}
        lines = [f"{'* ' if each == best else '  '}{rate:8.1f} GFLOP/s  {each}\n" for each, rate in rates.items()]
        sys.stdout.write(f"{device.name}, {kind.name}:\n{''.join(lines)}")
        if not given.dry_run:
            remember(device, kind, best)
    return 0


if __name__ == "__main__":
    sys.exit(main())
