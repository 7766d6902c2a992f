"""Programs written for PyTorch, unchanged: Hotplug under the name ``torch``."""

from hotplug.compat.torch_name import install_as_torch as install_as_torch, uninstall as uninstall

__all__ = ["install_as_torch", "uninstall"]
