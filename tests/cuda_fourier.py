"""A model of cuFFT: plans along one axis, and transforms of strided rows on host memory."""

from __future__ import annotations

import ctypes
from typing import Any, NamedTuple

import numpy as np
from cuda_library import STREAM, Model, vector

TYPES = {0x2A: "R2C", 0x2C: "C2R", 0x29: "C2C", 0x6A: "D2Z", 0x6C: "Z2D", 0x69: "Z2Z"}
LETTERS: dict[str, Any] = {"R": np.float32, "C": np.complex64, "D": np.float64, "Z": np.complex128}


class Made(NamedTuple):
    kind: str
    size: int
    in_steps: tuple[int, int]
    out_steps: tuple[int, int]
    rows: int
    work: int


class ModelOfFourier(Model):
    """cuFFT along one axis."""

    def __init__(self) -> None:
        super().__init__("cufft")
        self.plans: dict[int, Made | None] = {}
        self.areas: dict[int, int] = {}
        self.prepared: dict[int, set[str]] = {}

    def cufftCreate(self, cell: int) -> None:  # noqa: N802 - the library's names
        number = len(self.prepared) + 1
        ctypes.c_int.from_address(cell).value = number
        self.plans[number], self.prepared[number] = None, set()

    def cufftDestroy(self, plan: int) -> None:  # noqa: N802
        del self.plans[plan]

    def cufftSetAutoAllocation(self, plan: int, automatic: int) -> None:  # noqa: N802
        assert not automatic
        assert self.plans[plan] is None, "too late: the plan is made"
        self.prepared[plan].add("work")

    def cufftSetStream(self, plan: int, stream: int) -> None:  # noqa: N802
        assert stream == STREAM
        self.prepared[plan].add("stream")

    def cufftMakePlanMany64(  # noqa: N802
        self, plan: int, rank: int, sizes: int, in_embed: int, in_step: int, in_next: int, out_embed: int, out_step: int,
        out_next: int, kind: int, rows: int, work: int,
    ) -> None:  # fmt: skip
        assert rank == 1
        assert in_embed, "without it the strides are not looked at"
        assert out_embed
        assert min(in_step, in_next, out_step, out_next, rows) > 0
        size = ctypes.c_int64.from_address(sizes).value
        needed = ctypes.c_size_t.from_address(work).value = 16 * size * rows
        self.plans[plan] = Made(TYPES[kind], size, (in_step, in_next), (out_step, out_next), rows, needed)

    def cufftSetWorkArea(self, plan: int, place: int) -> None:  # noqa: N802
        self.areas[plan] = place

    def run(self, function: str, *arguments: int) -> int | None:
        if not function.startswith("cufftExec"):
            return super().run(function, *arguments)
        plan, given, out, *direction = arguments
        form, kind = self.plans[plan], function.removeprefix("cufftExec")
        assert form is not None
        assert (form.kind, self.prepared[plan]) == (kind, {"work", "stream"})
        vector(self.areas[plan], np.uint8, form.work)[:] = 201
        self._transform(form, given, out, direction[0] if direction else 0)
        return None

    @staticmethod
    def _transform(form: Made, given: int, out: int, direction: int) -> None:
        kinds, half = (LETTERS[form.kind[0]], LETTERS[form.kind[2]]), form.size // 2 + 1
        from_real, to_real = (letter in "RD" for letter in form.kind[::2])
        sizes = (half if to_real else form.size, half if from_real else form.size)
        complex_size = 8 if form.kind[0] in "RC" else 16
        assert given % complex_size == 0
        assert out % complex_size == 0
        rows = []
        for place, kind, size, (step, next_row) in zip(
            (given, out), kinds, sizes, (form.in_steps, form.out_steps), strict=True
        ):
            count = (form.rows - 1) * next_row + (size - 1) * step + 1
            flat, item = vector(place, kind, count), np.dtype(kind).itemsize
            rows.append(np.ndarray((form.rows, size), kind, flat, 0, (next_row * item, step * item)))
        if direction:
            rows[1][...] = np.fft.fft(rows[0]) if direction == -1 else np.fft.ifft(rows[0], norm="forward")
        elif from_real:
            rows[1][...] = np.fft.rfft(rows[0])
        else:
            assert not rows[0][:, 0].imag.any(), "the first frequency of real numbers is real"
            assert form.size % 2 or not rows[0][:, -1].imag.any()
            rows[1][...] = np.fft.irfft(rows[0], form.size, norm="forward")
            rows[0][...] = np.nan
