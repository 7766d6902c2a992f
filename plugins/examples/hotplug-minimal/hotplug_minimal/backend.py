"""The device ``minimal``: memory is a bytearray, and every kernel is a loop over Python numbers."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, final

from hotplug.backend import Array, Backend, Capabilities, DeviceInfo, Kernel, OpKey
from hotplug.backend.errors import IndexRangeError

from hotplug_minimal.memory import STORAGE, load, positions, store
from hotplug_minimal.scalars import FUNCTIONS, evaluate

COMBINE = {"sum": "add", "prod": "mul", "max": "maximum", "min": "minimum", "any": "or", "all": "and"}


def rows(key: OpKey, inputs: Sequence[Array], scalars: Sequence[Any]) -> Iterator[list[Any]]:
    """The elements along the trailing axes, after the program where there is one, one list for each result."""
    columns = [load(each) for each in inputs]
    if key.program:
        columns = [[evaluate(key.program, each, scalars, 0)[0] for each in zip(*columns, strict=True)]]
    count = math.prod(inputs[0].shape[len(inputs[0].shape) - (key.axis or 1 if key.name == "scan" else key.axis) :])
    return (list(each) for each in itertools.batched(columns[0], count))
