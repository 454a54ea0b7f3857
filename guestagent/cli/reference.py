"""Writes docs/reference/cli.md from the parser itself: `python -m guestagent.cli.reference FILE`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

_OPENING = """\
# The command line

Written by `make docs` from the command line's own parser: change the help texts, not this page.
"""


def build_reference(parser: argparse.ArgumentParser) -> str:
    """The whole page, the same on every version of Python (argparse's own help is not)."""
    return "\n".join([_OPENING, *(line for command in _commands(parser) for line in _section(*command))])


def _commands(
    parser: argparse.ArgumentParser, name: str = "", purpose: str = ""
) -> Iterator[tuple[str, str, argparse.ArgumentParser]]:
    name = name or parser.prog
    yield name, parser.description or purpose, parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            purposes = {shown.dest: shown.help or "" for shown in action._choices_actions}
            for child, its_parser in action.choices.items():
                yield from _commands(its_parser, f"{name} {child}", purposes.get(child, ""))


def _section(name: str, purpose: str, parser: argparse.ArgumentParser) -> Iterator[str]:
    shown = [action for action in parser._actions if action.help != argparse.SUPPRESS]
    arguments = [action for action in shown if not isinstance(action, argparse._SubParsersAction)]
    positional = [_word(action) for action in shown if not action.option_strings]
    yield f"## {name}\n\n```text\n{' '.join([name, '[options]', *positional])}\n```\n"
    if purpose:
        yield f"{purpose.strip()}\n"
    yield "| argument | meaning |\n|---|---|"
    yield from (f"| `{_spelling(action)}` | {_meaning(action)} |" for action in arguments)
    if parser.epilog:
        yield f"\n```text\n{parser.epilog.strip()}\n```"
    yield ""


def _word(action: argparse.Action) -> str:
    if isinstance(action, argparse._SubParsersAction):
        return "COMMAND"
    metavar = action.metavar if isinstance(action.metavar, str) else action.dest.upper()
    any_number = f"[{metavar} ...]"
    shown = {"?": f"[{metavar}]", "*": any_number, argparse.REMAINDER: any_number, "+": f"{metavar} ..."}
    return shown.get(str(action.nargs), metavar)


def _spelling(action: argparse.Action) -> str:
    if not action.option_strings:
        return _word(action)
    names = ", ".join(action.option_strings)
    if action.nargs == 0:
        return names
    values = "{" + ",".join(map(str, action.choices)) + "}" if action.choices else _word(action)
    return f"{names} {values}"


def _meaning(action: argparse.Action) -> str:
    help_text = " ".join((action.help or "").split())
    # argparse's own expansion, as in "(default: %(default)s)"
    expanded = help_text % {**vars(action), "prog": "guestagent"} if "%" in help_text else help_text
    return expanded.replace("|", "\\|")


if __name__ == "__main__":
    from guestagent.cli.command_line import build_parser

    Path(sys.argv[1]).write_text(build_reference(build_parser()))
