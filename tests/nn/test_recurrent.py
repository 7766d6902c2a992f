"""Recurrent layers, cells and packed sequences against PyTorch's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from twins import Case, called, compare, fill, host, same, values

import hotplug as hp
from hotplug import nn
from hotplug.nn.utils import rnn

pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")  # PyTorch's advice

LAYERS: list[Case] = [
    ("RNN", (3, 4), {}, (5, 2, 3)),
    ("RNN", (3, 4), {"nonlinearity": "relu", "num_layers": 2}, [(5, 2, 3), (2, 2, 4)]),
    ("RNN", (3, 4, 2, "relu", False, True), {"bidirectional": True}, [(2, 5, 3), (4, 2, 4)]),
    ("GRU", (3, 4), {}, [(5, 2, 3), (1, 2, 4)]),
    ("GRU", (3, 4, 2), {"batch_first": True, "bias": False}, (2, 5, 3)),
    ("GRU", (3, 4), {"bidirectional": True}, [(5, 3), (2, 4)]),
    ("LSTM", (3, 4), {}, (5, 2, 3)),
    ("LSTM", (3, 4, 2), {"bidirectional": True, "batch_first": True}, (2, 5, 3)),
    ("LSTM", (3, 4, 2), {"proj_size": 2}, (5, 2, 3)),
    ("LSTM", (3, 4), {"proj_size": 3, "bidirectional": True, "bias": False}, (5, 3)),
    ("RNNCell", (3, 4), {}, [(2, 3), (2, 4)]),
    ("RNNCell", (3, 4), {"nonlinearity": "relu", "bias": False}, (3,)),
    ("GRUCell", (3, 4), {}, [(2, 3), (2, 4)]),
    ("GRUCell", (3, 4), {"bias": False}, [(3,), (4,)]),
    ("LSTMCell", (3, 4), {}, (2, 3)),
    ("LSTMCell", (3, 4), {"bias": False}, (3,)),
]  # fmt: skip


@pytest.mark.parity
@pytest.mark.parametrize("case", LAYERS, ids=called)
def test_a_layer_is_pytorch_s(torch: Any, case: Case) -> None:
    compare(torch, case, scale=0.5)


@pytest.mark.parity
@pytest.mark.parametrize(
    "case",
    [
        ("LSTM", (3, 4, 2), {}, [(5, 2, 3), (2, 2, 4), (2, 2, 4)]),
        ("LSTM", (3, 4), {"proj_size": 2, "batch_first": True}, [(2, 5, 3), (1, 2, 2), (1, 2, 4)]),
        ("LSTM", (3, 4), {"bidirectional": True}, [(5, 3), (2, 4), (2, 4)]),
        ("LSTMCell", (3, 4), {}, [(2, 3), (2, 4), (2, 4)]),
        ("LSTMCell", (3, 4), {}, [(3,), (4,), (4,)]),
    ],
    ids=called,
)
def test_states_and_cells(torch: Any, case: Case) -> None:
    compare(torch, case, lambda module, x, h, c: module(x, (h, c)), scale=0.5)


@pytest.mark.parity
@pytest.mark.parametrize("lengths", [[5, 3, 2], [2, 5, 5]], ids=str)
@pytest.mark.parametrize("name", ["RNN", "GRU", "LSTM"])
def test_packed_sequences(torch: Any, name: str, lengths: list[int]) -> None:
    ordered = lengths == sorted(lengths, reverse=True)
    case: Case = (name, (3, 4, 2), {"bidirectional": True}, [(5, 3, 3), (4, 3, 4), (4, 3, 4)])

    def call(module: Any, x: Any, h: Any, c: Any) -> Any:
        utils = rnn if isinstance(x, hp.Tensor) else torch.nn.utils.rnn
        packed = utils.pack_padded_sequence(x, lengths, enforce_sorted=ordered)
        first = (h, c) if name == "LSTM" else h
        found = []
        for out, last in (module(packed, first), module(packed)):
            padded, sizes = utils.pad_packed_sequence(out, total_length=6)
            assert sizes.tolist() == lengths
            found += [padded, last]
        return found, 0 * c

    compare(torch, case, call, scale=0.5)


@pytest.mark.parity
def test_a_state_dict_of_pytorch_s(torch: Any) -> None:
    """Weights trained there give the same outputs here."""
    theirs = torch.nn.LSTM(3, 4, 2, bidirectional=True, proj_size=2)
    ours = nn.LSTM(3, 4, 2, bidirectional=True, proj_size=2)
    state = {key: hp.tensor(value.numpy()) for key, value in theirs.state_dict().items()}
    assert list(ours.state_dict()) == list(state)
    ours.load_state_dict(state)
    x = values(0, (4, 2, 3))
    np.testing.assert_allclose(host(ours(hp.tensor(x))[0]), host(theirs(torch.tensor(x))[0]), rtol=1e-5, atol=1e-6)
    assert [len(each) for each in ours.all_weights] == [len(each) for each in theirs.all_weights]
    ours.flatten_parameters()


def test_dropout_between_layers() -> None:
    hp.manual_seed(0)
    module = nn.GRU(3, 64, 2, dropout=0.5)
    x = hp.randn(4, 2, 3)
    assert not np.array_equal(host(module(x)[0]), host(module(x)[0]))
    module.eval()
    np.testing.assert_array_equal(host(module(x)[0]), host(module(x)[0]))


def test_initial_values() -> None:
    hp.manual_seed(0)
    for module in (nn.LSTM(30, 100), nn.GRUCell(30, 100)):
        for parameter in module.parameters():
            drawn = np.abs(host(parameter))
            assert 0.08 < drawn.max() <= 0.1


def test_float64_and_another_device() -> None:
    module = nn.LSTM(3, 4, dtype=hp.float64, device="numpy")
    out, (h, c) = module(hp.ones(2, 1, 3, dtype=hp.float64, device="numpy"))
    assert {each.dtype for each in (out, h, c)} == {hp.float64}
    assert str(out.device) == "numpy"


# --- sequences -------------------------------------------------------------------------------------------------------


def sequences(library: Any) -> list[Any]:
    return [library.tensor(values(number, (size, 2))) for number, size in enumerate((3, 5, 2))]


def arrays(found: Any) -> list[Any]:
    return [None if each is None else host(each) for each in found]


@pytest.mark.parity
def test_packing(torch: Any) -> None:
    found: list[list[Any]] = []
    for library, utils in ((hp, rnn), (torch, torch.nn.utils.rnn)):
        every = sequences(library)
        packed = utils.pack_sequence(every, enforce_sorted=False)
        seen = arrays(packed)
        for options in ({}, {"batch_first": True, "padding_value": -1.0}, {"total_length": 7}):
            seen += arrays(utils.pad_packed_sequence(packed, **options))
        seen += arrays(utils.unpack_sequence(packed))
        seen += arrays(utils.pack_sequence(sorted(every, key=len, reverse=True)))
        seen += arrays(packed.double())
        for options in ({}, {"batch_first": True, "padding_value": 2.0}, {"padding_side": "left"}):
            padded = utils.pad_sequence(every, **options)
            seen += arrays([padded])
        seen += arrays(utils.unpad_sequence(utils.pad_sequence(every), library.tensor([3, 5, 2])))
        seen += arrays([utils.pad_sequence([library.tensor([1]), library.tensor([1, 2])])])
        found.append(seen)
    for mine, his in zip(*found, strict=True):
        assert (mine is None) == (his is None)
        if mine is not None:
            np.testing.assert_array_equal(mine, his)
            assert mine.dtype == his.dtype


@pytest.mark.parity
def test_gradients_through_packing(torch: Any) -> None:
    found = []
    for library, utils in ((hp, rnn), (torch, torch.nn.utils.rnn)):
        x = library.tensor(values(0, (4, 3, 2))).requires_grad_()
        packed = utils.pack_padded_sequence(x, library.tensor([2, 4, 1]), enforce_sorted=False)
        weights = library.tensor(values(1, tuple(packed.data.shape)))
        padded, _ = utils.pad_packed_sequence(packed._replace(data=packed.data * weights))
        (padded * padded).sum().backward()
        found.append({"grad": host(x.grad)})
    same(*found)


def test_a_packed_sequence_moves() -> None:
    packed = rnn.pack_sequence(sequences(hp), enforce_sorted=False)
    moved = packed.to("numpy")
    assert str(moved.data.device) == str(moved.sorted_indices.device) == "numpy"  # type: ignore[union-attr]
    assert str(moved.batch_sizes.device) == "cpu"
    assert not moved.is_cuda
    assert moved.cpu().half().data.dtype is hp.float16
    assert moved.double().float().data.dtype is hp.float32
    with pytest.raises(RuntimeError, match="batch_sizes should be on cpu"):
        rnn.PackedSequence(packed.data, packed.batch_sizes.to("numpy"))


# --- bad input -------------------------------------------------------------------------------------------------------


def broken(library: Any) -> Sequence[tuple[Any, str]]:
    """Calls that raise, and what Hotplug says."""
    t, n, utils = library, library.nn, library.nn.utils.rnn
    x = t.ones(5, 2, 3)
    return [
        (lambda: n.RNN(3, 4, nonlinearity="sin"), "'tanh' or 'relu'"),
        (lambda: n.RNN(3.0, 4), "input_size should be of type int|hidden_size should be of type int"),
        (lambda: n.GRU(3, 0), "hidden_size must be greater than zero"),
        (lambda: n.GRU(3, 4, 0), "num_layers must be greater than zero"),
        (lambda: n.LSTM(3, 4, 2, dropout=1.5), "number in range"),
        (lambda: n.LSTM(3, 4, proj_size=4), "smaller than hidden_size"),
        (lambda: n.GRU(3, 4)(t.ones(5, 2, 2, 3)), "expected input to be 2D or 3D"),
        (lambda: n.GRU(3, 4)(t.ones(5, 2, 4)), "Expected 3, got 4"),
        (lambda: n.GRU(3, 4)(x, t.ones(2, 4)), "should also be 3-D but got 2-D"),
        (lambda: n.GRU(3, 4)(x, t.ones(2, 2, 4)), r"expected hidden size \[1, 2, 4\], got \[2, 2, 4\]"),
        (lambda: n.LSTM(3, 4)(x, (t.ones(1, 2, 4), t.ones(1, 2, 3))), r"expected cell size \[1, 2, 4\]"),
        (lambda: n.GRU(3, 4)(t.ones(0, 2, 3)), "larger than 0"),
        (lambda: n.GRU(3, 4)(x.double()), "does not match weight dtype"),
        (lambda: n.GRUCell(3, 4)(t.ones(1, 1, 3)), "1D or 2D"),
        (lambda: n.GRUCell(3, 4)(t.ones(2, 4)), "got 4, expected 3"),
        (lambda: n.GRUCell(3, 4)(t.ones(2, 3), t.ones(1, 2, 4)), "hidden to be 1D or 2D"),
        (lambda: n.GRUCell(3, 4)(t.ones(2, 3), t.ones(3, 4)), "expected input"),
        (lambda: n.RNNCell(3, 4, nonlinearity="sin")(t.ones(2, 3)), "unknown nonlinearity"),
        (lambda: utils.pack_padded_sequence(x, [3, 5]), "enforce_sorted=False"),
        (lambda: utils.pack_padded_sequence(x, [5, 0]), "greater than 0"),
        (lambda: utils.pack_padded_sequence(x, [5, 4, 3]), "expected 2 lengths"),
        (lambda: utils.pad_sequence([]), "empty list"),
        (lambda: utils.pad_sequence([t.ones(2, 3), t.ones(2, 4)]), "expected all sequences of shape"),
        (lambda: utils.pad_sequence([t.ones(2)], padding_side="top"), "padding_side"),
        (lambda: utils.pad_packed_sequence(utils.pack_sequence([t.ones(3)]), total_length=2), "total_length"),
    ]  # fmt: skip


@pytest.mark.parity
@pytest.mark.parametrize("number", range(25))
def test_bad_input(torch: Any, number: int) -> None:
    with pytest.raises(Exception) as theirs:  # noqa: PT011 - whatever it is, ours must match
        broken(torch)[number][0]()
    call, message = broken(hp)[number]
    with pytest.raises(theirs.type, match=message) as ours:
        call()
    assert isinstance(ours.value, hp.errors.HotplugError)


def test_dropout_of_one_layer_is_of_no_use() -> None:
    with pytest.warns(UserWarning, match="num_layers greater than 1"):
        nn.LSTM(3, 4, dropout=0.5)
    fill(nn.LSTM(3, 4), hp)
