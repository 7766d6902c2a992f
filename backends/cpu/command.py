"""The command ``hotplug cache``: where compiled kernels lie on disk, and how to get rid of them."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from hotplug.backends.cpu.compiled import cache


def configure(parser: ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("action", choices=("show", "clear"), nargs="?", default="show")
    parser.epilog = (
        "Kernels of the device cpu are compiled once and kept on disk.  HOTPLUG_CACHE_DIR names another folder; above "
        f"{cache.LIMIT // 2**20} MiB the oldest go by themselves."
    )


def run(arguments: Namespace) -> int:
    """Show the folder, its files and their size, or clear it."""
    if arguments.action == "clear":
        print(f"freed {cache.clear() / 2**20:.1f} MiB")
        return 0
    files, size = cache.usage()
    print(f"folder  {cache.root() / 'cpu'}")
    print(f"files   {files}")
    print(f"size    {size / 2**20:.1f} MiB of at most {cache.LIMIT // 2**20} MiB")
    return 0
