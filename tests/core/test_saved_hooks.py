"""Hooks on saved tensors, on nodes and on several gradients; what a node tells about itself."""

from __future__ import annotations

import gc
from types import ModuleType
from typing import Any

import pytest

import hotplug as hp
from hotplug.autograd import Function
from hotplug.autograd.graph import (
    Node,
    disable_saved_tensors_hooks,
    register_multi_grad_hook,
    save_on_cpu,
    saved_tensors_hooks,
)
from hotplug.errors import ArgumentError, ArgumentTypeError, AutogradError


def leaf(*values: float) -> hp.Tensor:
    return hp.tensor(values, dtype=hp.float64, requires_grad=True)


def program(library: Any, x: Any) -> Any:
    """Elementwise ops, a reduction, a product of matrices, a view and an index: nodes of every kind."""
    y = (x.exp() * x + 1.0) @ x.t()
    return (y.softmax(-1).log() * y.sum(0))[library.tensor([1, 0, 1])].sum()


def test_what_is_packed_and_unpacked_gives_the_same_gradients() -> None:
    x = hp.randn(3, 4, dtype=hp.float64, requires_grad=True)
    (expected,) = hp.autograd.grad(program(hp, x), [x])
    packed: list[Any] = []

    def pack(tensor: hp.Tensor) -> Any:
        assert not tensor.requires_grad
        packed.append(tensor.shape)
        return tensor.dtype, tensor.tolist()

    def unpack(value: Any) -> hp.Tensor:
        return hp.tensor(value[1], dtype=value[0])

    with saved_tensors_hooks(pack, unpack):
        y = program(hp, x)
    count = len(packed)
    (found,) = hp.autograd.grad(y, [x])
    assert found.tolist() == expected.tolist()
    assert count == len(packed) > 5


def test_second_order_goes_through_what_was_packed() -> None:
    x = leaf(0.3, 0.7)
    with saved_tensors_hooks(lambda t: t.clone(), lambda t: t):
        y = (x.exp() * x.sin()).sum()
    (first,) = hp.autograd.grad(y, [x], create_graph=True)
    (second,) = hp.autograd.grad(first.sum(), [x])
    expected = 2 * x.exp() * x.cos()
    assert second.tolist() == pytest.approx(expected.tolist())


def test_the_number_of_saved_tensors_is_that_of_torch(torch: ModuleType) -> None:
    counts = []
    for library in (hp, torch):
        seen: list[Any] = []
        x = library.ones(3, requires_grad=True)
        with library.autograd.graph.saved_tensors_hooks(lambda t, seen=seen: seen.append(t) or t, lambda t: t):
            (x * x).exp().sum().backward()
        counts.append(len(seen))
    assert counts[0] == counts[1] == 3


def test_the_innermost_hooks_count_and_end_with_their_block() -> None:
    x, seen = leaf(2.0), []
    with saved_tensors_hooks(lambda t: seen.append("outer") or t, lambda t: t):
        with saved_tensors_hooks(lambda t: seen.append("inner") or t, lambda t: t):
            x.exp()
        x.exp()
    x.exp()
    assert seen == ["inner", "outer"]


def test_a_function_of_the_user_is_packed_too() -> None:
    class Square(Function):
        @staticmethod
        def forward(ctx: Any, x: hp.Tensor) -> hp.Tensor:
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx: Any, *grads: Any) -> Any:
            (x,) = ctx.saved_tensors
            return grads[0] * 2 * x

    x = leaf(3.0)
    with saved_tensors_hooks(lambda t: t.item(), lambda v: hp.tensor([v * 10], dtype=hp.float64)):
        y = Square.apply(x)
    y.backward(hp.ones(1, dtype=hp.float64))
    assert x.grad is not None
    assert x.grad.tolist() == [60.0]


def test_hooks_that_do_wrong_are_told() -> None:
    x = leaf(1.0)
    with saved_tensors_hooks(lambda t: 1, lambda v: v):  # type: ignore[arg-type,return-value]
        y = x.exp()
    with pytest.raises(ArgumentTypeError, match="unpack_hook expected to be a Tensor, got int"):
        y.backward()
    with (
        saved_tensors_hooks(lambda t: t.mul_(2), lambda t: t),
        pytest.raises(AutogradError, match="modifying its input in place"),
    ):
        x.exp()


def test_disabled_hooks() -> None:
    with (
        disable_saved_tensors_hooks("not here"),
        pytest.raises(RuntimeError, match="not here"),
        saved_tensors_hooks(lambda t: t, lambda t: t),
    ):
        pass
    x = leaf(1.0)
    with disable_saved_tensors_hooks("not here"):
        y = x.exp()
    y.backward()
    assert x.grad is not None
    with (
        saved_tensors_hooks(lambda t: t, lambda t: t),
        pytest.raises(RuntimeError, match="nowhere"),
        disable_saved_tensors_hooks("nowhere"),
    ):
        pass


def test_save_on_cpu_frees_the_memory_of_the_device() -> None:
    def held(offload: bool) -> int:
        gc.collect()
        before = hp.memory_allocated("numpy")
        x = hp.ones(100, 100, device="numpy", requires_grad=True)
        if offload:
            with save_on_cpu():
                y = x.exp().exp().exp()
        else:
            y = x.exp().exp().exp()
        size = hp.memory_allocated("numpy") - before
        y.sum().backward()
        assert x.grad is not None
        assert x.grad.device.type == "numpy"
        return size

    assert held(True) == held(False) // 2  # x and the result, without the two in between


# --- nodes -----------------------------------------------------------------------------------------------------------


def test_a_node_tells_its_name_and_what_is_behind() -> None:
    x = leaf(1.0)
    y = x.exp().sum()
    node = y.grad_fn
    assert isinstance(node, Node)
    assert node.name() == "SumBackward"
    (behind,) = node.next_functions
    assert behind[0].name() == "ExpBackward"
    assert behind[1] == 0
    assert behind[0].next_functions[0][0].name() == "AccumulateGrad"
    node.metadata["mine"] = 1
    assert y.grad_fn is not None
    assert y.grad_fn.metadata == {"mine": 1}


def test_hooks_of_a_node(torch: ModuleType) -> None:
    for library in (hp, torch):
        x = library.tensor([1.0, 2.0], requires_grad=True)
        y = x * 3
        node = y.grad_fn
        before = node.register_prehook(lambda grads: (grads[0] * 10,))
        after = node.register_hook(lambda inputs, outputs: (inputs[0] + outputs[0], *inputs[1:]))
        y.sum().backward(retain_graph=True)
        assert x.grad.tolist() == [40.0, 40.0]
        before.remove()
        after.remove()
        x.grad = None
        y.sum().backward()
        assert x.grad.tolist() == [3.0, 3.0]


@pytest.mark.parametrize("mode", ["all", "any"])
def test_a_hook_on_several_gradients(mode: str, torch: ModuleType) -> None:
    found: list[list[Any]] = []
    for library in (hp, torch):
        a, b, c = (library.tensor([value], requires_grad=True) for value in (1.0, 2.0, 3.0))
        seen: list[Any] = []

        def note(grads: Any, seen: list[Any] = seen) -> None:
            many = grads if isinstance(grads, (list, tuple)) else [grads]
            seen.append([None if each is None else each.tolist() for each in many])

        u = a * b
        with library.autograd.graph.register_multi_grad_hook([u, b, c], note, mode=mode):
            (u * 2).sum().backward(retain_graph=True)
            (u * c).sum().backward()
        (a * b).sum().backward()
        found.append(seen)
    assert len(found[0]) == len(found[1]) == 2
    if mode == "all":
        assert found[0] == found[1]
    with pytest.raises(ArgumentError, match="expects mode"):
        register_multi_grad_hook([], print, mode="some")
    with pytest.raises(RuntimeError, match="doesn't require gradient"):
        register_multi_grad_hook([hp.ones(1)], print)
