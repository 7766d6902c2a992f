"""Names that are accepted: compile, switches, streams, the profiler; their effects and their refusals."""

from __future__ import annotations

import json
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import hotplug as hp
from hotplug.device import redirect


def test_compile_returns_the_function_itself() -> None:
    def double(x: Any) -> Any:
        return x * 2

    module = hp.nn.Linear(2, 2)
    assert hp.compile(double) is double
    assert hp.compile(module, mode="max-autotune", dynamic=True) is module
    assert hp.compile(fullgraph=True, backend="eager")(double) is double
    assert hp.compile(double, backend=lambda graph, inputs: graph) is double


@pytest.mark.parity
@pytest.mark.parametrize(
    "options", [{"mode": "fastest"}, {"mode": "default", "options": {"trace": True}}, {"mode": 3}], ids=str
)
def test_compile_refuses_what_pytorch_refuses(torch: ModuleType, options: dict[str, Any]) -> None:
    with pytest.raises(Exception) as theirs:  # noqa: PT011 - whatever PyTorch raises
        torch.compile(lambda x: x, **options)
    kind = next(each for each in theirs.type.__mro__ if each.__module__ == "builtins")
    with pytest.raises(kind):
        hp.compile(lambda x: x, **options)
    with pytest.raises(TypeError, match="backend"):
        hp.compile(lambda x: x, backend=3)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="function"):
        hp.compile(3)  # type: ignore[arg-type]


@pytest.mark.parity
def test_compiler(torch: ModuleType) -> None:
    for library in (hp, torch):
        assert not library.compiler.is_compiling()
        assert not library.compiler.is_dynamo_compiling()

    def function() -> int:
        return 1

    assert hp.compiler.disable(function) is function
    assert hp.compiler.disable()(function) is function
    assert hp.compiler.allow_in_graph(function) is hp.compiler.assume_constant_result(function) is function
    assert hp.compiler.list_backends() == []
    hp.compiler.reset()
    hp.compiler.cudagraph_mark_step_begin()


@pytest.mark.parity
def test_switches(torch: ModuleType) -> None:
    for library in (hp, torch):
        before = library.get_float32_matmul_precision()
        library.set_float32_matmul_precision("high")
        assert library.get_float32_matmul_precision() == "high"
        library.set_float32_matmul_precision(before)
        threads = library.get_num_threads()
        library.set_num_threads(2)
        assert library.get_num_threads() == 2
        library.set_num_threads(threads)
        assert library.get_num_interop_threads() >= 1
        for wrong in (0, -1):
            with pytest.raises(RuntimeError):
                library.set_num_threads(wrong)
        with pytest.raises(RuntimeError):
            library.set_num_threads("2")
        library.set_warn_always(True)
        assert library.is_warn_always_enabled()
        library.set_warn_always(False)
        assert library.is_anomaly_enabled() is False
        assert library._assert(True, "fine") is None
        with pytest.raises(AssertionError, match="not fine"):
            library._assert(False, "not fine")
    with pytest.raises(ValueError, match="precision"):
        hp.set_float32_matmul_precision("low")
    hp.set_num_interop_threads(hp.get_num_interop_threads())
    assert hp.set_flush_denormal(True) is False


@pytest.mark.parity
def test_backends(torch: ModuleType) -> None:
    for library in (hp, torch):
        cuda = library.backends.cuda
        cuda.matmul.allow_tf32 = True
        assert cuda.matmul.allow_tf32
        cuda.matmul.allow_tf32 = False
        cuda.enable_flash_sdp(False)
        assert not cuda.flash_sdp_enabled()
        cuda.enable_flash_sdp(True)
        assert cuda.math_sdp_enabled()
        assert cuda.mem_efficient_sdp_enabled()
        assert isinstance(library.backends.mkl.is_available(), bool)
        assert isinstance(library.backends.openmp.is_available(), bool)
        assert isinstance(library.backends.opt_einsum.is_available(), bool)
    with hp.backends.cuda.sdp_kernel(enable_math=False):
        assert not hp.backends.cuda.math_sdp_enabled()
    assert hp.backends.cuda.math_sdp_enabled()
    assert isinstance(hp.backends.cuda.is_built(), bool)
    assert hp.backends.cuda.preferred_linalg_library() == "default"
    with pytest.raises(AttributeError):
        _ = hp.backends.cuda.no_such_switch


@pytest.fixture
def cuda_is_numpy() -> Any:
    redirect("cuda", hp.device("numpy"))
    yield
    redirect("cuda", None)


@pytest.mark.usefixtures("cuda_is_numpy")
def test_streams_and_events() -> None:
    start, end = hp.cuda.Event(enable_timing=True), hp.cuda.Event(enable_timing=True)
    start.record()
    time.sleep(0.02)
    with hp.cuda.stream(hp.cuda.Stream()) as stream:
        end.record(stream)
        assert stream == hp.cuda.current_stream() == hp.cuda.default_stream()
        stream.wait_event(start)
        stream.wait_stream(hp.cuda.current_stream())
        assert stream.query()
        assert isinstance(stream.record_event(), hp.cuda.Event)
    hp.cuda.set_stream(stream)
    end.wait()
    end.synchronize()
    assert end.query()
    assert 15 < start.elapsed_time(end) < 5000
    with pytest.raises(ValueError, match="recorded"):
        start.elapsed_time(hp.cuda.Event(enable_timing=True))
    with pytest.raises(ValueError, match="enable_timing"):
        hp.cuda.Event().elapsed_time(end)
    with hp.cuda.stream(None):
        pass


@pytest.mark.usefixtures("cuda_is_numpy")
def test_more_of_cuda() -> None:
    cuda = hp.cuda
    x = cuda.FloatTensor([1, 2])
    assert (x.dtype, x.device.type, x.tolist()) == (hp.float32, "numpy", [1.0, 2.0])
    assert isinstance(x, cuda.FloatTensor)
    assert not isinstance(x, cuda.LongTensor)
    assert cuda.LongTensor(2, 3).shape == (2, 3)
    assert cuda.is_bf16_supported() is True
    free, total = cuda.mem_get_info()
    assert 0 <= free <= total
    stats = cuda.memory_stats()
    assert stats["allocated_bytes.all.current"] == cuda.memory_allocated() > 0
    assert cuda.memory_cached() == cuda.memory_reserved()
    cuda.reset_max_memory_allocated()
    cuda.ipc_collect()
    assert cuda.get_arch_list() == []
    assert not cuda.is_current_stream_capturing()
    state = cuda.get_rng_state()
    first = hp.rand(3).tolist()
    cuda.set_rng_state(state)
    assert hp.rand(3).tolist() == first
    cuda.set_rng_state_all([state])
    assert hp.rand(3).tolist() == first
    assert [each.tolist() for each in cuda.get_rng_state_all()] == [cuda.get_rng_state().tolist()] * cuda.device_count()
    cuda.seed_all()
    assert cuda.initial_seed() == hp.initial_seed()
    with cuda.device(0), cuda.device(-1), cuda.device_of(x):
        assert hp.ones(1).device.type == "numpy"
    assert issubclass(cuda.OutOfMemoryError, RuntimeError)
    assert cuda.OutOfMemoryError is hp.OutOfMemoryError
    with pytest.raises(AttributeError):
        _ = cuda.no_such_name


def test_profiler(tmp_path: Path) -> None:
    from hotplug.autograd import profiler

    with hp.profiler.profile(activities=[hp.profiler.ProfilerActivity.CPU]) as found:
        for _ in range(2):
            with profiler.record_function("outer"), hp.profiler.record_function("inner"):
                time.sleep(0.002)
        assert profiler.record_function("function")(lambda: 3)() == 3
    rows = {row.key: row for row in found.key_averages()}
    assert {name: row.count for name, row in rows.items()} == {"inner": 2, "outer": 2, "function": 1}
    assert rows["outer"].cpu_time_total >= rows["inner"].cpu_time_total > 3000
    assert rows["inner"].cpu_time == rows["inner"].cpu_time_total / 2
    assert found.key_averages().table(sort_by="cpu_time_total", row_limit=2).count("\n") == 2
    assert found.key_averages().total_average().count == 5
    found.export_chrome_trace(str(tmp_path / "trace.json"))
    assert len(json.loads((tmp_path / "trace.json").read_text())["traceEvents"]) == len(found.events()) == 5


@pytest.mark.parity
def test_schedules(torch: ModuleType, tmp_path: Path) -> None:
    for options in (
        {"wait": 1, "warmup": 1, "active": 2},
        {"wait": 0, "warmup": 1, "active": 1, "repeat": 2, "skip_first": 3},
    ):
        ours, theirs = hp.profiler.schedule(**options), torch.profiler.schedule(**options)
        assert [ours(step).name for step in range(12)] == [theirs(step).name for step in range(12)]
    plan = hp.profiler.schedule(wait=1, warmup=0, active=1, repeat=1)
    handler = hp.profiler.tensorboard_trace_handler(str(tmp_path))
    with hp.profiler.profile(schedule=plan, on_trace_ready=handler) as found:
        for step in range(4):
            with hp.profiler.record_function(f"step {step}"):
                pass
            found.step()
    assert [row.key for row in found.key_averages()] == ["step 1"]
    assert len(list(tmp_path.iterdir())) == 1
    with pytest.raises(ValueError, match="active"):
        hp.profiler.schedule(wait=0, warmup=0, active=0)
