"""From Arrays to kernels: the last stop above the waist.

Each function here launches one kernel family on Arrays of one device: it broadcasts, collapses, makes the copies that
aliasing and the device ask for, names the kernel by its key, and calls it.  What can be known from layouts alone is
prepared once and kept in ``Runtime.plans``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, final

from hotplug.array import Array
from hotplug.backend.contract import Kernel, OpKey
from hotplug.dtypes import dtype, int64
from hotplug.errors import HotplugError, OutOfMemoryError, PluginError
from hotplug.expr.node import Expr, cast, constant, input_
from hotplug.layout import MAX_RANK, Layout, Shape, Strides, broadcast_strides, collapse, layout_of
from hotplug.memory import size_class
from hotplug.runtime import Runtime

Program = tuple[Expr, ...]

_PLAIN_RANK: Final = 4
_INT32_MAX: Final = 2**31 - 1
NO_SCALARS: Final[tuple[Any, ...]] = ()


def layout_class(layout: Layout) -> str:
    """``contiguous``, ``broadcast`` (every stride 0) or ``strided``."""
    if layout.is_contiguous:
        return "contiguous"
    return "broadcast" if not any(layout.strides) else "strided"


def needs_index64(layouts: Sequence[Layout]) -> bool:
    """Whether an offset of one of the layouts exceeds 31 bits."""
    for layout in layouts:
        low, high = layout.extent()
        if high - low > _INT32_MAX or layout.numel > _INT32_MAX:
            return True
    return False


def call(
    runtime: Runtime, kernel: Kernel, outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any]
) -> None:
    """Run a kernel; what it raises unexpectedly names the plugin."""
    try:
        returned: object = kernel(outs, inputs, scalars)  # type: ignore[func-returns-value]
    except HotplugError:
        raise
    except Exception as error:
        raise kernel_failed(runtime, error) from error
    if returned is not None:
        raise returned_something(runtime, returned)


def kernel_failed(runtime: Runtime, error: Exception) -> HotplugError:
    """The error for what a kernel raised unexpectedly; it names the plugin."""
    if isinstance(error, MemoryError):
        return OutOfMemoryError(f"{runtime.name} ran out of memory inside a kernel ({error}); use smaller batches")
    return PluginError(f"a kernel of backend {runtime.backend.name!r} raised {error!r}")


def returned_something(runtime: Runtime, returned: object) -> PluginError:
    """The error for a kernel that makes a new array instead of writing into its outputs, which would stay unset."""
    return PluginError(
        f"a kernel of backend {runtime.backend.name!r} returned a {type(returned).__name__}; a kernel writes into its "
        f"outs, in their dtypes, and returns nothing"
    )


@final
class MapPlan:
    """A map prepared for given layouts: the kernel and the collapsed layouts (``None`` where nothing changes)."""

    __slots__ = ("inputs", "kernel", "outer", "outs", "runtime")

    def __init__(
        self,
        runtime: Runtime,
        program: Program,
        outs: Sequence[Layout],
        inputs: Sequence[Layout],
        alias: tuple[int, ...],
    ) -> None:
        shape = outs[0].shape
        operands = [*outs, *inputs]
        strides = [broadcast_strides(each.shape, each.strides, shape) for each in operands]
        shape, strides = collapse(shape, strides)
        self.runtime: Final = runtime
        self.outer: Final = shape[: max(0, len(shape) - MAX_RANK)]
        rank = len(shape)
        if _PLAIN_RANK < rank < MAX_RANK:
            shape = (1,) * (MAX_RANK - rank) + shape
            strides = [(0,) * (MAX_RANK - rank) + each for each in strides]
        layouts = [layout_of(each.dtype, shape, st) for each, st in zip(operands, strides, strict=True)]
        inner = (
            layouts
            if not self.outer
            else [layout_of(x.dtype, shape[-MAX_RANK:], x.strides[-MAX_RANK:]) for x in layouts]
        )
        self.outs = [None if a is b else b for a, b in zip(outs, layouts, strict=False)]
        self.inputs = [None if a is b else b for a, b in zip(inputs, layouts[len(outs) :], strict=True)]
        key = OpKey(
            name="map", program=program, dtypes=tuple(each.dtype for each in operands), rank=len(inner[0].shape),
            layouts=tuple(map(layout_class, inner)), alias=alias, index64=needs_index64(layouts),
        )  # fmt: skip
        kernel = runtime.kernel(key)
        assert kernel is not None  # a required family
        self.kernel: Final[Kernel] = kernel

    def run(self, outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any]) -> None:
        """Launch on Arrays of the layouts that the plan was made for."""
        outs = [a if new is None else Array(a.storage, new, a.offset) for a, new in zip(outs, self.outs, strict=True)]
        inputs = [
            a if new is None else Array(a.storage, new, a.offset) for a, new in zip(inputs, self.inputs, strict=True)
        ]
        if self.outer:
            _run_outer(self, outs, inputs, scalars, len(self.outer))
        else:
            call(self.runtime, self.kernel, outs, inputs, scalars)


def _run_outer(
    plan: MapPlan, outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any], depth: int
) -> None:
    """Loop over the leading axes of an array of more than MAX_RANK collapsed axes."""
    if depth == 0:
        call(plan.runtime, plan.kernel, outs, inputs, scalars)
        return
    for position in range(outs[0].shape[0]):
        step = [[_select_first(a, position) for a in group] for group in (outs, inputs)]
        _run_outer(plan, step[0], step[1], scalars, depth - 1)


def _select_first(array: Array, position: int) -> Array:
    layout = layout_of(array.dtype, array.shape[1:], array.strides[1:])
    return Array(array.storage, layout, array.offset + position * array.strides[0])


def map_(program: Program, outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any] = NO_SCALARS) -> None:
    """Write ``program`` of the broadcast inputs into ``outs``, which may overlap the inputs in any way."""
    if outs[0].numel == 0:
        return
    from hotplug.lowering import is_complex, map_complex

    if is_complex(program, outs, inputs):
        map_complex(program, outs, inputs, scalars)
        return
    runtime = outs[0].storage.runtime
    inputs = [_apart(each, outs) for each in inputs]
    if runtime.capabilities.contiguous_only and not is_copy(program):
        inputs = [contiguous(each) for each in inputs]
    alias = tuple(next((i for i, each in enumerate(inputs) if _same(each, out)), -1) for out in outs)
    key = (program, tuple(each.layout for each in outs), tuple(each.layout for each in inputs), alias)
    plan = runtime.plans.get(key)
    if plan is None:
        plan = runtime.plans[key] = MapPlan(runtime, program, key[1], key[2], alias)
    plan.run(outs, inputs, scalars)


def is_copy(program: Program) -> bool:
    """Whether the program only moves its one input."""
    return len(program) == 1 and program[0].op == "input"


def _same(left: Array, right: Array) -> bool:
    return (
        left.storage is right.storage
        and left.offset == right.offset
        and left.layout.dtype is right.layout.dtype
        and left.shape == right.shape
        and left.strides == right.strides
    )


def overlap(left: Array, right: Array) -> bool:
    """Whether two arrays may share a byte (their byte ranges cross)."""
    if left.storage is not right.storage:
        return False
    (a, b), (c, d) = left.byte_range(), right.byte_range()
    return a < d and c < b


def _apart(array: Array, outs: Sequence[Array]) -> Array:
    """The array, or a copy of it where it overlaps an output other than exactly."""
    return clone(array) if any(not _same(array, out) and overlap(array, out) for out in outs) else array


def new(like: Array, dtype: dtype, shape: Shape) -> Array:
    """An uninitialised contiguous Array on the device of another."""
    return like.storage.runtime.empty(layout_of(dtype, shape))


def clone(array: Array, dtype: dtype | None = None) -> Array:
    """A contiguous copy, converted to ``dtype`` where one is given."""
    out = new(array, dtype or array.dtype, array.shape)
    copy(array, out)
    return out


def copy(source: Array, target: Array) -> None:
    """Write ``source``, broadcast and converted, into ``target``."""
    map_((convert(input_(0, source.dtype), target.dtype),), [target], [source])


def convert(node: Expr, target: dtype) -> Expr:
    """A cast that rounds once: half types go by way of float32 only where the other side does."""
    return cast(node, target)


def contiguous(array: Array) -> Array:
    """The array itself where it is C-contiguous, else a contiguous copy."""
    if array.layout.is_contiguous:
        return array
    array.storage.runtime.counts["contiguous_copy"] += 1
    return clone(array)


def fill(target: Array, value: Any) -> None:
    """Set every element; the value is a runtime scalar."""
    from hotplug.expr.node import scalar

    if target.dtype.kind == "c":
        from hotplug.lowering import fill_complex

        fill_complex(target, value)
        return
    kind = target.dtype.compute
    map_((cast(scalar(0, kind), target.dtype),), [target], [], (value,))


def fill_literal(target: Array, value: Any) -> None:
    """Set every element to a constant that is part of the kernel: zeros, ones, identities of reductions."""
    map_((constant(value, target.dtype),), [target], [])


def move(array: Array, shape: Sequence[int], strides: Sequence[int], offset: int = 0) -> Array:
    """Another strided view of the same storage; ``offset`` is relative to the array's."""
    return Array(array.storage, layout_of(array.dtype, tuple(shape), tuple(strides)), array.offset + offset)


Rearranged = tuple[Shape, list[Strides]]


def launch(
    runtime: Runtime, key: OpKey, outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any] = ()
) -> None:
    """Resolve a required family's key and run it."""
    kernel = runtime.kernel(key)
    assert kernel is not None
    call(runtime, kernel, outs, inputs, scalars)


def key_of(name: str, outs: Sequence[Array], inputs: Sequence[Array], **more: Any) -> OpKey:
    """The key of a family's kernel for these operands."""
    layouts = [each.layout for each in (*outs, *inputs)]
    return OpKey(
        name=name, dtypes=tuple(each.dtype for each in layouts), rank=len(inputs[-1].shape),
        layouts=tuple(map(layout_class, layouts)), index64=needs_index64(layouts), **more,
    )  # fmt: skip


@final
class FamilyPlan:
    """A launch of one family prepared for given layouts: what the output is, and as what its kernel sees it."""

    __slots__ = ("block", "kernel", "nbytes", "out", "runtime", "target", "views")

    def __init__(self, runtime: Runtime, key: OpKey, out: Array, target: Array, views: Sequence[Array]) -> None:
        kernel = runtime.kernel(key)
        assert kernel is not None  # a required family
        self.runtime: Final = runtime
        self.kernel: Final[Kernel] = kernel
        self.out: Final = out.layout
        self.nbytes: Final = out.layout.numel * out.layout.dtype.itemsize
        self.block: Final = size_class(self.nbytes)
        self.target: Final = None if target.layout is out.layout else target.layout
        self.views: Final = [each.layout for each in views]

    def run(self, inputs: Sequence[Array], scalars: Sequence[Any] = NO_SCALARS) -> Array:
        """Launch on Arrays of the layouts that the plan was made for."""
        out = Array(self.runtime.take(self.nbytes, self.block), self.out)
        target = out if self.target is None else Array(out.storage, self.target, 0)
        views = [
            each if each.layout is layout else Array(each.storage, layout, each.offset)
            for each, layout in zip(inputs, self.views, strict=True)
        ]
        call(self.runtime, self.kernel, [target], views, scalars)
        return out


INDEX: Final = int64
