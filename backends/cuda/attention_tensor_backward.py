"""Attention of half types by tensor cores, backward: one kernel for the query's gradient, one for those of key and value.

Both compute the scores again; neither needs atomics, so equal operands give equal bits.  The one has queries along the rows
of its tiles, the other one keys: so shares and slopes are at once the operands of what they are multiplied with.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from hotplug.backend import OpKey
from hotplug.backend.render import Source
from hotplug.backends.cuda.attention_tensor import PUT, filled, mask_text
from hotplug.backends.cuda.composite import Step
from hotplug.backends.cuda.program import MOST_ACROSS
from hotplug.backends.cuda.tensor_cores import definitions

_WARPS: Final = 4
_ROWS: Final = 16 * _WARPS
"""Queries, or keys, of a block."""


class Form(NamedTuple):
    """The kernels for heads of up to ``size`` elements."""

    size: int
    keys: int
    """Keys of a step of the kernel for the query's gradient."""
    queries: int
    """Queries of a step of the other kernel."""
    held: bool
    """Whether the keys and values of the other kernel stay in registers."""

    def name(self, gradient: str) -> str:
        return f"hp_{gradient}_{self.size}"


FORMS: Final = (Form(64, 64, 32, held=True), Form(128, 32, 16, held=False))
_SLOPES: Final = ("to_query", "to_key_value")


def form_of(numbers: Mapping[str, Any], shapes: Sequence[Sequence[int]]) -> Form | None:
    """The kernels for a call; ``None`` where the heads are too large, or a matrix is used several times."""
    if any(shape[:-2] != shapes[0][:-2] for shape in shapes):
        return None
    return next((each for each in FORMS if max(numbers["depth"], numbers["width"]) <= each.size), None)


def steps_of(form: Form, numbers: Mapping[str, Any]) -> list[Step]:
    """The launches of a call."""
    across = min(numbers["batches"], MOST_ACROSS)
    counts = zip(_SLOPES, (numbers["queries"], numbers["keys"]), strict=True)
    return [Step(form.name(name), -(-count // _ROWS), across, threads=32 * _WARPS) for name, count in counts]


_QUERY: Final = """
template <int D, int KEYS> __device__ __forceinline__ void hp_slopes_of_query(const hp_frame_t &g) {
    constexpr int THREADS = 128, ROWS = 64;
    alignas(256) __shared__ hp_u16 shared[2][2 * KEYS * D];
    const int lane = threadIdx.x % 32, own = threadIdx.x / 32 * 16;
    const hp_i64 row = (hp_i64)(@causal ? gridDim.x - 1 - blockIdx.x : blockIdx.x) * ROWS;
    const float factor = (float)(HP(scale) * 1.4426950408889634);
    for (hp_i64 batch = blockIdx.y; batch < HP(batches); batch += gridDim.y) {
        @pointers
        const bool key_pieces = hp_in_pieces(key, HP(key_row), HP(key_column), HP(depth));
        const bool value_pieces = hp_in_pieces(value, HP(value_row), HP(value_column), HP(width));
        __syncthreads();
        hp_tile<D, ROWS, THREADS>(shared[0], query, row, HP(queries), HP(query_row), HP(query_column), (int)HP(depth),
                                  hp_in_pieces(query, HP(query_row), HP(query_column), HP(depth)));
        hp_tile<D, ROWS, THREADS>(shared[1], delta, row, HP(queries), HP(delta_row), HP(delta_column), (int)HP(width),
                                  hp_in_pieces(delta, HP(delta_row), HP(delta_column), HP(width)));
        hp_arrive();
        __syncthreads();
        hp_u32 left[D / 16][4], steep[D / 16][4];
#pragma unroll
        for (int d = 0; d < D / 16; ++d) {
            hp_left<D>(left[d], hp_down<D>(shared[0], lane), own, 16 * d);
            hp_left<D>(steep[d], hp_down<D>(shared[1], lane), own, 16 * d);
        }
        __syncthreads();
        float sum[D / 8][4], known[2], dot[2];
#pragma unroll
        for (int n = 0; n < D / 8; ++n) sum[n][0] = sum[n][1] = sum[n][2] = sum[n][3] = 0;
#pragma unroll
        for (int h = 0; h < 2; ++h) {
            const hp_i64 here = row + own + lane / 4 + 8 * h;
            const float all = here < HP(queries) ? totals[here] : 0.0f;
            known[h] = all == -INFINITY ? 0.0f : all * 1.4426950408889634f;
            dot[h] = here < HP(queries) ? dots[here] : 0.0f;
        }
        const hp_i64 limit = @causal ? hp_smaller(HP(keys), row + ROWS) : HP(keys);
        int turn = 0;
        hp_tile<D, KEYS, THREADS>(shared[0], key, 0, limit, HP(key_row), HP(key_column), (int)HP(depth), key_pieces);
        hp_tile<D, KEYS, THREADS>(shared[0] + KEYS * D, value, 0, limit, HP(value_row), HP(value_column), (int)HP(width),
                                  value_pieces);
        for (hp_i64 base = 0; base < limit; base += KEYS) {
            hp_arrive();
            __syncthreads();
            const hp_at across = hp_across<D>(shared[turn], lane), down = hp_down<D>(shared[turn], lane);
            turn ^= 1;
            hp_tile<D, KEYS, THREADS>(shared[turn], key, base + KEYS, limit, HP(key_row), HP(key_column), (int)HP(depth),
                                      key_pieces);
            hp_tile<D, KEYS, THREADS>(shared[turn] + KEYS * D, value, base + KEYS, limit, HP(value_row), HP(value_column),
                                      (int)HP(width), value_pieces);
            const bool careful = @masked || base + KEYS > HP(keys) || !(factor > 0) ||
                                 (@causal && base + KEYS - 1 > row + own);
#pragma unroll
            for (int m = 0; m < KEYS / 16; ++m) {
                hp_u32 share[4];
                float score[2][4], slope[2][4];
#pragma unroll
                for (int k = 0; k < 4; ++k) score[0][k] = score[1][k] = slope[0][k] = slope[1][k] = 0;
#pragma unroll
                for (int d = 0; d < D / 16; ++d) {
                    hp_u32 right[4];
                    hp_rows<D>(right, across, 16 * m, 16 * d);
                    hp_multiply(score[0], left[d], right[0], right[1]);
                    hp_multiply(score[1], left[d], right[2], right[3]);
                    hp_rows<D>(right, across, KEYS + 16 * m, 16 * d);
                    hp_multiply(slope[0], steep[d], right[0], right[1]);
                    hp_multiply(slope[1], steep[d], right[2], right[3]);
                }
#pragma unroll
                for (int h = 0; h < 2; ++h) {
                    if (careful) {
                        const hp_i64 here = row + own + lane / 4 + 8 * h;
                        const hp_i64 ahead = (@causal ? hp_smaller(HP(keys), here + 1) : HP(keys)) - base - lane % 4 * 2;
                        const int seen = here < HP(queries) ? (int)hp_smaller(ahead, KEYS) : 0;
                        @row
#pragma unroll
                        for (int n = 0; n < 2; ++n)
#pragma unroll
                            for (int k = 0; k < 2; ++k) {
                                float x = -INFINITY;
                                if (16 * m + 8 * n + k < seen) {
                                    x = score[n][2 * h + k] * factor;
                                    @score
                                }
                                score[n][2 * h + k] = x;
                            }
                    }
                    const float unit = careful ? 1.0f : factor;
#pragma unroll
                    for (int n = 0; n < 2; ++n) {
                        const float one = hp_power_of_2(fmaf(score[n][2 * h], unit, -known[h]));
                        const float two = hp_power_of_2(fmaf(score[n][2 * h + 1], unit, -known[h]));
                        share[2 * n + h] = hp_pair(one * (slope[n][2 * h] - dot[h]), two * (slope[n][2 * h + 1] - dot[h]));
                    }
                }
#pragma unroll
                for (int n = 0; n < D / 16; ++n) {
                    hp_u32 right[4];
                    hp_columns<D>(right, down, 16 * m, 16 * n);
                    hp_multiply(sum[2 * n], share, right[0], right[1]);
                    hp_multiply(sum[2 * n + 1], share, right[2], right[3]);
                }
            }
        }
        hp_arrive();
        const float scale = (float)HP(scale);
#pragma unroll
        for (int h = 0; h < 2; ++h) {
            const hp_i64 here = row + own + lane / 4 + 8 * h;
            if (here >= HP(queries)) continue;
            hp_u16 *const out = HP(to_query) + (batch * HP(queries) + here) * HP(depth);
#pragma unroll
            for (int n = 0; n < D / 8; ++n)
                hp_put(out, 8 * n + lane % 4 * 2, (int)HP(depth), sum[n][2 * h] * scale, sum[n][2 * h + 1] * scale);
        }
    }
}
"""

_KEY_VALUE: Final = """
template <int D, int QUERIES, bool HELD> __device__ __forceinline__ void hp_slopes_of_key_and_value(const hp_frame_t &g) {
    constexpr int THREADS = 128, ROWS = 64;
    alignas(256) __shared__ hp_u16 keys[ROWS * D], values[ROWS * D], shared[2][2 * QUERIES * D];
    const int lane = threadIdx.x % 32, own = threadIdx.x / 32 * 16;
    const hp_at of_keys = hp_down<D>(keys, lane), of_values = hp_down<D>(values, lane);
    const hp_i64 row = (hp_i64)blockIdx.x * ROWS;
    const float factor = (float)(HP(scale) * 1.4426950408889634);
    for (hp_i64 batch = blockIdx.y; batch < HP(batches); batch += gridDim.y) {
        @pointers
        const bool query_pieces = hp_in_pieces(query, HP(query_row), HP(query_column), HP(depth));
        const bool delta_pieces = hp_in_pieces(delta, HP(delta_row), HP(delta_column), HP(width));
        const hp_i64 start = @causal ? row / QUERIES * QUERIES : 0;
        __syncthreads();
        hp_tile<D, ROWS, THREADS>(keys, key, row, HP(keys), HP(key_row), HP(key_column), (int)HP(depth),
                                  hp_in_pieces(key, HP(key_row), HP(key_column), HP(depth)));
        hp_tile<D, ROWS, THREADS>(values, value, row, HP(keys), HP(value_row), HP(value_column), (int)HP(width),
                                  hp_in_pieces(value, HP(value_row), HP(value_column), HP(width)));
        hp_tile<D, QUERIES, THREADS>(shared[0], query, start, HP(queries), HP(query_row), HP(query_column), (int)HP(depth),
                                     query_pieces);
        hp_tile<D, QUERIES, THREADS>(shared[0] + QUERIES * D, delta, start, HP(queries), HP(delta_row), HP(delta_column),
                                     (int)HP(width), delta_pieces);
        hp_arrive();
        __syncthreads();
        hp_u32 held[HELD ? D / 16 : 1][2][4];
        if (HELD) {
#pragma unroll
            for (int d = 0; d < D / 16; ++d) {
                hp_left<D>(held[HELD ? d : 0][0], of_keys, own, 16 * d);
                hp_left<D>(held[HELD ? d : 0][1], of_values, own, 16 * d);
            }
        }
        float to_key[D / 8][4], to_value[D / 8][4];
#pragma unroll
        for (int n = 0; n < D / 8; ++n)
#pragma unroll
            for (int k = 0; k < 4; ++k) to_key[n][k] = to_value[n][k] = 0;
        int turn = 0;
        for (hp_i64 base = start; base < HP(queries); base += QUERIES) {
            hp_arrive();
            __syncthreads();
            const hp_at across = hp_across<D>(shared[turn], lane), down = hp_down<D>(shared[turn], lane);
            turn ^= 1;
            hp_tile<D, QUERIES, THREADS>(shared[turn], query, base + QUERIES, HP(queries), HP(query_row), HP(query_column),
                                         (int)HP(depth), query_pieces);
            hp_tile<D, QUERIES, THREADS>(shared[turn] + QUERIES * D, delta, base + QUERIES, HP(queries), HP(delta_row),
                                         HP(delta_column), (int)HP(width), delta_pieces);
            const bool careful = @masked || !(factor > 0) || (@causal && base < row + own + 15);
#pragma unroll
            for (int m = 0; m < QUERIES / 16; ++m) {
                hp_u32 share[4], inner[4];
                float score[2][4], slope[2][4];
#pragma unroll
                for (int k = 0; k < 4; ++k) score[0][k] = score[1][k] = slope[0][k] = slope[1][k] = 0;
#pragma unroll
                for (int d = 0; d < D / 16; ++d) {
                    hp_u32 right[4];
                    if (!HELD) hp_left<D>(held[0][0], of_keys, own, 16 * d);
                    hp_rows<D>(right, across, 16 * m, 16 * d);
                    hp_multiply(score[0], held[HELD ? d : 0][0], right[0], right[1]);
                    hp_multiply(score[1], held[HELD ? d : 0][0], right[2], right[3]);
                    if (!HELD) hp_left<D>(held[0][1], of_values, own, 16 * d);
                    hp_rows<D>(right, across, QUERIES + 16 * m, 16 * d);
                    hp_multiply(slope[0], held[HELD ? d : 0][1], right[0], right[1]);
                    hp_multiply(slope[1], held[HELD ? d : 0][1], right[2], right[3]);
                }
                // Beyond the last query the total is taken as infinite: so its shares are 0.
                float known[2][2], dot[2][2];
#pragma unroll
                for (int n = 0; n < 2; ++n)
#pragma unroll
                    for (int k = 0; k < 2; ++k) {
                        const hp_i64 there = base + 16 * m + 8 * n + lane % 4 * 2 + k;
                        const float all = there < HP(queries) ? totals[there] : INFINITY;
                        known[n][k] = all == -INFINITY ? 0.0f : all * 1.4426950408889634f;
                        dot[n][k] = there < HP(queries) ? dots[there] : 0.0f;
                    }
#pragma unroll
                for (int h = 0; h < 2; ++h) {
                    if (careful) {
                        const hp_i64 here = row + own + lane / 4 + 8 * h, first = base + lane % 4 * 2;
                        const int from = @causal ? (int)hp_smaller(here - first, QUERIES) : 0;
                        const int seen = here < HP(keys) ? (int)hp_smaller(HP(queries) - first, QUERIES) : 0;
                        @row
#pragma unroll
                        for (int n = 0; n < 2; ++n)
#pragma unroll
                            for (int k = 0; k < 2; ++k) {
                                float x = -INFINITY;
                                if (16 * m + 8 * n + k < seen && 16 * m + 8 * n + k >= from) {
                                    x = score[n][2 * h + k] * factor;
                                    @score
                                }
                                score[n][2 * h + k] = x;
                            }
                    }
                    const float unit = careful ? 1.0f : factor;
#pragma unroll
                    for (int n = 0; n < 2; ++n) {
                        const float one = hp_power_of_2(fmaf(score[n][2 * h], unit, -known[n][0]));
                        const float two = hp_power_of_2(fmaf(score[n][2 * h + 1], unit, -known[n][1]));
                        share[2 * n + h] = hp_pair(one, two);
                        const float first = one * (slope[n][2 * h] - dot[n][0]);
                        inner[2 * n + h] = hp_pair(first, two * (slope[n][2 * h + 1] - dot[n][1]));
                    }
                }
#pragma unroll
                for (int n = 0; n < D / 16; ++n) {
                    hp_u32 right[4];
                    hp_columns<D>(right, down, QUERIES + 16 * m, 16 * n);
                    hp_multiply(to_value[2 * n], share, right[0], right[1]);
                    hp_multiply(to_value[2 * n + 1], share, right[2], right[3]);
                    hp_columns<D>(right, down, 16 * m, 16 * n);
                    hp_multiply(to_key[2 * n], inner, right[0], right[1]);
                    hp_multiply(to_key[2 * n + 1], inner, right[2], right[3]);
                }
            }
        }
        hp_arrive();
        const float scale = (float)HP(scale);
#pragma unroll
        for (int h = 0; h < 2; ++h) {
            const hp_i64 here = row + own + lane / 4 + 8 * h;
            if (here >= HP(keys)) continue;
            hp_u16 *const out = HP(to_key) + (batch * HP(keys) + here) * HP(depth);
            hp_u16 *const other = HP(to_value) + (batch * HP(keys) + here) * HP(width);
#pragma unroll
            for (int n = 0; n < D / 8; ++n) {
                hp_put(out, 8 * n + lane % 4 * 2, (int)HP(depth), to_key[n][2 * h] * scale, to_key[n][2 * h + 1] * scale);
                hp_put(other, 8 * n + lane % 4 * 2, (int)HP(width), to_value[n][2 * h], to_value[n][2 * h + 1]);
            }
        }
    }
}
"""


def backward_text(source: Source, key: OpKey, operands: Mapping[str, str]) -> tuple[str, list[str]]:
    """The kernels of :data:`FORMS`, and their names; ``operands`` are types by name, without results and totals."""
    lines = [f"const {kind} *const {name} = HP({name}) + {_offset(name)};" for name, kind in operands.items()]
    lines += [f"const float *const {name}s = HP({name}) + {_offset(name)};" for name in ("total",)]
    pointers = " ".join([*lines, f"const float *const dots = HP(dots) + {_offset('dots')};"])
    place, column = "{} * HP({}) + (base + lane % 4 * 2) * HP({})", "16 * m + 8 * n + k"
    parts = []
    for template, along, across in ((_QUERY, "mask_row", "mask_column"), (_KEY_VALUE, "mask_column", "mask_row")):
        row, score = mask_text(source, key, place.format("here", along, across), column, f"HP({across})")
        parts.append(filled(template, key, pointers=pointers, row=row, score=score))
    text, names = definitions(source, key.dtypes[0]) + PUT + "".join(parts), []
    for form in FORMS:
        calls = (
            f"hp_slopes_of_query<{form.size}, {form.keys}>(g);",
            f"hp_slopes_of_key_and_value<{form.size}, {form.queries}, {str(form.held).lower()}>(g);",
        )
        for gradient, call in zip(_SLOPES, calls, strict=True):
            names.append(form.name(gradient))
            text += f"HP_KERNEL(HP_WARPS_{_WARPS}) {names[-1]}(HP_FRAME) {{ {call} }}\n"
    return text, names


def _offset(name: str) -> str:
    return f"hp_batch(batch, HP(sizes), HP({name}_batch))"
