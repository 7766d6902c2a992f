"""Matrices for libraries that count by columns: temporary memory, and copies that turn, cut, conjugate and mark."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple, final

from hotplug.array import Array
from hotplug.backend.render import Source
from hotplug.backends.cuda.composite import Sheet
from hotplug.backends.cuda.device import Device
from hotplug.backends.cuda.dialect import CUDA
from hotplug.backends.cuda.header import THREADS
from hotplug.backends.cuda.program import addresses
from hotplug.dtypes import dtype
from hotplug.layout import Shape, Strides, contiguous_strides

AXES: Final = 8

WHOLE, UPPER, LOWER, UNIT, CONJUGATE, FACTOR, REAL_ENDS = range(7)
"""What a copy makes of matrices: the same, a triangle, the unit matrix, the conjugates, or a Cholesky factor: the lower
triangle, and NaN from the column on that ``info`` names; or rows whose first element is real, and that at ``end``.
"""


class View(NamedTuple):
    """Matrices ``(*B, M, N)`` in memory; strides count elements."""

    address: int
    shape: Shape
    strides: Strides

    def part(self, rows: int, columns: int) -> View:
        """The first rows and columns."""
        return self._replace(shape=(*self.shape[:-2], rows, columns))

    @property
    def by_rows(self) -> bool:
        """Whether the elements lie close in C order."""
        return self.strides == contiguous_strides(self.shape)


def view_of(array: Array) -> View:
    """The matrices of an Array."""
    return View(addresses([array])[0], array.shape, array.strides)


def by_rows(address: int, shape: Shape) -> View:
    """Close matrices in C order."""
    return View(address, shape, contiguous_strides(shape))


def by_columns(address: int, shape: Shape) -> View:
    """Close matrices, each by columns."""
    *batch, rows, columns = shape
    turned = contiguous_strides((*batch, columns, rows))
    return View(address, shape, (*turned[:-2], turned[-1], turned[-2]))


@final
class Room:
    """Temporary device memory for one call.  It goes back to the allocator with this object; the queue is in order."""

    def __init__(self, like: Array) -> None:
        self._allocate: Final = like.storage.runtime.allocate
        self._held: Final[list[Any]] = []

    def take(self, nbytes: int) -> int:
        """The address of new memory."""
        storage = self._allocate(max(nbytes, 1))
        self._held.append(storage)
        return int(storage.buffer.address)


_ELEMENTS: Final = {
    "float32": ("hp_u32", 1), "float64": ("hp_u64", 1), "complex64": ("hp_u32", 2), "complex128": ("hp_u64", 2),
    "float16": ("hp_u16", 1), "bfloat16": ("hp_u16", 1),
}  # fmt: skip
_BITS: Final = {"hp_u16": ("0", "0", "0"), "hp_u32": ("0x3f800000u", "0x7fc00000u", "0x80000000u"), "hp_u64":
                ("0x3ff0000000000000ull", "0x7ff8000000000000ull", "0x8000000000000000ull")}  # fmt: skip
"""One, NaN, and the sign."""

_COPY: Final = """
typedef struct { @BITS@ part[@PARTS@]; } hp_element;
HP_KERNEL(@THREADS@) hp_copy(HP_FRAME) {
    const hp_i64 item = (hp_i64)blockIdx.x * @THREADS@ + threadIdx.x;
    if (item >= HP(count)) return;
    hp_i64 rest = item, from = 0, to = 0, row = 0, column = 0, matrix = 0;
#pragma unroll
    for (int axis = @AXES@ - 1; axis >= 0; --axis) {
        const hp_i64 next = rest / HP(sizes)[axis], at = rest - next * HP(sizes)[axis];
        from += at * HP(from)[axis];
        to += at * HP(to)[axis];
        rest = next;
        if (axis == @AXES@ - 1) column = at;
        if (axis == @AXES@ - 2) {
            row = at;
            matrix = rest;
        }
    }
    const int what = (int)HP(what);
    hp_element element;
    for (int p = 0; p < @PARTS@; ++p) element.part[p] = 0;
    if (what == @UNIT@) {
        if (row == column) element.part[0] = @ONE@;
    } else if (!((what == @UPPER@ && row > column) || ((what == @LOWER@ || what == @FACTOR@) && row < column))) {
        element = ((const hp_element *)HP(in))[from];
        if (what == @CONJUGATE@) element.part[@PARTS@ - 1] ^= @SIGN@;
        if (what == @REAL_ENDS@ && (column == 0 || column == HP(end))) element.part[@PARTS@ - 1] = 0;
        if (what == @FACTOR@) {
            const int info = HP(info)[matrix];
            if (info && column >= info - 1) for (int p = 0; p < @PARTS@; ++p) element.part[p] = @NAN@;
        }
    }
    ((hp_element *)HP(out))[to] = element;
}
"""


@final
class Copies:
    """Copies matrices of one dtype on one device."""

    def __init__(self, device: Device, kind: dtype) -> None:
        bits, parts = _ELEMENTS[kind.name]
        one, nan, sign = _BITS[bits]
        text = _COPY
        words: dict[str, Any] = {
            "BITS": bits, "PARTS": parts, "THREADS": THREADS, "AXES": AXES, "UNIT": UNIT, "UPPER": UPPER, "LOWER": LOWER,
            "CONJUGATE": CONJUGATE, "FACTOR": FACTOR, "REAL_ENDS": REAL_ENDS, "ONE": one, "NAN": nan,
            "SIGN": sign if parts == 2 else "0",
        }  # fmt: skip
        for name, value in words.items():
            text = text.replace(f"@{name}@", str(value))
        sheet = Sheet(
            {"out": "void", "in": "const void", "info": "const int"},
            ("count", f"sizes[{AXES}]", f"from[{AXES}]", f"to[{AXES}]", "what", "end"),
        )
        module = device.module("linalg", Source(CUDA).text(sheet.declaration(), text))
        self._function: Final = device.driver.function(module, "hp_copy")
        self._device: Final = device
        self._sheet: Final = sheet

    def __call__(self, target: View, source: View | None, what: int = WHOLE, info: int = 0, end: int = -1) -> None:
        """Queue a copy; of the unit matrix without a source."""
        shape, count = target.shape, 1
        for size in shape:
            count *= size
        if not count:
            return
        ahead = AXES - len(shape)
        given = target if source is None else source
        numbers = self._sheet.numbers({
            "count": count, "sizes": (*(1,) * ahead, *shape), "from": (*(0,) * ahead, *given.strides),
            "to": (*(0,) * ahead, *target.strides), "what": what, "end": end,
        })  # fmt: skip
        frame = self._sheet.frame((target.address, given.address, info), numbers)
        with self._device.lock:
            self._device.launch(self._function, (-(-count // THREADS), 1, 1), THREADS, frame)

    def by_columns(self, room: Room, source: View, itemsize: int) -> View:
        """A copy by columns in temporary memory."""
        return self._fresh(room, by_columns(0, source.shape), source, itemsize)

    def by_rows(self, room: Room, source: View, itemsize: int) -> View:
        """A copy in C order in temporary memory."""
        return self._fresh(room, by_rows(0, source.shape), source, itemsize)

    def _fresh(self, room: Room, form: View, source: View, itemsize: int) -> View:
        target = form._replace(address=room.take(elements(source.shape) * itemsize))
        self(target, source)
        return target


def elements(shape: Sequence[int]) -> int:
    """How many there are."""
    count = 1
    for size in shape:
        count *= size
    return count
