"""What the names in a file of ``torch.save`` mean here: storages, tensors, parameters, dtypes, sizes, devices."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple, final

import numpy as np

from hotplug import dtypes, host
from hotplug.array import Array, Storage
from hotplug.device import device
from hotplug.dtypes import dtype
from hotplug.errors import ArgumentError, ArgumentTypeError, DeviceError, FileFormatError
from hotplug.layout import layout_of
from hotplug.runtime import Runtime, resolve_runtime
from hotplug.serialization.pickling import bare
from hotplug.serialization.unpickling import BUILT_IN, Builder, Machine
from hotplug.tensor import Size, Tensor, wrap

STORAGES: Final[Mapping[str, dtype]] = {
    "BoolStorage": dtypes.bool_, "ByteStorage": dtypes.uint8, "CharStorage": dtypes.int8,
    "ShortStorage": dtypes.int16, "IntStorage": dtypes.int32, "LongStorage": dtypes.int64,
    "HalfStorage": dtypes.float16, "BFloat16Storage": dtypes.bfloat16, "FloatStorage": dtypes.float32,
    "DoubleStorage": dtypes.float64, "ComplexFloatStorage": dtypes.complex64,
    "ComplexDoubleStorage": dtypes.complex128,
}  # fmt: skip
"""PyTorch's names of typed storages.  The wide unsigned types came later and live in untyped ones."""

MapLocation = str | device | Mapping[str, Any] | Callable[[Any, str], Any] | None

_COMPUTED: Final = 16
"""How many times the file's size may be computed: a view can repeat a few bytes to any size, and be named many times."""
_LARGEST_RANK: Final = 64
_LARGEST_SIZE: Final = 2**63 - 1


@final
class StorageType(NamedTuple):
    """What kind of elements a storage has; ``None``: bytes."""

    dtype: dtype | None

    @property
    def itemsize(self) -> int:
        """Bytes an element takes."""
        return self.dtype.itemsize if self.dtype else 1


@final
class _TensorType:
    """``torch.Tensor`` or a class of parameters, where it names how to rebuild one."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name: Final = name


@final
class _Bytes:
    """A storage of a file, the same for all tensors that share it; or, in legacy files, a part of one."""

    __slots__ = ("begin", "dtype", "location", "nbytes", "storage")

    def __init__(self, dtype: dtype | None, location: str, storage: Storage, begin: int, nbytes: int) -> None:
        self.dtype: Final = dtype
        self.location: Final = location
        self.storage: Final = storage
        self.begin: Final = begin
        """The byte of the storage that the part begins with."""
        self.nbytes: Final = nbytes


@final
class HostStorage:
    """What a function passed as ``map_location`` gets, and returns to have the tensor in host memory."""

    device: Final = "cpu"


@final
class StorageId(NamedTuple):
    """What a persistent id says of a storage."""

    key: str
    kind: StorageType
    location: str
    length: int
    """Elements of the whole storage."""
    part: tuple[int, int] | None
    """First element and number of elements of a part of it, in legacy files."""


def storage_id(pid: Any, where: str) -> StorageId:
    """``("storage", type, key, location, number of elements)``, and in legacy files ``None`` or ``(key, first, number)``.

    Raises:
        FileFormatError: it is something else.
    """
    kinds = (str, StorageType, str, str, int)
    if (
        not isinstance(pid, tuple) or len(pid) not in (5, 6) or not all(map(isinstance, pid, kinds))
        or pid[0] != "storage" or isinstance(pid[4], bool)
    ):  # fmt: skip
        raise FileFormatError(f"{where}: a storage is described in a way that is not PyTorch's")
    part = None
    if len(pid) == 6 and pid[5] is not None:
        if not isinstance(pid[5], tuple) or len(pid[5]) != 3 or not _are_sizes(pid[5][1:]):
            raise FileFormatError(f"{where}: a part of a storage is described in a way that is not PyTorch's")
        part = pid[5][1], pid[5][2]
    return StorageId(pid[2], pid[1], pid[3], pid[4], part)


BUILDERS: Final[Mapping[tuple[str, str], str]] = {
    ("torch", "Size"): "_size", ("torch", "device"): "_device",
    ("torch._utils", "_rebuild_tensor"): "_tensor", ("torch._utils", "_rebuild_tensor_v2"): "_tensor",
    ("torch._utils", "_rebuild_tensor_v3"): "_tensor_of_bytes",
    ("torch._utils", "_rebuild_parameter"): "_parameter",
    ("torch._utils", "_rebuild_parameter_with_state"): "_parameter",
    ("torch._tensor", "_rebuild_from_type_v2"): "_of_type",
}  # fmt: skip
"""Functions that a file may call, and the methods of :class:`Rebuilder` that they are."""


def plain_names() -> dict[tuple[str, str], Any]:
    """What names mean that need nothing of the file: containers, dtypes, kinds of storages and tensors."""
    names = dict(BUILT_IN)
    names |= {("torch", name): StorageType(kind) for name, kind in STORAGES.items()}
    names |= {("torch", each.name): each for each in dtypes.ALL}
    names |= {(module, "UntypedStorage"): StorageType(None) for module in ("torch", "torch.storage")}
    return names | {(module, name): _TensorType(name) for module, name in (
        ("torch", "Tensor"), ("torch.nn.parameter", "Parameter"), ("torch.nn.parameter", "Buffer"),
    )}  # fmt: skip


@final
class Content(NamedTuple):
    """What a file brings: its pickle, and the bytes of its storages."""

    pickle: Any
    """Bytes or a memory map, with the pickle among them."""
    start: int
    """Where the pickle begins."""
    storage: Callable[[str], memoryview]
    """The bytes of the storage with a key; raises FileFormatError where there is none."""
    size: int
    """Bytes of the file."""


@final
class Rebuilder:
    """Builds the values of one file.

    Args:
        content: the file.
        map_location: which device each saved location becomes.
        mapped: whether the file's bytes may be shared: a private map of it.
        where: the file, for messages.
    """

    def __init__(self, content: Content, map_location: MapLocation, mapped: bool, where: str) -> None:
        self._content: Final = content
        self._map_location: Final = map_location
        self._mapped: Final = mapped
        self._where: Final = where
        self._loaded: Final[dict[str, _Bytes]] = {}
        self._left = _COMPUTED * content.size

    def value(self) -> Any:
        """The value that was saved."""
        internal = (StorageType, _TensorType, _Bytes)
        pickle, start, _, _ = self._content
        return Machine(pickle, self._names(), self._persistent, self._attach, internal, self._where, start).run()

    def _names(self) -> dict[tuple[str, str], Any]:
        builders = {key: Builder(key[1], getattr(self, method)) for key, method in BUILDERS.items()}
        return plain_names() | builders

    def _refuse(self, why: str) -> FileFormatError:
        return FileFormatError(f"{self._where}: {why}")

    # --- storages -----------------------------------------------------------------------------------------------------

    def _persistent(self, pid: Any) -> _Bytes:
        """The storage that a persistent id describes, or the part of it."""
        key, (kind,), location, count, part = storage_id(pid, self._where)
        found = self._loaded.get(key)
        if found is None:
            found = self._loaded[key] = self._load(key, kind, location, count)
        size = kind.itemsize if kind else 1
        if found.dtype is not kind or found.location != location or found.nbytes != count * size:
            raise self._refuse(f"storage {key[:100]!r} is described in two ways")
        if part is None:
            return found
        first, length = part
        if first + length > count:
            raise self._refuse(f"a part of storage {key[:100]!r} ends at element {first + length} of {count}")
        return _Bytes(kind, location, found.storage, first * size, length * size)

    def _load(self, key: str, kind: dtype | None, location: str, count: int) -> _Bytes:
        runtime = self._runtime(location)
        raw = self._content.storage(key)
        if len(raw) != count * (kind.itemsize if kind else 1):
            raise self._refuse(
                f"storage {key[:100]!r} has {len(raw)} bytes, but should hold {count} of {kind.name if kind else 'bytes'}"
            )
        flat = np.frombuffer(raw, np.uint8)
        if kind is dtypes.bool_:
            flat = (flat != 0).view(np.uint8)  # a byte other than 0 and 1 in a bool is undefined behaviour
        shared = host.share_on(runtime, flat) if self._mapped and runtime.capabilities.host_memory else None
        array = host.from_host(runtime, flat, dtypes.uint8) if shared is None else shared
        return _Bytes(kind, location, array.storage, 0, len(raw))

    def _runtime(self, location: str) -> Runtime:
        """The device that a saved location becomes."""
        chosen: Any = self._map_location
        if isinstance(chosen, Mapping):
            chosen = chosen.get(location)
        elif callable(chosen):
            chosen = chosen(HostStorage(), location)
            chosen = chosen.device if isinstance(chosen, HostStorage) else chosen
        if chosen is not None:
            return resolve_runtime(chosen)
        try:
            return resolve_runtime(location)
        except (DeviceError, ArgumentTypeError) as error:
            raise DeviceError(
                f"{self._where}: a tensor was saved on {location[:100]!r}, which can't be used here ({error}); pass "
                f"map_location='cpu' to load it into host memory"
            ) from error

    # --- tensors ------------------------------------------------------------------------------------------------------

    def _tensor(
        self, held: Any, offset: Any, shape: Any, strides: Any, requires_grad: Any = False, hooks: Any = None,
        flags: Any = None,
    ) -> Tensor:  # fmt: skip
        if not isinstance(held, _Bytes) or held.dtype is None:
            raise self._refuse("a tensor is built of something that is no typed storage")
        return self._view(held, held.dtype, offset, shape, strides, requires_grad, hooks, flags)

    def _tensor_of_bytes(
        self, held: Any, offset: Any, shape: Any, strides: Any, requires_grad: Any, hooks: Any, kind: Any,
        flags: Any = None,
    ) -> Tensor:  # fmt: skip
        if not isinstance(held, _Bytes) or held.dtype is not None or not isinstance(kind, dtype):
            raise self._refuse("a tensor is built of something that is no untyped storage")
        if kind is dtypes.bool_:
            raise self._refuse("a tensor of bools has an untyped storage")
        return self._view(held, kind, offset, shape, strides, requires_grad, hooks, flags)

    def _view(
        self, held: _Bytes, kind: dtype, offset: Any, shape: Any, strides: Any, requires_grad: Any, hooks: Any,
        flags: Any,
    ) -> Tensor:  # fmt: skip
        if not all(isinstance(each, tuple) and _are_sizes(each) for each in (shape, strides, (offset,))):
            raise self._refuse("a tensor's offset, shape and strides must be sizes from 0 to 2**63 - 1")
        if len(shape) != len(strides) or len(shape) > _LARGEST_RANK:
            raise self._refuse(f"a tensor has {len(shape)} sizes and {len(strides)} strides")
        if math.prod(size or 1 for size in shape) * kind.itemsize > _LARGEST_SIZE:
            raise self._refuse(f"a tensor of shape {list(shape)} overflows 64 bits")
        last = offset + sum((size - 1) * stride for size, stride in zip(shape, strides, strict=True))
        end = (last + 1 if math.prod(shape) else offset) * kind.itemsize
        if held.begin % kind.itemsize:
            raise self._refuse(f"a tensor of {kind.name} begins at byte {held.begin} of its storage")
        if end > held.nbytes:
            raise self._refuse(f"a tensor ends at byte {end} of a storage of {held.nbytes} bytes")
        if hooks or not isinstance(requires_grad, bool) or (requires_grad and kind.kind not in "fc"):
            raise self._refuse(f"a tensor of {kind.name} has hooks, or a gradient that it can't have")
        array = Array(held.storage, layout_of(kind, tuple(shape), tuple(strides)), offset + held.begin // kind.itemsize)
        return self._resolved(bare(Tensor, array, requires_grad), flags)

    def _resolved(self, tensor: Tensor, flags: Any) -> Tensor:
        """PyTorch marks a conjugated or negated view by a bit; here the values are computed, apart from the storage."""
        if not flags:
            return tensor
        if not isinstance(flags, dict) or not flags.keys() <= {"conj", "neg"}:
            raise self._refuse("a tensor has marks that are unknown")
        self._left -= tensor.nbytes
        if self._left < 0:
            raise self._refuse(f"its conjugated and negated views take more than {_COMPUTED} times the file's size")
        result = wrap(tensor._array)
        result = result.conj() if flags.get("conj") is True else result
        result = -result if flags.get("neg") is True else result
        return bare(Tensor, result._array, tensor.requires_grad)

    def _parameter(self, data: Any, requires_grad: Any, hooks: Any, state: Any = None) -> Tensor:
        from hotplug.nn import Parameter

        if not isinstance(data, Tensor) or not isinstance(requires_grad, bool) or hooks:
            raise self._refuse("a parameter is built of something that is no tensor, or has hooks")
        if requires_grad and data.dtype.kind not in "fc":
            raise self._refuse(f"a parameter of {data.dtype.name} can't have a gradient")
        found = bare(Parameter, data._array, requires_grad)
        self._attach(found, state)
        return found

    def _of_type(self, function: Any, kind: Any, arguments: Any, state: Any) -> Tensor:
        """A tensor with attributes."""
        from hotplug.nn import Buffer, Parameter

        if not isinstance(function, Builder) or not isinstance(kind, _TensorType) or not isinstance(arguments, tuple):
            raise self._refuse("a tensor with attributes is built in an unknown way")
        found = function.call(*arguments)
        if not isinstance(found, Tensor):
            raise self._refuse("a tensor with attributes is built of something else")
        state = dict(state) if isinstance(state, dict) else state
        if isinstance(state, dict) and state.pop("_is_buffer", False) is True:
            found = bare(Buffer, found._array, found.requires_grad)
        elif kind.name == "Parameter" and type(found) is not Parameter:
            found = bare(Parameter, found._array, found.requires_grad)
        self._attach(found, state)
        return found

    def _attach(self, target: Any, state: Any) -> None:
        """The state of an object: attributes of a tensor, and the versions in a module's state."""
        if state is None or state == {}:
            return
        names = state.keys() if isinstance(state, dict) else [None]
        if isinstance(target, Tensor):
            for name in names:
                if not isinstance(name, str) or not name.isidentifier() or hasattr(type(target), name):
                    raise self._refuse(f"a tensor has an attribute {str(name)[:100]!r}, which it can't have")
        elif type(target).__name__ != "OrderedDict" or set(names) != {"_metadata"}:
            raise self._refuse(f"a {type(target).__name__} has attributes")
        vars(target).update(state)

    # --- small values -------------------------------------------------------------------------------------------------

    def _size(self, sizes: Any) -> Size:
        if not isinstance(sizes, tuple) or not _are_sizes(sizes):
            raise self._refuse("a size is no tuple of integers")
        return Size(sizes)

    def _device(self, kind: Any, index: Any = None) -> device:
        if not isinstance(kind, str) or not (index is None or type(index) is int):
            raise self._refuse("a device is described in an unknown way")
        try:
            return device(kind, index)
        except (DeviceError, ArgumentError) as error:
            raise DeviceError(f"{self._where}: {error}") from error


def _are_sizes(values: tuple[Any, ...]) -> bool:
    return all(type(each) is int and 0 <= each <= _LARGEST_SIZE for each in values)
