"""Strided batches of products: what cuBLAS is asked for, over dtypes, layouts and shapes, by a model of it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from cuda_library import TYPES, forget, matrix, vector

import hotplug as hp
from hotplug.backends.cuda.blas import Blas
from hotplug.conformance.compare import check
from hotplug.conformance.tolerance import tolerance_of
from hotplug.runtime import Runtime

DEVICE = "cuda-emulated:0"
KINDS = "float16 bfloat16 float32 float64".split()


class ModelOfBlas:
    """``cupy_backends.cuda.libs.cublas`` on host memory."""

    def __init__(self) -> None:
        self.forms: set[tuple[str, int, int]] = set()

    def setStream(self, handle: int, stream: int) -> None:  # noqa: N802 - CuPy's names
        assert (handle, stream) == (5, 7)

    def gemmStridedBatchedEx(  # noqa: N802
        self, handle: int, ta: int, tb: int, m: int, n: int, k: int, alpha: int, a: int, at: int, lda: int, sa: int, b: int,
        bt: int, ldb: int, sb: int, beta: int, c: int, ct: int, ldc: int, sc: int, batch: int, compute: int, algorithm: int,
    ) -> None:  # fmt: skip
        kind = np.dtype(TYPES[ct])
        assert (handle, at, bt, algorithm) == (5, ct, ct, -1)
        assert compute == (70 if kind.name == "float64" else 68)
        sums = {2: np.dtype(np.float32)}.get(kind.itemsize, kind)
        assert vector(alpha, sums, 1)[0] == 1
        assert vector(beta, sums, 1)[0] == 0
        self.forms.add((kind.name, ta, tb))
        size = kind.itemsize
        for each in range(batch):
            left = matrix(a + each * sa * size, kind, *((k, m) if ta else (m, k)), lda)
            right = matrix(b + each * sb * size, kind, *((n, k) if tb else (k, n)), ldb)
            found = (left.T if ta else left).astype(sums) @ (right.T if tb else right).astype(sums)
            matrix(c + each * sc * size, kind, m, n, ldc)[...] = found


@pytest.fixture
def blas(emulated: Runtime, monkeypatch: pytest.MonkeyPatch, nvrtc: Any) -> Iterator[ModelOfBlas]:
    """The emulated device with products by the model."""
    import cupy

    found, model = Blas(0, 7), ModelOfBlas()
    found._library = model
    monkeypatch.setattr(cupy.cuda.device, "get_cublas_handle", lambda: 5)
    driver = emulated.backend.device(0).driver
    monkeypatch.setattr(type(driver), "product", lambda self, *arrays: found.product(*arrays))
    forget(emulated)
    yield model
    forget(emulated)


def _laid_out(x: Any, form: int) -> Any:
    """The same matrices on the device, in one of the forms in which they may lie."""
    if form == 0:
        return x.to(DEVICE)
    if form == 1:
        return x.transpose(-1, -2).contiguous().to(DEVICE).transpose(-1, -2)
    wide = hp.zeros(x.shape[0], x.shape[1] + 2, x.shape[2] + 3, dtype=x.dtype)
    if form == 2:  # rows with gaps between them
        wide[:, 1:-1, 2:-1] = x
        return wide.to(DEVICE)[:, 1:-1, 2:-1]
    if form == 3:  # batches in the other order
        return x.transpose(0, 1).contiguous().to(DEVICE).transpose(0, 1)
    return x[:1].to(DEVICE).expand(*x.shape)  # one matrix for all


@pytest.mark.parametrize("kind", KINDS)
def test_products_of_random_layouts(blas: ModelOfBlas, kind: str) -> None:
    draw = np.random.default_rng(KINDS.index(kind))
    for forms in 2 * [*itertools.product(range(5), repeat=2)]:
        batch, m, n, k = (int(each) for each in draw.integers(1, 7, 4))
        shapes = ((batch, m, k), (batch, k, n))
        arrays = [hp.tensor(draw.standard_normal(shape)).to(getattr(hp, kind)) for shape in shapes]
        given = [_laid_out(each, form) for each, form in zip(arrays, forms, strict=True)]
        wide = [each.cpu().double().numpy() for each in given]
        found = (given[0] @ given[1]).cpu()
        values = found.float().numpy() if found.dtype.itemsize == 2 else found.numpy()
        check(values, wide[0] @ wide[1], found.dtype, tolerance_of("matmul"), "product", 4.0)
    assert {(kind, ta, tb) for ta in (0, 1) for tb in (0, 1)} <= blas.forms
