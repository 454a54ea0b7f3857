"""The command line, run in this process: answers, exit codes, and a description of its parser."""

from __future__ import annotations

import argparse
import io
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from unittest import mock

from guestagent import controller
from guestagent.cli import command_line as command_line
from guestagent.cli.command_line import build_parser
from guestagent.controller import FakeHardware, FakeHeat, HardwareVolume, Heat, StackVolume, parse
from tests.unit.golden.golden_file import hide_prose, replace_text, to_json

ERROR_PROSE = ("message", "expected", "found", "do")
"""Keys of an error's answer that hold sentences for people."""


def answer_command(
    words: Sequence[str],
    folder: Path,
    prose: Collection[str] = ERROR_PROSE,
    texts: Mapping[str, str] | None = None,
) -> str:
    """Run a command with --json, and return its answer without texts that differ from run to run."""
    with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()):
        code = command_line.main([*words, "--json"])
    return spell_answer(json.loads(out.getvalue() or "null"), code, folder, prose, texts)


def spell_answer(
    answer: object,
    code: int | None,
    folder: Path,
    prose: Collection[str] = (),
    texts: Mapping[str, str] | None = None,
) -> str:
    """Return an answer as in its golden file. `code` is None if a function built the answer and no command ran."""
    plain = replace_text(hide_prose(answer, prose), {str(folder): "<folder>", **(texts or {})})
    return to_json({"answer": plain} if code is None else {"answer": plain, "exit_code": code})


@contextmanager
def connect_to(heat: Heat | BaseException) -> Iterator[None]:
    """Let commands connect to this Heat, or fail with this error, whatever cloud they name.

    It is patched in, because a command can only take its cloud from clouds.yaml.
    """

    def connect(cloud: str | None = None) -> Heat:
        if isinstance(heat, BaseException):
            raise heat
        return heat

    hardware = build_hardware(heat) if isinstance(heat, FakeHeat) else None
    with (
        mock.patch.object(controller, "connect", connect),
        mock.patch.object(controller, "connect_hardware", return_value=hardware),
    ):
        yield


def build_hardware(heat: FakeHeat) -> FakeHardware:
    """Build the volumes of all stacks."""
    hardware = FakeHardware()
    for stack in heat.live.values():
        for node in parse(stack.template):
            if isinstance(node.volume, StackVolume):
                volume = HardwareVolume(node.volume.size_gib, "in-use")
                hardware.volumes[f"{node.volume_resource}-id"] = volume
    return hardware


def list_commands(
    parser: argparse.ArgumentParser | None = None, name: str = ""
) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Return every command, such as `cluster create`, with its parser."""
    parser = build_parser() if parser is None else parser
    groups = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    for group in groups:
        for word, inner in group.choices.items():
            yield from list_commands(inner, f"{name} {word}".strip())
    if not groups:
        yield name, parser


def answers_in_json(parser: argparse.ArgumentParser) -> bool:
    """Return whether the command has --json."""
    return "--json" in parser._option_string_actions


def describe_parser(parser: argparse.ArgumentParser, name: str = "guestagent") -> Iterator[str]:
    """Describe commands and arguments line by line, without help texts.

    Commands and options are sorted, because their order has no meaning. Positional arguments keep theirs.
    """
    commands = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    arguments = [action for action in parser._actions if action not in commands]
    positional = [action for action in arguments if not action.option_strings]
    options = [action for action in arguments if action.option_strings]
    yield f"{name}\n"
    yield from (f"    {describe_argument(action)}\n" for action in positional)
    yield from sorted(f"    {describe_argument(action)}\n" for action in options)
    for group in parser._mutually_exclusive_groups:
        members = " | ".join(name_argument(action) for action in group._group_actions)
        yield f"    {'one' if group.required else 'at most one'} of {members}\n"
    for action in commands:
        yield f"    {action.metavar}{', required' if action.required else ''}\n"
        for word in sorted(action.choices):
            yield from describe_parser(action.choices[word], f"{name} {word}")


def describe_argument(action: argparse.Action) -> str:
    """Describe one argument. For a positional one, its nargs shows whether it is required."""
    parts = [name_argument(action)]
    if action.nargs not in (None, 0):
        parts.append(f"nargs {action.nargs}")
    if action.choices is not None:
        parts.append(f"choices {' '.join(map(str, action.choices))}")
    if action.type in (int, float):
        parts.append(f"type {getattr(action.type, '__name__', '')}")
    if action.default not in (None, False, "", argparse.SUPPRESS):
        parts.append(f"default {action.default}")
    if action.required and action.option_strings:
        parts.append("required")
    return ", ".join(parts)


def name_argument(action: argparse.Action) -> str:
    """Return the spellings of an argument, and the name of its value."""
    if not action.option_strings:
        return str(action.metavar or action.dest)
    names = "/".join(action.option_strings)
    takes_value = action.nargs != 0 and action.choices is None
    return f"{names} {action.metavar or action.dest.upper()}" if takes_value else names


def print_parser() -> str:
    return "".join(describe_parser(build_parser()))
