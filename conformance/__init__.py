"""The conformance suite: what a device must pass before anybody may say that it is supported.

``hotplug conformance DEVICE`` and ``pytest -p hotplug.conformance.pytest_plugin --pyargs hotplug.conformance`` run the
same cases, which are generated from the op table:

=====  ================================================================================================================
level  what runs
=====  ================================================================================================================
0      memory: allocate, write, read, copy, offsets, 0 bytes, many buffers, the order of queued work
1      the seven kernel families, directly, against plain NumPy: dtypes, ranks, layouts, guards, special values
2      every declared op forward, over dtypes and layouts, against ``numpy`` in float64 and against golden values
3      gradients against the analytic ones of ``numpy`` in float64; random streams bit for bit
4      behaviour: faults, Ctrl-C, threads, several devices, processes, determinism, growth, whole training runs
=====  ================================================================================================================
"""

from hotplug.conformance.case import Case, CaseFailedError, Options, Result, Unsupported
from hotplug.conformance.draw import DEVICE, DTYPE, Draw, Operand, Sample
from hotplug.conformance.samples import samples
from hotplug.conformance.suite import cases

__all__ = [
    "DEVICE",
    "DTYPE",
    "Case",
    "CaseFailedError",
    "Draw",
    "Operand",
    "Options",
    "Result",
    "Sample",
    "Unsupported",
    "cases",
    "samples",
]  # fmt: skip
