"""`guestagent cluster template`, `convert` and `lint`: templates and files, without a cloud."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING

from guestagent.cli import options
from guestagent.cli.argument_types import build_integer_type
from guestagent.cli.input_file import STDIN_HELP, read_input
from guestagent.errors import EXIT_OK, InvalidTemplate, Problem
from guestagent.metadata.limits import AUTH_TTL_LIMIT_S, DEFAULT_AUTH_TTL_S

if TYPE_CHECKING:
    from guestagent.controller import Cluster
    from guestagent.controller.foreign_template import Adoption


def register(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add these verbs to `cluster`."""
    _register_template(verbs)
    _register_convert(verbs)
    _register_lint(verbs)


def _register_template(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser(
        "template",
        help="print the template of a cluster.yaml (offline)",
        description="Print the template that `create` would launch, as YAML.",
    )
    parser.add_argument("file", metavar="FILE", help=f"a cluster.yaml; {STDIN_HELP}")
    options.add_dialect_option(parser, "the file's `dialect`, or hot")
    options.add_json_option(parser, "as JSON")
    parser.set_defaults(run=run_template)


def _register_convert(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser(
        "convert",
        help="print a cluster's template in the other template format (offline)",
        description="Print the template of a cluster in the other template format, as YAML. Launch it as a new stack: "
        "as an update of the old one it would replace every server. From a template written by hand, as in 2013, the "
        "servers are taken over; its problems and everything that the new template omits are listed on stderr.",
    )
    parser.add_argument("file", metavar="FILE", help=f"a cluster's template, YAML or JSON; {STDIN_HELP}")
    options.add_dialect_option(parser, "the one that the file is not in")
    options.add_json_option(parser, "as JSON")
    parser.set_defaults(run=run_convert)


def _register_lint(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser(
        "lint",
        help="check a template offline for errors and known Heat pitfalls",
        description="Check a HOT or CloudFormation template offline: names that refer to nothing, unknown versions, "
        "functions, sections and types of parameters, dependency cycles, limits of a stack, wait conditions whose "
        "signal cannot arrive, and donors that replicas cannot reach. Resource types and their properties are not "
        "checked against a Heat. Each problem is one line, with the file and the key; nothing is printed if there is "
        "none. The exit code is 2 if there is a problem.",
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

    return _print_template(
        args, convert_dialect(parse_cluster_file(*read_input(args.file)).cluster, args.dialect)
    )


def run_convert(args: argparse.Namespace) -> int:
    """Print a template in the other format, and on stderr what it omits."""
    from guestagent.controller import Dialect, parse
    from guestagent.controller.foreign_template import adopt_template, is_generated

    text, input_name = read_input(args.file)
    template = load_template(text, input_name)
    if is_generated(template):
        cluster = parse(template)
    else:
        adoption = adopt_template(template)
        cluster = adoption.cluster
        _report_adoption(args, adoption)
    other_dialect = Dialect.CFN if cluster.dialect is Dialect.HOT else Dialect.HOT
    return _print_template(args, convert_dialect(cluster, args.dialect or other_dialect))


def _report_adoption(args: argparse.Namespace, adoption: Adoption) -> None:
    """Report on stderr the problems of a foreign template, and what the new one omits."""
    if args.json:
        left_behind = [{"path": omission.path, "what": omission.kind} for omission in adoption.omissions]
        problems = [_problem_keys(problem) for problem in adoption.problems]
        sys.stderr.write(_format_json({"problems": problems, "left_behind": left_behind}))
    else:
        sys.stderr.writelines(f"{line}\n" for line in (*adoption.problems, *adoption.omissions))


def convert_dialect(cluster: Cluster, dialect: str | None) -> Cluster:
    """Return the cluster in the requested format, or in its own."""
    from guestagent.controller import Dialect

    return cluster.in_dialect(Dialect(dialect)) if dialect else cluster


def run_lint(args: argparse.Namespace) -> int:
    """Print the problems of a template."""
    from guestagent.controller.template_lint import lint

    text, input_name = read_input(args.file)
    problems = lint(load_template(text, input_name), args.auth_ttl)
    if args.json:
        sys.stdout.write(_format_json({"problems": [_problem_keys(problem) for problem in problems]}))
    else:
        sys.stdout.writelines(f"{input_name}: {problem}\n" for problem in problems)
    return InvalidTemplate.exit_code if problems else EXIT_OK


def load_template(text: str, input_name: str) -> object:
    """Load a template. Raise InvalidTemplate if the text is neither YAML nor JSON, or if it is a cluster.yaml."""
    from guestagent.controller.cluster_file import is_cluster_file, load_input

    template = load_input(text, InvalidTemplate, input_name)
    if is_cluster_file(template):
        do = f"render it first: guestagent cluster template {input_name}"
        raise InvalidTemplate([Problem("document", "a Heat template", "a cluster.yaml", do)], input_name)
    return template


def _print_template(args: argparse.Namespace, cluster: Cluster) -> int:
    import yaml

    from guestagent.controller import render

    template = render(cluster)
    sys.stdout.write(_format_json(template) if args.json else yaml.safe_dump(template, sort_keys=False))
    return EXIT_OK


def _problem_keys(problem: Problem) -> dict[str, str]:
    return {"path": problem.path, "expected": problem.expected, "found": problem.found, "do": problem.do}


def _format_json(document: object) -> str:
    return json.dumps(document, indent=2) + "\n"
