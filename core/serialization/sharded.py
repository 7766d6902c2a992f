"""Safetensors in several files: an index in JSON names the file of every tensor.

The index, ``model.safetensors.index.json``, is ``{"metadata": {"total_size": bytes}, "weight_map": {tensor: file}}``, and
the files beside it are ``model-00001-of-00003.safetensors``.  As all files, these are taken to be hostile: names that lead
elsewhere are refused, and all headers are read and compared with the index before a tensor is.

>>> import hotplug as hp, tempfile, pathlib
>>> from hotplug.serialization import safetensors
>>> folder = pathlib.Path(tempfile.mkdtemp())
>>> safetensors.save_file({"a": hp.ones(2), "b": hp.zeros(2)}, folder / "model.safetensors", max_shard_size=8)
>>> sorted(path.name for path in folder.iterdir())  # doctest: +NORMALIZE_WHITESPACE
['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors', 'model.safetensors.index.json']
>>> safetensors.load_file(folder / "model.safetensors.index.json")["a"]
tensor([1., 1.])
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from hotplug.errors import ArgumentError, FileFormatError
from hotplug.runtime import resolve_runtime
from hotplug.serialization import safetensors
from hotplug.serialization.replacing import Path_, replacing
from hotplug.tensor import Tensor

INDEX: Final = ".index.json"
_SUFFIX: Final = ".safetensors"
_LARGEST_INDEX: Final = 100_000_000
_UNITS: Final = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30}


def bytes_of(size: int | str) -> int:
    """A size in bytes: a number, or text such as ``"5GB"`` (decimal) or ``"512MiB"``.

    Raises:
        ArgumentError: it is neither, or not positive.
    """
    found = re.fullmatch(r"\s*(\d+)\s*([A-Za-z]+)\s*", size) if isinstance(size, str) else None
    unit = _UNITS.get(found[2].upper()) if found else None
    number = int(found[1]) * unit if found and unit else size
    if not isinstance(number, int) or isinstance(number, bool) or number <= 0:
        raise ArgumentError(f'save_file: max_shard_size is a number of bytes or text like "5GB", got {size!r}')
    return number


def save(tensors: Mapping[str, Tensor], filename: Path_, metadata: Mapping[str, str] | None, limit: int | str) -> None:
    """Write shards and their index; one file and no index where all fits into one.

    Files of an earlier save under the same name, of another number of shards, are removed in the end.
    """
    target = Path(filename)
    if not target.name.endswith(_SUFFIX):
        raise ArgumentError(f"save_file: with max_shard_size the name must end in {_SUFFIX}, got {target.name!r}")
    for name, tensor in tensors.items():
        safetensors.check_writable(name, tensor)
    shards = _split(tensors, bytes_of(limit))
    stem = target.name.removesuffix(_SUFFIX)
    names = [f"{stem}-{number:05}-of-{len(shards):05}{_SUFFIX}" for number in range(1, len(shards) + 1)]
    if len(shards) == 1:
        safetensors.save_file(tensors, target, metadata)
        names = [target.name]
    else:
        total = sum(tensor.nbytes for tensor in tensors.values())
        weight_map = {key: name for name, shard in zip(names, shards, strict=True) for key in sorted(shard)}
        index = {"metadata": {**(metadata or {}), "total_size": total}, "weight_map": weight_map}
        with ExitStack() as files:  # the index, opened first, takes its name last
            files.enter_context(replacing(f"{target}{INDEX}")).write(json.dumps(index, indent=2).encode())
            for name, shard in zip(names, shards, strict=True):
                file = files.enter_context(replacing(target.with_name(name)))
                for piece in safetensors.pieces(shard, metadata):
                    file.write(piece)
    for stale in _on_disk(target) - set(names):
        target.with_name(stale).unlink(missing_ok=True)
    if len(shards) == 1:
        Path(f"{target}{INDEX}").unlink(missing_ok=True)


def _split(tensors: Mapping[str, Tensor], limit: int) -> list[dict[str, Tensor]]:
    """The tensors in their order, a new shard where the next does not fit; one that is too large is alone."""
    shards: list[dict[str, Tensor]] = [{}]
    size = 0
    for name, tensor in tensors.items():
        if shards[-1] and size + tensor.nbytes > limit:
            shards.append({})
            size = 0
        shards[-1][name] = tensor
        size += tensor.nbytes
    return shards


def _on_disk(target: Path) -> set[str]:
    """Shards that lie beside an index, whether it names them or not; and the single file of the same name."""
    pattern = re.compile(re.escape(target.name.removesuffix(_SUFFIX)) + r"-\d{5}-of-\d{5}" + re.escape(_SUFFIX))
    return {path.name for path in target.parent.iterdir() if pattern.fullmatch(path.name)}


def load(filename: Path_, device: Any, mmap: bool) -> dict[str, Tensor]:
    """The tensors of all shards that an index names, in the index's order.

    Raises:
        FileFormatError: a shard is missing, or one lies there that the index doesn't name; a tensor is missing, is in
            two shards, or in another than the index says; or a shard is no correct file.
    """
    index = Path(filename)
    where = str(filename)
    places, total = _read_index(index, where)
    names = set(places.values())
    missing = sorted(name for name in names if not index.with_name(name).is_file())
    if missing:
        raise FileFormatError(f"{where}: shard {missing[0]} is missing ({len(missing)} of {len(names)} are)")
    extra = sorted(_on_disk(index.with_name(index.name.removesuffix(INDEX))) - names)
    if extra:
        raise FileFormatError(f"{where}: {extra[0]} lies beside the index, which doesn't name it; remove one of them")
    runtime = resolve_runtime(device)
    private = mmap and runtime.capabilities.host_memory
    files = {name: safetensors.Reader(index.with_name(name), private) for name in sorted(names)}
    _compare(places, files, where)
    found = sum(reader.nbytes for reader in files.values())
    if total is not None and total != found:
        raise FileFormatError(f"{where}: the index claims {total} bytes of tensors, the shards have {found}")
    return {key: files[name].tensor(key, runtime) for key, name in places.items()}


def _compare(places: Mapping[str, str], files: Mapping[str, safetensors.Reader], where: str) -> None:
    """Every tensor must be where the index says, and nowhere else."""
    for name, reader in files.items():
        for key in reader.entries:
            if places.get(key) != name:
                said = f"the index says {places[key]}" if key in places else "the index doesn't name it"
                raise FileFormatError(f"{where}: {name} holds tensor {key[:100]!r}, but {said}")
    for key, name in places.items():
        if key not in files[name].entries:
            raise FileFormatError(f"{where}: {name} lacks tensor {key[:100]!r}, which the index says it holds")


def _read_index(index: Path, where: str) -> tuple[dict[str, str], int | None]:
    """The file of every tensor, and the bytes of all where the index tells."""
    if index.stat().st_size > _LARGEST_INDEX:
        raise FileFormatError(f"{where}: an index of more than {_LARGEST_INDEX} bytes")
    parsed = safetensors.parse_json(index.read_bytes().lstrip(), where)
    places, metadata = parsed.get("weight_map"), parsed.get("metadata", {})
    if not isinstance(places, dict) or not all(isinstance(name, str) for name in places.values()):
        raise FileFormatError(f"{where}: the index has no weight_map from names to files")
    for name in places.values():
        if Path(name).name != name or "\\" in name or not name.endswith(_SUFFIX):
            raise FileFormatError(f"{where}: {name[:100]!r} is no name of a file beside the index")
    total = metadata.get("total_size") if isinstance(metadata, dict) else None
    if total is not None and (not isinstance(total, int) or isinstance(total, bool)):
        raise FileFormatError(f"{where}: total_size is no number of bytes")
    return places, total
