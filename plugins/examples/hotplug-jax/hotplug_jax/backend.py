"""The device ``jax``: each key is a pure function, compiled by XLA for the shapes that it meets."""

from collections.abc import Callable, Sequence
from typing import Any, final

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from hotplug.backend import Capabilities, Compute, DeviceInfo, FunctionalBackend, OpKey, dtypes
from hotplug_jax import views
from hotplug_jax.families import pure


@final
class JaxBackend(FunctionalBackend):
    """All devices of JAX's default platform, as a functional engine: values of one axis that are never written.

    JAX narrows 64-bit types unless told otherwise.  That switch is set around our own calls only, not for the program.
    """

    name = "jax"

    def __init__(self) -> None:
        super().__init__()
        self._devices = jax.devices()

    def devices(self) -> Sequence[DeviceInfo]:
        found = []
        for position, device in enumerate(self._devices):
            limit = (device.memory_stats() or {}).get("bytes_limit", 0)
            details = {"platform": device.platform, "jax": jax.__version__}
            found.append(DeviceInfo(position, f"XLA {device.device_kind}", limit, details))
        return found

    def capabilities(self, index: int) -> Capabilities:
        return Capabilities(asynchronous=True, denormals=False, functional=True)  # XLA flushes denormals to zero

    def compute(self, index: int, key: OpKey) -> Compute | None:
        return pure(key)

    def compile(self, index: int, function: Callable[..., Any]) -> Callable[..., Any]:
        place = jax.sharding.SingleDeviceSharding(self._devices[index])
        compiled = jax.jit(function, out_shardings=place)

        def call(*operands: Any) -> Any:
            with jax.enable_x64(True):
                return compiled(*operands)

        return call

    def put(self, index: int, data: bytes, dtype: dtypes.dtype) -> jax.Array:
        with jax.enable_x64(True):
            return jax.device_put(np.frombuffer(data, dtype.numpy), self._devices[index])

    def zeros(self, index: int, dtype: dtypes.dtype, count: int) -> jax.Array:
        with jax.enable_x64(True):
            return jnp.zeros(count, dtype.numpy, device=self._devices[index])

    def fetch(self, value: jax.Array) -> memoryview:
        return np.asarray(value).reshape(-1).view(np.uint8).data

    def describe(self, value: jax.Array) -> tuple[dtypes.dtype, int]:
        return dtypes.from_numpy(value.dtype), value.size

    def wait(self, index: int) -> None:
        jax.block_until_ready([each for each in jax.live_arrays() if self._devices[index] in each.devices()])

    # What follows is called inside of a function that `compile` compiles: a view and its kernel are one program.

    def bitcast(self, value: jax.Array, dtype: dtypes.dtype) -> jax.Array:
        value = value.astype(jnp.uint8) if value.dtype == bool else value
        target = np.dtype(np.uint8) if dtype.kind == "b" else dtype.numpy
        group = target.itemsize // value.dtype.itemsize
        if group > 1:
            value = jnp.pad(value, (0, -value.size % group)).reshape(-1, group)
        value = lax.bitcast_convert_type(value, target).reshape(-1)
        return value != 0 if dtype.kind == "b" else value

    view = staticmethod(views.view)
    update_view = staticmethod(views.update_view)

    def reshape(self, value: jax.Array, shape: tuple[int, ...]) -> jax.Array:
        return value.reshape(shape)
