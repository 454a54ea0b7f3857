"""`guestagent accept-source`: an operator lets a diverged replica follow its source again."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING

from guestagent.cli import options
from guestagent.cli.operator_answer import ask_operator
from guestagent.errors import EXIT_OK, GuestAgentError

if TYPE_CHECKING:
    from guestagent.agent.accept_source import HistoryComparison

QUESTION = """\
The agent will start replication. It compares transactions only by their numbers: rows that differ stay different.
Accept the source as it is? Type yes: """


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "accept-source",
        help="let a diverged replica follow its source again",
        description="Let a replica that has diverged from its source follow it again. The agent does not start "
        "replication after the executed GTIDs of the two have differed, or after the replica has left out changes. "
        "Compare the data first. The command shows the executed GTIDs of both servers and what is missing on either "
        "side, then asks for confirmation. It is rejected while the replica has transactions that the source lacks, "
        "while a setting of the replica leaves out changes, or while the source cannot be read.",
        epilog="exit codes: 0 accepted, or not diverged at all; 1 rejected, or not confirmed; 2 invalid input, or "
        "neither a terminal nor --yes; 3 the database server of this node does not answer, or returned an error; 8 "
        "the journal cannot be read or written",
    )
    parser.add_argument("--yes", action="store_true", help="accept without asking")
    options.add_json_option(parser, "print the result as JSON; requires --yes to accept")
    options.add_config_option(parser)
    parser.set_defaults(run=run_accept_source)


def run_accept_source(args: argparse.Namespace) -> int:
    """Compare, ask, write the journal, and wake the agent daemon."""
    from guestagent.agent import settings
    from guestagent.agent.accept_source import accept_diverged_source
    from guestagent.agent.inbox import DocumentInbox

    loaded = settings.load_settings(args.config)
    shown_comparisons: list[HistoryComparison] = []

    def show(comparison: HistoryComparison) -> None:
        shown_comparisons.append(comparison)
        if not args.json:
            _show_comparison(comparison)

    try:
        comparison = accept_diverged_source(loaded, show, lambda: args.yes or _ask_operator(args.json))
    except GuestAgentError as error:
        if shown_comparisons:
            error.details = {"comparison": shown_comparisons[-1].as_json()}
        raise
    is_accepted = comparison.divergence is not None
    if is_accepted:
        DocumentInbox(loaded.state_folder, loaded.run_folder).send_wakeup()
    if args.json:
        sys.stdout.write(json.dumps({"accepted": is_accepted, **comparison.as_json()}, indent=2) + "\n")
    elif is_accepted:
        sys.stdout.write(f"accepted: the channel may follow {comparison.source} again\n")
    return EXIT_OK


def _show_comparison(comparison: HistoryComparison) -> None:
    sys.stdout.write(f"{comparison}\n")
    sys.stdout.flush()


def _ask_operator(as_json: bool) -> bool:
    """Return whether the person at the terminal answers yes. Raises InvalidInput if there is no terminal."""
    advice = "compare the data first; with --yes the source is accepted without a question"
    return ask_operator(QUESTION, command="accept-source", advice=advice, as_json=as_json)
