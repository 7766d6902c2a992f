"""What the suite covers: no op is left out of the default run, by levels, dtypes, streams and golden values."""

from __future__ import annotations

from types import ModuleType

import pytest

from hotplug import dtypes
from hotplug.conformance import golden, oracle
from hotplug.conformance.case import Options
from hotplug.conformance.exemptions import EXEMPT
from hotplug.conformance.levels.backward import differentiable
from hotplug.conformance.levels.streams import STREAMS
from hotplug.conformance.samples import recipe_of, samples_of
from hotplug.conformance.sampling import REPRESENTATIVE, layouts
from hotplug.conformance.suite import cases
from hotplug.declare import OPS


@pytest.mark.parametrize("options", [Options(), Options(brief=True), Options(seed=3)])
def test_every_op_runs_forward_and_backward_by_default(options: Options) -> None:
    found = {(case.level, case.op, case.layout) for case in cases(options)}
    assert {name for name in OPS if recipe_of(name) and (2, name, "contiguous") not in found} == set()
    assert {name for name in differentiable() if (3, name, "gradient") not in found} == set()


def test_every_op_has_samples_or_a_reason() -> None:
    # Others may be in the table, by what ran before: the steps of optimizers, which their own tests run, and the docs' ops.
    names = [name for name, entry in OPS.items() if entry.body.__module__.startswith("hotplug.ops.")]
    assert len(names) > 550
    assert [name for name in names if recipe_of(name) is None and name not in EXEMPT] == []


def test_names_of_cases_are_unique() -> None:
    names = [case.name for case in cases(Options(full=True))]
    assert len(set(names)) == len(names)


def test_representative_ops_run_in_every_dtype_and_layout() -> None:
    assert set(OPS) >= REPRESENTATIVE
    found = {(case.op, case.dtype) for case in cases(Options())}
    assert {("add", kind.name) for kind in dtypes.ALL} <= found
    assert len(layouts("add", True, Options())) > len(layouts("silu", True, Options())) == 2


def test_other_seeds_give_other_layouts_their_turn() -> None:
    chosen = {layouts("silu", True, Options(seed=seed))[1] for seed in range(40)}
    assert chosen == {"transposed", "sliced", "reversed", "expanded"}


def test_random_ops_are_compared_as_their_exemption_says() -> None:
    promised = {name for name, reason in EXEMPT.items() if reason.startswith("random: compared")}
    assert promised <= set(STREAMS) <= set(OPS)


@pytest.mark.parity
def test_every_op_that_pytorch_has_has_golden_values(torch: ModuleType) -> None:
    """For the files' ``f``, ``i``, ``b`` or ``c``, of at least one sample as it is now; not where several results are right."""
    lacking = []
    for name in OPS:
        recipe = recipe_of(name)
        if recipe is None or recipe.shown is not None or oracle.function_of(torch, name) is None:
            continue
        every = [dtypes.by_name(narrow) for narrow, _ in golden.GOLDEN.values()]
        kinds = [kind for kind in every if kind.kind in (recipe.kinds or "f")]
        places = [(kind, number) for kind in kinds for number in range(len(samples_of(name, kind.kind)))]
        if not any(golden.values(name, *place) for place in places):
            lacking.append(name)
    assert lacking == [], "run scripts/make_golden.py"
