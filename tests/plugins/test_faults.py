"""Plugins that break, at every call of the contract: the error names the plugin, and everything else works on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, cast, final

import numpy as np
import pytest
from fake_backend import FakeBackend

import hotplug as hp
from hotplug.backend import Array, Capabilities, Compute, DeviceInfo, FunctionalBackend, Kernel, Layout, OpKey, dtypes
from hotplug.errors import CapabilityError, DeviceError, HotplugError, OutOfMemoryError, PluginError
from hotplug.plugins import BackendSpec, registry
from hotplug.runtime import runtime_of

NAMES = (f"faulty{number}" for number in range(10000))


@pytest.fixture
def device() -> Iterator[Callable[..., str]]:
    """Makes a device of a FakeBackend with some methods replaced; each has a name of its own, since Runtimes stay."""
    made = []

    def make(backend: Any = None, **methods: Any) -> str:
        name = next(NAMES)
        backend = backend or FakeBackend(name)
        backend.name = name
        for method, function in methods.items():
            setattr(backend, method, function)
        registry.register(BackendSpec(name, lambda: backend, hint="call the vendor"))
        made.append(name)
        return name

    yield make
    for name in made:
        registry.unregister(name)
    assert (hp.ones(2, device="cpu") + 1).tolist() == [2, 2]  # whatever broke, the others work on


def raises(error: Exception) -> Callable[..., Any]:
    """A method that raises."""

    def method(*_: Any, **__: Any) -> Any:
        raise error

    return method


def kernels(kernel: Kernel | Any) -> Callable[[int, OpKey], Any]:
    """A ``resolve`` with one answer."""
    return lambda index, key: kernel


def fails(call: Callable[[], Any], kind: type[HotplugError], *words: str) -> None:
    """The call raises, and the message has all the words."""
    with pytest.raises(kind) as caught:
        call()
    assert [word for word in words if word not in str(caught.value)] == [], str(caught.value)


def test_devices_raises(device: Callable[..., str]) -> None:
    name = device(devices=raises(OSError("no driver")))
    fails(lambda: hp.ones(2, device=name), DeviceError, name, "OSError: no driver", "call the vendor")
    row = next(row for row in registry.report() if row.device == name)
    assert "no driver" in row.problem


def test_devices_returns_something_else(device: Callable[..., str]) -> None:
    name = device(devices=lambda: ["card"])
    fails(lambda: hp.ones(2, device=name), DeviceError, name, "'card'", "DeviceInfo")


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        (raises(OSError("lost")), "raised OSError('lost')"),
        (lambda index: {"float32"}, "expected Capabilities"),
        (lambda index: Capabilities(storage=frozenset({dtypes.float32})), "must be among those of storage"),
        (
            lambda index: Capabilities(storage=cast(Any, frozenset({"float32"})), arithmetic=frozenset()),
            "hotplug.dtypes.ALL",
        ),
    ],
)
def test_capabilities_that_are_wrong(device: Callable[..., str], answer: Any, word: str) -> None:
    name = device(capabilities=answer)
    fails(lambda: hp.ones(2, device=name), PluginError, name, word)


def test_resolve_raises(device: Callable[..., str]) -> None:
    name = device(resolve=raises(ValueError("does not compile")))
    fails(lambda: hp.zeros(2, device=name), PluginError, name, "resolve", "does not compile", "map")


def test_resolve_returns_no_kernel(device: Callable[..., str]) -> None:
    fails(lambda: hp.zeros(2, device=device()), PluginError, "no kernel", "map is a required family", "faulty")
    name = device(resolve=kernels(42))
    fails(lambda: hp.zeros(2, device=name), PluginError, name, "returned 42", "not a kernel")


@pytest.mark.parametrize("use", ["unary", "binary", "broadcast", "sum", "matmul", "gather"])
def test_a_kernel_raises(device: Callable[..., str], use: str) -> None:
    name = device(resolve=kernels(raises(RuntimeError("queue full"))))
    x = hp.tensor([[1.0, 2.0], [3.0, 4.0]], device=name)
    index = hp.tensor([0], device=name)
    calls: dict[str, Callable[[], Any]] = {
        "unary": lambda: hp.exp(x), "binary": lambda: x + x, "broadcast": lambda: x + x[0], "sum": x.sum,
        "matmul": lambda: x @ x, "gather": lambda: hp.index_select(x, 0, index),
    }  # fmt: skip
    fails(calls[use], PluginError, name, "queue full")


def test_a_kernel_runs_out_of_memory(device: Callable[..., str]) -> None:
    name = device(resolve=kernels(raises(MemoryError("2 GiB"))))
    fails(lambda: hp.zeros(2, device=name), OutOfMemoryError, name, "2 GiB", "smaller batches")


def test_a_kernel_returns_its_result(device: Callable[..., str]) -> None:
    name = device(resolve=kernels(lambda outs, inputs, scalars: np.zeros(2, np.float64)))
    x = hp.tensor([1.0, 2.0], device=name)
    for call in (lambda: x + x, lambda: hp.exp(x), x.sum, lambda: hp.zeros(2, device=name)):
        fails(call, PluginError, name, "returned a ndarray", "writes into its outs")


def test_memory_calls_that_raise_or_return_nonsense(device: Callable[..., str]) -> None:
    name = device(allocate=raises(OSError("fuse blown")))
    fails(lambda: hp.empty(2, device=name), PluginError, name, "fuse blown")
    name = device(allocate=raises(MemoryError()))
    fails(lambda: hp.empty(2, device=name), OutOfMemoryError, name, "out of memory")
    name = device(allocate=lambda index, nbytes: None)
    fails(lambda: hp.empty(2, device=name), PluginError, name, "allocate", "returned None")
    name = device(write=raises(OSError("bus")))
    fails(lambda: hp.tensor([1.0], device=name), DeviceError, name, "bus")
    name = device(read=raises(OSError("bus")))
    fails(lambda: hp.empty(2, device=name).tolist(), DeviceError, name, "bus")
    name = device(read=lambda buffer, offset, nbytes: bytes(nbytes // 2))
    fails(lambda: hp.empty(2, device=name).tolist(), PluginError, name, "returned 4 bytes, expected 8")


def test_a_dtype_that_the_device_lacks(device: Callable[..., str]) -> None:
    only = frozenset({dtypes.float32, dtypes.int64})
    name = device(capabilities=lambda index: Capabilities(storage=only, arithmetic=only))
    fails(lambda: hp.ones(2, device=name, dtype=hp.float64), CapabilityError, name, "float64", "float32, int64")


def test_a_fault_does_not_stay(device: Callable[..., str]) -> None:
    answers: list[Any] = [ValueError("busy")]

    def resolve(index: int, key: OpKey) -> Kernel:
        if answers:
            raise answers.pop()
        return lambda outs, inputs, scalars: None

    name = device(resolve=resolve)
    fails(lambda: hp.zeros(2, device=name), PluginError, "busy")
    assert hp.zeros(2, device=name).shape == (2,)


@final
class Lists(FunctionalBackend):
    """A functional engine of NumPy arrays whose every result is what ``answer`` makes of zeros of the right kind."""

    def __init__(self, answer: Callable[[np.ndarray[Any, Any]], Any]) -> None:
        super().__init__()
        self.answer = answer

    def devices(self) -> Sequence[DeviceInfo]:
        return [DeviceInfo(0, "Lists", 0)]

    def capabilities(self, index: int) -> Capabilities:
        return Capabilities(functional=True)

    def compute(self, index: int, key: OpKey) -> Compute | None:
        return lambda inputs, scalars, shape: [self.answer(np.zeros(shape, key.dtypes[0].numpy))]

    def compile(self, index: int, function: Callable[..., Any]) -> Callable[..., Any]:
        return function

    def put(self, index: int, data: bytes, dtype: dtypes.dtype) -> Any:
        return np.frombuffer(data, dtype.numpy)

    def zeros(self, index: int, dtype: dtypes.dtype, count: int) -> Any:
        return np.zeros(count, dtype.numpy)

    def fetch(self, value: Any) -> memoryview:
        return np.ascontiguousarray(value).view(np.uint8).data

    def describe(self, value: Any) -> tuple[dtypes.dtype, int]:
        return dtypes.from_numpy(value.dtype), value.size

    def wait(self, index: int) -> None:
        """Nothing is queued."""

    def bitcast(self, value: Any, dtype: dtypes.dtype) -> Any:
        return value.view(dtype.numpy)

    def view(self, value: Any, layout: Layout, offset: Any) -> Any:
        return np.lib.stride_tricks.as_strided(value[offset:], layout.shape, layout.byte_strides)

    def update_view(self, value: Any, new: Any, layout: Layout, offset: Any) -> Any:
        changed = value.copy()
        np.lib.stride_tricks.as_strided(changed[offset:], layout.shape, layout.byte_strides)[...] = new
        return changed

    def reshape(self, value: Any, shape: tuple[int, ...]) -> Any:
        return value.reshape(shape)


def test_a_functional_engine_that_returns_another_dtype_or_size(device: Callable[..., str]) -> None:
    name = device(Lists(lambda zeros: zeros.astype(np.float64)))
    fails(lambda: hp.ones(3, device=name), PluginError, name, "float64, 3", "expected", "float32, 3", "mistake")
    name = device(Lists(lambda zeros: zeros[:-1]))
    fails(lambda: hp.ones(3, device=name), PluginError, name, "float32, 2")
    name = device(Lists(lambda zeros: zeros))
    assert hp.ones(3, device=name).tolist() == [0, 0, 0]


def test_bytes_and_views_of_a_functional_engine() -> None:
    """The helper's memory calls in bytes, on cells in each of their states."""
    backend = Lists(lambda zeros: zeros)
    cell, other = backend.allocate(0, 256), backend.allocate(0, 256)
    assert len(backend.read(cell, 8, 16)) == 16  # never written
    backend.write(cell, 4, memoryview(b"abcd"))
    backend.write(cell, 8, memoryview(b"efgh"))
    assert bytes(backend.read(cell, 4, 8)) == b"abcdefgh"
    backend.copy(other, 0, cell, 4, 8)
    assert bytes(backend.read(other, 0, 8)) == b"abcdefgh"
    backend.write(other, 2, memoryview(b"XY"))
    backend.copy(cell, 0, other, 0, 256)
    assert bytes(backend.read(cell, 0, 8)) == b"abXYefgh"
    backend.write(other, 0, memoryview(b"1"))
    assert bytes(backend.read(cell, 0, 3)) == b"abX"  # a shared value is not written through
    backend.free(cell)
    backend.synchronize(0)


def test_memory_written_past_its_typed_part_is_kept(device: Callable[..., str]) -> None:
    name = device(Lists(lambda zeros: zeros + 1))
    x = hp.zeros(3, device=name, dtype=hp.float32)
    storage = x._array.storage
    runtime = runtime_of(name)
    runtime.backend.write(storage.buffer, 4, memoryview(np.float32(7).tobytes()))
    assert x.tolist() == [1, 7, 1]
    assert Array(storage, x._array.layout).numel == 3
    assert x.view(hp.int32).tolist() == x.view(hp.uint8).view(hp.int32).tolist()
