"""What can be known of the GPU's side without a GPU: what cuBLAS is asked for, shared memory, the missing driver."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import hotplug as hp
from hotplug.backends.cuda.header import HEADER, with_hardware
from hotplug.plugins import registry
from hotplug.runtime import Runtime


class ModelOfBlas:
    """cuBLAS's strided batched product on host memory, from its documentation: matrices by columns."""

    def __init__(self) -> None:
        self.calls = 0

    def setStream(self, handle: Any, stream: int) -> None:  # noqa: N802 - CuPy's name
        assert stream == 7

    def gemmStridedBatchedEx(  # noqa: N802
        self, handle: Any, ta: int, tb: int, m: int, n: int, k: int, alpha: int, a: int, at: int, lda: int, sa: int, b: int,
        bt: int, ldb: int, sb: int, beta: int, c: int, ct: int, ldc: int, sc: int, batch: int, compute: int, algorithm: int,
    ) -> None:  # fmt: skip
        self.calls += 1
        assert (at, bt, ct, compute) == (1, 1, 1, 70)
        assert ctypes.c_double.from_address(alpha).value == 1.0
        assert ctypes.c_double.from_address(beta).value == 0.0
        assert lda >= (k if ta else m)
        assert ldb >= (n if tb else k)
        assert ldc >= m

        def element(base: int, leading: int, row: int, column: int) -> Any:
            return ctypes.c_double.from_address(base + 8 * (row + column * leading))

        for each in range(batch):
            for i in range(m):
                for j in range(n):
                    left = [element(a + 8 * each * sa, lda, *((x, i) if ta else (i, x))).value for x in range(k)]
                    right = [element(b + 8 * each * sb, ldb, *((j, x) if tb else (x, j))).value for x in range(k)]
                    element(c + 8 * each * sc, ldc, i, j).value = float(np.dot(left, right))


@pytest.fixture
def blas(emulated: Runtime, monkeypatch: pytest.MonkeyPatch, nvrtc: Any) -> Iterator[ModelOfBlas]:
    """The emulated device with products by the model."""
    import cupy

    from hotplug.backends.cuda.blas import Blas

    found, model = Blas(0, 7), ModelOfBlas()
    found._library = model
    monkeypatch.setattr(cupy.cuda.device, "get_cublas_handle", lambda: 5)
    driver = emulated.backend.device(0).driver
    monkeypatch.setattr(type(driver), "product", lambda self, *arrays: found.product(*arrays))
    _forget(emulated)
    yield model
    _forget(emulated)


def _forget(runtime: Runtime) -> None:
    """Kernels remember what they call."""
    runtime._kernels.clear()
    runtime.plans.clear()


@pytest.mark.parametrize("turned", range(4))
def test_what_cublas_is_asked_for(blas: ModelOfBlas, turned: int) -> None:
    rng = np.random.default_rng(turned)
    for batch, m, n, k in ((1, 3, 4, 5), (3, 2, 6, 4), (2, 1, 3, 2), (2, 3, 1, 2), (2, 4, 3, 1), (1, 1, 1, 1)):
        left, right = rng.standard_normal((batch, m, k)), rng.standard_normal((batch, k, n))
        arrays = [hp.tensor(each, device="cuda-emulated:0") for each in (left, right)]
        if turned & 1:
            arrays[0] = arrays[0].transpose(1, 2).contiguous().transpose(1, 2)
        if turned & 2:
            arrays[1] = arrays[1].transpose(1, 2).contiguous().transpose(1, 2)
        np.testing.assert_allclose((arrays[0] @ arrays[1]).cpu().numpy(), left @ right, rtol=1e-13, atol=1e-13)
    assert blas.calls == 6


def test_what_cublas_cannot_take_is_computed_by_our_own_kernel(blas: ModelOfBlas) -> None:
    x = hp.arange(24, dtype=hp.float64, device="cuda-emulated:0").reshape(4, 6)[:, ::2]  # no axis is dense
    assert (x @ x.T).tolist() == (x.cpu() @ x.cpu().T).tolist()
    assert blas.calls == 0


def test_the_switches_of_tf32() -> None:
    from hotplug.backends.cuda.blas import tf32

    assert not tf32()
    hp.backends.cuda.matmul.allow_tf32 = True
    assert tf32()
    hp.backends.cuda.matmul.allow_tf32 = False
    hp.set_float32_matmul_precision("high")
    assert tf32()
    hp.set_float32_matmul_precision("highest")
    assert not tf32()


def test_half_types_are_converted_by_instructions_on_a_gpu(emulated: Runtime, nvrtc: Any) -> None:
    from hotplug.backend.render import Source
    from hotplug.backends.cuda.compile_check import compiled
    from hotplug.backends.cuda.dialect import CUDA

    for kind, reads in ((hp.float16, True), (hp.bfloat16, False)):
        source = Source(CUDA)
        body = source.store(kind, "p[0]", source.load(kind, "p[1]"))
        text = with_hardware(source.text(f"HP_KERNEL(32) hp_test(hp_u16 *p) {{ {body} }}\n"))
        assert f"return hp_write_{kind.name}(x);" in text
        assert (f"return hp_read_{kind.name}(h);" in text) == reads
        for architecture in ("sm_75", "sm_90"):  # the older one has no instruction for bfloat16
            code, log = compiled(HEADER + text, architecture)
            assert code
            assert not log


def test_a_computer_without_a_driver_says_so(nvrtc: Any) -> None:
    rows = {row.device: row for row in registry.report()}
    if any(name.startswith("cuda:") for name in rows):
        pytest.skip("this computer has a GPU")
    assert "no CUDA driver found" in rows["cuda"].problem
    assert "hotplug[cuda12]" in rows["cuda"].hint
    assert not hp.cuda.is_available()
    assert hp.cuda.device_count() == 0
