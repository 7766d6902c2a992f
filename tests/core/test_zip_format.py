"""``save`` and ``load`` in PyTorch's format: both libraries read both's files."""

from __future__ import annotations

import io
import os
import struct
import subprocess
import sys
import zipfile
from collections import Counter, OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from archives import archived, loaded, saved, tensor_pickle

import hotplug as hp
from hotplug import nn
from hotplug.errors import FileFormatError
from hotplug.serialization import archive
from hotplug.serialization.archive import Archive

DTYPES = [
    "bool", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32",
    "float64", "complex64", "complex128",
]  # fmt: skip


def sample(library: Any, dtype: str) -> Any:
    return library.arange(12).reshape(3, 4).to(getattr(library, dtype))


def plain(value: Any) -> Any:
    """Values of either library in a comparable form."""
    if hasattr(value, "stride"):
        kind = str(value.dtype).partition(".")[2], tuple(value.shape), value.stride(), value.storage_offset()
        return (*kind, value.requires_grad, type(value).__name__, value.detach().tolist())
    if isinstance(value, dict):
        return type(value).__name__, [(key, plain(each)) for key, each in value.items()]
    if isinstance(value, (list, tuple)):
        return type(value).__name__, [plain(each) for each in value]
    if isinstance(value, set):
        return sorted(map(repr, value))
    return repr(value).replace("torch", "hotplug")


# --- what comes back --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_dtype_and_view_comes_back(dtype: str) -> None:
    x = sample(hp, dtype)
    value = {"x": x, "t": x.t(), "part": x[1:, ::2], "scalar": x[2, 3], "none": x[:0], "wide": x[:1].expand(5, 4)}
    found = loaded(saved(value))
    assert plain(found) == plain(value)
    assert len({id(each._array.storage) for each in found.values()}) == 1
    found["x"].zero_()
    assert not found["part"].to(hp.int64).any().item()


def test_nested_values_come_back() -> None:
    shared = hp.arange(3.0)
    value = {
        "model": OrderedDict(a=shared, b=shared), 7: [1, 2.5, float("inf"), None, True, "text ☃", 10**30, -5, 2**31],
        hp.float32: 1, hp.device("cpu"): 2,
        "tuple": (shared * 2, {"deep": ()}), (1, "two", (3.5,)): "key", None: b"\0\xff", 2.5: bytearray(b"x"),
        "kinds": [hp.bfloat16, hp.device("opencl:1"), hp.device("cpu"), hp.Size([2, 3]), {1, "a"}, Counter("aab"), 1j],
    }  # fmt: skip
    found = loaded(saved(value))
    assert plain(found) == plain(value)
    assert found["model"]["a"] is found["model"]["b"]
    assert [type(each) for each in found["kinds"]] == [type(each) for each in value["kinds"]]  # type: ignore[attr-defined]
    assert found["kinds"][0] is hp.bfloat16
    twice = [1, 2]
    first, second = loaded(saved([twice, twice]))
    assert first is second


def test_parameters_buffers_and_attributes(tmp_path: Path) -> None:
    frozen = nn.Parameter(hp.arange(3), requires_grad=False)
    tagged = nn.Parameter(hp.ones(2))
    tagged.tag = {"a": [1, hp.ones(1)]}  # type: ignore[attr-defined]
    buffer, noted = nn.Buffer(hp.ones(2), persistent=False), hp.ones(2, requires_grad=True)
    noted.note = "x"  # type: ignore[attr-defined]
    hp.save([frozen, tagged, buffer, noted], tmp_path / "x.pt")
    found = hp.load(tmp_path / "x.pt")
    assert plain(found) == plain([frozen, tagged, buffer, noted])
    assert found[1].tag["a"][1].tolist() == [1]
    assert found[2].persistent is False
    assert found[3].note == "x"


def trained(library: Any, optimizer: Callable[..., Any]) -> tuple[Any, Any, Any]:
    """A small network after two steps, with its optimizer and schedule."""
    network = library.nn.Sequential(library.nn.BatchNorm1d(3), library.nn.Linear(3, 4), library.nn.Linear(4, 2))
    steps = optimizer(library.optim)(network.parameters())
    schedule = library.optim.lr_scheduler.MultiStepLR(steps, [1, 3], 0.5)
    for _ in range(2):
        steps.zero_grad()
        network(library.ones(5, 3) * library.arange(5.0).reshape(5, 1)).sum().backward()
        steps.step()
        schedule.step()
    return network, steps, schedule


OPTIMIZERS: list[Callable[[Any], Callable[..., Any]]] = [
    lambda optim: lambda params: optim.SGD(params, 0.1, momentum=0.9),
    lambda optim: lambda params: optim.AdamW(params, 0.001),
]


@pytest.mark.parity
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=["sgd", "adamw"])
def test_training_goes_on_in_the_other_library(torch: Any, optimizer: Any, tmp_path: Path) -> None:
    for ours, theirs in ((hp, torch), (torch, hp)):
        first = trained(ours, optimizer)
        checkpoint = {"epoch": 3, "states": [each.state_dict() for each in first]}
        ours.save(checkpoint, tmp_path / "x.pt")
        found = theirs.load(tmp_path / "x.pt", weights_only=True)
        second = trained(theirs, optimizer)
        for part, state in zip(second, found["states"], strict=True):
            part.load_state_dict(state)
        for library, (network, steps, schedule) in ((ours, first), (theirs, second)):
            steps.zero_grad()
            (network(library.ones(5, 3) * library.arange(5.0).reshape(5, 1)) ** 2).sum().backward()
            steps.step()
            schedule.step()
        for mine, other in zip(first[0].state_dict().values(), second[0].state_dict().values(), strict=True):
            np.testing.assert_allclose(mine.tolist(), other.tolist(), rtol=2e-5, atol=1e-6)
        assert first[2].get_last_lr() == second[2].get_last_lr()


@pytest.mark.parity
def test_the_state_of_every_optimizer_goes_to_the_other_library(torch: Any, tmp_path: Path) -> None:
    names = {
        name for name, kind in vars(hp.optim).items() if isinstance(kind, type) and hasattr(kind, "add_param_group")
    }
    assert len(names) > 10
    for name in sorted(names & set(vars(torch.optim)) - {"Optimizer", "SparseAdam"}):
        for ours, theirs in ((hp, torch), (torch, hp)):

            def optimizer(library: Any, name: str = name) -> tuple[Any, Any]:
                weight = library.nn.Parameter(library.ones(2, 3))
                return weight, getattr(library.optim, name)([weight])

            weight, steps = optimizer(ours)

            def loss(weight: Any = weight) -> Any:
                weight.grad = None
                result = (weight**2).sum()
                result.backward()
                return result

            for _ in range(2):
                steps.step(loss)
            ours.save(steps.state_dict(), tmp_path / "x.pt")
            other = optimizer(theirs)[1]
            other.load_state_dict(theirs.load(tmp_path / "x.pt", weights_only=True))
            assert plain(other.state_dict()) == plain(steps.state_dict()), name


@pytest.mark.parity
def test_pytorch_reads_our_files_and_we_its(torch: Any, tmp_path: Path) -> None:
    def values(library: Any) -> dict[str, Any]:
        x = library.arange(12.0).reshape(3, 4)
        tagged = library.nn.Parameter(library.ones(2))
        tagged.tag = "t"
        found = {name: sample(library, name) for name in DTYPES}
        return found | {
            "x": x, "t": x.t(), "part": x[1:, ::2], "none": x[:0], "scalar": x[2, 3], "wide": x[:1].expand(5, 4),
            "apart": library.zeros(0, 3), "number": library.tensor(3), "inner": x.reshape(2, 2, 3).transpose(0, 2),
            "grad": library.ones(2, requires_grad=True),
            "kinds": [library.float16, library.device("cpu"), library.device("cuda:1"), library.Size([2, 3]), {1},
                      Counter("aab"), 1j, b"ab", bytearray(b"x"), 10**30, -5, float("inf"), None, True, (1, ())],
            "tagged": tagged, "frozen": library.nn.Parameter(library.ones(2), requires_grad=False),
            "state": library.nn.Sequential(library.nn.Linear(1, 1), library.nn.BatchNorm1d(1)).state_dict(),
        }  # fmt: skip

    for ours, theirs in ((hp, torch), (torch, hp)):
        ours.manual_seed(0)
        value = values(ours)
        ours.save(value, tmp_path / "x.pt")
        for options in ({}, {"mmap": True}, {"map_location": "cpu"}):
            found = theirs.load(tmp_path / "x.pt", weights_only=True, **options)
            assert plain(found) == plain(value)
            assert found["state"]._metadata == value["state"]._metadata
            assert found["tagged"].tag == "t"
            found["x"][1, 0] = 77
            assert found["part"][0, 0].item() == 77


@pytest.mark.parity
@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_pytorch_s_other_ways_of_writing(torch: Any, protocol: int) -> None:
    x = torch.arange(3.0)
    marked = [torch.ones(2, dtype=torch.complex64).mul(1j).conj(), (x.to(torch.complex64) * 1j).conj().imag]
    value = {"x": x, "s": {1, 2}, "b": b"ab", "c": Counter("a"), "z": 2j, "y": x[1:], "marked": marked}
    file = io.BytesIO()
    checks = torch.serialization.get_crc32_options()
    torch.serialization.set_crc32_options(protocol % 2 == 0)
    try:
        torch.save(value, file, pickle_protocol=protocol)
    finally:
        torch.serialization.set_crc32_options(checks)
    found = loaded(file.getvalue())
    assert found["y"].tolist() == [1, 2]
    assert [each.tolist() for each in found["marked"]] == [each.tolist() for each in marked]
    assert {key: found[key] for key in "sbcz"} == {key: value[key] for key in "sbcz"}


@pytest.mark.parity
def test_pytorch_s_other_kinds_of_files_are_named(torch: Any, tmp_path: Path) -> None:
    torch.save(torch.nn.Linear(1, 1), tmp_path / "module.pt")
    with pytest.raises(FileFormatError, match=r"needs torch.nn.modules.linear.Linear, which is not on the list"):
        hp.load(tmp_path / "module.pt")
    torch.save(torch.ones(2).to_sparse(), tmp_path / "sparse.pt")
    with pytest.raises(FileFormatError, match="needs torch._utils._rebuild_sparse_tensor"):
        hp.load(tmp_path / "sparse.pt")
    torch.save(torch.ones(2, dtype=torch.float8_e5m2), tmp_path / "float8.pt")
    with pytest.raises(FileFormatError, match="needs torch.float8_e5m2"):
        hp.load(tmp_path / "float8.pt")


# --- where to ---------------------------------------------------------------------------------------------------------


def test_devices_come_back_or_are_mapped() -> None:
    content = saved({"n": hp.ones(2, device="numpy"), "c": hp.ones(2)})

    def places(map_location: Any = None) -> list[str]:
        return [str(each.device) for each in loaded(content, map_location).values()]

    assert places() == ["numpy", "cpu"]
    assert places("cpu") == places(hp.device("cpu")) == ["cpu", "cpu"]
    assert places({"cpu": "numpy"}) == ["numpy", "numpy"]
    assert places(lambda storage, location: storage) == ["cpu", "cpu"]
    assert places(lambda storage, location: "numpy" if location == "cpu" else None) == ["numpy", "numpy"]
    elsewhere = archived(tensor_pickle(location="cuda:7"), data_0=bytes(8))
    with pytest.raises(RuntimeError, match=r"saved on 'cuda:7'.*pass map_location='cpu'"):
        loaded(elsewhere)
    assert loaded(elsewhere, "cpu").tolist() == [0, 0]


def test_a_device_of_its_own() -> None:
    pytest.importorskip("hotplug_minimal", reason="the example plugin is a device outside of host memory")
    x = hp.arange(6.0, device="minimal").reshape(2, 3)
    found = loaded(saved([x, x.t(), x.to(hp.bool)]))
    assert [str(each.device) for each in found] == [str(x.device)] * 3
    assert [each.tolist() for each in found] == [x.tolist(), x.t().tolist(), x.to(hp.bool).tolist()]


def test_a_mapped_file_is_read_late_and_never_changed(tmp_path: Path) -> None:
    path = tmp_path / "x.pt"
    hp.save({"x": hp.arange(1000.0), "b": hp.ones(3, dtype=hp.bool), "e": hp.zeros(0)}, path)
    before = path.read_bytes()
    found = hp.load(path, mmap=True)
    assert found["x"]._array.storage.block == -1
    assert hp.load(path)["x"]._array.storage.block > 0
    content = bytearray(before)
    place = before.index(struct.pack("<f", 999.0))
    content[place : place + 4] = struct.pack("<f", 5.0)
    with path.open("r+b") as file:
        file.write(content)
    assert found["x"][999].item() == 5  # what is in the file at the time of the first look
    found["x"].zero_()
    assert path.read_bytes() == content
    with pytest.raises(FileFormatError, match="checksum of 'archive/data/0' is wrong"):
        hp.load(path)
    with pytest.raises(ValueError, match="needs the path of a file"):
        hp.load(io.BytesIO(before), mmap=True)


def test_files_and_paths(tmp_path: Path) -> None:
    path = tmp_path / "x.pt"
    hp.save([1], path)
    hp.save([2], str(path))
    with path.open("rb") as file:
        assert hp.load(file) == [2]
    before = path.read_bytes()
    with pytest.raises(TypeError, match="can't store a Flatten"):
        hp.save([hp.ones(2), nn.Flatten()], path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
    path.chmod(0o640)
    (tmp_path / "link").symlink_to("x.pt")
    hp.save([3], tmp_path / "link")
    assert hp.load(path) == [3]
    assert (tmp_path / "link").is_symlink()
    assert path.stat().st_mode & 0o777 == 0o640
    hp.save([3], os.devnull)
    assert not Path(os.devnull).is_file()
    with pytest.raises(FileNotFoundError):
        hp.save([3], tmp_path / "none" / "x.pt")
    with pytest.raises(IsADirectoryError):
        hp.save([3], tmp_path)
    with pytest.raises(TypeError, match="expected a path or a file to write to, got int"):
        hp.save([1], 3)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="expected a path or a file to read from, got int"):
        hp.load(3)  # type: ignore[arg-type]
    with pytest.raises(FileNotFoundError):
        hp.load(tmp_path / "none.pt")


def test_what_cannot_be_saved() -> None:
    endless: list[Any] = []
    endless.append(endless)
    deep: list[Any] = []
    for _ in range(300):
        deep = [deep]
    z = hp.ones(2, dtype=hp.complex64)

    class Mine(hp.Tensor):
        pass

    for value, error, message in (
        (nn.Flatten(), TypeError, "save its state_dict"), (lambda: 0, TypeError, "can't store a function"),
        (np.int64(3), TypeError, "can't store a int64"), (endless, ValueError, "contain themselves"),
        (deep, ValueError, "nested deeper than 100"), ([z, z.real], ValueError, "as complex64 and as float32"),
        ({(1,) * 65: 1}, TypeError, "a key that can't be read again: a tuple of more than 64"),
        ({1 << 64}, TypeError, "a key that can't be read again: an integer beyond 64 bits"),
        ({z: 1}, TypeError, "a key that can't be read again: a Tensor"),
        (1 << 5000, ValueError, "5001 bits is too large"), (Mine([1.0]), TypeError, "can't store a Mine"),
    ):  # fmt: skip
        with pytest.raises(error, match=message):
            saved(value)
    flipped = hp.from_numpy(np.arange(4.0)[::-1])
    assert loaded(saved(flipped)).tolist() == [3, 2, 1, 0]


@pytest.mark.parity
def test_names_of_files(torch: Any, tmp_path: Path) -> None:
    for name in ("epoch:3.pt", "größe ☃.pt", "a b", "x.tar.gz"):
        for ours, theirs in ((hp, torch), (torch, hp)):
            ours.save({"x": ours.ones(2)}, tmp_path / name)
            assert theirs.load(tmp_path / name, weights_only=True)["x"].tolist() == [1, 1]


@pytest.mark.parity
def test_files_of_more_than_four_gigabytes(torch: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their sizes and places are written in another way; here that begins at a few bytes."""
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 100)
    monkeypatch.setattr(archive, "_ZIP64_LIMIT", 100)
    value = {"x": hp.arange(100.0), "y": hp.arange(2)}
    hp.save(value, tmp_path / "x.pt")
    content = (tmp_path / "x.pt").read_bytes()
    assert b"PK\6\6" in content
    assert {each.begin % 64 for each in Archive(memoryview(content), "x").members.values()} == {0}
    for found in (hp.load(tmp_path / "x.pt"), hp.load(tmp_path / "x.pt", mmap=True), torch.load(tmp_path / "x.pt")):
        assert {name: each.tolist() for name, each in found.items()} == {"x": list(range(100)), "y": [0, 1]}


def test_equal_values_give_equal_files() -> None:
    text = "import sys, hotplug as hp; hp.save({'s': {'a', 'b', 'c', 1, 2.0}, 'x': hp.ones(3)}, sys.stdout.buffer)"
    files = {
        subprocess.run(
            [sys.executable, "-c", text], check=True, capture_output=True, env={**os.environ, "PYTHONHASHSEED": seed}
        ).stdout
        for seed in ("1", "2")
    }
    assert len(files) == 1


def test_members_lie_at_aligned_places() -> None:
    content = saved([hp.ones(n) for n in range(5)])
    members = Archive(memoryview(content), "x").members
    assert [each.begin % 64 for each in members.values()] == [0] * len(members)
    with zipfile.ZipFile(io.BytesIO(content)) as standard:
        assert standard.testzip() is None
        assert standard.namelist() == list(members)
