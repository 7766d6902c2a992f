"""Convolution and its two gradients by cuDNN, through NVIDIA's ``cudnn-frontend``, where both are installed.

cuDNN gets the operands as they lie, whatever their strides (``channels_last`` too).  Where it has no plan for them it gets
dense copies, and where it has none for these, our own kernel computes.  Plans are kept by form.  An engine that may give other
bits from run to run is never chosen; TF32 is, for float32, where ``hotplug.backends.cudnn.allow_tf32`` says so.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple, final

from hotplug.array import Array
from hotplug.backend import Kernel, OpKey
from hotplug.backend.render import Source
from hotplug.backends import cudnn as switches
from hotplug.backends.cuda import convolution
from hotplug.backends.cuda.composite import Override, Plan, Sheet, Step
from hotplug.backends.cuda.device import Device
from hotplug.backends.cuda.dialect import CUDA
from hotplug.backends.cuda.header import THREADS
from hotplug.backends.cuda.libraries import library_of
from hotplug.backends.cuda.program import addresses
from hotplug.backends.cuda.solver_memory import Copies, Room, view_of
from hotplug.backends.cuda.text import kernel
from hotplug.backends.opencl.frame import Layouts
from hotplug.caches import Bounded
from hotplug.dtypes import dtype
from hotplug.layout import Layout, Shape, layout_of

KINDS: Final = {"float16": "HALF", "bfloat16": "BFLOAT16", "float32": "FLOAT", "float64": "DOUBLE"}
"""Names in ``cudnn.data_type``."""
ALIGNED: Final = 16
"""Bytes to which the frontend takes addresses to be aligned."""
_IMPRECISE: Final = ("DOWN_CONVERT_INPUTS", "WINOGRAD_TILE_6x6", "WINOGRAD_TILE_13x13")
"""Notes of engines that lose digits of float32."""
_CALLS: Final = {
    "convolution": ("conv_fprop", "image", "weight"),
    "convolution_input_backward": ("conv_dgrad", "loss", "filter"),
    "convolution_weight_backward": ("conv_wgrad", "loss", "image"),
}
"""What a composite is called there, and what its two operands are called."""


class Form(NamedTuple):
    """What a plan is made for."""

    op: str
    layouts: tuple[Layout, Layout, Layout]
    """Of the two operands and the result."""
    stride: Shape
    padding: Shape
    dilation: Shape
    tf32: bool


class Built(NamedTuple):
    """A graph with its plan."""

    graph: Any
    tensors: tuple[Any, Any, Any]
    workspace: int
    """Bytes."""


def _spread(layout: Layout) -> tuple[list[int], list[int]]:
    """Sizes and strides; cuDNN wants two spatial axes at least."""
    sizes, strides = list(layout.shape), list(layout.strides)
    if len(sizes) == 3:
        sizes.insert(2, 1)
        strides.insert(2, layout.shape[2] * layout.strides[2])
    return sizes, strides


def described(cudnn: Any, form: Form, handle: Any) -> tuple[Any, tuple[Any, Any, Any]]:
    """The graph of a form, not yet validated, and its tensors."""
    kind = getattr(cudnn.data_type, KINDS[form.layouts[0].dtype.name])
    compute = cudnn.data_type.DOUBLE if form.layouts[0].dtype.name == "float64" else cudnn.data_type.FLOAT
    graph = cudnn.pygraph(
        io_data_type=kind, intermediate_data_type=compute, compute_data_type=compute, handle=handle
    )  # fmt: skip
    call, *names = _CALLS[form.op]
    tensors = []
    for name, layout in zip(names, form.layouts, strict=False):
        sizes, strides = _spread(layout)
        tensors.append(graph.tensor(name=name, dim=sizes, stride=strides, data_type=kind))
    missing = 2 - len(form.stride)
    options = {
        "padding": [0] * missing + list(form.padding), "stride": [1] * missing + list(form.stride),
        "dilation": [1] * missing + list(form.dilation), "compute_data_type": compute,
    }  # fmt: skip
    result = getattr(graph, call)(**dict(zip(names, tensors, strict=True)), **options)
    sizes, strides = _spread(form.layouts[2])
    result.set_output(True).set_data_type(kind).set_dim(sizes).set_stride(strides)
    return graph, (tensors[0], tensors[1], result)


@final
class Convolutions:
    """cuDNN on one device; the caller holds the device's lock."""

    def __init__(self, device: Device) -> None:
        self._device: Final = device
        self._handle: Any = None
        self._built: Final[Bounded[Form, Built | None]] = Bounded(256)

    def plan(self, form: Form) -> Built | None:
        """A built graph; ``None`` where cuDNN has no plan for the form."""
        if form not in self._built:
            self._built[form] = self._plan(library_of(self._device, "cudnn"), form)
        return self._built[form]

    def run(self, built: Built, places: Sequence[int], workspace: int) -> None:
        """Queue a convolution; addresses in the order of the form's layouts."""
        library_of(self._device, "cudnn")  # makes the device the thread's current one
        built.graph.execute(dict(zip(built.tensors, places, strict=True)), workspace, handle=self._handle)

    def _plan(self, cudnn: Any, form: Form) -> Built | None:
        if self._handle is None:
            self._handle = cudnn.create_handle()
            cudnn.set_stream(handle=self._handle, stream=self._device.driver.stream)
        try:
            graph, tensors = described(cudnn, form, self._handle)
            graph.validate()
            graph.build_operation_graph()
            graph.create_execution_plans([cudnn.heur_mode.A, cudnn.heur_mode.FALLBACK])
            graph.deselect_numeric_notes([getattr(cudnn.numerical_note, name) for name in unwanted(form)])
            graph.check_support()
            graph.build_plans()
            return Built(graph, tensors, int(graph.get_workspace_size()))
        except (cudnn.cudnnGraphNotSupportedError, NotImplementedError, RuntimeError, ValueError):
            return None


def unwanted(form: Form) -> list[str]:
    """Notes of the engines that may not be chosen."""
    notes = ["NONDETERMINISTIC"]
    if form.layouts[0].dtype.name == "float32":
        notes += [*_IMPRECISE, *([] if form.tf32 else ["TENSOR_CORE"])]
    return notes


_KNOWN: Final[weakref.WeakKeyDictionary[Device, tuple[Any, Convolutions]]] = weakref.WeakKeyDictionary()


def convolutions_of(device: Device) -> Convolutions:
    """The plans of a device, and of the library that it has now."""
    library, found = library_of(device, "cudnn"), _KNOWN.get(device)
    if found is None or found[0] is not library:
        found = _KNOWN[device] = (library, Convolutions(device))
    return found[1]


@final
class Convolution:
    """The kernel of a key."""

    def __init__(self, device: Device, key: OpKey, own: Kernel, biased: bool) -> None:
        self._device: Final = device
        self._op: Final = key.name
        self._own: Final = own
        self._copy: Final = Copies(device, key.dtypes[0])
        self._bias: Final = _bias(device, key.dtypes[0]) if biased else None

    def __call__(self, outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any], /) -> None:
        stride, padding, dilation, _ = scalars[-4:]
        if switches.enabled and outs[0].numel and all(each.numel for each in inputs):
            if self._by_library(outs[0], inputs, (stride, padding, dilation)):
                return
            dense = [self._dense(each) for each in inputs]
            changed = any(new is not old for new, old in zip(dense[:2], inputs[:2], strict=True))
            if changed and self._by_library(outs[0], dense, (stride, padding, dilation)):
                return
            self._own(outs, dense, scalars)
            return
        self._own(outs, [self._dense(each) for each in inputs], scalars)

    def _by_library(self, out: Array, inputs: Sequence[Array], numbers: tuple[Shape, Shape, Shape]) -> bool:
        places = addresses((*inputs[:2], out))
        if any(place % ALIGNED for place in places):
            return False
        tf32 = out.dtype.name == "float32" and bool(switches.allow_tf32)
        form = Form(self._op, (inputs[0].layout, inputs[1].layout, out.layout), *numbers, tf32)
        with self._device.lock:
            known = convolutions_of(self._device)
            built = known.plan(form)
        if built is None:
            return False
        room = Room(out)
        work = room.take(built.workspace) if built.workspace else 0
        with self._device.lock:
            known.run(built, places, work)
        if self._bias is not None:
            self._bias([out], [self._dense(inputs[2])], ())
        return True

    def _dense(self, array: Array) -> Array:
        """The array itself, or an aligned copy in C order."""
        if array.layout.is_contiguous and addresses([array])[0] % ALIGNED == 0:
            return array
        fresh = array.storage.runtime.empty(layout_of(array.dtype, array.shape))
        target, source = view_of(fresh), view_of(array)
        if len(array.shape) == 1:
            target, source = (
                each._replace(shape=(1, *each.shape), strides=(0, *each.strides)) for each in (target, source)
            )
        self._copy(target, source)
        return fresh


def _bias(device: Device, kind: dtype) -> Kernel:
    """Adds one number for each channel, in place."""
    source = Source(CUDA)
    stored = source.stored(kind)
    sheet = Sheet({"out": stored, "bias": f"const {stored}"}, ("count", "channels", "plane"))
    value = f"{source.load(kind, 'HP(out)[i]')} + {source.load(kind, 'HP(bias)[i / HP(plane) % HP(channels)]')}"
    body = [
        f"const hp_i64 i = (hp_i64)blockIdx.x * {THREADS} + threadIdx.x;",
        "if (i >= HP(count)) return;",
        source.store(kind, "HP(out)[i]", value, kind.compute),
    ]

    def plan(layouts: Layouts, _: Sequence[Any]) -> Plan:
        shape, count = layouts[0].shape, layouts[0].numel
        numbers = {"count": count, "channels": shape[1], "plane": count // (shape[0] * shape[1])}
        return Plan(numbers, [Step("hp_bias", -(-count // THREADS))])

    return Override(device, "convolution", source, sheet, kernel("hp_bias", body), plan, ("hp_bias",))


def _made(device: Device, key: OpKey) -> Kernel | None:
    plain = convolution.OVERRIDES[key.name]
    if key.dtypes[0].name not in KINDS or not 3 <= key.rank <= 5 or library_of(device, "cudnn") is None:
        return plain(device, key)
    own = plain(device, key._replace(layouts=("contiguous",) * len(key.layouts)))
    biased = key.name == "convolution" and ("bias", None) not in key.attributes
    return None if own is None else Convolution(device, key, own, biased)


def sources(device: Device, kind: dtype) -> None:
    """Compile what stands around the library's calls: for the compile check."""
    Copies(device, kind)
    _bias(device, kind)


OVERRIDES: Final[dict[str, Callable[[Device, OpKey], Kernel | None]]] = dict.fromkeys(_CALLS, _made)
