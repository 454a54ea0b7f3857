"""How `guestagent resources` waits for an operation, and what it says of the end."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from guestagent.cli.resource_commands.wait import SILENCE_LIMIT_S, OperationWait, check_success
from guestagent.errors import DeadlineExceeded, OperationFailed, OrderRefused, ServiceUnreachable
from guestagent.resources.operation import Operation, OperationState, OrderRefusal, RefusalCode
from guestagent.resources.orders import RenewInstance
from guestagent.retry import FakeClock
from tests.support.orders import build_order
from tests.support.resource_commands import ResourceCommands, WorkedManager, build_operation

SILENT = ServiceUnreachable("resource manager: no answer in time")
RENEW = ("renew-instance", "shop", "Slave0000", "--request-id", "renew")


@pytest.fixture
def commands() -> ResourceCommands:
    commands = ResourceCommands()
    commands.make_cluster()
    return commands


def give_order(commands: ResourceCommands) -> Operation:
    return commands.manager.submit(build_order(RenewInstance, request_id="renew", instance="Slave0000"))


def wait(manager: WorkedManager, operation: Operation, **settings: float) -> tuple[Operation, list[str]]:
    """Wait with a clock that jumps. Return the operation and the lines that a person has read."""
    lines: list[str] = []
    policy = OperationWait(
        clock=FakeClock(),
        show=lambda each: lines.append(str(each.state)),
        note=lines.append,
        **settings,  # type: ignore[arg-type]
    )
    return policy.wait(manager, operation), lines


def test_an_order_with_wait_ends_when_it_is_done(
    commands: ResourceCommands, capsys: pytest.CaptureFixture[str]
) -> None:
    code = commands.run(*RENEW, "--wait")

    printed, reported = capsys.readouterr()
    assert code == 0
    assert ": renew_instance of shop is done\n" in printed
    states = [line.split("  ")[-1] for line in reported.splitlines()]
    assert states == ["accepted", "done"]


def test_without_wait_it_is_accepted_and_the_next_command_is_shown(
    commands: ResourceCommands, capsys: pytest.CaptureFixture[str]
) -> None:
    code = commands.run(*RENEW)

    [operation, _] = commands.manager.operations("shop")
    assert (code, operation.state) == (0, OperationState.ACCEPTED)
    assert f"To follow it: guestagent resources wait {operation.id}\n" in capsys.readouterr().out


def test_an_order_behind_others_names_them(
    commands: ResourceCommands, capsys: pytest.CaptureFixture[str]
) -> None:
    give_order(commands)
    commands.run("resize-volume", "shop", "Slave0000", "--size", "20", "--request-id", "grow")
    capsys.readouterr()

    commands.run("restart-instance", "shop", "Slave0000", "--request-id", "restart")

    expected = "carried out before it: renew_instance (accepted), resize_volume (accepted)\n"
    assert capsys.readouterr().err == expected


def test_an_order_behind_one_that_needs_a_person_tells_how_to_end_that_one(
    commands: ResourceCommands, capsys: pytest.CaptureFixture[str]
) -> None:
    first = give_order(commands)
    commands.write("shop", replace(first, state=OperationState.RUNNING, attention="the quota is used up"))

    commands.run("delete", "shop", "--volumes", "keep", "--yes", "--request-id", "delete")

    expected = (
        f"carried out before it: renew_instance (running, needs a person: retry or cancel {first.id})\n"
    )
    assert capsys.readouterr().err == expected


def test_a_service_that_is_away_for_a_moment_is_asked_again(commands: ResourceCommands) -> None:
    operation = give_order(commands)
    commands.manager.silences = [SILENT, OrderRefused(RefusalCode.BUSY, "the store is locked")]

    operation, lines = wait(commands.manager, operation)

    assert operation.state is OperationState.DONE
    assert lines == ["accepted", f"{SILENT}: asking again", "the store is locked: asking again", "done"]


def test_a_service_that_stays_away_ends_the_waiting(commands: ResourceCommands) -> None:
    operation = give_order(commands)
    commands.manager.silences = [SILENT] * int(SILENCE_LIMIT_S)

    with pytest.raises(ServiceUnreachable):
        wait(commands.manager, operation)

    assert commands.manager.silences != []


def test_a_refusal_that_stays_is_not_asked_again(commands: ResourceCommands) -> None:
    operation = give_order(commands)
    commands.manager.silences = [OrderRefused(RefusalCode.NOT_FOUND, "there is no operation")]

    with pytest.raises(OrderRefused, match="there is no operation"):
        wait(commands.manager, operation)


def test_the_end_of_the_timeout_leaves_the_operation_alone(commands: ResourceCommands) -> None:
    commands.engine.ends_operations = False
    operation = give_order(commands)
    clock = FakeClock()
    policy = OperationWait(clock=clock, show=lambda _: clock.sleep(10), note=lambda _: None, timeout_s=60)

    with pytest.raises(DeadlineExceeded, match=r"is running after 60 s, and goes on"):
        policy.wait(commands.manager, operation)

    assert commands.manager.operation(operation.id).state is OperationState.RUNNING


def test_an_operation_that_needs_a_person_ends_the_waiting(
    commands: ResourceCommands, capsys: pytest.CaptureFixture[str]
) -> None:
    operation = give_order(commands)
    running = replace(operation, state=OperationState.RUNNING, attention="the volume is in status error")
    commands.write("shop", running)

    code = commands.run("wait", operation.id, "--json")

    printed = capsys.readouterr()
    error = json.loads(printed.out)["error"]
    assert (code, error["code"], error["operation"]["state"]) == (14, "attention", "running")
    assert "renew_instance of shop needs a person" in printed.err


def test_after_a_retry_the_old_attention_does_not_end_the_waiting(commands: ResourceCommands) -> None:
    operation = give_order(commands)
    commands.write(
        "shop", replace(operation, state=OperationState.RUNNING, attention="the volume is in status error")
    )

    code = commands.run("retry", operation.id, "--wait")

    assert (code, commands.manager.operation(operation.id).state) == (0, OperationState.DONE)


def test_ctrl_c_ends_the_waiting_and_not_the_operation(
    commands: ResourceCommands, capsys: pytest.CaptureFixture[str]
) -> None:
    operation = give_order(commands)
    commands.manager.silences = [KeyboardInterrupt()]

    code = commands.run("wait", operation.id)

    assert code == 130
    assert capsys.readouterr().err.splitlines()[-1] == (
        f"guestagent: interrupted; operation {operation.id} goes on; to follow it: "
        f"guestagent resources wait {operation.id}"
    )
    assert commands.manager.operation(operation.id).state is OperationState.ACCEPTED


def test_ctrl_c_while_an_order_is_sent_names_the_id_to_repeat_it_with(
    commands: ResourceCommands, capsys: pytest.CaptureFixture[str]
) -> None:
    commands.manager.after_submit = KeyboardInterrupt()

    code = commands.run(*RENEW)

    assert code == 130
    assert "interrupted; the order may have been accepted" in capsys.readouterr().err


def test_a_cancelled_operation_is_what_cancel_asked_for(commands: ResourceCommands) -> None:
    operation = give_order(commands)

    assert commands.run("cancel", operation.id, "--wait") == 0
    assert commands.run("wait", operation.id) == 14
    assert commands.run("operation", operation.id) == 14


@pytest.mark.parametrize(
    ("verb", "state", "note"),
    [
        ("cancel", OperationState.RUNNING, "It ends at its next step."),
        ("cancel", OperationState.DONE, "It had ended before: nothing was cancelled."),
        ("retry", OperationState.FAILED, "It has ended, and does not change: give a new order."),
        ("retry", OperationState.DONE, "It has ended, and does not change: give a new order."),
        ("retry", OperationState.RUNNING, "It needs no retry: it goes on by itself, and is left as it is."),
        ("retry", OperationState.ACCEPTED, "It needs no retry: it goes on by itself, and is left as it is."),
    ],
)
def test_what_becomes_of_an_operation_is_said(
    verb: str,
    state: OperationState,
    note: str,
    commands: ResourceCommands,
    capsys: pytest.CaptureFixture[str],
) -> None:
    operation = give_order(commands)
    commands.write("shop", replace(operation, state=state))

    code = commands.run(verb, operation.id)

    assert code == 0
    assert note in capsys.readouterr().out.splitlines()


@pytest.mark.parametrize(("state", "code"), [(OperationState.DONE, 0), (OperationState.FAILED, 14)])
def test_a_retry_with_wait_of_what_has_ended_is_a_wait_with_a_word(
    state: OperationState, code: int, commands: ResourceCommands, capsys: pytest.CaptureFixture[str]
) -> None:
    operation = give_order(commands)
    commands.write("shop", replace(operation, state=state))

    assert commands.run("retry", operation.id, "--wait") == code
    assert "It has ended, and does not change: give a new order." in capsys.readouterr().err.splitlines()


def test_a_retry_of_what_needs_a_person_is_followed(
    commands: ResourceCommands, capsys: pytest.CaptureFixture[str]
) -> None:
    operation = give_order(commands)
    commands.write("shop", replace(operation, state=OperationState.RUNNING, attention="the quota is used up"))

    commands.run("retry", operation.id)

    printed = capsys.readouterr().out
    assert "It is tried again at its next step; until then it shows what stopped it.\n" in printed
    assert f"To follow it: guestagent resources wait {operation.id}\n" in printed


FAILURES = [
    (
        build_operation(
            OperationState.FAILED, refusal=OrderRefusal(RefusalCode.NO_CAPACITY, "no valid host was found")
        ),
        "no_capacity",
        "renew_instance of shop failed (operation an-id): no_capacity: no valid host was found",
    ),
    (build_operation(OperationState.FAILED), "broken", "renew_instance of shop failed (operation an-id)"),
    (
        build_operation(OperationState.CANCELLED),
        "cancelled",
        "renew_instance of shop was cancelled (operation an-id)",
    ),
    (
        build_operation(attention="look at the volume"),
        "attention",
        "renew_instance of shop needs a person (operation an-id): look at the volume",
    ),
]


@pytest.mark.parametrize(("operation", "code", "message"), FAILURES, ids=[case[1] for case in FAILURES])
def test_an_order_that_was_not_carried_out_says_why(operation: Operation, code: str, message: str) -> None:
    with pytest.raises(OperationFailed) as caught:
        check_success(operation)

    assert (caught.value.code, str(caught.value)) == (code, message)
