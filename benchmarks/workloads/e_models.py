"""Whole steps of small models."""

from __future__ import annotations

from typing import Any

from benchmarks.workloads import Call, workload


def _step(lib: Any, model: Any, optimizer: Any, loss_of: Any) -> Call:
    def call() -> Any:
        optimizer.zero_grad()
        loss = loss_of(model)
        loss.backward()
        optimizer.step()
        return loss

    return call


@workload("MLP 784-512-512-10, batch 128, Adam, a step", "models", 0.7)
def mlp(lib: Any, device: Any) -> Call:
    nn = lib.nn
    layers = [nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10)]
    model = nn.Sequential(*layers).to(device)
    x, y = lib.randn(128, 784, device=device), lib.randint(0, 10, (128,), device=device)
    optimizer = lib.optim.Adam(model.parameters())
    return _step(lib, model, optimizer, lambda model: nn.functional.cross_entropy(model(x), y))


def _resnet(lib: Any) -> Any:
    nn = lib.nn

    class Block(nn.Module):  # type: ignore[misc,name-defined]
        def __init__(self, inside: int, outside: int, stride: int) -> None:
            super().__init__()
            self.conv1 = nn.Conv2d(inside, outside, 3, stride, 1, bias=False)
            self.bn1 = nn.BatchNorm2d(outside)
            self.conv2 = nn.Conv2d(outside, outside, 3, 1, 1, bias=False)
            self.bn2 = nn.BatchNorm2d(outside)
            straight = inside == outside and stride == 1
            shortcut = [] if straight else [nn.Conv2d(inside, outside, 1, stride, bias=False), nn.BatchNorm2d(outside)]
            self.shortcut = nn.Sequential(*shortcut)

        def forward(self, x: Any) -> Any:
            out = nn.functional.relu(self.bn1(self.conv1(x)))
            return nn.functional.relu(self.bn2(self.conv2(out)) + self.shortcut(x))

    layers = [nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU()]
    width = 64
    for outside, stride in ((64, 1), (128, 2), (256, 2), (512, 2)):
        layers += [Block(width, outside, stride), Block(outside, outside, 1)]
        width = outside
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 10))


@workload("ResNet-18, 32x32, batch 32, SGD, a step", "models", 0.9)
def resnet(lib: Any, device: Any) -> Call:
    model = _resnet(lib).to(device)
    x, y = lib.randn(32, 3, 32, 32, device=device), lib.randint(0, 10, (32,), device=device)
    optimizer = lib.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    return _step(lib, model, optimizer, lambda model: lib.nn.functional.cross_entropy(model(x), y))


def _gpt(lib: Any, layers: int, width: int, heads: int, tokens: int, causal: bool = True, vocabulary: int = 256) -> Any:
    nn = lib.nn

    class Block(nn.Module):  # type: ignore[misc,name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.ln1, self.ln2 = nn.LayerNorm(width), nn.LayerNorm(width)
            self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
            self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

        def forward(self, x: Any) -> Any:
            batch, time, _ = x.shape
            parts = self.qkv(self.ln1(x)).view(batch, time, 3, heads, width // heads).permute(2, 0, 3, 1, 4)
            mixed = nn.functional.scaled_dot_product_attention(parts[0], parts[1], parts[2], is_causal=causal)
            x = x + self.out(mixed.transpose(1, 2).reshape(batch, time, width))
            return x + self.down(nn.functional.gelu(self.up(self.ln2(x))))

    class Gpt(nn.Module):  # type: ignore[misc,name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.token, self.place = nn.Embedding(vocabulary, width), nn.Embedding(tokens, width)
            self.blocks = nn.ModuleList([Block() for _ in range(layers)])
            self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, vocabulary, bias=False)

        def forward(self, index: Any) -> Any:
            x = self.token(index) + self.place.weight[: index.shape[1]]
            for block in self.blocks:
                x = block(x)
            return self.head(self.norm(x))

    return Gpt()


def _gpt_step(name: str, layers: int, width: int, heads: int, batch: int, tokens: int) -> None:
    @workload(name, "models", 0.9)
    def step(lib: Any, device: Any) -> Call:
        model = _gpt(lib, layers, width, heads, tokens).to(device)
        index = lib.randint(0, 256, (batch, tokens), device=device)
        optimizer = lib.optim.AdamW(model.parameters(), lr=1e-4)
        cross_entropy = lib.nn.functional.cross_entropy
        return _step(lib, model, optimizer, lambda model: cross_entropy(model(index).view(-1, 256), index.view(-1)))


_gpt_step("GPT 4 layers, width 128, 12x64 tokens, AdamW, a step", 4, 128, 4, 12, 64)
_gpt_step("GPT 6 layers, width 384, 8x256 tokens, AdamW, a step", 6, 384, 6, 8, 256)


@workload("encoder 6 layers, width 384, a sentence of 32 tokens, inference", "models", 1.0)
def encoder(lib: Any, device: Any) -> Call:
    model = _gpt(lib, 6, 384, 12, 32, causal=False).to(device).eval()
    index = lib.randint(0, 256, (1, 32), device=device)

    def call() -> Any:
        with lib.no_grad():
            return model(index)

    return call
