"""Modules that are imported when they are first used, although another package imports them when it is imported."""

from __future__ import annotations

import sys
from importlib.util import find_spec, module_from_spec
from threading import RLock
from types import ModuleType
from typing import Any

_LOCK = RLock()
_LOADING = "_is_loading"


class DeferredModule(ModuleType):
    """A module that runs its code when an attribute is needed that it does not have yet.

    importlib's LazyLoader would not do: it runs the code when `from package import module` is executed.
    """

    def __getattr__(self, name: str) -> Any:
        with _LOCK:
            if type(self) is DeferredModule:
                if _LOADING in self.__dict__:  # the module's own code asks for what it does not have yet
                    raise AttributeError(name)
                self._load_package()
                if type(self) is DeferredModule:  # its package has not imported it
                    self._load()
        return getattr(self, name)

    def _load_package(self) -> None:
        """Load the package first, as an import would: a module may need what its package imports before it."""
        package = sys.modules.get(self.__name__.rpartition(".")[0])
        if type(package) is DeferredModule and _LOADING not in package.__dict__:
            package._load()

    def _load(self) -> None:
        spec = self.__spec__
        assert spec is not None
        assert spec.loader is not None
        self.__dict__[_LOADING] = True
        try:
            spec.loader.exec_module(self)
        finally:
            del self.__dict__[_LOADING]
        self.__class__ = ModuleType  # type: ignore[assignment]


def defer_modules(*names: str) -> None:
    """Defer the import of these modules. Those that were imported before stay; a missing one stays missing.

    To import a module of a deferred package does not run the package's code if the module is deferred after it.
    """
    for name in names:
        if name not in sys.modules:
            try:
                spec = find_spec(name)
            except ImportError:  # of its package
                continue
            if spec is not None:
                module = module_from_spec(spec)
                module.__class__ = DeferredModule
                sys.modules[name] = module
                package_name, _, short_name = name.rpartition(".")
                if package_name:  # as an import would
                    setattr(sys.modules[package_name], short_name, module)
