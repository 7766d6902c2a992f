"""``@elementwise``: an op declared as a function over scalars."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, Generic, ParamSpec, final

import numpy as np

from hotplug import dispatch
from hotplug.array import Array
from hotplug.autograd.graph import mark_inference
from hotplug.autograd.mode import MODE
from hotplug.declare.form import Form, record_pair
from hotplug.declare.promotion import to_number
from hotplug.declare.rules import (
    Rule,
    floating,
    integral,
    logical,
    numbers,
    numeric,
    real,
    real_floating,
    strictly_floating,
    to_floating,
)
from hotplug.declare.table import Entry, register
from hotplug.dispatch import NO_SCALARS
from hotplug.dtypes import bool_, can_cast
from hotplug.errors import ArgumentTypeError, DeviceMismatchError, DTypeError, HotplugError, ShapeError
from hotplug.expr.node import Expr, cast
from hotplug.layout import broadcast_shapes
from hotplug.tensor import Tensor

if TYPE_CHECKING:
    import inspect

P = ParamSpec("P")

_new = object.__new__


@final
class Elementwise(Generic[P]):
    """A declared elementwise op; called with Exprs it is inlined, with tensors it runs and is recorded."""

    def __init__(
        self, body: Callable[P, Any], name: str, rule: Rule, boolean: tuple[str, ...], weights: tuple[str, ...],
        tensors: tuple[str, ...],
    ) -> None:  # fmt: skip
        self.body: Final[Callable[..., Any]] = body
        self.name: Final = name
        self.rule: Final = rule
        self.boolean: Final = boolean
        """Parameters that are conditions: taken as bool, and no part of the promotion."""
        self.weights: Final = weights
        """Numbers that are taken in the result's dtype, and no part of the promotion."""
        self.tensors: Final = tensors
        """Parameters that PyTorch takes as tensors only."""
        self.gradients: Final[dict[str, Callable[..., Any]]] = {}
        self.__doc__ = body.__doc__
        self.__name__ = name
        self.__module__ = body.__module__
        self.__wrapped__ = body
        code = body.__code__
        self.parameters: Final = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        self._required: Final = code.co_argcount - len(body.__defaults__ or ())
        self._no_flags: Final = not any(
            body.__annotations__.get(each) in ("bool", "str") for each in self.parameters[: self._required]
        )
        """Whether every required parameter is an operand, and none a literal."""
        self._signature: inspect.Signature | None = None
        self._forms: dict[tuple[Any, ...], Form] = {}
        defaults = self._defaults(body)
        self._plain: Final = self._form(defaults)

    def _defaults(self, body: Callable[P, Any]) -> dict[str, Any]:
        positional = self.parameters[self._required : self._required + len(body.__defaults__ or ())]
        return {**dict(zip(positional, body.__defaults__ or (), strict=True)), **(body.__kwdefaults__ or {})}

    def _form(self, fixed: dict[str, Any]) -> Form:
        key = tuple((name, type(value), value) for name, value in sorted(fixed.items()))
        if key not in self._forms:
            self._forms[key] = Form(self, fixed)
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
        except HotplugError:
            raise
        except Exception as error:
            raise dispatch.kernel_failed(runtime, error) from error
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
        except HotplugError:
            raise
        except Exception as error:
            raise dispatch.kernel_failed(runtime, error) from error
        result = _new(Tensor)
        result._array = out
        result._meta = None
        if MODE.grad:
            if (left._meta is not None or right._meta is not None) and call.differentiable:
                record_pair(call, left, right, result)
        elif MODE.inference:
            mark_inference((result,))
        return result

    def inline(self, values: dict[str, Any]) -> Any:
        """The op's Expr, for use in the body of another op."""
        operands = {**self._plain.fixed, **values}
        if self.rule.convert is to_floating:
            operands = {
                name: cast(value, to_floating(value.dtype)) if isinstance(value, Expr) else value
                for name, value in operands.items()
            }
        return self.body(**operands)

    def bind(self, args: Sequence[Any], kwargs: dict[str, Any]) -> tuple[Form, list[Any]]:
        """Split a call into literals (parameters at their default, names and flags) and operands."""
        plain = self._no_flags and len(args) == self._required
        if kwargs and plain:  # methods name their defaults
            known = self._plain.fixed
            plain = all(name in known and known[name] is value for name, value in kwargs.items())
        if plain and all(isinstance(arg, (Tensor, int, float)) for arg in args):
            return self._plain, list(args)
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

    def _into(self, form: Form, operands: list[Any], out: Tensor) -> Tensor:
        """``op(..., out=out)``; autograd takes no part, as in PyTorch."""
        from hotplug.autograd.graph import needs_grad

        tensors = [each for each in (*operands, out) if isinstance(each, Tensor)]
        if needs_grad(tensors):
            raise HotplugError(
                f"{self.name}(): functions with out=... arguments don't support automatic differentiation, but one of "
                f"the arguments requires grad; use the form without out="
            )
        return self._write(form, operands, out, inplace=False)

    def _write(self, form: Form, operands: list[Any], target: Tensor, inplace: bool) -> Tensor:
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
            to_number(name, each, form.goal(i, kinds))
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
    *, dtype: Rule = numeric, sample: Any = None, method: bool = True, inplace: bool = True,
    dunders: Sequence[str] = (), boolean: Sequence[str] = (), weights: Sequence[str] = (), tensors: Sequence[str] = (),
    namespace: str = "", aliases: Sequence[str] = (),
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
        weights: numbers that take no part in the promotion, as ``alpha`` of ``add``.
        tensors: parameters that must not be numbers.
        namespace: where the op is public; default: ``hotplug`` itself.
    """

    def declare(body: Callable[P, Any]) -> Elementwise[P]:
        name = body.__name__.rstrip("_") if body.__name__ not in ("and_", "or_") else body.__name__
        op = Elementwise(body, name, dtype, tuple(boolean), tuple(weights), tuple(tensors))
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
    "Elementwise", "Rule", "bool_", "elementwise", "floating", "gradient", "integral", "logical", "numbers", "numeric", "real",
    "real_floating", "strictly_floating",
]  # fmt: skip
