"""Convolution to few channels, depthwise above all: neighbouring places side by side in vectors.

The input's rows lie one behind the other in scratch memory, apart by phases of the stride, so that the places of a plane
are one long row and every tap reads it from another start.  The few sums at the seams of rows are dropped.
"""

from __future__ import annotations

from hotplug.backends.cpu.compiled.panel_names import (
    CHANNELS,
    DOTS,
    ITEM,
    LANES,
    NATIVE,
    REAL,
    WIDTH,
    band,
    dots,
    move,
)  # fmt: skip
from hotplug.backends.cpu.compiled.prelude import Real, inline, intp, load1, load3, load_real, store, store_real, word

WORDS = (
    "out input weights begins offsets scratch scratch_bytes N C D H W bh QD QH QW sd sh sw ld lh lw PH PW slab "
    "channel_step ED K blocks taps plane od oh ow origin groups row sums_at unused slices room end"
)


@inline
def _gather(table: intp, n: intp, group: intp, h0: intp, scratch: intp) -> None:
    """The input of a band of rows, its phases apart."""
    source, channels, size_w = word(table, 1), word(table, 8), word(table, 11)
    sh, sw, high, wide = word(table, 17), word(table, 18), word(table, 22), word(table, 23)
    z0, y0, x0 = word(table, 19), h0 * sh + word(table, 20), word(table, 21)
    for phase in range(sh * sw):
        dy, dx = y0 + phase // sw, x0 + phase % sw
        begin = min(wide, max(intp(0), (sw - 1 - dx) // sw))
        end = max(begin, min(wide, (size_w - dx + sw - 1) // sw))
        for c in range(channels):
            plane = ((n * word(table, 35) + group) * channels + c) * word(table, 9) + z0
            for z in range(word(table, 26)):
                to = c * word(table, 25) + z * word(table, 24) + phase * high * wide
                deep = 0 <= z0 + z < word(table, 9)
                for row in range(high):
                    y = dy + row * sh
                    at, low, top = to + row * wide, wide, wide
                    if deep and 0 <= y < word(table, 10):
                        low, top = begin, end
                    first = ((plane + z) * word(table, 10) + y) * size_w + dx
                    for i in range(low):
                        store_real(scratch, at + i, Real(0))
                    if NATIVE and sw == 1:
                        move(source + ITEM * (first + low), scratch + REAL * (at + low), top - low)
                    else:
                        for i in range(low, top):
                            store_real(scratch, at + i, load1(source, first + i * sw))
                    for i in range(top, wide):
                        store_real(scratch, at + i, Real(0))
    for i in range(word(table, 40)):
        store_real(scratch, word(table, 41) + i, Real(0))


def slide(table: intp, start: intp, stop: intp, thread: intp) -> None:
    """Bands of rows of one image and one group."""
    scratch = word(table, 5) + thread * word(table, 6)
    sums, row, wide = scratch + word(table, 37), word(table, 36), word(table, 23)
    q_h, q_w, bh, sw = word(table, 14), word(table, 15), word(table, 12), word(table, 33)
    bands, images, blocks, taps = (q_h + bh - 1) // bh, word(table, 7), word(table, 28), word(table, 29)
    for item in range(start, stop):
        h0, n, group = item % bands * bh, item // bands % images, item // bands // images
        hh = min(bh, q_h - h0)
        _gather(table, n, group, h0, scratch)
        length = (hh - 1) * wide + q_w
        for each in range(word(table, 13) * blocks):
            d, number = each // blocks, group * blocks + each % blocks
            base = scratch + REAL * d * word(table, 16) * word(table, 24)
            for p in range(0, length, WIDTH * LANES):
                band(
                    word(table, 2) + REAL * number * taps * CHANNELS, base + REAL * p, word(table, 4), sums + REAL * p, taps,
                    word(table, 3) + REAL * number * CHANNELS, REAL * row,
                )  # fmt: skip
            first = each % blocks * CHANNELS
            for c in range(min(CHANNELS, word(table, 27) - first)):
                channel = (n * word(table, 35) + group) * word(table, 27) + first + c
                at = channel * word(table, 30) + word(table, 34) + d * word(table, 31) + h0 * word(table, 32)
                for h in range(hh):
                    to, begin = at + h * word(table, 32), c * row + h * wide
                    if NATIVE and sw == 1:
                        move(sums + REAL * begin, word(table, 0) + ITEM * to, q_w)
                    else:
                        for w in range(q_w):
                            store(word(table, 0), to + w * sw, load_real(sums, begin + w))


@inline
def _delta(table: intp, channel: intp, d: intp, h0: intp, hh: intp, target: intp, length: intp) -> None:
    """The output's gradient of a band of rows, zeros at the seams."""
    wide, q_w = word(table, 23), word(table, 15)
    first = channel * word(table, 30) + d * word(table, 31) + h0 * word(table, 32)
    for h in range(hh):
        if NATIVE:
            move(word(table, 2) + ITEM * (first + h * word(table, 32)), target + REAL * h * wide, q_w)
        else:
            for w in range(q_w):
                store_real(target, h * wide + w, load3(word(table, 2), first + h * word(table, 32) + w))
        for w in range(h * wide + q_w, min(length, (h + 1) * wide)):
            store_real(target, w, Real(0))


def dots_back(table: intp, start: intp, stop: intp, thread: intp) -> None:
    """Partial weight gradients ``(slices, groups, filters, taps)``, one work item for each slice of the images of a group."""
    scratch = word(table, 5) + thread * word(table, 6)
    rows, totals = scratch + word(table, 37), scratch + word(table, 28)
    q_h, q_w, bh, slices = word(table, 14), word(table, 15), word(table, 12), word(table, 39)
    filters, taps, images = word(table, 27), word(table, 29), word(table, 7)
    over = (taps + DOTS - 1) // DOTS * DOTS
    for item in range(start, stop):
        piece, group = item % slices, item // slices
        for i in range(filters * over * LANES):
            store_real(totals, i, Real(0))
        for n in range(images * piece // slices, images * (piece + 1) // slices):
            for h0 in range(0, q_h, bh):
                hh = min(bh, q_h - h0)
                _gather(table, n, group, h0, scratch)
                count = ((hh - 1) * word(table, 23) + q_w + LANES - 1) // LANES
                for each in range(word(table, 13) * filters):
                    d, k = each // filters, each % filters
                    _delta(table, (n * word(table, 35) + group) * filters + k, d, h0, hh, rows, count * LANES)
                    for i in range((hh - 1) * word(table, 23) + q_w, count * LANES):
                        store_real(rows, i, Real(0))
                    base = scratch + REAL * d * word(table, 16) * word(table, 24)
                    for t in range(0, over, DOTS):
                        dots(rows, base, word(table, 4) + 8 * t, totals + REAL * (k * over + t) * LANES, count)
        for each in range(filters * taps):
            k, t = each // taps, each % taps
            total = Real(0)
            for lane in range(LANES):
                total += load_real(totals, (k * over + t) * LANES + lane)
            store_real(word(table, 0), ((piece * word(table, 35) + group) * filters + k) * taps + t, total)
