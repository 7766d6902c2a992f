"""The norm of many tensors taken together, as one composite over a list, so that a backend can do with few launches."""

from __future__ import annotations

from collections.abc import Sequence

from hotplug.declare import composite
from hotplug.dtypes import dtype as DType
from hotplug.layout import Shape
from hotplug.ops import joining, reduction
from hotplug.tensor import Tensor


def _outputs(tensors: Sequence[Tensor], order: float) -> list[tuple[Shape, DType]]:
    kind = tensors[0].dtype
    return [((), kind.real if kind.is_complex else kind)]


@composite(outputs=_outputs)
def norm_of_list(tensors: Sequence[Tensor], order: float) -> Tensor:
    """The norm of ``order`` of all elements of tensors of one dtype on one device -> ``()``.

    It is the norm of the tensors' norms.
    """
    norms = [reduction.norm(each, order) for each in tensors]
    found: Tensor = norms[0] if len(norms) == 1 else reduction.norm(joining.stack(norms, 0), order)
    return found
