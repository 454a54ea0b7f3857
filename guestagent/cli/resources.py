"""`guestagent resources`: clusters through the resource manager. This file has the commands of the service itself."""

from __future__ import annotations

import argparse
import sys

from guestagent.cli.resource_commands import key_verbs, operation_verbs, order_verbs, rebuild_verb, view_verbs
from guestagent.cli.resource_commands.exit_codes import format_exit_codes
from guestagent.cli.resources_service import register_serve
from guestagent.cli.resources_settings import require_resources_extra

DESCRIPTION = """\
The resource manager makes, changes and deletes the servers, data volumes and security groups of clusters, with Heat or
without it. An order is recorded, then worked off: its operation has an id, and goes on when the command ends."""
EXAMPLES = """\
examples:
  guestagent resources preflight -f cluster.yaml
  guestagent resources create shop -f cluster.yaml --wait
  guestagent resources show shop
  guestagent resources resize-volume shop Slave0000 --size 20 --wait
  guestagent resources update-rule shop database --cidr 192.0.2.0/24 --to 198.51.100.0/24
  guestagent resources operations shop
  guestagent resources delete shop --volumes keep --wait"""


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands of this group."""
    parser = commands.add_parser(
        "resources",
        help="make, change and delete clusters through the resource manager",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = parser.add_subparsers(metavar="COMMAND", required=True)
    order_verbs.register(verbs)
    operation_verbs.register(verbs)
    view_verbs.register(verbs)
    key_verbs.register(verbs)
    rebuild_verb.register(verbs)
    register_serve(verbs)
    _register_sample_settings(verbs)


def _register_sample_settings(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser(
        "sample-settings",
        help="print a settings file of the service, with every option",
        description="Print a settings file of the service, with every option, its default and its explanation.",
        epilog=format_exit_codes({0: "printed", 77: "a package is missing"}),
    )
    parser.set_defaults(run=run_sample_settings)


def run_sample_settings(args: argparse.Namespace) -> int:
    """Print the sample."""
    with require_resources_extra():
        from guestagent.resources.oslo_options import write_sample

        sys.stdout.write(write_sample())
    return 0
