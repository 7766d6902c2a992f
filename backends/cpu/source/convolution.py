"""Convolution in panels: every output channel of a few places at a time.  Words of the table: see ``WORDS``.

A work item is a box of output places (some images, or a part of one) of one group.  Its part of the input is copied,
with zeros around it, to scratch memory, where one table of byte offsets leads from any place to all its taps.  The work
on a box is done by stages, functions of their own that are called by address, so that each is compiled once whatever it
is combined with.  A stage is ``stage(table, box, block, thread)``: which box it is stands in the words of ``BOX``.
"""

from __future__ import annotations

from hotplug.backends.cpu.compiled.panel_names import (
    EXPONENT,
    ITEM,
    LANES,
    NATIVE,
    PLACES,
    REAL,
    VECTORS,
    bits_of,
    call,
    move,
    panel,
    store_index,
    turn,
)  # fmt: skip
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
)  # fmt: skip

WORDS = (
    "out input weights begins offsets scratch scratch_bytes N C D H W bn bd bh bw QD QH QW sd sh sw ld lh lw ED EH EW "
    "image_step channel_step K blocks taps chunk plane od oh ow origin groups parts sums_at places_at addresses_at boxes "
    "slices box_at gather multiply scatter wide"
)
BOX = "group n0 nn d0 dd h0 hh w0 ww places scratch fresh"


@inline
def locate(table: intp, number: intp, group: intp, box: intp, scratch: intp) -> None:
    """Where the box of a number lies."""
    store_index(box, 0, group)
    for axis in range(3, 0, -1):
        side, size = word(table, 12 + axis), word(table, 15 + axis)
        parts = (size + side - 1) // side
        first = number % parts * side
        number = number // parts
        store_index(box, 2 * axis + 1, first)
        store_index(box, 2 * axis + 2, min(side, size - first))
    first = number * word(table, 12)
    store_index(box, 1, first)
    store_index(box, 2, min(word(table, 12), word(table, 7) - first))
    store_index(box, 10, scratch)


def convolve(table: intp, start: intp, stop: intp, thread: intp) -> None:
    """Boxes of output places, each for some blocks of channels."""
    boxes, parts, blocks = word(table, 44), word(table, 40), word(table, 31)
    scratch = word(table, 5) + thread * word(table, 6)
    box = scratch + word(table, 46)
    for item in range(start, stop):
        part = item // boxes % parts
        locate(table, item % boxes, item // boxes // parts, box, scratch)
        call(word(table, 47), table, box, scratch, thread)
        for block in range(blocks * part // parts, blocks * (part + 1) // parts):
            call(word(table, 48), table, box, block, thread)
            call(word(table, 49), table, box, block, thread)


def gradient(table: intp, start: intp, stop: intp, thread: intp) -> None:
    """Partial weight gradients ``(slices, groups, blocks, taps and room for a panel, lanes)``: of the words, out is where
    they are, weights the output's gradient, begins zeros, and chunk the taps with the room.
    """
    parts, slices, boxes = word(table, 40), word(table, 45), word(table, 44)
    blocks, taps, over = word(table, 31), word(table, 32), word(table, 33)
    scratch = word(table, 5) + thread * word(table, 6)
    box, addresses = scratch + word(table, 46), scratch + word(table, 43)
    for t in range(over):
        store_index(addresses, t, scratch + load_index(word(table, 4), min(t, taps - 1)))
    for item in range(start, stop):
        part, piece, group = item % parts, item // parts % slices, item // parts // slices
        partial = word(table, 0) + REAL * (piece * word(table, 39) + group) * blocks * over * word(table, 50)
        begin = boxes * piece // slices
        for number in range(begin, boxes * (piece + 1) // slices):
            locate(table, number, group, box, scratch)
            store_index(box, 11, partial if number > begin else -partial)
            call(word(table, 47), table, box, 0, thread)  # places as distances
            for block in range(blocks * part // parts, blocks * (part + 1) // parts):
                call(word(table, 49), table, box, block, thread)
                call(word(table, 48), table, box, block, thread)


def gather(table: intp, box: intp, base: intp, thread: intp) -> None:
    """Copy the input of a box to scratch memory, and note where each of its places begins, from ``base`` on."""
    source, channels, size_w = word(table, 1), word(table, 8), word(table, 11)
    deep, high, wide = word(table, 25), word(table, 26), word(table, 27)
    scratch = word(box, 10)
    z0, y0 = word(box, 3) * word(table, 19) + word(table, 22), word(box, 5) * word(table, 20) + word(table, 23)
    x0 = word(box, 7) * word(table, 21) + word(table, 24)
    left = min(wide, max(intp(0), -x0))
    right = max(left, min(wide, size_w - x0))
    for image in range(word(box, 2) * channels):
        n, c = image // channels, image % channels
        plane = ((word(box, 1) + n) * word(table, 39) + word(box, 0)) * channels + c
        for row in range(deep * high):
            z, y = z0 + row // high, y0 + row % high
            at = n * word(table, 28) + c * word(table, 29) + row * wide
            begin, end = left, right
            if z < 0 or z >= word(table, 9) or y < 0 or y >= word(table, 10):
                begin, end = wide, wide
            first = ((plane * word(table, 9) + z) * word(table, 10) + y) * size_w + x0
            for i in range(begin):
                store_real(scratch, at + i, Real(0))
            if NATIVE and begin < end:
                move(source + ITEM * (first + begin), scratch + REAL * (at + begin), end - begin)
            else:
                for i in range(begin, end):
                    store_real(scratch, at + i, load1(source, first + i))
            for i in range(end, wide):
                store_real(scratch, at + i, Real(0))
    places, count, last = scratch + word(table, 42), intp(0), intp(0)
    for row in range(word(box, 2) * word(box, 4) * word(box, 6)):
        h, slab = row % word(box, 6), row // word(box, 6)
        n, d = slab // word(box, 4), slab % word(box, 4)
        at = n * word(table, 28) + (d * word(table, 19) * high + h * word(table, 20)) * wide
        for w in range(word(box, 8)):
            last = base + REAL * (at + w * word(table, 21))
            store_index(places, count, last)
            count += 1
    for i in range(16):  # the last panel may hang over
        store_index(places, count + i, last)
    store_index(box, 9, count)


def multiply(table: intp, box: intp, block: intp, thread: intp) -> None:
    """The sums of a box for one block of channels."""
    sums, places = word(box, 10) + word(table, 41), word(box, 10) + word(table, 42)
    blocks, taps, chunk = word(table, 31), word(table, 32), word(table, 33)
    size = REAL * VECTORS * LANES
    number = word(box, 0) * blocks + block
    weights = word(table, 2) + number * taps * size
    for k in range(0, taps, chunk):
        for p in range(0, word(box, 9), PLACES):
            to = sums + p * size
            begin, step = to, size
            if k == 0:
                begin, step = word(table, 3) + number * size, intp(0)
            panel(
                weights + k * size, places + 8 * p, word(table, 4) + 8 * k, to, min(chunk, taps - k), begin, step, size
            )  # fmt: skip


def multiply_back(table: intp, box: intp, block: intp, thread: intp) -> None:
    """Add the products of a box to the partial gradient of one block of channels."""
    rows, places = word(box, 10) + word(table, 41), word(box, 10) + word(table, 42)
    addresses, over = word(box, 10) + word(table, 43), word(table, 33)
    size = REAL * VECTORS * LANES
    partial, fresh = word(box, 11), word(box, 11) < 0
    partial = -partial if fresh else partial
    for t in range(0, word(table, 32), PLACES):
        to = partial + (block * over + t) * size
        begin, step = to, size
        if fresh:
            begin, step = word(table, 3), intp(0)
        panel(rows, addresses + 8 * t, places, to, word(box, 9), begin, step, size)


@inline
def _runs(table: intp, box: intp) -> intp:
    """Places of a box that follow each other in the output."""
    od, oh, ow = word(table, 35), word(table, 36), word(table, 37)
    run = word(box, 8)
    if run * ow == oh:
        run = run * word(box, 6)
        if run * ow == od:
            run = run * word(box, 4)
    return run


@inline
def _start(table: intp, box: intp, block: intp, at: intp) -> intp:
    """Where in the output the place number ``at`` of a box is, of a block's first channel."""
    w, row = at % word(box, 8), at // word(box, 8)
    h, slab = row % word(box, 6), row // word(box, 6)
    n, d = word(box, 1) + slab // word(box, 4), word(box, 3) + slab % word(box, 4)
    channel = (n * word(table, 39) + word(box, 0)) * word(table, 30) + block * word(table, 50)
    place = d * word(table, 35) + (word(box, 5) + h) * word(table, 36) + (word(box, 7) + w) * word(table, 37)
    return channel * word(table, 34) + word(table, 38) + place


def scatter(table: intp, box: intp, block: intp, thread: intp) -> None:
    """The sums of a box to their places in the output: rows of channels become rows of places."""
    out, sums, wide = word(table, 0), word(box, 10) + word(table, 41), word(table, 50)
    plane, step = word(table, 34), word(table, 37)
    channels, run = min(wide, word(table, 30) - block * wide), _runs(table, box)
    squares = channels // LANES * LANES if NATIVE and step == 1 else intp(0)
    for begin in range(0, word(box, 9), run):
        first = _start(table, box, block, begin)
        fast = run // LANES * LANES if squares else intp(0)
        for c in range(0, squares, LANES):
            for p in range(0, fast, LANES):
                turn(
                    sums + REAL * ((begin + p) * wide + c),
                    REAL * wide,
                    out + ITEM * (first + c * plane + p),
                    REAL * plane,
                )
        for c in range(channels):
            for p in range(fast if c < squares else 0, run):
                store(out, first + c * plane + p * step, load_real(sums, (begin + p) * wide + c))


def turned(table: intp, box: intp, block: intp, thread: intp) -> None:
    """The output's gradient of a box and a block of channels, places in front; zeros in lanes beyond the channels."""
    source, rows, wide, plane = word(table, 2), word(box, 10) + word(table, 41), word(table, 50), word(table, 34)
    channels, run = min(wide, word(table, 30) - block * wide), _runs(table, box)
    squares = channels // LANES * LANES if NATIVE else intp(0)
    for begin in range(0, word(box, 9), run):
        first = _start(table, box, block, begin)
        fast = run // LANES * LANES if squares else intp(0)
        for c in range(0, squares, LANES):
            for p in range(0, fast, LANES):
                turn(
                    source + ITEM * (first + c * plane + p),
                    REAL * plane,
                    rows + REAL * ((begin + p) * wide + c),
                    REAL * wide,
                )
        for c in range(wide):
            for p in range(fast if c < squares else 0, run):
                value = Real(0)
                if c < channels:
                    value = load3(source, first + c * plane + p)
                store_real(rows, (begin + p) * wide + c, value)


@inline
def _pack_some(table: intp, first: intp, lanes: intp, at: intp, out: intp, columns: intp, temporary: intp) -> None:
    """LANES columns of LANES channels at most, the rows' places read from ``at`` on."""
    weights, step, wide = word(table, 1), word(table, 6), word(table, 8)
    square = NATIVE and lanes == LANES and step > 1 and first + (LANES - 1) * step + LANES <= word(table, 12)
    if square:
        turn(weights + ITEM * first, ITEM * step, temporary, REAL * LANES)
    for column in range(columns):
        place = load_index(word(table, 2), at + column)
        if place >= 0:
            to = out + REAL * place * wide
            if square:
                move(temporary + REAL * LANES * column, to, LANES)
            else:
                for lane in range(lanes):
                    store_real(to, lane, load2(weights, first + column + lane * step))
                for lane in range(lanes, min(wide, intp(LANES))):
                    store_real(to, lane, Real(0))


def pack(table: intp, start: intp, stop: intp, thread: intp) -> None:
    """Weights in the order of the panels, ``(groups, blocks, taps, lanes)``, zeros in lanes beyond the channels.

    A channel's taps are read in segments of columns, the segments some step apart.  Words: out, weights, the tap of every
    column of every segment (negative: none), taps, blocks, channels a group, their step, step of groups, lanes a block,
    segments, their step, columns, numbers in all, scratch memory of a square a thread.  Work items: blocks of all groups
    by segments by LANES columns.
    """
    blocks, wide, segments, columns = word(table, 4), word(table, 8), word(table, 9), word(table, 11)
    parts = (columns + LANES - 1) // LANES
    temporary = word(table, 13) + thread * REAL * LANES * LANES
    for item in range(start, stop):
        column, rest = item % parts * LANES, item // parts
        segment, number = rest % segments, rest // segments
        block, group = number % blocks, number // blocks
        base = group * word(table, 7) + segment * word(table, 10) + column
        out = word(table, 0) + REAL * number * word(table, 3) * wide
        for lane in range(0, wide, LANES):
            channel = block * wide + lane
            lanes = max(intp(0), min(LANES, word(table, 5) - channel))
            _pack_some(
                table, base + channel * word(table, 6), lanes, segment * columns + column, out + REAL * lane,
                min(LANES, columns - column), temporary,
            )  # fmt: skip


def inspect(table: intp, start: intp, stop: intp, thread: intp) -> None:
    """Set a flag where a number isn't finite.  Words: flag, numbers, how many.  Work items: 4096 of them."""
    for item in range(start, stop):
        worst = EXPONENT & 0
        for i in range(item * 4096, min(word(table, 2), item * 4096 + 4096)):
            worst = max(worst, bits_of(load2(word(table, 1), i)) & EXPONENT)
        if worst == EXPONENT:
            store_index(word(table, 0), 0, 1)


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
