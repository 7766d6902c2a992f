"""A pickle written by hand, of the names that ``torch.save`` writes, so that PyTorch reads it with ``weights_only=True``.

Python's own pickler refuses to name what isn't installed; and a file should hold nothing that can't be read again.  The
opcodes are those of protocol 2.
"""

from __future__ import annotations

import struct
from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import Any, Final, final

from hotplug import dispatch
from hotplug.array import Array, Storage
from hotplug.device import device
from hotplug.dtypes import dtype
from hotplug.errors import ArgumentError, ArgumentTypeError
from hotplug.serialization.rebuilding import STORAGES
from hotplug.serialization.unpickling import LARGEST_DEPTH, check_key
from hotplug.tensor import Size, Tensor

_STORAGE_NAMES: Final = {kind: name for name, kind in STORAGES.items()}


@final
class Emitter:
    """Writes one value; afterwards ``data`` is the pickle, and ``storages`` what belongs into the archive beside it."""

    def __init__(self) -> None:
        self.data: Final = bytearray(b"\x80\x02")
        self.storages: Final[dict[int, tuple[int, Storage, dtype]]] = {}
        """Number in the archive, storage and dtype, by identity."""
        self._memo: Final[dict[Any, int]] = {}
        self._kept: Final[list[Any]] = []
        """Copies made on the way: the memo knows objects by their address."""
        self._open: Final[set[int]] = set()

    def write(self, value: Any) -> None:
        """The whole pickle of a value.

        Raises:
            ArgumentTypeError: something among the values has no place in a file of weights.
            ArgumentError: the values contain themselves, or one storage is seen as two dtypes.
        """
        self._emit(value)
        self.data.extend(b".")

    # --- values -------------------------------------------------------------------------------------------------------

    def _emit(self, value: Any) -> None:
        """Any value; one that was written before is referred to."""
        if value is None or value is True or value is False:
            self.data.extend({None: b"N", True: b"\x88", False: b"\x89"}[value])
        elif isinstance(value, int):
            self._int(int(value))
        elif isinstance(value, float):
            self.data.extend(b"G" + struct.pack(">d", value))
        elif isinstance(value, str):
            self._once(("text", str(value)), lambda: self._text(str(value)))
        else:
            write = self._writer(value)
            if write is None:
                raise ArgumentTypeError(
                    f"save: can't store a {type(value).__name__}; expected tensors, parameters, numbers, strings, "
                    f"bytes, bools, None, dtypes, devices, sizes, and dicts, lists, tuples and sets of them (of a "
                    f"module, save its state_dict())"
                )
            self._contained(value, write)

    def _writer(self, value: Any) -> Callable[[Any], None] | None:
        exact: dict[type, Callable[[Any], None]] = {
            dict: self._dict, OrderedDict: self._ordered, Counter: self._counter, list: self._list,
            tuple: self._tuple, Size: self._size, set: self._set, bytes: self._bytes, bytearray: self._bytearray,
            complex: self._complex, dtype: lambda kind: self._name("torch", kind.name), device: self._device,
        }  # fmt: skip
        found = exact.get(type(value))
        if found is not None or not isinstance(value, Tensor):
            return found
        from hotplug.nn import Buffer, Parameter

        return {Tensor: self._plain, Parameter: self._parameter, Buffer: self._buffer}.get(type(value))

    def _contained(self, value: Any, write: Callable[[Any], None]) -> None:
        """A container, which must not hold itself."""
        if id(value) in self._open:
            raise ArgumentError("save: the values contain themselves")
        if len(self._open) >= LARGEST_DEPTH:
            raise ArgumentError(f"save: values are nested deeper than {LARGEST_DEPTH} levels")
        self._open.add(id(value))
        self._once(id(value), lambda: write(value))
        self._open.discard(id(value))

    def _once(self, key: Any, write: Callable[[], None]) -> None:
        place = self._memo.get(key)
        if place is not None:
            self.data.extend(b"j" + struct.pack("<I", place))
            return
        write()
        self._remember(key)

    def _remember(self, key: Any) -> None:
        if key not in self._memo:
            self.data.extend(b"r" + struct.pack("<I", len(self._memo)))
            self._memo[key] = len(self._memo)

    def _int(self, value: int) -> None:
        if -(2**31) <= value < 2**31:
            self.data.extend(b"J" + struct.pack("<i", value))
            return
        raw = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
        if len(raw) > 255:
            raise ArgumentError(f"save: an integer of {value.bit_length()} bits is too large")
        self.data.extend(b"\x8a" + bytes([len(raw)]) + raw)

    def _text(self, value: str) -> None:
        raw = value.encode("utf-8", "surrogatepass")
        self.data.extend(b"X" + struct.pack("<I", len(raw)) + raw)

    def _name(self, module: str, name: str) -> None:
        self._once((module, name), lambda: self.data.extend(f"c{module}\n{name}\n".encode()))

    def _call(self, module: str, name: str, *arguments: Any) -> None:
        """A call; an argument that is a function writes itself."""
        self._name(module, name)
        self._sequence(arguments)
        self.data.extend(b"R")

    def _sequence(self, arguments: tuple[Any, ...]) -> None:
        self.data.extend(b"(")
        for each in arguments:
            if callable(each) and not isinstance(each, Tensor):
                each()
            else:
                self._emit(each)
        self.data.extend(b"t")

    # --- containers ---------------------------------------------------------------------------------------------------

    def _key(self, value: Any) -> None:
        try:
            check_key(value)
        except TypeError as error:
            raise ArgumentTypeError(f"save: a dict or set has a key that can't be read again: {error}") from None

    def _items(self, value: Any) -> None:
        for key, each in value.items():
            self._key(key)
            self._emit(key)
            self._emit(each)
            self.data.extend(b"s")

    def _dict(self, value: dict[Any, Any]) -> None:
        self.data.extend(b"}")
        self._items(value)

    def _ordered(self, value: Any) -> None:
        self._call("collections", "OrderedDict")
        self._items(value)
        metadata = getattr(value, "_metadata", None)  # the versions of a module's parts
        if metadata is not None:
            self._dict({"_metadata": metadata})
            self.data.extend(b"b")

    def _counter(self, value: Any) -> None:
        self._call("collections", "Counter", lambda: self._dict(value))

    def _list(self, value: list[Any]) -> None:
        self.data.extend(b"]")
        for each in value:
            self._emit(each)
            self.data.extend(b"a")

    def _tuple(self, value: tuple[Any, ...]) -> None:
        self.data.extend(b"(")
        for each in value:
            self._emit(each)
        self.data.extend(b"t")

    def _size(self, value: Size) -> None:
        self._call("torch", "Size", lambda: self._tuple(value))

    def _set(self, value: set[Any]) -> None:
        for each in value:
            self._key(each)
        # Sorted, so that equal values give equal files: the order of strings in a set differs from run to run.
        self._call("__builtin__", "set", lambda: self._list(sorted(value, key=repr)))

    # --- small values -------------------------------------------------------------------------------------------------

    def _bytes(self, value: bytes) -> None:
        self._call("_codecs", "encode", value.decode("latin1"), "latin1")

    def _bytearray(self, value: bytearray) -> None:
        self._call("__builtin__", "bytearray", lambda: self._bytes(bytes(value)))

    def _complex(self, value: complex) -> None:
        self._call("__builtin__", "complex", value.real, value.imag)

    def _device(self, value: device) -> None:
        self._call("torch", "device", *([value.type] if value.index is None else [value.type, value.index]))

    # --- tensors ------------------------------------------------------------------------------------------------------

    def _no_hooks(self) -> None:
        self._call("collections", "OrderedDict")

    def _plain(self, tensor: Tensor) -> None:
        state = vars(tensor)
        if state:
            self._with_state(tensor, dict(state))
        else:
            self._call(*self._described(tensor))

    def _with_state(self, tensor: Tensor, state: dict[str, Any]) -> None:
        module, name, *arguments = self._described(tensor)
        self._call(
            "torch._tensor", "_rebuild_from_type_v2", lambda: self._name(module, name),
            lambda: self._name("torch", "Tensor"), lambda: self._sequence(tuple(arguments)),
            lambda: self._dict(state),
        )  # fmt: skip

    def _buffer(self, tensor: Any) -> None:
        self._with_state(tensor, {**vars(tensor), "_is_buffer": True})

    def _parameter(self, tensor: Tensor) -> None:
        arguments = lambda: self._call(*self._described(tensor.detach())), tensor.requires_grad, self._no_hooks
        if vars(tensor):
            self._call(
                "torch._utils", "_rebuild_parameter_with_state", *arguments, lambda: self._dict(dict(vars(tensor)))
            )
        else:
            self._call("torch._utils", "_rebuild_parameter", *arguments)

    def _described(self, tensor: Tensor) -> tuple[Any, ...]:
        """Module, name and arguments of the function that makes a tensor of a storage."""
        array = tensor._array
        if any(stride < 0 for stride in array.strides):
            array = dispatch.clone(array)  # PyTorch has no negative strides
            self._kept.append(array)
        kind = array.dtype
        view = (
            lambda: self._storage(array, kind, str(tensor.device)), array.offset, lambda: self._tuple(array.shape),
            lambda: self._tuple(array.strides), tensor.requires_grad, self._no_hooks,
        )  # fmt: skip
        if kind in _STORAGE_NAMES:
            return "torch._utils", "_rebuild_tensor_v2", *view
        return "torch._utils", "_rebuild_tensor_v3", *view, lambda: self._name("torch", kind.name)

    def _storage(self, array: Array, kind: dtype, location: str) -> None:
        """The persistent id of the storage, all of which is saved, so that views share it again."""
        storage = array.storage
        number, _, known = self.storages.setdefault(id(storage), (len(self.storages), storage, kind))
        if known is not kind:
            raise ArgumentError(
                f"save: two tensors see the same memory as {known.name} and as {kind.name}, which the format can't "
                f"express; clone() one of them"
            )
        typed = kind in _STORAGE_NAMES
        names = ("torch", _STORAGE_NAMES[kind]) if typed else ("torch.storage", "UntypedStorage")
        count = storage.nbytes // kind.itemsize * (1 if typed else kind.itemsize)
        self._sequence(("storage", lambda: self._name(*names), str(number), location, count))
        self.data.extend(b"Q")
