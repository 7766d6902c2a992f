"""All cases of the suite, in order."""

from __future__ import annotations

from collections.abc import Iterator

from hotplug.conformance.case import Case, Options


def cases(options: Options) -> Iterator[Case]:
    """The cases that the options ask for; cheap: nothing runs yet."""
    for case in _all(options):
        if not options.op or options.op in (case.op, case.op.rpartition(".")[2]):
            yield case


def _all(options: Options) -> Iterator[Case]:
    from hotplug.conformance.levels import backward, behaviour, forward, kernels, memory, streams

    yield from memory.cases()
    if options.level >= 1:
        yield from kernels.cases(options)
    if options.level >= 2:
        yield from forward.cases(options)
    if options.level >= 3:
        yield from backward.cases(options)
        yield from streams.cases()
    if options.level >= 4:
        yield from behaviour.cases()
