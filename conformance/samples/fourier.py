"""Fourier transforms: even, odd and prime sizes, cut off and continued with zeros."""

from __future__ import annotations

from collections.abc import Iterator

from hotplug.conformance.draw import DEVICE, DTYPE, Draw, Sample
from hotplug.conformance.samples.registry import samples


@samples("fft.fft", "fft.ifft", kinds="ifc")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 8))
    yield Sample(draw(3, 7), 5, 0, "ortho")
    yield Sample(draw(2, 12), n=15, norm="forward")
    yield Sample(draw(2, 37))


@samples("fft.rfft", "fft.ihfft", kinds="if")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 8))
    yield Sample(draw(3, 7), 5, 0, "ortho")
    yield Sample(draw(2, 6), n=9, norm="forward")


@samples("fft.irfft", "fft.hfft", kinds="fc")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 5))
    yield Sample(draw(2, 5), n=9)
    yield Sample(draw(4, 3), 5, 0, "ortho")
    yield Sample(draw(2, 3), n=8, norm="forward")


@samples("fft.fftn", "fft.ifftn", kinds="fc")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3, 4))
    yield Sample(draw(2, 3, 4), (4, 2), norm="ortho")
    yield Sample(draw(2, 3, 4), dim=(0, 2))


@samples("fft.fft2", "fft.ifft2", kinds="fc")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3, 4))
    yield Sample(draw(2, 3, 4), (2, 5), norm="forward")


@samples("fft.rfftn", "fft.ihfftn", kinds="f")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3, 4))
    yield Sample(draw(2, 3, 4), (4, 3), norm="ortho")
    yield Sample(draw(2, 3, 4), dim=(2, 0))


@samples("fft.rfft2", "fft.ihfft2", kinds="f")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3, 4))
    yield Sample(draw(2, 3, 4), (2, 5), norm="forward")


@samples("fft.irfftn", "fft.hfftn", kinds="fc")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3, 4))
    yield Sample(draw(2, 3, 4), (4, 5), norm="ortho")
    yield Sample(draw(2, 3, 4), dim=(2, 0))


@samples("fft.irfft2", "fft.hfft2", kinds="fc")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3, 4))
    yield Sample(draw(2, 3, 4), (2, 5), norm="forward")


@samples("fft.fftshift", "fft.ifftshift")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(3, 4))
    yield Sample(draw(3, 5), 1)
    yield Sample(draw(2, 3, 4), (0, 2))


@samples("fft.fftfreq", "fft.rfftfreq", kinds="f", gradient=False)
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(8, dtype=DTYPE, device=DEVICE)
    yield Sample(7, 0.5, dtype=DTYPE, device=DEVICE)
