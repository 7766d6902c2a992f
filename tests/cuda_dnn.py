"""A model of NVIDIA's cudnn-frontend: graphs of one convolution, whose calls must come in order, on host memory."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import ml_dtypes
import numpy as np
from cuda_library import STREAM, vector

from hotplug.backends.cuda import dnn

NEEDED = 320
TYPES = {"HALF": np.float16, "BFLOAT16": ml_dtypes.bfloat16, "FLOAT": np.float32, "DOUBLE": np.float64}
NOTES = "NONDETERMINISTIC TENSOR_CORE DOWN_CONVERT_INPUTS WINOGRAD_TILE_6x6 WINOGRAD_TILE_13x13".split()


class NotSupportedError(Exception):
    """``cudnn.cudnnGraphNotSupportedError``, which is no RuntimeError."""


class TensorOfGraph:
    def __init__(self, dim: list[int] | None = None, stride: list[int] | None = None, data_type: Any = None) -> None:
        self.dim, self.stride, self.kind, self.output = dim, stride, data_type, False

    def set_output(self, value: bool) -> TensorOfGraph:
        self.output = value
        return self

    def set_data_type(self, kind: Any) -> TensorOfGraph:
        self.kind = kind
        return self

    def set_dim(self, dim: list[int]) -> TensorOfGraph:
        self.dim = dim
        return self

    def set_stride(self, stride: list[int]) -> TensorOfGraph:
        self.stride = stride
        return self

    def values(self, place: int) -> Any:
        """The elements in host memory, as a view."""
        assert place % dnn.ALIGNED == 0
        kind = np.dtype(TYPES[self.kind])
        count = 1 + sum((size - 1) * step for size, step in zip(self.dim, self.stride, strict=True))
        flat = vector(place, kind, count)
        return np.lib.stride_tricks.as_strided(flat, self.dim, [step * kind.itemsize for step in self.stride])


class Graph:
    """``cudnn.pygraph``: the calls must come in the frontend's order."""

    def __init__(self, model: ModelOfFrontend, **options: Any) -> None:
        assert options["handle"] == "handle"
        self.model, self.stage, self.options = model, "described", options
        self.notes: list[str] = []

    def tensor(self, *, name: str, dim: list[int], stride: list[int], data_type: Any) -> TensorOfGraph:
        assert name
        assert len(dim) == len(stride)
        assert len(dim) in (4, 5), "cuDNN convolves over two or three axes"
        return TensorOfGraph(dim, stride, data_type)

    def _conv(self, call: str, first: TensorOfGraph, second: TensorOfGraph, options: dict[str, Any]) -> TensorOfGraph:
        assert options.pop("compute_data_type") == ("DOUBLE" if first.kind == "DOUBLE" else "FLOAT")
        assert {len(each) for each in options.values()} == {len(first.dim) - 2}
        self.form = (call, first, second, TensorOfGraph(), options)
        return self.form[3]

    def conv_fprop(self, image: TensorOfGraph, weight: TensorOfGraph, **options: Any) -> TensorOfGraph:
        return self._conv("convolution", image, weight, options)

    def conv_dgrad(self, loss: TensorOfGraph, filter: TensorOfGraph, **options: Any) -> TensorOfGraph:
        return self._conv("input", loss, filter, options)

    def conv_wgrad(self, image: TensorOfGraph, loss: TensorOfGraph, **options: Any) -> TensorOfGraph:
        return self._conv("weight", loss, image, options)

    def _step(self, before: str, after: str) -> None:
        assert self.stage == before, f"{after} behind {self.stage}"
        self.stage = after

    def validate(self) -> None:
        self._step("described", "validated")
        assert self.form[3].output, "a virtual result"

    def build_operation_graph(self) -> None:
        self._step("validated", "operations")

    def create_execution_plans(self, modes: Sequence[str]) -> None:
        self._step("operations", "plans")
        assert modes == ["A", "FALLBACK"]

    def deselect_numeric_notes(self, notes: list[str]) -> None:
        assert self.stage == "plans", "a filter before there are plans is lost"
        self.notes += notes

    def check_support(self) -> None:
        self._step("plans", "supported")
        if self.model.refuses(self.form):
            raise NotSupportedError

    def build_plans(self) -> None:
        self._step("supported", "built")
        self.model.plans.append((self.form[0], tuple(self.notes)))

    def get_workspace_size(self) -> int:
        assert self.stage == "built"
        return NEEDED

    def execute(self, places: dict[TensorOfGraph, int], workspace: int, *, handle: str) -> None:
        assert (self.stage, handle, self.model.stream) == ("built", "handle", STREAM)
        vector(workspace, np.uint8, NEEDED)[:] = 99
        call, first, second, out, options = self.form
        assert set(places) == {first, second, out}
        self.model.runs.append(call)
        left, right = (each.values(places[each]).astype(np.float64) for each in (first, second))
        shape = {"convolution": right.shape, "input": right.shape, "weight": tuple(out.dim)}[call]
        x, w = {"convolution": (left, right), "input": (np.zeros(out.dim), right), "weight": (right, np.zeros(shape))}[
            call
        ]
        found = _convolved(call, x, w, left, options)
        out.values(places[out])[...] = found


def _convolved(call: str, x: Any, w: Any, delta: Any, options: dict[str, list[int]]) -> Any:
    """The three products, tap by tap, on zero-padded input."""
    groups = x.shape[1] // w.shape[1]
    around = [(0, 0), (0, 0), *((p, p) for p in options["padding"])]
    wide = np.pad(x, around)
    sizes = [
        (n - d * (k - 1) - 1) // s + 1
        for n, k, s, d in zip(wide.shape[2:], w.shape[2:], options["stride"], options["dilation"], strict=True)
    ]
    result = np.zeros((x.shape[0], w.shape[0], *sizes))
    if call != "convolution":  # an input that is larger than what the windows cover takes no part
        result = delta
    weight = np.zeros_like(w)
    outer, inner = w.shape[0] // groups, w.shape[1]
    for tap in np.ndindex(*w.shape[2:]):
        window = tuple(
            slice(t * d, t * d + (n - 1) * s + 1, s)
            for t, d, s, n in zip(tap, options["dilation"], options["stride"], result.shape[2:], strict=True)
        )
        for g in range(groups):
            rows, columns = slice(g * outer, (g + 1) * outer), slice(g * inner, (g + 1) * inner)
            here = (slice(None), columns, *window)
            of_tap = w[(rows, slice(None), *tap)]
            if call == "convolution":
                result[:, rows] += np.einsum("oc,nc...->no...", of_tap, wide[here])
            elif call == "input":
                wide[here] += np.einsum("oc,no...->nc...", of_tap, result[:, rows])
            else:
                axes = [0, *range(2, x.ndim)]
                weight[(rows, slice(None), *tap)] = np.tensordot(result[:, rows], wide[here], (axes, axes))
    if call == "input":
        return wide[tuple(slice(before, before + n) for (before, _), n in zip(around, x.shape, strict=True))]
    return result if call == "convolution" else weight


class ModelOfFrontend:
    """The module ``cudnn``."""

    heur_mode = SimpleNamespace(A="A", FALLBACK="FALLBACK")
    data_type = SimpleNamespace(**{name: name for name in TYPES})
    numerical_note = SimpleNamespace(**{name: name for name in NOTES})
    cudnnGraphNotSupportedError = NotSupportedError  # noqa: N815 - its name

    def __init__(self) -> None:
        self.plans: list[tuple[str, tuple[str, ...]]] = []
        self.runs: list[str] = []
        self.stream: int | None = None
        self.refused: Any = lambda form: False

    def refuses(self, form: Any) -> bool:
        return bool(self.refused(form))

    def create_handle(self) -> str:
        return "handle"

    def set_stream(self, handle: str, stream: int) -> None:
        assert handle == "handle"
        self.stream = stream

    def pygraph(self, **options: Any) -> Graph:
        return Graph(self, **options)
