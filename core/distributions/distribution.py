"""The abstract base of all distributions."""

from __future__ import annotations

from abc import ABC
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import hotplug as hp
from hotplug.distributions import constraints
from hotplug.distributions.utils import lazy_property
from hotplug.errors import ArgumentError
from hotplug.tensor import Size, Tensor

__all__ = ["Distribution"]


class Distribution(ABC):  # noqa: B024 - PyTorch asks for no method in particular
    """A family member: a batch of ``batch_shape`` independent distributions over events of ``event_shape``.

    Args:
        batch_shape, event_shape: shapes.
        validate_args: whether parameters and values are looked at, which reads one truth value of each from the device;
            default: what :meth:`set_default_validate_args` said, at first true.
    """

    has_rsample: ClassVar[bool] = False
    has_enumerate_support: ClassVar[bool] = False
    _validate_args: bool = __debug__
    _kept: ClassVar[Mapping[str, int]] = {}
    """Tensors that :meth:`expand` expands: their names, and how many axes behind the batch they have."""

    def __init__(self, batch_shape: Any = (), event_shape: Any = (), validate_args: bool | None = None) -> None:
        self._batch_shape = Size(batch_shape)
        self._event_shape = Size(event_shape)
        if validate_args is not None:
            self._validate_args = validate_args
        if self._validate_args:
            self._check_parameters()
        super().__init__()

    @staticmethod
    def set_default_validate_args(value: bool) -> None:
        """Whether distributions that don't say look at their parameters and values."""
        if value not in (True, False):
            raise ArgumentError(f"set_default_validate_args expected a bool, got {value!r}")
        Distribution._validate_args = value

    def _check_parameters(self) -> None:
        for name, constraint in self.arg_constraints.items():
            if constraints.is_dependent(constraint):
                continue
            if name not in self.__dict__ and isinstance(getattr(type(self), name, None), lazy_property):
                continue  # computed of another parameter, which is checked
            value = getattr(self, name)
            if not bool(constraint.check(value).all()):
                raise ArgumentError(
                    f"{type(self).__name__}: expected parameter {name} of shape {tuple(value.shape)} to satisfy "
                    f"{constraint!r}, got {value}"
                )

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        """The same distribution with its parameters expanded to another batch shape; memory is shared."""
        new = self._get_checked_instance(type(self), _instance)
        shape = Size(batch_shape)
        for name, axes in self._kept.items():
            value = self.__dict__.get(name)
            if value is not None:
                new.__dict__[name] = value.expand((*shape, *value.shape[value.ndim - axes :]))
        return self._expanded(new, shape)

    def _expanded(self, new: Any, shape: Any) -> Any:
        """Finish :meth:`expand`: the shapes, without checking the parameters again."""
        Distribution.__init__(new, shape, self._event_shape, validate_args=False)
        new._validate_args = self._validate_args
        return new

    def _get_checked_instance(self, cls: type, _instance: Any = None) -> Any:
        own = type(self)
        foreign = not own.__module__.startswith("hotplug.distributions")
        if _instance is None and foreign and "__init__" in vars(own) and "expand" not in vars(own):
            raise NotImplementedError(
                f"{own.__name__} has an __init__ of its own: give it an expand of its own, too (of {cls.__name__})"
            )
        return own.__new__(own) if _instance is None else _instance

    @property
    def batch_shape(self) -> Size:
        """The shape of the parameters."""
        return self._batch_shape

    @property
    def event_shape(self) -> Size:
        """The shape of one event."""
        return self._event_shape

    @property
    def arg_constraints(self) -> Mapping[str, Any]:
        """The constraint of each parameter."""
        raise NotImplementedError

    @property
    def support(self) -> Any:
        """The constraint of values."""
        raise NotImplementedError

    @property
    def mean(self) -> Tensor:
        """The mean.  -> ``batch_shape + event_shape``."""
        raise NotImplementedError

    @property
    def mode(self) -> Tensor:
        """The most likely value."""
        raise NotImplementedError(f"{type(self)} does not implement mode")

    @property
    def variance(self) -> Tensor:
        """The variance of each element."""
        raise NotImplementedError

    @property
    def stddev(self) -> Tensor:
        """The root of the variance."""
        return self.variance.sqrt()

    def sample(self, sample_shape: Any = ()) -> Tensor:
        """Values without a gradient.  -> ``sample_shape + batch_shape + event_shape``."""
        with hp.no_grad():
            return self.rsample(sample_shape)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        """Values with a gradient for the parameters, where ``has_rsample``."""
        raise NotImplementedError(f"{type(self).__name__} has no rsample; use sample")

    def sample_n(self, n: int) -> Tensor:
        """PyTorch's old name of ``sample((n,))``."""
        return self.sample((n,))

    def log_prob(self, value: Tensor) -> Tensor:
        """The logarithm of density or mass.  ``(*, event_shape)`` -> ``(*)``, broadcast with ``batch_shape``."""
        raise NotImplementedError

    def cdf(self, value: Tensor) -> Tensor:
        """The probability of values up to ``value``."""
        raise NotImplementedError

    def icdf(self, value: Tensor) -> Tensor:
        """The inverse of :meth:`cdf`."""
        raise NotImplementedError

    def enumerate_support(self, expand: bool = True) -> Tensor:
        """All values of a discrete distribution, along a first axis; expanded over the batch, or of size 1 there."""
        raise NotImplementedError

    def entropy(self) -> Tensor:
        """The entropy in nats.  -> ``batch_shape``."""
        raise NotImplementedError

    def perplexity(self) -> Tensor:
        """The exponential of the entropy."""
        return self.entropy().exp()

    def _extended_shape(self, sample_shape: Any = ()) -> Size:
        return Size((*sample_shape, *self._batch_shape, *self._event_shape))

    def _enumerated(self, values: Tensor, expand: bool) -> Tensor:
        """Values ``(N)`` along a first axis before the batch."""
        values = values.reshape((-1, *(1,) * len(self._batch_shape)))
        return values.expand((-1, *self._batch_shape)) if expand else values

    def _validate_sample(self, value: Any) -> None:
        """Shape, then support.

        Raises:
            ArgumentError: it does not fit, or is outside of the support.
        """
        name = type(self).__name__
        if not isinstance(value, Tensor):
            raise ArgumentError(f"{name}: the value argument to log_prob must be a Tensor, got {type(value).__name__}")
        shape, event = tuple(value.shape), tuple(self._event_shape)
        if shape[len(shape) - len(event) :] != event:
            raise ArgumentError(f"{name}: expected a value whose last axes are {list(event)}, got shape {list(shape)}")
        self._check_broadcast(name, shape, (*self._batch_shape, *event))
        try:
            support = self.support
        except NotImplementedError:
            return
        if not bool(support.check(value).all()):
            raise ArgumentError(
                f"{name}: expected a value within the support {support!r}, got {value}; validate_args=False accepts it"
            )

    @staticmethod
    def _check_broadcast(name: str, shape: Sequence[int], goal: Sequence[int]) -> None:
        for one, other in zip(reversed(shape), reversed(goal), strict=False):
            if one != 1 and other not in (1, one):
                raise ArgumentError(f"{name}: a value of shape {list(shape)} is not broadcastable with {list(goal)}")

    def __repr__(self) -> str:
        names = [name for name in self.arg_constraints if name in self.__dict__]
        shown = ", ".join(f"{name}: {_shown(self.__dict__[name])}" for name in names)
        return f"{type(self).__name__}({shown})"


def _shown(value: Any) -> str:
    return str(value.item()) if value.numel() == 1 else str(value.size())
