"""The printed form of tensors, laid out as PyTorch's."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Final, final

import numpy as np

from hotplug import host
from hotplug.dtypes import bool_, get_default_dtype, int64
from hotplug.errors import ArgumentError

if TYPE_CHECKING:
    from hotplug.tensor import Tensor

__all__ = ["get_printoptions", "printoptions", "represent", "set_printoptions"]

Values = np.ndarray[Any, Any]


@dataclass(frozen=True)
class _Options:
    """See :func:`set_printoptions`."""

    precision: int = 4
    threshold: float = 1000
    edgeitems: int = 3
    linewidth: int = 80
    sci_mode: bool | None = None


_PROFILES: Final = {
    "default": _Options(),
    "short": _Options(precision=2, edgeitems=2),
    "full": _Options(threshold=math.inf),
}
_options = _Options()


def set_printoptions(
    precision: int | None = None, threshold: float | None = None, edgeitems: int | None = None,
    linewidth: int | None = None, profile: str | None = None, sci_mode: bool | None = None,
) -> None:  # fmt: skip
    """Choose how tensors are printed.

    Args:
        precision: digits after the point (4).
        threshold: more elements than this are summarised (1000).
        edgeitems: elements shown at either end of a summarised axis (3).
        linewidth: characters a line (80).
        profile: ``"default"``, ``"short"`` or ``"full"``: sets all of the above, before them.
        sci_mode: scientific notation always or never; ``None``: where numbers are large, small or far apart.

    Raises:
        ArgumentError: there is no such profile.
    """
    global _options  # noqa: PLW0603 - one process-wide setting, as in PyTorch
    base = _options
    if profile is not None:
        if profile not in _PROFILES:
            raise ArgumentError(f"set_printoptions: profile must be one of {', '.join(_PROFILES)}, got {profile!r}")
        base = replace(_PROFILES[profile], sci_mode=base.sci_mode)
    given = {"precision": precision, "threshold": threshold, "edgeitems": edgeitems, "linewidth": linewidth}
    changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    _options = replace(base, **changes, sci_mode=sci_mode)


def get_printoptions() -> dict[str, Any]:
    """The present options by name."""
    return asdict(_options)


@contextmanager
def printoptions(**options: Any) -> Iterator[None]:
    """:func:`set_printoptions` for a ``with`` block."""
    global _options  # noqa: PLW0603 - restores what set_printoptions sets
    before = _options
    set_printoptions(**options)
    try:
        yield
    finally:
        _options = before


@final
class _Formatter:
    """One width and one notation for all shown elements, real and not complex."""

    def __init__(self, shown: Values) -> None:
        self.floating = shown.dtype.kind == "f"
        self.scientific = False
        self.whole = True
        self.width = 1
        if not self.floating:
            self.width = max((len(str(value)) for value in shown.tolist()), default=1)
            return
        finite = shown[np.isfinite(shown) & (shown != 0)].astype(np.float64)
        if finite.size:
            self._measure(finite)

    def _measure(self, finite: Values) -> None:
        """Choose the notation by the non-zero finite elements."""
        sizes = np.abs(finite)
        largest, smallest = float(sizes.max()), float(sizes.min())
        self.whole = bool(np.all(finite == np.ceil(finite)))
        far_apart = largest / smallest > 1000.0 or largest > 1e8 or smallest < 1e-4
        self.scientific = far_apart if _options.sci_mode is None else _options.sci_mode
        values = finite.tolist()
        if self.scientific:
            self.width = max(len(f"{value:.{_options.precision}e}") for value in values)
        elif self.whole:
            self.width = max(len(f"{value:.0f}") for value in values) + 1
        else:
            self.width = max(len(f"{value:.{_options.precision}f}") for value in values)

    def __call__(self, value: Any) -> str:
        if not self.floating:
            text = str(value)
        elif self.scientific:
            text = f"{value:.{_options.precision}e}"
        elif self.whole:
            text = f"{value:.0f}" + ("." if math.isfinite(value) else "")
        else:
            text = f"{value:.{_options.precision}f}"
        return text.rjust(self.width)


def _element_format(shown: Values) -> tuple[Callable[[Any], str], int]:
    """How to write one element, and the most characters it takes."""
    flat = shown.reshape(-1)
    if shown.dtype.kind != "c":
        formatter = _Formatter(flat)
        return formatter, formatter.width
    real, imag = _Formatter(flat.real), _Formatter(flat.imag)

    def write(value: complex) -> str:
        below = imag(value.imag).strip()
        return f"{real(value.real)}{'' if below.startswith('-') else '+'}{below}j"

    return write, real.width + imag.width + 1


@final
class _Layout:
    """Nests the written elements in brackets."""

    def __init__(self, shape: tuple[int, ...], shown: Values, summarize: bool) -> None:
        self.shape = shape
        self.summarize = summarize
        self.write, width = _element_format(shown)
        self.width = width + 2

    def text(self, values: Values, axis: int, indent: int) -> str:
        """``values``, the part that is shown of everything below ``axis``."""
        if axis == len(self.shape):
            return self.write(values.item())
        if axis == len(self.shape) - 1:
            return self._row(values, axis, indent)
        parts = [self.text(each, axis + 1, indent + 1) for each in values]
        lines = "," + "\n" * (len(self.shape) - axis - 1) + " " * (indent + 1)
        return "[" + lines.join(self._elided(parts, axis, "...")) + "]"

    def _row(self, values: Values, axis: int, indent: int) -> str:
        parts = self._elided(
            [self.write(value) for value in values.tolist()], axis, " ..." if _options.edgeitems else "..."
        )
        count = max(1, math.floor((_options.linewidth - indent) / self.width))
        lines = [", ".join(parts[at : at + count]) for at in range(0, len(parts), count)]
        return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"

    def _elided(self, parts: list[str], axis: int, dots: str) -> list[str]:
        edge = _options.edgeitems
        return [*parts[:edge], dots, *parts[edge:]] if self.summarize and self.shape[axis] > 2 * edge else parts


def _edges(tensor: Tensor, axis: int = 0) -> Values:
    """The elements at the ends of every axis: what a summary shows, and all that is read from the device."""
    from hotplug import ops

    if axis == tensor.ndim:
        return host.to_numpy(tensor, "print")
    edge, size = _options.edgeitems, tensor.shape[axis]
    if size <= 2 * edge:
        return _edges(tensor, axis + 1)
    ends = [ops.narrow(tensor, axis, start, edge) for start in (0, size - edge)]
    return np.concatenate([_edges(each, axis + 1) for each in ends], axis)


def _suffixes(tensor: Tensor) -> list[str]:
    default = get_default_dtype()
    plain = (default, default.to_complex(), int64, bool_) if tensor.numel() else (default,)
    found = []
    if str(tensor.device) != "cpu":
        found.append(f"device='{tensor.device}'")
    if tensor.ndim != 1 if not tensor.numel() else not _options.edgeitems:
        found.append(f"size={tuple(tensor.shape)}")
    if tensor.dtype not in plain:
        found.append(f"dtype={tensor.dtype!r}")
    if tensor.grad_fn is not None:
        found.append(f"grad_fn=<{tensor.grad_fn.name()}>")
    elif tensor.requires_grad:
        found.append("requires_grad=True")
    return found


def represent(tensor: Tensor) -> str:
    """``repr`` of a tensor: its elements (many are summarised), and what is not the default about it.

    A host read; it works for every dtype and on every device, since all formatting happens on the host.
    """
    prefix = "tensor("
    plain = tensor.detach()
    if not tensor.numel():
        text = "[]"
    else:
        summarize = tensor.numel() > _options.threshold
        shown = _edges(plain) if summarize else host.to_numpy(plain, "print")
        if tensor.dtype.kind == "f" and tensor.dtype.itemsize == 2:
            shown = shown.astype(np.float32)
        text = _Layout(tuple(tensor.shape), shown, summarize).text(shown, 0, len(prefix))
    return _with_suffixes(prefix + text, _suffixes(tensor), len(prefix))


def _with_suffixes(text: str, suffixes: list[str], indent: int) -> str:
    length = len(text) - text.rfind("\n") + 1
    for suffix in suffixes:
        if length + len(suffix) + 2 > _options.linewidth:
            text += ",\n" + " " * indent + suffix
            length = indent + len(suffix)
        else:
            text += ", " + suffix
            length += len(suffix) + 2
    return text + ")"
