"""The emulated device conforms with models of NVIDIA's libraries too: a share of the cases that go through one.

``HOTPLUG_CUDA_LIBRARY_CASES=1`` runs all of them.
"""

from __future__ import annotations

import os
import re
import zlib

import pytest
from cuda_dnn import ModelOfFrontend
from cuda_fourier import ModelOfFourier
from cuda_library import installed
from cuda_light import ModelOfLight

from hotplug.conformance.case import Bench, Options
from hotplug.conformance.runner import run_case
from hotplug.conformance.suite import cases
from hotplug.runtime import Runtime

pytest.importorskip("scipy", reason="the models compute with SciPy's LAPACK")
from cuda_solver import ModelOfBlas, ModelOfSolver

SHARE = int(os.environ.get("HOTPLUG_CUDA_LIBRARY_CASES", "6"))
OPS = re.compile(
    r"linalg|cholesky|\blu|svd|eig|qr|solve|inv|det|matrix_|lstsq|fft|stft|ormqr|householder|conv|linear|lstm|gru|rnn|head"
)


def test_the_device_conforms_with_libraries(emulated: Runtime) -> None:
    chosen = [
        case for case in cases(Options()) if OPS.search(case.name) and zlib.crc32(case.name.encode()) % SHARE == 0
    ]
    solver, blas, fourier, light, frontend = (
        ModelOfSolver(), ModelOfBlas(), ModelOfFourier(), ModelOfLight(), ModelOfFrontend()
    )  # fmt: skip
    models = {"cusolver": solver, "cublas": blas, "cufft": fourier, "cublasLt": light, "cudnn": frontend}
    with installed(emulated, **models):  # type: ignore[arg-type]
        bench = Bench("cuda-emulated:0", Options())
        results = [run_case(case, bench) for case in chosen]
    bad = [f"{each.name}: {each.message}" for each in results if each.bad]
    assert not bad, f"{len(bad)} of {len(results)} cases fail:\n" + "\n".join(bad[:10])
    assert len(results) > 40
    assert all((solver.calls, blas.calls, fourier.calls, light.products, frontend.runs))
