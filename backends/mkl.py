"""PyTorch's question about MKL."""


def is_available() -> bool:
    """Never: Hotplug does not use it."""
    return False
