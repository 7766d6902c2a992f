"""Files in PyTorch's format that are corrupt or hostile: refused, without a call of anything and in bounded memory."""

from __future__ import annotations

import io
import os
import pickle
import struct
import time
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from archives import archived, loaded, saved, tensor_pickle
from hypothesis import HealthCheck, given, settings, strategies as st

import hotplug as hp
from hotplug import nn, optim
from hotplug.errors import FileFormatError, HotplugError
from hotplug.serialization import safetensors
from hotplug.serialization.archive import Archive

# --- hostile pickles --------------------------------------------------------------------------------------------------


TENSORS: dict[str, tuple[dict[str, Any], str]] = {
    "beyond": ({"shape": (3,)}, "ends at byte 12 of a storage of 8 bytes"),
    "offset": ({"offset": 1}, "ends at byte 12 of a storage of 8 bytes"),
    "empty beyond": ({"shape": (0,), "offset": 3}, "ends at byte 12"),
    "strides": ({"strides": (2,)}, "ends at byte 12"),
    "negative stride": ({"strides": (-1,)}, "sizes from 0"),
    "negative offset": ({"offset": -1}, "sizes from 0"),
    "negative size": ({"shape": (-2,)}, "sizes from 0"),
    "no tuple": ({"shape": "x"}, "sizes from 0"),
    "ranks": ({"shape": (1, 2)}, "2 sizes and 1 strides"),
    "rank": ({"shape": (1,) * 65, "strides": (1,) * 65}, "65 sizes"),
    "overflow": ({"shape": (2**62, 4), "strides": (0, 0)}, "overflows 64 bits"),
    "huge": ({"shape": (2**62,)}, "overflows 64 bits|ends at byte"),
    "beyond 64 bits": ({"shape": (2**64,)}, "sizes from 0"),
    "count": ({"count": 3}, "has 8 bytes, but should hold 3 of float32"),
    "huge count": ({"count": 2**61}, "has 8 bytes, but should hold"),
    "negative count": ({"count": -2}, "has 8 bytes, but should hold"),
    "dtype": ({"kind": "DoubleStorage"}, "has 8 bytes, but should hold 2 of float64"),
    "untyped": ({"kind": "QInt8Storage"}, "needs torch.QInt8Storage, which is not on the list"),
    "other member": ({"key": "1"}, "no member 'archive/data/1'"),
    "path": ({"key": "../data.pkl"}, "no member 'archive/data/../data.pkl'"),
}


@pytest.mark.parametrize(("changes", "message"), TENSORS.values(), ids=TENSORS.keys())
def test_hostile_tensors(changes: dict[str, Any], message: str) -> None:
    assert loaded(archived(tensor_pickle(), data_0=bytes(8))).tolist() == [0, 0]
    with pytest.raises(FileFormatError, match=message):
        loaded(archived(tensor_pickle(**changes), data_0=bytes(8)))


class Call:
    """Pickles as a call of a function."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> Any:
        return self.call


MARKER = "hotplug_was_tricked"
CODE = {
    "os.system": lambda: pickle.dumps(Call(os.system, f"touch {MARKER}"), 2),
    "os.system, protocol 4": lambda: pickle.dumps(Call(os.system, f"touch {MARKER}"), 4),
    "eval": lambda: pickle.dumps(Call(eval, f"open({MARKER!r}, 'w')"), 2),
    "exec": lambda: pickle.dumps({"x": [Call(exec, f"open({MARKER!r}, 'w')")]}, 5),
    "open": lambda: pickle.dumps(Call(open, MARKER, "w"), 2),
    "getattr": lambda: pickle.dumps(Call(getattr, "x", "__class__"), 2),
    "import": lambda: pickle.dumps(Call(__import__, "os"), 2),
    "an attribute by a dotted name": lambda: b"\x80\x04\x8c\x05torch\x8c\x0bos.path.sep\x93.",
    "a module's name as text": lambda: b"cos\nsystem\n(S'touch'\ntR.",
    "an instance": lambda: b"(cos\nsystem\nX\x04\0\0\0lsoo.",
    "an instance by name": lambda: b"(X\x01\0\0\0xios\nsystem\n.",
    "a new object": lambda: b"\x80\x02ctorch\nSize\n)\x81.",
    "an extension": lambda: b"\x80\x02\x82\x01.",
    "state of a function": lambda: b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n}X\x08\0\0\0__code__NsbN.",
    "state of a dict": lambda: b"\x80\x02}}X\x01\0\0\0aNsb.",
    "state of a list": lambda: b"\x80\x02]}X\x01\0\0\0aNsb.",
    "an attribute of an ordered dict": lambda: b"\x80\x02ccollections\nOrderedDict\n)R}X\x05\0\0\0itemsNsb.",
    "a call of a dict": lambda: b"\x80\x02})R.",
    "a call of a dtype": lambda: b"\x80\x02ctorch\nfloat32\n)R.",
    "a call of a result": lambda: b"\x80\x02ctorch\nSize\n(ttR)R.",
    "a persistent id": lambda: b"\x80\x02X\x02\0\0\0lsQ.",
    "a persistent id as text": lambda: b"Pls\n.",
    "an encoder": lambda: b"\x80\x02c_codecs\nencode\nX\x01\0\0\0aX\x05\0\0\0rot13\x86R.",
    "a method of a tensor": lambda: pickle.dumps(Call(hp.Tensor.backward, 1), 4),
    "our own rebuild": lambda: pickle.dumps(hp.ones(2), 4),
}


@pytest.mark.parametrize("make", CODE.values(), ids=CODE.keys())
def test_pickles_with_code(make: Callable[[], bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileFormatError):
        loaded(archived(make()))
    assert list(tmp_path.iterdir()) == []


def nested(opening: bytes, closing: bytes, depth: int) -> bytes:
    return b"\x80\x02" + opening * depth + closing * depth + b"."


PICKLES: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "is truncated"),
    "no end": (b"\x80\x02N", "is truncated"),
    "nothing": (b"\x80\x02.", "leaves no single value"),
    "two values": (b"\x80\x02NN.", "leaves no single value"),
    "a mark": (b"\x80\x02(.", "leaves no single value"),
    "protocol": (b"\x80\x06N.", "protocol newer than 5"),
    "unknown opcode": (b"\x80\x02\xff.", "not allowed"),
    "underflow": (b"\x80\x02\x86.", "from an empty stack"),
    "no mark": (b"\x80\x02Nt.", "without a mark"),
    "pop a mark": (b"\x80\x02(0N.", "from an empty stack"),
    "put nothing": (b"\x80\x02q\0N.", "expected a object on the stack"),
    "get nothing": (b"\x80\x02h\0.", "refers to value 0"),
    "long string": (b"\x80\x02X\xff\xff\xff\xffab.", "4294967295 bytes were expected, 3 are left"),
    "longer string": (b"\x80\x04\x8d" + b"\xff" * 8 + b"ab.", "18446744073709551615 bytes were expected"),
    "long bytes": (b"\x80\x04\x8e" + b"\xff" * 7 + b"\x7fab.", "bytes were expected"),
    "long frame": (b"\x80\x04\x95" + b"\xff" * 8 + b"N.", "a frame that reaches beyond"),
    "long integer": (b"\x80\x02\x8b\xff\xff\xff\x7f.", "an integer of 2147483647 bytes"),
    "negative length": (b"\x80\x02\x8b\xff\xff\xff\xff.", "an integer of -1 bytes"),
    "far memo": (b"\x80\x02Nr\xff\xff\xff\xff0j\xff\xff\xff\xfe.", "refers to value 4278190079"),
    "bad text": (b"\x80\x02X\x01\0\0\0\xff.", "not UTF-8"),
    "append to a dict": (b"\x80\x02}Na.", "expected a list"),
    "items of a list": (b"\x80\x02]NNs.", "expected a dict"),
    "odd items": (b"\x80\x02}(Nu.", "a key without a value"),
    "key is a list": (b"\x80\x02}]Ns.", "wrong key: a list"),
    "key is a tensor type": (b"\x80\x02}ctorch\nTensor\nNs.", "wrong key: a _TensorType"),
    "large key": (b"\x80\x02}\x8a\x09" + b"\xff" * 8 + b"\x01Ns.", "wrong key: an integer beyond 64 bits"),
    "a key that shares itself": (b"\x80\x02})q\0" + b"0h\0h\0\x86q\0" * 60 + b"Ns.", "more than 64 parts"),
    "a set of such": (b"\x80\x02c__builtin__\nset\n])q\0" + b"0h\0h\0\x86q\0" * 60 + b"a\x85R.", "more than 64 parts"),
    "a list in itself": (b"\x80\x02]q\0h\0a.", "contains itself"),
    "a dict in itself": (b"\x80\x02}q\0X\x01\0\0\0ah\0s.", "contains itself"),
    "a list in its tuple": (b"\x80\x02]q\0h\0\x85a.", "contains itself"),
    "metadata in itself": (b"\x80\x02ccollections\nOrderedDict\n)Rq\0}X\x09\0\0\0_metadatah\0sb.", "contains itself"),
    "deep": (nested(b"]", b"a", 100_000)[:-2] + b".", "nested deeper than 100"),
    "deep tuples": (b"\x80\x02)" + b"\x85" * 100_000 + b".", "nested deeper than 100"),
    "a function as a value": (b"\x80\x02ctorch\nSize\n.", "holds a Builder as a value"),
    "a storage type as a value": (b"\x80\x02]ctorch\nFloatStorage\na.", "holds a StorageType as a value"),
    "a call without arguments": (b"\x80\x02ctorch\nSize\n)R.", "calls Size with wrong arguments"),
    "an ordered dict of": (b"\x80\x02ccollections\nOrderedDict\n]\x85R.", "calls OrderedDict with wrong arguments"),
    "a wrong device": (b"\x80\x02ctorch\ndevice\nK\x01\x85R.", "a device is described"),
    "a wrong size": (b"\x80\x02ctorch\nSize\n]\x85R.", "a size is no tuple"),
    "a parameter of nothing": (b"\x80\x02ctorch._utils\n_rebuild_parameter\nN\x88N\x87R.", "is no tensor"),
}  # fmt: skip


@pytest.mark.parametrize(("content", "message"), PICKLES.values(), ids=PICKLES.keys())
def test_corrupt_pickles(content: bytes, message: str) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(FileFormatError, match=message):
            loaded(archived(content))
        assert tracemalloc.get_traced_memory()[1] < 64_000_000  # nothing of the claimed size was allocated
    finally:
        tracemalloc.stop()


def text(value: bytes) -> bytes:
    return b"X" + struct.pack("<I", len(value)) + value


LARGE = b"0" + text(b"x" * 100_000) + b"q\x000" + text(b"latin1") + b"q\x010"
ATTRIBUTES = b"0}(" + b"".join(text(b"a%d" % each) + b"N" for each in range(5000)) + b"uq\x000"
REPEATED = {
    "bytes": LARGE + b"c_codecs\nencode\nq\x020](" + b"h\x02h\x00h\x01\x86R" * 1000 + b"e.",
    "sets": b"0](" + b"K\x01" * 20_000 + b"eq\x000c__builtin__\nset\nq\x010](" + b"h\x01h\x00\x85R" * 1000 + b"e.",
    "counters": ATTRIBUTES + b"ccollections\nCounter\nq\x010](" + b"h\x01h\x00\x85R" * 1000 + b"e.",
    "states": ATTRIBUTES + tensor_pickle()[2:-1] + b"q\x02](" + b"h\x02h\x00b" * 1000 + b"e.",
    "long names": LARGE + tensor_pickle()[2:-1] + b"q\x02](" + b"h\x02}h\x00Nsb" * 1000 + b"e.",
}


@pytest.mark.parametrize("content", REPEATED.values(), ids=REPEATED.keys())
def test_what_is_named_many_times_is_not_copied_as_often(content: bytes) -> None:
    begin = time.monotonic()
    tracemalloc.start()
    try:
        with pytest.raises(FileFormatError, match="copies its values more than 16 times|an attribute"):
            loaded(archived(b"\x80\x02N" + content, data_0=bytes(8)))
        assert tracemalloc.get_traced_memory()[1] < 32_000_000
    finally:
        tracemalloc.stop()
    assert time.monotonic() - begin < 10


def test_a_few_bytes_are_not_conjugated_to_any_size() -> None:
    def conjugated(size: int, count: int) -> bytes:
        plain = tensor_pickle((size,), (0,), 0, 1, "ComplexFloatStorage")
        marked = plain.replace(
            b"ccollections\nOrderedDict\n)RtR.", b"ccollections\nOrderedDict\n)R}X\x04\0\0\0conj\x88stR"
        )
        assert marked != plain
        return archived(b"\x80\x02](" + marked[2:] * count + b"e.", data_0=struct.pack("<2f", 1, 2))

    assert loaded(conjugated(3, 2))[1].tolist() == [1 - 2j] * 3
    for size, count in ((1 << 30, 1), (1 << 50, 1), (1 << 10, 100)):
        with pytest.raises(FileFormatError, match="take more than 16 times the file's size"):
            loaded(conjugated(size, count))


def test_attributes_of_tensors_hide_no_methods() -> None:
    tagged = nn.Parameter(hp.ones(2))
    tagged.xxxx = 1  # type: ignore[attr-defined]
    content = saved(tagged)
    for name, refused in ((b"size", True), (b"1abc", True), (b"yyyy", False)):
        pickled = bytes(Archive(memoryview(content), "x").bytes_of("archive/data.pkl")).replace(b"xxxx", name)
        changed = archived(pickled, data_0=struct.pack("<2f", 1, 1))
        if refused:
            with pytest.raises(FileFormatError, match=f"an attribute '{name.decode()}'"):
                loaded(changed)
        else:
            assert loaded(changed).yyyy == 1


# --- hostile archives -------------------------------------------------------------------------------------------------


def zipped(*members: tuple[str, bytes], **options: Any) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", **options) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return file.getvalue()


def patched(content: bytes, old: bytes, new: bytes, count: int = 1) -> bytes:
    assert old in content
    return content.replace(old, new, count)


def field(content: bytes, signature: bytes, offset: int, form: str, value: int, last: bool = False) -> bytes:
    """The content with one field of a header changed."""
    place = (content.rindex if last else content.index)(signature) + offset
    changed = bytearray(content)
    struct.pack_into(form, changed, place, value)
    return bytes(changed)


NONE = b"\x80\x02N."
GOOD = archived(NONE, version=b"3\n")
LOCAL, ENTRY, END = b"PK\3\4", b"PK\1\2", b"PK\5\6"


def overlapping() -> bytes:
    """An archive whose second member lies inside of the first: the trick of small files that unpack to large ones."""
    inner = archived(NONE, a=b"1")
    first = Archive(memoryview(inner), "x").members["archive/a"]
    header = inner[first.header : first.end]
    content = zipped(("archive/data.pkl", header), ("archive/a", b"1"))
    return field(content, ENTRY, 42, "<L", content.index(header), last=True)


ARCHIVES: dict[str, tuple[Callable[[], bytes], str]] = {
    "empty": (lambda: b"", "0 bytes are too few"),
    "short": (lambda: GOOD[:20], "20 bytes are too few"),
    "truncated": (lambda: GOOD[:-30], "no end of a ZIP archive"),
    "truncated end": (lambda: GOOD[:-1], "no end of a ZIP archive"),
    "rest": (lambda: GOOD + b"x", "1 bytes too many"),
    "text": (lambda: b"no archive at all, only text", "not a file of hotplug.save or torch.save"),
    "pickle": (lambda: pickle.dumps(list(range(100))), "this is a pickle"),
    "safetensors": (lambda: safetensors.save({"x": hp.ones(2)}), "looks like a safetensors file"),
    "no pickle": (lambda: zipped(("archive/x", NONE)), "one member data.pkl"),
    "two pickles": (lambda: zipped(("a/data.pkl", NONE), ("b/data.pkl", NONE)), "found 2"),
    "outside": (lambda: zipped(("a/data.pkl", NONE), ("b/x", NONE)), "members outside of 'a/'"),
    "program": (lambda: archived(NONE, **{"constants.pkl": NONE}), "TorchScript"),
    "big-endian": (lambda: archived(NONE, byteorder=b"big"), "not little-endian"),
    "strange order": (lambda: archived(NONE, byteorder=b"pdp"), "not little-endian"),
    "bomb": (lambda: zipped(("a/data.pkl", bytes(10**6)), compression=zipfile.ZIP_DEFLATED), "compressed or encrypted"),
    "encrypted": (lambda: field(GOOD, ENTRY, 8, "<H", 1), "compressed or encrypted"),
    "twice": (lambda: patched(archived(NONE, a=b"1", b=b"2"), b"archive/b", b"archive/a", 2), "two members called"),
    "parent": (lambda: zipped(("../data.pkl", NONE)), "a path that is not allowed"),
    "parent inside": (lambda: zipped(("a/data.pkl", NONE), ("a/../x", NONE)), "a path that is not allowed"),
    "absolute": (lambda: zipped(("/a/data.pkl", NONE)), "a path that is not allowed"),
    "drive": (lambda: zipped(("a/data.pkl", NONE), ("C:x", NONE)), "members outside of 'a/'"),
    "backslash": (lambda: patched(zipped(("a/data.pkl", NONE), ("a/b", NONE)), b"a/b", b"a\\b", 2), "path"),
    "not UTF-8": (lambda: patched(zipped(("a/data.pkl", NONE), ("a/b", NONE)), b"a/b", b"a/\xff", 2), "not UTF-8"),
    "crc": (lambda: patched(GOOD, NONE, b"\x80\x02].", 1), "checksum of 'archive/data.pkl' is wrong"),
    "other local name": (lambda: patched(GOOD, b"archive/version", b"archive/versioN", 1), "another header at its"),
    "no local header": (lambda: field(GOOD, LOCAL, 3, "<B", 5, True), "another header at its place"),
    "local size": (lambda: field(GOOD, LOCAL, 22, "<L", 3, True), "another size or checksum"),
    "local checksum": (lambda: field(GOOD, LOCAL, 14, "<L", 3, True), "another size or checksum"),
    "size": (lambda: field(field(GOOD, ENTRY, 20, "<L", 2**31), ENTRY, 24, "<L", 2**31), "another size|claims"),
    "two sizes": (lambda: field(GOOD, ENTRY, 24, "<L", 3), "claims 3 bytes in 4"),
    "wide without field": (lambda: field(GOOD, ENTRY, 24, "<L", 2**32 - 1), "lacks its 64-bit sizes"),
    "offset": (lambda: field(GOOD, ENTRY, 42, "<L", 2**31), "beyond the archive's end"),
    "overlap": (overlapping, "overlaps the one before it"),
    "directory size": (lambda: field(GOOD, END, 12, "<L", 2**31), "does not fit"),
    "directory offset": (lambda: field(GOOD, END, 16, "<L", 2**31), "does not fit"),
    "too many": (lambda: field(field(GOOD, END, 8, "<H", 60000), END, 10, "<H", 60000), "does not fit"),
    "too few": (lambda: field(field(GOOD, END, 8, "<H", 1), END, 10, "<H", 1), "belong to no member"),
    "parts": (lambda: field(GOOD, END, 4, "<H", 1), "several parts"),
    "directory": (lambda: field(GOOD, ENTRY, 0, "<L", 0), "directory is corrupt"),
    "long name": (lambda: field(GOOD, ENTRY, 28, "<H", 60000, True), "directory is corrupt"),
    "64-bit end": (lambda: GOOD[:-22] + struct.pack("<4sLQL", b"PK\6\7", 0, 2**63, 1) + GOOD[-22:], "64-bit end"),
}  # fmt: skip


@pytest.mark.parametrize(("make", "message"), ARCHIVES.values(), ids=ARCHIVES.keys())
def test_hostile_archives(make: Callable[[], bytes], message: str, tmp_path: Path) -> None:
    path = tmp_path / "hostile.pt"
    path.write_bytes(make())
    for read in (lambda: hp.load(path), lambda: loaded(path.read_bytes()), lambda: hp.load(path, mmap=True)):
        with pytest.raises(FileFormatError, match=message):
            read()


def test_the_good_archive_is_good() -> None:
    assert loaded(GOOD) is None
    wide = io.BytesIO()
    with zipfile.ZipFile(wide, "w") as archive, archive.open("a/data.pkl", "w", force_zip64=True) as member:
        member.write(NONE)
    assert loaded(wide.getvalue()) is None


EXAMPLE = saved({
    "x": hp.arange(6.0).reshape(2, 3), "y": [hp.ones(2, dtype=hp.bool), (1, 2.5, "text")],
    "p": nn.Parameter(hp.ones(3)), "state": nn.Linear(1, 1).state_dict(), "u": hp.ones(2, dtype=hp.uint16),
    "o": optim.SGD([nn.Parameter(hp.ones(1))], 0.1).state_dict(), "k": {1: hp.Size([1]), 2: hp.float16},
})  # fmt: skip
PICKLE = bytes(Archive(memoryview(EXAMPLE), "x").bytes_of("archive/data.pkl"))
REST = {
    name.removeprefix("archive/").replace("/", "_"): bytes(Archive(memoryview(EXAMPLE), "x").bytes_of(name))
    for name in Archive(memoryview(EXAMPLE), "x").members
    if name.startswith("archive/data/")
}
OPCODES = b".\x80\x95(01N\x88\x89JKM\x8a\x8bGX\x8c\x8dCB\x8e])}\x8ft\x85\x86\x87aesu\x90c\x93RbQqr\x94hj"
CHANGES = st.lists(
    st.tuples(st.integers(0, 1 << 20), st.one_of(st.integers(0, 255), st.sampled_from(list(OPCODES)))), min_size=1,
    max_size=4,
)  # fmt: skip
QUICK = settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def survives(content: bytes) -> None:
    """Loading gives values or a Hotplug error, in bounded memory."""
    tracemalloc.start()
    try:
        loaded(content)
    except HotplugError:
        pass
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 20_000_000


def changed(content: bytes, changes: list[tuple[int, int]]) -> bytes:
    found = bytearray(content)
    for place, value in changes:
        found[place % len(found)] = value
    return bytes(found)


@QUICK
@given(CHANGES)
def test_changed_archives(changes: list[tuple[int, int]]) -> None:
    survives(changed(EXAMPLE, changes))


@QUICK
@given(CHANGES)
def test_changed_headers(changes: list[tuple[int, int]]) -> None:
    """The directory and the headers only, where a change is not caught by a checksum."""
    start = EXAMPLE.index(ENTRY)
    survives(EXAMPLE[:start] + changed(EXAMPLE[start:], changes))


@QUICK
@given(CHANGES)
def test_changed_pickles(changes: list[tuple[int, int]]) -> None:
    survives(archived(changed(PICKLE, changes), **REST))


@QUICK
@given(st.lists(st.sampled_from([bytes([each]) for each in OPCODES] + [
    b"X\x01\0\0\0a", b"K\x02", b"h\0", b"q\0", b"ctorch\nSize\n", b"ccollections\nOrderedDict\n", b"c__builtin__\nset\n",
    b"ctorch._utils\n_rebuild_tensor_v2\n", b"ctorch\nFloatStorage\n", b"c_codecs\nencode\n",
]), max_size=40))  # fmt: skip
def test_random_programs(steps: list[bytes]) -> None:
    survives(archived(b"\x80\x02" + b"".join(steps) + b".", data_0=bytes(8)))


def test_every_cut_is_noticed() -> None:
    for end in range(0, len(EXAMPLE), 7):
        with pytest.raises(FileFormatError):
            loaded(EXAMPLE[:end])
    assert zlib.crc32(PICKLE) == Archive(memoryview(EXAMPLE), "x").members["archive/data.pkl"].checksum
