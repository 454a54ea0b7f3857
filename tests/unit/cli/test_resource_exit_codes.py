"""The help of every command of `guestagent resources` lists the exit codes that it can return."""

from __future__ import annotations

import argparse
import re
from dataclasses import replace
from pathlib import Path

import pytest

from guestagent.cli import command_line
from guestagent.errors import (
    EXIT_OK,
    CloudRefused,
    GuestAgentError,
    OrderRefused,
    ServiceUnreachable,
    StorageError,
)
from guestagent.resources.operation import OperationState, RefusalCode
from guestagent.resources.views import AuditFinding, FindingKind, PreflightFinding
from tests.support.resource_commands import ResourceCommands, connect_to_manager

HELP_CODE = re.compile(r"(?:exit codes: |; )([0-9]+) ")
UNCONNECTED = {"schema", "keys", "add-key", "drop-key", "rebuild", "serve", "sample-settings"}
"""Commands that work on this host alone."""
ARGUMENTS = {
    "show": ("shop",),
    "events": ("shop",),
    "operations": ("shop",),
    "owner": ("shop",),
    "operation": ("an-id",),
    "wait": ("an-id",),
    "cancel": ("an-id",),
    "retry": ("an-id",),
    "list": (),
    "audit": (),
    "capabilities": (),
}
FAULTS: list[GuestAgentError] = [
    OrderRefused(RefusalCode.NOT_FOUND, "there is none"),
    ServiceUnreachable("no answer"),
    StorageError("the store cannot be used"),
    CloudRefused("there is no such cloud"),
]


def get_verbs() -> dict[str, argparse.ArgumentParser]:
    return get_commands(get_commands(command_line.build_parser())["resources"])


def get_commands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    (commands,) = (each for each in parser._actions if isinstance(each, argparse._SubParsersAction))
    return dict(commands.choices)


VERBS = get_verbs()


def list_codes(verb: str) -> set[int]:
    return {int(code) for code in HELP_CODE.findall(VERBS[verb].epilog or "")}


@pytest.mark.parametrize("verb", VERBS)
def test_every_help_lists_success_and_its_own_codes(verb: str) -> None:
    codes = list_codes(verb)

    assert EXIT_OK in codes
    assert verb in UNCONNECTED or {2, 5, 8, 12, 13} <= codes
    has_wait = any("--wait" in action.option_strings for action in VERBS[verb]._actions)
    assert ({7, 14} <= codes) is (has_wait or verb == "wait") or verb == "audit"


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: type(fault).__name__)
@pytest.mark.parametrize("verb", ARGUMENTS)
def test_the_code_of_a_manager_that_fails_is_in_the_help(verb: str, fault: GuestAgentError) -> None:
    with connect_to_manager(fault):
        code = command_line.main(["resources", verb, *ARGUMENTS[verb]])

    assert code == fault.exit_code
    assert code in list_codes(verb)


def test_the_codes_of_what_is_shown_are_in_the_help(tmp_path: Path) -> None:
    file = tmp_path / "cluster.yaml"
    file.write_text("replicas: 1\n")
    commands = ResourceCommands()
    commands.make_cluster()
    commands.engine.findings = (
        AuditFinding(id="x", kind=FindingKind.ORPHAN, resource="server", cloud_id="7", is_cleanable=True),
    )
    commands.engine.problems = (PreflightFinding(RefusalCode.QUOTA, "volumes: 2 needed, 1 left"),)
    operation = commands.manager.operations("shop")[0]

    returned = {
        ("audit", commands.run("audit")),
        ("preflight", commands.run("preflight", "other", "-f", str(file))),
        ("operation", commands.run("operation", operation.id)),
    }

    assert returned == {("audit", 1), ("preflight", 5), ("operation", 0)}
    assert all(code in list_codes(verb) for verb, code in returned)


@pytest.mark.parametrize("state", [OperationState.RUNNING, OperationState.FAILED, OperationState.CANCELLED])
def test_the_code_of_a_shown_operation_is_in_the_help(state: OperationState) -> None:
    commands = ResourceCommands()
    commands.make_cluster()
    commands.run("renew-instance", "shop", "Slave0000", "--request-id", "renew")
    operation = commands.manager.operations("shop")[0]
    commands.write("shop", replace(operation, state=state))

    code = commands.run("operation", operation.id)

    assert code == (1 if state is OperationState.RUNNING else 14)
    assert code in list_codes("operation")
