"""The commands of a guest: status, plan, apply; and those of its services: serve, poke, collect."""

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

METADATA_HELP = "use this document (YAML or JSON; - reads standard input) instead of the collected one"


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands to the command line."""
    _add_status(commands)
    _add_plan(commands)
    _add_apply(commands)
    serve = commands.add_parser(
        "serve",
        help="run the agent daemon",
        description="Run the resident agent: it applies newer metadata at once, repairs drift and signals Heat.",
    )
    options.add_config_option(serve)
    serve.set_defaults(run=run_serve)
    poke = commands.add_parser(
        "poke",
        help="pass new metadata to the agent (called by os-collect-config)",
        description="Pass the document in OS_CONFIG_FILES to the resident agent, and return at once.",
    )
    options.add_config_option(poke)
    poke.set_defaults(run=run_poke)
    collect = commands.add_parser(
        "collect",
        help="run os-collect-config (run by its service)",
        description="Run os-collect-config with its own configuration, in less memory than its own program needs:"
        " libraries that no configured collector uses are not imported.",
    )
    collect.set_defaults(run=run_collect)


def _add_status(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "status",
        help="show whether this node is ready, and every check, the worst first",
        description="Show the role of this node and every check of its database server. Exit code 1 if the node is not"
        " ready, if the last result is too old, or if the server does not run.",
    )
    options.add_json_option(parser)
    options.add_config_option(parser)
    parser.set_defaults(run=run_status)


def _add_plan(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "plan",
        help="show the steps of apply and their SQL; change nothing",
        description="Show what `apply` would do now, with every secret masked. Changes nothing.",
    )
    parser.add_argument(
        "--metadata", metavar="FILE", help=METADATA_HELP + "; of a template, every node is shown"
    )
    parser.add_argument("--node", metavar="NAME", help="show only this node of a template")
    parser.add_argument("--offline", action="store_true", help="assume an empty server; do not connect")
    parser.add_argument(
        "--db",
        choices=("mariadb", "mysql"),
        default="mariadb",
        help="the database whose SQL --offline shows (default: mariadb)",
    )
    options.add_json_option(parser)
    options.add_config_option(parser)
    parser.set_defaults(run=run_plan)


def _add_apply(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "apply",
        help="apply the metadata to the database server, and signal Heat",
        description="Apply the metadata in the foreground until the node is ready or has failed, then signal Heat.",
    )
    parser.add_argument("--metadata", metavar="FILE", help=METADATA_HELP)
    parser.add_argument("--no-signal", action="store_true", help="do not signal Heat")
    options.add_json_option(parser)
    options.add_config_option(parser)
    parser.set_defaults(run=run_apply)


def run_status(args: argparse.Namespace) -> int:
    """Print the status of the last pass, and whether it is still valid."""
    from guestagent.agent import pause, settings, status
    from guestagent.agent.freshness import assess_freshness, describe_doubt, describe_freshness
    from guestagent.agent.kept_file_advice import describe_kept_file
    from guestagent.agent.signal_status import describe_signal
    from guestagent.agent.verification_status import read_last_verification
    from guestagent.agent.volume_condition import judge_volume_unit
    from guestagent.agent.volume_observer import observe_volume
    from guestagent.unreadable_file import list_quarantined_files

    loaded = settings.load_settings(args.config)
    last_status = status.read_status(loaded.state_folder / "status.json")
    shown_status = last_status or status.AgentStatus(
        "waiting", "no Heat metadata received yet (run guestagent doctor)"
    )
    freshness = assess_freshness(loaded, shown_status)
    if not freshness.is_current and (condition := judge_volume_unit(observe_volume(loaded.volume))):
        # The agent starts after the unit of the volume, and shows its work only then.
        others = tuple(each for each in shown_status.conditions if each.name != condition.name)
        shown_status = replace(shown_status, conditions=(condition, *others))
    shown_status = replace(shown_status, signal=describe_signal(loaded, state=shown_status.state))
    present_pause = pause.read_pause(loaded.state_folder)
    verification = read_last_verification(loaded.state_folder)
    if args.json:
        paused = {"paused": None if present_pause is None else asdict(present_pause)}
        unreadable = {"unreadable": [path.name for path in list_quarantined_files(loaded.state_folder)]}
        verified = {"verification": None if verification is None else verification.as_json()}
        _print_json(shown_status.as_json() | freshness.as_json() | paused | unreadable | verified)
    else:
        lines = describe_freshness(freshness, loaded) + (
            [] if present_pause is None else [str(present_pause)]
        )
        lines += [] if verification is None else [f"verified {verification}"]
        lines += [
            f"file     {line}"
            for line in map(describe_kept_file, list_quarantined_files(loaded.state_folder))
        ]
        doubt = "" if last_status is None else describe_doubt(freshness)
        sys.stdout.write(
            _format_status(shown_status, doubt) + "".join(f"  {escape_line(line)}\n" for line in lines)
        )
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
        nodes = [plan.as_json() for plan in plans]
        _print_json(nodes[0] if len(nodes) == 1 else {"nodes": nodes})
    else:
        sys.stdout.write("\n".join(str(plan) for plan in plans) + "\n")
    return 0


def run_apply(args: argparse.Namespace) -> int:
    """Apply the metadata. The exit code is 0 if the node is ready."""
    from guestagent.agent import apply, settings
    from guestagent.agent.endpoint_environment import find_missing_variables

    os.environ.update(find_missing_variables(os.environ))
    loaded = settings.load_settings(args.config)
    text, name = (None, "") if args.metadata is None else read_input(args.metadata)
    report_progress = _ignore_line if args.json else _print_progress
    result = apply.apply_document(loaded, text, name, signals=not args.no_signal, tell=report_progress)
    if args.json:
        _print_json(result.as_json())
    else:
        sys.stdout.write(_format_status(result))
    return 0 if result.is_ready else NotReady.exit_code


def run_serve(args: argparse.Namespace) -> int:
    """Run the daemon until SIGTERM."""
    from guestagent.agent import daemon, settings

    return daemon.run_daemon(settings.load_settings(args.config))


def run_poke(args: argparse.Namespace) -> int:
    """Pass the metadata to the agent."""
    import logging

    from guestagent.agent import settings
    from guestagent.agent.log_format import configure_log
    from guestagent.agent.poke import deliver_document

    configure_log(logging.WARNING)
    deliver_document(os.environ, settings.load_settings(args.config))
    return 0


def run_collect(args: argparse.Namespace) -> int:
    """Run os-collect-config until it is killed."""
    from guestagent.agent.collector_start import run_collector

    return run_collector()


def _ignore_line(line: str) -> None:
    """Print no progress, because a program reads only the result."""


def _print_progress(line: str) -> None:
    sys.stderr.write(escape_line(line) + "\n")


def _print_json(value: object) -> None:
    sys.stdout.write(json.dumps(value, indent=2) + "\n")


def _format_status(status: AgentStatus, doubt: str = "") -> str:
    node = f"{status.node or 'this node'}" + (f" ({status.role})" if status.role else "")
    state = f"was {status.state} {doubt}" if doubt else status.state
    lines = [f"{node}: {state}" + (f", {status.doing}" if status.doing and not doubt else "")]
    lines += [f"  problem  {problem}" for problem in status.problems]
    for condition in status.conditions:
        is_held = str(condition.state) == "held"
        expected = "" if is_held else f" (expected {condition.expected})"
        lines.append(f"  {condition.state!s:8} {condition.name}: {condition.actual}{expected}")
        if condition.advice and not is_held:
            lines.append(f"           {condition.advice}")
    if status.signal:
        lines.append(f"  signal   {status.signal}")
    return "".join(f"{escape_line(line)}\n" for line in lines)
