"""The command line: finds the command, runs it, and turns whatever happens into one message and an exit code."""

from __future__ import annotations

import argparse
import errno
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any, NoReturn

from guestagent import __version__
from guestagent.cli.json_error import report_interrupt, write_error
from guestagent.cli.output import BROKEN_PIPE_ERRNOS, OutputError, discard_stdout, prepare_streams
from guestagent.errors import GuestAgentError, InvalidInput, StorageError
from guestagent.text_escaping import escape_line

DESCRIPTION = """\
Turn a Heat template into a replicated MySQL or MariaDB cluster, and say honestly when it is ready.

For an operator: cluster, validate, elements-path.
In a guest: status, doctor, plan, apply, pause, resume, accept-source; serve and poke are for its services.
Without a cloud: demo, cloud."""

EXIT_CODES = """\
exit codes:
  0  fine
  1  not ready: not all that is wanted holds, or Heat is still at work on the stack
  2  invalid input: the command's words, metadata, a cluster.yaml, a template or settings
  3  the database server does not answer, or refused
  4  the signal was not accepted
  5  the cloud does not answer, or refused
  6  the stack failed
  7  the deadline is over
  8  a file or an answer cannot be written, or a file of ours not be read
 70  a bug of guestagent
 77  this machine lacks what the command needs (root, namespaces)
130  interrupted"""

COMMAND_MODULES = {
    "status": "agent",
    "plan": "agent",
    "apply": "agent",
    "serve": "agent",
    "poke": "agent",
    "doctor": "doctor",
    "pause": "pause",
    "resume": "pause",
    "accept-source": "accept_source",
    "validate": "validate",
    "elements-path": "elements_path",
    "cluster": "cluster",
    "cloud": "cloud",
    "demo": "demo",
}
"""Which file of this room registers a command: only that one is imported, for a guest pays for every import."""

EXIT_BUG = 70
WRITE_FAILURE_ERRNOS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})
PASSTHROUGH_COMMANDS = {("cloud", "ssh")}
"""Commands whose last words are another program's."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code. No traceback reaches a person, unless GUESTAGENT_DEBUG is set."""
    words = list(sys.argv[1:] if argv is None else argv)
    with prepare_streams():
        _leave_removed_folder()
        try:
            code = _run(words)
            sys.stdout.flush()
            return code
        except OutputError as error:
            return _unwritten(error)


def _run(words: list[str]) -> int:
    ours, theirs = _split_words(words)
    as_json = "--json" in ours
    try:
        args = build_parser(words[0] if words else None).parse_args(ours)
        if theirs:
            args.words = [*args.words, *theirs]
        code: int = args.run(args)
        return code
    except GuestAgentError as error:
        return _failed(error, as_json)
    except KeyboardInterrupt:
        return report_interrupt("interrupted", as_json)
    except OutputError:
        raise
    except OSError as error:
        if error.errno not in {*BROKEN_PIPE_ERRNOS, *WRITE_FAILURE_ERRNOS}:
            return _bug(error, as_json)
        raise OutputError(error.errno, error.strerror) from error
    except Exception as error:  # noqa: BLE001 - the top of the program: whatever it is, it becomes one sentence
        return _bug(error, as_json)


def _leave_removed_folder() -> None:
    """Somebody may have removed the folder that the command runs in. Libraries fail there with errors of their own."""
    try:
        os.getcwd()  # noqa: PTH109 - pathlib is not imported here
    except FileNotFoundError:
        os.chdir("/")


def _split_words(words: list[str]) -> tuple[list[str], list[str]]:
    """Part our words from a command of somebody else, which stands behind `--`: its options are not ours."""
    if (*words[:2],) not in PASSTHROUGH_COMMANDS or "--" not in words:
        return words, []
    at = words.index("--")
    return words[:at], words[at + 1 :]


def build_parser(command: str | None = None) -> argparse.ArgumentParser:
    """The parser. With a known `command` it holds that command's group alone, otherwise all of them."""
    parser = CommandLineParser(
        prog="guestagent",
        description=DESCRIPTION,
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"guestagent {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    groups = (
        [COMMAND_MODULES[command]]
        if command in COMMAND_MODULES
        else list(dict.fromkeys(COMMAND_MODULES.values()))
    )
    for group in groups:
        import_module(f"guestagent.cli.{group}").register(commands)
    return parser


class CommandLineParser(argparse.ArgumentParser):
    """Raises where argparse would print and exit: a program that asked for JSON is answered in JSON."""

    def __init__(self, **arguments: Any) -> None:
        # An abbreviation that is good today is ambiguous after the next option.
        super().__init__(**{**arguments, "allow_abbrev": False})

    def error(self, message: str) -> NoReturn:
        no_command = self._subparsers is not None and message.startswith("the following arguments")
        raise Misused(self.prog, message, self.format_help() if no_command else self.format_usage())


class Misused(InvalidInput):
    """Words that are no command of ours. `usage` says which are."""

    def __init__(self, command: str, told: str, usage: str) -> None:
        super().__init__((), command)
        self.message, self.usage = told, usage

    def __str__(self) -> str:
        return f"{self.where}: {self.message}".removeprefix("guestagent").lstrip(" :")


def _unwritten(error: OutputError) -> int:
    """Our answer could not be written: of files every error is one of ours already."""
    discard_stdout()
    if error.errno in BROKEN_PIPE_ERRNOS:
        return 0
    return _failed(StorageError(f"the answer cannot be written: {error.strerror}"), as_json=False)


def _bug(error: Exception, as_json: bool) -> int:
    if os.environ.get("GUESTAGENT_DEBUG"):
        raise error
    message = f"this is a bug ({type(error).__name__}); run again with GUESTAGENT_DEBUG=1 and report it"
    if as_json:
        write_error("Bug", message, EXIT_BUG)
    sys.stderr.write(f"guestagent: {message}\n")
    return EXIT_BUG


def _failed(error: GuestAgentError, as_json: bool) -> int:
    message = f"{error}; {error.advice}" if error.advice else str(error)
    if as_json:
        more: dict[str, object] = {**error.details}
        if isinstance(error, InvalidInput):
            more["problems"] = [
                {"path": p.path, "expected": p.expected, "found": p.found, "do": p.do} for p in error.problems
            ]
        write_error(type(error).__name__, message, error.exit_code, more)
    if isinstance(error, Misused):
        sys.stderr.write(f"{error.usage}guestagent: {escape_line(str(error))}\n")
    elif isinstance(error, InvalidInput):
        where = f"{error.where}: " if error.where else ""
        sys.stderr.writelines(
            f"guestagent: {escape_line(f'{where}{problem}')}\n" for problem in error.problems
        )
    else:
        sys.stderr.write(f"guestagent: {message}\n")
    return error.exit_code
