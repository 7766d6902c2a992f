"""The seven families on an OpenCL device, through the contract and over all kinds of layouts, against NumPy."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import hotplug as hp
from hotplug.backend import dtypes
from hotplug.conformance.calls import NDArray, call, download, empty, key_for, upload
from hotplug.dtypes import bfloat16, bool_, dtype, float16, float32, float64, int32, int64, uint8
from hotplug.expr.node import cast, index, input_, scalar
from hotplug.runtime import Runtime

KINDS = (float32, float64, float16, bfloat16, int32, int64, uint8)
LOOSE = {float32: 2e-6, float64: 1e-14, float16: 2e-3, bfloat16: 2e-2}

Scatter = Callable[[NDArray, tuple[NDArray, ...], NDArray], None]


def values(kind: dtype, shape: tuple[int, ...], seed: int = 0) -> NDArray:
    """Ordinary values of a dtype."""
    rng = np.random.default_rng(seed)
    if kind is bool_:
        return rng.random(shape) < 0.5
    if kind.kind == "f":
        return rng.standard_normal(shape).astype(kind.numpy)
    return rng.integers(0 if kind.kind == "u" else -9, 9, shape).astype(kind.numpy)


def wide(x: NDArray) -> NDArray:
    """The values in float64, where NumPy computes all that is compared here."""
    return x.astype(np.float64)


def close(found: NDArray, wanted: NDArray, kind: dtype) -> None:
    """Equal, or within the rounding of a floating dtype relative to the largest element."""
    assert found.shape == wanted.shape
    allowed = LOOSE.get(kind, 0.0) * (np.abs(wide(wanted)).max() if wanted.size else 0.0)
    np.testing.assert_allclose(wide(found), wide(wanted), rtol=0, atol=allowed)


# Shape and strides of one operand: contiguous, transposed, stepped, reversed, broadcast, and of the ranks 0 to 8.
LAYOUTS = {
    "rank0": ((), ()),
    "contiguous": ((6, 7), (7, 1)),
    "transposed": ((6, 7), (1, 6)),
    "stepped": ((6, 7), (21, 2)),
    "reversed": ((6, 7), (7, -1)),
    "broadcast": ((6, 7), (0, 1)),
    "rank4": ((2, 3, 4, 5), (70, -20, 5, 1)),
    "rank8": ((1, 1, 2, 2, 3, 2, 2, 3), (0, 0, 1, 144, 2, 6, 24, 48)),
}


@pytest.mark.parametrize("index64", [False, True], ids=["index32", "index64"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_map_over_every_layout(opencl: Runtime, layout: str, index64: bool) -> None:
    shape, strides = LAYOUTS[layout]
    x, y = values(float32, shape), values(int32, shape, 1)
    x = np.broadcast_to(x[:1], shape).copy() if 0 in strides[:1] and layout == "broadcast" else x
    inputs = [upload(opencl, x, strides, offset=5), upload(opencl, y)]
    program = (cast(input_(1, int32), float32) * scalar(0, float32) + input_(0, float32), index())
    outs = [empty(opencl, float32, shape), empty(opencl, int64, shape)]
    found = call(opencl, "map", outs, inputs, [0.5], program=program, index64=index64)
    np.testing.assert_array_equal(found[0], y.astype(np.float32) * np.float32(0.5) + x)
    np.testing.assert_array_equal(found[1], np.arange(x.size).reshape(shape))


def test_map_into_a_strided_output_touches_nothing_else(opencl: Runtime) -> None:
    whole = upload(opencl, np.arange(24, dtype=np.float32))
    view = hp.dispatch.move(whole, (3, 2), (8, -2), 3)
    call(opencl, "map", [view], [upload(opencl, np.full((3, 2), -1, np.float32))], program=(input_(0, float32),))
    expected = np.arange(24, dtype=np.float32)
    expected[[3, 1, 11, 9, 19, 17]] = -1
    np.testing.assert_array_equal(download(whole), expected)


def test_map_may_write_into_its_input(opencl: Runtime) -> None:
    array, other = upload(opencl, np.arange(5.0)), upload(opencl, np.ones(5))
    x, y = input_(0, float64), input_(1, float64)
    found = call(opencl, "map", [array, other], [array, other], program=(y * 2.0, x + y), alias=(0, 1))
    np.testing.assert_array_equal(found, [np.full(5, 2.0), np.arange(5.0) + 1])


@pytest.mark.parametrize(("count", "index64"), [(20, True), (24, False)])
def test_a_frame_that_is_too_long_for_an_argument(opencl: Runtime, count: int, index64: bool) -> None:
    shape, strides = LAYOUTS["rank8"]
    arrays = [values(float32, shape, seed) for seed in range(count)]
    total = input_(0, float32)
    for position in range(1, count):
        total = total + input_(position, float32)
    inputs = [upload(opencl, each, strides) for each in arrays]
    found = call(opencl, "map", [empty(opencl, float32, shape)], inputs, program=(total,), index64=index64)
    close(found[0], np.sum(arrays, axis=0), float32)


def test_too_many_operands_are_refused_with_their_number(opencl: Runtime) -> None:
    inputs = [upload(opencl, np.ones(1, np.float32))] * 4000
    out = empty(opencl, float32, (1,))
    with pytest.raises(hp.errors.CapabilityError, match=r"takes at most \d+ operands in one kernel, got 4001"):
        call(opencl, "map", [out], inputs, program=(input_(0, float32) + 1.0,))


REDUCED = {
    "rows": ((40, 6, 5), (30, 5, 1), 2),
    "columns": ((5, 6, 40), (1, 5, 30), 1),
    "all": ((4, 3, 50), (150, 50, 1), 3),
    "nothing": ((4, 5), (5, 1), 0),
    "one long row": ((9000,), (1,), 1),
    "a few long rows": ((3, 2, 7000), (14000, 1, 2), 2),
}
REFERENCE = {
    "sum": np.sum, "prod": np.prod, "max": np.max, "min": np.min, "any": np.any, "all": np.all,
}  # fmt: skip


@pytest.mark.parametrize("mode", REFERENCE)
@pytest.mark.parametrize("layout", REDUCED)
def test_reduce(opencl: Runtime, layout: str, mode: str) -> None:
    shape, strides, axes = REDUCED[layout]
    kept = shape[: len(shape) - axes]
    over = tuple(range(len(kept), len(shape)))
    for kind in KINDS if layout == "rows" else (float32, bfloat16, int64):
        x = values(kind, shape)
        if mode == "prod":
            x = np.where(wide(x) >= 0, 1, -1).astype(kind.numpy)
        out = bool_ if mode in ("any", "all") else int64 if kind.kind in "iu" and mode in ("sum", "prod") else kind
        program = (cast(input_(0, kind), out.compute),)
        (found,) = call(
            opencl, "reduce", [empty(opencl, out, kept)], [upload(opencl, x, strides)], mode=mode, program=program,
            axis=axes,
        )  # fmt: skip
        exact = x if kind.kind in "iu" else wide(x)
        with np.errstate(invalid="ignore"):
            close(found, np.asarray(REFERENCE[mode](exact, axis=over)).astype(out.numpy), out)


def test_reduce_applies_an_expression_of_several_inputs(opencl: Runtime) -> None:
    x, y = values(float32, (4, 5000)), values(float32, (5000,), 1)
    inputs = [upload(opencl, x), hp.dispatch.move(upload(opencl, y), (4, 5000), (0, 1))]
    product = cast(input_(0, float32), float64) * cast(input_(1, float32), float64) * scalar(0, float64)
    program = (product + cast(index(), float64),)
    (found,) = call(
        opencl, "reduce", [empty(opencl, float64, (4,))], inputs, [2.0], mode="sum", program=program, axis=1
    )  # fmt: skip
    close(found, (2 * wide(x) * y + np.arange(20000).reshape(4, 5000)).sum(1), float64)


def test_a_sum_of_ten_million_ones_is_exact(opencl: Runtime) -> None:
    ones = hp.ones(10_000_000, device="opencl:0")
    assert ones.sum().item() == 1e7
    assert ones.reshape(1000, 10_000).sum(0).sum().item() == 1e7
    assert ones.cumsum(0)[-1].item() == 1e7


@pytest.mark.parametrize("length", [7, 5000])
def test_extrema_propagate_nan(opencl: Runtime, length: int) -> None:
    x = values(float32, (3, length))
    x[1, length // 2] = np.nan
    array = upload(opencl, x)
    for mode in ("max", "min"):
        program = (input_(0, float32),)
        (found,) = call(
            opencl, "reduce", [empty(opencl, float32, (3,))], [array], mode=mode, program=program, axis=1
        )  # fmt: skip
        np.testing.assert_array_equal(found, REFERENCE[mode](x, axis=1))
        (found,) = call(opencl, "scan", [empty(opencl, float32, x.shape)], [array], mode=mode)
        np.testing.assert_array_equal(found, {"max": np.maximum, "min": np.minimum}[mode].accumulate(x, axis=1))


@pytest.mark.parametrize("mode", ["argmax", "argmin"])
@pytest.mark.parametrize("length", [1, 9, 9001])
def test_argreduce_finds_the_first_and_nan_counts(opencl: Runtime, mode: str, length: int) -> None:
    for kind in (*KINDS, bool_):
        x = values(kind, (4, length))
        if kind.kind == "f" and length > 1:
            x[2, length // 2] = x[2, -1] = np.nan
        array = upload(opencl, np.ascontiguousarray(x.T)) if kind is float32 else upload(opencl, x)
        if kind is float32:
            array = hp.dispatch.move(array, (4, length), (1, 4))
        (found,) = call(opencl, "argreduce", [empty(opencl, int64, (4,))], [array], mode=mode, axis=1)
        np.testing.assert_array_equal(found, getattr(np, mode)(x if kind.kind in "iub" else wide(x), axis=1))


@pytest.mark.parametrize("mode", ["sum", "prod", "max", "min"])
@pytest.mark.parametrize("shape", [(1,), (5, 3, 11), (2, 6000)], ids=str)
def test_scan(opencl: Runtime, mode: str, shape: tuple[int, ...]) -> None:
    run = {"sum": np.add, "prod": np.multiply, "max": np.maximum, "min": np.minimum}[mode].accumulate
    for kind in KINDS:
        x = values(kind, shape)
        if mode == "prod":
            x = np.where(wide(x) >= 0, 1, -1).astype(kind.numpy)
        backwards = tuple(-stride for stride in np.cumprod((1, *shape[:0:-1]))[::-1].tolist())
        (found,) = call(opencl, "scan", [empty(opencl, kind, shape)], [upload(opencl, x, backwards)], mode=mode)
        exact = x if kind.kind in "iu" else wide(x)
        close(found, run(exact, axis=-1, dtype=exact.dtype).astype(kind.numpy), kind)


def along(position: NDArray, axis: int) -> tuple[NDArray, ...]:
    """NumPy's index for "p with p[axis] replaced by position[p]"."""
    grid: list[NDArray] = list(np.ogrid[tuple(slice(size) for size in position.shape)])
    grid[axis] = position
    return tuple(grid)


@pytest.mark.parametrize("kind", [*KINDS, bool_], ids=lambda kind: kind.name)
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_gather(opencl: Runtime, kind: dtype, axis: int) -> None:
    x = values(kind, (4, 5, 6))
    shape = tuple(9 if each == axis else size for each, size in enumerate(x.shape))
    for index_kind in (int64, int32, uint8):
        position = np.random.default_rng(axis).integers(0, x.shape[axis], shape).astype(index_kind.numpy)
        inputs = [upload(opencl, x, (1, 4, 20)), upload(opencl, position)]
        (found,) = call(opencl, "gather", [empty(opencl, kind, shape)], inputs, axis=axis)
        np.testing.assert_array_equal(found, x[along(position, axis)])


SCATTERS: dict[str, Any] = {"add": np.add.at, "mul": np.multiply.at, "min": np.minimum.at, "max": np.maximum.at}


@pytest.mark.parametrize("mode", ["set", *SCATTERS])
@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("shape", [(3, 4), (70, 2), (2, 500)], ids=str)
def test_scatter_in_order(opencl: Runtime, mode: str, axis: int, shape: tuple[int, int]) -> None:
    given = tuple(90 if each == axis else size for each, size in enumerate(shape))
    position = np.random.default_rng(axis).integers(0, shape[axis], given)
    for kind in (float32, float64, int32, uint8):
        start, source = values(kind, shape), values(kind, given, 1)
        if mode == "mul":
            source = np.where(wide(source) > 0, 1, 2).astype(kind.numpy)
        out = upload(opencl, start)
        inputs = [upload(opencl, position), upload(opencl, source, (1, given[0]))]
        (found,) = call(opencl, "scatter", [out], inputs, mode=mode, axis=axis)
        wanted = start.astype(np.float64) if kind is float32 and mode != "set" else start.copy()
        if mode == "set":
            wanted[along(position, axis)] = source  # NumPy too lets the last one win
        else:
            SCATTERS[mode](wanted, along(position, axis), source)
        close(found, wanted.astype(kind.numpy), kind)


SIZES = [(1, 1, 1), (5, 7, 3), (4, 300, 2), (33, 50, 65), (100, 64, 128), (257, 129, 70)]


@pytest.mark.parametrize("kind", [float32, float64, float16, bfloat16, int32, int64, uint8], ids=lambda kind: kind.name)
@pytest.mark.parametrize(("m", "n", "k"), SIZES)
@pytest.mark.parametrize("batch", [1, 3])
def test_matmul(opencl: Runtime, kind: dtype, m: int, n: int, k: int, batch: int) -> None:
    a, b = values(kind, (batch, m, k)), values(kind, (batch, k, n), 1)
    exact = a.astype(np.int64) @ b.astype(np.int64) if kind.kind in "iu" else wide(a) @ wide(b)
    wanted = exact.astype(kind.numpy)
    kernel = opencl.backend.resolve(0, key_for("matmul", *matrices(opencl, a, b, False)))
    assert kernel is not None
    for transposed in (False, True):
        outs, inputs = matrices(opencl, a, b, transposed)
        kernel(outs, inputs, ())
        close(download(outs[0]), wanted, kind)


def matrices(runtime: Runtime, a: NDArray, b: NDArray, transposed: bool) -> tuple[list[Any], list[Any]]:
    """Output and operands, as they are or with their rows and columns exchanged in memory."""
    (batch, m, k), n = a.shape, b.shape[2]
    out = empty(runtime, dtypes.from_numpy(a.dtype), (batch, m, n))
    if not transposed:
        return [out], [upload(runtime, a), upload(runtime, b)]
    out = hp.dispatch.move(out, (batch, m, n), (m * n, 1, m))
    return [out], [upload(runtime, a, (m * k, 1, m)), upload(runtime, b, (n * k, 1, k))]


def test_matmul_with_one_matrix_for_all_of_a_batch(opencl: Runtime) -> None:
    a, b = values(float32, (5, 40, 30)), values(float32, (1, 30, 50))
    right = hp.dispatch.move(upload(opencl, b), (5, 30, 50), (0, 50, 1))
    (found,) = call(opencl, "matmul", [empty(opencl, float32, (5, 40, 50))], [upload(opencl, a), right])
    close(found, (wide(a) @ wide(b)).astype(np.float32), float32)


def test_matmul_of_a_batch_that_is_packed_in_turns(opencl: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hotplug.backends.opencl.matmul._MOST_SCRATCH", 1 << 15)
    a, b = values(float32, (7, 40, 30)), values(float32, (7, 30, 50), 1)
    (found,) = call(opencl, "matmul", [empty(opencl, float32, (7, 40, 50))], [upload(opencl, a), upload(opencl, b)])
    close(found, (wide(a) @ wide(b)).astype(np.float32), float32)


def test_equal_calls_give_equal_bits(opencl: Runtime) -> None:
    x = hp.tensor(values(float32, (300, 200)), device="opencl:0")
    where = hp.tensor(np.random.default_rng(0).integers(0, 7, 300), device="opencl:0")

    def compute() -> list[NDArray]:
        made = [x.sum(), x.sum(0), x @ x.t(), x.cumsum(0), hp.zeros(7, 200, device="opencl:0").index_add(0, where, x)]
        return [download(each._array) for each in made]

    first = compute()
    for _ in range(3):
        for again, before in zip(compute(), first, strict=True):
            np.testing.assert_array_equal(again, before)


@pytest.mark.parametrize("divisor", [1, 2, 3, 5, 7, 641, 65535, 65537, (1 << 30) + 1, (1 << 31) - 1])
def test_division_by_multiplication_is_exact(divisor: int) -> None:
    from hotplug.backends.opencl.frame import magic

    factor, shift = magic(divisor)
    rng = np.random.default_rng(divisor)
    chosen = {0, 1, divisor - 1, divisor, 2**31 - 1, *rng.integers(0, 2**31, 200).tolist()}
    chosen |= {q * divisor + r for q in (1, (2**31 - 1) // divisor) for r in (-1, 0, 1)}
    for n in chosen:
        if 0 <= n < 2**31:
            assert ((n * factor >> 32) + n) >> shift == n // divisor
    assert math.log2(factor) <= 32
