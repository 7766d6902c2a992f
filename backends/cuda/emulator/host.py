"""C++ that stands for CUDA: what a kernel's text needs to be compiled by the system compiler, and what runs it."""

from __future__ import annotations

from typing import Final

_ONE: Final = (
    "exp exp2 expm1 log log2 log10 log1p sqrt sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh erf erfc "
    "floor ceil trunc rint fabs"
).split()
_TWO: Final = "pow atan2 hypot copysign nextafter fmod fmax fmin ldexp".split()


def _declarations() -> str:
    """The mathematical functions, declared by hand: the system's headers would take most of the compilation."""
    lines = [f"double {name}(double); float {name}f(float);" for name in _ONE]
    for name in _TWO:
        other = ("int", "int") if name == "ldexp" else ("double", "float")
        lines.append(f"double {name}(double, {other[0]}); float {name}f(float, {other[1]});")
    lines.append("double fma(double, double, double); float fmaf(float, float, float);")
    return "\n".join(lines)


PRELUDE: Final = (
    """
#define HP_EMULATED
#define HP_EXTERN static
#define NAN __builtin_nanf("")
#define INFINITY __builtin_inff()
#define __global__
#define __device__
#define __forceinline__ inline
#define __noinline__ __attribute__((noinline))
#define __shared__ static
#define __launch_bounds__(threads)
#define __grid_constant__
struct hp_index { unsigned int x, y, z; };
extern "C" {
extern hp_index threadIdx, blockIdx, gridDim, blockDim;
void hp_barrier();
void *hp_meet(const void *value, unsigned int size, int lane);
"""
    + _declarations()
    + """
}
#define __syncthreads hp_barrier
template <typename T> static inline T hp_exchanged(T value, int lane) {
    return *(T *)hp_meet(&value, sizeof(T), lane);
}
template <typename T> static inline T __shfl_xor_sync(unsigned int, T value, int mask, int) {
    return hp_exchanged(value, (int)(threadIdx.x & 31u) ^ mask);
}
template <typename T> static inline T __shfl_sync(unsigned int, T value, int lane, int) {
    return hp_exchanged(value, lane & 31);
}
template <typename T> static inline T __shfl_up_sync(unsigned int, T value, unsigned int distance, int) {
    const int lane = (int)(threadIdx.x & 31u);
    return hp_exchanged(value, lane < (int)distance ? lane : lane - (int)distance);
}
// Threads run one at a time: what is atomic on a device is an ordinary statement here.
template <typename T, typename U> static inline T atomicAdd(T *place, U value) {
    const T old = *place;
    *place = (T)(old + value);
    return old;
}
template <typename T, typename U, typename V> static inline T atomicCAS(T *place, U expected, V value) {
    const T old = *place;
    if (old == (T)expected) *place = (T)value;
    return old;
}
template <typename T, typename F> static inline T hp_same_bits(F from) {
    T to;
    __builtin_memcpy(&to, &from, sizeof(T));
    return to;
}
static inline unsigned int __float_as_uint(float x) { return hp_same_bits<unsigned int>(x); }
static inline float __uint_as_float(unsigned int x) { return hp_same_bits<float>(x); }
static inline float __int_as_float(int x) { return hp_same_bits<float>(x); }
static inline int __float_as_int(float x) { return hp_same_bits<int>(x); }
static inline long long __double_as_longlong(double x) { return hp_same_bits<long long>(x); }
static inline double __longlong_as_double(long long x) { return hp_same_bits<double>(x); }
static inline unsigned int __umulhi(unsigned int a, unsigned int b) {
    return (unsigned int)(((unsigned long long)a * b) >> 32);
}
"""
)
"""Stands before the header of every kernel."""

RUNTIME: Final = r"""
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

struct hp_index { unsigned int x, y, z; };
extern "C" { hp_index threadIdx, blockIdx, gridDim, blockDim; }

namespace {
enum State { READY, AT_WARP, AT_BARRIER, DONE };
enum { MOST = 1024, STACK = 1 << 16, WARP = 32, LARGEST = 16 };
struct Thread {
    State state;
    bool born;
    int turn;
    jmp_buf jump;
    alignas(16) char slot[2][LARGEST];
};
Thread threads[MOST];
jmp_buf scheduler;
char *stacks = nullptr;
void (*entry)(const void *);
const void *parameter;
volatile int current;
volatile int complaint;

// A thread lives on: it runs the kernel once for each block.
void live() {
    for (;;) {
        entry(parameter);
        threads[current].state = DONE;
        if (_setjmp(threads[current].jump) == 0) _longjmp(scheduler, 1);
    }
}

void resume(int number) {
    current = number;
    threadIdx.x = number;
    if (_setjmp(scheduler) != 0) return;
    Thread &thread = threads[number];
    if (thread.born) _longjmp(thread.jump, 1);
    thread.born = true;
    static ucontext_t context, back;
    getcontext(&context);
    context.uc_stack.ss_sp = stacks + (size_t)number * STACK;
    context.uc_stack.ss_size = STACK;
    context.uc_link = nullptr;
    makecontext(&context, live, 0);
    swapcontext(&back, &context);
}

void wait(State state) {
    const int number = current;
    threads[number].state = state;
    if (_setjmp(threads[number].jump) == 0) _longjmp(scheduler, 1);
}

// All lanes of a warp until each has finished or waits at a barrier.
bool run_warp(int first, int last) {
    for (;;) {
        int waiting = 0, elsewhere = 0;
        for (int number = first; number < last; ++number) {
            if (threads[number].state == READY) resume(number);
            (threads[number].state == AT_WARP ? waiting : elsewhere) += 1;
        }
        if (waiting == 0) return true;
        if (elsewhere != 0) return false;
        for (int number = first; number < last; ++number) threads[number].state = READY;
    }
}

int run_block(int count) {
    for (int number = 0; number < count; ++number) threads[number].state = READY;
    for (;;) {
        for (int first = 0; first < count; first += WARP)
            if (!run_warp(first, first + WARP < count ? first + WARP : count)) return 1;
        int waiting = 0;
        for (int number = 0; number < count; ++number) waiting += threads[number].state == AT_BARRIER;
        if (waiting == 0) return 0;
        if (waiting != count) return 2;
        for (int number = 0; number < count; ++number) threads[number].state = READY;
    }
}
}

extern "C" void hp_barrier() { wait(AT_BARRIER); }

// A thread cannot be two meetings ahead of another of its warp: two slots are enough.
extern "C" void *hp_meet(const void *value, unsigned int size, int lane) {
    Thread &own = threads[current];
    const int turn = own.turn;
    own.turn = !turn;
    memcpy(own.slot[turn], value, size);
    const int base = current & ~(WARP - 1);
    wait(AT_WARP);
    return threads[base + lane].slot[turn];
}

// 0, or what a kernel did that would hang or be undefined on a device: 1 an exchange without all lanes of a warp, 2 a
// barrier that some threads of the block never reach, 3 more threads than a block may have.
extern "C" int hp_emulate(void (*kernel)(const void *), const void *frame, unsigned int x, unsigned int y,
                          unsigned int z, unsigned int count, int meets) {
    if (count > MOST) return 3;
    entry = kernel;
    parameter = frame;
    gridDim = {x, y, z};
    blockDim = {count, 1, 1};
    threadIdx = {0, 0, 0};
    if (stacks == nullptr) {
        void *memory = mmap(nullptr, (size_t)MOST * STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED) return 3;
        stacks = (char *)memory;
    }
    int found = 0;
    for (blockIdx.z = 0; blockIdx.z < z && !found; ++blockIdx.z)
        for (blockIdx.y = 0; blockIdx.y < y && !found; ++blockIdx.y)
            for (blockIdx.x = 0; blockIdx.x < x && !found; ++blockIdx.x) {
                if (meets) {
                    found = run_block(count);
                } else {
                    for (threadIdx.x = 0; threadIdx.x < count; ++threadIdx.x) kernel(frame);
                }
            }
    if (found)  // their stacks hold the middle of a kernel, and some have met more often than others
        for (int number = 0; number < MOST; ++number) threads[number].born = false, threads[number].turn = 0;
    return found;
}
"""
"""Runs a kernel: threads are fibers that change at barriers and exchanges, block after block."""
