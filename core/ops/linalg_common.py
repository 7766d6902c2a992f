"""What the functions of linear algebra share: checks of their arguments, adjoints, batches."""

from __future__ import annotations

from hotplug import host
from hotplug.dtypes import dtype as DType
from hotplug.errors import ArgumentError, DTypeError, LinAlgError, RankError, ShapeError
from hotplug.layout import Shape, broadcast_shapes
from hotplug.ops import complex_numbers, diagonals, reduction, views
from hotplug.tensor import Tensor

__all__: list[str] = []  # for the modules of linear algebra, by name


class LinAlgArgumentError(ArgumentError, RuntimeError):
    """An argument that no function of linear algebra takes."""


def check_dtype(op: str, *tensors: Tensor) -> None:
    """All must be of one dtype, of 32 bits or more a real number, floating or complex.

    Raises:
        DTypeError: they are not.
    """
    for each in tensors:
        if each.dtype.kind not in "fc":
            raise DTypeError(
                f"{op}: Expected a floating point or complex tensor as input. Got {each.dtype.name}; convert with .to()"
            )
        if each.dtype.itemsize < 4:
            raise DTypeError(f"{op}: Low precision dtypes not supported. Got {each.dtype.name}; convert with .float()")
        if each.dtype is not tensors[0].dtype:
            raise DTypeError(
                f"{op}: Expected all inputs to have the same dtype. Got {tensors[0].dtype.name} and {each.dtype.name}"
            )


def check_matrix(op: str, input: Tensor) -> None:
    """A matrix or a batch of them, of a dtype that linear algebra takes.

    Raises:
        ShapeError: fewer than two dimensions.
    """
    if input.ndim < 2:
        raise RankError(f"{op}: The input tensor must have at least 2 dimensions, got {input.ndim}")
    check_dtype(op, input)


def check_square(op: str, input: Tensor) -> None:
    """A square matrix or a batch of them.

    Raises:
        ShapeError: it is not square.
    """
    check_matrix(op, input)
    if input.shape[-1] != input.shape[-2]:
        raise ShapeError(
            f"{op}: A must be batches of square matrices, but they are {input.shape[-2]} by {input.shape[-1]} matrices"
        )


def check_info(op: str, info: Tensor, trouble: str) -> None:
    """LAPACK's verdict on every matrix; reading it waits for the device, as in PyTorch.

    Raises:
        LinAlgError: one is not 0.  ``trouble`` words it; ``{}`` in it is the number.
    """
    found = host.to_host(info._array, op)
    if not found.any():
        return
    first = int(found.reshape(-1).nonzero()[0][0])
    where = f" (Batch element {first}):" if found.ndim else ""
    raise LinAlgError(f"{op}:{where} {trouble.format(int(found.reshape(-1)[first]))}")


SINGULAR = "The diagonal element {0} of the factor is zero: the matrix is singular, and has no inverse"
INDEFINITE = (
    "The factorization could not be completed because the input is not positive-definite (leading minor of order {0})"
)


def adjoint(matrix: Tensor) -> Tensor:
    """The conjugate transpose of the last two axes."""
    turned = views.transpose(matrix, -2, -1)
    return complex_numbers.conj(turned) if matrix.dtype.kind == "c" else turned


def real_of(tensor: Tensor) -> Tensor:
    """The real part; a real tensor itself."""
    return complex_numbers.real(tensor) if tensor.dtype.kind == "c" else tensor


def as_dtype(tensor: Tensor, like: Tensor) -> Tensor:
    """A real factor in the dtype of a complex tensor."""
    return tensor if tensor.dtype is like.dtype else tensor.to(like.dtype)


def lower_half(matrix: Tensor) -> Tensor:
    """The lower triangle with half the diagonal."""
    return diagonals.tril(matrix) - diagonals.diag_embed(diagonal_of(matrix)) * 0.5


def diagonal_of(matrix: Tensor) -> Tensor:
    """``(*B, min(M, N))``, a view."""
    return views.diagonal(matrix, 0, -2, -1)


def eye_like(matrix: Tensor, size: int) -> Tensor:
    """The identity on the device of a tensor and in its dtype, ``(size, size)``."""
    from hotplug.ops import creation

    return creation.eye(size, dtype=matrix.dtype, device=matrix.device)


def batched(left: Tensor, right: Tensor, op: str) -> tuple[Tensor, Tensor]:
    """Two stacks of matrices with their batch axes broadcast."""
    batch = broadcast_shapes(op, tuple(left.shape[:-2]), tuple(right.shape[:-2]))
    return (
        views.expand(left, (*batch, *left.shape[-2:])),
        views.expand(right, (*batch, *right.shape[-2:])),
    )


def batch_shape(input: Tensor) -> Shape:
    """The leading sizes."""
    return tuple(input.shape[:-2])


def real_dtype(input: Tensor) -> DType:
    """The dtype of norms and singular values."""
    return input.dtype.real


def total(tensor: Tensor, *dims: int) -> Tensor:
    """The sum over axes, in the tensor's dtype."""
    return reduction.sum(tensor, dims, dtype=tensor.dtype)
