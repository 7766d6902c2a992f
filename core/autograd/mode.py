"""Grad mode and inference mode: per thread, as context managers and decorators."""

from __future__ import annotations

import functools
import inspect
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, cast, final

P = ParamSpec("P")
R = TypeVar("R")


@final
class Mode(threading.local):
    """The switches of one thread."""

    grad = True
    inference = False
    saving: tuple[Any, ...] = ()
    """The hooks on saved tensors, innermost last."""
    autocast: Any = None
    """The half type of the innermost autocast, or ``None``."""
    walk: Any = None
    """The backward that runs, if one does."""


MODE = Mode()


@final
class Watch:
    """Switches of the whole process for what is rarely on, so that recording an op asks one attribute."""

    __slots__ = ("anomaly", "autocast", "check_nan", "deterministic", "saving")

    def __init__(self) -> None:
        self.anomaly = False
        self.autocast = 0
        """How many autocasts are entered, in all threads."""
        self.check_nan = True
        self.deterministic = 0
        """0, or 1 to warn of ops that are not deterministic, or 2 to refuse them."""
        self.saving = 0
        """How many hooks on saved tensors are entered, in all threads."""


WATCH = Watch()


class _Switch(ABC):
    """A context manager, and a decorator that enters it around every call."""

    def __init__(self) -> None:
        self._before: list[tuple[bool, bool]] = []

    @abstractmethod
    def _set(self) -> None: ...

    def __enter__(self) -> None:
        self._before.append((MODE.grad, MODE.inference))
        self._set()

    def __exit__(self, *_: object) -> None:
        MODE.grad, MODE.inference = self._before.pop()

    def _fresh(self) -> _Switch:
        """Another switch of the same effect: a decorated function may run in several threads at once."""
        return type(self)()

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        if inspect.isgeneratorfunction(function):

            @functools.wraps(function)
            def generate(*args: P.args, **kwargs: P.kwargs) -> Any:
                iterator = cast(Any, function)(*args, **kwargs)
                while True:
                    with self._fresh():
                        try:
                            item = next(iterator)
                        except StopIteration as stop:
                            return stop.value
                    yield item

            return cast(Callable[P, R], generate)

        @functools.wraps(function)
        def run(*args: P.args, **kwargs: P.kwargs) -> R:
            with self._fresh():
                return function(*args, **kwargs)

        return run


class no_grad(_Switch):  # noqa: N801 - PyTorch's name
    """Ops inside record no gradient.  Usable as ``with no_grad():`` and as ``@no_grad()``."""

    def _set(self) -> None:
        MODE.grad = False


class enable_grad(_Switch):  # noqa: N801 - PyTorch's name
    """Ops inside record gradients again."""

    def _set(self) -> None:
        MODE.grad = True


class set_grad_enabled(_Switch):  # noqa: N801 - PyTorch's name
    """Ops inside record gradients if ``mode``.  Called as a function, it acts at once."""

    def __init__(self, mode: bool) -> None:
        super().__init__()
        self._mode = mode
        self._previous = (MODE.grad, MODE.inference)
        MODE.grad = mode

    def _set(self) -> None:
        MODE.grad = self._mode

    def __enter__(self) -> None:
        self._before.append(self._previous)
        self._set()

    def _fresh(self) -> _Switch:
        return set_grad_enabled(self._mode)

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        MODE.grad, MODE.inference = self._previous
        return super().__call__(function)


class inference_mode(_Switch):  # noqa: N801 - PyTorch's name
    """Like :class:`no_grad`, and the tensors made inside can't take part in a later graph."""

    def __init__(self, mode: bool = True) -> None:
        super().__init__()
        self._mode = mode

    def _set(self) -> None:
        if self._mode:
            MODE.grad, MODE.inference = False, True
        else:
            MODE.grad, MODE.inference = True, False

    def _fresh(self) -> _Switch:
        return inference_mode(self._mode)


def is_grad_enabled() -> bool:
    """Whether ops record gradients in this thread."""
    return MODE.grad


def is_inference_mode_enabled() -> bool:
    """Whether inference mode is on in this thread."""
    return MODE.inference
