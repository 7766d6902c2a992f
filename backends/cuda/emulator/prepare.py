"""Compiles what a conformance run will need, many sources at once: ``python -m hotplug.backends.cuda.emulator.prepare``.

Compiled one by one, as they are met, small sources cost mostly the start of the compiler.
"""

from __future__ import annotations

import argparse
import sys

from hotplug.backends.cuda.emulator.compiler import Compiler
from hotplug.backends.cuda.recorder import sources_of
from hotplug.conformance.case import Options


def main(arguments: list[str] | None = None) -> int:
    """Fill the emulator's cache for the cases of the conformance suite."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--level", type=int, default=3, help="the highest level")
    parser.add_argument("--op", default="", help="only this op or family")
    parser.add_argument("--full", action="store_true", help="every dtype and layout for every op")
    given = parser.parse_args(arguments)
    sources = sources_of(Options(given.level, given.op, given.full))
    count = Compiler().prepare(sources)
    print(f"{len(sources)} sources, {count} compiled")  # noqa: T201 - a command
    return 0


if __name__ == "__main__":
    sys.exit(main())
