"""Maximum and average pooling and their gradients: by NumPy where the work is small, else compiled."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Final

from hotplug.backend import Array, Kernel, OpKey
from hotplug.backends.cpu.memory import address
from hotplug.backends.cpu.overrides import pooling_small as small
from hotplug.backends.cpu.overrides.convolution_plans import three
from hotplug.backends.cpu.tiers import tiered
from hotplug.backends.numpy.memory import ndarray
from hotplug.backends.numpy.quiet import quiet

Operands = Sequence[Array]

_LEAST: Final = 2048
"""Elements from which compiled kernels are faster (measured: NumPy needs some launches a tap)."""
_KINDS: Final = ("float32", "float64")


def _wide(outs: Operands, inputs: Operands) -> int:
    """The larger side."""
    return max(outs[0].layout.numel, inputs[0].layout.numel)


def _launch(
    entry: str,
    kind: str,
    outs: Operands,
    inputs: Operands,
    sizes: tuple[Any, Any],
    options: Sequence[Any],
    more: Sequence[int],
) -> None:
    """Run a task over planes; sizes are the larger side's and the windows', options kernel, stride, padding, dilation."""
    from hotplug.backends.cpu.compiled.pool import maximum_threads, run
    from hotplug.backends.cpu.overrides.convolution_launch import located, scratch, stage

    size, windows = (three(each, 1) for each in sizes)
    kernel, stride, padding, dilation = options
    row = (windows[2] * 8 + 63) // 64 * 128  # two rows of numbers
    block, start = scratch(outs[0], row * maximum_threads())
    found, kept = located(inputs[0])
    places, kept_too = located(inputs[1]) if len(inputs) > 1 else (address(outs[-1]), None)
    table = (
        address(outs[0]), found, places, start, row, *size, *windows, *three(kernel, 1), *three(stride, 1),
        *three(padding, 0), *three(dilation, 1), *more,
    )  # fmt: skip
    planes = math.prod(outs[0].layout.shape[:2])
    run(stage("pooling", entry, kind), table, planes, max(1, 16384 // math.prod(size)))
    del block, kept, kept_too


def max_pool(key: OpKey) -> Kernel | None:
    """Values and places."""
    kind = key.dtypes[0].name
    if kind not in _KINDS:
        return None

    def by_numpy(outs: Operands, inputs: Operands, scalars: Sequence[Any]) -> None:
        small.largest(ndarray(outs[0]), ndarray(outs[1]), ndarray(inputs[0]), *scalars)

    def compiled(outs: Operands, inputs: Operands, scalars: Sequence[Any]) -> None:
        sizes = inputs[0].layout.shape[2:], outs[0].layout.shape[2:]
        _launch("largest", kind, outs, inputs, sizes, scalars, (0, 0))

    return tiered(key.name, quiet(by_numpy), _ready("largest", kind, compiled), _LEAST, _wide)


def max_pool_backward(key: OpKey) -> Kernel | None:
    """The gradient for the winners."""
    kind = key.dtypes[0].name
    if kind not in _KINDS:
        return None

    def by_numpy(outs: Operands, inputs: Operands, _: Sequence[Any]) -> None:
        small.largest_back(ndarray(outs[0]), ndarray(inputs[0]), ndarray(inputs[1]))

    def compiled(outs: Operands, inputs: Operands, _: Sequence[Any]) -> None:
        sizes = outs[0].layout.shape[2:], inputs[0].layout.shape[2:]
        _launch("largest_back", kind, outs, inputs, sizes, ((1,), (1,), (0,), (1,)), (0, 0))

    return tiered(key.name, quiet(by_numpy), _ready("largest_back", kind, compiled), _LEAST, _wide)


def avg_pool(key: OpKey) -> Kernel | None:
    """The mean of every window."""
    kind, include = key.dtypes[0].name, bool(dict(key.attributes)["include"])
    if kind not in _KINDS:
        return None

    def by_numpy(outs: Operands, inputs: Operands, scalars: Sequence[Any]) -> None:
        small.mean(ndarray(outs[0]), ndarray(inputs[0]), scalars, include)

    def compiled(outs: Operands, inputs: Operands, scalars: Sequence[Any]) -> None:
        sizes = inputs[0].layout.shape[2:], outs[0].layout.shape[2:]
        _launch("mean", kind, outs, inputs, sizes, (*scalars[:3], (1,)), (scalars[3], include))

    return tiered(key.name, quiet(by_numpy), _ready("mean", kind, compiled), _LEAST, _wide)


def avg_pool_backward(key: OpKey) -> Kernel | None:
    """The gradient shared out."""
    kind, include = key.dtypes[0].name, bool(dict(key.attributes)["include"])
    if kind not in _KINDS:
        return None

    def by_numpy(outs: Operands, inputs: Operands, scalars: Sequence[Any]) -> None:
        small.mean_back(ndarray(outs[0]), ndarray(inputs[0]), scalars[1:], include)

    def compiled(outs: Operands, inputs: Operands, scalars: Sequence[Any]) -> None:
        sizes = outs[0].layout.shape[2:], inputs[0].layout.shape[2:]
        _launch("mean_back", kind, outs, inputs, sizes, (*scalars[1:4], (1,)), (scalars[4], include))

    return tiered(key.name, quiet(by_numpy), _ready("mean_back", kind, compiled), _LEAST, _wide)


def _ready(entry: str, kind: str, kernel: Kernel) -> Callable[[], Kernel]:
    """The kernel, once its task is compiled."""

    def make() -> Kernel:
        from hotplug.backends.cpu.overrides.convolution_launch import stage

        stage("pooling", entry, kind)
        return kernel

    return make


OVERRIDES: Final[dict[str, Callable[[OpKey], Kernel | None]]] = {
    "max_pool": max_pool,
    "max_pool_backward": max_pool_backward,
    "avg_pool": avg_pool,
    "avg_pool_backward": avg_pool_backward,
}
