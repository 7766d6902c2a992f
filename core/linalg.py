"""``hotplug.linalg``: linear algebra under the names of ``torch.linalg``.

>>> import hotplug as hp
>>> A = hp.tensor([[2.0, 1.0], [1.0, 3.0]])
>>> hp.linalg.solve(A, hp.tensor([3.0, 4.0]))
tensor([1., 1.])
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from hotplug import ops as _ops
from hotplug.errors import LinAlgError
from hotplug.ops.linalg_cholesky import linalg_cholesky as cholesky, linalg_cholesky_ex as cholesky_ex
from hotplug.ops.linalg_functions import linalg_matrix_exp as matrix_exp
from hotplug.ops.linalg_householder import linalg_householder_product as householder_product
from hotplug.ops.linalg_least_squares import linalg_lstsq as lstsq, linalg_pinv as pinv
from hotplug.ops.linalg_lu import (
    linalg_lu as lu,
    linalg_lu_factor as lu_factor,
    linalg_lu_factor_ex as lu_factor_ex,
    linalg_lu_solve as lu_solve,
)
from hotplug.ops.linalg_norms import (
    linalg_cond as cond,
    linalg_matrix_norm as matrix_norm,
    linalg_matrix_rank as matrix_rank,
    linalg_norm as norm,
    linalg_vector_norm as vector_norm,
)
from hotplug.ops.linalg_qr import linalg_qr as qr
from hotplug.ops.linalg_solve import (
    linalg_det as det,
    linalg_inv as inv,
    linalg_inv_ex as inv_ex,
    linalg_slogdet as slogdet,
    linalg_solve as solve,
    linalg_solve_ex as solve_ex,
    linalg_tensorinv as tensorinv,
    linalg_tensorsolve as tensorsolve,
)
from hotplug.ops.linalg_spectral import (
    linalg_eig as eig,
    linalg_eigh as eigh,
    linalg_eigvals as eigvals,
    linalg_eigvalsh as eigvalsh,
    linalg_svd as svd,
    linalg_svdvals as svdvals,
)
from hotplug.ops.linalg_triangular import linalg_solve_triangular as solve_triangular
from hotplug.ops.products import matmul

if TYPE_CHECKING:
    from hotplug.tensor import Tensor

__all__ = [
    "LinAlgError", "cholesky", "cholesky_ex", "cond", "det", "diagonal", "eig", "eigh", "eigvals", "eigvalsh",
    "householder_product", "inv",
    "inv_ex", "lstsq", "lu", "lu_factor", "lu_factor_ex", "lu_solve", "matmul", "matrix_exp", "matrix_norm",
    "matrix_rank", "norm", "pinv", "qr", "slogdet", "solve", "solve_ex", "solve_triangular", "svd", "svdvals",
    "tensorinv", "tensorsolve", "vector_norm",
]  # fmt: skip

_ELSEWHERE: Final = frozenset({"cross", "matrix_power", "multi_dot", "vander", "vecdot"})
"""Functions of ``hotplug`` itself that torch.linalg has too."""


def diagonal(A: Tensor, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:  # noqa: N803
    """The diagonals of matrices ``(*, M, N)``, a view."""
    return _ops.diagonal(A, offset, dim1, dim2)


def __getattr__(name: str) -> Any:
    if name not in _ELSEWHERE:
        raise AttributeError(f"module 'hotplug.linalg' has no attribute {name!r}")
    from hotplug.declare import OPS

    entry = OPS.get(f"linalg.{name}") or OPS.get(name)
    if entry is None:
        raise AttributeError(f"module 'hotplug.linalg' has no attribute {name!r}")
    return entry.function
