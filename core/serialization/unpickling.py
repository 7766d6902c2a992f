"""A pickle read by a machine of our own, which cannot execute code.

Python's unpickler is a small computer whose programs call functions by name.  Restricting it (``find_class``) leaves
gaps: it still calls ``__setstate__`` and sets attributes of whatever a permitted name gives, and makes its memo as long as
the file says.  So this one interprets the opcodes itself.  A name means what a closed table says, an entry of which is
either a value or a :class:`Builder`; nothing is imported, no attribute is looked up, opcodes that make instances of
classes do not exist, and no length is believed before it is compared with what is left of the file.
"""

from __future__ import annotations

import struct
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NoReturn, final

from hotplug.device import device
from hotplug.dtypes import dtype
from hotplug.errors import FileFormatError

LARGEST_DEPTH: Final = 100
"""How deep values may be nested."""

LARGEST_KEY: Final = 64
"""How many values the tuples in a key of a dict may hold."""

_LARGEST_INT: Final = 1024
_COPIES: Final = 16
"""How often what a pickle holds may be copied by its calls, on average.  A pickle can name one large value many times."""
_SIZED: Final = (str, bytes, bytearray, list, tuple, dict, set)
_NEWEST_PROTOCOL: Final = 5
_PLAIN_KEYS: Final = (str, bytes, int, float, complex, type(None), dtype, device)


@final
class Builder:
    """A function that a pickle may call: it checks its arguments itself."""

    __slots__ = ("call", "name")

    def __init__(self, name: str, call: Callable[..., Any]) -> None:
        self.name: Final = name
        self.call: Final = call


@final
class _Mark:
    """Where the arguments of an opcode begin on the stack."""


_MARK: Final = _Mark()


@final
class Machine:
    """Interprets one pickle.

    Args:
        data: bytes with the pickle among them; a memory map will do.
        names: what each ``(module, name)`` means.
        persistent: the value of a persistent id.
        attach: what an object's pickled state does to it.
        internal: types of objects that may be built on the way, and must not be among the values.
        where: the file, for messages.
        start: where the pickle begins; it tells itself where it ends.
    """

    def __init__(
        self, data: Any, names: Mapping[tuple[str, str], Any], persistent: Callable[[Any], Any],
        attach: Callable[[Any, Any], None], internal: tuple[type, ...], where: str, start: int = 0,
    ) -> None:  # fmt: skip
        self._data: Final = data
        self._names: Final = names
        self._persistent: Final = persistent
        self._attach: Final = attach
        self._internal: Final = (Builder, *internal)
        self._where: Final = where
        self.position = start
        """The byte that is read next; in the end, the one behind the pickle."""
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}
        self._left = _COPIES * len(data)

    def run(self) -> Any:
        """The pickled value.

        Raises:
            FileFormatError: the pickle is corrupt, or asks for something that isn't allowed.
        """
        while True:
            opcode = self._take(1)
            if opcode == b".":
                break
            step = _STEPS.get(opcode)
            if step is None:
                self._refuse(f"has the opcode {opcode!r}, which is not allowed in a file of weights")
            step(self)
        if len(self._stack) != 1 or self._stack[0] is _MARK:
            self._refuse("leaves no single value")
        self._check_nesting([self._stack[0]])
        return self._stack[0]

    def _refuse(self, why: str) -> NoReturn:
        raise FileFormatError(f"{self._where}: the pickle {why} (byte {self.position})")

    def _take(self, count: int) -> bytes:
        end = self.position + count
        if end > len(self._data):
            self._refuse(f"is truncated: {count} bytes were expected, {len(self._data) - self.position} are left")
        found: bytes = self._data[self.position : end]
        self.position = end
        return found

    def _number(self, form: str) -> Any:
        return struct.unpack(form, self._take(struct.calcsize(form)))[0]

    def _line(self) -> str:
        end = self._data.find(b"\n", self.position, self.position + 300)
        if end < 0:
            self._refuse("has a name without an end")
        return self._text(self._take(end + 1 - self.position)[:-1])

    def _text(self, raw: bytes) -> str:
        try:
            return raw.decode("utf-8", "surrogatepass")
        except UnicodeDecodeError:
            self._refuse("has a string that is not UTF-8")

    def push(self, value: Any) -> None:
        """Put a value on the stack."""
        self._stack.append(value)

    def _pop(self) -> Any:
        if not self._stack or self._stack[-1] is _MARK:
            self._refuse("takes a value from an empty stack")
        return self._stack.pop()

    def _pop_to_mark(self) -> list[Any]:
        place = len(self._stack) - 1
        while place >= 0 and self._stack[place] is not _MARK:
            place -= 1
        if place < 0:
            self._refuse("takes values from a stack without a mark")
        found = self._stack[place + 1 :]
        del self._stack[place:]
        return found

    def _top(self, kind: type) -> Any:
        if not self._stack or self._stack[-1] is _MARK or not isinstance(self._stack[-1], kind):
            self._refuse(f"expected a {kind.__name__} on the stack")
        return self._stack[-1]

    # --- opcodes ------------------------------------------------------------------------------------------------------

    def _protocol(self) -> None:
        if self._number("<B") > _NEWEST_PROTOCOL:
            self._refuse(f"has a protocol newer than {_NEWEST_PROTOCOL}")

    def _frame(self) -> None:
        if self._number("<Q") > len(self._data) - self.position:
            self._refuse("has a frame that reaches beyond its end")

    def _long(self, form: str) -> None:
        length = self._number(form)
        if not 0 <= length <= _LARGEST_INT:
            self._refuse(f"has an integer of {length} bytes")
        self.push(int.from_bytes(self._take(length), "little", signed=True))

    def _string(self, form: str) -> None:
        self.push(self._text(self._take(self._number(form))))

    def _bytes(self, form: str) -> None:
        self.push(self._take(self._number(form)))

    def _tuple(self, count: int) -> None:
        items = [self._pop() for _ in range(count)]
        self.push(tuple(reversed(items)))

    def _append(self, values: list[Any]) -> None:
        self._top(list).extend(values)

    def _set_items(self, values: list[Any]) -> None:
        if len(values) % 2:
            self._refuse("gives a dict a key without a value")
        target = self._top(dict)
        for place in range(0, len(values), 2):
            target[self._key(values[place])] = values[place + 1]

    def _add_items(self) -> None:
        values = self._pop_to_mark()
        self._top(set).update(map(self._key, values))

    def _key(self, value: Any) -> Any:
        try:
            check_key(value)
        except TypeError as error:
            self._refuse(f"has a wrong key: {error}")
        return value

    def _global(self, module: Any, name: Any) -> None:
        try:
            self.push(self._names[module, name])
        except (KeyError, TypeError):
            self._refuse(
                f"needs {str(module)[:80]}.{str(name)[:80]}, which is not on the list of what a file of weights may "
                f"hold; nothing of it was executed"
            )

    def _stack_global(self) -> None:
        name = self._pop()
        self._global(self._pop(), name)

    def _reduce(self) -> None:
        arguments, function = self._pop(), self._pop()
        if not isinstance(function, Builder) or not isinstance(arguments, tuple):
            self._refuse(f"calls a {type(function).__name__}, which is no function")
        self._charge(arguments)
        try:
            self.push(function.call(*arguments))
        except TypeError as error:
            self._refuse(f"calls {function.name} with wrong arguments: {str(error)[:200]}")

    def _charge(self, values: Sequence[Any]) -> None:
        """Count what a call may copy or go through."""
        self._left -= sum(len(each) for each in values if isinstance(each, _SIZED))
        if self._left < 0:
            self._refuse(f"copies its values more than {_COPIES} times")

    def _build(self) -> None:
        state = self._pop()
        self._charge([state, *state] if isinstance(state, dict) else [state])
        self._attach(self._top(object), state)

    def _put(self, place: int) -> None:
        self._memo[place] = self._top(object)

    def _get(self, place: int) -> None:
        if place not in self._memo:
            self._refuse(f"refers to value {place}, which it never stored")
        self.push(self._memo[place])

    def _check_nesting(self, root: list[Any]) -> None:
        """Refuse values that contain themselves, are nested too deeply, or are no values."""
        done: set[int] = set()
        path: dict[int, Any] = {id(root): iter(root)}
        while path:
            part = next(path[last := next(reversed(path))], _MARK)
            if part is _MARK:
                del path[last]
                done.add(last)
            elif isinstance(part, self._internal):
                self._refuse(f"holds a {type(part).__name__} as a value")
            elif id(part) in path:
                self._refuse("holds a value that contains itself")
            elif id(part) not in done and (isinstance(part, (list, tuple, dict)) or hasattr(part, "__dict__")):
                if len(path) > LARGEST_DEPTH:
                    self._refuse(f"holds values nested deeper than {LARGEST_DEPTH} levels")
                path[id(part)] = iter(_parts(part))


def _parts(value: Any) -> list[Any]:
    """What a container holds, and an object's attributes."""
    attributes = list(vars(value).values()) if hasattr(value, "__dict__") else []
    if isinstance(value, dict):
        return [*value.values(), *attributes]
    return [*value, *attributes] if isinstance(value, (list, tuple)) else attributes


def check_key(value: Any, left: int = LARGEST_KEY) -> int:
    """Refuse keys of dicts and sets whose hash could take forever: deeply shared tuples, colliding large integers.

    Raises:
        TypeError: the value can't be a key in a file.
    """
    if left < 0:
        raise TypeError(f"a tuple of more than {LARGEST_KEY} parts")
    if isinstance(value, tuple):
        for each in value:
            left = check_key(each, left - 1)
    elif isinstance(value, int) and not -(2**63) <= value < 2**64:
        raise TypeError("an integer beyond 64 bits")
    elif not isinstance(value, _PLAIN_KEYS):
        raise TypeError(
            f"a {type(value).__name__}; expected strings, numbers, dtypes, devices, and short tuples of them"
        )
    return left


def _ordered() -> OrderedDict[Any, Any]:
    """Without items: a pickle adds them one by one."""
    return OrderedDict()


def _encode(text: Any, encoding: Any) -> bytes:
    """Protocol 2 has no bytes; they stand there as text of which each character is a byte."""
    if not isinstance(text, str) or encoding != "latin1":
        raise TypeError("expected text in latin1")
    try:
        return text.encode("latin1")
    except UnicodeEncodeError:
        raise TypeError("expected text in latin1") from None


def _complex(real: Any, imag: Any) -> complex:
    if not isinstance(real, float) or not isinstance(imag, float):
        raise TypeError("expected two floats")
    return complex(real, imag)


def _set(items: Any = ()) -> set[Any]:
    if not isinstance(items, list):
        raise TypeError("expected a list")
    for each in items:
        check_key(each)
    return set(items)


def _counter(counts: Any = None) -> Counter[Any]:
    if counts is not None and not isinstance(counts, dict):
        raise TypeError("expected a dict")
    return Counter(counts)


def _bytearray(content: Any = b"") -> bytearray:
    if not isinstance(content, bytes):
        raise TypeError("expected bytes")
    return bytearray(content)


BUILT_IN: Final[Mapping[tuple[str, str], Any]] = {
    (module, name): Builder(name, call)
    for names, call in (
        ("collections.OrderedDict", _ordered), ("collections.Counter", _counter), ("_codecs.encode", _encode),
        ("builtins.complex", _complex), ("__builtin__.complex", _complex), ("builtins.set", _set),
        ("__builtin__.set", _set), ("builtins.bytearray", _bytearray), ("__builtin__.bytearray", _bytearray),
    )
    for module, _, name in [names.rpartition(".")]
}  # fmt: skip
"""Names that mean the same in every pickle."""

_STEPS: Final[Mapping[bytes, Callable[[Machine], Any]]] = {
    b"\x80": Machine._protocol,
    b"\x95": Machine._frame,
    b"(": lambda machine: machine.push(_MARK),
    b"0": Machine._pop,
    b"1": Machine._pop_to_mark,
    b"N": lambda machine: machine.push(None),
    b"\x88": lambda machine: machine.push(True),
    b"\x89": lambda machine: machine.push(False),
    b"J": lambda machine: machine.push(machine._number("<i")),
    b"K": lambda machine: machine.push(machine._number("<B")),
    b"M": lambda machine: machine.push(machine._number("<H")),
    b"\x8a": lambda machine: machine._long("<B"),
    b"\x8b": lambda machine: machine._long("<i"),
    b"G": lambda machine: machine.push(machine._number(">d")),
    b"X": lambda machine: machine._string("<I"),
    b"T": lambda machine: machine._string("<I"),  # strings of Python 2, which wrote some legacy files
    b"U": lambda machine: machine._string("<B"),
    b"\x8c": lambda machine: machine._string("<B"),
    b"\x8d": lambda machine: machine._string("<Q"),
    b"C": lambda machine: machine._bytes("<B"),
    b"B": lambda machine: machine._bytes("<I"),
    b"\x8e": lambda machine: machine._bytes("<Q"),
    b"]": lambda machine: machine.push([]),
    b")": lambda machine: machine.push(()),
    b"}": lambda machine: machine.push({}),
    b"\x8f": lambda machine: machine.push(set()),
    b"t": lambda machine: machine.push(tuple(machine._pop_to_mark())),
    b"\x85": lambda machine: machine._tuple(1),
    b"\x86": lambda machine: machine._tuple(2),
    b"\x87": lambda machine: machine._tuple(3),
    b"a": lambda machine: machine._append([machine._pop()]),
    b"e": lambda machine: machine._append(machine._pop_to_mark()),
    b"s": lambda machine: machine._set_items([machine._pop(), machine._pop()][::-1]),
    b"u": lambda machine: machine._set_items(machine._pop_to_mark()),
    b"\x90": Machine._add_items,
    b"c": lambda machine: machine._global(machine._line(), machine._line()),
    b"\x93": Machine._stack_global,
    b"R": Machine._reduce,
    b"b": Machine._build,
    b"Q": lambda machine: machine.push(machine._persistent(machine._pop())),
    b"q": lambda machine: machine._put(machine._number("<B")),
    b"r": lambda machine: machine._put(machine._number("<I")),
    b"\x94": lambda machine: machine._put(len(machine._memo)),
    b"h": lambda machine: machine._get(machine._number("<B")),
    b"j": lambda machine: machine._get(machine._number("<I")),
}
