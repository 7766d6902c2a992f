"""Module's semantics: attributes, walks, state, hooks, device and dtype, printing, copies."""

from __future__ import annotations

import copy
import pickle
import re
from collections import OrderedDict
from typing import Any

import numpy as np
import pytest

import hotplug as hp
from hotplug import nn


class Inner(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(hp.ones(2))
        self.register_buffer("seen", hp.zeros(1))
        self.register_buffer("scratch", hp.zeros(1), persistent=False)

    def forward(self, x: hp.Tensor) -> hp.Tensor:
        return x * self.weight


class Outer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a = Inner()
        self.b = Inner()
        self.again = self.a
        self.bias = nn.Parameter(hp.zeros(2))
        self.register_parameter("absent", None)
        self.plain = 3

    def forward(self, x: hp.Tensor) -> hp.Tensor:
        return self.b(self.a(x)) + self.bias


def host(tensor: Any) -> np.ndarray[Any, Any]:
    return np.asarray(tensor.detach().cpu().numpy())


# --- attributes -------------------------------------------------------------------------------------------------------


def test_parts_register_themselves() -> None:
    module = Outer()
    assert [name for name, _ in module.named_parameters()] == ["bias", "a.weight", "b.weight"]
    assert [name for name, _ in module.named_parameters(remove_duplicate=False)] == [
        "bias",
        "a.weight",
        "b.weight",
        "again.weight",
    ]
    assert [name for name, _ in module.named_parameters(recurse=False)] == ["bias"]
    assert [name for name, _ in module.named_parameters(prefix="m")] == ["m.bias", "m.a.weight", "m.b.weight"]
    assert [name for name, _ in module.named_buffers()] == ["a.seen", "a.scratch", "b.seen", "b.scratch"]
    assert [name for name, _ in module.named_children()] == ["a", "b"]
    assert [name for name, _ in module.named_modules()] == ["", "a", "b"]
    assert list(module.children()) == [module.a, module.b]
    assert list(module.modules()) == [module, module.a, module.b]
    assert module.absent is None
    assert {"a", "bias", "plain"} <= set(dir(module))
    assert len(list(module.parameters())) == 3
    assert len(list(module.buffers())) == 4


def test_an_attribute_changes_its_kind() -> None:
    module = Outer()
    module.plain = nn.Parameter(hp.ones(1))
    assert "plain" in module._parameters
    assert "plain" not in vars(module)
    module.plain = None
    assert module._parameters["plain"] is None
    module.b = None
    assert [name for name, _ in module.named_children()] == ["a"]
    module.state = nn.Buffer(hp.ones(1), persistent=False)
    assert "state" not in module.state_dict()
    module.state = hp.zeros(1)
    assert host(module.get_buffer("state")) == 0
    module.state = nn.Parameter(hp.ones(1))
    assert "state" in module.state_dict()
    del module.state
    assert not hasattr(module, "state")
    del module.plain
    with pytest.raises(AttributeError, match="'Outer' object has no attribute 'plain'"):
        module.plain  # noqa: B018


def test_wrong_parts() -> None:
    module = Outer()
    with pytest.raises(TypeError, match="cannot assign 'Tensor' as parameter 'bias'"):
        module.bias = hp.ones(2)  # type: ignore[assignment]
    with pytest.raises(TypeError, match="cannot assign 'int' as child module 'a'"):
        module.a = 3  # type: ignore[assignment]
    with pytest.raises(TypeError, match="cannot assign 'int' as buffer 'seen'"):
        module.a.seen = 3
    with pytest.raises(KeyError, match="attribute 'plain' already exists"):
        module.register_parameter("plain", None)
    with pytest.raises(KeyError, match=r"can't be empty or contain '\.'"):
        module.register_buffer("a.b", None)
    with pytest.raises(KeyError, match="can't be empty"):
        module.add_module("", nn.Identity())
    with pytest.raises(TypeError, match="should be a string"):
        module.register_parameter(3, None)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="int is not a Module subclass"):
        module.add_module("c", 3)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"hotplug.nn.Parameter or None required"):
        module.register_parameter("c", hp.ones(1))  # type: ignore[arg-type]
    with pytest.raises(NotImplementedError, match=r'Module \[Module\] is missing the required "forward" function'):
        nn.Module()(3)

    class Early(nn.Module):
        def __init__(self) -> None:
            self.weight = nn.Parameter(hp.ones(1))

    with pytest.raises(AttributeError, match=r"call super\(\).__init__\(\) first"):
        Early()


def test_a_parameter_is_a_leaf_tensor() -> None:
    data = hp.ones(2)
    parameter = nn.Parameter(data)
    assert isinstance(parameter, hp.Tensor)
    assert parameter.requires_grad
    assert parameter.is_leaf
    assert type(parameter * 2) is hp.Tensor
    assert type(parameter.data) is hp.Tensor
    data.fill_(5)
    assert host(parameter).tolist() == [5, 5]
    assert nn.Parameter().shape == (0,)
    with pytest.raises(RuntimeError, match="only floating"):
        nn.Parameter(hp.arange(3))
    assert not nn.Parameter(hp.arange(3), requires_grad=False).requires_grad
    with pytest.raises(TypeError, match="expected a Tensor, got list"):
        nn.Parameter([1.0])  # type: ignore[arg-type]


def test_paths() -> None:
    module = nn.Sequential(Outer())
    assert module.get_submodule("0.a") is module[0].a
    assert module.get_submodule("") is module
    assert module.get_parameter("0.a.weight") is module[0].a.weight
    assert module.get_buffer("0.a.seen") is module[0].a.seen
    new = Inner()
    module.set_submodule("0.b", new)
    assert module[0].b is new
    for wrong in ("0.c", "0.plain", "0.a.weight"):
        with pytest.raises(AttributeError):
            module.get_submodule(wrong)
    with pytest.raises(AttributeError, match="no parameter 'seen'; it has"):
        module.get_parameter("0.a.seen")
    with pytest.raises(AttributeError, match="no buffer 'weight'"):
        module.get_buffer("0.a.weight")
    with pytest.raises(ValueError, match="must not be empty"):
        module.set_submodule("", new)


def test_apply_visits_children_first() -> None:
    names: list[str] = []
    module = nn.Sequential(Inner(), nn.Sequential(nn.Identity()))
    assert module.apply(lambda each: names.append(type(each).__name__)) is module
    assert names == ["Inner", "Identity", "Sequential", "Sequential"]


# --- modes ------------------------------------------------------------------------------------------------------------


def test_train_and_eval() -> None:
    class Frozen(nn.Module):
        def train(self, mode: bool = True) -> Frozen:
            return super().train(False)

    module = nn.Sequential(Inner(), Frozen())
    assert module.train() is module
    assert module.training
    assert module[0].training
    assert not module[1].training
    assert not any(each.training for each in module.eval().modules())
    with pytest.raises(ValueError, match="expected to be boolean"):
        module.train("yes")  # type: ignore[arg-type]


def test_gradients() -> None:
    module = Outer()
    module(hp.ones(2)).sum().backward()
    assert all(parameter.grad is not None for parameter in module.parameters())
    module.zero_grad(set_to_none=False)
    assert all(not host(parameter.grad).any() for parameter in module.parameters())
    module.zero_grad()
    assert all(parameter.grad is None for parameter in module.parameters())
    module.requires_grad_(False)
    assert not module(hp.ones(2)).requires_grad


# --- device and dtype -------------------------------------------------------------------------------------------------


def test_to() -> None:
    module = Outer()
    module.register_buffer("count", hp.tensor(3))
    module(hp.ones(2)).sum().backward()
    weight = module.a.weight
    assert module.to(hp.float64) is module
    assert module.a.weight is weight
    assert module.again.weight is weight
    assert weight.dtype is hp.float64
    assert weight.grad is not None
    assert weight.grad.dtype is hp.float64
    assert weight.is_leaf
    assert module.count.dtype is hp.int64
    assert module.a.seen.dtype is hp.float64
    module.to("numpy", hp.float32)
    assert {str(each.device) for each in (*module.parameters(), *module.buffers())} == {"numpy"}
    assert str(weight.grad.device) == "numpy"
    assert weight.dtype is hp.float32
    module.cpu().half()
    assert weight.dtype is hp.float16
    assert str(weight.device) == "cpu"
    assert module.double().bias.dtype is hp.float64
    assert module.float().bias.dtype is hp.float32
    assert module.bfloat16().bias.dtype is hp.bfloat16
    assert module.to(hp.ones(1, dtype=hp.float64)).bias.dtype is hp.float64
    assert module.type(hp.float32).count.dtype is hp.float32


def test_a_move_that_fails_changes_nothing() -> None:
    module = Outer()
    with pytest.raises(TypeError, match="must be floating or complex"):
        module.to(hp.int32)
    with pytest.raises(RuntimeError):
        module.to("no_such_device")
    calls = iter([hp.ones(2, dtype=hp.float64)])
    with pytest.raises(StopIteration):
        module._apply(lambda _: next(calls))
    assert {each.dtype for each in module.parameters()} == {hp.float32}


# --- state ------------------------------------------------------------------------------------------------------------


def test_state_dict() -> None:
    module = Outer()
    state = module.state_dict()
    assert list(state) == ["bias", "a.weight", "a.seen", "b.weight", "b.seen", "again.weight", "again.seen"]
    assert type(state["bias"]) is hp.Tensor
    assert not state["bias"].requires_grad
    state["bias"].fill_(3)
    assert host(module.bias).tolist() == [3, 3]
    assert module.state_dict(keep_vars=True)["bias"] is module.bias
    assert next(iter(module.state_dict(prefix="m."))) == "m.bias"
    assert state._metadata["a"] == {"version": 1}  # type: ignore[attr-defined]


def test_loading_copies_and_assigning_replaces() -> None:
    source, target = Outer(), Outer()
    with hp.no_grad():
        for number, each in enumerate(source.parameters()):
            each.fill_(number + 1)
    bias = target.bias
    assert str(target.load_state_dict(source.state_dict())) == "<All keys matched successfully>"
    assert target.bias is bias
    assert host(bias).tolist() == [1, 1]
    assert host(target.b.weight).tolist() == [3, 3]
    given = {key: value.double() for key, value in source.state_dict().items()}
    target.load_state_dict(given)
    assert bias.dtype is hp.float32
    target.bias.requires_grad_(False)
    target.load_state_dict(given, assign=True)
    assert target.bias is not bias
    assert isinstance(target.bias, nn.Parameter)
    assert target.bias.dtype is hp.float64
    assert not target.bias.requires_grad
    assert target.a.seen is given["a.seen"] or target.a.seen is given["again.seen"]
    moved = {key: value.to("numpy") for key, value in source.state_dict().items()}
    Outer().load_state_dict(moved)


@pytest.mark.parity
@pytest.mark.parametrize("strict", [True, False])
def test_a_state_that_does_not_fit(torch: Any, strict: bool) -> None:
    def build(library: Any) -> tuple[Any, dict[str, Any]]:
        module = library.nn.Sequential(library.nn.BatchNorm1d(2), library.nn.Sequential(library.nn.PReLU()))
        ones = library.ones
        return module, {
            "0.weight": ones(3), "0.bias": 3, "0.running_mean": ones(2), "1.0.weight": ones(1, 1), "new": ones(1),
            "1.0.new": ones(1), "1.0.weight.deep": ones(1), "1": ones(1),
        }  # fmt: skip

    module, state = build(hp)
    oracle, oracle_state = build(torch)
    before = {key: host(value).copy() for key, value in module.state_dict().items()}
    with pytest.raises(RuntimeError) as ours:
        module.load_state_dict(state, strict=strict)
    with pytest.raises(RuntimeError) as theirs:
        oracle.load_state_dict(oracle_state, strict=strict)

    def parts(error: object) -> list[str]:
        text = (
            str(error).replace("torch.Size", "hotplug.Size").replace("torch.Tensor or Tensor-like object", "a Tensor")
        )
        return [
            " ".join(sorted(re.split(r"[,.]?\s+", line))) for line in text.split("\n")
        ]  # keys may come in another order

    assert parts(ours.value) == parts(theirs.value)
    for key, value in module.state_dict().items():
        np.testing.assert_array_equal(host(value), before[key])


def test_a_load_that_is_not_strict_says_what_it_passed_over() -> None:
    module = Outer()
    found = module.load_state_dict({"bias": hp.ones(2), "new": hp.ones(1)}, strict=False)
    assert found.unexpected_keys == ["new"]
    assert found.missing_keys == ["a.weight", "a.seen", "b.weight", "b.seen", "again.weight", "again.seen"]
    assert host(module.bias).tolist() == [1, 1]
    assert "missing_keys" in str(found)
    with pytest.raises(TypeError, match="expected a dict, got list"):
        module.load_state_dict([])  # type: ignore[arg-type]


def test_extra_state() -> None:
    class Counting(nn.Module):
        count = 0

        def get_extra_state(self) -> Any:
            return {"count": self.count}

        def set_extra_state(self, state: Any) -> None:
            self.count = state["count"]

    source, target = nn.Sequential(Counting()), nn.Sequential(Counting())
    source[0].count = 7
    state = source.state_dict()
    assert state == {"0._extra_state": {"count": 7}}
    target.load_state_dict(state)
    assert target[0].count == 7
    with pytest.raises(RuntimeError, match=r'Missing key\(s\) in state_dict: "0._extra_state"'):
        target.load_state_dict({})
    with pytest.raises(RuntimeError, match="get_extra_state and set_extra_state"):
        nn.Identity().get_extra_state()


def test_state_hooks() -> None:
    module, seen = nn.Sequential(Inner()), []
    module.register_state_dict_pre_hook(lambda m, prefix, keep: seen.append(("pre", prefix, keep)))
    module.register_state_dict_post_hook(lambda m, state, prefix, meta: state.__delitem__("0.seen"))
    state = module.state_dict()
    assert seen == [("pre", "", False)]
    assert list(state) == ["0.weight"]

    def rename(m: Any, state: dict[str, Any], prefix: str, *_: Any) -> None:
        state[f"{prefix}weight"] = state.pop(f"{prefix}old")

    module[0].register_load_state_dict_pre_hook(rename)
    handle = module.register_load_state_dict_post_hook(lambda m, keys: keys.missing_keys.clear())
    module.load_state_dict({"0.old": hp.full((2,), 4.0)})
    assert host(module[0].weight).tolist() == [4, 4]
    handle.remove()
    with pytest.raises(RuntimeError, match="0.seen"):
        module.load_state_dict({"0.old": hp.full((2,), 5.0)})
    assert host(module[0].weight).tolist() == [4, 4]


# --- hooks ------------------------------------------------------------------------------------------------------------


def test_forward_hooks() -> None:
    module, seen = Inner(), []
    pre = module.register_forward_pre_hook(lambda m, args: (args[0] + 1,))
    module.register_forward_hook(lambda m, args, out: out * 10)
    module.register_forward_hook(
        lambda m, args, out: seen.append((host(args[0]).tolist(), host(out).tolist())), prepend=True
    )
    assert host(module(hp.ones(2))).tolist() == [20, 20]
    assert seen == [([2, 2], [2, 2])]
    pre.remove()
    assert host(module(hp.ones(2))).tolist() == [10, 10]


def test_hooks_with_kwargs() -> None:
    class Scaled(nn.Module):
        def forward(self, x: Any, *, by: Any = 1) -> Any:
            return x * by

    module, seen = Scaled(), []
    module.register_forward_pre_hook(lambda m, args, kwargs: (args, {"by": kwargs["by"] + 1}), with_kwargs=True)
    module.register_forward_hook(lambda m, args, kwargs, out: seen.append(kwargs), with_kwargs=True)
    assert module(3, by=4) == 15
    assert seen == [{"by": 5}]
    module.register_forward_pre_hook(lambda m, args, kwargs: args, with_kwargs=True)
    with pytest.raises(ValueError, match="new args and kwargs"):
        module(3, by=4)


def test_a_hook_that_is_always_called() -> None:
    module, seen = Inner(), []
    module.register_forward_hook(lambda *_: seen.append("always"), always_call=True)
    module.register_forward_hook(lambda *_: seen.append("only after success"))
    with pytest.raises(RuntimeError):
        module(hp.ones(3))
    assert seen == ["always"]


@pytest.mark.parity
@pytest.mark.filterwarnings("ignore:Full backward hook is firing")
def test_backward_hooks(torch: Any) -> None:
    def run(library: Any, leaf: bool) -> list[Any]:
        module = library.nn.Bilinear(2, 2, 1)
        with library.no_grad():
            for each in module.parameters():
                each.fill_(0.5)
        seen: list[Any] = []

        def note(name: str) -> Any:
            return lambda *grads: seen.append(
                (name, [[None if g is None else g.tolist() for g in group] for group in grads[1:]])
            )

        module.register_full_backward_pre_hook(lambda m, grads: (grads[0] * 2,))
        module.register_full_backward_pre_hook(note("pre"))
        module.register_full_backward_hook(note("hook"))
        module.register_full_backward_hook(lambda m, grads, _: tuple(g if g is None else g * 3 for g in grads))
        x = library.tensor([[1.0, 2.0]], requires_grad=leaf)
        y = library.tensor([[3.0, 4.0]])
        (module(x, y) * 1.0).sum().backward()
        seen.append([None if x.grad is None else x.grad.tolist(), [each.grad.tolist() for each in module.parameters()]])
        return seen

    for leaf in (True, False):
        assert run(hp, leaf) == run(torch, leaf)


# --- printing and copies ----------------------------------------------------------------------------------------------


@pytest.mark.parity
def test_printed_form(torch: Any) -> None:
    def build(library: Any) -> str:
        layers = library.nn
        empty = type("Empty", (layers.Module,), {})
        extra = type("Extra", (layers.Module,), {"extra_repr": lambda self: "a=1"})
        lines = type("Lines", (layers.Module,), {"extra_repr": lambda self: "a=1\nb=2"})
        both = lines()
        both.inner = extra()
        alike = layers.ModuleList([layers.ReLU(), layers.ReLU(), layers.Tanh(), layers.Sequential(layers.ReLU())])
        named = layers.ModuleDict({"x": layers.Flatten(), "y": layers.ModuleList()})
        return repr(layers.Sequential(empty(), extra(), lines(), both, alike, named, layers.Sequential()))

    assert build(hp) == build(torch)


def test_copies() -> None:
    module = Outer()
    for copied in (copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
        assert repr(copied) == repr(module)
        assert copied.a.weight is copied.again.weight
        assert copied.a.weight is not module.a.weight
        assert "scratch" not in copied.a.state_dict()
        copied.bias.data.fill_(9)
    assert host(module.bias).tolist() == [0, 0]
    shallow = copy.copy(module)
    assert shallow.bias is module.bias


def test_a_state_dict_is_ordered() -> None:
    assert isinstance(nn.Identity().state_dict(), OrderedDict)


def test_a_move_without_the_values() -> None:
    layer = nn.Linear(3, 2).to_empty(device="numpy")
    assert layer.weight.shape == (2, 3)
    assert str(layer.weight.device) == "numpy"
    assert layer.weight.requires_grad


def test_a_submodule_in_a_new_place() -> None:
    module = nn.Sequential(nn.Linear(2, 2))
    new = nn.ReLU()
    module.set_submodule("0.inner", new)
    assert module.get_submodule("0.inner") is new
    with pytest.raises(AttributeError, match="no attribute 'other'"):
        module.set_submodule("0.other", new, strict=True)
    with pytest.raises(ValueError, match="expected a Module, got int"):
        module.set_submodule("0", 3)  # type: ignore[arg-type]
