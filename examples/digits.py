"""Train a small convolutional network on real handwritten digits, on the device that you name.

    python examples/digits.py --device cpu
    python examples/digits.py --device opencl:0 --seeds 0 1 2

The digits are scikit-learn's (``load_digits``: 1797 images of 8 x 8 from the UCI repository); a fifth is held out.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from sklearn.datasets import load_digits
from tqdm import tqdm

import hotplug as hp
from hotplug import nn
from hotplug.data import DataLoader, Subset, TensorDataset, random_split
from hotplug.serialization import safetensors

BATCH = 64
LEARNING_RATE = 1e-2
SPLIT_SEED = 0
Digits = Subset[tuple[hp.Tensor, ...]]


class Network(nn.Module):
    """Two convolutions and a linear layer: ``(N, 1, 8, 8)`` images -> ``(N, 10)`` scores."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(block(1, 16), block(16, 32), nn.Flatten(), nn.Dropout(0.2))
        self.scores = nn.Linear(32 * 2 * 2, 10)

    def forward(self, images: hp.Tensor) -> hp.Tensor:
        """Scores of the ten digits for every image."""
        return self.scores(self.features(images))  # type: ignore[no-any-return]


def block(channels: int, filters: int) -> nn.Sequential:
    """A convolution, normalised, and the maximum of every 2 x 2 pixels."""
    return nn.Sequential(
        nn.Conv2d(channels, filters, kernel_size=3, padding=1), nn.BatchNorm2d(filters), nn.ReLU(), nn.MaxPool2d(2)
    )


class Run(NamedTuple):
    """A trained network and how it got there."""

    model: Network
    losses: list[float]
    """One a batch."""
    accuracy: float
    """The part of the held-out images that are classified correctly."""


def digits(device: str) -> tuple[Digits, Digits]:
    """Images and their digits for training, and the held-out fifth; the same for every device and seed."""
    bunch = load_digits()
    images = hp.tensor(bunch.images / 16.0, dtype=hp.float32, device=device).unsqueeze(1)
    labels = hp.tensor(bunch.target, device=device)
    train, test = random_split(TensorDataset(images, labels), [0.8, 0.2], hp.Generator().manual_seed(SPLIT_SEED))
    return train, test


def train(device: str, seed: int = 0, epochs: int = 10) -> Run:
    """Train a new network; everything random follows from the seed, on every device alike."""
    hp.manual_seed(seed)
    train_set, test_set = digits(device)
    model = Network().to(device)
    loader = DataLoader(train_set, batch_size=BATCH, shuffle=True)
    optimizer = hp.optim.AdamW(model.parameters(), lr=LEARNING_RATE)
    schedule = hp.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=epochs * len(loader))
    loss_of = nn.CrossEntropyLoss()
    losses: list[float] = []
    with tqdm(total=epochs * len(loader), desc=f"{device}, seed {seed}", unit="batch") as bar:
        for epoch in range(epochs):
            for images, labels in loader:
                optimizer.zero_grad()
                loss = loss_of(model(images), labels)
                loss.backward()
                optimizer.step()
                schedule.step()
                losses.append(loss.item())
                bar.update()
            bar.set_postfix(epoch=epoch + 1, loss=f"{losses[-1]:.3f}")
    return Run(model, losses, accuracy(model, test_set))


def predict(model: Network, images: hp.Tensor) -> hp.Tensor:
    """The digit with the highest score for every image."""
    model.eval()
    with hp.no_grad():
        return model(images).argmax(1)  # type: ignore[no-any-return]


def accuracy(model: Network, dataset: Digits) -> float:
    """The part of a dataset that is classified correctly."""
    images, labels = next(iter(DataLoader(dataset, batch_size=len(dataset))))
    return (predict(model, images) == labels).float().mean().item()  # type: ignore[no-any-return]


def check_reload(model: Network, device: str, path: Path) -> None:
    """Save the weights, load them into a new network, and check that both predict the same."""
    safetensors.save_file(model.state_dict(), path)
    reloaded = Network().to(device)
    reloaded.load_state_dict(safetensors.load_file(path, device))
    images, _ = next(iter(DataLoader(digits(device)[1], batch_size=256)))
    if not (predict(reloaded, images) == predict(model, images)).all():
        raise SystemExit(f"the weights read from {path} predict something else than those written to it")


def main(arguments: Sequence[str] | None = None) -> None:
    """Train once for every seed, and print the accuracy."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu", help="where to train: cpu, numpy, opencl:0, cuda:0, ...")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seeds", "--seed", type=int, nargs="+", default=[0], help="one training for each")
    parser.add_argument("--weights", type=Path, help="where to save the last weights; default: a temporary file")
    options = parser.parse_args(arguments)
    runs = [train(options.device, seed, options.epochs) for seed in options.seeds]
    for seed, run in zip(options.seeds, runs, strict=True):
        print(f"seed {seed}: test accuracy {run.accuracy:.2%}")
    print(f"mean test accuracy: {sum(run.accuracy for run in runs) / len(runs):.2%}")
    with tempfile.TemporaryDirectory() as folder:
        path = options.weights or Path(folder) / "digits.safetensors"
        check_reload(runs[-1].model, options.device, path)
        print(f"the weights saved to {path} and loaded again predict the same")


if __name__ == "__main__":
    main()
