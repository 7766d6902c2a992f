"""Strided views of a value of one axis, without a gather wherever the axes nest.

Where each axis steps over all that the following ones reach, memory is cut into ever smaller equal pieces, and a view
is a reshape that takes the first element of each; a write puts elements and zeros together the other way round.
"""

import jax
import jax.numpy as jnp
from jax import lax

from hotplug.backend import Layout, Steps, steps_of


def _fit(value: jax.Array, length: int) -> jax.Array:
    """The last axis cut or padded with zeros."""
    value = value[..., :length]
    return jnp.pad(value, [(0, 0)] * (value.ndim - 1) + [(0, length - value.shape[-1])])


def _positions(found: Steps) -> jax.Array:
    """For every element, its distance from the first one in memory."""
    along = jnp.indices(found.sizes, jnp.int64, sparse=True)
    return jnp.asarray(sum(each * step for each, step in zip(along, found.steps, strict=True)))


def view(value: jax.Array, layout: Layout, offset: jax.Array) -> jax.Array:
    """The elements that a layout reads, in its shape."""
    found, (low, high) = steps_of(layout), layout.extent()
    part = lax.dynamic_slice(value, (offset + low,), (high - low + 1,))
    if found.nested:
        for size, step in zip(found.sizes, found.steps, strict=True):
            part = _fit(part, size * step).reshape(*part.shape[:-1], size, step)
        part = part[..., 0]
    else:
        part = part[_positions(found)]
    part = lax.rev(part, found.reversed)
    kept = sorted(found.axes)
    return lax.broadcast_in_dim(part.transpose([found.axes.index(axis) for axis in kept]), layout.shape, kept)


def update_view(value: jax.Array, new: jax.Array, layout: Layout, offset: jax.Array) -> jax.Array:
    """The value with the elements that a layout names replaced."""
    found, (low, high) = steps_of(layout), layout.extent()
    length = high - low + 1
    kept = sorted(found.axes)
    new = new.reshape([layout.shape[axis] for axis in kept]).transpose([kept.index(axis) for axis in found.axes])
    new = lax.rev(new, found.reversed)
    if not found.nested:
        return value.at[offset + low + _positions(found)].set(new, unique_indices=True)
    if length != layout.numel:
        chosen = _spread(jnp.ones_like(new, bool), found, length)
        new = jnp.where(chosen, _spread(new, found, length), lax.dynamic_slice(value, (offset + low,), (length,)))
    return lax.dynamic_update_slice(value, new.reshape(-1), (offset + low,))


def _spread(new: jax.Array, found: Steps, length: int) -> jax.Array:
    """Elements at their distances from the first one in memory, zeros between them; one axis."""
    new = new[..., None]
    for step in reversed(found.steps):
        new = _fit(new, step)
        new = new.reshape(*new.shape[:-2], -1)
    return _fit(new, length)
