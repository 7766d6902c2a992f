"""``@primitive``, ``@view`` and ``@composite``: ops with a gradient written under them, in differentiable ops.

A gradient rule names what it reads: ``grad`` (of the first output), ``out``, the op's parameters, and for a tensor
parameter ``x`` also ``x_shape`` and the other :data:`FACTS`, which keep no memory.  Only what the rules of the inputs
that need a gradient read is saved.  A rule that reads ``grads`` gets those of all outputs, ``None`` for one that nothing
came to: it treats every output as differentiable, so that what it reads of them has its history in second order.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, Final, Generic, NamedTuple, ParamSpec, TypeVar, cast, final

from hotplug.array import Array
from hotplug.autograd.graph import Edge, Meta, Node, Saved, history, mark_inference, released
from hotplug.autograd.mode import MODE
from hotplug.autograd.views import mark_view
from hotplug.backend.contract import Kernel, OpKey
from hotplug.dispatch import call, layout_class, needs_index64
from hotplug.dtypes import dtype
from hotplug.errors import DeviceMismatchError
from hotplug.layout import Layout, Shape, layout_of
from hotplug.runtime import Runtime
from hotplug.tensor import Tensor, wrap

P = ParamSpec("P")
R = TypeVar("R")
OutputRule = Callable[..., Sequence[tuple[Shape, dtype]]]


FACTS: Final[dict[str, Callable[[Tensor], Any]]] = {
    "shape": lambda tensor: tensor._array.layout.shape,
    "dtype": lambda tensor: tensor._array.layout.dtype,
    "device": lambda tensor: tensor.device,
    "layout": lambda tensor: tensor._array.layout,
    "offset": lambda tensor: tensor._array.offset,
}
"""What a rule may read of a tensor without keeping its memory."""


class Rule(NamedTuple):
    """A gradient for one or several inputs."""

    inputs: tuple[str, ...]
    function: Callable[..., Any]
    reads: tuple[str, ...]


_SUFFIXES: Final = ("_over", "_along", "_layer")
"""Ends of the names of ops that have the name of a public function, which makes their arguments canonical."""


def parameters_of(function: Callable[..., Any]) -> tuple[str, ...]:
    """Names of the positional parameters; ``inspect.signature`` would cost a third of the import."""
    code = function.__code__
    return code.co_varnames[: code.co_argcount]


class Op(ABC):
    """An op below the public functions: canonical positional arguments, tensors or lists of tensors among them."""

    def __init__(self, body: Callable[..., Any], name: str) -> None:
        self.body: Final = body
        for suffix in _SUFFIXES:
            name = name.removesuffix(suffix)
        self.name: Final = name
        self.__doc__ = body.__doc__
        self.__wrapped__ = body
        self.parameters: Final = parameters_of(body)
        self.rules: Final[list[Rule]] = []
        self._records: Final[dict[Any, Record]] = {}

    @abstractmethod
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run and record."""

    def _positional(self, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        import inspect

        return tuple(inspect.signature(self.body).bind(*args, **kwargs).args)

    def gradient(self, *inputs: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Declare the gradient of the named inputs; a rule for several returns a tuple."""

        def declare(function: Callable[..., Any]) -> Callable[..., Any]:
            self.rules.append(Rule(inputs, function, parameters_of(function)))
            self._records.clear()
            return function

        return declare

    def _record(self, args: Sequence[Any], results: Sequence[Tensor], floating: Callable[[Tensor], bool]) -> None:
        edges = [history(tensor) for tensor in tensors_in(args)]
        if any(edge is not None for edge in edges) and any(floating(result) for result in results):
            node = OpNode(self, args, edges, [result._array for result in results])
            for index, result in enumerate(results):
                if floating(result):
                    view = result._meta.view if result._meta is not None else None
                    result._meta = Meta(True, node, index)
                    result._meta.view = view

    def __repr__(self) -> str:
        return f"<op {self.name}>"

    def record(self, args: Sequence[Any], edges: Sequence[Edge | None], outs: Sequence[Array]) -> Record:
        """What a node of the tape keeps of a call, found once for each pattern of inputs that need a gradient."""
        pattern = (
            tuple([each.layout.dtype for each in outs]),
            tuple([edge is not None for edge in edges]),
            tuple([_count(arg) for arg in args]),
        )
        found = self._records.get(pattern)
        if found is None:
            found = self._records[pattern] = record_of(self, *pattern)
        return found


class Record(NamedTuple):
    """What a node keeps of its op's call."""

    layout: list[tuple[str, int]]
    """By argument, its name and the number of tensors in it."""
    needed: set[str]
    """The arguments that need a gradient."""
    recomputes: bool
    """Whether a rule reads a floating output beside the first whose gradient no rule reads: under create_graph its
    history matters."""
    kept: tuple[int, ...]
    """Positions of the arguments that are saved."""
    facts: tuple[tuple[int, str, Callable[[Tensor], Any]], ...]
    """Positions of those of which a fact is saved, the fact's label, and how it is read."""
    results: tuple[tuple[int, str], ...]
    """Positions and labels of the outputs that are saved."""


def record_of(op: Op, outs: Sequence[dtype], wanted: Sequence[bool], counts: Sequence[int]) -> Record:
    """The record of an op for a pattern of outputs' dtypes, tensors that need a gradient, and tensors by argument."""
    layout = list(zip(op.parameters, counts, strict=False))
    needed, position = set(), 0
    for name, count in layout:
        if any(wanted[position : position + count]):
            needed.add(name)
        position += count
    reads = {name for rule in op.rules if needed.intersection(rule.inputs) for name in rule.reads}
    labels = ["out" if at == 0 else f"out{at}" for at in range(len(outs))]
    recomputes = "grads" not in reads and any(
        label in reads and kind.kind in "fc" for label, kind in zip(labels[1:], outs[1:], strict=True)
    )
    if recomputes:
        reads |= set(op.parameters)
    names = [name for name, _ in layout]
    facts = [(at, f"{name}_{fact}", read) for at, name in enumerate(names) for fact, read in FACTS.items()]
    return Record(
        layout, needed, recomputes,
        tuple(at for at, name in enumerate(names) if name in reads),
        tuple(each for each in facts if each[1] in reads),
        tuple((at, label) for at, label in enumerate(labels) if label in reads),
    )  # fmt: skip


def _differentiable(result: Tensor) -> bool:
    return result._array.dtype.kind in "fc"


def tensors_in(args: Sequence[Any]) -> list[Tensor]:
    """The tensors among arguments, one level of lists deep."""
    found = []
    for arg in args:
        if isinstance(arg, Tensor):
            found.append(arg)
        elif isinstance(arg, (list, tuple)):
            found += [each for each in arg if isinstance(each, Tensor)]
    return found


def check_devices(op: str, args: Sequence[Any]) -> None:
    """All tensors must live on one device.

    Raises:
        DeviceMismatchError: they do not.
    """
    _on_one_device(op, tensors_in(args))


def _on_one_device(op: str, tensors: Sequence[Tensor]) -> None:
    first: Tensor | None = None
    for tensor in tensors:
        if first is None:
            first = tensor
        elif tensor._array.storage.runtime is not first._array.storage.runtime:
            raise DeviceMismatchError(
                f"{op}: expected all tensors on one device, got '{first.device}' and '{tensor.device}'; "
                f"move one with .to('{first.device}')"
            )


@final
class Primitive(Op):
    """An op whose body works on Arrays, through the families of the contract; a view op's result shares memory."""

    def __init__(self, body: Callable[..., Array], name: str, is_view: bool) -> None:
        super().__init__(body, name)
        self.is_view: Final = is_view

    def __call__(self, *args: Any, **kwargs: Any) -> Tensor:
        if kwargs:
            args = self._positional(args, kwargs)
        given: list[Any] = []
        runtime, taped = None, False
        for arg in args:
            if isinstance(arg, Tensor):
                array = arg._array
                given.append(array)
                taped = taped or arg._meta is not None
                if runtime is None:
                    runtime = array.storage.runtime
                elif runtime is not array.storage.runtime:
                    check_devices(self.name, args)
            elif isinstance(arg, (list, tuple)) and arg and isinstance(arg[0], Tensor):
                check_devices(self.name, args)
                given.append([each._array for each in arg])
                taped = taped or any(each._meta is not None for each in arg)
            else:
                given.append(arg)
        result = wrap(self.body(*given))
        if self.is_view:
            mark_view(result, tensors_in(args)[0])
        if MODE.grad:
            if taped:
                self._record(args, [result], _differentiable)
        elif MODE.inference:
            mark_inference([result])
        return result


@final
class Composite(Op, Generic[P, R]):
    """An op whose body is a decomposition into other ops, on Tensors; a backend may have a kernel of its own.

    With gradient rules it is one node of the tape; without, its parts are recorded.
    """

    def __init__(self, body: Callable[P, R], name: str, outputs: OutputRule | None) -> None:
        super().__init__(body, name)
        self.outputs: Final = outputs
        self._many: Final = str(body.__annotations__.get("return", "")).startswith("tuple")
        """Whether the body returns a tuple, which may hold one tensor only."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        return cast(R, self._run(self._positional(args, kwargs) if kwargs else args))

    def has_kernel(self, *args: P.args, **kwargs: P.kwargs) -> bool:
        """Whether the device computes it for these arguments by a kernel of its own, and does not decompose it."""
        given = self._positional(args, kwargs) if kwargs else args
        return (
            self.outputs is not None
            and self._plan(given, [each._array for each in tensors_in(given)]).kernel is not None
        )

    def _run(self, args: Sequence[Any]) -> Any:
        tensors = tensors_in(args)
        _on_one_device(self.name, tensors)
        recorded = MODE.grad and any(history(tensor) is not None for tensor in tensors)
        if recorded and not self.rules:
            return self.body(*args)
        outcome = self._compute(args, tensors)
        results = [outcome] if isinstance(outcome, Tensor) else list(outcome)
        if recorded:
            self._record(args, results, _differentiable)
        elif MODE.inference:
            mark_inference(results)
        return outcome

    def _compute(self, args: Sequence[Any], tensors: Sequence[Tensor]) -> Any:
        found = self._override(args, tensors) if self.outputs is not None else None
        if found is not None:
            return found
        before, MODE.grad = MODE.grad, False
        try:
            outcome = self.body(*args)
        finally:
            MODE.grad = before
        if before:
            _own([outcome] if isinstance(outcome, Tensor) else outcome, args)
        return outcome

    def _plan(self, args: Sequence[Any], arrays: Sequence[Array]) -> CompositePlan:
        runtime = arrays[0].storage.runtime
        signature = (self, *[arg._array.layout if isinstance(arg, Tensor) else _signed(arg) for arg in args])
        plan: CompositePlan | None = runtime.plans.get(signature)
        if plan is None:
            plan = runtime.plans[signature] = self._prepare(runtime, args, arrays)
        return plan

    def _override(self, args: Sequence[Any], tensors: Sequence[Tensor]) -> Any:
        arrays = [tensor._array for tensor in tensors]
        runtime = arrays[0].storage.runtime
        plan = self._plan(args, arrays)
        if plan.kernel is None:
            return None
        outs = [runtime.empty(layout) for layout in plan.outs]
        call(runtime, plan.kernel, outs, arrays, plan.scalars)
        return wrap(outs[0]) if len(outs) == 1 and not self._many else tuple([wrap(out) for out in outs])

    def _prepare(self, runtime: Runtime, args: Sequence[Any], arrays: Sequence[Array]) -> CompositePlan:
        assert self.outputs is not None
        expected = self.outputs(*args)
        names = list(zip(self.parameters, args, strict=False))
        key = OpKey(
            name=self.name,
            dtypes=(*(kind for _, kind in expected), *(array.dtype for array in arrays)),
            rank=len(arrays[0].shape),
            layouts=("contiguous",) * len(expected) + tuple(layout_class(array.layout) for array in arrays),
            index64=needs_index64([array.layout for array in arrays]),
            attributes=tuple((name, value) for name, value in names if isinstance(value, (bool, str, type(None)))),
        )
        scalars = tuple(value for _, value in names if _is_numeric(value))
        outs = tuple(layout_of(kind, tuple(shape)) for shape, kind in expected)
        return CompositePlan(runtime.kernel(key), outs, scalars)


class CompositePlan(NamedTuple):
    """A composite prepared for arguments of given layouts and numbers."""

    kernel: Kernel | None
    """The backend's own; ``None``: decompose."""
    outs: tuple[Layout, ...]
    scalars: tuple[Any, ...]


def _signed(arg: Any) -> Any:
    """An argument that is no tensor as part of a plan's signature: True is not 1 there, nor 1 a 1.0."""
    if isinstance(arg, (list, tuple)):
        return tuple([each._array.layout if isinstance(each, Tensor) else _signed(each) for each in arg])
    return arg.__class__, arg


def _own(results: Sequence[Tensor], args: Sequence[Any]) -> None:
    """A result that is a view of something made inside the op is no view to its caller, who may write into it."""
    for result in results:
        if result._meta is not None and result._meta.view is not None:
            storage = result._array.storage
            if all(tensor._array.storage is not storage for tensor in tensors_in(args)):
                result._meta.view = None


def _is_numeric(value: Any) -> bool:
    """Whether an argument is a kernel's runtime scalar: a number, or a tuple of numbers."""
    if isinstance(value, tuple):
        return not any(isinstance(each, Tensor) for each in value)
    return isinstance(value, (int, float)) and not isinstance(value, bool)


@final
class OpNode(Node):
    """The record of a primitive or composite."""

    def __init__(self, op: Op, args: Sequence[Any], edges: Sequence[Edge | None], outs: Sequence[Array]) -> None:
        super().__init__(edges, len(outs))
        self._op = op
        self._layout, self._needed, self._recomputes, kept, facts, results = op.record(args, edges, outs)
        self._shapes = [out.layout for out in outs]
        values: dict[str, Any] = {op.parameters[at]: self._keep(args[at]) for at in kept}
        for at, label, read in facts:
            values[label] = read(args[at])
        for at, label in results:
            values[label] = Saved(None, outs[at], op.name, at)
        self._values: dict[str, Any] | None = values

    def name(self) -> str:
        return "".join(part.capitalize() for part in self._op.name.split("_")) + "Backward"

    def _active(self) -> list[Rule]:
        return [rule for rule in self._op.rules if self._needed.intersection(rule.inputs)]

    def _keep(self, arg: Any) -> Any:
        if isinstance(arg, Tensor):
            return Saved(arg, arg._array, self._op.name)
        if isinstance(arg, (list, tuple)) and arg and isinstance(arg[0], Tensor):
            return [Saved(each, each._array, self._op.name) for each in arg]
        return arg

    def _value(self, name: str) -> Any:
        assert self._values is not None
        value = self._values[name]
        if isinstance(value, Saved):
            return value.get(self)
        if isinstance(value, list) and value and isinstance(value[0], Saved):
            return [each.get(self) for each in value]
        return value

    def saved_storages(self) -> set[int]:
        found = set()
        for value in (self._values or {}).values():
            for each in value if isinstance(value, list) else [value]:
                if isinstance(each, Saved):
                    found.add(each.storage())
        return found

    def release(self) -> None:
        if self._values:
            self._values = None

    def apply(self, grads: list[Tensor | None]) -> Sequence[Tensor | None]:
        if self._values is None:
            raise released(self._op.name)
        if MODE.grad and isinstance(self._op, Composite) and self._recomputes:
            return self._through_body(grads)
        found: dict[str, Any] = {}
        for rule in self._active():
            given = rule.function(*[self._argument(name, grads) for name in rule.reads])
            found.update(zip(rule.inputs, given if len(rule.inputs) > 1 else (given,), strict=True))
        return self._align(found)

    def _argument(self, name: str, grads: Sequence[Tensor | None]) -> Any:
        if name == "grad":
            return self._grad(grads, 0)
        if name == "grads":
            return grads
        if name == "need":
            return self._needed
        return self._value(name)

    def _grad(self, grads: Sequence[Tensor | None], index: int) -> Tensor:
        from hotplug import ops

        grad = grads[index]
        if grad is not None:
            return grad
        like = next(each for each in grads if each is not None)
        layout = self._shapes[index]
        return ops.zeros(layout.shape, dtype=layout.dtype, device=like.device)

    def _align(self, found: dict[str, Any]) -> list[Tensor | None]:
        result: list[Tensor | None] = []
        for name, count in self._layout:
            value = found.get(name)
            if count == 1 and not isinstance(value, (list, tuple)):
                result.append(value)
            else:
                result.extend(value if value is not None else [None] * count)
        return result

    def _through_body(self, grads: Sequence[Tensor | None]) -> list[Tensor | None]:
        """The gradient of the decomposition itself, recorded: used for gradients of gradients."""
        from hotplug import autograd

        args = [self._value(name) for name, _ in self._layout]
        outcome = self._op.body(*args)
        results = [outcome] if isinstance(outcome, Tensor) else list(outcome)
        pairs = [(out, grad) for out, grad in zip(results, grads, strict=True) if grad is not None]
        tensors = [tensor for tensor, edge in zip(tensors_in(args), self.edges, strict=True) if edge is not None]
        given = iter(
            autograd.grad(
                [out for out, _ in pairs], tensors, [grad for _, grad in pairs], create_graph=True, allow_unused=True
            )
        )
        return [next(given) if edge is not None else None for edge in self.edges]


def _count(arg: Any) -> int:
    """How many edges an argument has."""
    return sum(1 for _ in tensors_in([arg]))


def primitive(body: Callable[..., Array]) -> Primitive:
    """Declare an op on Arrays."""
    return Primitive(body, body.__name__.strip("_"), False)


def view(body: Callable[..., Array]) -> Primitive:
    """Declare an op on Arrays whose result shares the memory of its first argument."""
    return Primitive(body, body.__name__.strip("_"), True)


def composite(*, outputs: OutputRule | None = None) -> Callable[[Callable[P, R]], Composite[P, R]]:
    """Declare a decomposition.

    Args:
        outputs: shapes and dtypes of the outputs from the arguments.  With it, a backend may have a kernel: it is
            resolved by a key of the op's name; tensors become the kernel's inputs, flags and names (bool, str, None)
            attributes of the key, numbers and tuples of numbers the kernel's scalars.
    """

    def declare(body: Callable[P, R]) -> Composite[P, R]:
        return Composite(body, body.__name__.strip("_"), outputs)

    return declare
