"""Scans, order, and moving elements by index."""

from __future__ import annotations

from typing import Any

from benchmarks.workloads import Call, workload


@workload("cumsum over rows, 2000x2000", "order and index", 1.0)
def cumsum(lib: Any, device: Any) -> Call:
    x = lib.randn(2000, 2000, device=device)
    return lambda: lib.cumsum(x, 1)


@workload("sort, 1M", "order and index", 1.0)
def sort(lib: Any, device: Any) -> Call:
    x = lib.randn(1_000_000, device=device)
    return lambda: lib.sort(x)


@workload("topk 10 of rows, 1000x1000", "order and index", 1.0)
def topk(lib: Any, device: Any) -> Call:
    x = lib.randn(1000, 1000, device=device)
    return lambda: lib.topk(x, 10)


@workload("gather, 2000x2000", "order and index", 1.0)
def gather(lib: Any, device: Any) -> Call:
    x, index = lib.randn(2000, 2000, device=device), lib.randint(0, 2000, (2000, 2000), device=device)
    return lambda: lib.gather(x, 1, index)


@workload("index_add of 100,000 rows of 64", "order and index", 1.0)
def index_add(lib: Any, device: Any) -> Call:
    x, source = lib.zeros(1000, 64, device=device), lib.randn(100_000, 64, device=device)
    index = lib.randint(0, 1000, (100_000,), device=device)
    return lambda: lib.index_add(x, 0, index, source)


@workload("embedding backward, 16,384 of 10,000x128", "order and index", 1.0)
def embedding(lib: Any, device: Any) -> Call:
    table = lib.randn(10_000, 128, device=device, requires_grad=True)
    index, grad = lib.randint(0, 10_000, (16_384,), device=device), lib.randn(16_384, 128, device=device)

    def call() -> Any:
        table.grad = None
        lib.nn.functional.embedding(index, table).backward(grad)
        return table.grad

    return call
