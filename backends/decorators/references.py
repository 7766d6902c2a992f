"""What the reference gives for one call of a kernel, from the values that the device had: a goal for every output.

A family is the kernel of the device ``numpy`` for the same key.  A composite is the composite itself, run on ``numpy``:
its decomposition there, or NumPy's own library.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any, Final, NamedTuple

import numpy as np

from hotplug.array import Array
from hotplug.backend import FAMILIES, Capabilities, OpKey
from hotplug.backends.decorators.bounds import Bounded, NDArray, evaluate
from hotplug.backends.numpy import families
from hotplug.conformance.compare import spacing
from hotplug.conformance.tolerance import ELEMENT, GRADIENT, TABLE, TENSOR, TERMS, Tolerance, tolerance_of
from hotplug.declare.primitive import Composite, tensors_in
from hotplug.declare.table import OPS
from hotplug.dtypes import complex64, complex128, dtype, float64
from hotplug.host import from_host, to_host
from hotplug.runtime import runtime_of
from hotplug.tensor import Tensor, wrap

REFERENCE: Final = "numpy"
_OF_LIST: Final = "_of_list"

NOT_UNIQUE: Final[dict[str, tuple[int, ...]]] = {
    "hermitian_eigen": (1,), "general_eigen": (0, 1), "singular_factors": (0, 2), "qr_factors": (0, 1),
    "reflections": (0, 1),
}  # fmt: skip
"""Outputs of composites that have many right answers (signs and order of vectors): these are not compared."""


class Call(NamedTuple):
    """One call of a kernel, on the host."""

    key: OpKey
    op: str
    """The public op, or the backward node."""
    before: Sequence[NDArray]
    """The outputs before the call, where they come pre-filled (scatter); else none."""
    inputs: Sequence[NDArray]
    scalars: Sequence[Any]
    shapes: Sequence[tuple[int, ...]]
    """Of the outputs."""
    can: Capabilities
    """Of the device."""
    composite: tuple[Composite[..., Any], Sequence[Any]] | None = None
    """The composite that is running and its arguments."""


def goals(call: Call) -> list[Bounded | None] | None:
    """What each output must be; ``None`` for one that has many right answers, and for a call of unknown meaning."""
    if call.key.name in FAMILIES:
        return [*_FAMILIES[call.key.name](call)]
    with np.errstate(all="ignore"):
        if call.composite is not None:
            return _composite(call)
        update = _update(call.key.name)
        return None if update is None else [*_steps(call, update)]


# --- families ---


def _outputs(call: Call) -> list[NDArray]:
    return [np.zeros(shape, kind.numpy) for shape, kind in zip(call.shapes, call.key.dtypes, strict=False)]


def _plain(call: Call, inputs: Sequence[NDArray] | None = None, before: Sequence[NDArray] = ()) -> list[NDArray]:
    """The reference's kernel for the key."""
    outs = [each.copy() for each in before] or _outputs(call)
    with np.errstate(all="ignore"):
        families.FAMILIES[call.key.name](call.key)(outs, call.inputs if inputs is None else inputs, call.scalars)
    return outs


def _exact(call: Call) -> list[Bounded]:
    return [Bounded(each, signs=True) for each in _plain(call, before=call.before)]


def _map(call: Call) -> list[Bounded]:
    found = evaluate(call.key.program, call.inputs, call.scalars, call.shapes[0], call.can)
    return [
        Bounded(np.broadcast_to(each.value, shape), each.error, root.op == "input")
        for each, shape, root in zip(found, call.shapes, call.key.program, strict=True)
    ]


def _reduce(call: Call) -> list[Bounded]:
    """Of the program's value, which may itself be off; sums also by the order of their terms."""
    key, shape = call.key, call.inputs[0].shape
    terms, error, _ = evaluate(key.program, call.inputs, call.scalars, shape, call.can)[0]
    axes = tuple(range(len(shape) - key.axis, len(shape)))
    (out,) = _plain(call)
    off = np.broadcast_to(np.asarray(error, np.float64), shape)
    if key.mode not in ("sum", "prod"):
        if key.mode in ("any", "all"):
            return [Bounded(out, np.where(off.max(axes) > 0, np.inf, 0.0))]
        return [Bounded(out, off.max(axes))]
    if key.dtypes[0].kind != "f":
        return [Bounded(out, np.where(off.max(axes) > 0, np.inf, 0.0))]
    sizes = np.abs(np.broadcast_to(terms, shape).astype(np.float64))
    with np.errstate(all="ignore"):
        if key.mode == "sum":
            inherited, total = off.sum(axes), sizes.sum(axes)
        else:
            total = np.abs(out.astype(np.float64)) * max(1.0, math.prod(shape[len(shape) - key.axis :]) / 8)
            relative = np.where(off > 0, off / np.where(sizes > 0, sizes, 1.0), 0.0)
            inherited = total * relative.sum(axes)
    return [Bounded(out, inherited + _summed(call, out, total))]


def _summed(call: Call, out: NDArray, total: NDArray) -> NDArray:
    """What the table allows for a sum (or product) whose terms' magnitudes add up to ``total``.

    It is computed in float32 at least, and rounded once to a half type.
    """
    kind = call.key.dtypes[0]
    allowed = tolerance_of({"matmul": "matmul", "scatter": "scatter_add"}.get(call.key.name, call.key.mode))
    with np.errstate(all="ignore"):
        finite = np.isfinite(total)
        off = allowed.wide * spacing(np.where(finite, total, 0.0), kind.compute)
        if kind.itemsize == 2:
            wide = np.abs(out.astype(np.float64))
            off = off + allowed.half * spacing(np.where(np.isfinite(wide), wide, 0.0), kind)
        overflows = finite & (total > float(np.finfo(kind.compute.numpy).max))
    return np.where(finite, np.where(overflows, np.inf, off), 0.0)


def _scan(call: Call) -> list[Bounded]:
    """A running sum or product is off as a whole one is."""
    (out,) = _plain(call)
    if call.key.mode not in ("sum", "prod") or call.key.dtypes[0].kind != "f":
        return [Bounded(out)]
    with np.errstate(all="ignore"):
        if call.key.mode == "sum":
            total = np.cumsum(np.abs(call.inputs[0].astype(np.float64)), -1)
        else:
            total = np.abs(out.astype(np.float64)) * np.maximum(1.0, np.arange(out.shape[-1]) / 8)
    return [Bounded(out, _summed(call, out, total))]


def _scatter(call: Call) -> list[Bounded]:
    """Equal positions: the last one counts for ``set``; sums and products may be taken in any order, as atomics do."""
    (out,) = _plain(call, before=call.before)
    mode = call.key.mode
    if mode not in ("add", "mul") or call.key.dtypes[0].kind != "f":
        return [Bounded(out)]
    index, source = call.inputs
    with np.errstate(all="ignore"):
        if mode == "add":
            wide = [np.abs(each.astype(np.float64)) for each in (call.before[0], source)]
            total = _scattered(call, wide[0], index, wide[1])
        else:
            many = _scattered(call, np.zeros(out.shape), index, np.ones(source.shape))
            total = np.where(many > 0, np.abs(out.astype(np.float64)) * np.maximum(1.0, many / 8), 0.0)
            return [Bounded(out, np.where(many > 0, _summed(call, out, total), 0.0))]
    touched = _scattered(call, np.zeros(out.shape), index, np.ones(source.shape)) > 0
    return [Bounded(out, np.where(touched, _summed(call, out, total), 0.0))]


def _scattered(call: Call, start: NDArray, index: NDArray, source: NDArray) -> NDArray:
    """A sum in float64 at the same positions."""
    kinds = (float64, call.key.dtypes[1], float64)
    families.scatter(call.key._replace(mode="add", dtypes=kinds))([start], [index, source], ())
    return start


def _matmul(call: Call) -> list[Bounded]:
    """Sums of products, of any order, contracted or not; errors of many terms grow with the root of their number."""
    (out,) = _plain(call)
    if call.key.dtypes[0].kind != "f":
        return [Bounded(out)]
    left, right = (np.abs(each.astype(np.float64)) for each in call.inputs)
    with np.errstate(all="ignore"):
        total = np.matmul(left, right) * max(1.0, (left.shape[-1] / 256) ** 0.5)
    return [Bounded(out, _summed(call, out, total))]


_FAMILIES: Final[dict[str, Callable[[Call], list[Bounded]]]] = {
    "map": _map, "reduce": _reduce, "argreduce": _exact, "scan": _scan, "gather": _exact, "scatter": _scatter,
    "matmul": _matmul,
}  # fmt: skip


# --- optimizers' steps over lists ---


def _update(name: str) -> Any:
    """The optimizer's update of one parameter that a kernel over lists is made of."""
    single = name.removesuffix(_OF_LIST)
    if single == name:
        return None
    found = (each.function for each in OPS.values() if each.kind == "elementwise" and each.name == single)
    return next(found, None)


def _steps(call: Call, update: Any) -> list[Bounded]:
    """One parameter after the other, each as the map that its update is."""
    from hotplug.optim._step import Step

    width = (len(call.key.dtypes) + 1) // 2
    numbers = len(call.scalars) * width // max(1, len(call.inputs))
    flags: dict[str, Any] = dict(call.key.attributes)
    step = Step(update)
    found: list[Bounded] = []
    for position, start in enumerate(range(0, len(call.inputs), width)):
        mine = call.inputs[start : start + width]
        given = call.scalars[position * numbers : (position + 1) * numbers]
        arrays = [on_reference(each, kind) for each, kind in zip(mine, call.key.dtypes[width - 1 :], strict=True)]
        program = step._build(arrays, width - 1, given, flags)
        found += evaluate(program, mine, given, mine[0].shape, call.can)
    return found


# --- composites ---


def running_composite(name: str) -> tuple[Composite[..., Any], Sequence[Any]] | None:
    """The composite whose kernel is being called, and its arguments: from the Python stack, which alone has them all."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        owner = frame.f_locals.get("self") if frame.f_code is Composite._override.__code__ else None
        if owner is not None and owner.name == name:
            return owner, frame.f_locals["args"]
        frame = frame.f_back
    return None


def on_reference(values: NDArray, kind: dtype) -> Array:
    """Host values as an Array of the reference."""
    return from_host(runtime_of(REFERENCE), values, kind)


def _composite(call: Call) -> list[Bounded | None]:
    """The composite on the reference: in float64, and in the device's dtypes to see what rounding does to it."""
    assert call.composite is not None
    op, args = call.composite
    same = _run(op, args, call.inputs, widen=False)
    repeats = any(name == "stream" and arg is not None for name, arg in zip(op.parameters, args, strict=False))
    wide = same if repeats else _run(op, args, call.inputs, widen=True)  # random bits depend on the dtype
    allowed = _tolerance(call)
    length = _longest_sum(call) if allowed.scale != ELEMENT else 1.0
    terms = max((_largest(each) for each in call.inputs), default=0.0) if allowed.scale == TERMS else 0.0
    skipped = NOT_UNIQUE.get(call.key.name, ())
    return [
        None if position in skipped or like.shape != tuple(shape) else _bounded(goal, like, kind, allowed, terms, length)
        for position, (goal, like, kind, shape) in enumerate(
            zip(wide, same, call.key.dtypes, call.shapes, strict=False)
        )
    ]  # fmt: skip


def _run(
    op: Composite[..., Any], args: Sequence[Any], values: Sequence[NDArray], widen: bool
) -> list[NDArray]:  # fmt: skip
    moved = {id(tensor): value for tensor, value in zip(tensors_in(args), values, strict=True)}

    def place(arg: Any) -> Any:
        if isinstance(arg, Tensor):
            kind = arg.dtype
            if widen and kind.kind in "fc":
                kind = complex128 if kind is complex64 or kind is complex128 else float64
            return wrap(on_reference(moved[id(arg)].astype(kind.numpy), kind))
        return type(arg)(map(place, arg)) if type(arg) in (list, tuple) else arg

    placed = [place(arg) for arg in args]
    outcome = op._compute(placed, tensors_in(placed))
    results = [outcome] if isinstance(outcome, Tensor) else list(outcome)
    return [to_host(each._array, op.name) for each in results]


def _tolerance(call: Call) -> Tolerance:
    """The table's entry: of the composite, else of the op that it is part of; gradients have one of their own."""
    if "backward" in call.key.name or call.op.endswith("Backward"):
        return GRADIENT
    return TABLE.get(call.key.name) or tolerance_of(call.op)


def _longest_sum(call: Call) -> float:
    """How much longer the sums of a product-like composite are than those of the table, as the root of their length."""
    sizes = sorted((each.size for each in call.inputs), reverse=True)[:2]
    most = max((math.prod(shape) for shape in call.shapes), default=1)
    length = math.sqrt(math.prod(sizes) / max(1, most)) if len(sizes) == 2 else sum(sizes) / max(1, most)
    return max(1.0, math.sqrt(length / 16))


def _largest(values: NDArray) -> float:
    if values.dtype.kind not in "fcV" or not values.size:
        return 0.0
    size = np.abs(values.astype(np.complex128 if values.dtype.kind == "c" else np.float64))
    return float(np.max(size, where=np.isfinite(size), initial=0.0))


def _bounded(
    goal: NDArray, like: NDArray, kind: dtype, allowed: Tolerance, terms: float, length: float
) -> Bounded:  # fmt: skip
    """The goal, and what is allowed: by the table, or four times what the reference is off in the device's own dtype."""
    if kind.kind not in "fc":
        return Bounded(goal.astype(kind.numpy), np.where(goal.astype(kind.numpy) == like, 0.0, np.inf))
    wide = goal.dtype if goal.dtype.kind == "c" else np.dtype(np.float64)
    narrow = like.astype(wide)
    size = np.abs(goal.astype(wide))
    size = np.where(np.isfinite(size), size, 0.0)
    if allowed.scale in (TENSOR, TERMS):
        size = np.full_like(size, max(float(size.max(initial=0.0)), terms))
    real = kind.real
    limit = allowed.half if real.itemsize == 2 else max(allowed.wide, allowed.complex if kind.kind == "c" else 0)
    off = np.abs(narrow - goal)
    rounding = float(np.max(off, where=np.isfinite(off), initial=0.0)) if allowed.scale != ELEMENT else off
    error = limit * length * spacing(size, real) + 4 * np.where(np.isfinite(off), rounding, 0.0)
    unsure = np.isfinite(narrow) != np.isfinite(goal)
    return Bounded(goal.astype(wide), np.where(unsure, np.inf, np.where(np.isfinite(goal), error, 0.0)))
