#!/usr/bin/env python3
"""Fetch the database servers that the tests and the demo start: all flavours, or those that are named."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

from guestagent.embedded.database_servers import FLAVOURS, Flavour, provide_root
from guestagent.errors import GuestAgentError


def main(names: list[str]) -> int:
    """Side by side, for they wait for the network and for decompression in turn. The first error's exit code, or 0."""
    unknown = [name for name in names if name not in FLAVOURS]
    if unknown:
        say(f"there is no {unknown[0]}: the flavours are {', '.join(FLAVOURS)}")
        return 2
    wanted = [FLAVOURS[name] for name in names] or list(FLAVOURS.values())
    with ThreadPoolExecutor(len(wanted)) as pool:
        return max(pool.map(provided, wanted))


def provided(flavour: Flavour) -> int:
    """Exit code for one."""
    try:
        provide_root(flavour, say)
    except GuestAgentError as error:
        say(str(error))
        return error.exit_code
    return 0


def say(said: str) -> None:
    """Progress is for whoever watches."""
    print(f"servers: {said}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
