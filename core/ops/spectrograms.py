"""Fourier transforms of short stretches of a signal, and back (Griffin and Lim, 1984)."""

from __future__ import annotations

from hotplug.declare import function
from hotplug.errors import ArgumentError, DTypeError, RankError, ShapeError
from hotplug.ops.complex_numbers import view_as_real
from hotplug.ops.creation import arange, ones, zeros
from hotplug.ops.fourier_transforms import fft_fft, fft_ifft, fft_irfft, fft_rfft
from hotplug.ops.padding import pad
from hotplug.ops.scattering import index_add
from hotplug.tensor import Tensor


def _window(op: str, window: Tensor | None, n_fft: int, win_length: int | None, like: Tensor) -> Tensor:
    """The weights of one stretch, with zeros on both sides up to ``n_fft``."""
    length = n_fft if win_length is None else win_length
    if not 0 < length <= n_fft:
        raise ArgumentError(f"{op}: expected 0 < win_length <= n_fft, got win_length={length} and n_fft={n_fft}")
    kind = like.dtype.real if like.dtype.kind == "c" else like.dtype
    if window is None:
        window = ones(length, dtype=kind, device=like.device)
    if tuple(window.shape) != (length,):
        raise ShapeError(f"{op}: expected a 1-D window of size win_length={length}, got shape {list(window.shape)}")
    left = (n_fft - length) // 2
    return pad(window, (left, n_fft - length - left))


def _hop(op: str, n_fft: int, hop_length: int | None) -> int:
    hop = n_fft // 4 if hop_length is None else hop_length
    if hop <= 0:
        raise ArgumentError(f"{op}: expected hop_length > 0, got {hop}")
    return hop


def _padded(input: Tensor, n_fft: int, mode: str) -> Tensor:
    """Half a window more on both sides of every signal."""
    if mode == "constant":
        return pad(input, (n_fft // 2, n_fft // 2))
    return pad(input.unsqueeze(1), (n_fft // 2, n_fft // 2), mode).squeeze(1)


@function()
def stft(
    input: Tensor, n_fft: int, hop_length: int | None = None, win_length: int | None = None, window: Tensor | None = None,
    center: bool = True, pad_mode: str = "reflect", normalized: bool = False, onesided: bool | None = None,
    return_complex: bool | None = None, align_to_window: bool | None = None,
) -> Tensor:  # fmt: skip
    """The Fourier transforms of overlapping stretches.  Signals ``(L,)`` or ``(B, L)`` -> ``(*, N, T)``.

    Args:
        n_fft: samples of one stretch.
        hop_length: from the start of one to that of the next; default ``n_fft // 4``.
        win_length, window: weights of the samples ``(win_length,)``, in the middle of the stretch.
        center: whether stretch ``t`` has its middle, rather than its start, at ``t * hop_length``.
        pad_mode: what lies beyond the signal then, see ``nn.functional.pad``.
        normalized: divide by ``sqrt(n_fft)``.
        onesided: only the frequencies that are not negative, ``N = n_fft // 2 + 1``; default for real signals.
        return_complex: must be said for real signals; ``False`` gives real and imaginary parts in a last axis of size 2.

    Raises:
        ArgumentError, ShapeError: the arguments do not fit together.
    """
    if input.ndim not in (1, 2) or input.dtype.kind not in "fc":
        raise ShapeError(
            f"stft: expected floating or complex signals (L,) or (B, L), got {input.dtype.name}{list(input.shape)}"
        )
    complex_in = input.dtype.kind == "c" or (window is not None and window.dtype.kind == "c")
    if return_complex is None:
        if not complex_in:
            raise ArgumentError("stft requires the return_complex parameter be given for real inputs; say True")
        return_complex = True
    onesided = not complex_in if onesided is None else onesided
    if onesided and complex_in:
        raise ArgumentError("stft: a complex signal or window has no one-sided transform; say onesided=False")
    hop = _hop("stft", n_fft, hop_length)
    weights = _window("stft", window, n_fft, win_length, input)
    signals = input.unsqueeze(0) if input.ndim == 1 else input
    signals = _padded(signals, n_fft, pad_mode) if center else signals
    if not 0 < n_fft <= signals.shape[-1]:
        raise ArgumentError(f"stft: expected 0 < n_fft <= {signals.shape[-1]}, got n_fft={n_fft}")
    frames = signals.unfold(-1, n_fft, hop) * weights
    norm = "ortho" if normalized else None
    result = (fft_rfft if onesided else fft_fft)(frames, norm=norm).transpose(1, 2)
    result = result.squeeze(0) if input.ndim == 1 else result
    return result if return_complex else view_as_real(result)


def _overlapped(frames: Tensor, hop: int) -> Tensor:
    """Stretches ``(B, T, N)`` added up where they lie -> ``(B, (T - 1) * hop + N)``."""
    batch, count, size = frames.shape
    at = arange(count, device=frames.device).unsqueeze(1) * hop + arange(size, device=frames.device)
    empty = zeros(batch, (count - 1) * hop + size, dtype=frames.dtype, device=frames.device)
    return index_add(empty, 1, at.reshape(-1), frames.reshape(batch, -1))


@function()
def istft(
    input: Tensor, n_fft: int, hop_length: int | None = None, win_length: int | None = None, window: Tensor | None = None,
    center: bool = True, normalized: bool = False, onesided: bool | None = None, length: int | None = None,
    return_complex: bool = False,
) -> Tensor:  # fmt: skip
    """The signal whose :func:`stft` comes closest to ``input``.  Complex ``(*, N, T)`` -> ``(*, L)``.

    Args:
        length: of the result, which is cut or followed by zeros; the others as in :func:`stft`.
        return_complex: for transforms of complex signals.

    Raises:
        ArgumentError, ShapeError, DTypeError: the arguments do not fit together, or the windows leave gaps (a host read).
    """
    if input.dtype.kind != "c":
        raise DTypeError(
            f"istft: expected a complex tensor, as stft gives with return_complex=True, got {input.dtype.name}"
        )
    if input.ndim not in (2, 3):
        raise RankError(f"istft: expected (N, T) or (B, N, T), got {list(input.shape)}")
    onesided = (not return_complex and input.shape[-2] != n_fft) if onesided is None else onesided
    wanted = n_fft // 2 + 1 if onesided else n_fft
    if input.shape[-2] != wanted:
        raise ShapeError(f"istft: expected (N, T) or (B, N, T) with N={wanted}, got {list(input.shape)}")
    hop = _hop("istft", n_fft, hop_length)
    weights = _window("istft", window, n_fft, win_length, input)
    transforms = (input.unsqueeze(0) if input.ndim == 2 else input).transpose(1, 2)
    norm = "ortho" if normalized else None
    if return_complex:
        frames = fft_ifft(transforms, n_fft, norm=norm)
    else:  # of a real signal the other half says nothing new
        frames = fft_irfft(transforms[..., : n_fft // 2 + 1], n_fft, norm=norm)
    total = _overlapped(frames * weights, hop)
    square = (weights * weights).expand(1, frames.shape[1], n_fft)
    envelope = _overlapped(square, hop)
    start = n_fft // 2 if center else 0
    end = total.shape[-1] - start if length is None else min(total.shape[-1], start + length)
    total, envelope = total[:, start:end], envelope[:, start:end]
    if not bool((envelope.abs() > 1e-11).all()):
        raise ArgumentError(
            "istft: window overlap add min: the windows leave gaps; use a smaller hop_length or another window"
        )
    signal = total / envelope
    if length is not None and length > signal.shape[-1]:
        signal = pad(signal, (0, length - signal.shape[-1]))
    return signal.squeeze(0) if input.ndim == 2 else signal
