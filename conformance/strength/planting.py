"""The reference with room for one bug: in what a kernel is given, and in what it leaves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np

from hotplug.backend import Array, Kernel, OpKey
from hotplug.backends.numpy import families
from hotplug.backends.numpy.memory import HostBackend, ndarray
from hotplug.backends.numpy.quiet import quiet
from hotplug.conformance.strength.mutant import Operator

NDArray = np.ndarray[Any, Any]
NAME: Final = "strength"
"""What the device with the bug is called."""


@final
@dataclass(frozen=True, slots=True)
class Call:
    """One call of a kernel that a bug may spoil; ``right()`` does what the contract asks for.

    Attributes:
        targets, sources: the operands, as the core hands them over.
        outs, inputs: their elements.
    """

    key: OpKey
    body: Callable[[Sequence[NDArray], Sequence[NDArray], Sequence[Any]], None]
    targets: Sequence[Array]
    sources: Sequence[Array]
    outs: Sequence[NDArray]
    inputs: Sequence[NDArray]
    scalars: Sequence[Any]

    def right(self, outs: Sequence[NDArray] | None = None, inputs: Sequence[NDArray] | None = None) -> None:
        """Run the correct kernel, on other operands where they are given."""
        self.body(self.outs if outs is None else outs, self.inputs if inputs is None else inputs, self.scalars)

    def other(self, **changes: Any) -> None:
        """Run the kernel of a key that differs."""
        families.FAMILIES[self.key.name](self.key._replace(**changes))(self.outs, self.inputs, self.scalars)

    def results(self) -> list[NDArray]:
        """What the outputs should be, in memory of their own; scatter's start as they are."""
        made = [out.copy() for out in self.outs]
        self.right(made)
        return made


Bug = Callable[[Call], None]
Fits = Callable[[OpKey], bool]


def always(_: OpKey) -> bool:
    """For bugs in every kernel of a family."""
    return True


class Bare(HostBackend):
    """The reference, under the name of the device with a bug."""

    name = NAME
    numbered = False

    def resolve(self, index: int, key: OpKey) -> Kernel | None:
        return families.kernel(key)


@final
class Planted(Bare):
    """The reference with a bug in the kernels of one family."""

    def __init__(self, family: str, bug: Bug, fits: Fits = always) -> None:
        self._family: Final = family
        self._bug: Final = bug
        self._fits: Final = fits

    def resolve(self, index: int, key: OpKey) -> Kernel | None:
        if key.name != self._family or not self._fits(key):
            return families.kernel(key)
        body = families.FAMILIES[key.name](key)

        def kernel(outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any]) -> None:
            self._bug(
                Call(
                    key,
                    body,
                    outs,
                    inputs,
                    [ndarray(each) for each in outs],
                    [ndarray(each) for each in inputs],
                    scalars,
                )
            )

        return quiet(kernel)


def of_dtype(name: str) -> Fits:
    """Whether the last operand has a dtype."""
    return lambda key: key.dtypes[-1].name == name


def kernels(
    name: str, kind: str, family: str, bug: Bug, *, dtypes: Sequence[str] = (), fits: Fits = always
) -> Operator:
    """An operator whose bug sits in a family's kernels, in those of one dtype for each variant if any are given."""

    def plant(variant: str) -> Planted:
        chosen = of_dtype(variant) if dtypes else always
        return Planted(family, bug, lambda key: fits(key) and chosen(key))

    return Operator(
        f"{name}/{family}", kind, "kernel", (bug.__doc__ or "").strip(), (family,), tuple(dtypes) or ("all",), plant
    )
