"""The GPUs of this computer, by CuPy: its device, stream and raw memory, NVRTC, and cuBLAS."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any, Final, final

import cupy
from cupy.cuda import driver as launcher, runtime

from hotplug.backend import Array, Capabilities, DeviceInfo
from hotplug.backends.cuda import libraries
from hotplug.backends.cuda.blas import Blas
from hotplug.backends.cuda.driver import Driver, Traits
from hotplug.backends.cuda.frame import BY_VALUE
from hotplug.backends.cuda.hardware import CAPABILITIES
from hotplug.backends.cuda.machine import Machine
from hotplug.backends.cuda.pinned import Staging, Travelling, page_locked
from hotplug.errors import DeviceError

_NO_ROOM: Final = 2
"""cudaErrorMemoryAllocation."""
_SHORTEST: Final = 4096
_CUDA: Final = 2
"""DLPack's number of CUDA devices, and of AMD's."""
_ROCM: Final = 10
_TENSOR_CORES: Final = 8
"""The major compute capability from which the instructions that our kernels use are there."""


@final
class Gpus(Machine):
    """Every GPU that the driver shows.

    Raises:
        DeviceError: there is no driver, or no GPU.
    """

    def __init__(self) -> None:
        try:
            self._count: Final = int(runtime.getDeviceCount())
        except runtime.CUDARuntimeError as error:
            raise DeviceError(f"no CUDA driver found ({_first_line(error)})") from error
        if not self._count:
            raise DeviceError("the CUDA driver shows no GPU; look at CUDA_VISIBLE_DEVICES")

    def devices(self) -> Sequence[DeviceInfo]:
        return [_describe(index) for index in range(self._count)]

    def capabilities(self, index: int) -> Capabilities:
        return CAPABILITIES

    def driver(self, index: int) -> Driver:
        try:
            return GpuDriver(index)
        except runtime.CUDARuntimeError as error:
            raise DeviceError(f"cuda:{index} can't be used: {_first_line(error)}") from error


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)


def _describe(index: int) -> DeviceInfo:
    found = runtime.getDeviceProperties(index)
    details = {
        "compute capability": f"{found['major']}.{found['minor']}",
        "multiprocessors": str(found["multiProcessorCount"]),
        "driver": str(runtime.driverGetVersion()),
        "runtime": str(runtime.runtimeGetVersion()),
        "cupy": cupy.__version__,
    }
    return DeviceInfo(index, found["name"].decode(), int(found["totalGlobalMem"]), details)


@final
class GpuDriver(Driver):
    """One GPU and one stream of it.  Every call makes the GPU the thread's current one first."""

    def __init__(self, index: int) -> None:
        self._index: Final = index
        self._use = runtime.setDevice
        self._use(index)
        found = runtime.getDeviceProperties(index)
        cores = not runtime.is_hip and int(found["major"]) >= _TENSOR_CORES
        self.traits = Traits(int(found["multiProcessorCount"]), _SHORTEST, tensor_cores=cores)
        self._owner: Final = cupy.cuda.Stream(non_blocking=True)
        self.stream = int(self._owner.ptr)
        self.kind = (_ROCM if runtime.is_hip else _CUDA, index)
        self._staging: Final = Staging(self.stream)
        self._travelling: Final = Travelling()
        self._blas: Final = Blas(index, self.stream)
        # A launch copies the parameters before it returns: one buffer serves all of them, under the device's lock.
        self._frame: Final = ctypes.create_string_buffer(BY_VALUE)
        self._place: Final = ctypes.addressof(self._frame)
        self._parameters: Final = (ctypes.c_void_p * 1)(self._place)
        self._list: Final = ctypes.addressof(self._parameters)
        self._peers: dict[int, bool] = {}

    def allocate(self, nbytes: int) -> int:
        self._use(self._index)
        try:
            return int(runtime.malloc(nbytes))
        except runtime.CUDARuntimeError as error:
            if error.status == _NO_ROOM:
                raise MemoryError(f"cuda:{self._index}: {_first_line(error)}") from error
            raise DeviceError(f"cuda:{self._index}: {_first_line(error)}") from error

    def free(self, address: int) -> None:
        self._use(self._index)
        runtime.free(address)  # waits for the work that uses it

    def write(self, address: int, data: memoryview) -> None:
        self._use(self._index)
        self._staging.write(address, data)

    def read(self, address: int, nbytes: int) -> memoryview:
        self._use(self._index)
        return self._staging.read(address, nbytes)

    def copy(self, target: int, source: int, nbytes: int) -> None:
        self._use(self._index)
        if abs(target - source) < nbytes:  # the ranges overlap
            between = self.allocate(nbytes)
            runtime.memcpyAsync(between, source, nbytes, runtime.memcpyDeviceToDevice, self.stream)
            runtime.memcpyAsync(target, between, nbytes, runtime.memcpyDeviceToDevice, self.stream)
            self.free(between)
            return
        runtime.memcpyAsync(target, source, nbytes, runtime.memcpyDeviceToDevice, self.stream)

    def copy_from(self, other: Driver, target: int, source: int, nbytes: int) -> bool:
        if not isinstance(other, GpuDriver) or not self._reaches(other._index):
            return False
        self._use(other._index)  # an event belongs to the GPU that is the current one when it is made
        ready = cupy.cuda.Event(disable_timing=True)
        ready.record(other._owner)
        self._use(self._index)
        self._owner.wait_event(ready)
        runtime.memcpyPeerAsync(target, self._index, source, other._index, nbytes, self.stream)
        done = cupy.cuda.Event(disable_timing=True)
        done.record(self._owner)
        other._owner.wait_event(done)  # the source may be written again only afterwards
        return True

    def _reaches(self, other: int) -> bool:
        """Whether the GPUs see each other's memory; switched on at the first question."""
        if other not in self._peers:
            self._peers[other] = bool(runtime.deviceCanAccessPeer(self._index, other))
            if self._peers[other]:
                self._use(self._index)
                try:
                    runtime.deviceEnablePeerAccess(other)
                except runtime.CUDARuntimeError:  # CuPy has switched it on before
                    runtime.getDevice()
        return self._peers[other]

    def follow(self, stream: int) -> None:
        self._use(self._index)
        done = cupy.cuda.Event(disable_timing=True)
        runtime.eventRecord(done.ptr, stream)
        self._owner.wait_event(done)

    def precede(self, stream: int) -> None:
        self._use(self._index)
        done = cupy.cuda.Event(disable_timing=True)
        done.record(self._owner)
        runtime.streamWaitEvent(stream, done.ptr)

    def pin(self, nbytes: int) -> Any:
        self._use(self._index)
        return page_locked(nbytes)

    def write_pinned(self, address: int, data: Any) -> None:
        self._use(self._index)
        runtime.memcpyAsync(address, data.ctypes.data, data.nbytes, runtime.memcpyHostToDevice, self.stream)
        self._travelling.keep(data, self._owner)

    def read_pinned(self, address: int, data: Any) -> None:
        self._use(self._index)
        runtime.memcpyAsync(data.ctypes.data, address, data.nbytes, runtime.memcpyDeviceToHost, self.stream)
        self._travelling.keep(data, self._owner)

    def synchronize(self) -> None:
        self._use(self._index)
        self._owner.synchronize()

    def compile(self, op: str, text: str) -> Any:
        self._use(self._index)
        contract = "-ffp-contract=off" if runtime.is_hip else "--fmad=false"
        module = cupy.RawModule(code=text, options=(contract, "-std=c++17"), backend="nvrtc")
        try:
            module.compile()
        except cupy.cuda.compiler.CompileException as error:
            raise DeviceError(_first_line(error)) from error
        return module

    def function(self, module: Any, name: str) -> Any:
        self._use(self._index)
        kernel = module.get_function(name).kernel
        return kernel.ptr, kernel  # the kernel is kept, since it keeps its module

    def launch(self, function: Any, grid: tuple[int, int, int], threads: int, frame: bytes) -> None:
        self._use(self._index)
        ctypes.memmove(self._place, frame, len(frame))
        launcher.launchKernel(function[0], *grid, threads, 1, 1, 0, self.stream, self._list, 0)

    def product(self, out: Array, left: Array, right: Array) -> bool:
        self._use(self._index)
        return self._blas.product(out, left, right)

    def library(self, name: str) -> Any:
        self._use(self._index)
        return libraries.load(name)

    def libraries(self) -> Sequence[str]:
        return ("cuBLAS",)
