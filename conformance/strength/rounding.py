"""Bugs of precision, generated over families and dtypes: what results are added up in, and how they are rounded."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import numpy as np

from hotplug.backend import OpKey
from hotplug.conformance.strength.mutant import Operator
from hotplug.conformance.strength.planting import Call, NDArray, Planted
from hotplug.dtypes import by_name

_HALVES: Final = ("float16", "bfloat16")
_FLOATS: Final = (*_HALVES, "float32", "float64")
_INTEGERS: Final = ("uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64")

Spoil = Callable[[Call], None]


def _numpy(name: str) -> Any:
    return by_name(name).numpy


def _written(call: Call, values: NDArray) -> None:
    with np.errstate(all="ignore"):
        call.outs[0][...] = values.astype(call.outs[0].dtype)


# --- wrong accumulators --------------------------------------------------------------------------------------------------


def _summed(rows: NDArray, kind: Any) -> NDArray:
    """One addition after another, each rounded to a dtype."""
    return np.asarray(np.add.accumulate(rows.astype(kind), axis=-1, dtype=kind)[..., -1])


def _rows(call: Call) -> NDArray:
    """The operand of a plain reduction, its reduced axes as one."""
    x = call.inputs[0]
    return x.reshape(*x.shape[: x.ndim - call.key.axis], -1)


def sum_in(kind: str, call: Call) -> None:
    """Sums are kept in {} and rounded at every step."""
    _written(call, _summed(_rows(call), _numpy(kind)))


def scan_in(kind: str, call: Call) -> None:
    """Running sums are kept in {} and rounded at every step."""
    _written(call, np.add.accumulate(call.inputs[0].astype(_numpy(kind)), axis=-1, dtype=_numpy(kind)))


def product_in(kind: str, call: Call) -> None:
    """Products are kept in {}."""
    _written(call, np.multiply.reduce(_rows(call).astype(_numpy(kind)), axis=-1, dtype=_numpy(kind)))


def matmul_in(kind: str, call: Call) -> None:
    """Every product and sum of a matrix product is rounded to {}."""
    left, right = (each.astype(_numpy(kind)) for each in call.inputs)
    total = np.zeros(call.outs[0].shape, _numpy(kind))
    for k in range(left.shape[2]):
        total = (total + (left[:, :, k, None] * right[:, k, None, :]).astype(total.dtype)).astype(total.dtype)
    _written(call, total)


def scatter_in(kind: str, call: Call) -> None:
    """Sums of scattered elements are rounded to {} at every step."""
    (out,), (index, source) = call.outs, call.inputs
    grid = list(np.ogrid[tuple(slice(size) for size in index.shape)])
    grid[call.key.axis] = index
    if not index.size or index.min() < 0 or index.max() >= out.shape[call.key.axis]:
        call.right()  # for its error
    wide = out.astype(_numpy(kind))
    np.add.at(wide, tuple(grid), source.astype(wide.dtype))
    _written(call, wide)


_PLAIN: Final = "plain"


def _plain(key: OpKey) -> bool:
    """A reduction that only converts before it."""
    root = key.program[0]
    return key.axis > 0 and (root.op == "input" or (root.op == "cast" and root.args[0].op == "input"))


ACCUMULATORS: Final[tuple[tuple[str, str, Callable[[str, Call], None], str, tuple[tuple[str, str], ...]], ...]] = (
    ("sum", "reduce", sum_in, "sum", (("float16", "float16"), ("bfloat16", "bfloat16"), ("float32", "float32"),
                                      ("float64", "float32"), ("int64", "int32"), ("int32", "int32"), ("int16", "int16"),
                                      ("uint8", "uint8"), ("int64", "float64"), ("int8", "int8"))),
    ("prod", "reduce", product_in, "prod", (("float64", "float32"), ("float32", "float16"), ("uint8", "uint8"),
                                            ("int32", "int32"))),
    ("running-sum", "scan", scan_in, "sum", (("float16", "float16"), ("bfloat16", "bfloat16"), ("float32", "float32"),
                                             ("float64", "float32"), ("int64", "float64"), ("int32", "float32"))),
    ("product", "matmul", matmul_in, "", (("float16", "float16"), ("bfloat16", "bfloat16"), ("float32", "bfloat16"),
                                          ("float64", "float32"), ("int64", "float32"), ("int32", "int16"))),
    ("scattered-sum", "scatter", scatter_in, "add", (
                                                     ("float64", "float32"), ("int64", "float32"), ("int32", "int16"))),
)  # fmt: skip
"""Name, family, bug, mode, and pairs of the operands' dtype and what is added up in instead."""


def _accumulating(family: str, spoil: Callable[[str, Call], None], mode: str, variant: str) -> Planted:
    source, _, kind = variant.partition("-in-")

    def fits(key: OpKey) -> bool:
        return key.mode == mode and key.dtypes[-1].name == source and (family != "reduce" or _plain(key))

    return Planted(family, functools.partial(spoil, kind), fits)


# --- wrong rounding of results -------------------------------------------------------------------------------------------


def towards_zero(exact: NDArray, kind: Any) -> NDArray:
    """Rounded towards zero."""
    near = exact.astype(kind)
    beyond = np.isfinite(near) & (np.abs(near.astype(np.float64)) > np.abs(exact))
    return np.where(beyond, np.nextafter(near, kind.type(0)), near)


def upwards(exact: NDArray, kind: Any) -> NDArray:
    """Rounded upwards."""
    near = exact.astype(kind)
    below = np.isfinite(near) & (near.astype(np.float64) < exact)
    return np.where(below, np.nextafter(near, kind.type(np.inf)), near)


def ties_away(exact: NDArray, kind: Any) -> NDArray:
    """Halves are rounded away from zero."""
    near = exact.astype(kind)
    other = np.nextafter(near, np.copysign(kind.type(np.inf), exact.astype(kind)))
    gap = np.abs(other.astype(np.float64) - exact), np.abs(exact - near.astype(np.float64))
    return np.where(np.isfinite(near) & (gap[0] == gap[1]), other, near)


def saturated(exact: NDArray, kind: Any) -> NDArray:
    """What is too large becomes the largest finite number."""
    near = exact.astype(kind)
    limit = np.nextafter(kind.type(np.inf), kind.type(0))
    return np.where(np.isinf(near) & np.isfinite(exact), np.copysign(limit, near), near)


def flushed(exact: NDArray, kind: Any) -> NDArray:
    """Denormal results become zero."""
    import ml_dtypes

    near = exact.astype(kind)
    tiny = np.abs(near.astype(np.float64)) < float(ml_dtypes.finfo(kind).smallest_normal)
    return np.where(tiny, np.copysign(kind.type(0), near), near)


ROUNDINGS: Final = (towards_zero, upwards, ties_away, saturated, flushed)


def cast_rounded(rule: Callable[[NDArray, Any], NDArray], kind: str, call: Call) -> None:
    """Conversions to a half type."""
    call.right()
    for out, root in zip(call.outs, call.key.program, strict=True):
        if (
            root.dtype.name == kind
            and root.op == "cast"
            and root.args[0].op == "input"
            and root.args[0].dtype.name in ("float32", "float64")
        ):
            exact = call.inputs[root.args[0].value].astype(np.float64)
            out[...] = rule(np.broadcast_to(exact, out.shape), out.dtype)


def _rounding(rule: Callable[[NDArray, Any], NDArray], variant: str) -> Planted:
    return Planted(
        "map", functools.partial(cast_rounded, rule, variant), lambda key: variant in [each.name for each in key.dtypes]
    )


# --- everything in a narrower dtype --------------------------------------------------------------------------------------


def through(narrow: str, call: Call) -> None:
    """Operands pass through a narrower dtype."""
    kind = _numpy(narrow)
    with np.errstate(all="ignore"):
        inputs = [
            each.astype(kind).astype(each.dtype) if each.dtype == call.inputs[-1].dtype else each
            for each in call.inputs
        ]
    if call.key.name in ("gather", "scatter"):
        inputs = list(call.inputs)
        at = 0 if call.key.name == "gather" else 1
        inputs[at] = inputs[at].astype(kind).astype(inputs[at].dtype)
    call.right(inputs=inputs)


NARROW: Final = (
    ("float64", "float32"), ("int64", "float64"), ("uint64", "int32"), ("int32", "float32"), ("float32", "float16"),
    ("int16", "int8"), ("uint16", "uint8"), ("float32", "bfloat16"), ("float16", "bfloat16"),
)  # fmt: skip
_EVERY: Final = ("map", "reduce", "argreduce", "scan", "gather", "scatter", "matmul")


def _values_of(key: OpKey) -> str:
    """The dtype of the values that a kernel works on."""
    return key.dtypes[1].name if key.name == "gather" else key.dtypes[-1].name


def _narrowed(family: str, variant: str) -> Planted:
    source, _, kind = variant.partition("-by-")
    return Planted(
        family, functools.partial(through, kind), lambda key: _values_of(key) == source and len(key.dtypes) > 1
    )


def _variants(pairs: Sequence[tuple[str, str]], word: str) -> tuple[str, ...]:
    return tuple(f"{source}-{word}-{kind}" for source, kind in pairs)


def operators() -> Iterator[Operator]:
    """All of this module."""
    for name, family, spoil, mode, pairs in ACCUMULATORS:
        for source, kind in pairs:
            yield Operator(
                f"{name}-of-{source}-in-{kind}/{family}", "wrong accumulate dtype", "kernel",
                (spoil.__doc__ or "").format(kind), (family,), _variants([(source, kind)], "in"),
                functools.partial(_accumulating, family, spoil, mode),
            )  # fmt: skip
    for rule in ROUNDINGS:
        yield Operator(
            f"to-half-{rule.__name__.replace('_', '-')}/cast", "wrong rounding", "kernel",
            (rule.__doc__ or ""), ("map",), _HALVES,
            functools.partial(_rounding, rule),
        )  # fmt: skip
    for family in _EVERY:
        yield Operator(
            f"narrowed/{family}", "wrong promotion", "kernel", (through.__doc__ or ""), (family,), _variants(NARROW, "by"),
            functools.partial(_narrowed, family),
        )  # fmt: skip
