"""The command ``hotplug run``: a program written for PyTorch, on any device."""

from __future__ import annotations

import runpy
import sys
from argparse import REMAINDER, ArgumentParser, Namespace
from pathlib import Path

from hotplug import device, set_default_device
from hotplug.compat.torch_name import install_as_torch
from hotplug.device import redirect
from hotplug.errors import ArgumentError


def configure(parser: ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.epilog = "Example: hotplug run --device opencl:0 train.py --epochs 3"
    parser.add_argument("--device", metavar="STRING", help='what "cuda" and the default device are to mean')
    parser.add_argument(
        "-m", dest="module", action="store_true", help="SCRIPT is the name of a module, as in python -m"
    )
    parser.add_argument("script", metavar="SCRIPT", help="a program that says `import torch`")
    parser.add_argument("arguments", nargs=REMAINDER, metavar="ARGUMENTS", help="those of the program")


def run(arguments: Namespace) -> int:
    """Run the program as Python would, with Hotplug under the name ``torch``.

    Raises:
        ArgumentError: there is no such file.
        DeviceError: there is no such device.
    """
    if not arguments.module and not Path(arguments.script).is_file():
        raise ArgumentError(f"there is no file {arguments.script}")
    if arguments.device is not None:
        _direct(arguments.device)
    install_as_torch()
    sys.argv = [arguments.script, *arguments.arguments]
    if arguments.module:
        sys.path.insert(0, "")
        runpy.run_module(arguments.script, run_name="__main__", alter_sys=True)
    else:
        sys.path.insert(0, str(Path(arguments.script).resolve().parent))
        runpy.run_path(arguments.script, run_name="__main__")
    return 0


def _direct(name: str) -> None:
    from hotplug.runtime import resolve_runtime

    target = device(name)
    resolve_runtime(target)  # says what is wrong with it before the program starts
    set_default_device(target)
    if target.type != "cuda":
        redirect("cuda", target)
    sys.stderr.write(f'hotplug run: torch is Hotplug; "cuda" and the default device mean {target}\n')
