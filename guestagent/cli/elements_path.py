"""`guestagent elements-path`: where diskimage-builder finds the elements."""

from __future__ import annotations

import argparse
import json

from guestagent.cli import options
from guestagent.shipped import shipped


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "elements-path",
        help="print where the diskimage-builder elements are",
        description='Print the folder of the elements, as in ELEMENTS_PATH="$(guestagent elements-path)" '
        "disk-image-create -o db vm debian-minimal guestagent-mariadb.",
    )
    options.as_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the path."""
    path = str(shipped("elements"))
    print(json.dumps({"elements_path": path}) if args.json else path)
    return 0
