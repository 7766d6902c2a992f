"""Convolution of small images: the same place of several images in one panel, so that taps outside cost nothing.

Stages of ``convolution.convolve``, whose words they share; but ``chunk`` is the number of places in the kernel, ``taps``
that times the channels, and ``addresses_at`` the address of the distances of each place in the kernel along three axes.
"""

from __future__ import annotations

from hotplug.backends.cpu.compiled.panel_names import (
    ITEM,
    LANES,
    NATIVE,
    PLACES,
    REAL,
    VECTORS,
    move,
    panel,
    store_index,
    turn,
)  # fmt: skip
from hotplug.backends.cpu.compiled.prelude import Real, intp, load1, load_index, load_real, store, store_real, word


def gather(table: intp, box: intp, unused: intp, thread: intp) -> None:
    """Copy the images of a box to scratch memory, ``(channels, places, images)``, and note where each number is."""
    channels, many = word(table, 8), word(table, 12)
    volume = word(table, 9) * word(table, 10) * word(table, 11)
    scratch, places = word(box, 10), word(box, 10) + word(table, 42)
    for c in range(channels):
        for n in range(many):
            at = c * word(table, 29) + n
            if n < word(box, 2):
                first = (((word(box, 1) + n) * word(table, 39) + word(box, 0)) * channels + c) * volume
                for p in range(volume):
                    store_real(scratch, at + p * many, load1(word(table, 1), first + p))
            else:
                for p in range(volume):
                    store_real(scratch, at + p * many, Real(0))
    for i in range(volume * many + 16):
        store_index(places, i, scratch + REAL * min(i, volume * many - 1))


def multiply(table: intp, box: intp, block: intp, thread: intp) -> None:
    """The sums of a box for one block of channels."""
    sums, places = word(box, 10) + word(table, 41), word(box, 10) + word(table, 42)
    size, many = REAL * VECTORS * LANES, word(table, 12)
    number = word(box, 0) * word(table, 31) + block
    windows = word(table, 16) * word(table, 17) * word(table, 18)
    for p in range(windows * many):
        move(word(table, 3) + number * size, sums + p * size, VECTORS * LANES)
    for t in range(word(table, 33)):
        weights = word(table, 2) + (number * word(table, 32) + t * word(table, 8)) * size
        for d in range(word(table, 16)):
            z = d * word(table, 19) + load_index(word(table, 43), 3 * t)
            for h in range(word(table, 17)):
                y = h * word(table, 20) + load_index(word(table, 43), 3 * t + 1)
                if z < 0 or z >= word(table, 9) or y < 0 or y >= word(table, 10):
                    continue
                for w in range(word(table, 18)):
                    x = w * word(table, 21) + load_index(word(table, 43), 3 * t + 2)
                    if x < 0 or x >= word(table, 11):
                        continue
                    at = ((z * word(table, 10) + y) * word(table, 11) + x) * many
                    to = sums + ((d * word(table, 17) + h) * word(table, 18) + w) * many * size
                    for n in range(0, many, PLACES):
                        row = to + n * size
                        panel(weights, places + 8 * (at + n), word(table, 4), row, word(table, 8), row, size, size)


def scatter(table: intp, box: intp, block: intp, thread: intp) -> None:
    """The sums of a box to their places in the output."""
    out, sums, wide, plane = word(table, 0), word(box, 10) + word(table, 41), word(table, 50), word(table, 34)
    many, q_h, q_w = word(table, 12), word(table, 17), word(table, 18)
    windows = word(table, 16) * q_h * q_w
    channels = min(wide, word(table, 30) - block * wide)
    dense = word(table, 37) == 1 and word(table, 36) == q_w and word(table, 35) == q_w * q_h
    squares = channels // LANES * LANES if NATIVE and dense else 0
    fast = windows // LANES * LANES if squares else 0
    for n in range(word(box, 2)):
        channel = ((word(box, 1) + n) * word(table, 39) + word(box, 0)) * word(table, 30) + block * wide
        first = channel * plane + word(table, 38)
        for c in range(0, squares, LANES):
            for p in range(0, fast, LANES):
                to = out + ITEM * (first + c * plane + p)
                turn(sums + REAL * ((p * many + n) * wide + c), REAL * wide * many, to, REAL * plane)
        for p in range(windows):
            row = p // q_w
            to = first + row // q_h * word(table, 35) + row % q_h * word(table, 36) + p % q_w * word(table, 37)
            for c in range(squares if p < fast else 0, channels):
                store(out, to + c * plane, load_real(sums, (p * many + n) * wide + c))
