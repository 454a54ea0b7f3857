"""The libraries with which requests guesses the encoding of a text, and encodes the names of hosts."""

from __future__ import annotations

import sys
from contextlib import suppress
from importlib import import_module

from guestagent.deferred_modules import DeferredModule, defer_modules

DETECTION_PACKAGE, HOST_NAME_PACKAGE = "charset_normalizer", "idna"


def defer_charset_detection() -> None:
    """Defer both before requests is imported. They take 4 MiB, and Heat's responses need neither.

    requests compares the version of the first one when it is imported, so that is imported at once.
    """
    defer_modules(DETECTION_PACKAGE, HOST_NAME_PACKAGE)
    package = sys.modules.get(DETECTION_PACKAGE)
    if type(package) is DeferredModule:
        with suppress(ImportError, AttributeError):  # requests then imports all of it
            package.__dict__["__version__"] = import_module(f"{DETECTION_PACKAGE}.version").__version__
