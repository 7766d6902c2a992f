"""Fourier transforms by a model of cuFFT on the emulated device: plans, strides, alignment, workspaces."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from cuda_fourier import ModelOfFourier
from cuda_library import installed

import hotplug as hp
from hotplug.backends.cuda.fourier import plans_of
from hotplug.conformance.compare import check
from hotplug.conformance.tolerance import tolerance_of
from hotplug.runtime import Runtime

DEVICE = "cuda-emulated:0"


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
    cache = hp.backends.cuda.cufft_plan_cache
    before = cache.size
    monkeypatch.setattr(cache, "max_size", 2)
    for size in (4, 5, 4, 6, 4, 5):
        hp.fft.fft(hp.ones(2, size, device=DEVICE).to(hp.complex64))
    assert cufft.calls.count("cufftMakePlanMany64") == 4
    assert cufft.calls.count("cufftDestroy") == 2
    assert len(plans_of(emulated.backend.device(0))) == cache.size - before == 2
    cache["cuda"].clear()
    assert len(plans_of(emulated.backend.device(0))) == 0
    assert not cufft.plans


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
