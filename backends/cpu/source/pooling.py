"""Maximum and average pooling and their gradients.  Work items: planes.  Words of the table: see ``WORDS``.

A row of windows is worked on at a time, one tap after another, so that neighbouring windows lie side by side in vectors.
"""

from __future__ import annotations

from hotplug.backends.cpu.compiled.panel_names import store_index
from hotplug.backends.cpu.compiled.prelude import (
    Real,
    add,
    inline,
    intp,
    load,
    load1,
    load_index,
    load_real,
    np,
    store,
    store_real,
    word,
)  # fmt: skip

WORDS = "out source places scratch scratch_bytes D H W QD QH QW kd kh kw sd sh sw pd ph pw dd dh dw divisor include"


@inline
def _first(at: intp, dilation: intp) -> intp:
    """The first tap of a window that begins at ``at`` which is inside."""
    return max(intp(0), (dilation - 1 - at) // dilation) if at < 0 else intp(0)


@inline
def _last(at: intp, size: intp, kernel: intp, dilation: intp) -> intp:
    """The tap after the last one inside."""
    return min(kernel, max(intp(0), (size - at + dilation - 1) // dilation))


def largest(table: intp, start: intp, stop: intp, thread: intp) -> None:
    """The largest element of every window, NaN before all, and its place in the plane."""
    source, size_h, size_w, q_h, q_w = word(table, 1), word(table, 6), word(table, 7), word(table, 9), word(table, 10)
    volume, step, kernel, dilation = word(table, 5) * size_h * size_w, word(table, 16), word(table, 13), word(table, 22)
    rows = word(table, 8) * q_h
    for item in range(start, stop):
        for number in range(rows):
            z0 = number // q_h * word(table, 14) - word(table, 17)
            y0 = number % q_h * word(table, 15) - word(table, 18)
            i0, i1 = _first(z0, word(table, 20)), _last(z0, word(table, 5), word(table, 11), word(table, 20))
            j0, j1 = _first(y0, word(table, 21)), _last(y0, size_h, word(table, 12), word(table, 21))
            line = ((z0 + i0 * word(table, 20)) * size_h + y0 + j0 * word(table, 21)) * size_w
            for w in range(q_w):
                x0 = w * step - word(table, 19)
                k0, k1 = max(intp(0), -x0), min(kernel, size_w - x0)
                if dilation > 1:
                    k0, k1 = _first(x0, dilation), _last(x0, size_w, kernel, dilation)
                best, place = Real(-np.inf), line + x0 + k0 * dilation
                for i in range(i0, i1):
                    for j in range(j0, j1):
                        row = ((z0 + i * word(table, 20)) * size_h + y0 + j * word(table, 21)) * size_w + x0
                        for k in range(k0, k1):
                            at = row + k * dilation
                            value = load1(source, item * volume + at)
                            wins = (value > best) | (value != value)  # noqa: PLR0124
                            best, place = (value if wins else best), (at if wins else place)
                store(word(table, 0), (item * rows + number) * q_w + w, best)
                store_index(word(table, 2), (item * rows + number) * q_w + w, place)


def largest_back(table: intp, start: intp, stop: intp, thread: intp) -> None:
    """Every window's gradient added where its largest element was."""
    out, source, places = word(table, 0), word(table, 1), word(table, 2)
    volume, windows = (
        word(table, 5) * word(table, 6) * word(table, 7),
        word(table, 8) * word(table, 9) * word(table, 10),
    )
    for item in range(start, stop):
        begin = item * volume
        for i in range(volume):
            store(out, begin + i, Real(0))
        for i in range(item * windows, (item + 1) * windows):
            place = load_index(places, i)
            if 0 <= place < volume:
                store(out, begin + place, load(out, begin + place) + load1(source, i))


@inline
def _count(at: intp, size: intp, kernel: intp, padding: intp, include: intp) -> intp:
    """Elements of a window along an axis."""
    end = min(at + kernel, size + padding)
    return end - at if include else min(end, size) - max(at, intp(0))


@inline
def _share(table: intp, number: intp) -> Real:
    """One over the number of rows of a window, or over the divisor."""
    if word(table, 23) != 0:
        return Real(1) / Real(word(table, 23))
    q_h, include = word(table, 9), word(table, 24)
    z0 = number // q_h * word(table, 14) - word(table, 17)
    y0 = number % q_h * word(table, 15) - word(table, 18)
    count = _count(z0, word(table, 5), word(table, 11), word(table, 17), include)
    return Real(1) / Real(count * _count(y0, word(table, 6), word(table, 12), word(table, 18), include))


@inline
def _shares(table: intp, shares: intp) -> None:
    """One over the number of columns of every window of a row."""
    for w in range(word(table, 10)):
        x0 = w * word(table, 16) - word(table, 19)
        share = Real(1)
        if word(table, 23) == 0:
            share = Real(1) / Real(_count(x0, word(table, 7), word(table, 13), word(table, 19), word(table, 24)))
        store_real(shares, w, share)


def mean(table: intp, start: intp, stop: intp, thread: intp) -> None:
    """The mean of every window."""
    out, source = word(table, 0), word(table, 1)
    sums = word(table, 3) + thread * word(table, 4)
    shares = sums + word(table, 4) // 2
    size_h, size_w, q_h, q_w = word(table, 6), word(table, 7), word(table, 9), word(table, 10)
    volume, step, kernel = word(table, 5) * size_h * size_w, word(table, 16), word(table, 13)
    rows = word(table, 8) * q_h
    _shares(table, shares)
    for item in range(start, stop):
        for number in range(rows):
            z0 = number // q_h * word(table, 14) - word(table, 17)
            y0 = number % q_h * word(table, 15) - word(table, 18)
            for w in range(q_w):
                store_real(sums, w, Real(0))
            for z in range(max(intp(0), z0), min(word(table, 5), z0 + word(table, 11))):
                for y in range(max(intp(0), y0), min(size_h, y0 + word(table, 12))):
                    line = item * volume + (z * size_h + y) * size_w
                    if q_w < kernel:
                        for w in range(q_w):
                            x0, total = w * step - word(table, 19), Real(0)
                            for x in range(max(intp(0), x0), min(size_w, x0 + kernel)):
                                total = add(total, load1(source, line + x))
                            store_real(sums, w, load_real(sums, w) + total)
                    else:
                        for k in range(kernel):
                            x = k - word(table, 19)
                            begin = max(intp(0), (step - 1 - x) // step)
                            end = min(q_w, max(intp(0), (size_w - x + step - 1) // step))
                            for w in range(begin, end):
                                store_real(sums, w, load_real(sums, w) + load1(source, line + x + w * step))
            row, share = (item * rows + number) * q_w, _share(table, number)
            for w in range(q_w):
                store(out, row + w, load_real(sums, w) * (load_real(shares, w) * share))


def mean_back(table: intp, start: intp, stop: intp, thread: intp) -> None:
    """Every window's gradient, a share for each of its elements."""
    out, source = word(table, 0), word(table, 1)
    shares = word(table, 3) + thread * word(table, 4)
    columns = shares + word(table, 4) // 2
    size_h, size_w, q_h, q_w = word(table, 6), word(table, 7), word(table, 9), word(table, 10)
    volume, step, kernel = word(table, 5) * size_h * size_w, word(table, 16), word(table, 13)
    rows = word(table, 8) * q_h
    _shares(table, columns)
    for item in range(start, stop):
        for i in range(item * volume, (item + 1) * volume):
            store(out, i, Real(0))
        for number in range(rows):
            z0 = number // q_h * word(table, 14) - word(table, 17)
            y0 = number % q_h * word(table, 15) - word(table, 18)
            row = (item * rows + number) * q_w
            share = _share(table, number)
            for w in range(q_w):
                store_real(shares, w, load1(source, row + w) * (load_real(columns, w) * share))
            for z in range(max(intp(0), z0), min(word(table, 5), z0 + word(table, 11))):
                for y in range(max(intp(0), y0), min(size_h, y0 + word(table, 12))):
                    line = item * volume + (z * size_h + y) * size_w
                    for w in range(q_w):
                        x0, share = w * step - word(table, 19), load_real(shares, w)
                        for x in range(max(intp(0), x0), min(size_w, x0 + kernel)):
                            store(out, line + x, load(out, line + x) + share)
