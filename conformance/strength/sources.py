"""Bugs in the text of kernels: the source that the renderer of NumPy kernels writes, changed before it is compiled."""

from __future__ import annotations

import builtins
import functools
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, final

from hotplug.backend import Array, Kernel, OpKey
from hotplug.backends.cpu import render
from hotplug.backends.numpy import families
from hotplug.backends.numpy.memory import ndarray
from hotplug.backends.numpy.quiet import quiet
from hotplug.conformance.strength.mutant import Operator
from hotplug.conformance.strength.planting import Bare

Edit = Callable[[str], str]
_PIECE: Final = 64
"""Elements worked on at a time by the kernels that work in pieces; small, so that small arrays have several."""


def _compiled(make: Callable[[OpKey], Callable[..., Any]], key: OpKey, edit: Edit) -> Callable[..., Any]:
    """A kernel of the renderer, its text edited on the way to the compiler."""

    def compile_edited(text: str, *more: Any) -> Any:
        return builtins.compile(edit(text), *more)

    vars(render)["compile"] = compile_edited  # found before the built-in one, for as long as this takes
    try:
        return make(key)
    finally:
        del vars(render)["compile"]


@final
class Edited(Bare):
    """A device whose maps are NumPy source with a wrong line; ``pieces``: dense ones are worked off in pieces."""

    def __init__(self, edit: Edit, *, pieces: bool = False) -> None:
        self._edit = edit
        self._pieces = pieces

    def resolve(self, index: int, key: OpKey) -> Kernel | None:
        if key.name != "map":
            return families.kernel(key)
        dense = key.rank == 1 and all(each == "contiguous" for each in key.layouts)
        if self._pieces and dense:
            return quiet(_in_pieces(_compiled(render.piece, key, self._edit)))
        return quiet(_compiled(render.whole, key, self._edit))


def _in_pieces(piece: Callable[..., Any]) -> Callable[..., None]:
    def kernel(outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any]) -> None:
        operands = [ndarray(each) for each in (*outs, *inputs)]
        for start in range(0, outs[0].numel, _PIECE):
            piece(*[each[start : start + _PIECE] for each in operands], scalars, start)

    return kernel


def _sub(pattern: str, goal: str | Callable[[re.Match[str]], str], lines: str = "") -> Edit:
    """A replacement, in the lines that match a pattern."""

    def edit(text: str) -> str:
        found = [re.sub(pattern, goal, line) if re.search(lines, line) else line for line in text.split("\n")]
        return "\n".join(found)

    return edit


def _without(pattern: str, last: bool) -> Edit:
    """The first or last line that matches is left out, where there are several."""

    def edit(text: str) -> str:
        lines = text.split("\n")
        found = [at for at, line in enumerate(lines) if re.search(pattern, line)]
        if len(found) > 1:
            del lines[found[-1 if last else 0]]
        return "\n".join(lines)

    return edit


def _first_constant(text: str) -> str:
    """Every constant becomes the first one."""
    names = re.findall(r"\bc\d+\b", text)
    return re.sub(r"\bc\d+\b", names[0], text) if names else text


def _same_value(text: str) -> str:
    """Every output gets the first one's value."""
    found = re.search(r"copyto\(o0, (\w+)", text)
    return re.sub(r"(copyto\(o\d+, )\w+", rf"\g<1>{found[1]}", text) if found else text


_IN: Final = r"\bx\d+ = a\.native = "
_OUT: Final = r"\bo\d+ = a\.native = "
_CALL: Final = r"\b(f\d+)\((\w+), (\w+)"

EDITS: Final[tuple[tuple[str, str, str, Edit], ...]] = (
    ("input-offset-dropped", "ignored stride or offset", "inputs start at the buffer", _sub(r"a\.offset \* \d+", "0", _IN)),
    ("output-offset-dropped", "ignored stride or offset", "outputs start at the buffer", _sub(r"a\.offset \* \d+", "0", _OUT)),
    ("offset-in-words", "ignored stride or offset", "offsets count 4 bytes", _sub(r"a\.offset \* \d+", "a.offset * 4")),
    ("input-strides-dropped", "ignored stride or offset", "inputs are dense", _sub(r", a\.layout\.byte_strides", "", _IN)),
    ("output-strides-dropped", "ignored stride or offset", "outputs are dense", _sub(r", a\.layout\.byte_strides", "", _OUT)),
    ("arguments-swapped", "swapped operands", "the first two arguments of every call", _sub(_CALL, r"\1(\3, \2")),
    ("first-argument-twice", "swapped operands", "x0 instead of x1", _sub(r"\(x0, x1", "(x0, x0", r"= f|^\s+f")),
    ("branches-swapped", "swapped operands", "second and third argument", _sub(r"(f\d+)\((\w+), (\w+), (t\d+|x\d+|c\d+)\)",
                                                                              r"\1(\2, \4, \3)", r"\bt\d+ = ")),
    ("casts-dropped", "wrong promotion", "values are not converted", _sub(r"\.astype\(\w+\)", "")),
    ("conversion-to-true", "wrong comparison", "true is what differs from 1", _sub(r", 0\)$", ", 1)")),
    ("first-number-for-all", "stale output", "the first runtime scalar serves all", _sub(r"scalars\[\d+\]", "scalars[0]")),
    ("numbers-from-behind", "swapped operands", "runtime scalars are counted from the last",
     _sub(r"scalars\[(\d+)\]", r"scalars[-1 - \1]")),
    ("first-constant-for-all", "wrong constant", "one constant serves all", _first_constant),
    ("index-from-one", "off-by-one tail", "the index starts at 1", _sub(r"arange\(o0\.size\)", "arange(1, o0.size + 1)")),
    ("index-down-the-columns", "wrong axis", "the index runs along the first axis",
     _sub(r"reshape\(o0\.shape\)", "reshape(o0.shape[::-1]).T")),
    ("result-thrown-away", "stale output", "the result is not written", _sub(r"^(\s+f\d+\(.*), o0\)$", r"\1)")),
    ("last-output-forgotten", "stale output", "the last of several outputs is not written", _without(r"copyto\(o", True)),
    ("first-output-forgotten", "stale output", "the first of several outputs is not written", _without(r"copyto\(o", False)),
    ("one-value-for-all-outputs", "swapped operands", "all outputs get the first one's value", _same_value),
    ("written-backwards", "wrong axis", "the first axis is written backwards",
     _sub(r"copyto\(o(\d+),", r"copyto(o\1[::-1] if o\1.ndim else o\1,")),
    ("rest-unwritten", "off-by-one tail", "the last row is not written",
     _sub(r"copyto\(o(\d+), (\w+)", r"copyto(o\1[:-1] if o\1.ndim and len(o\1) > 1 else o\1, "
          r"\2[:-1] if getattr(\2, 'ndim', 0) == o\1.ndim and o\1.ndim and len(\2) > 1 else \2")),
)  # fmt: skip
IN_PIECES: Final[tuple[tuple[str, str, str, Edit], ...]] = (
    ("index-of-the-piece", "race-like partial write", "the index starts anew in every piece",
     _sub(r"arange\(start, start \+ o0\.size\)", "arange(0, o0.size)")),
    ("index-one-piece-late", "off-by-one tail", "the index is one too large but in the first piece",
     _sub(r"arange\(start, start \+ o0\.size\)", "arange(start + (start > 0), start + (start > 0) + o0.size)")),
    ("piece-without-its-last", "off-by-one tail", "the last element of a piece is not written",
     _sub(r"copyto\(o(\d+), (\w+)", r"copyto(o\1[:-1] if len(o\1) > 1 else o\1, "
          r"\2[:-1] if getattr(\2, 'ndim', 0) and len(\2) > 1 else \2")),
)  # fmt: skip


def _edited(edit: Edit, pieces: bool, _: str) -> Edited:
    return Edited(edit, pieces=pieces)


def operators() -> Iterator[Operator]:
    """All of this module."""
    for pieces, edits in ((False, EDITS), (True, IN_PIECES)):
        for name, kind, says, edit in edits:
            yield Operator(
                f"{name}/text", kind, "source", says, ("map",), ("all",), functools.partial(_edited, edit, pieces)
            )
