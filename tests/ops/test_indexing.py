"""``x[key]`` and ``x[key] = value``, against NumPy and PyTorch."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from oracle import agree, same_error

import hotplug as hp
from hotplug.autograd import gradcheck, gradgradcheck
from hotplug.runtime import runtime_of

SHAPE = (3, 4, 5)
VALUES = np.arange(60, dtype=np.float32).reshape(SHAPE)


def entry(size: int) -> st.SearchStrategy[Any]:
    bounds = st.none() | st.integers(-size - 2, size + 2)
    slices = st.builds(slice, bounds, bounds, st.none() | st.integers(1, 3))
    return st.integers(-size, size - 1) | slices


@st.composite
def basic_keys(draw: st.DrawFn) -> tuple[Any, ...]:
    """Ints and slices, with None and at most one Ellipsis among them."""
    count = draw(st.integers(0, len(SHAPE)))
    parts: list[Any] = [draw(entry(size)) for size in SHAPE[:count]]
    if draw(st.booleans()):
        parts.append(...)
    for _ in range(draw(st.integers(0, 2))):
        parts.insert(draw(st.integers(0, len(parts))), None)
    return tuple(parts)


@settings(max_examples=150, deadline=None)
@given(basic_keys())
def test_basic_keys_are_views_of_what_numpy_picks(key: tuple[Any, ...]) -> None:
    x = hp.tensor(VALUES)
    found = x[key]
    np.testing.assert_array_equal(found.numpy(), VALUES[key])
    found.fill_(-1.0)
    expected = VALUES.copy()
    expected[key] = -1.0
    np.testing.assert_array_equal(x.numpy(), expected)


@st.composite
def advanced_keys(draw: st.DrawFn) -> tuple[Any, ...]:
    """One to three integer indices that broadcast, slices between them; no ints, whose rules differ from NumPy's."""
    parts: list[Any] = []
    shapes = draw(st.sampled_from([[(2,)], [(2,), (2, 1)], [(1, 3), (2, 1), (3,)], [()], [(0,)]]))
    for size in SHAPE:
        if shapes and draw(st.booleans()):
            shape = shapes[draw(st.integers(0, len(shapes) - 1))]
            numbers = st.lists(st.integers(-size, size - 1), min_size=int(np.prod(shape)), max_size=int(np.prod(shape)))
            parts.append(np.array(draw(numbers), dtype=np.int64).reshape(shape))
        else:
            parts.append(
                draw(st.builds(slice, st.none() | st.integers(0, 2), st.none(), st.integers(1, 2) | st.none()))
            )
    return tuple(parts)


def ours(key: tuple[Any, ...], library: Any = hp) -> tuple[Any, ...]:
    return tuple(library.tensor(part) if isinstance(part, np.ndarray) else part for part in key)


@settings(max_examples=150, deadline=None)
@given(advanced_keys())
def test_integer_indices_read_and_write_as_in_numpy(key: tuple[Any, ...]) -> None:
    x = hp.tensor(VALUES)
    expected = VALUES[key]
    np.testing.assert_array_equal(x[ours(key)].numpy(), expected)
    x[ours(key)] = -1.0
    changed = VALUES.copy()
    changed[key] = -1.0
    np.testing.assert_array_equal(x.numpy(), changed)


@pytest.mark.parametrize(
    "mask",
    [VALUES > 30, VALUES[0] > 10, VALUES[:, 0, 0] > 10, np.zeros(3, bool), np.ones(SHAPE, bool)],
    ids=["all axes", "none true in front", "first axis", "none", "everything"],
)
def test_masks(mask: np.ndarray[Any, Any]) -> None:
    key: Any = mask if mask.shape[0] == 3 else (slice(None), mask)
    wrapped = hp.tensor(mask)
    own: Any = wrapped if mask.shape[0] == 3 else (slice(None), wrapped)
    x = hp.tensor(VALUES)
    np.testing.assert_array_equal(x[own].numpy(), VALUES[key])
    expected = VALUES.copy()
    x[own] = 7.0
    expected[key] = 7.0
    np.testing.assert_array_equal(x.numpy(), expected)
    several = np.arange(VALUES[key].size, dtype=np.float32).reshape(VALUES[key].shape)
    x[own] = hp.tensor(several)
    expected[key] = several
    np.testing.assert_array_equal(x.numpy(), expected)


KEYS = {
    "int among indices": (0, slice(None), [1, 2]),
    "indices apart": ([0, 1], slice(None), [1, 2]),
    "mask beside index": ([1, 0, 1], np.array([True, False, True, True])),
    "None between indices": ([0, 1], None, [1, 2]),
    "two dimensions": (slice(None), [[0, 1], [2, 3]]),
    "range": range(2),
    "True": True,
    "False": False,
    "True in a tuple": (None, True, [0, 1]),
    "0-d index": (slice(None), np.array(2)),
    "int32": np.array([0, 2], dtype=np.int32),
    "uint8 as a mask": np.array([0, 1, 1], dtype=np.uint8),
    "empty list": [],
    "step": (slice(None, None, 2), slice(1, None, 2)),
}


@pytest.mark.parity
@pytest.mark.parametrize("name", KEYS)
def test_keys_mean_what_they_mean_in_pytorch(torch: ModuleType, name: str) -> None:
    def at(library: Any, x: Any) -> Any:
        key = KEYS[name]
        parts = key if isinstance(key, tuple) else (key,)
        made = tuple(library.tensor(part) if isinstance(part, np.ndarray) else part for part in parts)
        return x[made] if isinstance(key, tuple) else x[made[0]]

    if name == "uint8 as a mask":  # PyTorch warns that it will stop to
        with pytest.warns(UserWarning, match="uint8"):
            theirs = at(torch, torch.tensor(VALUES))
        np.testing.assert_array_equal(at(hp, hp.tensor(VALUES)).numpy(), theirs.numpy())
        return
    agree(torch, lambda library, _, x: at(library, x), SHAPE)


def test_a_short_list_of_sequences_is_a_tuple() -> None:
    """As in PyTorch, which warns that it will change; NumPy takes a list of lists as one index."""
    x = hp.tensor(VALUES)
    np.testing.assert_array_equal(x[[[0, 1], [1, 2]]].numpy(), VALUES[[0, 1], [1, 2]])
    np.testing.assert_array_equal(x[[slice(0, 1), 0]].numpy(), VALUES[0:1, 0])
    assert x[[0] * 32].shape == (32, 4, 5)


def write(key: Any) -> Any:
    def program(library: Any, _: Any, x: Any, value: Any) -> Any:
        made = tuple(library.tensor(part) if isinstance(part, np.ndarray) else part for part in key)
        changed = x * 1
        changed[made] = value
        return changed

    return program


MASK = np.array([[True, False, True, True], [False, True, False, True], [True, True, False, False]])


@pytest.mark.parity
@pytest.mark.parametrize(
    ("key", "shape"),
    [
        ((0,), (5,)),
        ((slice(None), 1), (3, 5)),
        ((slice(None), [0, 2]), (2, 5)),
        (([0, 2], [1, 1]), ()),
        (([0, 2], slice(None), [1, 3]), (2, 4)),
        ((MASK,), ()),
        ((MASK,), (7, 5)),
        ((MASK,), (5,)),
        ((slice(1, None), None, [0, 1]), (1, 1, 2, 5)),
    ],
)
def test_writing_has_pytorchs_gradients(torch: ModuleType, key: Any, shape: tuple[int, ...]) -> None:
    agree(torch, write(key), SHAPE, shape)


@pytest.mark.parity
def test_writing_through_a_view_reaches_its_base(torch: ModuleType) -> None:
    def program(library: Any, _: Any, x: Any, value: Any) -> Any:
        changed = x * 1
        turned = changed.permute(2, 0, 1)
        turned[[0, 1]] = value
        turned[:, [0, 1], [0, 1]] = value[0, :2, 0]
        return changed, turned

    agree(torch, lambda library, F, x, value: program(library, F, x, value.unsqueeze(0)), SHAPE, (3, 4))


def test_gradients_of_gradients() -> None:
    x = hp.tensor(np.random.default_rng(0).normal(size=(3, 4)), requires_grad=True)
    for key in ((slice(None, None, 2), 1), ([0, 0, 2], [1, 1, 3]), (slice(None), [3, 0, 0]), (hp.tensor(MASK),)):
        assert gradcheck(lambda t, key=key: t[key] ** 3, x)
        assert gradgradcheck(lambda t, key=key: t[key] ** 3, x)


BAD_KEYS = {
    "float": 1.0,
    "too many": (0, 0, 0, 0),
    "out of range": 5,
    "below the range": -4,
    "list out of range": [5],
    "list below the range": [-4],
    "several, one out of range": ([0, 1], [0, 4]),
    "mask of another size": np.ones(4, bool),
    "shapes that don't broadcast": ([0, 1], [0, 1, 2]),
    "float tensor": np.ones(2, np.float32),
    "int8 tensor": np.ones(2, np.int8),
    "zero step": slice(None, None, 0),
}


@pytest.mark.parity
@pytest.mark.parametrize("name", BAD_KEYS)
@pytest.mark.parametrize("write", [False, True])
def test_bad_keys(torch: ModuleType, name: str, write: bool) -> None:
    def program(library: Any, _: Any) -> None:
        key = BAD_KEYS[name]
        x = library.zeros(SHAPE)
        key = library.tensor(key) if isinstance(key, np.ndarray) else key
        if write:
            x[key] = 1.0
        else:
            x[key]

    same_error(torch, program)


BAD_VALUES: dict[str, tuple[Any, Any]] = {
    "list": (0, lambda _: [1, 2]),
    "ndarray": (0, lambda _: np.zeros(5)),
    "string": (0, lambda _: "a"),
    "shape": (0, lambda library: library.zeros(2)),
    "shape through an index": ([0], lambda library: library.zeros(2)),
    "shape through a mask": (np.ones(3, bool), lambda library: library.zeros(2)),
    "dtype through an index": ([0], lambda library: library.zeros(5, dtype=library.float64)),
    "complex": (0, lambda _: 1j),
}


@pytest.mark.parity
@pytest.mark.parametrize("name", BAD_VALUES)
def test_bad_values_change_nothing(torch: ModuleType, name: str) -> None:
    key, value = BAD_VALUES[name]

    def program(library: Any, _: Any) -> None:
        x = library.ones(SHAPE)
        made = library.tensor(key) if isinstance(key, np.ndarray) else key
        try:
            x[made] = value(library)
        finally:
            assert bool((x == 1).all())

    same_error(torch, program)


def test_a_0d_tensor_says_what_to_do() -> None:
    with pytest.raises(IndexError, match="item"):
        hp.tensor(1.0)[0]
    assert hp.tensor(1.0)[...].shape == ()
    assert hp.tensor(1.0)[None].shape == (1,)


def test_overflow_of_a_small_integer() -> None:
    x = hp.zeros(3, dtype=hp.int8)
    with pytest.raises(RuntimeError, match="overflow"):
        x[0] = 300
    x[0] = 1.5
    assert x.tolist() == [1, 0, 0]


def test_writing_to_a_leaf_that_needs_a_gradient() -> None:
    x = hp.zeros(3, requires_grad=True)
    for key in (0, [0], hp.tensor([True, False, True])):
        with pytest.raises(RuntimeError, match="leaf"):
            x[key] = 1.0
    with hp.no_grad():
        x[[0, 1]] = 1.0
    assert x.tolist() == [1, 1, 0]


def test_only_masks_read_from_the_device() -> None:
    counts = runtime_of("cpu").counts
    x, index, mask = hp.tensor(VALUES), hp.tensor([0, -1]), hp.tensor(VALUES > 3)
    before = counts["host_read"]
    x[index, :, index], x[0], x[1:, None]
    x[index] = 1.0
    x[mask] = 2.0
    assert counts["host_read"] == before
    x[mask]
    assert counts["host_read"] == before + 1


def test_a_source_may_share_the_targets_memory() -> None:
    x = hp.arange(6)
    x[[0, 1, 2]] = x[3:]
    x[1:4] = x[0:3].clone()
    assert x.tolist() == [3, 3, 4, 5, 4, 5]
    y = hp.arange(4)
    y[[3, 2, 1, 0]] = y
    assert y.tolist() == [3, 2, 1, 0]


def test_index_put() -> None:
    x = hp.zeros(3)
    assert x.index_put((hp.tensor([1, 1]),), hp.tensor(2.0), accumulate=True).tolist() == [0, 4, 0]
    assert x.tolist() == [0, 0, 0]
    assert x.index_put_((hp.tensor([1]),), hp.tensor(2.0)).tolist() == [0, 2, 0]
    with pytest.raises(TypeError, match="element 0"):
        x.index_put_((None,), hp.tensor(2.0))


@pytest.mark.parity
def test_index_put_adds_with_gradients(torch: ModuleType) -> None:
    def program(library: Any, _: Any, x: Any, value: Any) -> Any:
        return x.index_put((library.tensor([0, 0, 2]),), value, accumulate=True)

    agree(torch, program, SHAPE, SHAPE)
