"""``hotplug.special``: special functions under the names of ``torch.special``.

>>> import hotplug as hp
>>> hp.special.ndtr(hp.tensor([0.0, 1.96]))
tensor([0.5000, 0.9750])
"""

from __future__ import annotations

from hotplug.ops.arithmetic import round  # noqa: A004 - PyTorch's name
from hotplug.ops.incomplete_gammas import igamma as gammainc, igammac as gammaincc
from hotplug.ops.orthogonal_polynomials import (
    chebyshev_polynomial_t,
    chebyshev_polynomial_u,
    chebyshev_polynomial_v,
    chebyshev_polynomial_w,
    hermite_polynomial_h,
    hermite_polynomial_he,
    laguerre_polynomial_l,
    legendre_polynomial_p,
    shifted_chebyshev_polynomial_t,
    shifted_chebyshev_polynomial_u,
    shifted_chebyshev_polynomial_v,
    shifted_chebyshev_polynomial_w,
)
from hotplug.ops.reduction import logsumexp
from hotplug.ops.softmaxes import log_softmax, softmax
from hotplug.ops.special_functions import (
    digamma,
    digamma as psi,
    entr,
    erfcx,
    erfinv,
    i0,
    i0 as modified_bessel_i0,
    i0e,
    i1,
    i1 as modified_bessel_i1,
    i1e,
    lgamma as gammaln,
    log_ndtr,
    mvlgamma as multigammaln,
    ndtr,
    ndtri,
    polygamma,
    xlog1py,
    zeta,
)
from hotplug.ops.special_values import sinc, xlogy
from hotplug.ops.transcendental import erf, erfc, exp2, expm1, log1p, logit, sigmoid as expit

__all__ = [
    "chebyshev_polynomial_t", "chebyshev_polynomial_u", "chebyshev_polynomial_v", "chebyshev_polynomial_w",
    "digamma", "entr", "erf", "erfc", "erfcx", "erfinv", "exp2", "expit", "expm1", "gammainc", "gammaincc",
    "gammaln", "hermite_polynomial_h", "hermite_polynomial_he", "i0", "i0e", "i1", "i1e",
    "laguerre_polynomial_l", "legendre_polynomial_p", "log1p", "log_ndtr", "log_softmax", "logit", "logsumexp",
    "modified_bessel_i0", "modified_bessel_i1", "multigammaln", "ndtr", "ndtri", "polygamma", "psi", "round",
    "shifted_chebyshev_polynomial_t", "shifted_chebyshev_polynomial_u", "shifted_chebyshev_polynomial_v",
    "shifted_chebyshev_polynomial_w", "sinc", "softmax", "xlog1py", "xlogy", "zeta",
]  # fmt: skip
