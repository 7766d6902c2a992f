"""The vectorised functions of float32: all exponents, both signs, and the ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

pytest.importorskip("numba", reason="the extra cpu is not installed")

from scipy import special

from hotplug.backends.cpu.compiled import build, pool

NDArray = np.ndarray[Any, Any]

TEXT = """\
from hotplug.backends.cpu.compiled import functions
from hotplug.backends.cpu.compiled.prelude import load1, store, word


def task(table, start, stop, thread):
    out, source = word(table, 0), word(table, 1)
    for i in range(start, stop):
        store(out, i, functions.{name}(load1(source, i)))
"""
REFERENCES: dict[str, Callable[[NDArray], NDArray]] = {
    "exp": np.exp, "exp2": np.exp2, "expm1": np.expm1, "log": np.log, "log2": np.log2, "log10": np.log10,
    "log1p": np.log1p, "sigmoid": special.expit, "tanh": np.tanh, "sinh": np.sinh, "cosh": np.cosh,
    "erf": special.erf, "sin": np.sin, "cos": np.cos, "rsqrt": lambda x: 1 / np.sqrt(x),
}  # fmt: skip
ULP = 2.1
"""What the functions promise is 2; sinh near 0.77 comes to 2.05."""


def everywhere() -> NDArray:
    """Random mantissas at every exponent, ordinary numbers, and the special values."""
    draw = np.random.default_rng(0)
    bits = np.repeat(np.arange(256, dtype=np.uint32) << 23, 200) | draw.integers(0, 1 << 23, 256 * 200, np.uint32)
    spread = bits.view(np.float32)
    ordinary = draw.standard_normal(100_000).astype(np.float32) * 3
    ends = np.array([0.0, -0.0, 1, -1, np.inf, -np.inf, np.nan, 88.72284, -103.97, 3.4e38], np.float32)
    return np.concatenate([spread, -spread, ordinary, np.linspace(-20, 20, 100_001, dtype=np.float32), ends])


def off(found: NDArray, exact: NDArray) -> NDArray:
    """Errors in units in the last place; infinite where one is NaN or infinite and the other isn't."""
    goal = exact.astype(np.float32)
    same = (found == goal) | (np.isnan(found) & np.isnan(goal))
    unit = np.spacing(np.maximum(np.abs(goal), np.float32(1.1754944e-38)))
    return np.where(same, 0, np.nan_to_num(np.abs(found.astype(np.float64) - exact) / unit, nan=np.inf))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # NumPy's of overflow, in the reference
@pytest.mark.parametrize("name", REFERENCES)
def test_errors_are_two_units(name: str) -> None:
    x = everywhere()
    found = np.empty_like(x)
    code = build.task_of_text(f"test_{name}", TEXT.format(name=name))
    pool.run(code, (found.ctypes.data, x.ctypes.data), x.size, 8192)
    exact = REFERENCES[name](x.astype(np.float64))
    errors = off(found, exact)
    assert errors.max() <= ULP, f"{name}({x[errors.argmax()]!r}) is {found[errors.argmax()]!r}"
    zeros = found == 0
    assert np.array_equal(np.signbit(found[zeros & (exact == 0)]), np.signbit(exact[zeros & (exact == 0)]))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_powers() -> None:
    draw = np.random.default_rng(1)
    ends = [0.0, -0.0, 1, -1, 2, -2, 3, -3, 0.5, -0.5, np.inf, -np.inf, np.nan, 1e-40, -1e-40, 16777217, 1e30]
    x, y = (each.ravel() for each in np.meshgrid(np.array(ends, np.float32), np.array(ends, np.float32)))
    x = np.concatenate([x, np.exp(draw.normal(0, 15, 50_000)), draw.uniform(0.5, 2, 50_000)]).astype(np.float32)
    y = np.concatenate([y, draw.normal(0, 2, 50_000), draw.normal(0, 60, 50_000)]).astype(np.float32)
    found = np.empty_like(x)
    text = TEXT.replace("load1, store", "load1, load2, store").format(name="pow")
    text = text.replace("load1(source, i))", "load1(source, i), load2(word(table, 2), i))")
    pool.run(build.task_of_text("test_pow", text), (found.ctypes.data, x.ctypes.data, y.ctypes.data), x.size, 8192)
    assert off(found, np.power(x.astype(np.float64), y.astype(np.float64))).max() <= 0.51
