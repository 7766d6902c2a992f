"""Fourier transforms against PyTorch: every function, norm and size; gradients; the decomposition for devices."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest
from devices import needed
from oracle import agree_on, same_error

import hotplug as hp
from hotplug.autograd import gradcheck, gradgradcheck
from hotplug.ops import fourier_arrays
from hotplug.tensor import wrap

NDArray = np.ndarray[Any, Any]

NORMS = (None, "backward", "ortho", "forward")
FROM_REAL = ("rfft", "ihfft")
SPACES = ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft")
SIZES = (1, 2, 3, 4, 5, 7, 8, 12, 31, 37, 64, 66, 74, 97, 101, 210, 222, 1024, 1369)
"""Powers of two, products of small primes, primes up to 32 and above, and products of these."""


def real(*shape: int) -> NDArray:
    return np.asarray(np.random.default_rng(sum(shape)).normal(size=shape))


def values(name: str, *shape: int) -> NDArray:
    """What a transform takes: real for those that take nothing else."""
    return real(*shape) if name.startswith(FROM_REAL) else real(*shape) + 1j * np.roll(real(*shape), 1)


def both(torch: ModuleType, program: Any, array: NDArray, rtol: float = 1e-9, atol: float = 1e-9) -> None:
    """Values, gradients of the outputs' energies, and gradients of those."""
    found = []
    for library in (hp, torch):
        given = library.tensor(array, requires_grad=True)
        results = program(library, given)
        total = sum((each.abs() ** 2 * each.real).sum() for each in results)
        first = library.autograd.grad(total, given, create_graph=True)[0]
        second = library.autograd.grad((first.abs() ** 2).sum(), given)[0]
        found.append([*results, first, second])
    for ours, theirs in zip(*found, strict=True):
        assert tuple(ours.shape) == tuple(theirs.shape)
        assert str(ours.dtype).partition(".")[2] == str(theirs.dtype).partition(".")[2]
        size = float(np.abs(theirs.detach().resolve_conj().numpy()).max(initial=1.0))
        np.testing.assert_allclose(ours.detach().numpy(), theirs.detach().resolve_conj().numpy(), rtol, atol * size)


@pytest.mark.parity
@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("name", SPACES)
def test_one_axis(torch: ModuleType, name: str, norm: str | None) -> None:
    def program(t: Any, a: Any) -> Any:
        transform = getattr(t.fft, name)
        return [
            transform(a, norm=norm), transform(a, 3, norm=norm), transform(a, n=9, norm=norm),
            transform(a, dim=0, norm=norm), transform(a, 7, 1, norm), transform(a.mT, norm=norm),
        ]  # fmt: skip

    both(torch, program, values(name, 4, 5, 6))


@pytest.mark.parity
@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("name", SPACES)
def test_several_axes(torch: ModuleType, name: str, norm: str | None) -> None:
    def program(t: Any, a: Any) -> Any:
        plane, space = getattr(t.fft, f"{name}2"), getattr(t.fft, f"{name}n")
        return [
            plane(a, norm=norm), plane(a, s=(3, 7), norm=norm), plane(a, dim=(0, 1), norm=norm), space(a, norm=norm),
            space(a, s=(4, 5), norm=norm), space(a, dim=(2, 0), norm=norm), space(a, (3, -1), (1, 2), norm),
        ]  # fmt: skip

    both(torch, program, values(name, 4, 5, 6))


@pytest.mark.parity
@pytest.mark.parametrize("kind", ["float32", "complex64", "int64", "bool", "uint8"])
def test_dtypes(torch: ModuleType, kind: str) -> None:
    def program(t: Any, _: Any, a: Any) -> Any:
        x = a.to(getattr(t, kind))
        found = [t.fft.fft(x), t.fft.ifft2(x), t.fft.irfft(x), t.fft.hfftn(x)]
        return found if x.is_complex() else [*found, t.fft.rfft(x), t.fft.rfftn(x), t.fft.ihfft2(x)]

    agree_on(torch, program, [np.arange(12.0).reshape(3, 4)], order=0)


def test_empty_batches_and_axes() -> None:
    """PyTorch's library refuses empty batches; NumPy does not."""
    a = np.zeros((0, 3, 4))
    x = hp.tensor(a)
    pairs = [
        (hp.fft.fft(x), np.fft.fft(a)), (hp.fft.rfft(x), np.fft.rfft(a)), (hp.fft.irfft(x), np.fft.irfft(a)),
        (hp.fft.fftn(x, dim=()), a.astype(complex)),
    ]  # fmt: skip
    for ours, theirs in pairs:
        assert tuple(ours.shape) == theirs.shape
        assert ours.numpy().dtype == theirs.dtype


@pytest.mark.parity
def test_frequencies_and_shifts(torch: ModuleType) -> None:
    def program(t: Any, _: Any, a: Any) -> Any:
        made = [t.fft.fftfreq(n, 0.25) for n in (1, 2, 5, 8)] + [t.fft.rfftfreq(n, 2.0) for n in (1, 2, 5, 8)]
        made += [t.fft.fftfreq(6, dtype=t.float64), t.fft.rfftfreq(6, dtype=t.float64)]
        for shift in (t.fft.fftshift, t.fft.ifftshift):
            made += [shift(a), shift(a, 1), shift(a, dim=(0, -1)), shift(a[0, 0])]
        return made

    agree_on(torch, program, [real(2, 3, 5)], order=0)
    agree_on(torch, lambda t, F, a: [t.fft.fftshift(a), t.fft.ifftshift(a, (0, 1))], [real(2, 3, 5)])
    assert hp.fft.fftfreq(4, requires_grad=True).requires_grad


@pytest.mark.parametrize("name", [f"{name}{end}" for name in SPACES for end in ("", "n")])
def test_gradients_to_second_order(name: str) -> None:
    """By difference quotients in float64 on the reference device."""
    transform = getattr(hp.fft, name)
    given = [hp.tensor(real(2, 3), requires_grad=True, device="numpy")]

    def program(a: Any) -> Any:
        b = a if name.startswith(FROM_REAL) else hp.complex(a, a * a)
        out = transform(b)
        return hp.view_as_real(out) if out.is_complex() else out

    assert gradcheck(program, given)
    assert gradgradcheck(program, given)


# --- the decomposition for devices ------------------------------------------------------------------------------------


@pytest.mark.parametrize("inverse", [False, True])
@pytest.mark.parametrize("size", SIZES)
def test_decomposition(size: int, inverse: bool) -> None:
    """Products, twiddle factors and chirps, on the reference device and apart from its own transform."""
    given = values("fft", 2, size)
    x = hp.tensor(given, device="numpy")
    found = wrap(fourier_arrays.transform(x._array, inverse)).numpy()
    expected = np.fft.ifft(given, norm="forward") if inverse else np.fft.fft(given)
    np.testing.assert_allclose(found, expected, atol=2e-15 * size * np.abs(given).max(), rtol=1e-12)


def test_decomposition_reads_any_layout() -> None:
    given = values("fft", 3, 4, 10)
    x = hp.tensor(given, device="numpy").permute(2, 0, 1).flip(0)
    found = wrap(fourier_arrays.transform(x._array, False)).numpy()
    np.testing.assert_allclose(found, np.fft.fft(x.numpy()), atol=1e-13)
    nothing = hp.zeros(0, 3, dtype=hp.complex128, device="numpy")
    assert tuple(fourier_arrays.transform(nothing._array, False).shape) == (0, 3)


@pytest.mark.parametrize(("device", "size"), [("opencl:0", 8), ("opencl:0", 37), ("opencl:0", 74), ("minimal", 15)])
def test_devices_without_transforms_of_their_own(device: str, size: int) -> None:
    needed(device)
    given = values("fft", 3, size).astype(np.complex64)
    with hp.host_policy("error"):
        x = hp.tensor(given, device=device)
        found = [hp.fft.fft(x), hp.fft.ifft2(x), hp.fft.rfft(x.real, norm="ortho"), hp.fft.irfft(x, n=size)]
        results = [each.cpu().numpy() for each in found]
    wide = given.astype(np.complex128)
    expected = [
        np.fft.fft(wide), np.fft.ifft2(wide), np.fft.rfft(wide.real, norm="ortho"), np.fft.irfft(wide, n=size),
    ]  # fmt: skip
    for ours, theirs in zip(results, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6 * np.abs(theirs).max())


@pytest.mark.parametrize("device", ["opencl:0"])
def test_gradients_on_a_device(device: str) -> None:
    needed(device)
    given = real(2, 37).astype(np.float32)
    found = []
    for place in (device, "numpy"):
        x = hp.tensor(given, device=place, requires_grad=True)
        (hp.fft.rfft(x).abs() ** 2).sum().backward()
        found.append(x.grad.cpu().numpy())
    np.testing.assert_allclose(*found, rtol=1e-4, atol=1e-3)


# --- bad input --------------------------------------------------------------------------------------------------------

BAD: dict[str, Any] = {
    "norm": lambda t, F: t.fft.fft(t.ones(3), norm="both"),
    "size 0": lambda t, F: t.fft.fft(t.ones(3), n=0),
    "negative size": lambda t, F: t.fft.fft(t.ones(3), n=-2),
    "no elements": lambda t, F: t.fft.fft(t.ones(0)),
    "irfft of one": lambda t, F: t.fft.irfft(t.ones(1)),
    "dim": lambda t, F: t.fft.fft(t.ones(3), dim=1),
    "rfft of complex": lambda t, F: t.fft.rfft(t.ones(3, dtype=t.complex64)),
    "ihfft of complex": lambda t, F: t.fft.ihfft(t.ones(3, dtype=t.complex64)),
    "half": lambda t, F: t.fft.fft(t.ones(3, dtype=t.bfloat16)),
    "sizes without axes": lambda t, F: t.fft.fftn(t.ones(3), s=(2, 2)),
    "sizes and axes": lambda t, F: t.fft.fftn(t.ones(3, 3), s=(2,), dim=(0, 1)),
    "an axis twice": lambda t, F: t.fft.fftn(t.ones(3, 3), dim=(0, 0)),
    "rfftn of no axis": lambda t, F: t.fft.rfftn(t.ones(3, 3), dim=()),
    "fft2 of a vector": lambda t, F: t.fft.fft2(t.ones(3)),
    "fftfreq of integers": lambda t, F: t.fft.fftfreq(3, dtype=t.int64),
    "fftshift dim": lambda t, F: t.fft.fftshift(t.ones(3), dim=2),
}


@pytest.mark.parity
@pytest.mark.parametrize("name", BAD)
def test_errors(torch: ModuleType, name: str) -> None:
    same_error(torch, BAD[name])
