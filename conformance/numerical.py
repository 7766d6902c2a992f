"""Gradients of first and second order against difference quotients, in float64 on the reference.

Level 3 compares a device with the reference's analytic gradients; here these are confirmed, by nothing but values.
One quotient along a random direction tells of a whole Jacobian: with outputs weighted by ``w``, ``L = Re <w, f(x)>`` and
``g`` its gradient, the derivative of ``L`` along ``v`` is ``Re <g, v>``.  For the second order, ``S = Re <u, g(x, w)>``
takes the place of ``L``, and ``x`` and ``w`` are moved together.  Complex gradients follow PyTorch's convention, for
which both formulas hold as they stand.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, final

import numpy as np

from hotplug import autograd, dtypes
from hotplug.conformance.case import CaseFailedError
from hotplug.conformance.draw import Draw, Sample
from hotplug.conformance.place import Placed, host_values, outputs, tensor
from hotplug.conformance.samples import recipe_of, samples_of
from hotplug.conformance.tolerance import QUOTIENT
from hotplug.declare import OPS
from hotplug.dtypes import dtype
from hotplug.errors import DTypeError
from hotplug.ops import clone
from hotplug.tensor import Tensor

NDArray = np.ndarray[Any, Any]

DEVICE: Final = "numpy"
_STEP: Final = 1e-5
"""The error of a central quotient is its square, and float64's epsilon divided by it."""


@final
class Probe:
    """An op at a sample, as a function of the tensors that have gradients."""

    def __init__(self, name: str, sample: Sample, kind: dtype) -> None:
        self._name: Final = name
        self._placed: Final = Placed(sample, DEVICE, kind, wide=True, grad=True)
        self.start: Final = [host_values(leaf) for leaf in self._placed.leaves]
        """Where its derivatives are asked for."""

    def __call__(self, leaves: Sequence[Tensor]) -> list[Tensor]:
        """The outputs that the leaves have a part in."""
        moved = {id(old): new for old, new in zip(self._placed.leaves, leaves, strict=True)}
        args, kwargs = _replaced(self._placed.args, moved), _replaced([*self._placed.kwargs.values()], moved)
        if self._name.endswith("_") and args and isinstance(args[0], Tensor):
            args[0] = clone(args[0])  # a leaf can't be written
        result = OPS[self._name].function(*args, **dict(zip(self._placed.kwargs, kwargs, strict=True)))
        recipe = recipe_of(self._name)
        assert recipe is not None
        found = outputs(recipe.compared(args, result))
        return [each for each in found if isinstance(each, Tensor) and each.requires_grad]


def _replaced(values: Sequence[Any], moved: dict[int, Tensor]) -> list[Any]:
    made: list[Any] = []
    for value in values:
        if isinstance(value, (list, tuple)):
            made.append(type(value)(_replaced(value, moved)))
        else:
            made.append(moved.get(id(value), value))
    return made


def _leaves(values: Sequence[NDArray]) -> list[Tensor]:
    return [tensor(DEVICE, each, dtypes.from_numpy(each.dtype), requires_grad=True) for each in values]


def _inner(left: Sequence[NDArray | None], right: Sequence[NDArray]) -> tuple[float, float]:
    """The real inner product, and the sum of its terms' magnitudes."""
    terms = [(a.conj() * b).real for a, b in zip(left, right, strict=True) if a is not None]
    return float(sum(each.sum() for each in terms)), float(sum(np.abs(each).sum() for each in terms))


def _drawn(key: str, like: Sequence[NDArray]) -> list[NDArray]:
    """Random directions, or weights, of the shapes and dtypes of ``like``; no element is near zero."""
    made = []
    for at, each in enumerate(like):
        draw = Draw(f"{key}{at}", each.dtype.kind)
        made.append(np.asarray(draw(*each.shape, low=0.5, high=1.5).values * np.sign(draw.uniform(*each.shape) - 0.5)))
    return made


SYMMETRIC: Final = frozenset("linalg.cholesky linalg.cholesky_ex cholesky linalg.eigh linalg.eigvalsh".split())
"""Ops that read half of a matrix, and whose gradients are those of a symmetric (Hermitian) one."""


def _directions(name: str, start: Sequence[NDArray]) -> list[NDArray]:
    """Where to move the arguments: anywhere within the op's domain."""
    found = _drawn(f"{name}/direction", start)
    if name in SYMMETRIC:
        found[0] = (found[0] + found[0].conj().swapaxes(-1, -2)) / 2
    return found


def _quotient(function: Callable[[Sequence[NDArray]], float], at: Sequence[NDArray], along: Sequence[NDArray]) -> float:
    high, low = (
        function([np.asarray(x + step * v) for x, v in zip(at, along, strict=True)]) for step in (_STEP, -_STEP)
    )
    return (high - low) / (2 * _STEP)


def _host(values: Sequence[Tensor | None]) -> list[NDArray | None]:
    return [None if each is None else host_values(each) for each in values]


def _expect(name: str, what: str, sample: Sample, found: tuple[float, float], quotient: float, scale: float) -> float:
    """The relative error of an inner product of gradients."""
    value, size = found
    error = abs(value - quotient) / (1.0 + size + scale)
    if not error <= QUOTIENT:
        raise CaseFailedError(
            f"{name}{sample!r}: {what} along a random direction is {value:.9g}, a difference quotient {quotient:.9g}; "
            f"{error:.2g} of the terms' size {1.0 + size + scale:.3g} off, allowed {QUOTIENT:g}"
        )
    return error


def first_order(name: str, sample: Sample, probe: Probe) -> float:
    """The analytic gradient against a quotient of values.

    Raises:
        CaseFailedError: they differ.
    """
    leaves = _leaves(probe.start)
    found = probe(leaves)
    weights = _drawn(f"{name}/weight", [host_values(each) for each in found])
    given = [tensor(str(out.device), each, out.dtype) for each, out in zip(weights, found, strict=True)]
    grads = _host(autograd.grad(found, leaves, given, allow_unused=True))
    along = _directions(name, probe.start)

    def value(at: Sequence[NDArray]) -> float:
        return _inner(weights, [host_values(each) for each in probe(_leaves(at))])[0]

    scale = _inner(weights, [host_values(each) for each in found])[1]
    return _expect(name, "the gradient", sample, _inner(grads, along), _quotient(value, probe.start, along), scale)


def second_order(name: str, sample: Sample, probe: Probe) -> float:
    """The gradient of the gradient, for the inputs and for the incoming gradients, against a quotient of gradients.

    Raises:
        CaseFailedError: they differ.
    """
    count = len(probe.start)
    weights = _drawn(f"{name}/weight", [host_values(each) for each in probe(_leaves(probe.start))])
    at = [*probe.start, *weights]

    def gradients(both: Sequence[NDArray], create_graph: bool) -> tuple[list[Tensor], list[Tensor | None]]:
        moved = _leaves(both[:count])
        found = probe(moved)
        given = [
            tensor(str(out.device), each, out.dtype, requires_grad=True)
            for each, out in zip(both[count:], found, strict=True)
        ]
        grads = autograd.grad(found, moved, given, create_graph=create_graph, allow_unused=True)
        return [*moved, *given], list(grads)

    leaves, grads = gradients(at, True)
    mixed = _drawn(f"{name}/mixed", probe.start)
    along = [*_directions(name, probe.start), *_drawn(f"{name}/change", weights)]
    depends = [(each, u) for each, u in zip(grads, mixed, strict=True) if each is not None and each.requires_grad]
    seeds = [tensor(DEVICE, u, each.dtype) for each, u in depends]
    second = (
        autograd.grad([each for each, _ in depends], leaves, seeds, allow_unused=True) if depends else [None] * len(at)
    )

    def value(both: Sequence[NDArray]) -> float:
        return _inner(_host(gradients(both, False)[1]), mixed)[0]

    scale = _inner(_host(grads), mixed)[1]
    found = _inner(_host(second), along)
    return _expect(name, "the gradient of the gradient", sample, found, _quotient(value, at, along), scale)


def places(name: str, limit: int = 1 << 30) -> Iterator[tuple[Sample, Probe]]:
    """Where an op has derivatives that quotients can confirm, in float64 and complex128, ``limit`` of each at most."""
    recipe = recipe_of(name)
    if recipe is not None and recipe.gradient:
        for letter in "fc":
            found = (each for each in _probes(name, letter) if each[0].smooth and each[0].gradient)
            yield from itertools.islice((each for each in found if _differentiates(each[1])), limit)


def differentiable(name: str) -> bool:
    """Whether an op has a derivative at any of its samples, whatever its recipe says of that."""
    return any(_differentiates(probe) for letter in "fc" for _, probe in _probes(name, letter))


def _probes(name: str, letter: str) -> Iterator[tuple[Sample, Probe]]:
    recipe = recipe_of(name)
    if recipe is None or letter not in (recipe.kinds or "f"):
        return
    kind = dtypes.float32 if letter == "f" else dtypes.complex64
    for sample in samples_of(name, letter):
        yield sample, Probe(name, sample, kind)


def _differentiates(probe: Probe) -> bool:
    """Whether there is an output that has a gradient, and an element to move."""
    if not any(each.size for each in probe.start):
        return False
    try:
        return any(each.numel() for each in probe(_leaves(probe.start)))
    except DTypeError:  # a recipe serves ops of which some refuse complex tensors
        return False
