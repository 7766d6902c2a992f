"""What the default run leaves out: nearly all of its time goes into building kernels, one for each op, dtype and layout.

Every op runs forward and backward, in one dtype, with all its samples forward and dense.  What else there is takes
turns: an op has one of the other layouts, and two of its samples there, in gradients, and in other dtypes, which only
some representative ops are tried in.  Whose turn it is depends on the op's name and the seed: another seed, another
part.  ``--full`` leaves nothing out.  Engines that compile for every shape that they meet get one sample of each op.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Final

from hotplug import dtypes
from hotplug.conformance.case import Options
from hotplug.conformance.draw import Sample
from hotplug.conformance.place import LAYOUTS
from hotplug.conformance.samples import samples_of
from hotplug.dtypes import dtype

REPRESENTATIVE: Final = frozenset(
    "add mul true_divide floor_divide remainder pow maximum neg abs exp sigmoid eq where clamp bitwise_xor "
    "bitwise_left_shift logical_and sum prod amax argmax any cumsum gather scatter_add matmul cat to".split()
)
"""Ops that the default run tries in every dtype: they use every family, and every kind of scalar function."""

Numbered = tuple[int, Sample]


def turn(key: str, options: Options, count: int) -> int:
    """A number below ``count``, the same in every process."""
    return zlib.crc32(f"{key}/{options.seed}".encode()) % count


def kinds(name: str, accepted: Sequence[dtype], options: Options) -> list[dtype]:
    """The dtypes of an op: float32 first where it takes that."""
    first = [dtypes.float32] if dtypes.float32 in accepted else list(accepted[:1])
    if not (options.full or name in REPRESENTATIVE):
        return first
    others = [each for each in accepted if each not in first]
    if options.brief:  # one in four: in level 1 each family has them all
        others = [each for each in others if turn(f"{name}/{each.name}", options, 4) == 0]
    return first + others


def layouts(name: str, main: bool, options: Options) -> tuple[str, ...]:
    """The layouts of an op in one dtype; ``main``: in its first."""
    if options.full:
        return LAYOUTS
    if not main or (options.brief and name not in REPRESENTATIVE):
        return LAYOUTS[:1]
    if name in REPRESENTATIVE and not options.brief:
        return LAYOUTS
    return LAYOUTS[0], LAYOUTS[1 + turn(name, options, len(LAYOUTS) - 1)]


def chosen(name: str, kind: dtype, options: Options, everything: bool, gradient: bool = False) -> list[Numbered]:
    """The samples to run, with their numbers: all, or the first and another one.

    Args:
        everything: whether it is all in the default run too.
        gradient: only those at which gradients are compared.
    """
    found = [
        (number, sample)
        for number, sample in enumerate(samples_of(name, kind.kind, options.seed))
        if sample.gradient or not gradient
    ]
    if options.brief:
        return found[:1]
    if options.full or everything or len(found) <= 2:
        return found
    return [found[0], found[1 + turn(f"{name}/{kind.name}", options, len(found) - 1)]]
