"""`guestagent cloud`: starts and stops the embedded cloud on this machine."""

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
from guestagent.errors import (
    EXIT_OK,
    InvalidInput,
    NotReady,
    Problem,
    UnsupportedEnvironment,
    build_missing_extra_error,
)

if TYPE_CHECKING:
    from guestagent.embedded.process.state_file import CloudOptions

STATE_FOLDER = Path("/var/lib/guestagent-cloud")
FORBIDDEN_PATH_CHARACTERS = frozenset(",:\\")
AUTH_TTL_LIMIT_MINUTES = 525600
NAME_LENGTH_LIMIT = 12  # the name is part of the bridge's name, and Linux limits the names of links


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands of this group."""
    group = commands.add_parser(
        "cloud",
        help="run an embedded OpenStack cloud on this machine, for learning and tests",
        description="Run an embedded cloud on this machine, for learning and tests: an imitation of Keystone, Heat and "
        "the parts of Nova, Cinder, Neutron and Glance that a cluster needs. Its servers are namespaces with real "
        "database servers. It is not for production.",
    )
    actions = group.add_subparsers(metavar="ACTION", required=True)
    _register_up(actions)
    down_parser = actions.add_parser("down", help="stop the cloud, and remove its guests, bridge and state")
    _add_common_options(down_parser)
    down_parser.add_argument(
        "--purge", action="store_true", help="also remove the guest image, which the next start would reuse"
    )
    down_parser.set_defaults(run=run_down)
    status_parser = actions.add_parser(
        "status", help="show stacks, servers, and API reads that would endanger a real stack"
    )
    _add_common_options(status_parser)
    status_parser.set_defaults(run=run_status)
    ssh_parser = actions.add_parser(
        "ssh",
        help="run a command or a shell in a guest (not SSH: it needs no network and no key)",
        description="Run a command or a shell in a guest. In spite of its name it does not use SSH: it enters the "
        "guest's namespaces, so it needs root on this machine, but neither a network nor a key. The exit code is that "
        "of the command.",
    )
    _add_common_options(ssh_parser)
    ssh_parser.add_argument("guest", metavar="GUEST", help="the guest's resource, server name, address or id")
    ssh_parser.add_argument("words", metavar="COMMAND", nargs="*", help="the command (default: a shell)")
    ssh_parser.set_defaults(run=run_ssh)


def _register_up(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = actions.add_parser("up", help="start the cloud if it is not running, and add it to clouds.yaml")
    _add_common_options(parser)
    parser.add_argument(
        "--subnet",
        type=parse_subnet,
        default="10.77.0.0/24",
        help="the guests' subnet, IPv4 or IPv6 (default: %(default)s)",
    )
    parser.add_argument(
        "--no-guests", action="store_true", help="do not boot guests; requires neither root nor namespaces"
    )
    parser.add_argument(
        "--foreground", action="store_true", help="run in the foreground until SIGTERM or Ctrl-C"
    )
    parser.add_argument(
        "--auth-ttl",
        type=build_positive_type(AUTH_TTL_LIMIT_MINUTES, "minutes"),
        default=15,
        metavar="MINUTES",
        help="lifetime of the URLs of wait condition handles (default: %(default)s)",
    )
    parser.add_argument(
        "--heat",
        choices=("fake", "real"),
        default="fake",
        help="the built-in imitation of Keystone and Heat, or the real ones (default: %(default)s)",
    )
    parser.add_argument(
        "--heat-release",
        type=build_integer_type(1, 1000, "(a release)"),
        metavar="N",
        help="with --heat real: the release of Heat, from PyPI (default: that of this machine's Debian)",
    )
    parser.add_argument(
        "--image",
        type=Path,
        metavar="TREE",
        help="boot the guests from the unpacked tree of an image, as containers with their own systemd (default: "
        "guests are namespaces of this machine)",
    )
    parser.set_defaults(run=run_up)


def run_up(args: argparse.Namespace) -> int:
    """Start the cloud, in the background unless --foreground is given."""
    client = _import_client()
    options = _build_options(args)
    state_path = str(options.state_folder)
    if set(state_path) & FORBIDDEN_PATH_CHARACTERS or not state_path.isprintable():
        expected = (
            "a path without comma, colon, backslash and control characters, which mount would interpret"
        )
        raise InvalidInput([Problem("--state", expected, repr(state_path))])
    check_image(options)
    if args.foreground:
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
        from guestagent.embedded.process.daemon import run_foreground

        run_foreground(options)
        return EXIT_OK
    state = client.start_cloud(options)
    _print_result(
        args,
        {
            "name": options.name,
            "auth_url": state.auth_url,
            "clouds_file": str(options.clouds_file),
            "pid": state.pid,
        },
        f"cloud {options.name} is up at {state.auth_url}; use it with OS_CLOUD={options.name}",
    )
    return EXIT_OK


def check_image(options: CloudOptions) -> None:
    """Raise InvalidInput if the cloud could not boot its image."""
    if options.image_tree is None:
        return
    if not options.guests:
        raise InvalidInput([Problem("--image", "nothing with --no-guests", str(options.image_tree))])
    from guestagent.embedded.containers import open_image_tree

    open_image_tree(options.image_tree)


def run_down(args: argparse.Namespace) -> int:
    """Stop the cloud, if it runs."""
    client, options = _import_client(), _build_options(args)
    was_up = client.stop_cloud(options, args.purge)
    _print_result(args, {"name": options.name, "was_up": was_up}, f"cloud {options.name} is down")
    return EXIT_OK


def run_status(args: argparse.Namespace) -> int:
    """Show the cloud. The exit code is 0 if it runs, and 1 if not."""
    client, options = _import_client(), _build_options(args)
    state = client.load_cloud_state(options)
    if state is None or not state.is_alive:
        _print_result(args, {"name": options.name, "up": False}, f"cloud {options.name} is not up")
        return NotReady.exit_code
    status = {
        "name": options.name,
        "up": True,
        "heat": state.heat,
        "auth_url": state.auth_url,
        **client.fetch_status(state),
    }
    _print_result(args, status, "\n".join(_format_status(status)))
    return EXIT_OK


def run_ssh(args: argparse.Namespace) -> int:
    """Replace this process by the command, so that its exit code is that of the command."""
    options = _build_options(args)
    command = _import_client().build_enter_command(options, args.guest, args.words or ["/bin/bash", "-l"])
    sys.stdout.flush()
    try:
        os.execvp(command[0], command)  # noqa: S606 - without a shell
    except OSError as error:
        raise UnsupportedEnvironment(f"cannot run {command[0]}: {error.strerror}") from error


def _format_status(status: dict[str, object]) -> list[str]:
    lines = [f"cloud {status['name']} is up at {status['auth_url']}"]
    for key, line_format in (
        ("stacks", "stack {name}  {status}  {reason}"),
        ("servers", "server {name}  {status}  {address}  {flavor}"),
        ("dangerous_reads", "unsafe read  {at}  {stack} ({status}): {read}"),
    ):
        rows = status.get(key)
        lines += [line_format.format(**row) for row in rows] if isinstance(rows, list) else []
    return lines


def _add_common_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--name", default="embedded", help="the cloud's name, also in clouds.yaml (default: %(default)s)"
    )
    parser.add_argument("--state", type=Path, help=f"the cloud's state folder (default: {STATE_FOLDER}/NAME)")
    parser.add_argument(
        "--clouds-file",
        type=Path,
        help="the clouds.yaml to which the cloud is added (default: the user's own)",
    )
    add_json_option(parser)


def _build_options(args: argparse.Namespace) -> CloudOptions:
    from guestagent.embedded.process import clouds_yaml
    from guestagent.embedded.process.state_file import CloudOptions

    if len(args.name) > NAME_LENGTH_LIMIT or not args.name.replace("-", "").isalnum():
        raise InvalidInput(
            [Problem("--name", f"up to {NAME_LENGTH_LIMIT} letters, digits and hyphens", repr(args.name))]
        )
    state_folder = args.state or STATE_FOLDER / args.name
    return CloudOptions(
        name=args.name,
        state_folder=state_folder.absolute(),
        clouds_file=(args.clouds_file or clouds_yaml.find_clouds_file()).absolute(),
        network=getattr(args, "subnet", IPv4Network("10.77.0.0/24")),
        guests=not getattr(args, "no_guests", False),
        auth_ttl=timedelta(minutes=getattr(args, "auth_ttl", 15)),
        heat=getattr(args, "heat", "fake"),
        heat_release=getattr(args, "heat_release", None),
        image_tree=image.absolute() if (image := getattr(args, "image", None)) else None,
    )


def _import_client() -> ModuleType:
    try:
        from guestagent.embedded.process import client
    except ImportError as error:
        raise build_missing_extra_error(str(error.name), "embedded") from error
    return client


def _print_result(args: argparse.Namespace, result: dict[str, object], text: str) -> None:
    sys.stdout.write((json.dumps(result, indent=2) if args.json else text) + "\n")
