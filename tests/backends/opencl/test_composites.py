"""Hand-written kernels of composites over rows, for processors and for GPUs, against the reference in float64."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st
from opencl_forms import DEVICE, FORMS, agree, form_of, quick, used

import hotplug as hp
from hotplug.errors import IndexRangeError
from hotplug.runtime import Runtime

F: Any = hp.nn.functional
shapes = st.lists(st.integers(1, 45), min_size=1, max_size=3).map(tuple)
LENGTHS = (1, 3, 16, 33, 700, 4097)
"""Parts of a vector, several, and more than one block of sums."""


@pytest.fixture(scope="module", params=FORMS)
def form(request: pytest.FixtureRequest) -> Iterator[Runtime]:
    with form_of(request.param) as runtime:
        yield runtime


@quick
@given(shape=shapes, axis=st.integers(0, 2), logarithm=st.booleans(), wide=st.booleans())
def test_softmax_along_any_axis(form: Runtime, shape: tuple[int, ...], axis: int, logarithm: bool, wide: bool) -> None:
    run, name = (F.log_softmax, "log_softmax") if logarithm else (F.softmax, "softmax")
    agree(name, lambda x: run(x, axis % len(shape)), [shape], hp.float64 if wide else hp.float32)
    assert used(form, name, f"{name}_backward")


@pytest.mark.parametrize("length", LENGTHS)
def test_softmax_of_every_length(form: Runtime, length: int) -> None:
    agree("softmax", lambda x: F.softmax(x, -1), [(3, length)])
    agree("softmax", lambda x: F.softmax(x, 0), [(length, 37)])


@pytest.mark.parametrize("dim", [0, 1])
def test_softmax_of_infinities_and_nan(form: Runtime, dim: int) -> None:
    x = np.random.default_rng(3).standard_normal((40, 40)).astype(np.float32)
    x[0, 1], x[2, 3], x[4, 5] = np.nan, np.inf, -np.inf
    x[20:] = -np.inf
    x[39, 3:] = 1e30
    for run in (F.softmax, F.log_softmax):
        found, goal = (run(hp.tensor(x, device=device), dim).cpu().numpy() for device in (DEVICE, "numpy"))
        np.testing.assert_array_equal(np.isnan(found), np.isnan(goal))
        np.testing.assert_allclose(found, goal, rtol=1e-5, atol=1e-30)


@pytest.mark.parametrize("length", LENGTHS[2:])
def test_layer_norm_of_every_length(form: Runtime, length: int) -> None:
    agree("layer_norm", lambda x, w, b: F.layer_norm(x, (length,), w, b), [(9, length), (length,), (length,)])
    assert used(form, "standardize", "standardize_backward")


@quick
@given(
    rows=st.integers(1, 300), shape=st.lists(st.integers(3, 20), min_size=1, max_size=2).map(tuple), root=st.booleans()
)
def test_norms_over_the_last_axes(form: Runtime, rows: int, shape: tuple[int, ...], root: bool) -> None:
    eps = 0.1  # three elements may be nearly equal, or nearly 0
    if root:
        agree("rms_norm", lambda x, w: F.rms_norm(x, shape, w, eps), [(rows, *shape), shape])
        agree("rms_norm", lambda x: F.rms_norm(x, shape, eps=eps), [(rows, *shape)])
    else:
        agree("layer_norm", lambda x: F.layer_norm(x, shape, eps=eps), [(rows, *shape)])
        agree("layer_norm", lambda x, w: F.layer_norm(x, shape, w, eps=eps), [(rows, *shape), shape])


@pytest.mark.parametrize("kind", [hp.float32, hp.float64])
@pytest.mark.parametrize("shape", [(40, 3), (4, 5, 6, 7), (50, 45), (300, 2), (2, 300, 13), (30, 70, 1)])
def test_batch_norm(form: Runtime, shape: tuple[int, ...], kind: Any) -> None:
    given = [shape, shape[1:2], shape[1:2]]
    agree("batch_norm", lambda x, w, b: F.batch_norm(x, None, None, w, b, training=True), given, kind)


def test_group_and_instance_norm(form: Runtime) -> None:
    for shape in ((4, 6, 5, 5), (70, 6, 33)):
        agree("group_norm", lambda x, w, b: F.group_norm(x, 3, w, b), [shape, (6,), (6,)])
        agree("instance_norm", lambda x, w, b: F.instance_norm(x, None, None, w, b), [shape, (6,), (6,)])


def test_a_million_terms_of_a_weight(form: Runtime) -> None:
    """Sums over many rows keep their digits in float32."""
    x = hp.ones(60000, 9, device=DEVICE)
    offset = hp.zeros(9, device=DEVICE, requires_grad=True)
    weight = hp.ones(9, device=DEVICE, requires_grad=True)
    F.layer_norm(x, (9,), weight, offset).backward(hp.ones(60000, 9, device=DEVICE))
    assert offset.grad.tolist() == [60000.0] * 9


@quick
@given(rows=st.integers(1, 40), classes=st.integers(1, 60), space=st.integers(0, 40), wide=st.booleans())
def test_cross_entropy(form: Runtime, rows: int, classes: int, space: int, wide: bool) -> None:
    behind = (space,) if space else ()
    target = np.random.default_rng(5).integers(0, classes, (rows, *behind))
    target.reshape(-1)[::3] = -100

    def make(x: Any) -> Any:
        return F.cross_entropy(x, hp.tensor(target, device=x.device), reduction="none")

    agree("cross_entropy", make, [(rows, classes, *behind)], hp.float64 if wide else hp.float32)
    assert used(form, "cross_entropy_rows", "cross_entropy_rows_backward")


def test_cross_entropy_of_infinities(form: Runtime) -> None:
    inf = float("inf")
    for row in ([inf, 1, 2], [-inf] * 3, [float("nan"), 1, 2], [-inf, 1, 2], [1e30, 1, -1e30]):
        for goal in (0, 1):
            found = [
                F.cross_entropy(hp.tensor([row], device=device), hp.tensor([goal], device=device)).item()
                for device in (DEVICE, "numpy")
            ]
            assert found[0] == pytest.approx(found[1], nan_ok=True)


def test_gradients_that_are_one_number_for_all(form: Runtime) -> None:
    """Behind a sum or a mean the incoming gradient is expanded: its memory is one element."""
    agree("cross_entropy", lambda x: F.cross_entropy(x, hp.tensor([1, 2, 0], device=x.device)).reshape(1), [(3, 4)])
    agree("softmax", lambda x: (F.softmax(x, 1) ** 2).sum().reshape(1), [(5, 6)])


def test_a_class_out_of_range_is_an_error_of_the_next_read(form: Runtime) -> None:
    x = hp.zeros(2, 3, device=DEVICE)
    loss = F.cross_entropy(x, hp.tensor([0, 5], device=DEVICE))
    with pytest.raises(IndexRangeError, match="cross_entropy: index 5 is out of bounds for an axis of size 3"):
        loss.item()
    assert F.cross_entropy(x, hp.tensor([0, 1], device=DEVICE)).item() == pytest.approx(1.0986123)


@pytest.mark.parametrize("kind", [hp.float32, hp.float64, hp.float16, hp.bfloat16])
def test_embedding(form: Runtime, kind: Any) -> None:
    index = np.array([[1, 5, 1], [0, 3, 5]])
    for width in (3, 300):
        agree(
            "embedding", lambda w: F.embedding(hp.tensor(index, device=w.device), w, padding_idx=3), [(7, width)], kind
        )
    assert used(form, "embedding_rows", "embedding_backward")
    many = hp.tensor(np.arange(4000) % 70, device=DEVICE)
    weight = hp.zeros(70, 40, device=DEVICE, requires_grad=True)
    F.embedding(many, weight).sum().backward()
    assert set(weight.grad.reshape(-1).tolist()) == {57.0, 58.0}


def test_a_row_out_of_range_is_an_error_of_the_next_read(form: Runtime) -> None:
    rows = F.embedding(hp.tensor([7], device=DEVICE), hp.zeros(7, 3, device=DEVICE))
    with pytest.raises(IndexRangeError, match="embedding: index 7 is out of bounds for an axis of size 7"):
        rows.sum().item()


def test_second_order_goes_through_the_decomposition(form: Runtime) -> None:
    for run in (lambda x: F.softmax(x, 1), lambda x: F.layer_norm(x, (6,)), lambda x: F.log_softmax(x, 0)):
        found = []
        for device in (DEVICE, "numpy"):
            x = hp.tensor(np.sin(np.arange(24.0)).reshape(4, 6), dtype=hp.float32, device=device, requires_grad=True)
            (slope,) = hp.autograd.grad((run(x) ** 3).sum(), [x], create_graph=True)
            (curve,) = hp.autograd.grad((slope**2).sum(), [x])
            found.append(curve.cpu().numpy())
        np.testing.assert_allclose(found[0], found[1], rtol=2e-4, atol=2e-5 * np.abs(found[1]).max())
