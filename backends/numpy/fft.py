"""Fourier transforms for host devices: NumPy's pocketfft, along the last axis, without a scale."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from hotplug.backend import OpKey
from hotplug.backends.numpy.memory import NDArray

Body = Callable[[Sequence[NDArray], Sequence[NDArray], Sequence[Any]], None]


def _complex(key: OpKey) -> Body:
    """Complex to complex."""
    inverse = dict(key.attributes)["inverse"]

    def body(outs: Sequence[NDArray], inputs: Sequence[NDArray], _: Sequence[Any]) -> None:
        outs[0][...] = np.fft.ifft(inputs[0], norm="forward") if inverse else np.fft.fft(inputs[0])

    return body


def _from_real(_: OpKey) -> Body:
    """Real to the non-negative frequencies."""

    def body(outs: Sequence[NDArray], inputs: Sequence[NDArray], _: Sequence[Any]) -> None:
        outs[0][...] = np.fft.rfft(inputs[0])

    return body


def _to_real(_: OpKey) -> Body:
    """The non-negative frequencies to real."""

    def body(outs: Sequence[NDArray], inputs: Sequence[NDArray], _: Sequence[Any]) -> None:
        outs[0][...] = np.fft.irfft(inputs[0], outs[0].shape[-1], norm="forward")

    return body


FFT: Final[dict[str, Callable[[OpKey], Body]]] = {
    "fourier": _complex, "fourier_of_real": _from_real, "fourier_to_real": _to_real,
}  # fmt: skip


def body_of(key: OpKey) -> Body | None:
    """The function of ndarrays for a transform; ``None`` for other composites."""
    make = FFT.get(key.name)
    return None if make is None else make(key)
