"""Compiles kernels for GPUs that need not be there: ``python -m hotplug.backends.cuda.compile_check [--all]``.

NVRTC, from the package ``nvidia-cuda-nvrtc``, needs no driver.  A warning counts as an error.
"""

from __future__ import annotations

import argparse
import sys
import zlib
from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

ARCHITECTURES: Final = ("sm_80", "sm_90")
OPTIONS: Final = ("--fmad=false", "-std=c++17")


class Complaint(NamedTuple):
    """A source that does not compile cleanly."""

    op: str
    architecture: str
    log: str
    text: str


def compiler() -> Any:
    """CuPy's binding of NVRTC.

    Raises:
        ImportError: CuPy is not installed.
    """
    from cupy.cuda import nvrtc

    return nvrtc


def compiled(text: str, architecture: str) -> tuple[bytes, str]:
    """The machine code of a source, empty where it does not compile, and the compiler's log."""
    nvrtc = compiler()
    program = nvrtc.createProgram(text, "kernel.cu", (), ())
    try:
        nvrtc.compileProgram(program, (f"-arch={architecture}", *OPTIONS))
        code = nvrtc.getCUBIN(program)
    except nvrtc.NVRTCError as error:
        return b"", nvrtc.getProgramLog(program) or str(error)
    finally_log = nvrtc.getProgramLog(program)
    nvrtc.destroyProgram(program)
    return code, finally_log.strip("\0\n ")


def complaints(sources: dict[str, str], architectures: Iterable[str] = ARCHITECTURES) -> Iterator[Complaint]:
    """What the compiler says against sources, which are given with their ops."""
    for text, op in sources.items():
        for architecture in architectures:
            code, log = compiled(text, architecture)
            if not code or log:
                yield Complaint(op, architecture, log, text)


def main(arguments: list[str] | None = None) -> int:
    """Compile what a conformance run compiles; the exit status is 1 where something does not compile cleanly."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--all", action="store_true", help="every dtype and layout of every op, not a sample")
    parser.add_argument("--level", type=int, default=3, help="the highest level of the conformance suite")
    parser.add_argument("--op", default="", help="only this op or family")
    parser.add_argument("--share", type=int, default=1, metavar="N", help="one in N of the sources, by their checksums")
    parser.add_argument("--arch", action="append", help=f"default: {' '.join(ARCHITECTURES)}")
    given = parser.parse_args(arguments)
    from hotplug.backends.cuda.recorder import sources_of
    from hotplug.conformance.case import Options

    found = sources_of(Options(given.level, given.op, given.all))
    sources = {text: op for text, op in found.items() if zlib.crc32(text.encode()) % given.share == 0}
    count = 0
    for complaint in complaints(sources, given.arch or ARCHITECTURES):
        count += 1
        print(f"{complaint.op}, {complaint.architecture}: {complaint.log}")  # noqa: T201 - a command
    print(f"{len(sources)} of {len(found)} sources, {count} complaints")  # noqa: T201
    return int(count > 0 or not sources)


if __name__ == "__main__":
    sys.exit(main())
