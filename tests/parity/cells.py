"""One cell of the matrix: an op in one form, dtype and layout on one sample, run by Hotplug and by PyTorch, compared."""

from __future__ import annotations

import functools
import os
import re
import sys
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from types import ModuleType
from typing import Any, Final, NamedTuple
from unittest import mock

import hotplug as hp
from hotplug.conformance import oracle, place
from hotplug.conformance.case import CaseFailedError
from hotplug.conformance.compare import check
from hotplug.conformance.draw import Draw, Operand, Sample
from hotplug.conformance.samples import recipe_of, samples_of
from hotplug.conformance.tolerance import GRADIENT, tolerance_of
from hotplug.declare import OPS
from hotplug.dtypes import by_name
from hotplug.errors import HotplugError

DEVICE: Final = os.environ.get("HOTPLUG_PARITY_DEVICE", "numpy")
"""Where Hotplug computes.  The conformance suite ties the other devices to this one."""

LAYOUTS: Final = ("contiguous", "transposed", "sliced", "expanded", "0-d", "empty")
FORMS: Final = ("function", "method", "in-place", "out")
DIFFERENTIATED: Final = ("float32", "float64", "complex64", "complex128")

AGREES: Final = "agrees"
"""Equal results, or errors of one kind."""
WIDER: Final = "wider"
"""Hotplug computes where PyTorch's CPU kernels say that the dtype is not implemented."""

_LACKS = re.compile(
    r"not (yet )?(implemented|supported|support|available) (for|on)|not implemented|[Uu]nsupported (data|d|input )type"
    r"|does not support automatic differentiation|Expected a floating point or complex tensor"
)
"""What PyTorch says where a kernel lacks a dtype, in whatever kind of error."""


class Cell(NamedTuple):
    """The coordinates; ``sample`` counts the keywords and shapes that the conformance samples try."""

    op: str
    form: str
    dtype: str
    layout: str
    sample: int

    def __str__(self) -> str:
        return f"{self.op}/{self.form}/{self.dtype}/{self.layout}/{self.sample}"


class Run(NamedTuple):
    """What one library made of a cell: the outputs, and the gradients of the leaves that have one; or an error."""

    outputs: Sequence[Any] = ()
    gradients: Sequence[Any] = ()
    error: Exception | None = None


def sample_of(cell: Cell) -> Sample:
    """The arguments; for the layouts ``0-d`` and ``empty``, with every tensor cut down."""
    sample = samples_of(cell.op, by_name(cell.dtype).kind)[cell.sample]
    if cell.layout in ("0-d", "empty"):
        cut = Sample(*_cut(sample.args, cell.layout), **dict(zip(sample.kwargs, _cut([*sample.kwargs.values()],
                     cell.layout), strict=True)))  # fmt: skip
        cut.gradient = sample.gradient
        return cut
    return sample


def _cut(values: Sequence[Any], layout: str) -> list[Any]:
    made: list[Any] = []
    for value in values:
        if isinstance(value, Operand):
            flat = value.values.reshape(-1)[:1]
            shown = value.values[:0] if value.values.ndim else flat[:0]
            made.append(replace(value, values=flat.reshape(()) if layout == "0-d" and flat.size else shown))
        elif isinstance(value, (list, tuple)) and any(isinstance(each, Operand) for each in value):
            made.append(type(value)(_cut(value, layout)))
        else:
            made.append(value)
    return made


def compare(torch: ModuleType, cell: Cell) -> str:
    """:data:`AGREES`, :data:`WIDER`, or how the two differ."""
    sample = sample_of(cell)
    theirs = run_theirs(torch, cell, sample)
    ours = run_ours(cell, sample)
    if theirs.error is not None or ours.error is not None:
        return errors(ours.error, theirs.error)
    try:
        _compare_outputs(torch, cell, sample, ours, theirs)
    except CaseFailedError as error:
        return str(error)
    return AGREES


def errors(ours: Exception | None, theirs: Exception | None) -> str:
    if theirs is None:
        return f"Hotplug raises {type(ours).__name__}: {ours}"
    lacks = isinstance(theirs, NotImplementedError) or _LACKS.search(str(theirs)) is not None
    if ours is None:
        return WIDER if lacks else f"only PyTorch raises {type(theirs).__name__}: {first_line(theirs)}"
    if not isinstance(ours, (HotplugError, TypeError)):
        return f"Hotplug raises {type(ours).__name__} ({ours}), which is none of its own errors"
    kind = next(
        each for each in type(theirs).__mro__ if each.__module__ == "builtins"
    )  # of torch.linalg.LinAlgError too
    if isinstance(ours, kind) or lacks:
        return AGREES
    return f"Hotplug raises {type(ours).__name__} ({ours}), PyTorch {type(theirs).__name__} ({first_line(theirs)})"


def first_line(error: Exception) -> str:
    """PyTorch appends stack traces."""
    return str(error).partition("\n")[0][:160]


def run_theirs(torch: ModuleType, cell: Cell, sample: Sample, wide: bool = False) -> Run:
    """The cell by PyTorch; ``wide`` in float64."""
    layout = "contiguous" if cell.layout in ("0-d", "empty") else cell.layout
    wanted = _differentiates(cell, sample)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        given = oracle.Arguments(torch, sample, cell.dtype, layout, wider=place.WIDER if wide else None, grad=wanted,
                                 writes=_writes(cell))  # fmt: skip
        function = oracle.function_of(torch, cell.op)
        return _run(torch, cell, function, given, torch.Tensor, lambda like, at: _their_weight(torch, cell, like, at))


def run_ours(cell: Cell, sample: Sample) -> Run:
    """The cell by Hotplug."""
    layout = "contiguous" if cell.layout in ("0-d", "empty") else cell.layout
    wanted = _differentiates(cell, sample)
    given = place.Placed(sample, DEVICE, by_name(cell.dtype), layout, grad=wanted, writes=_writes(cell))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _run(hp, cell, OPS[cell.op].function, given, hp.Tensor, lambda like, at: _our_weight(cell, like, at))


def _writes(cell: Cell) -> bool:
    return cell.form == "in-place" or cell.op.endswith("_")


def _differentiates(cell: Cell, sample: Sample) -> bool:
    recipe = recipe_of(cell.op)
    return bool(recipe and recipe.gradient and sample.gradient and cell.dtype in DIFFERENTIATED and cell.form != "out")


def _run(
    library: Any, cell: Cell, function: Callable[..., Any], given: Any, tensor: type, weight: Callable[[Any, int], Any]
) -> Run:
    try:
        found = _shown(library, cell, given, _call(library, cell, function, given))
        grads: Sequence[Any] = ()
        targets = [each for each in found if isinstance(each, tensor) and each.requires_grad]  # type: ignore[attr-defined]
        if targets and given.leaves:
            weights = [weight(each, at) for at, each in enumerate(targets)]
            grads = library.autograd.grad(targets, given.leaves, weights, allow_unused=True)
    except Exception as error:  # whatever it is, it is compared
        return Run(error=error)
    return Run(found, [library.zeros_like(leaf) if each is None else each for each, leaf in zip(grads, given.leaves,
               strict=False)])  # fmt: skip


def _shown(library: Any, cell: Cell, given: Any, result: Any) -> list[Any]:
    """What is compared: the outputs, or what the recipe shows in place of those that aren't unique."""
    recipe = recipe_of(cell.op)
    if recipe is None or recipe.shown is None:
        return oracle.outputs(result)
    if library is hp:
        return oracle.outputs(recipe.compared(given.args, result))
    with mock.patch.object(sys.modules[recipe.shown.__module__], "ops", library):  # both have the ops that it names
        return oracle.outputs(recipe.compared(given.args, result))


def _call(library: Any, cell: Cell, function: Callable[..., Any], given: Any) -> Any:
    args, kwargs = given.args, given.kwargs
    name = oracle.ALIASES.get(OPS[cell.op].name, OPS[cell.op].name)
    if cell.form == "function":
        return function(*args, **kwargs)
    if cell.form == "out":
        return function(*args, **kwargs, out=library.empty(0, dtype=_out_dtype(library, cell), device=args[0].device))
    return getattr(args[0], f"{name}_" if cell.form == "in-place" else name)(*args[1:], **kwargs)


def _out_dtype(library: Any, cell: Cell) -> Any:
    """Of an output that is given: what is tested, so that the rules for casting a result are tested too."""
    return getattr(library, cell.dtype)


def _weights(cell: Cell, kind: str, shape: Sequence[int], at: int) -> Any:
    return Draw(f"{cell.op}/weight{cell.sample * 16 + at}", kind)(*shape, low=0.5, high=1.5).values


def _their_weight(torch: ModuleType, cell: Cell, like: Any, at: int) -> Any:
    drawn = _weights(cell, "c" if like.is_complex() else "f", like.shape, at)
    return oracle.from_host(torch, drawn).to(like.dtype)


def _our_weight(cell: Cell, like: Any, at: int) -> Any:
    drawn = _weights(cell, like.dtype.kind, like.shape, at)
    return place.tensor(str(like.device), drawn, like.dtype)


def _compare_outputs(torch: ModuleType, cell: Cell, sample: Sample, ours: Run, theirs: Run) -> None:
    if len(ours.outputs) != len(theirs.outputs):
        raise CaseFailedError(f"{len(ours.outputs)} outputs, PyTorch has {len(theirs.outputs)}")
    wider = _Wider(torch, cell, sample)
    for at, (a, b) in enumerate(zip(ours.outputs, theirs.outputs, strict=True)):
        _compare_one(torch, cell, a, b, f"output {at}", sample.largest(), functools.partial(wider.output, at))
        if isinstance(a, hp.Tensor) and a.requires_grad != b.requires_grad:
            raise CaseFailedError(f"output {at}: requires_grad is {a.requires_grad}, PyTorch has {b.requires_grad}")
    narrow = max(
        (hp.finfo(a.dtype).eps for a in ours.outputs if isinstance(a, hp.Tensor) and a.requires_grad), default=0
    )
    for at, (a, b) in enumerate(zip(ours.gradients, theirs.gradients, strict=True)):
        scale = max(1.0, narrow / hp.finfo(a.dtype).eps)  # a float64 leaf of a float32 result has float32 digits
        _compare_one(torch, cell, a, b, f"gradient {at}", 0.0, functools.partial(wider.gradient, at), scale)


class _Wider:
    """PyTorch's result in wider floats, made where its own rounding might be what differs."""

    def __init__(self, torch: ModuleType, cell: Cell, sample: Sample) -> None:
        self._arguments = (torch, cell, sample, True)
        self._found: Run | None = None

    def output(self, at: int) -> Any:
        return self._run().outputs[at]

    def gradient(self, at: int) -> Any:
        return self._run().gradients[at]

    def _run(self) -> Run:
        if self._found is None:
            self._found = run_theirs(*self._arguments)
        if self._found.error is not None:
            raise CaseFailedError(f"values differ, and in wider floats PyTorch raises {self._found.error}")
        return self._found


def _compare_one(
    torch: ModuleType, cell: Cell, ours: Any, theirs: Any, what: str, terms: float, wide: Callable[[], Any],
    scale: float = 1.0,
) -> None:  # fmt: skip
    if not isinstance(theirs, torch.Tensor):
        named = isinstance(theirs, torch.dtype)
        if str(ours).rpartition(".")[2] != str(theirs).rpartition(".")[2] if named else ours != theirs:
            raise CaseFailedError(f"{what}: {ours!r}, PyTorch has {theirs!r}")
        return
    if not isinstance(ours, hp.Tensor):
        raise CaseFailedError(f"{what}: {ours!r}, PyTorch has a tensor")
    expected = str(theirs.dtype).partition(".")[2]
    if ours.dtype.name != expected:
        raise CaseFailedError(f"{what}: dtype {ours.dtype.name}, PyTorch has {expected}")
    found, goal = place.host_values(ours), oracle.host_values(torch, theirs)
    allowed = GRADIENT if what.startswith("gradient") else tolerance_of(cell.op)
    allowed = allowed._replace(wide=allowed.wide * scale, complex=allowed.complex * scale)
    try:
        check(found, goal, ours.dtype, allowed, what, terms)
    except CaseFailedError:
        if found.shape != goal.shape or ours.dtype.kind not in "fc":
            raise
        check(found, oracle.host_values(torch, wide()), ours.dtype, allowed, what, terms)
