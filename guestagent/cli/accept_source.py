"""What an operator types on a parted replica whose source is right: accept-source."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING

from guestagent.cli import options
from guestagent.errors import GuestAgentError, InvalidInput, Problem

if TYPE_CHECKING:
    from guestagent.agent.accept_source import HistoryComparison

QUESTION = """\
The agent will start the channel. It compares transactions by their numbers: rows that differ stay different.
Accept the source as it is? Type yes: """


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "accept-source",
        help="let a parted replica follow its source again",
        description="Let a replica that has parted from its source follow it again: the agent starts no channel once "
        "the two histories have differed, or changes were left out. Compare the data first (docs/how-to/guest.md). The "
        "command shows both histories and what is missing on either side, then asks. It is refused while the replica "
        "has transactions that the source lacks, while a setting of the replica leaves out changes, or while the "
        "source cannot be read.",
        epilog="exit codes: 0 accepted, or not parted at all; 1 refused, or not confirmed; 2 invalid input, or no "
        "terminal to confirm at without --yes; 3 the database server of this node does not answer, or refused; 8 the "
        "journal cannot be read or written",
    )
    parser.add_argument("--yes", action="store_true", help="accept without a question")
    options.add_json_option(parser, "answer in JSON; needs --yes to accept")
    options.add_config_option(parser)
    parser.set_defaults(run=run_accept_source)


def run_accept_source(args: argparse.Namespace) -> int:
    """Compare, ask, write the journal, and have the resident agent look."""
    from guestagent.agent import settings
    from guestagent.agent.accept_source import accept_diverged_source
    from guestagent.agent.inbox import DocumentInbox

    loaded = settings.load_settings(args.config)
    shown: list[HistoryComparison] = []

    def show(compared: HistoryComparison) -> None:
        shown.append(compared)
        if not args.json:
            _show(compared)

    try:
        compared = accept_diverged_source(loaded, show, lambda: args.yes or _ask(args.json))
    except GuestAgentError as error:
        if shown:
            error.details = {"comparison": shown[-1].as_json()}
        raise
    accepted = compared.divergence is not None
    if accepted:
        DocumentInbox(loaded.state_folder, loaded.run_folder).send_wakeup()
    if args.json:
        sys.stdout.write(json.dumps({"accepted": accepted, **compared.as_json()}, indent=2) + "\n")
    elif accepted:
        sys.stdout.write(f"accepted: the channel may follow {compared.source} again\n")
    return 0


def _show(compared: HistoryComparison) -> None:
    sys.stdout.write(f"{compared}\n")
    sys.stdout.flush()


def _ask(as_json: bool) -> bool:
    """Return whether the person at the terminal says yes; InvalidInput if there is none to ask."""
    if as_json or not sys.stdin.isatty():
        found = "--json, which cannot ask" if as_json else "no terminal to confirm at"
        do = "compare the data first; with --yes the source is accepted without a question"
        raise InvalidInput([Problem("accept-source", "--yes", found, do)])
    sys.stdout.write(QUESTION)
    sys.stdout.flush()
    return sys.stdin.readline().strip().lower() == "yes"
