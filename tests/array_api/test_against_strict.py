"""Every function of the standard, compared with array-api-strict: values, dtypes, shapes, and which calls are errors."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from devices import needed
from hypothesis import given, settings, strategies as st
from real import FULL

import hotplug as hp
from hotplug import array_api as xp
from hotplug.array_api import elementwise
from hotplug.errors import HotplugError

strict = pytest.importorskip("array_api_strict", reason="the oracle; see tests/real_packages.txt")

REAL = "int8 int16 int32 int64 uint8 uint16 uint32 uint64 float32 float64".split()
DTYPES = ["bool", *REAL, "complex64", "complex128"]
SCALARS: tuple[Any, ...] = (True, 2, 1.5, 1.5j)
LATER = {"broadcast_shapes", "isin"}  # what array-api-strict has of later versions of the standard


@pytest.fixture(autouse=True)
def _as_the_oracle() -> Iterator[None]:
    """float64 is the oracle's default."""
    strict.set_array_api_strict_flags(api_version="2024.12")
    hp.set_default_dtype(hp.float64)
    yield
    hp.set_default_dtype(hp.float32)
    strict.reset_array_api_strict_flags()


def values(name: str, shift: int = 0) -> np.ndarray[Any, Any]:
    """Six numbers of a dtype that show its edges."""
    kind = name.rstrip("0123456789")
    numbers: list[Any] = {
        "bool": [True, False, True, False, True, True], "uint": [0, 1, 2, 3, 7, 100], "int": [-7, -1, 0, 1, 5, 100],
        "float": [-1.5, -0.5, -0.0, 0.25, 0.75, 2.5], "complex": [-1.5 + 1j, -0.5 - 2j, 1e-3, 0.25 + 0.5j, 0.75j, 2.5],
    }[kind]  # fmt: skip
    return np.roll(np.asarray(numbers, dtype=name), shift).reshape(2, 3)


def convert(value: Any, make: Any) -> Any:
    """A call's arguments for one of the two libraries: arrays by ``make``, dtypes (as ``"dtype:..."``) by name."""
    if isinstance(value, np.ndarray):
        return make.asarray(value, dtype=getattr(make, value.dtype.name))
    if isinstance(value, str) and value.startswith("dtype:"):
        return getattr(make, value[6:])
    if isinstance(value, (list, tuple)):
        return type(value)(convert(each, make) for each in value)
    return value


def outcome(make: Any, name: str, args: Any, options: dict[str, Any]) -> tuple[str, Any]:
    function: Any = make
    for part in name.split("."):
        function = getattr(function, part)
    try:
        with np.errstate(all="ignore"):
            return "value", function(
                *convert(args, make), **{key: convert(each, make) for key, each in options.items()}
            )
    except (TypeError, AttributeError) as error:  # the oracle doesn't check everywhere that it was given an array
        return ("TypeError" if make is strict or isinstance(error, TypeError) else "AttributeError"), error
    except (HotplugError, ValueError, IndexError, np.linalg.LinAlgError, OverflowError) as error:
        return "error", error


def same(found: Any, expected: Any, label: object) -> None:
    if isinstance(expected, (tuple, list)):
        assert len(found) == len(expected), label
        for one, two in zip(found, expected, strict=True):
            same(one, two, label)
    elif isinstance(expected, strict._array_object.Array):
        ours, theirs = found.detach().cpu().numpy(), np.asarray(expected._array)
        assert ours.dtype == theirs.dtype, (label, ours.dtype, theirs.dtype)
        assert ours.shape == theirs.shape, (label, ours.shape, theirs.shape)
        rough = theirs.dtype.itemsize // (2 if theirs.dtype.kind == "c" else 1) < 8
        tolerance = 2e-5 if rough else 1e-12
        np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance, err_msg=str(label))
    elif isinstance(expected, bool):
        assert found is expected, label
    else:
        assert str(found).rpartition(".")[2].rstrip("_") == str(expected).rpartition(".")[2], label


def agree(name: str, *args: Any, **options: Any) -> None:
    label = (name, args, options)
    kind, expected = outcome(strict, name, args, options)
    ours, found = outcome(xp, name, args, options)
    assert ours == kind, (label, found, expected)
    if kind == "value":
        same(found, expected, label)


def test_all_names_of_the_standard_are_there() -> None:
    flags = {name for name in dir(strict) if "strict" in name.lower()}
    public = {name for name in dir(strict) if not name.startswith("_")} - flags - LATER - {"Device", "ModuleType"}
    assert public <= set(dir(xp)), public - set(dir(xp))
    assert xp.__array_api_version__ == "2024.12"
    for part in ("linalg", "fft"):
        theirs = set(getattr(strict, part).__all__) - {"eig", "eigvals"}  # those two came with 2025.12
        assert all(callable(getattr(getattr(xp, part), name)) for name in theirs)


def test_parameters_are_the_standard_s() -> None:
    """Positional-only and keyword-only ones, with the same names and defaults."""
    wrong = []
    functions = {name: (getattr(xp, name), getattr(strict, name)) for name in dir(xp) if hasattr(strict, name)}
    for part in ("linalg", "fft"):
        for name in getattr(strict, part).__all__:
            if hasattr(getattr(xp, part), name):
                functions[f"{part}.{name}"] = getattr(getattr(xp, part), name), getattr(getattr(strict, part), name)
    for name, (ours, theirs) in functions.items():
        if not inspect.isfunction(theirs) or name in ("from_dlpack", "asarray"):
            continue
        found, expected = (
            [(each.name, each.kind) for each in inspect.signature(function).parameters.values()]
            for function in (ours, theirs)
        )
        if found != expected:
            wrong.append((name, found, expected))
    assert len(functions) > 150
    assert wrong == []


UNARY = [name for table in elementwise._UNARY.values() for each in table.split() for name in [each.partition(":")[0]]]
BINARY = [name for table in elementwise._BINARY.values() for each in table.split() for name in [each.partition(":")[0]]]


@pytest.mark.parametrize("name", [*UNARY, "round"])
def test_of_one_array(name: str) -> None:
    for dtype in DTYPES:
        agree(name, values(dtype))
        agree(name, values(dtype)[:, ::2])
    agree(name, 1.0)
    for special in ([np.nan, np.inf, -np.inf, -0.0], [complex(np.nan, 1), complex(0, np.inf)]):
        if name in ("isnan", "isinf", "isfinite", "abs", "signbit", "floor", "round"):
            agree(name, np.asarray(special))


@pytest.mark.parametrize("name", BINARY)
def test_of_two_arrays(name: str) -> None:
    whole = name in ("pow", "floor_divide", "remainder") or "shift" in name
    for one in DTYPES:
        for two in DTYPES:
            second = values(two, 2)
            if whole and two[0] in "iuf":  # by zero, and to a negative power, are not defined
                second = np.abs(second) % 4 + 1
            if "shift" in name and two[0] == "c":
                second = np.ones_like(second)  # the oracle asks for the sign first
            first = values(one)
            if name == "pow" and two.startswith("complex"):
                first[first == 0] = 1  # zero to a complex power is not defined
            agree(name, first, second)
        if name not in ("pow", "remainder", "floor_divide"):
            for scalar in SCALARS:
                # The oracle lets a complex number stand beside floats where no complex dtype is allowed.
                if not (isinstance(scalar, complex) and "float" in one):
                    agree(name, values(one), scalar)
                    if "shift" not in name:
                        agree(name, scalar, values(one))
    agree(name, values("float64"), np.abs(values("float64"))[0])
    agree(name, values("float64"), np.abs(values("float64"))[:, :2])
    agree(name, 1.0, 2.0)
    agree(name, "a", np.abs(values("float64")))


def test_complex_numbers_beside_floats() -> None:
    agree("add", values("float32"), 1j)
    agree("multiply", 1j, values("float64"))
    agree("result_type", "dtype:float32", 1j)
    for name in ("greater", "maximum", "atan2"):
        with pytest.raises(TypeError, match="a complex|complex64"):
            getattr(xp, name)(xp.asarray([1.0], dtype=xp.float32), 1j)


CALLS: dict[str, list[tuple[Any, ...]]] = {
    "sum": [((), {}), ((), {"axis": 0}), ((), {"axis": (0, 1), "keepdims": True}), ((), {"axis": ()}), ((), {"axis": 2}),
            ((), {"axis": (0, 0)}), ((), {"dtype": "dtype:float64"})],
    "prod": [((), {}), ((), {"axis": -1}), ((), {"axis": (1, 0)}), ((), {"keepdims": True}), ((), {"axis": -3})],
    "cumulative_sum": [((), {"axis": 0}), ((), {"axis": 1, "include_initial": True}), ((), {}), ((), {"axis": 5})],
    "cumulative_prod": [((), {"axis": 0}), ((), {"axis": -1, "include_initial": True}), ((), {"dtype": "dtype:float64",
        "axis": 0})],
    "max": [((), {}), ((), {"axis": 0}), ((), {"axis": (0, 1), "keepdims": True}), ((), {"axis": 9})],
    "min": [((), {}), ((), {"axis": 1, "keepdims": True})],
    "mean": [((), {}), ((), {"axis": 0}), ((), {"axis": (0, 1), "keepdims": True})],
    "var": [((), {}), ((), {"axis": 0, "correction": 1}), ((), {"axis": (0, 1), "correction": 0.5, "keepdims": True})],
    "std": [((), {}), ((), {"axis": 1, "correction": 1.0})],
    "all": [((), {}), ((), {"axis": 0}), ((), {"axis": (0, 1), "keepdims": True})],
    "any": [((), {}), ((), {"axis": 1}), ((), {"axis": (0,), "keepdims": True})],
    "count_nonzero": [((), {}), ((), {"axis": 0}), ((), {"axis": 1, "keepdims": True})],
    "diff": [((), {}), ((), {"axis": 0}), ((), {"n": 2}), ((), {"n": 0})],
    "argmax": [((), {}), ((), {"axis": 1}), ((), {"axis": 0, "keepdims": True}), ((), {"keepdims": True}), ((), {"axis": 3})],
    "argmin": [((), {}), ((), {"axis": -1})],
    "nonzero": [((), {})],
    "sort": [((), {}), ((), {"axis": 0, "descending": True}), ((), {"stable": False}), ((), {"axis": 4})],
    "argsort": [((), {}), ((), {"axis": 0, "descending": True}), ((), {"axis": -3})],
    "flip": [((), {}), ((), {"axis": 0}), ((), {"axis": (0, 1)}), ((), {"axis": 2})],
    "roll": [((1,), {}), ((1,), {"axis": 1}), (((1, 2),), {"axis": (0, 1)}), ((1,), {"axis": 4})],
    "reshape": [(((3, 2),), {}), (((-1,),), {}), (((4, 2),), {}), (((6,),), {"copy": True})],
    "permute_dims": [(((1, 0),), {}), (((0, 0),), {}), (((0,),), {})],
    "expand_dims": [((), {"axis": 0}), ((), {"axis": -1}), ((), {"axis": 3}), ((), {"axis": -4})],
    "squeeze": [((0,), {}), ((5,), {})],
    "moveaxis": [((0, 1), {}), (((0, 1), (1, 0)), {}), ((0, 7), {})],
    "tile": [(((2, 1),), {}), (((2,),), {}), (((1, 2, 2),), {})],
    "repeat": [((2,), {}), ((2,), {"axis": 0}), ((np.asarray([1, 0, 2]),), {"axis": 1})],
    "unstack": [((), {}), ((), {"axis": 1}), ((), {"axis": 3})],
    "broadcast_to": [(((4, 2, 3),), {}), (((2, 4),), {}), (((3,),), {})],
    "take": [((np.asarray([1, 0, 1]),), {"axis": 0}), ((np.asarray([-1]),), {"axis": 1}), ((np.asarray([0]),), {})],
    "take_along_axis": [((np.asarray([[1], [0]]),), {"axis": 1}), ((np.asarray([[0, 1, -1]]),), {"axis": 0})],
    "tril": [((), {}), ((), {"k": 1})],
    "triu": [((), {}), ((), {"k": -1})],
    "matrix_transpose": [((), {})],
    "zeros_like": [((), {}), ((), {"dtype": "dtype:int8"})],
    "ones_like": [((), {})],
    "full_like": [((3,), {}), ((2.5,), {"dtype": "dtype:float64"})],
    "astype": [(("dtype:float32",), {}), (("dtype:int64",), {}), (("dtype:bool",), {}), (("dtype:complex64",), {}),
        ((float,), {})],
    "unique_values": [((), {})], "unique_counts": [((), {})], "unique_inverse": [((), {})], "unique_all": [((), {})],
    "linalg.trace": [((), {}), ((), {"offset": 1}), ((), {"dtype": "dtype:float64"})],
    "linalg.diagonal": [((), {}), ((), {"offset": -1})],
    "linalg.vector_norm": [((), {}), ((), {"ord": 1, "axis": 0}), ((), {"ord": np.inf, "keepdims": True}),
        ((), {"ord": 0}), ((), {"ord": 3})],
    "linalg.matrix_norm": [((), {}), ((), {"ord": 1}), ((), {"ord": "nuc"}), ((), {"ord": -2, "keepdims": True})],
    "fft.fft": [((), {}), ((), {"n": 5, "axis": 0}), ((), {"norm": "ortho"}), ((), {"norm": "other"})],
    "fft.ifft": [((), {}), ((), {"n": 2})],
    "fft.rfft": [((), {}), ((), {"axis": 0, "norm": "forward"})],
    "fft.irfft": [((), {}), ((), {"n": 5})],
    "fft.hfft": [((), {})], "fft.ihfft": [((), {})],
    "fft.fftn": [((), {}), ((), {"s": (2, 2), "axes": (0, 1)}), ((), {"axes": (1,)})],
    "fft.ifftn": [((), {})], "fft.rfftn": [((), {})], "fft.irfftn": [((), {})],
    "fft.fftshift": [((), {}), ((), {"axes": 1})], "fft.ifftshift": [((), {})],
}  # fmt: skip
"""Of functions whose first argument is an array: the others."""


@pytest.mark.parametrize("name", CALLS)
def test_calls(name: str) -> None:
    for args, options in CALLS[name]:
        for dtype in DTYPES:
            x = values(dtype)
            if name == "squeeze":
                x = x[:1]
            if (name == "full_like" and dtype == "bool") or (dtype.startswith("complex") and options.get("dtype")):
                continue  # the oracle takes these, with a warning
            if "prod" in name:
                x = x[:, :2]  # else small integers overflow
            if dtype.startswith("complex") and name.startswith("unique"):
                x = np.abs(x).astype(dtype)
            agree(name, x, *args, **options)
    agree(name, [1.0, 2.0], *CALLS[name][0][0], **CALLS[name][0][1])


OTHERS: list[tuple[Any, ...]] = [
    ("arange", (5,), {}), ("arange", (1, 7, 2), {}), ("arange", (0.0, 1.0, 0.25), {}), ("arange", (5, 1), {}),
    ("arange", (5, 1, -2), {"dtype": "dtype:int16"}), ("arange", (3,), {"dtype": "dtype:float32"}),
    ("linspace", (0, 1, 5), {}), ("linspace", (0, 1), {"num": 4, "endpoint": False}), ("linspace", (0.0, 1.0, 0), {}),
    ("linspace", (0, 2, 3), {"dtype": "dtype:float32"}), ("zeros", ((2, 3),), {}), ("zeros", (3,), {"dtype": "dtype:bool"}),
    ("ones", ((),), {"dtype": "dtype:complex64"}), ("full", ((2,), 3), {}), ("full", ((2,), 1.5), {}),
    ("full", ((2,), True), {}),
    ("full", (2, 2j), {}), ("eye", (3,), {}), ("eye", (2, 3), {"k": 1, "dtype": "dtype:int8"}), ("asarray", ([[1, 2],
    [3, 4]],), {}),
    ("asarray", ([1.5, 2],), {}), ("asarray", ([True],), {}), ("asarray", (1j,), {}),
    ("asarray", (2,), {"dtype": "dtype:uint8"}),
    ("concat", ([values("int8"), values("int16")],), {}), ("concat", ([values("int8"), values("uint64")],), {}),
    ("concat", ([values("int8"), values("float32")],), {}), ("concat", ([values("int8"), values("int8")],), {"axis": None}),
    ("concat", ([values("int8"), values("int8")[:, :2]],), {"axis": 1}), ("concat", ([values("int8"), values("int8")[0]],), {}),
    ("concat", ([values("int8"), values("int8")[:, :2]],), {}), ("stack", ([values("int8"), values("int32")],), {"axis": -1}),
    ("stack", ([values("bool"), values("int32")],), {}), ("broadcast_arrays", (values("int8"), values("float32")[0]), {}),
    ("meshgrid", (np.arange(2), np.arange(3)), {}), ("meshgrid", (np.arange(2), np.arange(3)), {"indexing": "ij"}),
    ("meshgrid", (np.arange(2), np.arange(3.0)), {}), ("where", (values("bool"), values("int8"), values("int16")), {}),
    ("where", (values("bool"), values("float32"), 1.5), {}), ("where", (values("bool"), 1, values("int8")), {}),
    ("where", (values("int8"), values("int8"), values("int8")), {}),
    ("where", (values("bool"), values("bool"), values("int8")), {}),
    ("searchsorted", (np.asarray([1.0, 2.0, 3.0]), np.asarray([[0.5, 2.0]])), {}),
    ("searchsorted", (np.asarray([3, 1, 2]), np.asarray([1, 2])), {"side": "right", "sorter": np.asarray([1, 2, 0])}),
    ("diff", (values("int64"),), {"prepend": values("int64")[:, :1], "append": values("int64")}),
    ("matmul", (values("float64"), values("float64").T), {}), ("matmul", (values("int32"), values("int8")[0]), {}),
    ("matmul", (values("float64"), values("float64")), {}), ("matmul", (values("bool"), values("bool").T), {}),
    ("matmul", (np.asarray(1.0), values("float64")), {}),
    ("tensordot", (values("float64"), values("float64")), {}), ("tensordot", (values("int8"), values("int8").T), {"axes": 1}),
    ("tensordot", (values("complex64"), values("complex64")), {"axes": ((0,), (0,))}),
    ("vecdot", (values("float64"), values("float64")), {}), ("vecdot", (values("complex64"), values("complex64", 1)), {}),
    ("vecdot", (values("int8"), values("int8")), {"axis": -2}), ("vecdot", (values("int8"), values("int8")[:, :2]), {}),
    ("linalg.outer", (np.arange(3), np.arange(2)), {}), ("linalg.cross", (values("float64"), values("float64", 1)), {}),
    ("linalg.cross", (values("int64"), values("int64", 1)), {"axis": 0}), ("isdtype", ("dtype:int8", "signed integer"), {}),
    ("isdtype", ("dtype:int8", ("bool", "real floating")), {}), ("isdtype", ("dtype:uint8", "numeric"), {}),
    ("isdtype", ("dtype:int8", "dtype:int8"), {}), ("isdtype", ("dtype:int8", "integer"), {}),
    ("isdtype", ("dtype:int8", 3), {}),
    ("result_type", ("dtype:int8", "dtype:uint8"), {}), ("result_type", ("dtype:int8", values("int32"), 3), {}),
    ("result_type", ("dtype:int8", 1.5), {}), ("result_type", ("dtype:bool", "dtype:int8"), {}), ("result_type", (1,), {}),
    ("can_cast", ("dtype:int8", "dtype:int16"), {}), ("can_cast", ("dtype:float64", "dtype:float32"), {}),
    ("can_cast", (values("float32"), "dtype:complex64"), {}), ("clip", (values("float64"), -0.5, 0.5), {}),
    ("clip", (values("int8"),), {"max": 3}), ("clip", (values("int8"), 1.5), {}), ("clip", (values("uint8"), -3, 300), {}),
    ("clip", (values("float32"), values("float32"), None), {}), ("clip", (values("bool"), 0, 1), {}),
    ("clip", (values("int8"),), {}),
    ("fft.fftfreq", (5,), {}), ("fft.rfftfreq", (4,), {"d": 0.5}), ("fft.fftfreq", (5,), {"dtype": "dtype:int8"}),
    ("repeat", (values("int8"), 0), {}), ("nonzero", (np.asarray(1.0),), {}), ("take", (np.arange(3), np.asarray([2, 0])), {}),
    ("matrix_transpose", (np.arange(3),), {}), ("sum", (np.zeros((0, 3)),), {"axis": 0}), ("max", (np.zeros((0, 3)),), {}),
    ("prod", (np.zeros((0,)),), {}), ("mean", (values("float64"),), {"axis": ()}), ("all", (np.zeros((0,)),), {}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "args", "options"), OTHERS, ids=[f"{name}-{n}" for n, (name, _, _) in enumerate(OTHERS)]
)
def test_other_calls(name: str, args: Any, options: Any) -> None:
    agree(name, *args, **options)


MATRIX = np.asarray([[4.0, 1.0, 0.5], [1.0, 3.0, 0.25], [0.5, 0.25, 2.0]])
SINGULAR = np.asarray([[1.0, 2.0], [2.0, 4.0]])


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128", "int64"])
def test_matrices(dtype: str) -> None:
    matrix = MATRIX.astype(dtype)
    if dtype.startswith("complex"):
        matrix = (
            matrix
            + np.triu(np.ones((3, 3)) * 0.5j, 1).astype(dtype)
            - np.tril(np.ones((3, 3)) * 0.5j, -1).astype(dtype)
        )
    stacked = np.stack([matrix, 2 * matrix])
    for x in (matrix, stacked, matrix[0]):
        for name in ("cholesky", "det", "inv", "eigvalsh", "svdvals", "slogdet", "pinv"):
            agree(f"linalg.{name}", x)
        agree("linalg.cholesky", x, upper=True)
        agree("linalg.matrix_power", x, 3)
        agree("linalg.matrix_power", x, -1)
    for second in (matrix[0], matrix[:, :2], stacked[..., :1]):
        agree("linalg.solve", stacked, second)
        agree("linalg.solve", matrix, second)
    if dtype == "int64":
        return
    agree("linalg.matrix_rank", stacked)
    agree("linalg.matrix_rank", SINGULAR.astype(dtype))
    agree("linalg.matrix_rank", matrix, rtol=0.9)
    agree("linalg.cholesky", -matrix)
    x = xp.asarray(stacked)
    vectors = xp.linalg.eigh(x).eigenvectors
    found = vectors * xp.linalg.eigh(x).eigenvalues[:, None, :] @ vectors.mT.conj()
    np.testing.assert_allclose(found.numpy(), stacked, atol=1e-5)
    for full in (True, False):
        u, s, vh = xp.linalg.svd(x[:, :2], full_matrices=full)
        np.testing.assert_allclose(((u * s[:, None, :]) @ vh[:, :2]).numpy(), stacked[:, :2], atol=1e-5)
    for mode in ("reduced", "complete"):
        q, r = xp.linalg.qr(x[..., :2], mode=mode)
        np.testing.assert_allclose((q @ r).numpy(), stacked[..., :2], atol=1e-5)
        assert q.shape == (2, 3, 2 if mode == "reduced" else 3)


NUMBERS = st.integers(-100, 100).map(float) | st.floats(-1e3, 1e3)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_shapes_and_axes(data: st.DataObject) -> None:
    """Reductions and moves of arrays of any shape, over any axes, empty ones included."""
    strict.set_array_api_strict_flags(api_version="2024.12")
    shape = tuple(data.draw(st.lists(st.integers(0, 3), max_size=4)))
    x = np.asarray(
        data.draw(st.lists(NUMBERS, min_size=int(np.prod(shape)), max_size=int(np.prod(shape)))), dtype=np.float64
    )
    x = x.reshape(shape)
    places = st.integers(-len(shape), len(shape) - 1) if shape else st.nothing()
    axes = (
        tuple(data.draw(st.lists(places, unique_by=lambda place: place % len(shape), max_size=len(shape))))
        if shape
        else ()
    )
    axis = data.draw(st.sampled_from([None, axes]))
    keepdims = data.draw(st.booleans())
    for name in ("sum", "prod", "all", "any", "count_nonzero"):
        agree(name, x, axis=axis, keepdims=keepdims)
    if x.size:
        for name in ("max", "min", "mean", "var"):
            agree(name, x, axis=axis, keepdims=keepdims)
    agree("flip", x, axis=axis)
    agree("unique_all", np.round(x))
    agree("concat", [x, x], axis=None)
    if axes:
        agree("roll", x, 1, axis=axes[0])
        agree("sort", x, axis=axes[0])
        agree("cumulative_sum", x, axis=axes[0], include_initial=keepdims)
        agree("stack", [x, x], axis=axes[0])


@settings(max_examples=80, deadline=None)
@given(
    name=st.sampled_from(BINARY), one=st.sampled_from(DTYPES), two=st.sampled_from(DTYPES),
    shapes=st.sampled_from([((2, 3), (3,)), ((2, 1), (1, 3)), ((), (2, 3)), ((2, 3), (2,)), ((0, 3), (1, 3)), ((2, 3),
        (2, 3))]),
)  # fmt: skip
def test_broadcasting(name: str, one: str, two: str, shapes: tuple[tuple[int, ...], tuple[int, ...]]) -> None:
    strict.set_array_api_strict_flags(api_version="2024.12")
    agree(name, *(np.ones(shape, dtype=kind) for shape, kind in zip(shapes, (one, two), strict=True)))


def test_nan_is_a_value_of_its_own() -> None:
    found = xp.unique_all(xp.asarray([np.nan, 1.0, np.nan, 1.0]))
    assert found.counts.tolist() == [2, 1, 1]
    assert found.inverse_indices.tolist() == [1, 0, 2, 0]
    assert found.indices.tolist() == [1, 0, 2]


@pytest.mark.parametrize("device", ["numpy", "opencl:0", "jax:0"])
def test_on_other_devices(device: str) -> None:
    """A round through all groups of functions; the results stay where the arrays are."""
    needed(device)
    x = xp.asarray([[3.0, 1.0], [2.0, 5.0]], dtype=xp.float32, device=device)
    found = {
        "add": xp.add(x, 1), "mean": xp.mean(x, axis=0), "concat": xp.concat([x, x]), "where": xp.where(x > 2, x, 0.0),
        "eye": xp.eye(2, device=device), "take": xp.take(x, xp.asarray([-1], device=device), axis=0), "matmul": xp.matmul(x, x),
    }  # fmt: skip
    if device == "numpy" or FULL:
        found |= {
            "inv": xp.linalg.inv(x), "unique": xp.unique_values(x), "fft": xp.abs(xp.fft.rfft(x)), "sort": xp.sort(x),
            "cumulative": xp.cumulative_sum(x, axis=0), "prod": xp.prod(x), "outer": xp.linalg.outer(x[0], x[1]),
        }  # fmt: skip
        assert found["unique"].cpu().tolist() == [1, 2, 3, 5]
    assert all(each.device == hp.device(device) for each in found.values())
    assert found["add"].cpu().tolist() == [[4, 2], [3, 6]]
    assert found["matmul"].cpu().tolist() == [[11, 8], [16, 27]]
    assert found["take"].cpu().tolist() == [[2, 5]]
    host = xp.asarray([[3.0, 1.0], [2.0, 5.0]], dtype=xp.float32, device="cpu")
    moved = x.to_device("cpu")
    assert moved.device == hp.device("cpu")
    with pytest.raises(HotplugError, match="expected all arrays on one device"):
        xp.add(x, host)


def test_namespace_and_its_description() -> None:
    x = hp.ones(2)
    assert x.__array_namespace__() is x.__array_namespace__(api_version="2024.12") is xp
    with pytest.raises(ValueError, match="version '2030.12' is not supported"):
        x.__array_namespace__(api_version="2030.12")
    with pytest.raises(ValueError, match="no streams"):
        x.to_device("cpu", stream=1)
    info = xp.__array_namespace_info__()
    assert info.capabilities() == {"boolean indexing": True, "data-dependent shapes": True, "max dimensions": 64}
    assert info.default_device() == hp.device("cpu")
    assert {hp.device("cpu"), hp.device("numpy")} <= set(info.devices())
    assert info.default_dtypes()["integral"] is xp.int64
    assert info.default_dtypes()["complex floating"] is xp.complex128
    assert list(info.dtypes(device="numpy")) == ["bool", *DTYPES[1:]]
    assert info.dtypes(kind=("bool", "real floating")) == {
        "bool": xp.bool,
        "float32": xp.float32,
        "float64": xp.float64,
    }
    with pytest.raises(ValueError, match="no kind 'float'"):
        info.dtypes(kind="float")
    assert xp.finfo(xp.complex64).dtype is xp.float32
    assert xp.finfo(xp.float64).eps == np.finfo(np.float64).eps
    assert xp.iinfo(xp.asarray([1], dtype=xp.int8)) == (8, 127, -128, xp.int8)
    for wrong in (
        lambda: xp.finfo(xp.int8),
        lambda: xp.iinfo(xp.bool),
        lambda: xp.zeros(2, dtype=hp.float16),
        lambda: xp.exp(hp.ones(2).half()),
    ):
        with pytest.raises(TypeError, match="expected a"):
            wrong()
    with pytest.raises(AttributeError, match="no such name"):
        xp.softmax  # noqa: B018


def test_asarray() -> None:
    x = xp.asarray([1.0, 2.0])
    assert xp.asarray(x) is x
    assert xp.asarray(x, copy=True) is not x
    assert xp.asarray([x, x]).shape == (2, 2)
    assert xp.asarray(np.arange(3, dtype=np.int16)).dtype is xp.int16
    assert xp.asarray(range(3)).tolist() == [0, 1, 2]
    copied = xp.asarray(source := np.zeros(2), copy=True)
    source += 1
    assert copied.tolist() == [0, 0]
    assert xp.asarray(memoryview(b"ab")).dtype is xp.uint8
    for wrong in (lambda: xp.asarray([1.0], copy=False), lambda: xp.asarray(x, dtype=xp.int8, copy=False)):
        with pytest.raises(ValueError, match="copy=False"):
            wrong()
    with pytest.raises(TypeError, match="expected numbers"):
        xp.asarray(np.asarray(["a"]))
    assert xp.from_dlpack(np.arange(2.0)).tolist() == [0, 1]
    assert xp.reshape(x, (2, 1), copy=False)._array.storage is x._array.storage
    with pytest.raises(ValueError, match="a copy is needed"):
        xp.reshape(xp.permute_dims(xp.ones((2, 3)), (1, 0)), (6,), copy=False)


def test_gradients_flow() -> None:
    x = hp.tensor([1.0, 2.0], requires_grad=True)
    xp.sum(xp.exp(x) * xp.linalg.vector_norm(x)).backward()
    assert x.grad is not None
