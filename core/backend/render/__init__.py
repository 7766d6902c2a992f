"""Renderers: from Expr programs to the source of a C-like language.

A backend whose kernels are compiled from C text makes a :class:`Source` with the :class:`Dialect` of its language, and
asks it for loads, for a program's statements and for stores; the functions that these need come along.

>>> from hotplug.backend.render import OPENCL, Source
>>> from hotplug.backend import dtypes
>>> from hotplug.expr.node import input_
>>> source = Source(OPENCL)
>>> body = source.render([input_(0, dtypes.float32) * 2.0 + 1.0], inputs=["x"])
>>> print(body.text)
const float t0 = x * 0x1.0000000000000p+1f;
const float t1 = t0 + 0x1.0000000000000p+0f;
>>> body.values
('t1',)
"""

from hotplug.backend.render.c import Body, Dialect, Source
from hotplug.backend.render.opencl import OPENCL, OpenCL

__all__ = ["OPENCL", "Body", "Dialect", "OpenCL", "Source"]
