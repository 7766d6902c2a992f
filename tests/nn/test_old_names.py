"""Names of nn that old programs use: DataParallel, SyncBatchNorm, CrossMapLRN2d, functions without the underscore."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest

import hotplug as hp


@pytest.mark.parity
@pytest.mark.parametrize("size", [3, 4, 5])
def test_response_norm_across_maps(torch: ModuleType, size: int) -> None:
    x = np.random.default_rng(0).normal(size=(2, 7, 3, 3)).astype(np.float32)
    ours, theirs = (library.nn.CrossMapLRN2d(size, 0.3, 0.6, 1.5) for library in (hp, torch))
    found, half = ours(hp.tensor(x)).numpy(), (size + 1) // 2
    np.testing.assert_allclose(found[:, :half], theirs(torch.tensor(x)).numpy()[:, :half], rtol=1e-5)
    wide = np.pad(x * x, ((0, 0), (half - 1, half - 1), (0, 0), (0, 0)))
    sums = sum(wide[:, start : start + 7] for start in range(2 * half - 1))
    np.testing.assert_allclose(found, x / (1.5 + sums * 0.3 / size) ** 0.6, rtol=1e-5)
    assert repr(ours) == repr(theirs)
    for library, module in ((hp, ours), (torch, theirs)):
        with pytest.raises(ValueError, match="4D"):
            module(library.ones(2, 3))


def test_data_parallel() -> None:
    inner = hp.nn.Linear(2, 3)
    whole = hp.nn.DataParallel(inner)
    x = hp.randn(4, 2)
    assert whole.module is inner
    assert sorted(whole.state_dict()) == ["module.bias", "module.weight"]
    assert bool((whole(x) == inner(x)).all())
    assert bool((hp.nn.parallel.data_parallel(inner, x) == inner(x)).all())
    assert hp.nn.parallel.DataParallel is hp.nn.DataParallel
    with pytest.raises(RuntimeError, match="one device"):
        hp.nn.DataParallel(inner, device_ids=[0, 1])


@pytest.mark.parity
def test_synchronised_batch_norm(torch: ModuleType) -> None:
    x = np.random.default_rng(1).normal(size=(4, 3, 5)).astype(np.float32)
    ours, theirs = hp.nn.SyncBatchNorm(3), torch.nn.BatchNorm1d(3)
    np.testing.assert_allclose(ours(hp.tensor(x)).detach().numpy(), theirs(torch.tensor(x)).detach().numpy(), atol=1e-5)
    np.testing.assert_allclose(ours.running_var.numpy(), theirs.running_var.numpy(), rtol=1e-5)
    assert sorted(ours.state_dict()) == sorted(torch.nn.SyncBatchNorm(3).state_dict())
    with pytest.raises(ValueError, match="2D"):
        ours(hp.ones(3))
    model = hp.nn.Sequential(hp.nn.Conv2d(1, 2, 3), hp.nn.BatchNorm2d(2).eval(), hp.nn.Sequential(hp.nn.BatchNorm1d(2)))
    weight = model[1].weight
    found = hp.nn.SyncBatchNorm.convert_sync_batchnorm(model)
    assert found is model
    assert [type(each).__name__ for each in (model[1], model[2][0])] == ["SyncBatchNorm"] * 2
    assert model[1].weight is weight
    assert not model[1].training
    assert isinstance(hp.nn.SyncBatchNorm.convert_sync_batchnorm(hp.nn.BatchNorm3d(1)), hp.nn.SyncBatchNorm)


@pytest.mark.parity
def test_old_initialisers(torch: ModuleType) -> None:
    for library in (hp, torch):
        for name, arguments in (("constant", (3.0,)), ("eye", ()), ("xavier_uniform", ()), ("normal", ())):
            x = library.empty(2, 2)
            with pytest.warns(FutureWarning, match=name):
                assert getattr(library.nn.init, name)(x, *arguments) is x
        assert library.nn.init.eye_(library.empty(2, 2)).tolist() == [[1, 0], [0, 1]]
        with pytest.raises(AttributeError):
            _ = library.nn.init.no_such_name


@pytest.mark.parity
def test_old_helpers(torch: ModuleType) -> None:
    for library in (hp, torch):
        layer = library.nn.Linear(2, 2)
        layer(library.ones(1, 2)).sum().mul(100).backward()
        with pytest.warns(FutureWarning, match="clip_grad_norm"):
            library.nn.utils.clip_grad_norm(layer.parameters(), 1.0)
        norm = sum(float(each.grad.square().sum()) for each in layer.parameters())
        assert norm == pytest.approx(1.0, rel=1e-4)
        conv = library.nn.utils.convert_conv2d_weight_memory_format(library.nn.Conv2d(3, 2, 3), library.channels_last)
        assert conv.weight.is_contiguous(memory_format=library.channels_last)
        conv = library.nn.utils.convert_conv3d_weight_memory_format(
            library.nn.Conv3d(3, 2, 3), library.channels_last_3d
        )
        assert conv.weight.is_contiguous(memory_format=library.channels_last_3d)
        assert library.nn.utils.skip_init(library.nn.Linear, 2, 3).weight.shape == (3, 2)


X = np.random.default_rng(2).normal(size=(2, 4, 6))
Y = np.random.default_rng(3).normal(size=(2, 4, 6))
W = np.random.default_rng(4).normal(size=(4,))
IMAGE = np.random.default_rng(5).normal(size=(2, 4, 6, 6))

FUNCTIONS: dict[str, Any] = {
    "adaptive_avg_pool1d": lambda t, a: t.adaptive_avg_pool1d(a(X), 3),
    "adaptive_max_pool1d": lambda t, a: t.adaptive_max_pool1d(a(X), 3)[0] if t is not hp else
        t.nn.functional.adaptive_max_pool1d(a(X), 3, True)[0],
    "avg_pool1d": lambda t, a: t.avg_pool1d(a(X), 2),
    "max_pool1d": lambda t, a: t.max_pool1d(a(X), 2),
    "max_pool2d": lambda t, a: t.max_pool2d(a(IMAGE), 2, 1),
    "max_pool3d": lambda t, a: t.max_pool3d(a(IMAGE), 2),
    "bilinear": lambda t, a: t.bilinear(a(X)[0], a(Y)[0], a(IMAGE)[0], a(W)),
    "celu": lambda t, a: t.celu(a(X), 0.7),
    "celu_": lambda t, a: t.celu_(a(X), 0.7),
    "selu": lambda t, a: t.selu(a(X)),
    "selu_": lambda t, a: t.selu_(a(X)),
    "relu_": lambda t, a: t.relu_(a(X)),
    "rrelu": lambda t, a: t.rrelu(a(X)),
    "rrelu_": lambda t, a: t.rrelu_(a(X)),
    "threshold": lambda t, a: t.threshold(a(X), 0.1, 5.0),
    "threshold_": lambda t, a: t.threshold_(a(X), 0.1, 5.0),
    "prelu": lambda t, a: t.prelu(a(X), a(W)),
    "hardshrink": lambda t, a: t.hardshrink(a(X), 0.4),
    "cos_": lambda t, a: t.cos_(a(X)),
    "exp_": lambda t, a: t.exp_(a(X)),
    "clamp_": lambda t, a: t.clamp_(a(X), -1, 1),
    "dropout": lambda t, a: t.dropout(a(X), 0.5, False),
    "dropout_": lambda t, a: t.dropout_(a(X), 0.5, False),
    "dropout of all": lambda t, a: t.dropout(a(X), 1.0, True),
    "alpha_dropout": lambda t, a: t.alpha_dropout(a(X), 0.5, False),
    "feature_alpha_dropout": lambda t, a: t.feature_alpha_dropout(a(X), 0.5, False),
    "feature_dropout": lambda t, a: t.feature_dropout(a(X), 0.5, False),
    "embedding": lambda t, a: t.embedding(a(X)[0], t.tensor([[2, 0]])),
    "layer_norm": lambda t, a: t.layer_norm(a(X), (6,), eps=0.1),
    "group_norm": lambda t, a: t.group_norm(a(X), 2, a(W), a(W)),
    "batch_norm": lambda t, a: t.batch_norm(a(X), a(W), None, None, None, True, 0.1, 1e-5, False),
    "instance_norm": lambda t, a: t.instance_norm(a(X), a(W), None, None, None, True, 0.1, 1e-5, False),
    "constant_pad_nd": lambda t, a: t.constant_pad_nd(a(X), [1, 2], 3.0),
    "kl_div": lambda t, a: t.kl_div(a(X), a(Y).abs(), 2),
    "cosine_embedding_loss": lambda t, a: t.cosine_embedding_loss(a(X)[0], a(Y)[0], t.ones(4), 0.1, 0),
    "hinge_embedding_loss": lambda t, a: t.hinge_embedding_loss(a(X), a(Y).sign(), 0.5),
    "margin_ranking_loss": lambda t, a: t.margin_ranking_loss(a(X), a(Y), a(X).sign(), 0.5, 2),
    "triplet_margin_loss": lambda t, a: t.triplet_margin_loss(a(X)[0], a(Y)[0], a(X)[1], 0.5, reduction=0),
    "poisson_nll_loss": lambda t, a: t.poisson_nll_loss(a(X), a(Y).abs(), True, False, 1e-8, 1),
    "binary_cross_entropy_with_logits": lambda t, a: t.binary_cross_entropy_with_logits(a(X), a(Y).sigmoid()),
    "ctc_loss": lambda t, a: t.ctc_loss(
        a(IMAGE)[0].log_softmax(-1), t.tensor([[1, 2], [2, 3], [1, 1], [3, 2], [1, 3], [4, 5]]), [4] * 6, [2] * 6
    ),
    "detach": lambda t, a: t.detach(a(X)),
    "fill": lambda t, a: t.fill(a(X), 3.0),
    "frobenius_norm": lambda t, a: t.frobenius_norm(a(X), [-2, -1], True),
    "nuclear_norm": lambda t, a: t.nuclear_norm(a(X)[0]),
    "norm_except_dim": lambda t, a: t.norm_except_dim(a(X), 2, 1),
    "norm of all": lambda t, a: t.norm_except_dim(a(X), 2, -1),
    "grid_sampler": lambda t, a: t.grid_sampler(a(IMAGE), a(IMAGE[..., :2]).tanh()[:, :, :3], 0, 1, True),
    "affine_grid_generator": lambda t, a: t.affine_grid_generator(a(IMAGE[:, 0, :2, :3]), [2, 4, 3, 3], False),
}  # fmt: skip


@pytest.mark.parity
@pytest.mark.filterwarnings("ignore:.*is deprecated")
@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_of_torch_itself(torch: ModuleType, name: str) -> None:
    found = FUNCTIONS[name](hp, lambda x: hp.tensor(x.copy()))
    expected = FUNCTIONS[name](torch, lambda x: torch.tensor(x.copy()))
    assert tuple(found.shape) == tuple(expected.shape)
    assert found.dtype.name == str(expected.dtype).removeprefix("torch.")
    np.testing.assert_allclose(found.numpy(), expected.numpy(), rtol=1e-7, atol=1e-9)


@pytest.mark.parity
@pytest.mark.filterwarnings("ignore:torch.range is deprecated")
def test_range(torch: ModuleType) -> None:
    for arguments in ((1, 4), (0, 1, 0.25), (3, 1, -1)):
        ours, theirs = hp.range(*arguments), torch.range(*arguments)
        assert ours.tolist() == theirs.tolist()
        assert ours.dtype.name == str(theirs.dtype).removeprefix("torch.")
    for library in (hp, torch):
        with pytest.raises(RuntimeError):
            library.range(1, 4, -1)
    assert hp.vmap is hp.func.vmap
    with pytest.raises(ValueError, match="reduction"):
        hp.kl_div(hp.ones(1), hp.ones(1), "all")
