"""Data types, their limits, and PyTorch's type promotion as a table."""

from __future__ import annotations

from typing import Any, Final, final

import numpy as np

from hotplug.errors import ArgumentTypeError, DTypeError

__all__ = ["ALL", "dtype", "finfo", "from_numpy", "get_default_dtype", "iinfo", "promote", "set_default_dtype"]


@final
class dtype:  # noqa: N801 - PyTorch's name
    """The type of a tensor's elements.  The instances are the constants of this module; there are no others."""

    __slots__ = ("is_complex", "is_floating_point", "is_signed", "itemsize", "kind", "name", "numpy")

    numpy: np.dtype[Any]
    """NumPy's dtype of the elements."""

    def __init__(self, name: str, kind: str, numpy_type: Any, itemsize: int = 0) -> None:
        self.name: Final = name
        self.kind: Final = kind
        """One of ``b`` (bool), ``u`` and ``i`` (integers), ``f`` (floating), ``c`` (complex)."""
        if numpy_type is not None:
            self.numpy = np.dtype(numpy_type)
        self.itemsize: Final[int] = itemsize or self.numpy.itemsize
        self.is_floating_point: Final = kind == "f"
        self.is_complex: Final = kind == "c"
        self.is_signed: Final = kind in "ifc"

    def __getattr__(self, name: str) -> Any:
        # Reached only while bfloat16 has no NumPy dtype yet: ml_dtypes would cost a tenth of the import.
        if name != "numpy":
            raise AttributeError(f"'dtype' object has no attribute {name!r}")
        import ml_dtypes

        self.numpy = np.dtype(ml_dtypes.bfloat16)
        return self.numpy

    @property
    def category(self) -> int:
        """Rank of the kind in promotion: bool 0, integer 1, floating 2, complex 3."""
        return {"b": 0, "u": 1, "i": 1, "f": 2, "c": 3}[self.kind]

    @property
    def compute(self) -> dtype:
        """The dtype in which an Expr computes: float32 for the half types, itself for all others."""
        return float32 if self.kind == "f" and self.itemsize == 2 else self

    @property
    def real(self) -> dtype:
        """The dtype of the real part: float32 for complex64, itself for a real dtype."""
        return {"complex64": float32, "complex128": float64}.get(self.name, self)

    def to_complex(self) -> dtype:
        """The complex dtype whose parts have this dtype."""
        return complex128 if self in (float64, complex128) else complex64

    def __repr__(self) -> str:
        return f"hotplug.{self.name}"

    def __reduce__(self) -> tuple[Any, ...]:
        return by_name, (self.name,)


bool_ = dtype("bool", "b", np.bool_)
uint8 = dtype("uint8", "u", np.uint8)
uint16 = dtype("uint16", "u", np.uint16)
uint32 = dtype("uint32", "u", np.uint32)
uint64 = dtype("uint64", "u", np.uint64)
int8 = dtype("int8", "i", np.int8)
int16 = dtype("int16", "i", np.int16)
int32 = dtype("int32", "i", np.int32)
int64 = dtype("int64", "i", np.int64)
float16 = dtype("float16", "f", np.float16)
bfloat16 = dtype("bfloat16", "f", None, 2)
float32 = dtype("float32", "f", np.float32)
float64 = dtype("float64", "f", np.float64)
complex64 = dtype("complex64", "c", np.complex64)
complex128 = dtype("complex128", "c", np.complex128)

ALL: Final = (
    bool_, uint8, uint16, uint32, uint64, int8, int16, int32, int64,
    float16, bfloat16, float32, float64, complex64, complex128,
)  # fmt: skip
_BY_NAME: Final = {each.name: each for each in ALL}
_BY_NUMPY: Final = {each.numpy: each for each in ALL if each is not bfloat16}

# PyTorch's promotion (c10/core/ScalarType: promoteTypes).  "--" is an error there too: it has no rule for the
# unsigned types wider than eight bits with another integer type.
_TABLE: Final = """
     b1  u1  u2  u4  u8  i1  i2  i4  i8  f2  bf  f4  f8  c8  c16
b1   b1  u1  --  --  --  i1  i2  i4  i8  f2  bf  f4  f8  c8  c16
u1   u1  u1  --  --  --  i2  i2  i4  i8  f2  bf  f4  f8  c8  c16
u2   --  --  u2  --  --  --  --  --  --  f2  bf  f4  f8  c8  c16
u4   --  --  --  u4  --  --  --  --  --  f2  bf  f4  f8  c8  c16
u8   --  --  --  --  u8  --  --  --  --  f2  bf  f4  f8  c8  c16
i1   i1  i2  --  --  --  i1  i2  i4  i8  f2  bf  f4  f8  c8  c16
i2   i2  i2  --  --  --  i2  i2  i4  i8  f2  bf  f4  f8  c8  c16
i4   i4  i4  --  --  --  i4  i4  i4  i8  f2  bf  f4  f8  c8  c16
i8   i8  i8  --  --  --  i8  i8  i8  i8  f2  bf  f4  f8  c8  c16
f2   f2  f2  f2  f2  f2  f2  f2  f2  f2  f2  f4  f4  f8  c8  c16
bf   bf  bf  bf  bf  bf  bf  bf  bf  bf  f4  bf  f4  f8  c8  c16
f4   f4  f4  f4  f4  f4  f4  f4  f4  f4  f4  f4  f4  f8  c8  c16
f8   f8  f8  f8  f8  f8  f8  f8  f8  f8  f8  f8  f8  f8  c16 c16
c8   c8  c8  c8  c8  c8  c8  c8  c8  c8  c8  c8  c8  c16 c8  c16
c16  c16 c16 c16 c16 c16 c16 c16 c16 c16 c16 c16 c16 c16 c16 c16
"""


def _read_table() -> dict[tuple[dtype, dtype], dtype | None]:
    head, *rows = _TABLE.strip().splitlines()
    codes = dict(zip(head.split(), ALL, strict=True))
    table = {}
    for row in rows:
        left, *cells = row.split()
        for right, cell in zip(codes.values(), cells, strict=True):
            table[codes[left], right] = codes.get(cell)
    return table


_PROMOTION: Final = _read_table()


def promote(left: dtype, right: dtype) -> dtype:
    """The smallest dtype to which both can be converted, by PyTorch's table.

    Raises:
        DTypeError: PyTorch has no rule for the pair (wide unsigned with another integer type).
    """
    result = _PROMOTION[left, right]
    if result is None:
        raise DTypeError(
            f"promotion of {left!r} with {right!r} is not defined (PyTorch has no rule for unsigned types wider "
            f"than 8 bits with another integer type); convert one of them with .to(dtype)"
        )
    return result


def can_cast(source: dtype, target: dtype) -> bool:
    """Whether a result of dtype ``source`` may be stored in a tensor of dtype ``target`` (``out=`` and in-place)."""
    return source.category <= target.category


def from_numpy(numpy_type: Any) -> dtype:
    """The dtype that corresponds to a NumPy dtype.

    Raises:
        ArgumentTypeError: Hotplug has no such dtype.
    """
    native = np.dtype(numpy_type).newbyteorder("=") if np.dtype(numpy_type).kind != "V" else np.dtype(numpy_type)
    try:
        return bfloat16 if native.name == "bfloat16" else _BY_NUMPY[native]
    except KeyError:
        raise ArgumentTypeError(
            f"NumPy dtype {numpy_type!s} has no counterpart; convert it to one of {list(_BY_NAME)}"
        ) from None


def by_name(name: str) -> dtype:
    """The dtype called ``name``, e.g. ``"float32"``."""
    return _BY_NAME[name]


_default = float32


def get_default_dtype() -> dtype:
    """The floating dtype that new tensors of Python floats get."""
    return _default


def set_default_dtype(new: dtype) -> None:
    """Set the floating dtype that new tensors of Python floats get.

    Raises:
        ArgumentTypeError: ``new`` is not a floating dtype.
    """
    global _default  # noqa: PLW0603 - one process-wide default, as in PyTorch
    if not (isinstance(new, dtype) and new.is_floating_point):
        raise ArgumentTypeError(f"set_default_dtype expected a floating dtype, got {new!r}")
    _default = new


def of_number(value: object) -> dtype:
    """The dtype that a Python number has when it stands alone: bool, int64, the default dtype or its complex."""
    if isinstance(value, (bool, np.bool_)):
        return bool_
    if isinstance(value, (int, np.integer)):
        return int64
    if isinstance(value, (float, np.floating)):
        return _default
    if isinstance(value, (complex, np.complexfloating)):
        return _default.to_complex()
    raise ArgumentTypeError(f"expected a number, got {type(value).__name__}")


@final
class finfo:  # noqa: N801 - PyTorch's name
    """Limits of a floating dtype: ``bits, eps, max, min, tiny, smallest_normal, resolution``."""

    def __init__(self, type: dtype | None = None) -> None:
        chosen = _default if type is None else type
        if not (chosen.is_floating_point or chosen.is_complex):
            raise ArgumentTypeError(f"finfo expected a floating dtype, got {chosen!r}; use iinfo for integers")
        import ml_dtypes

        limits = ml_dtypes.finfo(chosen.real.numpy)
        self.dtype = chosen.real.name
        self.bits = chosen.real.itemsize * 8
        self.eps = float(limits.eps)
        self.max = float(limits.max)
        self.min = float(limits.min)
        self.tiny = float(limits.smallest_normal)
        self.smallest_normal = self.tiny
        self.resolution = float(limits.resolution)

    def __repr__(self) -> str:
        return (
            f"finfo(resolution={self.resolution:g}, min={self.min:g}, max={self.max:g}, eps={self.eps:g}, "
            f"smallest_normal={self.smallest_normal:g}, tiny={self.tiny:g}, dtype={self.dtype})"
        )


@final
class iinfo:  # noqa: N801 - PyTorch's name
    """Limits of an integer dtype: ``bits, max, min``."""

    def __init__(self, type: dtype) -> None:
        if type.kind not in "ui":
            raise ArgumentTypeError(f"iinfo expected an integer dtype, got {type!r}; use finfo for floating dtypes")
        limits = np.iinfo(type.numpy)
        self.dtype = type.name
        self.bits = type.itemsize * 8
        self.max = int(limits.max)
        self.min = int(limits.min)

    def __repr__(self) -> str:
        return f"iinfo(min={self.min}, max={self.max}, dtype={self.dtype})"
