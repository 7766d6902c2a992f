"""A backend may have one kernel for the steps of all parameters: it is launched once for each form, and once only."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

import hotplug as hp
from hotplug.array import Array
from hotplug.backend import Kernel, OpKey
from hotplug.backends.decorators.fault import plan
from hotplug.backends.decorators.forwarding import Forwarding
from hotplug.plugins import BackendSpec, registry
from hotplug.runtime import runtime_of

LAUNCHES: list[tuple[str, int]] = []


class Listing(Forwarding):
    """The reference, with kernels over lists: an update of one parameter after the other."""

    name = "listing"

    def resolve(self, index: int, key: OpKey) -> Kernel | None:
        if key.name != "adam_step_of_list":
            return self.inner.resolve(index, key)
        outputs = (len(key.dtypes) - 1) // 2
        width = outputs + 1

        def kernel(outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any], /) -> None:
            count = len(inputs) // width
            assert len(outs) == count * outputs
            assert all(out is inputs[i // outputs * width + i % outputs] for i, out in enumerate(outs))
            LAUNCHES.append((f"{key.name} {dict(key.attributes)}", count))
            values = len(scalars) // count
            for at in range(count):
                arrays = [self._ndarray(each) for each in inputs[at * width : (at + 1) * width]]
                self._update(key, arrays, scalars[at * values : (at + 1) * values])

        return kernel

    @staticmethod
    def _ndarray(array: Array) -> Any:
        from hotplug.backends.numpy.memory import ndarray

        return ndarray(array)

    @staticmethod
    def _update(key: OpKey, arrays: list[Any], numbers: Sequence[float]) -> None:
        param, m, v, grad = arrays
        step_size, weight_decay, shrink, rest1, beta2, rest2, correction, eps = numbers
        grad = (-grad if dict(key.attributes)["maximize"] else grad) + param * weight_decay
        m += (grad - m) * rest1
        v[...] = v * beta2 + grad * grad * rest2
        param[...] = param * shrink - m / (v**0.5 / correction + eps) * step_size


@pytest.fixture
def device() -> Iterator[str]:
    registry.register(BackendSpec("listing", lambda: Listing(registry.backend("numpy"))))
    LAUNCHES.clear()
    yield "listing"
    registry.unregister("listing")


def trained(device: str) -> list[list[float]]:
    hp.manual_seed(0)
    shapes = [(3, 2), (4,), (2, 2, 2)]
    params = [hp.rand(*shape, device="numpy").to(device).requires_grad_() for shape in shapes]
    params.append(hp.rand(3, 2, device="numpy").to(device).t().requires_grad_())
    params.append(hp.rand(3, device="numpy").double().to(device).requires_grad_())
    groups = [{"params": params[:2]}, {"params": params[2:], "maximize": True}]
    optimizer = hp.optim.AdamW(groups, lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        for param in params:
            (param * param).sum().backward()
        optimizer.step()
    return [each.detach().cpu().reshape(-1).tolist() for each in params]


def test_one_launch_for_each_form(device: str) -> None:
    expected = trained("numpy")
    assert LAUNCHES == []
    for mine, other in zip(trained(device), expected, strict=True):
        assert mine == pytest.approx(other, rel=1e-6)
    once = LAUNCHES[: len(LAUNCHES) // 3]
    assert once * 3 == LAUNCHES
    assert sorted(once) == [
        ("adam_step_of_list {'maximize': False}", 2),
        ("adam_step_of_list {'maximize': True}", 1),
        ("adam_step_of_list {'maximize': True}", 1),
        ("adam_step_of_list {'maximize': True}", 1),
    ]


@pytest.mark.parametrize(
    ("where", "make"),
    [
        ("fault+listing", lambda params: hp.optim.Adam(params, lr=0.1)),
        ("fault+numpy", lambda params: hp.optim.Adam(params, lr=0.1)),
        ("fault+numpy", lambda params: hp.optim.NAdam(params, lr=0.1)),
        ("fault+numpy", lambda params: hp.optim.SGD(params, lr=0.1, momentum=0.9, dampening=0.5)),
        ("fault+numpy", lambda params: hp.optim.ASGD(params, lr=0.1, t0=0)),
        ("fault+numpy", lambda params: hp.optim.RMSprop(params, lr=0.1)),
    ],
)
def test_a_step_that_fails_did_not_happen(device: str, where: str, make: Callable[[Any], hp.optim.Optimizer]) -> None:
    """Its parameter is as it was, and so is what the optimizer keeps on the host: the next step is the same one."""
    found = []
    for number in range(5):  # 0: no kernel fails
        param = hp.ones(3, device=where, requires_grad=True)
        optimizer = make([param])
        for _ in range(2):
            param.grad = param.detach() * 2
            try:
                with plan(where, interrupt=number):
                    optimizer.step()
            except KeyboardInterrupt:
                optimizer.step()
            else:
                assert number != 1, "no kernel failed"
        found.append((param.tolist(), optimizer.state[param].get("step")))
    assert found == [found[0]] * 5


def test_versions_and_errors(device: str) -> None:
    param = hp.ones(2, device=device, requires_grad=True)
    optimizer = hp.optim.Adam([param])
    loss = (param * param).sum()
    loss.backward(retain_graph=True)
    optimizer.step()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()
    runtime_of(device)  # the device works on
    assert (param + 1).sum().item() < 4
