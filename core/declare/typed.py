"""Typed: an elementwise op at given dtypes, and how it is recorded and differentiated.

The gradient of a Typed is another Typed, so gradients exist to any order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple, final

from hotplug import dispatch, families
from hotplug.array import Array
from hotplug.autograd.graph import Edge, Meta, Node, Saved, history, next_sequence, note_origin, released
from hotplug.autograd.mode import MODE, WATCH
from hotplug.caches import Bounded
from hotplug.dtypes import dtype
from hotplug.expr.derivative import pullback
from hotplug.expr.node import Expr, cast, constant, input_, leaves, make, schedule, substitute
from hotplug.layout import Layout, Shape, broadcast_shapes, layout_of
from hotplug.tensor import Tensor, wrap

HandWritten = Callable[..., Expr]
_FREED: Final[dict[Any, Any]] = {}
"""What a node has saved once its values are gone; ``None`` means that it never saved any."""

Source = tuple[str, int]
"""Where an operand of a derived op comes from: ``("grad", k)``, ``("input", i)`` or ``("out", k)``."""


class Derived(NamedTuple):
    """The gradient of a Typed for some of its inputs, as one op with one output for each."""

    typed: Typed
    sources: tuple[Source, ...]


@final
class Typed:
    """An elementwise op whose dtypes are fixed.

    Args:
        name: for messages and the node's name.
        inputs: dtypes of the tensor operands.
        roots: values of the outputs, over ``input`` and ``scalar`` leaves, in compute dtype.
        outs: dtypes of the outputs, to which the roots are rounded.
        gradients: hand-written derivatives by input position.
    """

    def __init__(
        self, name: str, inputs: Sequence[dtype], roots: Sequence[Expr], outs: Sequence[dtype],
        gradients: dict[int, HandWritten] | None = None,
    ) -> None:  # fmt: skip
        self.name: Final = name
        self.inputs: Final = tuple(inputs)
        self.roots: Final = tuple(roots)
        self.outs: Final = tuple(outs)
        self.program: Final = tuple(cast(root, out) for root, out in zip(roots, outs, strict=True))
        self.differentiable: Final = any(out.kind in "fc" for out in outs)
        self._gradients = gradients or {}
        self._derived: dict[tuple[tuple[bool, ...], tuple[bool, ...]], Derived] = {}
        self._tapes: Bounded[tuple[Any, ...], Tape] = Bounded()
        self._into: dict[tuple[dtype, ...], dispatch.Program] = {}

    def program_into(self, targets: tuple[dtype, ...]) -> dispatch.Program:
        """The program with its outputs converted once more, to the dtypes of given targets."""
        if targets == self.outs:
            return self.program
        if targets not in self._into:
            self._into[targets] = tuple(cast(root, to) for root, to in zip(self.program, targets, strict=True))
        return self._into[targets]

    def derived(self, need: tuple[bool, ...], present: tuple[bool, ...]) -> Derived:
        """The op for the gradients of the inputs in ``need``, from those of the outputs in ``present``."""
        key = (need, present)
        if key not in self._derived:
            self._derived[key] = self._derive(need, present)
        return self._derived[key]

    def _derive(self, need: tuple[bool, ...], present: tuple[bool, ...]) -> Derived:
        first = len(self.inputs)  # leaves of grads and outs are numbered behind those of the inputs
        count = len(self.outs)
        grads = [input_(first + k, out) if present[k] else None for k, out in enumerate(self.outs)]
        outs = [input_(first + count + k, out) for k, out in enumerate(self.outs)]
        wide_grads = [None if g is None else cast(g, r.dtype) for g, r in zip(grads, self.roots, strict=True)]
        wide_outs = [cast(leaf, root.dtype) for leaf, root in zip(outs, self.roots, strict=True)]
        roots = []
        for position, wanted in enumerate(need):
            if wanted:
                roots.append(self._pull(position, wide_grads, wide_outs))
        used = list(leaves(roots, "input"))
        sources = tuple(self._source(leaf.value, first, count) for leaf in used)
        renumber = {leaf: make("input", (), leaf.dtype, i) for i, leaf in enumerate(used)}
        roots = list(substitute(roots, renumber))
        dtypes = [each for each, wanted in zip(self.inputs, need, strict=True) if wanted]
        typed = Typed(f"{self.name}_backward", [leaf.dtype for leaf in used], roots, dtypes)
        return Derived(typed, sources)

    def _pull(self, position: int, grads: Sequence[Expr | None], outs: Sequence[Expr]) -> Expr:
        leaf = input_(position, self.inputs[position])
        compute = next((n.dtype for n in schedule(self.roots) if n.op == "cast" and n.args[0] is leaf), leaf.dtype)
        hand = self._gradients.get(position)
        wide = any(node.dtype.kind == "c" for node in schedule(self.roots))
        if hand and not wide:  # hand-written rules are for real numbers
            return hand(grads[0], outs[0], leaf)
        if wide:
            from hotplug.lowering import pullback_complex

            total = pullback_complex(self.roots, grads, leaf, outs)
        else:
            total = pullback(self.roots, grads, leaf, outs)
        return constant(0, compute) if total is None else total

    def _source(self, value: int, first: int, count: int) -> Source:
        if value < first:
            return "input", value
        return ("grad", value - first) if value < first + count else ("out", value - first - count)

    def apply(self, tensors: Sequence[Tensor], scalars: Sequence[Any] = ()) -> list[Tensor]:
        """Run on tensors of exactly the typed dtypes, and record."""
        arrays = [tensor._array for tensor in tensors]
        shape = broadcast_shapes(self.name, *(array.shape for array in arrays))
        runtime = arrays[0].storage.runtime
        outs = [runtime.empty(layout_of(out, shape)) for out in self.outs]
        dispatch.map_(self.program, outs, arrays, scalars)
        results = [wrap(out) for out in outs]
        if MODE.grad and self.differentiable:
            self.record(tensors, scalars, results)
        return results

    def record(self, tensors: Sequence[Tensor], scalars: Sequence[Any], results: Sequence[Tensor]) -> None:
        """Put the op on the tape, if one of the tensors needs a gradient."""
        edges = [None if tensor._meta is None else history(tensor) for tensor in tensors]
        for edge in edges:
            if edge is not None:
                break
        else:
            return
        tape = self.tape(edges, [tensor._array.layout for tensor in tensors], results[0]._array.layout)
        node = TypedNode(tape, edges, tensors, scalars, results)
        for index, result in enumerate(results):
            if result._array.layout.dtype.kind in "fc":
                result._meta = Meta(True, node, index)

    def tape(self, edges: Sequence[Edge | None], inputs: Sequence[Layout], out: Layout) -> Tape:
        """What a node with these edges keeps and computes."""
        need = tuple(e is not None and kind.kind in "fc" for e, kind in zip(edges, self.inputs, strict=True))
        key = (need, *inputs, out)
        found = self._tapes.get(key)
        if found is None:
            sources = self.derived(need, (True,) * len(self.outs)).sources
            found = self._tapes[key] = Tape(self, need, [each for each in sources if each[0] != "grad"], inputs, out)
        return found


@final
class Tape:
    """What the records of one op on given layouts have in common."""

    __slots__ = ("even", "inputs", "need", "saves", "shape", "typed", "wanted")

    def __init__(
        self, typed: Typed, need: tuple[bool, ...], saves: list[Source], inputs: Sequence[Layout], out: Layout
    ) -> None:
        self.typed: Final = typed
        self.need: Final = need
        """Which inputs need a gradient."""
        self.wanted: Final = [position for position, each in enumerate(need) if each]
        self.saves: Final = saves
        self.shape: Final = out.shape
        self.inputs: Final = [layout.shape for layout in inputs]
        self.even: Final = all(self.inputs[position] == out.shape for position in self.wanted)
        """No input that needs a gradient was broadcast."""


@final
class TypedNode(Node):
    """The record of an elementwise op; saves only what its derivative reads."""

    _saved: dict[Source, Saved] | None = None

    def __init__(
        self, tape: Tape, edges: Sequence[Edge | None], tensors: Sequence[Tensor], scalars: Sequence[Any],
        results: Sequence[Tensor],
    ) -> None:  # fmt: skip
        self.edges = edges  # Node.__init__ written out: this runs for every recorded op
        self.sequence = next_sequence()
        if WATCH.anomaly:
            note_origin(self)
        self._tape = tape
        self._scalars = scalars
        if len(results) != 1:
            self.outputs = len(results)
        if tape.saves:
            self._save(tape, tensors, results)

    def _save(self, tape: Tape, tensors: Sequence[Tensor], results: Sequence[Tensor]) -> None:
        self._saved = {}
        name = tape.typed.name
        for source in tape.saves:
            kind, position = source
            if kind == "input":
                tensor = tensors[position]
                self._saved[source] = Saved(tensor, tensor._array, name)
            else:
                self._saved[source] = Saved(None, results[position]._array, name, position)

    def name(self) -> str:
        return "".join(part.capitalize() for part in self._tape.typed.name.split("_")) + "Backward"

    def saved_storages(self) -> set[int]:
        return {saved.storage() for saved in (self._saved or {}).values()}

    def release(self) -> None:
        if self._saved:
            self._saved = _FREED

    def apply(self, grads: list[Tensor | None]) -> Sequence[Tensor | None]:
        if self._saved is _FREED:
            raise released(self._tape.typed.name)
        result: list[Tensor | None] = [None] * len(self._tape.need)
        present = tuple(grad is not None for grad in grads)
        wanted = self._tape.wanted
        if self._tape.even:
            derived = self._tape.typed.derived(self._tape.need, present)
            for position, grad in zip(wanted, self._run(derived, grads), strict=True):
                result[position] = grad
            return result
        for position in wanted:
            only = tuple(each == position for each in range(len(self._tape.need)))
            result[position] = self._reduced(
                self._tape.typed.derived(only, present), grads, self._tape.inputs[position]
            )
        return result

    def _operands(self, derived: Derived, grads: Sequence[Tensor | None]) -> list[Tensor]:
        operands = []
        for source in derived.sources:
            grad = grads[source[1]] if source[0] == "grad" else (self._saved or _FREED)[source].get(self)
            assert grad is not None
            operands.append(grad)
        return operands

    def _run(self, derived: Derived, grads: Sequence[Tensor | None]) -> list[Tensor]:
        operands = self._operands(derived, grads)
        if operands and any(tensor.shape == self._tape.shape for tensor in operands):
            return derived.typed.apply(operands, self._scalars)
        grad = next(grad for grad in grads if grad is not None)
        zeros = [grad._array.storage.runtime.empty(layout_of(out, self._tape.shape)) for out in derived.typed.outs]
        dispatch.map_(derived.typed.program, zeros, [each._array for each in operands], self._scalars)
        return [wrap(each) for each in zeros]

    def _reduced(self, derived: Derived, grads: Sequence[Tensor | None], shape: Shape) -> Tensor:
        """The gradient of a broadcast input: one fused map and sum, or two ops where it is recorded itself."""
        if MODE.grad:
            from hotplug import ops

            return ops.sum_to_size(self._run(derived, grads)[0], shape)
        if shape == self._tape.shape:
            return self._run(derived, grads)[0]
        operands = [tensor._array for tensor in self._operands(derived, grads)]
        if not operands:
            operands = [next(grad for grad in grads if grad is not None)._array]
        lead = len(self._tape.shape) - len(shape)
        dims = [a for a, size in enumerate(self._tape.shape) if a < lead or (shape[a - lead] == 1 and size != 1)]
        typed = derived.typed
        summed = families.reduce(
            "sum", operands, dims, typed.outs[0], typed.program[0], self._tape.shape, self._scalars
        )
        return wrap(Array(summed.storage, layout_of(summed.dtype, shape), summed.offset))
