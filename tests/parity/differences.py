"""Where Hotplug and PyTorch differ: the one list, each with its reason.  An entry that no longer differs is an error."""

from __future__ import annotations

import fnmatch
import re
from typing import Final, NamedTuple

from parity.cells import Cell


class Difference(NamedTuple):
    """Cells that differ in a known way.

    Attributes:
        ops: names in the op table, separated by spaces; every one of them must differ somewhere.
        where: pattern of ``form/dtype/layout/sample``, as a shell would match it.
        message: regular expression for how the cell differs.
        reason: why it stays.
        full: whether only the run with all dtypes meets it.
    """

    ops: str
    where: str
    message: str
    reason: str
    full: bool = False


OWN: Final[dict[str, str]] = {
    "keep": "what dropout does once its mask is drawn; public so that a backend may override it",
    "safe_sqrt": "a square root whose gradient at 0 is 0, under norm and pairwise_distance",
}
"""Public ops that PyTorch does not have, and what they are for."""

_NO_HISTORY: Final = r"gradient 0.* got np.float(32|64)\(0.0\)"

KNOWN: Final[tuple[Difference, ...]] = (
    # Hotplug takes more
    Difference(
        "flip permute reshape", "function/*", "TypeError",
        "sizes and dims may be given one by one to the function as to the method",
    ),
    Difference(
        "where_elements", "out/*/5", "must be Tensor", "PyTorch's overload with out= takes no number for 'other'"
    ),
    Difference(
        "signbit isposinf isneginf", "out/*", "non-boolean outputs",
        "a given out= is filled in its own dtype, as by every other test; PyTorch refuses for these three",
    ),
    # Hotplug takes less
    Difference(
        "pow", "*/bool/*/5", "pow is not defined for bool",
        "PyTorch takes the exponents 0 and 1 apart by value; here no number's value decides what is defined",
    ),
    Difference(
        "masked_fill_elements", "in-place/*/expanded/*", "single memory location",
        "PyTorch deprecates to write to elements that share memory, and only warns in masked_fill_",
    ),
    Difference(
        "nn.functional.batch_norm", "function/*/expanded/2", "single memory location",
        "running statistics whose elements share memory: PyTorch writes each of them over the others",
    ),
    Difference(
        "nn.functional.batch_norm nn.functional.instance_norm", "function/*/empty/*", "should contain 3 elements not 0",
        "PyTorch looks at the sizes of weights and running statistics only where the input has elements",
    ),
    Difference(
        "nn.functional.scaled_dot_product_attention", "function/*/empty/*", "do not broadcast",
        "PyTorch looks at the mask only where there is a query",
    ),
    Difference(
        "nn.functional.multi_head_attention_forward", "function/*/empty/*",
        "AssertionError|in_proj_weight|cannot be multiplied",
        "PyTorch looks at the shapes of weights in another order, and not where there is no row to multiply",
    ),
    Difference(
        "complex view_as_complex", "function/float16/*", "is only|expected both",
        "a complex number of halves is no dtype of Hotplug's",
    ),
    Difference(
        "complex_elements", "function/*float16/*", "complex32|Half, Float or Double",
        "what complex is made of, which has checked the dtypes before",
    ),
    Difference(
        "linalg.cholesky_ex linalg.cholesky cholesky linalg.lu_factor_ex linalg.lu_factor linalg.lu linalg.lu_solve lu_solve "
        "lu linalg.solve_ex linalg.solve linalg.det det linalg.eigh linalg.eigvalsh linalg.svd linalg.svdvals svd linalg.cond",
        "*/*float16/empty/*", "Low precision dtypes not supported",
        "of no matrices PyTorch does not look at the dtype", full=True,
    ),
    Difference(
        "median nanmedian", "*/empty/0", "at least one element of an integer dtype",
        "no integer says that there is none; PyTorch returns the least", full=True,
    ),
    Difference(
        "pixel_unshuffle", "function/*/empty/*", "expected shape", "PyTorch keeps the shape of an empty input", full=True
    ),
    Difference(
        "linalg.matrix_exp matrix_exp lu_unpack", "*/*float16/*", "Low precision dtypes not supported",
        "linear algebra takes no half types, whose decompositions mean little; PyTorch lets these three pass",
    ),
    Difference(
        "index_fill_ masked_fill_ index_put_ addmv baddbmm tril triu nan_to_num", "*/expanded/*", "single memory location",
        "PyTorch writes to elements that share memory here, as in masked_fill_", full=True,
    ),
    # PyTorch's gradient is another
    Difference(
        "logical_and logical_or logical_xor logical_not", "in-place/*", _NO_HISTORY,
        "PyTorch leaves the old history in place, so the truth value passes the gradient of the number that it overwrote",
    ),
    Difference(
        "special.chebyshev_polynomial_t special.chebyshev_polynomial_u special.chebyshev_polynomial_v "
        "special.chebyshev_polynomial_w special.shifted_chebyshev_polynomial_t "
        "special.shifted_chebyshev_polynomial_u special.shifted_chebyshev_polynomial_v "
        "special.shifted_chebyshev_polynomial_w special.hermite_polynomial_h special.hermite_polynomial_he "
        "special.laguerre_polynomial_l special.legendre_polynomial_p",
        "function/*", "requires_grad is True, PyTorch has False", "PyTorch has no derivative of them, and forgets the history",
    ),
    Difference(
        "nn.functional.hardsigmoid", "function/float64/*", "gradient 0", "PyTorch's backward rounds 1/6 to float32"
    ),
    Difference(
        "nn.functional.ctc_loss", "function/*", "gradient 0",
        "PyTorch's is the gradient of the scores before log_softmax; behind log_softmax both agree (tests/ops/test_margins)",
    ),
    Difference(
        "cholesky_solve cholesky_inverse", "*", "gradient [01].*: .* got np.float(64|32)\\(0.0\\)",
        "PyTorch gives a gradient to the triangle of the factor that isn't read",
    ),
    Difference(
        "linalg.cond", "function/*/empty/*", "requires_grad is True", "PyTorch forgets the history of no matrices"
    ),
    # one of them has fewer digits
    Difference("digamma", "*/float64/*", "gradient 0", "PyTorch's trigamma has ten digits"),
    Difference("polygamma", "*/float64/*", "(gradient|output) 0", "PyTorch's trigamma has ten digits"),
    Difference("special.ndtr", "*", "output 0: .* (21|30|34) ulp", "PyTorch's loses digits below -1"),
    Difference("sinc", "*/float64/*/0", "gradient 0: .* ulp", "PyTorch's slope is a difference of nearly equal terms near 0"),
    # PyTorch is wrong, or fails, on memory laid out in some way
    Difference(
        "nn.functional.ctc_loss", "function/*/sliced/1", "output 0", "PyTorch ignores the stride of joined targets"
    ),
    Difference(
        "take_along_dim kron", "*", "view size is not compatible",
        "PyTorch calls view where it means reshape",
    ),
    Difference(
        "median nanmedian", "*/expanded/2", "output 0",
        "PyTorch sorts rows that share memory in place: the median of equal elements is none of them",
    ),
    # PyTorch fails in its backward
    Difference("vander", "function/*", "modified by an inplace operation", "PyTorch's has no gradient"),
    Difference("pixel_shuffle pixel_unshuffle", "function/*/empty/*", "PyTorch raises RuntimeError",
               "PyTorch's backward of an input without elements fails"),
    Difference("linalg.cond", "function/*", "modified by an inplace operation", "PyTorch's backward of 'fro' and 1 fails"),
    Difference(
        "fft.fft fft.ifft fft.rfft fft.irfft fft.hfft fft.ihfft fft.fftn fft.ifftn fft.rfftn fft.irfftn fft.hfftn fft.ihfftn "
        "fft.fft2 fft.ifft2 fft.rfft2 fft.irfft2 fft.hfft2 fft.ihfft2",
        "function/*/empty/*", "MKL FFT error", "PyTorch's library transforms nothing where there is nothing to transform",
    ),
    Difference("stft", "*/empty/*", "MKL FFT error", "as the others of the family"),
    Difference(
        "stft", "*/expanded/1", "gradient 0",
        "where elements share memory, PyTorch spreads the gradient of all that as_strided reads evenly over them",
    ),
    Difference(
        "fft.fftshift fft.ifftshift", "function/*/0-d/*", "`shifts` required", "of a number PyTorch can't shift no axis"
    ),
    Difference("linalg.tensorinv", "function/*/0-d/*", "invalid slice", "PyTorch leaves a check out"),
    Difference(
        "as_strided_scatter", "*", "gradient 0", "PyTorch's gradient is that of the elements that are overwritten"
    ),
    Difference("cov", "*/0-d/1", "view of a leaf", "PyTorch writes to a view of the input"),
    # neither is wrong
    Difference(
        "var std var_mean std_mean", "*/complex*/0-d/0", "gradient 0.imag",
        "the variance of one number is NaN, and so is its gradient; PyTorch's has a real part of NaN only", full=True,
    ),
    Difference(
        "nansum", "*/complex*/0-d/*", "IndexError", "two errors: neither sums complex numbers", full=True
    ),
    Difference(
        "copysign signbit", "*/bfloat16/*/[36]", "output 0", "conversion to bfloat16 may change the sign of NaN", full=True
    ),
    Difference(
        "topk kthvalue", "*/expanded/*", "output 1", "all elements are equal, and any of the positions is right"
    ),
    Difference(
        "linalg.matrix_norm", "function/*/expanded/5", "e-3[0-9]", "the least singular value of equal rows is 0 and rounding"
    ),
    Difference(
        "linalg.cholesky_ex linalg.cholesky cholesky", "*/complex*/*/1", "gradient 0",
        "the Hermitian parts agree, and the other part says nothing of a Hermitian matrix", full=True,
    ),
    Difference(
        "corrcoef rnn_tanh_cell nn.functional.multi_head_attention_forward", "*/expanded/[02]", "gradient 0",
        "all rows are equal, the gradient's terms cancel, and what is left is the rounding of either",
    ),
)  # fmt: skip

UNDEFINED: Final[tuple[Difference, ...]] = (
    Difference("pdist", "*/empty/*", "", "PyTorch's backward of an empty input crashes the process"),
    Difference(
        "nn.functional.multilabel_margin_loss", "*/empty/*", "", "PyTorch returns memory that it has never written"
    ),
)
"""Cells that aren't compared, because PyTorch's result is none."""


class Call(NamedTuple):
    """Calls that only one of the two refuses, or with another kind of error: ``what`` as ``bad_calls`` words it."""

    ops: str
    what: str
    reason: str


CALLS: Final[tuple[Call, ...]] = (
    Call("permute reshape flip", "99 for", "sizes and dims may be given one by one, so the number is looked at"),
    Call(
        "where_elements masked_fill_elements", "(text|None) for", "any Python value is a condition: it is true or not"
    ),
    Call("is_conj is_neg resolve_conj resolve_neg", "(text|None) for 0", "nothing of the argument is looked at"),
    Call("nn.functional.hinge_embedding_loss", "(text|None) for 1", "the target is only asked whether it is 1"),
    Call(
        "index_copy index_copy_",
        "shape",
        "both the number of indices and the shape are wrong, and PyTorch names the shape",
    ),
    Call("nn.functional.ctc_loss", "index", "PyTorch reads outside of its memory"),
    Call(
        "nn.functional.multilabel_margin_loss", "index before", "any negative number ends the targets here, not only -1"
    ),
    Call("combinations", "99", "of 99 elements out of 4 there are none; PyTorch builds a grid of 4**99 first"),
    Call(
        "nn.functional.fractional_max_pool2d nn.functional.fractional_max_pool3d",
        "-99",
        "PyTorch takes negative windows",
    ),
)


def find_call(op: str, what: str) -> Call | None:
    """The entry for a call that differs."""
    return next((each for each in CALLS if op in each.ops.split() and re.search(each.what, what)), None)


def find(cell: Cell, message: str) -> Difference | None:
    """The entry for a cell that differs."""
    return next((each for each in KNOWN if _holds(each, cell) and re.search(each.message, message)), None)


def undefined(cell: Cell) -> bool:
    """Whether PyTorch has no result to compare with."""
    return any(_holds(each, cell) for each in UNDEFINED)


def _holds(entry: Difference, cell: Cell) -> bool:
    where = f"{cell.form}/{cell.dtype}/{cell.layout}/{cell.sample}"
    return cell.op in entry.ops.split() and fnmatch.fnmatchcase(where, entry.where)


def of(op: str, full: bool) -> list[Difference]:
    """The entries that a run over an op must meet."""
    return [entry for entry in KNOWN if op in entry.ops.split() and (full or not entry.full)]
