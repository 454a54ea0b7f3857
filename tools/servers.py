#!/usr/bin/env python3
"""Fetch what the tests start unpacked: all database servers and the message broker, or what is named."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from guestagent.embedded.database_servers import FLAVOURS, provide_root
from guestagent.embedded.database_servers.unpacked_root import ProgramPackages
from guestagent.embedded.real_cloud.packages import CloudPackages
from guestagent.errors import GuestAgentError
from tests.support.message_broker.broker_packages import BrokerPackages

BROKER, CLOUD = BrokerPackages(), CloudPackages()
SERVERS: dict[str, ProgramPackages] = {**FLAVOURS, BROKER.name: BROKER}
PROGRAMS: dict[str, ProgramPackages] = {**SERVERS, CLOUD.name: CLOUD}
"""The services of OpenStack are large, and few tests need them."""


def main(names: list[str]) -> int:
    """Side by side, for they wait for the network and for decompression in turn. The first error's exit code, or 0."""
    unknown = [name for name in names if name not in PROGRAMS]
    if unknown:
        say(f"there is no {unknown[0]}: there are {', '.join(PROGRAMS)}")
        return 2
    wanted = [PROGRAMS[name] for name in names] or list(SERVERS.values())
    with ThreadPoolExecutor(len(wanted)) as pool:
        return max(pool.map(provided, wanted))


def provided(program: ProgramPackages) -> int:
    """Exit code for one."""
    try:
        provide_root(program, say)
    except GuestAgentError as error:
        say(str(error))
        return error.exit_code
    return 0


def say(said: str) -> None:
    """Progress is for whoever watches."""
    print(f"servers: {said}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
