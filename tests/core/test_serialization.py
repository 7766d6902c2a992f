"""Safetensors, pickle and deepcopy: what is written comes back, and what is corrupt or hostile is refused."""

from __future__ import annotations

import copy
import json
import pickle
import random
import struct
import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hotplug as hp
from hotplug import nn
from hotplug.errors import FileFormatError
from hotplug.serialization import safetensors

DTYPES = [
    "bool", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32",
    "float64", "complex64",
]  # fmt: skip


def host(tensor: Any) -> np.ndarray[Any, Any]:
    return np.asarray(tensor.detach().cpu().numpy())


def sample(dtype: str, shape: tuple[int, ...] = (2, 3)) -> hp.Tensor:
    return hp.arange(6).reshape(shape).to(getattr(hp, dtype))


def packed(header: Any, data: bytes = b"", length: int | None = None) -> bytes:
    """A file of a header (an object, or bytes as they are) and data."""
    encoded = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(encoded) if length is None else length) + encoded + data


def entry(begin: int = 0, end: int = 8, shape: Any = (2,), dtype: Any = "F32") -> dict[str, Any]:
    return {"dtype": dtype, "shape": list(shape) if isinstance(shape, tuple) else shape, "data_offsets": [begin, end]}


# --- safetensors ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(2, 3), (6,), (1, 6, 1)])
def test_every_dtype_comes_back(dtype: str, shape: tuple[int, ...], tmp_path: Path) -> None:
    tensor = sample(dtype, shape)
    safetensors.save_file({"x": tensor}, tmp_path / "x.safetensors", {"a": "b"})
    loaded = safetensors.load_file(tmp_path / "x.safetensors")
    assert list(loaded) == ["x"]
    assert loaded["x"].dtype is tensor.dtype
    np.testing.assert_array_equal(host(loaded["x"]), host(tensor))
    assert safetensors.load_metadata(tmp_path / "x.safetensors") == {"a": "b"}


def test_scalars_empty_tensors_views_and_devices() -> None:
    tensors = {
        "scalar": hp.tensor(3.5),
        "empty": hp.zeros(0, 4),
        "view": hp.arange(12).reshape(3, 4).t()[1:, ::2],
        "other": hp.tensor([1.0], device="numpy"),
        "größe ☃": nn.Parameter(hp.ones(1)),
    }
    loaded = safetensors.load(safetensors.save(tensors), device="numpy")
    assert set(loaded) == set(tensors)
    for name, tensor in tensors.items():
        assert str(loaded[name].device) == "numpy"
        assert loaded[name].shape == tensor.shape
        np.testing.assert_array_equal(host(loaded[name]), host(tensor))
    assert safetensors.load(safetensors.save({})) == {}


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    safetensors.save_file({"x": hp.ones(2)}, path)
    before = path.read_bytes()
    with pytest.raises(RuntimeError, match="no complex128"):
        safetensors.save_file({"x": hp.ones(2, dtype=hp.complex128)}, path)
    with pytest.raises(TypeError, match="expected a Tensor"):
        safetensors.save_file({"x": 3}, path)  # type: ignore[dict-item]
    with pytest.raises(TypeError, match="metadata maps strings to strings"):
        safetensors.save_file({"x": hp.ones(2)}, path, {"epoch": 3})  # type: ignore[dict-item]
    with pytest.raises(TypeError, match="names are strings"):
        safetensors.save_file({3: hp.ones(2)}, path)  # type: ignore[dict-item]
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_the_reference_reads_ours_and_we_read_its(tmp_path: Path) -> None:
    reference = pytest.importorskip("safetensors.numpy")
    ours = {name: sample(name) for name in DTYPES if name not in ("bfloat16", "complex64")}
    read = reference.load(safetensors.save(ours, {"k": "v"}))
    for name, tensor in ours.items():
        np.testing.assert_array_equal(read[name], host(tensor))
    arrays = {"a": np.arange(5.0), "b": np.zeros((2, 0), np.int8), "c": np.array([True, False])}
    written = reference.save(arrays)
    for name, tensor in safetensors.load(written).items():
        np.testing.assert_array_equal(host(tensor), arrays[name])
    assert safetensors.save({name: hp.tensor(array) for name, array in arrays.items()}) == written


def test_a_mapped_file(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    tensors = {name: sample(name) for name in DTYPES} | {"odd": hp.arange(3, dtype=hp.int8), "empty": hp.zeros(0)}
    safetensors.save_file(tensors, path, {"pad": "x" * 8})
    before = path.read_bytes()
    for device in ("cpu", "numpy", None):
        loaded = safetensors.load_file(path, device, mmap=True)
        for name, tensor in loaded.items():
            np.testing.assert_array_equal(host(tensor), host(tensors[name]))
            assert (tensor._array.storage.block < 0) == (name != "empty"), name
            tensor.zero_()
        loaded["int64"].add_(1)
        assert not host(loaded["float64"]).any()  # neighbours have their own memory
    assert path.read_bytes() == before


HOSTILE: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "0 bytes are too few"),
    "truncated length": (b"\x10\0\0", "3 bytes are too few"),
    "truncated header": (packed({"x": entry()})[:30], "but only 22 follow; the file is truncated"),
    "truncated data": (packed({"x": entry()}, b"1234567"), "ends at byte 8 of the data, but the file has only 7"),
    "huge header": (packed(b"{}", length=2**63), "more than the format's limit of 100000000"),
    "header longer than the file": (
        packed(b"{}", length=99_999_999),
        "the header claims 99999999 bytes, but only 2 follow",
    ),
    "a file of torch.save": (b"PK\3\4\0\0\x08\x08" + bytes(60), "looks like a file of torch.save"),
    "a pickle": (pickle.dumps([1, 2, 3] * 9), "looks like a file of torch.save"),
    "no JSON": (packed(b"{'a': 1}"), "not valid JSON"),
    "no object": (packed(b"[1, 2]"), "does not start with '{'"),
    "leading space": (packed(b" {}"), "does not start with '{'"),
    "bad UTF-8": (packed(b'{"\xff": 1}'), "not valid JSON"),
    "NaN": (packed(b'{"x": NaN}'), "contains NaN"),
    "deep": (packed(b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}"), "not valid JSON|expected the fields"),
    "huge number": (packed(b'{"x": ' + b"9" * 100_000 + b"}"), "not valid JSON"),
    "twice": (packed(b'{"x": %s, "x": %s}' % ((json.dumps(entry()).encode(),) * 2), bytes(8)), "has the key 'x' twice"),
    "field twice": (packed(b'{"x": {"dtype": "F32", "dtype": "F32"}}'), "has the key 'dtype' twice"),
    "metadata": (packed({"__metadata__": {"a": 1}}), "must map strings to strings"),
    "metadata list": (packed({"__metadata__": []}), "must map strings to strings"),
    "entry is a number": (packed({"x": 3}), "expected the fields"),
    "field missing": (packed({"x": {"dtype": "F32", "shape": [1]}}), "expected the fields"),
    "field too many": (packed({"x": {**entry(), "code": "import os"}}, bytes(8)), "expected the fields"),
    "dtype": (packed({"x": entry(dtype="F8_E4M3")}, bytes(8)), "dtype 'F8_E4M3' is unknown; expected one of BOOL"),
    "dtype is a list": (packed({"x": entry(dtype=["F32"])}, bytes(8)), "is unknown"),
    "shape is a number": (packed({"x": entry(shape=2)}, bytes(8)), "shape must be"),
    "negative size": (packed({"x": entry(shape=[-2])}, bytes(8)), "shape must be"),
    "two negative sizes": (packed({"x": entry(shape=[-1, -2])}, bytes(8)), "shape must be"),
    "boolean size": (packed({"x": entry(0, 4, [True])}, bytes(4)), "shape must be"),
    "fractional size": (packed({"x": entry(shape=[2.0])}, bytes(8)), "shape must be"),
    "rank": (packed({"x": entry(0, 4, [1] * 65)}, bytes(4)), "at most 64 sizes"),
    "overflow": (packed({"x": entry(shape=[2**32, 2**32])}, bytes(8)), "overflows 64 bits"),
    "overflow that wraps": (packed({"x": entry(shape=[2**62, 4, 1])}, bytes(8)), "overflows 64 bits"),
    "overflow beside zero": (packed({"x": entry(0, 0, [0, 2**62, 2**62])}), "overflows 64 bits"),
    "size beyond 64 bits": (packed({"x": entry(0, 0, [0, 2**64])}), "shape must be"),
    "large": (packed({"x": entry(0, 2**40, [2**38])}, bytes(8)), "ends at byte 1099511627776 of the data"),
    "wrong size": (packed({"x": entry(0, 8, [3])}, bytes(8)), r"takes 12 bytes, but data_offsets \[0, 8\] span 8"),
    "backward": (packed({"x": entry(8, 0)}, bytes(8)), "a begin and an end"),
    "negative offset": (packed({"x": entry(-8, 0)}, bytes(8)), "a begin and an end"),
    "three offsets": (packed({"x": {**entry(), "data_offsets": [0, 8, 16]}}, bytes(8)), "a begin and an end"),
    "overlap": (packed({"x": entry(), "y": entry(4, 12)}, bytes(12)), "at byte 4 of the data overlaps 'x'"),
    "same place": (packed({"x": entry(), "y": entry()}, bytes(8)), "at byte 0 of the data overlaps 'x'"),
    "hole": (packed({"x": entry(), "y": entry(12, 20)}, bytes(20)), "leaves a hole of 4 bytes"),
    "hole at the start": (packed({"x": entry(4, 12)}, bytes(12)), "leaves a hole of 4 bytes"),
    "rest": (packed({"x": entry()}, bytes(9)), "1 bytes follow the last tensor"),
    "only rest": (packed({}, bytes(9)), "9 bytes follow the last tensor"),
}


@pytest.mark.parametrize(("content", "message"), HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_files(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "hostile.safetensors"
    path.write_bytes(content)
    tracemalloc.start()
    try:
        for read in (
            lambda: safetensors.load_file(path),
            lambda: safetensors.load_file(path, mmap=True),
            lambda: safetensors.load(content),
        ):
            with pytest.raises(FileFormatError, match=message):
                read()
        assert tracemalloc.get_traced_memory()[1] < 64_000_000  # nothing of the claimed size was allocated
    finally:
        tracemalloc.stop()


def test_any_change_of_the_header_is_refused_or_harmless() -> None:
    content = safetensors.save({"a": hp.arange(4.0), "b": hp.ones(2, dtype=hp.int8)}, {"k": "v"})
    length = 8 + int.from_bytes(content[:8], "little")
    generator = random.Random(0)
    refused = 0
    for _ in range(2000):
        changed = bytearray(content)
        for _ in range(generator.randint(1, 3)):
            changed[generator.randrange(length)] = generator.randrange(256)
        try:
            loaded = safetensors.load(bytes(changed))
        except FileFormatError:
            refused += 1
        else:
            assert sum(tensor.nbytes for tensor in loaded.values()) == len(content) - length
    assert refused > 1000
    for end in range(len(content)):
        with pytest.raises(FileFormatError):
            safetensors.load(content[:end])


def test_a_bool_is_zero_or_one() -> None:
    loaded = safetensors.load(packed({"x": entry(0, 3, [3], "BOOL")}, b"\0\1\x7f"))["x"]
    assert host(loaded).view(np.uint8).tolist() == [0, 1, 1]


def test_a_missing_file() -> None:
    with pytest.raises(FileNotFoundError):
        safetensors.load_file("no such file")


# --- pickle and deepcopy ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [*DTYPES, "complex128"])
@pytest.mark.parametrize("again", [lambda x: pickle.loads(pickle.dumps(x)), copy.deepcopy], ids=["pickle", "deepcopy"])
def test_copies_of_tensors(dtype: str, again: Any) -> None:
    tensor = sample(dtype).t()
    found = again(tensor)
    assert type(found) is hp.Tensor
    assert found.dtype is tensor.dtype
    assert found.device == tensor.device
    np.testing.assert_array_equal(host(found), host(tensor))
    found.zero_()
    assert host(tensor).any()


@pytest.mark.parametrize("again", [lambda x: pickle.loads(pickle.dumps(x)), copy.deepcopy], ids=["pickle", "deepcopy"])
def test_copies_of_parameters(again: Any) -> None:
    parameter = nn.Parameter(hp.ones(2, device="numpy"), requires_grad=False)
    parameter.tag = "x"  # type: ignore[attr-defined]
    one, two = again([parameter, parameter])
    assert type(one) is nn.Parameter
    assert one is two
    assert not one.requires_grad
    assert one.tag == "x"
    assert str(one.device) == "numpy"
    trained = nn.Parameter(hp.ones(2))
    trained.grad = hp.ones(2)
    found = copy.deepcopy(trained)
    assert found.requires_grad
    assert found.grad is not trained.grad
    np.testing.assert_array_equal(host(found.grad), 1)


def test_protocol_5_leaves_the_elements_out_of_band() -> None:
    tensor = hp.arange(1000.0)
    buffers: list[pickle.PickleBuffer] = []
    small = pickle.dumps({"x": tensor, "v": tensor[:4]}, protocol=5, buffer_callback=buffers.append)
    assert len(small) < 500
    assert [each.raw().nbytes for each in buffers] == [4000, 16]
    memory = bytearray(4096)
    start = -np.frombuffer(memory, np.uint8).__array_interface__["data"][0] % 64
    place = memoryview(memory)[start : start + 4000]
    place[:] = buffers[0].raw()
    found = pickle.loads(small, buffers=[place, bytes(buffers[1].raw())])
    assert found["x"].tolist() == tensor.tolist()
    place[:4] = b"\0\0\x80?"  # a writable buffer is the tensor's memory, one that can't be written to is copied
    assert found["x"][0].item() == 1
    assert found["v"].tolist() == [0, 1, 2, 3]


WORK = """
import pickle, sys
import hotplug as hp
found = pickle.load(sys.stdin.buffer)
out = found["module"](found["x"].to(hp.float32))
pickle.dump([str(found["device"]), found["dtype"], found["x"].shape, out.detach(), hp.rand(2, generator=found["rng"])],
            sys.stdout.buffer)
"""


def test_everything_goes_to_another_process() -> None:
    rng = hp.Generator().manual_seed(3)
    hp.rand(1, generator=rng)
    module = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.ReLU()).eval()
    given = {"module": module, "x": hp.ones(4, 2, dtype=hp.bfloat16), "device": hp.device("numpy"),
             "dtype": hp.complex64, "rng": rng}  # fmt: skip
    ended = subprocess.run([sys.executable, "-c", WORK], input=pickle.dumps(given), capture_output=True, check=True)
    device, dtype, shape, out, drawn = pickle.loads(ended.stdout)
    assert (device, dtype, shape) == ("numpy", hp.complex64, hp.Size([4, 2]))
    assert out.tolist() == module(hp.ones(4, 2)).tolist()
    assert drawn.tolist() == hp.rand(2, generator=rng).tolist()


def test_a_tensor_with_a_history_is_refused() -> None:
    tensor = hp.ones(2, requires_grad=True) * 2
    with pytest.raises(RuntimeError, match="use detach"):
        pickle.dumps(tensor)
    with pytest.raises(RuntimeError, match="use detach"):
        copy.deepcopy(tensor)
