"""PyTorch's old names: typed constructors such as ``FloatTensor``, ``Tensor.type``, ``autograd.Variable``.

>>> import hotplug as hp
>>> hp.LongTensor([1, 2]).type()
'torch.LongTensor'
>>> isinstance(hp.ones(2), hp.FloatTensor)
True
"""

from __future__ import annotations

from typing import Any, Final

from hotplug import dtypes, ops
from hotplug.device import device as Device
from hotplug.dtypes import dtype as DType, set_default_dtype
from hotplug.errors import ArgumentError, ArgumentTypeError
from hotplug.tensor import Size, Tensor

_KINDS: Final = {
    "Float": dtypes.float32, "Double": dtypes.float64, "Half": dtypes.float16, "BFloat16": dtypes.bfloat16,
    "Byte": dtypes.uint8, "Char": dtypes.int8, "Short": dtypes.int16, "Int": dtypes.int32, "Long": dtypes.int64,
    "Bool": dtypes.bool_,
}  # fmt: skip
_COMPLEX: Final = {dtypes.complex64: "ComplexFloat", dtypes.complex128: "ComplexDouble"}
_WORDS: Final = {**{dtype: word for word, dtype in _KINDS.items()}, **_COMPLEX}


class TensorKind(type):
    """The type of ``FloatTensor`` and its like: a tensor is an instance of the one that has its dtype."""

    dtype: DType

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, Tensor) and instance.dtype is cls.dtype

    def __call__(cls, *data: Any, device: Any = None) -> Tensor:
        """``FloatTensor(2, 3)`` is uninitialised memory, ``FloatTensor(values)`` holds the values."""
        if len(data) == 1 and not isinstance(data[0], (int, Size)):
            return ops.tensor(data[0], dtype=cls.dtype, device=device)
        shape = data[0] if len(data) == 1 and isinstance(data[0], Size) else data or (0,)
        return ops.empty(shape, dtype=cls.dtype, device=device)

    def __repr__(cls) -> str:
        return f"<class 'torch.{cls.__name__}'>"


def _kind(word: str) -> TensorKind:
    kind = TensorKind(f"{word}Tensor", (), {"dtype": _KINDS[word], "__doc__": f"Tensors of {_KINDS[word].name}."})
    kind.__module__ = __name__
    return kind


FloatTensor, DoubleTensor, HalfTensor, BFloat16Tensor = map(_kind, ("Float", "Double", "Half", "BFloat16"))
ByteTensor, CharTensor, ShortTensor, IntTensor = map(_kind, ("Byte", "Char", "Short", "Int"))
LongTensor, BoolTensor = map(_kind, ("Long", "Bool"))


def type_name(tensor: Tensor) -> str:
    """PyTorch's name of a tensor's type: ``torch.FloatTensor``, ``torch.cuda.LongTensor``."""
    place = "" if tensor.device.type in ("cpu", "numpy") else f"{tensor.device.type}."
    return f"torch.{place}{_WORDS.get(tensor.dtype, tensor.dtype.name.title())}Tensor"


def converted(tensor: Tensor, kind: Any) -> Tensor:
    """A tensor as a dtype, a typed constructor, or a name such as ``"torch.cuda.FloatTensor"`` says.

    Raises:
        ArgumentError: the name is none of these.
    """
    if isinstance(kind, DType):
        return tensor.to(kind)
    if isinstance(kind, TensorKind):
        return tensor.to(kind.dtype)
    if not isinstance(kind, str):
        raise ArgumentTypeError(f"type: expected a dtype, a type or its name, got {type(kind).__name__}")
    library, *place, word = kind.split(".")
    if library not in ("torch", "hotplug") or len(place) > 1 or word.removesuffix("Tensor") not in _KINDS:
        raise ArgumentError(f"type: invalid type {kind!r}; write one such as 'torch.FloatTensor', or a dtype")
    return tensor.to(Device(place[0] if place else "cpu"), _KINDS[word.removesuffix("Tensor")])


def set_default_tensor_type(t: Any) -> None:
    """Make a floating type the default dtype; ``"torch.DoubleTensor"``, ``DoubleTensor`` or ``Tensor``."""
    if t is Tensor:
        t = FloatTensor
    word = t.rpartition(".")[2].removesuffix("Tensor") if isinstance(t, str) else ""
    chosen = t.dtype if isinstance(t, TensorKind) else _KINDS.get(word)
    if chosen is None:
        raise ArgumentTypeError(
            f"set_default_tensor_type: invalid type object {t!r}; name a floating type such as FloatTensor"
        )
    set_default_dtype(chosen)


def typename(obj: Any) -> str:
    """The name of a tensor's type, or of any object's class with its module."""
    if isinstance(obj, Tensor):
        return type_name(obj)
    return f"{type(obj).__module__}.{type(obj).__qualname__}".removeprefix("builtins.")
