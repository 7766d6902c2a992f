"""From kernel text to the address of a compiled task.

Text is Python in Numba's dialect.  Generated kernels are text from the start; hand-written ones are the modules of
``hotplug.backends.cpu.source``, whose text is taken as it stands and specialised by giving some of its global names
other values (``Real`` becomes float64, say).
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final, final

from hotplug.backends.cpu.compiled.cache import cached_on_disk, source_file

_SOURCES: Final = Path(__file__).parent.parent / "source"
_compiled: Final[dict[tuple[str, str], Any]] = {}
_lock: Final = threading.RLock()


@final
class CompilationError(Exception):
    """A kernel's text does not compile here."""


def task_of_text(name: str, text: str, entry: str = "task", names: Mapping[str, Any] | None = None) -> int:
    """The address of the task ``entry`` of a text; ``names`` replaces globals of the text before it is compiled.

    Raises:
        CompilationError: the text does not compile; who asked goes on with NumPy's kernel.
    """
    with _lock:
        found = _compiled.get((entry, text))
        if found is None:
            found = _compiled[entry, text] = _compile(name, text, entry, names or {})
    return int(found.address)


def _compile(name: str, text: str, entry: str, names: Mapping[str, Any]) -> Any:
    import numba

    from hotplug.backends.cpu.compiled.pool import SIGNATURE

    path = str(source_file(name, text))
    space: dict[str, Any] = {
        "__name__": __name__
    }  # a module that can be imported: what Numba reads from disk asks for it
    exec(compile(text, path, "exec"), space)
    space.update(names)
    function = space[entry]
    options = {"nopython": True, "error_model": "numpy"}
    try:
        return cached_on_disk(lambda **more: numba.cfunc(SIGNATURE, **options, **more)(function))
    except Exception as error:  # Numba's and LLVM's are many
        raise CompilationError(f"{name}: {error}") from error


@cache
def _module_text(module: str) -> str:
    return (_SOURCES / f"{module}.py").read_text()


@cache
def task(module: str, entry: str, kind: str = "float32", **constants: Any) -> int:
    """The address of the task ``entry`` in ``source/<module>.py``, specialised to a dtype and to constants.

    Numbers among the constants are part of what a kernel is known by; functions must follow from the dtype.

    The module's names ``Real``, ``load``, ``store`` and so on stand for the dtype; see ``prelude.names_for``.
    """
    from hotplug.backends.cpu.compiled import prelude

    given = " ".join(f"{name}={value}" for name, value in sorted(constants.items()) if isinstance(value, (int, float)))
    text = f"# {entry} for {kind} {given}\n{_module_text(module)}"
    names = {**prelude.names_for(kind), **constants}
    return task_of_text(f"{module}-{entry}-{kind}", text, entry, names)
