"""``check+``: a right backend passes, a wrong kernel is named with its op, operands, element and line."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pytest

import hotplug as hp
from hotplug.array import Array
from hotplug.backend import Capabilities, Kernel, OpKey
from hotplug.backends.decorators.check import check_of
from hotplug.backends.numpy import families
from hotplug.backends.numpy.backend import NumpyBackend
from hotplug.backends.numpy.memory import HostBackend, ndarray
from hotplug.conformance.strength.layouts import tail_unwritten
from hotplug.conformance.strength.mutant import Mutant, chosen
from hotplug.conformance.strength.planting import Planted
from hotplug.errors import ArgumentError, DivergenceError, OutOfMemoryError
from hotplug.plugins import BackendSpec, registry
from hotplug.runtime import _RUNTIMES, runtime_of

Special = Callable[[OpKey], Kernel | None]


class Overriding(HostBackend):
    """The reference with kernels of its own for some keys."""

    name = "special"
    numbered = False

    def __init__(self, special: Special) -> None:
        self._special = special

    def resolve(self, index: int, key: OpKey) -> Kernel | None:
        return self._special(key) or families.kernel(key)


@pytest.fixture
def device() -> Iterator[Callable[[HostBackend | Special], str]]:
    """Make a checked device of a backend, or of the reference with special kernels."""
    made: list[str] = []

    def make(backend: Any) -> str:
        chosen = backend if isinstance(backend, HostBackend) else Overriding(backend)
        registry.register(BackendSpec(chosen.name, lambda: chosen))
        made.append(chosen.name)
        return f"check+{chosen.name}"

    yield make
    for name in made:
        registry.unregister(name)
        for key in [key for key in _RUNTIMES if name in key[0].split("+")]:
            del _RUNTIMES[key]


def train(device: str, steps: int = 4) -> list[float]:
    """The losses of some steps with convolution, normalisation, dropout, an embedding, and gradients clipped."""
    hp.manual_seed(0)
    with hp.device(device):
        table = hp.nn.Embedding(9, 6)
        model = hp.nn.Sequential(
            hp.nn.Conv1d(6, 4, 3), hp.nn.BatchNorm1d(4), hp.nn.GELU(), hp.nn.Dropout(0.3), hp.nn.Flatten(),
            hp.nn.Linear(4 * 5, 8), hp.nn.LayerNorm(8), hp.nn.ReLU(), hp.nn.Linear(8, 3),
        )  # fmt: skip
        optimizer = hp.optim.AdamW([*table.parameters(), *model.parameters()], lr=0.01)
        words, goals = hp.randint(0, 9, (16, 7)), hp.randint(0, 3, (16,))
        losses = []
        for _ in range(steps):
            optimizer.zero_grad()
            loss = hp.nn.functional.cross_entropy(model(table(words).transpose(1, 2)), goals)
            loss.backward()
            hp.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            losses.append(loss.item())
    return losses


@pytest.mark.parametrize("name", ["numpy", "cpu"])
def test_a_right_device_passes_and_computes_what_it_did(name: str) -> None:
    before = check_of(f"check+{name}").agreed
    assert train(f"check+{name}") == train(name)
    assert check_of(f"check+{name}").agreed > before + 100
    assert f"check+{name}: " in check_of(f"check+{name}").summary()


def test_decorators_compose_with_it() -> None:
    from hotplug.backends.decorators.fault import plan
    from hotplug.backends.decorators.profile import profile_of

    name = "profile+check+fault+cpu"
    assert train(name, 1) == train("cpu", 1)
    assert profile_of(name).rows()
    assert check_of(name).agreed > 0
    with plan(name, allocation=1), pytest.raises(OutOfMemoryError):
        hp.ones(1 << 22, device=name)
    assert hp.ones(4, device=name).sum().item() == 4


@functools.cache
def mutants() -> dict[str, Mutant]:
    """The strength package's backends with one bug each, by name."""
    return {mutant.name: mutant for mutant in chosen()}


def cases() -> dict[str, Callable[[str], Any]]:
    """Programs in which some planted bugs show."""

    def ramp(device: str, *shape: int) -> hp.Tensor:
        return hp.arange(1.0, 1 + np.prod(shape), device=device).reshape(shape)

    return {
        "operands-swapped/sub[float32]": lambda d: ramp(d, 3) - 5 * ramp(d, 3),
        "as-fmax/maximum[float32]": lambda d: hp.maximum(hp.tensor([1.0, np.nan], device=d), hp.ones(2, device=d)),
        "tail-unwritten/map[8]": lambda d: ramp(d, 21).exp(),
        "outputs-written-one-by-one/map[all]": momentum,
        "last-element-left-out/reduce[all]": lambda d: ramp(d, 4, 5).sum(1),
        "sum-of-float32-in-float32/reduce[float32-in-float32]": lambda d: (ramp(d, 1, 100_000) * 0 + 0.1).sum(1),
        "rows-sorted-by-memory/reduce[all]": lambda d: (-ramp(d, 4, 5)).T.amax(1),
        "last-of-equal-elements/argreduce[float32]": lambda d: hp.ones(5, device=d).argmax(),
        "without-the-element-itself/scan[all]": lambda d: ramp(d, 6).cumsum(0),
        "positions-clamped/gather[all]": lambda d: hp.gather(ramp(d, 3), 0, hp.tensor([7], device=d)),
        "equal-positions-added-once/scatter[float32]": lambda d: hp.zeros(3, device=d).scatter_add_(
            0, hp.tensor([1, 1], device=d), ramp(d, 2)
        ),
        "output-cleared-first/scatter[all]": lambda d: ramp(d, 3).scatter(0, hp.tensor([1], device=d), 0.5),
        "first-matrix-for-the-batch/matmul[all]": lambda d: ramp(d, 2, 3, 4) @ ramp(d, 2, 4, 3),
        "copy-loses-the-sign-of-zero/map[float32]": lambda d: hp.tensor(
            [[1.0, -0.0], [2.0, 3.0]], device=d
        ).T.contiguous(),
        "next-written/map[behind]": lambda d: ramp(d, 6).exp(),
        "input-changed/matmul[last]": lambda d: ramp(d, 3, 4) @ ramp(d, 4, 3),
    }


def momentum(device: str) -> None:
    """Steps that overwrite two of their inputs, of which the second depends on the first."""
    weight = hp.nn.Parameter(hp.tensor([1.0, 2.0], device=device))
    weight.grad = hp.tensor([0.5, -0.25], device=device)
    optimizer = hp.optim.SGD([weight], lr=0.1, momentum=0.9, weight_decay=0.5)
    optimizer.step()
    optimizer.step()


@pytest.mark.parametrize("name", cases())
def test_planted_bugs_are_found(name: str, device: Callable[[Any], str]) -> None:
    mutant = mutants()[name]
    checked = device(mutant.backend())
    with pytest.raises(DivergenceError) as error:
        cases()[name](checked)
    assert f"kernel: {mutant.operator.home[0]}" in str(error.value)
    assert "parts from the reference" in str(error.value)


def test_the_error_names_op_operands_element_and_line(device: Callable[[Any], str]) -> None:
    checked = device(Planted("map", functools.partial(tail_unwritten, "8"), lambda key: "tanh" in str(key.program)))
    x = hp.ones(2, 16, device=checked)[:, 4:].T[1:]
    with pytest.raises(DivergenceError) as error:
        x.contiguous().view(-1).tanh()  # the line that is named
    text = str(error.value)
    assert text.startswith("check+strength: tanh parts from the reference: output 0: ")
    assert re.search(r"of 22 elements differ, the first at \[\d+\]: expected 0\.76\d+, at most [\d.e-]+ off, got", text)
    assert "inputs: float32[22] contiguous\n" in text
    assert "name=map, dtypes=['float32', 'float32'], rank=1, layouts=('contiguous', 'contiguous')" in text
    assert f"line:   {__file__}:" in text
    assert text.endswith("x.contiguous().view(-1).tanh()  # the line that is named")


def test_a_bug_in_a_gradient_is_named_with_its_node(device: Callable[[Any], str]) -> None:
    def wrong(key: OpKey) -> Kernel | None:
        if not (key.name == "map" and "neg" in str(key.program) and "sin" in str(key.program)):
            return None
        right = families.kernel(key)

        def kernel(outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any], /) -> None:
            right(outs, inputs, scalars)
            ndarray(outs[0])[...] *= 1.01

        return kernel

    x = hp.linspace(0.1, 1, 8, device=device(wrong)).requires_grad_()
    y = x.cos()
    with pytest.raises(DivergenceError, match=r"CosBackward parts[^\n]*\n(?s:.*)y\.backward\(hp\.ones_like\(y\)\)"):
        y.backward(hp.ones_like(y))


def test_ties_cancellation_and_random_bits_are_no_divergence() -> None:
    with hp.device("check+cpu"):
        x = hp.randn(1000)
        assert hp.rand(1000).bernoulli().sum() > 0
        assert ((x.exp().log() - x) * 1e6).isfinite().all()
        assert (x.tanh() > (2 * x).sigmoid() * 2 - 1).any() in (True, False)
        assert hp.nn.functional.dropout(x, 0.5, True).ne(0).any()
        y = hp.zeros(3).index_add_(0, hp.randint(0, 3, (1000,)), x * 1e4)
        assert y.isfinite().all()
        z = x.clone().requires_grad_()
        (z * 2).add_(1).relu_()[::2].sum().backward()
        assert z.grad is not None
        assert hp.tensor([float("inf"), float("nan"), -0.0, 1e-42, 3e38]).mul(2).isnan().sum().item() == 1


def test_a_device_that_flushes_denormals_may(device: Callable[[Any], str]) -> None:
    class Flushing(Overriding):
        """The reference without denormal numbers."""

        def capabilities(self, index: int) -> Capabilities:
            return Capabilities(host_memory=True, denormals=False)

    def flushed(key: OpKey) -> Kernel | None:
        right = families.kernel(key)
        if key.name != "map" or right is None:
            return right

        def kernel(outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any], /) -> None:
            right(outs, inputs, scalars)
            for out in map(ndarray, outs):
                if out.dtype == np.float32:
                    out[np.abs(out) < np.finfo(np.float32).smallest_normal] = 0

        return kernel

    checked = device(Flushing(flushed))
    x = hp.tensor([1e-30, 2.0, -3.0], device=checked)
    assert (x * 1e-10).tolist() == [0, pytest.approx(2e-10), pytest.approx(-3e-10)]
    assert ((x * 1e-10) * 1e10 + x.reshape(3, 1)).shape == (3, 3)
    assert train(checked, 1) == pytest.approx(train("numpy", 1))


def test_an_index_that_the_device_lets_pass_is_found(device: Callable[[Any], str]) -> None:
    checked = device(mutants()["positions-clamped/gather[all]"].backend())
    with pytest.raises(DivergenceError, match="expected an IndexRangeError"):
        hp.gather(hp.ones(3, device=checked), 0, hp.tensor([3], device=checked))


def softmax_kernel(factor: float, key: OpKey) -> Kernel | None:
    """A kernel of its own for softmax over the last axis."""
    if key.name != "softmax":
        return None

    def kernel(outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any], /) -> None:
        powers = np.exp(ndarray(inputs[0]) - ndarray(inputs[0]).max(scalars[0], keepdims=True))
        ndarray(outs[0])[...] = factor * powers / powers.sum(scalars[0], keepdims=True)

    return kernel


def norm_kernel(factor: float, key: OpKey) -> Kernel | None:
    """A kernel of its own for the norm over a list."""
    if key.name != "norm_of_list":
        return None

    def kernel(outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any], /) -> None:
        parts = np.concatenate([ndarray(each).ravel() for each in inputs])
        ndarray(outs[0])[...] = factor * np.linalg.norm(parts, scalars[0])

    return kernel


def sgd_kernel(factor: float, key: OpKey) -> Kernel | None:
    """A kernel of its own for the update of many parameters at once."""
    if key.name != "sgd_step_of_list":
        return None
    from hotplug.declare import OPS

    op = next(each.function for each in OPS.values() if each.name == "sgd_step")

    def kernel(outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any], /) -> None:
        from hotplug.optim._step import Step

        step, numbers = Step(op), len(scalars) // len(outs)
        for at, out in enumerate(outs):
            mine = inputs[2 * at : 2 * at + 2]
            given = scalars[numbers * at : numbers * (at + 1)]
            program = step._build(mine, 1, given, dict(key.attributes))
            key_ = OpKey("map", program=program, dtypes=key.dtypes)
            families.kernel(key_)([out], mine, given)
            ndarray(out)[...] *= factor

    return kernel


def clip(device: str) -> None:
    weights = [hp.nn.Parameter(hp.ones(each, device=device)) for each in (3, 4)]
    for each in weights:
        each.grad = 2 * each.detach()
    hp.nn.utils.clip_grad_norm_(weights, 1.0)


def descend(device: str) -> None:
    weights = [hp.nn.Parameter(hp.ones(each, device=device)) for each in (3, 4)]
    for each in weights:
        each.grad = 2 * each.detach()
    hp.optim.SGD(weights, lr=0.1).step()


@pytest.mark.parametrize(
    ("kernel", "name", "run"),
    [
        (softmax_kernel, "softmax", lambda d: hp.softmax(hp.linspace(0, 3, 12, device=d).reshape(3, 4).T, 1)),
        (norm_kernel, "norm_of_list", clip),
        (sgd_kernel, "sgd_step_of_list", descend),
    ],
    ids=["softmax", "norm_of_list", "sgd_step_of_list"],
)
def test_kernels_of_composites_are_compared_with_the_decomposition(
    kernel: Callable[..., Kernel | None], name: str, run: Callable[[str], Any], device: Callable[[Any], str]
) -> None:
    seen: list[str] = []

    def right(key: OpKey) -> Kernel | None:
        made = kernel(1.0, key)
        seen.extend([key.name] if made else [])
        return made

    checked = device(right)
    run(checked)
    assert seen == [name]
    assert not check_of(checked).unchecked
    registry.unregister("special")
    _RUNTIMES.pop((checked, 0))
    wrong = device(functools.partial(kernel, 1.001))
    with pytest.raises(DivergenceError, match=f"kernel: {name}"):
        run(wrong)


def test_vectors_of_a_decomposition_may_have_other_signs(device: Callable[[Any], str]) -> None:
    def turned(key: OpKey) -> Kernel | None:
        if key.name != "singular_factors":
            return None
        right = families.kernel(key)

        def kernel(outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any], /) -> None:
            right(outs, inputs, scalars)
            ndarray(outs[0])[...] *= -1
            ndarray(outs[2])[...] *= -1

        return kernel

    checked = device(turned)
    u, s, vh = hp.linalg.svd(hp.eye(3, device=checked) + 1)
    assert hp.allclose((u * s) @ vh, hp.eye(3, device=checked) + 1, atol=1e-5)


def test_an_undecorated_device_has_the_backend_s_own_kernels() -> None:
    check_of("check+cpu")
    plain = registry.backend("cpu")
    assert runtime_of("cpu").backend is plain
    made = lambda outs, inputs, scalars: None  # noqa: E731
    backend = NumpyBackend()
    backend.resolve = lambda index, key: made  # type: ignore[method-assign]
    from hotplug.runtime import Runtime

    assert Runtime(backend, 0).kernel(OpKey("map")) is made


def test_a_device_without_checks_is_named() -> None:
    with pytest.raises(ArgumentError, match="'numpy'"):
        check_of("numpy")
