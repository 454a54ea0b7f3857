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

from guestagent.cli.argument_types import build_integer_type, build_positive_type
from guestagent.cli.options import add_json_option
from guestagent.cli.subnet import parse_subnet
from guestagent.errors import InvalidInput, Problem, UnsupportedEnvironment

if TYPE_CHECKING:
    from guestagent.embedded.process.state_file import CloudOptions

STATE_FOLDER = Path("/var/lib/guestagent-cloud")
FORBIDDEN_PATH_CHARACTERS = frozenset(",:\\")
AUTH_TTL_LIMIT_MINUTES = 525600
NAME_LENGTH_LIMIT = 12  # the bridge is called after it, and a link's name is short


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands of this group."""
    group = commands.add_parser("cloud", help="a cloud on this one machine, to learn and to test on")
    actions = group.add_subparsers(metavar="ACTION", required=True)
    start = actions.add_parser("up", help="start it, or find that it runs; writes a clouds.yaml entry")
    _common(start)
    start.add_argument(
        "--subnet",
        type=parse_subnet,
        default="10.77.0.0/24",
        help="the guests' subnet, IPv4 or IPv6 (default %(default)s)",
    )
    start.add_argument(
        "--no-guests", action="store_true", help="boot nothing; needs neither root nor namespaces"
    )
    start.add_argument("--foreground", action="store_true", help="stay; SIGTERM or Ctrl-C ends it")
    start.add_argument(
        "--auth-ttl",
        type=build_positive_type(AUTH_TTL_LIMIT_MINUTES, "minutes"),
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
        type=build_integer_type(1, 1000, "a release"),
        metavar="N",
        help="a real Heat of this release, from PyPI (default: the one of this Debian's packages)",
    )
    start.set_defaults(run=run_up)
    end = actions.add_parser("down", help="end it and remove guests, bridge and state")
    _common(end)
    end.add_argument(
        "--purge", action="store_true", help="also what the next start would reuse: the guests' image"
    )
    end.set_defaults(run=run_down)
    shown = actions.add_parser("status", help="what runs, and reads that would endanger a real stack")
    _common(shown)
    shown.set_defaults(run=run_status)
    inside = actions.add_parser("ssh", help="a shell, or one command, in a guest; no network takes part")
    _common(inside)
    inside.add_argument("guest", metavar="GUEST", help="its resource, server name, address or id")
    inside.add_argument("words", metavar="COMMAND", nargs="*", help="what to run (default: a shell)")
    inside.set_defaults(run=run_ssh)


def run_up(args: argparse.Namespace) -> int:
    """Start the cloud, detached unless --foreground."""
    daemon = _daemon()
    options = _options(args)
    if (
        set(str(options.state_folder)) & FORBIDDEN_PATH_CHARACTERS
        or not str(options.state_folder).isprintable()
    ):
        wanted = "a path without a comma, colon, backslash or control character: mount reads those as its own"
        raise InvalidInput([Problem("--state", wanted, repr(str(options.state_folder)))])
    if args.foreground:
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
        daemon.run_foreground(options)
        return 0
    record = daemon.start_cloud(options)
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


def run_down(args: argparse.Namespace) -> int:
    """End the cloud; fine where there is none."""
    options = _options(args)
    was = _daemon().stop_cloud(options, args.purge)
    _say(args, {"name": options.name, "was_up": was}, f"cloud {options.name} is down")
    return 0


def run_status(args: argparse.Namespace) -> int:
    """Exit code 0 where it runs, 1 where it does not."""
    daemon, options = _daemon(), _options(args)
    record = daemon.load_cloud_state(options)
    if record is None or not record.is_alive:
        _say(args, {"name": options.name, "up": False}, f"cloud {options.name} is not up")
        return 1
    told = {
        "name": options.name,
        "up": True,
        "heat": record.heat,
        "auth_url": record.auth_url,
        **daemon.fetch_status(record),
    }
    _say(args, told, "\n".join(_lines(told)))
    return 0


def run_ssh(args: argparse.Namespace) -> int:
    """Becomes the command; its exit code is the answer."""
    words = _daemon().build_enter_command(_options(args), args.guest, args.words or ["/bin/bash", "-l"])
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
    parser.add_argument("--state", type=Path, help=f"its folder (default {STATE_FOLDER}/NAME)")
    parser.add_argument("--clouds-file", type=Path, help="the clouds.yaml to write its entry into")
    add_json_option(parser)


def _options(args: argparse.Namespace) -> CloudOptions:
    from guestagent.embedded.process import clouds_yaml
    from guestagent.embedded.process.state_file import CloudOptions

    if len(args.name) > NAME_LENGTH_LIMIT or not args.name.replace("-", "").isalnum():
        raise InvalidInput(
            [Problem("--name", f"up to {NAME_LENGTH_LIMIT} letters, digits and hyphens", repr(args.name))]
        )
    state = args.state or STATE_FOLDER / args.name
    return CloudOptions(
        name=args.name,
        state_folder=state.absolute(),
        clouds_file=(args.clouds_file or clouds_yaml.find_clouds_file()).absolute(),
        network=getattr(args, "subnet", IPv4Network("10.77.0.0/24")),
        guests=not getattr(args, "no_guests", False),
        auth_ttl=timedelta(minutes=getattr(args, "auth_ttl", 15)),
        heat=getattr(args, "heat", "fake"),
        heat_release=getattr(args, "heat_release", None),
    )


def _daemon() -> ModuleType:
    try:
        from guestagent.embedded.process import daemon
    except ImportError as error:
        raise UnsupportedEnvironment(f"install guestagent[embedded]: {error.name} is missing") from error
    return daemon


def _say(args: argparse.Namespace, told: dict[str, object], line: str) -> None:
    sys.stdout.write((json.dumps(told, indent=2) if args.json else line) + "\n")
