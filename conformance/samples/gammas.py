"""The incomplete gamma functions, whose derivative in the shape does not exist as an op; polynomials; mantissas."""

from __future__ import annotations

from collections.abc import Iterator

from hotplug.conformance.draw import Draw, Sample
from hotplug.conformance.samples.registry import samples


@samples("igamma", "igammac", kinds="f")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3, 4, low=0.3, high=4).constant(), draw(2, 3, 4, low=0.3, high=6))
    yield Sample(draw(3, 1, low=6, high=18).constant(), draw(4, low=5, high=19))
    yield Sample(draw(low=0.5, high=2).constant(), draw(low=0.5, high=2))


@samples("ops.gamma_sample_slope", kinds="f", gradient=False)
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3, 4, low=0.3, high=4), draw(2, 3, 4, low=0.3, high=6))
    yield Sample(draw(3, 1, low=20, high=60), draw(4, low=15, high=65))


@samples(
    "special.chebyshev_polynomial_t", "special.chebyshev_polynomial_u", "special.chebyshev_polynomial_v",
    "special.chebyshev_polynomial_w", "special.shifted_chebyshev_polynomial_t", "special.shifted_chebyshev_polynomial_u",
    "special.shifted_chebyshev_polynomial_v", "special.shifted_chebyshev_polynomial_w", "special.hermite_polynomial_h",
    "special.hermite_polynomial_he", "special.laguerre_polynomial_l", "special.legendre_polynomial_p", kinds="f",
)  # fmt: skip
def _(draw: Draw) -> Iterator[Sample]:
    for degree in (0, 1, 2, 4):
        yield Sample(draw(2, 3, low=-0.9, high=0.9), degree)
    yield Sample(draw(3, low=1.1, high=1.5), 3)
    yield Sample(draw(3), -1)


@samples("frexp", kinds="f")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3, low=-40, high=40))
    yield Sample(draw(4, low=0.001, high=0.3))
