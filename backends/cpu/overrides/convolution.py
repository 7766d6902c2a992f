"""Convolution and its two gradients: by NumPy where the work is small, else in compiled panels and bands."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Final

from hotplug.backend import Array, Kernel, OpKey
from hotplug.backends.cpu.overrides import convolution_small as small
from hotplug.backends.cpu.overrides.convolution_plans import Options, three
from hotplug.backends.cpu.tiers import tiered
from hotplug.backends.numpy.quiet import quiet

Operands = Sequence[Array]
Reader = Callable[[Operands, Operands, Sequence[Any]], Options]

_KINDS: Final = ("float32", "float64", "float16", "bfloat16")
_LEAST: Final = 40000
"""Products from which compiled kernels are faster (measured)."""


def _options(source: Sequence[int], weight: Sequence[int], out: Sequence[int], numbers: Sequence[Any]) -> Options:
    stride, padding, dilation, groups = numbers
    return Options(
        source[0], source[1] // groups, weight[0] // groups, groups, three(source[2:], 1), three(out[2:], 1),
        three(weight[2:], 1), three(stride, 1), three(padding, 0), three(dilation, 1),
    )  # fmt: skip


def _of_forward(outs: Operands, inputs: Operands, scalars: Sequence[Any]) -> Options:
    return _options(inputs[0].layout.shape, inputs[1].layout.shape, outs[0].layout.shape, scalars)


def _of_input_backward(outs: Operands, inputs: Operands, scalars: Sequence[Any]) -> Options:
    return _options(outs[0].layout.shape, inputs[1].layout.shape, inputs[0].layout.shape, scalars[1:])


def _of_weight_backward(outs: Operands, inputs: Operands, scalars: Sequence[Any]) -> Options:
    return _options(inputs[1].layout.shape, outs[0].layout.shape, inputs[0].layout.shape, scalars[1:])


def _maker(name: str, reads: Reader, products: Callable[[Operands, Operands], int]) -> Callable[[OpKey], Kernel | None]:
    slow = getattr(small, name)

    def make(key: OpKey) -> Kernel | None:
        kind = key.dtypes[0].name
        if kind not in _KINDS:
            return None

        def by_numpy(outs: Operands, inputs: Operands, scalars: Sequence[Any]) -> None:
            if 0 in inputs[0].layout.shape or 0 in inputs[1].layout.shape or not outs[0].layout.numel:
                _empty(outs, inputs, name)
            else:
                slow(reads(outs, inputs, scalars), outs, inputs)

        quick = quiet(by_numpy)
        return tiered(key.name, quick, lambda: _large(name, kind, reads, quick), _LEAST, products)

    return make


def _empty(outs: Operands, inputs: Operands, name: str) -> None:
    """Sums of nothing: zeros, or the bias."""
    from hotplug.backends.numpy.memory import ndarray

    out = ndarray(outs[0])
    out[...] = 0
    if name == "forward" and len(inputs) > 2:
        out[...] = ndarray(inputs[2]).reshape(-1, *(1,) * (out.ndim - 2))


def _large(name: str, kind: str, reads: Reader, quick: Kernel) -> Kernel:
    from hotplug.backends.cpu.overrides import convolution_large

    compiled = getattr(convolution_large, name)

    def kernel(outs: Operands, inputs: Operands, scalars: Sequence[Any]) -> None:
        empty = 0 in inputs[0].layout.shape or 0 in inputs[1].layout.shape or not outs[0].layout.numel
        if empty or not compiled(reads(outs, inputs, scalars), kind, outs, inputs):
            quick(outs, inputs, scalars)

    return kernel


def _volume(weight: Sequence[int]) -> int:
    return math.prod(weight[1:])


OVERRIDES: Final[dict[str, Callable[[OpKey], Kernel | None]]] = {
    "convolution": _maker(
        "forward", _of_forward, lambda outs, inputs: outs[0].layout.numel * _volume(inputs[1].layout.shape)
    ),
    "convolution_input_backward": _maker(
        "input_backward", _of_input_backward, lambda _, inputs: inputs[0].layout.numel * _volume(inputs[1].layout.shape)
    ),
    "convolution_weight_backward": _maker(
        "weight_backward",
        _of_weight_backward,
        lambda outs, inputs: inputs[0].layout.numel * _volume(outs[0].layout.shape),
    ),
}
