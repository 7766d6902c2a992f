"""Backends with one bug each, planted into the reference's kernels: what the suite must find."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np

from hotplug.backend import Array, Kernel, OpKey
from hotplug.backends.numpy import families
from hotplug.backends.numpy.memory import HostBackend, NDArray, ndarray
from hotplug.backends.numpy.quiet import quiet
from hotplug.errors import IndexRangeError

Run = Callable[[Sequence[NDArray], Sequence[NDArray]], None]


@final
@dataclass(frozen=True)
class Call:
    """One call of a kernel: what the bug may spoil.  ``run(outs, inputs)`` does it right."""

    key: OpKey
    run: Run
    outs: Sequence[NDArray]
    inputs: Sequence[NDArray]
    scalars: Sequence[Any]

    @property
    def floats(self) -> bool:
        return all(out.dtype.kind == "f" for out in self.outs)

    @property
    def root(self) -> str:
        """The function of a map of one."""
        return self.key.program[0].op if len(self.key.program) == 1 else ""


Bug = Callable[[Call], None]
BUGS: Final[dict[str, tuple[str, Bug]]] = {}
"""By name: the family it is in, and the bug."""


def bug(family: str) -> Callable[[Bug], Bug]:
    def register(function: Bug) -> Bug:
        BUGS[function.__name__] = (family, function)
        return function

    return register


@final
class Planted(HostBackend):
    """The reference with one bug."""

    name = "planted"

    def __init__(self, family: str, spoiled: Bug) -> None:
        self._family = family
        self._spoiled = spoiled

    def resolve(self, index: int, key: OpKey) -> Kernel | None:
        if key.name != self._family:
            return families.kernel(key)
        body = families.FAMILIES[key.name](key)

        def kernel(outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any]) -> None:
            self._spoiled(
                Call(key, lambda to, of: body(to, of, scalars), [ndarray(each) for each in outs],
                     [ndarray(each) for each in inputs], scalars)
            )  # fmt: skip

        return quiet(kernel)


# --- map ---


@bug("map")
def difference_with_the_wrong_sign(call: Call) -> None:
    call.run(call.outs, call.inputs)
    for out, root in zip(call.outs, call.key.program, strict=True):
        if root.op == "sub":
            np.negative(out, out=out)


@bug("map")
def lost_sign_of_zero(call: Call) -> None:
    call.run(call.outs, call.inputs)
    for out in call.outs:
        if out.dtype.kind == "f":
            out[out == 0] = 0.0


@bug("map")
def maximum_forgets_nan(call: Call) -> None:
    call.run(call.outs, call.inputs)
    for out, root in zip(call.outs, call.key.program, strict=True):
        if root.op == "maximum" and out.dtype.kind == "f":
            out[...] = np.nan_to_num(out, posinf=np.inf, neginf=-np.inf)


@bug("map")
def negative_strides_read_forwards(call: Call) -> None:
    turned = [each[tuple(slice(None, None, -1 if s < 0 else 1) for s in each.strides)] for each in call.inputs]
    call.run(call.outs, turned)


@bug("map")
def strides_of_the_output_ignored(call: Call) -> None:
    wanted = [out if out.flags.c_contiguous else np.empty_like(out) for out in call.outs]
    call.run(wanted, call.inputs)
    for out, made in zip(call.outs, wanted, strict=True):
        if out is not made:
            out[...] = made.ravel()[: out.size].reshape(out.shape[::-1]).T


@bug("map")
def rest_of_a_vector_unwritten(call: Call) -> None:
    kept = [out.copy() for out in call.outs]
    call.run(call.outs, call.inputs)
    for out, old in zip(call.outs, kept, strict=True):
        if out.ndim == 1 and out.size > 8 and out.size % 8:
            out[-(out.size % 8) :] = old[-(out.size % 8) :]


@bug("map")
def one_element_written_behind(call: Call) -> None:
    call.run(call.outs, call.inputs)
    for out in call.outs:
        if out.ndim == 1 and out.flags.c_contiguous:
            np.lib.stride_tricks.as_strided(out, (out.size + 1,))[-1] = 0


@bug("map")
def in_place_outputs_written_one_by_one(call: Call) -> None:
    for position, root in enumerate(call.key.program):
        alone = families.map_(call.key._replace(program=(root,)))
        alone(call.outs[position : position + 1], call.inputs, call.scalars)


_FIRST: dict[OpKey, list[Any]] = {}


@bug("map")
def numbers_baked_into_the_kernel(call: Call) -> None:
    scalars = _FIRST.setdefault(call.key, list(call.scalars))
    families.map_(call.key)(call.outs, call.inputs, scalars)


@bug("map")
def half_rounded_towards_zero(call: Call) -> None:
    call.run(call.outs, call.inputs)
    if call.root == "cast" and call.outs[0].dtype == np.float16 and call.inputs[0].dtype == np.float32:
        out = call.outs[0]
        too_far = np.isfinite(out) & (np.abs(out.astype(np.float32)) > np.abs(call.inputs[0]))
        out[too_far] = np.nextafter(out, np.float16(0))[too_far]


@bug("map")
def float_to_integer_saturates(call: Call) -> None:
    call.run(call.outs, call.inputs)
    for out, root in zip(call.outs, call.key.program, strict=True):
        if root.op == "cast" and out.dtype.kind == "i" and call.inputs[0].dtype == np.float32:
            limits = np.iinfo(out.dtype)
            out[call.inputs[0] > limits.max] = limits.max


@bug("map")
def integer_division_towards_zero(call: Call) -> None:
    call.run(call.outs, call.inputs)
    for out, root in zip(call.outs, call.key.program, strict=True):
        if root.op == "floordiv" and out.dtype.kind == "i" and len(call.inputs) == 2:
            left, right = (each.astype(np.float64) for each in call.inputs)
            out[right != 0] = np.trunc(left[right != 0] / right[right != 0]).astype(out.dtype)


@bug("map")
def shift_modulo_the_width(call: Call) -> None:
    call.run(call.outs, call.inputs)
    for out, root in zip(call.outs, call.key.program, strict=True):
        if root.op == "shl" and out.dtype.itemsize >= 4:
            out[...] = np.left_shift(call.inputs[0], call.inputs[1] % (8 * out.dtype.itemsize))


# --- reduce, argreduce, scan ---


@bug("reduce")
def last_element_left_out(call: Call) -> None:
    long = call.key.axis and call.inputs[0].shape[-1] > 1
    call.run(call.outs, [each[..., :-1] for each in call.inputs] if long else call.inputs)


@bug("reduce")
def largest_element_ignores_nan(call: Call) -> None:
    if call.key.mode == "max" and call.floats:
        call.run(call.outs, [np.where(np.isnan(each), -np.inf, each).astype(each.dtype) for each in call.inputs])
    else:
        call.run(call.outs, call.inputs)


@bug("reduce")
def sum_rounded_at_every_step(call: Call) -> None:
    if call.key.mode == "sum" and call.inputs[0].dtype == np.float32 and call.key.axis == 1:
        call.outs[0][...] = np.add.accumulate(call.inputs[0], axis=-1, dtype=np.float32)[..., -1]
    else:
        call.run(call.outs, call.inputs)


@bug("reduce")
def all_is_any(call: Call) -> None:
    if call.key.mode == "all":
        families.reduce(call.key._replace(mode="any"))(call.outs, call.inputs, call.scalars)
    else:
        call.run(call.outs, call.inputs)


@bug("reduce")
def rows_read_as_if_dense(call: Call) -> None:
    call.run(call.outs, [np.sort(each.ravel(order="K")).reshape(each.shape) if not each.flags.c_contiguous else each
                         for each in call.inputs])  # fmt: skip


@bug("argreduce")
def last_of_equal_elements(call: Call) -> None:
    call.run(call.outs, [each[..., ::-1] for each in call.inputs])
    np.subtract(call.inputs[0].shape[-1] - 1, call.outs[0], out=call.outs[0])


@bug("argreduce")
def position_ignores_nan(call: Call) -> None:
    low = -np.inf if call.key.mode == "argmax" else np.inf
    call.run(call.outs, [np.where(np.isnan(each), low, each).astype(each.dtype) if each.dtype.kind == "f" else each
                         for each in call.inputs])  # fmt: skip


@bug("scan")
def scan_from_the_wrong_side(call: Call) -> None:
    call.run([out[..., ::-1] for out in call.outs], [each[..., ::-1] for each in call.inputs])


@bug("scan")
def scan_without_the_element_itself(call: Call) -> None:
    call.run(call.outs, call.inputs)
    call.outs[0][..., 1:] = call.outs[0][..., :-1].copy()


@bug("scan")
def carry_lost_after_a_block(call: Call) -> None:
    for start in range(0, call.inputs[0].shape[-1], 256):
        call.run([out[..., start : start + 256] for out in call.outs],
                 [each[..., start : start + 256] for each in call.inputs])  # fmt: skip


# --- gather, scatter ---


@bug("gather")
def positions_clamped(call: Call) -> None:
    values, index = call.inputs
    call.run(call.outs, [values, np.clip(index, 0, values.shape[call.key.axis] - 1)])


@bug("gather")
def negative_positions_count_from_the_end(call: Call) -> None:
    values, index = call.inputs
    call.run(call.outs, [values, np.where(index == -1, values.shape[call.key.axis] - 1, index)])


@bug("gather")
def error_that_names_nothing(call: Call) -> None:
    try:
        call.run(call.outs, call.inputs)
    except IndexRangeError as error:
        raise IndexRangeError("invalid argument") from error


@bug("gather")
def unsigned_positions_read_as_signed(call: Call) -> None:
    values, index = call.inputs
    call.run(call.outs, [values, index % 8 if index.dtype == np.uint8 else index])


@bug("scatter")
def equal_positions_added_once(call: Call) -> None:
    (out,), (index, source) = call.outs, call.inputs
    if call.key.mode != "add":
        return call.run(call.outs, call.inputs)
    families.check_range("scatter", index, out.shape[call.key.axis])
    grid = list(np.ogrid[tuple(slice(size) for size in index.shape)])
    grid[call.key.axis] = index
    out[tuple(grid)] += source
    return None


@bug("scatter")
def output_cleared_first(call: Call) -> None:
    call.outs[0][...] = 0
    call.run(call.outs, call.inputs)


@bug("scatter")
def smallest_taken_for_largest(call: Call) -> None:
    mode = {"min": "max", "max": "min"}.get(call.key.mode, call.key.mode)
    families.scatter(call.key._replace(mode=mode))(call.outs, call.inputs, call.scalars)


# --- matmul ---


@bug("matmul")
def first_matrix_for_the_whole_batch(call: Call) -> None:
    call.run(call.outs, [np.broadcast_to(call.inputs[0][:1], call.inputs[0].shape), call.inputs[1]])


@bug("matmul")
def last_column_of_a_tile_unwritten(call: Call) -> None:
    (out,) = call.outs
    kept = out[..., -1].copy()
    call.run(call.outs, call.inputs)
    if out.shape[-1] > 16 and out.shape[-1] % 16 == 1:
        out[..., -1] = kept


@bug("matmul")
def second_operand_changed(call: Call) -> None:
    call.run(call.outs, call.inputs)
    call.inputs[1][..., 0] = 0
