"""`guestagent resources rebuild`: a lost store from what the cloud shows."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING

from guestagent.cli.options import add_json_option
from guestagent.cli.output import write_log_line
from guestagent.cli.resource_commands.description_file import load_description
from guestagent.cli.resource_commands.exit_codes import format_exit_codes
from guestagent.cli.resources_settings import (
    add_settings_option,
    load_chosen_settings,
    require_resources_extra,
)
from guestagent.cli.wait import print_answer
from guestagent.errors import EXIT_OK, InvalidInput, NotReady, Problem

if TYPE_CHECKING:
    from guestagent.resources.rebuild.rebuilt_cluster import Rebuild, RebuiltCluster

DESCRIPTION = (
    "Rebuild the lost store of a service on this host. The marks in the project tell which clusters there are, and of "
    "what they consist. The command shows what it would write; with --apply it writes that into an empty store. "
    "Nothing in the cloud is changed, and the databases keep running. Afterwards each node proves itself again. The "
    "key file has to be that of the lost store, and the service must not run."
)


def register(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb to `resources`."""
    parser = verbs.add_parser(
        "rebuild",
        help="rebuild a lost store from what the cloud shows",
        description=DESCRIPTION,
        epilog=format_exit_codes(
            {
                0: "shown without problems, or written",
                1: "shown, and a cluster has problems: --apply would refuse it",
                2: "invalid input or settings, or something is open or contradicts itself; nothing was written",
                5: "the cloud does not answer, or rejected a request",
                8: "the store is not empty or cannot be used, the service runs, or the key file is missing",
            }
        ),
    )
    parser.add_argument(
        "--store-id",
        metavar="ID",
        help="the id of the lost store, which the marks in the project have; --apply needs it",
    )
    parser.add_argument(
        "--description",
        action="append",
        default=[],
        metavar="CLUSTER=FILE",
        help="the cluster.yaml that a cluster was created from: no mark has its settings for the databases. "
        "Can be given more than once",
    )
    parser.add_argument(
        "--leave-out",
        action="append",
        default=[],
        metavar="CLUSTER",
        help="do not write this cluster: its resources stay, unmanaged. Can be given more than once",
    )
    parser.add_argument("--apply", action="store_true", help="write the store; without this it is only shown")
    add_settings_option(parser)
    add_json_option(parser)
    parser.set_defaults(run=run_rebuild)


def run_rebuild(args: argparse.Namespace) -> int:
    """Show what a lost store held, or write it."""
    settings = load_chosen_settings(args)
    descriptions = dict(read_named_description(text) for text in args.description)
    with require_resources_extra():
        from guestagent.resources.service.store_rebuild import RebuildRequest, rebuild_store

    request = RebuildRequest(
        store_id=args.store_id, descriptions=descriptions, left_out=args.leave_out, is_applied=args.apply
    )
    rebuild = rebuild_store(settings, request)
    print_answer(
        args,
        dump_rebuild(rebuild, is_written=args.apply),
        "".join(f"{each}\n" for each in format_rebuild(rebuild)),
    )
    if args.apply:
        write_log_line("the store is written: start the service, and look at its clusters")
        return EXIT_OK
    write_log_line(f"nothing was written: --apply --store-id {rebuild.store_id} writes it")
    return NotReady.exit_code if any(each.problems for each in rebuild.clusters) else EXIT_OK


def read_named_description(text: str) -> tuple[str, dict[str, object]]:
    """Read the file of CLUSTER=FILE. Raise InvalidInput if it is something else."""
    name, separator, path = text.partition("=")
    if not name or not separator or not path:
        raise InvalidInput([Problem("--description", "CLUSTER=FILE", text)])
    return name, load_description(path)


def format_rebuild(rebuild: Rebuild) -> Iterator[str]:
    """Yield the lines for a person."""
    yield f"store {rebuild.store_id}"
    for each in rebuild.clusters:
        yield f"{each.cluster.name} ({each.cluster.engine}, {each.cluster.id})"
        yield from (f"  {line}" for line in each.lines)
        yield from (f"  note: {note}" for note in each.notes)
        yield from (f"  problem: {problem}" for problem in each.problems)
    yield from (f"note: {note}" for note in rebuild.notes)


def dump_rebuild(rebuild: Rebuild, *, is_written: bool) -> dict[str, object]:
    """Return the document for a program."""
    return {
        "store": rebuild.store_id,
        "written": is_written,
        "clusters": [_dump_cluster(each) for each in rebuild.clusters],
        "notes": list(rebuild.notes),
    }


def _dump_cluster(each: RebuiltCluster) -> dict[str, object]:
    return {
        "name": each.cluster.name,
        "id": each.cluster.id,
        "engine": each.cluster.engine,
        "resources": list(each.lines),
        "notes": list(each.notes),
        "problems": list(each.problems),
    }
