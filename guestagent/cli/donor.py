"""`guestagent donor`: what the donor's unit executes on a MariaDB source."""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

from guestagent.cli import options
from guestagent.cli.output import write_log_line
from guestagent.cli.termination import watch_termination


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
    options.add_config_option(serve)
    serve.set_defaults(run=run_server)


def run_server(args: argparse.Namespace) -> int:
    """Serve until the configuration is removed, or until SIGTERM. Only one service runs at a time."""
    from guestagent.agent.settings import load_settings
    from guestagent.file_lock import hold_lock
    from guestagent.seeding.donor import DonorEnvironment, DonorFiles, DonorServer

    is_stopping = watch_termination()
    files = DonorFiles(load_settings(args.config).state_folder)
    temporary = Path(tempfile.gettempdir()) / f"guestagent-donor-{os.geteuid()}"
    with hold_lock(files.lock, 0.0):
        DonorServer(files.configuration, DonorEnvironment(temporary, write_log_line), is_stopping).serve()
    return 0
