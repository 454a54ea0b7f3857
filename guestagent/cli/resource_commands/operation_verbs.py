"""The verbs of `guestagent resources` that concern operations; and how a command waits for one."""

from __future__ import annotations

import argparse
import math
from contextlib import suppress

from guestagent.cli.error_report import report_interrupt
from guestagent.cli.options import add_timeout_option
from guestagent.cli.output import write_log_line
from guestagent.cli.resource_commands import connection
from guestagent.cli.resource_commands.exit_codes import WAIT_CODES, format_manager_codes
from guestagent.cli.resource_commands.progress import open_display
from guestagent.cli.resource_commands.tables import describe_queue, format_operation, format_operations
from guestagent.cli.resource_commands.wait import OperationWait, check_success
from guestagent.cli.wait import print_answer
from guestagent.errors import (
    EXIT_OK,
    DeadlineExceeded,
    InvalidInput,
    NotReady,
    OperationFailed,
    OrderRefused,
    Problem,
    ServiceUnreachable,
)
from guestagent.resources.interface import WAIT_LIMIT_S, ResourceManager
from guestagent.resources.operation import Operation, OperationState
from guestagent.resources.operation_document import dump_operation
from guestagent.retry import SystemClock

TIMEOUT_HELP = "wait at most so long; the operation goes on (default: until it has ended)"


def register(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add these verbs to `resources`."""
    _register_operation(verbs)
    _register_operations(verbs)
    _register_wait(verbs)
    _register_cancel(verbs)
    _register_retry(verbs)


def add_wait_options(parser: argparse.ArgumentParser) -> None:
    """Add --wait and --timeout, for the verbs after which an operation goes on."""
    parser.add_argument(
        "--wait", action="store_true", help="wait until the operation has ended, with progress"
    )
    add_timeout_option(parser, f"with --wait: {TIMEOUT_HELP}")


def _register_operation(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser(
        "operation",
        help="show one operation",
        description="Show an operation: its state, its step, what it waits for, and why it failed.",
        epilog=format_manager_codes(
            {0: "done", 1: "it goes on", 14: "it failed, was cancelled or needs a person"}
        ),
    )
    _add_id(parser)
    connection.add_connection_options(parser)
    parser.set_defaults(run=run_operation)


def _register_operations(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser(
        "operations",
        help="list the operations of a cluster, the newest first",
        description="List the operations of a cluster, the newest first. They stay when the cluster is deleted.",
        epilog=format_manager_codes({0: "listed"}),
    )
    parser.add_argument("cluster", metavar="CLUSTER", help="the cluster's name")
    connection.add_connection_options(parser)
    parser.set_defaults(run=run_operations)


def _register_wait(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser(
        "wait",
        help="wait until an operation has ended",
        description="Wait until an operation has ended, with progress. Ctrl-C ends the waiting, not the "
        "operation.",
        epilog=format_manager_codes(
            {
                0: "done",
                7: "the timeout is over, and the operation goes on",
                14: "it failed, was cancelled or needs a person",
            }
        ),
    )
    _add_id(parser)
    add_timeout_option(parser, TIMEOUT_HELP)
    connection.add_connection_options(parser)
    parser.set_defaults(run=run_wait, wait=True)


def _register_cancel(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser(
        "cancel",
        help="end an operation at its next step",
        description="Ask for the end of an operation at its next step. What it has made of a new cluster is deleted "
        "again, and a migration that is not confirmed is reverted; without Heat also an instance that is being added, "
        "and a resize. Everything else that is done stays. An operation that has ended does not change.",
        epilog=format_manager_codes(
            {0: "noted, or it had ended before; with --wait: cancelled or done"},
            {**WAIT_CODES, 14: "with --wait: the operation failed or needs a person"},
        ),
    )
    _add_id(parser)
    add_wait_options(parser)
    connection.add_connection_options(parser)
    parser.set_defaults(run=run_cancel)


def _register_retry(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser(
        "retry",
        help="let an operation go on that needed attention",
        description="Let an operation go on that needed attention, after its cause is gone. One that has ended or "
        "goes on by itself is left as it is, which the answer shows. After an end give a new order.",
        epilog=format_manager_codes(
            {0: "noted, or nothing is to be done; with --wait: done"},
            WAIT_CODES,
        ),
    )
    _add_id(parser)
    add_wait_options(parser)
    connection.add_connection_options(parser)
    parser.set_defaults(run=run_retry)


def _add_id(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("operation", metavar="ID", help="the operation's id")


def run_operation(args: argparse.Namespace) -> int:
    """Show an operation."""
    with connection.open_manager(args) as manager:
        operation = manager.operation(args.operation)
    print_answer(args, dump_operation(operation), format_operation(operation))
    if operation.state is OperationState.DONE:
        return EXIT_OK
    is_over = operation.state.is_final or operation.attention
    return OperationFailed.exit_code if is_over else NotReady.exit_code


def run_operations(args: argparse.Namespace) -> int:
    """List the operations of a cluster."""
    with connection.open_manager(args) as manager:
        operations = manager.operations(args.cluster)
    text = format_operations(operations) or f"there are no operations of {args.cluster}\n"
    document: dict[str, object] = {"operations": [dump_operation(each) for each in operations]}
    return print_answer(args, document, text)


def run_wait(args: argparse.Namespace) -> int:
    """Wait for an operation."""
    check_timeout(args)
    with connection.open_manager(args) as manager:
        return finish_operation(args, manager, manager.operation(args.operation))


def run_cancel(args: argparse.Namespace) -> int:
    """Ask for the end of an operation."""
    check_timeout(args)
    with connection.open_manager(args) as manager:
        operation = manager.cancel(args.operation)
        if not args.wait:
            return show_accepted(args, manager, operation, _describe_cancelling(operation.state))
        try:
            return finish_operation(args, manager, operation)
        except OperationFailed as error:
            if error.code != OperationState.CANCELLED:
                raise
            return print_answer(args, dict(error.operation), f"{error}\n")


def run_retry(args: argparse.Namespace) -> int:
    """Let an operation go on."""
    check_timeout(args)
    with connection.open_manager(args) as manager:
        operation = manager.retry(args.operation)
        note = _describe_retry(operation)
        if not args.wait:
            return show_accepted(args, manager, operation, note)
        if note:
            write_log_line(note)
        return finish_operation(args, manager, operation, ignored_sequence=operation.sequence)


def _describe_retry(operation: Operation) -> str:
    if operation.needs_person:
        return "It is tried again at its next step; until then it shows what stopped it."
    if operation.state.is_final:
        return "It has ended, and does not change: give a new order."
    return "It needs no retry: it goes on by itself, and is left as it is."


def _describe_cancelling(state: OperationState) -> str:
    if not state.is_final:
        return "It ends at its next step."
    return "" if state is OperationState.CANCELLED else "It had ended before: nothing was cancelled."


def check_timeout(args: argparse.Namespace) -> None:
    """Raise InvalidInput unless --timeout makes sense."""
    if args.timeout is None:
        return
    if not 0 < args.timeout < math.inf:
        raise InvalidInput([Problem("--timeout", "a number of seconds above 0", f"{args.timeout:g}")])
    if not args.wait:
        raise InvalidInput([Problem("--timeout", "--wait beside it", "none")])


def show_accepted(
    args: argparse.Namespace, manager: ResourceManager, operation: Operation, note: str = ""
) -> int:
    """Show an operation, a note on what becomes of it, and how to follow it while it goes on."""
    _report_queue(manager, operation)
    text = format_operation(operation) + (note and f"{note}\n")
    if not operation.state.is_final:
        text += f"To follow it: {_format_wait_command(args, operation)}\n"
    return print_answer(args, dump_operation(operation), text)


def _report_queue(manager: ResourceManager, operation: Operation) -> None:
    """Write to standard error what a new operation waits for. Without an answer nothing is written."""
    if operation.state is not OperationState.ACCEPTED:
        return
    with suppress(OrderRefused, ServiceUnreachable):
        if queue := describe_queue(manager.operations(operation.cluster), operation):
            write_log_line(queue)


def finish_operation(
    args: argparse.Namespace, manager: ResourceManager, operation: Operation, ignored_sequence: int = 0
) -> int:
    """Wait for the end with progress, and show it. An interruption never ends the operation."""
    follow = f"to follow it: {_format_wait_command(args, operation)}"
    try:
        _report_queue(manager, operation)
        with open_display(lambda: manager.instances(operation.cluster)) as display:
            wait = OperationWait(
                clock=SystemClock(),
                show=display.show,
                note=display.note,
                timeout_s=math.inf if args.timeout is None else args.timeout,
                call_s=WAIT_LIMIT_S if display.call_s is None else display.call_s,
                ignored_sequence=ignored_sequence,
            )
            operation = wait.wait(manager, operation)
    except KeyboardInterrupt:
        return report_interrupt(f"interrupted; operation {operation.id} goes on; {follow}", args.json)
    except DeadlineExceeded as error:
        raise DeadlineExceeded(f"{error}; {follow}") from error
    check_success(operation)
    return print_answer(args, dump_operation(operation), format_operation(operation))


def _format_wait_command(args: argparse.Namespace, operation: Operation) -> str:
    return f"guestagent resources wait {operation.id}{connection.format_connection_options(args)}"
