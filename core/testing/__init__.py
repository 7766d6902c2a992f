"""``hotplug.testing``: comparisons that say what differs, and tensors to test with, under PyTorch's names."""

from hotplug.testing.comparison import assert_allclose as assert_allclose, assert_close as assert_close
from hotplug.testing.creation import make_tensor as make_tensor

__all__ = ["assert_allclose", "assert_close", "make_tensor"]
