"""Orthogonal polynomials of a given degree: ``hp.special``.  Recurrences: NIST DLMF 18.9.1, 18.5.

All take a tensor ``(*S)`` and a degree ``n``, a Python integer, and are differentiable; a negative degree gives 0.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from hotplug.declare import function
from hotplug.errors import ArgumentTypeError, DTypeError
from hotplug.ops import creation
from hotplug.tensor import Tensor

_SPECIAL: Final = "special"
Step = Callable[[int, Any, Any, Any], Any]


def _polynomial(name: str, input: Any, n: Any, first: Callable[[Any], Any], step: Step) -> Tensor:
    """The member of degree ``n``, from those of degrees 0 and 1 by ``step(k, x, member k - 1, member k - 2)``."""
    if not isinstance(input, Tensor) or isinstance(n, bool) or not isinstance(n, int):
        raise ArgumentTypeError(
            f"{name} expected a tensor and an int as degree, got {type(input).__name__} and {type(n).__name__}"
        )
    if input.dtype.kind == "c":
        raise DTypeError(f"{name} is not defined for {input.dtype.name}; take real and imaginary parts")
    x = input if input.dtype.kind == "f" else input.to(creation.empty(0).dtype)
    one: Any = creation.ones_like(x)
    if n < 1:
        return creation.zeros_like(x) if n < 0 else one
    before, member = one, first(x)
    for k in range(2, n + 1):
        before, member = member, step(k, x, member, before)
    return member  # type: ignore[no-any-return]


def _doubling(k: int, x: Any, member: Any, before: Any) -> Any:
    return x * 2.0 * member - before


@function(method=False, namespace=_SPECIAL)
def chebyshev_polynomial_t(input: Tensor, n: int) -> Tensor:
    """Chebyshev's polynomial of the first kind, ``cos(n arccos x)``."""
    return _polynomial("chebyshev_polynomial_t", input, n, lambda x: x, _doubling)


@function(method=False, namespace=_SPECIAL)
def chebyshev_polynomial_u(input: Tensor, n: int) -> Tensor:
    """Chebyshev's polynomial of the second kind."""
    return _polynomial("chebyshev_polynomial_u", input, n, lambda x: x * 2.0, _doubling)


@function(method=False, namespace=_SPECIAL)
def chebyshev_polynomial_v(input: Tensor, n: int) -> Tensor:
    """Chebyshev's polynomial of the third kind."""
    return _polynomial("chebyshev_polynomial_v", input, n, lambda x: x * 2.0 - 1.0, _doubling)


@function(method=False, namespace=_SPECIAL)
def chebyshev_polynomial_w(input: Tensor, n: int) -> Tensor:
    """Chebyshev's polynomial of the fourth kind."""
    return _polynomial("chebyshev_polynomial_w", input, n, lambda x: x * 2.0 + 1.0, _doubling)


@function(method=False, namespace=_SPECIAL)
def shifted_chebyshev_polynomial_t(input: Tensor, n: int) -> Tensor:
    """:func:`chebyshev_polynomial_t` at ``2 x - 1``."""
    return chebyshev_polynomial_t(input * 2.0 - 1.0, n)


@function(method=False, namespace=_SPECIAL)
def shifted_chebyshev_polynomial_u(input: Tensor, n: int) -> Tensor:
    """:func:`chebyshev_polynomial_u` at ``2 x - 1``."""
    return chebyshev_polynomial_u(input * 2.0 - 1.0, n)


@function(method=False, namespace=_SPECIAL)
def shifted_chebyshev_polynomial_v(input: Tensor, n: int) -> Tensor:
    """:func:`chebyshev_polynomial_v` at ``2 x - 1``."""
    return chebyshev_polynomial_v(input * 2.0 - 1.0, n)


@function(method=False, namespace=_SPECIAL)
def shifted_chebyshev_polynomial_w(input: Tensor, n: int) -> Tensor:
    """:func:`chebyshev_polynomial_w` at ``2 x - 1``."""
    return chebyshev_polynomial_w(input * 2.0 - 1.0, n)


@function(method=False, namespace=_SPECIAL)
def hermite_polynomial_h(input: Tensor, n: int) -> Tensor:
    """Hermite's polynomial of the physicists."""
    return _polynomial("hermite_polynomial_h", input, n, lambda x: x * 2.0,
                       lambda k, x, member, before: (x * member - before * (k - 1.0)) * 2.0)  # fmt: skip


@function(method=False, namespace=_SPECIAL)
def hermite_polynomial_he(input: Tensor, n: int) -> Tensor:
    """Hermite's polynomial of the probabilists."""
    return _polynomial("hermite_polynomial_he", input, n, lambda x: x,
                       lambda k, x, member, before: x * member - before * (k - 1.0))  # fmt: skip


@function(method=False, namespace=_SPECIAL)
def laguerre_polynomial_l(input: Tensor, n: int) -> Tensor:
    """Laguerre's polynomial."""
    return _polynomial("laguerre_polynomial_l", input, n, lambda x: 1.0 - x,
                       lambda k, x, member, before: ((2 * k - 1.0 - x) * member - before * (k - 1.0)) / k)  # fmt: skip


@function(method=False, namespace=_SPECIAL)
def legendre_polynomial_p(input: Tensor, n: int) -> Tensor:
    """Legendre's polynomial."""
    return _polynomial("legendre_polynomial_p", input, n, lambda x: x,
                       lambda k, x, member, before: (x * member * (2 * k - 1.0) - before * (k - 1.0)) / k)  # fmt: skip
