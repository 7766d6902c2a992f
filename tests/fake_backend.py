"""A backend without kernels, and distributions on disk that announce plugins: what the tests of discovery need."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, final

from hotplug.backend import Backend, Capabilities, DeviceInfo, Kernel, OpKey

CONTRACT = ((1, 0), (1, 0))


@final
class FakeBackend(Backend):
    """Host memory, ``count`` devices, and no kernel."""

    def __init__(
        self, name: str, *, contract: Any = CONTRACT, count: int = 1, trouble: Exception | None = None
    ) -> None:
        self.name = name
        self.contract = contract
        self.count = count
        self.trouble = trouble
        self.asked = 0

    def devices(self) -> Sequence[DeviceInfo]:
        self.asked += 1
        if self.trouble is not None:
            raise self.trouble
        return [DeviceInfo(index, f"Fake {index}", 3 << 30) for index in range(self.count)]

    def capabilities(self, index: int) -> Capabilities:
        return Capabilities()

    def allocate(self, index: int, nbytes: int) -> bytearray:
        return bytearray(nbytes)

    def free(self, buffer: bytearray) -> None:
        buffer.clear()

    def write(self, buffer: bytearray, offset: int, data: memoryview) -> None:
        buffer[offset : offset + data.nbytes] = data

    def read(self, buffer: bytearray, offset: int, nbytes: int) -> bytes:
        return bytes(buffer[offset : offset + nbytes])

    def copy(
        self, destination: bytearray, destination_offset: int, source: bytearray, source_offset: int, nbytes: int
    ) -> None:
        destination[destination_offset : destination_offset + nbytes] = source[source_offset : source_offset + nbytes]

    def synchronize(self, index: int) -> None:
        return None

    def resolve(self, index: int, key: OpKey) -> Kernel | None:
        return None


PLUGIN = """
from hotplug.plugins import BackendSpec, hookimpl
from fake_backend import FakeBackend

@hookimpl
def hotplug_backends():
    return [BackendSpec({name!r}, lambda: FakeBackend({name!r}{arguments}), hint="install the driver of {name}")]
"""


def plugin_source(name: str, arguments: str = "") -> str:
    """The source of a plugin module that announces one FakeBackend."""
    return PLUGIN.format(name=name, arguments=f", {arguments}" if arguments else "")


def install(site: Path, distribution: str, module: str, source: str, entry: str = "vendor") -> None:
    """Put an installed distribution, version 0.3, with one entry point of the group ``hotplug`` into a folder."""
    (site / f"{module}.py").write_text(source)
    info = site / f"{distribution.replace('-', '_')}-0.3.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 0.3\n")
    (info / "entry_points.txt").write_text(f"[hotplug]\n{entry} = {module}\n")
