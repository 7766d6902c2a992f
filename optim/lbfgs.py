"""L-BFGS (Nocedal, 1980; Liu and Nocedal, 1989)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hotplug import ops
from hotplug.autograd.mode import enable_grad
from hotplug.errors import ArgumentError, ArgumentTypeError
from hotplug.optim._wolfe import strong_wolfe
from hotplug.optim.optimizer import Closure, Optimizer, Params
from hotplug.tensor import Tensor

_CURVATURE: float = 1e-10
"""The smallest ``y . s`` that a pair of differences is remembered for."""


class LBFGS(Optimizer):
    """A quasi-Newton method that remembers the last differences of parameters and gradients instead of a Hessian.

    All parameters are one vector, in one group.  A step calls the closure several times and reads numbers from the
    device in between.

    Args:
        params: see :class:`Optimizer`.
        lr: length of the step along the direction, before a line search.
        max_iter: directions a step.
        max_eval: calls of the closure a step; default ``1.25 * max_iter``.
        tolerance_grad: a largest gradient at which the search ends.
        tolerance_change: a change of parameters or of the loss at which it ends.
        history_size: differences remembered.
        line_search_fn: ``"strong_wolfe"`` or ``None``: steps of ``lr``.
    """

    def __init__(
        self, params: Params, lr: float | Tensor = 1, max_iter: int = 20, max_eval: int | None = None,
        tolerance_grad: float = 1e-7, tolerance_change: float = 1e-9, history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:  # fmt: skip
        defaults = {
            "lr": lr, "max_iter": max_iter, "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
            "tolerance_grad": tolerance_grad, "tolerance_change": tolerance_change, "history_size": history_size,
            "line_search_fn": line_search_fn,
        }  # fmt: skip
        super().__init__(params, defaults)
        if len(self.param_groups) != 1:
            raise ArgumentError("LBFGS doesn't support per-parameter options (parameter groups)")

    def _check_group(self, group: dict[str, Any]) -> None:
        if not float(group["lr"]) >= 0.0:
            raise ArgumentError(f"Invalid learning rate: {group['lr']}; expected 0 or more")
        if group["line_search_fn"] not in (None, "strong_wolfe"):
            raise ArgumentError(f"only 'strong_wolfe' is supported as line_search_fn, got {group['line_search_fn']!r}")

    def step(self, closure: Closure | None = None) -> Any:
        """Follow up to ``max_iter`` directions.

        Args:
            closure: clears the gradients, computes the loss anew and returns it; required.

        Returns:
            The closure's first loss.
        """
        if closure is None:
            raise ArgumentTypeError("LBFGS.step() expected a closure that recomputes the loss and returns it")
        group = self.param_groups[0]
        search = _Search(self, group, closure)
        return search.run()


class _Search:
    """One call of ``step``."""

    def __init__(self, optimizer: LBFGS, group: dict[str, Any], closure: Callable[[], Any]) -> None:
        self.group = group
        self.params: list[Tensor] = group["params"]
        self.state = optimizer.state[self.params[0]]
        self.state.setdefault("func_evals", 0)
        self.state.setdefault("n_iter", 0)
        self.closure = closure
        self.evaluations = 0

    def evaluate(self) -> tuple[Any, float]:
        """The closure's loss, and as a number; the gradients are new."""
        with enable_grad():
            loss = self.closure()
        self.evaluations += 1
        self.state["func_evals"] += 1
        return loss, float(loss)

    def gradient(self) -> Tensor:
        """The gradients of all parameters as one vector."""
        parts = [ops.zeros_like(p) if p.grad is None else p.grad for p in self.params]
        return ops.cat([(ops.view_as_real(part) if part.is_complex() else part).reshape(-1) for part in parts])

    def move(self, direction: Tensor, length: float) -> None:
        """Add ``length * direction`` to the parameters."""
        start = 0
        for param in self.params:
            target = ops.view_as_real(param) if param.is_complex() else param
            part = direction[start : start + target.numel()].reshape(target.shape)
            target.add_(part, alpha=length)
            start += target.numel()

    def run(self) -> Any:
        first, loss = self.evaluate()
        gradient = self.gradient()
        if float(gradient.abs().max()) <= self.group["tolerance_grad"]:
            return first
        for iteration in range(1, self.group["max_iter"] + 1):
            self.state["n_iter"] += 1
            direction = self.direction(gradient)
            slope = float((gradient * direction).sum())
            self.state["prev_flat_grad"], self.state["prev_loss"] = gradient.clone(), loss
            if slope > -self.group["tolerance_change"]:
                break
            length = float(self.group["lr"])
            if self.state["n_iter"] == 1:
                length *= min(1.0, 1.0 / float(gradient.abs().sum()))
            last = iteration == self.group["max_iter"]
            loss, gradient, length = self.advance(loss, gradient, direction, slope, length, last)
            self.state["d"], self.state["t"] = direction, length
            if last or self.ended(loss, gradient, direction, length):
                break
        return first

    def advance(
        self, loss: float, gradient: Tensor, direction: Tensor, slope: float, length: float, last: bool
    ) -> tuple[float, Tensor, float]:
        """Move along the direction: the loss and gradient there, and how far it was."""
        if self.group["line_search_fn"] is None:
            self.move(direction, length)
            if last:  # as in PyTorch, nobody reads the loss behind the last step
                return loss, gradient, length
            loss = self.evaluate()[1]
            return loss, self.gradient(), length
        start = [param.clone() for param in self.params]

        def probe(distance: float) -> tuple[float, Tensor]:
            self.move(direction, distance)
            value = self.evaluate()[1]
            found = self.gradient()
            for param, origin in zip(self.params, start, strict=True):
                param.copy_(origin)
            return value, found

        change = self.group["tolerance_change"]
        loss, gradient, length = strong_wolfe(probe, length, direction, loss, gradient, slope, change)
        self.move(direction, length)
        return loss, gradient, length

    def ended(self, loss: float, gradient: Tensor, direction: Tensor, length: float) -> bool:
        change = self.group["tolerance_change"]
        return bool(
            self.evaluations >= self.group["max_eval"]
            or float(gradient.abs().max()) <= self.group["tolerance_grad"]
            or float((direction * length).abs().max()) <= change
            or abs(loss - self.state["prev_loss"]) < change
        )

    def direction(self, gradient: Tensor) -> Tensor:
        """Minus the gradient times the approximate inverse Hessian: the two loops over the remembered differences."""
        state = self.state
        if state["n_iter"] == 1:
            state.update({"old_dirs": [], "old_stps": [], "ro": [], "H_diag": 1.0})
            return -gradient
        self.remember(gradient - state["prev_flat_grad"], state["d"] * state["t"])
        result: Tensor = -gradient
        weights: list[Tensor] = []
        for y, s, ro in zip(*(reversed(state[key]) for key in ("old_dirs", "old_stps", "ro")), strict=True):
            weights.append((s * result).sum() * ro)
            result = result - y * weights[-1]
        result = result * state["H_diag"]
        for y, s, ro in zip(state["old_dirs"], state["old_stps"], state["ro"], strict=True):
            result = result + s * (weights.pop() - (y * result).sum() * ro)
        return result

    def remember(self, y: Tensor, s: Tensor) -> None:
        """Keep a pair of differences, and drop the oldest where there are too many."""
        state, curvature = self.state, float((y * s).sum())
        if curvature <= _CURVATURE:
            return
        for key, value in (("old_dirs", y), ("old_stps", s), ("ro", 1.0 / curvature)):
            state[key].append(value)
            del state[key][: -self.group["history_size"]]
        state["H_diag"] = curvature / float((y * y).sum())
