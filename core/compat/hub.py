"""What stands for ``torch.hub`` in programs written for PyTorch: Hotplug downloads nothing."""

from __future__ import annotations

import os
from typing import Any

from hotplug.errors import CapabilityError


def get_dir() -> str:
    """The folder that PyTorch keeps downloads in; programs may find files there."""
    home = os.environ.get("TORCH_HOME") or os.path.join(os.environ.get("XDG_CACHE_HOME") or "~/.cache", "torch")  # noqa: PTH118
    return os.path.join(os.path.expanduser(home), "hub")  # noqa: PTH111, PTH118


def _get_torch_home() -> str:
    return os.path.dirname(get_dir())  # noqa: PTH120


def load_state_dict_from_url(url: str, *args: Any, **kwargs: Any) -> Any:
    """Refused.

    Raises:
        CapabilityError: always; it says what to do.
    """
    raise CapabilityError(f"torch.hub: Hotplug downloads nothing; get {url} yourself and read it with torch.load")


load = download_url_to_file = load_state_dict_from_url
