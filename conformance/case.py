"""What the suite is made of: cases, and what became of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, final

from hotplug.runtime import Runtime, resolve_runtime

if TYPE_CHECKING:
    from hotplug.conformance.report.observe import Seen

LEVELS: Final = (0, 1, 2, 3, 4)


class CaseFailedError(AssertionError):
    """The device did something else than the contract says."""


class Unsupported(Exception):  # noqa: N818 - no error: the device said beforehand what it lacks
    """The device declares that it lacks what the case needs."""


@final
@dataclass(frozen=True, slots=True)
class Options:
    """What to run.

    Attributes:
        level: the highest level.
        op: only the cases of this op or family; all where empty.
        full: all dtypes and layouts for every op, instead of a sample of them.
        seed: of the inputs; golden values exist for 0.
        brief: one sample of each op only, as for engines that compile anew for every shape.
        observe: find out for each op how it runs; see :mod:`hotplug.conformance.report.observe`.
    """

    level: int = 4
    op: str = ""
    full: bool = False
    seed: int = 0
    brief: bool = False
    observe: bool = False

    def on(self, device: str) -> Options:
        """The same for a device: brief where that is a functional engine and not all of it is asked for."""
        slow = resolve_runtime(device).capabilities.functional
        return replace(self, brief=self.brief or (slow and not self.full))


@final
@dataclass(frozen=True, slots=True)
class Bench:
    """Where a case runs."""

    device: str
    options: Options = field(default_factory=Options)

    @property
    def runtime(self) -> Runtime:
        """The device in use."""
        return resolve_runtime(self.device)


@final
@dataclass(frozen=True, slots=True)
class Case:
    """One check: ``run`` returns the worst error in units in the last place, or raises."""

    level: int
    op: str
    dtype: str
    layout: str
    run: Callable[[Bench], float]

    @property
    def name(self) -> str:
        """The same in every process."""
        return "-".join(part for part in (f"level{self.level}", self.op, self.dtype, self.layout) if part)


@final
@dataclass(frozen=True, slots=True)
class Result:
    """What became of a case.

    Attributes:
        status: ``passed``, ``failed``, ``unsupported`` (the device says that it lacks something), ``expected`` (a known
            failure) or ``unexpected`` (a known failure that passed).
        worst: the largest error in units in the last place.
        message: why, where it did not pass.
        seen: how the op ran, where that was asked for: in one of its cases.
    """

    level: int
    op: str
    dtype: str
    layout: str
    name: str
    status: str
    worst: float = 0.0
    seconds: float = 0.0
    message: str = ""
    seen: Seen | None = None

    @property
    def bad(self) -> bool:
        """Whether the device fails by it."""
        return self.status in ("failed", "unexpected")
