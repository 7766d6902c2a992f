"""Launchers of the families: what is prepared for given layouts serves the next call of the same layouts."""

from __future__ import annotations

import pytest

import hotplug as hp


@pytest.mark.parametrize("device", ["numpy", "cpu"])
def test_the_gradient_of_a_broadcast_part_of_a_complex_number_is_the_same_again(device: str) -> None:
    real = hp.zeros(2, 5, device=device)
    weight = hp.complex(hp.arange(10.0, device=device).reshape(2, 5), hp.ones(2, 5, device=device))
    for _ in range(3):
        imag = hp.zeros((), device=device, requires_grad=True)
        (found,) = hp.autograd.grad([hp.ops.complex_elements(real, imag)], [imag], [weight])
        assert found.item() == 10.0
