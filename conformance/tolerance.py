"""The one table of tolerances, in units in the last place (ulp) of the result's dtype.

Integers and bool are exact.  An error is measured in ulps of the expected element; for chains of ops, of the largest
element of the expected result; for sums, of the largest operand too: where terms cancel, an ulp of the sum says nothing.
"""

from __future__ import annotations

from typing import Final, NamedTuple

ELEMENT: Final = "element"
TENSOR: Final = "tensor"
TERMS: Final = "terms"
UNIT: Final = "unit"
"""For functions with zeros: ulps of the element, or of 1 where that is larger."""


class Tolerance(NamedTuple):
    """How far a result may be off.

    Attributes:
        wide: ulps in float32 and float64.
        half: ulps in float16 and bfloat16, where every op of a decomposition rounds.
        scale: :data:`ELEMENT`, :data:`TENSOR` or :data:`TERMS`: of what the ulp is taken.
        reason: why it is wider than :data:`DEFAULT`.
        complex: ulps of the modulus in the complex dtypes, whose functions are several real ones.
    """

    wide: float
    half: float
    scale: str
    reason: str
    complex: float = 16


DEFAULT: Final = Tolerance(4, 2, ELEMENT, "a few correctly rounded operations, or one library function")

_SUM: Final = Tolerance(8, 2, TERMS, "terms are added in any order, pairwise or wider")
_PRODUCT: Final = Tolerance(16, 2, TERMS, "sums of products, in any order, with or without fused multiply-add")
_CHAIN: Final = Tolerance(16, 4, TENSOR, "a chain of reductions and functions, each rounded")
_CANCEL: Final = Tolerance(16, 4, TERMS, "a difference of nearly equal terms: the error is that of the terms")
_FACTORS: Final = Tolerance(32, 4, TENSOR, "every step of an elimination rounds at the size of the whole matrix", 32)
_TRANSFORM: Final = Tolerance(16, 4, TENSOR, "every element is a sum over all, whose terms cancel in part")

_GROUPS: Final[list[tuple[str, Tolerance]]] = [
    ("sum nansum sum_to_size mean var std var_mean std_mean norm cumsum logsumexp nanmean", _SUM),
    ("trapezoid cumulative_trapezoid bincount", _SUM),
    ("prod cumprod vander index_reduce", Tolerance(8, 4, TENSOR, "a running product rounds at every step")),
    ("matmul rmatmul mm bmm mv dot addmm linear bilinear", _PRODUCT),
    ("einsum tensordot inner vdot vecdot addmv addr addbmm baddbmm cross difference_of_products", _PRODUCT),
    ("multi_dot chain_matmul matrix_power cov corrcoef cdist pdist dist", _CHAIN),
    ("conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d", _PRODUCT),
    ("scatter_add scatter_add_ index_add index_add_ index_put index_put_ scatter_reduce fold put trace", _SUM),
    ("avg_pool1d avg_pool2d avg_pool3d adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d", _SUM),
    ("softmax log_softmax softmin logcumsumexp quantile nanquantile", _CHAIN),
    ("batch_norm layer_norm rms_norm group_norm instance_norm normalize", _CHAIN),
    ("pairwise_distance scaled_dot_product_attention multi_head_attention_forward", _CHAIN),
    ("nll_loss cross_entropy mse_loss l1_loss smooth_l1_loss huber_loss kl_div cosine_embedding_loss", _CHAIN),
    ("gaussian_nll_loss hinge_embedding_loss soft_margin_loss margin_ranking_loss poisson_nll_loss ctc_loss", _CHAIN),
    ("multi_margin_loss multilabel_margin_loss multilabel_soft_margin_loss triplet_margin_loss", _CHAIN),
    ("triplet_margin_with_distance_loss", _CHAIN),
    ("binary_cross_entropy binary_cross_entropy_with_logits", _CHAIN),
    ("solve solve_ex inv inv_ex inverse det slogdet logdet tensorinv tensorsolve solve_triangular lstsq", _FACTORS),
    ("lu lu_factor lu_factor_ex lu_solve lu_unpack cholesky cholesky_ex cholesky_solve cholesky_inverse qr", _FACTORS),
    ("geqrf householder_product orgqr ormqr triangular_solve", _FACTORS),
    ("eigh eigvalsh eig eigvals svd svdvals pinv pinverse matrix_exp matrix_norm vector_norm cond", _FACTORS),
    ("fft ifft rfft irfft hfft ihfft fftn ifftn rfftn irfftn hfftn ihfftn", _TRANSFORM),
    ("fft2 ifft2 rfft2 irfft2 hfft2 ihfft2 stft istft", _TRANSFORM),
    ("addcmul addcdiv lerp add sub rsub frac diff", _CANCEL),
    ("lgamma digamma polygamma mvlgamma log_ndtr", _CANCEL),
    ("tanhshrink softshrink logit logaddexp logaddexp2 logsigmoid gelu standardize_gradient", _CANCEL),
    ("lstm gru rnn_tanh rnn_relu lstm_cell gru_cell rnn_tanh_cell rnn_relu_cell linear_activation", _PRODUCT),
    ("interpolate upsample upsample_bilinear grid_sample affine_grid cubic_weight", _PRODUCT),
    ("gaussian_error hinge_error ranking_error poisson_error soft_margin_error class_margin_error log_total", _CANCEL),
    ("keep_or_saturate normal normal_", _CANCEL),
    ("gumbel_softmax", _CHAIN),
    ("lstm_gates lstm_gates_backward gru_gates gru_gates_backward", _CANCEL),
    ("logspace", Tolerance(64, 2, ELEMENT, "the exponent's rounding is multiplied by the value's logarithm")),
    (
        "sinc hann_window hamming_window blackman_window kaiser_window",
        Tolerance(8, 4, TENSOR, "near the zeros of a sine the rounding of its argument is what remains"),
    ),
    ("linspace arange", Tolerance(4, 2, TENSOR, "start plus steps: near zero the terms cancel")),
    ("divergence log_divergence logit_error bernoulli_error huber_error smooth_absolute_error", _CANCEL),
    ("squared_error absolute_error share_gradient log_share_gradient log_of_share", _CANCEL),
    ("scale_and_shift standardize_by", _CANCEL),
    ("hardsigmoid plane_place", _CANCEL),
    ("embedding_bag", _SUM),
    (
        "cosine_similarity",
        Tolerance(16, 4, UNIT, "a sum of products, divided by lengths: where they cancel, an ulp of 1"),
    ),
    ("histogram histogramdd", Tolerance(4, 2, TENSOR, "edges are start plus steps: near zero the terms cancel")),
    (
        "ndtr shifted_exp",
        Tolerance(16, 4, ELEMENT, "a rounded argument of an exponential costs as many ulps as it is large"),
    ),
    (
        "erfinv ndtri i0e i1 i1e i0 hurwitz_zeta",
        Tolerance(8, 4, ELEMENT, "a series or a quotient of them, term by term"),
    ),
    (
        (
            "chebyshev_polynomial_t chebyshev_polynomial_u chebyshev_polynomial_v chebyshev_polynomial_w "
            "shifted_chebyshev_polynomial_t shifted_chebyshev_polynomial_u shifted_chebyshev_polynomial_v "
            "shifted_chebyshev_polynomial_w hermite_polynomial_h hermite_polynomial_he laguerre_polynomial_l "
            "legendre_polynomial_p"
        ),
        Tolerance(64, 8, UNIT, "near its zeros a polynomial is a difference of larger terms"),
    ),
    (
        "igamma igammac gamma_sample_slope",
        Tolerance(96, 4, ELEMENT, "a power of a power and a gamma function: their logarithms' rounding is multiplied"),
    ),
]

TABLE: Final[dict[str, Tolerance]] = {name: each for names, each in _GROUPS for name in names.split()}

GRADIENT: Final = Tolerance(64, 16, TENSOR, "a backward pass is a chain of ops, and broadcasting sums", 64)


def tolerance_of(op: str) -> Tolerance:
    """The entry of an op, by its name with or without the namespace."""
    return TABLE.get(op) or TABLE.get(op.rpartition(".")[2], DEFAULT)


EXACT: Final = Tolerance(0, 0, ELEMENT, "moved, compared or rounded, which is no matter of opinion")

KERNEL: Final = Tolerance(4, 1, ELEMENT, "one function of a library; half types compute in float32 and round once")

_FUNCTIONS: Final[dict[str, Tolerance]] = {
    **dict.fromkeys(
        "neg abs sign minimum maximum fmin fmax floor ceil trunc round copysign nextafter where".split(), EXACT
    ),
    "erfc": Tolerance(8, 1, ELEMENT, "its tail is the exponential of a rounded square"),
    "lgamma": Tolerance(16, 1, UNIT, "its zeros at 1 and 2 need digits that few libraries keep"),
    "digamma": Tolerance(32, 2, UNIT, "reflected left of 0, where it is a difference"),
}


def function_tolerance(name: str) -> Tolerance:
    """The entry of a scalar function."""
    return _FUNCTIONS.get(name, KERNEL)


TRAINING: Final = Tolerance(64, 16, TENSOR, "every step's rounding is fed back through all the steps after it")
"""Of the losses of a training run of level 4."""

QUOTIENT: Final = 1e-6
"""How far a gradient may be off a difference quotient in float64, of the size of the terms of both."""
