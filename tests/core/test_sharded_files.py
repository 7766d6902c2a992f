"""Safetensors in several files with an index."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hotplug as hp
from hotplug.errors import ArgumentError, FileFormatError
from hotplug.serialization import safetensors

INDEX = "model.safetensors.index.json"


def shard(number: int, count: int = 3) -> str:
    return f"model-{number:05}-of-{count:05}.safetensors"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three shards: ``a`` and ``b``, ``c`` (larger than the limit), ``d``."""
    tensors = {"a": hp.arange(2.0), "b": hp.ones(1, dtype=hp.int64), "c": hp.arange(5.0), "d": hp.tensor([True])}
    safetensors.save_file(tensors, tmp_path / "model.safetensors", {"epoch": "3"}, max_shard_size=16)
    return tmp_path


def change(folder: Path, update: Callable[[dict[str, Any]], Any]) -> None:
    index = json.loads((folder / INDEX).read_text())
    update(index)
    (folder / INDEX).write_text(json.dumps(index))


def test_what_is_written(folder: Path) -> None:
    assert sorted(path.name for path in folder.iterdir()) == [shard(1), shard(2), shard(3), INDEX]
    index = json.loads((folder / INDEX).read_text())
    assert index["weight_map"] == {"a": shard(1), "b": shard(1), "c": shard(2), "d": shard(3)}
    assert index["metadata"] == {"epoch": "3", "total_size": 37}
    assert safetensors.load_metadata(folder / shard(2)) == {"epoch": "3"}


@pytest.mark.parametrize("device", ["numpy", "cpu"])
@pytest.mark.parametrize("mapped", [False, True])
def test_round_trip(folder: Path, device: str, mapped: bool) -> None:
    found = safetensors.load_file(folder / INDEX, device, mmap=mapped)
    assert list(found) == ["a", "b", "c", "d"]
    assert all(each.device == hp.device(device) for each in found.values())
    assert [each.tolist() for each in found.values()] == [[0, 1], [1], [0, 1, 2, 3, 4], [True]]
    found["c"].zero_()
    assert safetensors.load_file(folder / INDEX)["c"].tolist() == [0, 1, 2, 3, 4]


def test_other_libraries_read_the_shards(folder: Path) -> None:
    reader = pytest.importorskip("safetensors.numpy")
    weight_map = json.loads((folder / INDEX).read_text())["weight_map"]
    found = {key: reader.load_file(folder / name)[key] for key, name in weight_map.items()}
    np.testing.assert_array_equal(found["c"], np.arange(5, dtype=np.float32))


def test_what_fits_into_one_file_has_no_index(folder: Path) -> None:
    safetensors.save_file({"a": hp.ones(2)}, folder / "model.safetensors", max_shard_size="1KB")
    assert [path.name for path in folder.iterdir()] == ["model.safetensors"]


def test_a_new_save_removes_the_shards_of_the_old_one(folder: Path) -> None:
    (folder / "model-00001-of-00002.txt").touch()
    tensors = {"a": hp.ones(2), "b": hp.ones(2)}
    safetensors.save_file(tensors, folder / "model.safetensors", max_shard_size=8)
    names = {"model-00001-of-00002.txt", shard(1, 2), shard(2, 2), INDEX}
    assert {path.name for path in folder.iterdir()} == names
    assert list(safetensors.load_file(folder / INDEX)) == ["a", "b"]


def test_a_save_that_fails_changes_nothing(folder: Path) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(hp.errors.DTypeError, match="no complex128"):
        tensors = {"a": hp.zeros(9), "b": hp.zeros(2, dtype=hp.complex128), "c": hp.zeros(9)}
        safetensors.save_file(tensors, folder / "model.safetensors", max_shard_size=16)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.parametrize(("size", "count"), [("8B", 3), (8, 3), ("16 b", 2), ("1KB", 1), ("1kib", 1), ("3GiB", 1)])
def test_sizes(size: int | str, count: int, tmp_path: Path) -> None:
    safetensors.save_file(dict.fromkeys("abc", hp.ones(2)), tmp_path / "x.safetensors", max_shard_size=size)
    assert len(list(tmp_path.glob("*.safetensors"))) == count


@pytest.mark.parametrize("size", [0, -1, True, "", "5", "5 elephants", "-5GB", "1.5GB", 2.5])
def test_sizes_that_are_none(size: Any, tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="max_shard_size is a number of bytes or text"):
        safetensors.save_file({"a": hp.ones(2)}, tmp_path / "x.safetensors", max_shard_size=size)


def test_the_name_must_have_an_ending_to_cut_off(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="must end in .safetensors"):
        safetensors.save_file({"a": hp.ones(2)}, tmp_path / "x.bin", max_shard_size=8)


def add_d_to_the_second(folder: Path) -> None:
    safetensors.save_file({"c": hp.arange(5.0), "d": hp.tensor([True])}, folder / shard(2))


WRONG: dict[str, tuple[Callable[[Path], Any], str]] = {
    "a missing shard": (lambda folder: (folder / shard(2)).unlink(), r"shard model-00002-\S+ is missing \(1 of 3"),
    "an extra shard": (
        lambda folder: (folder / shard(1, 4)).write_bytes((folder / shard(1)).read_bytes()),
        "model-00001-of-00004.safetensors lies beside the index, which doesn't name it",
    ),
    "a tensor in two shards": (add_d_to_the_second, "holds tensor 'd', but the index says model-00003"),
    "a tensor that the index lacks": (
        lambda folder: change(folder, lambda index: index["weight_map"].pop("a")), "'a', but the index doesn't name it",
    ),
    "a tensor that no shard has": (
        lambda folder: change(folder, lambda index: index["weight_map"].update(e=shard(1))), "lacks tensor 'e'",
    ),
    "a tensor in another shard": (
        lambda folder: change(folder, lambda index: index["weight_map"].update(a=shard(2))), "'a', but the index says",
    ),
    "a shard out of the folder": (
        lambda folder: change(folder, lambda index: index["weight_map"].update(a="../x.safetensors")), "no name of a file",
    ),
    "a shard by an absolute path": (
        lambda folder: change(folder, lambda index: index["weight_map"].update(a="/x.safetensors")), "no name of a file",
    ),
    "another kind of file": (
        lambda folder: change(folder, lambda index: index["weight_map"].update(a="x.bin")), "no name of a file",
    ),
    "no map": (lambda folder: change(folder, lambda index: index.pop("weight_map")), "no weight_map"),
    "numbers as files": (lambda folder: change(folder, lambda index: index["weight_map"].update(a=1)), "no weight_map"),
    "another size": (
        lambda folder: change(folder, lambda index: index["metadata"].update(total_size=38)), "claims 38 bytes of tensors",
    ),
    "a size that is text": (
        lambda folder: change(folder, lambda index: index["metadata"].update(total_size="37")), "total_size is no number",
    ),
    "no JSON": (lambda folder: (folder / INDEX).write_text("{"), "not valid JSON"),
    "a list": (lambda folder: (folder / INDEX).write_text("[]"), "does not start with"),
    "a key twice": (lambda folder: (folder / INDEX).write_text('{"weight_map": {"a": "x", "a": "x"}}'), "key 'a' twice"),
    "a truncated shard": (
        lambda folder: (folder / shard(2)).write_bytes((folder / shard(2)).read_bytes()[:-1]), "truncated",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("spoil", "message"), WRONG.values(), ids=WRONG.keys())
def test_wrong_files(folder: Path, spoil: Callable[[Path], Any], message: str) -> None:
    spoil(folder)
    with pytest.raises(FileFormatError, match=message):
        safetensors.load_file(folder / INDEX)
