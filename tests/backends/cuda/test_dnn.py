"""Convolution by a model of NVIDIA's cudnn-frontend on the emulated device: graphs, strides, plans, workspaces, fallbacks."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from cuda_dnn import NOTES, ModelOfFrontend
from cuda_library import installed

import hotplug as hp
from hotplug.backends import cudnn as switches
from hotplug.backends.cuda import dnn, libraries
from hotplug.backends.cuda.compile_check import complaints
from hotplug.backends.cuda.device import Device
from hotplug.backends.cuda.recorder import RecordingMachine
from hotplug.conformance.compare import check
from hotplug.conformance.tolerance import GRADIENT, tolerance_of
from hotplug.dtypes import by_name
from hotplug.layout import layout_of
from hotplug.nn import functional as F
from hotplug.runtime import Runtime

DEVICE = "cuda-emulated:0"


@pytest.fixture
def frontend(emulated: Runtime) -> Iterator[ModelOfFrontend]:
    """The emulated device with the model."""
    model = ModelOfFrontend()
    with installed(emulated, cudnn=model):  # type: ignore[arg-type]
        yield model


def _drawn(seed: int, *shapes: tuple[int, ...]) -> list[Any]:
    draw = np.random.default_rng(seed)
    return [hp.tensor(draw.standard_normal(shape)) for shape in shapes]


def _agrees(function: Any, tensors: list[Any], kind: Any, layout: Any = None, **options: Any) -> None:
    """Results and gradients of the device against the processor's in float64."""
    found = []
    for device in (DEVICE, "cpu"):
        given = [each.to(kind).to(device if device != "cpu" else "cpu") for each in tensors]
        if device == "cpu":
            given = [each.double() for each in given]
        elif layout is not None:
            given[0] = layout(given[0])
        given = [each.requires_grad_() for each in given]
        out = function(*given, **options)
        weight = hp.arange(out.numel(), dtype=hp.float64).reshape(*out.shape).remainder(7.0) - 3
        (out * weight.to(out.dtype).to(out.device)).sum().backward()
        found.append([out.detach(), *[each.grad for each in given]])
    rules = [tolerance_of("conv2d"), *[GRADIENT] * len(tensors)]
    for ours, theirs, rule in zip(*found, rules, strict=True):
        check(
            ours.cpu().float().numpy() if kind.itemsize < 8 else ours.cpu().numpy(),
            theirs.numpy(),
            kind,
            rule,
            terms=8.0,
        )


def channels_last(x: Any) -> Any:
    return x.to(memory_format=hp.channels_last)


CASES: tuple[tuple[int, tuple[int, ...], tuple[int, ...], dict[str, Any]], ...] = (
    (1, (2, 4, 9), (6, 4, 3), {"stride": 2, "padding": 1}),
    (2, (2, 4, 6, 5), (6, 2, 3, 2), {"stride": (2, 1), "padding": (1, 0), "dilation": (1, 2), "groups": 2}),
    (2, (1, 3, 4, 4), (3, 1, 2, 2), {"groups": 3}),
    (3, (1, 2, 4, 3, 4), (2, 2, 2, 2, 2), {"padding": 1, "stride": 3}),
)


@pytest.mark.parametrize(("axes", "input", "weight", "options"), CASES)
def test_what_cudnn_is_asked_for(
    frontend: ModelOfFrontend,
    axes: int,
    input: tuple[int, ...],
    weight: tuple[int, ...],
    options: dict[str, Any],
) -> None:
    for kind in (hp.float32, hp.float16, hp.bfloat16, hp.float64):
        frontend.runs.clear()
        _agrees(getattr(F, f"conv{axes}d"), _drawn(0, input, weight, weight[:1]), kind, **options)
        assert sorted(frontend.runs) == ["convolution", "input", "weight"]
    turned = (*weight[:2], *weight[2:])
    options = {name: value for name, value in options.items() if name != "dilation"}
    given = _drawn(1, (input[0], weight[0], *input[2:]), turned)
    _agrees(getattr(F, f"conv_transpose{axes}d"), given, hp.float32, **options)


def test_strides_go_to_cudnn_as_they_are_or_dense_where_it_refuses(frontend: ModelOfFrontend) -> None:
    given = _drawn(2, (2, 4, 5, 6), (3, 4, 2, 2), (3,))

    _agrees(F.conv2d, given, hp.float32, channels_last)
    assert sorted(frontend.runs) == ["convolution", "input", "weight"]
    frontend.refused = lambda form: form[1].stride[1] == 1 or form[2].stride[1] == 1
    frontend.runs.clear()
    given[0] = given[0][:, :, :-1]  # another shape, so another plan
    _agrees(F.conv2d, given, hp.float32, channels_last)
    assert sorted(frontend.runs) == ["convolution", "input", "weight"]


def test_addresses_that_are_not_aligned_are_copied(frontend: ModelOfFrontend) -> None:
    flat = hp.arange(33.0, device=DEVICE)
    out = F.conv1d(flat[1:].reshape(1, 2, 16), hp.ones(1, 2, 16, device=DEVICE))
    assert out.item() == sum(range(33))
    assert frontend.runs == ["convolution"]


def test_what_cudnn_refuses_our_own_kernel_computes(frontend: ModelOfFrontend) -> None:
    frontend.refused = lambda form: True
    _agrees(F.conv2d, _drawn(3, (2, 4, 5, 6), (3, 4, 2, 2), (3,)), hp.float32, channels_last, padding=1)
    assert not frontend.runs


def test_plans_are_kept_and_engines_that_lose_digits_are_not_chosen(frontend: ModelOfFrontend) -> None:
    x, w = (each.float().to(DEVICE) for each in _drawn(4, (1, 2, 4, 4), (2, 2, 3, 3)))
    for _ in range(3):
        F.conv2d(x, w)
    switches.allow_tf32 = True
    try:
        F.conv2d(x, w)
    finally:
        switches.allow_tf32 = False
    F.conv2d(x.half(), w.half())
    exact = {"NONDETERMINISTIC", "DOWN_CONVERT_INPUTS", "WINOGRAD_TILE_6x6", "WINOGRAD_TILE_13x13"}
    assert [set(notes) for _, notes in frontend.plans] == [exact | {"TENSOR_CORE"}, exact, {"NONDETERMINISTIC"}]
    assert len(frontend.runs) == 5


def test_the_switches(frontend: ModelOfFrontend) -> None:
    x, w = (each.float().to(DEVICE) for each in _drawn(5, (1, 2, 4, 4), (2, 2, 3, 3)))
    switches.enabled = False
    try:
        own = F.conv2d(x, w).tolist()
    finally:
        switches.enabled = True
    with libraries.without("cudnn"):
        assert F.conv2d(x, w[:, :, :2]).shape == (1, 2, 3, 2)
    assert not frontend.runs
    np.testing.assert_allclose(F.conv2d(x, w).tolist(), own, rtol=1e-5, atol=1e-5)
    assert frontend.runs == ["convolution"]


@pytest.mark.parametrize("op", list(dnn._CALLS))
def test_the_frontend_itself_accepts_the_graphs(op: str) -> None:
    """As far as it goes without a GPU: the whole graph, and its validation."""
    module = pytest.importorskip("cudnn", reason="needs nvidia-cudnn-frontend", exc_type=ImportError)
    handle = module.Handle(1, 0, 0) if hasattr(module, "Handle") else 1  # never looked into before plans are made
    for kind in (hp.float32, hp.bfloat16):
        shapes = {"x": (2, 4, 9), "w": (6, 4, 3), "y": (2, 6, 4)}
        order = {"convolution": "xwy", "convolution_input_backward": "ywx", "convolution_weight_backward": "yxw"}[op]
        first, second, out = (layout_of(kind, shapes[each]) for each in order)
        graph, _ = dnn.described(module, dnn.Form(op, (first, second, out), (2,), (0,), (1,), tf32=False), handle)
        graph.validate()
        assert all(hasattr(module.numerical_note, name) for name in NOTES)


def test_a_frontend_without_its_library_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def version() -> int:
        raise RuntimeError("Unable to find symbol cudnnGetVersion")

    monkeypatch.setitem(sys.modules, "cudnn", SimpleNamespace(backend_version=version))  # type: ignore[arg-type]
    monkeypatch.setattr(libraries, "_LOADED", {})
    assert not switches.is_available()
    monkeypatch.setattr(libraries, "_LOADED", {})
    monkeypatch.setitem(sys.modules, "cudnn", SimpleNamespace(backend_version=lambda: 91000, pygraph=0))  # type: ignore[arg-type]
    assert switches.version() == 91000
    with libraries.without("cudnn"):
        assert switches.version() is None


def test_the_kernels_around_the_calls_compile(nvrtc: Any) -> None:
    machine = RecordingMachine()
    for kind in dnn.KINDS:
        dnn.sources(Device("recorded:0", machine.driver(0)), by_name(kind))
    assert not list(complaints(machine.recorder.sources))
