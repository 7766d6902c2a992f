"""Autocast and loss scaling, against PyTorch's on the processor."""

from __future__ import annotations

import threading
from typing import Any

import pytest

import hotplug as hp
from hotplug.declare import OPS
from hotplug.declare.autocasting import POLICIES
from hotplug.errors import ArgumentError, DTypeError


def results(library: Any) -> dict[str, Any]:
    """Results of calls inside autocast, by what was called."""
    x = library.ones(4, 4)
    f = library.nn.functional
    with library.autocast("cpu", dtype=library.bfloat16):
        y = x @ x
        return {
            "@": y, "exp": library.exp(y), "softmax": library.softmax(y, 0), "layer_norm": f.layer_norm(y, (4,)),
            "mse": f.mse_loss(y, x), "cross_entropy": f.cross_entropy(y, library.tensor([0, 1, 2, 3])),
            "cat": library.cat([y, x]), "stack": library.stack([y, y]), "add": y + x, "prod": library.prod(y),
            "sum": library.sum(y), "einsum": library.einsum("ij,jk->ik", x, x), "dot": library.dot(x[0], x[0]),
            "mv": library.mv(x, x[0]), "addmm": library.addmm(x, x, x), "norm": library.linalg.norm(y),
            "multi_dot": library.linalg.multi_dot([x, x]), "lstm": library.nn.LSTM(4, 4)(x)[0],
            "gru": library.nn.GRUCell(4, 4)(x), "cdist": library.cdist(y, x), "linear": library.nn.Linear(4, 4)(x),
            "conv": library.nn.Conv2d(1, 1, 2)(x[None, None]), "double": x.double() @ x.double(),
            "attention": f.scaled_dot_product_attention(x[None], x[None], x[None]), "svd": library.linalg.svdvals(x),
        }  # fmt: skip


@pytest.mark.parity
def test_dtypes_inside(torch: Any) -> None:
    ours, theirs = (
        {name: str(y.dtype).rpartition(".")[2] for name, y in results(each).items()} for each in (hp, torch)
    )
    assert ours == theirs


def test_the_lists_name_functions_that_exist() -> None:
    assert [name for name in POLICIES if name not in OPS] == []
    assert not [name for name in POLICIES if OPS[name].kind == "elementwise"]


def test_blocks_nest_and_end() -> None:
    x = hp.ones(2, 2)
    with hp.autocast("cpu"):
        assert hp.is_autocast_enabled()
        with hp.autocast("cpu", enabled=False):
            assert (x @ x).dtype is hp.float32
        with hp.autocast("cuda"):
            assert hp.get_autocast_dtype("cpu") is hp.float16
            assert (x @ x).dtype is hp.float16
        assert (x @ x).dtype is hp.bfloat16
    assert (x @ x).dtype is hp.float32
    assert hp.get_autocast_dtype("cpu") is hp.bfloat16

    @hp.amp.autocast("cpu")
    def product() -> Any:
        return x @ x

    assert product().dtype is hp.bfloat16
    with pytest.raises(ZeroDivisionError), hp.autocast("cpu"):
        raise ZeroDivisionError
    assert not hp.is_autocast_enabled()


def test_another_thread_is_not_cast() -> None:
    found = []
    with hp.autocast("cpu"):
        thread = threading.Thread(target=lambda: found.append((hp.ones(2, 2) @ hp.ones(2, 2)).dtype))
        thread.start()
        thread.join()
    assert found == [hp.float32]


def test_parameters_and_gradients_stay_wide() -> None:
    model = hp.nn.Sequential(hp.nn.Linear(4, 8), hp.nn.ReLU(), hp.nn.Linear(8, 2))
    with hp.autocast("cpu"):
        out = model(hp.rand(3, 4))
        loss = hp.nn.functional.cross_entropy(out, hp.tensor([0, 1, 0]))
    assert (out.dtype, loss.dtype) == (hp.bfloat16, hp.float32)
    loss.backward()
    for param in model.parameters():
        assert param.grad is not None
        assert param.grad.dtype is param.dtype is hp.float32
        assert param.grad.abs().sum() > 0


def test_bad_arguments() -> None:
    with pytest.raises(DTypeError, match="float16 or bfloat16"):
        hp.autocast("cpu", dtype=hp.float32)
    with pytest.raises(ArgumentError, match="device_type"):
        hp.autocast(True)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="growth_factor"):
        hp.amp.GradScaler(growth_factor=1.0)


def scaled_steps(library: Any) -> tuple[list[float], list[float]]:
    """Weights and factors of steps of which the second has an infinite gradient."""
    weight = library.tensor([1.0, 2.0], requires_grad=True)
    optimizer = library.optim.SGD([weight], lr=0.25)
    scaler = library.amp.GradScaler("cpu", init_scale=8.0, growth_interval=2)
    weights, scales = [], []
    for factor in (1.0, float("inf"), 1.0, 1.0, 0.5):
        optimizer.zero_grad()
        scaler.scale((weight * factor).sum()).backward()
        scaler.step(optimizer)
        scaler.update()
        weights += weight.tolist()
        scales.append(scaler.get_scale())
    return weights, scales


@pytest.mark.parity
def test_scaling_follows_the_gradients(torch: Any) -> None:
    assert scaled_steps(hp) == scaled_steps(torch)


def test_scaler_state_and_order() -> None:
    weight = hp.tensor([1.0], requires_grad=True)
    optimizer = hp.optim.SGD([weight], lr=1.0)
    scaler = hp.amp.GradScaler(init_scale=4.0)
    with pytest.raises(ArgumentError, match="No inf checks"):
        scaler.update()
    scaler.scale([weight.sum()])[0].backward()
    scaler.unscale_(optimizer)
    assert weight.grad is not None
    assert weight.grad.item() == 1
    with pytest.raises(ArgumentError, match="already been called"):
        scaler.unscale_(optimizer)
    scaler.step(optimizer)
    scaler.update(16.0)
    assert weight.item() == 0
    other = hp.cuda.amp.GradScaler()
    other.load_state_dict(scaler.state_dict())
    assert other.get_scale() == 16
    with pytest.raises(ArgumentError, match="empty"):
        other.load_state_dict({})


def test_a_scaler_that_is_not_enabled() -> None:
    weight = hp.tensor([1.0], requires_grad=True)
    optimizer = hp.optim.SGD([weight], lr=1.0)
    scaler = hp.amp.GradScaler(enabled=False)
    scaler.scale(weight.sum()).backward()
    scaler.unscale_(optimizer)
    scaler.step(optimizer)
    scaler.update()
    scaler.load_state_dict({})
    assert weight.item() == 0
    assert scaler.get_scale() == 1
    assert scaler.state_dict() == {}
    assert not scaler.is_enabled()
