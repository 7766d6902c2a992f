"""Write ``core/_methods.py``, the Tensor methods, from the op table.  ``--check`` only says whether it is fresh."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

TARGET = Path(__file__).resolve().parent.parent / "core" / "_methods.py"

HEAD = '''"""The Tensor methods, generated from the op table by scripts/generate_methods.py.  Do not edit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from types import ModuleType

    from hotplug import ops as _f
    from hotplug.device import device as Device
    from hotplug.dtypes import dtype as DType
    from hotplug.ops.linalg_householder import Geqrf
    from hotplug.ops.linalg_lu import LUFactor, LUFactorEx
    from hotplug.ops.linalg_qr import QR
    from hotplug.ops.linalg_solve import Slogdet
    from hotplug.ops.linalg_spectral import LegacySVD
    from hotplug.ops.linalg_triangular import TriangularSolve
    from hotplug.ops.mantissas import frexp_result
    from hotplug.ops.reduction import Dim, ValuesIndices
    from hotplug.random import Generator
    from hotplug.tensor import Tensor

# The methods named bool, int and float hide these types within the class.
_bool: TypeAlias = bool
_int: TypeAlias = int
_float: TypeAlias = float


def bind(ops: ModuleType) -> None:
    """Give the methods the functions that they call; :mod:`hotplug.ops` does so when it is complete."""
    globals()["_f"] = ops


class TensorMethods:
    """What :class:`hotplug.Tensor` inherits."""

    __slots__ = ()
'''

BOOT = HEAD


def operator(name: str, dunder: str, inplace: bool) -> str:
    """An operator method: foreign operands give NotImplemented, so that Python asks the other side."""
    if dunder in ("__neg__", "__pos__", "__abs__", "__invert__"):
        return f"    def {dunder}(self: Any) -> Tensor:\n        return _f.{name}(self)\n"
    call = f"_f.{name}.inplace(self, other)" if inplace else f"_f.{name}(self, other)"
    if name in ("matmul", "rmatmul"):
        call = f"_f.{name}(self, other)"
    if not inplace and name not in ("matmul", "rmatmul"):
        call = f"_f.{name}.binary(self, other)"
    kind = "Tensor" if name in ("matmul", "rmatmul") else "Operand"
    head = f"    def {dunder}(self: Any, other: Any) -> Tensor:\n"
    if dunder in ("__eq__", "__ne__"):
        head = head.rstrip("\n") + "  # type: ignore[override]\n"
    return head + f"        return {call} if isinstance(other, _f.{kind}) else NotImplemented\n"


def render_parameters(signature: inspect.Signature) -> tuple[str, str]:
    """The declared parameters without the first, and the arguments of the call that passes them on."""
    declared, passed = [], []
    keyword_only = False
    for parameter in list(signature.parameters.values())[1:]:
        text = parameter.name
        if parameter.kind is parameter.KEYWORD_ONLY and not keyword_only:
            declared.append("*")
            keyword_only = True
        if parameter.kind is parameter.VAR_POSITIONAL:
            declared.append(f"*{text}: Any")
            passed.append(f"*{text}")
            keyword_only = True
            continue
        if parameter.kind is parameter.VAR_KEYWORD:
            declared.append(f"**{text}: Any")
            passed.append(f"**{text}")
            continue
        annotation = annotated(parameter.annotation)
        default = "" if parameter.default is parameter.empty else f" = {parameter.default!r}"
        declared.append(f"{text}: {annotation}{default}")
        passed.append(f"{text}={text}" if parameter.kind is parameter.KEYWORD_ONLY else text)
    return ", ".join(declared), ", ".join(passed)


def annotated(annotation: Any) -> str:
    """An annotation as text, with the types that methods of the same name hide spelt otherwise."""
    text = annotation if isinstance(annotation, str) else "Any"
    return re.sub(r"\b(bool|int|float)\b", r"_\1", text)


def method(entry: Any, name: str) -> str:
    """One method in its plain form."""
    signature = entry.signature
    declared, passed = render_parameters(signature)
    result = annotated(signature.return_annotation) if entry.kind != "elementwise" else "Tensor"
    doc = entry.doc.splitlines()[0] if entry.doc else ""
    head = f"    def {name}(self: Any{', ' + declared if declared else ''}) -> {result}:\n"
    arguments = f"self{', ' + passed if passed else ''}"
    return head + f'        """{doc}"""\n        return _f.{entry.body.__name__}({arguments})\n'


def inplace_method(entry: Any, name: str) -> str:
    """The form with an underscore: written straight into the tensor, or computed and copied over it."""
    declared, passed = render_parameters(entry.signature)
    head = f"    def {name}_(self: Any{', ' + declared if declared else ''}) -> Tensor:\n"
    doc = f'        """In-place form of :meth:`{entry.name}`."""\n'
    tail = f", {passed}" if passed else ""
    if entry.kind == "elementwise":
        return head + doc + f"        return _f.{entry.name}.inplace(self{tail})\n"
    if entry.name in ("squeeze", "unsqueeze", "transpose", "t"):
        return head + doc + f"        return _f.become('{name}', self, _f.{entry.body.__name__}(self{tail}))\n"
    return (
        head
        + doc
        + f"        return _f.assign('{entry.name}_', self, _f.{entry.body.__name__}(_f.apart(self){tail}))\n"
    )


def generate() -> str:
    """The text of the file."""
    from hotplug.declare import OPS

    parts = [HEAD]
    for entry in OPS.values():
        if entry.method:
            parts.extend(method(entry, name) for name in (entry.name, *entry.aliases))
        if entry.inplace:
            parts.extend(inplace_method(entry, name) for name in (entry.name, *entry.aliases))
        for dunder in entry.dunders:
            inplace = dunder.startswith("__i") and dunder != "__invert__"
            parts.append(operator(entry.name, dunder, inplace))
    return "\n".join(parts)


def main() -> int:
    """Write the file, or compare it with what is there."""
    if not TARGET.exists():
        TARGET.write_text(BOOT)
    text = generate()
    formatter = [sys.executable, "-m", "ruff", "format", "--line-length", "120", "--stdin-filename", "_methods.py", "-"]
    text = subprocess.run(formatter, input=text, capture_output=True, text=True, check=True).stdout
    if "--check" in sys.argv:
        if TARGET.read_text() != text:
            sys.stderr.write("core/_methods.py is stale: run scripts/generate_methods.py\n")
            return 1
        return 0
    TARGET.write_text(text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
