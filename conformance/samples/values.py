"""Comparisons of whole tensors, special values, divisors, splits, window functions."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from hotplug.conformance.draw import DEVICE, DTYPE, SPECIAL, Draw, Operand, Sample
from hotplug.conformance.samples.registry import samples


@samples("div")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3, 4, low=0.5, high=3), draw(3, 1, low=0.5, high=3))
    yield Sample(draw(2, 3, low=0.5, high=3), 2)
    if draw.kind not in "bc":
        for mode in ("trunc", "floor"):
            # The quotients are far from whole numbers, where a last digit would decide.
            yield Sample(draw(2, 3, low=1, high=9), draw(3, low=2, high=4), rounding_mode=mode).rough()


def _pair(draw: Draw) -> tuple[Operand, Operand]:
    """Two operands of which some elements are equal, and some nearly so."""
    first = draw(3, 4, low=1, high=9)
    values = first.values.copy()
    values[0] += np.asarray(0.5 if draw.kind in "fc" else 1, values.dtype)
    if draw.kind in "fc":
        values[1] *= 1 + 2.0**-8
    return first, Operand(values)


@samples("isclose", "allclose", kinds="uifc", gradient=False)
def _(draw: Draw) -> Iterator[Sample]:
    first, second = _pair(draw)
    yield Sample(first, first)
    yield Sample(first, second)
    yield Sample(first, second, rtol=0.02)
    yield Sample(first, second, rtol=0.0, atol=2.0)
    if draw.kind == "f":
        grids = np.meshgrid(SPECIAL, SPECIAL, indexing="ij")
        yield Sample(*(Operand(each.reshape(-1)) for each in grids), rtol=0.1)
        yield Sample(*(Operand(each.reshape(-1)) for each in grids), rtol=0.1, equal_nan=True)


@samples("equal", gradient=False)
def _(draw: Draw) -> Iterator[Sample]:
    first = draw(2, 3)
    yield Sample(first, first)
    yield Sample(first, draw(2, 3))
    yield Sample(first, draw(3, 2))


@samples("nan_to_num", kinds="uifc")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3))
    if draw.kind == "f":
        yield Sample(Operand(np.asarray(SPECIAL)), posinf=5.0, neginf=-6.0).forward()
        yield Sample(Operand(np.asarray(SPECIAL)), nan=1.5, posinf=math.inf, neginf=-7.0).forward()
    if draw.kind == "c":
        yield Sample(
            Operand(np.asarray([complex(a, b) for a in SPECIAL[:4] for b in SPECIAL[:4]])), 1.0, 2.0, 3.0
        ).forward()


@samples("float_power")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3, low=1, high=3), 2)
    yield Sample(draw(2, 3, low=1, high=3), draw(3, low=0, high=2))


@samples("polar", kinds="f")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3, low=0.5, high=2), draw(2, 3, low=-3, high=3))


@samples("gcd", "lcm", kinds="ui", gradient=False)
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(4, 5, low=0, high=11), draw(5, low=0, high=11))
    yield Sample(draw(7, low=1, high=11), draw(1, low=1, high=11))


@samples("tensor_split")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(5, 3), 3)
    yield Sample(draw(2, 6), [1, -2, 9], -1)


@samples("split_with_sizes", "unsafe_split")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(5, 3), [1, 4])
    yield Sample(draw(2, 4), [0, 3, 1], 1)


@samples("unsafe_chunk")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(5, 3), 2)


@samples("hsplit")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(4), 2)
    yield Sample(draw(2, 6), [1, 3])


@samples("vsplit")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(4, 3), 2)


@samples("dsplit")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 2, 4), [1])


@samples(
    "hann_window", "hamming_window", "blackman_window", "bartlett_window", "kaiser_window", kinds="f", gradient=False
)
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(7, dtype=DTYPE, device=DEVICE)
    yield Sample(6, periodic=False, dtype=DTYPE, device=DEVICE)
    yield Sample(1, dtype=DTYPE, device=DEVICE)


@samples("clamp_min", "clamp_max", kinds="uif")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3), 1)
    yield Sample(draw(2, 3), draw(3))


@samples("adjoint", "resolve_conj", "resolve_neg")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3, 4))


@samples("is_signed", "is_conj", "is_neg", "is_inference", gradient=False)
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2))


@samples("is_nonzero", gradient=False)
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(1, low=1))


@samples("is_same_size", gradient=False)
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3), draw(2, 3))
    yield Sample(draw(2, 3), draw(3, 2))


@samples("nextafter", kinds="f", gradient=False)
def _(draw: Draw) -> Iterator[Sample]:
    """Without the special values: the neighbours of infinity and zero in the dtype are others than in the reference's."""
    yield Sample(draw(2, 3), draw(3, 1, 1))
    yield Sample(draw(2), draw())


@samples("polygamma", kinds="f")
def _(draw: Draw) -> Iterator[Sample]:
    for order in (0, 1, 3):
        yield Sample(order, draw(2, 3, low=0.5, high=4))


@samples("mvlgamma", kinds="f")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3, low=1.5, high=4), 3)


@samples("special.zeta", kinds="f")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3, low=1.5, high=4).constant(), draw(3, low=0.5, high=4))
    yield Sample(2.0, draw(3, low=0.5, high=4))


@samples("diagflat")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 2))
    yield Sample(draw(3), -1)


@samples("unravel_index", kinds="i", gradient=False)
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3, low=0, high=23), (2, 3, 4))


@samples("renorm", kinds="fc")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(3, 4, low=0.5, high=2), 2, 0, 2.5)


@samples("stft", kinds="fc")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 20), 8, 3, return_complex=True, onesided=draw.kind == "f", pad_mode="constant")
    if draw.kind == "f":
        yield Sample(draw(20), 7, 2, 5, draw(5, low=0.5, high=1), center=False, normalized=True, return_complex=False)


@samples("istft", kinds="c")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 5, 4), 8, 2)
    yield Sample(draw(8, 4), 8, 2, onesided=False, length=12)
