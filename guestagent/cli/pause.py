"""What an operator types before and after working on a node by hand: pause, resume."""

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
        help="leave this node alone until resume",
        description="From now on the agent looks and reports, and changes nothing: also after a restart of it, of the "
        "server or of the machine. A statement that was already sent is finished.",
    )
    parser.add_argument("--reason", default="", metavar="TEXT", help="why; shown in status and told to Heat")
    options.add_json_option(parser)
    options.add_config_option(parser)
    parser.set_defaults(run=run_pause)
    parser = commands.add_parser(
        "resume",
        help="end a pause, and repair at once",
        description="End a pause. The resident agent repairs at once what was left alone.",
    )
    options.add_json_option(parser)
    options.add_config_option(parser)
    parser.set_defaults(run=run_resume)


def run_pause(args: argparse.Namespace) -> int:
    """Keep the mark, and have the resident agent show it."""
    from guestagent.agent import pause, settings

    loaded = settings.load_settings(args.config)
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    mark = pause.Pause(_whoever(), now, " ".join(args.reason.split()))
    pause.write_pause(loaded.state_folder, mark)
    _ring(loaded)
    sys.stdout.write(f"{json.dumps({'paused': asdict(mark)}, indent=2) if args.json else mark}\n")
    return 0


def run_resume(args: argparse.Namespace) -> int:
    """Take the mark away, and have the resident agent look."""
    from guestagent.agent import pause, settings

    loaded = settings.load_settings(args.config)
    stood = pause.remove_pause(loaded.state_folder)
    _ring(loaded)
    if args.json:
        was = None if stood is None else asdict(stood)
        sys.stdout.write(json.dumps({"paused": None, "was": was}, indent=2) + "\n")
    else:
        sys.stdout.write("resumed\n" if stood is None else f"resumed; it was {stood}\n")
    return 0


def _ring(settings: Settings) -> None:
    from guestagent.agent.inbox import DocumentInbox

    DocumentInbox(settings.state_folder, settings.run_folder).send_wakeup()


def _whoever() -> str:
    """The person behind sudo, or the user of the process."""
    try:
        return os.environ.get("SUDO_USER") or pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"
