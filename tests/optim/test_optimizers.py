"""Optimizers against PyTorch's, step by step."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import hotplug as hp
from hotplug import optim

STEPS = 20
SHAPES = ((3, 4), (5,), ())

CASES: list[tuple[str, dict[str, Any]]] = [
    ("SGD", {"lr": 0.1}),
    ("SGD", {"lr": 0.1, "weight_decay": 0.05, "maximize": True}),
    ("SGD", {"lr": 0.1, "momentum": 0.9}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.3, "weight_decay": 0.05}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.05}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True, "maximize": True}),
    ("Adam", {"lr": 0.05}),
    ("Adam", {"lr": 0.05, "betas": (0.8, 0.95), "eps": 1e-6, "weight_decay": 0.05}),
    ("Adam", {"lr": 0.05, "amsgrad": True, "maximize": True}),
    ("Adam", {"lr": 0.05, "amsgrad": True, "weight_decay": 0.1, "decoupled_weight_decay": True}),
    ("AdamW", {"lr": 0.05}),
    ("AdamW", {"lr": 0.05, "weight_decay": 0.1, "amsgrad": True}),
    ("AdamW", {"lr": 0.05, "weight_decay": 0.1, "maximize": True, "foreach": False, "fused": None}),
    ("Adadelta", {}),
    ("Adadelta", {"lr": 0.5, "rho": 0.8, "eps": 1e-5, "weight_decay": 0.05, "maximize": True}),
    ("Adagrad", {"lr": 0.1}),
    ("Adagrad", {"lr": 0.1, "lr_decay": 0.1, "weight_decay": 0.05, "initial_accumulator_value": 0.5, "maximize": True}),
    ("Adamax", {"lr": 0.05}),
    ("Adamax", {"lr": 0.05, "betas": (0.8, 0.95), "eps": 1e-3, "weight_decay": 0.05, "maximize": True}),
    ("NAdam", {"lr": 0.05}),
    ("NAdam", {"lr": 0.05, "weight_decay": 0.1, "momentum_decay": 0.1, "maximize": True}),
    ("NAdam", {"lr": 0.05, "weight_decay": 0.1, "decoupled_weight_decay": True}),
    ("RAdam", {"lr": 0.05}),
    ("RAdam", {"lr": 0.05, "betas": (0.8, 0.9), "weight_decay": 0.1, "maximize": True}),
    ("RAdam", {"lr": 0.05, "betas": (0.8, 0.9), "weight_decay": 0.1, "decoupled_weight_decay": True}),
    ("RMSprop", {"lr": 0.05}),
    ("RMSprop", {"lr": 0.05, "alpha": 0.9, "momentum": 0.9, "weight_decay": 0.05}),
    ("RMSprop", {"lr": 0.05, "alpha": 0.9, "centered": True, "maximize": True}),
    ("RMSprop", {"lr": 0.05, "alpha": 0.9, "centered": True, "momentum": 0.5, "eps": 1e-3}),
    ("Rprop", {"lr": 0.05}),
    ("Rprop", {"lr": 0.05, "etas": (0.3, 1.5), "step_sizes": (0.01, 0.1), "maximize": True}),
    ("ASGD", {"lr": 0.05}),
    ("ASGD", {"lr": 0.05, "lambd": 0.01, "alpha": 0.5, "t0": 5, "weight_decay": 0.05, "maximize": True}),
]


def names(case: tuple[str, dict[str, Any]]) -> str:
    return f"{case[0]}({','.join(f'{k}={v}' for k, v in case[1].items())})"


def values(seed: int, dtype: str) -> list[np.ndarray[Any, Any]]:
    random = np.random.default_rng(seed)
    found = [random.normal(size=shape) for shape in SHAPES]
    if dtype.startswith("complex"):
        found = [each + 1j * random.normal(size=each.shape) for each in found]
    return [np.asarray(each, dtype) for each in found]


def run(library: Any, name: str, options: dict[str, Any], dtype: str, steps: int = STEPS) -> tuple[list[Any], Any]:
    params = [library.tensor(each).requires_grad_() for each in values(0, dtype)]
    optimizer = getattr(library.optim, name)(params, **options)
    for step in range(steps):
        for param, grad in zip(params, values(step + 1, dtype), strict=True):
            param.grad = library.tensor(grad)
        if step == 3:
            params[1].grad = None  # a parameter without a gradient is passed over
        optimizer.step()
    return params, optimizer


def host(tensor: Any) -> np.ndarray[Any, Any]:
    return np.asarray(tensor.detach().numpy())


@pytest.mark.parity
@pytest.mark.parametrize("case", CASES, ids=names)
@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64"])
def test_twenty_steps_give_pytorch_s_values(torch: Any, case: tuple[str, dict[str, Any]], dtype: str) -> None:
    if dtype == "complex64" and case[1].get("amsgrad"):
        case = (case[0], {**case[1], "foreach": False})
    ours, optimizer = run(hp, *case, dtype)
    theirs, oracle = run(torch, *case, dtype)
    for mine, his in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(host(mine), host(his), rtol=1e-6, atol=1e-6)
    for mine, his in zip(ours, theirs, strict=True):
        assert set(optimizer.state[mine]) == set(oracle.state[his])
        for key, value in oracle.state[his].items():
            np.testing.assert_allclose(np.asarray(optimizer.state[mine][key]), np.asarray(value), rtol=1e-5, atol=1e-6)


@pytest.mark.parity
@pytest.mark.parametrize("case", CASES, ids=names)
def test_state_dict_has_pytorch_s_format(torch: Any, case: tuple[str, dict[str, Any]]) -> None:
    _, ours = run(hp, *case, "float32", 2)
    _, theirs = run(torch, *case, "float32", 2)
    mine, his = ours.state_dict(), theirs.state_dict()
    assert mine["param_groups"] == his["param_groups"]
    assert {k: list(v) for k, v in mine["state"].items()} == {k: list(v) for k, v in his["state"].items()}
    for number, state in his["state"].items():
        for key, value in state.items():
            if value is not None:
                assert list(mine["state"][number][key].shape) == list(value.shape)
                assert str(mine["state"][number][key].dtype).split(".")[1] == str(value.dtype).split(".")[1]
    assert repr(ours) == repr(theirs)


@pytest.mark.parametrize("case", CASES, ids=names)
def test_a_loaded_state_goes_on_where_the_saved_one_was(case: tuple[str, dict[str, Any]]) -> None:
    params, optimizer = run(hp, *case, "float32", 3)
    copies = [param.detach().clone().requires_grad_() for param in params]
    other = getattr(optim, case[0])(copies, **case[1])
    other.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    for each in (params, copies):
        for param, grad in zip(each, values(9, "float32"), strict=True):
            param.grad = hp.tensor(grad)
    optimizer.step()
    other.step()
    for one, two in zip(params, copies, strict=True):
        np.testing.assert_array_equal(host(one), host(two))


def test_no_option_makes_a_new_kernel() -> None:
    param = hp.ones(7, requires_grad=True)
    runtime = param._array.storage.runtime
    optimizer = optim.AdamW([param], lr=0.1)
    before = None
    for step in range(10):
        param.grad = hp.full((7,), float(step + 1))
        optimizer.param_groups[0].update(lr=0.1 / (step + 1), weight_decay=0.01 * step, eps=1e-8 * (step + 1))
        optimizer.step()
        if step == 0:
            before = runtime.counts["resolve"]
    assert runtime.counts["resolve"] == before


def test_groups_have_options_of_their_own() -> None:
    one, two = hp.ones(2, requires_grad=True), hp.ones(2, requires_grad=True)
    optimizer = optim.SGD([{"params": [one]}, {"params": two, "lr": 1.0, "tag": "head"}], lr=0.1)
    one.grad, two.grad = hp.ones(2), hp.ones(2)
    optimizer.step()
    np.testing.assert_allclose(host(one), 0.9)
    np.testing.assert_allclose(host(two), 0.0)
    assert optimizer.param_groups[1]["tag"] == "head"
    optimizer.zero_grad()
    assert one.grad is None
    two.grad = hp.ones(2)
    optimizer.zero_grad(set_to_none=False)
    np.testing.assert_allclose(host(two.grad), 0.0)


def test_named_parameters_keep_their_names() -> None:
    optimizer = optim.SGD([("w", hp.ones(2, requires_grad=True))], lr=0.1)
    assert optimizer.state_dict()["param_groups"][0]["param_names"] == ["w"]


def test_a_closure_is_called_with_gradients_recorded() -> None:
    param = hp.ones(2, requires_grad=True)
    optimizer = optim.SGD([param], lr=0.5)

    def closure() -> Any:
        optimizer.zero_grad()
        loss = (param * param).sum()
        loss.backward()
        return loss

    assert optimizer.step(closure).item() == 2.0
    np.testing.assert_allclose(host(param), 0.0)


def test_a_step_is_an_in_place_write() -> None:
    param = hp.ones(2, requires_grad=True)
    loss = (param * param).sum()
    param.grad = hp.ones(2)
    optim.SGD([param], lr=0.5).step()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def test_hooks_run_around_the_outermost_step() -> None:
    class Twice(optim.SGD):
        def step(self, closure: Any = None) -> Any:
            super().step()
            return super().step(closure)

    param = hp.ones(2, requires_grad=True)
    param.grad = hp.ones(2)
    optimizer, seen = Twice([param], lr=0.25), []
    optimizer.register_step_pre_hook(lambda *_: seen.append("before"))
    with optimizer.register_step_post_hook(lambda *_: seen.append("after")):
        optimizer.step()
    optimizer.step()
    assert seen == ["before", "after", "before"]
    np.testing.assert_allclose(host(param), 0.0)


def test_pickle_and_deepcopy() -> None:
    params, optimizer = run(hp, "Adam", {"lr": 0.1}, "float32", 2)
    loaded = pickle.loads(pickle.dumps((params, optimizer)))
    copied = copy.deepcopy((params, optimizer))
    for each, other in (loaded, copied):
        for param, grad in zip(each, values(5, "float32"), strict=True):
            param.grad = hp.tensor(grad)
        other.step()
        assert set(other.state) == set(each)
    np.testing.assert_array_equal(host(loaded[0][0]), host(copied[0][0]))


BAD: list[tuple[str, Any, type[Exception], str]] = [
    ("unknown option", lambda p: optim.SGD(p, learning_rate=1), TypeError, "learning_rate"),  # type: ignore[call-arg]
    (
        "mistyped option",
        lambda p: optim.SGD([{"params": p, "weigth_decay": 1}]),
        ValueError,
        "did you mean 'weight_decay'",
    ),
    ("learning rate", lambda p: optim.SGD(p, -1), ValueError, "Invalid learning rate: -1"),
    ("learning rate is nan", lambda p: optim.SGD(p, float("nan")), ValueError, "Invalid learning rate"),
    ("momentum", lambda p: optim.SGD(p, 0.1, momentum=-1), ValueError, "Invalid momentum value: -1"),
    ("weight decay", lambda p: optim.AdamW(p, 0.1, weight_decay=-1), ValueError, "Invalid weight_decay value: -1"),
    ("nesterov", lambda p: optim.SGD(p, 0.1, nesterov=True), ValueError, "Nesterov momentum requires"),
    ("betas", lambda p: optim.Adam(p, betas=(0.9, 1.0)), ValueError, "Invalid beta parameter at index 1: 1.0"),
    ("eps", lambda p: optim.Adam(p, eps=-1), ValueError, "Invalid epsilon value: -1"),
    ("differentiable", lambda p: optim.Adam(p, differentiable=True), ValueError, "differentiable"),
    ("empty", lambda _: optim.SGD([], 0.1), ValueError, "empty parameter list"),
    ("one tensor", lambda p: optim.SGD(p[0], 0.1), TypeError, "iterable of Tensors or dicts"),
    ("no tensor", lambda _: optim.SGD([3], 0.1), TypeError, "one of the params is int"),  # type: ignore[list-item]
    ("no leaf", lambda p: optim.SGD([p[0] * 2], 0.1), ValueError, "non-leaf"),
    ("twice", lambda p: optim.SGD([{"params": p}, {"params": p}], 0.1), ValueError, "more than one parameter group"),
    ("no params", lambda _: optim.SGD([{"lr": 1}], 0.1), ValueError, "'params'"),
    ("a set", lambda p: optim.SGD([{"params": set(p)}], 0.1), TypeError, "ordered"),
]


@pytest.mark.parametrize(("make", "kind", "message"), [each[1:] for each in BAD], ids=[each[0] for each in BAD])
def test_bad_options(make: Any, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        make([hp.ones(2, requires_grad=True)])


def test_a_refused_group_or_state_changes_nothing() -> None:
    params, optimizer = run(hp, "Adam", {"lr": 0.1}, "float32", 2)
    before = pickle.dumps(optimizer.state_dict())
    with pytest.raises(ValueError, match="Invalid learning rate"):
        optimizer.add_param_group({"params": [hp.ones(2, requires_grad=True)], "lr": -1})
    with pytest.raises(ValueError, match="more than one parameter group"):
        optimizer.add_param_group({"params": params[:1]})
    good = optimizer.state_dict()
    bad_groups: list[Any] = [{**good["param_groups"][0], "params": [0, 1]}], [], [{**good["param_groups"][0], "lr": -1}]
    for groups in bad_groups:
        with pytest.raises(ValueError, match=r"parameter group|learning rate"):
            optimizer.load_state_dict({"state": {}, "param_groups": groups})
    with pytest.raises(ValueError, match="'state' and 'param_groups'"):
        optimizer.load_state_dict({})
    assert pickle.dumps(optimizer.state_dict()) == before


def test_a_state_of_another_shape_is_refused() -> None:
    params, optimizer = run(hp, "Adam", {"lr": 0.1}, "float32", 1)
    state = optimizer.state_dict()
    state["state"][0]["exp_avg"] = hp.zeros(2)
    optimizer.load_state_dict(state)
    before = host(params[0]).copy()
    with pytest.raises(hp.errors.ShapeError, match=r"state of shape \[2\]"):
        optimizer.step()
    np.testing.assert_array_equal(host(params[0]), before)
