"""`guestagent validate`: check a node's metadata document, or all documents of a template."""

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
Check the syntax and values of a node's metadata document (YAML or JSON), or of every document in a resource or in a
HOT or CloudFormation template. The check is offline. Template functions are shown and not resolved."""


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "validate", help="check a metadata file's syntax and values (offline)", description=DESCRIPTION
    )
    choice = parser.add_mutually_exclusive_group(required=True)
    choice.add_argument(
        "file", nargs="?", metavar="FILE", help="a document, resource or template; - reads standard input"
    )
    choice.add_argument("--schema", action="store_true", help="print the JSON Schema of a document instead")
    parser.add_argument("--node", metavar="NAME", help="check only this node of a template")
    options.add_json_option(parser)
    parser.set_defaults(run=run_validate)


def run_validate(args: argparse.Namespace) -> int:
    """Print a summary of each document. Raise InvalidMetadata with the problems of all of them."""
    from guestagent.metadata.json_schema import format_schema

    if args.schema:
        sys.stdout.write(format_schema())
        return 0
    text, input_name = read_input(args.file)
    parsed_documents = _parse_documents(text, input_name, args.node)
    if args.json:
        documents_by_node = [_build_json(name, document, raw) for name, document, raw in parsed_documents]
        sys.stdout.write(json.dumps({"documents": documents_by_node}, indent=2) + "\n")
    else:
        sys.stdout.write(
            "\n".join(_format_text(name, document, raw) for name, document, raw in parsed_documents) + "\n"
        )
    return 0


def _parse_documents(
    text: str, input_name: str, node: str | None
) -> list[tuple[str | None, Document, object]]:
    from guestagent.metadata import documents, parse

    named_documents = documents(text, input_name)
    chosen_documents = [
        (name, document) for name, document in named_documents if node is None or name == node
    ]
    if not chosen_documents:
        names = ", ".join(_escape_name(name) for name, _ in named_documents if name is not None)
        raise InvalidMetadata(
            [Problem("--node", f"one of {names}" if names else "a template", node or "none")], input_name
        )
    parsed_documents, problems = [], []
    for name, document in chosen_documents:
        try:
            parsed_documents.append((name, parse(document), document))
        except InvalidMetadata as error:
            prefix = "" if name is None else f"{_escape_name(name)}: "
            problems += [replace(problem, path=prefix + problem.path) for problem in error.problems]
    if problems:
        raise InvalidMetadata(problems, input_name)
    return parsed_documents


def _build_json(name: str | None, document: Document, raw: object) -> dict[str, Any]:
    from guestagent.metadata import shown

    return {
        "node": document.section.node or name,
        "role": str(document.role),
        "generation": document.section.generation,
        "unresolved": {path: str(function) for path, function in document.functions.items()},
        "left_alone": _list_unknown_keys(raw),
        "document": shown(document),
    }


def _format_text(name: str | None, document: Document, raw: object) -> str:
    from guestagent.metadata.host_port import format_host_port

    node = document.section.node or _escape_name(name or "document")
    lines = [f"{node}: {document.role}, generation {document.section.generation}"]
    if document.source is not None:
        source = document.source
        lines.append(f"  follows {format_host_port(source.address, source.port)} as {source.user.name}")
    lines += [f"  user {user.name}" for user in document.users]
    lines += [f"  unresolved {path} = {function}" for path, function in document.functions.items()]
    lines += [
        f"  unknown keys, ignored: {', '.join(unknown_keys)}"
        for unknown_keys in [_list_unknown_keys(raw)]
        if unknown_keys
    ]
    return "\n".join(lines)


def _list_unknown_keys(raw: object) -> list[str]:
    """List the unknown keys: those of other programs, or a misspelt one."""
    from guestagent.metadata.declaration import DOCUMENT_KEYS

    keys = raw if isinstance(raw, dict) else {}
    return [_escape_name(key) for key in keys if key not in DOCUMENT_KEYS.keys]


def _escape_name(name: str) -> str:
    """Return a name from a file without characters that control a terminal."""
    return ascii(name)[1:-1]
