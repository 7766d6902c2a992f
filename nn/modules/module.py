"""Hooks on every module: for profilers, and for finding where something goes wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hotplug.autograd.hooks import RemovableHandle
from hotplug.nn._hooks import EVERY, Hook
from hotplug.nn.module import Module

__all__ = [
    "Module", "register_module_buffer_registration_hook", "register_module_forward_hook",
    "register_module_forward_pre_hook", "register_module_full_backward_hook", "register_module_full_backward_pre_hook",
    "register_module_module_registration_hook", "register_module_parameter_registration_hook",
]  # fmt: skip


def _add(hook: Hook) -> RemovableHandle:
    return RemovableHandle(EVERY, hook)  # type: ignore[arg-type]


def register_module_forward_pre_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(module, args)`` before every module's forward; what it returns replaces the arguments."""
    return _add(Hook(hook, kind="forward_pre"))


def register_module_forward_hook(
    hook: Callable[..., Any], *, with_kwargs: bool = False, always_call: bool = False
) -> RemovableHandle:
    """Call ``hook(module, args, output)`` after every module's forward; what it returns replaces the output.

    ``with_kwargs``: ``hook(module, args, kwargs, output)``; ``always_call``: even if the forward raised.
    """
    return _add(Hook(hook, with_kwargs, always_call, "forward"))


def register_module_full_backward_pre_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(module, grad_output)`` before every module's backward; what it returns replaces ``grad_output``."""
    return _add(Hook(hook, kind="backward_pre"))


def register_module_full_backward_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(module, grad_input, grad_output)`` when the gradients of a module's inputs are known.

    Both are tuples; what it returns replaces ``grad_input``.
    """
    return _add(Hook(hook, kind="backward"))


def register_module_parameter_registration_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(module, name, param)`` where a module is given a parameter; what it returns replaces it."""
    return _add(Hook(hook, kind="parameter"))


def register_module_buffer_registration_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(module, name, buffer)`` where a module is given a buffer; what it returns replaces it."""
    return _add(Hook(hook, kind="buffer"))


def register_module_module_registration_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(module, name, child)`` where a module is given a child; what it returns replaces it."""
    return _add(Hook(hook, kind="module"))
