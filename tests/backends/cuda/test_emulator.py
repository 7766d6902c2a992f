"""The emulator behaves as a GPU does: threads wait for each other, exchange values, and misuse is found."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import hotplug as hp
from hotplug.backend.render import Source
from hotplug.backends.cuda.dialect import CUDA
from hotplug.backends.cuda.emulator.driver import EmulatedDriver
from hotplug.backends.cuda.header import HEADER
from hotplug.backends.cuda.tensor_cores import definitions
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


def tensor_cores(body: str, kind: Any, given: list[np.ndarray[Any, Any]], count: int) -> np.ndarray[Any, Any]:
    """What one warp, with the functions of tensor cores, leaves in an array of float32; ``given`` are arrays of uint16."""
    driver, source = EmulatedDriver(), Source(CUDA)
    names = "".join(f"hp_u16 *in{n} = (hp_u16 *)HP(p[{n + 1}]);\n" for n in range(len(given)))
    frame = FRAME.replace("p[1]", f"p[{1 + len(given)}]")
    functions = definitions(source, kind)
    lane = "const int lane = threadIdx.x;\n"
    kernel = f"HP_KERNEL(32) hp_test(HP_FRAME) {{\nfloat *out = (float *)HP(p[0]);\n{names}{lane}{body}\n__syncthreads();\n}}\n"
    function = driver.function(driver.compile("test", HEADER + source.text(frame, functions + kernel)), "hp_test")
    places = [driver.allocate(4 * count), *(driver.allocate(each.nbytes) for each in given)]
    for place, each in zip(places[1:], given, strict=True):
        driver.write(place, memoryview(np.ascontiguousarray(each)).cast("B"))
    packed = b"".join(place.to_bytes(8, "little") for place in places) + bytes(8)
    driver.launch(function, (1, 1, 1), 32, packed)
    return np.frombuffer(driver.read(places[0], 4 * count), np.float32)


def halves(values: np.ndarray[Any, Any], kind: Any) -> np.ndarray[Any, Any]:
    """Numbers as the bits of a half type."""
    bits: np.ndarray[Any, Any] = hp.tensor(values.astype(np.float32)).to(kind).view(hp.uint16).numpy()
    return bits


@pytest.mark.parametrize("kind", [hp.float16, hp.bfloat16])
def test_a_product_of_a_warp(emulated: Runtime, kind: Any) -> None:
    """Elements by the tables of the PTX manual for ``mma.m16n8k16``, filled and read here by hand."""
    rng = np.random.default_rng(0)
    left, right = rng.integers(-8, 8, (16, 16)), rng.integers(-8, 8, (16, 8))
    body = """
    const int group = lane / 4, member = lane % 4 * 2;
    hp_u32 a[4], b[2];
    for (int k = 0; k < 4; ++k) {
        const int at = (group + k % 2 * 8) * 16 + member + k / 2 * 8;
        a[k] = in0[at] | (hp_u32)in0[at + 1] << 16;
    }
    for (int k = 0; k < 2; ++k) b[k] = in1[(member + 8 * k) * 8 + group] | (hp_u32)in1[(member + 8 * k + 1) * 8 + group] << 16;
    float sums[4] = {1, 1, 1, 1};
    hp_multiply(sums, a, b[0], b[1]);
    for (int k = 0; k < 4; ++k) out[(group + k / 2 * 8) * 8 + member + k % 2] = sums[k];
    """
    found = tensor_cores(body, kind, [halves(left, kind), halves(right, kind)], 128)
    assert found.reshape(16, 8).tolist() == (left @ right + 1).tolist()


@pytest.mark.parametrize("turned", [False, True])
def test_four_matrices_are_read_at_once(emulated: Runtime, turned: bool) -> None:
    values = np.arange(4 * 64, dtype=np.uint16).reshape(4, 8, 8)
    body = f"""
    alignas(16) __shared__ hp_u16 shared[256];
    for (int e = lane; e < 256; e += 32) shared[e] = in0[e];
    __syncthreads();
    hp_u32 found[4];
    {"hp_turned" if turned else "hp_matrices"}(found, hp_where(shared + 8 * lane));
    for (int k = 0; k < 4; ++k)
        for (int e = 0; e < 2; ++e) out[64 * k + lane / 4 * 8 + lane % 4 * 2 + e] = (float)(found[k] >> 16 * e & 65535u);
    """
    found = tensor_cores(body, hp.float16, [values], 256).reshape(4, 8, 8)
    assert found.tolist() == (values.swapaxes(1, 2) if turned else values).tolist()


def test_a_copy_to_shared_memory_must_be_waited_for(emulated: Runtime) -> None:
    body = """
    alignas(16) __shared__ hp_u16 shared[32 * 8];
    hp_fetch(hp_where(shared + 8 * lane), in0 + 8 * lane, lane % 2 == 0);
    hp_commit();
    const float before = shared[8 * lane];
    hp_arrive();
    out[lane] = before;
    out[32 + lane] = shared[8 * lane];
    """
    found = tensor_cores(body, hp.float16, [np.full(256, 7, np.uint16)], 64)
    assert found[:32].tolist() == [65535.0] * 32
    assert found[32:].tolist() == [7.0, 0.0] * 16


@pytest.mark.parametrize(
    "wrong", ["hp_fetch(hp_where(shared + 4), in0, true);", "hp_u32 f[4]; hp_matrices(f, hp_where(shared + 2));"]
)
def test_what_is_not_aligned_is_found(emulated: Runtime, wrong: str) -> None:
    with pytest.raises(DeviceError, match="not aligned to 16 bytes"):
        tensor_cores(f"alignas(16) __shared__ hp_u16 shared[64]; {wrong}", hp.float16, [np.zeros(64, np.uint16)], 1)
