"""Decorated devices: what they compute is what the device computes; they compose; they end with their block."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
from pathlib import Path

import pytest
from devices import needed

import hotplug as hp
from hotplug.backends.decorators.fault import PlannedFault, plan
from hotplug.backends.decorators.profile import profile_of
from hotplug.errors import ArgumentError, DeviceError, OutOfMemoryError, PluginError


def train(device: str) -> list[float]:
    """The losses of five steps on a device."""
    hp.manual_seed(0)
    with hp.device(device):
        model = hp.nn.Sequential(hp.nn.Linear(8, 16), hp.nn.ReLU(), hp.nn.Linear(16, 3))
        optimizer = hp.optim.Adam(model.parameters(), lr=0.01)
        x, y = hp.randn(32, 8), hp.randint(0, 3, (32,))
        losses = []
        for _ in range(5):
            optimizer.zero_grad()
            loss = hp.nn.functional.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    return losses


@pytest.mark.parametrize("device", ["profile+cpu", "fault+cpu", "profile+fault+numpy", "fault+profile+cpu"])
def test_a_decorated_device_computes_the_same_bits(device: str) -> None:
    assert train(device) == train(device.rpartition("+")[2])
    if "profile" in device:
        assert profile_of(device).table()


def test_the_profile_names_ops_and_how_they_ran() -> None:
    profile = profile_of("profile+numpy")  # it has no kernels for whole ops, so what runs is known
    profile.reset()
    train("profile+numpy")
    rows = {(row.op, row.kernel.split()[0]): row for row in profile.rows()}
    assert rows["relu", "map"].calls == 5
    assert rows["relu", "map"].how == "native"
    assert rows["relu", "map"].nbytes == 5 * 2 * 32 * 16 * 4
    assert rows["adam_step", "map"].calls == 5 * 4
    assert rows["ReluBackward", "map"].calls == 5
    assert any(row.op == "LinearBackward" and row.kernel == "matmul" for row in profile.rows())
    assert all(row.seconds > 0 for row in profile.rows() if row.how != "decomposed")
    assert not any(row.op == "?" for row in profile.rows())
    table = profile.table(most=5)
    assert len(table.splitlines()) == 8
    assert "relu" in profile.table(most=100)


def test_no_kernel_is_without_a_name_whatever_the_device_overrides() -> None:
    profile = profile_of("profile+cpu")
    profile.reset()
    train("profile+cpu")
    assert {"adam_step", "cross_entropy", "relu"} <= {row.op for row in profile.rows()}
    assert not any(row.op == "?" for row in profile.rows())


def test_the_profile_shows_what_ran_on_the_host() -> None:
    device = "profile+minimal"
    needed("minimal")
    x = hp.tensor([[2.0, 1.0], [1.0, 3.0]], device=device)
    profile = profile_of(device)
    profile.reset()
    with hp.host_policy("allow"):
        hp.linalg.eigh(x)
    (row,) = [row for row in profile.rows() if row.how == "host"]
    assert row.op == "linalg_eigh"
    assert row.calls == 1
    assert row.seconds > 0
    assert row.nbytes >= 2 * 16 + 8


def test_the_trace_is_what_chrome_reads(tmp_path: Path) -> None:
    profile = profile_of("profile+cpu")
    profile.reset()
    hp.ones(4, device="profile+cpu").exp().sum().item()
    profile.export_chrome_trace(tmp_path / "trace.json")
    events = json.loads((tmp_path / "trace.json").read_text())["traceEvents"]
    assert [event["name"] for event in events] == ["ones", "exp", "sum"]
    assert all(event["ph"] == "X" and event["dur"] > 0 for event in events)
    assert events == sorted(events, key=lambda event: event["ts"])


def test_the_table_is_printed_at_the_end_of_a_program() -> None:
    code = "import hotplug as hp; print(hp.ones(3).add(1).tolist())"
    environment = {"HOTPLUG_DEVICE": "profile+cpu"}
    ran = subprocess.run(
        [sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True, timeout=60
    )
    assert ran.stdout == "[2.0, 2.0, 2.0]\n"
    assert ran.stderr.splitlines()[0].split()[:3] == ["OP", "KERNEL", "HOW"]
    assert "kernel calls" in ran.stderr.splitlines()[-1]


def test_a_kernel_fails_as_planned_and_the_next_call_works() -> None:
    x = hp.arange(4.0, device="fault+cpu")
    with plan("fault+cpu", kernel=2) as planned:
        assert (x + 1).tolist() == [1, 2, 3, 4]
        with pytest.raises(PluginError, match="fails as planned") as error:
            x * 2
        assert isinstance(error.value.__cause__, PlannedFault)
        assert (x * 2).tolist() == [0, 2, 4, 6]
    assert planned.counts == {"kernel": 3}
    with plan("fault+cpu", kernel=1, only="matmul"):
        x + 1
        with pytest.raises(PluginError, match="matmul"):
            x.reshape(2, 2) @ x.reshape(2, 2)


def test_ctrl_c_is_pressed_as_planned() -> None:
    x = hp.arange(4.0, device="fault+cpu")
    with plan("fault+cpu", interrupt=2) as planned:
        x + 1
        with pytest.raises(KeyboardInterrupt, match="in kernel 2 .map., as planned"):
            x * 2
        assert (x * 2).tolist() == [0, 2, 4, 6]
    assert planned.counts == {"kernel": 3}


def test_memory_runs_out_as_planned() -> None:
    x = hp.ones(1 << 12, device="fault+cpu")
    gc.collect()  # what other tests left in cycles
    before = hp.memory_allocated("fault+cpu")
    with plan("fault+cpu", allocation=1), pytest.raises(OutOfMemoryError, match="fault"):
        hp.ones(1 << 20, device="fault+cpu")
    assert hp.memory_allocated("fault+cpu") == before
    assert hp.ones(1 << 20, device="fault+cpu").sum().item() == 1 << 20
    assert x.sum().item() == 1 << 12


def test_a_lost_device_stays_lost_until_the_plan_ends() -> None:
    x = hp.ones(4, device="fault+cpu")
    with plan("fault+cpu", lost=1):
        for _ in range(2):
            with pytest.raises(DeviceError, match="lost, as planned"):
                x + 1
    assert (x + 1).tolist() == [2] * 4


@pytest.mark.parametrize("call", [profile_of, lambda device: plan(device).__enter__()])
def test_a_device_without_the_decorator_is_named(call: object) -> None:
    with pytest.raises(ArgumentError, match="'numpy'"):
        call("numpy")  # type: ignore[operator]
