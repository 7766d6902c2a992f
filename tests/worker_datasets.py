"""Datasets for the tests of worker processes, which import them by name."""

from __future__ import annotations

import gc
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import hotplug as hp
from hotplug.data import Dataset, IterableDataset, get_worker_info


class Numbers(Dataset[Any]):
    """Sample ``i`` is ``i``, as an array, an integer and a string."""

    def __init__(self, count: int = 12, width: int = 3) -> None:
        self.count, self.width = count, width

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> dict[str, Any]:
        return {"x": np.full(self.width, index, np.float32), "t": hp.full((2,), index), "i": index, "s": str(index)}


class Who(Dataset[Any]):
    """The worker of a sample: number, workers, seed, process, and draws of all random generators."""

    def __len__(self) -> int:
        return 8

    def __getitem__(self, index: int) -> dict[str, Any]:
        info = get_worker_info()
        assert info is not None
        assert len(info.dataset) in (1, 8)
        found: list[str] = []
        thread = threading.Thread(target=lambda: found.append(str(hp.ones(1).device)))
        thread.start()
        thread.join()
        drawn = (hp.rand(2).tolist(), random.random(), float(np.random.rand()))  # noqa: NPY002 - what workers seed
        return {"id": info.id, "of": info.num_workers, "seed": info.seed, "pid": os.getpid(), "drawn": drawn,
                "devices": [str(hp.ones(1).device), *found], "marked": os.environ.get("MARK", "")}  # fmt: skip


class Stream(IterableDataset[int]):
    """``count`` numbers, each worker its share; ``uneven``: the first worker has none."""

    def __init__(self, count: int, uneven: bool = False) -> None:
        self.count, self.uneven = count, uneven

    def __iter__(self) -> Iterator[int]:
        info = get_worker_info()
        if info is None:
            return iter(range(self.count))
        if self.uneven:
            return iter(range(self.count if info.id else 0))
        return iter(range(info.id, self.count, info.num_workers))


class TwoPartError(Exception):
    """An error that doesn't survive pickling."""

    def __init__(self, one: str, two: str) -> None:
        super().__init__(one)
        self.two = two


class OnlyThereError(Exception):
    """An error that only the process that made it can read."""

    def __reduce__(self) -> Any:
        return _made_in, (os.getpid(), str(self))


def _made_in(process: int, text: str) -> OnlyThereError:
    if os.getpid() != process:
        raise ImportError("another process")
    return OnlyThereError(text)


class Uneven(Dataset[int]):
    """Sample 0 comes late."""

    def __len__(self) -> int:
        return 10

    def __getitem__(self, index: int) -> int:
        time.sleep(0 if index else 0.5)
        return index


class Faulty(Dataset[int]):
    """Sample 5 goes wrong."""

    def __init__(self, how: str) -> None:
        self.how = how

    def __len__(self) -> int:
        return 12

    def __getitem__(self, index: int) -> Any:
        if index == 5:
            if self.how == "key":
                return {}["no such key"]
            if self.how == "odd":
                raise TwoPartError("odd", "two")
            if self.how == "end":
                raise StopIteration
            if self.how == "secret":
                raise OnlyThereError("secret")
            if self.how == "unpicklable":
                return lambda: 0
            if self.how == "killed":
                os.kill(os.getpid(), signal.SIGKILL)
            if self.how == "exit":
                os._exit(3)
            time.sleep(60)
        return index


def first(batch: list[Any]) -> Any:
    return batch[0]


def mark(number: int) -> None:
    os.environ["MARK"] = f"worker {number}"


def refuse(number: int) -> None:
    raise ValueError(f"no worker {number}")


def descriptors() -> int:
    """How many are open, without those that wait to be let go."""
    gc.collect()
    hp.memory_allocated("cpu")
    return len(list(Path("/proc/self/fd").iterdir())) if sys.platform == "linux" else 0
