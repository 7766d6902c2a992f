"""Products by the kernels of OpenCL: every form, any strides, with bias and activation; the choice of tiles."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from hotplug.backend import Array
from hotplug.backends.opencl import tuning
from hotplug.backends.opencl.linear import OVERRIDES
from hotplug.backends.opencl.matmul import Matmul, matmul, shape_of
from hotplug.backends.opencl.tiles import Panel
from hotplug.conformance.calls import NDArray, upload
from hotplug.conformance.compare import check
from hotplug.conformance.tolerance import tolerance_of
from hotplug.dtypes import bfloat16, bool_, dtype, float16, float32, float64, int8, int32, int64, uint8
from hotplug.runtime import Runtime

SIZES = {
    "tiny": (1, 2, 3, 2), "vectors of columns": (2, 20, 37, 30), "a row": (1, 1, 300, 70), "a column": (2, 70, 1, 90),
    "long": (1, 3, 5, 1000), "packed": (1, 140, 150, 430), "many": (5, 30, 33, 16), "no depth": (1, 3, 4, 0),
}  # fmt: skip
"""Batch, rows, columns, depth."""


def values(kind: dtype, shape: tuple[int, ...], seed: int) -> NDArray:
    """Ordinary values of a dtype."""
    rng = np.random.default_rng(seed)
    if kind.kind == "f":
        return rng.standard_normal(shape).astype(kind.numpy)
    return rng.integers(0 if kind.kind in "bu" else -9, 2 if kind is bool_ else 9, shape).astype(kind.numpy)


def placed(runtime: Runtime, array: NDArray, order: tuple[int, ...], gaps: int, flip: bool) -> Array:
    """The array with its axes in another order in memory, and unused elements between its lines."""
    strides, step = [0] * array.ndim, 1
    for axis in reversed(order):
        strides[axis] = step
        step *= array.shape[axis] + gaps
    if flip:
        strides[-1] = -strides[-1]
    return upload(runtime, array, tuple(strides), offset=3)


def product(x: NDArray, y: NDArray, kind: dtype) -> NDArray:
    """In float64, or in the integers' arithmetic."""
    if kind is bool_:
        return (x.astype(int) @ y.astype(int)) > 0
    return x.astype(np.float64) @ y.astype(np.float64) if kind.kind == "f" else x @ y


def compare(built: Any, kind: dtype, sizes: tuple[int, ...], order: tuple[int, ...] = (0, 1, 2), gaps: int = 0,
            flip: bool = False) -> None:  # fmt: skip
    """One product within the tolerance."""
    batch, m, n, k = sizes
    x, y = values(kind, (batch, m, k), 0), values(kind, (batch, k, n), 1)
    inputs = [placed(built.runtime, each, order, gaps, flip) for each in (x, y)]
    (found,) = built.run(matmul, "matmul", [(kind, (batch, m, n))], inputs)
    terms = (
        float(np.max(np.abs(x.astype(np.float64)) @ np.abs(y.astype(np.float64)), initial=0))
        if kind.kind == "f"
        else 0.0
    )
    check(found, product(x, y, kind), kind, tolerance_of("matmul"), f"{kind.name} {sizes} {order}", terms)


@pytest.mark.parametrize("name", SIZES)
@pytest.mark.parametrize("order", [(0, 1, 2), (0, 2, 1), (1, 0, 2)], ids=["rows", "columns", "batches inside"])
def test_every_form(built: Any, name: str, order: tuple[int, ...]) -> None:
    compare(built, float32, SIZES[name], order)


@pytest.mark.parametrize(
    "kind", [float64, float16, bfloat16, int8, uint8, int32, int64, bool_], ids=lambda kind: str(kind.name)
)
def test_every_dtype(built: Any, kind: dtype) -> None:
    for name in ("tiny", "vectors of columns", "packed" if kind.kind == "f" else "many"):
        compare(built, kind, SIZES[name], (0, 2, 1), gaps=1)


def test_any_strides(built: Any) -> None:
    @settings(max_examples=30, deadline=None, derandomize=True)
    @given(
        sizes=st.tuples(st.integers(1, 3), *[st.one_of(st.integers(1, 5), st.integers(1, 60))] * 3),
        order=st.permutations((0, 1, 2)), gaps=st.integers(0, 2), flip=st.booleans(),
    )  # fmt: skip
    def every(sizes: tuple[int, ...], order: list[int], gaps: int, flip: bool) -> None:
        compare(built, float32, sizes, tuple(order), gaps, flip)

    every()


def test_one_matrix_for_all_batches(built: Any) -> None:
    for m, n, k in ((9, 20, 12), (130, 260, 260)):
        x, y = values(float32, (3, m, k), 0), values(float32, (1, k, n), 1)
        strides = (0, n, 1)
        shared = upload(built.runtime, np.broadcast_to(y, (3, k, n)), strides)
        (found,) = built.run(matmul, "matmul", [(float32, (3, m, n))], [x, shared])
        check(
            found, product(x, y, float32), float32, tolerance_of("matmul"), terms=float((np.abs(x) @ np.abs(y)).max())
        )


# --- bias and activation ---------------------------------------------------------------------------------------------

ACTIVATIONS = {
    "": lambda x: x, "relu": lambda x: np.maximum(x, 0), "silu": lambda x: x / (1 + np.exp(-x)), "tanh": np.tanh,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "gelu": lambda x: 0.5 * x * (1 + np.vectorize(math.erf)(x * 0.5**0.5)),
    "gelu_tanh": lambda x: 0.5 * x * (1 + np.tanh((2 / math.pi) ** 0.5 * (x + 0.044715 * x**3))),
}  # fmt: skip


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_bias_and_activation(built: Any, activation: str) -> None:
    name = "linear_act" if activation else "linear"
    attributes = (("activation", activation),) if activation else ()
    for m, n, k in ((1, 9, 40), (7, 20, 5), (150, 140, 110)):
        x, w, bias = (values(float32, shape, seed) for seed, shape in enumerate(((m, k), (n, k), (n,))))
        outs = [(float32, (m, n))] * (2 if activation else 1)
        found = built.run(OVERRIDES[name], name, outs, [x, w, bias], attributes=attributes)
        before = x.astype(np.float64) @ w.T.astype(np.float64) + bias
        terms = float((np.abs(x) @ np.abs(w.T)).max()) + 4
        check(found[0], ACTIVATIONS[activation](before), float32, tolerance_of("linear_activation"), activation, terms)
        if activation:
            check(found[1], before, float32, tolerance_of("linear"), "before", terms)


@pytest.mark.parametrize("kind", [float64, float16], ids=lambda kind: str(kind.name))
def test_linear_of_other_dtypes_and_more_axes(built: Any, kind: dtype) -> None:
    x, w, bias = (values(kind, shape, seed) for seed, shape in enumerate(((2, 3, 40), (20, 40), (20,))))
    wide = [each.astype(np.float64) for each in (x, w, bias)]
    terms = float((np.abs(wide[0]) @ np.abs(wide[1].T)).max()) + 4
    for inputs, attributes in (([x, w, bias], ()), ([x, w], (("bias", None),))):
        (found,) = built.run(OVERRIDES["linear"], "linear", [(kind, (2, 3, 20))], inputs, attributes=attributes)
        wanted = wide[0] @ wide[1].T + (wide[2] if len(inputs) == 3 else 0)
        check(found, wanted, kind, tolerance_of("linear"), terms=terms)


def test_an_activation_without_what_it_was_given(built: Any) -> None:
    x, w = values(float32, (5, 40), 0), values(float32, (20, 40), 1)
    attributes = (("activation", "relu"), ("bias", None))
    found = built.run(
        OVERRIDES["linear_act"], "linear_act", [(float32, (5, 20)), (float32, (0,))], [x, w], attributes=attributes
    )
    assert (found[0] >= 0).all()
    assert (found[0] > 0).any()


# --- tiles -----------------------------------------------------------------------------------------------------------


def test_every_tile_gives_the_same_bits(built: Any) -> None:
    x, y = values(float32, (1, 33, 40), 0), values(float32, (1, 40, 150), 1)
    found = set()
    for chosen in tuning.candidates(built.device, float32)[:4]:
        shape = shape_of(built.device, float32, chosen)

        def make(device: Any, key: Any, shape: Any = shape) -> Matmul:
            return Matmul(device, key, shape)

        (out,) = built.run(make, "matmul", [(float32, (1, 33, 150))], [x, y])
        found.add(out.tobytes())
    assert len(found) == 1


def test_candidates_fit_the_device(built: Any) -> None:
    for kind in (float32, float64):
        found = tuning.candidates(built.device, kind)
        assert found
        if not built.device.is_processor:
            assert all(tile.items <= built.device.work_group for tile in found)  # type: ignore[union-attr]


def test_a_choice_is_remembered_by_device_and_driver(
    built: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOTPLUG_CACHE_DIR", str(tmp_path / "new"))
    default, other = tuning.candidates(built.device, float32)[:2]
    tuning.remember(built.device, float32, other)
    assert shape_of(built.device, float32)[0 if isinstance(default, Panel) else 2] == default, "only later processes"
    monkeypatch.setattr(tuning, "_REMEMBERED", tuning._read())
    assert shape_of(built.device, float32)[0 if isinstance(default, Panel) else 2] == other
    assert shape_of(built.device, float64)[0 if isinstance(default, Panel) else 2] != other
    (name,) = json.loads((tmp_path / "new" / "opencl-tiles.json").read_text())
    assert built.device.handle.driver_version.strip() in name


def test_a_broken_file_is_as_good_as_none(built: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOTPLUG_CACHE_DIR", str(tmp_path))
    for text in ("", "[1]", "{"):
        (tmp_path / "opencl-tiles.json").write_text(text)
        assert tuning._read() == {}
    monkeypatch.setattr(tuning, "_REMEMBERED", {tuning._name(built.device, float32): [3, 1, 4]})
    assert tuning._chosen(built.device, float32) == tuning.candidates(built.device, float32)[0], "no candidate any more"


def test_the_command_measures_and_remembers(
    opencl: Runtime, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOTPLUG_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(tuning, "_ROUNDS", 1)
    monkeypatch.setattr(tuning, "_panels", lambda itemsize: (Panel(6, 2, 32 // itemsize), Panel(4, 3, 32 // itemsize)))
    monkeypatch.setattr(tuning, "_TILES", tuning._TILES[:2])
    assert tuning.main(["opencl:0", "--size", "128"]) == 0
    assert "GFLOP/s" in capsys.readouterr().out
    assert json.loads((tmp_path / "opencl-tiles.json").read_text())
    with pytest.raises(SystemExit):
        tuning.main(["opencl:99"])
    assert "expected opencl:0" in capsys.readouterr().err
