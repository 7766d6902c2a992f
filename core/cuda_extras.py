"""What more programs ask of ``hotplug.cuda``: streams, typed constructors, random states, statistics by other names."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hotplug import random, runtime
from hotplug.device import device as Device
from hotplug.dtypes import bfloat16
from hotplug.errors import OutOfMemoryError
from hotplug.legacy import TensorKind
from hotplug.streams import (
    Event,
    Stream,
    StreamContext,
    current_stream,
    default_stream,
    set_stream,
    stream,
)
from hotplug.tensor import Tensor

__all__ = [
    "BFloat16Tensor", "BoolTensor", "ByteTensor", "CharTensor", "DoubleTensor", "Event", "FloatTensor", "HalfTensor",
    "IntTensor", "LongTensor", "OutOfMemoryError", "ShortTensor", "Stream", "StreamContext", "current_stream",
    "default_stream", "device", "device_of", "get_arch_list", "get_rng_state", "get_rng_state_all", "initial_seed",
    "ipc_collect", "is_bf16_supported", "is_current_stream_capturing", "max_memory_cached", "max_memory_reserved",
    "mem_get_info", "memory_cached", "memory_stats", "reset_accumulated_memory_stats", "reset_max_memory_allocated",
    "reset_max_memory_cached", "seed", "seed_all", "set_rng_state", "set_rng_state_all", "set_stream", "stream",
]  # fmt: skip


def _of(device: Any) -> Any:
    return Device("cuda") if device is None else Device("cuda", device) if isinstance(device, int) else Device(device)


def _typed(word: str) -> Any:
    from hotplug import legacy

    kind: TensorKind = getattr(legacy, f"{word}Tensor")

    class Typed(TensorKind):
        """The type of ``cuda.FloatTensor`` and its like: tensors are made on the device ``cuda``."""

        def __instancecheck__(self, instance: object) -> bool:
            return (
                isinstance(instance, Tensor) and instance.dtype is self.dtype and instance.device.type == _of(None).type
            )

        def __call__(self, *data: Any, device: Any = None) -> Tensor:
            return TensorKind.__call__(self, *data, device=_of(None) if device is None else device)

    made = Typed(f"{word}Tensor", (), {"dtype": kind.dtype, "__doc__": f"Tensors of {kind.dtype.name} on ``cuda``."})
    made.__module__ = "hotplug.cuda"
    return made


FloatTensor, DoubleTensor, HalfTensor, BFloat16Tensor = map(_typed, ("Float", "Double", "Half", "BFloat16"))
ByteTensor, CharTensor, ShortTensor, IntTensor = map(_typed, ("Byte", "Char", "Short", "Int"))
LongTensor, BoolTensor = map(_typed, ("Long", "Bool"))


def is_bf16_supported(including_emulation: bool = True) -> bool:
    """Whether the device holds bfloat16."""
    del including_emulation
    return bfloat16 in runtime.resolve_runtime(_of(None)).capabilities.storage


def mem_get_info(device: Any = None) -> tuple[int, int]:
    """Bytes free and in all, as far as this process knows: what it has not reserved itself is free."""
    from hotplug import cuda

    total = cuda.get_device_properties(device).total_memory
    return max(total - cuda.memory_reserved(device), 0), total


def memory_stats(device: Any = None) -> dict[str, int]:
    """Bytes in use and reserved, by PyTorch's keys."""
    from hotplug import cuda

    return {
        "allocated_bytes.all.current": cuda.memory_allocated(device),
        "allocated_bytes.all.peak": cuda.max_memory_allocated(device),
        "reserved_bytes.all.current": cuda.memory_reserved(device),
        "reserved_bytes.all.peak": max_memory_reserved(device),
    }


def max_memory_reserved(device: Any = None) -> int:
    """The most of ``memory_reserved``."""
    from hotplug import cuda

    if not cuda.is_initialized():
        return 0
    return runtime.resolve_runtime(_of(device)).allocator.statistics()["max_reserved"]


def max_memory_cached(device: Any = None) -> int:
    """PyTorch's old name of :func:`max_memory_reserved`."""
    return max_memory_reserved(device)


def reset_max_memory_cached(device: Any = None) -> None:
    """PyTorch's old name of ``reset_peak_memory_stats``."""
    reset_max_memory_allocated(device)


def reset_accumulated_memory_stats(device: Any = None) -> None:
    """Nothing: totals since the start are not kept."""
    del device


def memory_cached(device: Any = None) -> int:
    """PyTorch's old name of ``memory_reserved``."""
    from hotplug import cuda

    return cuda.memory_reserved(device)


def reset_max_memory_allocated(device: Any = None) -> None:
    """PyTorch's old name of ``reset_peak_memory_stats``."""
    from hotplug import cuda

    cuda.reset_peak_memory_stats(device)


def ipc_collect() -> None:
    """Nothing: processes share no memory."""


def get_arch_list() -> list[str]:
    """None: kernels are compiled for the device that is there."""
    return []


def is_current_stream_capturing() -> bool:
    """Never: there are no graphs of launches."""
    return False


def get_rng_state(device: Any = None) -> Tensor:
    """The state of the one generator, which serves all devices."""
    del device
    return random.get_rng_state()


def set_rng_state(new_state: Tensor, device: Any = None) -> None:
    """Set the state of the one generator."""
    del device
    random.set_rng_state(new_state)


def get_rng_state_all() -> list[Tensor]:
    """The state of the one generator, for each device."""
    from hotplug import cuda

    return [random.get_rng_state() for _ in range(cuda.device_count())]


def set_rng_state_all(new_states: Iterable[Tensor]) -> None:
    """Set the state of the one generator, from the last of these."""
    for state in new_states:
        random.set_rng_state(state)


def seed() -> None:
    """Give the one generator an unforeseeable seed."""
    random.seed()


seed_all = seed


def initial_seed() -> int:
    """The seed of the one generator."""
    return random.initial_seed()


def device(device: Any) -> Any:
    """A context in which ``"cuda"`` is the default device: the first one."""
    import contextlib

    from hotplug.cuda import set_device

    if device is None or (isinstance(device, int) and device < 0):
        return contextlib.nullcontext()
    set_device(device)
    return _of(device)


def device_of(obj: Tensor) -> Any:
    """:func:`device` of a tensor's; nothing where it isn't on ``cuda``."""
    return device(obj.device.index or 0 if obj.device.type == "cuda" else -1)
