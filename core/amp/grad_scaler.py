"""Losses scaled up before backward, gradients scaled down before the step (Micikevicius et al., 2018)."""

from __future__ import annotations

from typing import Any, final

from hotplug import ops
from hotplug.autograd.mode import no_grad
from hotplug.errors import ArgumentError
from hotplug.tensor import Tensor


@final
class GradScaler:
    """Multiplies losses by a factor that follows the gradients: halved after infinities or NaN, doubled when all was well
    for a while.

    Args:
        device: PyTorch's argument; the scaler works wherever the gradients are.
        init_scale: the first factor.
        growth_factor, backoff_factor: how it changes.
        growth_interval: steps without infinities after which it grows.
        enabled: ``False`` makes every method do as if there were no scaler.

    Raises:
        ArgumentError: factors that would not grow or not shrink.
    """

    def __init__(
        self, device: str = "cuda", init_scale: float = 2.0**16, growth_factor: float = 2.0, backoff_factor: float = 0.5,
        growth_interval: int = 2000, enabled: bool = True,
    ) -> None:  # fmt: skip
        if growth_factor <= 1.0 or not 0 < backoff_factor < 1.0:
            raise ArgumentError(
                f"GradScaler: expected growth_factor > 1 and 0 < backoff_factor < 1, got {growth_factor} and {backoff_factor}"
            )
        self._scale, self._growth, self._backoff = float(init_scale), float(growth_factor), float(backoff_factor)
        self._interval, self._enabled, self._good = growth_interval, enabled, 0
        self._found: dict[int, bool] = {}
        """By optimizer, since the last update: whether its gradients had infinities when they were scaled down."""

    def is_enabled(self) -> bool:
        """Whether it does anything."""
        return self._enabled

    def get_scale(self) -> float:
        """The present factor; 1 where it is not enabled."""
        return self._scale if self._enabled else 1.0

    def scale(self, outputs: Any) -> Any:
        """A loss, or a list of losses, times the factor."""
        if not self._enabled:
            return outputs
        if isinstance(outputs, Tensor):
            return outputs * self._scale
        if isinstance(outputs, (list, tuple)):
            return type(outputs)(self.scale(each) for each in outputs)
        raise ArgumentError(
            f"GradScaler.scale: outputs must be a Tensor or a list of Tensors, got {type(outputs).__name__}"
        )

    def unscale_(self, optimizer: Any) -> None:
        """Divide an optimizer's gradients by the factor, before clipping say (a host read).

        Raises:
            ArgumentError: that was done since the last update already.
        """
        if not self._enabled:
            return
        if id(optimizer) in self._found:
            raise ArgumentError("unscale_() has already been called on this optimizer since the last update().")
        grads = [param.grad for group in optimizer.param_groups for param in group["params"] if param.grad is not None]
        with no_grad():
            finite = [ops.all(ops.isfinite(grad.mul_(1.0 / self._scale))) for grad in grads]
            self._found[id(optimizer)] = any(not bool(each) for each in finite)

    def step(self, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
        """The optimizer's step, left out where its gradients have infinities or NaN; what it returns."""
        if not self._enabled:
            return optimizer.step(*args, **kwargs)
        if id(optimizer) not in self._found:
            self.unscale_(optimizer)
        return None if self._found[id(optimizer)] else optimizer.step(*args, **kwargs)

    def update(self, new_scale: float | Tensor | None = None) -> None:
        """Change the factor after all steps of an iteration.

        Raises:
            ArgumentError: nothing was scaled down since the last update.
        """
        if not self._enabled:
            return
        if new_scale is not None:
            self._scale = float(new_scale)
        elif not self._found:
            raise ArgumentError("GradScaler.update: No inf checks were recorded prior to update; call step() first")
        elif any(self._found.values()):
            self._scale, self._good = self._scale * self._backoff, 0
        else:
            self._good += 1
            if self._good == self._interval:
                self._scale, self._good = self._scale * self._growth, 0
        self._found.clear()

    def state_dict(self) -> dict[str, Any]:
        """What :meth:`load_state_dict` takes; empty where it is not enabled."""
        if not self._enabled:
            return {}
        return {
            "scale": self._scale, "growth_factor": self._growth, "backoff_factor": self._backoff,
            "growth_interval": self._interval, "_growth_tracker": self._good,
        }  # fmt: skip

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on where another left off.

        Raises:
            ArgumentError: the state is empty, from a scaler that was not enabled.
        """
        if not self._enabled:
            return
        if not state_dict:
            raise ArgumentError(
                "GradScaler.load_state_dict: the state is empty: it was saved by a scaler that is not enabled"
            )
        self._scale, self._growth = float(state_dict["scale"]), float(state_dict["growth_factor"])
        self._backoff, self._interval = float(state_dict["backoff_factor"]), int(state_dict["growth_interval"])
        self._good = int(state_dict["_growth_tracker"])
