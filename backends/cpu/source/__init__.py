"""Hand-written kernels of the compiled tier: text for ``compiled.build.task``, one family a module."""
