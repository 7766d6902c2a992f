"""NVRTC accepts every construct of the renderer and every hand-written kernel, for sm_80 and sm_90, without a warning.

Every kernel that the op table can produce: ``python -m hotplug.backends.cuda.compile_check --all``.
"""

from __future__ import annotations

import zlib
from typing import Any

import pytest

import hotplug as hp
from hotplug.backends.cuda import fourier, solver_kernels
from hotplug.backends.cuda.backend import CudaBackend
from hotplug.backends.cuda.compile_check import ARCHITECTURES, compiled, complaints, main
from hotplug.backends.cuda.overrides import OVERRIDES
from hotplug.backends.cuda.recorder import RecordingMachine, sources_of
from hotplug.conformance.case import Options
from hotplug.nn import functional as F
from hotplug.plugins import BackendSpec, registry


def _masked(kind: Any) -> Any:
    return lambda q, k, v: F.scaled_dot_product_attention(q, k, v, hp.ones(4, 5, device=q.device).to(kind or q.dtype))


CALLS: tuple[Any, ...] = (
    (lambda x: F.softmax(x, 1), (4, 5)),
    (lambda x: F.log_softmax(x, 1), (4, 5)),
    (lambda x: F.cross_entropy(x, hp.zeros(4, device=x.device).long()), (4, 5)),
    (lambda x, w, b: F.layer_norm(x, (5,), w, b), (4, 5), (5,), (5,)),
    (lambda x, w: F.layer_norm(x, (5,), w), (4, 5), (5,)),
    (lambda x: F.layer_norm(x, (5,)), (4, 5)),
    (lambda x, w: F.rms_norm(x, (5,), w), (4, 5), (5,)),
    (lambda x: F.rms_norm(x, (5,)), (4, 5)),
    (F.scaled_dot_product_attention, (4, 5), (5, 5), (5, 5)),
    (lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True), (4, 5), (5, 5), (5, 5)),
    (_masked(hp.bool), (4, 5), (5, 5), (5, 5)),
    (_masked(None), (4, 5), (5, 5), (5, 5)),
    *((getattr(F, f"conv{n}d"), (2, 3, *(4,) * n), (2, 3, *(2,) * n), (2,)) for n in (1, 2, 3)),
    (F.conv2d, (2, 3, 4, 4), (2, 3, 2, 2)),
    (lambda x: hp.sort(x)[0], (4, 5)),
    (lambda x: hp.sort(x, descending=True)[0], (4, 5)),
    (lambda x, y: hp.searchsorted(x.detach(), y) * y, (5,), (4, 3)),
    (F.linear, (4, 5), (3, 5), (3,)),
    (F.linear, (4, 5), (3, 5)),
    *(
        (lambda x, w, b, name=name: hp.ops.linear_activation(x, w, b, name), (4, 5), (3, 5), (3,))
        for name in ("relu", "gelu", "gelu_tanh", "silu", "tanh", "sigmoid")
    ),
    *(
        (lambda x, n=n, kind=kind: getattr(F, f"{kind}_pool{n}d")(x, 2), (2, 3, *(4,) * n))
        for n in (1, 2, 3)
        for kind in ("max", "avg")
    ),
)
"""Calls that meet every hand-written kernel in all of its forms."""
ELSEWHERE = {"topk", *fourier.OVERRIDES, *solver_kernels.OVERRIDES}
"""Composites whose kernel is another's, or a library's: the tests of these compile what stands around the calls."""


def faults(sources: dict[str, str], architectures: tuple[str, ...] = ARCHITECTURES) -> list[str]:
    return [f"{each.op} for {each.architecture}: {each.log}" for each in complaints(sources, architectures)]


@pytest.fixture(scope="module")
def families() -> dict[str, str]:
    """The sources of level 1: every scalar function, cast, family, mode and index width."""
    return sources_of(Options(level=1))


def test_every_construct_compiles_without_a_warning(nvrtc: Any, families: dict[str, str]) -> None:
    assert len(families) > 200
    assert not faults(families, ARCHITECTURES[1:])


def test_for_the_older_architecture_too(nvrtc: Any, families: dict[str, str]) -> None:
    chosen = {text: op for text, op in families.items() if zlib.crc32(text.encode()) % 4 == 0}
    assert len(chosen) > 40
    assert not faults(chosen, ARCHITECTURES[:1])


def by_hand(kind: Any) -> dict[str, str]:
    """The sources of all hand-written kernels, for operands of a dtype."""
    machine, name = RecordingMachine(), f"cuda-by-hand-{kind.name}"
    registry.register(BackendSpec(name, lambda: CudaBackend(name, machine)))
    for make, *shapes in CALLS:
        given = [hp.ones(*shape, device=name).to(kind).requires_grad_() for shape in shapes]
        out = make(*given)
        out.backward(hp.ones_like(out))
    parameter = hp.ones(3, dtype=kind, device=name, requires_grad=True)
    parameter.grad = parameter.detach()
    hp.optim.Adam([parameter]).step()
    sources = machine.recorder.sources
    assert not {*OVERRIDES, "adam_step_of_list"} - ELSEWHERE - set(sources.values())
    return {text: op for text, op in sources.items() if op in OVERRIDES or op.endswith("_of_list")}


@pytest.mark.parametrize(("kind", "architectures"), [(hp.float32, ARCHITECTURES[1:]), (hp.float64, ARCHITECTURES[:1])])
def test_every_hand_written_kernel_compiles_without_a_warning(
    nvrtc: Any, kind: Any, architectures: tuple[str, ...]
) -> None:
    sources = by_hand(kind)
    one_of_each = {op: text for text, op in sources.items()}
    chosen = sources if kind is hp.float32 else {text: op for op, text in one_of_each.items()}
    assert not faults(chosen, architectures)


def test_a_warning_is_an_error(nvrtc: Any) -> None:
    kernel = 'extern "C" __global__ void k(float *p) {{ {} p[0] = 1.0f; }}'
    assert not faults({kernel.format(""): "clean"})
    assert len(faults({kernel.format("int unused;"): "sloppy"})) == len(ARCHITECTURES)
    assert len(faults({kernel.format("int broken"): "wrong"})) == len(ARCHITECTURES)


def test_machine_code_comes_out(nvrtc: Any) -> None:
    code, log = compiled('extern "C" __global__ void k(float *p) { p[0] = 1.0f; }', "sm_90")
    assert code.startswith(b"\x7fELF")
    assert not log


def test_the_command_compiles_a_share_of_the_sources(nvrtc: Any, capsys: pytest.CaptureFixture[str]) -> None:
    counts = []
    for share in ("1", "3"):
        assert main(["--level", "2", "--op", "relu", "--arch", "sm_90", "--share", share]) == 0
        words = capsys.readouterr().out.split()
        assert words[4:] == ["0", "complaints"]
        counts.append((int(words[0]), int(words[2])))
    assert counts[0][0] == counts[0][1] == counts[1][1] > counts[1][0] > 0
