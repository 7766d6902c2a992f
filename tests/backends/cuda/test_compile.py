"""NVRTC accepts every construct of the renderer and every hand-written kernel, for sm_80 and sm_90, without a warning.

Every kernel that the op table can produce: ``python -m hotplug.backends.cuda.compile_check --all``.
"""

from __future__ import annotations

import zlib
from typing import Any

import pytest

from hotplug.backends.cuda.compile_check import ARCHITECTURES, compiled, complaints
from hotplug.backends.cuda.recorder import sources_of
from hotplug.conformance.case import Options


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


def test_a_warning_is_an_error(nvrtc: Any) -> None:
    kernel = 'extern "C" __global__ void k(float *p) {{ {} p[0] = 1.0f; }}'
    assert not faults({kernel.format(""): "clean"})
    assert len(faults({kernel.format("int unused;"): "sloppy"})) == len(ARCHITECTURES)
    assert len(faults({kernel.format("int broken"): "wrong"})) == len(ARCHITECTURES)


def test_machine_code_comes_out(nvrtc: Any) -> None:
    code, log = compiled('extern "C" __global__ void k(float *p) { p[0] = 1.0f; }', "sm_90")
    assert code.startswith(b"\x7fELF")
    assert not log
