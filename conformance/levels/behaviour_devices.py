"""Level 4: several devices in one process: the one under test, ``numpy``, ``cpu`` and the backend's other ones."""

from __future__ import annotations

from collections.abc import Iterator

from hotplug import dtypes, nn, ops
from hotplug.conformance.case import Bench, Case, CaseFailedError
from hotplug.conformance.draw import NDArray
from hotplug.conformance.levels.scene import drawn
from hotplug.conformance.place import LAYOUTS, cast, host_values, shown_in, tensor
from hotplug.device import device
from hotplug.dtypes import dtype, float32
from hotplug.errors import DeviceMismatchError
from hotplug.runtime import resolve_runtime


def others(bench: Bench) -> list[str]:
    """Device strings of what is there beside the device under test."""
    from hotplug.plugins import registry

    name, index = device(bench.device).canonical
    same = [f"{name}:{each.index}" for each in registry.hardware(name) if each.index != index]
    hosts = [each for each in ("numpy", "cpu") if resolve_runtime(each) is not bench.runtime]
    return [*same, *hosts]


def _expect(where: str, found: NDArray, values: NDArray) -> None:
    if found.shape != values.shape or found.tobytes() != values.tobytes():
        raise CaseFailedError(f"{where}: the copy holds other bits than what was copied")


def _values(kind: dtype) -> NDArray:
    """Numbers of a dtype, a NaN, an infinity and a zero of either sign among them where it has those."""
    values = 5 * drawn("copies", 4, 5)
    if kind.kind in "fc":
        values[0, :4] = float("nan"), float("inf"), -0.0, 0.0
    else:
        values = abs(values).round()
    return cast(values, kind)


def copies(bench: Bench) -> float:
    """Tensors of every dtype and layout go to another device and back with all their bits, as tensors of their own."""
    held = bench.runtime.capabilities.storage
    for other in others(bench):
        for kind in dtypes.ALL:
            if kind not in held or kind not in resolve_runtime(other).capabilities.storage:
                continue
            for layout in LAYOUTS:
                _there_and_back(bench.device, other, kind, layout)
    return 0.0


def _there_and_back(here: str, other: str, kind: dtype, layout: str) -> None:
    values, where = _values(kind), f"{kind.name}, {layout}, '{here}' to '{other}'"
    x = tensor(here, values, kind, layout)
    there = x.to(other)
    shown = shown_in(values, layout)
    _expect(where, host_values(there), shown)
    _expect(f"{where} and back", host_values(there.to(here)), shown)
    # Memory that several elements share can't be written, nor can numbers that the other device holds and can't compute.
    if layout != "expanded" and kind in resolve_runtime(other).capabilities.arithmetic:
        there.zero_()
    _expect(f"{where}, after the copy was overwritten", host_values(x), shown)


def gradients(bench: Bench) -> float:
    """A gradient crosses from device to device, and arrives on the device of its tensor."""
    for other in others(bench):
        x = tensor(bench.device, drawn("gradients", 3, 4), float32).requires_grad_()
        weight = tensor(other, drawn("weights", 3, 4), float32).requires_grad_()
        ((x.to(other) * weight).to(bench.device) * 2).sum().backward()
        for name, leaf, partner in (("x", x, weight), ("weight", weight, x)):
            grad = leaf.grad
            if grad is None or grad.device != leaf.device:
                raise CaseFailedError(f"the gradient of {name} on '{leaf.device}' is {grad!r}")
            _expect(f"gradient of {name}", host_values(grad), 2 * host_values(partner))
    return 0.0


def mixed(bench: Bench) -> float:
    """Operands of two devices are refused, by an error that names both, and neither changes."""
    for other in others(bench):
        x, y = tensor(bench.device, drawn("x", 3, 3), float32), tensor(other, drawn("y", 3, 3), float32)
        before = host_values(x).tobytes(), host_values(y).tobytes()
        for call in (lambda x, y: x + y, ops.matmul, lambda x, y: ops.cat([x, y]), lambda x, y: x.add_(y)):
            try:
                call(x, y)
            except DeviceMismatchError as error:
                if not (str(x.device) in str(error) and str(y.device) in str(error)):
                    raise CaseFailedError(
                        f"the error names not both of '{x.device}' and '{y.device}': {error}"
                    ) from error
            else:
                raise CaseFailedError(f"operands on '{x.device}' and '{y.device}' were accepted")
        if (host_values(x).tobytes(), host_values(y).tobytes()) != before:
            raise CaseFailedError("a refused call changed an operand")
    return 0.0


def split_model(bench: Bench) -> float:
    """A model whose halves lie on two devices is trained; moved to one device it computes the same there."""
    for other in others(bench):
        first, second = nn.Linear(6, 8, device=bench.device), nn.Linear(8, 2, device=other)
        x = tensor(bench.device, drawn("split", 10, 6), float32)
        before = [host_values(each).tobytes() for each in (first.weight, second.weight)]
        loss = (second(ops.relu(first(x)).to(other)) ** 2).mean()
        loss.backward()
        for half in (first, second):
            for each in half.parameters():
                if each.grad is None or each.grad.device != each.device:
                    raise CaseFailedError(f"a parameter on '{each.device}' has its gradient {each.grad!r}")
                each.data = each.data - 0.1 * each.grad
        after = [host_values(each).tobytes() for each in (first.weight, second.weight)]
        if any(a == b for a, b in zip(before, after, strict=True)):
            raise CaseFailedError("a step left a half of the model as it was")
        if not (second(ops.relu(first(x)).to(other)) ** 2).mean().item() < loss.item():
            raise CaseFailedError(f"the loss of a model on '{bench.device}' and '{other}' does not fall")
        moved = host_values(second.to(bench.device).weight).tobytes()
        if moved != after[1]:
            raise CaseFailedError(f"a module moved from '{other}' to '{bench.device}' holds other bits")
    return 0.0


def cases() -> Iterator[Case]:
    """Copies, gradients, refusals and a model on two devices."""
    yield Case(4, "devices", "", "copies", copies)
    yield Case(4, "devices", "float32", "gradients", gradients)
    yield Case(4, "devices", "float32", "mixed_operands", mixed)
    yield Case(4, "devices", "float32", "split_model", split_model)
