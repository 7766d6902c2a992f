"""Half types to float32 and back.  Words of the table: out, input.  Work items: elements."""

from __future__ import annotations

from hotplug.backends.cpu.compiled.prelude import intp, load, load_real, store, store_real, word


def widen(table: intp, start: intp, stop: intp, thread: intp) -> None:
    """To float32."""
    out, source = word(table, 0), word(table, 1)
    for i in range(start, stop):
        store_real(out, i, load(source, i))


def narrow(table: intp, start: intp, stop: intp, thread: intp) -> None:
    """From float32, rounded to nearest."""
    out, source = word(table, 0), word(table, 1)
    for i in range(start, stop):
        store(out, i, load_real(source, i))
