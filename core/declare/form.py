"""A form of an elementwise op: which parameters are literals, what its calls on given layouts are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, final

from hotplug import dispatch
from hotplug.array import Array
from hotplug.autograd.graph import Meta, history, mark_inference
from hotplug.autograd.mode import MODE
from hotplug.declare.primitive import parameters_of
from hotplug.declare.promotion import Operand, common_dtype, number_dtype, to_number
from hotplug.declare.rules import logical
from hotplug.declare.typed import Tape, Typed, TypedNode
from hotplug.dispatch import NO_SCALARS
from hotplug.dtypes import bool_, can_cast, dtype
from hotplug.errors import ArgumentTypeError, DTypeError, HotplugError
from hotplug.expr.node import Expr, cast, input_, scalar
from hotplug.layout import Layout, broadcast_shapes, layout_of
from hotplug.memory import size_class
from hotplug.runtime import Runtime
from hotplug.tensor import Tensor, wrap

if TYPE_CHECKING:
    from hotplug.declare.elementwise import Elementwise

_new = object.__new__


@final
class Call:
    """An op prepared for the layouts of its operands."""

    __slots__ = (
        "block", "differentiable", "direct", "layout", "layouts", "nbytes", "numbers", "plan", "taped", "tensors",
        "typed",
    )  # fmt: skip

    def __init__(self, typed: Typed, layouts: tuple[Layout, ...], plan: dispatch.MapPlan | None) -> None:
        self.typed: Final = typed
        self.layouts: Final = layouts
        self.plan: Final = plan
        self.layout: Final = layouts[0]
        self.nbytes: Final = layouts[0].numel * layouts[0].dtype.itemsize
        self.block: Final = size_class(self.nbytes)
        self.differentiable: Final = typed.differentiable
        self.tensors: tuple[int, ...] = ()
        self.numbers: tuple[tuple[int, dtype], ...] = ()
        self.taped: dict[tuple[bool, bool], Tape] = {}
        """For two tensors: the tape by which of them need a gradient."""
        self.direct: Any = None
        """The kernel, where it takes the operands as they are (no broadcasting, nothing to collapse)."""
        if plan is not None and len(layouts) == 1 and not plan.outer and not any((*plan.outs, *plan.inputs)):
            self.direct = plan.kernel


@final
class Form:
    """An op with some parameters fixed to literals; the others are operands: tensors or runtime scalars."""

    def __init__(self, op: Elementwise[...], fixed: dict[str, Any]) -> None:
        self.op: Final = op
        self.fixed: Final = fixed
        self.names: Final = [name for name in op.parameters if name not in fixed]
        self._typed: dict[tuple[Any, ...], Typed] = {}

    def typed(self, kinds: tuple[dtype | type, ...], promoted: dtype) -> Typed:
        """The op at these dtypes (of tensors) and types (of numbers)."""
        key = (kinds, promoted)
        if key not in self._typed:
            self._typed[key] = self._build(kinds, promoted)
        return self._typed[key]

    def _build(self, kinds: tuple[dtype | type, ...], promoted: dtype) -> Typed:
        op = self.op
        common = op.rule.convert(promoted)
        operands: dict[str, Any] = dict(self.fixed)
        inputs: list[dtype] = []
        numbers = 0
        for name, kind in zip(self.names, kinds, strict=True):
            goal = bool_ if name in op.boolean else common
            if isinstance(kind, dtype):
                operands[name] = cast(cast(input_(len(inputs), kind), goal), goal.compute)
                inputs.append(kind)
            else:
                operands[name] = scalar(numbers, goal.compute)
                numbers += 1
        result = op.body(**operands)
        roots = result if isinstance(result, tuple) else (result,)
        outs = [common if root.dtype is common.compute else root.dtype for root in roots]
        return Typed(op.name, inputs, roots, outs, self._hand_written(operands))

    def _hand_written(self, operands: dict[str, Any]) -> dict[int, Callable[..., Expr]]:
        """Hand-written derivatives, bound to the Exprs that they name."""
        tensors = [name for name in self.names if isinstance(operands[name], Expr) and _is_input(operands[name])]
        found: dict[int, Callable[..., Expr]] = {}
        for position, name in enumerate(tensors):
            rule = self.op.gradients.get(name)
            if rule is not None:
                reads = parameters_of(rule)

                def bound(grad: Expr, out: Expr, _: Expr, rule: Any = rule, reads: Any = reads) -> Expr:
                    known = {**operands, "grad": grad, "out": out}
                    return rule(*(known[each] for each in reads))  # type: ignore[no-any-return]

                found[position] = bound
        return found

    def run(self, args: Sequence[Any]) -> Any:
        """Look the call up by the operands' layouts, launch, record."""
        key: list[Any] = [self]
        runtime: Runtime | None = None
        for arg in args:
            if isinstance(arg, Tensor):
                array = arg._array
                key.append(array.layout)
                if runtime is None:
                    runtime = array.storage.runtime
                elif array.storage.runtime is not runtime:
                    return self.run(self.op.same_device(args))
            else:
                key.append(arg.__class__)
        if runtime is None:
            raise ArgumentTypeError(f"{self.op.name}: expected at least one tensor, got {_names(args)}")
        signature = tuple(key)
        call = runtime.plans.get(signature)
        if call is None:
            call = runtime.plans[signature] = self._prepare(runtime, signature[1:])
        return self._launch(runtime, call, args)

    def _launch(self, runtime: Runtime, call: Call, args: Sequence[Any]) -> Any:
        tensors = args if not call.numbers else [args[i] for i in call.tensors]
        scalars = tuple([to_number(self.op.name, args[i], to) for i, to in call.numbers]) if call.numbers else ()
        arrays = [tensor._array for tensor in tensors]
        if call.direct is not None:
            outs = [Array(runtime.take(call.nbytes, call.block), call.layout)]
            returned = None
            try:
                returned = call.direct(outs, arrays, scalars)
            except HotplugError:
                raise
            except Exception as error:
                raise dispatch.kernel_failed(runtime, error) from error
            if returned is not None:  # the hot path of the op doesn't look, but no op gets there before it was here
                raise dispatch.returned_something(runtime, returned)
            results = [wrap(outs[0])]
        else:
            outs = [runtime.empty(layout) for layout in call.layouts]
            if call.plan is not None:
                call.plan.run(outs, arrays, scalars)
            elif outs[0].numel:
                dispatch.map_(call.typed.program, outs, arrays, scalars)
            results = [wrap(out) for out in outs]
        if MODE.grad:
            for tensor in tensors:
                if tensor._meta is not None:
                    if call.typed.differentiable:
                        call.typed.record(tensors, scalars, results)
                    break
        elif MODE.inference:
            mark_inference(results)
        return results[0] if len(results) == 1 else tuple(results)

    def _prepare(self, runtime: Runtime, operands: tuple[Operand, ...]) -> Call:
        typed = self.typed_for(operands)
        layouts = [each for each in operands if isinstance(each, Layout)]
        shape = broadcast_shapes(self.op.name, *(each.shape for each in layouts))
        outs = tuple(layout_of(out, shape) for out in typed.outs)
        plan = None
        complexes = any(each.kind == "c" for each in (*typed.inputs, *typed.outs))
        if outs[0].numel and not runtime.capabilities.contiguous_only and not complexes:
            plan = dispatch.MapPlan(runtime, typed.program, outs, layouts, (-1,) * len(outs))
        call = Call(typed, outs, plan)
        call.tensors = tuple(i for i, each in enumerate(operands) if isinstance(each, Layout))
        call.numbers = tuple((i, self.goal(i, operands)) for i in range(len(operands)) if i not in call.tensors)
        return call

    def goal(self, position: int, operands: tuple[Operand, ...]) -> dtype:
        """The dtype in which a number takes part."""
        if self.names[position] in self.op.boolean:
            return bool_
        return self.op.rule.convert(self._promoted(operands)).compute

    def _promoted(self, operands: tuple[Operand, ...]) -> dtype:
        if self.op.rule is logical:
            return bool_
        apart = (*self.op.boolean, *self.op.weights)
        return common_dtype(o for name, o in zip(self.names, operands, strict=True) if name not in apart)

    def _check_weights(self, operands: tuple[Operand, ...], promoted: dtype) -> None:
        """PyTorch's rule for ``alpha``: of no higher category than the result, and bool only for bool."""
        for name, operand in zip(self.names, operands, strict=True):
            if name in self.op.weights:
                kind = operand.dtype if isinstance(operand, Layout) else number_dtype(operand)
                if not can_cast(kind, promoted) and not (promoted is bool_ and kind.kind == "i"):
                    raise DTypeError(
                        f"{self.op.name}: {name} must not be {kind.name} for a result of dtype {promoted.name}; "
                        f"convert one of them"
                    )
                if kind is bool_ and promoted is not bool_:
                    raise DTypeError(f"{self.op.name}: a bool {name} needs a bool result, not {promoted.name}")

    def typed_for(self, operands: tuple[Operand, ...]) -> Typed:
        """The Typed for operands; checks the dtypes.

        Raises:
            DTypeError: the op is not defined for them.
            ArgumentTypeError: a number where the op takes tensors only.
        """
        for name in self.op.tensors:
            given = operands[self.names.index(name)] if name in self.names else None
            if isinstance(given, type):
                raise ArgumentTypeError(
                    f"{self.op.name}(): argument '{name}' must be Tensor, not {given.__name__}; "
                    f"make it one, e.g. with full_like(input, value)"
                )
        promoted = self._promoted(operands)
        if promoted.kind not in self.op.rule.accepts:
            raise DTypeError(
                f"{self.op.name} is not defined for {promoted.name}: it takes {_kinds(self.op.rule.accepts)}; "
                f"convert with .to(dtype)"
            )
        if self.op.weights:
            self._check_weights(operands, promoted)
        kinds = tuple(each.dtype if isinstance(each, Layout) else each for each in operands)
        return self.typed(kinds, promoted)


def _is_input(node: Expr) -> bool:
    while node.op == "cast":
        node = node.args[0]
    return node.op == "input"


def _names(args: Sequence[Any]) -> str:
    return ", ".join(type(arg).__name__ for arg in args)


def _kinds(accepts: str) -> str:
    words = {"b": "bool", "u": "unsigned", "i": "signed integers", "f": "floating", "c": "complex"}
    return ", ".join(words[kind] for kind in accepts)


def record_pair(call: Call, left: Tensor, right: Tensor, result: Tensor) -> None:
    """``Typed.record`` for two operands and one output, with the tape looked up in the call."""
    edges = (
        None if left._meta is None else history(left),
        None if right._meta is None else history(right),
    )  # fmt: skip
    key = (edges[0] is not None, edges[1] is not None)
    tape = call.taped.get(key)
    if tape is None:
        if not any(key):
            return
        tape = call.taped[key] = call.typed.tape(edges, [left._array.layout, right._array.layout], call.layout)
    meta: Meta = _new(Meta)
    meta.node = TypedNode(tape, edges, (left, right), NO_SCALARS, (result,))
    result._meta = meta
