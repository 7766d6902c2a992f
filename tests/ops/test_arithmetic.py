"""Arithmetic: what promotion does with ``alpha`` and ``value``, and what bool has no meaning for."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest
from oracle import same_error

import hotplug as hp

CASES: dict[str, Any] = {
    "bool and a number": lambda t, a: t.add(a.bool(), a.bool(), alpha=2),
    "int8 and a number": lambda t, a: t.add(a.to(t.int8), a.to(t.int8), alpha=3),
    "float16 and a number": lambda t, a: t.add(a.to(t.float16), a.to(t.float16), alpha=0.5),
    "int and float": lambda t, a: t.sub(a.to(t.int32), a, alpha=1.5),
    "rsub": lambda t, a: t.rsub(a, a.to(t.int16), alpha=2),
    "addcmul": lambda t, a: t.addcmul(a.to(t.int32), a.to(t.int32), a.to(t.int32), value=2),
    "addcdiv": lambda t, a: t.addcdiv(a, a, a + 1, value=2),
    "bool alpha for bool": lambda t, a: t.add(a.bool(), a.bool(), alpha=True),
}


@pytest.mark.parametrize("name", CASES)
def test_weights_take_no_part_in_promotion(torch: ModuleType, name: str) -> None:
    ours, theirs = (CASES[name](library, library.tensor([0.0, 1.0, 2.0])) for library in (hp, torch))
    assert str(ours.dtype).split(".")[-1] == str(theirs.dtype).split(".")[-1]
    assert ours.tolist() == theirs.tolist()


BAD: dict[str, Any] = {
    "float alpha for integers": lambda t: t.add(t.tensor([1]), t.tensor([1]), alpha=2.5),
    "bool alpha for integers": lambda t: t.add(t.tensor([1]), t.tensor([1]), alpha=True),
    "complex alpha for floats": lambda t: t.add(t.tensor([1.0]), t.tensor([1.0]), alpha=2j),
    "minus bool": lambda t: -t.tensor([True]),
    "bool minus bool": lambda t: t.tensor([True]) - t.tensor([True]),
    "True minus bool": lambda t: True - t.tensor([True]),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_calls(torch: ModuleType, name: str) -> None:
    same_error(torch, lambda library, _: BAD[name](library))
