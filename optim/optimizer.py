"""Optimizer: the base of all optimizers."""

from __future__ import annotations

import copy
import difflib
import functools
import warnings
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from itertools import chain
from typing import Any, Final

from hotplug.autograd.hooks import RemovableHandle
from hotplug.autograd.mode import enable_grad, no_grad
from hotplug.errors import ArgumentError, ArgumentTypeError
from hotplug.optim._step import gathered
from hotplug.tensor import Tensor

Params = Iterable[Tensor] | Iterable[dict[str, Any]] | Iterable[tuple[str, Tensor]]
Closure = Callable[[], Any]
Hook = Callable[..., Any]

_ALWAYS_KNOWN: Final = frozenset(
    {"params", "param_names", "initial_lr", "max_lr", "min_lr", "max_momentum", "base_momentum"}
)
_ALIKE: Final = 0.85


class Optimizer(ABC):
    """Base of optimizers: parameters in groups, with options a group and state a parameter.

    A subclass defines :meth:`step`.  The hooks run around it, and it records no gradient.

    Args:
        params: tensors, ``(name, tensor)`` pairs, or dicts with ``"params"`` and options that differ from the defaults.
        defaults: every option and its default.

    Raises:
        ArgumentTypeError: ``params`` holds something else than leaf tensors.
        ArgumentError: there are none, or an option is unknown or out of its range.
    """

    def __init__(self, params: Params, defaults: dict[str, Any]) -> None:
        if isinstance(params, (Tensor, Mapping)):
            raise ArgumentTypeError(
                f"params argument given to the optimizer should be an iterable of Tensors or dicts, but got "
                f"{type(params).__name__}; pass a list"
            )
        self.defaults = defaults
        self.state: defaultdict[Any, dict[str, Any]] = defaultdict(dict)
        self.param_groups: list[dict[str, Any]] = []
        self._pre_hooks: dict[int, Hook] = {}
        self._post_hooks: dict[int, Hook] = {}
        self._steps = 0
        self._inside = False
        groups: list[Any] = list(params)
        if not groups:
            raise ArgumentError("optimizer got an empty parameter list")
        for group in groups if isinstance(groups[0], dict) else [{"params": groups}]:
            self.add_param_group(group)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "step" in cls.__dict__:
            cls.step = _around_step(cls.__dict__["step"])  # type: ignore[method-assign]

    @abstractmethod
    def step(self, closure: Closure | None = None) -> Any:
        """Update every parameter that has a gradient.

        Args:
            closure: clears the gradients, computes the loss anew and returns it.

        Returns:
            The closure's loss, or ``None``.
        """

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the parameters' gradients, or set them to zero."""
        for group in self.param_groups:
            for param in group["params"]:
                if param.grad is not None:
                    if set_to_none:
                        param.grad = None
                    else:
                        param.grad = param.grad.detach()
                        param.grad.zero_()

    # --- groups -------------------------------------------------------------------------------------------------------

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add parameters with options of their own; those not given get the defaults.

        Raises:
            ArgumentTypeError, ArgumentError: the group is wrong; the optimizer hasn't changed.
        """
        if not isinstance(param_group, dict):
            raise ArgumentTypeError(f"param_group must be a dict, but got {type(param_group).__name__}")
        if "params" not in param_group:
            raise ArgumentError(f"param_group needs the key 'params', got {list(param_group)}")
        params, names = _parameters(param_group["params"])
        self._check_options(param_group)
        group = {**param_group, "params": params, **{k: v for k, v in self.defaults.items() if k not in param_group}}
        if names:
            group["param_names"] = names
        if self.param_groups and ("param_names" in group) != ("param_names" in self.param_groups[0]):
            raise ArgumentError("all optimizer param groups should be with/without names")
        known = {id(param) for other in self.param_groups for param in other["params"]}
        if any(id(param) in known for param in params):
            raise ArgumentError("some parameters appear in more than one parameter group")
        self._check_group(group)
        self.param_groups.append(group)

    def _check_options(self, group: dict[str, Any]) -> None:
        """PyTorch lets a group carry any key; one that looks like a mistyped option is refused."""
        known = {*self.defaults, *_ALWAYS_KNOWN}
        for name in group:
            close = difflib.get_close_matches(str(name), known - _ALWAYS_KNOWN, 1, _ALIKE) if name not in known else []
            if close:
                raise ArgumentError(
                    f"{type(self).__name__} has no option {name!r} in a param group; did you mean {close[0]!r}? The "
                    f"options are {', '.join(self.defaults)}"
                )

    def _check_group(self, group: dict[str, Any]) -> None:  # noqa: B027 - nothing to check is a valid answer
        """Check the values of a group's options; subclasses say what is allowed."""

    # --- state --------------------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """``{"state": {number: {...}}, "param_groups": [...]}``, parameters by their number, as PyTorch writes it."""
        numbers: dict[int, int] = {}
        groups = []
        for group in self.param_groups:
            for param in group["params"]:
                numbers.setdefault(id(param), len(numbers))
            groups.append({**group, "params": [numbers[id(param)] for param in group["params"]]})
        for group in groups:  # "params" comes last, as in PyTorch
            group["params"] = group.pop("params")
        state = {numbers[id(k)] if isinstance(k, Tensor) else k: self._export(v) for k, v in self.state.items()}
        return {"state": state, "param_groups": groups}

    def _export(self, state: dict[str, Any]) -> dict[str, Any]:
        """One parameter's state as it is saved."""
        return state

    def _import(self, param: Tensor, state: dict[str, Any]) -> dict[str, Any]:
        """One parameter's state as it is used, from what was saved: a copy, on the parameter's device."""
        return {key: _cast(param, value, key) for key, value in state.items()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take back what :meth:`state_dict` returned, of an optimizer with parameters of the same shapes.

        Raises:
            ArgumentError: the groups don't fit; the optimizer hasn't changed.
        """
        if not isinstance(state_dict, Mapping) or not {"state", "param_groups"} <= set(state_dict):
            raise ArgumentError("load_state_dict expected a dict with the keys 'state' and 'param_groups'")
        saved = state_dict["param_groups"]
        if len(saved) != len(self.param_groups):
            raise ArgumentError(
                f"loaded state dict has a different number of parameter groups: {len(saved)}, expected "
                f"{len(self.param_groups)}"
            )
        groups = []
        for own, given in zip(self.param_groups, saved, strict=True):
            if len(own["params"]) != len(given["params"]):
                raise ArgumentError(
                    f"loaded state dict contains a parameter group that doesn't match the size of optimizer's group: "
                    f"{len(given['params'])} parameters, expected {len(own['params'])}"
                )
            group = {**copy.deepcopy(given), "params": own["params"]}
            group.update({key: own[key] for key in ("param_names",) if key in own and key not in given})
            self._check_group(group)
            groups.append(group)
        numbers = chain.from_iterable(group["params"] for group in saved)
        params = dict(zip(numbers, chain.from_iterable(group["params"] for group in groups), strict=True))
        state: defaultdict[Any, dict[str, Any]] = defaultdict(dict)
        for key, value in state_dict["state"].items():
            state[params.get(key, key)] = self._import(params[key], value) if key in params else copy.deepcopy(value)
        self.state, self.param_groups = state, groups

    def __getstate__(self) -> dict[str, Any]:
        return {"defaults": self.defaults, "state": self.state, "param_groups": self.param_groups}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update({"_pre_hooks": {}, "_post_hooks": {}, "_steps": 0, "_inside": False, **state})

    # --- hooks --------------------------------------------------------------------------------------------------------

    def register_step_pre_hook(self, hook: Hook) -> RemovableHandle:
        """Call ``hook(optimizer, args, kwargs)`` before every step; it may return new ``(args, kwargs)``."""
        return RemovableHandle(self._pre_hooks, hook)

    def register_step_post_hook(self, hook: Hook) -> RemovableHandle:
        """Call ``hook(optimizer, args, kwargs)`` after every step."""
        return RemovableHandle(self._post_hooks, hook)

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__} ("]
        for number, group in enumerate(self.param_groups):
            lines.append(f"Parameter Group {number}")
            lines += [f"    {key}: {group[key]}" for key in sorted(group) if key != "params"]
        return "\n".join([*lines, ")"])


def _around_step(step: Callable[..., Any]) -> Callable[..., Any]:
    """A subclass's ``step`` with the hooks around it, and no gradient recorded; around the outermost only."""

    @functools.wraps(step)
    def run(self: Optimizer, *args: Any, **kwargs: Any) -> Any:
        if self._inside:
            return step(self, *args, **kwargs)
        for hook in list(self._pre_hooks.values()):
            changed = hook(self, args, kwargs)
            if changed is not None:
                args, kwargs = changed
        self._inside = True
        try:
            with no_grad(), gathered():
                result = step(self, *args, **kwargs)
        finally:
            self._inside = False
        self._steps += 1
        for hook in list(self._post_hooks.values()):
            hook(self, args, kwargs)
        return result

    return run


def evaluate(closure: Closure | None) -> Any:
    """The closure's loss, with gradients recorded; ``None`` without a closure."""
    if closure is None:
        return None
    with enable_grad():
        return closure()


def _parameters(given: Any) -> tuple[list[Tensor], list[str]]:
    """The tensors of a group, checked, and their names where they have some."""
    if isinstance(given, set):
        raise ArgumentTypeError("optimizer parameters need to be in an ordered collection, not in a set; use a list")
    entries = [given] if isinstance(given, Tensor) else list(given)
    names = [entry[0] for entry in entries if isinstance(entry, tuple)]
    params = [entry[1] if isinstance(entry, tuple) else entry for entry in entries]
    if names and len(names) != len(params):
        raise ArgumentError("all optimizer params should be with/without names; some names are missing")
    for param in params:
        if not isinstance(param, Tensor):
            raise ArgumentTypeError(
                f"optimizer can only optimize Tensors, but one of the params is {type(param).__name__}"
            )
        if not (param.is_leaf or param.retains_grad):
            raise ArgumentError("can't optimize a non-leaf Tensor")
    if len({id(param) for param in params}) != len(params):
        warnings.warn("optimizer contains a parameter group with duplicate parameters", stacklevel=5)
    return params, names


def _cast(param: Tensor, value: Any, key: str) -> Any:
    """A copy of a saved value; tensors follow the parameter's device and, where floating, its dtype."""
    if isinstance(value, Tensor):
        keep = key == "step" or not param.is_floating_point()
        return value.detach().to(device=param.device, dtype=value.dtype if keep else param.dtype, copy=True)
    return copy.deepcopy(value)
