"""Before the drivers are loaded: one that ends the process is left out, and cache folders that fail are done without."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from devices import needed
from opencl_drivers import driver, output

from hotplug.backends.opencl import startup
from hotplug.errors import DeviceError

SUM = """
import warnings
warnings.simplefilter("error", DeprecationWarning)
import hotplug as hp
x = hp.arange(5.0, device="opencl")
print((x * 2.5).sum().item(), x.device)
"""

ENDS = {
    "crashes": "static void __attribute__((constructor)) start(void) { *(volatile int *)0 = 1; }",
    "exits": "#include <stdlib.h>\nstatic void __attribute__((constructor)) start(void) { _Exit(3); }",
}


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """An environment with empty caches of its own."""
    needed("opencl:0")
    environment = {name: value for name, value in os.environ.items() if name not in ("POCL_CACHE_DIR", startup.VENDORS)}
    return environment | {"XDG_CACHE_HOME": str(tmp_path / "cache"), "HOTPLUG_CACHE_DIR": ""}


def broken_driver(folder: Path, text: str) -> Path:
    """A driver that ends the process which loads it, and the file that names it to the loader."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("g++")
    if compiler is None:
        if os.environ.get("HOTPLUG_REQUIRE_CUDA_EMULATOR") == "1":
            raise RuntimeError("no C compiler")
        pytest.skip("needs a C compiler, to make a driver that crashes")
    folder.mkdir()
    (folder / "broken.c").write_text(text)
    library = folder / "libbroken.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-x", "c", "-o", library, folder / "broken.c"], check=True)
    vendor = folder / "broken.icd"
    vendor.write_text(f"{library}\n")
    return vendor


@pytest.mark.parametrize("end", ENDS)
def test_a_driver_that_ends_the_process_is_left_out(end: str, home: dict[str, str], tmp_path: Path) -> None:
    vendor = broken_driver(tmp_path / "vendors", ENDS[end])
    home |= {startup.VENDORS: str(vendor.parent)}
    program = f"""
import warnings
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    {SUM.strip().replace(chr(10), chr(10) + "    ")}
print(*[each.message for each in caught if "OpenCL driver" in str(each.message)])
"""
    printed = output(program, home)
    assert printed.startswith("25.0 opencl:0\n"), printed
    assert f"the OpenCL driver of {vendor} ends the process (exit status " in printed
    assert "while it lists its devices: left out; repair or uninstall that driver" in printed


def test_without_any_other_driver_the_device_is_unavailable(
    home: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A driver that is no file of its own can't be left out."""
    monkeypatch.setattr(startup, "_end_of_look", lambda environment: "ends the process (exit status -11)")
    monkeypatch.setattr(startup, "drivers", list)
    monkeypatch.setenv("HOTPLUG_CACHE_DIR", str(tmp_path))
    with pytest.raises(
        DeviceError, match="an OpenCL driver ends the process .* uninstall it, or name the good ones in"
    ):
        startup.look()


def test_a_driver_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(startup, "_PATIENCE", 0.2)
    monkeypatch.setattr(startup, "_LOOK", "import time; time.sleep(60)")
    assert startup._end_of_look({}) == "hangs for more than 0.2 seconds"


def test_what_went_well_is_remembered_until_a_driver_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    needed("opencl:0")
    looks: list[dict[str, str]] = []
    monkeypatch.setattr(startup, "_end_of_look", lambda environment: looks.append(environment) or "")
    monkeypatch.setenv("HOTPLUG_CACHE_DIR", str(tmp_path / "cache"))
    vendors = tmp_path / "vendors"
    vendors.mkdir()
    (vendors / "a.icd").write_text("liba.so\n")
    monkeypatch.setenv(startup.VENDORS, str(vendors))
    for _ in range(3):
        assert startup.look() == ""
    assert len(looks) == 1
    (vendors / "b.icd").write_text("libb.so\n")
    startup.look()
    assert len(looks) == 2
    os.utime(vendors / "b.icd", (1, 1))
    startup.look()
    assert len(looks) == 3


@pytest.mark.parametrize("name", ["pocl", "intel"])
def test_a_cache_folder_that_cannot_be_used(name: str, home: dict[str, str], tmp_path: Path) -> None:
    """No folder at all: a file lies where it would be."""
    (tmp_path / "file").write_text("")
    more = driver(name, tmp_path)
    home |= {key: more[key] for key in (startup.VENDORS,) if key in more}
    assert output(SUM, home | {"XDG_CACHE_HOME": str(tmp_path / "file")}) == "25.0 opencl:0"


def test_a_cache_that_is_damaged(home: dict[str, str], tmp_path: Path) -> None:
    """Intel's driver keeps no binaries itself, so pyopencl does; PoCL keeps its own."""
    more = driver("intel", tmp_path)
    home |= {startup.VENDORS: more[startup.VENDORS]}
    assert output(SUM, home) == "25.0 opencl:0"
    files = [each for each in (tmp_path / "cache").rglob("*") if each.is_file()]
    assert any(each.name == "binary" for each in files), "programs are kept"
    for each in files:
        each.write_bytes(b"damaged")
    assert output(SUM, home) == "25.0 opencl:0"


def test_the_lock_of_a_process_that_was_killed(tmp_path: Path) -> None:
    folder = tmp_path / "pyopencl-compiler-cache"
    folder.mkdir()
    (folder / "lock").write_text("")
    startup.unlock(tmp_path)
    assert (folder / "lock").exists(), "somebody may hold it"
    os.utime(folder / "lock", (time.time() - 100,) * 2)
    startup.unlock(tmp_path)
    assert not (folder / "lock").exists()
