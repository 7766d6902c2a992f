"""Fourier transforms by a model of cuFFT on the emulated device: plans, strides, alignment, workspaces."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pytest
from cuda_library import STREAM, Model, installed, vector

import hotplug as hp
from hotplug.backends.cuda import fourier
from hotplug.backends.cuda.fourier import plans_of
from hotplug.conformance.compare import check
from hotplug.conformance.tolerance import tolerance_of
from hotplug.runtime import Runtime

DEVICE = "cuda-emulated:0"
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


@pytest.fixture
def cufft(emulated: Runtime) -> Iterator[ModelOfFourier]:
    """The emulated device with the model."""
    model = ModelOfFourier()
    with installed(emulated, cufft=model):
        yield model


def _layouts(x: Any) -> list[Any]:
    """The same rows in C order, across memory, with gaps, and from an odd element on."""
    there = x.to(DEVICE)
    across = x.transpose(0, -1).contiguous().to(DEVICE).transpose(0, -1)
    wide = hp.zeros(*x.shape[:-1], 2 * x.shape[-1], dtype=x.dtype, device=DEVICE)
    wide[..., ::2] = there
    flat = hp.zeros(x.numel() + 1, dtype=x.dtype, device=DEVICE)
    flat[1:] = there.reshape(-1)
    return [there, across, wide[..., ::2], flat[1:].reshape(*x.shape)]


def _agrees(name: str, x: Any, *arguments: Any) -> None:
    function = getattr(hp.fft, name)
    expected = function(x, *arguments).numpy()
    for given in _layouts(x):
        found = function(given, *arguments).cpu()
        check(found.numpy(), expected, found.dtype, tolerance_of(f"fft.{name}"), name)


@pytest.mark.parametrize("size", [1, 2, 7, 8])
@pytest.mark.parametrize("wide", [False, True])
def test_what_cufft_is_asked_for(cufft: ModelOfFourier, size: int, wide: bool) -> None:
    draw = np.random.default_rng(size)
    real = hp.tensor(draw.standard_normal((3, 2, size)).astype(np.float64 if wide else np.float32))
    turned = hp.tensor(draw.standard_normal((3, 2, size)).astype(np.float64 if wide else np.float32))
    both = hp.complex(real, turned)
    for name, x in (("fft", both), ("ifft", both), ("rfft", real), ("fft", real), ("hfft", both), ("irfft", both)):
        if size > 1 or name not in ("hfft", "irfft"):
            _agrees(name, x)
    _agrees("irfft", both, 2 * size + 1)
    _agrees("fft2", both)
    _agrees("rfft", real[0, 0].reshape(1, 1, size))
    assert {call.removeprefix("cufftExec") for call in cufft.calls} >= (
        {"Z2Z", "D2Z", "Z2D"} if wide else {"C2C", "R2C", "C2R"}
    )


def test_a_single_row(cufft: ModelOfFourier) -> None:
    x = hp.arange(9.0, device=DEVICE)[1:]
    np.testing.assert_allclose(hp.fft.rfft(x).cpu().numpy(), np.fft.rfft(np.arange(1.0, 9.0)), rtol=1e-5, atol=1e-5)
    back = hp.fft.irfft(hp.fft.rfft(x))
    np.testing.assert_allclose(back.cpu().numpy(), np.arange(1.0, 9.0), rtol=1e-5)
    assert hp.fft.fft(hp.ones(2, 0, 3, device=DEVICE)).shape == (2, 0, 3)


def test_plans_are_kept_and_the_oldest_is_dropped(
    cufft: ModelOfFourier, emulated: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fourier, "_MOST_PLANS", 2)
    for size in (4, 5, 4, 6, 4, 5):
        hp.fft.fft(hp.ones(2, size, device=DEVICE).to(hp.complex64))
    assert cufft.calls.count("cufftMakePlanMany64") == 4
    assert cufft.calls.count("cufftDestroy") == 2
    assert len(plans_of(emulated.backend.device(0))) == 2


def test_gradients_use_the_library_too(cufft: ModelOfFourier) -> None:
    found = []
    for device in (DEVICE, "cpu"):
        x = hp.arange(10.0, dtype=hp.float64).reshape(2, 5).to(device).requires_grad_()
        hp.fft.irfft(hp.fft.rfft(x) * 2, 6).square().sum().backward()
        found.append(x.grad.cpu().numpy())
    np.testing.assert_allclose(*found, rtol=1e-12)
    assert "cufftExecD2Z" in cufft.calls


def test_without_the_library_the_core_decomposes(emulated: Runtime) -> None:
    x = hp.arange(6.0, device=DEVICE)
    np.testing.assert_allclose(hp.fft.fft(x).cpu().numpy(), np.fft.fft(np.arange(6.0)), rtol=1e-5, atol=1e-5)
