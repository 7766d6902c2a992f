"""``hotplug.save`` and ``hotplug.load``: nested values of tensors, as a safetensors file.

The tensors are stored under numbers, and how they were nested as JSON in the file's metadata; so a checkpoint (the
state dicts of a model and an optimizer, an epoch) can be loaded from anybody: nothing in it is executed.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, Final

from hotplug.errors import ArgumentTypeError, FileFormatError
from hotplug.serialization import safetensors
from hotplug.tensor import Tensor

_KEY: Final = "hotplug.structure"
_LARGEST_DEPTH: Final = 100


def save(obj: Any, f: safetensors.Path_) -> None:
    """Write nested dicts, lists and tuples of tensors, numbers, strings, bools and ``None`` to a file.

    Two references to one tensor are one again after :func:`load`.  An existing file is replaced at the end only.

    Raises:
        ArgumentTypeError: something else is among the values, or they are nested deeper than 100 levels.
    """
    tensors: dict[int, tuple[int, Tensor]] = {}
    tree = _describe(obj, tensors, 0)
    named = {str(number): tensor.detach() for number, tensor in tensors.values()}
    safetensors.save_file(named, f, {_KEY: json.dumps(tree)})


def load(f: safetensors.Path_, map_location: Any = None, *, weights_only: bool = True) -> Any:
    """Read what :func:`save` wrote, or any safetensors file as a dict of tensors.

    Args:
        map_location: the device of the tensors; default: the default device.
        weights_only: accepted for PyTorch's sake; nothing but values is ever loaded.

    Raises:
        FileFormatError: the file is corrupt, truncated or in another format.
    """
    metadata = safetensors.load_metadata(f)
    tensors = safetensors.load_file(f, map_location)
    if _KEY not in metadata:
        return tensors
    try:
        return _restore(json.loads(metadata[_KEY]), tensors, 0)
    except (ValueError, KeyError, TypeError, IndexError, RecursionError, OverflowError) as error:
        if isinstance(error, FileFormatError):
            raise
        raise FileFormatError(f"{f}: the description of the nested values is corrupt: {error!r}") from None


def _describe(value: Any, tensors: dict[int, tuple[int, Tensor]], depth: int) -> Any:
    """JSON for a value: strings, bools and ``None`` as themselves, the others as a list that starts with a tag."""
    if depth > _LARGEST_DEPTH:
        raise ArgumentTypeError(f"save: values are nested deeper than {_LARGEST_DEPTH} levels, or contain themselves")
    if value is None or isinstance(value, (str, bool)):
        return value
    if isinstance(value, Tensor):
        number, _ = tensors.setdefault(id(value), (len(tensors), value))
        return ["tensor", number]
    if isinstance(value, int):
        return ["int", int(value)]
    if isinstance(value, float):
        return ["float", float(value).hex()]
    if isinstance(value, Mapping):
        tag = "odict" if isinstance(value, OrderedDict) else "dict"
        pairs = [[_describe(k, tensors, depth + 1), _describe(v, tensors, depth + 1)] for k, v in value.items()]
        return [tag, pairs]
    if isinstance(value, (list, tuple)):
        return [
            "tuple" if isinstance(value, tuple) else "list",
            [_describe(each, tensors, depth + 1) for each in value],
        ]
    raise ArgumentTypeError(
        f"save: can't store a {type(value).__name__}; expected tensors, numbers, strings, bools, None, and dicts, "
        f"lists and tuples of them (of a module, save its state_dict())"
    )


def _restore(node: Any, tensors: dict[str, Tensor], depth: int) -> Any:
    if depth > 2 * _LARGEST_DEPTH:
        raise FileFormatError("the description of the nested values is nested too deeply")
    if node is None or isinstance(node, (str, bool)):
        return node
    tag, content = node
    leaves: dict[str, Callable[[Any], Any]] = {
        "tensor": lambda number: tensors[str(int(number))], "int": int, "float": float.fromhex,
    }  # fmt: skip
    if tag in leaves:
        return leaves[tag](content)
    if tag in ("dict", "odict"):
        kind = dict if tag == "dict" else OrderedDict
        return kind((_restore(k, tensors, depth + 1), _restore(v, tensors, depth + 1)) for k, v in content)
    if tag in ("list", "tuple"):
        items = [_restore(each, tensors, depth + 1) for each in content]
        return items if tag == "list" else tuple(items)
    raise FileFormatError(f"the description of the nested values has an unknown tag {tag!r:.40}")
