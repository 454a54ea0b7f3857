"""What every verb does that has Heat do something: find the cloud, wait with progress, show what has become of it."""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from guestagent.cli.json_error import report_interrupt
from guestagent.errors import GuestAgentError, InvalidInput, Problem, StackFailed

if TYPE_CHECKING:
    from guestagent.controller import Stack, Stacks, Tell, Work

EXIT_OK = 0


def open_stacks(args: argparse.Namespace) -> Stacks:
    """The operations on the cloud that was named."""
    from guestagent.controller import Stacks, connect

    timeout = getattr(args, "timeout", None)
    if timeout is not None and not 0 < timeout < math.inf:
        raise InvalidInput([Problem("--timeout", "more than 0 seconds", f"{timeout:g}")])
    return Stacks(connect(args.os_cloud))


def wait_for_work(args: argparse.Namespace, stacks: Stacks, work: Work) -> int:
    """Wait with progress where that is wanted, then show what has become of it."""
    name = work.stack.name
    watching = f"guestagent cluster status {name} --watch{format_cloud_option(args)}"
    if args.wait:
        return run_and_show(args, stacks, name, lambda tell: stacks.wait(work, args.timeout, tell), watching)
    text = f"Heat has taken the {work.action} of {name}: {watching}\n"
    return print_answer(args, {"stack": name, "id": work.stack.id, "action": work.action}, text)


def run_and_show(
    args: argparse.Namespace, stacks: Stacks, name: str, act: Callable[[Tell], Stack], go_on: str
) -> int:
    """Act with progress, then show the cluster. Interrupting ends the waiting, never the stack: `go_on` says how."""
    from guestagent.cli.progress import build_status_document, format_status, show_progress

    try:
        with show_progress(name) as tell:
            ended = act(tell)
    except KeyboardInterrupt:
        return report_interrupt(f"interrupted; stack {name} goes on: {go_on}", args.json)
    except StackFailed:
        with suppress(GuestAgentError):  # the failure is what counts, whether or not its details can be had
            sys.stderr.write(format_status(stacks.status(name)))
        raise
    if ended.status == "DELETE_COMPLETE":
        return print_answer(
            args, {"stack": name, "id": ended.id, "status": ended.status}, f"{name} is deleted\n"
        )
    seen = stacks.status(name)
    return print_answer(args, build_status_document(seen), format_status(seen))


def format_cloud_option(args: argparse.Namespace) -> str:
    """What another command needs to find the same cloud."""
    return f" --os-cloud {args.os_cloud}" if args.os_cloud else ""


def print_answer(args: argparse.Namespace, document: dict[str, object], text: str) -> int:
    """Answer for a program, or for a person."""
    sys.stdout.write(format_json(document) if args.json else text)
    return EXIT_OK


def format_json(document: object) -> str:
    """A document as it is printed."""
    return json.dumps(document, indent=2) + "\n"
