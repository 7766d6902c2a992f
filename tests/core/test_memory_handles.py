"""A tensor's memory as programs look at it, old constructors, and the properties that are the same for all."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

import hotplug as hp
from hotplug.errors import AutogradError, DeviceError


def test_data_ptr() -> None:
    x = hp.arange(6.0)
    assert x.data_ptr() == x.numpy().__array_interface__["data"][0]
    assert x[2:].data_ptr() == x.data_ptr() + 8
    assert x.view(2, 3).data_ptr() == x.data_ptr() != x.clone().data_ptr()
    assert hp.empty(0).data_ptr() == 0


@pytest.mark.parity
@pytest.mark.filterwarnings("ignore:TypedStorage is deprecated")
def test_storages(torch: ModuleType) -> None:
    found = []
    for library in (hp, torch):
        x = library.arange(6, dtype=library.int32)
        view, storage, raw = x[1:4], x[1:4].storage(), x.untyped_storage()
        assert library.is_storage(raw)
        assert not library.is_storage(x)
        assert storage.data_ptr() == raw.data_ptr() == x.data_ptr()
        assert view.untyped_storage().data_ptr() != x.clone().untyped_storage().data_ptr()
        storage[0] = 9
        found.append((
            storage.size(), len(storage), storage.nbytes(), storage.element_size(), storage[2], list(storage),
            raw.nbytes(), raw.size(), len(raw), raw.is_cuda, x.tolist(), list(raw.tolist())[:8],
        ))  # fmt: skip
    assert found[0] == found[1]


@pytest.mark.parity
def test_set_and_is_set_to(torch: ModuleType) -> None:
    for library in (hp, torch):
        x, y = library.arange(4.0), library.zeros(2)
        view = x[1:3]
        assert not y.is_set_to(view)
        assert y.set_(view) is y
        assert y.is_set_to(view)
        y[0] = 7
        assert x.tolist() == [0, 7, 2, 3]
        assert y.set_().numel() == 0
    with pytest.raises(AutogradError, match="set_"):
        (hp.ones(2, requires_grad=True) * 2).set_(hp.ones(2))


@pytest.mark.parity
def test_old_constructors(torch: ModuleType) -> None:
    for library in (hp, torch):
        x = library.ones(2, dtype=library.float64)
        assert tuple(x.new(2, 3).shape) == (2, 3)
        assert x.new([1, 2]).tolist() == [1.0, 2.0]
        assert x.new(2, 3).dtype is library.float64
        assert x.new().numel() == 0
        strided = x.new_empty_strided((2, 3), (1, 2))
        assert (tuple(strided.shape), strided.stride(), strided.dtype) == ((2, 3), (1, 2), library.float64)
        assert library.empty_strided((2, 2), (4, 1)).stride() == (4, 1)
        with pytest.raises(RuntimeError):
            library.empty_strided((2, 2), (4,))


def test_resize_that_keeps_the_elements() -> None:
    assert hp.arange(6.0).resize(2, 3).shape == (2, 3)
    assert hp.arange(6.0).resize((3, 2)).shape == (3, 2)
    assert hp.arange(6.0).resize_as(hp.zeros(2, 3)).shape == (2, 3)


@pytest.mark.parity
def test_python_functions(torch: ModuleType) -> None:
    for library in (hp, torch):
        x = library.arange(4.0).reshape(2, 2)
        assert x.clone().apply_(lambda a: a * a + 1).tolist() == [[1, 2], [5, 10]]
        assert x.clone().map_(library.full((2, 2), 2.0), lambda a, b: a - b).tolist() == [[-2, -1], [0, 1]]
        three = x.clone().map2_(x, library.ones(2, 2), lambda a, b, c: a + b * c)
        assert three.tolist() == [[0, 2], [4, 6]]
        with pytest.raises(TypeError):
            x.apply_(3)


ASKED = "is_xpu is_mps is_xla is_ipu is_mtia is_maia is_vulkan is_meta is_mkldnn is_quantized is_nested is_sparse_csr".split()


@pytest.mark.parity
def test_what_tensors_are_not(torch: ModuleType) -> None:
    ours, theirs = hp.ones(2, 3), torch.ones(2, 3)
    for name in ASKED:
        assert getattr(ours, name) is getattr(theirs, name) is False, name
    assert str(ours.layout) == str(theirs.layout)
    assert ours.layout is hp.strided
    assert ours.is_pinned() is theirs.is_pinned() is False
    assert ours.is_shared() is theirs.is_shared() is False
    assert ours.to_dense().tolist() == theirs.tolist()
    assert ours.pin_memory() is ours
    assert ours.record_stream(hp.cuda.current_stream()) is None  # type: ignore[func-returns-value]
    with pytest.raises(DeviceError, match="share_memory_"):
        ours.share_memory_()


def test_no_gradient_through_python() -> None:
    with pytest.raises(AutogradError, match="apply_"):
        hp.ones(2, requires_grad=True).apply_(lambda x: x)


def sends(number: int, queue: Any) -> None:
    queue.put(number * 10)


def test_processes() -> None:
    queue = hp.multiprocessing.get_context("spawn").Queue()
    hp.multiprocessing.spawn(sends, args=(queue,), nprocs=2)
    assert sorted((queue.get(timeout=30), queue.get(timeout=30))) == [0, 10]
    with pytest.raises(ValueError, match="nprocs"):
        hp.multiprocessing.spawn(sends, nprocs=0)
    assert hp.multiprocessing.get_sharing_strategy() in hp.multiprocessing.get_all_sharing_strategies()
    hp.multiprocessing.set_sharing_strategy("file_system")
    with pytest.raises(ValueError, match="unknown"):
        hp.multiprocessing.set_sharing_strategy("pigeons")


def fails(number: int) -> None:
    raise SystemExit(3)


def test_a_process_that_fails() -> None:
    with pytest.raises(RuntimeError, match="exit code 3"):
        hp.multiprocessing.spawn(fails)
