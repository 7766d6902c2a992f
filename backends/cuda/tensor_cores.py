"""Text for products of small matrices by tensor cores, for kernels on half types that sum in float.

A warp multiplies 16 x 16 by 16 x 8 elements at once (``mma.m16n8k16``); which lane has which elements is written in NVIDIA's
manual of PTX, so that results can be operands again without a way through memory.  The instructions are there from compute
capability 8.0 on; HIP has others.  The emulator has a model of each of them (``emulator/host.py``).

Tiles lie in shared memory by rows, from a multiple of 256 bytes on.  Pieces of 16 bytes change places within a row (piece
``p`` of row ``r`` is at ``p ^ r % 8``), so that the eight rows of a matrix that are read at once are in different banks.  A
lane knows one place of a tile; from there it gets to other rows by adding, and to other columns by an exclusive or.
"""

from __future__ import annotations

from typing import Final

from hotplug.backend.render import Source
from hotplug.dtypes import bfloat16, dtype

PIECE: Final = 8
"""Elements of 16 bytes, which are copied to shared memory at once."""

_INSTRUCTIONS: Final = """
#if defined(HP_EMULATED)
#define HP_WARPS_4 128
#define HP_WARPS_8 256
__device__ __forceinline__ void hp_multiply(float (&sums)[4], const hp_u32 (&left)[4], hp_u32 right, hp_u32 below) {
    const hp_u32 both[2] = {right, below};
    hp_emulated_product(sums, left, both, @brain);
}
typedef hp_u64 hp_at;
__device__ __forceinline__ hp_at hp_where(const hp_u16 *place) { return (hp_at)place; }
__device__ __forceinline__ void hp_matrices(hp_u32 (&found)[4], hp_at row) { hp_emulated_matrices(found, (void *)row, 0); }
__device__ __forceinline__ void hp_turned(hp_u32 (&found)[4], hp_at row) { hp_emulated_matrices(found, (void *)row, 1); }
__device__ __forceinline__ void hp_fetch(hp_at to, const hp_u16 *from, bool there) {
    hp_emulated_fetch((void *)to, from, there ? 16 : 0);
}
__device__ __forceinline__ void hp_commit() { hp_emulated_commit(); }
__device__ __forceinline__ void hp_arrive() { hp_emulated_arrive(0); }
__device__ __forceinline__ float hp_power_of_2(float x) { return exp2f(x); }
__device__ __forceinline__ hp_u32 hp_pair(float lower, float upper) {
    hp_u16 low, high;
    @lower
    @upper
    return (hp_u32)low | (hp_u32)high << 16;
}
#else
// Threads of a block and blocks at a time: so many that registers suffice; the compiler would spill some to have more blocks.
#define HP_WARPS_4 128, 2
#define HP_WARPS_8 256, 1
// sums += left * right: left in rows, right in columns, its depths 0 to 7 and those below them.
__device__ __forceinline__ void hp_multiply(float (&sums)[4], const hp_u32 (&left)[4], hp_u32 right, hp_u32 below) {
    asm("mma.sync.aligned.m16n8k16.row.col.f32.@type.@type.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
        : "r"(left[0]), "r"(left[1]), "r"(left[2]), "r"(left[3]), "r"(right), "r"(below));
}
// A place in shared memory.
typedef hp_u32 hp_at;
__device__ __forceinline__ hp_at hp_where(const hp_u16 *place) { return (hp_at)__cvta_generic_to_shared(place); }
// Four matrices of 8 x 8 whose rows the lanes name in turn; then the same, rows and columns exchanged.
__device__ __forceinline__ void hp_matrices(hp_u32 (&found)[4], hp_at row) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
        : "=r"(found[0]), "=r"(found[1]), "=r"(found[2]), "=r"(found[3])
        : "r"(row) : "memory");
}
__device__ __forceinline__ void hp_turned(hp_u32 (&found)[4], hp_at row) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
        : "=r"(found[0]), "=r"(found[1]), "=r"(found[2]), "=r"(found[3])
        : "r"(row) : "memory");
}
// 16 bytes on their way to shared memory, zeros where nothing is there; they are there once the thread has waited.
__device__ __forceinline__ void hp_fetch(hp_at to, const hp_u16 *from, bool there) {
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;"
        :: "r"(to), "l"(__cvta_generic_to_global(from)), "r"(there ? 16 : 0) : "memory");
}
__device__ __forceinline__ void hp_commit() { asm volatile("cp.async.commit_group;" ::: "memory"); }
__device__ __forceinline__ void hp_arrive() { asm volatile("cp.async.wait_group 0;" ::: "memory"); }
__device__ __forceinline__ float hp_power_of_2(float x) {
    float value;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(value) : "f"(x));
    return value;
}
// Two numbers, rounded, as one register.
__device__ __forceinline__ hp_u32 hp_pair(float lower, float upper) {
    hp_u32 bits;
    asm("cvt.rn.@typex2.f32 %0, %1, %2;" : "=r"(bits) : "f"(upper), "f"(lower));
    return bits;
}
#endif
"""

_TILES: Final = """
// Whether the rows of a matrix are pieces that can be copied.
__device__ __forceinline__ bool hp_in_pieces(const hp_u16 *from, hp_i64 row_step, hp_i64 column_step, hp_i64 columns) {
    return ((hp_u64)from | (hp_u64)(row_step * 2) | (hp_u64)(columns * 2)) % 16 == 0 && column_step == 1;
}
// ROWS rows of a matrix from ``row`` on, queued to come into a tile of D columns, by N threads; zeros beyond the ends.
template <int D, int ROWS, int N> __device__ __forceinline__ void hp_tile(
    hp_u16 *tile, const hp_u16 *from, hp_i64 row, hp_i64 rows, hp_i64 row_step, hp_i64 column_step, int columns, bool pieces
) {
    if (pieces) {
        constexpr int ACROSS = D / 8, AT_ONCE = N / ACROSS;
        const int first = threadIdx.x / ACROSS, piece = threadIdx.x % ACROSS;
        const hp_u16 *next = from + (row + first) * row_step + 8 * piece;
        const int left = 8 * piece < columns ? (int)hp_smaller(rows - row, ROWS) - first : 0;
        const hp_at to = hp_where(tile) + first * 2 * D + (piece ^ first % 8) * 16;
        const hp_i64 step = AT_ONCE * row_step;
        static_assert(AT_ONCE % 8 == 0 && ROWS % AT_ONCE == 0, "a thread copies the same piece of its rows");
#pragma unroll
        for (int k = 0; k < ROWS / AT_ONCE; ++k) {
            const bool there = k * AT_ONCE < left;
            hp_fetch(to + k * AT_ONCE * 2 * D, there ? next : from, there);
            next += step;
        }
    } else {
#pragma unroll 1
        for (int e = threadIdx.x; e < ROWS * D; e += N) {
            const int r = e / D, c = e % D;
            const bool there = row + r < rows && c < columns;
            tile[r * D + (c / 8 ^ r % 8) * 8 + c % 8] = there ? from[(row + r) * row_step + c * column_step] : (hp_u16)0;
        }
    }
    hp_commit();
}
// The lane's place in a tile for hp_left and hp_columns, and the one for hp_rows.
template <int D> __device__ __forceinline__ hp_at hp_down(const hp_u16 *tile, int lane) {
    return hp_where(tile) + lane % 16 * 2 * D + (lane / 16 ^ lane % 8) * 16;
}
template <int D> __device__ __forceinline__ hp_at hp_across(const hp_u16 *tile, int lane) {
    return hp_where(tile) + (lane / 16 * 8 + lane % 8) * 2 * D + (lane / 8 % 2 ^ lane % 8) * 16;
}
// 16 rows of a tile from ``row`` on, at 16 depths, as the left operand.
template <int D> __device__ __forceinline__ void hp_left(hp_u32 (&found)[4], hp_at down, int row, int depth) {
    hp_matrices(found, (down ^ 2 * depth) + row * 2 * D);
}
// 16 rows of a tile, at 16 depths, as two right operands whose columns are the rows.
template <int D> __device__ __forceinline__ void hp_rows(hp_u32 (&found)[4], hp_at across, int row, int depth) {
    hp_matrices(found, (across ^ 2 * depth) + row * 2 * D);
}
// 16 columns of a tile, whose depths are 16 rows, as two right operands.
template <int D> __device__ __forceinline__ void hp_columns(hp_u32 (&found)[4], hp_at down, int row, int column) {
    hp_turned(found, (down ^ 2 * column) + row * 2 * D);
}
"""


def definitions(source: Source, kind: dtype) -> str:
    """The functions, for one half type."""
    brain = kind is bfloat16
    lower, upper = source.store(kind, "low", "lower"), source.store(kind, "high", "upper")
    text = _INSTRUCTIONS.replace("@type", "bf16" if brain else "f16").replace("@brain", str(int(brain)))
    return text.replace("@lower", lower).replace("@upper", upper) + _TILES
