"""The device ``minimal``: its memory is Python's, and its kernels run at once."""

from __future__ import annotations

import functools
from array import array as Memory
from collections.abc import Sequence
from typing import final

from hotplug.backend import Backend, Capabilities, DeviceInfo, Kernel, OpKey
from hotplug.backend.meaning import evaluator
from hotplug_minimal.kernels import FAMILIES


@final
class MinimalBackend(Backend):
    """All of the contract that has no default."""

    name = "minimal"
    numbered = False  # there is one Python: "minimal", not "minimal:0"

    def devices(self) -> Sequence[DeviceInfo]:
        return [DeviceInfo(index=0, name="Python", memory=0)]

    def capabilities(self, index: int) -> Capabilities:
        return Capabilities()  # the defaults: every dtype, any strides, and kernels that are done when they return

    def allocate(self, index: int, nbytes: int) -> Memory[int]:
        return Memory("B", bytes(nbytes))

    def free(self, buffer: Memory[int]) -> None:
        """Python frees what nobody refers to."""

    def write(self, buffer: Memory[int], offset: int, data: memoryview) -> None:
        memoryview(buffer)[offset : offset + data.nbytes] = data

    def read(self, buffer: Memory[int], offset: int, nbytes: int) -> bytes:
        return bytes(memoryview(buffer)[offset : offset + nbytes])

    def copy(
        self, destination: Memory[int], destination_offset: int, source: Memory[int], source_offset: int, nbytes: int
    ) -> None:
        self.write(destination, destination_offset, memoryview(source)[source_offset : source_offset + nbytes])

    def synchronize(self, index: int) -> None:
        """Nothing is ever queued."""

    def resolve(self, index: int, key: OpKey) -> Kernel | None:
        if key.name not in FAMILIES:
            return None  # a composite such as softmax: the core decomposes it
        return functools.partial(FAMILIES[key.name], key, evaluator(key.program))
