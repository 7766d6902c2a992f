"""The compiled tier of the device ``cpu``: kernels in Numba's dialect of Python, on one thread pool, kept on disk.

Nothing here is imported before a call is large enough to need it.  The path of a large call:

1. ``tiers.tiered`` (outside this package) sees that the call is large, and asks once for the compiled kernel;
2. ``build.task(module, entry, dtype)`` compiles a function of ``hotplug.backends.cpu.source`` for a dtype, or
   ``build.task_of_text`` one that was generated, and returns the address of its machine code, from disk where it is;
3. the kernel packs addresses, sizes and numbers into a table of 64-bit words, and ``pool.run`` lets the pool's threads
   call the code for ranges of work items.

A task is serial: only one function of the whole tier is compiled with Numba's parallel loops, which take ten times as
long to compile.  ``prelude`` is what kernel text is written with, ``memory`` has the loads and stores, ``functions``
the vectorised functions of float32.
"""
