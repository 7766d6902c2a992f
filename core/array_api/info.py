"""``__array_namespace_info__``: what the namespace can do, and on which devices."""

from __future__ import annotations

from typing import Any, Final, final

from hotplug import dtypes
from hotplug.array_api.kinds import KINDS
from hotplug.device import device as Device, devices, get_default_device
from hotplug.dtypes import dtype
from hotplug.errors import ArgumentError
from hotplug.runtime import resolve_runtime

_LARGEST_RANK: Final = 64


@final
class Info:
    """The standard's inspection functions."""

    def capabilities(self) -> dict[str, Any]:
        """Boolean indexing and results whose shape depends on values are there (each is a host read)."""
        return {"boolean indexing": True, "data-dependent shapes": True, "max dimensions": _LARGEST_RANK}

    def default_device(self) -> Device:
        """Where arrays are made that name no device."""
        return get_default_device()

    def devices(self) -> list[Device]:
        """All devices that can be used."""
        return [Device(str(each)) for each in devices()]

    def default_dtypes(self, *, device: Device | str | None = None) -> dict[str, dtype]:
        """The dtypes of arrays that are made of Python numbers."""
        real = dtypes.get_default_dtype()
        wide = real is dtypes.float64
        return {
            "real floating": real, "complex floating": dtypes.complex128 if wide else dtypes.complex64,
            "integral": dtypes.int64, "indexing": dtypes.int64,
        }  # fmt: skip

    def dtypes(
        self, *, device: Device | str | None = None, kind: str | tuple[str, ...] | None = None
    ) -> dict[str, dtype]:
        """The dtypes that a device computes in, by name.

        Raises:
            ValueError: there is no such kind.
        """
        kinds = (kind,) if isinstance(kind, str) else kind or ("bool", "numeric")
        wrong = [each for each in kinds if each not in KINDS or each in ("all", "floating", "real numeric")]
        if wrong:
            raise ArgumentError(f"dtypes: there is no kind {wrong[0]!r}")
        there = resolve_runtime(device).capabilities.arithmetic
        names = {each: each.name.rstrip("_") for one in kinds for each in KINDS[one]}
        return {name: each for each, name in names.items() if _computes(each, there)}


def _computes(kind: dtype, there: frozenset[dtype]) -> bool:
    """Complex numbers are pairs of reals to a device."""
    part = {dtypes.complex64: dtypes.float32, dtypes.complex128: dtypes.float64}.get(kind, kind)
    return part in there
