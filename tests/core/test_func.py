"""``hp.func``, ``autograd.functional`` and forward mode against PyTorch's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import hotplug as hp
from hotplug.autograd import forward_ad, functional
from hotplug.errors import ArgumentError, ArgumentTypeError, AutogradError, DTypeError, ShapeError
from hotplug.utils import _pytree

# PyTorch's forward mode uses what PyTorch deprecates.
pytestmark = [
    pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Attempted to insert a get_attr Node:UserWarning"),
]

DRAW = np.random.default_rng(0)
X, Y = DRAW.uniform(0.5, 1.5, (3,)), DRAW.uniform(0.5, 1.5, (3,))


def plain(result: Any) -> Any:
    """Tensors as nested lists, whichever library they are of."""
    if isinstance(result, (tuple, list)):
        return [plain(each) for each in result]
    if isinstance(result, dict):
        return {key: plain(each) for key, each in result.items()}
    return result.detach().numpy() if hasattr(result, "detach") else result


def close(ours: Any, theirs: Any) -> None:
    if isinstance(theirs, list):
        assert len(ours) == len(theirs)
        for mine, other in zip(ours, theirs, strict=True):
            close(mine, other)
    elif isinstance(theirs, dict):
        assert list(ours) == list(theirs)
        for key, other in theirs.items():
            close(ours[key], other)
    else:
        np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-12)


def scalar(lib: Any) -> Any:
    return lambda x, y: (lib.sin(x) * y**2).sum() + x[0] * x[1]


def vector(lib: Any) -> Any:
    return lambda x, y: (lib.exp(x) * y.sum(), lib.outer(x, y))


FUNC = {
    "grad": lambda lib, x, y: lib.func.grad(scalar(lib))(x, y),
    "grad of both": lambda lib, x, y: lib.func.grad(scalar(lib), (0, -1))(x, y),
    "grad and value": lambda lib, x, y: lib.func.grad_and_value(scalar(lib), 1)(x, y),
    "aux": lambda lib, x, y: lib.func.grad(lambda x: (x.prod(), {"seen": x * 2}), has_aux=True)(x),
    "nested tensors": lambda lib, x, y: lib.func.grad(lambda p: (p["a"] * p["b"][0]).sum())({"a": x, "b": [y]}),
    "jvp": lambda lib, x, y: lib.func.jvp(vector(lib), (x, y), (y, x)),
    "jvp aux": lambda lib, x, y: lib.func.jvp(lambda x: (x.sin(), x.sum()), (x,), (y,), has_aux=True),
    "vjp": lambda lib, x, y: lib.func.vjp(lambda x: (x.sin(), x.cos()), x)[1]((y, y * 2)),
    "vjp of two": lambda lib, x, y: lib.func.vjp(lambda x, y: x * y, x, y)[1](x),
    "linearize": lambda lib, x, y: lib.func.linearize(lib.sin, x)[1](y),
    "jacrev": lambda lib, x, y: lib.func.jacrev(vector(lib), (0, 1))(x, y),
    "jacfwd": lambda lib, x, y: lib.func.jacfwd(vector(lib))(x, y),
    "hessian": lambda lib, x, y: lib.func.hessian(scalar(lib), (0, 1))(x, y),
    "jacfwd of jacfwd": lambda lib, x, y: lib.func.jacfwd(lib.func.jacfwd(lambda x: x.prod() * x))(x),
    "grad of grad": lambda lib, x, y: lib.func.grad(lambda y: lib.func.grad(lambda x: x**2 * y)(x[0]))(y[0]),
    "vmap": lambda lib, x, y: lib.func.vmap(lib.dot)(lib.outer(x, y), lib.outer(y, x)),
    "vmap over columns": lambda lib, x, y: lib.func.vmap(lib.dot, in_dims=(1, None))(lib.outer(x, y), y),
    "vmap in and out": lambda lib, x, y: lib.func.vmap(lambda a, b: (a + b, a), out_dims=(1, 0))(lib.outer(x, y), x),
    "vmap of grad": lambda lib, x, y: lib.func.vmap(lib.func.grad(lambda x: (x**3).sum()))(lib.outer(x, y)),
    "vmap nested": lambda lib, x, y: lib.func.vmap(lambda d: d["a"] * d["b"], in_dims=({"a": 0, "b": None},))(
        {"a": x, "b": y}
    ),
}  # fmt: skip


@pytest.mark.parity
@pytest.mark.parametrize("name", FUNC)
def test_functions_of_functions(torch: Any, name: str) -> None:
    ours, theirs = (FUNC[name](lib, lib.tensor(X), lib.tensor(Y)) for lib in (hp, torch))
    close(plain(ours), plain(theirs))
    assert not any(isinstance(each, hp.Tensor) and each.requires_grad for each in _pytree.tree_leaves(ours))


FUNCTIONAL = {
    "vjp": lambda lib, x, y: lib.autograd.functional.vjp(lambda x, y: x * y, (x, y), y),
    "jvp": lambda lib, x, y: lib.autograd.functional.jvp(lambda x, y: (x * y, x.sum()), (x, y), (y, x)),
    "jacobian": lambda lib, x, y: lib.autograd.functional.jacobian(vector(lib), (x, y)),
    "jacobian of one": lambda lib, x, y: lib.autograd.functional.jacobian(lib.exp, x),
    "jacobian forward": lambda lib, x, y: lib.autograd.functional.jacobian(
        lib.exp, x, strategy="forward-mode", vectorize=True
    ),
    "hessian": lambda lib, x, y: lib.autograd.functional.hessian(scalar(lib), (x, y)),
    "hessian of one": lambda lib, x, y: lib.autograd.functional.hessian(lambda x: x.prod(), x),
    "hvp": lambda lib, x, y: lib.autograd.functional.hvp(scalar(lib), (x, y), (y, x)),
    "vhp": lambda lib, x, y: lib.autograd.functional.vhp(lambda x: x.prod(), x, y),
    "nothing depends": lambda lib, x, y: lib.autograd.functional.jacobian(lambda x: y, x),
}  # fmt: skip


@pytest.mark.parity
@pytest.mark.parametrize("name", FUNCTIONAL)
def test_autograd_functional(torch: Any, name: str) -> None:
    ours, theirs = (FUNCTIONAL[name](lib, lib.tensor(X), lib.tensor(Y)) for lib in (hp, torch))
    close(plain(ours), plain(theirs))


@pytest.mark.parity
def test_create_graph(torch: Any) -> None:
    found = []
    for lib in (hp, torch):
        x = lib.tensor(X, requires_grad=True)
        lib.autograd.functional.jacobian(lambda x: x**3, x, create_graph=True).sum().backward()
        found.append(x.grad.numpy())
    close(*found)


OPS = {
    "add": lambda lib, x: x + x * 2, "mul": lambda lib, x: x * x.flip(0), "div": lambda lib, x: 1 / x,
    "matmul": lambda lib, x: lib.outer(x, x) @ lib.outer(x, x), "softmax": lambda lib, x: lib.softmax(x, 0),
    "layer_norm": lambda lib, x: lib.nn.functional.layer_norm(x, (3,)), "cumsum": lambda lib, x: lib.cumsum(x, 0),
    "prod": lambda lib, x: x.prod(), "max": lambda lib, x: x.max(), "sort": lambda lib, x: lib.sort(x).values,
    "gather": lambda lib, x: x[lib.tensor([2, 0, 0])], "cat": lambda lib, x: lib.cat([x, x * 3]),
    "where": lambda lib, x: lib.where(x > 1, x * x, x), "gelu": lambda lib, x: lib.nn.functional.gelu(x),
    "var": lambda lib, x: x.var(), "norm": lambda lib, x: x.norm(), "pow": lambda lib, x: x**x,
    "solve": lambda lib, x: lib.linalg.solve(lib.outer(x, x) + lib.eye(3, dtype=x.dtype), x),
    "conv1d": lambda lib, x: lib.conv1d(x.view(1, 1, 3), x.view(1, 1, 3), padding=1),
    "complex": lambda lib, x: (lib.exp(x * 1j) * x).abs(), "in place": lambda lib, x: x.clone().mul_(x).add_(1),
    "view": lambda lib, x: x.view(3, 1).expand(3, 2).t(), "logsumexp": lambda lib, x: lib.logsumexp(x, 0),
}  # fmt: skip


@pytest.mark.parity
@pytest.mark.parametrize("name", OPS)
def test_forward_mode_of_ops(torch: Any, name: str) -> None:
    found = []
    for lib in (hp, torch):
        with lib.autograd.forward_ad.dual_level():
            dual = lib.autograd.forward_ad.make_dual(lib.tensor(X), lib.tensor(Y))
            found.append(plain(tuple(lib.autograd.forward_ad.unpack_dual(OPS[name](lib, dual)))))
    close(*found)


def test_forward_mode_of_a_model_on_any_device() -> None:
    model = hp.nn.Sequential(hp.nn.Linear(3, 4), hp.nn.Tanh(), hp.nn.Linear(4, 2)).double()
    x, t = hp.tensor(X), hp.tensor(Y)
    with forward_ad.dual_level():
        found = forward_ad.unpack_dual(model(forward_ad.make_dual(x, t)))
    assert found.tangent is not None
    step = 1e-6
    expected = (model(x + t * step) - model(x - t * step)) / (2 * step)
    np.testing.assert_allclose(found.tangent.detach().numpy(), expected.detach().numpy(), rtol=1e-7)
    assert found.tangent.requires_grad  # the weights need gradients: forward over reverse
    found.tangent.sum().backward()
    assert model[0].weight.grad is not None


def test_levels() -> None:
    x = hp.ones(2)
    with pytest.raises(AutogradError, match="level"):
        forward_ad.make_dual(x, x)
    with forward_ad.dual_level():
        with pytest.raises(AutogradError, match="nested"):
            forward_ad.enter_dual_level()
        with pytest.raises(ShapeError, match=r"\[2\]"):
            forward_ad.make_dual(x, hp.ones(3))
        with pytest.raises(DTypeError, match="int64"):
            forward_ad.make_dual(hp.tensor([1, 2]), hp.tensor([1, 2]))
        dual = forward_ad.make_dual(x, x * 2)
        assert forward_ad.unpack_dual(x).tangent is None
        tangent = forward_ad.unpack_dual(dual).tangent
        assert tangent is not None
        assert tangent.tolist() == [2, 2]
    assert forward_ad.unpack_dual(dual).tangent is None
    with pytest.raises(AutogradError, match="not entered"):
        forward_ad.exit_dual_level()


def test_weights_outside_keep_their_gradient() -> None:
    weight = hp.tensor(Y, requires_grad=True)
    slope = hp.func.grad(lambda x: (x * weight).sum())(hp.tensor(X))
    assert slope.requires_grad
    slope.sum().backward()
    assert weight.grad is not None
    assert weight.grad.tolist() == [1, 1, 1]
    with hp.no_grad():
        assert not hp.func.grad(lambda x: (x * weight).sum())(hp.tensor(X)).requires_grad


def test_functional_call() -> None:
    model = hp.nn.Sequential(hp.nn.Linear(2, 2), hp.nn.BatchNorm1d(2))
    x = hp.rand(4, 2)
    params = {name: hp.zeros_like(value) for name, value in model.named_parameters()}
    before = model[0].weight.tolist()
    assert hp.func.functional_call(model, params, x).tolist() == [[0, 0]] * 4
    assert model[0].weight.tolist() == before
    gradients = hp.func.grad(lambda p: hp.func.functional_call(model, p, (x,)).square().sum())(
        {name: value.detach() for name, value in model.named_parameters()}
    )
    assert set(gradients) == set(params)
    assert gradients["0.weight"].shape == (2, 2)
    with pytest.raises(ArgumentError, match="missing keys"):
        hp.func.functional_call(model, params, x, strict=True)
    with pytest.raises(ArgumentError, match="multiple"):
        hp.func.functional_call(model, (params, params), x)
    stacked, buffers = hp.func.stack_module_state([hp.nn.BatchNorm1d(2), hp.nn.BatchNorm1d(2)])
    assert stacked["weight"].shape == (2, 2)
    assert stacked["weight"].requires_grad
    assert buffers["running_mean"].shape == (2, 2)
    tied = hp.nn.Linear(2, 2, bias=False)
    pair = hp.nn.Sequential(tied, tied)
    assert hp.func.functional_call(pair, {"0.weight": hp.eye(2) * 3}, hp.ones(1, 2)).tolist() == [[9, 9]]


def test_what_cannot_be_derived() -> None:
    x = hp.tensor(X)
    with pytest.raises(AutogradError, match="scalar"):
        hp.func.grad(lambda x: x)(x)
    with pytest.raises(ArgumentError, match="argnums=2"):
        hp.func.grad(hp.sum, 2)(x)
    with pytest.raises(ArgumentError, match="unique"):
        hp.func.grad(lambda a, b: (a * b).sum(), (0, -2))(x, x)
    with pytest.raises(ArgumentTypeError, match="float"):
        hp.func.grad(lambda x: x)(1.0)
    with pytest.raises(ArgumentTypeError, match="output, aux"):
        hp.func.grad(lambda x: x.sum(), has_aux=True)(x)
    with pytest.raises(ArgumentTypeError, match="tuples"):
        hp.func.jvp(hp.sin, x, x)
    with pytest.raises(ShapeError, match="tangents"):
        hp.func.jvp(hp.sin, (x,), (hp.ones(2),))
    with pytest.raises(AutogradError, match="independent"):
        hp.func.jvp(lambda x: hp.ones(2), (x,), (x,), strict=True)
    with pytest.raises(AutogradError, match="independent"):
        functional.jacobian(lambda x: hp.ones(2), x, strict=True)
    with pytest.raises(ArgumentTypeError, match="int"):
        functional.vjp(hp.sin, 3)
    with pytest.raises(AutogradError, match="single element"):
        functional.hessian(hp.sin, x)


def test_vmap_refuses() -> None:
    with pytest.raises(ArgumentError, match="in_dims are all None"):
        hp.func.vmap(hp.sin, in_dims=None)(hp.ones(2))
    with pytest.raises(ShapeError, match=r"\[2, 3\]"):
        hp.func.vmap(hp.add)(hp.ones(2), hp.ones(3))
    with pytest.raises(ArgumentTypeError, match="no tensor"):
        hp.func.vmap(hp.add)(hp.ones(2), 1.0)
    with pytest.raises(ArgumentError, match="2 arguments"):
        hp.func.vmap(hp.add, in_dims=(0,))(hp.ones(2), hp.ones(2))
    with pytest.raises(ShapeError, match="size 0"):
        hp.func.vmap(hp.sin)(hp.ones(0))


def test_trees() -> None:
    tree = {"a": [1, (2, None)], "b": hp.Size((3, 4))}
    leaves, spec = _pytree.tree_flatten(tree)
    assert leaves[:3] == [1, 2, None]
    assert spec.num_leaves == len(leaves)
    assert _pytree.tree_unflatten(leaves, spec) == tree
    assert _pytree.tree_map(lambda a, b: a + b, {"x": 1, "y": (2,)}, {"x": 10, "y": (20,)}) == {"x": 11, "y": (22,)}
    with pytest.raises(ValueError, match="leaves"):
        _pytree.tree_unflatten([1], spec)
