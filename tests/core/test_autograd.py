"""The tape: what backward, grad, the modes, hooks and Function do."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import hotplug as hp
from hotplug.autograd import Function, grad, gradcheck, gradgradcheck
from hotplug.errors import ArgumentError, AutogradError, ShapeError


def leaf(*values: float, dtype: Any = hp.float64) -> hp.Tensor:
    return hp.tensor(values, dtype=dtype, requires_grad=True)


def test_gradients_accumulate() -> None:
    x = leaf(1.0, 2.0)
    (x * x).sum().backward()
    (x * 3).sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [5.0, 7.0]


def test_two_leaves_do_not_share_the_memory_of_a_gradient() -> None:
    x, y = leaf(1.0), leaf(2.0)
    (x + y).sum().backward()
    assert x.grad is not None
    assert y.grad is not None
    x.grad.zero_()
    assert y.grad.item() == 1.0


def test_a_leaf_gradient_never_aliases_what_an_op_saved() -> None:
    x, weight = leaf(1.0, 2.0), hp.tensor([3.0, 4.0], dtype=hp.float64)
    Identity.apply(x, weight).sum().backward()
    assert x.grad is not None
    x.grad.zero_()
    assert weight.tolist() == [3.0, 4.0]


class Identity(Function):
    """Returns a saved tensor as a gradient, which must be copied before it becomes ``.grad``."""

    @staticmethod
    def forward(ctx: Any, x: hp.Tensor, weight: hp.Tensor) -> hp.Tensor:
        ctx.save_for_backward(weight)
        return x * weight

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        (weight,) = ctx.saved_tensors
        return weight, None


def test_grad_leaves_the_leaves_alone() -> None:
    x, y = leaf(2.0), leaf(3.0)
    first, second = grad((x * x * y).sum(), [x, y])
    assert (first.item(), second.item()) == (12.0, 4.0)
    assert x.grad is None
    assert y.grad is None


def test_grad_of_an_unused_input() -> None:
    x, y = leaf(2.0), leaf(3.0)
    with pytest.raises(AutogradError, match="not have been used"):
        grad((x * 1).sum(), [x, y])
    assert grad((x * 1).sum(), [x, y], allow_unused=True)[1] is None
    assert grad((x * 1).sum(), [x, y], materialize_grads=True)[1].tolist() == [0.0]


def test_grad_of_an_intermediate() -> None:
    x = leaf(2.0)
    y = x * x
    z = (y * y).sum()
    (to_y,) = grad(z, [y])
    assert to_y.item() == 8.0


def test_third_order() -> None:
    x = leaf(1.5)
    y = (x**5).sum()
    for factor, power in ((5, 4), (20, 3), (60, 2)):
        (y,) = grad(y.sum(), [x], create_graph=True)
        assert y.item() == pytest.approx(factor * 1.5**power)


def test_backward_needs_a_scalar_or_a_gradient() -> None:
    x = leaf(1.0, 2.0)
    with pytest.raises(RuntimeError, match="grad can be implicitly created only for scalar outputs"):
        (x * 2).backward()
    with pytest.raises(ShapeError, match=r"expected a gradient of shape \[2\], got \[3\]"):
        (x * 2).backward(hp.ones(3, dtype=hp.float64))
    assert x.grad is None


def test_backward_twice() -> None:
    x = leaf(1.0)
    y = (x * x).sum()
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad is not None
    assert x.grad.item() == 4.0
    with pytest.raises(RuntimeError, match="backward through the graph a second time: the values that (sum|mul) saved"):
        y.backward()


def test_backward_without_a_graph() -> None:
    with pytest.raises(AutogradError, match="does not require grad"):
        hp.ones(()).backward()


def test_integers_have_no_gradient() -> None:
    with pytest.raises(AutogradError, match="only floating and complex"):
        hp.tensor([1, 2]).requires_grad_()


def test_a_chain_of_100000_ops() -> None:
    x = leaf(1.0)
    y = x
    for _ in range(100_000):
        y = y + 1
    y.backward()
    assert x.grad is not None
    assert x.grad.item() == 1.0
    del y  # frees 100,000 nodes without recursion


def test_backward_frees_the_graph() -> None:
    gc.collect()
    before = hp.memory_allocated("cpu")
    x = hp.ones(1000, 1000, requires_grad=True)
    y = ((x * 2).exp() * x).sin().sum()
    during = hp.memory_allocated("cpu")
    y.backward()
    x.grad = None
    after = hp.memory_allocated("cpu")
    assert during - before > 2.5 * x.nbytes  # x, its exponential and the sine's argument
    assert after - before <= 1.2 * x.nbytes
    del x, y
    assert hp.memory_allocated("cpu") - before < 10_000


def test_a_graph_is_freed_without_the_garbage_collector() -> None:
    gc.collect()
    gc.disable()
    try:
        before = hp.memory_allocated("cpu")
        x = hp.ones(300, 300, requires_grad=True)
        y = (x.exp() @ x).tanh()
        y[0].mul_(2)
        del x, y
        assert hp.memory_allocated("cpu") == before
    finally:
        gc.enable()


def test_modes_nest_and_decorate() -> None:
    x = leaf(1.0)
    with hp.no_grad():
        assert not (x * 2).requires_grad
        with hp.enable_grad():
            assert (x * 2).requires_grad
        assert not hp.is_grad_enabled()
    assert hp.is_grad_enabled()

    @hp.no_grad()
    def double(value: hp.Tensor) -> hp.Tensor:
        return value * 2

    assert not double(x).requires_grad
    with hp.set_grad_enabled(False):
        assert not hp.is_grad_enabled()
    assert hp.is_grad_enabled()


def test_grad_mode_belongs_to_a_thread() -> None:
    seen: list[bool] = []
    with hp.no_grad():
        thread = threading.Thread(target=lambda: seen.append(hp.is_grad_enabled()))
        thread.start()
        thread.join()
    assert seen == [True]


def test_inference_tensors_stay_out_of_graphs() -> None:
    x = leaf(1.0)
    with hp.inference_mode():
        y = x * 2
        assert not y.requires_grad
    with pytest.raises(RuntimeError, match="clone"):
        (x * y).sum()
    with pytest.raises(RuntimeError, match="inplace update to an inference tensor"):
        y.add_(1)
    assert (x * y.clone()).requires_grad


def test_hooks_replace_gradients_and_can_be_removed() -> None:
    x = leaf(1.0, 2.0)
    y = x * 1
    handle = y.register_hook(lambda g: g * 10)
    y.sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [10.0, 10.0]
    x.grad = None
    handle.remove()
    (x * 1).sum().backward()
    assert x.grad.tolist() == [1.0, 1.0]  # type: ignore[unreachable]


def test_a_leaf_hook_sees_the_sum() -> None:
    seen: list[Any] = []
    x = leaf(1.0)
    x.register_hook(lambda g: seen.append(g.tolist()))  # type: ignore[arg-type,return-value]
    (x * 2 + x * 3).sum().backward()
    assert seen == [[5.0]]


def test_retain_grad() -> None:
    x = leaf(1.0)
    y = x * 3
    y.retain_grad()
    (y * y).sum().backward()
    assert y.grad is not None
    assert y.grad.tolist() == [6.0]


def test_assigning_grad_checks_it() -> None:
    x = leaf(1.0, 2.0)
    with pytest.raises(RuntimeError, match="assigned grad has shape"):
        x.grad = hp.ones(3, dtype=hp.float64)
    assert x.grad is None


class Cube(Function):
    """x ** 3 with its derivative by hand, differentiable twice."""

    @staticmethod
    def forward(ctx: Any, x: hp.Tensor) -> hp.Tensor:
        ctx.save_for_backward(x)
        return x * x * x

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        (x,) = ctx.saved_tensors
        return grads[0] * 3 * x * x


def test_function() -> None:
    x = leaf(2.0, 3.0)
    Cube.apply(x).sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [12.0, 27.0]
    assert gradcheck(Cube.apply, [leaf(0.5, 2.0)])
    assert gradgradcheck(Cube.apply, [leaf(0.5, 2.0)])


def test_a_function_with_too_few_gradients() -> None:
    class Wrong(Function):
        @staticmethod
        def forward(ctx: Any, x: hp.Tensor, y: hp.Tensor) -> hp.Tensor:
            return x * y

        @staticmethod
        def backward(ctx: Any, *grads: Any) -> Any:
            return grads[0]

    with pytest.raises(RuntimeError, match=r"incorrect number of gradients \(expected 2, got 1\)"):
        Wrong.apply(leaf(1.0), leaf(2.0)).sum().backward()


def test_gradcheck_finds_a_wrong_gradient() -> None:
    class Wrong(Function):
        @staticmethod
        def forward(ctx: Any, x: hp.Tensor) -> hp.Tensor:
            return x * x

        @staticmethod
        def backward(ctx: Any, *grads: Any) -> Any:
            return grads[0]

    assert not gradcheck(Wrong.apply, [leaf(3.0)], raise_exception=False)
    with pytest.raises(RuntimeError, match="Jacobian mismatch for output 0 with respect to input 0"):
        gradcheck(Wrong.apply, [leaf(3.0)])
    with pytest.raises(ArgumentError, match="at least one input that requires a gradient"):
        gradcheck(Wrong.apply, [hp.ones(1)])


@pytest.mark.parametrize(
    "op", ["relu_", "sigmoid_", "exp_", "tanh_", "sqrt_", "reciprocal_", "sin_", "log_", "square_"]
)
def test_in_place_forms_go_backward(op: str, torch: ModuleType) -> None:
    values = [0.3, 1.2, 2.0]
    ours, theirs = leaf(*values), torch.tensor(values, dtype=torch.float64, requires_grad=True)
    getattr(ours * 1, op)().sum().backward()
    getattr(theirs * 1, op)().sum().backward()
    assert ours.grad is not None
    np.testing.assert_allclose(ours.grad.numpy(), theirs.grad.numpy(), rtol=1e-14)


def test_an_in_place_op_on_a_view_reaches_the_base() -> None:
    x = hp.ones(2, 3, requires_grad=True)
    y = x * 2
    y[:, 0].mul_(5)
    y.sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [[10.0, 2.0, 2.0], [10.0, 2.0, 2.0]]


def test_a_saved_tensor_changed_in_place_is_named() -> None:
    x = leaf(1.0, 2.0)
    y = x * 1
    z = y * y
    y.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation: .*saved by mul, is at version 1"):
        z.sum().backward()


@pytest.mark.parametrize("write", [lambda x: x.add_(1), lambda x: x[0].zero_(), lambda x: x.copy_(hp.zeros(2))])
def test_a_leaf_is_not_written_in_place(write: Callable[[hp.Tensor], Any]) -> None:
    x = hp.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError, match="leaf Variable that requires grad"):
        write(x)
    assert x.tolist() == [1.0, 1.0]
    with hp.no_grad():
        write(x)
    assert x.tolist() != [1.0, 1.0]


def test_an_expanded_tensor_is_not_written_in_place() -> None:
    x = hp.zeros(1).expand(3)
    with pytest.raises(RuntimeError, match="more than one element of the written-to tensor"):
        x.add_(1)


def test_detach_shares_memory_and_its_writes_are_noticed() -> None:
    x = leaf(1.0, 2.0)
    y = x * 1
    z = y * y
    y.detach().zero_()
    assert y.tolist() == [0.0, 0.0]
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        z.sum().backward()


@pytest.mark.parity
def test_a_backward_that_is_differentiable_once(torch: Any) -> None:
    for library in (hp, torch):
        once = library.autograd.function.once_differentiable

        class Cube(library.autograd.Function):  # type: ignore[misc,name-defined]
            @staticmethod
            def forward(ctx: Any, x: Any) -> Any:
                ctx.save_for_backward(x)
                return x**3

            @staticmethod
            @once
            def backward(ctx: Any, grad: Any) -> Any:
                (x,) = ctx.saved_tensors
                return grad * 3 * x * x

        x = library.tensor([2.0], requires_grad=True)
        assert library.autograd.grad(Cube.apply(x), x)[0].tolist() == [12]
        (slope,) = library.autograd.grad(Cube.apply(x) * x, x, create_graph=True)
        assert slope.tolist() == [32]
        with pytest.raises(RuntimeError, match="once_differentiable"):
            slope.backward()


def test_variables_are_tensors() -> None:
    x = hp.autograd.Variable(hp.ones(2), requires_grad=True)
    assert isinstance(x, hp.autograd.Variable)
    (x * 2).sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [2, 2]
