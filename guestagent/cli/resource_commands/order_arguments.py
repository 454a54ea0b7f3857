"""The arguments of the verbs that give orders, from the declarations of the orders; and the orders that they make."""

from __future__ import annotations

import argparse
import re
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from guestagent.cli.input_file import STDIN_HELP
from guestagent.cli.resource_commands.description_file import load_description
from guestagent.cli.resource_commands.rule_arguments import RULE_HELP, parse_rule_text
from guestagent.errors import InvalidOrder, OrderRefused, Problem
from guestagent.metadata.schema_types import Boolean, Key
from guestagent.resources.order_shapes import (
    DescriptionShape,
    EnumShape,
    ListShape,
    build_order_shape,
    read_order,
)
from guestagent.resources.orders import Order
from guestagent.resources.rule import RuleShape

SHARED_KEYS = frozenset({"schema", "request_id", "cluster"})
POSITIONAL_KEYS = frozenset({"instance", "group", "follower"})
OPTION_NAMES = {
    "size_gib": "--size",
    "volume_gib": "--volume-size",
    "network": "--to",
    "follower_network": "--network",
}
"""The options that are not named like their keys."""
METAVARS = {
    "size_gib": "GIB",
    "volume_gib": "GIB",
    "rules": "RULE",
    "rule": "RULE",
    "findings": "FINDING",
    "follower_network": "NETWORK",
}
SHARED_SPELLINGS = {"cluster": "CLUSTER", "request_id": "--request-id"}
PATH = re.compile(r"(\w+)(.*)", re.DOTALL)


def list_order_keys(kind: str) -> Mapping[str, Key]:
    """Return the keys of the orders of this kind, without those that all orders have."""
    keys = build_order_shape(kind).keys
    return {name: key for name, key in keys.items() if name not in SHARED_KEYS}


def add_order_arguments(parser: argparse.ArgumentParser, kind: str) -> None:
    """Add the cluster, the arguments of the orders of this kind, and --request-id."""
    parser.add_argument("cluster", metavar="CLUSTER", help="the cluster's name")
    add_order_keys(parser, kind)
    parser.add_argument(
        "--request-id",
        metavar="ID",
        help="the same id means the same order, however often it is given (default: a new one, which is printed)",
    )


def add_order_keys(parser: argparse.ArgumentParser, kind: str) -> None:
    """Add an argument for each key of the orders of this kind that not all orders have."""
    for name, key in list_order_keys(kind).items():
        _add_argument(parser, name, key)


def build_order(args: argparse.Namespace, kind: str) -> Order:
    """Build the order from the arguments. Raise InvalidOrder with the problems by argument."""
    # An empty request id is a script's mistake, and no wish for a new one.
    request_id = getattr(args, "request_id", None)
    document: dict[str, object] = {
        "request_id": str(uuid.uuid4()) if request_id is None else request_id,
        "cluster": args.cluster,
    }
    keys = list_order_keys(kind)
    for name, key in keys.items():
        value = getattr(args, name)
        if value is not None:
            document[name] = _read_argument(key, value)
    with name_arguments(args, kind):
        return read_order(kind, document)


@contextmanager
def name_arguments(args: argparse.Namespace, kind: str) -> Iterator[None]:
    """Name the arguments in the problems of an order, where it is read here or by the service."""
    keys = list_order_keys(kind)
    try:
        yield
    except InvalidOrder as error:
        problems = [_name_argument(problem, keys, args) for problem in error.problems]
        raise InvalidOrder(problems, error.where) from None
    except OrderRefused as error:
        problems = [_name_argument(problem, keys, args) for problem in error.problems]
        raise OrderRefused(error.code, error.message, problems, error.reference) from None


def name_text_argument(text: str, path: str, args: argparse.Namespace, kind: str) -> str:
    """Return a text that begins with this path in an order, with the argument in its place."""
    problem = _name_argument(Problem(path, "", ""), list_order_keys(kind), args)
    return problem.path + text.removeprefix(path)


def get_spelling(name: str, key: Key) -> str:
    """Return the argument of a key as a person types it."""
    if isinstance(key.shape, DescriptionShape):
        return "--file"
    if name in POSITIONAL_KEYS or _is_list_argument(key):
        return METAVARS.get(name, name.upper())
    return OPTION_NAMES.get(name, f"--{name.replace('_', '-')}")


def _add_argument(parser: argparse.ArgumentParser, name: str, key: Key) -> None:
    spelling, help_text = get_spelling(name, key), _build_help(key)
    metavar = METAVARS.get(name, name.upper().replace("_", "-"))
    if isinstance(key.shape, DescriptionShape):
        file_help = f"{help_text}; {STDIN_HELP}"
        parser.add_argument("-f", "--file", dest=name, metavar="FILE", required=True, help=file_help)
    elif isinstance(key.shape, Boolean):
        parser.add_argument(spelling, dest=name, action="store_true", help=help_text)
    elif _is_list_argument(key):
        parser.add_argument(name, metavar=metavar, nargs="+", help=help_text)
    elif isinstance(key.shape, ListShape):
        parser.add_argument(spelling, dest=name, metavar=metavar, nargs="+", help=help_text)
    elif name in POSITIONAL_KEYS:
        parser.add_argument(name, metavar=metavar, help=help_text)
    elif isinstance(key.shape, RuleShape):
        choice = parser.add_mutually_exclusive_group(required=True)
        choice.add_argument(
            "--cidr", metavar="NETWORK", help=f"{key.meaning}, by its network, if no other has it"
        )
        choice.add_argument(spelling, dest=name, metavar=metavar, help=help_text)
    elif isinstance(key.shape, EnumShape):
        words = list(key.shape.words)
        parser.add_argument(spelling, dest=name, choices=words, required=key.required, help=help_text)
    else:
        parser.add_argument(spelling, dest=name, metavar=metavar, required=key.required, help=help_text)


def _is_list_argument(key: Key) -> bool:
    """Return whether a list stands at the end of the command, without an option."""
    return isinstance(key.shape, ListShape) and key.required


def _build_help(key: Key) -> str:
    default = f" (default: {key.default})" if isinstance(key.default, str) else ""
    rule = f": {RULE_HELP}" if _holds_rules(key) else ""
    return f"{key.meaning}{rule}{default}"


def _holds_rules(key: Key) -> bool:
    shape = key.shape.element if isinstance(key.shape, ListShape) else key.shape
    return isinstance(shape, RuleShape)


def _read_argument(key: Key, value: object) -> object:
    if isinstance(key.shape, DescriptionShape):
        return load_description(str(value))
    if not _holds_rules(key):
        return value
    return (
        [parse_rule_text(text) for text in value] if isinstance(value, list) else parse_rule_text(str(value))
    )


def _name_argument(problem: Problem, keys: Mapping[str, Key], args: argparse.Namespace) -> Problem:
    """Return the problem of an order's document with the argument that it came from."""
    found = PATH.fullmatch(problem.path)
    name, rest = (found[1], found[2]) if found is not None else (problem.path, "")
    if name in keys and isinstance(keys[name].shape, DescriptionShape):
        path = f"{getattr(args, name)}: {rest.removeprefix('.') or 'document'}"
    elif name in keys:
        path = f"{get_spelling(name, keys[name])}{rest}"
    else:
        path = f"{SHARED_SPELLINGS.get(name, name)}{rest}"
    return Problem(path, problem.expected, problem.found, problem.do)
