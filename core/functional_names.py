"""Names that torch has beside torch.nn.functional, some with the arguments in another order, and ``name_`` functions.

Losses take ``reduction`` as PyTorch's number here: 0, the default, is ``none``, 1 ``mean``, 2 ``sum``; words are taken, too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from hotplug import ops
from hotplug.errors import ArgumentError
from hotplug.nn import functional as F
from hotplug.tensor import Tensor

SAME: Final = frozenset(
    "adaptive_avg_pool1d adaptive_max_pool1d avg_pool1d bilinear celu celu_ hardshrink max_pool1d max_pool2d max_pool3d "
    "prelu relu_ rrelu rrelu_ selu selu_ threshold threshold_".split()
)
"""Functions of torch that are those of torch.nn.functional."""

_INPLACE: Final = frozenset({"celu_", "relu_", "rrelu_", "selu_", "threshold_"})


def __getattr__(name: str) -> Any:
    if name in _INPLACE:
        return _overwriting(name)
    if name in SAME:
        return getattr(F, name)
    raise AttributeError(f"module 'hotplug.functional_names' has no attribute {name!r}")


def _overwriting(name: str) -> Callable[..., Tensor]:
    plain = getattr(F, name.removesuffix("_"))

    def function(input: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        return plain(input, *args, inplace=True, **kwargs)  # type: ignore[no-any-return]

    function.__name__ = name
    function.__doc__ = f"``nn.functional.{name.removesuffix('_')}`` that overwrites its input."
    return function


def of_method(name: str) -> Callable[..., Tensor]:
    """The function of a method: ``cos_(x)`` for ``x.cos_()``."""

    def function(input: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        return getattr(input, name)(*args, **kwargs)  # type: ignore[no-any-return]

    function.__name__ = name
    function.__doc__ = f"``input.{name}(...)``."
    return function


def of_view(function: Callable[..., Any]) -> Callable[..., Any]:
    """PyTorch's ``name_copy`` of a view op: the results have memory of their own."""

    def copied(input: Tensor, *args: Any, **kwargs: Any) -> Any:
        found = function(input, *args, **kwargs)
        return found.clone() if isinstance(found, Tensor) else tuple(each.clone() for each in found)

    copied.__name__ = f"{function.__name__}_copy"
    copied.__doc__ = f"``{function.__name__}`` with memory of its own."
    return copied


def cond(pred: Any, true_fn: Callable[..., Any], false_fn: Callable[..., Any], operands: Any = ()) -> Any:
    """One function or the other; a tensor's truth value is read."""
    return (true_fn if bool(pred) else false_fn)(*operands)


def while_loop(cond_fn: Callable[..., Any], body_fn: Callable[..., Any], carried_inputs: Any) -> Any:
    """A function again and again, on its own results, as long as a condition of them holds, which is read each time."""
    carried = tuple(carried_inputs)
    while bool(cond_fn(*carried)):
        carried = tuple(body_fn(*carried))
    return carried


def frombuffer(buffer: Any, *, dtype: Any, count: int = -1, offset: int = 0, requires_grad: bool = False) -> Tensor:
    """A vector on the memory of an object with Python's buffer protocol, which is shared where it is writeable and the first
    element lies at a multiple of 16 bytes, else copied.

    Raises:
        ArgumentError: the buffer is empty, or too short.
    """
    import numpy as np

    size = memoryview(buffer).nbytes
    if size == 0 or count == 0:
        raise ArgumentError(f"frombuffer: both buffer length ({size}) and count ({count}) must not be 0")
    if offset < 0 or offset >= size or (count > 0 and offset + count * dtype.itemsize > size):
        raise ArgumentError(
            f"frombuffer: {count} elements of {dtype.name} from byte {offset} on do not lie in {size} bytes"
        )
    if count < 0 and (size - offset) % dtype.itemsize:
        raise ArgumentError(f"frombuffer: {size - offset} bytes are no whole number of {dtype.name}")
    values = np.frombuffer(buffer, dtype.numpy, count, offset)
    made: Tensor = ops.from_numpy(values) if values.flags.writeable else ops.tensor(values.copy())
    return made.requires_grad_() if requires_grad else made


def conv_tbc(input: Tensor, weight: Tensor, bias: Tensor, pad: int = 0) -> Tensor:
    """A convolution over time.  input ``(T, N, C)``, weight ``(K, C, D)``, bias ``(D)`` -> ``(T', N, D)``."""
    found = F.conv1d(input.permute(1, 2, 0), weight.permute(2, 1, 0), bias, padding=pad)
    return found.permute(2, 0, 1)


def _word(reduction: Any) -> str:
    words = {0: "none", 1: "mean", 2: "sum"}
    found = words.get(reduction, reduction)
    if found not in words.values():
        raise ArgumentError(f"expected a reduction among 0, 1, 2 or {sorted(words.values())}, got {reduction!r}")
    return str(found)


def dropout(input: Tensor, p: float, train: bool) -> Tensor:
    """``nn.functional.dropout``."""
    return F.dropout(input, p, train)


def dropout_(input: Tensor, p: float, train: bool) -> Tensor:
    """``nn.functional.dropout`` that overwrites its input."""
    return F.dropout(input, p, train, inplace=True)


def alpha_dropout(input: Tensor, p: float, train: bool) -> Tensor:
    """``nn.functional.alpha_dropout``."""
    return F.alpha_dropout(input, p, train)


def feature_alpha_dropout(input: Tensor, p: float, train: bool) -> Tensor:
    """``nn.functional.feature_alpha_dropout``."""
    return F.feature_alpha_dropout(input, p, train)


def feature_dropout(input: Tensor, p: float, train: bool) -> Tensor:
    """Whole channels dropped.  ``(N, C, *S)`` -> the same."""
    mask = input.new_ones((*input.shape[:2], *(1,) * (input.ndim - 2)))
    return input * F.dropout(mask, p, train)


def embedding(
    weight: Tensor, indices: Tensor, padding_idx: int = -1, scale_grad_by_freq: bool = False, sparse: bool = False
) -> Tensor:
    """``nn.functional.embedding``, the table first; -1 is no padding."""
    return F.embedding(indices, weight, None if padding_idx < 0 else padding_idx, scale_grad_by_freq=scale_grad_by_freq,
                       sparse=sparse)  # fmt: skip


def layer_norm(
    input: Tensor, normalized_shape: Sequence[int], weight: Tensor | None = None, bias: Tensor | None = None,
    eps: float = 1e-5, cudnn_enable: bool = True,
) -> Tensor:  # fmt: skip
    """``nn.functional.layer_norm``."""
    del cudnn_enable
    return F.layer_norm(input, normalized_shape, weight, bias, eps)


def group_norm(
    input: Tensor, num_groups: int, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5,
    cudnn_enabled: bool = True,
) -> Tensor:  # fmt: skip
    """``nn.functional.group_norm``."""
    del cudnn_enabled
    return F.group_norm(input, num_groups, weight, bias, eps)


def batch_norm(
    input: Tensor, weight: Tensor | None, bias: Tensor | None, running_mean: Tensor | None, running_var: Tensor | None,
    training: bool, momentum: float, eps: float, cudnn_enabled: bool,
) -> Tensor:  # fmt: skip
    """``nn.functional.batch_norm``, the scale before the statistics."""
    del cudnn_enabled
    return F.batch_norm(input, running_mean, running_var, weight, bias, training, momentum, eps)


def instance_norm(
    input: Tensor, weight: Tensor | None, bias: Tensor | None, running_mean: Tensor | None, running_var: Tensor | None,
    use_input_stats: bool, momentum: float, eps: float, cudnn_enabled: bool,
) -> Tensor:  # fmt: skip
    """``nn.functional.instance_norm``, the scale before the statistics."""
    del cudnn_enabled
    return F.instance_norm(input, running_mean, running_var, weight, bias, use_input_stats, momentum, eps)


def constant_pad_nd(input: Tensor, pad: Sequence[int], value: float = 0) -> Tensor:
    """``nn.functional.pad`` with a constant."""
    return F.pad(input, list(pad), "constant", value)


def kl_div(input: Tensor, target: Tensor, reduction: Any = 0, *, log_target: bool = False) -> Tensor:
    """``nn.functional.kl_div``."""
    return F.kl_div(input, target, reduction=_word(reduction), log_target=log_target)


def cosine_embedding_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0.0, reduction: Any = 0
) -> Tensor:
    """``nn.functional.cosine_embedding_loss``."""
    return F.cosine_embedding_loss(input1, input2, target, margin, reduction=_word(reduction))


def hinge_embedding_loss(input: Tensor, target: Tensor, margin: float = 1.0, reduction: Any = 0) -> Tensor:
    """``nn.functional.hinge_embedding_loss``."""
    return F.hinge_embedding_loss(input, target, margin, reduction=_word(reduction))


def margin_ranking_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0.0, reduction: Any = 0
) -> Tensor:
    """``nn.functional.margin_ranking_loss``."""
    return F.margin_ranking_loss(input1, input2, target, margin, reduction=_word(reduction))


def triplet_margin_loss(
    anchor: Tensor, positive: Tensor, negative: Tensor, margin: float = 1.0, p: float = 2.0, eps: float = 1e-6,
    swap: bool = False, reduction: Any = 0,
) -> Tensor:  # fmt: skip
    """``nn.functional.triplet_margin_loss``."""
    return F.triplet_margin_loss(anchor, positive, negative, margin, p, eps, swap, reduction=_word(reduction))


def poisson_nll_loss(input: Tensor, target: Tensor, log_input: bool, full: bool, eps: float, reduction: Any) -> Tensor:
    """``nn.functional.poisson_nll_loss``."""
    return F.poisson_nll_loss(input, target, log_input, full, eps=eps, reduction=_word(reduction))


def binary_cross_entropy_with_logits(
    input: Tensor, target: Tensor, weight: Tensor | None = None, pos_weight: Tensor | None = None, reduction: Any = 0
) -> Tensor:
    """``nn.functional.binary_cross_entropy_with_logits``."""
    return F.binary_cross_entropy_with_logits(input, target, weight, reduction=_word(reduction), pos_weight=pos_weight)


def ctc_loss(
    log_probs: Tensor, targets: Tensor, input_lengths: Any, target_lengths: Any, blank: int = 0, reduction: Any = 0,
    zero_infinity: bool = False,
) -> Tensor:  # fmt: skip
    """``nn.functional.ctc_loss``."""
    return F.ctc_loss(log_probs, targets, input_lengths, target_lengths, blank, _word(reduction), zero_infinity)


def detach(input: Tensor) -> Tensor:
    """``input.detach()``."""
    return input.detach()


def fill(input: Tensor, value: Any) -> Tensor:
    """A tensor of the input's shape and dtype, full of one value."""
    return ops.full_like(input, value.item() if isinstance(value, Tensor) else value)


def range(start: float, end: float | None = None, step: float = 1, **options: Any) -> Tensor:
    """PyTorch's deprecated ``arange`` that includes the end."""
    first, last = (0, start) if end is None else (start, end)
    if step == 0 or (last - first) / step < 0:
        raise ArgumentError(f"range: bounds {first} and {last} are inconsistent with step {step}")
    count = int((last - first) / step) + 1
    options.setdefault("dtype", ops.empty(0).dtype)
    return ops.arange(count, **options) * step + first


def frobenius_norm(input: Tensor, dim: Any = (), keepdim: bool = False) -> Tensor:
    """The root of the sum of squares, over all axes by default."""
    from hotplug import linalg

    return linalg.vector_norm(input, 2, dim if isinstance(dim, int) or len(dim) else None, keepdim)


def nuclear_norm(input: Tensor, dim: Any = (-2, -1), keepdim: bool = False) -> Tensor:
    """The sum of the singular values."""
    from hotplug import linalg

    return linalg.matrix_norm(input, "nuc", dim, keepdim)


def norm_except_dim(v: Tensor, pow: int = 2, dim: int = 0) -> Tensor:
    """The norm over all axes but one, which stays; over all where ``dim`` is -1."""
    from hotplug import linalg

    axes = [axis for axis, _ in enumerate(v.shape) if dim == -1 or axis != dim]
    return linalg.vector_norm(v, pow, axes, dim != -1)


def grid_sampler(
    input: Tensor, grid: Tensor, interpolation_mode: int, padding_mode: int, align_corners: bool
) -> Tensor:
    """``nn.functional.grid_sample``, its modes as numbers."""
    mode = ("bilinear", "nearest", "bicubic")[interpolation_mode]
    return F.grid_sample(input, grid, mode, ("zeros", "border", "reflection")[padding_mode], align_corners)


def affine_grid_generator(theta: Tensor, size: Sequence[int], align_corners: bool) -> Tensor:
    """``nn.functional.affine_grid``."""
    return F.affine_grid(theta, list(size), align_corners)
