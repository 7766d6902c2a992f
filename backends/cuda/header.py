"""The one header of every kernel: all that differs between CUDA, AMD's HIP and the emulator is behind these names.

A kernel's text uses nothing else of the language than C++ and what stands here or in CUDA's and HIP's common part
(``threadIdx``, ``__shared__``, ``__syncthreads``, ``atomicAdd``, ``atomicCAS``, the functions of ``math.h``).
"""

from __future__ import annotations

import re
from typing import Final

THREADS: Final = 256
"""Threads of nearly all blocks; a multiple of the 32 or 64 lanes that run in step."""
WARP: Final = 32
"""Lanes that exchange values: on hardware with 64, two groups of 32."""

HEADER: Final = """
#ifndef HP_EXTERN
#define HP_EXTERN extern "C"
#endif
#define HP_KERNEL(threads) HP_EXTERN __global__ void __launch_bounds__(threads)
#define HP_INLINE static __device__ __forceinline__
typedef unsigned char hp_u8;
typedef unsigned short hp_u16;
typedef unsigned int hp_u32;
typedef unsigned long long hp_u64;
typedef long long hp_i64;
#ifndef NAN
#define NAN (__int_as_float(0x7fffffff))
#endif
#ifndef INFINITY
#define INFINITY (__int_as_float(0x7f800000))
#endif

#if defined(__HIP__) || defined(__HIPCC__)
#define HP_BY_VALUE const
#define hp_swap(value, mask) __shfl_xor(value, mask, 32)
#define hp_lower(value, distance) __shfl_up(value, distance, 32)
#define hp_from_lane(value, lane) __shfl(value, lane, 32)
#else
#if !defined(HP_EMULATED)
#pragma nv_diag_suppress 186  // one text serves signed and unsigned integers: x < 0 may be pointless
#endif
#define HP_BY_VALUE const __grid_constant__
#define hp_swap(value, mask) __shfl_xor_sync(0xffffffffu, value, mask, 32)
#define hp_lower(value, distance) __shfl_up_sync(0xffffffffu, value, distance, 32)
#define hp_from_lane(value, lane) __shfl_sync(0xffffffffu, value, lane, 32)
#if !defined(HP_EMULATED)
#define HP_HAS_float16
__device__ __forceinline__ float hp_read_float16(unsigned short bits) {
    float value;
    asm("cvt.f32.f16 %0, %1;" : "=f"(value) : "h"(bits));
    return value;
}
__device__ __forceinline__ unsigned short hp_write_float16(float value) {
    unsigned short bits;
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(value));
    return bits;
}
#if __CUDA_ARCH__ >= 800
#define HP_HAS_bfloat16
__device__ __forceinline__ unsigned short hp_write_bfloat16(float value) {
    unsigned short bits;
    asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(bits) : "f"(value));
    return bits;
}
#endif
#endif
#endif

__device__ __forceinline__ hp_u64 hp_bits_of_double(double value) { return (hp_u64)__double_as_longlong(value); }
__device__ __forceinline__ double hp_double_of_bits(hp_u64 bits) { return __longlong_as_double((long long)bits); }
__device__ __forceinline__ hp_i64 hp_smaller(hp_i64 a, hp_i64 b) { return a < b ? a : b; }
// n / divisor for 0 <= n < 2**31, by multiplication (Granlund and Montgomery, 1994).
__device__ __forceinline__ int hp_quotient(int n, int factor, int shift) {
    return (int)((__umulhi((hp_u32)n, (hp_u32)factor) + (hp_u32)n) >> shift);
}
// The error word of the device: the first index out of range is kept.
struct hp_fault_t { int code; int unused; hp_i64 value; hp_i64 size; };
__device__ __forceinline__ void hp_fail(hp_fault_t *fault, int code, hp_i64 value, hp_i64 size) {
    if (atomicCAS(&fault->code, 0, code) == 0) {
        fault->value = value;
        fault->size = size;
    }
}
// Elements that are moved by one instruction.
template <typename T, int N> struct alignas(sizeof(T) * N) hp_pack { T v[N]; };
"""
"""Stands first in every source."""

_HALF: Final = re.compile(
    r"(?P<head>hp_(?P<way>from|to)_half_(?P<kind>b?float16)\((?:float|hp_u16) (?P<argument>\w+)\) \{\n)(?P<body>.*?)\n\}",
    re.DOTALL,
)


def with_hardware(text: str) -> str:
    """A source in which the portable conversions of half types give way to instructions where there are some."""

    def choose(found: re.Match[str]) -> str:
        if found["way"] == "from" and found["kind"] == "bfloat16":
            return found[0]  # a shift: there is nothing better
        name = f"hp_{'read' if found['way'] == 'from' else 'write'}_{found['kind']}"
        return (
            f"{found['head']}#ifdef HP_HAS_{found['kind']}\n    return {name}({found['argument']});\n#else\n"
            f"{found['body']}\n#endif\n}}"
        )

    return _HALF.sub(choose, text)
