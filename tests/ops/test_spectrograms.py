"""stft and istft as PyTorch's, for every way to say what the stretches are."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import hotplug as hp
from hotplug.autograd import gradcheck
from hotplug.errors import ArgumentError, DTypeError, ShapeError

SIGNALS = np.random.default_rng(0).normal(size=(2, 100))


@pytest.mark.parity
@pytest.mark.parametrize(
    ("n_fft", "hop", "win", "center", "normalized", "onesided"),
    list(itertools.product((16, 13), (None, 3), (None, 10), (True, False), (True, False), (None, False))),
)
@pytest.mark.parametrize("batched", [True, False])
def test_there_and_back(
    torch: Any, batched: bool, n_fft: int, hop: int | None, win: int | None, center: bool, normalized: bool,
    onesided: bool | None,
) -> None:  # fmt: skip
    given = SIGNALS if batched else SIGNALS[0]
    weights = np.hanning((win or n_fft) + 2)[1:-1]
    options: dict[str, Any] = {
        "n_fft": n_fft, "hop_length": hop, "win_length": win, "center": center, "normalized": normalized, "onesided": onesided,
    }  # fmt: skip
    ours = hp.stft(hp.tensor(given), window=hp.tensor(weights), return_complex=True, **options)
    theirs = torch.stft(torch.tensor(given), window=torch.tensor(weights), return_complex=True, **options)
    np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-12, atol=1e-12)
    if not center and win is not None:
        with pytest.raises(ArgumentError, match="gaps"):
            hp.istft(ours, window=hp.tensor(weights), **options)
        return
    back = hp.istft(ours, window=hp.tensor(weights), **options)
    np.testing.assert_allclose(
        back.numpy(), torch.istft(theirs, window=torch.tensor(weights), **options).numpy(), rtol=1e-10, atol=1e-12
    )
    inner = slice(n_fft, back.shape[-1] - n_fft)
    np.testing.assert_allclose(back.numpy()[..., inner], given[..., : back.shape[-1]][..., inner], atol=1e-9)


@pytest.mark.parity
def test_lengths_and_parts(torch: Any) -> None:
    signal = SIGNALS[0]
    for length in (60, 90):
        found = []
        for library in (hp, torch):
            window = library.hann_window(16, dtype=library.float64)
            transformed = library.stft(library.tensor(signal), 16, window=window, return_complex=True)
            found.append(library.istft(transformed, 16, window=window, length=length).numpy())
        np.testing.assert_allclose(*found, atol=1e-12)
    transformed = hp.stft(hp.tensor(signal), 16, window=hp.hann_window(16, dtype=hp.float64), return_complex=True)
    longer = hp.istft(transformed, 16, window=hp.hann_window(16, dtype=hp.float64), length=130)
    assert longer.shape == (130,)
    assert not longer[110:].any()
    parts = hp.stft(hp.tensor(signal), 16, return_complex=False)
    assert parts.shape[-1] == 2


def test_gradients() -> None:
    x = hp.tensor(SIGNALS[:, :14], requires_grad=True)
    window = hp.hann_window(6, dtype=hp.float64)
    assert gradcheck(lambda x: hp.view_as_real(hp.stft(x, 6, 2, window=window, return_complex=True)), [x])
    assert gradcheck(lambda x: hp.istft(hp.stft(x, 6, 2, window=window, return_complex=True), 6, 2, window=window), [x])


def test_what_does_not_fit() -> None:
    x = hp.ones(20)
    with pytest.raises(ArgumentError, match="return_complex"):
        hp.stft(x, 8)
    with pytest.raises(ArgumentError, match="hop_length > 0"):
        hp.stft(x, 8, 0, return_complex=True)
    with pytest.raises(ArgumentError, match="win_length <= n_fft"):
        hp.stft(x, 8, win_length=9, return_complex=True)
    with pytest.raises(ShapeError, match="win_length=8"):
        hp.stft(x, 8, window=hp.ones(7), return_complex=True)
    with pytest.raises(ArgumentError, match="n_fft <= 20"):
        hp.stft(x, 21, center=False, return_complex=True)
    with pytest.raises(ArgumentError, match="onesided=False"):
        hp.stft(x * 1j, 8, onesided=True)
    with pytest.raises(ShapeError, match="signals"):
        hp.stft(hp.ones(1, 1, 20), 8, return_complex=True)
    with pytest.raises(DTypeError, match="complex"):
        hp.istft(hp.ones(5, 3), 8)
    with pytest.raises(ShapeError, match="N=5"):
        hp.istft(hp.ones(4, 3, dtype=hp.complex64), 8, onesided=True)
