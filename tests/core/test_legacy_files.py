"""Files of PyTorch before 1.6: read without PyTorch; hostile ones refused before anything is allocated or run."""

from __future__ import annotations

import io
import os
import pickle
import struct
import tracemalloc
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from archives import loaded, tensor_pickle
from hypothesis import HealthCheck, given, settings, strategies as st

import hotplug as hp
from hotplug.errors import FileFormatError, HotplugError

MAGIC = pickle.dumps(0x1950A86A20F9469CFC6C, 2)
VERSION = pickle.dumps(1001, 2)
WRITER = pickle.dumps({"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2}}, 2)
TWO_FLOATS = struct.pack("<q2f", 2, 1.5, -2.0)


def legacy(
    value: bytes, keys: Any = ("0",), storages: bytes = TWO_FLOATS, head: bytes = MAGIC + VERSION + WRITER
) -> bytes:
    """A file made by hand, with everything in it at will."""
    return head + value + pickle.dumps(list(keys) if isinstance(keys, tuple) else keys, 2) + storages


def text(value: str) -> bytes:
    return b"X" + struct.pack("<I", len(value)) + value.encode()


def tensor_of_part(first: int, length: int, count: int = 2, size: int = 1) -> bytes:
    """A tensor of one size that sees a part of a storage, as PyTorch before 0.4 wrote it."""
    part = b"(" + text("view") + b"K" + bytes([first]) + b"K" + bytes([length]) + b"t"
    storage = (
        b"(" + text("storage") + b"ctorch\nFloatStorage\n" + text("0") + text("cpu") + b"K" + bytes([count]) + part
    )
    rest = b"tQK\0(K" + bytes([size]) + b"t(K\1t\x89ccollections\nOrderedDict\n)RtR."
    return b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n(" + storage + rest


# --- what PyTorch writes ----------------------------------------------------------------------------------------------


def written(torch: Any, value: Any) -> bytes:
    file = io.BytesIO()
    torch.save(value, file, _use_new_zipfile_serialization=False)
    return file.getvalue()


@pytest.mark.parity
def test_every_dtype(torch: Any) -> None:
    names = "bool uint8 int8 int16 int32 int64 float16 bfloat16 float32 float64 complex64 complex128".split()
    value = {name: torch.tensor([[0, 1, 1], [1, 0, 1]]).to(getattr(torch, name)) for name in names}
    found = loaded(written(torch, value))
    assert list(found) == names
    for name in names:
        assert found[name].dtype is getattr(hp, name)
        assert found[name].tolist() == value[name].tolist()


@pytest.mark.parity
def test_views_share_their_storage(torch: Any) -> None:
    base = torch.arange(12.0).reshape(3, 4)
    found = loaded(written(torch, [base, base.t()[1:3], base[1], torch.empty(0), base.view(-1)[3:3]]))
    assert [each.tolist() for each in found[1:3]] == [base.t()[1:3].tolist(), base[1].tolist()]
    assert found[3].shape == found[4].shape == (0,)
    found[0].zero_()
    assert found[2].tolist() == [0, 0, 0, 0]
    assert not found[1].any()


@pytest.mark.parity
@pytest.mark.parametrize("device", ["numpy", "cpu"])
def test_training_goes_on(torch: Any, device: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    theirs = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4), torch.nn.Linear(4, 1))
    their_optimizer = torch.optim.Adam(theirs.parameters(), lr=0.1)
    x = torch.randn(5, 3)

    def step(model: Any, optimizer: Any, inputs: Any) -> float:
        optimizer.zero_grad()
        loss = model(inputs).pow(2).mean()
        loss.backward()
        optimizer.step()
        return float(loss.item())

    step(theirs, their_optimizer, x)
    path = tmp_path / "old.pt"
    path.write_bytes(written(torch, {"model": theirs.state_dict(), "optimizer": their_optimizer.state_dict(), "x": x}))
    found = hp.load(path, map_location=device)
    assert isinstance(found["model"], OrderedDict)
    assert found["model"]["0.weight"].device == hp.device(device)
    ours = hp.nn.Sequential(hp.nn.Linear(3, 4), hp.nn.BatchNorm1d(4), hp.nn.Linear(4, 1)).to(device)
    ours.load_state_dict(found["model"])
    optimizer = hp.optim.Adam(ours.parameters(), lr=1.0)
    optimizer.load_state_dict(found["optimizer"])
    for _ in range(3):
        assert step(ours, optimizer, found["x"]) == pytest.approx(step(theirs, their_optimizer, x), rel=1e-4)


@pytest.mark.parity
def test_a_parameter_and_small_values(torch: Any) -> None:
    parameter = torch.nn.Parameter(torch.ones(2))
    value = {"p": parameter, "size": torch.Size([1, 2]), "dtype": torch.int8, "n": None, "f": 0.5, 3: ("a", b"b")}
    found = loaded(written(torch, value))
    assert isinstance(found.pop("p"), hp.nn.Parameter)
    assert found == {"size": hp.Size([1, 2]), "dtype": hp.int8, "n": None, "f": 0.5, 3: ("a", b"b")}


@pytest.mark.parity
def test_what_is_read_is_written_in_today_s_format(torch: Any, tmp_path: Path) -> None:
    base = torch.arange(4.0)
    hp.save(loaded(written(torch, {"a": base, "b": base[1:]})), tmp_path / "new.pt")
    found = torch.load(tmp_path / "new.pt", weights_only=True)
    found["a"].zero_()
    assert found["b"].tolist() == [0, 0, 0]


# --- files made by hand -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mapped", [False, True])
def test_from_a_path(mapped: bool, tmp_path: Path) -> None:
    path = tmp_path / "old.pt"
    path.write_bytes(legacy(tensor_pickle()))
    before = path.read_bytes()
    found = hp.load(path, mmap=mapped)
    assert found.tolist() == [1.5, -2.0]
    found.zero_()
    assert path.read_bytes() == before


def test_a_part_of_a_storage() -> None:
    assert loaded(legacy(tensor_of_part(1, 1))).tolist() == [-2.0]
    assert loaded(legacy(tensor_of_part(0, 2, size=2))).tolist() == [1.5, -2.0]
    for first, length, message in (
        (1, 2, "ends at element 3 of 2"),
        (2, 1, "ends at element 3 of 2"),
        (1, 0, "ends at byte 4"),
    ):
        with pytest.raises(FileFormatError, match=message):
            loaded(legacy(tensor_of_part(first, length)))


def test_a_string_of_python_2() -> None:
    assert loaded(legacy(b"\x80\x02}U\x01aK\x01s.", keys=(), storages=b"")) == {"a": 1}
    assert loaded(legacy(b"\x80\x02T\x02\0\0\0ab.", keys=(), storages=b"")) == "ab"


def test_nothing_but_numbers() -> None:
    assert loaded(legacy(pickle.dumps([1, "x"], 2), keys=(), storages=b"")) == [1, "x"]


class Call:
    """Pickles as a call of a function."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> Any:
        return self.call


CODE: dict[str, Callable[[str], bytes]] = {
    "as the value": lambda marker: legacy(pickle.dumps(Call(os.system, f"touch {marker}"), 2)),
    "as the keys": lambda marker: legacy(tensor_pickle(), keys=Call(os.system, f"touch {marker}")),
    "as the version": lambda marker: legacy(
        tensor_pickle(), head=MAGIC + pickle.dumps(Call(open, marker, "w"), 2) + WRITER
    ),
    "as the writer": lambda marker: legacy(
        tensor_pickle(), head=MAGIC + VERSION + pickle.dumps(Call(open, marker, "w"), 2)
    ),
    "a module with its source": lambda marker: legacy(
        b"\x80\x02(" + text("module") + b"cos\nsystem\n" + text("a") + b"NtQ."
    ),
}


@pytest.mark.parametrize("make", CODE.values(), ids=CODE.keys())
def test_code(make: Callable[[str], bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileFormatError, match="not on the list of what a file of weights may hold"):
        loaded(make("tricked"))
    assert list(tmp_path.iterdir()) == []


ORDERED = b"ccollections\nOrderedDict\n)Rq\0"
WRONG: dict[str, tuple[Callable[[], bytes], str]] = {
    "version": (lambda: legacy(tensor_pickle(), head=MAGIC + pickle.dumps(1000, 2) + WRITER), "version 1000, expected 1001"),
    "byte order": (
        lambda: legacy(tensor_pickle(), head=MAGIC + VERSION + pickle.dumps({"little_endian": False}, 2)), "byte order",
    ),
    "writer": (lambda: legacy(tensor_pickle(), head=MAGIC + VERSION + pickle.dumps([1], 2)), "byte order"),
    "no storage": (lambda: legacy(tensor_pickle(), storages=b""), "claims 0 bytes, but only 0 are left|truncated"),
    "short storage": (lambda: legacy(tensor_pickle(), storages=TWO_FLOATS[:-1]), "claims 8 bytes, but only 7 are left"),
    "long storage": (
        lambda: legacy(tensor_pickle(), storages=struct.pack("<Q2f", 2**63 - 1, 1, 2)),
        "claims 36893488147419103228 bytes, but only 8",
    ),
    "other length": (lambda: legacy(tensor_pickle(), storages=struct.pack("<q1f", 1, 1)), "1 elements, but its tensors say 2"),
    "huge length": (lambda: legacy(tensor_pickle(count=2**61)), "2 elements, but its tensors say"),
    "more bytes": (lambda: legacy(tensor_pickle(), storages=TWO_FLOATS + b"x"), "1 bytes follow the last storage"),
    "missing key": (lambda: legacy(tensor_pickle(), keys=()), "storage '0' is not in the list"),
    "unknown key": (lambda: legacy(tensor_pickle(), keys=("0", "1")), "storage '1' is in the list, but in no tensor"),
    "key twice": (lambda: legacy(tensor_pickle(), keys=("0", "0")), "no list of different strings"),
    "keys are no list": (lambda: legacy(tensor_pickle(), keys="0"), "no list of different strings"),
    "a key is a list": (lambda: legacy(tensor_pickle(), keys=[[]]), "no list of different strings"),
    "two descriptions": (
        lambda: legacy(tensor_pickle()[:-1] + tensor_pickle(kind="DoubleStorage")[2:-1] + b"\x86."), "described in two ways",
    ),
    "beyond the storage": (lambda: legacy(tensor_pickle(shape=(3,))), "ends at byte 12 of a storage of 8 bytes"),
    "a list in itself": (lambda: legacy(b"\x80\x02]q\0h\0a.", keys=(), storages=b""), "contains itself"),
    "a dict in itself": (lambda: legacy(b"\x80\x02" + ORDERED + text("a") + b"h\0s.", keys=(), storages=b""), "itself"),
    "deep": (lambda: legacy(b"\x80\x02" + b"]" * 5000 + b"a" * 4999 + b".", keys=(), storages=b""), "nested deeper than 100"),
    "a storage as the value": (
        lambda: legacy(b"\x80\x02(" + text("storage") + b"ctorch\nFloatStorage\n" + text("0") + text("cpu") + b"K\2NtQ."),
        "holds a _Bytes as a value",
    ),
    "a part that is no tuple": (
        lambda: legacy(b"\x80\x02(" + text("storage") + b"ctorch\nFloatStorage\n" + text("0") + text("cpu") + b"K\2K\1tQ."),
        "a part of a storage is described",
    ),
    "an ordinary pickle": (lambda: pickle.dumps({"some": "ordinary pickle"}, 2), "a pickle of something else"),
}  # fmt: skip


@pytest.mark.parametrize(("make", "message"), WRONG.values(), ids=WRONG.keys())
def test_wrong_files(make: Callable[[], bytes], message: str) -> None:
    content = make()
    tracemalloc.start()
    try:
        with pytest.raises(FileFormatError, match=message):
            loaded(content)
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()


def test_every_truncation_is_refused() -> None:
    content = legacy(tensor_pickle())
    for length in range(len(content)):
        with pytest.raises(FileFormatError):
            loaded(content[:length])


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_corrupted_bytes_never_do_harm(data: st.DataObject) -> None:
    content = bytearray(legacy(tensor_pickle()))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        found = loaded(bytes(content))
    except HotplugError:
        return
    if isinstance(found, hp.Tensor):
        assert found._array.storage.nbytes <= len(content)
