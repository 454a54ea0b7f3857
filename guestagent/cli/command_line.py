"""The command line: finds and runs a command, and turns every error into one message and an exit code."""

from __future__ import annotations

import argparse
import errno
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any, NoReturn

from guestagent import __version__
from guestagent.cli.denied_access import find_denied_access
from guestagent.cli.error_report import (
    Misused,
    report_bug,
    report_error,
    report_interrupt,
    report_output_error,
)
from guestagent.cli.output import BROKEN_PIPE_ERRNOS, OutputError, prepare_streams
from guestagent.errors import (
    GuestAgentError,
    UnsupportedEnvironment,
)

DESCRIPTION = """\
Set up replicated MySQL and MariaDB on OpenStack Heat, and signal Heat only when replication is verified.

On the operator's workstation: cluster, resources, validate, elements-path.
On a node: status, doctor, plan, apply, pause, resume, accept-source, verify, reseed, volume; its services run
serve, poke, identity, sizes, collect, seed and donor.
Without a cloud: demo, cloud."""

EXIT_CODES = """\
exit codes:
  0  success
  1  not ready: a check has not passed, or Heat is still working on the stack
  2  invalid input: the command line, metadata, a cluster.yaml, a template or settings
  3  the database server does not answer, or returned an error
  4  the signal was not accepted
  5  the cloud does not answer, or rejected the request
  6  the stack failed
  7  the deadline is over
  8  a file or the output cannot be written, or a file of guestagent cannot be read
  9  the data volume is missing, foreign or damaged
 10  the data could not be copied from the source
 11  the data of a replica differ from its source's
 12  the resource manager refused an order
 13  the service of the resource manager does not answer
 14  an operation of the resource manager failed, or waits for a person
 70  a bug of guestagent
 77  this machine lacks what the command needs (root, namespaces)
130  interrupted"""

COMMAND_MODULES = {
    "status": "agent",
    "plan": "agent",
    "apply": "agent",
    "serve": "agent",
    "poke": "agent",
    "collect": "agent",
    "doctor": "doctor",
    "pause": "pause",
    "resume": "pause",
    "accept-source": "accept_source",
    "verify": "verify",
    "volume": "volume",
    "seed": "seed",
    "reseed": "reseed",
    "donor": "donor",
    "identity": "identity",
    "sizes": "sizes",
    "validate": "validate",
    "elements-path": "elements_path",
    "cluster": "cluster",
    "resources": "resources",
    "cloud": "cloud",
    "demo": "demo",
}
"""The module in this package that registers a command. Only that one is imported: every import costs a node time."""

WRITE_FAILURE_ERRNOS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})
PASSTHROUGH_COMMANDS = {("cloud", "ssh")}
"""Commands whose last arguments are the command line of another program."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code. No traceback is shown, unless GUESTAGENT_DEBUG is set."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    with prepare_streams():
        _leave_removed_folder()
        try:
            exit_code = _run(arguments)
            sys.stdout.flush()
            return exit_code
        except OutputError as error:
            return report_output_error(error)


def _run(arguments: list[str]) -> int:
    own_arguments, command_words = _split_arguments(arguments)
    as_json = "--json" in own_arguments
    try:
        if own_arguments:
            _require_installed(own_arguments[0])
        args = build_parser(arguments[0] if arguments else None).parse_args(own_arguments)
        if command_words:
            args.words = [*args.words, *command_words]
        exit_code: int = args.run(args)
        return exit_code
    except GuestAgentError as error:
        return report_error(find_denied_access(error, own_arguments) or error, as_json)
    except KeyboardInterrupt:
        return report_interrupt("interrupted", as_json)
    except OutputError:
        raise
    except OSError as error:
        denial = find_denied_access(error, own_arguments)
        if denial is not None:
            return report_error(denial, as_json)
        if error.errno not in {*BROKEN_PIPE_ERRNOS, *WRITE_FAILURE_ERRNOS}:
            return report_bug(error, as_json)
        raise OutputError(error.errno, error.strerror) from error
    except Exception as error:  # noqa: BLE001 - the top of the program: any other error is reported in one sentence
        return report_bug(error, as_json)


def _leave_removed_folder() -> None:
    """Change to / if the current folder was removed: libraries fail there with errors of their own."""
    try:
        os.getcwd()  # noqa: PTH109 - pathlib is not imported here
    except FileNotFoundError:
        os.chdir("/")


def _split_arguments(arguments: list[str]) -> tuple[list[str], list[str]]:
    """Split off the command line of another program after `--`: its options are not those of guestagent."""
    if (*arguments[:2],) not in PASSTHROUGH_COMMANDS or "--" not in arguments:
        return arguments, []
    index = arguments.index("--")
    return arguments[:index], arguments[index + 1 :]


def _require_installed(command: str) -> None:
    if command in COMMAND_MODULES and not _is_installed(COMMAND_MODULES[command]):
        raise UnsupportedEnvironment(
            f"`guestagent {command}` is not part of an image: run it on a machine with the whole package"
        )


def _is_installed(group: str) -> bool:
    """Return whether the command's file exists: the elements remove an operator's commands from an image."""
    return find_spec(f"guestagent.cli.{group}") is not None


def build_parser(command: str | None = None) -> argparse.ArgumentParser:
    """Return the parser: with a known `command` only for the commands of its module, otherwise for all."""
    parser = CommandLineParser(
        prog="guestagent",
        description=DESCRIPTION,
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"guestagent {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    modules = (
        [COMMAND_MODULES[command]]
        if command in COMMAND_MODULES
        else [group for group in dict.fromkeys(COMMAND_MODULES.values()) if _is_installed(group)]
    )
    for module in modules:
        import_module(f"guestagent.cli.{module}").register(commands)
    return parser


class CommandLineParser(argparse.ArgumentParser):
    """A parser that raises an error instead of printing it, so that with --json the error is JSON, too."""

    def __init__(self, **arguments: Any) -> None:
        # An abbreviation that is unique today can become ambiguous with the next option.
        super().__init__(**{**arguments, "allow_abbrev": False})

    def error(self, message: str) -> NoReturn:
        has_no_command = self._subparsers is not None and message.startswith("the following arguments")
        raise Misused(self.prog, message, self.format_help() if has_no_command else self.format_usage())
