"""NVIDIA's libraries on a GPU: every path through one beside the decomposition, or our own kernel, on the same device.

``scripts/gpu_check`` puts this into its report.  A line says how far both results are apart, in units in the last place of the
largest element, and how long each takes.
"""

from __future__ import annotations

import contextlib
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

import hotplug as hp
from hotplug.backends.cuda import libraries
from hotplug.nn import functional as F
from hotplug.runtime import Runtime, resolve_runtime

Tensors = Sequence[Any]
ALLOWED = {"half": 4.0, "wide": 64.0}
"""Units in the last place: both results are rounded, and sums are added in another order."""
ROUNDS = 5


class Check(NamedTuple):
    """One path through a library."""

    name: str
    library: str
    given: Tensors
    work: Callable[..., Any]
    wider: float = 1.0
    """Times more units, for chains of eliminations or iterations."""


def _drawn(device: str, kind: Any, *shapes: tuple[int, ...]) -> list[Any]:
    draw = np.random.default_rng(0)
    found = []
    for shape in shapes:
        values = draw.standard_normal(shape) + (1j * draw.standard_normal(shape) if kind.kind == "c" else 0)
        found.append(hp.tensor(values).to(kind).to(device))
    return found


def _products(device: str, size: int) -> Iterator[Check]:
    for kind in (hp.float32, hp.float64, hp.float16, hp.bfloat16):
        left, right = _drawn(device, kind, (3, size, size + 8), (3, size + 8, size - 8))
        yield Check(f"matmul, {kind.name}", "cublas", (left, right), lambda a, b: a @ b)
        yield Check(f"matmul, transposed, {kind.name}", "cublas", (left, left), lambda a, b: a.mT @ b)
        x, w, bias = _drawn(device, kind, (2, size, 64), (size, 64), (size,))
        yield Check(f"linear, {kind.name}", "cublasLt", (x, w, bias), F.linear)
        for name in ("relu", "gelu", "gelu_tanh", "silu"):
            work = lambda x, w, b, name=name: hp.ops.linear_activation(x, w, b, name)  # noqa: E731
            yield Check(f"linear and {name}, {kind.name}", "cublasLt", (x, w, bias), work)
        (spoilt,) = _drawn(device, kind, (2, size, 64))
        spoilt[0, 3, 5] = float("nan")
        kept = lambda x, w, b: hp.ops.linear_activation(x, w, b, "relu").isnan()  # noqa: E731
        yield Check(f"linear and relu of NaN, {kind.name}", "cublasLt", (spoilt, w, bias), kept)
        yield Check(f"linear, its gradients, {kind.name}", "cublasLt", (x, w, bias), _gradients(F.linear))


def _gradients(function: Callable[..., Any]) -> Callable[..., Any]:
    def work(*given: Any) -> list[Any]:
        leaves = [each.detach().requires_grad_() for each in given]
        out = function(*leaves)
        out.square().mean().backward()
        return [each.grad for each in leaves]

    return work


def _convolutions(device: str, size: int) -> Iterator[Check]:
    for kind in (hp.float32, hp.float16, hp.bfloat16):
        x, w, bias = _drawn(device, kind, (4, 16, size, size), (32, 16, 3, 3), (32,))
        plain = lambda x, w, b: F.conv2d(x, w, b, 2, 1)  # noqa: E731
        last = x.to(memory_format=hp.channels_last)
        for name, given in (("", x), (", channels last", last)):
            yield Check(f"conv2d{name}, {kind.name}", "cudnn", (given, w, bias), plain)
            yield Check(f"conv2d, its gradients{name}, {kind.name}", "cudnn", (given, w, bias), _gradients(plain))
    x, w = _drawn(device, hp.float32, (2, 8, 4 * size), (16, 4, 5))
    yield Check("conv1d, groups", "cudnn", (x, w), lambda x, w: F.conv1d(x, w, None, 3, 2, 2, 2))
    x, w = _drawn(device, hp.float32, (2, 4, 8, 9, 10), (6, 4, 3, 2, 3))
    yield Check("conv3d", "cudnn", (x, w), F.conv3d)
    x, w = _drawn(device, hp.float32, (2, 8, size, size), (8, 4, 4, 4))
    yield Check("conv_transpose2d", "cudnn", (x, w), lambda x, w: F.conv_transpose2d(x, w, None, 2, 1))


def _restored(parts: Any) -> Any:
    """The product of the factors, which are themselves unique up to signs only."""
    if len(parts) == 2:
        values, vectors = parts
        return vectors * values.unsqueeze(-2).to(vectors.dtype) @ vectors.mH
    u, s, vh = parts
    return u * s.unsqueeze(-2).to(u.dtype) @ vh


def _linear_algebra(device: str, size: int) -> Iterator[Check]:
    linalg = hp.linalg
    for kind in (hp.float32, hp.float64, hp.complex64, hp.complex128):
        for shape, note in (((size, size), ""), ((6, 20, 20), ", a batch"), ((2, 3 * size, 3 * size), ", large")):
            (x,) = _drawn(device, kind, shape)
            well = x + shape[-1] * hp.eye(shape[-1], dtype=kind, device=device)
            hermitian = x @ x.mH + hp.eye(shape[-1], dtype=kind, device=device)
            name = f"{note}, {kind.name}"
            yield Check(f"cholesky{name}", "cusolver", (hermitian,), _squared, 16)
            yield Check(f"lu{name}", "cusolver", (x,), _eliminated, 16)
            yield Check(f"solve{name}", "cusolver", (well, x), linalg.solve, 16)
            yield Check(f"inv{name}", "cusolver", (well,), linalg.inv, 16)
            yield Check(f"solve_triangular{name}", "cusolver", (well, x), _upper_system, 16)
            for mode in ("reduced", "complete"):
                work = lambda x, mode=mode: _rotated(hp.linalg.qr(x, mode))  # noqa: E731
                yield Check(f"qr, {mode}{name}", "cusolver", (x,), work, 16)
                yield Check(f"qr, {mode}, tall{name}", "cusolver", (x[..., :7],), work, 16)
            yield Check(f"eigvalsh{name}", "cusolver", (hermitian,), linalg.eigvalsh, 16)
            yield Check(f"eigh{name}", "cusolver", (hermitian,), lambda x: _restored(hp.linalg.eigh(x)), 16)
            yield Check(f"svdvals{name}", "cusolver", (x,), linalg.svdvals, 16)
            for rows, columns, form in ((size, size, "square"), (9, size, "wide"), (size, 9, "tall")):
                part = x[..., :rows, :columns]
                work = lambda x: _restored(hp.linalg.svd(x, False))  # noqa: E731
                yield Check(f"svd, {form}{name}", "cusolver", (part,), work, 16)
            yield Check(f"eig{name}", "cusolver", (x,), _residual, 256)


def _squared(matrix: Any) -> Any:
    factor = hp.linalg.cholesky(matrix)
    return [factor @ factor.mH, factor.triu(1)]


def _eliminated(matrix: Any) -> Any:
    """The product of the factors, and the pivots."""
    p, lower, upper = hp.linalg.lu(matrix)
    return [p @ lower @ upper, hp.linalg.lu_factor(matrix)[1]]


def _rotated(parts: Any) -> Any:
    """The product of the factors, the signs, and what Q's columns have to do with each other."""
    q, r = parts
    return [q @ r, r.diagonal(0, -2, -1).sgn(), q.mH @ q, r.tril(-1)]


def _upper_system(matrix: Any, right: Any) -> Any:
    return hp.linalg.solve_triangular(matrix, right, upper=True)


def _residual(matrix: Any) -> Any:
    """``A V - V diag(w)``, beside A: eigenvalues come in no order."""
    values, vectors = hp.linalg.eig(matrix)
    return matrix + (matrix.to(vectors.dtype) @ vectors - vectors * values.unsqueeze(-2)).abs()


def _transforms(device: str, size: int) -> Iterator[Check]:
    for kind, whole in ((hp.float32, hp.complex64), (hp.float64, hp.complex128)):
        (x,), (z,) = _drawn(device, kind, (5, size)), _drawn(device, whole, (5, size + 1))
        yield Check(f"fft, {whole.name}", "cufft", (z,), hp.fft.fft)
        yield Check(f"ifft across memory, {whole.name}", "cufft", (z,), lambda z: hp.fft.ifft(z, dim=0))
        yield Check(f"fft2, {whole.name}", "cufft", (z,), hp.fft.fft2)
        yield Check(f"rfft, {kind.name}", "cufft", (x,), hp.fft.rfft)
        yield Check(f"rfft of rows that start anywhere, {kind.name}", "cufft", (x[:, 1:],), hp.fft.rfft)
        yield Check(f"irfft, even, {whole.name}", "cufft", (z,), hp.fft.irfft)
        yield Check(f"irfft, odd, {whole.name}", "cufft", (z,), lambda z: hp.fft.irfft(z, 2 * z.shape[-1] - 1))


def checks(device: str, size: int = 96) -> Iterator[Check]:
    """All of them."""
    for make in (_products, _convolutions, _linear_algebra, _transforms):
        yield from make(device, size)


def _forget(runtime: Runtime) -> None:
    """Kernels remember what they call."""
    runtime._kernels.clear()
    runtime.plans.clear()


def _ran(check: Check, runtime: Runtime, off: Sequence[str]) -> tuple[list[Any], float]:
    """Results on the host, and seconds of a call."""
    with libraries.without(*off) if off else contextlib.nullcontext():
        _forget(runtime)
        made = check.work(*check.given)
        listed = list(made) if isinstance(made, (tuple, list)) else [made]
        results = [each.detach().cpu().resolve_conj() for each in listed]
        times = []
        for _ in range(ROUNDS):
            start = time.perf_counter()
            check.work(*check.given)
            runtime.backend.synchronize(runtime.index)
            times.append(time.perf_counter() - start)
    return results, statistics.median(times)


def apart(ours: Any, theirs: Any) -> float:
    """The largest difference, in units in the last place of the largest element; integers must be equal."""
    if ours.dtype.kind not in "fc":
        return 0.0 if ours.tolist() == theirs.tolist() else float("inf")
    left, right = (each.to(hp.complex128).numpy() for each in (ours, theirs))
    if left.shape != right.shape or not np.isfinite(left).all():
        return float("inf")
    unit = float(hp.finfo(ours.dtype.real).eps) * max(float(np.abs(right).max()), 1e-30)
    return float(np.abs(left - right).max() / unit)


def line(check: Check, runtime: Runtime) -> tuple[str, bool]:
    """A row of the table, and whether the check failed."""
    device = runtime.backend.device(runtime.index)
    needs = {"cusolver": ("cusolver", "cublas")}.get(check.library, (check.library,))
    if any(libraries.library_of(device, each) is None for each in needs):
        return f"| {check.name} | {check.library} | not installed | | | |", False
    try:
        found, mine = _ran(check, runtime, ())
        with hp.host_policy("allow"):
            expected, other = _ran(check, runtime, libraries.NAMES)
        worst = max(apart(ours, theirs) for ours, theirs in zip(found, expected, strict=True))
    except Exception as error:  # noqa: BLE001 - the report shows whatever a GPU brings up, and goes on
        words = " ".join(str(error).split())[:160]
        return f"| {check.name} | {check.library} | FAILED: {type(error).__name__}: {words} | | | |", True
    allowed = ALLOWED["half" if found[0].dtype.itemsize == 2 else "wide"] * check.wider
    verdict = f"{worst:.1f}" if worst <= allowed else f"FAILED: {worst:.1f}"
    return (
        f"| {check.name} | {check.library} | {verdict} | {allowed:g} | {mine * 1e3:.2f} | {other * 1e3:.2f} |",
        worst > allowed,
    )  # fmt: skip


def found(runtime: Runtime) -> Iterator[str]:
    """Which libraries the device has."""
    device = runtime.backend.device(runtime.index)
    for name in libraries.NAMES:
        library = libraries.library_of(device, name)
        version = getattr(library, "backend_version", None)
        what = f"version {version()}" if version else getattr(library, "path", "a model")
        yield f"- {name}: {'none' if library is None else what}"


def section(device: str, size: int = 96) -> Iterator[str]:
    """The report's lines; one that begins with ``exit status 1`` says that a check failed."""
    runtime = resolve_runtime(device)
    yield from ("## Libraries", "", *found(runtime), "")
    device_in_use = runtime.backend.device(runtime.index)
    if all(libraries.library_of(device_in_use, name) is None for name in libraries.NAMES):
        return
    yield from (
        "Beside the decomposition, or our own kernel, on the same device.", "",
        "| path | library | apart, units in the last place | allowed | library, ms | without, ms |", "| --- " * 6 + "|",
    )  # fmt: skip
    failures = 0
    for check in checks(device, size):
        text, failed = line(check, runtime)
        failures += failed
        yield text
    _forget(runtime)
    yield from ("", f"exit status {min(failures, 1)}, {failures} paths failed", "")
