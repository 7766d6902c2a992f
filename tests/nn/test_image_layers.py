"""Layers over images and signals against PyTorch's: transposed convolutions, borders, windows, sizes, and what looks
across channels.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from twins import F32, Case, called, compare, fill, host, values

import hotplug as hp
from hotplug import nn

LAYERS: list[Case] = [
    ("Conv1d", (2, 4, 4), {"padding": "same", "padding_mode": "reflect"}, (2, 2, 9)),
    ("Conv1d", (2, 4, 3), {"padding": "valid", "padding_mode": "replicate"}, (2, 2, 9)),
    ("Conv2d", (2, 4, (3, 2)), {"padding": (1, 2), "padding_mode": "circular", "stride": 2}, (2, 2, 5, 6)),
    ("Conv2d", (2, 4, 3), {"padding": "same", "padding_mode": "reflect", "dilation": 2}, (2, 5, 6)),
    ("Conv3d", (2, 3, 2), {"padding": 1, "padding_mode": "replicate", "groups": 1}, (1, 2, 4, 3, 3)),
    ("ConvTranspose1d", (4, 6, 3), {}, (2, 4, 5)),
    ("ConvTranspose1d", (4, 6, 3), {"stride": 2, "padding": 1, "output_padding": 1, "groups": 2}, (4, 5)),
    ("ConvTranspose2d", (4, 6, 3), {"bias": False}, (2, 4, 5, 3)),
    ("ConvTranspose2d", (4, 6, (4, 3)), {"stride": 2, "padding": (1, 0), "dilation": (1, 2)}, (2, 4, 5, 3)),
    ("ConvTranspose2d", (4, 4, 3), {"stride": 3, "output_padding": (2, 1), "groups": 4}, (2, 4, 2, 3)),
    ("ConvTranspose3d", (2, 4, 2), {"stride": (1, 2, 3), "groups": 2}, (1, 2, 2, 3, 2)),
    ("ConvTranspose3d", (2, 3, 3), {"dilation": 2, "output_padding": 1}, (2, 2, 3, 2)),
    ("CircularPad1d", (2,), {}, (2, 3, 5)),
    ("CircularPad2d", ((1, 2, 0, 3),), {}, (2, 3, 5, 4)),
    ("CircularPad3d", ((1, 0, 2, 1, 0, 1),), {}, (1, 2, 3, 4, 3)),
    ("ConstantPad1d", ((2, 1), 3.5), {}, (2, 3, 5)),
    ("ConstantPad2d", ((2, -1, 0, 3), -1.0), {}, (2, 3, 5, 4)),
    ("ConstantPad3d", (1, 0.5), {}, (2, 2, 3, 4)),
    ("ReflectionPad1d", (3,), {}, (2, 3, 5)),
    ("ReflectionPad2d", ((1, 2, 0, 3),), {}, (3, 5, 4)),
    ("ReflectionPad3d", (1,), {}, (1, 2, 3, 4, 3)),
    ("ReplicationPad1d", ((3, 1),), {}, (3, 5)),
    ("ReplicationPad2d", (2,), {}, (2, 3, 5, 4)),
    ("ReplicationPad3d", ((1, 2, 3, 0, 1, 1),), {}, (1, 2, 3, 4, 3)),
    ("ZeroPad1d", (2,), {}, (2, 3, 5)),
    ("ZeroPad2d", ((1, -1, 2, 0),), {}, (2, 3, 5, 4)),
    ("ZeroPad3d", (1,), {}, (2, 3, 2, 4)),
    ("Unfold", (2,), {}, (2, 3, 4, 5)),
    ("Unfold", ((2, 3),), {"dilation": 2, "padding": 1, "stride": (1, 2)}, (2, 3, 4, 5)),
    ("Fold", ((4, 5), (2, 3)), {}, (2, 12, 9)),
    ("Fold", ((4, 5), 2), {"padding": 1, "stride": 2}, (8, 9)),
    ("LPPool1d", (2, 3), {}, (2, 3, 7)),
    ("LPPool2d", (1.0, (2, 3)), {"stride": 2}, (2, 3, 5, 6)),
    ("LPPool3d", (2, 2), {}, (1, 2, 4, 5, 3)),
    ("Upsample", (7,), {}, (2, 3, 4)),
    ("Upsample", ((7, 5),), {"mode": "bilinear"}, (2, 3, 4, 3)),
    ("Upsample", (), {"scale_factor": 2, "mode": "nearest-exact"}, (2, 3, 4, 3)),
    ("Upsample", (), {"scale_factor": (1.5, 2.0), "mode": "bicubic", "align_corners": True}, (2, 3, 4, 3)),
    ("Upsample", (), {"scale_factor": 2.0, "mode": "trilinear"}, (1, 2, 2, 3, 2)),
    ("UpsamplingNearest2d", (), {"scale_factor": 2}, (2, 3, 4, 3)),
    ("UpsamplingBilinear2d", ((5, 7),), {}, (2, 3, 4, 3)),
    ("PixelShuffle", (2,), {}, (2, 8, 3, 4)),
    ("PixelUnshuffle", (2,), {}, (2, 2, 4, 6)),
    ("ChannelShuffle", (2,), {}, (2, 6, 3, 4)),
    ("LocalResponseNorm", (3,), {"alpha": 0.1}, (2, 5, 4)),
    ("LocalResponseNorm", (2, 0.01, 0.5, 2.0), {}, (2, 5, 4, 3)),
    ("Softmax2d", (), {}, (2, 3, 4, 5)),
    ("Softmax2d", (), {}, (3, 4, 5)),
    ("CosineSimilarity", (), {}, [(4, 5), (4, 5)]),
    ("CosineSimilarity", (0,), {"eps": 1e-3}, [(4, 5), (4, 1)]),
    ("PairwiseDistance", (), {}, [(4, 5), (4, 5)]),
    ("PairwiseDistance", (1.0,), {"keepdim": True}, [(4, 5), (4, 5)]),
]  # fmt: skip


@pytest.mark.parity
@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")  # PyTorch copies for them
@pytest.mark.parametrize("case", LAYERS, ids=called)
def test_a_layer_is_pytorch_s(torch: Any, case: Case) -> None:
    compare(torch, case)


@pytest.mark.parity
@pytest.mark.parametrize("size", [(8, 7), (7, 8), (2, 6, 8, 8)])
def test_the_output_size_of_a_transposed_convolution(torch: Any, size: tuple[int, ...]) -> None:
    case: Case = ("ConvTranspose2d", (4, 6, 3), {"stride": 2, "padding": 1}, (2, 4, 4, 4))
    compare(torch, case, lambda module, x: module(x, output_size=list(size)))
    with pytest.raises(ValueError, match=r"valid sizes range from \[7, 7\] to \[8, 8\]"):
        nn.ConvTranspose2d(4, 6, 3, stride=2, padding=1)(hp.ones(2, 4, 4, 4), output_size=[9, 9])


@pytest.mark.parity
@pytest.mark.parametrize(
    ("rank", "options", "shape"),
    [(1, {}, (2, 3, 6)), (2, {"stride": 2, "padding": 1}, (2, 3, 6, 8)), (3, {}, (2, 4, 4, 6))],
)
def test_unpooling(torch: Any, rank: int, options: dict[str, Any], shape: tuple[int, ...]) -> None:
    found = []
    for library in (hp, torch):
        pool = getattr(library.nn, f"MaxPool{rank}d")(2, return_indices=True, **options)
        unpool = getattr(library.nn, f"MaxUnpool{rank}d")(2, **options)
        x = library.tensor(values(0, shape)).requires_grad_()
        for size in (None, shape[-rank:]):
            out = unpool(*pool(x), output_size=size)
            (out * library.tensor(values(1, tuple(out.shape)))).sum().backward()
            found.append((host(out), host(x.grad), repr(unpool)))
    for ours, theirs in zip(found[:2], found[2:], strict=True):
        for mine, his in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(mine, his)


# --- tables ----------------------------------------------------------------------------------------------------------

BAGS: list[tuple[dict[str, Any], Any, Any]] = [
    ({}, [[1, 2], [4, 1], [0, 0]], None),
    ({"mode": "sum", "padding_idx": 1}, [1, 2, 4, 1, 0], [0, 2, 2]),
    ({"mode": "max", "include_last_offset": True}, [1, 2, 4, 1, 0], [0, 2, 3, 5]),
    ({"max_norm": 1.0, "norm_type": 1.0}, [[1, 2], [4, 1]], None),
]


@pytest.mark.parity
@pytest.mark.parametrize(("options", "index", "offsets"), BAGS, ids=str)
def test_embedding_bag(torch: Any, options: dict[str, Any], index: Any, offsets: Any) -> None:
    found = []
    for library in (hp, torch):
        module = fill(library.nn.EmbeddingBag(5, 3, **options), library)
        out = module(library.tensor(index), None if offsets is None else library.tensor(offsets))
        (out * library.tensor(values(1, tuple(out.shape)))).sum().backward()
        found.append((host(out), host(module.weight.grad), host(module.weight)))
        found[-1] += (repr(module),)
    for mine, his in zip(found[0][:3], found[1][:3], strict=True):
        np.testing.assert_allclose(mine, his, **F32)
    assert found[0][3] == found[1][3]


@pytest.mark.parity
@pytest.mark.parametrize("options", [{"max_norm": 1.0}, {"scale_grad_by_freq": True}, {"norm_type": 1.0}], ids=str)
def test_embedding_options(torch: Any, options: dict[str, Any]) -> None:
    found = []
    for library in (hp, torch):
        module = fill(library.nn.Embedding(6, 3, **options), library)
        out = module(library.tensor([[0, 2, 5], [5, 5, 1]]))
        (out * library.tensor(values(1, (2, 3, 3)))).sum().backward()
        found.append((host(out), host(module.weight.grad), host(module.weight), repr(module)))
    for mine, his in zip(found[0][:3], found[1][:3], strict=True):
        np.testing.assert_allclose(mine, his, **F32)
    assert found[0][3] == found[1][3]


def test_tables_that_are_given() -> None:
    table = hp.arange(6.0).reshape(3, 2)
    frozen = nn.EmbeddingBag.from_pretrained(table, mode="sum")
    assert not frozen.weight.requires_grad
    assert frozen(hp.tensor([[0, 2]])).tolist() == [[4, 6]]
    weighted = frozen(hp.tensor([[0, 2]]), per_sample_weights=hp.tensor([[1.0, 0.5]]))
    assert weighted.tolist() == [[2, 3.5]]
    assert nn.EmbeddingBag.from_pretrained(table, freeze=False).weight.requires_grad
    assert not host(nn.EmbeddingBag(4, 3, padding_idx=-1).weight)[3].any()


# --- noise -----------------------------------------------------------------------------------------------------------


@pytest.mark.parity
@pytest.mark.parametrize("name", ["AlphaDropout", "FeatureAlphaDropout"])
def test_alpha_dropout(torch: Any, name: str) -> None:
    hp.manual_seed(0)
    module = getattr(nn, name)(0.25)
    x = hp.randn(400, 50, 2)
    out = host(module(x)).reshape(20000, 2)
    assert abs(out.mean()) < 0.03
    assert out.std() == pytest.approx(1.0, abs=0.03)
    seen, counts = np.unique(out, return_counts=True)
    low = seen[counts.argmax()]  # what SELU's least value has become
    both = (out == low).all(1)
    assert both.any()
    assert bool((both == (out == low).any(1)).all()) == (name == "FeatureAlphaDropout")
    assert module.eval()(x) is x
    assert repr(module) == repr(getattr(torch.nn, name)(0.25))


@pytest.mark.parity
def test_rrelu(torch: Any) -> None:
    compare(torch, ("RReLU", (0.2, 0.2), {}, (4, 5)))
    module = nn.RReLU()
    x = -hp.ones(200)
    assert repr(module) == repr(torch.nn.RReLU())
    np.testing.assert_allclose(host(module.eval()(x)), np.full(200, -(1 / 8 + 1 / 3) / 2, np.float32))
    drawn = host(module.train()(x))
    assert (drawn <= -0.125).all()
    assert (drawn > -1 / 3).all()
    assert drawn.std() > 0.04
    assert nn.RReLU(inplace=True)(x) is x


# --- bad input -------------------------------------------------------------------------------------------------------

BAD: list[tuple[Any, type[Exception], str]] = [
    (lambda: nn.ConvTranspose2d(3, 4, 3, groups=2), ValueError, "divisible by groups"),
    (lambda: nn.ConvTranspose2d(3, 4, 3, padding_mode="reflect"), ValueError, "only 'zeros'"),
    (lambda: nn.ConvTranspose1d(3, 4, 3, output_padding=1)(hp.ones(3, 5)), RuntimeError, "output padding must be"),
    (lambda: nn.ReflectionPad1d(5)(hp.ones(2, 3, 5)), RuntimeError, "Padding size should be less"),
    (lambda: nn.ReflectionPad2d(1)(hp.ones(3, 5)), NotImplementedError, "not supported for 2D"),
    (lambda: nn.Softmax2d()(hp.ones(3, 5)), ValueError, "expected input to be 3D or 4D"),
    (lambda: nn.LocalResponseNorm(2)(hp.ones(3, 5)), ValueError, "3D or higher"),
    (lambda: nn.EmbeddingBag(3, 4, padding_idx=3), ValueError, "within num_embeddings"),
    (lambda: nn.EmbeddingBag(3, 4, mode="min")(hp.tensor([[1]])), ValueError, "sum, mean or max"),
    (lambda: nn.AlphaDropout(1.5), ValueError, "between 0 and 1"),
    (lambda: nn.PixelShuffle(2)(hp.ones(1, 3, 2, 2)), RuntimeError, "pixel_shuffle"),
    (lambda: nn.FractionalMaxPool2d(2), ValueError, "exactly one of"),
    (lambda: nn.FractionalMaxPool2d(2, output_ratio=1.5), ValueError, "between 0 and 1"),
    (lambda: nn.FractionalMaxPool2d(3, 4)(hp.ones(1, 5, 5)), RuntimeError, "too large relative"),
    (lambda: nn.AdaptiveLogSoftmaxWithLoss(4, 5, [3, 2]), ValueError, "increasing order"),
    (lambda: nn.AdaptiveLogSoftmaxWithLoss(4, 5, [5]), ValueError, "between 1 and n_classes-1"),
    (lambda: nn.AdaptiveLogSoftmaxWithLoss(4, 5, [2])(hp.ones(1, 4), hp.tensor([5])), RuntimeError, "in range"),
    (lambda: nn.AdaptiveLogSoftmaxWithLoss(4, 5, [2])(hp.ones(2, 4), hp.tensor([1])), RuntimeError, "input and target"),
    (lambda: nn.NoSuchLayer, AttributeError, "'hotplug.nn' has no attribute 'NoSuchLayer'"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "kind", "message"), BAD)
def test_bad_input(make: Any, kind: Any, message: str) -> None:
    with pytest.raises(kind, match=message):
        make()


def test_every_name_is_there() -> None:
    for name in nn.__all__:
        assert getattr(nn, name) is not None
    assert set(nn.__all__) <= set(dir(nn))


# --- at random distances -----------------------------------------------------------------------------------------------


@pytest.mark.parity
@pytest.mark.parametrize(
    ("rank", "options", "shape"),
    [
        (2, {"kernel_size": 2, "output_size": (3, 4)}, (2, 3, 7, 8)),
        (2, {"kernel_size": (3, 2), "output_ratio": (0.5, 0.7)}, (3, 7, 8)),
        (2, {"kernel_size": 2, "output_size": (1, 4)}, (2, 3, 7, 8)),
        (3, {"kernel_size": (2, 1, 2), "output_size": (3, 4, 2)}, (2, 3, 5, 6, 7)),
        (3, {"kernel_size": 2, "output_ratio": 0.5}, (2, 5, 6, 7)),
    ],
)
def test_fractional_pooling(torch: Any, rank: int, options: dict[str, Any], shape: tuple[int, ...]) -> None:
    lead = shape[:-rank] if len(shape) == rank + 2 else (1, shape[0])
    drawn = np.random.default_rng(0).random((*lead, rank), np.float32)
    found = []
    for library in (hp, torch):
        kind = getattr(library.nn, f"FractionalMaxPool{rank}d")
        pool = kind(**options, return_indices=True, _random_samples=library.tensor(drawn))
        x = library.tensor(values(0, shape)).requires_grad_()
        out, place = pool(x)
        (out * library.tensor(values(1, tuple(out.shape)))).sum().backward()
        found.append((host(out), host(place), host(x.grad)))
    for mine, his in zip(*found, strict=True):
        np.testing.assert_allclose(mine, his, **F32)  # windows overlap: gradients are added in another order


def test_fractional_pooling_draws() -> None:
    hp.manual_seed(0)
    x = hp.arange(400.0).reshape(1, 1, 20, 20)
    pool = nn.FractionalMaxPool2d(2, output_ratio=0.6)
    one, two = host(pool(x)), host(pool(x))
    assert one.shape == (1, 1, 12, 12)
    assert one[0, 0, -1, -1] == 399
    assert not np.array_equal(one, two)


# --- many classes ------------------------------------------------------------------------------------------------------


@pytest.mark.parity
def test_an_adaptive_softmax(torch: Any) -> None:
    found = []
    for library in (hp, torch):
        module = fill(library.nn.AdaptiveLogSoftmaxWithLoss(8, 20, [4, 10], div_value=2.0, head_bias=True), library)
        x = library.tensor(values(0, (7, 8))).requires_grad_()
        out, loss = module(x, library.tensor([0, 3, 5, 19, 11, 9, 2]))
        single = module(x[2], library.tensor(12))
        (loss + (out * out).sum() + single.loss).backward()
        seen = [out, loss, single.output, single.loss, x.grad, *(each.grad for each in module.parameters())]
        seen += [module.log_prob(x), module.predict(x), module(x[:2], library.tensor([1, 2])).output]
        found.append(([host(each) for each in seen], repr(module), list(module.state_dict())))
    for mine, his in zip(found[0][0], found[1][0], strict=True):
        np.testing.assert_allclose(mine, his, rtol=2e-5, atol=1e-5)
    assert found[0][1:] == found[1][1:]
