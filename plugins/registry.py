"""The registry of backends: names to instances, lazily, once, and from several threads.

Programs use the module's functions, which are the methods of one :class:`Registry`.
"""

from __future__ import annotations

import difflib
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from typing import Final, Generic, NoReturn, TypeVar, final

from hotplug.backend import CONTRACT_VERSION, Backend, DeviceInfo
from hotplug.errors import DeviceError, PluginError
from hotplug.plugins import discovery
from hotplug.plugins.certificates import Certificate, found as certificates_of
from hotplug.plugins.hookspecs import BackendSpec, DecoratorSpec
from hotplug.plugins.report import DeviceRow, rows

KNOWN: Final = {
    "opencl": "pip install --upgrade 'hotplug[opencl]'",
    "cuda": "pip install --upgrade 'hotplug[cuda12]'",
    "jax": "pip install hotplug-jax",
}
"""Devices that exist for Hotplug, and what installs them; read only where no installed plugin brings them."""

Spec = TypeVar("Spec", BackendSpec, DecoratorSpec)


@final
@dataclass(frozen=True, slots=True)
class Claim(Generic[Spec]):
    """A plugin's claim to a name."""

    spec: Spec
    plugin: str
    distribution: str
    module: str = ""

    def __str__(self) -> str:
        return f"plugin {self.plugin!r} of {self.distribution}"


PROGRAM: Final = "the running program"
"""Stands for the distribution of what :meth:`Registry.register` registered."""


@final
class Registry:
    """All backends and decorators there are.  Entry points are read on first use, not before."""

    def __init__(self, entries: Callable[[], Iterable[EntryPoint]] = discovery.installed) -> None:
        self._entries: Final = entries
        self._lock: Final = threading.RLock()  # re-entrant: a factory may ask for the backend that it builds upon
        self._loaded = False
        self._broken: list[discovery.Plugin] = []
        self._claims: dict[str, list[Claim[BackendSpec]]] = {}
        self._decorators: dict[str, list[Claim[DecoratorSpec]]] = {}
        self._backends: dict[str, Backend] = {}
        self._hardware: dict[str, tuple[DeviceInfo, ...]] = {}

    def backend(self, name: str) -> Backend:
        """The backend called ``name``, made on its first use.  ``"profile+cpu"`` is ``cpu`` decorated with ``profile``.

        Raises:
            DeviceError: the name is unknown, or its factory failed; the message says what to install.
            PluginError: the plugin broke, two plugins claim the name, or it speaks no version of our contract.
        """
        found = self._backends.get(name)
        if found is None:
            with self._lock:
                found = self._backends.get(name)
                if found is None:
                    found = self._backends[name] = self._decorate(name) if "+" in name else self._make(name)
        return found

    def hardware(self, name: str) -> tuple[DeviceInfo, ...]:
        """The devices of a backend, at least one; asked for once.

        Raises:
            DeviceError: there are none; besides what :meth:`backend` raises.
        """
        found = self._hardware.get(name)
        if found is None:
            backend = self.backend(name)
            try:
                found = tuple(backend.devices())
                if not found:
                    raise DeviceError("the backend found no hardware")
                if not all(isinstance(each, DeviceInfo) for each in found):
                    raise PluginError(f"devices() returned {found}, expected DeviceInfo records")
            except Exception as error:
                raise self._unavailable(name, error) from error
            self._hardware[name] = found
        return found

    def device_info(self, name: str, index: int) -> DeviceInfo:
        """What is known of device ``index`` of a backend.

        Raises:
            DeviceError: there is no such index; besides what :meth:`hardware` raises.
        """
        found = self.hardware(name)
        if not 0 <= index < len(found):
            there = f"{name}:0" if len(found) == 1 else f"{name}:0 to {name}:{len(found) - 1}"
            raise DeviceError(f"device '{name}:{index}' does not exist: {name!r} has {len(found)} of them; use {there}")
        return found[index]

    def select(self, name: str, words: str) -> int:
        """The index of the one device of a backend that words fit: its type, its name, a part of its name, or a part of its
        platform's, as ``devices()`` gives them; the first of these that fits any device counts.  Case is ignored.

        Raises:
            DeviceError: no device fits, or several do; the message lists all.  Besides what :meth:`hardware` raises.
        """
        found = self.hardware(name)
        wanted = words.casefold()
        texts = [
            (
                each.index,
                each.details.get("type", "").casefold(),
                each.name.casefold(),
                each.details.get("platform", ""),
            )
            for each in found
        ]
        ways = (
            [index for index, kind, _, _ in texts if kind == wanted],
            [index for index, _, full, _ in texts if full == wanted],
            [index for index, _, full, _ in texts if wanted in full],
            [index for index, _, _, platform in texts if wanted in platform.casefold()],
        )
        fitting = next((each for each in ways if each), [])
        if len(fitting) == 1:
            return fitting[0]
        several = f"{len(fitting)} devices fit" if fitting else "no device fits"
        there = ", ".join(_listed(name, each) for each in found)
        raise DeviceError(f"device '{name}:{words}': {several}; there are {there}; name one by its index")

    def validate(self, name: str) -> None:
        """Raise the error for an unknown name, without making the backend."""
        *decorators, base = name.split("+")
        for decorator in decorators:
            self._decorator(name, decorator)
        self._load()
        if base not in self._claims:
            self._raise_unknown(base)

    def names(self) -> list[str]:
        """Names of the backends that installed plugins bring, whether their hardware is there or not."""
        self._load()
        return sorted(self._claims)

    def decorators(self) -> list[str]:
        """Names of the decorators that installed plugins bring."""
        self._load()
        return sorted(self._decorators)

    def broken(self) -> list[discovery.Plugin]:
        """The plugins that failed to load."""
        self._load()
        return list(self._broken)

    def source(self, name: str) -> str:
        """Name and version of the distributions that bring ``name``."""
        self._load()
        return ", ".join(claim.distribution for claim in self._claims[name])

    def certificates(self, name: str) -> list[Certificate]:
        """The certificates of a backend that its plugin ships, the newest first."""
        self._load()
        return certificates_of([claim.module for claim in self._claims.get(name, [])], name)

    def hint(self, name: str) -> str:
        """What the plugin says to do where its backend is unavailable; empty if it says nothing."""
        self._load()
        claims = self._claims.get(name.rpartition("+")[2], [])
        return claims[0].spec.hint if len(claims) == 1 else ""

    def report(self) -> list[DeviceRow]:
        """One row for each device, and for each that is unavailable, with the reason.  Never raises."""
        return rows(self, KNOWN)

    def register(self, spec: BackendSpec | DecoratorSpec) -> None:
        """Add a backend or a decorator from the running program, beside what the entry points bring."""
        with self._lock:
            if isinstance(spec, BackendSpec):
                self._claims.setdefault(spec.name, []).append(Claim(spec, spec.name, PROGRAM))
            else:
                self._decorators.setdefault(spec.name, []).append(Claim(spec, spec.name, PROGRAM))
            self._forget(spec.name)

    def unregister(self, name: str) -> None:
        """Take back what :meth:`register` added under ``name``.  Tensors that live on such a device stay usable."""
        with self._lock:
            _drop(self._claims, name)
            _drop(self._decorators, name)
            self._forget(name)

    def _forget(self, name: str) -> None:
        for each in [each for each in self._backends if name in each.split("+")]:
            del self._backends[each]
            self._hardware.pop(each, None)

    def _load(self) -> None:
        if self._loaded:
            return
        with self._lock:
            if self._loaded:
                return
            for plugin in map(discovery.load, self._entries()):
                if plugin.error is not None:
                    self._broken.append(plugin)
                for backend in plugin.backends:
                    self._claims.setdefault(backend.name, []).append(
                        Claim(backend, plugin.name, plugin.distribution, plugin.module)
                    )
                for each in plugin.decorators:
                    self._decorators.setdefault(each.name, []).append(Claim(each, plugin.name, plugin.distribution))
            self._loaded = True

    def _make(self, name: str) -> Backend:
        self._load()
        if name not in self._claims:
            self._raise_unknown(name)
        claim = _only(name, self._claims[name])
        try:
            made = claim.spec.factory()
        except Exception as error:
            raise self._unavailable(name, error) from error
        _check_backend(made, claim)
        return made

    def _decorate(self, name: str) -> Backend:
        prefix, _, rest = name.partition("+")
        claim = self._decorator(name, prefix)
        inner = self.backend(rest)
        try:
            made = claim.spec.wrap(inner)
        except Exception as error:
            raise PluginError(f"device {name!r}: {claim} failed to wrap {rest!r}: {_line(error)}") from error
        if made is inner or not isinstance(made, Backend):
            raise PluginError(f"device {name!r}: {claim} must return a new Backend around {rest!r}, got {made!r}")
        made.name, made.numbered = name, inner.numbered
        return made

    def _decorator(self, name: str, prefix: str) -> Claim[DecoratorSpec]:
        self._load()
        if prefix not in self._decorators:
            raise DeviceError(
                f"device {name!r}: decorator {prefix!r} is unknown{_nearest(prefix, self._decorators)}; "
                f"installed decorators: {', '.join(sorted(self._decorators)) or 'none'}"
            )
        return _only(name, self._decorators[prefix])

    def _unavailable(self, name: str, error: Exception) -> DeviceError:
        hint = self.hint(name)
        return DeviceError(f"device {name!r} is unavailable: {_line(error)}{'; ' if hint else ''}{hint}")

    def _raise_unknown(self, name: str) -> NoReturn:
        for plugin in self._broken:
            if plugin.name == name and plugin.error is not None:
                raise PluginError(
                    f"device {name!r}: plugin {plugin.name!r} of {plugin.distribution} failed to load: "
                    f"{_line(plugin.error)}; repair or uninstall that distribution"
                ) from plugin.error
        missing = {known: command for known, command in KNOWN.items() if known not in self._claims}
        notes = [f"installed: {', '.join(sorted(self._claims)) or 'none (reinstall hotplug)'}"]
        if name in missing:
            raise DeviceError(f"device {name!r} is not installed; {missing[name]}; {notes[0]}")
        if missing:
            notes.append(f"not installed: {', '.join(f'{known} ({command})' for known, command in missing.items())}")
        if self._broken:
            notes.append(f"failed to load: {', '.join(each.name for each in self._broken)} (see 'hotplug devices')")
        nearest = _nearest(name, [*self._claims, *KNOWN])
        raise DeviceError(f"device type {name!r} is unknown{nearest}; {'; '.join(notes)}")


def _listed(name: str, info: DeviceInfo) -> str:
    """A device as a message lists it: ``opencl:0 (pthread-AMD EPYC, CPU, Portable Computing Language)``."""
    notes = [info.name, *(info.details[each] for each in ("type", "platform") if info.details.get(each))]
    return f"{name}:{info.index} ({', '.join(notes)})"


def _only(name: str, claims: list[Claim[Spec]]) -> Claim[Spec]:
    if len(claims) > 1:
        raise PluginError(
            f"device {name!r}: {len(claims)} plugins claim the name {claims[0].spec.name!r}: "
            f"{' and '.join(map(str, claims))}; uninstall all but one of them"
        )
    return claims[0]


def _drop(table: dict[str, list[Claim[Spec]]], name: str) -> None:
    kept = [claim for claim in table.pop(name, []) if claim.distribution != PROGRAM]
    if kept:
        table[name] = kept


def _check_backend(made: object, claim: Claim[BackendSpec]) -> None:
    name = claim.spec.name
    if not isinstance(made, Backend):
        raise PluginError(f"device {name!r}: {claim} must make a hotplug.backend.Backend, got {made!r}")
    if getattr(made, "name", None) != name:
        raise PluginError(f"device {name!r}: {claim} made a backend with another name, {getattr(made, 'name', None)!r}")
    try:
        low, high = ((int(major), int(minor)) for major, minor in made.contract)
    except (TypeError, ValueError) as error:
        raise PluginError(
            f"device {name!r}: {claim} must declare its contract range as ((major, minor), (major, minor)), "
            f"got {made.contract!r}"
        ) from error
    # A minor version only adds what has a default: a plugin made for an older minor version still works.
    if not (low <= CONTRACT_VERSION and CONTRACT_VERSION[0] <= high[0]):
        ours = "{}.{}".format(*CONTRACT_VERSION)
        theirs = "{}.{} to {}.{}".format(*low, *high)
        advice = "upgrade hotplug" if low > CONTRACT_VERSION else "upgrade the plugin"
        raise PluginError(
            f"device {name!r}: {claim} speaks contract versions {theirs}, this Hotplug speaks {ours}; {advice}"
        )


def _nearest(name: str, candidates: Iterable[str]) -> str:
    near = difflib.get_close_matches(name.lower(), list(candidates), n=1, cutoff=0.5)
    return f" (did you mean {near[0]!r}?)" if near else ""


def _line(error: BaseException) -> str:
    first = next(iter(str(error).splitlines()), "")
    return f"{type(error).__name__}: {first}" if first else type(error).__name__


_registry: Final = Registry()
backend = _registry.backend
broken = _registry.broken
decorators = _registry.decorators
device_info = _registry.device_info
hardware = _registry.hardware
names = _registry.names
register = _registry.register
report = _registry.report
select = _registry.select
source = _registry.source
unregister = _registry.unregister
validate = _registry.validate
