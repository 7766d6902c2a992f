"""What rendered programs compute on an OpenCL device, against the reference, special values included."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ml_dtypes
import numpy as np
import pytest

import hotplug as hp
from hotplug.backend import Expr, dtypes
from hotplug.conformance.calls import download, evaluate
from hotplug.dtypes import bfloat16, bool_, dtype, float16, float32, float64, int64, uint32
from hotplug.expr.node import COMPARISON, binary, cast, constant, index, input_, scalar, unary, where
from hotplug.runtime import Runtime

NDArray = np.ndarray[Any, Any]

UNARY = (
    "exp exp2 expm1 log log2 log10 log1p sqrt rsqrt sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh erf "
    "erfc sigmoid floor ceil trunc round neg abs sign"
).split()
BINARY = "add sub mul div pow atan2 hypot copysign minimum maximum fmin fmax floordiv remainder fmod".split()
INTEGER = (
    "add sub mul minimum maximum fmin fmax floordiv remainder fmod pow and or xor shl shr eq ne lt le gt ge"
).split()
ULPS = 4.0
"""Of the built-in functions of drivers that are as good as PoCL's; OpenCL allows up to 16."""

SPECIAL = [
    0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, 0.5, -0.5, 2.0, -2.0, 3.0, 2.5, 3.5, -2.5, 1e-40, -1e-40, 3e38, -3e38,
    88.8, -104.0, 1e-30, 127.0, 128.5, 255.0, 256.0, -129.0, 32768.0, 65519.9, 65520.0, 1e5, 2147483648.0,
    -2147483649.0, 9.3e18, 1.8e19, 1e20, 171.0, 0.49999997,
]  # fmt: skip
FLOATS = (float32, float64)
INTEGERS = [each for each in dtypes.ALL if each.kind in "ui"]
REAL = [each for each in dtypes.ALL if each.kind != "c"]


def pairs(kind: dtype) -> tuple[NDArray, NDArray]:
    """All pairs of special values, and some ordinary ones."""
    if kind.kind == "f":
        rng = np.random.default_rng(0)
        left, right = (each.ravel() for each in np.meshgrid(SPECIAL, SPECIAL))
        with np.errstate(over="ignore"):
            return (
                np.concatenate([left, 3 * rng.standard_normal(300)]).astype(kind.numpy),
                np.concatenate([right, 3 * rng.standard_normal(300)]).astype(kind.numpy),
            )
    low, high = int(np.iinfo(kind.numpy).min), int(np.iinfo(kind.numpy).max)
    values = {0, 1, 2, 3, 5, 7, 8, 16, 31, 32, 63, 64, high, high - 1, high // 2, low, low + 1, -1, -2, -3, -7}
    chosen = np.array(sorted(value for value in values if low <= value <= high), kind.numpy)
    left, right = (each.ravel() for each in np.meshgrid(chosen, chosen))
    return left, right


def ulps(actual: NDArray, expected: NDArray) -> NDArray:
    """How many units in the last place apart; NaN and infinities must agree."""
    same = (actual == expected) | (np.isnan(actual) & np.isnan(expected))
    with np.errstate(all="ignore"):
        tiny = float(ml_dtypes.finfo(expected.dtype).smallest_normal)
        size = np.maximum(np.abs(expected.astype(np.float64)), tiny)
        step = np.exp2(np.floor(np.log2(size))) * float(ml_dtypes.finfo(expected.dtype).eps)
        apart = np.abs(actual.astype(np.float64) - expected.astype(np.float64)) / step
    return np.where(same, 0.0, np.where(np.isnan(apart), np.inf, apart))


def compare(
    opencl: Runtime, reference: Runtime, names: Sequence[str], program: Sequence[Expr], values: Sequence[NDArray],
    limit: float = ULPS,
) -> None:  # fmt: skip
    """Evaluate on both devices, a few outputs at a time."""
    for start in range(0, len(program), 8):
        part = program[start : start + 8]
        found, wanted = (evaluate(runtime, part, values) for runtime in (opencl, reference))
        for name, actual, expected in zip(names[start : start + 8], found, wanted, strict=True):
            wrong = actual != expected if actual.dtype.kind in "biu" else ulps(actual, expected) > limit
            at = [each[wrong][:3].tolist() for each in values]
            assert not wrong.any(), f"{name} of {at}: {actual[wrong][:3]}, expected {expected[wrong][:3]}"


@pytest.mark.parametrize("kind", FLOATS, ids=lambda kind: kind.name)
def test_functions_of_floats(opencl: Runtime, reference: Runtime, kind: dtype) -> None:
    x, y = input_(0, kind), input_(1, kind)
    program = [unary(op, x) for op in UNARY] + [binary(op, x, y) for op in [*BINARY, "nextafter", *sorted(COMPARISON)]]
    program.append(where(x < y, x, y))
    names = [*UNARY, *BINARY, "nextafter", *sorted(COMPARISON), "where"]
    compare(opencl, reference, names, program, pairs(kind))


def test_our_own_functions_over_all_exponents(opencl: Runtime, reference: Runtime) -> None:
    """On processors functions of float32 are our own, without a branch: see ``backends/opencl/functions.py``."""
    rng = np.random.default_rng(0)
    bits = rng.integers(0, 1 << 32, 20_000, np.uint32).view(np.float32)
    near = np.concatenate([scale * rng.standard_normal(20_000) for scale in (0.01, 1, 10, 60)]).astype(np.float32)
    values = np.concatenate([bits[np.isfinite(bits)], near])
    powers = (5 * rng.standard_normal(values.size)).astype(np.float32)
    names = "exp exp2 expm1 log log2 log10 log1p sinh cosh tanh erf sin cos".split()
    for name in [*names, "pow"]:
        given = [np.abs(values), powers] if name == "pow" else [values]
        inputs = {kind: [input_(at, kind) for at in range(len(given))] for kind in FLOATS}
        make = binary if name == "pow" else unary
        (found,) = evaluate(opencl, [make(name, *inputs[float32])], given)
        (exact,) = evaluate(reference, [make(name, *inputs[float64])], [each.astype(np.float64) for each in given])
        with np.errstate(over="ignore"):
            wanted = exact.astype(np.float32)
        apart = ulps(found, wanted)
        assert apart.max() <= 3, f"{name}({given[0][apart.argmax()]}): {apart.max()} ulp"


@pytest.mark.parametrize("kind", [float16, bfloat16], ids=lambda kind: kind.name)
def test_half_types_compute_in_float32_and_round_once(opencl: Runtime, reference: Runtime, kind: dtype) -> None:
    x, y = (cast(input_(position, kind), float32) for position in range(2))
    program = [cast(unary(op, x), kind) for op in UNARY] + [cast(binary(op, x, y), kind) for op in BINARY]
    compare(opencl, reference, UNARY + BINARY, program, pairs(kind), limit=1.0)


@pytest.mark.parametrize("kind", INTEGERS, ids=lambda kind: kind.name)
def test_functions_of_integers_wrap_and_never_trap(opencl: Runtime, reference: Runtime, kind: dtype) -> None:
    x, y = input_(0, kind), input_(1, kind)
    one, two = ["neg", "abs", "sign", "invert"], INTEGER + (["mulhi"] if kind is uint32 else [])
    program = [unary(op, x) for op in one] + [binary(op, x, y) for op in two]
    compare(opencl, reference, one + two, program, pairs(kind))


def test_functions_of_bool(opencl: Runtime, reference: Runtime) -> None:
    x, y = input_(0, bool_), input_(1, bool_)
    names = ["and", "or", "xor", *sorted(COMPARISON)]
    values = [np.array([False, False, True, True]), np.array([False, True, False, True])]
    compare(opencl, reference, [*names, "invert"], [*[binary(op, x, y) for op in names], ~x], values)


@pytest.mark.parametrize("kind", REAL, ids=lambda kind: kind.name)
def test_casts_follow_the_one_table(opencl: Runtime, reference: Runtime, kind: dtype) -> None:
    values = np.array([False, True]) if kind is bool_ else np.unique(pairs(kind)[0])
    program = [cast(input_(0, kind), target) for target in REAL]
    compare(opencl, reference, [f"cast to {target.name}" for target in REAL], program, [values], limit=0.0)


def test_every_float16_is_read_and_every_tie_rounded_to_even(opencl: Runtime) -> None:
    bits = np.arange(1 << 16, dtype=np.uint16)
    exact = bits.view(np.float16).astype(np.float32)
    (found,) = evaluate(opencl, [cast(input_(0, float16), float32)], [bits.view(np.float16)])
    np.testing.assert_array_equal(found, exact)
    with np.errstate(invalid="ignore", over="ignore"):
        ties = (exact[:-1] + exact[1:]) / 2
        around = np.concatenate([ties, np.nextafter(ties, np.float32(0)), np.nextafter(ties, np.float32(np.inf))])
        expected = around.astype(np.float16)
    (found,) = evaluate(opencl, [cast(input_(0, float32), float16)], [around])
    np.testing.assert_array_equal(found, expected)


def test_a_double_is_rounded_to_float16_once(opencl: Runtime) -> None:
    tie = 1.0 + 2.0**-11
    values = np.array([tie + 2.0**-40, tie - 2.0**-40, tie, -tie - 2.0**-40, 2.0**-25 + 2.0**-70, 2.0**-25])
    (found,) = evaluate(opencl, [cast(input_(0, float64), float16)], [values])
    np.testing.assert_array_equal(found, values.astype(np.float16))


def test_gamma_functions_are_accurate_next_to_their_zeros(opencl: Runtime, torch: Any) -> None:
    rng = np.random.default_rng(1)
    values = np.concatenate(
        [
            rng.uniform(0.01, 12, 400),
            np.exp(rng.uniform(-20, 20, 100)),
            1 + 1e-3 * rng.standard_normal(40),
            [1, 2, 1e300],
        ]
    )
    program = [unary(op, input_(0, float64)) for op in ("lgamma", "digamma")]
    found = evaluate(opencl, program, [values])
    wanted = [getattr(torch, op)(torch.from_numpy(values)).numpy() for op in ("lgamma", "digamma")]
    assert ulps(found[0], wanted[0]).max() <= 8  # PyTorch's own error is up to 3 of them
    np.testing.assert_allclose(found[1], wanted[1], rtol=1e-14, atol=1e-15)
    (narrow,) = evaluate(opencl, [unary("lgamma", input_(0, float32))], [values.clip(0, 1e30).astype(np.float32)])
    exact = torch.lgamma(torch.from_numpy(values.clip(0, 1e30).astype(np.float32)).double()).numpy()
    assert ulps(narrow, exact.astype(np.float32)).max() <= 6


def test_products_and_sums_are_not_contracted(opencl: Runtime) -> None:
    rng = np.random.default_rng(2)
    a, b, c = (rng.standard_normal(1 << 16).astype(np.float32) for _ in range(3))
    program = [input_(0, float32) * input_(1, float32) + input_(2, float32)]
    np.testing.assert_array_equal(evaluate(opencl, program, [a, b, c])[0], a * b + c)


def test_index_and_scalars(opencl: Runtime) -> None:
    program = [index() * scalar(0, int64), cast(index(), float32) * scalar(2, float32)]
    found = evaluate(opencl, program, [np.zeros((3, 5), np.float32)], [7, None, 0.5])
    np.testing.assert_array_equal(found[0], 7 * np.arange(15).reshape(3, 5))
    np.testing.assert_array_equal(found[1], 0.5 * np.arange(15, dtype=np.float32).reshape(3, 5))


@pytest.mark.parametrize(("value", "expected"), [(1e300, np.inf), (-1e39, -np.inf), (float("nan"), np.nan)])
def test_a_scalar_that_its_dtype_cannot_hold_is_cast(opencl: Runtime, value: float, expected: float) -> None:
    found = evaluate(opencl, [input_(0, float32) + scalar(0, float32)], [np.ones(3, np.float32)], [value])
    np.testing.assert_array_equal(found[0], np.full(3, expected, np.float32))


def test_literals_survive(opencl: Runtime) -> None:
    numbers = [np.inf, -np.inf, np.nan, -0.0, 1e-45, 3.4028234663852886e38, 0.1]
    program = [where(input_(0, bool_), constant(number, float32), 0.0) for number in numbers]
    found = evaluate(opencl, program, [np.array([True])])
    np.testing.assert_array_equal(np.array(found)[:, 0], np.array(numbers, np.float32))
    assert np.signbit(found[3][0])


def test_random_numbers_are_the_same_bits(opencl: Runtime) -> None:
    def draw(device: str) -> list[NDArray]:
        hp.manual_seed(7)
        made = [hp.rand(1000, device=device) * 2 + 3, hp.randint(-50, 50, (1000,), device=device)]
        made.append(hp.empty(1000, device=device).uniform_(-1.5, 0.7))
        made.append(hp.rand(1000, device=device, dtype=hp.float64))
        made.append(hp.bernoulli(hp.full((1000,), 0.3, device=device)))
        return [download(each._array) for each in made]

    for found, wanted in zip(draw("opencl:0"), draw("numpy"), strict=True):
        np.testing.assert_array_equal(found, wanted)
