"""Elements added around the last axes."""

from __future__ import annotations

from hotplug.nn import functional as F
from hotplug.nn.module import Module
from hotplug.tensor import Tensor


class _Pad(Module):
    """What all share; ``_rank`` is the number of axes that are padded, ``_mode`` with what.

    ``padding``: one number for everywhere, or before and after the last axis, then the axis before it, and so on;
    negative numbers cut off.
    """

    _rank: int
    _mode: str = "constant"

    def __init__(self, padding: int | tuple[int, ...]) -> None:
        super().__init__()
        self.padding = (padding,) * (2 * self._rank) if isinstance(padding, int) else tuple(padding)

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, self._mode)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class _ConstantPad(_Pad):
    """One value around."""

    def __init__(self, padding: int | tuple[int, ...], value: float) -> None:
        super().__init__(padding)
        self.value = value

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, "constant", self.value)

    def extra_repr(self) -> str:
        return f"padding={self.padding}, value={self.value}"


class ConstantPad1d(_ConstantPad):
    """One value around the last axis.  ``(N, C, L)`` or ``(C, L)`` -> the same with ``L`` longer."""

    _rank = 1


class ConstantPad2d(_ConstantPad):
    """One value around the last two axes.  ``(N, C, H, W)`` or ``(C, H, W)``."""

    _rank = 2


class ConstantPad3d(_ConstantPad):
    """One value around the last three axes.  ``(N, C, D, H, W)`` or ``(C, D, H, W)``."""

    _rank = 3


class _ZeroPad(_ConstantPad):
    """Zeros around."""

    def __init__(self, padding: int | tuple[int, ...]) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class ZeroPad1d(_ZeroPad):
    """Zeros around the last axis.  ``(N, C, L)`` or ``(C, L)``."""

    _rank = 1


class ZeroPad2d(_ZeroPad):
    """Zeros around the last two axes.  ``(N, C, H, W)`` or ``(C, H, W)``."""

    _rank = 2


class ZeroPad3d(_ZeroPad):
    """Zeros around the last three axes.  ``(N, C, D, H, W)`` or ``(C, D, H, W)``."""

    _rank = 3


class ReflectionPad1d(_Pad):
    """The last axis mirrored at its ends, which don't appear twice.  ``(N, C, L)`` or ``(C, L)``."""

    _rank, _mode = 1, "reflect"


class ReflectionPad2d(_Pad):
    """The last two axes mirrored at their ends.  ``(N, C, H, W)`` or ``(C, H, W)``."""

    _rank, _mode = 2, "reflect"


class ReflectionPad3d(_Pad):
    """The last three axes mirrored at their ends.  ``(N, C, D, H, W)`` or ``(C, D, H, W)``."""

    _rank, _mode = 3, "reflect"


class ReplicationPad1d(_Pad):
    """The ends of the last axis repeated.  ``(N, C, L)`` or ``(C, L)``."""

    _rank, _mode = 1, "replicate"


class ReplicationPad2d(_Pad):
    """The borders of the last two axes repeated.  ``(N, C, H, W)`` or ``(C, H, W)``."""

    _rank, _mode = 2, "replicate"


class ReplicationPad3d(_Pad):
    """The borders of the last three axes repeated.  ``(N, C, D, H, W)`` or ``(C, D, H, W)``."""

    _rank, _mode = 3, "replicate"


class CircularPad1d(_Pad):
    """The last axis as a ring.  ``(N, C, L)`` or ``(C, L)``."""

    _rank, _mode = 1, "circular"


class CircularPad2d(_Pad):
    """The last two axes as rings.  ``(N, C, H, W)`` or ``(C, H, W)``."""

    _rank, _mode = 2, "circular"


class CircularPad3d(_Pad):
    """The last three axes as rings.  ``(N, C, D, H, W)`` or ``(C, D, H, W)``."""

    _rank, _mode = 3, "circular"
