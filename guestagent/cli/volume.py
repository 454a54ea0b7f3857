"""`guestagent volume`: what the units of volume and server execute, and a look at the volume's state."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from guestagent.cli import options
from guestagent.errors import VolumeError
from guestagent.text_escaping import escape_line

if TYPE_CHECKING:
    from guestagent.agent.settings import Settings
    from guestagent.volume import VolumeEnvironment, VolumeState


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands of this group."""
    group = commands.add_parser(
        "volume",
        help="mount and grow the data volume of this node, or show its state",
        description="The data volume of this node, which the server's metadata declare under guestagent_volume. The "
        "units guestagent-volume and guestagent-volume-grow run mount and grow, and those of the server run check.",
    )
    actions = group.add_subparsers(metavar="ACTION", required=True)
    mount = actions.add_parser(
        "mount",
        help="find, check and mount the volume; format it only if it is declared new and proved blank",
        description="Wait for the volume, check it, and mount its data directory in the place of the server's. A blank "
        "volume that is declared new is formatted, and the data directory of the root disk is copied to it. A node "
        "without a data volume is left as it is. Exit code 9 if the volume cannot be used; it is then left untouched, "
        "and the database server must not start.",
    )
    mount.set_defaults(run=run_mount)
    check = actions.add_parser(
        "check",
        help="check, before the database server starts, that its data directory is the volume's",
        description="Check that the data directory is that of the node's volume. The units of the database server run "
        "this before each start. Exit code 9 if the node has a volume that is not mounted there: the server must not "
        "start on the root disk. A node without a data volume passes.",
    )
    check.set_defaults(run=run_check)
    grow = actions.add_parser(
        "grow",
        help="grow the mounted file system to the size of its device (xfs; ext4 grows at the next mount)",
    )
    grow.set_defaults(run=run_grow)
    show = actions.add_parser(
        "show",
        help="show the state of the volume since the boot",
        description="Show which volume this node has, and its sizes in bytes. Exit code 9 if it is declared and not "
        "mounted.",
    )
    show.set_defaults(run=run_show)
    for parser in (mount, check, grow, show):
        options.add_json_option(parser)
        options.add_config_option(parser)


def run_mount(args: argparse.Namespace) -> int:
    """Mount the volume, and print its state."""
    from guestagent.agent.settings import load_settings
    from guestagent.volume import set_up_volume

    _print_state(set_up_volume(_build_environment(load_settings(args.config))), as_json=args.json)
    return 0


def run_check(args: argparse.Namespace) -> int:
    """Check the mount of the data directory. Print nothing in text: the unit of the server runs this at each start."""
    from guestagent.agent.settings import load_settings
    from guestagent.volume import check_server_start

    check_server_start(_build_environment(load_settings(args.config)).paths)
    if args.json:
        sys.stdout.write(json.dumps({"can_start": True}) + "\n")
    return 0


def run_grow(args: argparse.Namespace) -> int:
    """Grow the file system, and print the new state of the volume."""
    from guestagent.agent.settings import load_settings
    from guestagent.volume import grow_volume

    settings = load_settings(args.config)
    state = grow_volume(_build_environment(settings), settings.run_folder)
    _print_state(state, as_json=args.json)
    return VolumeError.exit_code if state.growth_error else 0


def run_show(args: argparse.Namespace) -> int:
    """Print the state of the last run of the unit."""
    from guestagent.agent.settings import load_settings
    from guestagent.errors import StorageError
    from guestagent.strict_json import UnreadableContent
    from guestagent.volume import VolumeResult, read_volume_state

    folder = load_settings(args.config).volume.run
    try:
        state = read_volume_state(folder)
    except UnreadableContent as error:
        raise StorageError(f"the state in {folder} cannot be read ({error})") from error
    if state is None:
        raise VolumeError(f"{folder} holds no state: guestagent-volume.service has not run since the boot")
    _print_state(state, as_json=args.json)
    return 0 if state.result in (VolumeResult.NONE, VolumeResult.MOUNTED) else VolumeError.exit_code


def _build_environment(settings: Settings) -> VolumeEnvironment:
    from guestagent.volume import VolumeEnvironment, VolumePaths

    volume = settings.volume
    paths = VolumePaths(
        root=volume.mount,
        data=volume.data,
        state=settings.state_folder,
        run=volume.run,
        cloud_init=volume.instance_data,
    )
    return VolumeEnvironment(paths, timeout_s=volume.timeout)


def _print_state(state: VolumeState, *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps(state.as_json(), indent=2) + "\n")
    else:
        sys.stdout.writelines(f"{escape_line(line)}\n" for line in _format_state(state))


def _format_state(state: VolumeState) -> Iterator[str]:
    declaration = state.declaration
    if declaration is None:
        yield f"data volume: {state.result}"
    else:
        volume = declaration.volume
        yield f"data volume {volume.id}: {state.result}"
        yield f"  declared     {volume.size_gib} GiB, {volume.file_system}{', new' if volume.is_new else ''}"
    if state.device:
        yield f"  device       {state.device}, {state.device_bytes} bytes"
        yield f"  file system  {state.file_system_bytes} bytes{', made at this boot' if state.is_formatted else ''}"
    if state.marker is not None:
        yield f"  marked       cluster {state.marker.cluster or '-'}, node {state.marker.node or '-'}"
    if state.growth_error:
        yield f"  not grown    {state.growth_error}"
    if state.reason:
        yield f"  reason       {state.reason}"
    if state.advice:
        yield f"               {state.advice}"
