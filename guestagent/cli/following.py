"""What every verb does that has Heat do something: find the cloud, wait with progress, show what has become of it."""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from guestagent.cli.error_answer import report_interrupted
from guestagent.errors import GuestAgentError, InvalidInput, Problem, StackFailed

if TYPE_CHECKING:
    from guestagent.controller import Stack, Stacks, Tell, Work

FINE = 0


def stacks_of(args: argparse.Namespace) -> Stacks:
    """The operations on the cloud that was named."""
    from guestagent.controller import Stacks, connect

    timeout = getattr(args, "timeout", None)
    if timeout is not None and not 0 < timeout < math.inf:
        raise InvalidInput([Problem("--timeout", "more than 0 seconds", f"{timeout:g}")])
    return Stacks(connect(args.os_cloud))


def follow(args: argparse.Namespace, stacks: Stacks, work: Work) -> int:
    """Wait with progress where that is wanted, then show what has become of it."""
    name = work.stack.name
    watching = f"guestagent cluster status {name} --watch{of_cloud(args)}"
    if args.wait:
        return shown(args, stacks, name, lambda tell: stacks.wait(work, args.timeout, tell), watching)
    text = f"Heat has taken the {work.action} of {name}: {watching}\n"
    return say(args, {"stack": name, "id": work.stack.id, "action": work.action}, text)


def shown(
    args: argparse.Namespace, stacks: Stacks, name: str, act: Callable[[Tell], Stack], go_on: str
) -> int:
    """Act with progress, then show the cluster. Interrupting ends the waiting, never the stack: `go_on` says how."""
    from guestagent.cli.progress import as_document, as_table, progress

    try:
        with progress(name) as tell:
            ended = act(tell)
    except KeyboardInterrupt:
        return report_interrupted(f"interrupted; stack {name} goes on: {go_on}", args.json)
    except StackFailed:
        with suppress(GuestAgentError):  # the failure is what counts, whether or not its details can be had
            sys.stderr.write(as_table(stacks.status(name)))
        raise
    if ended.status == "DELETE_COMPLETE":
        return say(args, {"stack": name, "id": ended.id, "status": ended.status}, f"{name} is deleted\n")
    seen = stacks.status(name)
    return say(args, as_document(seen), as_table(seen))


def of_cloud(args: argparse.Namespace) -> str:
    """What another command needs to find the same cloud."""
    return f" --os-cloud {args.os_cloud}" if args.os_cloud else ""


def say(args: argparse.Namespace, document: dict[str, object], text: str) -> int:
    """Answer for a program, or for a person."""
    sys.stdout.write(in_json(document) if args.json else text)
    return FINE


def in_json(document: object) -> str:
    """A document as it is printed."""
    return json.dumps(document, indent=2) + "\n"
