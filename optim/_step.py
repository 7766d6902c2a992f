"""One launch for one parameter's whole update."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, final

from hotplug import dispatch
from hotplug.array import Array
from hotplug.declare import Elementwise
from hotplug.dtypes import dtype
from hotplug.errors import DeviceMismatchError, ShapeError
from hotplug.layout import layout_of
from hotplug.tensor import Tensor, wrap


@final
class Step:
    """An elementwise op with several outputs, as an update in place.

    The op's first parameters are tensors: those that the update overwrites first, in the order of its outputs, then the
    gradient.  Its numbers are runtime scalars, so no value of theirs ever makes a new kernel; its flags select one.
    """

    def __init__(self, op: Elementwise[...]) -> None:
        self.op: Final = op
        self.name: Final = op.name
        self._programs: Final[dict[tuple[Any, ...], dispatch.Program]] = {}

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
        dtypes = tuple(array.dtype for array in arrays)
        program = self._programs.get((dtypes, *flags.items()))
        if program is None:
            program = self._programs[dtypes, *flags.items()] = self._build(arrays, len(targets), numbers, flags)
        outs = arrays[: len(targets)]
        dispatch.map_(program, outs, arrays, tuple(map(float, numbers)))
        for array in outs:
            array.storage.version += 1

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
