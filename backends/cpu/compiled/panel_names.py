"""What the kernels made of panels are written with, beside the prelude; ``names_for`` tells what it means for a dtype."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from hotplug.backends.cpu.compiled import memory, panels, prelude

LANES: int = panels.lanes("float32")
"""Numbers in a vector."""
VECTORS: int = 4
"""Vectors of channels in a panel."""
PLACES: int = panels.block(4)
"""Places in a panel."""
CHANNELS: int = 4
"""Channels in a band."""
WIDTH: int = 4
"""Vectors of places in a band."""
REAL: int = 4
"""Bytes of a number of scratch memory."""
ITEM: int = 4
"""Bytes of a stored element."""
NATIVE: bool = True
"""Whether elements are stored as they are computed with."""
DOTS: int = 8
"""Offsets that ``dots`` works on at a time."""
panel: Any = panels.panel("float32", PLACES, VECTORS)
band: Any = panels.band("float32", CHANNELS, WIDTH)
dots: Any = panels.dots("float32", DOTS)
turn: Any = panels.turn("float32")
move: Any = panels.move("float32")
call: Final[Any] = panels.call
bits_of: Any = memory.int32_bits
EXPONENT: Any = np.int32(0x7F800000)
"""Bits that are all set in numbers that aren't finite."""
store_index: Any = memory.store("int64", 17)


def names_for(kind: str, vectors: int, channels: int, width: int, many: int, places: int) -> dict[str, Any]:
    """The names for a dtype, for panels of ``vectors`` and for bands of ``channels`` by ``width`` vectors and
    for ``many`` dots; with so
    many ``places`` in a panel, or where that is 0 as many as the registers hold.
    """
    real = "float64" if kind == "float64" else "float32"
    places = places or panels.block(vectors)
    wide = real == "float64"
    return prelude.names_for(kind) | {
        "bits_of": memory.int64_bits if wide else memory.int32_bits,
        "EXPONENT": np.int64(0x7FF << 52) if wide else np.int32(0x7F800000),
        "LANES": panels.lanes(real), "VECTORS": vectors, "PLACES": places, "CHANNELS": channels, "WIDTH": width, "DOTS": many,
        "REAL": 8 if real == "float64" else 4, "NATIVE": kind == real,
        "load_real": memory.load(real, 18), "store_real": memory.store(real, 18),
        "panel": panels.panel(real, places, vectors), "band": panels.band(real, channels, width),
        "dots": panels.dots(real, many), "turn": panels.turn(real), "move": panels.move(real),
    }  # fmt: skip
