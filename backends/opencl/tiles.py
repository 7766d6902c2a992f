"""Text that matrix products and convolutions share: vectors at any address, tiles in local memory."""

from __future__ import annotations

from hotplug.backend.render import Source
from hotplug.dtypes import dtype


def vectors(source: Source, kind: dtype, *widths: int) -> str:
    """``HP_VECTOR<width>(pointer)`` reads and ``HP_SET_VECTOR<width>(pointer, value)`` writes a vector of elements that are
    computed with as they are stored.  ``vload`` and ``vstore`` do the same, but are calls of functions on PoCL.
    """
    real, text = source.type(kind.compute), ""
    for width in widths:
        text += (
            f"typedef struct __attribute__((packed)) {{ {real}{width} v; }} hp_vector{width};\n"
            f"#define HP_VECTOR{width}(pointer) (((__global const hp_vector{width} *)(pointer))->v)\n"
            f"#define HP_SET_VECTOR{width}(pointer, value) (((__global hp_vector{width} *)(pointer))->v = (value))\n"
        )
    return text
