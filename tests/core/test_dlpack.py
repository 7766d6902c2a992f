"""DLPack: memory shared with other libraries, in both directions, and how long it lives."""

from __future__ import annotations

import gc
import sys
import weakref
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import hotplug as hp
from hotplug import interchange
from hotplug.errors import DTypeError, ExchangeError

pytestmark = pytest.mark.skipif(
    np.lib.NumpyVersion(np.__version__) < "2.1.0",
    reason="NumPy 2.0 knows capsules of the kind before version 1.0 only, and takes all as read-only",
)

DTYPES = [
    "bool", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32",
    "float64", "complex64", "complex128",
]  # fmt: skip
VIEWS = {
    "whole": lambda x: x, "transposed": lambda x: x.T, "part": lambda x: x[1:, ::2], "scalar": lambda x: x[1, 2],
    "row": lambda x: x[2], "none": lambda x: x[:0], "expanded": lambda x: x[:1].expand(3, 4),
}  # fmt: skip


def sample(dtype: str, device: str = "cpu") -> hp.Tensor:
    return hp.arange(12, device=device).reshape(3, 4).to(getattr(hp, dtype))


def aligned(count: int, dtype: Any = np.float64) -> np.ndarray[Any, Any]:
    """An array at an address that is a multiple of 64, as other libraries make them."""
    size = np.dtype(dtype).itemsize
    raw = np.zeros(count * size + 64, np.uint8)
    start = -raw.__array_interface__["data"][0] % 64
    return raw[start : start + count * size].view(dtype)


class Producer:
    """An array of another library with everything about its capsule at will."""

    def __init__(self, values: Any, place: tuple[int, int] = (1, 0), old: bool = False, **header: Any) -> None:
        self.values, self.place, self.old, self.header = values, place, old, header
        self.asked: dict[str, Any] = {}

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.place

    def __dlpack__(self, **options: Any) -> Any:
        if self.old and options:
            raise TypeError("unexpected keyword argument")
        self.asked = options
        capsule = self.values.__dlpack__(max_version=None if self.old else (1, 0))
        tensor = interchange._read(capsule).tensor
        for name, value in self.header.items():
            if name == "device":
                tensor.device.type = value
            elif name == "size":
                tensor.shape[0] = value
            elif name in ("code", "bits", "lanes"):
                setattr(tensor.dtype, name, value)
            else:
                setattr(tensor, name, value)
        return capsule


# --- out --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("device", ["cpu", "numpy"])
@pytest.mark.parametrize("dtype", [each for each in DTYPES if each != "bfloat16"])
def test_numpy_sees_our_memory(dtype: str, device: str) -> None:
    for name, view in VIEWS.items():
        tensor = view(sample(dtype, device))
        seen = np.from_dlpack(tensor)
        assert seen.dtype == tensor.dtype.numpy
        np.testing.assert_array_equal(seen, tensor.numpy(), err_msg=name)
        if seen.size:
            assert seen.__array_interface__["data"] == tensor.numpy().__array_interface__["data"]
            assert seen.strides == tensor._array.layout.byte_strides


@pytest.mark.parity
@pytest.mark.parametrize("dtype", DTYPES)
def test_pytorch_sees_our_memory_and_we_its(torch: Any, dtype: str) -> None:
    for name, view in VIEWS.items():
        tensor = view(sample(dtype))
        theirs = torch.from_dlpack(tensor)
        assert str(theirs.dtype) == f"torch.{dtype}"
        assert theirs.tolist() == tensor.tolist(), name
        back = hp.from_dlpack(theirs)
        assert (back.dtype, back.shape, back.tolist()) == (tensor.dtype, tensor.shape, tensor.tolist())
    theirs = torch.arange(12).reshape(3, 4).to(getattr(torch, dtype))
    ours = hp.from_dlpack(theirs, copy=False)
    theirs[1, 1] = 0
    assert ours.tolist() == theirs.tolist()
    ours[2, 2] = 0
    assert ours.tolist() == theirs.tolist()
    assert hp.from_dlpack(theirs.t()).stride() == (1, 4)
    assert torch.utils.dlpack.from_dlpack(hp.utils.dlpack.to_dlpack(ours)).tolist() == theirs.tolist()
    assert hp.utils.dlpack.from_dlpack(torch.utils.dlpack.to_dlpack(theirs)).tolist() == theirs.tolist()


@pytest.mark.parametrize("dtype", ["bool", "int32", "float32", "bfloat16", "complex64"])
def test_jax_both_ways(dtype: str) -> None:
    jax = pytest.importorskip("jax", reason="the exchange with JAX needs JAX")
    tensor = sample(dtype)
    theirs = jax.dlpack.from_dlpack(tensor)
    assert str(theirs.dtype) == dtype
    assert theirs.tolist() == tensor.tolist()
    back = hp.from_dlpack(theirs)
    assert back.dtype is tensor.dtype
    assert back.tolist() == tensor.tolist()


def test_writes_are_seen_on_both_sides() -> None:
    tensor = hp.zeros(4)
    seen = np.from_dlpack(tensor)
    seen[1] = 5
    tensor[2] = 7
    assert seen.tolist() == tensor.tolist() == [0, 5, 7, 0]
    apart: Any = np.from_dlpack(tensor, copy=True)
    apart[0] = 9
    assert tensor[0].item() == 0


def test_capsules_of_both_kinds() -> None:
    tensor = hp.ones(2)
    assert '"dltensor"' in repr(tensor.__dlpack__())
    assert '"dltensor"' in repr(tensor.__dlpack__(max_version=(0, 8)))
    assert '"dltensor_versioned"' in repr(tensor.__dlpack__(max_version=(1, 2)))
    assert tensor.__dlpack_device__() == (1, 0)
    used = tensor.__dlpack__()
    assert hp.from_dlpack(used).tolist() == [1, 1]
    with pytest.raises(BufferError, match="isn't consumed yet"):
        hp.from_dlpack(used)
    other = tensor.__dlpack__(max_version=(1, 0))
    found = interchange._Versioned.from_address(interchange._pointer_of(other, b"dltensor_versioned"))
    found.major = 2
    with pytest.raises(BufferError, match="DLPack 2.0, expected 1.x"):
        hp.from_dlpack(other)


def test_an_export_outlives_the_tensor_and_keeps_its_block() -> None:
    tensor = hp.full((1000,), 7.0)
    seen = np.from_dlpack(tensor)
    storage = weakref.ref(tensor._array.storage)
    del tensor
    gc.collect()
    assert storage() is not None
    others = [hp.zeros(1000) for _ in range(20)]
    assert set(seen.tolist()) == {7.0}
    assert others[0].sum().item() == 0
    del seen
    gc.collect()
    assert storage() is None
    capsule = hp.ones(3).__dlpack__()  # never consumed: freed all the same
    before = hp.memory_allocated("cpu")
    del capsule
    gc.collect()
    assert hp.memory_allocated("cpu") < before


def test_what_cannot_be_exported() -> None:
    with pytest.raises(BufferError, match="use tensor.detach"):
        hp.ones(2, requires_grad=True).__dlpack__()
    with pytest.raises(BufferError, match="stream should be None"):
        hp.ones(2).__dlpack__(stream=2)
    with pytest.raises(BufferError, match=r"can't export to cuda \(DLPack device 2, 0\)"):
        hp.ones(2).__dlpack__(dl_device=(2, 0))


def test_a_device_of_its_own_gives_nothing_unless_the_host_is_named() -> None:
    pytest.importorskip("hotplug_minimal", reason="the example plugin is a device outside of host memory")
    tensor = hp.arange(3.0, device="minimal")
    for give in (tensor.__dlpack__, tensor.__dlpack_device__, lambda: np.from_dlpack(tensor)):
        with pytest.raises(BufferError, match=r"a tensor on 'minimal.*' isn't in host memory; use .cpu\(\) first"):
            give()
    capsule = tensor.__dlpack__(dl_device=(1, 0))
    assert hp.from_dlpack(capsule).tolist() == [0, 1, 2]
    assert hp.from_dlpack(np.arange(3), device="minimal").device == tensor.device
    assert hp.from_dlpack(tensor, device="cpu").tolist() == [0, 1, 2]
    for wrong in (tensor, np.arange(3)):
        with pytest.raises(ExchangeError, match=r"minimal|cpu"):
            hp.from_dlpack(wrong, device="cpu" if wrong is tensor else "minimal", copy=False)


# --- in ---------------------------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 4), st.sampled_from([1, 2, -1, -2])), max_size=4),
    st.sampled_from(["float32", "int8", "complex128", "bool"]),
)
def test_any_strides_come_in(axes: list[tuple[int, int]], dtype: str) -> None:
    base = aligned(8 ** len(axes), dtype).reshape((8,) * len(axes))
    base[...] = np.arange(base.size).reshape(base.shape) % 5
    values = base[(..., *(slice(None, None, step) for _, step in axes))]
    values = values[(..., *(slice(0, size) for size, _ in axes))]
    for taken in (hp.from_dlpack(values), hp.from_numpy(values)):
        assert tuple(taken.shape) == values.shape
        np.testing.assert_array_equal((taken.clone() if values.ndim else taken).numpy(), values)
    before = hp.from_dlpack(values).tolist()
    if hp.from_dlpack(values)._array.storage.block < 0 and dtype != "bool":
        values += np.ones((), dtype)
        assert hp.from_dlpack(values).tolist() != before


def test_numpy_memory_is_shared_backwards_too() -> None:
    values = aligned(6)
    back = hp.from_dlpack(values[::-1], copy=False)
    assert back.stride() == (-1,)
    values[0] = 3
    assert back.tolist() == [0, 0, 0, 0, 0, 3]
    back.add_(1)
    assert values.tolist() == [4, 1, 1, 1, 1, 1]


def test_what_is_unaligned_or_read_only_is_copied() -> None:
    values = aligned(6)
    for part, message in ((values[1:], "16 bytes"), (values[:2], "read-only")):
        if "read" in message:
            part.flags.writeable = False
        taken = hp.from_dlpack(part)
        taken.add_(1)
        assert values.tolist() == [0] * 6
        with pytest.raises(BufferError, match=message):
            hp.from_dlpack(part, copy=False)
        assert hp.from_numpy(part).add_(1).tolist() == [1] * len(part)
        assert values.tolist() == [0] * 6
    assert hp.from_dlpack(values, copy=True)._array.storage.block > 0
    assert hp.from_dlpack(np.zeros((0, 3)), copy=False).shape == (0, 3)


def test_foreign_memory_is_kept_and_let_go_and_never_cached() -> None:
    values = aligned(1000)
    owner = weakref.ref(values)
    tensor = hp.from_dlpack(values)
    view = tensor[3:]
    references = sys.getrefcount(values)
    del values, tensor
    gc.collect()
    assert references > 2
    assert owner() is not None
    before = hp.memory_allocated("cpu")
    del view
    gc.collect()
    assert hp.memory_allocated("cpu") == before  # it was never counted, and is out of the queue of freed buffers
    assert owner() is None


def test_our_own_tensors_share_their_storage() -> None:
    tensor = hp.ones(3, requires_grad=True)
    same = hp.from_dlpack(tensor)
    assert same._array.storage is tensor._array.storage
    assert not same.requires_grad
    assert hp.from_dlpack(tensor, copy=True)._array.storage is not tensor._array.storage
    assert str(hp.from_dlpack(tensor, device="numpy").device) == "numpy"


def test_old_producers() -> None:
    for old in (False, True):
        producer = Producer(aligned(3), old=old)
        assert hp.from_dlpack(producer, copy=False).tolist() == [0, 0, 0]
        assert producer.asked == ({} if old else {"max_version": (1, 0)})


def test_a_foreign_device_is_refused_or_asked_to_copy() -> None:
    for index, name in ((2, "cuda"), (10, "rocm"), (8, "metal"), (99, "an unknown kind of device")):
        with pytest.raises(ExchangeError, match=rf"the array is on {name} \(DLPack device {index}, 1\).*to the host"):
            hp.from_dlpack(Producer(aligned(3), (index, 1)))
    with pytest.raises(ExchangeError, match="the array is on cuda"):
        hp.from_dlpack(Producer(aligned(3), device=2))  # it said host memory, and the capsule says otherwise
    with pytest.raises(ExchangeError, match="the array is on cuda"):
        hp.from_dlpack(Producer(aligned(3), (2, 0)), device="cpu", copy=False)
    producer = Producer(aligned(3), (2, 0))
    assert hp.from_dlpack(producer, device="cpu").tolist() == [0, 0, 0]
    assert producer.asked["dl_device"] == (1, 0)
    assert hp.from_dlpack(Producer(aligned(3), (3, 0), device=3)).tolist() == [0, 0, 0]  # pinned memory is the host's


@pytest.mark.parametrize(
    ("header", "error", "message"),
    [
        ({"code": 3}, DTypeError, "type code 3 with 64 bits"),
        ({"bits": 8}, DTypeError, "type code 2 with 8 bits and 1 lanes"),
        ({"lanes": 4}, DTypeError, "4 lanes"),
        ({"size": -1}, ExchangeError, r"negative size, shape \[-1\]"),
        ({"size": 2**62}, ExchangeError, "can't hold shape"),
        ({"data": None}, ExchangeError, "can't hold shape"),
        ({"ndim": -1}, ExchangeError, "negative size"),
    ],
)
def test_strange_headers(header: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        hp.from_dlpack(Producer(aligned(3), **header))


def test_what_is_no_array() -> None:
    for wrong in (3, [1.0], object()):
        with pytest.raises(TypeError, match="expected an object with __dlpack__"):
            hp.from_dlpack(wrong)
