"""The command ``hotplug``."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from fake_backend import install, plugin_source

from hotplug import cli
from hotplug.backend import Capabilities, dtypes
from hotplug.plugins.command import lines, memory_text
from hotplug.plugins.report import DeviceRow, dtype_summary


def hotplug(*arguments: str, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command in a process that also finds the plugins installed in ``path``."""
    folders = [str(Path(__file__).parent.parent), *([str(path)] if path else [])]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(folders), "PYTHONWARNINGS": "error"}
    command = [sys.executable, "-m", "hotplug.cli", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_devices_shows_sound_and_broken_plugins(tmp_path: Path) -> None:
    install(tmp_path, "hotplug-vendor", "vendor_cli", plugin_source("vendor", "count=2"))
    install(tmp_path, "hotplug-old", "old_cli", plugin_source("old", "contract=((0, 1), (0, 1))"), entry="old")
    install(tmp_path, "hotplug-broken", "broken_cli", "raise OSError('half installed')", entry="broken")
    install(tmp_path, "hotplug-dead", "dead_cli", plugin_source("dead", "trouble=OSError('no driver')"), entry="dead")
    ended = hotplug("devices", path=tmp_path)
    assert ended.returncode == 0, ended.stderr
    table, _, missing = ended.stdout.partition("Unavailable:")
    assert table.splitlines()[0].split() == ["DEVICE", "HARDWARE", "MEMORY", "DTYPES", "FROM", "CERTIFIED"]
    assert ["vendor:1", "Fake", "1"] in [line.split()[:3] for line in table.splitlines()]
    assert "3.0 GiB" in table
    assert "hotplug-vendor 0.3" in table
    assert "old (hotplug-old 0.3): PluginError: device 'old': plugin 'old' of hotplug-old 0.3 speaks" in missing
    assert "broken (hotplug-broken 0.3): plugin failed to load: OSError('half installed')" in missing
    assert "dead (hotplug-dead 0.3): OSError: no driver\n      install the driver of dead" in missing


def test_devices_lists_the_processor() -> None:
    ended = hotplug("devices")
    assert ended.returncode == 0, ended.stderr
    table = ended.stdout.partition("Unavailable:")[0]
    assert {"cpu", "numpy"} <= {line.split()[0] for line in table.splitlines() if line}


@pytest.mark.parametrize(
    ("arguments", "status", "stream", "text"),
    [
        ((), 2, "stdout", "list the devices"),
        (("--help",), 0, "stdout", "list the devices"),
        (("devices", "--help"), 0, "stdout", "HOTPLUG_DEVICE"),
        (("--version",), 0, "stdout", "hotplug 0."),
        (("devics",), 2, "stderr", "invalid choice: 'devics'"),
        (("devices", "--frob"), 2, "stderr", "--frob"),
    ],
)
def test_usage(arguments: tuple[str, ...], status: int, stream: str, text: str) -> None:
    ended = hotplug(*arguments)
    assert ended.returncode == status
    assert text in getattr(ended, stream)


def test_an_error_of_hotplug_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from hotplug.errors import DeviceError
    from hotplug.plugins import command

    def fail(_: object) -> int:
        raise DeviceError("device 'vendor' is unavailable")

    monkeypatch.setattr(command, "run", fail)
    assert cli.main(["devices"]) == 1
    assert capsys.readouterr().err == "hotplug devices: device 'vendor' is unavailable\n"


def test_help_imports_no_command() -> None:
    program = "import sys; from hotplug import cli; cli.main([]); sys.exit('hotplug.plugins.command' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, check=False).returncode == 0


def test_lines() -> None:
    rows = [
        DeviceRow("cpu", "A processor", 1 << 30, "all", "hotplug 1", "level 4, 2026-01-31"),
        DeviceRow("gpu", problem="two\nlines", hint="do this"),
    ]
    assert list(lines(rows, ["profile"])) == [
        "DEVICE  HARDWARE     MEMORY   DTYPES  FROM       CERTIFIED",
        "cpu     A processor  1.0 GiB  all     hotplug 1  level 4, 2026-01-31",
        "",
        "Decorators: profile; put before a device, as in 'profile+cpu'.",
        "",
        "Unavailable:",
        "  gpu: two lines",
        "      do this",
    ]


@pytest.mark.parametrize(
    ("count", "text"), [(0, ""), (-1, ""), (1, "1 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (3 << 29, "1.5 GiB")]
)
def test_memory_text(count: int, text: str) -> None:
    assert memory_text(count) == text


def test_dtype_summary() -> None:
    every = frozenset(dtypes.ALL)
    assert dtype_summary(Capabilities()) == "all"
    assert dtype_summary(Capabilities(arithmetic=every - {dtypes.float64})) == "all but float64"
    assert dtype_summary(Capabilities(arithmetic=frozenset({dtypes.float32, dtypes.int32}))) == "int32, float32"
    assert dtype_summary(Capabilities(arithmetic=frozenset())) == "none"
