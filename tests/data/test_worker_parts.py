"""Parts of worker processes: how they start, how batches travel, which options go together."""

from __future__ import annotations

import multiprocessing
import os
import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import worker_datasets as sets

import hotplug as hp
from hotplug.data import DataLoader, default_convert, transfer, workers

pytestmark = pytest.mark.skipif(os.name != "posix", reason="asks for ways to start a process that only POSIX has")


def test_how_workers_are_started(monkeypatch: pytest.MonkeyPatch) -> None:
    spawn = multiprocessing.get_context("spawn")
    assert workers.choose_context(spawn) is spawn
    assert workers.choose_context("forkserver").get_start_method() == "forkserver"
    monkeypatch.setattr(multiprocessing, "get_start_method", lambda allow_none: "fork")
    assert workers.choose_context(None).get_start_method() == "fork"
    assert workers.choose_context("spawn").get_start_method() == "spawn"
    monkeypatch.setattr(multiprocessing, "get_start_method", lambda allow_none: None)
    monkeypatch.setattr(multiprocessing, "get_all_start_methods", lambda: ["forkserver", "fork"])
    assert workers.choose_context(None).get_start_method() == "forkserver"


def test_workers_of_a_program_for_pytorch_are_forked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(__version__="2.13.0+hotplug0.1.0"))  # type: ignore[misc]
    monkeypatch.setattr(multiprocessing, "get_start_method", lambda allow_none: "forkserver")
    assert workers.choose_context("fork").get_start_method() == "fork"
    for given in ("spawn", multiprocessing.get_context("forkserver")):
        with pytest.raises(ValueError, match="would import PyTorch itself; use multiprocessing_context='fork'"):
            workers.choose_context(given)
    monkeypatch.setattr(sys, "platform", "linux")
    assert workers.choose_context(None).get_start_method() == "fork"
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(ValueError, match="started by 'forkserver'"):
        workers.choose_context(None)


@pytest.mark.parametrize("way", ["shared", "piped", "no memory", "many descriptors"])
def test_transfer(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if way == "piped":
        monkeypatch.setattr(transfer, "_SHARES", False)
    if way == "no memory":

        def fail(*_: Any) -> int:
            raise OSError(28, "no space left")

        monkeypatch.setattr(os, "pwrite", fail)
    if way == "many descriptors":
        monkeypatch.setattr(transfer, "_MANY_DESCRIPTORS", 0)
    monkeypatch.setattr(transfer, "SMALLEST_SHARED", 100)
    one, other = multiprocessing.Pipe()
    x = hp.arange(500.0)
    value = {"x": x, "b": np.arange(5, dtype=np.int8), "e": np.zeros(0), "t": x.reshape(5, 100).t(), "s": "text"}
    before = sets.descriptors()
    transfer.send(one, value)
    found = transfer.receive(other)
    assert found["x"].tolist() == x.tolist()
    assert found["t"].tolist() == value["t"].tolist()  # type: ignore[attr-defined]
    assert found["b"].tolist() == [0, 1, 2, 3, 4]
    assert found["e"].shape == (0,)
    found["b"][0] = 1  # arrays that arrive can be written to
    found["x"].add_(1)
    assert x[0].item() == 0
    with pytest.raises(Exception, match=r"pickle|local"):
        transfer.send(one, lambda: 0)
    assert not other.poll()
    if sys.platform == "linux":
        assert sets.descriptors() == before + (way == "shared")  # that of the map
    one.close()
    with pytest.raises(EOFError):
        transfer.receive(other)
    other.close()


BAD: list[tuple[dict[str, Any], str]] = [
    ({"num_workers": -1}, "non-negative integer, got -1"),
    ({"num_workers": 1.5}, "non-negative integer"),
    ({"num_workers": 1, "timeout": -1}, "timeout should be non-negative"),
    ({"num_workers": 1, "prefetch_factor": 0}, "prefetch_factor should be positive"),
    ({"prefetch_factor": 2}, "prefetch_factor can only be given with num_workers"),
    ({"persistent_workers": True}, "persistent_workers can only be given"),
    ({"timeout": 3}, "timeout can only be given"),
    ({"multiprocessing_context": "spawn"}, "multiprocessing_context can only be given"),
]


@pytest.mark.parametrize(("options", "message"), BAD)
def test_wrong_options(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DataLoader(sets.Numbers(), **options)


def test_pin_memory_says_that_it_does_nothing() -> None:
    with pytest.warns(UserWarning, match="pin_memory has no effect"):
        next(iter(DataLoader(sets.Numbers(2), pin_memory=True)))


def test_single_samples_are_converted() -> None:
    found = default_convert({"a": np.arange(2), "t": (np.float32(1), "s"), "l": [b"x", 3], "o": np.array(["x"])})
    assert found["a"].tolist() == [0, 1]
    assert [type(each) for each in found["t"]] == [hp.Tensor, str]
    assert found["l"] == [b"x", 3]
    assert isinstance(found["o"], np.ndarray)
