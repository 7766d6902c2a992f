"""Random streams that are the same on every device.

Philox 4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011) as a function of a seed, the number
of the call and the index of the element: no state on a device, and any element can be computed on its own.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, final

import numpy as np

from hotplug.dtypes import uint32
from hotplug.errors import ArgumentError, ArgumentTypeError
from hotplug.expr.node import Expr, binary, cast, constant, index, scalar

if TYPE_CHECKING:
    from hotplug.tensor import Tensor

_MULTIPLIERS: Final = (0xD2511F53, 0xCD9E8D57)
_WEYL: Final = (0x9E3779B9, 0xBB67AE85)
_ROUNDS: Final = 10
_LOW: Final = 0xFFFFFFFF

SCALARS: Final = 4
"""Runtime scalars that :func:`philox` takes, in front of those of its caller: :meth:`Generator.draw` gives them."""


_LANE: Final = 20
"""Bit of the last counter word where the number of a further block begins: no stream makes 2**52 calls."""


def philox(lane: int = 0) -> tuple[Expr, Expr, Expr, Expr]:
    """The four 32-bit words of the element's block, as Exprs; ``lane`` counts further blocks of the same call."""
    position = index()
    a, b = cast(position, uint32), cast(binary("shr", position, 32), uint32)
    key = [scalar(0, uint32), scalar(1, uint32)]
    c, d = scalar(2, uint32), scalar(3, uint32)
    if lane:
        d = d ^ (lane << _LANE)
    for _ in range(_ROUNDS):
        first, second = (constant(m, uint32) for m in _MULTIPLIERS)
        a, b, c, d = (
            binary("mulhi", second, c) ^ b ^ key[0],
            second * c,
            binary("mulhi", first, a) ^ d ^ key[1],
            first * a,
        )
        key = [word + weyl for word, weyl in zip(key, _WEYL, strict=True)]
    return a, b, c, d


def philox_on_host(count: int, seed: int, call: int) -> np.ndarray[Any, np.dtype[np.uint32]]:
    """The same words for elements 0 to ``count - 1`` in NumPy.  -> ``(4, count)``."""
    position = np.arange(count, dtype=np.uint64)
    words = [
        position & _LOW,
        position >> np.uint64(32),
        np.full(count, call & _LOW, np.uint64),
        np.full(count, call >> 32, np.uint64),
    ]
    key = [seed & _LOW, seed >> 32]
    for _ in range(_ROUNDS):
        low, high = words[0] * np.uint64(_MULTIPLIERS[0]), words[2] * np.uint64(_MULTIPLIERS[1])
        words = [
            (high >> np.uint64(32)) ^ words[1] ^ np.uint64(key[0]),
            high & np.uint64(_LOW),
            (low >> np.uint64(32)) ^ words[3] ^ np.uint64(key[1]),
            low & np.uint64(_LOW),
        ]
        key = [(word + weyl) & _LOW for word, weyl in zip(key, _WEYL, strict=True)]
    return np.stack(words).astype(np.uint32)


def _unforeseeable() -> int:
    """64 bits from the system; the module ``secrets`` would cost a tenth of the import."""
    return int.from_bytes(os.urandom(8), "little")


@final
class Generator:
    """A stream of random calls: a 64-bit seed and the number of calls made so far.

    One generator serves all devices: the core draws the call number, the device computes the words from it.
    """

    def __init__(self, device: Any = "cpu") -> None:
        self.device = device
        self._lock = threading.Lock()
        self._seed = _unforeseeable()
        self._calls = 0

    def manual_seed(self, seed: int) -> Generator:
        """Start the stream of ``seed`` (any integer, taken modulo 2**64)."""
        with self._lock:
            self._seed, self._calls = _seed_of(seed), 0
        return self

    def seed(self) -> int:
        """Start a stream that nobody can foresee; returns its seed."""
        return self.manual_seed(_unforeseeable() >> 1).initial_seed()

    def initial_seed(self) -> int:
        """The seed of the stream."""
        return self._seed

    def draw(self) -> tuple[int, int, int, int]:
        """The scalars of the next call: seed and call number in 32-bit halves."""
        seed, call = self.advance()
        return seed & _LOW, seed >> 32, call & _LOW, call >> 32

    def advance(self) -> tuple[int, int]:
        """Seed and number of the next call."""
        with self._lock:
            call = self._calls
            self._calls += 1
            return self._seed, call

    def get_state(self) -> Tensor:
        """Sixteen bytes: seed and number of calls, little-endian.  -> uint8 ``(16)`` in host memory."""
        from hotplug import ops

        raw = self._seed.to_bytes(8, "little") + self._calls.to_bytes(8, "little")
        return ops.tensor(np.frombuffer(raw, np.uint8).copy(), device="cpu")

    def set_state(self, new_state: Tensor) -> Generator:
        """Continue from a state that :meth:`get_state` returned.

        Raises:
            ArgumentError: it is none.
        """
        values = new_state.tolist()
        if len(values) != 16 or not all(isinstance(each, int) and 0 <= each < 256 for each in values):
            raise ArgumentError(f"set_state: expected the 16 bytes of get_state, got {len(values)} values")
        with self._lock:
            self._seed = int.from_bytes(bytes(values[:8]), "little")
            self._calls = int.from_bytes(bytes(values[8:]), "little")
        return self

    def clone_state(self) -> Generator:
        """Another generator that goes on from here."""
        return Generator(self.device).set_state(self.get_state())

    def __reduce__(self) -> tuple[Any, ...]:
        """A copy that goes on from here: the lock stays behind."""
        return _continued, (self.device, self._seed, self._calls)

    def __repr__(self) -> str:
        return f"Generator(seed={self._seed}, calls={self._calls})"


def _continued(device: Any, seed: int, calls: int) -> Generator:
    """The generator that was pickled."""
    made = Generator(device)
    made._seed, made._calls = seed, calls
    return made


def _seed_of(seed: int) -> int:
    try:
        return seed.__index__() & 0xFFFFFFFFFFFFFFFF
    except AttributeError:
        raise ArgumentTypeError(f"manual_seed expected an int, got {type(seed).__name__}") from None


default_generator: Final = Generator()


def chosen(generator: Generator | None) -> Generator:
    """The given generator, or the default one."""
    if generator is None:
        return default_generator
    if not isinstance(generator, Generator):
        raise ArgumentTypeError(f"expected a hotplug.Generator, got {type(generator).__name__}")
    return generator


def manual_seed(seed: int) -> Generator:
    """Seed the default generator, for all devices."""
    return default_generator.manual_seed(seed)


def seed() -> int:
    """Give the default generator an unforeseeable seed, and return it."""
    return default_generator.seed()


def initial_seed() -> int:
    """The seed of the default generator."""
    return default_generator.initial_seed()


def get_rng_state() -> Tensor:
    """The state of the default generator."""
    return default_generator.get_state()


def set_rng_state(new_state: Tensor) -> None:
    """Set the state of the default generator."""
    default_generator.set_state(new_state)


@contextlib.contextmanager
def fork_rng(devices: Sequence[Any] | None = None, enabled: bool = True) -> Iterator[None]:
    """Inside the block random calls don't advance the default generator of outside; it serves all devices."""
    if not enabled:
        yield
        return
    state = get_rng_state()
    try:
        yield
    finally:
        set_rng_state(state)
