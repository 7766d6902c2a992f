"""gather and scatter in all their forms: in order and with atomics, along rows with one index and with many."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import hotplug as hp
from hotplug.backends.opencl import scatter as module
from hotplug.backends.opencl.gather import gather
from hotplug.backends.opencl.scatter import scatter
from hotplug.conformance.calls import NDArray, empty, upload
from hotplug.dtypes import bfloat16, dtype, float32, int64, uint8

ADD: dict[str, Any] = {"add": np.add.at, "max": np.maximum.at}
SHAPES = [(70, 1), (40, 4, 20)]


def along(position: NDArray, axis: int) -> tuple[NDArray, ...]:
    """NumPy's index for "p with p[axis] replaced by position[p]"."""
    grid: list[NDArray] = list(np.ogrid[tuple(slice(size) for size in position.shape)])
    grid[axis] = position
    return tuple(grid)


def numbers(kind: dtype, shape: tuple[int, ...], seed: int) -> NDArray:
    """Small whole numbers, so that no order of theirs gives another sum."""
    return np.random.default_rng(seed).integers(1, 4, shape).astype(kind.numpy)


@pytest.mark.parametrize("atomic", [False, True], ids=["default", "atomic"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("shared", [False, True], ids=["own", "shared"])
def test_scatter(
    built: Any, monkeypatch: pytest.MonkeyPatch, shape: tuple[int, ...], shared: bool, atomic: bool
) -> None:
    monkeypatch.setattr(module, "ATOMIC", atomic)
    rng, given = np.random.default_rng(1), (110, *shape[1:])
    position = rng.integers(0, shape[0], (110,) + (1,) * (len(shape) - 1))
    index = upload(built.runtime, np.ascontiguousarray(np.broadcast_to(position, given)))
    if shared:
        index = hp.dispatch.move(upload(built.runtime, position), given, (1,) + (0,) * (len(shape) - 1))
    for kind, mode in ((float32, "add"), (bfloat16, "max"), (int64, "add"), (uint8, "add")):
        start, source = numbers(kind, shape, 2), numbers(kind, given, 3)
        out, place = upload(built.runtime, start), along(np.broadcast_to(position, given), 0)

        def made(device: Any, key: Any, _: bool = atomic) -> Any:
            return scatter(device, key)

        (found,) = built.family(made, "scatter", [out], [index, upload(built.runtime, source)], mode=mode, axis=0)
        wanted = start.astype(np.float64) if kind.kind == "f" else start.copy()
        ADD[mode](wanted, place, source.astype(wanted.dtype))
        np.testing.assert_array_equal(found.astype(np.float64), wanted.astype(kind.numpy).astype(np.float64))


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("step", ["own", "along", "across"])
def test_gather(built: Any, axis: int, step: str) -> None:
    x = numbers(float32, (50, 60), 0)
    shape = (70, 60) if axis == 0 else (50, 70)
    position = np.random.default_rng(0).integers(0, x.shape[axis], shape)
    strides: tuple[int, ...] = {"own": (shape[1], 1), "along": (0, 1), "across": (1, 0)}[step]
    position = (
        np.broadcast_to(position[:1] if strides[0] == 0 else position[:, :1], shape) if 0 in strides else position
    )
    base = {"own": position, "along": position[0], "across": position[:, 0]}[step]
    index = hp.dispatch.move(upload(built.runtime, np.ascontiguousarray(base)), shape, strides)
    for source in (upload(built.runtime, x), upload(built.runtime, x, (1, 50))):
        (found,) = built.family(gather, "gather", [empty(built.runtime, float32, shape)], [source, index], axis=axis)
        np.testing.assert_array_equal(found, x[along(position, axis)])


@pytest.mark.parametrize("bad", [-1, 50])
def test_an_index_out_of_range_is_told_and_skipped(opencl: Any, bad: int) -> None:
    x, where = hp.ones(50, 40, device="opencl:0"), hp.tensor([3, bad, 7], device="opencl:0")
    result = hp.gather(x, 0, where.reshape(3, 1).expand(3, 40))
    with pytest.raises(hp.errors.IndexRangeError, match=f"gather: index {bad} is out of bounds for an axis of size 50"):
        result.cpu()
    assert result.cpu().sum(1).tolist() == [40.0, 0.0, 40.0]
    total = hp.zeros(50, 40, device="opencl:0").scatter_add(0, where.reshape(3, 1).expand(3, 40), hp.ones_like(x[:3]))
    with pytest.raises(hp.errors.IndexRangeError, match=f"scatter: index {bad} is out of bounds"):
        total.cpu()
    assert total.cpu().sum().item() == 80.0
