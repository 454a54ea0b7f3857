"""The commands before and after manual work on a node: pause, resume."""

from __future__ import annotations

import argparse
import json
import os
import pwd
import sys
from dataclasses import asdict
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from guestagent.cli import options

if TYPE_CHECKING:
    from guestagent.agent.settings import Settings


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands to the command line."""
    parser = commands.add_parser(
        "pause",
        help="stop the agent from changing this node until resume",
        description="The agent only observes and reports from now on, even after a restart of the agent, the database "
        "server or the machine. A statement that was already sent is completed, and a seed that was "
        "already requested goes on.",
    )
    parser.add_argument(
        "--reason", default="", metavar="TEXT", help="the reason, for status and for the signal to Heat"
    )
    options.add_json_option(parser)
    options.add_config_option(parser)
    parser.set_defaults(run=run_pause)
    parser = commands.add_parser(
        "resume",
        help="end a pause; the agent then repairs the node at once",
        description="End a pause. The resident agent then repairs the node at once.",
    )
    options.add_json_option(parser)
    options.add_config_option(parser)
    parser.set_defaults(run=run_resume)


def run_pause(args: argparse.Namespace) -> int:
    """Write the pause, and wake the resident agent, which shows it."""
    from guestagent.agent import pause, settings

    loaded = settings.load_settings(args.config)
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    present_pause = pause.Pause(_get_user_name(), now, " ".join(args.reason.split()))
    pause.write_pause(loaded.state_folder, present_pause)
    _wake_agent(loaded)
    answer = json.dumps({"paused": asdict(present_pause)}, indent=2) if args.json else str(present_pause)
    sys.stdout.write(f"{answer}\n")
    return 0


def run_resume(args: argparse.Namespace) -> int:
    """Remove the pause, and wake the resident agent."""
    from guestagent.agent import pause, settings

    loaded = settings.load_settings(args.config)
    former_pause = pause.remove_pause(loaded.state_folder)
    _wake_agent(loaded)
    if args.json:
        former = None if former_pause is None else asdict(former_pause)
        sys.stdout.write(json.dumps({"paused": None, "was": former}, indent=2) + "\n")
    else:
        sys.stdout.write("resumed\n" if former_pause is None else f"resumed; it was {former_pause}\n")
    return 0


def _wake_agent(settings: Settings) -> None:
    from guestagent.agent.inbox import DocumentInbox

    DocumentInbox(settings.state_folder, settings.run_folder).send_wakeup()


def _get_user_name() -> str:
    """Return the user who called sudo, or the user of the process."""
    try:
        return os.environ.get("SUDO_USER") or pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"
