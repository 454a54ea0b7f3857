"""The start of os-collect-config in this process, without the libraries that no configured collector needs.

os-collect-config imports the clients of Keystone and Zaqar and lxml in any case, and wrapt imports asyncio. Deferred,
they cost memory and time only if Heat has configured a collector that uses them.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from guestagent.charset_detection import defer_charset_detection
from guestagent.deferred_modules import defer_modules

LOG = logging.getLogger("guestagent")
PROGRAM = "os-collect-config"
DEFERRED_MODULES = (
    "keystoneclient.v3",
    "keystoneclient.v3.client",
    "keystoneclient.discover",
    "zaqarclient.queues.v2",
    "zaqarclient.queues.v2.client",
    "zaqarclient.transport",
    "zaqarclient.transport.request",
    "dogpile.cache",
    "lxml.etree",
    "asyncio",
)
"""Each package before its modules. One that a version does not have is imported by nobody, and left out."""


def run_collector(execute: Callable[[str, list[str]], object] = os.execv) -> int:
    """Run os-collect-config until it is killed.

    It replaces itself by executing `sys.argv` when its configuration has changed, so `sys.argv` must stay as it is. If
    it cannot run with deferred modules, its own program is executed, which defers none.
    """
    try:
        defer_charset_detection()
        defer_modules(*DEFERRED_MODULES)
        return int(import_module("os_collect_config.collect").main(args=[PROGRAM]) or 0)
    except (ImportError, AttributeError) as error:
        program = Path(sys.argv[0]).with_name(PROGRAM)
        LOG.warning("%s: running %s with all its libraries", error, program)
        execute(str(program), [str(program)])
        raise
