"""DLPack, both ways: memory shared with NumPy, PyTorch, JAX and others without a copy.

The protocol is https://dmlc.github.io/dlpack/latest/.  NumPy makes and consumes the capsules of host memory (its deleters
are C, and so safe at the interpreter's end); this module looks into a capsule's header before anything is trusted, and
lends NumPy the dtype that it lacks: bfloat16 travels as uint16 whose type code is put right in the header.

A device's memory takes the same way, where its backend says where that lies (:meth:`hotplug.backend.Backend.place`): NumPy
never reads what an array's address points to, so the array may stand for an address of a device, put right in the header.
"""

from __future__ import annotations

import ctypes
import math
from typing import Any, Final, NamedTuple, final

import numpy as np

from hotplug import dispatch, dtypes, host
from hotplug.array import Array, Storage
from hotplug.autograd.graph import history
from hotplug.errors import ArgumentTypeError, DeviceError, DTypeError, ExchangeError
from hotplug.layout import layout_of
from hotplug.runtime import Runtime, resolve_runtime, runtime_of
from hotplug.tensor import Tensor, wrap

HOST: Final = (1, 0)
"""DLPack's number of host memory: ``kDLCPU``, device 0."""

_VERSION: Final = (1, 0)
_VERSIONED: Final = np.lib.NumpyVersion(np.__version__) >= "2.1.0"
"""Whether NumPy makes capsules of version 1; before, only of the older kind, which every consumer takes."""
_CUDA: Final = 2
_CUDA_LIKE: Final = frozenset({_CUDA, 10})  # ROCm's libraries use the same interface
_READABLE_HERE: Final = frozenset({1, 3, 11})  # kDLCPU, kDLCUDAHost, kDLROCMHost
_DEVICES: Final = {
    1: "cpu", 2: "cuda", 3: "pinned host memory of cuda", 4: "opencl", 7: "vulkan", 8: "metal", 9: "vpi", 10: "rocm",
    11: "pinned host memory of rocm", 13: "managed memory of cuda", 14: "oneapi", 15: "webgpu", 16: "hexagon",
}  # fmt: skip
_UINT: Final = 1
_BFLOAT: Final = 4
_CODES: Final = {0: "i", _UINT: "u", 2: "f", 5: "c", 6: "b"}
_READ_ONLY: Final = 1
_LARGEST_SIZE: Final = 2**63 - 1


@final
class _Device(ctypes.Structure):
    _fields_ = (("type", ctypes.c_int32), ("id", ctypes.c_int32))


@final
class _DataType(ctypes.Structure):
    _fields_ = (("code", ctypes.c_uint8), ("bits", ctypes.c_uint8), ("lanes", ctypes.c_uint16))


@final
class _DLTensor(ctypes.Structure):
    _fields_ = (
        ("data", ctypes.c_void_p), ("device", _Device), ("ndim", ctypes.c_int32), ("dtype", _DataType),
        ("shape", ctypes.POINTER(ctypes.c_int64)), ("strides", ctypes.POINTER(ctypes.c_int64)),
        ("byte_offset", ctypes.c_uint64),
    )  # fmt: skip


@final
class _Versioned(ctypes.Structure):
    _fields_ = (
        ("major", ctypes.c_uint32), ("minor", ctypes.c_uint32), ("context", ctypes.c_void_p),
        ("deleter", ctypes.c_void_p), ("flags", ctypes.c_uint64), ("tensor", _DLTensor),
    )  # fmt: skip


_pointer_of: Final = ctypes.pythonapi.PyCapsule_GetPointer
_pointer_of.restype = ctypes.c_void_p
_pointer_of.argtypes = (ctypes.py_object, ctypes.c_char_p)
_is_valid: Final = ctypes.pythonapi.PyCapsule_IsValid
_is_valid.argtypes = (ctypes.py_object, ctypes.c_char_p)


class _Header(NamedTuple):
    """What a capsule says; ``tensor`` is its memory, not a copy."""

    tensor: _DLTensor
    read_only: bool


# --- out --------------------------------------------------------------------------------------------------------------


def place(tensor: Tensor) -> tuple[int, int]:
    """``Tensor.__dlpack_device__``: :data:`HOST`, or where its backend says that the memory is.

    Raises:
        ExchangeError: the tensor is on a device whose memory can't be shared.
    """
    storage = tensor._array.storage
    if storage.runtime.capabilities.host_memory:
        return HOST
    found = storage.runtime.backend.place(storage.buffer)
    if found is None:
        raise _elsewhere(tensor)
    return found[:2]


def give(tensor: Tensor, stream: Any, max_version: Any, dl_device: Any, copy: bool | None) -> Any:
    """``Tensor.__dlpack__``: a capsule that keeps the tensor's memory, and its block from being handed out again.

    Args:
        tensor: off the tape.
        stream: ``None`` or -1 for host memory, which has no streams; else on which stream the consumer will use the memory,
            which then waits for the work that is queued: a handle, 1 or ``None`` for CUDA's default stream, 2 for the
            thread's, 0 for ROCm's; -1: nothing waits.
        max_version: the newest version that the consumer knows; without it the capsule is of the kind before 1.0.
        dl_device: where the consumer wants the memory; ``(1, 0)`` moves a device's tensor to the host.
        copy: ``True``: the consumer gets memory of its own; ``False``: never copy.

    Raises:
        ExchangeError: the tensor requires a gradient, or its memory can't be given in that way.
    """
    if history(tensor) is not None:
        raise ExchangeError("__dlpack__: can't export tensors that require gradient; use tensor.detach()")
    if not tensor._array.storage.runtime.capabilities.host_memory:
        found = _given_by_device(tensor, stream, max_version, dl_device, copy)
        if found is not None:
            return found
        stream = None
    if stream not in (None, -1):
        raise ExchangeError(f"__dlpack__: stream should be None for host memory, got {stream!r}")
    if dl_device is not None and tuple(map(int, dl_device)) != HOST:
        raise ExchangeError(f"__dlpack__: can't export to {_named(*map(int, dl_device))}; only host memory, (1, 0)")
    values = host.exported(tensor._array)
    if values is None:
        if dl_device is None or copy is False:
            raise _elsewhere(tensor)
        values = host.to_numpy(tensor, "__dlpack__")
    return _capsule(values, max_version, copy)


def _given_by_device(tensor: Tensor, stream: Any, max_version: Any, dl_device: Any, copy: bool | None) -> Any:
    """A capsule of a device's memory; ``None`` where the consumer wants the host's, or the device's can't be shared."""
    array = dispatch.clone(tensor._array) if copy else tensor._array
    runtime = array.storage.runtime
    place = runtime.backend.place(array.storage.buffer)
    wanted = None if dl_device is None else tuple(map(int, dl_device))
    if place is None or wanted not in (None, place[:2]):
        return None
    waiting = _consumer(place[0], stream)
    values = _standing_for(array, place[2])
    capsule = _capsule(values, max_version, None)
    header = _read(capsule).tensor
    header.device.type, header.device.id = place[:2]
    if waiting is not None:
        runtime.backend.precede(runtime.index, waiting)
    return capsule


def _consumer(kind: int, stream: Any) -> int | None:
    """The handle of the stream that has to wait, by the rules of the protocol; ``None``: none does."""
    if stream is not None and (isinstance(stream, bool) or not isinstance(stream, int) or stream < -1):
        raise ExchangeError(f"__dlpack__: stream should be None, -1 or a stream's handle, got {stream!r}")
    if kind == HOST[0]:
        if stream not in (None, -1):
            raise ExchangeError(f"__dlpack__: stream should be None for host memory, got {stream!r}")
        return None
    if stream == -1:
        return None
    if kind == _CUDA:
        if stream == 0:
            raise ExchangeError("__dlpack__: stream 0 is ambiguous for CUDA; 1 is the default stream, 2 the thread's")
        return 1 if stream is None else stream
    if stream in (1, 2):
        raise ExchangeError(f"__dlpack__: stream {stream} means nothing for ROCm; 0 is the default stream")
    return 0 if stream is None else int(stream)


def _standing_for(array: Array, address: int) -> np.ndarray[Any, Any]:
    """An ndarray of an Array's form, at the address where it lies on its device, which it keeps; nobody may read it."""
    kind = np.dtype(np.uint16) if array.dtype is dtypes.bfloat16 else array.dtype.numpy
    form = _Form(array, address + array.offset * kind.itemsize, kind.str)
    values: np.ndarray[Any, Any] = np.asarray(form)
    return values.view(dtypes.bfloat16.numpy) if array.dtype is dtypes.bfloat16 else values


@final
class _Form:
    """An Array for NumPy, by its address; it keeps the Array's memory."""

    def __init__(self, array: Array, address: int, kind: str) -> None:
        self._array = array
        self.__array_interface__ = {
            "data": (address, False), "shape": array.shape, "strides": array.layout.byte_strides, "typestr": kind,
            "version": 3,
        }  # fmt: skip


def cuda_interface(tensor: Tensor) -> dict[str, Any]:
    """``Tensor.__cuda_array_interface__``, version 3; the consumer waits for the stream that it names.

    Raises:
        AttributeError: the tensor isn't on a CUDA device, or is bfloat16, which has no name there.
        ExchangeError: it requires a gradient.
    """
    array = tensor._array
    backend, index = array.storage.runtime.backend, array.storage.runtime.index
    place = None if array.storage.runtime.capabilities.host_memory else backend.place(array.storage.buffer)
    if place is None or place[0] not in _CUDA_LIKE:
        raise AttributeError(f"__cuda_array_interface__: a tensor on '{tensor.device}' has no CUDA memory")
    if array.dtype is dtypes.bfloat16:
        raise AttributeError(
            "__cuda_array_interface__: bfloat16 has no name there; use DLPack, or x.view(hotplug.uint16)"
        )
    if history(tensor) is not None:
        raise ExchangeError(
            "__cuda_array_interface__: can't get it on a tensor that requires gradient; use tensor.detach()"
        )
    stream = backend.stream(index)
    return {
        "shape": array.shape, "strides": array.layout.byte_strides, "typestr": array.dtype.numpy.str,
        "data": (place[2] + array.offset * array.dtype.itemsize if array.numel else 0, False), "version": 3,
        "stream": stream if stream > 0 else None,
    }  # fmt: skip


def _capsule(values: np.ndarray[Any, Any], max_version: Any, copy: bool | None) -> Any:
    if values.dtype != dtypes.bfloat16.numpy:
        return _numpy_capsule(values, max_version, copy)
    capsule = _numpy_capsule(values.view(np.uint16), max_version, copy)
    _read(capsule).tensor.dtype.code = _BFLOAT
    return capsule


def _numpy_capsule(values: np.ndarray[Any, Any], max_version: Any, copy: bool | None) -> Any:
    if _VERSIONED:
        return values.__dlpack__(max_version=max_version, copy=copy)
    return (values.copy() if copy else values).__dlpack__()


def _elsewhere(tensor: Tensor) -> ExchangeError:
    return ExchangeError(f"__dlpack__: a tensor on '{tensor.device}' isn't in host memory; use .cpu() first")


# --- in ---------------------------------------------------------------------------------------------------------------


def take(foreign: Any, device: Any, copy: bool | None) -> Tensor:
    """What :func:`hotplug.from_dlpack` does."""
    if isinstance(foreign, Tensor):
        return _own(foreign, device, copy)
    shared = _taken_by_device(foreign, device, copy)
    if shared is not None:
        return shared
    runtime = runtime_of("cpu") if device is None else resolve_runtime(device)
    capsule = foreign if type(foreign).__name__ == "PyCapsule" else _ask(foreign, device is not None, copy)
    header = _read(capsule)
    if header.tensor.device.type not in _READABLE_HERE:
        raise _foreign_device(header.tensor.device.type, header.tensor.device.id)
    values = _view(capsule, header)
    array = None if copy or header.read_only else _shared(runtime, values)
    if array is None:
        if copy is False and values.size:
            raise ExchangeError(
                f"from_dlpack: sharing the memory on '{runtime.name}' is impossible (it is read-only, not aligned to "
                f"16 bytes, or not that device's); pass copy=None"
            )
        array = host.from_host(runtime, values, dtypes.from_numpy(values.dtype))
    return wrap(array)


def _taken_by_device(foreign: Any, device: Any, copy: bool | None) -> Tensor | None:
    """A tensor that shares an array's memory on a device of ours; ``None`` where that isn't what is there or wanted."""
    place = _place_of(foreign)
    if place is None:
        return None
    runtime = _device_of(place) if device is None else resolve_runtime(device)
    if runtime is None or runtime.capabilities.host_memory or not _is_at(runtime, place):
        return None
    capsule = foreign
    if type(foreign).__name__ != "PyCapsule":
        stream = runtime.backend.stream(runtime.index)
        options = {"stream": None if stream == -1 and place[0] == HOST[0] else stream}
        try:
            capsule = foreign.__dlpack__(max_version=_VERSION, **options)
        except TypeError:  # a producer from before version 1.0
            capsule = foreign.__dlpack__(**options)
    return _adopted(capsule, runtime, place, copy)


def _place_of(foreign: Any) -> tuple[int, int] | None:
    if type(foreign).__name__ == "PyCapsule":
        device = _read(foreign).tensor.device
        return device.type, device.id
    if not hasattr(foreign, "__dlpack__") or not hasattr(foreign, "__dlpack_device__"):
        return None
    kind, index = map(int, foreign.__dlpack_device__())
    return kind, index


def _device_of(place: tuple[int, int]) -> Runtime | None:
    """The device of ours that is meant by default: ``cuda`` for CUDA and ROCm."""
    if place[0] not in _CUDA_LIKE:
        return None
    try:
        return resolve_runtime(f"cuda:{place[1]}")
    except DeviceError:
        return None


def _is_at(runtime: Runtime, place: tuple[int, int]) -> bool:
    """Whether memory of a device of ours is at a place: asked of a piece of it."""
    found = runtime.backend.place(runtime.empty(layout_of(dtypes.uint8, (1,))).storage.buffer)
    return found is not None and found[:2] == place


def _adopted(capsule: Any, runtime: Runtime, place: tuple[int, int], copy: bool | None) -> Tensor:
    header = _read(capsule)
    given = header.tensor
    address = (given.data or 0) + given.byte_offset
    given.device.type, given.device.id = HOST
    try:
        values = _view(capsule, header)  # owns the capsule; its address is the device's, and is not read
    finally:
        given.device.type, given.device.id = place
    kind = dtypes.from_numpy(values.dtype)
    if any(step % kind.itemsize for step in values.strides) or address % kind.itemsize:
        raise ExchangeError(f"from_dlpack: the memory on '{runtime.name}' is not aligned to elements of {kind.name}")
    layout = layout_of(kind, values.shape, tuple(step // kind.itemsize for step in values.strides))
    if not values.size:
        return wrap(runtime.empty(layout_of(kind, values.shape)))
    low, high = layout.extent()
    nbytes = (high - low + 1) * kind.itemsize
    buffer = runtime.backend.adopt(runtime.index, address + low * kind.itemsize, nbytes, values)
    if buffer is None:
        raise ExchangeError(f"from_dlpack: '{runtime.name}' can't share memory that another library allocated")
    array = Array(Storage(runtime, buffer, nbytes, -1, values), layout, -low)
    if copy is False and header.read_only:
        raise ExchangeError("from_dlpack: the memory is read-only, so that it has to be copied; pass copy=None")
    return wrap(dispatch.clone(array) if copy or header.read_only else array)


def _own(tensor: Tensor, device: Any, copy: bool | None) -> Tensor:
    """A tensor of ours shares its Storage, so that writes through either are counted."""
    runtime = tensor._array.storage.runtime if device is None else resolve_runtime(device)
    if runtime is tensor._array.storage.runtime:
        return wrap(dispatch.clone(tensor._array) if copy else tensor._array)
    if copy is False:
        raise ExchangeError(f"from_dlpack: a tensor on '{tensor.device}' can't be had on '{runtime.name}' uncopied")
    return tensor.detach().to(device=device)


def _ask(foreign: Any, moves: bool, copy: bool | None) -> Any:
    """The capsule of a foreign array; where a target was named, the producer may copy to the host."""
    if not hasattr(foreign, "__dlpack__") or not hasattr(foreign, "__dlpack_device__"):
        raise ArgumentTypeError(
            f"from_dlpack expected an object with __dlpack__ and __dlpack_device__, or a capsule, got "
            f"{type(foreign).__name__}"
        )
    kind, index = map(int, foreign.__dlpack_device__())
    options: dict[str, Any] = {"max_version": _VERSION}
    if kind not in _READABLE_HERE:
        if not moves or copy is False:
            raise _foreign_device(kind, index)
        options["dl_device"] = HOST
    try:
        return foreign.__dlpack__(**options)
    except TypeError:  # a producer from before version 1.0
        return foreign.__dlpack__()


def _foreign_device(kind: int, index: int) -> ExchangeError:
    return ExchangeError(
        f"from_dlpack: the array is on {_named(kind, index)}, and Hotplug shares host memory only; copy it to the host "
        f"first (PyTorch: .cpu()), or pass device= where its library can copy"
    )


def _named(kind: int, index: int) -> str:
    return f"{_DEVICES.get(kind, 'an unknown kind of device')} (DLPack device {kind}, {index})"


def _read(capsule: Any) -> _Header:
    """The header of a capsule that nobody has consumed."""
    if _is_valid(capsule, b"dltensor"):
        return _Header(_DLTensor.from_address(_pointer_of(capsule, b"dltensor")), False)
    if not _is_valid(capsule, b"dltensor_versioned"):
        raise ExchangeError(f"from_dlpack: expected a DLPack capsule that isn't consumed yet, got {capsule!r}")
    found = _Versioned.from_address(_pointer_of(capsule, b"dltensor_versioned"))
    if found.major != _VERSION[0]:
        raise ExchangeError(f"from_dlpack: the capsule is of DLPack {found.major}.{found.minor}, expected 1.x")
    return _Header(found.tensor, bool(found.flags & _READ_ONLY))


def _view(capsule: Any, header: _Header) -> np.ndarray[Any, Any]:
    """The capsule as an ndarray, which owns it from here on; checked first."""
    given = header.tensor
    kind = _dtype(given.dtype)
    shape = [given.shape[axis] for axis in range(given.ndim)]
    if given.ndim < 0 or any(size < 0 for size in shape):
        raise ExchangeError(f"from_dlpack: the capsule has a negative size, shape {shape}")
    if math.prod(shape) * kind.itemsize > _LARGEST_SIZE or (math.prod(shape) and not given.data):
        raise ExchangeError(f"from_dlpack: the capsule's memory can't hold shape {shape} of {kind.name}")
    if kind is not dtypes.bfloat16:
        return np.from_dlpack(_Holder(capsule))
    given.dtype.code = _UINT
    return np.from_dlpack(_Holder(capsule)).view(kind.numpy)


def _dtype(given: _DataType) -> dtypes.dtype:
    letter = "f" if given.code == _BFLOAT else _CODES.get(given.code)
    for each in dtypes.ALL:
        if (
            (each.kind, each.itemsize * 8, given.lanes) == (letter, given.bits, 1)
            and (each is dtypes.bfloat16) == (given.code == _BFLOAT)
        ):  # fmt: skip
            return each
    raise DTypeError(
        f"from_dlpack: no dtype has DLPack's type code {given.code} with {given.bits} bits and {given.lanes} lanes"
    )


@final
class _Holder:
    """A capsule as NumPy wants it: behind the method."""

    def __init__(self, capsule: Any) -> None:
        self._capsule = capsule

    def __dlpack__(self, **_: Any) -> Any:
        return self._capsule

    def __dlpack_device__(self) -> tuple[int, int]:
        return HOST


def _shared(runtime: Runtime, values: np.ndarray[Any, Any]) -> Array | None:
    if not values.flags.writeable:
        # NumPy marks what came in a capsule of the old kind as read-only: the header can't say that it isn't.
        values = np.asarray(_Writable(values)).view(values.dtype)
    return host.share_on(runtime, values)


@final
class _Writable:
    """The memory of an ndarray, for NumPy, as writable."""

    def __init__(self, values: np.ndarray[Any, Any]) -> None:
        described = values.__array_interface__
        plain = "<u2" if values.dtype == dtypes.bfloat16.numpy else described["typestr"]
        self.__array_interface__ = {
            **described, "data": (described["data"][0], False), "typestr": plain, "descr": None,
        }  # fmt: skip
        self._values = values
