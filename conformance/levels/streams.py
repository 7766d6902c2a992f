"""Level 3: random numbers, the same on every device: words, integers and choices bit for bit, logarithms nearly."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any, Final

from hotplug import dtypes, ops
from hotplug.conformance.case import Bench, Case
from hotplug.conformance.compare import check
from hotplug.conformance.levels.forward import REFERENCE, supported
from hotplug.conformance.place import host_values
from hotplug.conformance.tolerance import EXACT, Tolerance, tolerance_of
from hotplug.dtypes import dtype, float32
from hotplug.nn import functional
from hotplug.random import Generator
from hotplug.tensor import Tensor

Drawn = Callable[[str, dtype, Generator], Tensor]

_SHAPE: Final = (5, 13)


def _blank(device: str, kind: dtype) -> Tensor:
    return ops.zeros(_SHAPE, dtype=kind, device=device)


def _like(function: Any, *args: Any) -> Drawn:
    """A function that takes its dtype and device from a tensor, and draws from the default generator."""

    def drawn(device: str, kind: dtype, _: Generator) -> Tensor:
        from hotplug import random

        with random.fork_rng():
            random.manual_seed(11)
            made: Tensor = function(_blank(device, kind), *args)
            return made

    return drawn


def _attended(device: str, kind: dtype, generator: Generator) -> Tensor:
    """Attention with dropout, and its gradients: backward drops what forward dropped."""
    from hotplug import autograd, random

    query, key, value = (
        ops.rand(2, 5, 4, generator=generator, dtype=kind, device=device).requires_grad_() for _ in range(3)
    )
    with random.fork_rng():
        random.manual_seed(11)
        out = functional.scaled_dot_product_attention(query, key, value, dropout_p=0.4)
    found = [out.detach(), *autograd.grad([out.sum()], [query, key, value])]
    return ops.cat([each for each in found if each is not None])


def _chances(device: str) -> Tensor:
    return ops.arange(24, dtype=float32, device=device).reshape(4, 6) / 24


STREAMS: Final[dict[str, Drawn]] = {
    "rand": lambda device, kind, g: ops.rand(*_SHAPE, generator=g, dtype=kind, device=device),
    "randn": lambda device, kind, g: ops.randn(*_SHAPE, generator=g, dtype=kind, device=device),
    "randint": lambda device, _, g: ops.randint(-9, 1 << 40, _SHAPE, generator=g, device=device),
    "randperm": lambda device, _, g: ops.randperm(65, generator=g, device=device),
    "rand_like": _like(ops.rand_like),
    "randn_like": _like(ops.randn_like),
    "randint_like": _like(ops.randint_like, -9, 9),
    "bernoulli": lambda device, _, g: ops.bernoulli(_chances(device), generator=g),
    "bernoulli_": lambda device, kind, g: _blank(device, kind).bernoulli_(0.3, generator=g),
    "uniform_": lambda device, kind, g: _blank(device, kind).uniform_(-1.0, 3.0, generator=g),
    "normal_": lambda device, kind, g: _blank(device, kind).normal_(1.0, 0.5, generator=g),
    "exponential_": lambda device, kind, g: _blank(device, kind).exponential_(2.0, generator=g),
    "random_": lambda device, kind, g: _blank(device, kind).random_(-5, 90, generator=g),
    "normal": lambda device, _, g: ops.normal(_chances(device), _chances(device) + 1, generator=g),
    "multinomial": lambda device, _, g: ops.multinomial(_chances(device), 4, generator=g),
    "nn.functional.gumbel_softmax": _like(functional.gumbel_softmax),
    "nn.functional.scaled_dot_product_attention": _attended,
}  # fmt: skip
"""How each random op is called, by its name in the table."""

NEARLY: Final = frozenset(
    "randn randn_like normal_ exponential_ normal nn.functional.gumbel_softmax "
    "nn.functional.scaled_dot_product_attention".split()
)
"""Those that pass through a logarithm or a sine, in which libraries differ."""

_TYPED: Final = ("rand", "uniform_", "randn")
"""Tried in every floating dtype."""


def allowed(name: str) -> Tolerance:
    """What a random op may be off."""
    return tolerance_of(name) if name in NEARLY else EXACT


def run(name: str, kind: dtype, bench: Bench) -> float:
    """Two draws from one generator, whose state goes on."""
    supported(bench, kind)
    ours, theirs = (Generator().manual_seed(11 + bench.options.seed) for _ in range(2))
    worst = 0.0
    for turn in range(2):
        found = STREAMS[name](bench.device, kind, ours)
        goal = host_values(STREAMS[name](REFERENCE, kind, theirs))
        what = f"draw {turn} of {name}"
        worst = max(worst, check(host_values(found), goal, found.dtype, allowed(name), what, 4.0))
    return worst


def cases() -> Iterator[Case]:
    """Every random op in float32, some in all floating dtypes."""
    for name in STREAMS:
        for kind in dtypes.ALL:
            if kind is float32 or (kind.kind == "f" and name in _TYPED):
                yield Case(3, name, kind.name, "stream", functools.partial(run, name, kind))
