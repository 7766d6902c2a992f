"""Norms, condition numbers, ranks and least squares against PyTorch."""

from __future__ import annotations

import math
from types import ModuleType
from typing import Any

import pytest
from matrices import graded, plain, regular
from oracle import agree_on


@pytest.mark.parity
@pytest.mark.parametrize("order", ["fro", "nuc", 2, -2, 1, -1, math.inf, -math.inf])
def test_matrix_norm(torch: ModuleType, order: Any) -> None:
    def program(t: Any, _: Any, a: Any) -> Any:
        return [
            t.linalg.matrix_norm(a, order), t.linalg.matrix_norm(a, order, (0, 2), True),
            t.linalg.norm(a, order, (-1, 0)), t.linalg.norm(a[0], order),
        ]  # fmt: skip

    agree_on(torch, program, [graded(3, 3, 4)], order=1)


@pytest.mark.parity
@pytest.mark.parametrize("order", [2, 1, 0, 0.5, 3, -1, math.inf, -math.inf])
def test_vector_norm(torch: ModuleType, order: float) -> None:
    def program(t: Any, _: Any, a: Any) -> Any:
        return [
            t.linalg.vector_norm(a, order), t.linalg.vector_norm(a, order, 1), t.linalg.vector_norm(a, order, (0, 2), True),
            t.linalg.norm(a, order, 0), t.linalg.norm(a[0, 0], order), t.linalg.vector_norm(a, order, dtype=t.float64),
        ]  # fmt: skip

    # Of the count of elements, which is constant, PyTorch has no gradient, and Hotplug zeros.
    agree_on(torch, program, [plain(2, 3, 4)], order=int(order != 0))


@pytest.mark.parity
def test_conditions_and_ranks(torch: ModuleType) -> None:
    def program(t: Any, _: Any, a: Any) -> Any:
        low = a @ t.diag(t.tensor([1.0, 1.0, 0.0], dtype=a.dtype))
        return [
            *(t.linalg.cond(a, p) for p in (None, 2, -2, "fro", "nuc", 1, -1, math.inf)), t.linalg.cond(a[:, :2]),
            t.linalg.cond(t.ones(2, 2, dtype=a.dtype), 1),
            t.linalg.matrix_rank(a), t.linalg.matrix_rank(low), t.linalg.matrix_rank(low @ low.mT, hermitian=True),
            t.linalg.matrix_rank(a, tol=100.0), t.linalg.matrix_rank(a, atol=5.0), t.linalg.matrix_rank(a, rtol=0.5),
            t.linalg.matrix_rank(a, atol=t.tensor([0.0, 5.0], dtype=a.dtype)), t.linalg.matrix_rank(a[:, :0]),
        ]  # fmt: skip

    agree_on(torch, program, [graded(2, 3, 3)], order=0)


@pytest.mark.parity
def test_legacy_norm_of_everything(torch: ModuleType) -> None:
    def program(t: Any, _: Any, a: Any) -> Any:
        return [t.linalg.norm(a), t.linalg.norm(a, dim=1), t.linalg.norm(a, dim=(0, 1), keepdim=True)]

    agree_on(torch, program, [plain(2, 3, 4)])


# --- least squares ---


@pytest.mark.parity
@pytest.mark.parametrize("driver", [None, "gels", "gelsy", "gelsd", "gelss"])
def test_least_squares(torch: ModuleType, driver: str | None) -> None:
    def program(t: Any, _: Any, a: Any, b: Any) -> Any:
        found = t.linalg.lstsq(a, b, driver=driver)
        return [found.solution, found.residuals, found.rank, found.singular_values]

    for shape in ((2, 5, 3), (2, 3, 3), (2, 3, 5)):
        agree_on(torch, program, [regular(*shape), plain(*shape[:-1], 2)], order=0)


@pytest.mark.parity
def test_least_squares_of_low_rank(torch: ModuleType) -> None:
    def program(t: Any, _: Any, a: Any, b: Any) -> Any:
        found = t.linalg.lstsq(a @ a.mT, b, driver="gelsd")
        return [found.solution, found.rank, found.residuals]

    agree_on(torch, program, [plain(4, 2), plain(4, 1)], order=0)


@pytest.mark.parity
@pytest.mark.parametrize("shape", [(0, 0), (2, 0, 0), (0, 2, 2), (0, 3), (3, 0), (2, 0, 3), (2, 3, 0)])
def test_matrices_without_elements(torch: ModuleType, shape: tuple[int, ...]) -> None:
    def program(t: Any, _: Any, a: Any) -> Any:
        return [
            *(t.linalg.matrix_norm(a, order) for order in ("fro", "nuc", 1, 2, math.inf)),
            *t.linalg.lstsq(a, a, driver="gelsd"), *t.linalg.svd(a, full_matrices=False), *t.linalg.qr(a), *t.linalg.lu(a),
            t.linalg.cond(a), t.linalg.matrix_rank(a), t.linalg.pinv(a), t.linalg.vector_norm(a),
        ]  # fmt: skip

    agree_on(torch, program, [plain(*shape)], order=0)
    if shape[-1] == shape[-2]:

        def square(t: Any, _: Any, a: Any) -> Any:
            return [
                *t.linalg.eigh(a), *t.linalg.eig(a), t.linalg.cholesky(a @ a.mT), t.linalg.inv_ex(a).info, t.matrix_exp(a),
                t.linalg.cond(a, "fro"), t.linalg.matrix_power(a, 3), t.linalg.solve_triangular(a, a, upper=True),
            ]  # fmt: skip

        agree_on(torch, square, [regular(*shape)], order=0)
