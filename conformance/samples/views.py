"""Views, and ops that rearrange elements."""

from __future__ import annotations

from collections.abc import Iterator

from hotplug.conformance.draw import Draw, Kind, Operand, Sample
from hotplug.conformance.samples.registry import samples


@samples("permute")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3, 4), 2, 0, 1)
    yield Sample(draw(2, 3), (-1, 0))


@samples("transpose")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3, 4), 0, -1)
    yield Sample(draw(2, 3), 1, 1)


@samples("t")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3))
    yield Sample(draw(3))


@samples("movedim")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3, 4), 0, 2)
    yield Sample(draw(2, 3, 4), (0, 1), (-1, 0))


@samples("expand")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(3, 1), 2, 3, 4)
    yield Sample(draw(1, 3), (5, -1))
    yield Sample(draw(), 2, 2)


@samples("expand_as", "view_as", "reshape_as")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(1, 3), draw(1, 3).constant())


@samples("broadcast_to")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(3, 1), (2, 3, 4))


@samples("broadcast_tensors")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(3, 1), draw(2, 1, 4))


@samples("reshape")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3, 4), 4, -1)
    yield Sample(draw(2, 3), (3, 2))
    yield Sample(draw(1), ())
    yield Sample(draw(0, 3), (3, 0, 2))


@samples("view", layouts=False)
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3, 4), 6, 4)
    yield Sample(draw(2, 3), (-1,))


@samples("flatten")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3, 4))
    yield Sample(draw(2, 3, 4), 1)
    yield Sample(draw(2, 3, 4), 0, -2)
    yield Sample(draw())


@samples("unflatten")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(6, 2), 0, (2, 3))
    yield Sample(draw(2, 6), -1, (-1, 2))


@samples("ravel", "clone", "contiguous", "conj", "real", "imag")
def _(draw: Draw) -> Iterator[Sample]:
    if draw.kind == "c":
        yield Sample(draw(2, 3))
    else:
        yield Sample(draw(2, 3).constant() if draw.kind != "f" else draw(2, 3))


@samples("view_as_real", kinds="c")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3))


@samples("view_as_complex", kinds="f", layouts=False)
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3, 2))


@samples("squeeze")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 1, 3, 1))
    yield Sample(draw(2, 1, 3), 1)
    yield Sample(draw(2, 1, 3), 0)
    yield Sample(draw(1, 2, 1), (0, 2))


@samples("unsqueeze")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3), 0)
    yield Sample(draw(2, 3), -1)
    yield Sample(draw(), 0)


@samples("select")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3, 4), 1, -1)
    yield Sample(draw(3), 0, 2)


@samples("narrow")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 5), 1, 1, 3)
    yield Sample(draw(4, 2), -2, -3, 2)
    yield Sample(draw(4, 2), 0, 2, 0)


@samples("split")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(5, 2), 2)
    yield Sample(draw(2, 6), [1, 2, 3], 1)


@samples("chunk")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(7, 2), 3)
    yield Sample(draw(2, 4), 2, -1)


@samples("unbind")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(3, 2))
    yield Sample(draw(3, 2), 1)


@samples("diagonal")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(3, 4))
    yield Sample(draw(3, 4), 1)
    yield Sample(draw(2, 3, 4), -1, 1, 2)


@samples("unfold")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(7), 0, 3, 2)
    yield Sample(draw(2, 6), 1, 2, 1)


@samples("as_strided", layouts=False)
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(12), (3, 2), (4, 1), 1)
    yield Sample(draw(8), (3, 3), (2, 1))


@samples("diag")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(3))
    yield Sample(draw(3), -1)
    yield Sample(draw(3, 4), 1)


@samples("diag_embed")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3))
    yield Sample(draw(2, 3), 1, 0, 2)


@samples("tril", "triu")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(3, 4))
    yield Sample(draw(2, 3, 3), -1)
    yield Sample(draw(3, 3), 1)


@samples("flip")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3, 4), 0, 2)
    yield Sample(draw(2, 3), (-1,))


@samples("fliplr", "flipud")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3))


@samples("rot90")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3))
    yield Sample(draw(2, 3, 4), -1, (1, 2))
    yield Sample(draw(2, 3), 2)


@samples("roll")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 5), 2)
    yield Sample(draw(3, 5), (1, -2), (0, 1))


@samples("tile")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3), (2, 3))
    yield Sample(draw(2, 3), (2,))


@samples("repeat")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3), 2, 3)
    yield Sample(draw(3), 2, 1, 2)


@samples("repeat_interleave")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3), 2)
    yield Sample(draw(2, 3), 2, 1)
    yield Sample(draw(3, 2), draw.of([2, 0, 1], "int64"), 0)


@samples("cat")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample([draw(2, 3), draw(1, 3)])
    yield Sample((draw(2, 3), draw(2, 0), draw(2, 2)), -1)
    yield Sample([draw(2)])


@samples("stack")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample([draw(2, 3), draw(2, 3)])
    yield Sample([draw(2, 3), draw(2, 3), draw(2, 3)], -1)
    yield Sample([draw(), draw()], 0)


@samples("hstack", "vstack", "dstack", "column_stack")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample([draw(2, 3), draw(2, 3)])
    yield Sample([draw(3), draw(3)])


@samples("atleast_1d", "atleast_2d", "atleast_3d")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw())
    yield Sample(draw(2, 3))
    yield Sample(draw(2), draw())


def _indices(draw: Draw, *rows: list[int]) -> Operand:
    return draw.of(rows if len(rows) > 1 else rows[0], "int64")


@samples("to", kinds="buif")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3))
    yield Sample(draw(2, 3), Kind("float32"))
    for name in ("int32", "bool", "uint8", "int64", "float16"):
        yield Sample(draw(2, 3, low=0, high=3), Kind(name)).forward()


@samples("type_as")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3), draw(1).constant())


@samples("cpu", "bool", "cfloat", "cdouble", "float", "double")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3))


@samples("byte", "char", "short", "int", "long", "half", "bfloat16", kinds="buif")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3, low=0, high=3)).forward()
