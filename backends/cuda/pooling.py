"""max_pool and avg_pool over one to three axes: a thread for each window, or for each place of the input backward."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from hotplug.backend import Kernel, OpKey
from hotplug.backend.render import Source
from hotplug.backends.cuda.composite import Override, Plan, Sheet, Step
from hotplug.backends.cuda.device import Device
from hotplug.backends.cuda.dialect import CUDA
from hotplug.backends.cuda.header import THREADS
from hotplug.backends.cuda.text import kernel
from hotplug.backends.opencl.frame import Layouts
from hotplug.layout import Shape

_WORDS: Final = ("count", *(f"{name}[3]" for name in "size windows kernel stride padding dilation".split()), "divisor")


def _usable(key: OpKey, kinds: str) -> bool:
    plain = key.dtypes[0].kind in kinds and 3 <= key.rank <= 5 and not key.index64
    return plain and all(each == "contiguous" for each in key.layouts)


def _coordinates(axes: int, sizes: str, prefix: str) -> list[str]:
    """Statements: the plane of item ``i`` and its coordinates there."""
    size = f"(int)HP({sizes})"
    steps = [f"const int {prefix}{n} = rest % {size}[{n}]; rest /= {size}[{n}];" for n in reversed(range(axes))]
    return ["int rest = i;", *steps, "const int plane = rest;"]


_ITEM: Final = (
    f"const hp_u64 i_ = (hp_u64)blockIdx.x * {THREADS} + threadIdx.x;",
    "if (i_ >= (hp_u64)HP(count)) return;",
    "const int i = (int)i_;",
)


def _flat(axes: int, sizes: str, prefix: str) -> str:
    text = "0"
    for axis in range(axes):
        text = f"({text}) * (int)HP({sizes})[{axis}] + {prefix}{axis}"
    return text


def _area(sizes: str, axes: int) -> str:
    return " * ".join(f"(int)HP({sizes})[{axis}]" for axis in range(axes))


def _max(source: Source, key: OpKey, axes: int) -> str:
    """Of equal elements the first wins, of NaN the last."""
    kind = key.dtypes[0]
    name = source.type(kind)
    wins = "found > best || found != found" if kind.kind == "f" else "found > best"
    loops, ends = [], []
    for axis in range(axes):
        loops += [f"for (int t{axis} = 0; t{axis} < HP(kernel)[{axis}]; ++t{axis}) {{",
                  f"const int y{axis} = w{axis} * (int)HP(stride)[{axis}] - (int)HP(padding)[{axis}];",
                  f"const int x{axis} = y{axis} + t{axis} * (int)HP(dilation)[{axis}];",
                  f"if (x{axis} < 0 || x{axis} >= HP(size)[{axis}]) continue;"]  # fmt: skip
        ends.append("}")
    body = [
        *_ITEM, *_coordinates(axes, "windows", "w"), f"{name} best = 0;", "int place = -1;", *loops,
        f"const int here = {_flat(axes, 'size', 'x')};",
        f"const {name} found = {_load(source, key, axes)};",
        f"if (place < 0 || {wins}) {{ best = found; place = here; }}", *ends,
        source.store(kind, "HP(out)[i]", "best", kind), "HP(place)[i] = place;",
    ]  # fmt: skip
    return kernel("hp_pool", body)


def _load(source: Source, key: OpKey, axes: int) -> str:
    return source.load(key.dtypes[0], f"HP(input)[(hp_i64)plane * ({_area('size', axes)}) + here]")


def _share(axes: int, include: bool) -> list[str]:
    """Statements that define ``divisor`` for window ``w*``: how many elements it has, or what was asked for."""
    lines = ["int divisor = 1;"]
    for axis in range(axes):
        lines += [
            f"{{ const int first = w{axis} * (int)HP(stride)[{axis}] - (int)HP(padding)[{axis}];",
            f"int last = first + (int)HP(kernel)[{axis}];",
            f"if (last > HP(size)[{axis}] + HP(padding)[{axis}]) last = (int)(HP(size)[{axis}] + HP(padding)[{axis}]);",
            "divisor *= last - first; }" if include else
            f"divisor *= (last < HP(size)[{axis}] ? last : (int)HP(size)[{axis}]) - (first > 0 ? first : 0); }}",
        ]  # fmt: skip
    return [*lines, "if (HP(divisor) != 0) divisor = (int)HP(divisor);"]


def _average(source: Source, key: OpKey, axes: int) -> str:
    kind = key.dtypes[0]
    name = source.type(kind.compute)
    loops, ends = [], []
    for axis in range(axes):
        loops += [f"for (int t{axis} = 0; t{axis} < HP(kernel)[{axis}]; ++t{axis}) {{",
                  f"const int x{axis} = w{axis} * (int)HP(stride)[{axis}] - (int)HP(padding)[{axis}] + t{axis};",
                  f"if (x{axis} < 0 || x{axis} >= HP(size)[{axis}]) continue;"]  # fmt: skip
        ends.append("}")
    body = [
        *_ITEM, *_coordinates(axes, "windows", "w"), f"{name} total = 0;", *loops,
        f"const int here = {_flat(axes, 'size', 'x')};", f"total += {_load(source, key, axes)};", *ends,
        *_share(axes, ("include", True) in key.attributes),
        source.store(kind, "HP(out)[i]", f"(total / ({name})divisor)", kind.compute),
    ]  # fmt: skip
    return kernel("hp_pool", body)


def _average_backward(source: Source, key: OpKey, axes: int) -> str:
    kind = key.dtypes[0]
    name = source.type(kind.compute)
    loops, ends = [], []
    for axis in range(axes):
        loops += [
            f"const int reach{axis} = x{axis} + (int)HP(padding)[{axis}], last{axis} = reach{axis} / (int)HP(stride)[{axis}];",
            f"const int before{axis} = reach{axis} - (int)HP(kernel)[{axis}];",
            f"int w{axis} = before{axis} < 0 ? 0 : before{axis} / (int)HP(stride)[{axis}] + 1;",
            f"const int first{axis} = w{axis};",
            f"for (w{axis} = first{axis}; w{axis} <= last{axis} && w{axis} < HP(windows)[{axis}]; ++w{axis}) {{",
        ]
        ends.append("}")
    place = f"HP(delta)[(hp_i64)plane * ({_area('windows', axes)}) + {_flat(axes, 'windows', 'w')}]"
    body = [
        *_ITEM, *_coordinates(axes, "size", "x"), f"{name} total = 0;", *loops,
        *_share(axes, ("include", True) in key.attributes),
        f"total += {source.load(kind, place)} / ({name})divisor;", *ends,
        source.store(kind, "HP(out)[i]", "total", kind.compute),
    ]  # fmt: skip
    return kernel("hp_pool", body)


def _plan(size: Shape, windows: Shape, count: int, scalars: Sequence[Any], dilation: Shape, divisor: int) -> Plan:
    kernel_, stride, padding = scalars[:3]
    numbers = {"count": count, "size": size, "windows": windows, "kernel": kernel_, "stride": stride, "padding": padding,
               "dilation": dilation, "divisor": divisor}  # fmt: skip
    return Plan(numbers, [Step("hp_pool", -(-count // THREADS))])


def max_pool(device: Device, key: OpKey) -> Kernel | None:
    """The largest element of each window and its place."""
    if not _usable(key, "fiu"):
        return None
    source, axes = Source(CUDA), key.rank - 2
    stored = source.stored(key.dtypes[0])
    sheet = Sheet({"out": stored, "place": "hp_i64", "input": f"const {stored}"}, _WORDS)

    def plan(layouts: Layouts, scalars: Sequence[Any]) -> Plan:
        out, _, given = layouts
        return _plan(given.shape[2:], out.shape[2:], out.numel, scalars, scalars[3], 0)

    return Override(device, key.name, source, sheet, _max(source, key, axes), plan, ("hp_pool",))


def avg_pool(device: Device, key: OpKey) -> Kernel | None:
    """The mean of each window."""
    if not _usable(key, "f"):
        return None
    source, axes = Source(CUDA), key.rank - 2
    stored = source.stored(key.dtypes[0])
    sheet = Sheet({"out": stored, "input": f"const {stored}"}, _WORDS)

    def plan(layouts: Layouts, scalars: Sequence[Any]) -> Plan:
        out, given = layouts
        return _plan(given.shape[2:], out.shape[2:], out.numel, scalars, (1,) * axes, scalars[3])

    return Override(device, key.name, source, sheet, _average(source, key, axes), plan, ("hp_pool",))


def avg_pool_backward(device: Device, key: OpKey) -> Kernel | None:
    """Each place gathers its share of the windows that it lies in."""
    if not _usable(key, "f"):
        return None
    source, axes = Source(CUDA), key.rank - 2
    stored = source.stored(key.dtypes[0])
    sheet = Sheet({"out": stored, "delta": f"const {stored}"}, _WORDS)

    def plan(layouts: Layouts, scalars: Sequence[Any]) -> Plan:
        out, delta = layouts
        return _plan(out.shape[2:], delta.shape[2:], out.numel, scalars[1:], (1,) * axes, scalars[4])

    return Override(device, key.name, source, sheet, _average_backward(source, key, axes), plan, ("hp_pool",))


OVERRIDES: Final[dict[str, Callable[[Device, OpKey], Kernel | None]]] = {
    "max_pool": max_pool,
    "avg_pool": avg_pool,
    "avg_pool_backward": avg_pool_backward,
}
