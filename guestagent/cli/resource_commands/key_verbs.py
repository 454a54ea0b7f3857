"""`guestagent resources keys`, `add-key` and `drop-key`: the key file of a service on this host."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import TYPE_CHECKING

from guestagent.cli.options import add_json_option
from guestagent.cli.output import write_log_line
from guestagent.cli.resource_commands.exit_codes import LOCAL_CODES, format_exit_codes
from guestagent.cli.resources_settings import (
    add_settings_option,
    load_chosen_settings,
    require_resources_extra,
)
from guestagent.cli.wait import print_answer

if TYPE_CHECKING:
    from guestagent.resources.service.key_changes import KeyUse

RESTART_ADVICE = "copy it to every host of the service, back it up, and restart the service everywhere"


def register(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verbs to `resources`."""
    keys = verbs.add_parser(
        "keys",
        help="list the keys of a service on this host, and what needs them",
        description="List the keys in the service's key file, and the clusters that need each. The keys themselves are "
        "never shown.",
        epilog=format_exit_codes({0: "listed"}, LOCAL_CODES),
    )
    keys.set_defaults(run=run_keys)
    add = verbs.add_parser(
        "add-key",
        help="make a new key, from which new passwords and addresses are derived",
        description="Add a key to the service's key file. It is used by new clusters, and by those whose passwords are "
        "rotated afterwards. Whatever was derived from older keys stays valid.",
        epilog=format_exit_codes({0: "added"}, {**LOCAL_CODES, 8: "the key file cannot be used"}),
    )
    add.set_defaults(run=run_add_key)
    drop = verbs.add_parser(
        "drop-key",
        help="remove an old key that nothing needs any more",
        description="Remove a key from the service's key file for good. It is refused while a cluster needs the key, "
        "and while the service runs. All copies of the file have to be replaced, too.",
        epilog=format_exit_codes(
            {0: "removed"},
            {
                2: "invalid settings, or a key that is unknown, the newest, or still needed",
                8: "the store or the key file cannot be used, or the service runs",
            },
        ),
    )
    drop.add_argument("key", metavar="KEY", help="the id of the key, as `keys` lists it")
    drop.set_defaults(run=run_drop_key)
    for parser in (keys, add, drop):
        add_settings_option(parser)
        add_json_option(parser)


def run_keys(args: argparse.Namespace) -> int:
    """List the keys."""
    settings = load_chosen_settings(args)
    with require_resources_extra():
        from guestagent.resources.service.key_changes import list_key_uses, read_keys
        from guestagent.resources.service.store_owner import open_owned_store, read_all_clusters

    ring = read_keys(settings.guests.key_file)
    with open_owned_store(settings) as store:
        uses = list_key_uses(ring, read_all_clusters(store))
    text = "".join(f"{line}\n" for use in uses for line in _describe_use(use))
    return print_answer(args, {"keys": [asdict(use) for use in uses]}, text)


def run_add_key(args: argparse.Namespace) -> int:
    """Add a key."""
    settings = load_chosen_settings(args)
    with require_resources_extra():
        from guestagent.resources.service.key_changes import add_key

    path = settings.guests.key_file
    ring = add_key(path)
    write_log_line(f"{path} has a new key: {RESTART_ADVICE}; then rotate the passwords of each cluster")
    return print_answer(args, {"key": ring.newest}, f"{ring.newest}\n")


def run_drop_key(args: argparse.Namespace) -> int:
    """Drop a key."""
    settings = load_chosen_settings(args)
    with require_resources_extra():
        from guestagent.resources.service.key_changes import drop_key
        from guestagent.resources.service.store_owner import (
            open_owned_store,
            read_all_clusters,
            require_stopped_service,
        )

    path = settings.guests.key_file
    with open_owned_store(settings) as store:
        require_stopped_service(settings)
        drop_key(path, args.key, read_all_clusters(store))
    write_log_line(f"{path} has lost key {args.key}: {RESTART_ADVICE}, and destroy its older copies")
    return print_answer(args, {"key": args.key}, f"{args.key}\n")


def _describe_use(use: KeyUse) -> list[str]:
    newest = " (newest)" if use.is_newest else ""
    return [f"{use.key_id}{newest}", *(f"  {need}" for need in use.needs or ("needed by nothing",))]
