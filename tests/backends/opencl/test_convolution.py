"""Convolution and its two gradients by the kernels of OpenCL, against sums in float64."""

from __future__ import annotations

import itertools
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import hotplug as hp
from hotplug.autograd import gradgradcheck
from hotplug.backends.opencl.convolution import OVERRIDES, InTurns
from hotplug.backends.opencl.convolution_plan import fitting
from hotplug.conformance.calls import NDArray
from hotplug.conformance.compare import check
from hotplug.conformance.tolerance import tolerance_of
from hotplug.dtypes import bfloat16, dtype, float16, float32, float64
from hotplug.nn import functional as F
from hotplug.runtime import Runtime

Numbers = tuple[int, ...]


class Case(NamedTuple):
    """A convolution; ``inner`` and ``outer`` are channels of a group."""

    images: int
    groups: int
    inner: int
    outer: int
    size: Numbers
    kernel: Numbers
    stride: Numbers
    padding: Numbers
    dilation: Numbers

    @property
    def scalars(self) -> tuple[Any, ...]:
        return (self.stride, self.padding, self.dilation, self.groups)

    @property
    def shapes(self) -> tuple[Numbers, Numbers, Numbers]:
        """Of input, weight and output."""
        windows = tuple(
            (n + 2 * p - d * (k - 1) - 1) // s + 1
            for n, k, s, p, d in zip(self.size, self.kernel, self.stride, self.padding, self.dilation, strict=True)
        )
        outputs = self.groups * self.outer
        return (
            (self.images, self.groups * self.inner, *self.size), (outputs, self.inner, *self.kernel),
            (self.images, outputs, *windows),
        )  # fmt: skip

    def products(self, x: NDArray, w: NDArray, out: NDArray) -> list[NDArray]:
        """The output of ``x`` and ``w``, and the gradients for them where ``out`` is the output's gradient, in float64."""
        n, g = self.images, self.groups
        around = [(0, 0), (0, 0), *((p, p) for p in self.padding)]
        padded = np.pad(x.astype(np.float64), around)
        grad, weight = out.astype(np.float64).reshape(n, g, self.outer, -1), w.astype(np.float64)
        found, to_x, to_w = np.zeros_like(grad), np.zeros_like(padded), np.zeros_like(weight)
        for tap in itertools.product(*map(range, self.kernel)):
            window = (slice(None), slice(None), *(
                slice(t * d, t * d + s * (o - 1) + 1, s)
                for t, d, s, o in zip(tap, self.dilation, self.stride, out.shape[2:], strict=True)
            ))  # fmt: skip
            under = padded[window].reshape(n, g, self.inner, -1)
            part = weight[(slice(None), slice(None), *tap)].reshape(g, self.outer, self.inner)
            found += np.einsum("ngcp,goc->ngop", under, part)
            to_x[window] += np.einsum("ngop,goc->ngcp", grad, part).reshape(padded[window].shape)
            to_w[(slice(None), slice(None), *tap)] = np.einsum("ngop,ngcp->goc", grad, under).reshape(-1, self.inner)
        inside = (slice(None), slice(None), *(slice(p, p + s) for p, s in zip(self.padding, self.size, strict=True)))
        return [found.reshape(out.shape), to_x[inside], to_w]


def compare(built: Any, case: Case, kind: dtype, biased: bool, seed: int = 0) -> None:
    """All three kernels, each result within the tolerance of a sum of so large terms."""
    rng = np.random.default_rng(seed)
    x, w, out = (rng.standard_normal(shape).astype(kind.numpy) for shape in case.shapes)
    bias = rng.standard_normal(w.shape[:1]).astype(kind.numpy)
    expected = case.products(x, w, out)
    largest = [float(each.max(initial=1.0)) for each in case.products(*(np.abs(each) for each in (x, w, out)))]
    expected[0] += biased * bias.astype(np.float64).reshape(-1, *(1,) * len(case.size))
    attributes = () if biased else (("bias", None),)
    found = [
        *built.run(OVERRIDES["convolution"], "convolution", [(kind, out.shape)], [x, w, *([bias] if biased else [])],
                   case.scalars, attributes),
        *built.run(OVERRIDES["convolution_input_backward"], "convolution_input_backward", [(kind, x.shape)], [out, w],
                   case.scalars),
        *built.run(OVERRIDES["convolution_weight_backward"], "convolution_weight_backward", [(kind, w.shape)], [out, x],
                   case.scalars),
    ]  # fmt: skip
    for name, actual, wanted, terms in zip(("out", "input", "weight"), found, expected, largest, strict=True):
        check(actual, wanted, kind, tolerance_of("conv2d"), f"{name} of {case}", terms + biased)


@st.composite
def cases(draw: st.DrawFn, axes: int) -> Case:
    """Small convolutions of any numbers."""
    largest = 4 if axes == 3 else 9
    each = {
        name: tuple(draw(st.integers(*limits)) for _ in range(axes))
        for name, limits in {"kernel": (1, 4), "stride": (1, 3), "padding": (0, 3), "dilation": (1, 3)}.items()
    }
    least = [d * (k - 1) + 1 - 2 * p for d, k, p in zip(each["dilation"], each["kernel"], each["padding"], strict=True)]
    size = tuple(max(1, low, draw(st.integers(1, 2 * largest))) for low in least)
    channels = [draw(st.integers(1, top)) for top in (3, 3, largest, largest)]
    return Case(*channels, size=size, **each)  # type: ignore[arg-type,misc]


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_any_numbers(built: Any, axes: int) -> None:
    @settings(max_examples=12, deadline=None, derandomize=True)
    @given(case=cases(axes), biased=st.booleans())
    def every(case: Case, biased: bool) -> None:
        compare(built, case, float32, biased)

    every()


TYPICAL = {
    "3x3": Case(2, 1, 6, 9, (13, 14), (3, 3), (1, 1), (1, 1), (1, 1)),
    "strided 7x7": Case(2, 1, 3, 8, (20, 21), (7, 7), (2, 2), (3, 3), (1, 1)),
    "1x1": Case(3, 1, 20, 5, (5, 7), (1, 1), (1, 1), (0, 0), (1, 1)),
    "strided 1x1": Case(1, 1, 4, 4, (9, 9), (1, 1), (2, 2), (0, 0), (1, 1)),
    "depthwise": Case(2, 7, 1, 1, (12, 40), (3, 3), (1, 1), (1, 1), (1, 1)),
    "two of a channel": Case(1, 5, 1, 2, (9, 30), (3, 3), (2, 1), (1, 1), (1, 2)),
    "patches": Case(1, 1, 3, 10, (16, 16), (4, 4), (4, 4), (0, 0), (1, 1)),
    "many small images": Case(30, 1, 3, 4, (4, 3), (2, 2), (1, 1), (0, 0), (1, 1)),
    "a long line": Case(1, 1, 2, 3, (400,), (5,), (3,), (2,), (2,)),
    "three axes": Case(1, 2, 2, 3, (5, 6, 9), (2, 3, 3), (1, 2, 1), (1, 0, 1), (1, 1, 2)),
}


@pytest.mark.parametrize("name", TYPICAL)
def test_typical_ones(built: Any, name: str) -> None:
    compare(built, TYPICAL[name], float32, biased=True)


@pytest.mark.parametrize("kind", [float64, float16, bfloat16], ids=lambda kind: str(kind.name))
def test_other_dtypes(built: Any, kind: dtype) -> None:
    for name in ("3x3", "depthwise", "three axes"):
        compare(built, TYPICAL[name], kind, biased=name == "3x3")


@pytest.mark.parametrize("where", [0, 5, -1])
def test_an_infinite_input_reaches_only_the_taps_that_lie_on_it(built: Any, where: int) -> None:
    case = Case(1, 1, 1, 2, (3, 4), (2, 3), (1, 1), (0, 1), (1, 1))
    x, w, out = (np.ones(shape, np.float32) for shape in case.shapes)
    x.reshape(-1)[where] = np.inf
    (found,) = built.run(
        OVERRIDES["convolution_weight_backward"], "convolution_weight_backward", [(float32, w.shape)], [out, x], case.scalars
    )  # fmt: skip
    np.testing.assert_array_equal(found, case.products(x, w, out)[2])


def test_the_same_bits_every_time(built: Any) -> None:
    case = TYPICAL["3x3"]
    x, w, out = (np.random.default_rng(1).standard_normal(shape).astype(np.float32) for shape in case.shapes)
    name = "convolution_weight_backward"
    found = [built.run(OVERRIDES[name], name, [(float32, w.shape)], [out, x], case.scalars)[0] for _ in range(3)]
    assert found[0].tobytes() == found[1].tobytes() == found[2].tobytes()


def test_some_images_at_a_time(built: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    turns = []
    whole = InTurns.__call__

    def call(self: Any, outs: Any, inputs: Any, scalars: Any) -> None:
        monkeypatch.setattr(self, "_most", 1 << 12)
        monkeypatch.setattr(self, "_turns", {})
        whole(self, outs, inputs, scalars)
        turns.extend(self._turns.values())

    monkeypatch.setattr(InTurns, "__call__", call)
    compare(built, TYPICAL["many small images"], float32, biased=True)
    assert turns == [] if not built.device.is_processor else len(turns) == 2 and min(turns) > 1


def test_a_copy_that_32_bits_cannot_count_is_refused() -> None:
    with pytest.raises(MemoryError, match="use fewer images at once"):
        fitting(1 << 31)


def test_second_derivatives(opencl: Runtime) -> None:
    x = hp.randn(1, 2, 4, 5, dtype=hp.float64, device="opencl:0", requires_grad=True)
    w = hp.randn(2, 2, 2, 3, dtype=hp.float64, device="opencl:0", requires_grad=True)
    assert gradgradcheck(lambda x, w: F.conv2d(x, w, stride=(1, 2), padding=(1, 0)), (x, w))
    assert any(key.name == "convolution" and kernel is not None for key, kernel in opencl._kernels.items())
