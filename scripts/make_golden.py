"""Write conformance/golden: PyTorch's results for every sample of every op that it has.  ``--check`` compares only.

Needs torch of the version that the parity tests use.  Loading the files needs NumPy alone.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from typing import Any

import numpy as np
import torch

from hotplug.conformance.draw import Sample
from hotplug.conformance.golden import GOLDEN, checksum, load, save
from hotplug.conformance.oracle import Arguments, function_of, host_values, outputs
from hotplug.conformance.samples import recipe_of, samples_of
from hotplug.declare import OPS


def results(name: str, sample: Sample, letter: str) -> list[Any] | None:
    """The outputs of a sample, or ``None`` where PyTorch has no such op or refuses the arguments."""
    function, recipe = function_of(torch, name), recipe_of(name)
    if function is None or (recipe is not None and recipe.shown is not None):  # several results are right
        return None
    narrow, wider = GOLDEN[letter]
    given = Arguments(torch, sample, narrow, wider=wider)
    try:
        found = outputs(function(*given.args, **given.kwargs))
    except (RuntimeError, TypeError, ValueError, IndexError, NotImplementedError):
        return None
    if not all(isinstance(each, (torch.Tensor, bool)) for each in found):
        return None
    return [np.asarray(each) if isinstance(each, bool) else host_values(torch, each) for each in found]


def entries(letter: str) -> dict[str, np.ndarray[Any, Any]]:
    """All entries of one file."""
    made: dict[str, np.ndarray[Any, Any]] = {}
    for name in sorted(OPS):
        recipe = recipe_of(name)
        if recipe is None or (recipe.kinds and letter not in recipe.kinds):
            continue
        for number, sample in enumerate(samples_of(name, letter)):
            found = results(name, sample, letter)
            if found is None:
                continue
            made[f"{name}/{number}/inputs"] = np.uint32(checksum(sample))
            for position, values in enumerate(found):
                made[f"{name}/{number}/{position}"] = values
    return made


def same(left: dict[str, Any], right: dict[str, Any]) -> bool:
    """Whether two files hold the same values."""
    return left.keys() == right.keys() and all(np.array_equal(left[k], right[k], equal_nan=left[k].dtype.kind in "fc")
                                               for k in left)  # fmt: skip


def main() -> int:
    """Make all files, or compare them with what is there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail where a file is stale")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    stale = []
    for letter in GOLDEN:
        made = entries(letter)
        if arguments.check:
            if not same(made, load(letter)):
                stale.append(letter)
            continue
        size = save(letter, made).stat().st_size
        print(f"{letter}: {len({key.split('/')[0] for key in made})} ops, {len(made)} entries, {size / 1024:.0f} KiB")
    if stale:
        sys.stderr.write(f"conformance/golden is stale ({', '.join(stale)}): run scripts/make_golden.py\n")
    return int(bool(stale))


if __name__ == "__main__":
    raise SystemExit(main())
