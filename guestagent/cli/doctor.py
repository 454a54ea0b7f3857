"""`guestagent doctor`: prints the report on this node, line by line."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from guestagent.cli import options
from guestagent.cli.output import get_terminal
from guestagent.errors import NotReady
from guestagent.text_escaping import escape_line

if TYPE_CHECKING:
    from guestagent.agent.doctor import Finding

COLOURS = {"fail": "31", "warn": "33", "ok": "32"}


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "doctor",
        help="find out why this node is not ready, or why Heat got no signal",
        description=(
            "Check the metadata, its collector and the server that it asks for updates, the agent, disks, the "
            "wait condition handle and the connection to it, the clock, the database server and the connection to "
            "its source. Each line is ok, warn or fail, with advice; fail means that the node cannot become "
            "ready, that its signal cannot reach Heat, or that updates of its metadata do not reach it. The "
            "doctor changes nothing, sends no signal and shows no secret, so the report can be pasted into a "
            "ticket. "
            "Exit code 1 if any line is fail."
        ),
    )
    options.add_json_option(parser)
    options.add_config_option(parser)
    parser.set_defaults(run=run_doctor)


def run_doctor(args: argparse.Namespace) -> int:
    """Print the report. The exit code is for scripts."""
    from guestagent.agent import settings, wiring
    from guestagent.agent.doctor import Probes, examine_node
    from guestagent.agent.endpoint_environment import find_missing_variables
    from guestagent.retry import SystemClock

    os.environ.update(find_missing_variables(os.environ))
    loaded = settings.load_settings(args.config)
    findings = examine_node(loaded, wiring.build_dependencies(loaded, SystemClock()), Probes())
    return _print_json(findings) if args.json else _print_text(findings)


def _print_json(findings: Iterable[Finding]) -> int:
    entries = [finding.as_json() for finding in findings]
    grades = Counter(entry["grade"] for entry in entries)
    sys.stdout.write(json.dumps({"findings": entries, "counts": dict(grades)}, indent=2) + "\n")
    return _choose_exit_code(grades)


def _print_text(findings: Iterable[Finding]) -> int:
    grades: Counter[str] = Counter()
    has_colours = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    for finding in findings:
        grades[str(finding.grade)] += 1
        stream = get_terminal(sys.stdout) if has_colours else sys.stdout
        stream.writelines(f"{line}\n" for line in _format_finding(finding, has_colours=has_colours))
        sys.stdout.flush()  # the next probe may take seconds
    sys.stdout.write(f"{grades['fail']} fail, {grades['warn']} warn, {grades['ok']} ok\n")
    return _choose_exit_code(grades)


def _format_finding(finding: Finding, *, has_colours: bool) -> Iterator[str]:
    grade = str(finding.grade)
    label = f"\033[{COLOURS[grade]}m{grade:4}\033[0m" if has_colours else f"{grade:4}"
    yield f"{label}  {escape_line(f'{finding.topic}, {finding.name}: {finding.actual}')}"
    if finding.advice:
        yield f"      {escape_line(finding.advice)}"


def _choose_exit_code(grades: Counter[str]) -> int:
    return NotReady.exit_code if grades["fail"] else 0
