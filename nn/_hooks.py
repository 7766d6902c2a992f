"""A module's hooks: how they are kept, and the call that runs them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple, final

from hotplug.autograd.function import Function
from hotplug.autograd.hooks import RemovableHandle
from hotplug.errors import ArgumentError
from hotplug.tensor import Tensor

if TYPE_CHECKING:
    from hotplug.nn.module import Module


class Hook(NamedTuple):
    """A registered function and how to call it."""

    function: Callable[..., Any]
    with_kwargs: bool = False
    always: bool = False
    """Run even if the forward raised."""
    kind: str = ""
    """When one of every module's hooks runs."""


EVERY: Final[dict[int, Hook]] = {}
"""The hooks of all modules, of every kind; they run before a module's own."""


def _all(kind: str, own: dict[int, Hook]) -> list[tuple[int, Hook]]:
    return [*((key, hook) for key, hook in EVERY.items() if hook.kind == kind), *own.items()]


def registered(kind: str, module: Module, name: str, part: Any) -> Any:
    """What the hooks on registrations make of a part that a module is given."""
    for _, hook in _all(kind, {}):
        replaced = hook.function(module, name, part)
        part = part if replaced is None else replaced
    return part


def add(hooks: dict[int, Hook], hook: Hook, prepend: bool = False) -> RemovableHandle:
    """Register a hook behind (or before) the others."""
    handle = RemovableHandle(hooks, hook)  # type: ignore[arg-type]
    if prepend:
        others = {key: value for key, value in hooks.items() if key != handle.id}
        for key in others:
            del hooks[key]
        hooks.update(others)
    return handle


def call(module: Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Forward with all hooks around it."""
    done: set[int] = set()
    try:
        return _call(module, args, kwargs, done)
    except Exception:
        for key, hook in _all("forward", module._forward_hooks):
            if hook.always and key not in done:
                _after(module, hook, args, kwargs, None)
        raise


def _call(module: Module, args: tuple[Any, ...], kwargs: dict[str, Any], done: set[int]) -> Any:
    for _, hook in _all("forward_pre", module._forward_pre_hooks):
        args, kwargs = _before(module, hook, args, kwargs)
    backward = _Backward(module)
    if backward.hooks or backward.pre_hooks:
        args = backward.watch_inputs(args)
    result = module.forward(*args, **kwargs)
    for key, hook in _all("forward", module._forward_hooks):
        done.add(key)
        replaced = _after(module, hook, args, kwargs, result)
        result = result if replaced is None else replaced
    return backward.watch_outputs(result) if backward.hooks or backward.pre_hooks else result


def _before(
    module: Module, hook: Hook, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    if not hook.with_kwargs:
        changed = hook.function(module, args)
        if changed is None:
            return args, kwargs
        return changed if isinstance(changed, tuple) else (changed,), kwargs
    changed = hook.function(module, args, kwargs)
    if changed is None:
        return args, kwargs
    if not (isinstance(changed, tuple) and len(changed) == 2):
        raise ArgumentError(
            f"a forward pre-hook with_kwargs of {type(module).__name__} must return None or a tuple of new args and "
            f"kwargs, got {type(changed).__name__}"
        )
    return changed


def _after(module: Module, hook: Hook, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> Any:
    return hook.function(module, args, kwargs, result) if hook.with_kwargs else hook.function(module, args, result)


@final
class _Backward:
    """The backward hooks of one call: identities on the tape before and after the module report the gradients."""

    def __init__(self, module: Module) -> None:
        self.module: Final = module
        self.hooks: Final = [hook.function for _, hook in _all("backward", module._backward_hooks)]
        self.pre_hooks: Final = [hook.function for _, hook in _all("backward_pre", module._backward_pre_hooks)]
        self.grad_output: tuple[Tensor | None, ...] = ()
        self.has_inputs = False
        self.input_places: list[int] = []
        self.input_count = 0
        self.output_places: list[int] = []
        self.output_count = 0

    def watch_inputs(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        self.input_count = len(args)
        self.input_places = [place for place, arg in enumerate(args) if isinstance(arg, Tensor)]
        if not any(args[place].requires_grad for place in self.input_places):
            return args
        self.has_inputs = True
        return self._through(_Inputs, args, self.input_places)

    def watch_outputs(self, result: Any) -> Any:
        outputs = result if isinstance(result, tuple) else (result,)
        self.output_count = len(outputs)
        self.output_places = [place for place, each in enumerate(outputs) if isinstance(each, Tensor)]
        if not any(outputs[place].requires_grad for place in self.output_places):
            return result
        watched = self._through(_Outputs, outputs, self.output_places)
        return watched if isinstance(result, tuple) else watched[0]

    def _through(self, kind: type[Function], values: tuple[Any, ...], places: list[int]) -> tuple[Any, ...]:
        passed = kind.apply(self, *(values[place] for place in places))
        replaced = list(values)
        for place, value in zip(places, passed, strict=True):
            replaced[place] = value
        return tuple(replaced)

    def at_outputs(self, grads: Sequence[Tensor | None]) -> Sequence[Tensor | None]:
        full = _spread(grads, self.output_places, self.output_count)
        for hook in self.pre_hooks:
            changed = hook(self.module, full)
            full = full if changed is None else _checked(changed, full, "backward pre-hook")
        self.grad_output = full
        if not self.has_inputs:
            self._run((None,) * self.input_count)
        return [full[place] for place in self.output_places]

    def at_inputs(self, grads: Sequence[Tensor | None]) -> Sequence[Tensor | None]:
        full = self._run(_spread(grads, self.input_places, self.input_count))
        return [full[place] for place in self.input_places]

    def _run(self, grad_input: tuple[Tensor | None, ...]) -> tuple[Tensor | None, ...]:
        for hook in self.hooks:
            changed = hook(self.module, grad_input, self.grad_output)
            if changed is not None:
                grad_input = _checked(changed, grad_input, "full backward hook")
        return grad_input


def _spread(grads: Sequence[Tensor | None], places: list[int], count: int) -> tuple[Tensor | None, ...]:
    full: list[Tensor | None] = [None] * count
    for place, grad in zip(places, grads, strict=True):
        full[place] = grad
    return tuple(full)


def _checked(changed: Any, grads: tuple[Tensor | None, ...], kind: str) -> tuple[Tensor | None, ...]:
    found = changed if isinstance(changed, tuple) else (changed,)
    if len(found) != len(grads):
        raise ArgumentError(f"a {kind} returned {len(found)} gradients, expected {len(grads)}")
    return found


def _identity(ctx: Any, backward: _Backward, tensors: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    ctx.mark_non_differentiable(*(tensor for tensor in tensors if not tensor.requires_grad))
    ctx.backward = backward
    return tensors


@final
class _Inputs(Function):
    """Identity before the module: its backward is the last of the module's."""

    @staticmethod
    def forward(ctx: Any, backward: _Backward, *tensors: Tensor) -> tuple[Tensor, ...]:
        return _identity(ctx, backward, tensors)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, ...]:
        return None, *ctx.backward.at_inputs(grads)


@final
class _Outputs(Function):
    """Identity behind the module: its backward is the first of the module's."""

    @staticmethod
    def forward(ctx: Any, backward: _Backward, *tensors: Tensor) -> tuple[Tensor, ...]:
        return _identity(ctx, backward, tensors)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, ...]:
        return None, *ctx.backward.at_outputs(grads)
