"""`guestagent cloud`: the embedded cloud of this machine, up and down."""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from datetime import timedelta
from ipaddress import IPv4Network
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from guestagent.cli.numbers import number_above_zero, whole_number
from guestagent.cli.options import as_json
from guestagent.cli.subnet import subnet
from guestagent.errors import InvalidInput, Problem, UnsupportedEnvironment

if TYPE_CHECKING:
    from guestagent.embedded.record import Options

STATE = Path("/var/lib/guestagent-cloud")
UNMOUNTABLE = frozenset(",:\\")
YEAR_MINUTES = 525600
MOST_NAME = 12  # the bridge is called after it, and a link's name is short


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands of this group."""
    group = commands.add_parser("cloud", help="a cloud on this one machine, to learn and to test on")
    actions = group.add_subparsers(metavar="ACTION", required=True)
    start = actions.add_parser("up", help="start it, or find that it runs; writes a clouds.yaml entry")
    _common(start)
    start.add_argument(
        "--subnet", type=subnet, default="10.77.0.0/24", help="the guests' subnet, IPv4 or IPv6 (default %(default)s)"
    )
    start.add_argument(
        "--no-guests", action="store_true", help="boot nothing; needs neither root nor namespaces"
    )
    start.add_argument("--foreground", action="store_true", help="stay; SIGTERM or Ctrl-C ends it")
    start.add_argument(
        "--auth-ttl",
        type=number_above_zero(YEAR_MINUTES, "minutes"),
        default=15,
        metavar="MINUTES",
        help="life of handles' URLs (default %(default)s)",
    )
    start.add_argument(
        "--heat",
        choices=("fake", "real"),
        default="fake",
        help="an imitation, or Keystone and Heat themselves (default %(default)s)",
    )
    start.add_argument(
        "--heat-release",
        type=whole_number(1, 1000, "a release"),
        metavar="N",
        help="a real Heat of this release, from PyPI (default: the one of this Debian's packages)",
    )
    start.set_defaults(run=up)
    end = actions.add_parser("down", help="end it and remove guests, bridge and state")
    _common(end)
    end.add_argument(
        "--purge", action="store_true", help="also what the next start would reuse: the guests' image"
    )
    end.set_defaults(run=down)
    shown = actions.add_parser("status", help="what runs, and reads that would endanger a real stack")
    _common(shown)
    shown.set_defaults(run=status)
    inside = actions.add_parser("ssh", help="a shell, or one command, in a guest; no network takes part")
    _common(inside)
    inside.add_argument("guest", metavar="GUEST", help="its resource, server name, address or id")
    inside.add_argument("words", metavar="COMMAND", nargs="*", help="what to run (default: a shell)")
    inside.set_defaults(run=ssh)


def up(args: argparse.Namespace) -> int:
    """Start the cloud, detached unless --foreground."""
    daemon = _daemon()
    options = _options(args)
    if set(str(options.state)) & UNMOUNTABLE or not str(options.state).isprintable():
        wanted = "a path without a comma, colon, backslash or control character: mount reads those as its own"
        raise InvalidInput([Problem("--state", wanted, repr(str(options.state)))])
    if args.foreground:
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
        daemon.run(options)
        return 0
    record = daemon.up(options)
    _say(
        args,
        {
            "name": options.name,
            "auth_url": record.auth_url,
            "clouds_file": str(options.clouds_file),
            "pid": record.pid,
        },
        f"cloud {options.name} is up at {record.auth_url}; use it with OS_CLOUD={options.name}",
    )
    return 0


def down(args: argparse.Namespace) -> int:
    """End the cloud; fine where there is none."""
    options = _options(args)
    was = _daemon().down(options, args.purge)
    _say(args, {"name": options.name, "was_up": was}, f"cloud {options.name} is down")
    return 0


def status(args: argparse.Namespace) -> int:
    """Exit code 0 where it runs, 1 where it does not."""
    daemon, options = _daemon(), _options(args)
    record = daemon.find(options)
    if record is None or not record.alive:
        _say(args, {"name": options.name, "up": False}, f"cloud {options.name} is not up")
        return 1
    told = {"name": options.name, "up": True, "heat": record.heat, "auth_url": record.auth_url, **daemon.status(record)}
    _say(args, told, "\n".join(_lines(told)))
    return 0


def ssh(args: argparse.Namespace) -> int:
    """Becomes the command; its exit code is the answer."""
    words = _daemon().enter(_options(args), args.guest, args.words or ["/bin/bash", "-l"])
    sys.stdout.flush()
    try:
        os.execvp(words[0], words)  # noqa: S606 - no shell takes part
    except OSError as error:
        raise UnsupportedEnvironment(f"cannot run {words[0]}: {error.strerror}") from error


def _lines(told: dict[str, object]) -> list[str]:
    lines = [f"cloud {told['name']} is up at {told['auth_url']}"]
    for kind, shown in (
        ("stacks", "stack {name}  {status}  {reason}"),
        ("servers", "server {name}  {status}  {address}  {flavor}"),
        ("dangerous_reads", "dangerous read  {at}  {stack} ({status}): {read}"),
    ):
        rows = told.get(kind)
        lines += [shown.format(**row) for row in rows] if isinstance(rows, list) else []
    return lines


def _common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--name", default="embedded", help="its name, also in clouds.yaml (default %(default)s)"
    )
    parser.add_argument("--state", type=Path, help=f"its folder (default {STATE}/NAME)")
    parser.add_argument("--clouds-file", type=Path, help="the clouds.yaml to write its entry into")
    as_json(parser)


def _options(args: argparse.Namespace) -> Options:
    from guestagent.embedded import cloudsfile
    from guestagent.embedded.record import Options

    if len(args.name) > MOST_NAME or not args.name.replace("-", "").isalnum():
        raise InvalidInput(
            [Problem("--name", f"up to {MOST_NAME} letters, digits and hyphens", repr(args.name))]
        )
    state = args.state or STATE / args.name
    return Options(
        name=args.name,
        state=state.absolute(),
        clouds_file=(args.clouds_file or cloudsfile.default_path()).absolute(),
        network=getattr(args, "subnet", IPv4Network("10.77.0.0/24")),
        guests=not getattr(args, "no_guests", False),
        auth_ttl=timedelta(minutes=getattr(args, "auth_ttl", 15)),
        heat=getattr(args, "heat", "fake"),
        heat_release=getattr(args, "heat_release", None),
    )


def _daemon() -> ModuleType:
    try:
        from guestagent.embedded import daemon
    except ImportError as error:
        raise UnsupportedEnvironment(f"install guestagent[embedded]: {error.name} is missing") from error
    return daemon


def _say(args: argparse.Namespace, told: dict[str, object], line: str) -> None:
    sys.stdout.write((json.dumps(told, indent=2) if args.json else line) + "\n")
