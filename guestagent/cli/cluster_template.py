"""`guestagent cluster template` and its like: templates and files, without a cloud."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING

from guestagent.cli import options
from guestagent.cli.argument_types import build_integer_type
from guestagent.cli.input_file import STDIN_HELP, read_input
from guestagent.errors import InvalidTemplate, Problem
from guestagent.metadata.limits import AUTH_TTL_LIMIT_S, DEFAULT_AUTH_TTL_S

if TYPE_CHECKING:
    from guestagent.controller import Cluster
    from guestagent.controller.foreign_template import Adoption

EXIT_OK, EXIT_INVALID = 0, 2


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
    parser.add_argument("file", metavar="FILE", help=f"a cluster.yaml; {STDIN_HELP}")
    options.add_dialect_option(parser, "the file's `dialect`, or hot")
    options.add_json_option(parser, "as JSON")
    parser.set_defaults(run=run_template)


def _convert(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser(
        "convert",
        help="print a cluster's template in the other dialect; no cloud takes part",
        description="Print the template of a cluster in the other dialect, as YAML, for a stack of its own: as an "
        "update of the stack that it came from it would replace every server. Of a template written by hand as in 2013 "
        "the servers are taken over; stderr lists what is wrong in it and what the new template leaves behind.",
    )
    parser.add_argument("file", metavar="FILE", help=f"a cluster's template, YAML or JSON; {STDIN_HELP}")
    options.add_dialect_option(parser, "the one that the file is not in")
    options.add_json_option(parser, "as JSON")
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
    parser.add_argument("file", metavar="FILE", help=f"a template, YAML or JSON; {STDIN_HELP}")
    parser.add_argument(
        "--auth-ttl",
        type=build_integer_type(1, AUTH_TTL_LIMIT_S, "seconds"),
        default=DEFAULT_AUTH_TTL_S,
        metavar="SECONDS",
        help=f"how long the cloud accepts a handle's URL (default: {DEFAULT_AUTH_TTL_S})",
    )
    options.add_json_option(parser)
    parser.set_defaults(run=run_lint)


def run_template(args: argparse.Namespace) -> int:
    """Print the template."""
    from guestagent.controller.cluster_file import parse_cluster_file

    return _say(args, convert_dialect(parse_cluster_file(*read_input(args.file)).cluster, args.dialect))


def run_convert(args: argparse.Namespace) -> int:
    """Print a template in the other dialect, and on stderr what it leaves behind."""
    from guestagent.controller import Dialect, parse
    from guestagent.controller.cluster_file import load_input
    from guestagent.controller.foreign_template import adopt_template, is_generated

    text, where = read_input(args.file)
    template = load_input(text, InvalidTemplate, where)
    if is_generated(template):
        cluster = parse(template)
    else:
        adoption = adopt_template(template)
        cluster = adoption.cluster
        _report(args, adoption)
    other = Dialect.CFN if cluster.dialect is Dialect.HOT else Dialect.HOT
    return _say(args, convert_dialect(cluster, args.dialect or other))


def _report(args: argparse.Namespace, adoption: Adoption) -> None:
    """Report on stderr what is wrong in a foreign template, and what the new one leaves behind."""
    if args.json:
        left_behind = [{"path": each.path, "what": each.kind} for each in adoption.omissions]
        problems = [_describe(problem) for problem in adoption.problems]
        sys.stderr.write(_json({"problems": problems, "left_behind": left_behind}))
    else:
        sys.stderr.writelines(f"{each}\n" for each in (*adoption.problems, *adoption.omissions))


def convert_dialect(cluster: Cluster, wanted: str | None) -> Cluster:
    """The cluster in the dialect that was asked for; its own where none was."""
    from guestagent.controller import Dialect

    return cluster.in_dialect(Dialect(wanted)) if wanted else cluster


def run_lint(args: argparse.Namespace) -> int:
    """Print what is wrong with a template."""
    from guestagent.controller.cluster_file import load_input
    from guestagent.controller.template_lint import lint

    text, where = read_input(args.file)
    problems = lint(load_input(text, InvalidTemplate, where), args.auth_ttl)
    if args.json:
        sys.stdout.write(_json({"problems": [_describe(problem) for problem in problems]}))
    else:
        sys.stdout.writelines(f"{problem}\n" for problem in problems)
    return EXIT_INVALID if problems else EXIT_OK


def _say(args: argparse.Namespace, cluster: Cluster) -> int:
    import yaml

    from guestagent.controller import render

    template = render(cluster)
    sys.stdout.write(_json(template) if args.json else yaml.safe_dump(template, sort_keys=False))
    return EXIT_OK


def _describe(problem: Problem) -> dict[str, str]:
    return {"path": problem.path, "expected": problem.expected, "found": problem.found, "do": problem.do}


def _json(document: object) -> str:
    return json.dumps(document, indent=2) + "\n"
