"""The strength of the suite, on a sample: each planted bug must be found, and a correct backend must pass."""

from __future__ import annotations

import fnmatch
import json
from collections import Counter

import pytest

from hotplug.conformance.strength.command import main
from hotplug.conformance.strength.correct import CORRECT, false_alarms
from hotplug.conformance.strength.hunt import hunt
from hotplug.conformance.strength.mutant import PLACES, Mutant, chosen, held_out, operators
from hotplug.conformance.strength.survivors import SURVIVORS, reason_of

SAMPLE = [mutant for mutant in chosen(sample=60) if not reason_of(mutant.name)]


@pytest.mark.parametrize("mutant", SAMPLE, ids=[mutant.name for mutant in SAMPLE])
def test_a_planted_bug_is_found(mutant: Mutant) -> None:
    outcome = hunt(mutant)
    assert outcome.caught, f"{mutant.name} ({mutant.operator.says}): all {outcome.tried} cases passed"
    assert not outcome.broken, f"{mutant.name} raised instead of computing something wrong: {outcome.message}"


@pytest.mark.parametrize("name", CORRECT)
def test_a_correct_backend_passes_the_kernels_cases(name: str) -> None:
    assert list(false_alarms(name, seed=0, level=1)) == []


def test_there_are_many_operators_in_every_place_of_many_kinds() -> None:
    found = operators()
    assert len(found) >= 150
    assert set(PLACES) == {each.place for each in found}
    kinds = Counter(each.kind for each in found)
    for kind in (
        "ignored stride or offset", "off-by-one tail", "wrong axis", "wrong rounding", "swapped operands", "missing NaN",
        "wrong accumulate dtype", "write past the end", "stale output", "race-like partial write", "wrong promotion",
        "unsynchronised read", "leaked buffer", "lost gradient term", "wrong order of queued work",
    ):  # fmt: skip
        assert kinds[kind] >= 3, kind


def test_a_third_of_the_operators_is_held_out_by_their_names() -> None:
    shares = [held_out(each.name) for each in operators()]
    assert 0.28 < sum(shares) / len(shares) < 0.39
    assert held_out("first-matrix-for-the-batch/matmul") is held_out("first-matrix-for-the-batch/matmul")


def test_every_explanation_is_of_a_mutant_that_there_is() -> None:
    names = [mutant.name for mutant in chosen()]
    for pattern, reason in SURVIVORS.items():
        assert any(fnmatch.fnmatchcase(name, pattern) for name in names), f"{pattern} is no mutant's name"
        assert len(reason) > 20


def test_samples_are_the_same_for_a_seed_and_others_for_another() -> None:
    assert [each.name for each in chosen(sample=9)] == [each.name for each in chosen(sample=9)]
    assert {each.name for each in chosen(sample=9)} != {each.name for each in chosen(sample=9, seed=1)}


def test_the_command_prints_a_table_and_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--operator", "all-is-any"]) == 0
    table = capsys.readouterr().out
    assert "all-is-any/reduce" in table
    assert "100.00%" in table
    assert main(["--operator", "all-is-any", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["share"] == 1.0
    assert report["mutants"][0]["case"].startswith("level1-reduce")


def test_the_command_refuses_a_name_that_no_operator_has(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--operator", "no-such-bug"]) == 2
    assert "no operator" in capsys.readouterr().err
