"""Datasets, samplers, collation and the loader."""

from __future__ import annotations

import io
import subprocess
import sys
from collections import OrderedDict, UserDict, defaultdict, namedtuple
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
from tqdm import tqdm

import hotplug as hp
from hotplug import data, utils
from hotplug.data import (
    BatchSampler,
    ChainDataset,
    ConcatDataset,
    DataLoader,
    Dataset,
    IterableDataset,
    RandomSampler,
    SequentialSampler,
    StackDataset,
    Subset,
    SubsetRandomSampler,
    TensorDataset,
    WeightedRandomSampler,
    default_collate,
    random_split,
)

ROWS = 10


class Squares(Dataset[Any]):
    """Pairs of a number and its square, one by one."""

    def __getitem__(self, index: int) -> tuple[int, float]:
        return index, float(index) ** 2

    def __len__(self) -> int:
        return ROWS


class Stream(IterableDataset[int]):
    def __init__(self, count: int) -> None:
        self.count = count

    def __iter__(self) -> Iterator[int]:
        return iter(range(self.count))

    def __len__(self) -> int:
        return self.count


def table(device: str = "cpu") -> TensorDataset:
    return TensorDataset(hp.arange(ROWS * 2.0, device=device).reshape(ROWS, 2), hp.arange(ROWS, device=device))


def numbers(loader: Any) -> list[list[int]]:
    return [batch[-1].tolist() for batch in loader]


# --- datasets ---------------------------------------------------------------------------------------------------------


def test_tensor_dataset() -> None:
    dataset = table()
    assert len(dataset) == ROWS
    x, y = dataset[3]
    assert x.tolist() == [6, 7]
    assert y.item() == 3
    assert [each.tolist() for each in dataset.__getbatch__([4, 1])] == [[[8, 9], [2, 3]], [4, 1]]
    for wrong in ((), (hp.ones(3), hp.ones(4)), (hp.tensor(1),)):
        with pytest.raises(RuntimeError, match="equally many rows"):
            TensorDataset(*wrong)


def test_short_ways_to_a_batch_are_not_taken_past_a_subclass() -> None:
    class Changed(TensorDataset):
        def __getitem__(self, index: Any) -> tuple[hp.Tensor, ...]:
            return tuple(100 + each for each in super().__getitem__(index))

    class Part(Subset[Any]):
        def __getitem__(self, index: Any) -> Any:
            return tuple(200 + each for each in super().__getitem__(index))

    class Named(Dataset[int]):
        batch = 3  # a name of the user's

        def __getitem__(self, index: int) -> int:
            return index

    changed = Changed(hp.arange(4))
    assert numbers(DataLoader(changed, 2)) == [[100, 101], [102, 103]]
    assert numbers(DataLoader(Subset(changed, [3, 1]), 2)) == [[103, 101]]
    assert numbers(DataLoader(Part(table(), [3, 1]), 2)) == [[203, 201]]
    assert numbers(DataLoader(Part(Subset(table(), [5, 6, 7]), [2, 0]), 2)) == [[207, 205]]
    assert [each.tolist() for each in DataLoader(Named(), sampler=[1, 2])] == [[1], [2]]


def test_indices_of_other_kinds() -> None:
    for indices in (
        [-1, 0],
        (-1, 0),
        np.array([9, 0]),
        hp.tensor([9, 0]),
        [np.int64(-1), hp.tensor(0)],
        range(9, -1, -9),
    ):
        assert numbers(DataLoader(table(), batch_sampler=[indices])) == [[9, 0]]  # type: ignore[list-item]
    assert numbers(DataLoader(Subset(table(), hp.tensor([2, 5])), 2)) == [[2, 5]]  # type: ignore[arg-type]
    for wrong in ([10], [-11], [1.5]):
        with pytest.raises(IndexError):
            numbers(DataLoader(table(), batch_sampler=[wrong]))  # type: ignore[list-item]


def test_combined_datasets() -> None:
    both = table() + Subset(table(), [7, 5])
    assert isinstance(both, ConcatDataset)
    assert len(both) == ROWS + 2
    assert [both[at][1].item() for at in (0, 9, 10, 11, -1)] == [0, 9, 7, 5, 5]
    with pytest.raises(IndexError, match="index 12 is out of range for 12 samples"):
        both[12]
    with pytest.raises(ValueError, match="empty iterable"):
        ConcatDataset([])
    with pytest.raises(TypeError, match="use ChainDataset"):
        ConcatDataset([Stream(3)])
    assert list(ChainDataset([Stream(2), Stream(3)])) == [0, 1, 0, 1, 2]
    assert len(ChainDataset([Stream(2), Stream(3)])) == 5
    assert list(Stream(1) + Stream(2)) == [0, 0, 1]
    with pytest.raises(TypeError, match="got TensorDataset; use ConcatDataset"):
        Stream(2) + table()
    stacked = StackDataset(x=Squares(), y=table())
    assert stacked[2]["x"] == (2, 4.0)
    assert StackDataset(Squares(), Squares())[1] == ((1, 1.0), (1, 1.0))
    with pytest.raises(ValueError, match="of one length"):
        StackDataset(Squares(), Subset(Squares(), [1]))


def test_random_split() -> None:
    parts = random_split(table(), [7, 3], generator=hp.Generator().manual_seed(0))
    again = random_split(table(), [0.7, 0.3], generator=hp.Generator().manual_seed(0))
    assert [part.indices for part in parts] == [part.indices for part in again]
    assert sorted(parts[0].indices + parts[1].indices) == list(range(ROWS))  # type: ignore[operator]
    assert [len(part) for part in random_split(Squares(), [1 / 3, 1 / 3, 1 / 3])] == [4, 3, 3]
    fractions = [0.2, 0.4, 0.3, 0.1]  # added up one by one they are above 1, by rounding
    assert [len(part) for part in random_split(Squares(), fractions)] == [2, 4, 3, 1]
    with pytest.raises(ValueError, match="does not equal the dataset's length 10"):
        random_split(table(), [7, 4])


# --- samplers ---------------------------------------------------------------------------------------------------------


def test_samplers() -> None:
    seeded = hp.Generator().manual_seed(1)
    assert list(SequentialSampler(range(4))) == [0, 1, 2, 3]
    order = list(RandomSampler(range(ROWS), generator=seeded))
    assert sorted(order) == list(range(ROWS))
    assert order != list(RandomSampler(range(ROWS), generator=seeded))
    drawn = list(RandomSampler(range(3), replacement=True, num_samples=2000, generator=seeded))
    assert len(drawn) == len(RandomSampler(range(3), replacement=True, num_samples=2000)) == 2000
    assert min(drawn.count(each) for each in range(3)) > 500
    more = list(RandomSampler(range(4), num_samples=6, generator=seeded))
    assert len(more) == 6
    assert sorted(more[:4]) == [0, 1, 2, 3]
    assert sorted(SubsetRandomSampler([5, 7, 9], seeded)) == [5, 7, 9]
    assert list(RandomSampler([])) == []
    with pytest.raises(ValueError, match="positive integer"):
        RandomSampler(range(3), num_samples=0)


def test_weights() -> None:
    seeded = hp.Generator().manual_seed(1)
    drawn = list(WeightedRandomSampler([1.0, 0.0, 3.0, 0.0], 4000, generator=seeded))
    assert {each: drawn.count(each) > 0 for each in range(4)} == {0: True, 1: False, 2: True, 3: False}
    assert drawn.count(2) / drawn.count(0) == pytest.approx(3, rel=0.15)
    without = [list(WeightedRandomSampler([1.0, 9.0, 0.0], 2, replacement=False, generator=seeded)) for _ in range(50)]
    assert all(sorted(each) == [0, 1] for each in without)
    assert sum(each[0] == 1 for each in without) > 35
    as_tensor = WeightedRandomSampler(hp.tensor([1.0, 0.0, 2.0]), 3)  # type: ignore[arg-type]
    assert as_tensor.weights == [1.0, 0.0, 2.0]
    tiny = [1e-12] * 10 + [3e-12] * 10
    chosen = [each for _ in range(200) for each in WeightedRandomSampler(tiny, 2, replacement=False, generator=seeded)]
    assert 60 < sum(each < 10 for each in chosen) < 160  # a quarter of 400
    assert len(set(chosen)) == 20
    for weights, count, replacement in (
        ([0.0, 1.0], 2, False),
        ([0.0], 1, True),
        ([-1.0, 2.0], 1, True),
        ([1.0], 0, True),
    ):
        with pytest.raises(ValueError, match="WeightedRandomSampler"):
            WeightedRandomSampler(weights, count, replacement)


def test_batch_sampler() -> None:
    assert list(BatchSampler(range(5), 2, False)) == [[0, 1], [2, 3], [4]]
    assert list(BatchSampler(range(5), 2, True)) == [[0, 1], [2, 3]]
    assert [len(BatchSampler(range(5), 2, drop)) for drop in (False, True)] == [3, 2]
    for wrong in (0, -1, True, 2.0):
        with pytest.raises(ValueError, match="batch_size should be a positive integer"):
            BatchSampler(range(3), wrong, False)  # type: ignore[arg-type]


# --- collation --------------------------------------------------------------------------------------------------------


@pytest.mark.parity
def test_collation(torch: Any) -> None:
    pair = namedtuple("pair", "x y")  # noqa: PYI024 - the untyped kind is what collate meets

    def samples(library: Any) -> list[Any]:
        return [
            {"t": library.ones(2) * i, "a": np.arange(2) + i, "f": 1.5 * i, "i": i, "b": i > 0, "s": "x",
             "l": [i, (i, 2.0)], "n": pair(i, 1.0), "z": np.float32(i)}
            for i in range(3)
        ]  # fmt: skip

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: plain(each) for key, each in value.items()}
        if hasattr(value, "_fields"):
            return ("pair", plain(value.x), plain(value.y))
        if isinstance(value, (list, tuple)):
            return [plain(each) for each in value]
        return value if isinstance(value, str) else (str(value.dtype).split(".")[1], value.tolist())

    assert plain(default_collate(samples(hp))) == plain(torch.utils.data.default_collate(samples(torch)))


@pytest.mark.parity
def test_containers_keep_their_kind_as_in_pytorch(torch: Any) -> None:
    filled = defaultdict(list, a=1.0)
    samples: list[list[Any]] = [
        [OrderedDict(a=1, b=2.0)] * 2, [filled, filled], [UserDict(a=1)], [("x", 1), ("y", 2)], [["x"], ["y"]], ["x", "y"],
        [{"s": "x"}, {"s": "y"}], [np.str_("x"), np.str_("y")], [b"x", b"y"], [range(2), range(2)], [MappingProxyType({1: 2})],
    ]  # fmt: skip

    def kinds(value: Any) -> Any:
        if isinstance(value, Mapping):
            return type(value), {key: kinds(each) for key, each in value.items()}
        if isinstance(value, (list, tuple)):
            return type(value), [kinds(each) for each in value]
        return value if isinstance(value, (str, bytes)) else getattr(value, "tolist", lambda: value)()

    for batch in samples:
        for name in ("default_collate", "default_convert"):
            ours, theirs = getattr(data, name), getattr(torch.utils.data, name)
            assert kinds(ours(batch)) == kinds(theirs(batch)), (name, batch)


def test_what_cannot_be_collated() -> None:
    with pytest.raises(RuntimeError, match=r"equal size, got \[1, 2\]"):
        default_collate([[1], [1, 2]])
    with pytest.raises(TypeError, match="found object; pass a collate_fn"):
        default_collate([object()])
    assert default_collate([np.ones(2, np.float32), np.ones(2, np.int64)]).dtype is hp.float32
    with pytest.raises(RuntimeError, match="size"):
        default_collate([np.ones(2), np.ones(3)])
    with pytest.raises(TypeError, match="found an array of <U1; pass a collate_fn"):
        default_collate([np.array(["x"])])
    with pytest.raises(RuntimeError):
        default_collate([hp.ones(2), hp.ones(3)])


# --- loader -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "dataset", [table(), Subset(table(), range(ROWS)), table() + Subset(table(), [])], ids=["table", "subset", "slow"]
)
def test_batches(dataset: Any) -> None:
    loader = DataLoader(dataset, batch_size=4)
    assert len(loader) == 3
    assert numbers(loader) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    x, y = next(iter(loader))
    assert x.shape == (4, 2)
    assert y.dtype is hp.int64
    assert numbers(DataLoader(dataset, batch_size=4, drop_last=True)) == [[0, 1, 2, 3], [4, 5, 6, 7]]


def test_shuffling_is_the_generator_s() -> None:
    def epochs(device: str) -> list[list[list[int]]]:
        loader = DataLoader(table(device), batch_size=3, shuffle=True, generator=hp.Generator().manual_seed(5))
        return [numbers(loader) for _ in range(3)]

    found = epochs("cpu")
    assert found == epochs("numpy")
    assert found[0] != found[1]
    assert all(sorted(each for batch in epoch for each in batch) == list(range(ROWS)) for epoch in found)
    with hp.device("numpy"):
        assert epochs("numpy") == found
    hp.manual_seed(3)
    first = numbers(DataLoader(table(), shuffle=True))
    hp.manual_seed(3)
    assert first == numbers(DataLoader(table(), shuffle=True))


def test_options() -> None:
    assert numbers(DataLoader(table(), 2, sampler=[5, 1, 3])) == [[5, 1], [3]]
    assert numbers(DataLoader(table(), batch_sampler=[[1, 2], [9]])) == [[1, 2], [9]]
    assert list(DataLoader(Squares(), batch_size=None)) == [[i, float(i) ** 2] for i in range(ROWS)]
    assert list(DataLoader(Squares(), 5, collate_fn=len)) == [5, 5]
    assert list(DataLoader(Stream(5), 2, collate_fn=list)) == [[0, 1], [2, 3], [4]]
    assert list(DataLoader(Stream(5), 2, drop_last=True, collate_fn=list)) == [[0, 1], [2, 3]]
    assert list(DataLoader(Stream(3), None)) == [0, 1, 2]
    assert [
        len(DataLoader(Stream(5), size, drop_last=drop)) for size, drop in ((2, False), (2, True), (None, False))
    ] == [3, 2, 5]

    class Several(Squares):
        def __getitems__(self, indices: list[int]) -> list[int]:
            return [100 + index for index in indices]

    assert next(iter(DataLoader(Several(), 2))).tolist() == [100, 101]
    assert list(DataLoader([3, 4, 5], collate_fn=list)) == [[3], [4], [5]]


BAD: list[tuple[dict[str, Any], str]] = [
    ({"batch_size": 0}, "positive integer"),
    ({"batch_size": 2.5}, "positive integer"),
    ({"sampler": [1], "shuffle": True}, "mutually exclusive with shuffle"),
    ({"batch_sampler": [[1]], "batch_size": 2}, "mutually exclusive"),
    ({"batch_size": None, "drop_last": True}, "mutually exclusive with drop_last"),
]


@pytest.mark.parametrize(("options", "message"), BAD)
def test_options_that_exclude_each_other(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DataLoader(table(), **options)


def test_wrong_datasets() -> None:
    with pytest.raises(ValueError, match="an order of its own"):
        DataLoader(Stream(3), shuffle=True)
    with pytest.raises(TypeError, match="expected a dataset with __getitem__, got int"):
        DataLoader(3)
    with pytest.raises(TypeError, match="iterable only"):
        Stream(3)[0]


def test_progress() -> None:
    shown = io.StringIO()
    for _ in tqdm(DataLoader(table(), 4), file=shown, mininterval=0):
        pass
    assert "3/3" in shown.getvalue()


def test_pytorch_s_place() -> None:
    from hotplug.utils.data import DataLoader as Same

    assert Same is DataLoader
    assert utils.data.TensorDataset is data.TensorDataset
    assert utils.data.sampler.SubsetRandomSampler is SubsetRandomSampler
    assert utils.data.dataset.Dataset is Dataset
    assert DataLoader[int] is not DataLoader
    code = (
        "import hotplug as hp; hp.compat.install_as_torch()\n"
        "from torch.utils.data.sampler import SubsetRandomSampler as one\n"
        "from torch.utils.data.dataset import random_split as two\n"
        "from torch.utils.data.dataloader import DataLoader as three, default_collate as four\n"
        "from torch.utils.data.distributed import DistributedSampler as five\n"
        "import hotplug.utils.data.sampler as module, hotplug.data as data\n"
        "assert module is data.sampler\n"
        "names = 'SubsetRandomSampler random_split DataLoader default_collate DistributedSampler'.split()\n"
        "assert [one, two, three, four, five] == [getattr(data, each) for each in names]"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_distributed_sampler() -> None:
    def shares(size: int, count: int, **options: Any) -> list[list[int]]:
        return [list(data.DistributedSampler(range(size), count, rank, **options)) for rank in range(count)]

    assert shares(5, 2, shuffle=False) == [[0, 2, 4], [1, 3, 0]]
    assert shares(5, 2, shuffle=False, drop_last=True) == [[0, 2], [1, 3]]
    assert shares(1, 3, shuffle=False) == [[0], [0], [0]]
    mixed = shares(10, 2)
    assert sorted(mixed[0] + mixed[1]) == list(range(10))
    assert shares(10, 2) == mixed != shares(10, 2, seed=1)
    sampler = data.DistributedSampler(range(10), 2, 0)
    sampler.set_epoch(1)
    assert list(sampler) != mixed[0]
    assert len(sampler) == 5
    with pytest.raises(ValueError, match="got rank 2 of 2"):
        data.DistributedSampler(range(3), 2, 2)
