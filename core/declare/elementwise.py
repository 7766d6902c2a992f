"""``@elementwise``: an op declared as a function over scalars."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, Generic, NamedTuple, ParamSpec, final

import numpy as np

from hotplug import dispatch
from hotplug.array import Array
from hotplug.autograd.graph import Meta, history, mark_inference
from hotplug.autograd.mode import MODE
from hotplug.declare.primitive import parameters_of
from hotplug.declare.promotion import Operand, common_dtype, to_number
from hotplug.declare.table import Entry, register
from hotplug.declare.typed import Tape, Typed, TypedNode
from hotplug.dispatch import NO_SCALARS
from hotplug.dtypes import bool_, can_cast, dtype, get_default_dtype
from hotplug.errors import ArgumentTypeError, DeviceMismatchError, DTypeError, HotplugError, ShapeError
from hotplug.expr.node import Expr, cast, input_, scalar
from hotplug.layout import Layout, broadcast_shapes, layout_of
from hotplug.memory import size_class
from hotplug.runtime import Runtime
from hotplug.tensor import Tensor, wrap

if TYPE_CHECKING:
    import inspect

P = ParamSpec("P")


class Rule(NamedTuple):
    """How an elementwise op treats dtypes: the kinds that it accepts, and what it computes in."""

    name: str
    accepts: str
    convert: Callable[[dtype], dtype]


def _to_floating(promoted: dtype) -> dtype:
    return promoted if promoted.kind in "fc" else get_default_dtype()


numeric: Final = Rule("numeric", "buifc", lambda promoted: promoted)
"""Computes in the promoted dtype."""
real: Final = Rule("real", "buif", lambda promoted: promoted)
"""The same, for ops that have no meaning for complex numbers."""
floating: Final = Rule("floating", "buifc", _to_floating)
"""Computes in the promoted dtype; integers and bool become the default dtype."""
real_floating: Final = Rule("real_floating", "buif", _to_floating)
"""The same, without complex numbers."""
strictly_floating: Final = Rule("strictly_floating", "f", lambda promoted: promoted)
"""Only floating dtypes, as PyTorch's activations."""
integral: Final = Rule("integral", "bui", lambda promoted: promoted)
"""Bool and integers."""
logical: Final = Rule("logical", "buifc", lambda _: bool_)
"""Every operand is converted to bool on its own."""

_new = object.__new__


@final
class _Call:
    """An op prepared for the layouts of its operands."""

    __slots__ = (
        "block", "differentiable", "direct", "layout", "layouts", "nbytes", "numbers", "plan", "taped", "tensors", "typed",
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
class _Form:
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

    def _launch(self, runtime: Runtime, call: _Call, args: Sequence[Any]) -> Any:
        tensors = args if not call.numbers else [args[i] for i in call.tensors]
        scalars = tuple([to_number(self.op.name, args[i], to) for i, to in call.numbers]) if call.numbers else ()
        arrays = [tensor._array for tensor in tensors]
        if call.direct is not None:
            outs = [Array(runtime.take(call.nbytes, call.block), call.layout)]
            try:
                call.direct(outs, arrays, scalars)
            except Exception:  # noqa: BLE001 - the slow path words the error
                dispatch.call(runtime, call.direct, outs, arrays, scalars)
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

    def _prepare(self, runtime: Runtime, operands: tuple[Operand, ...]) -> _Call:
        typed = self.typed_for(operands)
        layouts = [each for each in operands if isinstance(each, Layout)]
        shape = broadcast_shapes(self.op.name, *(each.shape for each in layouts))
        outs = tuple(layout_of(out, shape) for out in typed.outs)
        plan = None
        complexes = any(each.kind == "c" for each in (*typed.inputs, *typed.outs))
        if outs[0].numel and not runtime.capabilities.contiguous_only and not complexes:
            plan = dispatch.MapPlan(runtime, typed.program, outs, layouts, (-1,) * len(outs))
        call = _Call(typed, outs, plan)
        call.tensors = tuple(i for i, each in enumerate(operands) if isinstance(each, Layout))
        call.numbers = tuple((i, self._goal(i, operands)) for i in range(len(operands)) if i not in call.tensors)
        return call

    def _goal(self, position: int, operands: tuple[Operand, ...]) -> dtype:
        if self.names[position] in self.op.boolean:
            return bool_
        return self.op.rule.convert(self._promoted(operands)).compute

    def _promoted(self, operands: tuple[Operand, ...]) -> dtype:
        if self.op.rule is logical:
            return bool_
        return common_dtype(o for name, o in zip(self.names, operands, strict=True) if name not in self.op.boolean)

    def typed_for(self, operands: tuple[Operand, ...]) -> Typed:
        """The Typed for operands; checks the dtypes.

        Raises:
            DTypeError: the op is not defined for them.
        """
        promoted = self._promoted(operands)
        if promoted.kind not in self.op.rule.accepts:
            raise DTypeError(
                f"{self.op.name} is not defined for {promoted.name}: it takes {_kinds(self.op.rule.accepts)}; "
                f"convert with .to(dtype)"
            )
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


def _record_pair(call: _Call, left: Tensor, right: Tensor, result: Tensor) -> None:
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


@final
class Elementwise(Generic[P]):
    """A declared elementwise op; called with Exprs it is inlined, with tensors it runs and is recorded."""

    def __init__(self, body: Callable[P, Any], name: str, rule: Rule, boolean: tuple[str, ...]) -> None:
        self.body: Final[Callable[..., Any]] = body
        self.name: Final = name
        self.rule: Final = rule
        self.boolean: Final = boolean
        """Parameters that are conditions: taken as bool, and no part of the promotion."""
        self.gradients: Final[dict[str, Callable[..., Any]]] = {}
        self.__doc__ = body.__doc__
        self.__name__ = name
        self.__module__ = body.__module__
        self.__wrapped__ = body
        code = body.__code__
        self.parameters: Final = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        self._required: Final = code.co_argcount - len(body.__defaults__ or ())
        self._signature: inspect.Signature | None = None
        self._forms: dict[tuple[Any, ...], _Form] = {}
        defaults = self._defaults(body)
        self._plain: Final = self._form(defaults)

    def _defaults(self, body: Callable[P, Any]) -> dict[str, Any]:
        positional = self.parameters[self._required : self._required + len(body.__defaults__ or ())]
        return {**dict(zip(positional, body.__defaults__ or (), strict=True)), **(body.__kwdefaults__ or {})}

    def _form(self, fixed: dict[str, Any]) -> _Form:
        key = tuple((name, type(value), value) for name, value in sorted(fixed.items()))
        if key not in self._forms:
            self._forms[key] = _Form(self, fixed)
        return self._forms[key]

    @property
    def signature(self) -> inspect.Signature:
        """The declared parameters."""
        if self._signature is None:
            import inspect

            self._signature = inspect.signature(self.body)
        return self._signature

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Tensor:
        result: Tensor  # a tuple for the rare op of several outputs
        if kwargs or len(args) != self._required:
            result = self._general(args, kwargs)
            return result
        try:
            if len(args) == 2:
                return self.binary(*args)
            result = self.unary(*args) if len(args) == 1 else self._plain.run(args)
        except HotplugError:
            if not any(isinstance(arg, Expr) for arg in args):
                raise
            result = self.inline(dict(zip(self.parameters, args, strict=False)))
        return result

    def unary(self, operand: Any) -> Tensor:
        """:meth:`binary` for one operand."""
        result: Tensor
        if not isinstance(operand, Tensor):
            result = self._plain.run((operand,))
            return result
        array = operand._array
        runtime = array.storage.runtime
        call = runtime.plans.get((self._plain, array.layout))
        if call is None or call.direct is None:
            result = self._plain.run((operand,))
            return result
        out = Array(runtime.take(call.nbytes, call.block), call.layout)
        try:
            call.direct((out,), (array,), NO_SCALARS)
        except Exception:  # noqa: BLE001 - the slow path words the error
            dispatch.call(runtime, call.direct, (out,), (array,), NO_SCALARS)
        result = _new(Tensor)
        result._array = out
        result._meta = None
        if MODE.grad:
            if operand._meta is not None and call.differentiable:
                call.typed.record((operand,), NO_SCALARS, (result,))
        elif MODE.inference:
            mark_inference((result,))
        return result

    def binary(self, left: Any, right: Any) -> Tensor:
        """The hot path for two tensors in the default form: nothing but slots, dicts and bound calls."""
        result: Tensor
        if not (isinstance(right, Tensor) and isinstance(left, Tensor)):
            result = self._plain.run((left, right))
            return result
        x, y = left._array, right._array
        runtime = x.storage.runtime
        call = runtime.plans.get((self._plain, x.layout, y.layout))
        if call is None or call.direct is None or y.storage.runtime is not runtime:
            result = self._plain.run((left, right))
            return result
        out = Array(runtime.take(call.nbytes, call.block), call.layout)
        try:
            call.direct((out,), (x, y), NO_SCALARS)
        except Exception:  # noqa: BLE001 - the slow path words the error
            dispatch.call(runtime, call.direct, (out,), (x, y), NO_SCALARS)
        result = _new(Tensor)
        result._array = out
        result._meta = None
        if MODE.grad:
            if (left._meta is not None or right._meta is not None) and call.differentiable:
                _record_pair(call, left, right, result)
        elif MODE.inference:
            mark_inference((result,))
        return result

    def inline(self, values: dict[str, Any]) -> Any:
        """The op's Expr, for use in the body of another op."""
        operands = {**self._plain.fixed, **values}
        if self.rule.convert is _to_floating:
            operands = {
                name: cast(value, _to_floating(value.dtype)) if isinstance(value, Expr) else value
                for name, value in operands.items()
            }
        return self.body(**operands)

    def bind(self, args: Sequence[Any], kwargs: dict[str, Any]) -> tuple[_Form, list[Any]]:
        """Split a call into literals (parameters at their default, names and flags) and operands."""
        try:
            bound = self.signature.bind(*args, **kwargs)
        except TypeError as error:
            raise ArgumentTypeError(f"{self.name}: {error}; the signature is {self.name}{self.signature}") from None
        bound.apply_defaults()
        fixed: dict[str, Any] = {}
        operands: list[Any] = []
        for name, value in bound.arguments.items():
            parameter = self.signature.parameters[name]
            if value is None or isinstance(value, str) or parameter.annotation in ("bool", "str") or (
                value is parameter.default and not isinstance(value, Tensor)
            ):  # fmt: skip
                fixed[name] = value
            else:
                operands.append(self._operand(name, value))
        return self._form(fixed), operands

    def _operand(self, name: str, value: Any) -> Any:
        if isinstance(value, (Tensor, Expr, bool, int, float, complex, np.number, np.bool_)):
            return value
        raise ArgumentTypeError(
            f"{self.name}: argument '{name}' must be a Tensor or a number, not {type(value).__name__}"
        )

    def _general(self, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        out = kwargs.pop("out", None)
        form, operands = self.bind(args, kwargs)
        if any(isinstance(value, Expr) for value in operands):
            return self.inline({**form.fixed, **dict(zip(form.names, operands, strict=True))})
        if out is None:
            return form.run(operands)
        return self._into(form, operands, out)

    def same_device(self, args: Sequence[Any]) -> list[Any]:
        """The operands on one device: a 0-d tensor in host memory follows the others, as in PyTorch.

        Raises:
            DeviceMismatchError: two operands with axes live on different devices.
        """
        tensors = [arg for arg in args if isinstance(arg, Tensor)]
        main = next((t for t in tensors if t.ndim), tensors[0])
        moved = []
        for arg in args:
            if isinstance(arg, Tensor) and arg._array.storage.runtime is not main._array.storage.runtime:
                if arg.ndim or not arg._array.storage.runtime.capabilities.host_memory:
                    raise DeviceMismatchError(
                        f"{self.name}: expected all tensors on one device, got '{main.device}' and '{arg.device}'; "
                        f"move one with .to('{main.device}')"
                    )
                arg = arg.to(main.device)
            moved.append(arg)
        return moved

    def inplace(self, target: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        """``target.op_(...)``: the result goes into the tensor itself."""
        form, operands = self.bind((target, *args), kwargs)
        return self._write(form, operands, target, inplace=True)

    def _into(self, form: _Form, operands: list[Any], out: Tensor) -> Tensor:
        """``op(..., out=out)``; autograd takes no part, as in PyTorch."""
        from hotplug.autograd.graph import needs_grad

        tensors = [each for each in (*operands, out) if isinstance(each, Tensor)]
        if needs_grad(tensors):
            raise HotplugError(
                f"{self.name}(): functions with out=... arguments don't support automatic differentiation, but one of "
                f"the arguments requires grad; use the form without out="
            )
        return self._write(form, operands, out, inplace=False)

    def _write(self, form: _Form, operands: list[Any], target: Tensor, inplace: bool) -> Tensor:
        from hotplug.autograd.views import prepare_write, resize_for, snapshot, wrote

        name = f"{self.name}_" if inplace else self.name
        operands = self.same_device(operands)
        tensors = [each for each in operands if isinstance(each, Tensor)]
        typed = form.typed_for(tuple(t._array.layout if isinstance(t, Tensor) else type(t) for t in operands))
        shape = broadcast_shapes(name, *(tensor.shape for tensor in tensors))
        if not can_cast(typed.outs[0], target.dtype):
            raise DTypeError(f"{name}: result type {typed.outs[0].name} can't be cast to {target.dtype.name}")
        if not inplace:
            resize_for(name, target, shape)
        if tuple(target.shape) != shape:
            raise ShapeError(
                f"{name}: a result of shape {list(shape)} does not fit the tensor of shape {list(target.shape)}"
            )
        kinds = tuple(t._array.layout if isinstance(t, Tensor) else type(t) for t in operands)
        scalars = tuple(
            to_number(name, each, form._goal(i, kinds))
            for i, each in enumerate(operands)
            if not isinstance(each, Tensor)
        )
        record = prepare_write(name, target, tensors)
        before = snapshot(target, typed, tensors) if record else target
        dispatch.map_(typed.program_into((target.dtype,)), [target._array], [each._array for each in tensors], scalars)
        target._array.storage.version += 1
        if record:
            wrote(target, typed, [before if each is target else each for each in tensors], scalars)
        return target

    def __repr__(self) -> str:
        return f"<elementwise op {self.name}>"


def elementwise(
    *, dtype: Rule = numeric, sample: Any = None, method: bool = True, inplace: bool = True, dunders: Sequence[str] = (),
    boolean: Sequence[str] = (), namespace: str = "", aliases: Sequence[str] = (),
) -> Callable[[Callable[P, Any]], Elementwise[P]]:  # fmt: skip
    """Declare an elementwise op.

    The function is run with symbolic scalars to build the op's Expr.  Parameters are tensors or numbers; one annotated
    ``bool`` or ``str``, or left at its default, is a literal of the kernel, any other number a runtime scalar.

    Args:
        dtype: how operands are promoted, e.g. :data:`floating`.
        sample: range from which conformance draws, ``(low, high)``.
        method, inplace: whether Tensor gets ``x.op()`` and ``x.op_()``.
        dunders: operator methods that call the op.
        boolean: parameters that are conditions.
        namespace: where the op is public; default: ``hotplug`` itself.
    """

    def declare(body: Callable[P, Any]) -> Elementwise[P]:
        name = body.__name__.rstrip("_") if body.__name__ not in ("and_", "or_") else body.__name__
        op = Elementwise(body, name, dtype, tuple(boolean))
        register(
            Entry(
                name, op, "elementwise", body, method, inplace, tuple(dunders), namespace, sample, tuple(aliases),
                dtype.name,
            )
        )  # fmt: skip
        return op

    return declare


def gradient(op: Elementwise[...], name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare a hand-written derivative of an elementwise op for one input.

    The function names what it reads: ``grad``, ``out`` and parameters of the op; all are Exprs.
    """

    def declare(rule: Callable[..., Any]) -> Callable[..., Any]:
        op.gradients[name] = rule
        return rule

    return declare


__all__ = [
    "Elementwise", "Rule", "bool_", "elementwise", "floating", "gradient", "integral", "logical", "numeric", "real",
    "real_floating", "strictly_floating",
]  # fmt: skip
