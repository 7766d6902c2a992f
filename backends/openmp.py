"""PyTorch's question about OpenMP."""


def is_available() -> bool:
    """Never: Hotplug does not use it."""
    return False
