"""Attention of half types by tensor cores: on the emulator's model of them, and as machine code without spilled registers."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pytest

import hotplug as hp
from hotplug.backend import Capabilities, DeviceInfo
from hotplug.backends.cuda import compile_check
from hotplug.backends.cuda.backend import CudaBackend
from hotplug.backends.cuda.driver import Driver
from hotplug.backends.cuda.emulator.driver import EmulatedDriver
from hotplug.backends.cuda.hardware import CAPABILITIES
from hotplug.backends.cuda.machine import Machine
from hotplug.backends.cuda.recorder import RecordingMachine
from hotplug.nn import functional as F
from hotplug.plugins import BackendSpec, registry
from hotplug.runtime import Runtime

DEVICE = "cuda-emulated:0"
NUMBERS = itertools.count()
HALVES = (hp.float16, hp.bfloat16)
SPILLS = re.compile(
    r"entry function '(\w+)'[^\n]*\n[^\n]*\n[^\n]*?(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+)"
)


@pytest.fixture
def launched(emulated: Runtime, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the kernels that the emulator runs."""
    found: list[str] = []
    launch = EmulatedDriver.launch

    def noted(self: Any, function: Any, *more: Any) -> None:
        found.append(function[2])
        launch(self, function, *more)

    monkeypatch.setattr(EmulatedDriver, "launch", noted)
    return found


def agree(op: Callable[..., Any], *shapes: tuple[int, ...], kind: Any = hp.bfloat16, device: str = DEVICE) -> None:
    """Result and gradients beside the reference's in float64, for the same half operands.

    Shares and slopes are rounded to the half type once, so an element may be off by a few units of the largest one's.
    """
    rng = np.random.default_rng(len(shapes))
    arrays = [rng.standard_normal(shape).astype(np.float32) for shape in shapes]
    found = []
    for where, wide in ((device, kind), ("numpy", hp.float64)):
        given = [hp.tensor(each).to(kind).to(wide).to(where).requires_grad_() for each in arrays]
        out = op(*given)
        weight = hp.tensor(np.cos(np.arange(out.numel())).astype(np.float32)).to(kind).to(wide).to(where)
        out.backward(weight.reshape(out.shape))
        found.append([each.detach().cpu().double().numpy() for each in (out, *(x.grad for x in given))])
    for actual, expected in zip(*found, strict=True):
        limit = 3 * float(hp.finfo(kind).eps) * max(1.0, float(np.abs(expected).max()))
        np.testing.assert_allclose(actual, expected, rtol=0, atol=limit)


def causal(query: Any, key: Any, value: Any) -> Any:
    return F.scaled_dot_product_attention(query, key, value, is_causal=True)


@pytest.mark.parametrize("op", [F.scaled_dot_product_attention, causal])
@pytest.mark.parametrize(
    ("queries", "keys", "depth", "width"),
    [(130, 70, 64, 64), (65, 129, 40, 33), (1, 100, 16, 3), (70, 97, 128, 128), (33, 40, 65, 100)],
)
def test_every_size(launched: list[str], op: Any, queries: int, keys: int, depth: int, width: int) -> None:
    kind = HALVES[queries % 2]
    agree(op, (2, queries, depth), (2, keys, depth), (2, keys, width), kind=kind)
    size = 64 if max(depth, width) <= 64 else 128
    assert {f"hp_attention_{size}", f"hp_to_query_{size}", f"hp_to_key_value_{size}"} <= set(launched)
    assert not {"hp_attention", "hp_query", "hp_key", "hp_value"} & set(launched)


def test_heads_that_are_too_large_take_the_plain_kernels(launched: list[str]) -> None:
    agree(F.scaled_dot_product_attention, (1, 20, 130), (1, 30, 130), (1, 30, 8))
    assert {"hp_attention", "hp_query", "hp_key", "hp_value"} <= set(launched)


def test_matrices_that_are_used_several_times(launched: list[str]) -> None:
    agree(F.scaled_dot_product_attention, (4, 2, 10, 8), (2, 12, 8), (1, 1, 12, 8))
    assert {"hp_attention_64", "hp_query", "hp_key", "hp_value"} <= set(launched)


def test_views_and_rows_that_are_no_whole_pieces(launched: list[str]) -> None:
    def turned(query: Any, key: Any, value: Any) -> Any:
        return F.scaled_dot_product_attention(*(each.transpose(1, 2) for each in (query, key, value)))

    def shifted(query: Any, key: Any, value: Any) -> Any:
        return causal(query[:, 1:, 1:], key[:, :, :-1], value.transpose(1, 2))

    agree(turned, (2, 40, 3, 16), (2, 70, 3, 16), (2, 70, 3, 8))
    agree(shifted, (2, 41, 9), (2, 45, 9), (2, 24, 45), kind=hp.float16)
    assert "hp_attention_64" in launched


@pytest.mark.parametrize("depth", [16, 80])
def test_masks(launched: list[str], depth: int) -> None:
    allowed = np.arange(40 * 150).reshape(40, 150) % 3 > 0
    allowed[7] = False  # a query that may attend to nothing
    allowed[:, 64:128] = False  # whole tiles that count for nothing
    added = np.where(allowed, 0.5, -np.inf).astype(np.float32)
    for mask in (allowed, added, allowed[None, :1], added[:, :1]):

        def op(query: Any, key: Any, value: Any, mask: Any = mask) -> Any:
            given = hp.tensor(mask, device=query.device).to(hp.bool if mask.dtype == bool else query.dtype)
            return F.scaled_dot_product_attention(query, key, value, given)

        agree(op, (2, 40, depth), (2, 150, depth), (2, 150, depth), kind=HALVES[depth % 32 // 16])
    assert f"hp_to_key_value_{64 if depth <= 64 else 128}" in launched


@pytest.mark.parametrize("scale", [-0.3, 0.0, 2.0])
def test_scales(launched: list[str], scale: float) -> None:
    for is_causal in (False, True):
        agree(
            lambda q, k, v, is_causal=is_causal: F.scaled_dot_product_attention(q, k, v, is_causal=is_causal, scale=scale),
            (2, 66, 8), (2, 70, 8), (2, 70, 8),
        )  # fmt: skip


def test_large_scores_do_not_overflow(launched: list[str]) -> None:
    x = hp.full((1, 4, 16), 100.0, device=DEVICE, dtype=hp.float16)
    value = hp.arange(4.0, device=DEVICE).reshape(1, 4, 1).half()
    assert F.scaled_dot_product_attention(x, x, value, scale=1.0).tolist() == [[[1.5]] * 4]


def test_equal_operands_give_equal_bits(emulated: Runtime) -> None:
    results = []
    for _ in range(2):
        hp.manual_seed(0)
        given = [hp.randn(2, 70, 32, device=DEVICE).bfloat16().requires_grad_() for _ in range(3)]
        causal(*given).float().sum().backward()
        results.append([each.grad.tolist() for each in given])
    assert results[0] == results[1]


def test_gradients_of_gradients(emulated: Runtime) -> None:
    x = hp.randn(1, 5, 8, device=DEVICE).half().requires_grad_()
    (slope,) = hp.autograd.grad(causal(x, x, x).float().pow(2).sum(), x, create_graph=True)
    slope.float().pow(2).sum().backward()
    assert x.grad is not None
    assert x.grad.isfinite().all().item()


class PlainMachine(Machine):
    """An emulated device without tensor cores: as HIP's, and GPUs before compute capability 8.0."""

    def devices(self) -> Sequence[DeviceInfo]:
        return [DeviceInfo(0, "the processor, in place of an older GPU", 0)]

    def capabilities(self, index: int) -> Capabilities:
        return CAPABILITIES

    def driver(self, index: int) -> Driver:
        made = EmulatedDriver()
        made.traits = made.traits._replace(tensor_cores=False)  # type: ignore[misc]
        return made


@pytest.fixture
def plain() -> Iterator[str]:
    name = f"cuda-emulated-plain-{next(NUMBERS)}"
    registry.register(BackendSpec(name, lambda: CudaBackend(name, PlainMachine())))
    yield f"{name}:0"
    registry.unregister(name)


def test_devices_without_tensor_cores(launched: list[str], plain: str) -> None:
    for kind in HALVES:
        agree(causal, (2, 40, 24), (2, 50, 24), (2, 50, 70), kind=kind, device=plain)
    assert {"hp_attention", "hp_query", "hp_key", "hp_value"} <= set(launched)
    assert not any(each.startswith("hp_attention_") for each in launched)


def test_other_devices_widen_the_operands_once() -> None:
    x = hp.randn(2, 6, 8).bfloat16().requires_grad_()
    causal(x, x, x).float().sum().backward()
    assert x.grad is not None
    assert x.grad.dtype is hp.bfloat16


def sources(kind: Any, form: str, backward: bool) -> dict[str, str]:
    """The kernels' sources for a form of the op."""
    machine, name = RecordingMachine(), f"cuda-recorded-attention-{next(NUMBERS)}"
    registry.register(BackendSpec(name, lambda: CudaBackend(name, machine)))
    query, key, value = (hp.ones(4, 64, device=name).to(kind).requires_grad_(backward) for _ in range(3))
    masks = {"bool": hp.ones(4, 4, device=name).bool(), "added": hp.ones(4, 4, device=name).to(kind)}
    out = F.scaled_dot_product_attention(query, key, value, masks.get(form), is_causal=form == "causal")
    if backward:
        out.backward(hp.ones_like(out))
    goal = "attention_backward" if backward else "attention"
    return {text: op for text, op in machine.recorder.sources.items() if op == goal}


@pytest.mark.parametrize(
    ("kind", "form", "backward", "architecture"),
    [
        (hp.bfloat16, "", False, "sm_90"),
        (hp.float16, "causal", False, "sm_80"),
        (hp.bfloat16, "added", False, "sm_80"),
        (hp.float16, "bool", True, "sm_90"),
        (hp.bfloat16, "causal", True, "sm_80"),
    ],
)
def test_machine_code_without_warnings_and_spilled_registers(
    nvrtc: Any, kind: Any, form: str, backward: bool, architecture: str
) -> None:
    """All forms: ``compile_check --op attention``; here one of each template, each mask and both architectures."""
    ((text, _),) = sources(kind, form, backward).items()
    program = nvrtc.createProgram(text, "kernel.cu", (), ())
    nvrtc.compileProgram(program, (f"-arch={architecture}", *compile_check.OPTIONS, "--ptxas-options=-v"))
    log = nvrtc.getProgramLog(program)
    assert "warning" not in log
    found = {name: (int(frame), int(stores)) for name, frame, stores, _ in SPILLS.findall(log)}
    fast = {name: spilled for name, spilled in found.items() if name.endswith(("_64", "_128"))}
    assert len(fast) == (4 if backward else 2)
    assert set(fast.values()) == {(0, 0)}, found
