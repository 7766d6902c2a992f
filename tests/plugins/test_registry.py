"""Discovery and the registry: lazy, isolated, thread-safe, and clear about what is wrong."""

from __future__ import annotations

import importlib.metadata
import sys
import threading
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
from fake_backend import FakeBackend, install, plugin_source

from hotplug.backend import Backend
from hotplug.errors import ArgumentError, DeviceError, PluginError
from hotplug.plugins import BackendSpec, DecoratorSpec, registry as default
from hotplug.plugins.registry import Registry


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterable[Path]:
    """A folder on the path for installed plugins; what is imported from it is forgotten after the test."""
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)
    yield tmp_path
    for module in set(sys.modules) - before:
        if Path(getattr(sys.modules[module], "__file__", None) or "/").is_relative_to(tmp_path):
            del sys.modules[module]


@pytest.fixture
def registry(site: Path) -> Registry:
    """A registry that sees the plugins in ``site`` only."""

    def entries() -> Iterable[EntryPoint]:
        for distribution in importlib.metadata.distributions(path=[str(site)]):
            yield from distribution.entry_points

    return Registry(entries)


def test_entry_points_are_read_on_first_use_and_once() -> None:
    reads = []

    def entries() -> list[EntryPoint]:
        reads.append(1)
        return []

    registry = Registry(entries)
    assert not reads
    registry.names()
    registry.names()
    with pytest.raises(DeviceError):
        registry.backend("nothing")
    assert len(reads) == 1


def test_a_plugin_is_found_and_its_backend_made_once(site: Path, registry: Registry) -> None:
    install(site, "hotplug-vendor", "vendor_one", plugin_source("vendor", "count=2"))
    backend = registry.backend("vendor")
    assert backend.name == "vendor"
    assert registry.backend("vendor") is backend
    assert registry.names() == ["vendor"]
    assert registry.source("vendor") == "hotplug-vendor 0.3"
    assert registry.device_info("vendor", 1).name == "Fake 1"


def test_built_in_backends_take_the_same_road() -> None:
    names = {entry.name for entry in importlib.metadata.entry_points(group="hotplug")}
    assert {"cpu", "numpy"} <= names & set(default.names())


def test_threads_get_one_backend() -> None:
    made = []
    gate = threading.Barrier(8)

    def factory() -> Backend:
        time.sleep(0.02)
        made.append(FakeBackend("slow"))
        return made[-1]

    registry = Registry(list)
    registry.register(BackendSpec("slow", factory))

    def use(_: int) -> Backend:
        gate.wait()
        return registry.backend("slow")

    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(use, range(8)))
    assert found == set(made)
    assert len(made) == 1


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("import a_module_that_is_not_there", "ModuleNotFoundError: No module named 'a_module_that_is_not_there'"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("def broken(:", "SyntaxError"),
        ("x = 1", "implements no hook"),
        ("from hotplug.plugins import hookimpl\n@hookimpl\ndef hotplug_backend(): pass", "unknown hook"),
        ("from hotplug.plugins import hookimpl\n@hookimpl\ndef hotplug_backends(): return ['vendor']", "BackendSpec"),
        ("from hotplug.plugins import hookimpl\n@hookimpl\ndef hotplug_backends(): raise OSError('dead')", "dead"),
        (plugin_source("Wrong:Name"), "lower-case"),
    ],
)
def test_a_broken_plugin_is_remembered_and_harms_no_other(
    site: Path, registry: Registry, source: str, message: str
) -> None:
    install(site, "hotplug-vendor", "vendor_broken", source)
    install(site, "hotplug-sound", "vendor_sound", plugin_source("sound"), entry="sound")
    assert registry.backend("sound").name == "sound"
    assert registry.names() == ["sound"]
    assert [plugin.distribution for plugin in registry.broken()] == ["hotplug-vendor 0.3"]
    with pytest.raises(PluginError) as caught:
        registry.backend("vendor")
    assert "'vendor' of hotplug-vendor 0.3 failed to load" in str(caught.value)
    assert message in str(caught.value)
    assert caught.value.__cause__ is registry.broken()[0].error


def test_a_factory_that_fails_says_what_to_install_and_is_tried_again() -> None:
    tries = []

    def factory() -> Backend:
        tries.append(1)
        if len(tries) == 1:
            raise ImportError("No module named 'pyvendor'")
        return FakeBackend("vendor")

    registry = Registry(list)
    registry.register(BackendSpec("vendor", factory, hint="pip install pyvendor"))
    with pytest.raises(DeviceError, match=r"'vendor' is unavailable: ImportError: .*pyvendor'; pip install pyvendor"):
        registry.backend("vendor")
    assert registry.backend("vendor").name == "vendor"


@pytest.mark.parametrize(
    ("contract", "advice"),
    [
        (((0, 1), (0, 9)), "speaks contract versions 0.1 to 0.9, this Hotplug speaks 1.1; upgrade the plugin"),
        (((2, 0), (2, 3)), "speaks contract versions 2.0 to 2.3, this Hotplug speaks 1.1; upgrade hotplug"),
        (((1, 7), (1, 7)), "speaks contract versions 1.7 to 1.7, this Hotplug speaks 1.1; upgrade hotplug"),
        (1, "must declare its contract range as ((major, minor), (major, minor)), got 1"),
        ((("a", 0), (1, 0)), "must declare its contract range"),
    ],
)
def test_a_wrong_contract_version_names_the_distribution(
    site: Path, registry: Registry, contract: object, advice: str
) -> None:
    install(site, "hotplug-vendor", "vendor_contract", plugin_source("vendor", f"contract={contract!r}"))
    with pytest.raises(PluginError) as caught:
        registry.backend("vendor")
    assert "plugin 'vendor' of hotplug-vendor 0.3" in str(caught.value)
    assert advice in str(caught.value)


@pytest.mark.parametrize("contract", [((1, 0), (1, 0)), ((0, 5), (1, 0)), ((1, 0), (3, 2))])
def test_a_range_that_holds_our_version_is_accepted(contract: object) -> None:
    registry = Registry(list)
    registry.register(BackendSpec("vendor", lambda: FakeBackend("vendor", contract=contract)))
    assert registry.backend("vendor").contract == contract


@pytest.mark.parametrize(
    ("made", "message"),
    [(None, "must make a hotplug.backend.Backend, got None"), (FakeBackend("other"), "another name, 'other'")],
)
def test_a_factory_must_make_the_announced_backend(made: Any, message: str) -> None:
    registry = Registry(list)
    registry.register(BackendSpec("vendor", lambda: made))
    with pytest.raises(PluginError, match=message):
        registry.backend("vendor")


def test_two_plugins_with_one_name(site: Path, registry: Registry) -> None:
    install(site, "hotplug-red", "vendor_red", plugin_source("vendor"), entry="red")
    install(site, "hotplug-blue", "vendor_blue", plugin_source("vendor"), entry="blue")
    install(site, "hotplug-sound", "vendor_other", plugin_source("sound"), entry="sound")
    assert registry.backend("sound").name == "sound"
    with pytest.raises(PluginError) as caught:
        registry.backend("vendor")
    assert "'red' of hotplug-red 0.3" in str(caught.value)
    assert "'blue' of hotplug-blue 0.3" in str(caught.value)
    assert "uninstall all but one" in str(caught.value)
    rows = {row.device: row for row in registry.report()}
    assert rows["sound:0"].available
    assert "hotplug-red 0.3" in rows["vendor"].problem
    assert "hotplug-blue 0.3" in rows["vendor"].problem


def test_devices_that_raise_or_are_none() -> None:
    registry = Registry(list)
    trouble = FakeBackend("trouble", trouble=OSError("driver version 2 is too old"))
    registry.register(BackendSpec("trouble", lambda: trouble, hint="update the driver"))
    registry.register(BackendSpec("none", lambda: FakeBackend("none", count=0)))
    with pytest.raises(DeviceError, match="'trouble' is unavailable: OSError: driver version 2.*; update the driver"):
        registry.hardware("trouble")
    with pytest.raises(DeviceError, match="'none' is unavailable: .*no hardware"):
        registry.hardware("none")
    trouble.trouble = None
    assert len(registry.hardware("trouble")) == 1
    asked = trouble.asked
    registry.hardware("trouble")
    assert trouble.asked == asked


@pytest.mark.parametrize(("count", "use"), [(1, "use duo:0$"), (3, "use duo:0 to duo:2$")])
def test_an_index_that_is_not_there(count: int, use: str) -> None:
    registry = Registry(list)
    registry.register(BackendSpec("duo", lambda: FakeBackend("duo", count=count)))
    with pytest.raises(DeviceError, match=f"'duo:{count}' does not exist.*{use}"):
        registry.device_info("duo", count)


def test_unknown_names() -> None:
    registry = Registry(list)
    registry.register(BackendSpec("vendor", lambda: FakeBackend("vendor")))
    with pytest.raises(DeviceError) as caught:
        registry.backend("vendr")
    assert "'vendr' is unknown (did you mean 'vendor'?); installed: vendor; not installed: opencl (pip install" in str(
        caught.value
    )
    with pytest.raises(DeviceError, match=r"'opencl' is not installed; pip install --upgrade 'hotplug\[opencl\]'"):
        registry.backend("opencl")
    with pytest.raises(DeviceError, match="'CUDA' is unknown .did you mean 'cuda'"):
        registry.validate("CUDA")
    registry.validate("vendor")


def wrap(inner: Backend) -> Backend:
    """Another FakeBackend, that remembers the inner one."""
    made: Any = FakeBackend(inner.name)
    made.inner = inner
    return made  # type: ignore[no-any-return]


def test_decorators_wrap_from_the_right() -> None:
    registry = Registry(list)
    registry.register(BackendSpec("vendor", lambda: FakeBackend("vendor")))
    registry.register(DecoratorSpec("profile", wrap))
    registry.register(DecoratorSpec("check", wrap))
    outer: Any = registry.backend("profile+check+vendor")
    assert outer.name == "profile+check+vendor"
    assert outer.inner is registry.backend("check+vendor")
    assert outer.inner.name == "check+vendor"
    assert outer.inner.inner is registry.backend("vendor")
    assert registry.backend("vendor").name == "vendor"
    assert registry.backend("profile+check+vendor") is outer
    assert registry.decorators() == ["check", "profile"]


def test_decorators_that_are_wrong() -> None:
    def fail(inner: Backend) -> Backend:
        raise ValueError("cannot")

    registry = Registry(list)
    registry.register(BackendSpec("vendor", lambda: FakeBackend("vendor")))
    registry.register(DecoratorSpec("same", lambda inner: inner))
    registry.register(DecoratorSpec("fail", fail))
    with pytest.raises(PluginError, match="must return a new Backend around 'vendor'"):
        registry.backend("same+vendor")
    assert registry.backend("vendor").name == "vendor"
    with pytest.raises(PluginError, match="'fail' of the running program failed to wrap 'vendor': ValueError: cannot"):
        registry.backend("fail+vendor")
    with pytest.raises(DeviceError, match="decorator 'sam' is unknown .did you mean 'same'.*decorators: fail, same"):
        registry.validate("sam+vendor")
    with pytest.raises(DeviceError, match="'vndor' is unknown .did you mean 'vendor'"):
        registry.validate("same+vndor")


def test_register_and_unregister() -> None:
    default.register(BackendSpec("passing", lambda: FakeBackend("passing")))
    try:
        assert default.backend("passing").name == "passing"
        assert "passing" in default.names()
    finally:
        default.unregister("passing")
    assert "passing" not in default.names()
    with pytest.raises(DeviceError, match="'passing' is unknown"):
        default.backend("passing")


def test_registering_a_taken_name_is_the_same_error_and_can_be_taken_back(site: Path, registry: Registry) -> None:
    install(site, "hotplug-vendor", "vendor_taken", plugin_source("vendor"))
    before = registry.backend("vendor")
    registry.register(BackendSpec("vendor", lambda: FakeBackend("vendor")))
    with pytest.raises(PluginError, match="of hotplug-vendor 0.3 and plugin 'vendor' of the running program"):
        registry.backend("vendor")
    registry.unregister("vendor")
    assert registry.backend("vendor") is not before
    assert registry.source("vendor") == "hotplug-vendor 0.3"


def test_a_spec_with_a_bad_name() -> None:
    for name in ("", "CPU", "a+b", "a:0", 3):
        with pytest.raises(ArgumentError, match="name must be a lower-case word"):
            BackendSpec(name, lambda: FakeBackend("x"))  # type: ignore[arg-type]
