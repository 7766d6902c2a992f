"""How ops run on a device: observed, launch by launch, by a decorator that counts.

A report says for each op whether it ran by kernels of the required families (``native``), by a kernel that the backend
has for a composite (``overridden``), by the core's decomposition of a composite that the backend declined
(``decomposed``), on the host, or without any kernel (``view``); how many launches its forward and its backward pass
take; and how many bytes cross between host and device.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, final

from hotplug import autograd, dtypes, ops
from hotplug.array import Array
from hotplug.backend import FAMILIES, Backend, Buffer, Kernel, OpKey
from hotplug.backends.decorators.forwarding import Forwarding
from hotplug.conformance import sampling
from hotplug.conformance.case import Options
from hotplug.conformance.draw import Sample
from hotplug.conformance.levels.forward import called
from hotplug.conformance.place import Placed
from hotplug.conformance.samples import recipe_of, samples_of
from hotplug.dtypes import dtype
from hotplug.host_execution import host_policy
from hotplug.runtime import Runtime, resolve_runtime, runtime_of
from hotplug.tensor import Tensor

NAME: Final = "observe"
"""The decorator's name; it is registered by the program that makes a report, and is there for no other."""


@final
@dataclass(frozen=True, slots=True)
class Seen:
    """How one op ran, for its first sample.

    Attributes:
        how: ``native``, ``overridden``, ``decomposed``, ``host`` or ``view``.
        forward, backward: launches by family or composite.
        declined: composites for which the backend has no kernel.
        read, written, copied: bytes from the device, to the device, and within it beside kernels.
    """

    how: str
    forward: dict[str, int]
    backward: dict[str, int]
    declined: tuple[str, ...]
    read: int = 0
    written: int = 0
    copied: int = 0


@final
class ObservedBackend(Forwarding):
    """Counts launches and bytes; kernels are those that the device without the decorator has."""

    def __init__(self, inner: Backend) -> None:
        super().__init__(inner)
        self.launches: Final[Counter[str]] = Counter()
        self.moved: Final[Counter[str]] = Counter()
        self.declined: Final[set[str]] = set()

    def resolve(self, index: int, key: OpKey) -> Kernel | None:
        kernel = runtime_of(self.inner.name, index).kernel(key)
        if kernel is None:
            if key.name not in FAMILIES:
                self.declined.add(key.name)
            return None
        found = kernel

        def counted(outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any], /) -> None:
            self.launches[key.name] += 1
            found(outs, inputs, scalars)

        return counted

    def read(self, buffer: Buffer, offset: int, nbytes: int) -> bytes | bytearray | memoryview:
        self.moved["read"] += nbytes
        return self.inner.read(buffer, offset, nbytes)

    def write(self, buffer: Buffer, offset: int, data: memoryview) -> None:
        self.moved["written"] += data.nbytes
        self.inner.write(buffer, offset, data)

    def copy(
        self, destination: Buffer, destination_offset: int, source: Buffer, source_offset: int, nbytes: int
    ) -> None:
        self.moved["copied"] += nbytes
        self.inner.copy(destination, destination_offset, source, source_offset, nbytes)

    def reset(self) -> None:
        """Count from 0."""
        self.launches.clear()
        self.moved.clear()
        self.declined.clear()


def observed(device: str) -> tuple[Runtime, ObservedBackend]:
    """A device with the decorator, which is registered where it is not yet."""
    from hotplug.plugins import DecoratorSpec, registry

    if NAME not in registry.decorators():
        registry.register(DecoratorSpec(NAME, ObservedBackend))
    runtime = resolve_runtime(f"{NAME}+{device}")
    backend = runtime.backend
    assert isinstance(backend, ObservedBackend)
    return runtime, backend


def first_kind(name: str, options: Options) -> dtype:
    """The dtype in which an op is looked at: the first of those in which the suite runs it."""
    recipe = recipe_of(name)
    accepted = [each for each in dtypes.ALL if recipe is not None and each.kind in recipe.kinds]
    return sampling.kinds(name, accepted or [dtypes.float32], options)[0]


def observe(name: str, kind: dtype, device: str, seed: int = 0) -> Seen | None:
    """How an op runs, by its first sample that it accepts; ``None`` where it accepts none on the device."""
    for sample in samples_of(name, kind.kind, seed):
        try:
            with host_policy("allow"):
                return _one(name, sample, kind, device)
        except Exception:  # noqa: BLE001 - what fails is reported by the op's cases
            continue
    return None


def _one(name: str, sample: Sample, kind: dtype, device: str) -> Seen:
    runtime, backend = observed(device)
    recipe = recipe_of(name)
    wants = recipe is not None and recipe.gradient and kind.kind in "fc"
    placed = Placed(sample, f"{NAME}+{device}", kind, grad=wants, writes=name.endswith("_"))
    runtime._kernels.clear()  # every op asks anew for the composites that it is made of
    runtime.plans.clear()
    before = runtime.counts["host"]
    backend.reset()
    found = called(name, placed)
    forward, moved, declined = dict(backend.launches), dict(backend.moved), set(backend.declined)
    host = runtime.counts["host"] > before
    backend.reset()
    backward = _backward(found, placed, backend) if wants else {}
    how = _how(forward, declined, host)
    return Seen(how, forward, backward, tuple(sorted(declined | backend.declined)), **moved)


def _backward(found: Sequence[Any], placed: Placed, backend: ObservedBackend) -> dict[str, int]:
    targets = [each for each in found if isinstance(each, Tensor) and each.requires_grad]
    if not targets or not placed.leaves:
        return {}
    weights = [ops.ones_like(each) for each in targets]
    backend.reset()
    autograd.grad(targets, placed.leaves, weights, allow_unused=True)
    return dict(backend.launches)


def _how(launches: dict[str, int], declined: set[str], host: bool) -> str:
    if host:
        return "host"
    if any(name not in FAMILIES for name in launches):
        return "overridden"
    if declined:
        return "decomposed"
    return "native" if launches else "view"
