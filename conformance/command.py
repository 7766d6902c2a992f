"""The command ``hotplug conformance DEVICE``."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from tqdm import tqdm

from hotplug.conformance.case import LEVELS, Options
from hotplug.conformance.report import lines, make, write
from hotplug.conformance.report.performance import performance
from hotplug.conformance.report.record import checked_format
from hotplug.conformance.runner import run as run_all
from hotplug.conformance.suite import cases
from hotplug.device import device
from hotplug.errors import ArgumentError
from hotplug.runtime import resolve_runtime


def configure(parser: ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("device", help="what to test, e.g. cpu or opencl:0")
    parser.add_argument("--level", type=int, choices=LEVELS, default=max(LEVELS), help="the highest level to run")
    parser.add_argument("--op", default="", metavar="NAME", help="only this op, or this kernel family")
    parser.add_argument("--full", action="store_true", help="every dtype and layout for every op")
    parser.add_argument(
        "--report", action="append", default=[], metavar="FILE", help="write a .html, .json or .md report; repeatable"
    )
    parser.add_argument("-n", "--workers", type=int, default=1, help="processes to spread the cases over")
    parser.add_argument("--seed", type=int, default=0, help="of the inputs")
    parser.epilog = "The exit status is 1 where a case fails.  Golden values are compared for seed 0 only."


def run(arguments: Namespace) -> int:
    """Run the suite and print the table."""
    for path in arguments.report:
        checked_format(path)  # before anything runs
    wanted = Options(arguments.level, arguments.op, arguments.full, arguments.seed, observe=bool(arguments.report))
    arguments.device = str(device(arguments.device))  # "opencl:gpu" stands for an index
    resolve_runtime(arguments.device)  # a wrong name is reported before anything runs
    options = wanted.on(arguments.device)
    count = sum(1 for _ in cases(options))
    if not count:
        raise ArgumentError(f"no case for op {arguments.op!r}; expected a name of the op table, e.g. add or conv2d")
    results = []
    with tqdm(total=count, unit="case", desc=arguments.device, leave=False, disable=None) as bar:
        for result in run_all(arguments.device, options, arguments.workers):
            results.append(result)
            bar.update()
    if arguments.report:
        record = make(arguments.device, options, results, performance(arguments.device))
        for path in arguments.report:
            write(record, path)
    for line in lines(arguments.device, results):
        print(line)
    return int(any(each.bad for each in results))
