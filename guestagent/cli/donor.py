"""`guestagent donor`: what the donor's unit executes on a MariaDB source."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
from pathlib import Path


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands of this group."""
    group = commands.add_parser(
        "donor",
        help="stream backups of this MariaDB source to the replicas that join it",
        description="The donor of a MariaDB source. Its agent configures it while a replica joins, and the unit "
        "guestagent-donor runs it.",
    )
    actions = group.add_subparsers(metavar="ACTION", required=True)
    serve = actions.add_parser(
        "serve",
        help="serve the replicas of the configuration until it is removed",
        description="Listen on the port of the configuration, and stream a backup to each replica that it names, one "
        "at a time. Changes of the configuration apply at once. The service ends when the file is removed.",
    )
    serve.add_argument(
        "--configuration",
        metavar="FILE",
        type=Path,
        help="the file that the agent writes (default: /run/guestagent-donor/donor.json)",
    )
    serve.set_defaults(run=run_server)


def run_server(args: argparse.Namespace) -> int:
    """Serve until the configuration is removed, or until SIGTERM."""
    from guestagent.file_lock import hold_lock
    from guestagent.seeding.donor import DEFAULT_CONFIGURATION, DonorEnvironment, DonorServer
    from guestagent.seeding.donor.configuration import LOCK_FILE

    received: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, frame: received.append(number))
    path = args.configuration or DEFAULT_CONFIGURATION
    temporary = Path(tempfile.gettempdir()) / f"guestagent-donor-{os.geteuid()}"
    with hold_lock(path.with_name(LOCK_FILE), 0.0):
        DonorServer(path, DonorEnvironment(temporary, _log), lambda: bool(received)).serve()
    return 0


def _log(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
