"""The one thread pool: tasks are serial functions that the pool's threads call by address, each for a range of work.

A task is ``function(arguments, start, stop, thread)``: the address of a table of 64-bit words (addresses, sizes,
strides, scalars as bits), the range of work items, and the number of the thread, for scratch memory.  How the work is
cut into ranges depends on its size only, never on the number of threads, so that results don't either.
"""

from __future__ import annotations

import struct
import threading
from array import array
from collections.abc import Iterable
from contextlib import nullcontext
from typing import Any, Final, final

from hotplug.backends.cpu.compiled import toolchain  # first: it loads TBB

import numba  # isort: skip
import numpy as np

from llvmlite import ir  # isort: skip
from numba import prange, types
from numba.extending import intrinsic

from hotplug.threads import THREADS

SIGNATURE: Final = types.void(types.intp, types.intp, types.intp, types.intp)
_FOUR: Final = (types.intp,) * 4
_INT64: Final = ir.IntType(64)


@intrinsic  # type: ignore[untyped-decorator]
def _call(_: Any, address: Any, arguments: Any, start: Any, stop: Any, thread: Any) -> Any:
    """Call the task at an address."""

    def codegen(context: Any, builder: Any, __: Any, values: Any) -> Any:
        shape = ir.FunctionType(ir.VoidType(), [_INT64] * 4)
        builder.call(builder.inttoptr(values[0], shape.as_pointer()), values[1:])
        return context.get_dummy_value()

    return types.void(types.intp, *_FOUR), codegen


def _serial(address: int, arguments: int, count: int, grain: int) -> None:
    for start in range(0, count, grain):
        _call(address, arguments, start, min(count, start + grain), 0)


def _parallel(address: int, arguments: int, count: int, grain: int) -> None:
    for piece in prange((count + grain - 1) // grain):
        start = piece * grain
        _call(address, arguments, start, min(count, start + grain), numba.get_thread_id())


_lock: Final = nullcontext() if toolchain.HAS_TBB else threading.Lock()
_local: Final = threading.local()
_most: Final = int(numba.config.NUMBA_NUM_THREADS)


def _compile() -> tuple[Any, Any]:
    from hotplug.backends.cpu.compiled.cache import cached_on_disk

    options = {"nogil": True, "error_model": "numpy"}
    signature = types.void(*_FOUR)
    return (
        cached_on_disk(lambda **more: numba.njit(signature, **options, **more)(_serial)),
        cached_on_disk(lambda **more: numba.njit(signature, parallel=True, **options, **more)(_parallel)),
    )


serial, parallel = _compile()


def maximum_threads() -> int:
    """Threads in the pool."""
    return int(numba.config.NUMBA_NUM_THREADS)


def get_num_threads() -> int:
    """Threads that a kernel may use."""
    return min(THREADS.count or _most, _most)


def set_num_threads(count: int) -> None:
    """Use this many threads from now on, in all Python threads; more than the pool has are not there to be used."""
    THREADS.count = max(1, min(count, maximum_threads()))


def bits(value: float) -> int:
    """A float64 as the word of a task's table."""
    word: int = struct.unpack("q", struct.pack("d", value))[0]
    return word


@final
class _Workspace(threading.local):
    """Scratch memory of the calling thread, kept for its next call: fresh pages would cost more than many a kernel."""

    def __init__(self) -> None:
        self.block = np.empty(0, np.uint8)
        self.place = 0


_workspace: Final = _Workspace()
_LINE: Final = 64


def workspace(nbytes: int) -> int:
    """The address of scratch memory for the next call of :func:`run` by this thread; another call may get the same."""
    if _workspace.block.size < nbytes + _LINE:
        _workspace.block = np.empty(nbytes + _LINE, np.uint8)
        _workspace.place = -(-_workspace.block.ctypes.data // _LINE) * _LINE
    return _workspace.place


def run(task: int, arguments: Iterable[int] | array[int], count: int, grain: int) -> None:
    """Run the task at an address over ``count`` items, ``grain`` at a time; an array of arguments is the table itself."""
    table = arguments if arguments.__class__ is array else array("q", arguments)
    address = table.buffer_info()[0]
    threads = THREADS.count or _most
    if count <= grain or threads == 1:
        serial(task, address, count, grain)
        return
    if getattr(_local, "threads", _most) != threads:
        numba.set_num_threads(min(threads, _most))  # Numba's count is of the calling thread
        _local.threads = threads
    with _lock:
        parallel(task, address, count, grain)
