"""Module: the base of layers and models."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar, Self

from hotplug import dtypes
from hotplug.autograd.hooks import RemovableHandle
from hotplug.device import device as Device
from hotplug.dtypes import dtype as DType
from hotplug.errors import ArgumentError, ArgumentTypeError, HotplugError
from hotplug.nn import _hooks, _state, _tree
from hotplug.nn._hooks import EVERY as _EVERY
from hotplug.nn.parameter import Buffer, Parameter
from hotplug.tensor import Tensor


class NameError_(HotplugError, KeyError):  # noqa: N801, N818 - a KeyError with the other errors' looks
    """A name can't be given to a parameter, buffer or module."""

    def __str__(self) -> str:
        return str(self.args[0])


class ForwardMissingError(HotplugError, NotImplementedError):
    """A module was called that defines no ``forward``."""


class NotInitializedError(HotplugError, AttributeError):
    """A subclass used its module before ``super().__init__()``."""


def _forward_missing(self: Module, *_: Any) -> None:
    raise ForwardMissingError(f'Module [{type(self).__name__}] is missing the required "forward" function')


_DICTS = (
    "_parameters", "_buffers", "_modules", "_forward_hooks", "_forward_pre_hooks", "_backward_hooks",
    "_backward_pre_hooks", "_state_dict_hooks", "_state_dict_pre_hooks", "_load_state_dict_pre_hooks",
    "_load_state_dict_post_hooks",
)  # fmt: skip


class Module:
    """Base of all layers and models.

    A subclass makes its parts in ``__init__`` (after ``super().__init__()``) and uses them in ``forward``.  Parameters,
    buffers and modules register themselves when they are assigned as attributes.

    >>> from hotplug import nn
    >>> class Twice(nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.inner = nn.Linear(3, 3)
    ...     def forward(self, x):
    ...         return self.inner(self.inner(x))
    >>> Twice()
    Twice(
      (inner): Linear(in_features=3, out_features=3, bias=True)
    )

    Attributes:
        training: whether the module is in training mode; see :meth:`train`.
    """

    training: bool
    _version: ClassVar[int] = 1
    _parameters: dict[str, Parameter | None]
    _buffers: dict[str, Tensor | None]
    _modules: dict[str, Module | None]
    _non_persistent_buffers_set: set[str]
    _forward_hooks: dict[int, _hooks.Hook]
    _forward_pre_hooks: dict[int, _hooks.Hook]
    _backward_hooks: dict[int, _hooks.Hook]
    _backward_pre_hooks: dict[int, _hooks.Hook]
    _state_dict_hooks: dict[int, _hooks.Hook]
    _state_dict_pre_hooks: dict[int, _hooks.Hook]
    _load_state_dict_pre_hooks: dict[int, _hooks.Hook]
    _load_state_dict_post_hooks: dict[int, _hooks.Hook]

    forward: Callable[..., Any] = _forward_missing
    """What the module computes; subclasses define it, users call the module itself."""

    def __init__(self) -> None:
        own = self.__dict__
        own["training"] = True
        for name in _DICTS:
            own[name] = {}
        own["_non_persistent_buffers_set"] = set()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if _EVERY or self._forward_hooks or self._forward_pre_hooks or self._backward_hooks or self._backward_pre_hooks:
            return _hooks.call(self, args, kwargs)
        return self.forward(*args, **kwargs)

    # --- attributes ---------------------------------------------------------------------------------------------------

    def __getattr__(self, name: str) -> Any:
        own = self.__dict__
        for kind in ("_parameters", "_buffers", "_modules"):
            if kind in own and name in own[kind]:
                return own[kind][name]
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def __setattr__(self, name: str, value: Any) -> None:
        own = self.__dict__
        if isinstance(value, Parameter):
            self._take("_parameters", name)
            self.register_parameter(name, value)
        elif isinstance(value, Module):
            self._take("_modules", name)
            own["_modules"][name] = _hooks.registered("module", self, name, value) if _EVERY else value
        elif isinstance(value, Buffer):
            self._take("_buffers", name)
            self.register_buffer(name, value, value.persistent)
        elif "_parameters" not in own or not self._reassign(name, value):
            object.__setattr__(self, name, value)

    def _take(self, kind: str, name: str) -> None:
        """Free a name for a part of one kind."""
        own = self.__dict__
        if kind not in own:
            raise NotInitializedError(
                f"cannot assign {kind[1:]} before Module.__init__() call; call super().__init__() first"
            )
        for other in (own, own["_parameters"], own["_buffers"], own["_modules"]):
            if other is not own[kind]:
                other.pop(name, None)
        if kind != "_buffers":
            self._non_persistent_buffers_set.discard(name)

    def _reassign(self, name: str, value: Any) -> bool:
        """Give a registered name another value; false if there is no such name."""
        if name in self._parameters or name in self._modules:
            if value is not None:
                kind = "parameter" if name in self._parameters else "child module"
                expected = "hotplug.nn.Parameter" if name in self._parameters else "hotplug.nn.Module"
                raise ArgumentTypeError(
                    f"cannot assign '{type(value).__name__}' as {kind} '{name}' ({expected} or None expected)"
                )
            (self._parameters if name in self._parameters else self._modules)[name] = None
            return True
        if name in self._buffers:
            if value is not None and not isinstance(value, Tensor):
                raise ArgumentTypeError(
                    f"cannot assign '{type(value).__name__}' as buffer '{name}' (hotplug.Tensor or None expected)"
                )
            self._buffers[name] = value
            return True
        return False

    def __delattr__(self, name: str) -> None:
        for parts in (self._parameters, self._buffers, self._modules):
            if name in parts:
                del parts[name]
                self._non_persistent_buffers_set.discard(name)
                return
        object.__delattr__(self, name)

    def __dir__(self) -> list[str]:
        return sorted({*object.__dir__(self), *self._parameters, *self._buffers, *self._modules})

    def _free(self, kind: str, name: str, registered: Mapping[str, Any]) -> None:
        """Check that a name can be given to a part."""
        if "_parameters" not in self.__dict__:
            raise NotInitializedError(
                f"cannot assign {kind} before Module.__init__() call; call super().__init__() first"
            )
        if not isinstance(name, str):
            raise ArgumentTypeError(f"{kind} name should be a string, got {type(name).__name__}")
        if "." in name or not name:
            raise NameError_(f"{kind} name can't be empty or contain '.', got {name!r}")
        if hasattr(self, name) and name not in registered:
            raise NameError_(
                f"attribute '{name}' already exists in {type(self).__name__}; choose another name for the {kind}"
            )

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Add a parameter; ``None`` stands for an absent one."""
        self._free("parameter", name, self._parameters)
        if param is not None and not isinstance(param, Parameter):
            raise ArgumentTypeError(
                f"cannot assign '{type(param).__name__}' object to parameter '{name}' "
                f"(hotplug.nn.Parameter or None required)"
            )
        if param is not None and param.grad_fn is not None:
            raise ArgumentError(
                f"cannot assign non-leaf Tensor to parameter '{name}': parameters must be created explicitly"
            )
        self._parameters[name] = _hooks.registered("parameter", self, name, param) if _EVERY else param

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Add a tensor of the module's state that is not trained; only a persistent one is in :meth:`state_dict`."""
        self._free("buffer", name, self._buffers)
        if tensor is not None and not isinstance(tensor, Tensor):
            raise ArgumentTypeError(
                f"cannot assign '{type(tensor).__name__}' object to buffer '{name}' (hotplug Tensor or None required)"
            )
        self._buffers[name] = _hooks.registered("buffer", self, name, tensor) if _EVERY else tensor
        (self._non_persistent_buffers_set.discard if persistent else self._non_persistent_buffers_set.add)(name)

    def add_module(self, name: str, module: Module | None) -> None:
        """Add a child module."""
        if module is not None and not isinstance(module, Module):
            raise ArgumentTypeError(f"{type(module).__name__} is not a Module subclass")
        self._free("module", name, self._modules)
        self._modules[name] = _hooks.registered("module", self, name, module) if _EVERY else module

    register_module = add_module

    # --- walks --------------------------------------------------------------------------------------------------------

    def named_modules(
        self, memo: set[int] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Module]]:
        """This module and all below it, with their paths."""
        return _tree.modules(self, prefix, set() if memo is None else memo, remove_duplicate)

    def modules(self, remove_duplicate: bool = True) -> Iterator[Module]:
        """This module and all below it."""
        return (module for _, module in self.named_modules(remove_duplicate=remove_duplicate))

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The direct children with their names."""
        seen: set[int] = set()
        for name, child in self._modules.items():
            if child is not None and id(child) not in seen:
                seen.add(id(child))
                yield name, child

    def children(self) -> Iterator[Module]:
        """The direct children."""
        return (child for _, child in self.named_children())

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """Parameters with their paths; ``recurse``: those of all modules below too."""
        return _tree.members(self, lambda module: module._parameters.items(), prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """Parameters; what one gives to an optimizer."""
        return (parameter for _, parameter in self.named_parameters(recurse=recurse))

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """Buffers with their paths."""
        return _tree.members(self, lambda module: module._buffers.items(), prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """Buffers."""
        return (buffer for _, buffer in self.named_buffers(recurse=recurse))

    def get_submodule(self, target: str) -> Module:
        """The module at a dotted path."""
        return _tree.find(self, target)

    def set_submodule(self, target: str, module: Module, strict: bool = False) -> None:
        """Put a module at a dotted path; ``strict``: only in the place of another one."""
        _tree.put(self, target, module, strict)

    def get_parameter(self, target: str) -> Parameter:
        """The parameter at a dotted path."""
        return _tree.find_member(self, target, "parameter", lambda module: module._parameters)  # type: ignore[return-value]

    def get_buffer(self, target: str) -> Tensor:
        """The buffer at a dotted path."""
        return _tree.find_member(self, target, "buffer", lambda module: module._buffers)

    def apply(self, fn: Callable[[Module], Any]) -> Self:
        """Call ``fn`` with every module below, then with this one."""
        for child in self.children():
            child.apply(fn)
        fn(self)
        return self

    # --- modes --------------------------------------------------------------------------------------------------------

    def train(self, mode: bool = True) -> Self:
        """Training mode (or not) for this module and all below: dropout and batch norm differ."""
        if not isinstance(mode, bool):
            raise ArgumentError(f"train: training mode is expected to be boolean, got {mode!r}")
        self.training = mode
        for child in self.children():
            child.train(mode)
        return self

    def eval(self) -> Self:
        """Evaluation mode: ``train(False)``."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Whether autograd records ops on the parameters."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the parameters' gradients, or set them to zero."""
        for parameter in self.parameters():
            if parameter.grad is not None:
                if set_to_none:
                    parameter.grad = None
                else:
                    parameter.grad = parameter.grad.detach()
                    parameter.grad.zero_()

    # --- device and dtype ---------------------------------------------------------------------------------------------

    def _apply(self, fn: Callable[[Tensor], Tensor]) -> Self:
        """Replace the memory of all parameters, their gradients and buffers; nothing changes if ``fn`` raises."""
        parameters = list(self.parameters())
        data = [fn(each.data) for each in parameters]
        grads = [
            None if each.grad is None else fn(each.grad.data).requires_grad_(each.grad.requires_grad)
            for each in parameters
        ]
        moved = {id(each): fn(each) for each in self.buffers()}
        for parameter, new, grad in zip(parameters, data, grads, strict=True):
            parameter.grad = None
            parameter.data = new
            parameter.grad = grad
        for module in self.modules():
            for name, buffer in module._buffers.items():
                if buffer is not None:
                    module._buffers[name] = moved[id(buffer)]
        return self

    def to(self, *args: Any, dtype: DType | None = None, device: Any = None, non_blocking: bool = False,
           memory_format: Any = None) -> Self:  # fmt: skip
        """Move parameters and buffers to a device, the floating ones to a dtype, those of rank 4 and 5 to a memory format.

        ``to(device)``, ``to(dtype)``, ``to(device, dtype)`` or ``to(tensor)``; in place, unlike a tensor's.
        """
        for arg in args:
            if isinstance(arg, DType):
                dtype = arg
            elif isinstance(arg, Tensor):
                dtype, device = arg.dtype, arg.device
            elif isinstance(arg, (str, Device, int)) and not isinstance(arg, bool):
                device = arg
            elif arg is not None and not isinstance(arg, bool):
                raise ArgumentTypeError(f"to: expected a dtype, a device or a tensor, got {type(arg).__name__}")
        if dtype is not None and dtype.kind not in "fc":
            raise ArgumentTypeError(f"to: a module's dtype must be floating or complex, got {dtype!r}")

        def convert(tensor: Tensor) -> Tensor:
            order = memory_format if tensor.ndim in (4, 5) else None
            kind = dtype if tensor.dtype.kind in "fc" else None
            return tensor.to(device=device, dtype=kind, non_blocking=non_blocking, memory_format=order)

        return self._apply(convert)

    def to_empty(self, *, device: Any) -> Self:
        """Move to a device without the values."""
        return self._apply(lambda tensor: tensor.new_empty(tensor.shape, device=device))

    def cpu(self) -> Self:
        """Move to the host device ``cpu``."""
        return self.to("cpu")

    def cuda(self, device: Any = None) -> Self:
        """Move to an NVIDIA GPU."""
        return self.to("cuda" if device is None else f"cuda:{device}" if isinstance(device, int) else device)

    def type(self, dst_type: DType) -> Self:
        """Convert all parameters and buffers, integers too."""
        return self._apply(lambda tensor: tensor.to(dst_type))

    def _floating(self, target: DType) -> Self:
        return self._apply(lambda tensor: tensor.to(target) if tensor.is_floating_point() else tensor)

    def float(self) -> Self:
        """Convert floating parameters and buffers to float32."""
        return self._floating(dtypes.float32)

    def double(self) -> Self:
        """Convert floating parameters and buffers to float64."""
        return self._floating(dtypes.float64)

    def half(self) -> Self:
        """Convert floating parameters and buffers to float16."""
        return self._floating(dtypes.float16)

    def bfloat16(self) -> Self:
        """Convert floating parameters and buffers to bfloat16."""
        return self._floating(dtypes.bfloat16)

    # --- state --------------------------------------------------------------------------------------------------------

    def get_extra_state(self) -> Any:
        """More state for :meth:`state_dict`; override together with :meth:`set_extra_state`."""
        raise _state.no_extra_state(self)

    def set_extra_state(self, state: Any) -> None:
        """Take back what :meth:`get_extra_state` returned."""
        raise _state.no_extra_state(self)

    def _has_extra_state(self) -> bool:
        return type(self).get_extra_state is not Module.get_extra_state

    def _own_state(self) -> Iterator[tuple[str, Tensor | None]]:
        """The module's own parameters and persistent buffers."""
        yield from self._parameters.items()
        yield from (
            (name, each) for name, each in self._buffers.items() if name not in self._non_persistent_buffers_set
        )

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        for name, tensor in self._own_state():
            if tensor is not None:
                destination[prefix + name] = tensor if keep_vars else tensor.detach()
        if self._has_extra_state():
            destination[prefix + _state.EXTRA] = self.get_extra_state()

    def _load_own(self, loading: _state.Loading, prefix: str, version: int | None) -> None:
        """Check the module's own part of a state; override to read what an earlier version wrote."""
        loading.check(self, prefix)

    def state_dict(self, *, destination: Any = None, prefix: str = "", keep_vars: bool = False) -> dict[str, Any]:
        """Parameters and persistent buffers by path; detached (unless ``keep_vars``), but in the module's memory."""
        found = _state.new_destination() if destination is None else destination
        return _state.collect(self, found, prefix, keep_vars)  # type: ignore[no-any-return]

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> _state.IncompatibleKeys:
        """Copy the values of a state dict into parameters and buffers.

        Args:
            state_dict: tensors by path, of any dtype and on any device.
            strict: whether missing and unexpected keys are errors.
            assign: take the given tensors themselves, with their dtypes and devices, instead of their values.

        Raises:
            StateDictError: it doesn't fit; the message lists every difference, and nothing has changed.
        """
        return _state.load(self, state_dict, strict, assign)

    # --- hooks --------------------------------------------------------------------------------------------------------

    def register_forward_pre_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Call ``hook(module, args)`` before every forward; what it returns replaces the arguments.

        ``with_kwargs``: ``hook(module, args, kwargs)``, which returns ``None`` or new ``(args, kwargs)``.
        """
        return _hooks.add(self._forward_pre_hooks, _hooks.Hook(hook, with_kwargs), prepend)

    def register_forward_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False, always_call: bool = False
    ) -> RemovableHandle:
        """Call ``hook(module, args, output)`` after every forward; what it returns replaces the output.

        ``with_kwargs``: ``hook(module, args, kwargs, output)``; ``always_call``: even if the forward raised.
        """
        return _hooks.add(self._forward_hooks, _hooks.Hook(hook, with_kwargs, always_call), prepend)

    def register_full_backward_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call ``hook(module, grad_input, grad_output)`` when the gradients of the inputs are known.

        Both are tuples; what it returns replaces ``grad_input``.
        """
        return _hooks.add(self._backward_hooks, _hooks.Hook(hook), prepend)

    def register_full_backward_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call ``hook(module, grad_output)`` before the module's backward; what it returns replaces ``grad_output``."""
        return _hooks.add(self._backward_pre_hooks, _hooks.Hook(hook), prepend)

    def register_state_dict_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(module, prefix, keep_vars)`` before :meth:`state_dict` reads the module."""
        return _hooks.add(self._state_dict_pre_hooks, _hooks.Hook(hook))

    def register_state_dict_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(module, state_dict, prefix, local_metadata)`` after the module was read."""
        return _hooks.add(self._state_dict_hooks, _hooks.Hook(hook))

    def register_load_state_dict_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Before a load, call ``hook(module, state_dict, prefix, metadata, strict, missing, unexpected, errors)``."""
        return _hooks.add(self._load_state_dict_pre_hooks, _hooks.Hook(hook))

    def register_load_state_dict_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(module, incompatible_keys)`` after a load; it may take keys off the lists, in place."""
        return _hooks.add(self._load_state_dict_post_hooks, _hooks.Hook(hook))

    # --- printing -----------------------------------------------------------------------------------------------------

    def _get_name(self) -> str:
        return type(self).__name__

    def extra_repr(self) -> str:
        """What stands between the parentheses when the module is printed; subclasses override it."""
        return ""

    def __repr__(self) -> str:
        return _tree.represent(self)
