"""Ops without samples, and gradients that no difference quotient confirms, each with the reason."""

from __future__ import annotations

from typing import Final

EXEMPT: Final[dict[str, str]] = {
    "empty": "its elements mean nothing; shape and dtype are tests of creation",
    "empty_like": "its elements mean nothing",
    "new_empty": "its elements mean nothing",
    "from_numpy": "shares host memory with NumPy, always on the host device",
    "from_dlpack": "shares host memory with another library; tests of the exchange",
    "Tensor.cuda": "moves to one kind of device; moving is tested by `to`",
    "Tensor.type": "names a type; converting is tested by `to`",
    **dict.fromkeys(
        (
            "Tensor.data_ptr",
            "Tensor.untyped_storage",
            "Tensor.storage",
            "Tensor.is_set_to",
            "Tensor.set_",
            "Tensor.new",
            "empty_strided",
            "Tensor.new_empty_strided",
            "Tensor.resize",
            "Tensor.resize_as",
            "Tensor.is_pinned",
            "Tensor.pin_memory",
            "Tensor.is_shared",
            "Tensor.share_memory_",
            "Tensor.record_stream",
            "Tensor.to_dense",
            "Tensor.apply_",
            "Tensor.map_",
            "Tensor.map2_",
        ),
        "asks for memory, or is there for old programs; tests/core/test_memory_handles",
    ),
    "Tensor.resize_": "new elements mean nothing; shape and kept elements are tests of old names",
    "Tensor.resize_as_": "as resize_",
    "broadcast_shapes": "takes no tensor",
    "get_device": "a number of the device itself",
    "rand": "random: the streams are compared bit for bit in level 3",
    "randn": "random: compared in level 3",
    "randint": "random: compared in level 3",
    "randperm": "random: compared in level 3",
    "rand_like": "random: compared in level 3",
    "randn_like": "random: compared in level 3",
    "randint_like": "random: compared in level 3",
    "bernoulli": "random: compared in level 3",
    "bernoulli_": "random: compared in level 3",
    "uniform_": "random: compared in level 3",
    "normal_": "random: compared in level 3",
    "exponential_": "random: compared in level 3",
    "random_": "random: compared in level 3",
    "cauchy_": "random: its distribution is a test of tests/ops/test_samplers",
    "log_normal_": "random, as cauchy_",
    "geometric_": "random, as cauchy_",
    "_standard_gamma": "random, as cauchy_; its gradient is ops.gamma_sample_slope, which has samples",
    "poisson": "random, as cauchy_",
    "ops.von_mises_angle": "random, as cauchy_",
    "binomial": "random, as cauchy_",
    "lobpcg": "made of eigh, which has samples; tests of linear algebra",
    "svd_lowrank": "random projections; exact matrices of low rank are tests of linear algebra",
    "pca_lowrank": "random projections, as svd_lowrank",
    "normal": "random: compared in level 3",
    "multinomial": "random: compared in level 3",
    "nn.functional.gumbel_softmax": "random: made of exponential_ and softmax",
}
"""By the op's full name in the table."""

_STEPS: Final = "rounds, and a quotient sees the steps; its gradient is a conversion, which level 3 compares"

UNCONFIRMED: Final[dict[str, str]] = {
    **dict.fromkeys(("Tensor.float", "Tensor.cfloat", "Tensor.half", "Tensor.bfloat16"), _STEPS),
    "as_tensor": "a tensor is returned as it is, or converted by `to`, which is confirmed",
    "bincount": "PyTorch has no gradient for the weights; ours is that of index_add, which is confirmed",
    "corrcoef": "clamped at 1, where its diagonal always lies; level 3 compares it, and cov is confirmed",
    "mode": "the gradient of a gather, which is confirmed; moving one of several equal elements changes the mode",
    "nextafter": "the neighbour of a number moves in steps",
    **dict.fromkeys(("igamma", "igammac"), "no derivative for the first argument; the second's is compared in level 3"),
    "ops.gamma_sample_slope": "is a derivative itself, and has none",
    "ops.hurwitz_zeta": "has no derivative for its first argument; special.zeta is confirmed for the second",
}
"""Ops that have derivatives which :mod:`hotplug.conformance.numerical` does not confirm, by the full name."""
