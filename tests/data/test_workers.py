"""DataLoader with worker processes: order, seeds, errors, deaths, ends."""

from __future__ import annotations

import gc
import multiprocessing
import os
import pickle
import re
import signal
import subprocess
import sys
import time
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import worker_datasets as sets

import hotplug as hp
from hotplug.data import DataLoader, Subset, TensorDataset, get_worker_info, transfer
from hotplug.errors import WorkerError

pytestmark = pytest.mark.skipif(os.name != "posix", reason="starts its workers by a fork, to be quick")


@pytest.fixture(scope="module")
def context() -> Any:
    """How most tests start workers, in milliseconds: by a fork, or where that is not safe from a server."""
    return multiprocessing.get_context("fork") if sys.platform == "linux" else server()


@cache
def server() -> Any:
    """A server that has imported the library, from which workers are forked: all that they get is pickled."""
    found = multiprocessing.get_context("forkserver")
    found.set_forkserver_preload(["hotplug.data.workers", "hotplug.ops.movement", "hotplug.backends.cpu.backend"])
    return found


def load(context: Any, dataset: Any, batch_size: int | None = 2, **options: Any) -> DataLoader:
    options.setdefault("num_workers", 2)
    return DataLoader(dataset, batch_size, multiprocessing_context=context, **options)


def running(pid: int, orphan: bool) -> bool:
    """Whether a process is there; an orphan that has ended may wait a while for the system to take note."""
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] if orphan else "R"
    except (ProcessLookupError, FileNotFoundError):
        return False
    return state != "Z"


def gone(pids: list[int], seconds: float = 5.0, orphans: bool = False) -> bool:
    """Whether processes have ended, or do so soon."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if not any(running(pid, orphans) for pid in pids):
            return True
        time.sleep(0.01)
    return False


def pids(loader: DataLoader) -> list[int]:
    assert loader._workers is not None
    return loader._workers.pids


# --- what comes back --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 2, 5])
def test_the_same_batches_as_without_workers(context: Any, count: int) -> None:
    context = server() if count == 2 else context

    def epochs(**options: Any) -> list[Any]:
        seeded = hp.Generator().manual_seed(5)
        loader = DataLoader(sets.Numbers(7), 2, shuffle=True, generator=seeded, **options)
        return [[(b["x"].tolist(), b["t"].tolist(), b["i"].tolist(), b["s"]) for b in loader] for _ in range(2)]

    found = epochs(num_workers=count, multiprocessing_context=context, persistent_workers=count == 2)
    assert found == epochs()
    assert found[0] != found[1]


def test_options_work_in_workers(context: Any) -> None:
    plain = sets.Numbers(5)
    singles = list(load(context, plain, None))
    assert [each["i"] for each in singles] == [0, 1, 2, 3, 4]
    assert type(singles[0]["x"]) is hp.Tensor
    assert [b["i"] for b in load(context, plain, collate_fn=sets.first, drop_last=True)] == [0, 2]
    rows = TensorDataset(hp.arange(10.0).reshape(5, 2), hp.arange(5))
    batches = load(context, Subset(rows, [4, 2, 0]), 1, batch_sampler=[[0, 1], [2]])
    assert [y.tolist() for _, y in batches] == [[4, 2], [0]]
    assert list(load(context, sets.Numbers(0))) == []
    assert len(load(context, sets.Numbers(5))) == 3


def test_batches_out_of_order(context: Any) -> None:
    late = load(context, sets.Uneven(), 1, in_order=False)
    found = [batch.item() for batch in late]
    assert sorted(found) == list(range(10))
    assert found[0] == 1
    assert found[-1] == 0 or found.index(0) > 4  # the other worker has done nearly all meanwhile
    assert [batch.item() for batch in load(context, sets.Uneven(), 1)] == list(range(10))
    stream = load(context, sets.Stream(4, uneven=True), 1, in_order=False, persistent_workers=True)
    for _ in range(2):
        assert [batch.item() for batch in stream] == [0, 1, 2, 3]
    with pytest.raises(WorkerError, match="killed by signal 9"):
        list(load(context, sets.Faulty("killed"), 1, in_order=False))
    with pytest.raises(WorkerError, match="timed out after 0.3 seconds"):
        list(load(context, sets.Faulty("late"), 1, in_order=False, timeout=0.3))


@pytest.mark.parametrize("shares", [True, False])
def test_large_arrays(context: Any, shares: bool) -> None:
    threshold = transfer.SMALLEST_SHARED
    large = sets.Numbers(4, width=threshold if shares else threshold // 64)
    with_workers = list(load(context, large))
    assert [b["x"].mean().item() for b in with_workers] == [0.5, 2.5]
    held = with_workers[0]["x"]
    assert held.shape == (2, large.width)
    if sys.platform == "linux":
        assert held._array.storage.block == -1  # the worker's memory itself
    held.add_(1)
    assert with_workers[1]["x"].mean().item() == 2.5


def test_an_iterable_dataset_is_shared_out(context: Any) -> None:
    loader = load(context, sets.Stream(9), 2)
    assert [b.tolist() for b in loader] == [[0, 2], [1, 3], [4, 6], [5, 7], [8]]
    assert [b.tolist() for b in load(context, sets.Stream(9), 2, drop_last=True)] == [[0, 2], [1, 3], [4, 6], [5, 7]]
    assert list(load(context, sets.Stream(4), None)) == [0, 1, 2, 3]
    lasting = load(context, sets.Stream(4, uneven=True), 1, persistent_workers=True, prefetch_factor=3)
    for _ in range(2):
        assert [b.item() for b in lasting] == [0, 1, 2, 3]


def test_who_a_worker_is_and_what_it_draws(context: Any) -> None:
    assert get_worker_info() is None

    def epoch(seed: int) -> list[dict[str, Any]]:
        rng = hp.Generator().manual_seed(seed)
        return list(load(context, sets.Who(), None, generator=rng, worker_init_fn=sets.mark))

    with hp.device("numpy"):
        one = epoch(1)
    assert [each["id"] for each in one] == [0, 1] * 4
    assert {each["of"] for each in one} == {2}
    assert one[1]["seed"] == one[0]["seed"] + 1
    assert {each["pid"] for each in one if each["id"] == 0}.isdisjoint({os.getpid(), one[1]["pid"]})
    assert {(each["id"], each["marked"], *each["devices"]) for each in one} == {
        (0, "worker 0", "cpu", "cpu"),
        (1, "worker 1", "cpu", "cpu"),
    }
    drawn = [each["drawn"] for each in one]
    assert [each["drawn"] for each in epoch(1)] == drawn
    assert [each["drawn"] for each in epoch(2)] != drawn
    assert len({repr(each) for each in drawn}) == 8


INHERITED = """
import hotplug as hp, worker_datasets as sets
from hotplug.data import DataLoader, Subset
hp.set_default_device("numpy")
with hp.device("numpy"):
    (found,) = DataLoader(Subset(sets.Who(), [0]), None, num_workers=1, multiprocessing_context="fork")
assert found["devices"] == ["cpu", "cpu"], found
"""


def test_a_worker_makes_tensors_on_the_host_whatever_it_inherits() -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(sets.__file__).parent)}
    subprocess.run([sys.executable, "-c", INHERITED], check=True, env=environment, timeout=60)


# --- errors and deaths ------------------------------------------------------------------------------------------------


def test_an_error_comes_with_its_traceback_and_the_loop_may_go_on(context: Any) -> None:
    batches = iter(load(context, sets.Faulty("key"), 2, persistent_workers=True))
    assert [next(batches).tolist() for _ in range(2)] == [[0, 1], [2, 3]]
    with pytest.raises(KeyError, match="no such key") as caught:
        next(batches)
    (note,) = caught.value.__notes__
    assert "Raised in DataLoader worker 0 (pid" in note
    assert 'return {}["no such key"]' in note
    assert [each.tolist() for each in batches] == [[6, 7], [8, 9], [10, 11]]


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("end", r"worker 1 \(pid \d+\) raised StopIteration"),
        ("secret", r"worker 1 \(pid \d+\) raised OnlyThereError: secret\n\nOriginal traceback:\n"),
        ("odd", r"worker 1 \(pid \d+\) raised TwoPartError: odd\n\nOriginal traceback:\n(.|\n)*raise TwoPartError"),
        ("unpicklable", r"(pickle|local object)(.|\n)*worker 1"),
        ("killed", r"DataLoader worker 1 \(pid \d+\) was killed by signal 9 \(SIGKILL\).*memory runs out"),
        ("exit", r"DataLoader worker 1 \(pid \d+\) exited with code 3"),
        ("late", r"timed out after 0.5 seconds: worker [01] \(pid \d+\) is still at its batch"),
    ],
)
def test_failures(context: Any, how: str, message: str) -> None:
    options: dict[str, Any] = {"timeout": 0.5} if how == "late" else {}
    loader = load(context, sets.Faulty(how), 1, collate_fn=sets.first, persistent_workers=True, **options)
    batches = iter(loader)
    seen = []
    started = pids(loader)
    with pytest.raises(Exception) as caught:  # noqa: PT011 - what is unpicklable raises by version
        seen.extend(batches)
    text = "\n".join([f"{type(caught.value).__name__}: {caught.value}", *getattr(caught.value, "__notes__", [])])
    assert re.search(message, text), text
    if how != "unpicklable":
        assert isinstance(caught.value, WorkerError)
        assert gone(started, 8)
        assert list(batches) == []
    fresh = load(context, sets.Numbers(2), 1)  # the next loop starts anew
    assert [each["i"].item() for each in fresh] == [0, 1]


def test_a_worker_killed_while_idle_is_noticed(context: Any) -> None:
    loader = load(context, sets.Numbers(40), 1, persistent_workers=True)
    batches = iter(loader)
    next(batches)
    os.kill(pids(loader)[1], signal.SIGKILL)
    begin = time.monotonic()
    with pytest.raises(WorkerError, match=r"worker 1 \(pid \d+\) was killed by signal 9"):
        list(batches)
    assert time.monotonic() - begin < 5
    assert [each["i"].item() for each in loader] == list(range(40))  # with new workers


def test_worker_init_fn_may_fail(context: Any) -> None:
    with pytest.raises(ValueError, match="no worker 0") as caught:
        list(load(context, sets.Numbers(), worker_init_fn=sets.refuse))
    assert "in refuse" in caught.value.__notes__[0]


def test_what_cannot_be_sent_to_a_worker() -> None:
    with pytest.raises(TypeError, match="can't be sent to a worker process"):
        iter(load(server(), sets.Numbers(), collate_fn=lambda batch: batch))


# --- the end ----------------------------------------------------------------------------------------------------------


def test_workers_end_with_the_loop_or_the_iterator(context: Any) -> None:
    dataset = sets.Who()
    whole = {each["pid"] for each in load(context, dataset, None)}
    broken = iter(load(context, dataset, None))
    part = {next(broken)["pid"], next(broken)["pid"]}
    assert len(whole) == len(part) == 2
    assert not gone(list(part), 0.05)
    del broken
    gc.collect()
    assert gone([*whole, *part])


def test_persistent_workers_last(context: Any) -> None:
    loader = load(context, sets.Who(), None, persistent_workers=True)
    first = {each["pid"] for each in loader}
    for each in loader:
        assert each["pid"] in first
        break  # broken off: what was prefetched is dropped
    old = iter(loader)
    assert [each["id"] for each in loader] == [0, 1] * 4
    with pytest.raises(WorkerError, match="another loop over this loader has begun"):
        next(old)
    assert {each["pid"] for each in loader} == first
    assert pickle.loads(pickle.dumps(DataLoader(sets.Numbers()))).num_workers == 0
    assert loader.__getstate__()["_workers"] is None
    del loader, old
    gc.collect()
    assert gone(list(first))


def test_nothing_is_left_open(context: Any) -> None:
    large = sets.Numbers(6, width=transfer.SMALLEST_SHARED)
    list(load(context, large))
    before = sets.descriptors()
    for stop in (1, 2, 9):
        for number, _ in enumerate(load(context, large, 1)):
            if number == stop:
                break
        del _  # the last batch
    assert sets.descriptors() == before


SCRIPT = """
import os, sys, time, warnings
warnings.simplefilter("ignore")
sys.path.insert(0, {tests!r})
import hotplug as hp, worker_datasets as sets
from hotplug.data import DataLoader, get_worker_info

class Slow(sets.Numbers):  # not importable elsewhere: a fork needs no pickle
    def __getitem__(self, index):
        if index > 3: time.sleep({pause})
        return os.getpid(), (lambda: 0)() or index

if __name__ == "__main__":
    hp.data.worker.SHUTDOWN_SECONDS = 0.3
    loader = DataLoader(Slow(8), 1, num_workers=2, multiprocessing_context={context!r})
    print("ready", flush=True)
    try:
        for who, index in loader:
            print(who.item(), flush=True)
    except KeyboardInterrupt:
        print("interrupted", flush=True)
    print("done", flush=True)
"""


def start(tmp_path: Path, pause: float, context: str | None) -> tuple[subprocess.Popen[str], Any]:
    """A program that loads, and what it prints from the time when it starts its workers."""
    path = tmp_path / "script.py"
    tests = str(Path(sets.__file__).parent)
    path.write_text(SCRIPT.format(tests=tests, pause=pause, context=context))
    process = subprocess.Popen(
        [sys.executable, path], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process, process.stdout


@pytest.mark.parametrize("context", [None, "spawn"])
def test_a_script(tmp_path: Path, context: str | None) -> None:
    process, _ = start(tmp_path, 0, context)
    out, errors = process.communicate(timeout=60)
    assert errors == ""
    *seen, last = out.split()
    assert last == "done"
    assert len(seen) == 8
    assert gone([int(each) for each in set(seen)])


@pytest.mark.parametrize(
    ("number", "pause", "context"),
    [(signal.SIGINT, 0.4, "spawn"), (signal.SIGINT, 60, "fork"), (signal.SIGKILL, 60, "fork")],
)
def test_no_worker_is_left_over(tmp_path: Path, number: int, pause: float, context: str) -> None:
    process, printed = start(tmp_path, pause, context)
    seen = [int(printed.readline()) for _ in range(4)]
    if number == signal.SIGINT:
        os.killpg(process.pid, signal.SIGINT)  # as the terminal does for Ctrl-C
    else:
        process.kill()
    out, errors = process.communicate(timeout=30)
    assert gone([process.pid, *seen], orphans=sys.platform == "linux")
    assert errors == ""
    assert out.split() == (["interrupted", "done"] if number == signal.SIGINT else [])


@pytest.mark.parametrize("context", ["fork", "spawn"])
@pytest.mark.parametrize("seconds", [0, 0.3])
def test_ctrl_c_while_the_workers_start(tmp_path: Path, context: str, seconds: float) -> None:
    process, _ = start(tmp_path, 60, context)
    time.sleep(seconds)
    os.killpg(process.pid, signal.SIGINT)
    out, errors = process.communicate(timeout=30)
    assert errors == ""
    assert out.split()[-2:] == ["interrupted", "done"]


FORK = """
import os
import hotplug as hp
x = hp.ones(3, device="minimal")
held = hp.ones(3)
child = os.fork()
if not child:
    assert (held + 1).sum().item() == 6
    for use in (lambda: x + 1, lambda: x.tolist(), lambda: hp.ones(3, device="minimal")):
        try:
            use()
        except hp.errors.DeviceError as error:
            assert "was in use before this process was forked" in str(error), error
        else:
            os._exit(1)
    os._exit(0 if str(x.device).startswith("minimal") else 2)
assert os.waitpid(child, 0)[1] == 0
assert (x + 1).tolist() == [2, 2, 2]
"""


def test_a_device_in_use_does_not_survive_a_fork() -> None:
    pytest.importorskip("hotplug_minimal", reason="the example plugin is a device outside of host memory")
    ended = subprocess.run([sys.executable, "-W", "ignore", "-c", FORK], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr


BESIDE_A_DEVICE = """
import hotplug as hp
from hotplug.data import DataLoader, Dataset, TensorDataset

class Rows(Dataset):
    def __len__(self): return 4
    def __getitem__(self, index): return hp.tensor([float(index)])

weight = hp.full((1,), 3.0, device="minimal")
with hp.device("minimal"):  # and no `if __name__ == "__main__"`: as programs for PyTorch are written
    for batch in DataLoader(Rows(), 2, num_workers=2):
        print((batch.to("minimal") * weight).tolist(), batch.device)
try:
    next(iter(DataLoader(TensorDataset(weight), num_workers=1)))
except hp.errors.DeviceError as error:
    print(error)
"""


@pytest.mark.skipif(multiprocessing.get_all_start_methods()[0] != "fork", reason="the system doesn't fork by itself")
def test_workers_beside_a_device_of_its_own(tmp_path: Path) -> None:
    pytest.importorskip("hotplug_minimal", reason="the example plugin is a device outside of host memory")
    (tmp_path / "program.py").write_text(BESIDE_A_DEVICE)
    ended = subprocess.run([sys.executable, "program.py"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.stderr == ""
    one, two, three = ended.stdout.splitlines()
    assert [one, two] == ["[[0.0], [3.0]] cpu", "[[6.0], [9.0]] cpu"]
    assert "was in use before this process was forked" in three
