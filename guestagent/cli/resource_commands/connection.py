"""Where the resource manager is: the options that say it, and the connection."""

from __future__ import annotations

import argparse
import getpass
import os
import shlex
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from guestagent.cli.input_file import read_input
from guestagent.cli.options import add_json_option
from guestagent.cli.output import write_log_line
from guestagent.cli.private_file import read_private_text
from guestagent.cli.resources_settings import (
    SETTINGS_VARIABLE,
    add_settings_option,
    load_chosen_settings,
    require_resources_extra,
)
from guestagent.errors import InvalidInput, InvalidSettings, Problem
from guestagent.resources.rpc.broker_settings import BrokerSettings, check_broker
from guestagent.secret import Secret

if TYPE_CHECKING:
    from guestagent.resources.interface import ResourceManager

URL_FORM = "rabbit://USER:PASSWORD@HOST:PORT/VHOST"
PEM_START = "-----BEGIN"
UNSERVED_NOTE = "no service runs on this store: an order is recorded, and carried out when the service starts"


def add_connection_options(parser: argparse.ArgumentParser) -> None:
    """Add --json, and the options that say where the manager is."""
    add_json_option(parser)
    place = parser.add_argument_group("where the service is")
    add_settings_option(place)
    place.add_argument(
        "--broker-url-file",
        type=Path,
        metavar="FILE",
        help=f"a file with the URL of the service's message broker, {URL_FORM}, that nobody else may read",
    )
    place.add_argument(
        "--broker-ca",
        type=Path,
        metavar="FILE",
        help="the CA of the broker's certificate (PEM); with it TLS is used",
    )
    place.add_argument(
        "--broker-quorum-queues",
        action="store_true",
        help="the service's settings have broker.quorum_queues",
    )


def format_connection_options(args: argparse.Namespace) -> str:
    """Return the options with which another command reaches the same manager."""
    options = {
        "--settings": args.settings,
        "--broker-url-file": args.broker_url_file,
        "--broker-ca": args.broker_ca,
    }
    texts = [f"{name} {shlex.quote(str(value))}" for name, value in options.items() if value is not None]
    texts += ["--broker-quorum-queues"] if args.broker_quorum_queues else []
    return "".join(f" {text}" for text in texts)


@contextmanager
def open_manager(args: argparse.Namespace) -> Iterator[ResourceManager]:
    """Connect to the manager that the options name: over a broker, or through the store of a service on this host."""
    if args.broker_url_file is None:
        with _open_local_manager(args) as manager:
            yield manager
        return
    if args.settings is not None:
        do = "--settings is for a service on this host, --broker-url-file for one anywhere"
        raise InvalidInput([Problem("--broker-url-file", "no --settings beside it", "both", do)])
    settings = read_broker_settings(args.broker_url_file, args.broker_ca, args.broker_quorum_queues)
    with require_resources_extra():
        from guestagent.resources.rpc.client import ResourceClient
        from guestagent.resources.rpc.messaging import MessageSender

    sender = MessageSender(settings, describe_caller())
    try:
        yield ResourceClient(sender)
    finally:
        sender.close()


@contextmanager
def _open_local_manager(args: argparse.Namespace) -> Iterator[ResourceManager]:
    with require_resources_extra():
        from guestagent.resources.service.assembly import open_local_manager
        from guestagent.resources.service.settings_file import DEFAULT_FILE
        from guestagent.resources.service.store_owner import is_unserved

    if args.broker_ca is not None or args.broker_quorum_queues:
        raise InvalidInput(
            [Problem("--broker-ca and --broker-quorum-queues", "--broker-url-file beside them", "none")]
        )
    if args.settings is None and SETTINGS_VARIABLE not in os.environ and not DEFAULT_FILE.exists():
        expected = "the file with the URL of the broker; or --settings of a service on this host"
        found = f"neither, and no {DEFAULT_FILE}"
        raise InvalidInput([Problem("--broker-url-file", expected, found)])
    settings = load_chosen_settings(args)
    with open_local_manager(settings) as manager:
        if is_unserved(settings):
            write_log_line(UNSERVED_NOTE)
        yield manager


def read_broker_settings(url_file: Path, authority: Path | None, quorum_queues: bool) -> BrokerSettings:
    """Read the broker's URL and check its CA. Raise InvalidInput, without the URL, if they cannot be used."""
    url = read_private_text(url_file).strip()
    settings = BrokerSettings(Secret(url), authority, quorum_queues)
    expected = f"one line with a URL, {URL_FORM}"
    if "://" not in url or len(url.split()) != 1:
        raise InvalidInput([Problem(str(url_file), expected, "no URL")])
    try:
        check_broker(settings)
    except InvalidSettings as error:
        problems = [Problem(str(url_file), expected, each.found, each.do) for each in error.problems]
        raise InvalidInput(problems) from None
    except ValueError:
        raise InvalidInput([Problem(str(url_file), expected, "a URL that cannot be parsed")]) from None
    if authority is not None and PEM_START not in read_input(str(authority))[0]:
        raise InvalidInput([Problem(str(authority), "a file with certificates in PEM", "none in it")])
    return settings


def describe_caller() -> str:
    """Return who is asking, for the service's log."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a user without a name
        user = "?"
    return f"{user}@{socket.gethostname()}"
