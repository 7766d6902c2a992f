"""Matrix products and convolutions."""

from __future__ import annotations

from typing import Any

from benchmarks.workloads import Call, workload

_CONVOLUTIONS = {
    "32x64x32x32, 3x3 to 64": ((32, 64, 32, 32), (64, 64, 3, 3), {"padding": 1}),
    "32x3x64x64, 7x7 to 64": ((32, 3, 64, 64), (64, 3, 7, 7), {"padding": 3}),
    "32x256x8x8, 3x3 to 256": ((32, 256, 8, 8), (256, 256, 3, 3), {"padding": 1}),
    "8x64x56x56, 3x3 to 64": ((8, 64, 56, 56), (64, 64, 3, 3), {"padding": 1}),
    "8x64x56x56, 1x1 to 256": ((8, 64, 56, 56), (256, 64, 1, 1), {}),
    "8x64x56x56, 3x3 depthwise": ((8, 64, 56, 56), (64, 1, 3, 3), {"padding": 1, "groups": 64}),
    "8x64x56x56, 3x3 to 128, stride 2": ((8, 64, 56, 56), (128, 64, 3, 3), {"padding": 1, "stride": 2}),
    "8x3x224x224, 7x7 to 64, stride 2": ((8, 3, 224, 224), (64, 3, 7, 7), {"padding": 3, "stride": 2}),
}


def _matmul(name: str, left: tuple[int, ...], right: tuple[int, ...]) -> None:
    @workload(f"matmul {name}", "products", 1.1)
    def forward(lib: Any, device: Any) -> Call:
        a, b = lib.randn(*left, device=device), lib.randn(*right, device=device)
        return lambda: lib.matmul(a, b)


def _convolution(name: str, shape: tuple[int, ...], kernel: tuple[int, ...], options: dict[str, int]) -> None:
    @workload(f"conv2d {name}", "convolutions", 1.0)
    def forward(lib: Any, device: Any) -> Call:
        x, w = lib.randn(*shape, device=device), lib.randn(*kernel, device=device)
        return lambda: lib.conv2d(x, w, **options)

    @workload(f"conv2d {name}, forward and backward", "convolutions", 1.0)
    def both(lib: Any, device: Any) -> Call:
        x, w = (lib.randn(*each, device=device, requires_grad=True) for each in (shape, kernel))
        grad = lib.ones_like(lib.conv2d(x, w, **options).detach())

        def call() -> Any:
            x.grad = w.grad = None
            lib.conv2d(x, w, **options).backward(grad)
            return w.grad

        return call


for _size in (64, 256, 512, 1024, 2048):
    _matmul(f"{_size}", (_size, _size), (_size, _size))
_matmul("96x128x64, batched 64", (64, 96, 128), (64, 128, 64))
_matmul("tall 20000x64x64", (20000, 64), (64, 64))
_matmul("skinny 64x20000x64", (64, 20000), (20000, 64))
for _name, (_shape, _kernel, _options) in _CONVOLUTIONS.items():
    _convolution(_name, _shape, _kernel, _options)
