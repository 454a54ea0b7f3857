"""What is typed in a guest: status, plan, apply; and what runs there: serve, poke."""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from guestagent.cli import options
from guestagent.cli.input_file import read_input
from guestagent.errors import NotReady
from guestagent.text_escaping import escape_line

if TYPE_CHECKING:
    from guestagent.agent.status import AgentStatus

METADATA_HELP = "work on this document (YAML or JSON; - reads standard input) instead of the collected one"


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands to the command line."""
    _status(commands)
    _plan(commands)
    _apply(commands)
    serve = commands.add_parser(
        "serve",
        help="stay and keep the server as its metadata says",
        description="The resident agent: works on every newer document at once, repairs drift, delivers signals.",
    )
    options.add_config_option(serve)
    serve.set_defaults(run=run_serve)
    poke = commands.add_parser(
        "poke",
        help="hand collected metadata over (os-collect-config's command)",
        description="Hand the document in OS_CONFIG_FILES over to the resident agent, and return at once.",
    )
    options.add_config_option(poke)
    poke.set_defaults(run=run_poke)


def _status(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "status",
        help="show every condition of this node, the worst first",
        description="Show what this node was asked to be and how far it is. Exit code 1 while it is not ready, if the"
        " last look at the server is too old to count, or if the server does not run.",
    )
    options.add_json_option(parser)
    options.add_config_option(parser)
    parser.set_defaults(run=run_status)


def _plan(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "plan",
        help="show the steps and their SQL; change nothing",
        description="A dry run: what `apply` would do now, with every secret masked. Changes nothing.",
    )
    parser.add_argument("--metadata", metavar="FILE", help=METADATA_HELP + "; a template is taken apart")
    parser.add_argument("--node", metavar="NAME", help="of a template, this node only")
    parser.add_argument("--offline", action="store_true", help="against an empty fresh server; none is asked")
    parser.add_argument(
        "--db",
        choices=("mariadb", "mysql"),
        default="mariadb",
        help="whose SQL --offline shows (default: mariadb)",
    )
    options.add_json_option(parser)
    options.add_config_option(parser)
    parser.set_defaults(run=run_plan)


def _apply(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "apply",
        help="make the server what its metadata says, and signal",
        description="One pass to the end in the foreground: until ready, or until it cannot be; then the signal.",
    )
    parser.add_argument("--metadata", metavar="FILE", help=METADATA_HELP)
    parser.add_argument("--no-signal", action="store_true", help="do not tell the handle")
    options.add_json_option(parser)
    options.add_config_option(parser)
    parser.set_defaults(run=run_apply)


def run_status(args: argparse.Namespace) -> int:
    """Print the status that the last pass left, and whether it still counts."""
    from guestagent.agent import pause, settings, status
    from guestagent.agent.freshness import assess_freshness, describe_doubt, describe_freshness
    from guestagent.agent.kept_file_advice import describe_kept_file
    from guestagent.agent.signal_status import describe_signal
    from guestagent.unreadable_file import list_quarantined_files

    loaded = settings.load_settings(args.config)
    written = status.read_status(loaded.state_folder / "status.json")
    found = written or status.AgentStatus("waiting", "no metadata has been seen here yet")
    found = replace(found, signal=describe_signal(loaded, state=found.state))
    freshness = assess_freshness(loaded, found)
    mark = pause.read_pause(loaded.state_folder)
    if args.json:
        paused = {"paused": None if mark is None else asdict(mark)}
        unreadable = {"unreadable": [path.name for path in list_quarantined_files(loaded.state_folder)]}
        _print_json(found.as_json() | freshness.as_json() | paused | unreadable)
    else:
        lines = describe_freshness(freshness, loaded) + ([] if mark is None else [str(mark)])
        lines += [
            f"file     {line}"
            for line in map(describe_kept_file, list_quarantined_files(loaded.state_folder))
        ]
        doubt = "" if written is None else describe_doubt(freshness)
        sys.stdout.write(_shown(found, doubt) + "".join(f"  {escape_line(line)}\n" for line in lines))
    return 0 if freshness.is_ready else NotReady.exit_code


def run_plan(args: argparse.Namespace) -> int:
    """Print the plan of one document, or of every node of a template."""
    from guestagent.agent import dry_run, settings

    loaded, family = settings.load_settings(args.config), args.db if args.offline else None
    if args.metadata is None:
        plans = dry_run.plan_collected_document(loaded, offline=family)
    else:
        text, name = read_input(args.metadata)
        plans = dry_run.plan_text(text, name, args.node, loaded, offline=family)
    if args.json:
        shown = [plan.as_json() for plan in plans]
        _print_json(shown[0] if len(shown) == 1 else {"nodes": shown})
    else:
        sys.stdout.write("\n".join(str(plan) for plan in plans) + "\n")
    return 0


def run_apply(args: argparse.Namespace) -> int:
    """One pass to the end; the exit code says how far it came."""
    from guestagent.agent import apply, settings

    loaded = settings.load_settings(args.config)
    text, name = (None, "") if args.metadata is None else read_input(args.metadata)
    tell = _quiet if args.json else _progress
    result = apply.apply_document(loaded, text, name, signals=not args.no_signal, tell=tell)
    if args.json:
        _print_json(result.as_json())
    else:
        sys.stdout.write(_shown(result))
    return 0 if result.is_ready else NotReady.exit_code


def run_serve(args: argparse.Namespace) -> int:
    """Run until SIGTERM."""
    from guestagent.agent import daemon, settings

    return daemon.run_daemon(settings.load_settings(args.config))


def run_poke(args: argparse.Namespace) -> int:
    """Hand over and return."""
    import logging

    from guestagent.agent import settings
    from guestagent.agent.log_format import configure_log
    from guestagent.agent.poke import deliver_document

    configure_log(logging.WARNING)
    deliver_document(os.environ, settings.load_settings(args.config))
    return 0


def _quiet(line: str) -> None:
    """Programs read the answer, not the way to it."""


def _progress(line: str) -> None:
    sys.stderr.write(escape_line(line) + "\n")


def _print_json(value: object) -> None:
    sys.stdout.write(json.dumps(value, indent=2) + "\n")


def _shown(status: AgentStatus, doubt: str = "") -> str:
    who = f"{status.node or 'this node'}" + (f" ({status.role})" if status.role else "")
    state = f"was {status.state} {doubt}" if doubt else status.state
    lines = [f"{who}: {state}" + (f", {status.doing}" if status.doing and not doubt else "")]
    lines += [f"  problem  {problem}" for problem in status.problems]
    for condition in status.conditions:
        held = str(condition.state) == "held"
        wanted = "" if held else f" (wanted {condition.expected})"
        lines.append(f"  {condition.state!s:8} {condition.name}: {condition.actual}{wanted}")
        if condition.advice and not held:
            lines.append(f"           {condition.advice}")
    if status.signal:
        lines.append(f"  signal   {status.signal}")
    return "".join(f"{escape_line(line)}\n" for line in lines)
