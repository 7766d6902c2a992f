"""Reductions and normalisations of rows and columns."""

from __future__ import annotations

from typing import Any

from benchmarks.workloads import Call, workload

_ROWS = {
    "softmax": lambda lib, x: lib.softmax(x, -1),
    "log_softmax": lambda lib, x: lib.log_softmax(x, -1),
    "layer_norm": lambda lib, x: lib.nn.functional.layer_norm(x, (1024,)),
    "rms_norm": lambda lib, x: lib.nn.functional.rms_norm(x, (1024,)),
}
_REDUCTIONS = ("sum", "mean", "var", "amax", "argmax")


def _normalisation(name: str) -> None:
    @workload(f"{name}, 4096x1024", "rows", 0.8)
    def forward(lib: Any, device: Any) -> Call:
        x = lib.randn(4096, 1024, device=device)
        return lambda: _ROWS[name](lib, x)

    @workload(f"{name}, 4096x1024, forward and backward", "rows", 0.8)
    def both(lib: Any, device: Any) -> Call:
        x, grad = lib.randn(4096, 1024, device=device, requires_grad=True), lib.randn(4096, 1024, device=device)

        def call() -> Any:
            x.grad = None
            _ROWS[name](lib, x).backward(grad)
            return x.grad

        return call


def _reduction(name: str, over: str, dim: int | None) -> None:
    @workload(f"{name} over {over}, 2000x2000", "reductions", 1.0)
    def forward(lib: Any, device: Any) -> Call:
        x = lib.randn(2000, 2000, device=device)
        function = getattr(lib, name)
        return (lambda: function(x)) if dim is None else (lambda: function(x, dim))


for _name in _ROWS:
    _normalisation(_name)
for _name in _REDUCTIONS:
    for _over, _dim in (("all", None), ("rows", 1), ("columns", 0)):
        _reduction(_name, _over, _dim)
