"""What cuBLASLt is asked for: every descriptor, attribute and address, by a model that computes what it documents."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from cuda_library import installed
from cuda_light import ModelOfLight

import hotplug as hp
from hotplug.backends.cuda import blas_light, libraries
from hotplug.backends.cuda.blas_light import WORKSPACE, Light, Places, Result, _made, _set, form_of
from hotplug.conformance.compare import check
from hotplug.conformance.tolerance import tolerance_of
from hotplug.errors import DeviceError
from hotplug.runtime import Runtime

DEVICE = "cuda-emulated:0"


@pytest.fixture
def light(emulated: Runtime) -> Iterator[ModelOfLight]:
    """The emulated device with the model of cuBLASLt."""
    model = ModelOfLight()
    with installed(emulated, cublasLt=model):
        yield model


def _layer(x: Any, weight: Any, bias: Any, activation: str) -> Any:
    if not activation:
        return hp.nn.functional.linear(x, weight, bias)
    return hp.ops.linear_activation(x, weight, bias, activation)


def _compare(activation: str, kind: Any, biased: bool, sizes: tuple[int, int, int], seed: int) -> None:
    rows, columns, deep = sizes
    draw = np.random.default_rng(seed)
    arrays = [draw.standard_normal(shape) for shape in ((2, rows, deep), (columns, deep), (columns,))]
    found = []
    for device in (DEVICE, "cpu"):
        given = [hp.tensor(each).to(kind).to(device).requires_grad_() for each in arrays]
        used = given if biased else given[:2]
        if device == "cpu":
            used = [each.detach().double().requires_grad_() for each in used]
        result = _layer(used[0], used[1], used[2] if biased else None, activation)
        (result * result).sum().backward()
        found.append([result, *[each.grad for each in used]])
    for ours, theirs in zip(*found, strict=True):
        rule = tolerance_of("linear_activation")._replace(half=16)  # gradients of rounded results
        check(ours.detach().cpu().float().numpy(), theirs.detach().numpy(), kind, rule, terms=8.0)


@pytest.mark.parametrize(("activation", "epilogues"), [
    ("", (1, 4)), ("relu", (2, 6)), ("gelu_tanh", (160, 164)), ("gelu", (1, 4)), ("silu", (1, 4)), ("tanh", (1, 4)),
    ("sigmoid", (1, 4)),
])  # fmt: skip
def test_what_cublaslt_is_asked_for(light: ModelOfLight, activation: str, epilogues: tuple[int, int]) -> None:
    for kind, compute in ((hp.float32, 68), (hp.bfloat16, 68), (hp.float16, 68)):
        for biased in (False, True):
            light.products.clear()
            _compare(activation, kind, biased, (3, 8, 5), seed=biased)
            assert light.products == [(epilogues[biased], compute)]


def test_the_library_and_our_own_kernel_agree_in_double(emulated: Runtime) -> None:
    draw = np.random.default_rng(5)
    given = [hp.tensor(draw.standard_normal(shape), device=DEVICE) for shape in ((70, 9), (67, 9), (67,))]
    own = _layer(*given, "gelu_tanh").tolist()
    model = ModelOfLight()
    with installed(emulated, cublasLt=model):
        found = _layer(*given, "gelu_tanh").tolist()
    assert model.products == [(36, 70)]
    np.testing.assert_allclose(found, own, rtol=1e-12, atol=1e-12)


def test_algorithms_are_chosen_once_for_a_form_and_again_for_lesser_alignment(light: ModelOfLight) -> None:
    flat, weight = hp.arange(200.0, device=DEVICE), hp.ones(8, 5, device=DEVICE)
    for first in (0, 0, 64, 1, 1):
        x = flat[first : first + 30].reshape(6, 5)
        assert _layer(x, weight, None, "").cpu()[1, 0] == x.cpu()[1].sum()
    assert light.calls.count("cublasLtMatmulAlgoGetHeuristic") == 2
    assert light.calls.count("cublasLtMatmul") == 5


def test_the_oldest_form_is_dropped_with_its_descriptors(light: ModelOfLight, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blas_light, "_MOST_FORMS", 2)
    for rows in (1, 2, 3, 3, 2, 1):
        assert _layer(hp.ones(rows, 4, device=DEVICE), hp.ones(8, 4, device=DEVICE), None, "relu")[0, 0].item() == 4
    made, gone = (sum(call.endswith(end) for call in light.calls) for end in ("Create", "Destroy"))
    assert light.calls.count("cublasLtMatmulAlgoGetHeuristic") == 4
    assert made - gone == 1 + 2 * 4  # the handle, and what two forms have


def test_what_cublaslt_refuses_our_own_kernel_computes(emulated: Runtime) -> None:
    model = ModelOfLight(refuses=True)
    with installed(emulated, cublasLt=model):
        _compare("gelu_tanh", hp.float32, True, (3, 8, 5), seed=1)
        assert not model.products
        made, gone = (sum(call.endswith(end) for call in model.calls) for end in ("Create", "Destroy"))
        assert made == gone + 1  # the handle stays
    with installed(emulated, cublasLt=(model := ModelOfLight())):
        _compare("gelu_tanh", hp.float32, True, (3, 7, 5), seed=1)  # what is kept needs columns by eight
        assert not model.products


def test_tf32_is_asked_for_where_the_switches_allow_it(light: ModelOfLight) -> None:
    x = hp.ones(8, 8, device=DEVICE)
    hp.set_float32_matmul_precision("high")
    try:
        _layer(x, x, None, "relu")
    finally:
        hp.set_float32_matmul_precision("highest")
    _layer(x, x, None, "relu")
    assert light.products == [(2, 77), (2, 68)]


def test_a_library_is_switched_off(light: ModelOfLight) -> None:
    x = hp.ones(8, 8, device=DEVICE)
    with libraries.without("cublasLt"):
        assert _layer(x, x, None, "relu")[0, 0].item() == 8
    assert not light.calls


def test_products_of_nothing(light: ModelOfLight) -> None:
    bias = hp.ones(4, device=DEVICE)
    assert _layer(hp.ones(0, 3, device=DEVICE), hp.ones(4, 3, device=DEVICE), bias, "relu").shape == (0, 4)
    assert _layer(hp.ones(2, 0, device=DEVICE), hp.ones(4, 0, device=DEVICE), bias, "relu").tolist() == [[1.0] * 4] * 2
    assert not light.products


def test_the_library_itself_accepts_the_descriptors() -> None:
    """As far as it goes without a GPU: every attribute, by number and size."""
    library = libraries.load("cublasLt")
    if library is None:
        pytest.skip("needs cuBLASLt, of the package nvidia-cublas-cu12")
    places = Places(256, 512, 1024, 2048, 4096)
    operation = Light._operation(library, form_of("bfloat16", (16, 8, 24), "gelu_tanh", places))
    preference = _made(library, "cublasLtMatmulPreferenceCreate")
    _set(library, "MatmulPreference", preference, 1, ctypes.c_size_t(WORKSPACE))
    for attribute in (5, 6, 7, 8):
        _set(library, "MatmulPreference", preference, attribute, ctypes.c_uint32(16))
    with pytest.raises(DeviceError, match="failed with status 7"):
        _set(library, "MatmulPreference", preference, 5, ctypes.c_uint64(16))
    layout = _made(library, "cublasLtMatrixLayoutCreate", 14, 24, 8, 24)
    for what, handle in (("MatmulDesc", operation), ("MatmulPreference", preference), ("MatrixLayout", layout)):
        library.do(f"cublasLt{what}Destroy", handle)
    assert ctypes.sizeof(Result) == 96
