"""The command ``hotplug``.

Each sub-command is a module with two functions, ``configure(parser)``, which declares its arguments, and
``run(arguments)``, which returns the exit status.  Only the module of the sub-command that is called gets imported.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from typing import Final, NamedTuple

from hotplug.errors import HotplugError


class Command(NamedTuple):
    """A sub-command: where it is, and its line in ``hotplug --help``."""

    module: str
    help: str


COMMANDS: Final = {
    "cache": Command("hotplug.backends.cpu.command", "show or clear the compiled kernels that are kept on disk"),
    "bisect": Command(
        "hotplug.backends.decorators.bisect", "run a program on two devices, and name the first op that differs"
    ),
    "conformance": Command("hotplug.conformance.command", "certify a device: run the conformance suite on it"),
    "devices": Command("hotplug.plugins.command", "list the devices, and why others are unavailable"),
    "new-backend": Command("hotplug.plugins.new_backend", "write a plugin package for a new kind of device"),
    "run": Command("hotplug.compat.command", "run a program written for PyTorch, unchanged, on any device"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line ``arguments``, those of the process by default; return the exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    called = given[0] if given and given[0] in COMMANDS else None
    parser = _parser(called)
    if called is None:
        if not given:
            parser.print_help()
            return 2
        parser.parse_args(given)  # --help, --version or an unknown command: prints and exits
        return 2
    parsed = parser.parse_args(given)
    try:
        return int(importlib.import_module(COMMANDS[called].module).run(parsed))
    except HotplugError as error:
        print(f"hotplug {called}: {error}", file=sys.stderr)
        return 1


def _parser(called: str | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("hotplug", description="Tensors and neural networks whose devices are plugins.")
    parser.add_argument("--version", action=_Version, nargs=0, help="show the version and exit")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name, command in COMMANDS.items():
        child = commands.add_parser(name, help=command.help, description=_sentence(command.help))
        if name == called:
            importlib.import_module(command.module).configure(child)
    return parser


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


class _Version(argparse.Action):
    """``--version``: the distribution's metadata are read only when somebody asks."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib.metadata import version

        print(f"hotplug {version('hotplug')}")
        parser.exit()


if __name__ == "__main__":
    sys.exit(main())
