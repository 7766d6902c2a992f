"""Certificates: found beside the plugin module, the newest one wins, another version is named; ours are true."""

from __future__ import annotations

import importlib.metadata
import itertools
import json
from collections.abc import Iterable
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
from fake_backend import install, plugin_source
from layout import ROOT

from hotplug.backend import DeviceInfo
from hotplug.conformance.report import read
from hotplug.plugins.certificates import found as certificates, shown as row_text
from hotplug.plugins.command import lines
from hotplug.plugins.registry import Registry

LEVELS = {"numpy": 4, "cpu": 4, "opencl": 4, "jax": 3, "minimal": 1}
PACKAGES = {
    "jax": "plugins/examples/hotplug-jax/hotplug_jax",
    "minimal": "plugins/examples/hotplug-minimal/hotplug_minimal",
}
COUNT = itertools.count()
LARGEST = 150_000
"""Bytes of a file that everybody clones."""


def certificate(**more: Any) -> str:
    return json.dumps({
        "kind": "hotplug conformance report", "format": 1, "backend": "vendor", "certified": 3, "size": "full",
        "date": "2026-03-01", "plugin": {"name": "hotplug-vendor", "version": "0.3"},
        "hardware": {"name": "Fake 0", "memory": 3 << 30}, **more,
    })  # fmt: skip


@pytest.fixture
def shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """What ``hotplug devices`` says of a plugin whose package has certain files."""

    def show(**files: str) -> str:
        package = f"vendor_package{next(COUNT)}"  # its modules stay
        site = tmp_path / package
        (site / package).mkdir(parents=True)
        monkeypatch.syspath_prepend(site)
        install(site, "hotplug-vendor", "unused", plugin_source("vendor"), entry="vendor")
        (site / package / "__init__.py").write_text("")
        (site / package / "plugin.py").write_text(plugin_source("vendor"))
        info = site / "hotplug_vendor-0.3.dist-info" / "entry_points.txt"
        info.write_text(f"[hotplug]\nvendor = {package}.plugin\n")
        for name, text in files.items():
            (site / package / f"{name}.json").write_text(text)

        def entries() -> Iterable[EntryPoint]:
            for distribution in importlib.metadata.distributions(path=[str(site)]):
                yield from distribution.entry_points

        registry = Registry(entries)
        (row,) = [row for row in registry.report() if row.device == "vendor:0"]
        assert row.certified in list(lines([row], []))[1]
        return row.certified

    return show


def test_none(shown: Any) -> None:
    assert shown() == ""
    assert shown(settings=certificate()) == "", "another name"


def test_the_newest_of_the_kind_of_device(shown: Any) -> None:
    assert shown(certificate=certificate()) == "level 3, 2026-03-01"
    files = {
        "certificate_old": certificate(date="2025-12-31", certified=4),
        "certificate": certificate(size="sampled", certified=2),
        "certificate_other": certificate(date="2026-06-01", backend="other"),
        "certificate_none": certificate(date="2026-06-02", certified=None),
    }
    assert shown(**files) == "level 2 (sampled), 2026-03-01"


def test_of_another_version_of_the_plugin(shown: Any) -> None:
    old = certificate(plugin={"name": "hotplug-vendor", "version": "0.2"})
    assert shown(certificate=old) == "level 3, 2026-03-01, for hotplug-vendor 0.2"


@pytest.mark.parametrize("hardware", [{"name": "Fake 1"}, {"name": "Fake 0", "platform": "another"}, {}, None])
def test_of_other_hardware(shown: Any, hardware: Any) -> None:
    """What a vendor certified on one piece of hardware says nothing of another."""
    name = (hardware or {}).get("name", "unnamed hardware")
    other = certificate(hardware=hardware, date="2026-04-01")
    assert shown(certificate=other) == f"none (level 3 on {name})"
    assert shown(certificate_a=other, certificate_b=certificate()) == "level 3, 2026-03-01", "the one that fits wins"


def test_of_another_driver(shown: Any) -> None:
    older = certificate(hardware={"name": "Fake 0", "driver": "1.0"})
    assert shown(certificate=older) == "level 3, 2026-03-01, with driver 1.0"


def test_a_simulator_is_not_certified_by_another_device() -> None:
    found = certificates(["hotplug.backends.opencl.plugin"], "opencl")
    real = found[0].hardware
    details = {each: real[each] for each in ("platform", "driver")}
    assert row_text(found, "hotplug 0.1.0", DeviceInfo(0, real["name"], 1, details)).startswith("level 4")
    for name, more in (
        ("Oclgrind Simulator", {}),
        (real["name"], {"platform": "x"}),
        (real["name"], {"profile": "apple"}),
    ):
        assert row_text(found, "hotplug 0.1.0", DeviceInfo(1, name, 1, details | more)).startswith("none (level 4 on")


@pytest.mark.parametrize("text", ["", "{}", "[1]", "null", '{"kind": 3, "plugin": {}}', certificate(plugin="x")])
def test_a_file_that_cannot_be_read_certifies_nothing(shown: Any, text: str) -> None:
    assert shown(certificate=text) == ""


@pytest.mark.parametrize("backend", LEVELS)
def test_ours(backend: str) -> None:
    """The reports in docs/ reach the level that is promised, and what is shipped is their head."""
    file = ROOT / "docs" / "certificates" / f"{backend}.json"
    found = read(file)
    assert found["certified"] == LEVELS[backend]
    assert found["backend"] == backend
    assert not any(level["failed"] for level in found["levels"])
    assert max(file.stat().st_size, file.with_suffix(".md").stat().st_size) < LARGEST
    folder = ROOT / PACKAGES.get(backend, f"backends/{backend}")
    shipped = read(folder / "certificate.json")
    empty = {"results": {}, "messages": [], "ops": {}}
    assert shipped == found | empty
    assert file.with_suffix(".md").read_text().startswith(f"# Conformance of `{found['device']}`\n\nCertified: level ")
