"""Bugs of single families: wrong axes and orders, forgotten special values, lost elements, errors that say nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, final

import numpy as np

from hotplug.backend import OpKey
from hotplug.backends.numpy import families
from hotplug.conformance.strength.mutant import Operator
from hotplug.conformance.strength.planting import Bug, Call, NDArray, Planted, kernels

BUGS: Final[list[Operator]] = []
_FLOATS: Final = ("float16", "bfloat16", "float32", "float64")


def bug(family: str, kind: str, **more: Any) -> Callable[[Bug], Bug]:
    """Register a bug of a family."""

    def register(function: Bug) -> Bug:
        BUGS.append(kernels(function.__name__.strip("_").replace("_", "-"), kind, family, function, **more))
        return function

    return register


def operators() -> Iterator[Operator]:
    """All of this module."""
    yield from BUGS


def _mode(*names: str) -> Callable[[OpKey], bool]:
    return lambda key: key.mode in names


def _replaced(values: NDArray, low: float) -> NDArray:
    """NaN replaced by a number that never wins."""
    return np.where(np.isnan(values), low, values).astype(values.dtype) if values.dtype.kind in "fV" else values


# --- map ---------------------------------------------------------------------------------------------------------------


@bug("map", "race-like partial write", fits=lambda key: len(key.program) > 1)
def outputs_written_one_by_one(call: Call) -> None:
    """Each output of a map is computed and written by a pass of its own: in place, the second reads the first."""
    for position, root in enumerate(call.key.program):
        alone = families.map_(call.key._replace(program=(root,)))
        alone(call.outs[position : position + 1], call.inputs, call.scalars)


@bug("map", "swapped operands", fits=lambda key: len(key.program) > 1)
def outputs_exchanged(call: Call) -> None:
    """The first two outputs of one shape and dtype are exchanged."""
    call.right()
    first, second = call.outs[:2]
    if first.shape == second.shape and first.dtype == second.dtype:
        first[...], second[...] = second.copy(), first.copy()


@final
class Baked:
    """The runtime scalars of the first call are compiled into the kernel."""

    def __init__(self) -> None:
        self._first: dict[OpKey, Sequence[Any]] = {}

    def __call__(self, call: Call) -> None:
        call.body(call.outs, call.inputs, self._first.setdefault(call.key, list(call.scalars)))


BUGS.append(
    Operator("numbers-baked-in/map", "stale output", "kernel", Baked.__doc__ or "", ("map",), ("all",),
             lambda _: Planted("map", Baked()))
)  # fmt: skip


@bug("map", "swapped operands")
def numbers_exchanged(call: Call) -> None:
    """The first two numbers among the runtime scalars are exchanged."""
    numbers = list(call.scalars)
    if len(numbers) > 1:
        numbers[0], numbers[1] = numbers[1], numbers[0]
    call.body(call.outs, call.inputs, numbers)


@bug("map", "wrong promotion")
def numbers_as_float32(call: Call) -> None:
    """Runtime scalars pass through float32."""
    numbers = [
        type(each)(np.float32(each)) if np.isfinite(each) and abs(each) < 2**62 else each for each in call.scalars
    ]
    call.body(call.outs, call.inputs, numbers)


@bug("map", "wrong promotion")
def numbers_without_sign(call: Call) -> None:
    """Negative integers among the runtime scalars are passed as 32 bits without a sign."""
    numbers = [each % 2**32 if isinstance(each, int) and not isinstance(each, bool) and each < 0 else each for each in
               call.scalars]  # fmt: skip
    call.body(call.outs, call.inputs, numbers)


@bug("map", "lost special value", dtypes=_FLOATS, fits=lambda key: all(root.op == "input" for root in key.program))
def copy_loses_the_sign_of_zero(call: Call) -> None:
    """A copy turns -0 into 0."""
    call.right()
    for out in call.outs:
        if out.dtype.kind in "fV":
            out[out == 0] = 0


@bug("map", "lost special value", dtypes=_FLOATS, fits=lambda key: all(root.op == "input" for root in key.program))
def copy_clears_nan(call: Call) -> None:
    """A copy turns NaN into 0."""
    call.right()
    for out in call.outs:
        if out.dtype.kind in "fV":
            out[np.isnan(out)] = 0


@bug("map", "wrong promotion", dtypes=("int64", "uint64"), fits=lambda key: key.program[0].op == "input")
def copy_by_way_of_float64(call: Call) -> None:
    """A copy of 64-bit integers passes through float64."""
    if call.inputs:
        call.outs[0][...] = call.inputs[0].astype(np.float64).astype(call.outs[0].dtype)


@bug("map", "wrong promotion", fits=lambda key: key.dtypes[0].name == "bool")
def truth_is_255(call: Call) -> None:
    """True is stored as a byte of 255."""
    call.right()
    for out in call.outs:
        if out.dtype == bool:
            out.view(np.uint8)[...] = out * np.uint8(255)


@bug("map", "ignored stride or offset", fits=lambda key: key.rank == 8)
def fifth_axis_forgotten(call: Call) -> None:
    """In the kernels of rank 8 an input is read as if its fifth axis from behind were broadcast."""
    turned = [np.broadcast_to(each[:, :, :, :1], each.shape) for each in call.inputs]
    call.right(inputs=turned)


# --- reduce ------------------------------------------------------------------------------------------------------------


@bug("reduce", "off-by-one tail", fits=lambda key: key.axis > 0)
def last_element_left_out(call: Call) -> None:
    """The last element of a row is left out."""
    long = call.inputs[0].shape[-1] > 1
    call.right(inputs=[each[..., :-1] for each in call.inputs] if long else None)


@bug("reduce", "race-like partial write", fits=lambda key: key.axis > 0)
def one_partial_result_lost(call: Call) -> None:
    """Of rows of 1024 elements and more, one group's partial result is lost."""
    inputs = list(call.inputs)
    size = inputs[0].shape[-1]
    if size >= 1024:
        keep = np.r_[0:512, 768:size]
        inputs = [each[..., keep] for each in inputs]
    call.right(inputs=inputs)


@bug("reduce", "wrong axis", fits=lambda key: 0 < key.axis < key.rank)
def leading_axes_reduced(call: Call) -> None:
    """Where shapes allow, the leading axes are reduced instead of the trailing ones."""
    inputs = [each.transpose() if each.shape == each.shape[::-1] else each for each in call.inputs]
    call.right(inputs=inputs)


@bug("reduce", "wrong axis", fits=lambda key: key.axis > 1)
def only_the_last_axis_reduced(call: Call) -> None:
    """Of several axes only the last is reduced."""
    axes = call.key.axis - 1
    first: Any = (..., *(slice(0, 1),) * axes, slice(None))
    call.right(inputs=[each[first] for each in call.inputs])


@bug("reduce", "missing NaN", dtypes=_FLOATS, fits=_mode("max"))
def maximum_skips_nan(call: Call) -> None:
    """The maximum ignores NaN."""
    call.right(inputs=[_replaced(each, -np.inf) for each in call.inputs])


@bug("reduce", "missing NaN", dtypes=_FLOATS, fits=_mode("min"))
def minimum_skips_nan(call: Call) -> None:
    """The minimum ignores NaN."""
    call.right(inputs=[_replaced(each, np.inf) for each in call.inputs])


@bug("reduce", "missing NaN", dtypes=("float32",), fits=_mode("max"))
def maximum_forgets_nan_at_the_start(call: Call) -> None:
    """NaN is noticed but where it is the first element."""
    inputs = [each.copy() for each in call.inputs]
    for each in inputs:
        each[..., 0] = _replaced(each[..., 0], -np.inf)
    call.right(inputs=inputs)


@bug("reduce", "wrong constant", fits=_mode("max"))
def maximum_starts_at_zero(call: Call) -> None:
    """The maximum starts at 0: of negative numbers it is 0."""
    call.right()
    call.outs[0][...] = np.where(call.outs[0] < 0, 0, call.outs[0])


@bug("reduce", "wrong constant", fits=_mode("min"))
def minimum_starts_at_the_largest_number(call: Call) -> None:
    """The minimum of infinities is the largest finite number."""
    call.right()
    out = call.outs[0]
    if out.dtype.kind == "f":
        out[np.isposinf(out)] = np.finfo(out.dtype).max


@bug("reduce", "wrong constant", fits=_mode("prod"))
def product_starts_at_zero(call: Call) -> None:
    """The product starts at 0."""
    call.outs[0][...] = 0


@bug("reduce", "swapped operands", fits=_mode("all"))
def all_is_any(call: Call) -> None:
    """``all`` does what ``any`` does."""
    call.other(mode="any")


@bug("reduce", "swapped operands", fits=_mode("any"))
def any_is_all(call: Call) -> None:
    """``any`` does what ``all`` does."""
    call.other(mode="all")


@bug("reduce", "swapped operands", fits=_mode("min"))
def minimum_is_maximum(call: Call) -> None:
    """``min`` does what ``max`` does."""
    call.other(mode="max")


@bug("reduce", "lost special value", fits=_mode("sum"))
def sum_of_one_negative_zero(call: Call) -> None:
    """Infinities in a sum become the largest finite number."""
    call.right()
    out = call.outs[0]
    if out.dtype.kind == "f":
        out[np.isinf(out)] = np.copysign(np.finfo(out.dtype).max, out[np.isinf(out)])


@bug("reduce", "ignored stride or offset")
def rows_sorted_by_memory(call: Call) -> None:
    """Strided rows are read in the order in which they lie in memory, and cut anew."""
    call.right(
        inputs=[each if each.flags.c_contiguous else each.ravel(order="K").reshape(each.shape) for each in call.inputs]
    )


@bug("reduce", "wrong axis", fits=lambda key: len(key.dtypes) > 2)
def second_operand_ignored(call: Call) -> None:
    """A reduction of a program of two inputs reads the first one twice."""
    same = call.inputs[0].dtype == call.inputs[1].dtype
    call.right(inputs=[call.inputs[0], call.inputs[0] if same else call.inputs[1], *call.inputs[2:]])


# --- argreduce ---------------------------------------------------------------------------------------------------------


@bug("argreduce", "wrong comparison", dtypes=("bool", "int32", "float32"))
def last_of_equal_elements(call: Call) -> None:
    """The last of equal extrema is taken."""
    call.right(inputs=[each[..., ::-1] for each in call.inputs])
    np.subtract(call.inputs[0].shape[-1] - 1, call.outs[0], out=call.outs[0])


@bug("argreduce", "missing NaN", dtypes=_FLOATS)
def position_ignores_nan(call: Call) -> None:
    """NaN is never the extremum."""
    low = -np.inf if call.key.mode == "argmax" else np.inf
    call.right(inputs=[_replaced(each, low) for each in call.inputs])


@bug("argreduce", "missing NaN", dtypes=("float32",))
def last_nan_taken(call: Call) -> None:
    """Of several NaN the last one is taken."""
    call.right()
    unordered = np.isnan(call.inputs[0])
    last = call.inputs[0].shape[-1] - 1 - unordered[..., ::-1].argmax(-1)
    call.outs[0][...] = np.where(unordered.any(-1), last, call.outs[0])


@bug("argreduce", "swapped operands")
def other_extremum(call: Call) -> None:
    """The position of the other extremum."""
    call.other(mode="argmin" if call.key.mode == "argmax" else "argmax")


@bug("argreduce", "wrong promotion")
def position_in_8_bits(call: Call) -> None:
    """Positions are kept in 8 bits."""
    call.right()
    call.outs[0][...] &= 255


@bug("argreduce", "wrong promotion", dtypes=("uint8", "uint16", "uint32", "uint64"))
def compared_with_a_sign(call: Call) -> None:
    """Integers without a sign are compared as if they had one."""
    call.right(inputs=[each.view(each.dtype.str.replace("u", "i")) for each in call.inputs])


@bug("argreduce", "race-like partial write")
def position_within_its_block(call: Call) -> None:
    """Of rows of more than 256 elements, the position within its block of 256 is given."""
    call.right()
    if call.inputs[0].shape[-1] > 256:
        call.outs[0][...] %= 256


@bug("argreduce", "wrong comparison", dtypes=("float32",))
def all_infinite_row(call: Call) -> None:
    """A row of nothing but the identity of the search gives -1."""
    call.right()
    lowest = -np.inf if call.key.mode == "argmax" else np.inf
    call.outs[0][...] = np.where((call.inputs[0] == lowest).all(-1), -1, call.outs[0])


# --- scan --------------------------------------------------------------------------------------------------------------


@bug("scan", "wrong axis")
def from_the_wrong_side(call: Call) -> None:
    """Running values start at the end."""
    call.right([out[..., ::-1] for out in call.outs], [each[..., ::-1] for each in call.inputs])


@bug("scan", "off-by-one tail")
def without_the_element_itself(call: Call) -> None:
    """Every running value lacks its own element but the first."""
    call.right()
    call.outs[0][..., 1:] = call.outs[0][..., :-1].copy()


def _in_blocks(call: Call, block: int) -> None:
    for start in range(0, call.inputs[0].shape[-1], block):
        part = slice(start, start + block)
        call.right([out[..., part] for out in call.outs], [each[..., part] for each in call.inputs])


@bug("scan", "race-like partial write")
def carry_lost_after_256(call: Call) -> None:
    """The carry of a block of 256 is lost."""
    _in_blocks(call, 256)


@bug("scan", "race-like partial write")
def carry_lost_after_4096(call: Call) -> None:
    """The carry of a block of 4096 is lost."""
    _in_blocks(call, 4096)


@bug("scan", "wrong axis", fits=lambda key: key.rank > 1)
def rows_run_into_each_other(call: Call) -> None:
    """The carry goes on from one row to the next."""
    flat = [each.reshape(-1) for each in call.inputs]
    out = np.empty(call.outs[0].size, call.outs[0].dtype)
    call.right([out], flat)
    call.outs[0][...] = out.reshape(call.outs[0].shape)


@bug("scan", "missing NaN", dtypes=_FLOATS, fits=_mode("max", "min"))
def running_extremum_skips_nan(call: Call) -> None:
    """Running extrema ignore NaN."""
    low = -np.inf if call.key.mode == "max" else np.inf
    call.right(inputs=[_replaced(each, low) for each in call.inputs])


@bug("scan", "swapped operands", fits=_mode("prod"))
def running_product_is_a_sum(call: Call) -> None:
    """The running product adds."""
    call.other(mode="sum")


@bug("scan", "swapped operands", fits=_mode("max", "min"))
def running_extremum_is_the_other(call: Call) -> None:
    """The running maximum is the minimum, and the other way round."""
    call.other(mode="min" if call.key.mode == "max" else "max")


# --- matmul ------------------------------------------------------------------------------------------------------------


@bug("matmul", "ignored stride or offset")
def first_matrix_for_the_batch(call: Call) -> None:
    """The first left matrix serves the whole batch."""
    call.right(inputs=[np.broadcast_to(call.inputs[0][:1], call.inputs[0].shape), call.inputs[1]])


@bug("matmul", "ignored stride or offset")
def first_right_matrix_for_the_batch(call: Call) -> None:
    """The first right matrix serves the whole batch."""
    call.right(inputs=[call.inputs[0], np.broadcast_to(call.inputs[1][:1], call.inputs[1].shape)])


@bug("matmul", "wrong axis")
def square_right_matrix_transposed(call: Call) -> None:
    """A square right matrix is read transposed."""
    right = call.inputs[1]
    call.right(inputs=[call.inputs[0], right.swapaxes(1, 2) if right.shape[1] == right.shape[2] else right])


@bug("matmul", "swapped operands")
def operands_swapped(call: Call) -> None:
    """Square matrices are multiplied in the other order."""
    left, right = call.inputs
    call.right(inputs=[right, left] if left.shape == right.shape and left.shape[1] == left.shape[2] else None)


def _tile_edge(call: Call, axis: int, tile: int) -> None:
    (out,) = call.outs
    kept = out.copy()
    call.right()
    if out.shape[axis] > tile and out.shape[axis] % tile:
        edge = (slice(None),) * axis + (slice(out.shape[axis] // tile * tile, None),)
        out[edge] = kept[edge]


@bug("matmul", "off-by-one tail")
def columns_beyond_tiles_unwritten(call: Call) -> None:
    """Columns beyond whole tiles of 16 are not written."""
    _tile_edge(call, 2, 16)


@bug("matmul", "off-by-one tail")
def rows_beyond_tiles_unwritten(call: Call) -> None:
    """Rows beyond whole tiles of 8 are not written."""
    _tile_edge(call, 1, 8)


@bug("matmul", "off-by-one tail")
def terms_beyond_tiles_left_out(call: Call) -> None:
    """Terms of the sum beyond whole tiles of 16 are left out."""
    inner = call.inputs[0].shape[2]
    kept = inner // 16 * 16 if inner > 16 else inner
    call.right(inputs=[call.inputs[0][:, :, :kept], call.inputs[1][:, :kept]])


@bug("matmul", "race-like partial write")
def terms_split_and_lost(call: Call) -> None:
    """Of sums of 128 terms and more, one of two parts is lost."""
    inner = call.inputs[0].shape[2]
    kept = inner // 2 if inner >= 128 else inner
    call.right(inputs=[call.inputs[0][:, :, :kept], call.inputs[1][:, :kept]])


@bug("matmul", "lost special value", dtypes=("float32",))
def zero_times_infinity_is_zero(call: Call) -> None:
    """NaN in an operand counts as 0."""
    call.right(inputs=[np.nan_to_num(each, nan=0.0, posinf=np.inf, neginf=-np.inf) for each in call.inputs])


@bug("matmul", "wrong axis")
def batch_read_backwards(call: Call) -> None:
    """The right matrices of a batch are taken from the last to the first."""
    call.right(inputs=[call.inputs[0], call.inputs[1][::-1]])
