"""Which function computes the divergence of a pair of distributions."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any, Final

import hotplug as hp
from hotplug.distributions.distribution import Distribution
from hotplug.errors import ArgumentTypeError
from hotplug.tensor import Tensor

Divergence = Callable[[Any, Any], Tensor]

_REGISTRY: Final[dict[tuple[type, type], Divergence]] = {}


def register_kl(type_p: type, type_q: type) -> Callable[[Divergence], Divergence]:
    """Declare a function of two distributions as their divergence; the most derived declaration is used.

    Raises:
        ArgumentTypeError: something is no class of distributions.
    """
    for each in (type_p, type_q):
        if not (isinstance(each, type) and issubclass(each, Distribution)):
            raise ArgumentTypeError(f"register_kl expected subclasses of Distribution, got {each!r}")

    def declare(function: Divergence) -> Divergence:
        _REGISTRY[type_p, type_q] = function
        _chosen.cache_clear()
        return function

    return declare


@functools.cache
def _chosen(type_p: type, type_q: type) -> Divergence | None:
    """The declaration that is nearest in both lines of ancestors; where two are, the left line decides, with a warning."""
    found = [(p, q) for p, q in _REGISTRY if issubclass(type_p, p) and issubclass(type_q, q)]
    if not found:
        return None
    by_left = min(found, key=lambda pair: (type_p.__mro__.index(pair[0]), type_q.__mro__.index(pair[1])))
    by_right = min(found, key=lambda pair: (type_q.__mro__.index(pair[1]), type_p.__mro__.index(pair[0])))
    if _REGISTRY[by_left] is not _REGISTRY[by_right]:
        warnings.warn(
            f"ambiguous kl_divergence({type_p.__name__}, {type_q.__name__}): register_kl for this pair decides it",
            RuntimeWarning,
            stacklevel=3,
        )
    return _REGISTRY[by_left]


def kl_divergence(p: Distribution, q: Distribution) -> Tensor:
    """The divergence of Kullback and Leibler, the mean under p of ``log p(x) - log q(x)``.  -> the batch shape.

    Raises:
        NotImplementedError: none is declared for the pair.
    """
    function = _chosen(type(p), type(q))
    if function is None:
        raise NotImplementedError(
            f"no KL(p || q) is implemented for p type {type(p).__name__} and q type {type(q).__name__}; declare one with "
            f"register_kl"
        )
    return function(p, q)


def infinite_like(tensor: Tensor) -> Tensor:
    """Infinity in the shape of a parameter."""
    return hp.full_like(tensor, float("inf"))


def infinite_where(condition: Tensor, value: Tensor) -> Tensor:
    """Infinity where q has no mass that p has."""
    return hp.where(condition, float("inf"), value)
