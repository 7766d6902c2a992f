"""Linear layers: the bias and the activation ride on the product.

cuBLASLt has a product with bias and relu or gelu (by tanh).  For the other activations it adds the bias and one launch
behind it applies the activation; where it takes no product of this form, cuBLAS multiplies and that launch does both.  Where
there is neither, our own tiles do all of it in one kernel.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, final

from hotplug.array import Array
from hotplug.backend import Kernel, OpKey
from hotplug.backend.render import Source
from hotplug.backends.cuda.blas_light import EPILOGUES, Light, Places, form_of, light_of
from hotplug.backends.cuda.composite import Sheet
from hotplug.backends.cuda.device import Device
from hotplug.backends.cuda.dialect import CUDA
from hotplug.backends.cuda.header import THREADS
from hotplug.backends.cuda.program import addresses
from hotplug.backends.cuda.text import kernel
from hotplug.backends.cuda.tiles import TILE, Reader, declared, product, stored
from hotplug.dtypes import dtype
from hotplug.layout import layout_of

_LARGEST: Final = 2**31 - 1
_KEPT: Final = ("gelu", "gelu_tanh", "silu")
"""Activations whose derivative is not a function of their result: what they were given is an output too."""


def activated(activation: str, kind: dtype, x: str) -> str:
    """The expression of an activation in the type that is computed with."""
    name = CUDA.type(kind)
    exp, tanh, erf = (CUDA.math(each, kind) for each in ("exp", "tanh", "erf"))
    one = f"({name})1"
    return {
        "": x,
        "relu": f"({x} < 0 ? ({name})0 : {x})",
        "gelu": f"(({name})0.5 * {x} * ({one} + {erf}({x} * ({name})0.70710678118654752440)))",
        "gelu_tanh": f"(({name})0.5 * {x} * ({one} + {tanh}(({name})0.79788456080286535588 * "
        f"({x} + ({name})0.044715 * {x} * {x} * {x}))))",
        "silu": f"({x} / ({one} + {exp}(-{x})))",
        "tanh": f"{tanh}({x})",
        "sigmoid": f"({one} / ({one} + {exp}(-{x})))",
    }[activation]


_WORDS: Final = ("rows", "columns", "deep", "tiles")


def _text(source: Source, kind: dtype, activation: str, biased: bool, keeps: bool) -> str:
    """``hp_whole``, a product with everything; ``hp_behind``, what comes behind a product that lies in ``out``."""
    name = source.type(kind)
    bias = f" + {source.load(kind, 'HP(bias)[column]')}" if biased else ""
    store = [
        f"const {name} x = total[r][c]{bias};",
        *([source.store(kind, "HP(kept)[row * columns + column]", "x", kind.compute)] if keeps else []),
        source.store(kind, "HP(out)[row * columns + column]", activated(activation, kind.compute, "x"), kind.compute),
    ]
    left, right = (
        Reader([f"v = {source.load(kind, f'HP({operand})[line * deepest + deep]')};"], "false")
        for operand in ("input", "weight")
    )
    whole = [
        *declared(name),
        "const hp_i64 rows = HP(rows), columns = HP(columns), deepest = HP(deep);",
        f"const hp_i64 down = blockIdx.x / HP(tiles) * {TILE}, over = blockIdx.x % HP(tiles) * {TILE};",
        *product(source, kind.compute, "hp_i64", left, right, "rows", "columns", "0", "deepest"),
        *stored("hp_i64", "rows", "columns", store),
    ]
    late = f" + {source.load(kind, 'HP(bias)[i % HP(columns)]')}" if biased else ""
    behind = [
        f"const hp_i64 i = (hp_i64)blockIdx.x * {THREADS} + threadIdx.x;",
        "if (i >= HP(rows) * HP(columns)) return;",
        f"{name} x = {source.load(kind, 'HP(out)[i]')};",
        f"if (HP(tiles)) x = x{late};",  # otherwise the library has added it
        *([source.store(kind, "HP(kept)[i]", "x", kind.compute)] if keeps else []),
        source.store(kind, "HP(out)[i]", activated(activation, kind.compute, "x"), kind.compute),
    ]
    return kernel("hp_whole", whole) + kernel("hp_behind", behind)


@final
class Linear:
    """The kernel of a key."""

    def __init__(self, device: Device, key: OpKey, activation: str, biased: bool, keeps: bool) -> None:
        kind, source = key.dtypes[0], Source(CUDA)
        memory = source.stored(kind)
        names = ["out", *(["kept"] if keeps else [])]
        given = ["input", "weight", *(["bias"] if biased else [])]
        sheet = Sheet({**dict.fromkeys(names, memory), **dict.fromkeys(given, f"const {memory}")}, _WORDS)
        text = _text(source, kind, activation, biased, keeps)
        module = device.module(key.name, source.text(sheet.declaration(), text))
        self._whole: Final = device.driver.function(module, "hp_whole")
        self._behind: Final = device.driver.function(module, "hp_behind")
        self._device: Final = device
        self._sheet: Final = sheet
        self._light: Final = light_of(device)
        self._activation: Final = activation
        self._biased: Final = biased
        self._keeps: Final = keeps

    def __call__(self, outs: Sequence[Array], inputs: Sequence[Array], scalars: Sequence[Any], /) -> None:
        columns, deep = inputs[1].shape
        if not outs[0].numel:
            return
        sizes = (outs[0].numel // columns, columns, deep)
        used = [outs[0], *([outs[1]] if self._keeps else []), *inputs]
        if deep and self._light is not None and self._by_light(self._light, used, sizes):
            return
        with self._device.lock:
            if deep and self._device.driver.product(*_matrices(outs[0], inputs, sizes)):
                self._finish(used, sizes, 1)
                return
            tiles = -(-columns // TILE)
            numbers = {"rows": sizes[0], "columns": columns, "deep": deep, "tiles": tiles}
            frame = self._sheet.frame(addresses(used), self._sheet.numbers(numbers))
            self._device.launch(self._whole, (tiles * -(-sizes[0] // TILE), 1, 1), THREADS, frame)

    def _by_light(self, light: Light, used: Sequence[Array], sizes: tuple[int, int, int]) -> bool:
        """Whether cuBLASLt takes it."""
        if max(sizes) > _LARGEST:
            return False
        places = addresses(used)
        out, rest = places[0], places[2 if self._keeps else 1 :]
        bias = rest[2] if self._biased else 0
        alone = self._activation not in EPILOGUES
        kept = places[1] if self._keeps and not alone else 0
        given = Places(rest[1], rest[0], out, bias, kept)
        form = form_of(used[0].dtype.name, sizes, "" if alone else self._activation, given)
        device = self._device
        with device.lock:
            needed = light.workspace(form)
            if needed is None:
                return False
            light.product(form, given, device.scratch(needed, "light") if needed else 0)
            if alone:
                self._finish(used, sizes, 0)
        return True

    def _finish(self, used: Sequence[Array], sizes: tuple[int, int, int], bias: int) -> None:
        """Bias and activation behind a product; the lock is held."""
        if not bias and not self._activation:
            return
        numbers = {"rows": sizes[0], "columns": sizes[1], "deep": sizes[2], "tiles": bias}
        frame = self._sheet.frame(addresses(used), self._sheet.numbers(numbers))
        self._device.launch(self._behind, (-(-sizes[0] * sizes[1] // THREADS), 1, 1), THREADS, frame)


def _matrices(out: Array, inputs: Sequence[Array], sizes: tuple[int, int, int]) -> tuple[Array, Array, Array]:
    """The operands of ``out = input @ weight^T`` as batches of one."""
    rows, columns, deep = sizes

    def batch(array: Array, shape: tuple[int, int], strides: tuple[int, int]) -> Array:
        return Array(array.storage, layout_of(array.dtype, (1, *shape), (0, *strides)), array.offset)

    return (
        batch(out, (rows, columns), (columns, 1)),
        batch(inputs[0], (rows, deep), (deep, 1)),
        batch(inputs[1], (deep, columns), (1, deep)),
    )


def _made(device: Device, key: OpKey) -> Kernel | None:
    kind, attributes = key.dtypes[0], dict(key.attributes)
    if (
        kind.kind != "f"
        or any(each is not kind for each in key.dtypes)
        or any(each != "contiguous" for each in key.layouts)
    ):
        return None
    activation = str(attributes.get("activation", ""))
    keeps = bool(attributes.get("keep", False)) and activation in _KEPT
    return Linear(device, key, activation, ("bias", None) not in key.attributes, keeps)


OVERRIDES: Final[dict[str, Callable[[Device, OpKey], Kernel | None]]] = {"linear": _made, "linear_act": _made}
