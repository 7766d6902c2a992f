"""The emulator behaves as a GPU does: threads wait for each other, exchange values, and misuse is found."""

from __future__ import annotations

import numpy as np
import pytest

from hotplug.backends.cuda.emulator.driver import EmulatedDriver
from hotplug.backends.cuda.header import HEADER
from hotplug.errors import DeviceError
from hotplug.runtime import Runtime

FRAME = """
typedef struct { hp_i64 p[1]; int w[2]; } hp_frame_t;
#define HP(field) g.field
#define HP_FRAME HP_BY_VALUE hp_frame_t g
"""


def ran(body: str, count: int, grid: tuple[int, int, int] = (1, 1, 1), threads: int = 64) -> list[int]:
    """What a kernel leaves in an array of int32."""
    driver = EmulatedDriver()
    text = HEADER + FRAME + f"HP_KERNEL(64) hp_test(HP_FRAME) {{\nint *out = (int *)HP(p[0]);\n{body}\n}}\n"
    function = driver.function(driver.compile("test", text), "hp_test")
    address = driver.allocate(4 * count)
    driver.write(address, memoryview(bytes(4 * count)))
    driver.launch(function, grid, threads, address.to_bytes(8, "little") + bytes(8))
    return np.frombuffer(driver.read(address, 4 * count), np.int32).tolist()


def test_threads_and_blocks_have_their_numbers(emulated: Runtime) -> None:
    found = ran("out[(blockIdx.y * gridDim.x + blockIdx.x) * blockDim.x + threadIdx.x] = 100 * blockIdx.y + 10 * blockIdx.x + "
                "threadIdx.x;", 12, (2, 2, 1), 3)  # fmt: skip
    assert found == [0, 1, 2, 10, 11, 12, 100, 101, 102, 110, 111, 112]


def test_a_barrier_is_waited_for(emulated: Runtime) -> None:
    body = "__shared__ int shared[64]; shared[threadIdx.x] = threadIdx.x; __syncthreads();"
    body += "out[threadIdx.x] = shared[63 - threadIdx.x];"
    assert ran(body, 64) == list(range(63, -1, -1))


def test_lanes_exchange_values(emulated: Runtime) -> None:
    assert ran("out[threadIdx.x] = hp_swap((int)threadIdx.x, 1);", 64) == [each ^ 1 for each in range(64)]
    lower = [each if each % 32 < 2 else each - 2 for each in range(64)]
    assert ran("out[threadIdx.x] = hp_lower((int)threadIdx.x, 2);", 64) == lower
    assert ran("out[threadIdx.x] = hp_from_lane((int)threadIdx.x, 5);", 64) == [5] * 32 + [37] * 32
    summed = "int v = threadIdx.x; for (int d = 16; d > 0; d >>= 1) v += hp_swap(v, d); out[threadIdx.x] = v;"
    assert ran(summed, 64) == [sum(range(32))] * 32 + [sum(range(32, 64))] * 32


def test_atomics_lose_nothing(emulated: Runtime) -> None:
    assert ran("atomicAdd(out, 2); atomicCAS(out + 1, 0, (int)threadIdx.x + 7);", 2, (3, 1, 1)) == [384, 7]


def test_a_barrier_that_some_threads_miss_is_found(emulated: Runtime) -> None:
    with pytest.raises(DeviceError, match="barrier is not reached by all threads"):
        ran("if (threadIdx.x < 8) __syncthreads(); out[0] = 1;", 1)
    assert ran("__syncthreads(); out[0] = 1;", 1) == [1]  # and the emulator goes on


def test_an_exchange_that_some_lanes_miss_is_found(emulated: Runtime) -> None:
    with pytest.raises(DeviceError, match="exchange values"):
        ran("if (threadIdx.x == 3) return; out[threadIdx.x] = hp_swap(1, 1);", 64)
    swapped = ran("out[threadIdx.x] = hp_swap((int)threadIdx.x, 1);", 64)
    assert swapped == [each ^ 1 for each in range(64)]  # and the emulator goes on


def test_what_does_not_compile_is_reported_with_the_reason(emulated: Runtime) -> None:
    with pytest.raises(DeviceError, match="nonsense"):
        ran("nonsense;", 1)
