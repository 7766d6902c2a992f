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
void hp_emulated_product(float *sums, const unsigned int *left, const unsigned int *right, int brain);
void hp_emulated_matrices(unsigned int *found, const void *row, int turned);
void hp_emulated_fetch(void *to, const void *from, int valid);
void hp_emulated_commit();
void hp_emulated_arrive(int left);
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
enum { MOST = 1024, STACK = 1 << 16, WARP = 32, LARGEST = 32, FETCHES = 128, GROUPS = 8 };
struct Fetch { void *to; const void *from; int valid; };
struct Thread {
    State state;
    bool born;
    int turn;
    jmp_buf jump;
    alignas(16) char slot[2][LARGEST];
    int fetches, groups;  // copies on their way to shared memory, and where the groups of them end
    int ends[GROUPS];
    Fetch fetch[FETCHES];
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
        threads[current].fetches = threads[current].groups = 0;
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

namespace {
float widened(unsigned int bits, int brain) {
    unsigned int found = bits << 16;
    if (!brain) {
        const unsigned int sign = (bits & 0x8000u) << 16, power = bits >> 10 & 31u, rest = bits & 1023u;
        if (power == 0) {
            const float value = (float)rest * 5.9604644775390625e-8f;
            return sign ? -value : value;
        }
        found = sign | (power == 31 ? 0x7f800000u : (power + 112) << 23) | rest << 13;
    }
    float value;
    memcpy(&value, &found, 4);
    return value;
}
float element(const char *slot, int at, int brain) {
    unsigned short bits;
    memcpy(&bits, slot + 2 * at, 2);
    return widened(bits, brain);
}
}

// mma.m16n8k16 of the PTX manual: lane l has of the left matrix, two elements a register, rows l / 4 and l / 4 + 8 at
// depths l % 4 * 2 and 8 more; of the right one column l / 4 at the same depths; of the sums those rows, columns l % 4 * 2.
extern "C" void hp_emulated_product(float *sums, const unsigned int *left, const unsigned int *right, int brain) {
    Thread &own = threads[current];
    const int turn = own.turn, base = current & ~(WARP - 1), lane = current & (WARP - 1);
    own.turn = !turn;
    memcpy(own.slot[turn], left, 16);
    memcpy(own.slot[turn] + 16, right, 8);
    wait(AT_WARP);
    for (int k = 0; k < 4; ++k) {
        const int row = lane / 4, upper = k / 2, column = lane % 4 * 2 + k % 2;
        for (int depth = 0; depth < 16; ++depth) {
            const int from = depth % 8 / 2, half = depth / 8;
            const char *mine = threads[base + row * 4 + from].slot[turn];
            const char *other = threads[base + column * 4 + from].slot[turn];
            const float x = element(mine, 2 * (upper + 2 * half) + depth % 2, brain);
            sums[k] += x * element(other + 16, 2 * half + depth % 2, brain);
        }
    }
}

// ldmatrix.x4: lane l names row l % 8 of matrix l / 8, and gets two elements of row l / 4 of each; or of column l / 4.
extern "C" void hp_emulated_matrices(unsigned int *found, const void *row, int turned) {
    Thread &own = threads[current];
    const int turn = own.turn, base = current & ~(WARP - 1), lane = current & (WARP - 1);
    own.turn = !turn;
    if ((size_t)row % 16 != 0) complaint = 4;
    memcpy(own.slot[turn], row, 16);
    wait(AT_WARP);
    for (int k = 0; k < 4; ++k) {
        unsigned short pair[2];
        for (int e = 0; e < 2; ++e) {
            const int down = turned ? lane % 4 * 2 + e : lane / 4, over = turned ? lane / 4 : lane % 4 * 2 + e;
            memcpy(&pair[e], threads[base + 8 * k + down].slot[turn] + 2 * over, 2);
        }
        memcpy(&found[k], pair, 4);
    }
}

// cp.async: nothing is there before the thread waits for it, and what was there is gone at once.
extern "C" void hp_emulated_fetch(void *to, const void *from, int valid) {
    Thread &own = threads[current];
    if ((size_t)to % 16 != 0 || (valid != 0 && (size_t)from % 16 != 0)) complaint = 4;
    if (own.fetches == FETCHES) complaint = 5;
    else own.fetch[own.fetches++] = {to, from, valid};
    memset(to, 255, 16);
}

extern "C" void hp_emulated_commit() {
    Thread &own = threads[current];
    if (own.groups == GROUPS) complaint = 5;
    else own.ends[own.groups++] = own.fetches;
}

extern "C" void hp_emulated_arrive(int left) {
    Thread &own = threads[current];
    const int groups = own.groups - left;
    if (groups <= 0) return;
    const int done = own.ends[groups - 1];
    for (int k = 0; k < done; ++k) {
        memcpy(own.fetch[k].to, own.fetch[k].from, own.fetch[k].valid);
        memset((char *)own.fetch[k].to + own.fetch[k].valid, 0, 16 - own.fetch[k].valid);
    }
    for (int k = done; k < own.fetches; ++k) own.fetch[k - done] = own.fetch[k];
    own.fetches -= done;
    for (int k = groups; k < own.groups; ++k) own.ends[k - groups] = own.ends[k] - done;
    own.groups = left;
}

// 0, or what a kernel did that would hang or be undefined on a device: 1 an exchange without all lanes of a warp, 2 a
// barrier that some threads of the block never reach, 3 more threads than a block may have, 4 a matrix or a copy to shared
// memory that is not aligned to 16 bytes, 5 more copies on their way than the emulator keeps.
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
    complaint = 0;
    for (blockIdx.z = 0; blockIdx.z < z && !found; ++blockIdx.z)
        for (blockIdx.y = 0; blockIdx.y < y && !found; ++blockIdx.y)
            for (blockIdx.x = 0; blockIdx.x < x && !found; ++blockIdx.x) {
                if (meets) {
                    found = run_block(count);
                    if (!found) found = complaint;
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
