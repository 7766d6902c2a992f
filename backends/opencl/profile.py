"""Profiles: any device behaves like another one, named by ``HOTPLUG_OPENCL_PROFILE``.

``apple`` is what Apple's OpenCL offers on a GPU: version 1.2, no double precision, no half precision in arithmetic,
work-groups of at most 256, 32 KiB of local memory, no 64-bit atomics.  ``gpu`` withholds nothing.  Under both, kernels
are chosen as for a GPU, so that those with work-groups and barriers run on a processor too, where they are slow.

A profile is enforced, not only declared: the text of a program that uses more is refused before the driver sees it,
since the driver would take it.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple, final

from hotplug.errors import DeviceError

VARIABLE: Final = "HOTPLUG_OPENCL_PROFILE"

_COMMENT: Final = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_TOO_MUCH: Final = (
    (re.compile(r"\bcl_khr_fp64\b|\bdouble(2|3|4|8|16)?\b"), "double precision"),
    (re.compile(r"(?<![\w.])(\d+\.\d*|\.\d+|\d+(?=[eE]))([eE][+-]?\d+)?(?![\w.])"), "a constant in double precision"),
    (re.compile(r"\bcl_khr_fp16\b|\bhalf(2|3|4|8|16)\b"), "half precision in arithmetic"),
    (re.compile(r"\bcl_khr_int64_(base|extended)_atomics\b|\batom_\w+"), "64-bit atomics"),
    (re.compile(r"\batomic_(load|store|fetch|exchange|compare|init|flag)\w*|\bwork_group_\w+\("), "OpenCL 2"),
    (re.compile(r"\b(cl_\w*|intel_|get_|)sub_?group\w*"), "subgroups"),
)
_GROUP: Final = re.compile(r"reqd_work_group_size\s*\(\s*(\d+)\s*,\s*(\d+)\s*,\s*(\d+)\s*\)")


class Profile(NamedTuple):
    """What a device may have at most; 0 or empty where nothing is withheld."""

    name: str
    version: str = ""
    work_group: int = 0
    local_memory: int = 0
    withheld: tuple[str, ...] = ()
    """Beginnings of the names of extensions that the device has not."""

    def problem(self, text: str) -> str:
        """What the text of a program uses that the profile lacks; empty if nothing."""
        if not self.withheld:
            return ""
        bare = _COMMENT.sub(" ", text)
        for pattern, meaning in _TOO_MUCH:
            found = pattern.search(bare)
            if found:
                return f"the text uses {meaning} ({found[0].strip()!r})"
        for found in _GROUP.finditer(bare):
            if math.prod(map(int, found.groups())) > self.work_group:
                return f"the text asks for work-groups of {' x '.join(found.groups())}"
        return ""


PROFILES: Final[Mapping[str, Profile]] = {
    "apple": Profile(
        "apple", "OpenCL 1.2", 256, 32 << 10,
        ("cl_khr_fp64", "cl_khr_fp16", "cl_khr_int64", "cl_khr_subgroup", "cl_intel_", "cl_ext_"),
    ),
    "gpu": Profile("gpu"),
}  # fmt: skip


@final
class Restricted:
    """A device's handle that answers as a profile has it."""

    def __init__(self, handle: Any, profile: Profile) -> None:
        self.real: Final = handle
        self.profile: Final = profile
        self._answers: Final[dict[str, Any]] = {}
        if not profile.withheld:
            return
        kept = [each for each in handle.extensions.split() if not each.startswith(profile.withheld)]
        self._answers.update({
            "max_work_group_size": min(int(handle.max_work_group_size), profile.work_group),
            "max_work_item_sizes": [min(int(each), profile.work_group) for each in handle.max_work_item_sizes],
            "local_mem_size": min(int(handle.local_mem_size), profile.local_memory),
            "extensions": " ".join(kept), "double_fp_config": 0, "half_fp_config": 0,
            "version": f"{profile.version} (the profile {profile.name}; in fact {handle.version.strip()})",
            "opencl_c_version": profile.version.replace("OpenCL", "OpenCL C"),
        })  # fmt: skip

    def __getattr__(self, name: str) -> Any:
        answers = self.__dict__["_answers"]
        return answers[name] if name in answers else getattr(self.real, name)


def applied(handle: Any) -> Any:
    """The handle as the profile that the environment names has it; unchanged where none is named.

    Raises:
        DeviceError: there is no such profile.
    """
    name = os.environ.get(VARIABLE, "")
    if not name:
        return handle
    found = PROFILES.get(name.lower())
    if found is None:
        raise DeviceError(f"{VARIABLE}={name}: there is no such profile; expected {' or '.join(PROFILES)}, or nothing")
    return Restricted(handle, found)


def of(handle: Any) -> Profile | None:
    """The profile under which a handle is."""
    return handle.profile if isinstance(handle, Restricted) else None


def real(handle: Any) -> Any:
    """The handle that the driver knows."""
    return handle.real if isinstance(handle, Restricted) else handle
