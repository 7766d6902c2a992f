"""Attention of half types by tensor cores, forward: neither scores nor shares ever leave the registers.

A warp has 16 or 32 queries and goes along the keys, 64 at a time.  The keys of the next step travel to shared memory while
the values of this one are multiplied, and the other way round (Dao, 2023).  Scores are in units of log 2.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from hotplug.backend import OpKey
from hotplug.backend.render import Source
from hotplug.backends.cuda.composite import Step
from hotplug.backends.cuda.program import MOST_ACROSS
from hotplug.backends.cuda.tensor_cores import definitions
from hotplug.dtypes import bool_

LOG2_E: Final = "1.4426950408889634f"


class Form(NamedTuple):
    """A kernel for heads of up to ``size`` elements."""

    size: int
    tiles: int
    """Tiles of 16 queries of a warp."""
    warps: int

    @property
    def threads(self) -> int:
        return 32 * self.warps

    @property
    def rows(self) -> int:
        """Queries of a block."""
        return 16 * self.tiles * self.warps

    @property
    def name(self) -> str:
        return f"hp_attention_{self.size}"


_FORMS: Final = (Form(64, 2, 4), Form(128, 1, 8))
"""By size.  More queries of a warp read shared memory less often, and need more registers."""
_MASKED: Final = (Form(64, 1, 8), Form(128, 1, 8))


def forms_of(key: OpKey) -> Sequence[Form]:
    """The kernels of a key."""
    return _FORMS if ("mask", None) in key.attributes else _MASKED


def form_of(forms: Sequence[Form], numbers: Mapping[str, Any]) -> Form | None:
    """The kernel for a call; ``None`` where the heads are too large."""
    return next((each for each in forms if max(numbers["depth"], numbers["width"]) <= each.size), None)


def step_of(form: Form, numbers: Mapping[str, Any]) -> Step:
    """The launch of a call."""
    blocks = -(-numbers["queries"] // form.rows)
    return Step(form.name, blocks, min(numbers["batches"], MOST_ACROSS), threads=form.threads)


def mask_text(source: Source, key: OpKey, row: str, column: str, step: str) -> tuple[str, str]:
    """Statements that define where a line of the mask is, and that mask ``x``, a score in units of log 2.

    Args:
        source: of the text.
        key: whose mask it is.
        row: the place of the line, in elements.
        column: the number of the score in the line.
        step: between scores of the line.
    """
    if ("mask", None) in key.attributes:
        return "", ""
    stored = source.stored(bool_ if bool_ in key.dtypes else key.dtypes[0])
    define, element = f"const {stored} *const masks = mask + {row};", f"masks[({column}) * {step}]"
    if bool_ in key.dtypes:
        return define, f"if (!{element}) x = -INFINITY;"
    return define, f"x += {source.load(key.dtypes[0], element)} * {LOG2_E};"


_FORWARD: Final = """
template <int D, int TILES, int WARPS> __device__ __forceinline__ void hp_attend(const hp_frame_t &g) {
    constexpr int KEYS = 64, THREADS = 32 * WARPS, ROWS = 16 * TILES * WARPS;
    alignas(256) __shared__ hp_u16 shared[2 * KEYS * D];
    static_assert(ROWS <= 2 * KEYS, "the queries come by way of the tiles of keys and values");
    hp_u16 *const keys = shared, *const values = shared + KEYS * D;
    const int lane = threadIdx.x % 32, own = threadIdx.x / 32 * 16 * TILES;
    const hp_at of_queries = hp_down<D>(shared, lane), of_keys = hp_across<D>(keys, lane), of_values = hp_down<D>(values, lane);
    const hp_i64 row = (hp_i64)(@causal ? gridDim.x - 1 - blockIdx.x : blockIdx.x) * ROWS;
    const float factor = (float)(HP(scale) * 1.4426950408889634);
    for (hp_i64 batch = blockIdx.y; batch < HP(batches); batch += gridDim.y) {
        @pointers
        const bool key_pieces = hp_in_pieces(key, HP(key_row), HP(key_column), HP(depth));
        const bool value_pieces = hp_in_pieces(value, HP(value_row), HP(value_column), HP(width));
        __syncthreads();
        hp_tile<D, ROWS, THREADS>(shared, query, row, HP(queries), HP(query_row), HP(query_column), (int)HP(depth),
                                  hp_in_pieces(query, HP(query_row), HP(query_column), HP(depth)));
        hp_arrive();
        __syncthreads();
        hp_u32 left[TILES][D / 16][4];
#pragma unroll
        for (int t = 0; t < TILES; ++t)
#pragma unroll
            for (int d = 0; d < D / 16; ++d) hp_left<D>(left[t][d], of_queries, own + 16 * t, 16 * d);
        __syncthreads();
        float sum[TILES][D / 8][4], top[TILES][2], total[TILES][2];
#pragma unroll
        for (int t = 0; t < TILES; ++t) {
#pragma unroll
            for (int n = 0; n < D / 8; ++n) sum[t][n][0] = sum[t][n][1] = sum[t][n][2] = sum[t][n][3] = 0;
            top[t][0] = top[t][1] = -INFINITY;
            total[t][0] = total[t][1] = 0;
        }
        const hp_i64 limit = @causal ? hp_smaller(HP(keys), row + ROWS) : HP(keys);
        hp_tile<D, KEYS, THREADS>(keys, key, 0, HP(keys), HP(key_row), HP(key_column), (int)HP(depth), key_pieces);
        for (hp_i64 base = 0; base < limit; base += KEYS) {
            hp_arrive();
            __syncthreads();
            hp_tile<D, KEYS, THREADS>(values, value, base, HP(keys), HP(value_row), HP(value_column), (int)HP(width),
                                      value_pieces);
            float score[TILES][KEYS / 8][4];
#pragma unroll
            for (int n = 0; n < KEYS / 16; ++n) {
#pragma unroll
                for (int t = 0; t < TILES; ++t)
#pragma unroll
                    for (int k = 0; k < 4; ++k) score[t][2 * n][k] = score[t][2 * n + 1][k] = 0;
#pragma unroll
                for (int d = 0; d < D / 16; ++d) {
                    hp_u32 right[4];
                    hp_rows<D>(right, of_keys, 16 * n, 16 * d);
#pragma unroll
                    for (int t = 0; t < TILES; ++t) {
                        hp_multiply(score[t][2 * n], left[t][d], right[0], right[1]);
                        hp_multiply(score[t][2 * n + 1], left[t][d], right[2], right[3]);
                    }
                }
            }
            // Where every score of the warp counts, the factor is applied with the power.
            const bool careful = @masked || base + KEYS > HP(keys) || !(factor > 0) ||
                                 (@causal && base + KEYS - 1 > row + own);
            if (careful) {
#pragma unroll
                for (int t = 0; t < TILES; ++t)
#pragma unroll
                    for (int h = 0; h < 2; ++h) {
                        const hp_i64 here = row + own + 16 * t + lane / 4 + 8 * h;
                        // What the query may see of the keys from the lane's first one on.
                        const hp_i64 ahead = (@causal ? hp_smaller(HP(keys), here + 1) : HP(keys)) - base - lane % 4 * 2;
                        const int seen = here < HP(queries) ? (int)hp_smaller(ahead, KEYS) : 0;
                        @row
#pragma unroll
                        for (int n = 0; n < KEYS / 8; ++n)
#pragma unroll
                            for (int k = 0; k < 2; ++k) {
                                float x = -INFINITY;
                                if (8 * n + k < seen) {
                                    x = score[t][n][2 * h + k] * factor;
                                    @score
                                }
                                score[t][n][2 * h + k] = x;
                            }
                    }
            }
            const float unit = careful ? 1.0f : factor;
            hp_u32 share[TILES][KEYS / 16][4];
#pragma unroll
            for (int t = 0; t < TILES; ++t)
#pragma unroll
                for (int h = 0; h < 2; ++h) {
                    float best = -INFINITY;
#pragma unroll
                    for (int n = 0; n < KEYS / 8; ++n) best = fmaxf(best, fmaxf(score[t][n][2 * h], score[t][n][2 * h + 1]));
                    best = fmaxf(best, hp_swap(best, 1));
                    best = fmaxf(best, hp_swap(best, 2));
                    best = fmaxf(top[t][h], best * unit);
                    const float shift = best == -INFINITY ? 0.0f : best, scaled = hp_power_of_2(top[t][h] - shift);
                    float more = 0;
#pragma unroll
                    for (int n = 0; n < KEYS / 8; ++n) {
                        const float one = hp_power_of_2(fmaf(score[t][n][2 * h], unit, -shift));
                        const float two = hp_power_of_2(fmaf(score[t][n][2 * h + 1], unit, -shift));
                        more += one + two;
                        share[t][n / 2][n % 2 * 2 + h] = hp_pair(one, two);
                    }
                    total[t][h] = fmaf(total[t][h], scaled, more);
                    top[t][h] = best;
#pragma unroll
                    for (int n = 0; n < D / 8; ++n) {
                        sum[t][n][2 * h] *= scaled;
                        sum[t][n][2 * h + 1] *= scaled;
                    }
                }
            hp_arrive();
            __syncthreads();
            hp_tile<D, KEYS, THREADS>(keys, key, base + KEYS, limit, HP(key_row), HP(key_column), (int)HP(depth), key_pieces);
#pragma unroll
            for (int k = 0; k < KEYS / 16; ++k)
#pragma unroll
                for (int n = 0; n < D / 16; ++n) {
                    hp_u32 right[4];
                    hp_columns<D>(right, of_values, 16 * k, 16 * n);
#pragma unroll
                    for (int t = 0; t < TILES; ++t) {
                        hp_multiply(sum[t][2 * n], share[t][k], right[0], right[1]);
                        hp_multiply(sum[t][2 * n + 1], share[t][k], right[2], right[3]);
                    }
                }
        }
        hp_arrive();
#pragma unroll
        for (int t = 0; t < TILES; ++t)
#pragma unroll
            for (int h = 0; h < 2; ++h) {
                float all = total[t][h];
                all += hp_swap(all, 1);
                all += hp_swap(all, 2);
                const hp_i64 here = row + own + 16 * t + lane / 4 + 8 * h;
                if (here >= HP(queries)) continue;
                const float best = top[t][h] == -INFINITY ? 0.0f : top[t][h];
                if (lane % 4 == 0)
                    HP(total)[hp_batch(batch, HP(sizes), HP(total_batch)) + here] = best * 0.6931471805599453f + logf(all);
                hp_u16 *const out = HP(out) + (batch * HP(queries) + here) * HP(width);
                const float part = all == 0 ? 0.0f : 1.0f / all;
#pragma unroll
                for (int n = 0; n < D / 8; ++n)
                    hp_put(out, 8 * n + lane % 4 * 2, (int)HP(width), sum[t][n][2 * h] * part, sum[t][n][2 * h + 1] * part);
            }
    }
}
"""

PUT: Final = """
// Two neighbouring elements of a dense row, of which there are ``width``.
__device__ __forceinline__ void hp_put(hp_u16 *row, int at, int width, float one, float two) {
    const hp_u32 both = hp_pair(one, two);
    if (at + 1 < width && width % 2 == 0) {
        *(hp_u32 *)(row + at) = both;
    } else {
        if (at < width) row[at] = (hp_u16)both;
        if (at + 1 < width) row[at + 1] = (hp_u16)(both >> 16);
    }
}
"""


def filled(text: str, key: OpKey, **parts: str) -> str:
    """A template's text for a key."""
    flags = {"causal": ("causal", True) in key.attributes, "masked": ("mask", None) not in key.attributes}
    for name, part in (*((name, str(value).lower()) for name, value in flags.items()), *parts.items()):
        text = text.replace(f"@{name}", part)
    return text


def forward_text(source: Source, key: OpKey, operands: list[tuple[str, str]]) -> str:
    """The kernels of :func:`forms_of`; ``operands`` are names and types."""
    pointers = " ".join(
        f"const {kind} *const {name} = HP({name}) + hp_batch(batch, HP(sizes), HP({name}_batch));"
        for name, kind in operands
    )
    place = "here * HP(mask_row) + (base + lane % 4 * 2) * HP(mask_column)"
    row, score = mask_text(source, key, place, "8 * n + k", "HP(mask_column)")
    text = definitions(source, key.dtypes[0]) + PUT + filled(_FORWARD, key, pointers=pointers, row=row, score=score)
    for form in forms_of(key):
        call = f"hp_attend<{form.size}, {form.tiles}, {form.warps}>(g);"
        text += f"HP_KERNEL(HP_WARPS_{form.warps}) {form.name}(HP_FRAME) {{ {call} }}\n"
    return text
