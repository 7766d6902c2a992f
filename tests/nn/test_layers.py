"""Layers against PyTorch's: values, gradients, running statistics, printed form; in training and evaluation."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from twins import F32, Case, Shape, called, compare, fill, host, values

import hotplug as hp
from hotplug import nn

LAYERS: list[Case] = [
    ("Identity", (3,), {}, (2, 3)),
    ("Linear", (4, 3), {}, (5, 4)),
    ("Linear", (4, 3), {"bias": False}, (2, 5, 4)),
    ("Linear", (4, 3), {}, (4,)),
    ("Bilinear", (3, 4, 5), {}, [(2, 3), (2, 4)]),
    ("Bilinear", (3, 4, 5), {"bias": False}, [(2, 6, 3), (2, 6, 4)]),
    ("Conv1d", (2, 4, 3), {"padding": 1}, (2, 2, 9)),
    ("Conv1d", (2, 4, 3), {"padding": "same", "padding_mode": "circular"}, (2, 2, 9)),
    ("Conv2d", (3, 4, 3), {}, (2, 3, 6, 7)),
    ("Conv2d", (3, 4, 3), {}, (3, 6, 7)),
    ("Conv2d", (4, 6, (3, 2)), {"stride": (2, 1), "padding": (1, 0), "dilation": (1, 2), "groups": 2}, (2, 4, 7, 8)),
    ("Conv2d", (3, 4, 5), {"padding": "same", "bias": False}, (1, 3, 6, 7)),
    ("Conv2d", (3, 4, 3), {"padding": 1, "padding_mode": "reflect"}, (1, 3, 6, 7)),
    ("Conv2d", (3, 4, 3), {"padding": 2, "padding_mode": "replicate"}, (1, 3, 6, 7)),
    ("Conv3d", (2, 3, 2), {"stride": 2}, (1, 2, 5, 4, 6)),
    ("MaxPool1d", (2,), {}, (2, 3, 7)),
    ("MaxPool2d", (2,), {}, (2, 3, 6, 7)),
    ("MaxPool2d", (3,), {"stride": 2, "padding": 1, "ceil_mode": True}, (2, 3, 6, 7)),
    ("MaxPool2d", ((2, 3),), {"dilation": (2, 1)}, (3, 6, 7)),
    ("MaxPool3d", (2,), {"stride": 1}, (1, 2, 4, 5, 3)),
    ("AvgPool1d", (3,), {"stride": 2, "padding": 1}, (2, 3, 7)),
    ("AvgPool2d", (2,), {}, (2, 3, 6, 7)),
    ("AvgPool2d", (3,), {"stride": 2, "padding": 1, "ceil_mode": True, "count_include_pad": False}, (2, 3, 6, 7)),
    ("AvgPool2d", (2,), {"divisor_override": 3}, (2, 3, 6, 7)),
    ("AvgPool3d", (2,), {}, (1, 2, 4, 5, 3)),
    ("AdaptiveAvgPool1d", (3,), {}, (2, 3, 7)),
    ("AdaptiveAvgPool2d", ((3, None),), {}, (2, 3, 7, 5)),
    ("AdaptiveAvgPool2d", (1,), {}, (2, 3, 7, 5)),
    ("AdaptiveAvgPool3d", ((2, 1, 3),), {}, (1, 2, 4, 5, 3)),
    ("AdaptiveMaxPool2d", ((3, 2),), {}, (2, 3, 7, 5)),
    ("AdaptiveMaxPool1d", (3,), {}, (2, 3, 7)),
    ("AdaptiveMaxPool3d", ((2, None, 3),), {}, (1, 2, 4, 5, 3)),
    ("BatchNorm1d", (3,), {}, (4, 3)),
    ("BatchNorm1d", (3,), {"momentum": None}, (4, 3, 5)),
    ("BatchNorm2d", (3,), {"eps": 1e-3, "momentum": 0.4}, (4, 3, 2, 5)),
    ("BatchNorm2d", (3,), {"affine": False, "track_running_stats": False}, (4, 3, 2, 5)),
    ("BatchNorm2d", (3,), {"bias": False}, (4, 3, 2, 5)),
    ("BatchNorm3d", (3,), {}, (2, 3, 2, 2, 3)),
    ("InstanceNorm1d", (3,), {"affine": True}, (3, 6)),
    ("InstanceNorm2d", (3,), {}, (2, 3, 4, 5)),
    ("InstanceNorm2d", (3,), {"affine": True, "track_running_stats": True}, (2, 3, 4, 5)),
    ("InstanceNorm3d", (3,), {}, (2, 3, 2, 3, 4)),
    ("LayerNorm", (5,), {}, (4, 5)),
    ("LayerNorm", ((3, 5),), {"eps": 1e-3, "bias": False}, (4, 3, 5)),
    ("LayerNorm", ((5,),), {"elementwise_affine": False}, (4, 3, 5)),
    ("RMSNorm", (5,), {}, (4, 5)),
    ("RMSNorm", ((3, 5),), {"eps": 1e-3, "elementwise_affine": False}, (4, 3, 5)),
    ("GroupNorm", (2, 4), {}, (3, 4, 5)),
    ("GroupNorm", (1, 4), {"affine": False}, (3, 4)),
    ("Flatten", (), {}, (2, 3, 4)),
    ("Flatten", (0, 1), {}, (2, 3, 4)),
    ("Unflatten", (1, (2, -1)), {}, (2, 6)),
    ("ReLU", (), {}, (4, 5)),
    ("ReLU6", (), {}, (4, 5)),
    ("LeakyReLU", (0.2,), {}, (4, 5)),
    ("PReLU", (), {}, (4, 5)),
    ("PReLU", (3,), {"init": 0.1}, (2, 3, 4)),
    ("ELU", (0.7,), {}, (4, 5)),
    ("CELU", (0.7,), {}, (4, 5)),
    ("SELU", (), {}, (4, 5)),
    ("GELU", (), {}, (4, 5)),
    ("GELU", ("tanh",), {}, (4, 5)),
    ("SiLU", (), {}, (4, 5)),
    ("Mish", (), {}, (4, 5)),
    ("Sigmoid", (), {}, (4, 5)),
    ("Tanh", (), {}, (4, 5)),
    ("LogSigmoid", (), {}, (4, 5)),
    ("Softplus", (2.0, 1.0), {}, (4, 5)),
    ("Softsign", (), {}, (4, 5)),
    ("Tanhshrink", (), {}, (4, 5)),
    ("Hardtanh", (-0.5, 0.7), {}, (4, 5)),
    ("Hardsigmoid", (), {}, (4, 5)),
    ("Hardswish", (), {}, (4, 5)),
    ("Hardshrink", (0.3,), {}, (4, 5)),
    ("Softshrink", (0.3,), {}, (4, 5)),
    ("Threshold", (0.1, 2.0), {}, (4, 5)),
    ("GLU", (1,), {}, (3, 6)),
    ("Softmax", (1,), {}, (4, 5)),
    ("LogSoftmax", (0,), {}, (4, 5)),
    ("Softmin", (-1,), {}, (4, 5)),
]  # fmt: skip


@pytest.mark.parity
@pytest.mark.parametrize("case", LAYERS, ids=called)
def test_a_layer_is_pytorch_s(torch: Any, case: Case) -> None:
    compare(torch, case)


@pytest.mark.parity
@pytest.mark.parametrize(
    "name",
    ["ReLU", "ReLU6", "LeakyReLU", "ELU", "CELU", "SELU", "SiLU", "Mish", "Hardtanh", "Hardsigmoid", "Hardswish"],
)
def test_in_place_activations(torch: Any, name: str) -> None:
    found = []
    for library in (hp, torch):
        leaf = library.tensor(values(0, (4, 5))).requires_grad_()
        inner = leaf * 2
        module = getattr(library.nn, name)(inplace=True)
        out = module(inner)
        assert out is inner
        out.sum().backward()
        found.append((host(out), host(leaf.grad), repr(module)))
    np.testing.assert_allclose(found[0][0], found[1][0], **F32)
    np.testing.assert_allclose(found[0][1], found[1][1], **F32)
    assert found[0][2] == found[1][2]


LOSSES: list[tuple[str, dict[str, Any], str]] = [
    ("CrossEntropyLoss", {}, "classes"),
    ("CrossEntropyLoss", {"label_smoothing": 0.2, "reduction": "sum"}, "classes"),
    ("CrossEntropyLoss", {"weight": True, "ignore_index": 1}, "classes"),
    ("CrossEntropyLoss", {"weight": True, "reduction": "none", "label_smoothing": 0.1}, "classes"),
    ("CrossEntropyLoss", {}, "classes per pixel"),
    ("CrossEntropyLoss", {}, "probabilities"),
    ("NLLLoss", {}, "classes"),
    ("NLLLoss", {"weight": True, "ignore_index": 2, "reduction": "sum"}, "classes"),
    ("MSELoss", {}, "values"),
    ("MSELoss", {"reduction": "none"}, "values"),
    ("L1Loss", {}, "values"),
    ("SmoothL1Loss", {"beta": 0.5}, "values"),
    ("HuberLoss", {"delta": 0.7, "reduction": "sum"}, "values"),
    ("BCELoss", {}, "two probabilities"),
    ("BCELoss", {"weight": True}, "two probabilities"),
    ("BCEWithLogitsLoss", {}, "probabilities"),
    ("BCEWithLogitsLoss", {"weight": True, "pos_weight": True, "reduction": "sum"}, "probabilities"),
    ("KLDivLoss", {"reduction": "batchmean"}, "probabilities"),
    ("KLDivLoss", {"log_target": True}, "values"),
]


def loss(library: Any, name: str, options: dict[str, Any], kind: str) -> list[np.ndarray[Any, Any]]:
    weight = library.tensor(np.abs(values(3, (4,))))
    options = {key: weight if key.endswith("weight") else value for key, value in options.items()}
    shape = (3, 4, 2) if kind == "classes per pixel" else (3, 4)
    data = values(0, shape)
    if kind == "two probabilities":
        data = 1 / (1 + np.exp(-data))
    given = library.tensor(data).requires_grad_()
    chosen = np.random.default_rng(1).integers(0, 4, (3, 2) if kind == "classes per pixel" else 3)
    others = values(1, shape)
    target = library.tensor(
        chosen
        if kind.startswith("classes")
        else others
        if kind == "values"
        else np.exp(others) / np.exp(others).sum(1, keepdims=True)
    )
    found = getattr(library.nn, name)(**options)(given, target)
    found.sum().backward()
    return [host(found), host(given.grad)]


@pytest.mark.parity
@pytest.mark.filterwarnings("ignore:reduction. 'mean' divides")  # PyTorch's advice on kl_div
@pytest.mark.parametrize("case", LOSSES, ids=str)
def test_a_loss_is_pytorch_s(torch: Any, case: tuple[str, dict[str, Any], str]) -> None:
    for mine, his in zip(loss(hp, *case), loss(torch, *case), strict=True):
        np.testing.assert_allclose(mine, his, **F32)
        assert mine.shape == his.shape


@pytest.mark.parity
def test_embedding(torch: Any) -> None:
    found = []
    for library in (hp, torch):
        module = fill(library.nn.Embedding(6, 3, padding_idx=2), library)
        out = module(library.tensor([[0, 2, 5], [5, 5, 1]]))
        (out * library.tensor(values(1, (2, 3, 3)))).sum().backward()
        found.append((host(out), host(module.weight.grad), repr(module)))
    np.testing.assert_allclose(found[0][0], found[1][0], **F32)
    np.testing.assert_allclose(found[0][1], found[1][1], **F32)
    assert found[0][2] == found[1][2]
    assert not host(nn.Embedding(4, 3, padding_idx=-1).weight)[3].any()
    frozen = nn.Embedding.from_pretrained(hp.ones(4, 2))
    assert not frozen.weight.requires_grad
    assert host(frozen(hp.tensor([3]))).tolist() == [[1, 1]]


@pytest.mark.parametrize("name", ["Dropout", "Dropout1d", "Dropout2d", "Dropout3d"])
def test_dropout(name: str) -> None:
    hp.manual_seed(0)
    module = getattr(nn, name)(0.25)
    shape = {
        "Dropout": (40, 50),
        "Dropout1d": (40, 50, 2),
        "Dropout2d": (40, 50, 2, 2),
        "Dropout3d": (40, 50, 2, 1, 1),
    }[name]
    x = hp.ones(*shape, requires_grad=True)
    out = module(x)
    seen = host(out).reshape(2000, -1)
    assert {float(value) for value in np.unique(seen)} == {0.0, np.float32(1 / 0.75).item()}
    assert (seen == seen[:, :1]).all()  # a channel is dropped as a whole
    assert 0.7 < (seen[:, 0] > 0).mean() < 0.8
    out.sum().backward()
    np.testing.assert_array_equal(host(x.grad), host(out))
    assert module.eval()(x) is x or np.array_equal(host(module(x)), host(x))
    assert repr(module) == f"{name}(p=0.25, inplace=False)"
    hp.manual_seed(0)
    with hp.device("numpy"):
        again = module.train()(hp.ones(*shape))
    np.testing.assert_array_equal(host(again), host(out))
    with pytest.raises(ValueError, match="between 0 and 1, but got 1.5"):
        getattr(nn, name)(1.5)


# --- initial values ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("device", ["cpu", "numpy"])
def test_default_initialisation(device: str) -> None:
    hp.manual_seed(0)
    cases: list[tuple[nn.Module, float]] = [
        (nn.Linear(400, 300, device=device), 1 / math.sqrt(400)),
        (nn.Conv2d(40, 60, (3, 5), groups=2, device=device), 1 / math.sqrt(20 * 15)),
        (nn.Bilinear(49, 20, 30, device=device), 1 / math.sqrt(49)),
    ]
    for module, bound in cases:
        for name, parameter in module.named_parameters():
            drawn = host(parameter)
            assert str(parameter.device) == device
            assert 0.8 * bound < np.abs(drawn).max() <= bound
            if name == "weight":
                assert abs(drawn.mean()) < 0.02 * bound
                assert drawn.std() == pytest.approx(bound / math.sqrt(3), rel=0.02)
    drawn = host(nn.Embedding(200, 100, device=device).weight)
    assert drawn.std() == pytest.approx(1, rel=0.03)
    norm = nn.BatchNorm2d(3, device=device, dtype=hp.float64)
    assert norm.running_var is not None
    assert norm.num_batches_tracked is not None
    assert (norm.running_var.dtype, norm.num_batches_tracked.dtype) == (hp.float64, hp.int64)


def test_one_seed_gives_the_same_weights_on_every_device() -> None:
    def drawn(device: str) -> list[bytes]:
        hp.manual_seed(11)
        layers = nn.Sequential(nn.Linear(7, 5, device=device), nn.Conv2d(3, 4, 3, device=device))
        return [host(each).tobytes() for each in layers.parameters()]

    assert drawn("cpu") == drawn("numpy")


# --- bad input --------------------------------------------------------------------------------------------------------


def test_batches_of_a_batch_norm_that_has_not_counted() -> None:
    state = nn.BatchNorm1d(2).state_dict()
    del state["num_batches_tracked"]
    with pytest.raises(RuntimeError, match="Missing key"):
        nn.BatchNorm1d(2).load_state_dict(state)
    del state._metadata  # type: ignore[attr-defined]
    nn.BatchNorm1d(2).load_state_dict(state)


BAD: list[tuple[Any, type[Exception], str]] = [
    (lambda: nn.Conv2d(3, 4, 3, groups=2), ValueError, "divisible by groups"),
    (lambda: nn.Conv2d(3, 4, 3, padding="full"), ValueError, "'same' or 'valid', got 'full'"),
    (lambda: nn.Conv2d(3, 4, 3, padding="same", stride=2), ValueError, "strided"),
    (lambda: nn.Conv2d(3, 4, 3, padding_mode="mirror"), ValueError, "padding_mode must be one of"),
    (lambda: nn.GroupNorm(3, 4), ValueError, "divisible by num_groups"),
    (lambda: nn.BatchNorm2d(3)(hp.ones(2, 3)), ValueError, "expected 4D input"),
    (lambda: nn.BatchNorm1d(3)(hp.ones(2, 3, 4, 5)), ValueError, "expected 2D or 3D input"),
    (lambda: nn.Embedding(3, 4, padding_idx=3), ValueError, "within num_embeddings"),
    (lambda: nn.Embedding(3, 4, sparse=True), ValueError, "sparse"),
    (lambda: nn.EmbeddingBag(3, 4, sparse=True), ValueError, "sparse"),
    (lambda: nn.Embedding(3, 4)(hp.tensor([3])), IndexError, "index 3 is out of"),
    (lambda: nn.MSELoss("average"), ValueError, "'mean', 'sum' or 'none', got 'average'"),
    (lambda: nn.Linear(3, 4)(hp.ones(2, 5)), RuntimeError, "linear"),
    (lambda: nn.Conv2d(3, 4, 3)(hp.ones(2, 4, 5, 5)), RuntimeError, "conv2d"),
    (lambda: nn.Linear(3, 4)(hp.ones(2, 3, device="numpy")), RuntimeError, r"\.to\("),
    (lambda: nn.Linear(3, 4)(hp.ones(2, 3, dtype=hp.float64)), RuntimeError, "float64"),
    (lambda: nn.CrossEntropyLoss()(hp.ones(2, 3), hp.tensor([0, 3])), (IndexError, RuntimeError), "out of"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "kind", "message"), BAD)
def test_bad_input(make: Any, kind: Any, message: str) -> None:
    with pytest.raises(kind, match=message):
        make()


@pytest.mark.parity
@pytest.mark.parametrize(
    ("name", "args", "shape"),
    [("MaxPool1d", (2,), (2, 3, 7)), ("MaxPool2d", (2,), (1, 3, 6, 7)), ("AdaptiveMaxPool2d", (3,), (2, 3, 7, 5))],
)
def test_positions_of_maxima(torch: Any, name: str, args: tuple[int, ...], shape: Shape) -> None:
    found = [
        getattr(library.nn, name)(*args, return_indices=True)(library.tensor(values(0, shape)))
        for library in (hp, torch)
    ]
    for mine, his in zip(*found, strict=True):
        np.testing.assert_array_equal(host(mine), host(his))
