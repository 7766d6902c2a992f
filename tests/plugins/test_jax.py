"""The device ``jax``, a functional engine behind the contract: what the conformance suite does not look at."""

from __future__ import annotations

import gc
import math
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from devices import needed

import hotplug as hp
from hotplug.backend import FunctionalBackend, OpKey
from hotplug.conformance.calls import download, key_for, upload
from hotplug.dtypes import float32
from hotplug.errors import IndexRangeError, PluginError
from hotplug.expr.node import input_
from hotplug.nn import functional as F
from hotplug.runtime import Runtime


@pytest.fixture(scope="module")
def jax() -> Runtime:
    """The device ``jax:0``."""
    return needed("jax:0")


def counted(runtime: Runtime, name: str) -> int:
    """How often something happened on a device so far."""
    return runtime.counts[name]


def test_it_is_a_functional_asynchronous_engine(jax: Runtime) -> None:
    assert isinstance(jax.backend, FunctionalBackend)
    assert jax.capabilities.functional
    assert jax.capabilities.asynchronous
    assert not jax.capabilities.host_memory
    assert jax.backend.resolve(0, OpKey("softmax")) is None


def test_64_bits_here_and_the_programs_own_setting_elsewhere(jax: Runtime) -> None:
    import jax as theirs

    x = hp.tensor([1.0, 2.0], dtype=hp.float64, device="jax") / 3
    assert x.dtype is hp.float64
    assert x.tolist() == [1 / 3, 2 / 3]
    assert hp.tensor([2**53 + 1], device="jax").add(2).tolist() == [2**53 + 3]
    assert not theirs.config.jax_enable_x64
    assert theirs.numpy.ones(1).dtype == np.float32


def test_writes_through_views_are_seen_by_all_views(jax: Runtime) -> None:
    x = hp.arange(24.0, device="jax").reshape(2, 3, 4)
    twin = x.view(24)
    expected = np.arange(24.0, dtype=np.float32).reshape(2, 3, 4)
    before = counted(jax, "update_view")
    x[:, 1, ::2].add_(100)
    assert counted(jax, "update_view") == before + 1, "one kernel writes through one view"
    expected[:, 1, ::2] += 100
    x.transpose(0, 2)[3].mul_(-1)
    expected.T[3] *= -1
    x.view(-1)[5:8].copy_(x.view(-1)[6:9].clone())
    expected.reshape(-1)[5:8] = expected.reshape(-1)[6:9].copy()
    assert twin.tolist() == expected.reshape(-1).tolist()
    assert x.tolist() == expected.tolist()


def test_overlapping_reads_and_writes(jax: Runtime) -> None:
    x = hp.arange(6.0, device="jax")
    x[1:].copy_(x[:-1])
    assert x.tolist() == [0, 0, 1, 2, 3, 4]
    x.add_(x)
    assert x.tolist() == [0, 0, 2, 4, 6, 8]


def test_a_view_of_another_dtype_is_the_same_memory(jax: Runtime) -> None:
    x = hp.tensor([1.0, -2.0], device="jax")
    bits = x.view(hp.int32)
    assert bits.tolist() == [0x3F800000, -0x40000000]
    bits[0] = 0x40400000
    assert x.tolist() == [3.0, -2.0]
    x[1] = 1.0
    assert x.view(hp.uint8).tolist() == [0, 0, 64, 64, 0, 0, 128, 63]


def test_index_errors_come_with_the_next_read(jax: Runtime) -> None:
    x = hp.arange(4.0, device="jax")
    wrong = hp.tensor([0, 9, 1], device="jax")
    taken = hp.gather(x, 0, wrong)  # returns: the device has not looked yet
    with pytest.raises(IndexRangeError, match=r"gather: index 9 is out of bounds for an axis of size 4 \(1 such"):
        taken.tolist()
    assert x.tolist() == [0, 1, 2, 3], "raised once, and no memory was harmed"
    x.scatter_(0, wrong, hp.full((3,), 7.0, device="jax"))
    with pytest.raises(IndexRangeError, match="scatter"):
        hp.synchronize("jax")
    assert x.tolist() == [7, 7, 2, 3], "what was out of range was skipped"


def test_many_pending_checks_keep_the_first_error(jax: Runtime) -> None:
    x = hp.arange(4.0, device="jax")
    good, bad = (hp.tensor([index], device="jax") for index in (1, 4))
    for index in [good, bad, *[good] * 150]:
        taken = hp.gather(x, 0, index)
    with pytest.raises(IndexRangeError, match="index 4"):
        taken.tolist()
    assert taken.tolist() == [1]


@pytest.fixture
def compiled() -> Iterator[Counter[str]]:
    """Counts what XLA compiles."""
    needed("jax:0")
    from jax import monitoring

    found: Counter[str] = Counter()
    monitoring.register_event_duration_secs_listener(lambda name, *_, **__: found.update([name.rpartition("/")[2]]))
    yield found
    monitoring.clear_event_listeners()


def test_new_numbers_compile_nothing(jax: Runtime, compiled: Counter[str]) -> None:
    x = hp.ones(13, device="jax")
    x.mul(2.0).add(x, alpha=3)
    assert compiled["backend_compile_duration"] > 0
    resolved = counted(jax, "resolve")
    compiled.clear()
    for number in range(4, 14):
        assert x.mul(float(number)).add(x, alpha=number).tolist() == [2.0 * number] * 13
    assert counted(jax, "resolve") == resolved
    assert compiled["backend_compile_duration"] == 0


def test_slices_of_one_shape_are_one_program(jax: Runtime, compiled: Counter[str]) -> None:
    data = hp.arange(44.0, device="jax").reshape(11, 4)
    assert (data[1:3] * 1).sum().item() == 60
    compiled.clear()
    assert [(data[at : at + 2] * 1).sum().item() for at in range(1, 9, 2)] == [60, 124, 188, 252]
    assert compiled["backend_compile_duration"] == 0


def test_values_are_given_back(jax: Runtime) -> None:
    gc.collect()
    before = hp.memory_reserved("jax")
    x = hp.ones(1000, device="jax")
    assert hp.memory_reserved("jax") > before
    del x
    gc.collect()
    assert hp.memory_reserved("jax") == before, "the values of a functional engine are not cached"


def test_threads_write_parts_of_one_tensor(jax: Runtime) -> None:
    x = hp.zeros(8, 16, device="jax")

    def work(row: int) -> None:
        for _ in range(5):
            x[row].add_(row)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(8)))
    assert x.tolist() == [[5.0 * row] * 16 for row in range(8)]


def test_narrowing_rounds_once(jax: Runtime) -> None:
    """By way of float32, 1 + 2**-11 + 2**-40 would round to a tie, and then down."""
    random = np.random.default_rng(0)
    values = random.normal(size=4000) * 10.0 ** random.integers(-9, 6, 4000)
    values[:8] = [1 + 2.0**-11 + 2.0**-40, 65519.999, 65520.0, 2.98e-8, np.inf, -np.inf, np.nan, -0.0]
    for kind in (hp.float16, hp.bfloat16):
        here, there = (hp.tensor(values, dtype=hp.float64, device=each).to(kind) for each in ("jax", "numpy"))
        assert here.view(hp.int16).tolist()[:6] == there.view(hp.int16).tolist()[:6]
        np.testing.assert_array_equal(here.float().cpu().numpy(), there.float().cpu().numpy())


@pytest.mark.parametrize("kind", [hp.float32, hp.float64])
def test_division_by_one_number_is_division(jax: Runtime, kind: hp.dtype) -> None:
    """XLA alone multiplies by the reciprocal, so that 49 / 49 is less than 1."""
    x = np.arange(1000).astype(kind.numpy)
    here = hp.tensor(x, device="jax")
    for number in (7, 11, 49, 1000):
        divisor = hp.tensor([number], dtype=kind, device="jax")
        for quotient in (here / number, here / divisor, here / divisor.expand(1000)):
            np.testing.assert_array_equal(quotient.cpu().numpy(), x / kind.numpy.type(number))


def test_an_infinite_power_is_infinite_in_a_sum(jax: Runtime) -> None:
    """XLA alone contracts the last product of its exp with the subtraction, and so never meets infinity."""
    x = hp.tensor([math.inf, 200.0, 1.0], device="jax")
    loss = F.poisson_nll_loss(x, hp.tensor([1.0, math.inf, 1.0], device="jax"), reduction="none")
    assert [math.isnan(each) for each in loss.tolist()] == [True, True, False]


def test_an_engine_that_fails_is_named(jax: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> Any:
        raise ValueError("XLA has no such program")

    monkeypatch.setattr(jax.backend, "compile", broken)
    with pytest.raises(PluginError, match=r"backend 'jax' raised ValueError\('XLA has no such program'\)"):
        hp.ones(3, 5, 7, 2, device="jax").cumsum(1)
    monkeypatch.undo()
    assert hp.ones(3, 5, 7, 2, device="jax").cumsum(1)[0, -1, 0].tolist() == [5, 5]


def test_nothing_imports_jax_before_the_device_is_used() -> None:
    needed("jax:0")
    program = (
        "import sys, hotplug as hp; from hotplug.plugins import registry; "
        "assert 'jax' in registry.names(); hp.ones(2) + 1; hp.device('jax:0'); assert 'jax' not in sys.modules; "
        "hp.ones(2, device='jax'); assert 'jax' in sys.modules"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr


def test_many_shapes_do_not_keep_all_their_programs(jax: Runtime) -> None:
    program = (input_(0, float32) * 2.0,)
    x = np.arange(9, dtype=np.float32)
    first = upload(jax, x)
    kernel: Any = jax.backend.resolve(0, key_for("map", [first], [first], program=program))
    kernel._variants.limit = 3
    for size in range(1, 10):
        out, part = upload(jax, x[:size] - 1), upload(jax, x[:size])
        kernel([out], [part], [])
        assert download(out).tolist() == (x[:size] * 2).tolist()
        assert len(kernel._variants) <= 3
