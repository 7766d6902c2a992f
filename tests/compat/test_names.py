"""Names that old programs use and no other test says: values and effects beside PyTorch's."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest

import hotplug as hp
from hotplug.device import redirect


@pytest.mark.parity
def test_questions(torch: ModuleType) -> None:
    for library in (hp, torch):
        x = library.ones(2)
        assert library.is_tensor(x)
        assert not library.is_tensor([1])
        assert library.get_default_dtype() is library.float32
        assert x.is_sparse is False
        assert x.is_cpu is True
        library.backends.cudnn.deterministic = True
        assert library.backends.cudnn.deterministic
        library.backends.cudnn.deterministic = False
        assert library.ByteTensor([1, 255]).dtype is library.uint8
        assert tuple(x.new_empty((2, 3), dtype=library.float64).shape) == (2, 3)
        y = (library.ones(2, requires_grad=True) * 2).detach_()
        assert not y.requires_grad
        assert y.is_leaf
        assert issubclass(library.nn.InstanceNorm2d, library.nn.modules.instancenorm._InstanceNorm)
        assert issubclass(library.utils.data.RandomSampler, library.utils.data.Sampler)


def test_questions_about_the_device() -> None:
    redirect("cuda", hp.device("numpy"))
    try:
        properties = hp.cuda.get_device_properties(0)
        assert properties.name == hp.cuda.get_device_name(0)
        assert properties.total_memory >= 0
        hp.cuda.manual_seed_all(3)
        assert hp.initial_seed() == 3
    finally:
        redirect("cuda", None)


COPIES: dict[str, Any] = {
    "view_copy": lambda t, x: t.view_copy(x, (3, 2)), "transpose_copy": lambda t, x: t.transpose_copy(x, 0, 1),
    "t_copy": lambda t, x: t.t_copy(x), "permute_copy": lambda t, x: t.permute_copy(x, (1, 0)),
    "unsqueeze_copy": lambda t, x: t.unsqueeze_copy(x, 0), "squeeze_copy": lambda t, x: t.squeeze_copy(x),
    "select_copy": lambda t, x: t.select_copy(x, 0, 1), "diagonal_copy": lambda t, x: t.diagonal_copy(x),
    "split_copy": lambda t, x: t.split_copy(x, 1), "unbind_copy": lambda t, x: t.unbind_copy(x),
    "detach_copy": lambda t, x: t.detach_copy(x),
}  # fmt: skip


@pytest.mark.parity
@pytest.mark.parametrize("name", COPIES)
def test_copies_of_views(torch: ModuleType, name: str) -> None:
    found = []
    for library in (hp, torch):
        x = library.arange(6.0).reshape(2, 3)
        made = COPIES[name](library, x)
        made = list(made) if isinstance(made, (list, tuple)) else [made]
        x.zero_()
        found.append([each.tolist() for each in made])
    assert found[0] == found[1]


@pytest.mark.parity
def test_control_flow(torch: ModuleType) -> None:
    for x in (1.0, -1.0):
        assert hp.cond(hp.tensor(x) > 0, lambda a: a + 1, lambda a: a - 1, (hp.tensor(x),)).item() == x + np.sign(x)
    done = hp.while_loop(lambda i, s: i < 4, lambda i, s: (i + 1, s * 2), (hp.tensor(0), hp.tensor(1)))
    assert [each.item() for each in done] == [4, 16]


@pytest.mark.parity
def test_frombuffer(torch: ModuleType) -> None:
    for library in (hp, torch):
        raw = np.arange(8, dtype=np.int32)
        x = library.frombuffer(raw, dtype=library.int32, count=3, offset=16)
        assert x.tolist() == [4, 5, 6]
        raw[4] = 9
        assert x.tolist() == [9, 5, 6]
        raw = bytearray(raw[:6].tobytes())
        assert library.frombuffer(raw, dtype=library.float32, requires_grad=True).requires_grad
        for options in ({"count": 9}, {"count": 0}, {"offset": 24}, {"offset": 1}):
            with pytest.raises(ValueError):  # noqa: PT011 - the kind of error is what is compared
                library.frombuffer(raw, dtype=library.int32, **options)
        with pytest.raises(ValueError):  # noqa: PT011
            library.frombuffer(bytearray(), dtype=library.int32)


@pytest.mark.parity
def test_convolution_over_time(torch: ModuleType) -> None:
    draw = np.random.default_rng(0)
    arrays = [draw.normal(size=shape) for shape in ((5, 2, 3), (2, 3, 4), (4,))]
    found, expected = (library.conv_tbc(*map(library.tensor, arrays), 1).numpy() for library in (hp, torch))
    np.testing.assert_allclose(found, expected, rtol=1e-10)


@pytest.mark.parity
def test_hooks_after_accumulation(torch: ModuleType) -> None:
    for library in (hp, torch):
        seen: list[Any] = []
        x = library.ones(2, requires_grad=True)
        handle = x.register_post_accumulate_grad_hook(lambda leaf, seen=seen: seen.append((leaf, leaf.grad.tolist())))
        (x * 3).sum().backward()
        (x * 3).sum().backward()
        handle.remove()
        (x * 3).sum().backward()
        assert [leaf is x for leaf, _ in seen] == [True, True]
        assert [grad for _, grad in seen] == [[3, 3], [6, 6]]
        with pytest.raises(RuntimeError):
            (x * 2).register_post_accumulate_grad_hook(print)
        with pytest.raises(RuntimeError):
            library.ones(2).register_post_accumulate_grad_hook(print)


@pytest.mark.parity
def test_functions_under_autocast(torch: ModuleType) -> None:
    for library in (hp, torch):
        amp = library.amp
        seen: list[Any] = []

        class Product(library.autograd.Function):  # type: ignore[name-defined, misc]
            @staticmethod
            @amp.custom_fwd(device_type="cpu")
            def forward(ctx: Any, a: Any, b: Any) -> Any:
                ctx.save_for_backward(a, b)
                return a @ b

            @staticmethod
            @amp.custom_bwd(device_type="cpu")
            def backward(ctx: Any, grad: Any) -> Any:
                a, b = ctx.saved_tensors
                seen.append((a.mT @ a).dtype)  # noqa: B023
                return grad.to(b.dtype) @ b.mT, a.mT @ grad.to(a.dtype)

        class Wide(library.autograd.Function):  # type: ignore[name-defined, misc]
            @staticmethod
            @amp.custom_fwd(device_type="cpu", cast_inputs=library.float32)
            def forward(ctx: Any, a: Any) -> Any:
                seen.append((a.dtype, (a @ a).dtype))  # noqa: B023
                return a * 2

            @staticmethod
            @amp.custom_bwd(device_type="cpu")
            def backward(ctx: Any, grad: Any) -> Any:
                return grad * 2

        a = library.ones(2, 2, device="cpu", requires_grad=True)
        with library.autocast("cpu", dtype=library.bfloat16):
            out = Product.apply(a, a)
            Wide.apply(library.ones(2, 2, device="cpu", dtype=library.bfloat16))
        assert out.dtype is library.bfloat16
        out.float().sum().backward()
        assert seen == [(library.float32, library.float32), library.bfloat16]


@pytest.mark.parity
def test_safe_globals(torch: ModuleType) -> None:
    for library in (hp, torch):
        found = library.serialization
        before = list(found.get_safe_globals())
        with found.safe_globals([int]):
            assert int in found.get_safe_globals()
        assert found.get_safe_globals() == before
        found.add_safe_globals([str])
        assert str in found.get_safe_globals()
        found.clear_safe_globals()
        assert found.get_safe_globals() == []


def test_distributions_under_torchs_name() -> None:
    import subprocess
    import sys

    program = (
        "import hotplug; hotplug.compat.install_as_torch(); import torch.distributions as d; "
        "from torch.distributions import Normal, Categorical, kl_divergence; "
        "from torch.distributions.categorical import Categorical as C; from torch.autograd.profiler import record_function; "
        "import torch.multiprocessing, torch.profiler, torch.compiler, torch.backends.cuda; "
        "assert C is Categorical is d.Categorical; print(Normal(0., 1.).log_prob(torch.tensor(0.)).item())"
    )
    program = program.replace("import torch.distributions as d;", "import torch, torch.distributions as d;")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("-0.9189")
