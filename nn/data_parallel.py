"""DataParallel: a module on its one device."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hotplug.device import device as Device
from hotplug.errors import DeviceError
from hotplug.nn.module import Module


class DataParallel(Module):
    """The wrapped module, run on one device: PyTorch's class where there is one GPU.

    Its parameters and state have the prefix ``module.``, as in PyTorch.

    Args:
        module: what is run.
        device_ids, output_device, dim: accepted for one device at the most.

    Raises:
        DeviceError: several devices are named; run one process for each.
    """

    def __init__(
        self, module: Module, device_ids: Sequence[Any] | None = None, output_device: Any = None, dim: int = 0
    ) -> None:
        super().__init__()
        chosen = list(device_ids or ())
        if len(chosen) > 1:
            raise DeviceError(f"DataParallel: one device is used, got {chosen}; run one process for each device")
        self.dim = dim
        self.module = module
        self.device_ids = chosen
        self.output_device = output_device
        if chosen:
            module.to(Device("cuda", chosen[0]) if isinstance(chosen[0], int) else Device(chosen[0]))

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        """What the module makes of the same arguments."""
        return self.module(*inputs, **kwargs)


def data_parallel(
    module: Module, inputs: Any, device_ids: Sequence[Any] | None = None, output_device: Any = None, dim: int = 0,
    module_kwargs: dict[str, Any] | None = None,
) -> Any:  # fmt: skip
    """The module's result, on its one device."""
    whole = DataParallel(module, device_ids, output_device, dim)
    return whole(*(inputs if isinstance(inputs, tuple) else (inputs,)), **(module_kwargs or {}))
