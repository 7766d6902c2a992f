"""Anomaly mode."""

from __future__ import annotations

from typing import Any

import pytest

import hotplug as hp
from hotplug.autograd import Function, detect_anomaly, set_detect_anomaly


def notes(error: BaseException) -> str:
    return "\n".join(getattr(error, "__notes__", []))


class Faulty(Function):
    """Raises in its backward."""

    @staticmethod
    def forward(ctx: Any, x: hp.Tensor) -> hp.Tensor:
        return x.clone()

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        raise ZeroDivisionError("in the backward")


def place_of_the_forward_call(x: hp.Tensor) -> hp.Tensor:
    return (x * 0).sqrt()


def test_a_nan_names_the_node_and_shows_where_the_op_was_called() -> None:
    x = hp.tensor([1.0], requires_grad=True)
    with detect_anomaly():
        y = place_of_the_forward_call(x) * 0
        with pytest.raises(RuntimeError, match=r"Function 'SqrtBackward' returned nan values in its 0th output") as e:
            y.sum().backward()
    assert "place_of_the_forward_call" in notes(e.value)
    assert "(x * 0).sqrt()" in notes(e.value)


def test_without_the_mode_a_nan_is_a_value() -> None:
    x = hp.tensor([1.0], requires_grad=True)
    y = place_of_the_forward_call(x) * 0
    y.sum().backward()
    assert x.grad is not None
    assert y.grad_fn is not None
    assert y.grad_fn.metadata == {}


def test_nan_may_be_let_through() -> None:
    x = hp.tensor([1.0], requires_grad=True)
    with detect_anomaly(check_nan=False):
        assert hp.autograd.is_anomaly_enabled()
        assert not hp.autograd.is_anomaly_check_nan_enabled()
        (place_of_the_forward_call(x) * 0).sum().backward()
    assert x.grad is not None
    assert not hp.autograd.is_anomaly_enabled()


def test_an_error_in_a_backward_carries_the_traceback() -> None:
    x = hp.tensor([1.0], requires_grad=True)
    with detect_anomaly(), pytest.raises(ZeroDivisionError) as error:
        Faulty.apply(x).sum().backward()
    assert "test_an_error_in_a_backward_carries_the_traceback" in notes(error.value)


def test_a_node_from_before_the_mode_has_no_traceback() -> None:
    x = hp.tensor([1.0], requires_grad=True)
    y = Faulty.apply(x).sum()
    with detect_anomaly(), pytest.raises(ZeroDivisionError) as error:
        y.backward()
    assert "No forward pass information available for FaultyBackward" in notes(error.value)


def test_an_error_of_second_order_shows_both_calls() -> None:
    x = hp.tensor([0.0], requires_grad=True)
    with detect_anomaly():
        y = x.abs() ** 1.5
        (first,) = hp.autograd.grad(y.sum(), [x], create_graph=True)
        with pytest.raises(RuntimeError, match="returned nan values") as error:
            hp.autograd.grad((first * 0).sum().sqrt(), [x])
    assert "test_an_error_of_second_order" in notes(error.value)


def test_the_switch_as_a_function_and_as_a_block() -> None:
    set_detect_anomaly(True)
    assert hp.autograd.is_anomaly_enabled()
    set_detect_anomaly(False)
    with set_detect_anomaly(True, check_nan=False):
        assert hp.autograd.is_anomaly_enabled()
    assert not hp.autograd.is_anomaly_enabled()
