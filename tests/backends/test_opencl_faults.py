"""The device error word of ``opencl``, its queue, and what is said where the driver refuses."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from devices import needed

import hotplug as hp
from hotplug.errors import CapabilityError, DeviceError, IndexRangeError, OutOfMemoryError
from hotplug.nn import functional as F
from hotplug.runtime import Runtime

READS: dict[str, Callable[[hp.Tensor], Any]] = {
    "item": lambda x: x[0].item(), "bool": lambda x: bool(x[0]), "tolist": lambda x: x.tolist(), "print": str,
    "numpy": lambda x: x.numpy(force=True), "cpu": lambda x: x.cpu(), "nonzero": hp.nonzero,
    "masked_select": lambda x: x[x > 0], "unique": hp.unique, "equal": lambda x: hp.equal(x, x),
    "synchronize": lambda x: hp.synchronize(x.device),
}  # fmt: skip


@pytest.fixture
def device(opencl: Runtime) -> Iterator[Any]:
    """The device in use, with a clean error word before and after."""
    found = opencl.backend.device(0)  # type: ignore[attr-defined]
    opencl.backend.synchronize(0)
    yield found
    opencl.backend.synchronize(0)


def test_an_index_error_is_raised_by_the_next_read_with_the_name_of_the_op(device: Any) -> None:
    x = hp.arange(4.0, device="opencl")
    wrong = hp.tensor([0, -9, 1], device="opencl")
    taken = hp.gather(x, 0, wrong)
    with pytest.raises(IndexRangeError, match="gather: index -9 is out of bounds for an axis of size 4"):
        taken.tolist()
    assert taken.tolist() == [0, 0, 1], "raised once; what was skipped is 0"
    x.scatter_(0, wrong + 13, hp.full((3,), 7.0, device="opencl"))
    with pytest.raises(IndexRangeError, match="scatter: index 13 is out of bounds for an axis of size 4"):
        hp.synchronize("opencl")
    assert x.tolist() == [0, 1, 2, 3], "what was out of range was skipped"


@pytest.mark.parametrize("read", READS)
def test_every_host_read_looks_at_the_error_word(device: Any, read: str) -> None:
    x = hp.arange(4.0, device="opencl")
    hp.gather(x, 0, hp.tensor([4], device="opencl"))
    with pytest.raises(IndexRangeError, match="gather: index 4"):
        READS[read](x)
    READS[read](x)


def test_the_first_of_many_errors_is_kept(device: Any) -> None:
    x = hp.arange(4.0, device="opencl")
    for index in (1, 5, 6, 2, 7):
        hp.gather(x, 0, hp.tensor([index], device="opencl"))
    with pytest.raises(IndexRangeError, match="index 5 "):
        x.tolist()
    hp.synchronize("opencl")


@pytest.mark.parametrize(
    "use",
    [
        lambda x, index: hp.index_select(x, 0, index), lambda x, index: hp.gather(x, 0, index[:, None]),
        lambda x, index: x[index], lambda x, index: F.embedding(index, x),
        lambda x, index: x.clone().index_add_(0, index, hp.ones(2, 2, device=x.device)),
        F.nll_loss, lambda x, index: x.clone().index_copy_(0, index, x[:2]),
    ],
    ids=["index_select", "gather", "getitem", "embedding", "index_add_", "nll_loss", "index_copy_"],
)  # fmt: skip
def test_ops_made_of_gather_and_scatter(device: Any, use: Callable[[Any, Any], Any]) -> None:
    x = hp.ones(2, 2, device="opencl")
    use(x, hp.tensor([1, 0], device="opencl"))
    hp.synchronize("opencl")
    use(x, hp.tensor([1, 2], device="opencl"))
    with pytest.raises(IndexRangeError, match="index 2 is out of bounds for an axis of size 2"):
        hp.synchronize("opencl")


def test_the_word_is_only_read_after_kernels_that_may_set_it(device: Any) -> None:
    x = hp.arange(4.0, device="opencl")
    (x + x).sum().item()
    assert not device.fault.armed
    hp.gather(x, 0, hp.tensor([3], device="opencl"))
    assert device.fault.armed
    assert x.tolist() == [0, 1, 2, 3]
    assert not device.fault.armed


def test_kernels_are_queued_not_awaited(device: Any) -> None:
    """A queue that waits for an event that has not come: everything but a read returns."""
    import pyopencl as cl

    x = hp.arange(4.0, device="opencl", requires_grad=True)
    hp.synchronize("opencl")
    gate = cl.UserEvent(device.context)
    cl.enqueue_barrier(device.queue, wait_for=[gate])
    y = (x * 2).cumsum(0) @ x
    y.backward()
    with hp.no_grad():
        x -= x.grad
    values = hp.tensor([1.0, 2.0], device="opencl") + 1
    found: list[Any] = []
    reader = threading.Thread(target=lambda: found.append(values.tolist()))
    reader.start()
    reader.join(0.05)
    assert reader.is_alive(), "a read waits for what was queued before it"
    gate.set_status(cl.command_execution_status.COMPLETE)
    reader.join(10)
    assert found == [[2, 3]]
    assert y.item() == 50.0


def test_a_source_may_be_changed_as_soon_as_it_is_written(device: Any) -> None:
    import pyopencl as cl

    for size in (5, (1 << 22) + 3):  # staged, and too large to be
        values = np.arange(size, dtype=np.float32)
        gate = cl.UserEvent(device.context)
        if size == 5:
            cl.enqueue_barrier(device.queue, wait_for=[gate])
        x = hp.tensor(values, device="opencl")
        values[:] = -1
        gate.set_status(cl.command_execution_status.COMPLETE)
        assert x[-1].item() == size - 1
        assert x[3].item() == 3


def test_threads_share_kernels(device: Any) -> None:
    """Arguments of one kernel object are set by several threads at once."""

    def work(number: int) -> list[float]:
        x = hp.full((64,), float(number), device="opencl")
        results = [((x * float(step)).sum() + number).item() for step in range(30)]
        return [result - number for result in results]

    with ThreadPoolExecutor(4) as pool:
        for number, results in enumerate(pool.map(work, range(8))):
            assert results == [64.0 * number * step for step in range(30)]


def test_too_much_memory(device: Any) -> None:
    largest = int(device.handle.max_mem_alloc_size)
    with pytest.raises(OutOfMemoryError, match="opencl"):
        hp.empty(largest + 1, dtype=hp.uint8, device="opencl")
    assert hp.ones(2, device="opencl").tolist() == [1, 1]


def test_memory_is_given_back(device: Any) -> None:
    gc.collect()
    hp.empty_cache("opencl")
    before = hp.memory_reserved("opencl")
    x = hp.ones(100_000, device="opencl")
    assert hp.memory_reserved("opencl") > before
    del x
    gc.collect()
    hp.empty_cache("opencl")
    assert hp.memory_reserved("opencl") == before


def test_a_compiler_that_refuses(device: Any) -> None:
    with pytest.raises(DeviceError, match=r"silly: the OpenCL compiler of opencl:0 \(.*\) failed: .*error"):
        device.built("silly", "__kernel void silly() { undeclared = 1; }")


def test_a_device_without_double_precision(device: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "has_double", False)
    with pytest.raises(CapabilityError, match=r"cube: opencl:0 .* has no float64; convert with \.to\(float32\)"):
        device.built("cube", "#pragma OPENCL EXTENSION cl_khr_fp64 : enable\n")


def test_a_driver_that_fails_is_named(opencl: Runtime, device: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import pyopencl as cl

    def broken(*_: Any) -> Any:
        raise cl.RuntimeError("clEnqueueReadBuffer", cl.status_code.OUT_OF_RESOURCES)

    x = hp.ones(2, device="opencl")
    monkeypatch.setattr(device.transfers, "read", broken)
    with pytest.raises(DeviceError, match=r"read on opencl:0 \(.*\) failed: clEnqueueReadBuffer"):
        x.tolist()
    monkeypatch.undo()
    assert x.tolist() == [1, 1]


LOST = [-2, -34, -36, -9999]


@pytest.mark.parametrize("code", LOST)
def test_a_lost_device_says_so_and_others_work_on(code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A device object of its own loses the driver; ``opencl:0`` and ``cpu`` know nothing of it."""
    import pyopencl as cl

    from hotplug.backends.opencl.device import Device

    backend: Any = needed("opencl:0").backend
    device = Device(7, backend.device(0).handle)

    class Gone(cl.LogicError):
        def __init__(self) -> None:
            super().__init__("clEnqueueNDRangeKernel", code)

        code = property(lambda self: code)

        def __str__(self) -> str:
            return f"clEnqueueNDRangeKernel failed: {code}"

    found = device.failure("map", Gone())
    message = (
        rf"map on opencl:7 \(.*\): the device was lost \(clEnqueueNDRangeKernel failed: {code}\), and what it held"
    )
    with pytest.raises(DeviceError, match=message):
        raise found
    with monkeypatch.context() as patch:
        patch.setattr(cl, "Buffer", lambda *_, **__: (_ for _ in ()).throw(Gone()))
        with pytest.raises(DeviceError, match="allocate on opencl:7 .*: the device was lost"):
            device.allocate(64)
    later = device.failure("read", cl.RuntimeError("clEnqueueReadBuffer", cl.status_code.OUT_OF_RESOURCES))
    assert "read on opencl:7" in str(later)
    assert "the device was lost" in str(later)
    for name in ("opencl:0", "cpu"):
        assert (hp.ones(2, device=name) + 1).tolist() == [2, 2]


def test_a_lost_device_through_a_program(opencl: Runtime, device: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import pyopencl as cl

    def gone(*_: Any) -> Any:
        raise cl.LogicError("clFinish", cl.status_code.DEVICE_NOT_AVAILABLE)

    x = hp.ones(2, device="opencl")
    monkeypatch.setattr(device, "lost", "")
    monkeypatch.setattr(device.transfers, "write", gone)
    monkeypatch.setattr(cl.LogicError, "code", cl.status_code.DEVICE_NOT_AVAILABLE, raising=False)
    with pytest.raises(DeviceError, match=r"write on opencl:0 \(.*\): the device was lost .* other devices work on"):
        hp.tensor([1.0, 2.0], device="opencl")
    monkeypatch.undo()
    device.lost = ""
    assert (x + 1).tolist() == [2, 2]


def test_memory_that_runs_out_is_an_error_and_the_program_goes_on(device: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The driver itself refuses, below the limit that it declares; what is cached is given back before."""
    import pyopencl as cl

    def full(*_: Any, **__: Any) -> Any:
        raise cl.MemoryError("clCreateBuffer", cl.status_code.MEM_OBJECT_ALLOCATION_FAILURE)

    hp.empty_cache("opencl")
    with monkeypatch.context() as patch:
        patch.setattr(cl, "Buffer", full)
        with pytest.raises(OutOfMemoryError, match="opencl"):
            hp.empty(123_457, dtype=hp.uint8, device="opencl")
    assert hp.ones(123_457, dtype=hp.uint8, device="opencl").sum().item() == 123_457


def test_a_compiler_error_carries_the_first_line_of_the_log(device: Any) -> None:
    text = "__kernel void first(__global float *a) {\n    a[0] = undeclared_one;\n    a[1] = undeclared_two;\n}"
    with pytest.raises(DeviceError) as caught:
        device.built("softmax", text)
    message = str(caught.value)
    assert message.startswith(f"softmax: the OpenCL compiler of {device.name} failed: ")
    assert "undeclared_one" in message
    assert "undeclared_two" not in message
    assert "\n" not in message


def test_a_kernel_that_is_not_there(device: Any) -> None:
    built = device.built("silly", "__kernel void present(__global float *a) { a[0] = 1.0f; }")
    with pytest.raises(
        DeviceError, match=r"silly on opencl:0 \(.*\) failed: clCreateKernel failed: INVALID_KERNEL_NAME"
    ):
        device.kernel("silly", built, "absent")
