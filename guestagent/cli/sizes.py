"""The command of guestagent-sizes.service, which runs at boot before the database server: sizes."""

from __future__ import annotations

import argparse
import sys

from guestagent.cli import options

DESCRIPTION = (
    "Add the sizes for this machine (buffer pool, redo log, connections) to the image's option file, before the"
    " database server starts for the first time. The agent would otherwise change them while the server runs, which"
    " takes seconds. An option file that has sizes stays as it is, and so does that of a server with data."
    " guestagent-sizes.service runs it at boot."
)


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "sizes", help="write sizes for this machine before the server's first start (run at boot)",
        description=DESCRIPTION,
    )  # fmt: skip
    options.add_config_option(parser)
    parser.set_defaults(run=run_sizes)


def run_sizes(args: argparse.Namespace) -> int:
    """Add the sizes to the option file, and print its path."""
    from guestagent.agent.server_sizes.host import measure_host
    from guestagent.agent.server_sizes.initial_option_file import prepare_option_files
    from guestagent.agent.settings import load_settings

    settings = load_settings(args.config)
    if settings.option_file is not None:
        sys.stdout.write("no change: the settings name an option file, which is not the image's\n")
        return 0
    paths = prepare_option_files(
        settings.volume.data, lambda folder: measure_host(folder, settings.memory_mb)
    )
    for path in paths:
        sys.stdout.write(f"sizes for this machine added to {path}\n")
    if not paths:
        sys.stdout.write(
            "no change: no server is about to start for the first time with the image's option file\n"
        )
    return 0
