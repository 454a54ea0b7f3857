"""The common part of commands that change a stack: connect to the cloud, wait with progress, show the result."""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from guestagent.cli.error_report import report_interrupt
from guestagent.errors import EXIT_OK, GuestAgentError, InvalidInput, Problem, StackFailed

if TYPE_CHECKING:
    from guestagent.controller import Stack, Stacks, Tell, Work


def open_stacks(args: argparse.Namespace) -> Stacks:
    """Connect to the cloud that the options name."""
    from guestagent.controller import Stacks, connect, connect_hardware

    timeout = getattr(args, "timeout", None)
    if timeout is not None and not 0 < timeout < math.inf:
        raise InvalidInput([Problem("--timeout", "a number of seconds above 0", f"{timeout:g}")])
    heat = connect(args.os_cloud)
    return Stacks(heat, hardware=connect_hardware(heat))


def wait_for_work(args: argparse.Namespace, stacks: Stacks, work: Work) -> int:
    """Wait with progress and show the result, or return at once, depending on the options."""
    name = work.stack.name
    watch_command = f"guestagent cluster status {name} --watch{format_cloud_option(args)}"
    if args.wait:
        return run_and_show(
            args, stacks, name, lambda tell: stacks.wait(work, args.timeout, tell), watch_command
        )
    text = f"Heat has accepted the {work.action} of {name}. To follow it: {watch_command}\n"
    return print_answer(args, {"stack": name, "id": work.stack.id, "action": work.action}, text)


def run_and_show(
    args: argparse.Namespace, stacks: Stacks, name: str, act: Callable[[Tell], Stack], next_step: str
) -> int:
    """Act with progress, then show the cluster. An interruption never ends the stack: `go_on` is the next step."""
    from guestagent.cli.progress import build_status_document, format_status, show_progress

    try:
        with show_progress(name) as tell:
            stack = act(tell)
    except KeyboardInterrupt:
        return report_interrupt(f"interrupted; stack {name} goes on: {next_step}", args.json)
    except StackFailed:
        with suppress(GuestAgentError):  # the failure itself is raised, with or without its details
            sys.stderr.write(format_status(stacks.status(name)))
        raise
    if stack.status == "DELETE_COMPLETE":
        return print_answer(
            args, {"stack": name, "id": stack.id, "status": stack.status}, f"{name} is deleted\n"
        )
    status = stacks.status(name)
    return print_answer(args, build_status_document(status), format_status(status))


def format_cloud_option(args: argparse.Namespace) -> str:
    """Return the option with which another command uses the same cloud."""
    return f" --os-cloud {args.os_cloud}" if args.os_cloud else ""


def print_answer(args: argparse.Namespace, document: dict[str, object], text: str) -> int:
    """Print the answer for a program or for a person."""
    sys.stdout.write(format_json(document) if args.json else text)
    return EXIT_OK


def format_json(document: object) -> str:
    """Return a document as it is printed."""
    return json.dumps(document, indent=2) + "\n"
