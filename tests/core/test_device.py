"""Devices by name, with PyTorch's semantics."""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from fake_backend import FakeBackend

import hotplug as hp
from hotplug.device import device, devices, get_default_device, resolve_device, set_default_device
from hotplug.errors import ArgumentTypeError, DeviceError
from hotplug.plugins import BackendSpec, registry


@pytest.fixture(autouse=True)
def default_device() -> Iterator[None]:
    """Whatever a test sets is taken back."""
    yield
    set_default_device(None)


def test_the_package_exports_the_class() -> None:
    assert hp.device is device
    assert hp.devices is devices


@pytest.mark.parametrize(
    ("arguments", "type", "index", "shown", "text"),
    [
        (("cpu",), "cpu", None, "device(type='cpu')", "cpu"),
        (("cpu:0",), "cpu", 0, "device(type='cpu', index=0)", "cpu:0"),
        (("cuda", 1), "cuda", 1, "device(type='cuda', index=1)", "cuda:1"),
        (("cuda:1",), "cuda", 1, "device(type='cuda', index=1)", "cuda:1"),
        ((device("opencl:2"),), "opencl", 2, "device(type='opencl', index=2)", "opencl:2"),
        ((3,), "cpu", 3, "device(type='cpu', index=3)", "cpu:3"),
    ],
)
def test_forms(arguments: Any, type: str, index: int | None, shown: str, text: str) -> None:
    made = device(*arguments)
    assert (made.type, made.index, repr(made), str(made)) == (type, index, shown, text)
    assert made.canonical == (type, index or 0)


def test_equality_is_pytorchs() -> None:
    assert device("cuda:1") == device("cuda", 1) == device(type="cuda", index=1)
    assert device("cuda:1") is device("cuda", 1)
    assert hash(device("cuda:1")) == hash(device("cuda", 1))
    assert device("cuda") != device("cuda:0")
    assert device("cpu") not in ("cpu", None)


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_pickle_and_copy_give_the_same_object(protocol: int) -> None:
    for each in (device("cpu"), device("cuda:3")):
        assert pickle.loads(pickle.dumps(each, protocol)) is each
        assert copy.deepcopy(each) is each


def test_immutable() -> None:
    with pytest.raises(AttributeError, match="attribute 'index' of a device is not writable"):
        device("cpu").index = 1
    assert device("cpu").index is None


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("cuda:01",), DeviceError, "string 'cuda:01' is invalid"),
        (("cuda:-1",), DeviceError, "string 'cuda:-1' is invalid"),
        (("cpu:",), DeviceError, "string 'cpu:' is invalid"),
        (("",), DeviceError, "string '' is invalid"),
        (("cuda:0", 1), DeviceError, "has an index, and the index 1 was passed as well"),
        (("cuda", -1), DeviceError, "must not be negative, got -1"),
        ((-1,), DeviceError, "must not be negative, got -1"),
        (("cuda", True), ArgumentTypeError, "index must be an integer, got True"),
        (("cuda", "0"), ArgumentTypeError, "index must be an integer, got '0'"),
        ((1.5,), ArgumentTypeError, "expected a string, a device or an index, got 1.5"),
        ((None,), ArgumentTypeError, "expected a string, a device or an index, got None"),
        (("cudaa:0",), DeviceError, "'cudaa' is unknown .did you mean 'cuda'..; installed: .*cpu.*numpy"),
        (("CPU",), DeviceError, "'CPU' is unknown .did you mean 'cpu'"),
    ],
)
def test_bad_arguments(arguments: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        device(*arguments)


def test_a_device_that_is_known_but_not_installed_names_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry.KNOWN, "abacus", "pip install hotplug-abacus")
    with pytest.raises(DeviceError, match="'abacus' is not installed; pip install hotplug-abacus"):
        device("abacus")


def test_a_bad_string_is_the_error_that_pytorch_raises() -> None:
    with pytest.raises(RuntimeError):
        device("nothing:0")


def test_of_runtime_shows_an_index_where_there_can_be_several() -> None:
    assert device.of_runtime("cpu", 0, numbered=False) is device("cpu")
    assert device.of_runtime("cpu", 1, numbered=False) is device("cpu:1")
    assert device.of_runtime("opencl", 0) is device("opencl:0")
    assert str(hp.ones(1, device="numpy:0").device) == "numpy"


def test_blocks_nest_and_end_on_errors() -> None:
    assert get_default_device() is device("cpu")
    with device("numpy") as outer:
        assert outer is device("numpy") is get_default_device()
        with pytest.raises(ZeroDivisionError), device("cuda:1"):
            assert get_default_device() is device("cuda:1")
            raise ZeroDivisionError
        assert get_default_device() is device("numpy")
        with device("numpy"):
            pass
        assert get_default_device() is device("numpy")
    assert get_default_device() is device("cpu")


def test_blocks_are_per_thread_and_the_default_is_not() -> None:
    seen = []
    set_default_device("opencl:1")
    with device("numpy"):
        thread = threading.Thread(target=lambda: seen.append(get_default_device()))
        thread.start()
        thread.join()
    assert seen == [device("opencl:1")]


def test_set_default_device() -> None:
    set_default_device("numpy")
    assert get_default_device() is device("numpy")
    with device("cpu"):
        assert get_default_device() is device("cpu")
    with pytest.raises(DeviceError, match="unknown"):
        set_default_device("nonsense")
    assert get_default_device() is device("numpy")
    set_default_device(None)
    assert get_default_device() is device("cpu")


def test_resolve() -> None:
    assert resolve_device(None) is get_default_device()
    assert resolve_device("numpy:0") is device("numpy", 0)
    assert resolve_device(device("cuda")) is device("cuda")
    with device("cuda"):
        assert resolve_device(1) is device("cuda:1")


def test_devices_lists_what_is_there() -> None:
    registry.register(BackendSpec("pair", lambda: FakeBackend("pair", count=2)))
    registry.register(BackendSpec("away", lambda: FakeBackend("away", trouble=OSError("no driver"))))
    try:
        found = devices()
    finally:
        registry.unregister("pair")
        registry.unregister("away")
    assert {device("cpu"), device("numpy"), device("pair:0"), device("pair:1")} <= set(found)
    assert not [each for each in found if each.type == "away"]


def in_environment(value: str) -> subprocess.CompletedProcess[str]:
    """Print the default device in a process where ``HOTPLUG_DEVICE`` is ``value``."""
    command = [sys.executable, "-c", "import hotplug; print(hotplug.get_default_device())"]
    environment = os.environ | {"HOTPLUG_DEVICE": value}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_the_environment_sets_the_default() -> None:
    assert in_environment("opencl:1").stdout == "opencl:1\n"
    assert in_environment("").stdout == "cpu\n"


def test_a_wrong_environment_is_named() -> None:
    ended = in_environment("opncl")
    assert ended.returncode != 0
    assert (
        "environment variable HOTPLUG_DEVICE: device type 'opncl' is unknown (did you mean 'opencl'?)" in ended.stderr
    )
