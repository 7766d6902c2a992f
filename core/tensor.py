"""Tensor: an Array, and its place on the tape."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hotplug._methods import TensorMethods
from hotplug.array import Array
from hotplug.autograd.graph import Hook, Meta, Node, history
from hotplug.dtypes import dtype as DType
from hotplug.errors import ArgumentError, ArgumentTypeError, AutogradError, DeviceError, HotplugError
from hotplug.kinds import PlainMemory

if TYPE_CHECKING:
    from hotplug.device import device as Device

_new = object.__new__


class Size(tuple[int, ...]):
    """A tensor's shape: a tuple with :meth:`numel`."""

    __slots__ = ()

    def numel(self) -> int:
        """The product of the sizes."""
        result = 1
        for size in self:
            result *= size
        return result

    def __getitem__(self, key: Any) -> Any:
        found = super().__getitem__(key)
        return Size(found) if isinstance(key, slice) else found

    def __repr__(self) -> str:
        return f"hotplug.Size({list(self)})"


class Tensor(TensorMethods, PlainMemory):
    """An n-dimensional array on a device, differentiable.

    Made by :func:`hotplug.tensor`, :func:`hotplug.zeros` and their like.  The legacy constructor ``Tensor(data)`` gives
    the default dtype, ``Tensor(2, 3)`` an uninitialised tensor of that shape.
    """

    __slots__ = ("__dict__", "__weakref__", "_array", "_meta")

    _array: Array
    _meta: Meta | None
    __array_priority__ = 1000  # NumPy's operators give way to ours

    def __init__(self, *data: Any, device: Any = None) -> None:
        from hotplug import ops
        from hotplug.dtypes import get_default_dtype

        if len(data) == 1 and not isinstance(data[0], (int, Size)):
            made = ops.tensor(data[0], dtype=get_default_dtype(), device=device)
        else:
            shape = data[0] if len(data) == 1 and isinstance(data[0], Size) else data or (0,)
            made = ops.empty(shape, dtype=get_default_dtype(), device=device)
        self._array, self._meta = made._array, None

    # --- what it is ---

    @property
    def shape(self) -> Size:
        return Size(self._array.layout.shape)

    @property
    def dtype(self) -> DType:
        return self._array.layout.dtype

    @property
    def ndim(self) -> int:
        return len(self._array.layout.shape)

    @property
    def device(self) -> Device:
        """Where the elements live."""
        from hotplug.device import device

        runtime = self._array.storage.runtime
        return device.of_runtime(runtime.backend.name, runtime.index, runtime.backend.numbered)

    def size(self, dim: int | None = None) -> Any:
        """The shape, or the size of one dimension."""
        from hotplug.declare.dims import canonical_dim

        return self.shape if dim is None else self._array.shape[canonical_dim("size", dim, self.ndim)]

    def stride(self, dim: int | None = None) -> Any:
        """The strides in elements, or the stride of one dimension."""
        from hotplug.declare.dims import canonical_dim

        return self._array.strides if dim is None else self._array.strides[canonical_dim("stride", dim, self.ndim)]

    def dim(self) -> int:
        """The number of dimensions."""
        return self.ndim

    ndimension = dim

    def numel(self) -> int:
        """The number of elements."""
        return self._array.layout.numel

    nelement = numel

    def storage_offset(self) -> int:
        """Elements between the start of the storage and the first element."""
        return self._array.offset

    def element_size(self) -> int:
        """Bytes of one element."""
        return self.dtype.itemsize

    @property
    def itemsize(self) -> int:
        return self.dtype.itemsize

    @property
    def nbytes(self) -> int:
        return self.numel() * self.dtype.itemsize

    def is_contiguous(self, *, memory_format: Any = None) -> bool:
        """Whether the elements lie densely in C order, or in another memory format."""
        if memory_format is None:
            return self._array.layout.is_contiguous
        from hotplug.memory_format import checked, lies_in

        return lies_in(checked("is_contiguous", memory_format), self._array.layout)

    def dim_order(self, *, ambiguity_check: Any = False) -> tuple[int, ...]:
        """The axes from the slowest to the fastest in memory; see :func:`hotplug.memory_format.dim_order`."""
        from hotplug.memory_format import dim_order

        return dim_order(self._array.layout, ambiguity_check)

    def is_floating_point(self) -> bool:
        """Whether the dtype is floating."""
        return self.dtype.is_floating_point

    def is_complex(self) -> bool:
        """Whether the dtype is complex."""
        return self.dtype.is_complex

    @property
    def is_cpu(self) -> bool:
        return self.device.type == "cpu"

    @property
    def is_cuda(self) -> bool:
        return self.device.type == "cuda"

    @property
    def T(self) -> Tensor:  # noqa: N802 - PyTorch's name
        """The axes reversed, a view."""
        return self.permute(*reversed(range(self.ndim))) if self.ndim else self

    @property
    def mT(self) -> Tensor:  # noqa: N802 - PyTorch's name
        """The last two axes exchanged, a view."""
        return self.transpose(-2, -1)

    @property
    def H(self) -> Tensor:  # noqa: N802 - PyTorch's name
        """The conjugate transpose of a matrix."""
        return self.t().conj()

    @property
    def mH(self) -> Tensor:  # noqa: N802 - PyTorch's name
        """The conjugate transpose of the last two axes."""
        return self.adjoint()

    @property
    def real(self) -> Tensor:
        """The real part, a view; a real tensor itself."""
        from hotplug import ops

        return ops.real(self)

    @property
    def imag(self) -> Tensor:
        """The imaginary part, a view."""
        from hotplug import ops

        return ops.imag(self)

    # --- autograd ---

    @property
    def requires_grad(self) -> bool:
        """Whether a gradient flows to this tensor."""
        return history(self) is not None

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        self.requires_grad_(value)

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Ask for gradients of a leaf.

        Raises:
            AutogradError: the dtype has no gradients, or the tensor is no leaf.
        """
        if requires_grad and self.dtype.kind not in "fc":
            raise AutogradError(
                f"only floating and complex tensors can require gradients, this one is {self.dtype.name}"
            )
        if not self.is_leaf:
            if requires_grad:
                return self
            raise AutogradError("you can only change requires_grad flags of leaf variables; use detach()")
        if self._meta is None:
            self._meta = Meta()
        if requires_grad and self._meta.inference:
            raise AutogradError("an inference tensor can't require a gradient outside inference_mode; clone() it first")
        self._meta.requires_grad = requires_grad
        return self

    @property
    def is_leaf(self) -> bool:
        """Whether no recorded op made this tensor."""
        return self.grad_fn is None

    @property
    def grad_fn(self) -> Node | None:
        """The recorded op that made this tensor."""
        edge = history(self)
        return edge[0] if edge is not None and isinstance(edge[0], Node) else None

    @property
    def grad(self) -> Tensor | None:
        """The gradient accumulated in a leaf (or where :meth:`retain_grad` was called)."""
        return None if self._meta is None else self._meta.grad

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None:
            if not isinstance(value, Tensor):
                raise ArgumentTypeError(f"grad expected a Tensor or None, got {type(value).__name__}")
            if value.shape != self.shape or value.dtype is not self.dtype or value.device != self.device:
                raise AutogradError(
                    f"assigned grad has shape {list(value.shape)}, {value.dtype.name}, '{value.device}'; expected "
                    f"{list(self.shape)}, {self.dtype.name}, '{self.device}'"
                )
        if self._meta is None:
            self._meta = Meta()
        self._meta.grad = value

    def backward(
        self, gradient: Tensor | None = None, retain_graph: bool | None = None, create_graph: bool = False,
        inputs: Sequence[Tensor] | None = None,
    ) -> None:  # fmt: skip
        """Add the gradient of this tensor with respect to the leaves to their ``.grad``."""
        from hotplug import autograd

        autograd.backward(self, gradient, retain_graph, create_graph, inputs)

    def detach(self) -> Tensor:
        """The same memory, off the tape."""
        result = wrap(self._array)
        result.__class__ = Tensor
        return result

    def detach_(self) -> Tensor:
        """Take this tensor off the tape."""
        if self._meta is not None and self._meta.view is not None:
            raise AutogradError("can't detach views in-place; use detach()")
        self._meta = None
        return self

    @property
    def data(self) -> Tensor:
        """The same memory, off the tape; assigning gives this tensor the other's memory."""
        return self.detach()

    @data.setter
    def data(self, value: Tensor) -> None:
        self._array = value._array

    def retain_grad(self) -> None:
        """Keep the gradient of a non-leaf in ``.grad`` during backward."""
        edge = history(self)
        if edge is None:
            raise AutogradError("can't retain_grad on a tensor that has requires_grad=False")
        meta = self._meta
        if isinstance(edge[0], Meta) or meta is None or meta.retains:
            return
        meta.retains = True

        def keep(grad: Tensor) -> None:
            meta.grad = grad if meta.grad is None else meta.grad + grad

        self.register_hook(keep)

    @property
    def retains_grad(self) -> bool:
        return self._meta is not None and self._meta.retains

    def register_hook(self, hook: Hook) -> Any:
        """Call ``hook(grad)`` when this tensor's gradient is known; what it returns replaces the gradient."""
        from hotplug.autograd.hooks import register

        edge = history(self)
        if edge is None:
            raise AutogradError("can't register a hook on a tensor that doesn't require gradient")
        return register(edge, hook)

    def register_post_accumulate_grad_hook(self, hook: Callable[[Tensor], Any]) -> Any:
        """Call ``hook(leaf)`` whenever a gradient has been added to this leaf's ``.grad``."""
        from hotplug.autograd.hooks import after

        if not self.requires_grad or not self.is_leaf:
            raise AutogradError(
                "post accumulate grad hooks can only be registered on leaf tensors that require gradient"
            )
        return after(self, hook)

    # --- host ---

    def item(self) -> Any:
        """The one element as a Python number (a host read)."""
        from hotplug import host

        return host.item(self)

    def tolist(self) -> Any:
        """Nested lists of Python numbers (a host read)."""
        from hotplug import host

        return host.to_numpy(self, "tolist").tolist()

    def numpy(self, *, force: bool = False) -> np.ndarray[Any, Any]:
        """A NumPy array; for a device in host memory it shares the tensor's memory.

        Raises:
            AutogradError: the tensor requires a gradient and ``force`` is false.
            DeviceError: the tensor isn't in host memory and ``force`` is false.
        """
        from hotplug import host

        return host.numpy(self, force)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        from hotplug import host

        if not self._array.storage.runtime.capabilities.host_memory:
            raise DeviceError(f"a tensor on '{self.device}' isn't in host memory; use .cpu() first")
        found = host.numpy(self, False)
        return np.array(found, dtype=dtype, copy=copy)

    def __array_namespace__(self, *, api_version: str | None = None) -> Any:
        """The module :mod:`hotplug.array_api`, by which other libraries know how to work with Tensors.

        Raises:
            ArgumentError: a version of the standard that is not supported.
        """
        from hotplug import array_api

        if api_version not in (None, "2021.12", "2022.12", "2023.12", "2024.12"):
            raise ArgumentError(f"__array_namespace__: version {api_version!r} is not supported; 2024.12 is")
        return array_api

    def to_device(self, device: Any, /, *, stream: Any = None) -> Tensor:
        """The tensor on another device: the array API standard's name for :meth:`to`."""
        if stream is not None:
            raise ArgumentError("to_device: there are no streams; leave stream=None")
        return self.to(device)

    def __dlpack__(
        self, *, stream: Any = None, max_version: tuple[int, int] | None = None,
        dl_device: tuple[Any, int] | None = None, copy: bool | None = None,
    ) -> Any:  # fmt: skip
        """A DLPack capsule of this tensor's memory; see :func:`hotplug.interchange.give`."""
        from hotplug import interchange

        return interchange.give(self, stream, max_version, dl_device, copy)

    def __dlpack_device__(self) -> tuple[int, int]:
        """DLPack's numbers for the device."""
        from hotplug import interchange

        return interchange.place(self)

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        """Where the memory is, on a CUDA device only; see :func:`hotplug.interchange.cuda_interface`."""
        from hotplug import interchange

        return interchange.cuda_interface(self)

    def __bool__(self) -> bool:
        if self.numel() != 1:
            raise HotplugBoolError(
                f"Boolean value of Tensor with {'no values' if not self.numel() else 'more than one value'} is "
                f"ambiguous; use .any() or .all()"
            )
        return bool(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __float__(self) -> float:
        return float(self.item())

    def __complex__(self) -> complex:
        return complex(self.item())

    def __index__(self) -> int:
        if self.dtype.kind not in "bui" or self.numel() != 1:
            raise ArgumentTypeError("only integer tensors of a single element can be converted to an index")
        return int(self.item())

    def __len__(self) -> int:
        if self.ndim == 0:
            raise ArgumentTypeError("len() of a 0-d tensor")
        return self._array.shape[0]

    def __iter__(self) -> Iterator[Tensor]:
        if self.ndim == 0:
            raise ArgumentTypeError("iteration over a 0-d tensor")
        return iter(self.unbind(0))

    def __contains__(self, value: Any) -> bool:
        return bool((self == value).any().item())

    def __hash__(self) -> int:
        return id(self)

    def __getitem__(self, key: Any) -> Tensor:
        from hotplug.ops import indexing

        return indexing.getitem(self, key)

    def __setitem__(self, key: Any, value: Any) -> None:
        from hotplug.ops import indexing

        indexing.setitem(self, key, value)

    def __repr__(self) -> str:
        from hotplug.printing import represent

        return represent(self)

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if self.ndim == 0 and spec else str(self)

    def __reduce_ex__(self, protocol: Any) -> Any:
        from hotplug.serialization.pickling import reduce

        return reduce(self, int(protocol))

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        from hotplug.serialization.pickling import deepcopy

        return deepcopy(self, memo)

    def __dir__(self) -> list[str]:
        return sorted(set(object.__dir__(self)) | set(dir(type(self))))

    @property
    def is_sparse(self) -> bool:
        return False

    def __set_name__(self, *_: object) -> None:
        """A tensor as a class attribute needs nothing."""


class HotplugBoolError(HotplugError, RuntimeError):
    """The truth value of a tensor of several elements was asked for."""


def wrap(array: Array) -> Tensor:
    """A Tensor of an Array, off the tape."""
    tensor: Tensor = _new(Tensor)
    tensor._array = array
    tensor._meta = None
    return tensor
