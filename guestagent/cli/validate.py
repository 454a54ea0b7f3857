"""`guestagent validate`: whether a node's document, or every document of a template, keeps the contract."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from guestagent.cli import options
from guestagent.cli.input_file import read_input
from guestagent.errors import InvalidMetadata, Problem

if TYPE_CHECKING:
    from guestagent.metadata import Document

DESCRIPTION = """\
Check a node's metadata document (YAML or JSON), or every one in a resource or template of either dialect.
Template functions are shown and not resolved. Nothing is looked up: only the words are judged."""


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "validate", help="check metadata against the contract", description=DESCRIPTION
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "file", nargs="?", metavar="FILE", help="a document, resource or template; - reads standard input"
    )
    what.add_argument("--schema", action="store_true", help="print the contract as a JSON Schema instead")
    parser.add_argument("--node", metavar="NAME", help="of a template, this node only")
    options.add_json_option(parser)
    parser.set_defaults(run=run_validate)


def run_validate(args: argparse.Namespace) -> int:
    """Print what each document says; InvalidMetadata with the problems of all of them."""
    from guestagent.metadata.json_schema import format_schema

    if args.schema:
        sys.stdout.write(format_schema())
        return 0
    text, where = read_input(args.file)
    valid = _valid(text, where, args.node)
    if args.json:
        said = [_as_json(name, document, raw) for name, document, raw in valid]
        sys.stdout.write(json.dumps({"documents": said}, indent=2) + "\n")
    else:
        sys.stdout.write("\n".join(_as_text(name, document, raw) for name, document, raw in valid) + "\n")
    return 0


def _valid(text: str, where: str, node: str | None) -> list[tuple[str | None, Document, object]]:
    from guestagent.metadata import documents, parse

    found = documents(text, where)
    chosen = [(name, document) for name, document in found if node is None or name == node]
    if not chosen:
        names = ", ".join(_printable(name) for name, _ in found if name is not None)
        raise InvalidMetadata(
            [Problem("--node", f"one of {names}" if names else "a template", node or "none")], where
        )
    valid, problems = [], []
    for name, document in chosen:
        try:
            valid.append((name, parse(document), document))
        except InvalidMetadata as error:
            prefix = "" if name is None else f"{_printable(name)}: "
            problems += [replace(problem, path=prefix + problem.path) for problem in error.problems]
    if problems:
        raise InvalidMetadata(problems, where)
    return valid


def _as_json(name: str | None, document: Document, raw: object) -> dict[str, Any]:
    from guestagent.metadata import shown

    return {
        "node": document.section.node or name,
        "role": str(document.role),
        "generation": document.section.generation,
        "unresolved": {path: str(function) for path, function in document.functions.items()},
        "left_alone": _others(raw),
        "document": shown(document),
    }


def _as_text(name: str | None, document: Document, raw: object) -> str:
    from guestagent.metadata.host_port import format_host_port

    node = document.section.node or _printable(name or "document")
    lines = [f"{node}: {document.role}, generation {document.section.generation}"]
    if document.source is not None:
        source = document.source
        lines.append(f"  follows {format_host_port(source.address, source.port)} as {source.user.name}")
    lines += [f"  user {user.name}" for user in document.users]
    lines += [f"  unresolved {path} = {function}" for path, function in document.functions.items()]
    lines += [f"  left alone, not ours: {', '.join(others)}" for others in [_others(raw)] if others]
    return "\n".join(lines)


def _others(raw: object) -> list[str]:
    """The keys that the contract does not know: other people's, or a misspelt one of ours."""
    from guestagent.metadata.declaration import DOCUMENT_KEYS

    keys = raw if isinstance(raw, dict) else {}
    return [_printable(key) for key in keys if key not in DOCUMENT_KEYS.keys]


def _printable(name: str) -> str:
    """Names out of a file, without what could steer a terminal."""
    return ascii(name)[1:-1]
