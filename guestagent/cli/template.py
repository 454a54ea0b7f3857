"""`guestagent cluster template` and its like: templates and files, without a cloud."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING

from guestagent.cli import options
from guestagent.cli.given import HELP, given
from guestagent.cli.numbers import whole_number
from guestagent.errors import InvalidTemplate, Problem

if TYPE_CHECKING:
    from guestagent.controller import Cluster
    from guestagent.controller.origin import Adoption

FINE, INVALID = 0, 2
MOST_AUTH_TTL = 10**6  # as a cluster.yaml


def register(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add these verbs to `cluster`."""
    _template(verbs)
    _convert(verbs)
    _lint(verbs)


def _template(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser(
        "template",
        help="print the template of a cluster.yaml; no cloud takes part",
        description="Print the template that `create` would launch, as YAML.",
    )
    parser.add_argument("file", metavar="FILE", help=f"a cluster.yaml; {HELP}")
    options.dialect(parser, "the file's `dialect`, or hot")
    options.as_json(parser, "as JSON")
    parser.set_defaults(run=run_template)


def _convert(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser(
        "convert",
        help="print a cluster's template in the other dialect; no cloud takes part",
        description="Print the template of a cluster in the other dialect, as YAML, for a stack of its own: as an "
        "update of the stack that it came from it would replace every server. Of a template written by hand as in 2013 "
        "the servers are taken over; stderr lists what is wrong in it and what the new template leaves behind.",
    )
    parser.add_argument("file", metavar="FILE", help=f"a cluster's template, YAML or JSON; {HELP}")
    options.dialect(parser, "the one that the file is not in")
    options.as_json(parser, "as JSON")
    parser.set_defaults(run=run_convert)


def _lint(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser(
        "lint",
        help="check a template for errors and known pitfalls of Heat, without a cloud",
        description="Check a template of either dialect, without a cloud, for what Heat rejects or does badly: names "
        "that refer to nothing, unknown versions, functions, sections and types of parameters, circles, limits of a "
        "stack, and wait conditions whose signal cannot arrive. Resource types and their properties are not checked "
        "against a Heat. Each problem is one line; nothing is printed if there is none. Exit code 2 if there is a "
        "problem.",
    )
    parser.add_argument("file", metavar="FILE", help=f"a template, YAML or JSON; {HELP}")
    parser.add_argument(
        "--auth-ttl",
        type=whole_number(1, MOST_AUTH_TTL, "seconds"),
        default=900,
        metavar="SECONDS",
        help="how long the cloud accepts a handle's URL (default: 900)",
    )
    options.as_json(parser)
    parser.set_defaults(run=run_lint)


def run_template(args: argparse.Namespace) -> int:
    """Print the template."""
    from guestagent.controller.description import described

    return _say(args, in_dialect(described(*given(args.file)).cluster, args.dialect))


def run_convert(args: argparse.Namespace) -> int:
    """Print a template in the other dialect, and on stderr what it leaves behind."""
    from guestagent.controller import Dialect, parse
    from guestagent.controller.description import loaded
    from guestagent.controller.origin import adopt, is_ours

    text, where = given(args.file)
    template = loaded(text, InvalidTemplate, where)
    if is_ours(template):
        cluster = parse(template)
    else:
        adoption = adopt(template)
        cluster = adoption.cluster
        _report(args, adoption)
    other = Dialect.CFN if cluster.dialect is Dialect.HOT else Dialect.HOT
    return _say(args, in_dialect(cluster, args.dialect or other))


def _report(args: argparse.Namespace, adoption: Adoption) -> None:
    """Report on stderr what is wrong in a foreign template, and what the new one leaves behind."""
    if args.json:
        left_behind = [{"path": each.path, "what": each.what} for each in adoption.left_behind]
        problems = [_describe(problem) for problem in adoption.problems]
        sys.stderr.write(_json({"problems": problems, "left_behind": left_behind}))
    else:
        sys.stderr.writelines(f"{each}\n" for each in (*adoption.problems, *adoption.left_behind))


def in_dialect(cluster: Cluster, wanted: str | None) -> Cluster:
    """The cluster in the dialect that was asked for; its own where none was."""
    from guestagent.controller import Dialect

    return cluster.in_dialect(Dialect(wanted)) if wanted else cluster


def run_lint(args: argparse.Namespace) -> int:
    """Print what is wrong with a template."""
    from guestagent.controller.description import loaded
    from guestagent.controller.lint import lint

    text, where = given(args.file)
    problems = lint(loaded(text, InvalidTemplate, where), args.auth_ttl)
    if args.json:
        sys.stdout.write(_json({"problems": [_describe(problem) for problem in problems]}))
    else:
        sys.stdout.writelines(f"{problem}\n" for problem in problems)
    return INVALID if problems else FINE


def _say(args: argparse.Namespace, cluster: Cluster) -> int:
    import yaml

    from guestagent.controller import render

    template = render(cluster)
    sys.stdout.write(_json(template) if args.json else yaml.safe_dump(template, sort_keys=False))
    return FINE


def _describe(problem: Problem) -> dict[str, str]:
    return {"path": problem.path, "expected": problem.expected, "found": problem.found, "do": problem.do}


def _json(document: object) -> str:
    return json.dumps(document, indent=2) + "\n"
