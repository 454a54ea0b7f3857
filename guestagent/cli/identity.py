"""The command of guestagent-identity.service, which runs at boot before the database server: identity."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict

from guestagent.cli import options

DESCRIPTION = (
    "Compare the instance that cloud-init has identified with the one that this disk was recorded for. The documents,"
    " passwords and pending signals on a copied disk are removed, and the node gets its own machine id and, on MySQL,"
    " server UUID. guestagent-identity.service runs it at boot, before the database server."
)


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "identity", help="give a copied disk an identity of its own (run at boot)", description=DESCRIPTION
    )
    options.add_json_option(parser)
    options.add_config_option(parser)
    parser.set_defaults(run=run_identity)


def run_identity(args: argparse.Namespace) -> int:
    """Settle the identity of this disk, and print its record."""
    import logging

    from guestagent.agent import settings
    from guestagent.agent.instance_check import InstanceCheck
    from guestagent.agent.log_format import configure_log
    from guestagent.agent.server_instance import identify_server_instance

    configure_log(logging.WARNING)
    loaded = settings.load_settings(args.config)
    if identify_server_instance(loaded.database_socket) is None:
        # At boot the server waits for this command, which must neither wait for it nor need long itself.
        record = InstanceCheck(loaded).settle_identity()
    else:
        from guestagent.agent import wiring

        record = wiring.settle_identity(loaded)
    if args.json:
        sys.stdout.write(
            json.dumps({"instance": None if record is None else asdict(record)}, indent=2) + "\n"
        )
    elif record is None:
        sys.stdout.write("no instance: cloud-init has identified none\n")
    else:
        origin = f", on a disk copied from instance {record.origin}" if record.origin else ""
        sys.stdout.write(f"instance {record.instance_id}{origin}\n")
    return 0
