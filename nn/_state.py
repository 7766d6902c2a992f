"""``state_dict`` and ``load_state_dict``: a model's tensors by their paths."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple, final

from hotplug.autograd.mode import no_grad
from hotplug.errors import ArgumentTypeError, HotplugError
from hotplug.nn.parameter import Parameter
from hotplug.tensor import Tensor

if TYPE_CHECKING:
    from hotplug.nn.module import Module

EXTRA: Final = "_extra_state"


class StateDictError(HotplugError, RuntimeError):
    """A state dict doesn't fit a module; the message lists every difference."""


def no_extra_state(module: Module) -> StateDictError:
    """The error for a module whose class has only one of the two methods for extra state."""
    return StateDictError(f"{type(module).__name__} must override both get_extra_state and set_extra_state")


class _Keys(NamedTuple):
    missing_keys: list[str]
    unexpected_keys: list[str]


@final
class IncompatibleKeys(_Keys):
    """What a load that was not strict passed over."""

    __slots__ = ()

    def __repr__(self) -> str:
        return super().__repr__() if self.missing_keys or self.unexpected_keys else "<All keys matched successfully>"

    __str__ = __repr__


def collect(module: Module, destination: Any, prefix: str, keep_vars: bool) -> Any:
    """Add the tensors of a module and all below it to ``destination``."""
    if hasattr(destination, "_metadata"):
        destination._metadata[prefix[:-1]] = {"version": module._version}
    for hook in module._state_dict_pre_hooks.values():
        hook.function(module, prefix, keep_vars)
    module._save_to_state_dict(destination, prefix, keep_vars)
    for name, child in module._modules.items():
        if child is not None:
            child.state_dict(destination=destination, prefix=f"{prefix}{name}.", keep_vars=keep_vars)
    for hook in module._state_dict_hooks.values():
        replaced = hook.function(module, destination, prefix, {"version": module._version})
        destination = destination if replaced is None else replaced
    return destination


def new_destination() -> Any:
    """An empty state dict, which carries the modules' versions as ``_metadata``."""
    destination: Any = OrderedDict()
    destination._metadata = OrderedDict()
    return destination


@final
class Loading:
    """A load in progress: first everything is checked, and only if all fits is anything written.

    Attributes:
        state: the given tensors by path.
        strict: whether missing and unexpected keys are errors.
        assign: whether the module gets the given tensors themselves, instead of their values.
        missing, unexpected, errors: what was found so far.
        known: the keys that the modules have, in the state or not.
    """

    def __init__(self, state: Mapping[str, Any], strict: bool, assign: bool) -> None:
        self.state: Final = OrderedDict(state)
        self.metadata: Final[Mapping[str, Any]] = getattr(state, "_metadata", None) or {}
        self.strict: Final = strict
        self.assign: Final = assign
        self.missing: Final[list[str]] = []
        self.unexpected: Final[list[str]] = []
        self.errors: Final[list[str]] = []
        self.known: Final[set[str]] = set()
        self._writes: Final[list[Callable[[], None]]] = []

    def visit(self, module: Module, prefix: str) -> None:
        """Check a module and all below it."""
        metadata = self.metadata.get(prefix[:-1], {})
        lists = self.strict, self.missing, self.unexpected, self.errors
        for hook in module._load_state_dict_pre_hooks.values():
            args = (self.state, prefix, metadata, *lists)
            hook.function(module, *args)
        module._load_own(self, prefix, metadata.get("version"))
        for name, child in module._modules.items():
            if child is not None:
                self.visit(child, f"{prefix}{name}.")

    def check(self, module: Module, prefix: str) -> None:
        """Check a module's own parameters, persistent buffers and extra state, and that it knows all keys below it."""
        own = {name: each for name, each in module._own_state() if each is not None}
        self.known.update(prefix + name for name in own)
        for name, target in own.items():
            key = prefix + name
            if key in self.state:
                self._tensor(module, name, key, target, self.state[key])
            else:
                self.missing.append(key)
        extra = prefix + EXTRA
        if module._has_extra_state():
            self.known.add(extra)
            if extra in self.state:
                self._writes.append(lambda: module.set_extra_state(self.state[extra]))
            else:
                self.missing.append(extra)

    def _tensor(self, module: Module, name: str, key: str, target: Tensor, value: Any) -> None:
        if not isinstance(value, Tensor):
            self.errors.append(
                f'While copying the parameter named "{key}", expected a Tensor from checkpoint but '
                f"received {type(value)}"
            )
        elif value.shape != target.shape:
            self.errors.append(
                f"size mismatch for {key}: copying a param with shape {value.shape} from checkpoint, the shape in "
                f"current model is {target.shape}."
            )
        elif self.assign:
            self._writes.append(lambda: _replace(module, name, target, value))
        else:
            self._writes.append(lambda: _overwrite(target, value))

    def finish(self, module: Module) -> IncompatibleKeys:
        """Write what was checked.

        Raises:
            StateDictError: the state doesn't fit; nothing has changed.
        """
        self.unexpected.extend(key for key in self.state if key not in self.known)
        hooks = [(each, hook) for each in module.modules() for hook in each._load_state_dict_post_hooks.values()]
        self._check(module, self.strict and not hooks)
        for write in self._writes:
            write()
        found = IncompatibleKeys(self.missing, self.unexpected)
        for each, hook in hooks:  # they may look at the loaded values, and take keys off the lists
            hook.function(each, found)
        self._check(module, self.strict)
        return found

    def _check(self, module: Module, strict: bool) -> None:
        problems = list(self.errors)
        if strict and self.unexpected:
            problems.insert(0, f"Unexpected key(s) in state_dict: {_quoted(self.unexpected)}. ")
        if strict and self.missing:
            problems.insert(0, f"Missing key(s) in state_dict: {_quoted(self.missing)}. ")
        if problems:
            lines = "\n\t".join(problems)
            raise StateDictError(f"Error(s) in loading state_dict for {type(module).__name__}:\n\t{lines}")


def _quoted(keys: list[str]) -> str:
    return ", ".join(f'"{key}"' for key in keys)


def _overwrite(target: Tensor, value: Tensor) -> None:
    with no_grad():
        target.copy_(value)


def _replace(module: Module, name: str, target: Tensor, value: Tensor) -> None:
    if isinstance(target, Parameter):
        if not isinstance(value, Parameter):
            value = Parameter(value, requires_grad=target.requires_grad)
        module._parameters[name] = value.requires_grad_(target.requires_grad)  # type: ignore[assignment]
    else:
        module._buffers[name] = value


def load(module: Module, state_dict: Mapping[str, Any], strict: bool, assign: bool) -> IncompatibleKeys:
    """See :meth:`Module.load_state_dict`."""
    if not isinstance(state_dict, Mapping):
        raise ArgumentTypeError(f"load_state_dict expected a dict, got {type(state_dict).__name__}")
    loading = Loading(state_dict, strict, assign)
    loading.visit(module, "")
    return loading.finish(module)
