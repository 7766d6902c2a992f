"""Arrays of more than 2^31 elements, of one byte each: offsets need more than 32 bits."""

from __future__ import annotations

import os

import pytest

import hotplug as hp

SIZE = 2**31 + 64
PLACES = (5, 2**31, SIZE - 1)

pytestmark = pytest.mark.skipif(
    os.environ.get("HOTPLUG_LARGE_MEMORY") != "1",
    reason="takes 8 GiB of memory and a minute or more; HOTPLUG_LARGE_MEMORY=1 runs it",
)


def test_elements_beyond_31_bits() -> None:
    x = hp.zeros(SIZE, dtype=hp.int8)
    for place, value in zip(PLACES, (3, -2, 7), strict=True):
        x[place] = value
    assert (x.sum().item(), x.amax().item(), x.amin().item()) == (8, 7, -2)
    assert (x.argmax().item(), x.argmin().item()) == (SIZE - 1, 2**31)
    halves = x.view(2, SIZE // 2)
    assert halves.sum(1).tolist() == [3, 5]
    assert halves.amax(0)[-1].item() == 7
    assert x[::2].sum().item() == -2
    index = hp.tensor(PLACES)
    for found in (x[index], x.gather(0, index), x.index_select(0, index)):
        assert found.tolist() == [3, -2, 7]
    x.index_add_(0, index, hp.ones(3, dtype=hp.int8))
    assert hp.cat([x[:6], x[-1:]]).tolist() == [0, 0, 0, 0, 0, 4, 8]
    assert (x + 1)[index].tolist() == [5, 0, 9]
    assert (x != 0).sum().item() == 3
    assert x[: 2**31].view(2**11, 2**20).t().contiguous()[5, 0].item() == 4
