"""Random numbers: the bits of Philox, the distributions, and the state of generators."""

from __future__ import annotations

import threading
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from oracle import same_error

import hotplug as hp
from hotplug import random
from hotplug.backends.numpy.evaluate import evaluate
from hotplug.dtypes import int64
from hotplug.expr.node import index, input_, substitute
from hotplug.nn import functional as F

# Known answers of Random123's kat_vectors for philox4x32-10: counter, key, result.
KNOWN = [
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344), (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]  # fmt: skip
MASK = 0xFFFFFFFF


def philox(counter: tuple[int, ...], key: tuple[int, ...]) -> tuple[int, ...]:
    """Philox 4x32-10 in plain integers, written from the paper."""
    a, b, c, d = counter
    k, m = key
    for _ in range(10):
        low, high = a * 0xD2511F53, c * 0xCD9E8D57
        a, b, c, d = (high >> 32) ^ b ^ k, high & MASK, (low >> 32) ^ d ^ m, low & MASK
        k, m = (k + 0x9E3779B9) & MASK, (m + 0xBB67AE85) & MASK
    return a, b, c, d


def words_of_expr(position: int, key: tuple[int, ...], call: tuple[int, ...]) -> tuple[int, ...]:
    """The words that the Expr gives at any element, by the reference's evaluator."""
    program = substitute(random.philox(), {index(): input_(0, int64)})
    signed = position - (1 << 64) if position >> 63 else position
    found = evaluate(program, [np.array([signed], np.int64)], [*key, *call], (1,))
    return tuple(int(np.broadcast_to(each, (1,))[0]) for each in found)


@pytest.mark.parametrize(("counter", "key", "result"), KNOWN)
def test_known_answers(counter: tuple[int, ...], key: tuple[int, ...], result: tuple[int, ...]) -> None:
    assert philox(counter, key) == result
    assert words_of_expr(counter[0] | counter[1] << 32, key, counter[2:]) == result


@settings(max_examples=100, deadline=None)
@given(*[st.integers(0, (1 << 64) - 1)] * 3)
def test_the_expr_is_philox(position: int, seed: int, call: int) -> None:
    key, number = (seed & MASK, seed >> 32), (call & MASK, call >> 32)
    assert words_of_expr(position, key, number) == philox((position & MASK, position >> 32, *number), key)


def blocks(count: int, seed: int, call: int) -> np.ndarray[Any, Any]:
    rows = [philox((i, 0, call, 0), (seed & MASK, seed >> 32)) for i in range(count)]
    return np.array(rows, np.uint64)


SEED = 0x123456789


@pytest.mark.parametrize("device", ["cpu", "numpy"])
def test_uniforms_and_integers_come_from_the_words_as_documented(device: str) -> None:
    hp.manual_seed(SEED)
    single = hp.rand(7, 11, device=device)
    double = hp.rand(50, dtype=hp.float64, device=device)
    half = hp.rand(50, dtype=hp.float16, device=device)
    whole = hp.randint(-5, 12, (50,), device=device)
    words = blocks(77, SEED, 0)
    np.testing.assert_array_equal(single.numpy().ravel(), ((words[:, 0] >> 8) * 2.0**-24).astype(np.float32))
    words = blocks(50, SEED, 1)
    np.testing.assert_array_equal(double.numpy(), ((words[:, 0] >> 5) * 2**26 + (words[:, 1] >> 6)) * 2.0**-53)
    words = blocks(50, SEED, 2)
    np.testing.assert_array_equal(half.numpy(), ((words[:, 0] >> 21) * 2.0**-11).astype(np.float16))
    words = blocks(50, SEED, 3)
    expected = [(int(a) | int(b) << 32) % 17 - 5 for a, b in words[:, :2]]
    assert whole.tolist() == expected


def draws(device: str) -> list[hp.Tensor]:
    hp.manual_seed(1)
    x = hp.zeros(1000, device=device)
    return [
        hp.rand(1000, device=device), hp.rand(30, dtype=hp.bfloat16, device=device).float(),
        hp.rand(10, dtype=hp.complex64, device=device), hp.randint(0, 1 << 40, (1000,), device=device),
        hp.randperm(100, device=device), x.clone().bernoulli_(0.3), x.clone().uniform_(-3.0, 5.0),
        x.clone().random_(), F.dropout(x + 1, 0.4), hp.bernoulli(hp.full((1000,), 0.25, device=device)),
        hp.multinomial(hp.tensor([0.1, 0.2, 0.7], device=device), 100, True),
    ]  # fmt: skip


def test_the_same_bits_on_every_device() -> None:
    for ours, theirs in zip(draws("cpu"), draws("numpy"), strict=True):
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy())
    hp.manual_seed(1)
    ours = hp.randn(10000)
    hp.manual_seed(1)
    np.testing.assert_allclose(ours.numpy(), hp.randn(10000, device="numpy").numpy(), rtol=1e-5, atol=1e-6)


def test_a_strided_tensor_is_filled_in_the_order_of_its_elements() -> None:
    hp.manual_seed(0)
    dense = hp.zeros(4, 6).uniform_()
    hp.manual_seed(0)
    turned = hp.zeros(6, 4).t().uniform_()
    np.testing.assert_array_equal(dense.numpy(), turned.numpy())


@pytest.mark.parametrize("dtype", [hp.float32, hp.float64, hp.float16, hp.bfloat16], ids=str)
def test_moments(dtype: hp.dtype) -> None:
    hp.manual_seed(0)
    count = 100_000
    uniform = hp.rand(count, dtype=dtype).double().numpy()
    assert uniform.min() >= 0.0
    assert uniform.max() < 1.0
    assert abs(uniform.mean() - 0.5) < 0.01
    assert abs(uniform.var() - 1 / 12) < 0.002
    normal = hp.randn(count, dtype=dtype).double().numpy()
    assert abs(normal.mean()) < 0.02
    assert abs(normal.var() - 1.0) < 0.03
    assert abs((normal**3).mean()) < 0.1
    assert abs((normal**4).mean() - 3.0) < 0.2
    exponential = hp.empty(count, dtype=dtype).exponential_(2.0).double().numpy()
    assert exponential.min() >= 0.0
    assert abs(exponential.mean() - 0.5) < 0.01


def test_other_distributions() -> None:
    hp.manual_seed(0)
    counts = np.bincount(hp.randint(7, (70_000,)).numpy(), minlength=7)
    assert abs(counts / 10_000 - 1).max() < 0.05
    assert abs(hp.zeros(100_000).bernoulli_(0.3).mean().item() - 0.3) < 0.01
    assert abs(hp.zeros(100_000).bernoulli_().mean().item() - 0.5) < 0.01
    weights = hp.tensor([[1.0, 0.0, 3.0], [0.0, 5.0, 0.0]])
    picked = hp.multinomial(weights, 40_000, replacement=True).numpy()
    assert abs((picked[0] == 2).mean() - 0.75) < 0.02
    assert set(picked[0]) == {0, 2}
    assert set(picked[1]) == {1}
    first = [hp.multinomial(hp.tensor([1.0, 2.0, 3.0]), 3).tolist() for _ in range(600)]
    assert all(sorted(each) == [0, 1, 2] for each in first)
    assert abs(np.mean([each[0] == 2 for each in first]) - 0.5) < 0.08
    complexes = hp.randn(100_000, dtype=hp.complex64)
    assert abs(complexes.abs().square().mean().item() - 1.0) < 0.02
    mean = hp.normal(hp.tensor([1.0, 100.0]), hp.tensor([0.0, 1.0]))
    assert mean[0].item() == 1.0
    assert abs(mean[1].item() - 100.0) < 6.0


def test_permutations() -> None:
    hp.manual_seed(0)
    for count in (0, 1, 2, 1000):
        assert sorted(hp.randperm(count).tolist()) == list(range(count))
    seen = {tuple(hp.randperm(4).tolist()) for _ in range(400)}
    assert len(seen) == 24
    assert hp.randperm(3, dtype=hp.float32).dtype is hp.float32


def test_dropout() -> None:
    hp.manual_seed(0)
    x = hp.ones(200, 50, requires_grad=True)
    found = F.dropout(x, 0.25)
    kept = found.detach().numpy() != 0
    assert abs(kept.mean() - 0.75) < 0.02
    np.testing.assert_allclose(found.detach().numpy()[kept], 1 / 0.75, rtol=1e-6)
    found.sum().backward()
    assert x.grad is not None
    np.testing.assert_array_equal(x.grad.numpy(), found.detach().numpy())
    assert F.dropout(x, 0.25, training=False) is x
    assert F.dropout(x, 1.0).sum().item() == 0
    channels = F.dropout2d(hp.ones(50, 20, 3, 3), 0.5).numpy().reshape(1000, 9)
    assert set(np.unique(channels.std(1))) == {0.0}
    y = hp.ones(100)
    assert F.dropout(y, 0.5, inplace=True) is y
    assert 0 < (y == 0).sum().item() < 100


def test_each_call_goes_on_and_a_seed_starts_again() -> None:
    hp.manual_seed(5)
    first, second = hp.rand(4), hp.rand(4)
    assert first.tolist() != second.tolist()
    hp.manual_seed(5)
    assert hp.rand(4).tolist() == first.tolist()
    assert hp.initial_seed() == 5
    assert hp.manual_seed(-1).initial_seed() == (1 << 64) - 1
    assert hp.seed() == hp.initial_seed()


def test_generators() -> None:
    ours = hp.Generator().manual_seed(3)
    hp.manual_seed(3)
    assert hp.rand(4, generator=ours).tolist() == hp.rand(4).tolist()
    state = ours.get_state()
    assert state.dtype is hp.uint8
    next_ones = hp.randn(4, generator=ours).tolist()
    assert hp.randn(4, generator=ours).tolist() != next_ones
    assert hp.randn(4, generator=hp.Generator().set_state(state)).tolist() == next_ones
    with pytest.raises(ValueError, match="16"):
        ours.set_state(hp.zeros(3, dtype=hp.uint8))
    with pytest.raises(TypeError, match="Generator"):
        hp.rand(4, generator=3)  # type: ignore[arg-type]


def test_fork_rng_and_state() -> None:
    hp.manual_seed(0)
    state = hp.get_rng_state()
    with hp.random.fork_rng():
        inside = hp.rand(3).tolist()
    assert hp.rand(3).tolist() == inside
    hp.set_rng_state(state)
    assert hp.rand(3).tolist() == inside


def test_calls_from_threads_are_all_different() -> None:
    hp.manual_seed(0)
    found: list[tuple[float, ...]] = []

    def work() -> None:
        found.extend(tuple(hp.rand(2).tolist()) for _ in range(50))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 200


def test_overwriting_ends_the_history() -> None:
    x = hp.ones(3, requires_grad=True)
    y = x * 2
    y.normal_()
    (y * y).sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [0, 0, 0]
    with pytest.raises(RuntimeError, match="leaf"):
        x.uniform_()
    with pytest.raises(RuntimeError, match="memory"):
        hp.zeros(1).expand(3).normal_()


@pytest.mark.parity
def test_dtypes_and_shapes(torch: ModuleType) -> None:
    def calls(t: Any) -> list[Any]:
        whole, part = t.zeros(2, 3, dtype=t.int64), t.zeros(2, 3)
        return [
            t.rand(2, 3), t.rand((2, 3), dtype=t.float64), t.rand(()), t.randn(2), t.randint(5, (2, 3)),
            t.randint(-3, 5, (2,)), t.randint(5, (2,), dtype=t.float32), t.randperm(5), t.rand_like(part),
            t.randn_like(part, dtype=t.float64), t.randint_like(part, 3), t.randint_like(whole, 3, 5),
            t.bernoulli(part), t.bernoulli(whole, 0.5), t.normal(part, 1.0), t.normal(0.0, part + 1),
            t.normal(0.0, 1.0, (2, 3)), t.multinomial(part + 1, 2), t.multinomial(part[0] + 1, 5, replacement=True),
            whole.random_(), whole.random_(3), whole.bernoulli_(), part.exponential_(), part.half().uniform_(),
        ]  # fmt: skip

    for ours, theirs in zip(calls(hp), calls(torch), strict=True):
        assert tuple(ours.shape) == tuple(theirs.shape)
        assert str(ours.dtype).partition(".")[2] == str(theirs.dtype).partition(".")[2]


BAD = {
    "probability": lambda t, F: t.zeros(2).bernoulli_(1.5),
    "probabilities of integers": lambda t, F: t.bernoulli(t.tensor([1])),
    "deviation": lambda t, F: t.zeros(2).normal_(0, -1),
    "range": lambda t, F: t.zeros(2).uniform_(1, 0),
    "normal integers": lambda t, F: t.zeros(2, dtype=t.int64).normal_(),
    "uniform integers": lambda t, F: t.zeros(2, dtype=t.int64).uniform_(),
    "rand of integers": lambda t, F: t.rand(2, dtype=t.int64),
    "nothing to draw from": lambda t, F: t.randint(3, 3, (2,)),
    "too large for int8": lambda t, F: t.randint(0, 300, (2,), dtype=t.int8),
    "random_ range": lambda t, F: t.zeros(2).random_(3, 2),
    "rate": lambda t, F: t.zeros(2).exponential_(-1),
    "negative permutation": lambda t, F: t.randperm(-1),
    "multinomial rank": lambda t, F: t.multinomial(t.ones(1, 1, 1), 1),
    "multinomial integers": lambda t, F: t.multinomial(t.tensor([1, 2]), 1),
    "too many without replacement": lambda t, F: t.multinomial(t.ones(2), 3),
    "no samples": lambda t, F: t.multinomial(t.ones(2), 0),
    "dropout": lambda t, F: F.dropout(t.ones(2), 1.5),
}


@pytest.mark.parity
@pytest.mark.parametrize("name", BAD)
def test_bad_input(torch: ModuleType, name: str) -> None:
    same_error(torch, BAD[name])
