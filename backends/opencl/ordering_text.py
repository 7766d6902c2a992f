"""Text of the kernels that sort rows: on GPUs a network in local memory for short ones, digits for long ones; on
processors digits, without a barrier.

An element is sorted by a key, an unsigned integer in whose order the elements come, and among equal keys by its place: so
equal elements keep their order, also where the larger ones come first.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hotplug.backend.render import OPENCL
from hotplug.backends.opencl.composite import Sheet
from hotplug.backends.opencl.text import raw
from hotplug.dtypes import dtype

GROUP: Final = 256
"""Work-items of a group on GPUs."""
TILE: Final = 2048
"""Elements that a group sorts at once: 24 KiB of local memory at most."""
FEW: Final = 64
"""So many first elements are kept in order while a processor reads a row."""
AXES: Final = 8
NUMBERS: Final = (
    f"sizes[{AXES}] from[{AXES}] to[{AXES}] at[{AXES}] step_from step_to step_at rows length kept tiles span units each "
    "first last shift items"
).split()
ROOMS: Final = ("keys_at", "order_at", "next_keys_at", "next_order_at", "counts_at")
"""Where parts of the scratch memory start, in bytes."""


def key_type(kind: dtype) -> str:
    """What holds a key."""
    return "ulong" if kind.itemsize == 8 else "uint"


def sheet_of(kind: dtype) -> Sheet:
    """The parameters."""
    bits = OPENCL.stored(raw(kind))
    pointers = {"out": bits, "places": "long", "input": f"const {bits}"}
    return Sheet(pointers, NUMBERS, longs=ROOMS, scratch="uchar")


def _key(kind: dtype, descending: bool) -> str:
    """``hp_key``: zeros of both signs are equal, and NaN is larger than any number."""
    name, bits = key_type(kind), kind.itemsize * 8
    suffix = "UL" if bits == 64 else "u"
    ones, sign = f"0x{(1 << bits) - 1:x}{suffix}", f"0x{1 << (bits - 1):x}{suffix}"
    lines = [f"{name} key = ({name})bits;"]
    if kind.kind == "f":
        fraction = {"float16": 10, "bfloat16": 7, "float32": 23, "float64": 52}[kind.name]
        infinity = f"0x{(1 << (bits - 1)) - (1 << fraction):x}{suffix}"
        lines += [
            f"const {name} size = key & ~{sign};",
            f"const {name} number = (key & {sign}) ? (~key & {ones}) : (key | {sign});",
            f"key = size > {infinity} ? {ones} : size == 0 ? {sign} : number;",
        ]
    elif kind.kind == "i":
        lines.append(f"key ^= {sign};")
    elif kind.kind == "b":
        lines.append("key = key != 0;")
    if descending:
        lines.append(f"key = ~key & {ones};")
    body = "".join(f"    {line}\n" for line in lines)
    return f"static inline {name} hp_key({OPENCL.stored(raw(kind))} bits) {{\n{body}    return key;\n}}\n"


def text_of(kind: dtype, descending: bool, sheet: Sheet, kernels: Mapping[str, str], local: int, digit: int) -> str:
    """Kernels of a dtype and direction."""
    words = {
        "KEY": key_type(kind), "TILE": TILE, "GROUP": GROUP, "SHARE": TILE // GROUP, "DIGITS": 1 << digit, "AXES": AXES,
        "FEW": FEW, "PASSES": kind.itemsize,
    }  # fmt: skip

    def filled(text: str) -> str:
        for name, value in words.items():
            text = text.replace(f"@{name}@", str(value))
        return text

    texts = [sheet.kernel(name, filled(body).strip("\n").split("\n"), local) for name, body in kernels.items()]
    return _key(kind, descending) + filled(_COMMON) + "".join(texts)


_COMMON: Final = """
// Defines ``result``: the offset of a row's first element.
#define HP_ROW(result, number, steps) hp_index result = 0; { \\
    hp_index left_ = (number); \\
    for (int axis_ = @AXES@ - 1; axis_ >= 0; --axis_) { \\
        const hp_index rest_ = left_ / HP(sizes[axis_]); \\
        result += (left_ - rest_ * HP(sizes[axis_])) * HP(steps[axis_]); \\
        left_ = rest_; \\
    } \\
}
#define HP_ROOMS \\
    __global @KEY@ *keys = (__global @KEY@ *)(scratch + HP(keys_at)); \\
    __global @KEY@ *next_keys = (__global @KEY@ *)(scratch + HP(next_keys_at)); \\
    __global uint *order = (__global uint *)(scratch + HP(order_at)); \\
    __global uint *next_order = (__global uint *)(scratch + HP(next_order_at)); \\
    __global uint *counts = (__global uint *)(scratch + HP(counts_at)); \\
    (void)keys; (void)next_keys; (void)order; (void)next_order; (void)counts;
static inline bool hp_before(@KEY@ a, uint i, @KEY@ b, uint j) { return a < b || (a == b && i < j); }
"""

_FINISH_ON_GPU: Final = """
const hp_index item = (hp_index)get_global_id(0);
if (item >= HP(rows) * HP(kept)) return;
HP_ROOMS
const hp_index row = item / HP(kept), j = item - row * HP(kept);
HP_ROW(from, row, from)
HP_ROW(to, row, to)
HP_ROW(at, row, at)
const uint i = order[row * HP(length) + j];
out[to + j * HP(step_to)] = input[from + (hp_index)i * HP(step_from)];
places[at + j * HP(step_at)] = (long)i;
"""

ON_GPU: Final[Mapping[str, str]] = {
    # A unit is a piece of a row, of up to ``span`` elements, a power of two; a group sorts ``each`` units, and keeps the
    # first ``kept`` elements of each.  The merges start with a comparison of mirror images, so that all run upwards.
    "hp_tiles": """
__local @KEY@ key[@TILE@];
__local uint place_of[@TILE@];
HP_ROOMS
const int me = get_local_id(0), span = (int)HP(span), slots = (int)HP(each) * span, kept = (int)HP(kept);
const hp_index begin = (hp_index)get_group_id(0) * HP(each);
for (int s = me; s < slots; s += @GROUP@) {
    const hp_index unit = begin + s / span, row = unit / HP(tiles), place = unit % HP(tiles) * span + s % span;
    @KEY@ k = ~(@KEY@)0;
    uint i = 0xffffffffu;
    if (unit < HP(units) && place < HP(length)) {
        if (HP(first)) {
            HP_ROW(from, row, from)
            k = hp_key(input[from + place * HP(step_from)]);
            i = (uint)place;
        } else {
            k = keys[row * HP(length) + place];
            i = order[row * HP(length) + place];
        }
    }
    key[s] = k;
    place_of[s] = i;
}
barrier(CLK_LOCAL_MEM_FENCE);
for (int size = 2; size <= span; size *= 2) {
    for (int half_ = size / 2; half_ > 0; half_ /= 2) {
        for (int p = me; p < slots / 2; p += @GROUP@) {
            const int low = p / half_ * 2 * half_ + p % half_;
            const int high = 2 * half_ == size ? (low ^ (size - 1)) : low + half_;
            if (hp_before(key[high], place_of[high], key[low], place_of[low])) {
                const @KEY@ k = key[low];
                const uint i = place_of[low];
                key[low] = key[high];
                place_of[low] = place_of[high];
                key[high] = k;
                place_of[high] = i;
            }
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }
}
for (int s = me; s < (int)HP(each) * kept; s += @GROUP@) {
    const hp_index unit = begin + s / kept, row = unit / HP(tiles), j = s % kept;
    const int slot = s / kept * span + (int)j;
    if (unit >= HP(units)) continue;
    if (HP(last)) {
        HP_ROW(from, row, from)
        HP_ROW(to, row, to)
        HP_ROW(at, row, at)
        out[to + j * HP(step_to)] = input[from + (hp_index)place_of[slot] * HP(step_from)];
        places[at + j * HP(step_at)] = (long)place_of[slot];
    } else {
        next_keys[unit * kept + j] = key[slot];
        next_order[unit * kept + j] = place_of[slot];
    }
}
""",
    # The digits of a tile's elements are counted; counts lie by row, digit and tile.  The first count makes the keys.
    "hp_count": """
__local uint count[@DIGITS@];
HP_ROOMS
const int me = get_local_id(0);
const hp_index group = (hp_index)get_group_id(0), row = group / HP(tiles), tile = group - row * HP(tiles);
HP_ROW(from, row, from)
if (me < @DIGITS@) count[me] = 0;
barrier(CLK_LOCAL_MEM_FENCE);
for (int e = me; e < @TILE@; e += @GROUP@) {
    const hp_index place = tile * @TILE@ + e;
    if (place >= HP(length)) continue;
    if (HP(first)) {
        keys[row * HP(length) + place] = hp_key(input[from + place * HP(step_from)]);
        order[row * HP(length) + place] = (uint)place;
    }
    atomic_inc(&count[(int)(keys[row * HP(length) + place] >> HP(shift)) & (@DIGITS@ - 1)]);
}
barrier(CLK_LOCAL_MEM_FENCE);
if (me < @DIGITS@) counts[(row * @DIGITS@ + me) * HP(tiles) + tile] = count[me];
""",
    # A row's counts become the places where the tiles' digits start.
    "hp_starts": """
__local uint shared[@GROUP@];
HP_ROOMS
const int me = get_local_id(0);
const hp_index length = HP(tiles) * @DIGITS@;
counts += (hp_index)get_group_id(0) * length;
uint done = 0;
for (hp_index base = 0; base < length; base += @TILE@) {
    const hp_index mine = base + (hp_index)me * @SHARE@;
    uint sum = 0;
    for (int e = 0; e < @SHARE@; ++e) if (mine + e < length) sum += counts[mine + e];
    shared[me] = sum;
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int d = 1; d < @GROUP@; d *= 2) {
        const uint other = me >= d ? shared[me - d] : 0;
        barrier(CLK_LOCAL_MEM_FENCE);
        shared[me] += other;
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    uint at = done + shared[me] - sum;
    done += shared[@GROUP@ - 1];
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int e = 0; e < @SHARE@; ++e) {
        if (mine + e >= length) break;
        const uint count = counts[mine + e];
        counts[mine + e] = at;
        at += count;
    }
}
""",
    # Every element goes where its digit starts, behind those of the same digit that stand before it.
    "hp_move": """
__local ushort count[@DIGITS@ * @GROUP@];
__local uint shared[@GROUP@];
HP_ROOMS
const int me = get_local_id(0);
const hp_index group = (hp_index)get_group_id(0), row = group / HP(tiles), tile = group - row * HP(tiles);
const hp_index start = tile * @TILE@ + (hp_index)me * @SHARE@, left = HP(length) - start;
const int mine = left < 0 ? 0 : left < @SHARE@ ? (int)left : @SHARE@;
for (int d = 0; d < @DIGITS@; ++d) count[d * @GROUP@ + me] = 0;
for (int e = 0; e < mine; ++e)
    ++count[((int)(keys[row * HP(length) + start + e] >> HP(shift)) & (@DIGITS@ - 1)) * @GROUP@ + me];
barrier(CLK_LOCAL_MEM_FENCE);
__local ushort *flat = count + me * @DIGITS@;  // a work-item's share of what all have counted
uint sum = 0;
for (int e = 0; e < @DIGITS@; ++e) sum += flat[e];
shared[me] = sum;
barrier(CLK_LOCAL_MEM_FENCE);
for (int d = 1; d < @GROUP@; d *= 2) {
    const uint other = me >= d ? shared[me - d] : 0;
    barrier(CLK_LOCAL_MEM_FENCE);
    shared[me] += other;
    barrier(CLK_LOCAL_MEM_FENCE);
}
uint ahead = shared[me] - sum;
for (int e = 0; e < @DIGITS@; ++e) {
    const uint here = flat[e];
    flat[e] = (ushort)ahead;
    ahead += here;
}
barrier(CLK_LOCAL_MEM_FENCE);
if (me < @DIGITS@) shared[me] = count[me * @GROUP@];  // where the tile's digits start
barrier(CLK_LOCAL_MEM_FENCE);
for (int e = 0; e < mine; ++e) {
    const @KEY@ k = keys[row * HP(length) + start + e];
    const int d = (int)(k >> HP(shift)) & (@DIGITS@ - 1);
    const uint base = counts[(row * @DIGITS@ + d) * HP(tiles) + tile] - shared[d];
    const hp_index to = row * HP(length) + (hp_index)(base + count[d * @GROUP@ + me]++);
    next_keys[to] = k;
    next_order[to] = order[row * HP(length) + start + e];
}
""",
    "hp_finish": _FINISH_ON_GPU,
}

ON_PROCESSOR: Final[Mapping[str, str]] = {
    # Counts are volatile: PoCL's compiler else makes vectors of a loop that counts, as if no digit came twice.
    # A work-item sorts every so many-th row, from the lowest byte of the keys to the highest.
    "hp_rows": """
const hp_index item = (hp_index)get_global_id(0);
HP_ROOMS
const int length = (int)HP(length);
keys += item * length;
next_keys += item * length;
order += item * length;
next_order += item * length;
for (hp_index row = item; row < HP(rows); row += HP(items)) {
    HP_ROW(from, row, from)
    HP_ROW(to, row, to)
    HP_ROW(at, row, at)
    volatile uint count[@PASSES@ * 256];
    __global @KEY@ *k = keys, *other_k = next_keys;
    __global uint *o = order, *other_o = next_order;
    for (int i = 0; i < length; ++i) {
        k[i] = hp_key(input[from + i * HP(step_from)]);
        o[i] = (uint)i;
    }
    if (length <= 40) {
        for (int i = 1; i < length; ++i) {
            const @KEY@ found = k[i];
            int j = i;
            for (; j > 0 && k[j - 1] > found; --j) { k[j] = k[j - 1]; o[j] = o[j - 1]; }
            k[j] = found;
            o[j] = (uint)i;
        }
    } else {
        for (int d = 0; d < @PASSES@ * 256; ++d) count[d] = 0;
        for (int i = 0; i < length; ++i) {
            const @KEY@ found = k[i];
            for (int pass = 0; pass < @PASSES@; ++pass) ++count[pass * 256 + ((int)(found >> (8 * pass)) & 255)];
        }
        for (int pass = 0; pass < @PASSES@; ++pass) {
            volatile uint *own = count + pass * 256;
            if (own[(int)(k[0] >> (8 * pass)) & 255] == (uint)length) continue;
            uint total = 0;
            for (int d = 0; d < 256; ++d) { const uint here = own[d]; own[d] = total; total += here; }
            for (int i = 0; i < length; ++i) {
                const @KEY@ found = k[i];
                const uint to_ = own[(int)(found >> (8 * pass)) & 255]++;
                other_k[to_] = found;
                other_o[to_] = o[i];
            }
            __global @KEY@ *turn_k = k;
            __global uint *turn_o = o;
            k = other_k; o = other_o; other_k = turn_k; other_o = turn_o;
        }
    }
    for (int j = 0; j < (int)HP(kept); ++j) {
        out[to + j * HP(step_to)] = input[from + (hp_index)o[j] * HP(step_from)];
        places[at + j * HP(step_at)] = (long)o[j];
    }
}
""",
    # The first few of a row are kept in order while it is read, 64 elements at a time.
    "hp_few": """
const hp_index row = (hp_index)get_global_id(0);
const int length = (int)HP(length), kept = (int)HP(kept);
HP_ROW(from, row, from)
HP_ROW(to, row, to)
HP_ROW(at, row, at)
@KEY@ best[@FEW@], block[64];
uint place[@FEW@];
int have = 0;
for (int base = 0; base < length; base += 64) {
    const int many = length - base < 64 ? length - base : 64;
    @KEY@ least = ~(@KEY@)0;
    for (int k = 0; k < many; ++k) {
        const @KEY@ key = hp_key(input[from + (base + k) * HP(step_from)]);
        block[k] = key;
        least = key < least ? key : least;
    }
    if (have == kept && least >= best[kept - 1]) continue;
    for (int k = 0; k < many; ++k) {
        const @KEY@ key = block[k];
        if (have == kept && key >= best[kept - 1]) continue;
        int j = have < kept ? have++ : kept - 1;
        for (; j > 0 && best[j - 1] > key; --j) { best[j] = best[j - 1]; place[j] = place[j - 1]; }
        best[j] = key;
        place[j] = (uint)(base + k);
    }
}
for (int j = 0; j < kept; ++j) {
    out[to + j * HP(step_to)] = input[from + (hp_index)place[j] * HP(step_from)];
    places[at + j * HP(step_at)] = (long)place[j];
}
""",
    # The same digits as on GPUs, where rows are few and long: a work-item a piece of ``span`` elements.
    "hp_count": """
HP_ROOMS
const hp_index item = (hp_index)get_global_id(0), row = item / HP(tiles), tile = item - row * HP(tiles);
HP_ROW(from, row, from)
volatile uint count[@DIGITS@];
for (int d = 0; d < @DIGITS@; ++d) count[d] = 0;
const hp_index begin = tile * HP(span), end = HP(length) - begin < HP(span) ? HP(length) : begin + HP(span);
for (hp_index place = begin; place < end; ++place) {
    if (HP(first)) {
        keys[row * HP(length) + place] = hp_key(input[from + place * HP(step_from)]);
        order[row * HP(length) + place] = (uint)place;
    }
    ++count[(int)(keys[row * HP(length) + place] >> HP(shift)) & (@DIGITS@ - 1)];
}
for (int d = 0; d < @DIGITS@; ++d) counts[(row * @DIGITS@ + d) * HP(tiles) + tile] = count[d];
""",
    "hp_starts": """
HP_ROOMS
const hp_index length = HP(tiles) * @DIGITS@;
counts += (hp_index)get_global_id(0) * length;
uint at = 0;
for (hp_index k = 0; k < length; ++k) {
    const uint here = counts[k];
    counts[k] = at;
    at += here;
}
""",
    "hp_move": """
HP_ROOMS
const hp_index item = (hp_index)get_global_id(0), row = item / HP(tiles), tile = item - row * HP(tiles);
volatile uint start[@DIGITS@];
for (int d = 0; d < @DIGITS@; ++d) start[d] = counts[(row * @DIGITS@ + d) * HP(tiles) + tile];
const hp_index begin = tile * HP(span), end = HP(length) - begin < HP(span) ? HP(length) : begin + HP(span);
for (hp_index place = begin; place < end; ++place) {
    const @KEY@ k = keys[row * HP(length) + place];
    const hp_index to = row * HP(length) + (hp_index)start[(int)(k >> HP(shift)) & (@DIGITS@ - 1)]++;
    next_keys[to] = k;
    next_order[to] = order[row * HP(length) + place];
}
""",
    "hp_finish": """
HP_ROOMS
const hp_index item = (hp_index)get_global_id(0), row = item / HP(tiles), tile = item - row * HP(tiles);
HP_ROW(from, row, from)
HP_ROW(to, row, to)
HP_ROW(at, row, at)
const hp_index begin = tile * HP(span), end = HP(kept) - begin < HP(span) ? HP(kept) : begin + HP(span);
for (hp_index j = begin; j < end; ++j) {
    const uint i = order[row * HP(length) + j];
    out[to + j * HP(step_to)] = input[from + (hp_index)i * HP(step_from)];
    places[at + j * HP(step_at)] = (long)i;
}
""",
}
