"""`guestagent reseed`: an operator has the data of a replica replaced by a new copy of the source's."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING

from guestagent.cli import options
from guestagent.cli.operator_answer import ask_operator
from guestagent.errors import EXIT_OK

if TYPE_CHECKING:
    from guestagent.agent.reseed import ReseedOrder

QUESTION = "What only this replica has is lost. Replace its data? Type yes: "


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "reseed",
        help="replace the data of this replica by a new copy of the source's",
        description="Replace the data of this replica by a new copy of its source's. This is the way out of a diverged "
        "replica, errant transactions, purged binary logs and a broken relay log. The old data stay in place until the "
        "copy is complete, which needs room for both; with --discard they go first. The agent does the work, and "
        "`guestagent seed show` shows how far it is. The document must name a donor (Seeding.Donor), as it does after "
        "`guestagent cluster repair STACK NODE --reseed`, which does the same from the operator's workstation.",
        epilog="exit codes: 0 ordered; 1 rejected, or not confirmed; 2 invalid input, or neither a terminal nor --yes; "
        "8 a file cannot be read or written",
    )
    parser.add_argument(
        "--discard", action="store_true", help="remove the old data before there are new ones"
    )
    parser.add_argument("--yes", action="store_true", help="do it without asking")
    options.add_json_option(parser, "print the order as JSON; requires --yes")
    options.add_config_option(parser)
    parser.set_defaults(run=run_reseed)


def run_reseed(args: argparse.Namespace) -> int:
    """Show the order, ask, note it, and wake the agent daemon."""
    from guestagent.agent import settings
    from guestagent.agent.inbox import DocumentInbox
    from guestagent.agent.reseed import order_reseed

    loaded = settings.load_settings(args.config)

    def show(order: ReseedOrder) -> None:
        if not args.json:
            sys.stdout.write(f"{order}\n")
            sys.stdout.flush()

    order = order_reseed(
        loaded, show, lambda: args.yes or _ask_operator(args.json), discards_data=args.discard
    )
    DocumentInbox(loaded.state_folder, loaded.run_folder).send_wakeup()
    if args.json:
        sys.stdout.write(json.dumps({"ordered": True, **order.as_json()}, indent=2) + "\n")
    else:
        sys.stdout.write("ordered: `guestagent seed show` and `guestagent status` show how far it is\n")
    return EXIT_OK


def _ask_operator(as_json: bool) -> bool:
    """Return whether the person at the terminal answers yes. Raises InvalidInput if there is no terminal."""
    advice = "with --yes it is done without a question"
    return ask_operator(QUESTION, command="reseed", advice=advice, as_json=as_json)
