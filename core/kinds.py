"""What Hotplug's tensors are not: the properties by which PyTorch tells kinds of memory and of devices apart."""

from __future__ import annotations

from typing import Any, Final, final


@final
class layout:  # noqa: N801 - PyTorch's name
    """How elements lie in memory: always :data:`strided`."""

    def __init__(self, name: str) -> None:
        self._name: Final = name

    def __repr__(self) -> str:
        return f"torch.{self._name}"


strided: Final = layout("strided")


def _never(text: str) -> property:
    def answer(self: Any) -> bool:
        return False

    answer.__doc__ = f"Whether {text}: never."
    return property(answer)


class PlainMemory:
    """Properties that are the same for all tensors."""

    __slots__ = ()

    is_xpu = _never("it is on an Intel GPU by PyTorch's own backend")
    is_mps = _never("it is on an Apple GPU by PyTorch's own backend")
    is_xla = _never("it is on PyTorch/XLA")
    is_ipu = _never("it is on a Graphcore IPU by PyTorch's own backend")
    is_mtia = _never("it is on a Meta accelerator")
    is_maia = _never("it is on a Microsoft accelerator")
    is_vulkan = _never("it is on Vulkan")
    is_meta = _never("it has a shape and no memory")
    is_mkldnn = _never("it is in oneDNN's blocked format")
    is_quantized = _never("it is quantized")
    is_nested = _never("it is a list of tensors")
    is_sparse_csr = _never("it is sparse")

    @property
    def layout(self) -> layout:
        """How elements lie in memory."""
        return strided
