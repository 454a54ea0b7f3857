#!/usr/bin/env python3
"""Fetch what the tests start unpacked: all database servers and the message broker, or what is named.

A release of OpenStack is one of these names, too.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from guestagent.embedded.database_servers import FLAVOURS, provide_root
from guestagent.embedded.database_servers.unpacked_root import ProgramPackages
from guestagent.embedded.real_cloud.cloud_release import DEBIAN_NAME, PYPI_PACKAGES
from guestagent.embedded.real_cloud.provided_release import provide_release
from guestagent.embedded.real_heat.empty_databases import open_cache_folder
from guestagent.errors import GuestAgentError
from tests.support.message_broker.broker_packages import BrokerPackages

BROKER = BrokerPackages()
SERVERS: dict[str, ProgramPackages] = {**FLAVOURS, BROKER.name: BROKER}
RELEASES = (DEBIAN_NAME, *PYPI_PACKAGES)
"""The services of OpenStack are large, and few tests need them."""


def main(names: list[str]) -> int:
    """Side by side, for they wait for the network and for decompression in turn. The first error's exit code, or 0."""
    unknown = [name for name in names if name not in (*SERVERS, *RELEASES)]
    if unknown:
        say(f"there is no {unknown[0]}: there are {', '.join((*SERVERS, *RELEASES))}")
        return 2
    wanted = [build_task(name) for name in names or SERVERS]
    with ThreadPoolExecutor(len(wanted)) as pool:
        return max(pool.map(provided, wanted))


def build_task(name: str) -> Callable[[], object]:
    """What fetches one."""
    if name in SERVERS:
        return partial(provide_root, SERVERS[name], say)
    return lambda: provide_release(name, open_cache_folder(), say)


def provided(task: Callable[[], object]) -> int:
    """Exit code for one."""
    try:
        task()
    except GuestAgentError as error:
        say(str(error))
        return error.exit_code
    return 0


def say(said: str) -> None:
    """Progress is for whoever watches."""
    print(f"servers: {said}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
