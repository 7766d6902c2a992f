"""Convolution in panels: every output channel of a few places at a time.  Words of the table: see ``WORDS``.

A work item is a box of output places (some images, or a part of one) of one group.  Its part of the input is copied,
with zeros around it, to scratch memory, where one table of byte offsets leads from any place to all its taps.
"""

from __future__ import annotations

from hotplug.backends.cpu.compiled.panel_names import (
    ITEM,
    LANES,
    NATIVE,
    PLACES,
    REAL,
    VECTORS,
    panel,
    store_index,
    turn,
)
from hotplug.backends.cpu.compiled.prelude import (
    Real,
    inline,
    intp,
    load1,
    load2,
    load3,
    load_index,
    load_real,
    store,
    store_real,
    word,
)

WORDS = (
    "out input weights begins offsets scratch scratch_bytes N C D H W bn bd bh bw QD QH QW sd sh sw ld lh lw ED EH EW "
    "image_step channel_step K blocks taps chunk plane od oh ow origin groups parts sums_at places_at"
)


@inline
def _fill(target: intp, begin: intp, count: intp) -> None:
    for i in range(count):
        store_real(target, begin + i, Real(0))


@inline
def _row(source: intp, first: intp, size: intp, begin: intp, target: intp, at: intp, count: intp) -> None:
    """``count`` numbers of a row from position ``begin``, zeros where there are none."""
    left = min(count, max(intp(0), -begin))
    right = max(left, min(count, size - begin))
    for i in range(left):
        store_real(target, at + i, Real(0))
    for i in range(left, right):
        store_real(target, at + i, load1(source, first + begin + i))
    for i in range(right, count):
        store_real(target, at + i, Real(0))


@inline
def gather_box(table: intp, n0: intp, nn: intp, c0: intp, d0: intp, h0: intp, w0: intp, scratch: intp) -> None:
    """Copy the input of a box to scratch memory."""
    source, channels, size_d, size_h, size_w = (
        word(table, 1),
        word(table, 8),
        word(table, 9),
        word(table, 10),
        word(table, 11),
    )
    many = word(table, 39) * channels
    deep, high, wide = word(table, 25), word(table, 26), word(table, 27)
    z0, y0, x0 = (
        d0 * word(table, 19) + word(table, 22),
        h0 * word(table, 20) + word(table, 23),
        w0 * word(table, 21) + word(table, 24),
    )
    for n in range(nn):
        for c in range(channels):
            to = n * word(table, 28) + c * word(table, 29)
            at = ((n0 + n) * many + c0 + c) * size_d
            for z in range(deep):
                for y in range(high):
                    inside = 0 <= z0 + z < size_d and 0 <= y0 + y < size_h
                    place = to + (z * high + y) * wide
                    if inside:
                        first = ((at + z0 + z) * size_h + y0 + y) * size_w
                        _row(source, first, size_w, x0, scratch, place, wide)
                    else:
                        _fill(scratch, place, wide)


@inline
def places_of(table: intp, nn: intp, dd: intp, hh: intp, ww: intp, scratch: intp, places: intp) -> intp:
    """The address of every place of a box; returns how many there are."""
    high, wide = word(table, 26), word(table, 27)
    count = intp(0)
    for n in range(nn):
        for d in range(dd):
            for h in range(hh):
                base = n * word(table, 28) + (d * word(table, 19) * high + h * word(table, 20)) * wide
                for w in range(ww):
                    store_index(places, count, scratch + REAL * (base + w * word(table, 21)))
                    count += 1
    for i in range(PLACES):  # the last panel may hang over
        store_index(places, count + i, load_index(places, count - 1))
    return count


@inline
def _run(out: intp, first: intp, plane: intp, step: intp, sums: intp, begin: intp, count: intp, channels: intp) -> None:
    """Sums ``(count, VECTORS * LANES)`` to ``channels`` rows of the output, ``step`` apart in a row."""
    wide = VECTORS * LANES
    fast = intp(0)
    if NATIVE and step == 1:
        fast = count // LANES * LANES
        for c in range(0, channels // LANES * LANES, LANES):
            for p in range(0, fast, LANES):
                turn(
                    sums + REAL * ((begin + p) * wide + c),
                    REAL * wide,
                    out + REAL * (first + c * plane + p),
                    REAL * plane,
                )
        for c in range(channels // LANES * LANES, channels):
            for p in range(fast):
                store(out, first + c * plane + p, load_real(sums, (begin + p) * wide + c))
    for c in range(channels):
        for p in range(fast, count):
            store(out, first + c * plane + p * step, load_real(sums, (begin + p) * wide + c))


@inline
def _scatter_box(
    table: intp, out: intp, nn: intp, dd: intp, hh: intp, ww: intp, image: intp, sums: intp, channels: intp
) -> None:
    """The sums of a box to their places in the output; rows that continue each other are one run."""
    plane, od, oh, ow = word(table, 34), word(table, 35), word(table, 36), word(table, 37)
    run, rows, slabs = ww, hh, dd
    if ww * ow == oh:
        run, rows = ww * hh, intp(1)
        if run * ow == od:
            run, slabs = run * dd, intp(1)
    at = intp(0)
    for n in range(nn):
        for d in range(slabs):
            for h in range(rows):
                _run(out, n * image + d * od + h * oh, plane, ow, sums, at, run, channels)
                at += run


@inline
def _box(table: intp, item: intp, thread: intp) -> None:
    bn, bd, bh, bw = word(table, 12), word(table, 13), word(table, 14), word(table, 15)
    n_all, q_d, q_h, q_w = word(table, 7), word(table, 16), word(table, 17), word(table, 18)
    w_parts, h_parts, d_parts = (q_w + bw - 1) // bw, (q_h + bh - 1) // bh, (q_d + bd - 1) // bd
    n_parts, parts = (n_all + bn - 1) // bn, word(table, 40)
    w0, item = item % w_parts * bw, item // w_parts
    h0, item = item % h_parts * bh, item // h_parts
    d0, item = item % d_parts * bd, item // d_parts
    n0, item = item % n_parts * bn, item // n_parts
    part, group = item % parts, item // parts
    nn, dd, hh, ww = min(bn, n_all - n0), min(bd, q_d - d0), min(bh, q_h - h0), min(bw, q_w - w0)
    scratch = word(table, 5) + thread * word(table, 6)
    sums, places = scratch + word(table, 41), scratch + word(table, 42)
    gather_box(table, n0, nn, group * word(table, 8), d0, h0, w0, scratch)
    count = places_of(table, nn, dd, hh, ww, scratch, places)
    channels, blocks, taps, chunk = word(table, 30), word(table, 31), word(table, 32), word(table, 33)
    wide = VECTORS * LANES
    image = word(table, 39) * channels * word(table, 34)
    for block in range(blocks * part // parts, blocks * (part + 1) // parts):
        number = group * blocks + block
        weights, begins = word(table, 2) + REAL * number * taps * wide, word(table, 3) + REAL * number * wide
        for k in range(0, taps, chunk):
            steps = min(chunk, taps - k)
            for p in range(0, count, PLACES):
                to = sums + REAL * p * wide
                panel(
                    weights + REAL * k * wide, places + 8 * p, word(table, 4) + 8 * k, to, steps,
                    begins if k == 0 else to, 0 if k == 0 else REAL * wide, REAL * wide,
                )  # fmt: skip
        first = group * channels + block * wide
        origin = word(table, 38) + d0 * word(table, 35) + h0 * word(table, 36) + w0 * word(table, 37)
        begin = n0 * image + first * word(table, 34) + origin
        address = word(table, 0) + ITEM * begin
        _scatter_box(table, address, nn, dd, hh, ww, image, sums, min(wide, channels - block * wide))


def convolve(table: intp, start: intp, stop: intp, thread: intp) -> None:
    """Boxes of output places."""
    for item in range(start, stop):
        _box(table, item, thread)


def pack(table: intp, start: intp, stop: intp, thread: intp) -> None:
    """Weights in the order of the panels, ``(groups, blocks, taps, lanes)``, zeros in lanes beyond the channels.

    Words: out, weights, element offsets of the taps, taps, blocks, channels a group, their step, step of groups, a
    flag that is set where a weight isn't finite, lanes a block.  Work items: blocks of all groups by 64 taps.
    """
    out, weights, offsets, taps, blocks = word(table, 0), word(table, 1), word(table, 2), word(table, 3), word(table, 4)
    channels, step, wide = word(table, 5), word(table, 6), word(table, 9)
    parts = (taps + 63) // 64
    for item in range(start, stop):
        k0, number = item % parts * 64, item // parts
        group, first = number // blocks, number % blocks * wide
        odd = False
        for lane in range(wide):
            base = group * word(table, 7) + (first + lane) * step
            for k in range(k0, min(taps, k0 + 64)):
                value = Real(0)
                if first + lane < channels:
                    value = load2(weights, base + load_index(offsets, k))
                    odd = odd or value - value != 0  # infinity, or NaN, which is different from 0
                store_real(out, (number * taps + k) * wide + lane, value)
        if odd:
            store_index(word(table, 8), 0, 1)


# --- the gradient for the weight: places and taps exchange their roles ----------------------------------------------------


@inline
def _turned_run(source: intp, first: intp, plane: intp, rows: intp, begin: intp, count: intp, channels: intp) -> None:
    """``channels`` rows of ``count`` places to ``(count, VECTORS * LANES)``, zeros in lanes beyond them."""
    wide, fast = VECTORS * LANES, intp(0)
    if NATIVE:
        fast = count // LANES * LANES
        for c in range(0, channels // LANES * LANES, LANES):
            for p in range(0, fast, LANES):
                turn(
                    source + REAL * (first + c * plane + p),
                    REAL * plane,
                    rows + REAL * ((begin + p) * wide + c),
                    REAL * wide,
                )
        for c in range(channels // LANES * LANES, channels):
            for p in range(fast):
                store_real(rows, (begin + p) * wide + c, load3(source, first + c * plane + p))
    for p in range(fast, count):
        for c in range(channels):
            store_real(rows, (begin + p) * wide + c, load3(source, first + c * plane + p))
    if channels < wide:
        for p in range(count):
            for c in range(channels, wide):
                store_real(rows, (begin + p) * wide + c, Real(0))


@inline
def _turned_box(
    table: intp, first: intp, image: intp, nn: intp, dd: intp, hh: intp, ww: intp, rows: intp, channels: intp
) -> None:
    """The output's gradient of a box and one block of channels, places in front."""
    plane, od, oh = word(table, 34), word(table, 35), word(table, 36)
    run, lines, slabs = ww, hh, dd
    if ww == oh:
        run, lines = ww * hh, intp(1)
        if run == od:
            run, slabs = run * dd, intp(1)
    at = intp(0)
    for n in range(nn):
        for d in range(slabs):
            for h in range(lines):
                _turned_run(word(table, 2), first + n * image + d * od + h * oh, plane, rows, at, run, channels)
                at += run


@inline
def _gradient_box(
    table: intp, box: intp, group: intp, low: intp, high: intp, partial: intp, scratch: intp, fresh: intp
) -> None:
    """Add the products of a box to a partial weight gradient."""
    bn, bd, bh, bw = word(table, 12), word(table, 13), word(table, 14), word(table, 15)
    n_all, q_d, q_h, q_w = word(table, 7), word(table, 16), word(table, 17), word(table, 18)
    w_parts, h_parts, d_parts = (q_w + bw - 1) // bw, (q_h + bh - 1) // bh, (q_d + bd - 1) // bd
    w0, box = box % w_parts * bw, box // w_parts
    h0, box = box % h_parts * bh, box // h_parts
    d0, box = box % d_parts * bd, box // d_parts
    n0 = box * bn
    nn, dd, hh, ww = min(bn, n_all - n0), min(bd, q_d - d0), min(bh, q_h - h0), min(bw, q_w - w0)
    rows, places, addresses = scratch + word(table, 41), scratch + word(table, 42), scratch + word(table, 43)
    gather_box(table, n0, nn, group * word(table, 8), d0, h0, w0, scratch)
    count = places_of(table, nn, dd, hh, ww, 0, places)
    channels, taps = word(table, 30), word(table, 32)
    wide, over = VECTORS * LANES, word(table, 33)
    image = word(table, 39) * channels * word(table, 34)
    for block in range(low, high):
        first = n0 * image + (group * channels + block * wide) * word(table, 34)
        first += d0 * word(table, 35) + h0 * word(table, 36) + w0
        _turned_box(table, first, image, nn, dd, hh, ww, rows, min(wide, channels - block * wide))
        for t in range(0, taps, PLACES):
            to = partial + REAL * (block * over + t) * wide
            panel(
                rows, addresses + 8 * t, places, to, count,
                word(table, 3) if fresh else to, 0 if fresh else REAL * wide, REAL * wide,
            )  # fmt: skip


def gradient(table: intp, start: intp, stop: intp, thread: intp) -> None:
    """Partial weight gradients ``(slices, groups, blocks, taps and room for a panel, lanes)``; words as in ``WORDS``, but
    the output's gradient instead of weights, zeros instead of begins, boxes a group in word 44 and slices in word 45.
    """
    for item in range(start, stop):
        parts, slices, boxes = word(table, 40), word(table, 45), word(table, 44)
        part, rest = item % parts, item // parts
        piece, group = rest % slices, rest // slices
        blocks, taps, over = word(table, 31), word(table, 32), word(table, 33)
        scratch = word(table, 5) + thread * word(table, 6)
        for t in range(over):
            store_index(scratch + word(table, 43), t, scratch + load_index(word(table, 4), min(t, taps - 1)))
        size = blocks * over * VECTORS * LANES
        partial = word(table, 0) + REAL * (piece * word(table, 39) + group) * size
        begin = boxes * piece // slices
        for box in range(begin, boxes * (piece + 1) // slices):
            _gradient_box(
                table, box, group, blocks * part // parts, blocks * (part + 1) // parts, partial, scratch, box == begin
            )


def fold(table: intp, start: intp, stop: intp, thread: intp) -> None:
    """The sum of partial weight gradients, in the order of the weight ``(groups * channels, taps)``.

    Words: out, partials, slices, groups, blocks, taps and room, taps, channels a group, lanes a block.  Work items:
    blocks of all groups by 16 taps.
    """
    out, partials, slices, groups, blocks = (
        word(table, 0),
        word(table, 1),
        word(table, 2),
        word(table, 3),
        word(table, 4),
    )
    over, taps, channels, wide = word(table, 5), word(table, 6), word(table, 7), word(table, 8)
    parts = (taps + 15) // 16
    for item in range(start, stop):
        t0, number = item % parts * 16, item // parts
        group, block = number // blocks, number % blocks
        base = number * over * wide
        count = (min(taps, t0 + 16) - t0) * wide
        for piece in range(1, slices):
            other = base + piece * groups * blocks * over * wide
            for i in range(count):
                at = t0 * wide + i
                store_real(partials, base + at, load_real(partials, base + at) + load_real(partials, other + at))
        for lane in range(min(wide, channels - block * wide)):
            row = (group * channels + block * wide + lane) * taps
            for t in range(t0, min(taps, t0 + 16)):
                store(out, row + t, load_real(partials, base + t * wide + lane))
