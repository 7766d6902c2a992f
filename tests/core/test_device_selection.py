"""A device string with words in place of the index: the hardware's type, or a part of its name or its platform's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import final

import pytest

import hotplug as hp
from hotplug.backend import DeviceInfo
from hotplug.backends.numpy.backend import NumpyBackend
from hotplug.errors import DeviceError
from hotplug.plugins import BackendSpec, registry

FOUND = (
    DeviceInfo(0, "Radeon RX 7600", 1, {"type": "GPU", "platform": "Big Vendor"}),
    DeviceInfo(1, "Radeon RX", 1, {"type": "GPU", "platform": "Big Vendor"}),
    DeviceInfo(2, "EPYC", 1, {"type": "CPU", "platform": "Portable"}),
    DeviceInfo(3, "780M gpu-like", 1),
)


@pytest.fixture(autouse=True)
def several() -> Iterator[None]:
    class Several(NumpyBackend):
        name = "several"
        numbered = True

        def devices(self) -> Sequence[DeviceInfo]:
            return FOUND

    registry.register(BackendSpec("several", final(Several)))
    yield
    registry.unregister("several")


@pytest.mark.parametrize(
    ("words", "index"),
    [
        ("cpu", 2), ("CPU", 2), ("epyc", 2), ("EP", 2), ("portable", 2), ("Radeon RX", 1), ("7600", None),
        ("RX 7600", 0), ("radeon rx 76", 0), ("780m", 3), ("gpu-l", 3), ("simulator", None),
    ],
)  # fmt: skip
def test_type_or_name(words: str, index: int | None) -> None:
    if index is None:
        with pytest.raises(DeviceError, match="does not exist" if words.isdigit() else "no device fits"):
            hp.ones(1, device=f"several:{words}")
        return
    assert hp.device(f"several:{words}") is hp.device("several", index)
    assert str(hp.ones(2, device=f"several:{words}").device) == f"several:{index}"


@pytest.mark.parametrize(("words", "count"), [("gpu", 2), ("radeon", 2), ("vendor", 2), ("r", 2)])
def test_several_fit(words: str, count: int) -> None:
    listed = (
        rf"device 'several:{words}': {count} devices fit; there are several:0 \(Radeon RX 7600, GPU, Big Vendor\), "
        r"several:1 \(Radeon RX, GPU, Big Vendor\), several:2 \(EPYC, CPU, Portable\), several:3 \(780M gpu-like\); name"
    )
    with pytest.raises(DeviceError, match=listed):
        hp.device(f"several:{words}")


def test_decorated() -> None:
    assert str(hp.ones(2, device="check+several:cpu").device) == "check+several:2"


def test_a_type_and_an_index_apart() -> None:
    with pytest.raises(DeviceError, match="has an index, and the index 1 was passed as well"):
        hp.device("several:cpu", 1)


@pytest.mark.parametrize(
    "text", ["several:-1", "several:01", "several:", "several: cpu", "several:cpu ", "several:1.5"]
)
def test_neither_an_index_nor_words(text: str) -> None:
    with pytest.raises(DeviceError, match="is invalid"):
        hp.device(text)


def test_a_backend_that_tells_names_only() -> None:
    assert hp.device("numpy:" + registry.device_info("numpy", 0).name).canonical == ("numpy", 0)
