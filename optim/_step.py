"""One launch for one parameter's whole update, or for those of all parameters where the backend has a kernel for lists."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, final

from hotplug import dispatch
from hotplug.array import Array
from hotplug.backend import OpKey
from hotplug.caches import Bounded
from hotplug.declare import Elementwise
from hotplug.dtypes import dtype
from hotplug.errors import DeviceMismatchError, ShapeError
from hotplug.layout import layout_of
from hotplug.runtime import Runtime
from hotplug.tensor import Tensor, wrap

_Changes = list[Callable[[], None]]
"""What follows from an update, once it is launched."""
_Pending = dict[tuple[Runtime, OpKey], list[tuple[Sequence[Array], Sequence[Array], tuple[float, ...], _Changes]]]


@final
class _Gathered(threading.local):
    """The updates that wait for the end of the optimizers' steps that the current thread is in."""

    def __init__(self) -> None:
        self.stack: list[_Pending] = []
        self.last: _Changes | None = None
        """Of the last update, where that one waits."""


_GATHERED: Final = _Gathered()


@contextmanager
def gathered() -> Iterator[None]:
    """Let updates for which the backend has a kernel over lists wait until the block ends, and launch each kernel once."""
    _GATHERED.stack.append({})
    _GATHERED.last = None
    try:
        yield
    finally:
        pending = _GATHERED.stack.pop()
        _GATHERED.last = None
    for (runtime, key), items in pending.items():
        kernel = runtime.kernel(key)
        assert kernel is not None
        outs = [array for item in items for array in item[0]]
        inputs = [array for item in items for array in item[1]]
        dispatch.call(runtime, kernel, outs, inputs, [number for item in items for number in item[2]])
        for array in outs:
            array.storage.version += 1
        for item in items:
            for change in item[3]:
                change()


def when_launched(change: Callable[[], None]) -> None:
    """Change a parameter's state on the host once its last update is launched: at once, unless that update waits.

    So where a launch fails, step counts are those of the steps that were taken.
    """
    if _GATHERED.last is None:
        change()
    else:
        _GATHERED.last.append(change)


@final
class Step:
    """An elementwise op with several outputs, as an update in place.

    The op's first parameters are tensors: those that the update overwrites first, in the order of its outputs, then the
    gradient.  Its numbers are runtime scalars, so no value of theirs ever makes a new kernel; its flags select one.

    A backend may have a kernel for many parameters at once.  It is asked for the key ``NAME_of_list``, which describes
    one parameter's update: its program, dtypes and layout classes of the outputs, then of the inputs, and the flags as
    attributes.
    The kernel gets the outputs, the inputs and the numbers of all parameters with that key, one parameter after the
    other; the outputs are the first of the inputs, as in a map.
    """

    def __init__(self, op: Elementwise[...]) -> None:
        self.op: Final = op
        self.name: Final = op.name
        self._programs: Final[dict[tuple[Any, ...], dispatch.Program]] = {}
        self._lists: Final[Bounded[Any, Any]] = Bounded()
        """By runtime, layouts and flags: the key of the backend's kernel over lists, or ``None``."""

    def __call__(self, targets: Sequence[Tensor], grad: Tensor, numbers: Sequence[float], **flags: bool) -> None:
        """Overwrite ``targets`` (the parameter, then its state), by the gradient.

        Raises:
            ShapeError, DeviceMismatchError: a target doesn't fit the parameter; nothing has changed.
        """
        arrays = [tensor._array for tensor in (*targets, grad)]
        first = arrays[0]
        for array in arrays[1:]:
            if array.shape != first.shape:
                raise ShapeError(
                    f"{self.op.name}: a state of shape {list(array.shape)} doesn't fit a parameter of shape "
                    f"{list(first.shape)}"
                )
            if array.storage.runtime is not first.storage.runtime:
                raise DeviceMismatchError(
                    f"{self.op.name}: the parameter is on '{first.storage.runtime.name}', its gradient or state on "
                    f"'{array.storage.runtime.name}'; make the optimizer after moving the model"
                )
        if first.dtype.is_complex:
            arrays = [_real(array) for array in arrays]
        if self._postponed(arrays, len(targets), numbers, flags):
            return
        dtypes = tuple(array.dtype for array in arrays)
        program = self._programs.get((dtypes, *flags.items()))
        if program is None:
            program = self._programs[dtypes, *flags.items()] = self._build(arrays, len(targets), numbers, flags)
        outs = arrays[: len(targets)]
        dispatch.map_(program, outs, arrays, tuple(map(float, numbers)))
        for array in outs:
            array.storage.version += 1

    def _postponed(
        self, arrays: Sequence[Array], outputs: int, numbers: Sequence[float], flags: dict[str, bool]
    ) -> bool:
        """Whether the update waits for a kernel over lists."""
        _GATHERED.last = None
        if not _GATHERED.stack:
            return False
        runtime, layouts = arrays[0].storage.runtime, tuple(array.layout for array in arrays)
        form = (runtime, layouts, *flags.items())
        if form not in self._lists:
            kinds = (*layouts[:outputs], *layouts)
            key = OpKey(
                name=f"{self.name}_of_list", dtypes=tuple(each.dtype for each in kinds),
                program=self._build(arrays, outputs, numbers, flags),
                layouts=tuple(map(dispatch.layout_class, kinds)), index64=dispatch.needs_index64(layouts),
                attributes=tuple(flags.items()),
            )  # fmt: skip
            self._lists[form] = None if runtime.kernel(key) is None else key
        key_of_list = self._lists[form]
        if key_of_list is None:
            return False
        changes: _Changes = []
        _GATHERED.last = changes
        item = (arrays[:outputs], arrays, tuple(map(float, numbers)), changes)
        _GATHERED.stack[-1].setdefault((runtime, key_of_list), []).append(item)
        return True

    def _build(
        self, arrays: Sequence[Array], outputs: int, numbers: Sequence[float], flags: dict[str, bool]
    ) -> dispatch.Program:
        wrapped = [wrap(array) for array in arrays]
        form, operands = self.op.bind((*wrapped, *map(float, numbers)), flags)
        kinds = tuple(each._array.layout if isinstance(each, Tensor) else type(each) for each in operands)
        targets: tuple[dtype, ...] = tuple(array.dtype for array in arrays[:outputs])
        return form.typed_for(kinds).program_into(targets)


def _real(array: Array) -> Array:
    """The parts of complex elements along a new last axis; an update of them is the update of the complex numbers."""
    layout = layout_of(array.dtype.real, (*array.shape, 2), (*(2 * stride for stride in array.strides), 1))
    return Array(array.storage, layout, 2 * array.offset)
