"""Text of the kernels that sort rows: a network in shared memory for short ones, digits for long ones.

An element is sorted by a key, an unsigned integer in whose order the elements come, and among equal keys by its place: so
equal elements keep their order, also where the larger ones come first.
"""

from __future__ import annotations

from typing import Final

from hotplug.backends.cuda.header import THREADS
from hotplug.backends.cuda.text import raw
from hotplug.dtypes import dtype

TILE: Final = 2048
"""Elements that a block sorts at once."""
EACH: Final = TILE // THREADS
"""Elements of a thread where digits are counted."""
DIGIT: Final = 4
"""Bits of a digit."""
DIGITS: Final = 1 << DIGIT
AXES: Final = 8

POINTERS: Final = ("out", "places", "input", "keys", "order", "next_keys", "next_order", "counts")
WORDS: Final = (
    f"sizes[{AXES}] from[{AXES}] to[{AXES}] at[{AXES}] step_from step_to step_at rows length kept tiles span units each "
    "first last shift".split()
)


def bits_of(kind: dtype) -> int:
    """Bits of a key."""
    return kind.itemsize * 8


def key_type(kind: dtype) -> str:
    """What holds a key."""
    return "hp_u64" if kind.itemsize == 8 else "hp_u32"


def memory_type(kind: dtype) -> str:
    """What holds an element's bits."""
    return {1: "hp_u8", 2: "hp_u16", 4: "hp_u32", 8: "hp_u64"}[raw(kind).itemsize]


def key_function(kind: dtype, descending: bool) -> str:
    """``hp_key``: zeros of both signs are equal, and NaN is larger than any number."""
    name, bits = key_type(kind), bits_of(kind)
    ones, sign = f"({name})0x{(1 << bits) - 1:x}ull", f"({name})0x{1 << (bits - 1):x}ull"
    lines = [f"{name} key = ({name})bits;"]
    if kind.kind == "f":
        fraction = {"float16": 10, "bfloat16": 7, "float32": 23, "float64": 52}[kind.name]
        infinity = (1 << (bits - 1)) - (1 << fraction)
        lines += [
            f"const {name} size = key & ~{sign};",
            f"if (size > ({name})0x{infinity:x}ull) key = {ones};",
            f"else if (size == 0) key = {sign};",
            f"else key = (key & {sign}) ? ({name})(~key & {ones}) : (key | {sign});",
        ]
    elif kind.kind == "i":
        lines.append(f"key ^= {sign};")
    elif kind.kind == "b":
        lines.append("key = key != 0;")
    if descending:
        lines.append(f"key = ~key & {ones};")
    body = "".join(f"    {line}\n" for line in lines)
    return f"HP_INLINE {name} hp_key({memory_type(kind)} bits) {{\n{body}    return key;\n}}\n"


def text(kind: dtype, descending: bool) -> str:
    """All kernels of a dtype and direction."""
    words = {
        "KEY": key_type(kind), "BITS": memory_type(kind), "TILE": TILE, "THREADS": THREADS, "EACH": EACH, "DIGITS": DIGITS,
        "AXES": AXES,
    }  # fmt: skip
    whole = _KERNELS
    for name, value in words.items():
        whole = whole.replace(f"@{name}@", str(value))
    return key_function(kind, descending) + whole


_KERNELS: Final = """
// The offset of a row's first element.
HP_INLINE hp_i64 hp_row(hp_i64 row, const hp_i64 *sizes, const hp_i64 *steps) {
    hp_i64 at = 0;
#pragma unroll
    for (int axis = @AXES@ - 1; axis >= 0; --axis) {
        const hp_i64 rest = row / sizes[axis];
        at += (row - rest * sizes[axis]) * steps[axis];
        row = rest;
    }
    return at;
}
HP_INLINE bool hp_before(@KEY@ a, hp_u32 i, @KEY@ b, hp_u32 j) { return a < b || (a == b && i < j); }
// Writes place j of a row's result: the element that stood at place i.
HP_INLINE void hp_write(const hp_frame_t &g, hp_i64 row, hp_i64 j, hp_u32 i) {
    g.out[hp_row(row, g.sizes, g.to) + j * g.step_to] = g.input[hp_row(row, g.sizes, g.from) + (hp_i64)i * g.step_from];
    g.places[hp_row(row, g.sizes, g.at) + j * g.step_at] = (hp_i64)i;
}

// A unit is a piece of a row, of up to ``span`` elements, a power of two; a block sorts ``each`` units, and keeps the first
// ``kept`` elements of each.  The merges of the network start with a comparison of mirror images, so all run upwards.
HP_KERNEL(@THREADS@) hp_tiles(HP_FRAME) {
    __shared__ @KEY@ key[@TILE@];
    __shared__ hp_u32 order[@TILE@];
    const int span = (int)HP(span), slots = (int)HP(each) * span;
    const hp_i64 begin = (hp_i64)blockIdx.x * HP(each);
    for (int s = threadIdx.x; s < slots; s += @THREADS@) {
        const hp_i64 unit = begin + s / span, row = unit / HP(tiles), place = unit % HP(tiles) * span + s % span;
        @KEY@ k = ~(@KEY@)0;
        hp_u32 i = 0xffffffffu;
        if (unit < HP(units) && place < HP(length)) {
            if (HP(first)) {
                k = hp_key(HP(input)[hp_row(row, g.sizes, g.from) + place * HP(step_from)]);
                i = (hp_u32)place;
            } else {
                k = HP(keys)[row * HP(length) + place];
                i = HP(order)[row * HP(length) + place];
            }
        }
        key[s] = k;
        order[s] = i;
    }
    __syncthreads();
    for (int size = 2; size <= span; size *= 2) {
        for (int half = size / 2; half > 0; half /= 2) {
            for (int p = threadIdx.x; p < slots / 2; p += @THREADS@) {
                const int low = p / half * 2 * half + p % half;
                const int high = 2 * half == size ? (low ^ (size - 1)) : low + half;
                if (hp_before(key[high], order[high], key[low], order[low])) {
                    const @KEY@ k = key[low];
                    const hp_u32 i = order[low];
                    key[low] = key[high];
                    order[low] = order[high];
                    key[high] = k;
                    order[high] = i;
                }
            }
            __syncthreads();
        }
    }
    const int kept = (int)HP(kept);
    for (int s = threadIdx.x; s < (int)HP(each) * kept; s += @THREADS@) {
        const hp_i64 unit = begin + s / kept, row = unit / HP(tiles), j = s % kept;
        const int from = s / kept * span + (int)j;
        if (unit >= HP(units)) continue;
        if (HP(last)) {
            hp_write(g, row, j, order[from]);
        } else {
            HP(next_keys)[unit * kept + j] = key[from];
            HP(next_order)[unit * kept + j] = order[from];
        }
    }
}

// The digits of a tile's elements are counted; counts lie by row, digit and tile.
HP_KERNEL(@THREADS@) hp_count(HP_FRAME) {
    __shared__ hp_u32 count[@DIGITS@];
    const hp_i64 start = (hp_i64)blockIdx.x * @TILE@;
    for (hp_i64 row = blockIdx.y; row < HP(rows); row += gridDim.y) {
        if (threadIdx.x < @DIGITS@) count[threadIdx.x] = 0;
        __syncthreads();
        for (int e = threadIdx.x; e < @TILE@; e += @THREADS@) {
            const hp_i64 place = start + e;
            if (place >= HP(length)) continue;
            const @KEY@ k = HP(first) ? hp_key(HP(input)[hp_row(row, g.sizes, g.from) + place * HP(step_from)])
                                      : HP(keys)[row * HP(length) + place];
            atomicAdd(&count[(int)(k >> HP(shift)) & (@DIGITS@ - 1)], 1u);
        }
        __syncthreads();
        if (threadIdx.x < @DIGITS@) HP(counts)[(row * @DIGITS@ + threadIdx.x) * HP(tiles) + blockIdx.x] = count[threadIdx.x];
        __syncthreads();
    }
}

// What stands before each thread's value, over the block; the total comes back in ``total``.
HP_INLINE hp_u32 hp_ahead(hp_u32 value, hp_u32 *shared, hp_u32 *total) {
    shared[threadIdx.x] = value;
    __syncthreads();
    for (int d = 1; d < @THREADS@; d *= 2) {
        const hp_u32 other = threadIdx.x >= d ? shared[threadIdx.x - d] : 0;
        __syncthreads();
        shared[threadIdx.x] += other;
        __syncthreads();
    }
    const hp_u32 sum = shared[threadIdx.x];
    *total = shared[@THREADS@ - 1];
    __syncthreads();
    return sum - value;
}

// A row's counts become the places where the tiles' digits start.
HP_KERNEL(@THREADS@) hp_starts(HP_FRAME) {
    __shared__ hp_u32 shared[@THREADS@];
    const hp_i64 length = HP(tiles) * @DIGITS@;
    hp_u32 *counts = HP(counts) + (hp_i64)blockIdx.x * length;
    hp_u32 done = 0;
    for (hp_i64 base = 0; base < length; base += @TILE@) {
        const hp_i64 mine = base + (hp_i64)threadIdx.x * @EACH@;
        hp_u32 sum = 0, total;
        for (int e = 0; e < @EACH@; ++e) if (mine + e < length) sum += counts[mine + e];
        hp_u32 at = done + hp_ahead(sum, shared, &total);
        for (int e = 0; e < @EACH@; ++e) {
            if (mine + e >= length) break;
            const hp_u32 count = counts[mine + e];
            counts[mine + e] = at;
            at += count;
        }
        done += total;
    }
}

// Every element goes where its digit starts, behind those of the same digit that stand before it.
HP_KERNEL(@THREADS@) hp_move(HP_FRAME) {
    __shared__ unsigned short count[@DIGITS@][@THREADS@];
    __shared__ hp_u32 shared[@THREADS@];
    const hp_i64 start = (hp_i64)blockIdx.x * @TILE@ + (hp_i64)threadIdx.x * @EACH@;
    for (hp_i64 row = blockIdx.y; row < HP(rows); row += gridDim.y) {
        @KEY@ key[@EACH@];
        hp_u32 order[@EACH@];
        for (int d = 0; d < @DIGITS@; ++d) count[d][threadIdx.x] = 0;
        for (int e = 0; e < @EACH@; ++e) {
            const hp_i64 place = start + e;
            if (place >= HP(length)) break;
            if (HP(first)) {
                key[e] = hp_key(HP(input)[hp_row(row, g.sizes, g.from) + place * HP(step_from)]);
                order[e] = (hp_u32)place;
            } else {
                key[e] = HP(keys)[row * HP(length) + place];
                order[e] = HP(order)[row * HP(length) + place];
            }
            ++count[(int)(key[e] >> HP(shift)) & (@DIGITS@ - 1)][threadIdx.x];
        }
        __syncthreads();
        unsigned short *flat = &count[0][0] + threadIdx.x * @DIGITS@;  // as many digits as threads' shares
        hp_u32 sum = 0, total;
        for (int e = 0; e < @DIGITS@; ++e) sum += flat[e];
        hp_u32 at = hp_ahead(sum, shared, &total);
        for (int e = 0; e < @DIGITS@; ++e) {
            const hp_u32 here = flat[e];
            flat[e] = (unsigned short)at;
            at += here;
        }
        __syncthreads();
        if (threadIdx.x < @DIGITS@) shared[threadIdx.x] = count[threadIdx.x][0];  // where the tile's digits start
        __syncthreads();
        for (int e = 0; e < @EACH@; ++e) {
            if (start + e >= HP(length)) break;
            const int d = (int)(key[e] >> HP(shift)) & (@DIGITS@ - 1);
            const hp_u32 base = HP(counts)[(row * @DIGITS@ + d) * HP(tiles) + blockIdx.x] - shared[d];
            const hp_i64 to = row * HP(length) + (hp_i64)(base + count[d][threadIdx.x]++);
            HP(next_keys)[to] = key[e];
            HP(next_order)[to] = order[e];
        }
        __syncthreads();
    }
}

HP_KERNEL(@THREADS@) hp_finish(HP_FRAME) {
    const hp_i64 item = (hp_i64)blockIdx.x * @THREADS@ + threadIdx.x;
    if (item >= HP(rows) * HP(kept)) return;
    const hp_i64 row = item / HP(kept), j = item % HP(kept);
    hp_write(g, row, j, HP(order)[row * HP(length) + j]);
}
"""
