"""Elementwise ops on four million float32 elements, and what a call costs."""

from __future__ import annotations

from typing import Any

from benchmarks.workloads import Call, workload

_SIZE = 4_000_000
_OPS = {
    "add": lambda lib, x, y: x + y,
    "mul": lambda lib, x, y: x * y,
    "exp": lambda lib, x, y: lib.exp(x),
    "tanh": lambda lib, x, y: lib.tanh(x),
    "gelu": lambda lib, x, y: lib.nn.functional.gelu(x),
    "sigmoid": lambda lib, x, y: lib.sigmoid(x),
    "where": lambda lib, x, y: lib.where(x > 0, x, y),
    "transpose copy": lambda lib, x, y: x.view(2000, 2000).t().contiguous(),
}


@workload("a + b, 4 floats", "a call", 2.0)
def small_add(lib: Any, device: Any) -> Call:
    """Nothing but the library's own cost."""
    a, b = lib.ones(4, device=device), lib.ones(4, device=device)
    return lambda: a + b


@workload("a + b, 4 floats, with a gradient", "a call", 2.0)
def small_add_grad(lib: Any, device: Any) -> Call:
    """The same, recorded."""
    a, b = lib.ones(4, device=device, requires_grad=True), lib.ones(4, device=device)
    return lambda: a + b


def _forward(name: str) -> None:
    @workload(f"{name}, 4M", "elementwise", 1.0 if name not in ("where", "transpose copy") else 0.0)
    def forward(lib: Any, device: Any) -> Call:
        x, y = (lib.randn(_SIZE, device=device) for _ in range(2))
        return lambda: _OPS[name](lib, x, y)


def _both(name: str) -> None:
    @workload(f"{name}, 4M, forward and backward", "elementwise", 0.7)
    def both(lib: Any, device: Any) -> Call:
        x, y = (lib.randn(_SIZE, device=device, requires_grad=True) for _ in range(2))
        ones = lib.ones(_SIZE, device=device)

        def call() -> Any:
            x.grad = y.grad = None
            _OPS[name](lib, x, y).backward(ones)
            return x.grad

        return call


for _name in _OPS:
    _forward(_name)
    if _name not in ("where", "transpose copy"):
        _both(_name)
