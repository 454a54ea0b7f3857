"""`guestagent doctor`: the report on this node, line by line as it is made."""

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
        help="say why this node is not ready, or was not heard",
        description=(
            "Looks at the metadata and its collector, the agent, disks, the handle and the way to it, the clock, the "
            "database server and the way to its source. Each line is ok, warn or fail, with what to do. Changes "
            "nothing and signals nobody; shows no secret, so that it can be pasted into a ticket. "
            "Exit code 1 where anything is fail."
        ),
    )
    options.add_json_option(parser)
    options.add_config_option(parser)
    parser.set_defaults(run=run_doctor)


def run_doctor(args: argparse.Namespace) -> int:
    """Examine, and print; the exit code is for scripts."""
    from guestagent.agent import settings, wiring
    from guestagent.agent.doctor import Probes, examine_node
    from guestagent.retry import SystemClock

    loaded = settings.load_settings(args.config)
    findings = examine_node(loaded, wiring.build_dependencies(loaded, SystemClock()), Probes())
    return _as_json(findings) if args.json else _as_text(findings)


def _as_json(findings: Iterable[Finding]) -> int:
    shown = [finding.as_json() for finding in findings]
    grades = Counter(finding["grade"] for finding in shown)
    sys.stdout.write(json.dumps({"findings": shown, "counts": dict(grades)}, indent=2) + "\n")
    return _code(grades)


def _as_text(findings: Iterable[Finding]) -> int:
    grades: Counter[str] = Counter()
    coloured = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    for finding in findings:
        grades[str(finding.grade)] += 1
        stream = get_terminal(sys.stdout) if coloured else sys.stdout
        stream.writelines(f"{line}\n" for line in _lines(finding, coloured))
        sys.stdout.flush()  # a probe may take its seconds: what is known already is shown
    sys.stdout.write(f"{grades['fail']} fail, {grades['warn']} warn, {grades['ok']} ok\n")
    return _code(grades)


def _lines(finding: Finding, coloured: bool) -> Iterator[str]:
    grade = str(finding.grade)
    shown = f"\033[{COLOURS[grade]}m{grade:4}\033[0m" if coloured else f"{grade:4}"
    yield f"{shown}  {escape_line(f'{finding.topic}, {finding.name}: {finding.actual}')}"
    if finding.advice:
        yield f"      {escape_line(finding.advice)}"


def _code(grades: Counter[str]) -> int:
    return NotReady.exit_code if grades["fail"] else 0
