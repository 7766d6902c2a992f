"""Parameters that are computed from others: ``register_parametrization`` and what goes with it."""

from __future__ import annotations

import copy
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, final

from hotplug.autograd.mode import no_grad
from hotplug.errors import ArgumentError
from hotplug.nn.container import ModuleDict, ModuleList
from hotplug.nn.module import Module
from hotplug.nn.parameter import Parameter
from hotplug.tensor import Tensor


@final
class _Cache(threading.local):
    """What a thread has computed inside :func:`cached`."""

    def __init__(self) -> None:
        self.depth = 0
        self.found: dict[tuple[int, str], Tensor] = {}


_CACHE: Final = _Cache()


class ParametrizationError(ArgumentError):
    """A tensor that can't be parametrized, or isn't."""


@contextmanager
def cached() -> Iterator[None]:
    """Inside, a parametrized tensor is computed on its first use only.

    For tensors that are used several times in a forward, those of a recurrent cell say.
    """
    _CACHE.depth += 1
    try:
        yield
    finally:
        _CACHE.depth -= 1
        if not _CACHE.depth:
            _CACHE.found.clear()


@final
class ParametrizationList(ModuleList):
    """The parametrizations of one tensor, in the order of their application, and the tensors they start from.

    Attributes:
        original: what the first takes; ``original0``, ``original1``... where that takes several.
    """

    def __init__(self, modules: Sequence[Module], original: Tensor, unsafe: bool = False) -> None:
        super().__init__(modules)
        self.unsafe = unsafe
        start = original
        with no_grad():
            for each in reversed(list(modules)):
                if hasattr(each, "right_inverse"):
                    start = each.right_inverse(start)
        self.is_tensor = isinstance(start, Tensor)
        self.ntensors = 1 if self.is_tensor else len(start)
        for name, value in zip(self._originals(), [start] if self.is_tensor else start, strict=True):
            own = value.detach()
            if isinstance(original, Parameter):
                own = Parameter(own, original.requires_grad)
            if isinstance(own, Parameter):
                self.register_parameter(name, own)
            else:
                self.register_buffer(name, own)

    def _originals(self) -> list[str]:
        return ["original"] if self.is_tensor else [f"original{number}" for number in range(self.ntensors)]

    @no_grad()
    def right_inverse(self, value: Tensor) -> None:
        """Set the originals so that the tensor becomes ``value``: what an assignment to it does."""
        found: Any = value
        for each in reversed(list(self)):
            if not hasattr(each, "right_inverse"):
                raise ParametrizationRuntimeError(
                    f"parametrization {type(each).__name__} does not implement right_inverse, so its tensor can't be "
                    f"assigned"
                )
            found = each.right_inverse(found)
        for name, part in zip(self._originals(), [found] if self.is_tensor else found, strict=True):
            getattr(self, name).data = part.detach()

    def forward(self) -> Tensor:
        first, *others = list(self)
        found = first(*(getattr(self, name) for name in self._originals()))
        for each in others:
            found = each(found)
        return found  # type: ignore[no-any-return]


class ParametrizationRuntimeError(ArgumentError, RuntimeError):
    """An assignment that can't be undone by the parametrization."""


def is_parametrized(module: Module, tensor_name: str | None = None) -> bool:
    """Whether a tensor of the module (or any) is computed by parametrizations."""
    found = module._modules.get("parametrizations")
    if not isinstance(found, ModuleDict):
        return False
    return len(found) > 0 if tensor_name is None else tensor_name in found


def type_before_parametrizations(module: Module) -> type:
    """The class that the module had before."""
    return type(module).__bases__[0] if is_parametrized(module) else type(module)


def _compute(module: Module, name: str) -> Tensor:
    parametrizations: Any = module.parametrizations[name]
    if not _CACHE.depth:
        return parametrizations()  # type: ignore[no-any-return]
    found = _CACHE.found.get((id(module), name))
    if found is None:
        found = _CACHE.found[id(module), name] = parametrizations()
    return found


def _property(name: str) -> property:
    def get(self: Module) -> Tensor:
        return _compute(self, name)

    def put(self: Module, value: Tensor) -> None:
        self.parametrizations[name].right_inverse(value)

    return property(get, put)


def _copy(self: Module, memo: dict[int, Any]) -> Module:
    """``copy.deepcopy``: the copy has a class of its own too, so that either can lose its parametrizations."""
    kind = type(self)
    found: Module = object.__new__(_subclass(kind.__bases__[0], list(self.parametrizations)))
    memo[id(self)] = found
    found.__dict__.update(copy.deepcopy(self.__dict__, memo))
    return found


def _refuse(self: Module, protocol: Any) -> Any:
    raise ParametrizationRuntimeError(
        f"{type(self).__name__}: serialization of parametrized modules is only supported through state_dict(); save that, "
        f"or call remove_parametrizations first"
    )


def _subclass(kind: type, names: Sequence[str]) -> type:
    own = {"__module__": kind.__module__, "__deepcopy__": _copy, "__reduce_ex__": _refuse}
    return type(f"Parametrized{kind.__name__}", (kind,), {**own, **{name: _property(name) for name in names}})


def _own_class(module: Module) -> None:
    """Give the module a class of its own, which may have properties."""
    module.__class__ = _subclass(type(module), ())
    module.add_module("parametrizations", ModuleDict())


def register_parametrization(
    module: Module, tensor_name: str, parametrization: Module, *, unsafe: bool = False
) -> Module:
    """Compute ``module.<tensor_name>`` by a module from now on, from a parameter that takes its place.

    Args:
        module: changed in place: its class becomes a subclass whose attribute is computed.
        parametrization: its ``forward`` gives the tensor from the original; ``right_inverse``, if it has one, the original
            (or several) from a value.
        unsafe: don't check that shape and dtype stay as they are.

    Raises:
        ParametrizationError: the module has no such parameter or buffer, or shape or dtype would change.
    """
    if is_parametrized(module, tensor_name):
        before = getattr(module, tensor_name)
        listed: Any = module.parametrizations[tensor_name]
        _check(tensor_name, before, parametrization(before), unsafe)
        with no_grad():
            inverse = getattr(parametrization, "right_inverse", None)
            if inverse is not None:
                listed.right_inverse(inverse(before))
        listed.append(parametrization)
        return module
    original = module._parameters.get(tensor_name, module._buffers.get(tensor_name))
    if original is None:
        raise ParametrizationError(
            f"module {type(module).__name__} does not have a parameter, a buffer, or a parametrized element with name "
            f"{tensor_name!r}"
        )
    made = ParametrizationList([parametrization], original, unsafe)
    _check(tensor_name, original, made(), unsafe)
    if not is_parametrized(module):
        _own_class(module)
    delattr(module, tensor_name)
    setattr(type(module), tensor_name, _property(tensor_name))
    module.parametrizations[tensor_name] = made
    return module


def _check(name: str, before: Tensor, after: Any, unsafe: bool) -> None:
    if unsafe:
        return
    if not isinstance(after, Tensor) or after.dtype is not before.dtype or after.shape != before.shape:
        found = f"{after.dtype} of {list(after.shape)}" if isinstance(after, Tensor) else type(after).__name__
        raise ParametrizationError(
            f"registering a parametrization may not change the dtype or shape of {name!r}: it was {before.dtype} of "
            f"{list(before.shape)}, and became {found}; pass unsafe=True to skip this check"
        )


def remove_parametrizations(module: Module, tensor_name: str, leave_parametrized: bool = True) -> Module:
    """Make a tensor an ordinary parameter or buffer again.

    Args:
        leave_parametrized: with the value it has, else the original's.

    Raises:
        ParametrizationError: it isn't parametrized, or the original is several tensors and ``leave_parametrized`` false.
    """
    if not is_parametrized(module, tensor_name):
        raise ParametrizationError(f"module {type(module).__name__} does not have a parametrization on {tensor_name!r}")
    listed: Any = module.parametrizations[tensor_name]
    first = getattr(listed, listed._originals()[0])
    if leave_parametrized:
        with no_grad():
            value = getattr(module, tensor_name).clone()
    elif listed.is_tensor:
        value = first.detach()
    else:
        raise ParametrizationError("leaving unparametrized (leave_parametrized=False) a tensor made from several ones")
    kind: Any = type(module)
    delattr(kind, tensor_name)
    del module.parametrizations[tensor_name]
    if isinstance(first, Parameter):
        module.register_parameter(tensor_name, Parameter(value, first.requires_grad))
    else:
        module.register_buffer(tensor_name, value)
    if not is_parametrized(module):
        delattr(module, "parametrizations")
        module.__class__ = kind.__bases__[0]
    return module
