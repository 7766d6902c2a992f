"""The backward of a composite through its own decomposition: computed again, recorded, and run backward."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from hotplug.autograd.api import grad
from hotplug.autograd.mode import MODE, enable_grad
from hotplug.tensor import Tensor


def pullback(body: Callable[..., Any], args: Sequence[Any], wanted: Sequence[int], deltas: Sequence[Tensor]) -> Any:
    """The gradients for the arguments at the places ``wanted``, given those of the outputs.

    It is what the body of a ``*_backward`` composite may be where no shorter formula is known.  Where gradients are
    recorded, so are these, and can be differentiated again.

    Returns:
        A tuple, a gradient for each place; zeros where the outputs don't depend on an argument.
    """
    taped = MODE.grad
    own = list(args)
    with enable_grad():
        for place in wanted:
            if not (taped and own[place].requires_grad):
                own[place] = own[place].detach().requires_grad_()
        outcome = body(*own)
        results = [outcome] if isinstance(outcome, Tensor) else list(outcome)
        pairs = [(out, delta) for out, delta in zip(results, deltas, strict=False) if out.requires_grad]
        found = grad(
            [out for out, _ in pairs], [own[place] for place in wanted], [delta for _, delta in pairs],
            create_graph=taped, allow_unused=True, materialize_grads=True,
        )  # fmt: skip
    return tuple(found)
