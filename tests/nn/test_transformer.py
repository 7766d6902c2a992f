"""Attention of several heads, and Transformers, against PyTorch's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from twins import Case, called, fill, host, run, same, values

import hotplug as hp
from hotplug import nn
from hotplug.nn import attention

SPAN, STEPS, COUNT, WIDTH, HEADS = 4, 5, 2, 6, 2
"""Queries, keys, sequences, the width and its heads."""

QUERY, KEY = (SPAN, COUNT, WIDTH), (STEPS, COUNT, WIDTH)
HIDDEN = np.random.default_rng(3).random((SPAN, STEPS)) < 0.3
HIDDEN[:, 0] = False
PADDED = np.array([[False, False, False, True, True], [False] * 5])
EACH = values(4, (COUNT * HEADS, SPAN, STEPS))

ATTENTION: list[tuple[dict[str, Any], list[tuple[int, ...]], dict[str, Any]]] = [
    ({}, [QUERY], {}),
    ({}, [QUERY, KEY], {"average_attn_weights": False}),
    ({"bias": False}, [QUERY, KEY, KEY], {"need_weights": False}),
    ({"batch_first": True}, [(COUNT, SPAN, WIDTH)], {}),
    ({"batch_first": True}, [(COUNT, SPAN, WIDTH), (COUNT, STEPS, WIDTH)], {"need_weights": False}),
    ({}, [(SPAN, WIDTH), (STEPS, WIDTH)], {"key_padding_mask": PADDED[0]}),
    ({}, [(SPAN, WIDTH)], {"need_weights": False}),
    ({}, [QUERY, KEY], {"key_padding_mask": PADDED}),
    ({}, [QUERY, KEY], {"key_padding_mask": PADDED, "attn_mask": HIDDEN}),
    ({}, [QUERY, KEY], {"key_padding_mask": PADDED, "attn_mask": HIDDEN, "need_weights": False}),
    ({}, [QUERY, KEY], {"attn_mask": EACH, "need_weights": False}),
    ({}, [QUERY, KEY], {"attn_mask": EACH[0], "average_attn_weights": False}),
    ({"kdim": 3, "vdim": 5}, [QUERY, (STEPS, COUNT, 3), (STEPS, COUNT, 5)], {}),
    ({"kdim": 3, "vdim": 5, "bias": False}, [QUERY, (STEPS, COUNT, 3), (STEPS, COUNT, 5)], {"need_weights": False}),
    ({"add_bias_kv": True}, [QUERY, KEY], {"attn_mask": HIDDEN}),
    ({"add_zero_attn": True}, [QUERY, KEY], {"key_padding_mask": PADDED, "need_weights": False}),
    ({"add_bias_kv": True, "add_zero_attn": True}, [QUERY, KEY], {"attn_mask": EACH, "key_padding_mask": PADDED}),
]  # fmt: skip


def plain(found: dict[str, Any]) -> dict[str, Any]:
    """PyTorch's last map is a Linear under another name."""
    return {**found, "repr": found["repr"].replace("NonDynamicallyQuantizableLinear", "Linear")}


def options_of(library: Any, options: dict[str, Any]) -> dict[str, Any]:
    return {
        key: library.tensor(value) if isinstance(value, np.ndarray) else value for key, value in options.items()
    }  # fmt: skip


@pytest.mark.parity
@pytest.mark.filterwarnings("ignore:Support for mismatched key_padding_mask and attn_mask")
@pytest.mark.parametrize("case", ATTENTION, ids=lambda case: f"{case[0]}, {list(case[2])}")
def test_attention(torch: Any, case: tuple[dict[str, Any], list[tuple[int, ...]], dict[str, Any]]) -> None:
    made, shapes, options = case
    found = []
    for library in (hp, torch):

        def call(module: Any, *given: Any, library: Any = library) -> Any:
            query, key, value = {1: given * 3, 2: (*given, given[-1]), 3: given}[len(given)]
            return module(query, key, value, **options_of(library, options))

        found.append(plain(run(library, ("MultiheadAttention", (WIDTH, HEADS), made, shapes), call, 0.5)))
    same(*found)


@pytest.mark.parity
@pytest.mark.parametrize("need_weights", [True, False])
def test_the_causal_hint(torch: Any, need_weights: bool) -> None:
    found = []
    for library in (hp, torch):
        mask = library.nn.Transformer.generate_square_subsequent_mask(SPAN)
        found.append(
            plain(run(
                library, ("MultiheadAttention", (WIDTH, HEADS), {}, [QUERY]),
                lambda module, x: module(x, x, x, attn_mask=mask, is_causal=True, need_weights=need_weights),  # noqa: B023
                0.5,
            ))
        )  # fmt: skip
    same(*found)


def test_a_mask_that_is_hinted_at_keeps_nothing_of_its_size() -> None:
    length = 256
    module = nn.MultiheadAttention(8, 2)
    x, mask = hp.randn(length, 1, 8, requires_grad=True), nn.Transformer.generate_square_subsequent_mask(length)
    before = hp.memory_allocated()
    out, shares = module(x, x, x, attn_mask=mask, is_causal=True, need_weights=False)
    assert shares is None
    assert hp.memory_allocated() - before < 4 * length * length / 2
    out.sum().backward()


@pytest.mark.parity
def test_given_keys_and_values(torch: Any) -> None:
    found = []
    for library in (hp, torch):
        functional = library.nn.functional
        shapes = (QUERY, (COUNT * HEADS, STEPS, WIDTH // HEADS), (3 * WIDTH, WIDTH), (WIDTH, WIDTH), (WIDTH,))
        x, given, weight, last, bias = (
            library.tensor(values(i, shape)).requires_grad_() for i, shape in enumerate(shapes)
        )
        out, shares = functional.multi_head_attention_forward(
            x, x, x, WIDTH, HEADS, weight, None, None, None, False, 0.0, last, bias, static_k=given, static_v=given * 2
        )
        (out * library.tensor(values(9, QUERY))).sum().backward()
        found.append({str(i): host(each) for i, each in enumerate((out, shares, x.grad, given.grad, last.grad))})
    same(*found)


@pytest.mark.parity
def test_the_choice_of_a_kernel_is_accepted(torch: Any) -> None:
    assert [each.name for each in attention.SDPBackend] == list(torch.nn.attention.SDPBackend.__members__)
    q = hp.randn(2, 3, 4)
    expected = host(nn.functional.scaled_dot_product_attention(q, q, q))
    with attention.sdpa_kernel([attention.SDPBackend.FLASH_ATTENTION, attention.SDPBackend.MATH]):
        np.testing.assert_array_equal(host(nn.functional.scaled_dot_product_attention(q, q, q)), expected)
    with pytest.raises(ValueError, match="expected SDPBackend"), attention.sdpa_kernel("flash"):  # type: ignore[arg-type]
        pass


def test_dropout_of_attention() -> None:
    hp.manual_seed(0)
    module = nn.MultiheadAttention(WIDTH, HEADS, dropout=0.5)
    x = hp.randn(32, 1, WIDTH)
    _, shares = module(x, x, x)
    assert 0.2 < (host(shares) == 0).mean() < 0.3  # a share is 0 where both heads have dropped it
    assert (host(module.eval()(x, x, x)[1]) > 0).all()


def test_initial_values() -> None:
    hp.manual_seed(0)
    module = nn.MultiheadAttention(60, 2, add_bias_kv=True)
    bound = np.sqrt(6 / (4 * 60))
    assert 0.95 * bound < np.abs(host(module.in_proj_weight)).max() <= bound
    assert not host(module.in_proj_bias).any()
    assert not host(module.out_proj.bias).any()
    assert host(module.bias_k).std() > 0


# --- layers ----------------------------------------------------------------------------------------------------------

LAYERS: list[Case] = [
    ("TransformerEncoderLayer", (WIDTH, HEADS, 8, 0.0), {}, QUERY),
    ("TransformerEncoderLayer", (WIDTH, HEADS, 8, 0.0, "gelu"), {"norm_first": True, "batch_first": True}, QUERY),
    ("TransformerEncoderLayer", (WIDTH, HEADS, 8, 0.0), {"bias": False, "layer_norm_eps": 1e-3}, (SPAN, WIDTH)),
    ("TransformerDecoderLayer", (WIDTH, HEADS, 8, 0.0), {}, [QUERY, KEY]),
    ("TransformerDecoderLayer", (WIDTH, HEADS, 8, 0.0, "gelu"), {"norm_first": True, "bias": False}, [QUERY, KEY]),
    ("Transformer", (WIDTH, HEADS, 2, 1, 8, 0.0), {}, [KEY, QUERY]),
    ("Transformer", (WIDTH, HEADS, 1, 2, 8, 0.0), {"batch_first": True, "norm_first": True}, [(2, 5, 6), (2, 4, 6)]),
]  # fmt: skip


@pytest.mark.parity
@pytest.mark.filterwarnings("ignore:enable_nested_tensor is True")
@pytest.mark.parametrize("case", LAYERS, ids=called)
def test_layers(torch: Any, case: Case) -> None:
    same(plain(run(hp, case, scale=0.3)), plain(run(torch, case, scale=0.3)), rtol=2e-5, atol=1e-5)


@pytest.mark.parity
@pytest.mark.filterwarnings("ignore:enable_nested_tensor is True")
def test_masks_of_a_transformer(torch: Any) -> None:
    found = []
    for library in (hp, torch):

        def call(module: Any, src: Any, tgt: Any, library: Any = library) -> Any:
            padded = library.tensor(PADDED)
            causal = library.nn.Transformer.generate_square_subsequent_mask(SPAN)
            return module(
                src, tgt, src_mask=library.tensor(values(8, (STEPS, STEPS))), tgt_mask=causal,
                memory_mask=library.tensor(values(7, (SPAN, STEPS))), tgt_is_causal=True,
                tgt_key_padding_mask=library.tensor(values(6, (COUNT, SPAN))),
                memory_key_padding_mask=library.zeros(COUNT, STEPS).masked_fill(padded, -np.inf),
            )  # fmt: skip

        case: Case = ("Transformer", (WIDTH, HEADS, 1, 1, 8, 0.0), {}, [KEY, QUERY])
        found.append(plain(run(library, case, call, 0.3)))
    same(*found, rtol=2e-5, atol=1e-5)


@pytest.mark.parity
@pytest.mark.filterwarnings("ignore:enable_nested_tensor is True")
def test_stacks_are_copies(torch: Any) -> None:
    states = []
    for library in (hp, torch):
        encoder = library.nn.TransformerEncoder(
            library.nn.TransformerEncoderLayer(WIDTH, HEADS, 8), 2, norm=library.nn.LayerNorm(WIDTH)
        )
        decoder = library.nn.TransformerDecoder(library.nn.TransformerDecoderLayer(WIDTH, HEADS, 8), 2)
        states.append(
            [(key, tuple(value.shape)) for each in (encoder, decoder) for key, value in each.state_dict().items()]
        )
        one, two = encoder.layers
        assert one.linear1.weight is not two.linear1.weight
        np.testing.assert_array_equal(host(one.linear1.weight), host(two.linear1.weight))
    assert states[0] == states[1]


def test_an_activation_of_one_s_own() -> None:
    layer = fill(nn.TransformerEncoderLayer(WIDTH, HEADS, 8, 0.0, activation=lambda x: x * 0), hp)
    assert layer(hp.ones(*QUERY)).shape == QUERY


# --- bad input -------------------------------------------------------------------------------------------------------


def broken(library: Any) -> list[tuple[Any, str]]:
    t, n = library, library.nn
    x = t.ones(*QUERY)
    attention = n.MultiheadAttention(WIDTH, HEADS)
    model = n.Transformer(WIDTH, HEADS, 1, 1, 8)
    return [
        (lambda: n.MultiheadAttention(6, 4), "divisible by num_heads"),
        (lambda: n.MultiheadAttention(0, 4), "must be greater than 0"),
        (lambda: attention(t.ones(4, 2, 5), x, x), "was expecting embedding dimension of 6"),
        (lambda: attention(t.ones(1, 4, 2, 6), x, x), "unbatched 2D or batched 3D"),
        (lambda: attention(x, x, x, attn_mask=t.ones(3, 3)), r"is \[3, 3\], but should be \[4, 4\]"),
        (lambda: attention(x, x, x, attn_mask=t.ones(3, 4, 4)), r"should be \[4, 4, 4\]"),
        (lambda: attention(x, x, x, key_padding_mask=t.ones(2, 3)), "key_padding_mask shape"),
        (lambda: attention(x, x, x, key_padding_mask=t.ones(3)), "key_padding_mask to be 2-D"),
        (lambda: attention(x, x, x, is_causal=True), "need attn_mask"),
        (lambda: n.TransformerEncoderLayer(WIDTH, HEADS, activation="sin"), "relu or gelu"),
        (lambda: model(x, t.ones(4, 3, WIDTH)), "batch number"),
        (lambda: model(x, t.ones(4, 2, 5)), "feature number"),
    ]  # fmt: skip


@pytest.mark.parity
@pytest.mark.filterwarnings("ignore:enable_nested_tensor is True")
@pytest.mark.parametrize("number", range(12))
def test_bad_input(torch: Any, number: int) -> None:
    with pytest.raises(Exception) as theirs:  # noqa: PT011 - whatever it is, ours must match
        broken(torch)[number][0]()
    call, message = broken(hp)[number]
    with pytest.raises(theirs.type, match=message) as ours:
        call()
    assert isinstance(ours.value, hp.errors.HotplugError)
