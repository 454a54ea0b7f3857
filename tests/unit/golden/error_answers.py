"""Golden answers for every kind of error, with its exit code."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

from guestagent.cli.command_line import EXIT_CODES
from guestagent.cli.error_report import Misused
from guestagent.database.connection_errors import NoAnswer
from guestagent.errors import (
    CloudError,
    CloudRefused,
    CloudRequestRefused,
    CloudUnreachable,
    DatabaseError,
    DatabaseRefused,
    DatabaseUnreachable,
    DatabaseUnsupported,
    DataMismatch,
    DeadlineExceeded,
    GuestAgentError,
    HandleRefused,
    HandleUnreachable,
    InvalidCluster,
    InvalidInput,
    InvalidMetadata,
    InvalidOrder,
    InvalidSettings,
    InvalidTemplate,
    NotReady,
    OperationFailed,
    OrderRefused,
    Problem,
    SeedError,
    ServiceUnreachable,
    SignalError,
    StackFailed,
    StorageError,
    UnsupportedEnvironment,
    VolumeError,
)
from guestagent.resources.store.unreadable_record import UnreadableRecord
from guestagent.signal import HandleBroken, HandleDoubted
from tests.unit.golden.command_line import answer_command, connect_to
from tests.unit.golden.golden_file import add_golden, golden, to_json

PROBLEMS = [Problem("path", "expected", "found", "do"), Problem("other.path", "expected", "found")]
CLASS = re.compile(r"^class (\w+)\((.*)\):", re.M)
ERRORS: dict[str, GuestAgentError] = {
    "invalid-input": InvalidInput(PROBLEMS, "file"),
    "invalid-metadata": InvalidMetadata(PROBLEMS),
    "invalid-cluster": InvalidCluster(PROBLEMS),
    "invalid-template": InvalidTemplate(PROBLEMS),
    "invalid-settings": InvalidSettings(PROBLEMS),
    "invalid-order": InvalidOrder(PROBLEMS),
    "wrong-words": Misused("guestagent cluster", "unknown", "usage"),
    "not-ready": NotReady("message"),
    "database-unreachable": DatabaseUnreachable("message"),
    "database-silent": NoAnswer("doing", 2002, "text"),
    "database-refused": DatabaseRefused("doing", 1290, "read-only"),
    "database-unsupported": DatabaseUnsupported("message"),
    "handle-unreachable": HandleUnreachable("message"),
    "handle-broken": HandleBroken("message"),
    "handle-doubted": HandleDoubted("message"),
    "handle-refused": HandleRefused("message"),
    "cloud-unreachable": CloudUnreachable("message"),
    "cloud-refused": CloudRefused("message"),
    "cloud-request-refused": CloudRequestRefused("message", "quota"),
    "stack-failed": StackFailed("db", "CREATE_FAILED", "reason"),
    "deadline-exceeded": DeadlineExceeded("message"),
    "storage": StorageError("message"),
    "unreadable-record": UnreadableRecord("message"),
    "volume": VolumeError("message", "advice"),
    "seed": SeedError("message", "advice"),
    "data-mismatch": DataMismatch("message"),
    "order-refused": OrderRefused("broken", "message", PROBLEMS, "reference"),
    "service-unreachable": ServiceUnreachable("message"),
    "operation-failed": OperationFailed("quota", "message", {"id": "id", "state": "failed"}),
    "unsupported-environment": UnsupportedEnvironment("message"),
}
"""An error of every kind, by a name that does not depend on its class. A test fails if a kind is missing."""


GROUPS = (GuestAgentError, DatabaseError, SignalError, CloudError)
"""Base classes that are never raised themselves."""


def list_covered_kinds() -> set[str]:
    """Return the names of the kinds that have a golden file."""
    return {type(error).__name__ for error in ERRORS.values()}


def find_kinds(package: Path) -> set[str]:
    """Return the names of all kinds of errors in the sources of the package, without the base classes."""
    sources = [path.read_text(encoding="utf-8") for path in package.rglob("*.py")]
    classes = [found for source in sources for found in CLASS.findall(source)]
    groups = {kind.__name__ for kind in GROUPS}
    kinds, known = set[str](), set[str]()
    while kinds != known or not kinds:
        known = kinds
        kinds = {name for name, bases in classes if {*bases.split(", ")} & (groups | known)} - groups
    return kinds


def answer_error(error: BaseException, folder: Path) -> str:
    """Return the answer of a command that fails with this error."""
    with connect_to(error):
        return answer_command(["cluster", "status", "db"], folder, ("message",))


for _name, _error in ERRORS.items():
    add_golden(f"errors/{_name}.json", partial(answer_error, _error))


@golden("errors/bug.json")
def build_bug(folder: Path) -> str:
    """Build the answer to an unexpected exception: none but the exit code."""
    return answer_error(RuntimeError("message"), folder)


@golden("errors/interrupted.json")
def build_interrupted(folder: Path) -> str:
    """Build the answer to Ctrl-C: none but the exit code."""
    return answer_error(KeyboardInterrupt(), folder)


@golden("errors/no-command.json")
def build_no_command(folder: Path) -> str:
    return answer_command(["clutser"], folder)


@golden("contract/exit_codes.json")
def build_exit_codes(folder: Path) -> str:
    """Build the list of exit codes in the help."""
    return to_json([int(code) for code in re.findall(r"^ *(\d+)  ", EXIT_CODES, re.M)])
