"""The suite under pytest: ``pytest -p hotplug.conformance.pytest_plugin --pyargs hotplug.conformance --device cpu``."""

from __future__ import annotations

import pytest

from hotplug.conformance.case import LEVELS, Bench, Options
from hotplug.conformance.suite import cases


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of the command, under names of their own."""
    group = parser.getgroup("hotplug conformance")
    group.addoption("--device", action="append", default=None, help="device to test; may be given several times")
    group.addoption("--conformance-level", type=int, choices=LEVELS, default=max(LEVELS), help="the highest level")
    group.addoption("--conformance-op", default="", help="only this op or family")
    group.addoption("--conformance-full", action="store_true", help="every dtype and layout for every op")
    group.addoption("--conformance-seed", type=int, default=0, help="of the inputs")


def options_of(config: pytest.Config) -> Options:
    """The options given on the command line."""
    return Options(
        config.getoption("--conformance-level"), config.getoption("--conformance-op"),
        config.getoption("--conformance-full"), config.getoption("--conformance-seed"),
    )  # fmt: skip


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for every case and device."""
    if "conformance_case" not in metafunc.fixturenames:
        return
    options = options_of(metafunc.config)
    devices = metafunc.config.getoption("--device") or ["cpu"]
    benches = [Bench(device, options.on(device)) for device in devices]
    pairs = [(bench, case) for bench in benches for case in cases(bench.options)]
    names = [f"{bench.device}-{case.name}" for bench, case in pairs]
    metafunc.parametrize(("conformance_bench", "conformance_case"), pairs, ids=names)
